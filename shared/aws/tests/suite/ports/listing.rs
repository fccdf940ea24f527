//! Listing offboardings and counting them.

use std::sync::Arc;

use podio_lifecycle::{
    ids::OffboardingId,
    offboarding::{Offboarding, State},
};

use super::{Store, accepted, at, leaver, rehearsed};

async fn accept_many(store: &impl Store, number: i64) -> Vec<OffboardingId> {
    let mut ids = Vec::new();
    for n in 0..number {
        let one = leaver(&format!("leaver{n}@example.com"), n);
        let state = if n % 4 == 0 { State::Cancelled { duplicate_of: None } } else { State::Planning };
        ids.push(accepted(store, Offboarding { state, ..one }).await.id);
    }
    ids.reverse();
    ids
}

async fn walk(store: &impl Store, state: Option<&str>, limit: usize) -> Vec<OffboardingId> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = store.list(state, limit, cursor.as_ref()).await.unwrap();
        assert!(page.offboardings.len() <= limit);
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
    let page = store.list(None, 20, None).await.unwrap();
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
