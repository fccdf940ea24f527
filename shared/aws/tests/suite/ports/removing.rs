//! Space removals: one item each, written on condition of what was read.

use std::sync::Arc;

use podio_lifecycle::{
    ids::SpaceId,
    offboarding::PersonClaim,
    ports::SaveError,
    removal::{Company, RemovalState, SpaceKey, SpaceRemoval, Wait},
    work::Priority,
};

use super::{Store, accepted, at, at_once, leaver, plan, removal};

fn stored(removal: &SpaceRemoval) -> SpaceRemoval {
    SpaceRemoval { revision: removal.revision + 1, ..removal.clone() }
}

pub async fn a_plan_is_stored_in_order_and_only_once(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let john = accepted(&*store, leaver("john@example.com", 0)).await;
    let mut spaces = plan(&jane, 123);
    spaces.reverse();
    store.save_spaces(&spaces).await.unwrap();
    spaces.reverse();
    let expected: Vec<_> = spaces.iter().map(stored).collect();
    assert_eq!(store.spaces(&jane.id, 1).await, Ok(expected.clone()));
    assert_eq!(store.spaces(&jane.id, 2).await, Ok(vec![]));
    assert_eq!(store.spaces(&john.id, 1).await, Ok(vec![]));
    assert_eq!(store.space(&spaces[12].key).await, Ok(Some(expected[12].clone())));
    let nowhere = SpaceKey { space: SpaceId(999), ..spaces[0].key.clone() };
    assert_eq!(store.space(&nowhere).await, Ok(None));
    assert_eq!(store.save_spaces(&spaces[..3]).await, Err(SaveError::Conflict), "another worker was faster");
    assert_eq!(store.spaces(&jane.id, 1).await, Ok(expected));
}

pub async fn a_removal_comes_back_as_it_was_stored(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let wait = Wait {
        priority: Priority::Interactive,
        place: at(1),
        since: at(2),
        not_before: Some(at(3)),
        faulted_at: Some(at(4)),
    };
    let full = SpaceRemoval {
        name: Some("Space 5".to_owned()),
        company: Company::OthersWithoutAdmin,
        round: 3,
        before: Some(RemovalState::AlreadyGone),
        times_gone: 2,
        alone: true,
        uncertain: true,
        faults: 4,
        faulted_since: Some(at(5)),
        wait: Some(wait),
        ..removal(&jane, 5)
    };
    store.save_space(&full).await.unwrap();
    assert_eq!(store.space(&full.key).await, Ok(Some(stored(&full))));

    let bare = SpaceRemoval { revision: 1, ..removal(&jane, 5) };
    store.save_space(&bare).await.unwrap();
    assert_eq!(store.space(&bare.key).await, Ok(Some(stored(&bare))), "nothing is left of what it was");

    let mut last = stored(&bare);
    let states = [RemovalState::Unchecked, RemovalState::NotAMember, RemovalState::LeftToOrgRemoval];
    let company = [Company::Hidden, Company::Implied, Company::Alone];
    for (state, company) in states.into_iter().zip(company) {
        last = SpaceRemoval { state, company, settled_at: state.is_settled().then(|| at(9)), ..last };
        store.save_space(&last).await.unwrap();
        last = stored(&last);
        assert_eq!(store.space(&last.key).await, Ok(Some(last.clone())));
    }
}

pub async fn a_removal_is_written_on_condition_of_what_was_read(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let pending = removal(&jane, 5);
    store.save_space(&pending).await.unwrap();
    assert_eq!(store.save_space(&pending).await, Err(SaveError::Conflict));
    let settled = stored(&pending).settled(RemovalState::Removed, at(5));
    store.save_space(&settled).await.unwrap();
    let late = stored(&pending).settled(RemovalState::AlreadyGone, at(6));
    assert_eq!(store.save_space(&late).await, Err(SaveError::Conflict));
    assert_eq!(store.space(&pending.key).await, Ok(Some(stored(&settled))));
    let missing = SpaceRemoval { revision: 3, ..removal(&jane, 6) };
    assert_eq!(store.save_space(&missing).await, Err(SaveError::Conflict), "what is gone does not come back");
    assert_eq!(store.space(&missing.key).await, Ok(None));
}

pub async fn of_many_who_write_a_removal_one_does(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let pending = removal(&jane, 5);
    store.save_space(&pending).await.unwrap();
    let answers = at_once(&store, 12, move |store, n| {
        let settled = stored(&pending).settled(RemovalState::Removed, at(i64::try_from(n).unwrap()));
        async move { store.save_space(&settled).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.iter().filter(|answer| answer.is_err()).all(|answer| *answer == Err(SaveError::Conflict)));
}

pub async fn removals_that_wait_are_found_by_their_space(store: Arc<impl Store>) {
    let mut keys = Vec::new();
    for (n, mail) in [(0, "a@example.com"), (1, "b@example.com"), (2, "c@example.com")] {
        let offboarding = accepted(&*store, leaver(mail, n)).await;
        let waits = removal(&offboarding, 5).waiting_since(at(9), Priority::Removal, at(n));
        let not_yet = removal(&offboarding, 6);
        let elsewhere = removal(&offboarding, 55).waiting_since(at(9), Priority::Removal, at(n));
        store.save_spaces(&[waits.clone(), not_yet, elsewhere]).await.unwrap();
        keys.push(waits);
    }
    let found = async |space, at_most| {
        let mut found = store.waiting_in(SpaceId(space), at_most).await.unwrap();
        found.sort();
        found
    };
    let mut expected: Vec<_> = keys.iter().map(|removal| removal.key.clone()).collect();
    expected.sort();
    assert_eq!(found(5, 50).await, expected);
    assert_eq!(found(5, 2).await.len(), 2);
    assert_eq!(found(6, 50).await, [], "written down, and not in the work table");
    assert_eq!(found(7, 50).await, []);

    let settled = stored(&keys[0]).settled(RemovalState::Removed, at(10));
    store.save_space(&settled).await.unwrap();
    assert_eq!(found(5, 50).await.len(), 2, "the others still wait");
    assert!(!found(5, 50).await.contains(&settled.key));
    let pending = store.ready(at(10), None, 50).await.unwrap();
    assert!(pending.iter().all(|job| job.job != settled.key.job()));
}

pub async fn a_space_is_settled_together_with_its_offboarding(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let pending = removal(&jane, 5).waiting_since(at(1), Priority::Removal, at(0));
    store.save_space(&pending).await.unwrap();
    let settled = stored(&pending).settled(RemovalState::Removed, at(5));

    let overtaken = store.save(7, &jane, PersonClaim::Keep, Some(&settled)).await;
    assert_eq!(overtaken, Err(SaveError::Conflict));
    assert_eq!(store.space(&pending.key).await, Ok(Some(stored(&pending))), "both or neither");

    assert_eq!(store.save(0, &jane, PersonClaim::Keep, Some(&settled)).await, Ok(()));
    assert_eq!(store.space(&pending.key).await, Ok(Some(stored(&settled))));
    let again = store.save(1, &jane, PersonClaim::Keep, Some(&settled)).await;
    assert_eq!(again, Err(SaveError::Conflict), "with the right revision, too");
    assert_eq!(store.load(&jane.id).await.unwrap().unwrap().revision, 1);
}

pub async fn of_many_who_count_a_space_one_does(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let pending = removal(&jane, 5);
    store.save_space(&pending).await.unwrap();
    let answers = at_once(&store, 8, move |store, _| {
        let settled = stored(&pending).settled(RemovalState::Removed, at(5));
        let jane = jane.clone();
        async move {
            let expected = store.load(&jane.id).await.unwrap().unwrap().revision;
            store.save(expected, &jane, PersonClaim::Take, Some(&settled)).await
        }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
}
