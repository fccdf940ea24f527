//! Listing offboardings and counting them.

use std::sync::Arc;

use podio_lifecycle::{
    ids::{OffboardingId, UserId},
    offboarding::{End, Filter, Leaver, Offboarding, Person, PersonClaim, Removing, State},
};

use super::{Store, accepted, at, called_off, leaver, planned_for, rehearsed};

async fn accept_many(store: &impl Store, number: i64) -> Vec<OffboardingId> {
    let mut ids = Vec::new();
    for n in 0..number {
        let one = leaver(&format!("leaver{n}@example.com"), n);
        let state = if n % 4 == 0 { called_off() } else { one.state.clone() };
        ids.push(accepted(store, Offboarding { state, ..one }).await.id);
    }
    ids.reverse();
    ids
}

async fn walk(store: &impl Store, state: Option<&str>, limit: usize) -> Vec<OffboardingId> {
    walk_by(store, &state.map(Filter::in_state).unwrap_or_default(), limit).await
}

async fn walk_by(store: &impl Store, filter: &Filter, limit: usize) -> Vec<OffboardingId> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = store.list(filter, limit, cursor.as_ref()).await.unwrap();
        assert!(page.offboardings.len() <= limit);
        assert_eq!(page.unreadable, []);
        found.extend(page.offboardings.into_iter().map(|offboarding| offboarding.id));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return found,
        }
    }
}

pub async fn pages_follow_each_other_newest_first(store: Arc<impl Store>) {
    assert_eq!(walk(&*store, None, 5).await, []);
    let ids = accept_many(&*store, 20).await;
    for limit in [1, 3, 10, 19, 20, 21, 100] {
        assert_eq!(walk(&*store, None, limit).await, ids, "{limit} to a page");
    }
    let page = store.list(&Filter::default(), 20, None).await.unwrap();
    assert_eq!(page.next, None, "a page that holds the rest is the last");
}

pub async fn a_state_can_be_asked_for(store: Arc<impl Store>) {
    accept_many(&*store, 20).await;
    for limit in [1, 2, 5, 100] {
        assert_eq!(walk(&*store, Some("cancelled"), limit).await.len(), 5, "{limit} to a page");
        assert_eq!(walk(&*store, Some("planning"), limit).await.len(), 15, "{limit} to a page");
    }
    assert_eq!(walk(&*store, Some("held"), 5).await, []);
}

pub async fn what_is_asked_for_is_found_behind_a_thousand_newer_ones(store: Arc<impl Store>) {
    let old = accepted(&*store, Offboarding { state: called_off(), ..leaver("old@example.com", 0) }).await;
    for n in 1..=1_010 {
        accepted(&*store, leaver(&format!("leaver{n}@example.com"), n)).await;
    }
    let by_email = Filter { email: Some("Old@Example.com".parse().unwrap()), ..Filter::default() };
    for filter in [Filter::in_state("cancelled"), by_email] {
        let page = store.list(&filter, 20, None).await.unwrap();
        assert_eq!(page.offboardings, std::slice::from_ref(&old), "{filter:?}");
        assert_eq!(page.next, None);
    }
    let many = store.list(&Filter::in_state("planning"), 100, None).await.unwrap();
    assert_eq!((many.offboardings.len(), many.next.is_some()), (100, true));
}

pub async fn a_state_is_the_one_that_was_stored_last(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let cancelled = Offboarding { state: called_off(), ..jane.clone() };
    store.save(0, &cancelled, PersonClaim::Release, None).await.unwrap();
    assert_eq!(walk(&*store, Some("planning"), 5).await, []);
    assert_eq!(walk(&*store, Some("cancelled"), 5).await, [jane.id]);
}

pub async fn a_person_is_found_by_each_of_their_names(store: Arc<impl Store>) {
    let mut by_mail = accepted(&*store, leaver("jane@example.com", 0)).await;
    let mut by_id = leaver("another@example.com", 5);
    by_id.request.person = Person::User(UserId(8));
    let by_id = accepted(&*store, by_id).await;
    let mut rehearsal = accepted(&*store, rehearsed(leaver("j.doe@example.com", 9))).await;
    let email = |mail: &str| Filter { email: Some(mail.parse().unwrap()), ..Filter::default() };
    let user = |id| Filter { user: Some(UserId(id)), ..Filter::default() };
    assert_eq!(walk_by(&*store, &email("JANE@example.com"), 5).await, std::slice::from_ref(&by_mail.id));
    assert_eq!(walk_by(&*store, &user(8), 5).await, std::slice::from_ref(&by_id.id));
    assert_eq!(walk_by(&*store, &user(7), 5).await, []);

    // Podio tells who it is, and that it is one person.
    let found = Leaver { user_id: UserId(7), email: Some("jane.doe@example.com".parse().unwrap()), name: None };
    by_mail.state = State::Removing(Removing { plan: planned_for(found.clone()), release: false });
    store.save(0, &by_mail, PersonClaim::Take, None).await.unwrap();
    let end = End::Planned { plan: planned_for(found), would_hold: Vec::new() };
    rehearsal.state = State::Completed { at: at(60), end, closing: None };
    store.save(0, &rehearsal, PersonClaim::Release, None).await.unwrap();
    let both = [rehearsal.id.clone(), by_mail.id.clone()];
    for limit in [1, 2, 5] {
        assert_eq!(walk_by(&*store, &user(7), limit).await, both, "{limit} to a page");
        assert_eq!(walk_by(&*store, &email("jane.doe@example.com"), limit).await, both);
    }
    assert_eq!(walk_by(&*store, &email("jane@example.com"), 5).await, std::slice::from_ref(&by_mail.id));
    let completed = Filter { state: Some("completed".to_owned()), ..user(7) };
    assert_eq!(walk_by(&*store, &completed, 5).await, std::slice::from_ref(&rehearsal.id));
    let contradiction = Filter { user: Some(UserId(8)), ..email("jane@example.com") };
    assert_eq!(walk_by(&*store, &contradiction, 5).await, []);
}

pub async fn leavers_of_an_hour_are_counted_without_dry_runs(store: Arc<impl Store>) {
    for n in 0..10 {
        let one = leaver(&format!("leaver{n}@example.com"), n * 10);
        accepted(&*store, if n % 5 == 1 { rehearsed(one) } else { one }).await;
    }
    let until = leaver("leaver9@example.com", 90).id;
    let counted = async |since, at_most| store.count_accepted(at(since), &until, at_most).await.unwrap();
    assert_eq!(counted(0, 100).await, 7, "nine before the last one, two of them dry runs");
    assert_eq!(counted(70, 100).await, 2);
    assert_eq!(counted(0, 3).await, 3, "and no further than asked");
    assert_eq!(counted(0, 0).await, 0);
    assert_eq!(counted(500, 100).await, 0);
}
