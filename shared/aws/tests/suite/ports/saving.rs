//! Writing offboardings: on condition of what was read, together with what depends on it.

use std::sync::Arc;

use podio_lifecycle::{
    offboarding::{Offboarding, PersonClaim, Removing, State},
    ports::{Created, SaveError},
};

use super::{Store, accepted, at, at_once, called_off, leaver, planned_for, user};

fn found(offboarding: &Offboarding, id: u64) -> Offboarding {
    let state = State::Removing(Removing { plan: planned_for(user(id)), release: false });
    Offboarding { state, updated_at: at(60), ..offboarding.clone() }
}

fn cancelled(offboarding: &Offboarding) -> Offboarding {
    Offboarding { state: called_off(), ..offboarding.clone() }
}

pub async fn who_read_an_old_revision_is_turned_away(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let found = found(&jane, 7);
    assert_eq!(store.save(0, &found, PersonClaim::Keep, None).await, Ok(()));

    let stored = store.load(&jane.id).await.unwrap().unwrap();
    assert_eq!(stored, Offboarding { revision: 1, ..found });

    let late = store.save(0, &cancelled(&jane), PersonClaim::Keep, None).await;
    assert_eq!(late, Err(SaveError::Conflict));
    let late = store.save(0, &cancelled(&jane), PersonClaim::Release, None).await;
    assert_eq!(late, Err(SaveError::Conflict));
    assert_eq!(store.load(&jane.id).await.unwrap().unwrap().revision, 1);
    let nobody = leaver("nobody@example.com", 0);
    assert_eq!(store.save(0, &nobody, PersonClaim::Keep, None).await, Err(SaveError::Conflict));
}

pub async fn of_many_writers_one_wins(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let answers = at_once(&store, 12, move |store, n| {
        let changed = found(&jane, n);
        async move { store.save(0, &changed, PersonClaim::Keep, None).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.iter().filter(|answer| answer.is_err()).all(|answer| *answer == Err(SaveError::Conflict)));
}

pub async fn a_person_who_was_let_go_can_be_accepted_again(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    store.save(0, &cancelled(&jane), PersonClaim::Release, None).await.unwrap();

    accepted(&*store, leaver("jane@example.com", 5)).await;
}

pub async fn letting_go_leaves_the_claim_of_another_alone(store: Arc<impl Store>) {
    let first = accepted(&*store, leaver("jane@example.com", 0)).await;
    store.save(0, &cancelled(&first), PersonClaim::Release, None).await.unwrap();
    let second = accepted(&*store, leaver("jane@example.com", 5)).await;

    assert_eq!(store.save(1, &cancelled(&first), PersonClaim::Release, None).await, Ok(()));

    let third = leaver("jane@example.com", 6);
    assert_eq!(store.create(&third, None).await, Ok(Created::AlreadyRunning(second.id)));
}

pub async fn two_names_of_one_person_meet_when_both_are_found(store: Arc<impl Store>) {
    let by_mail = accepted(&*store, leaver("jane@example.com", 0)).await;
    let by_other_mail = accepted(&*store, leaver("j.doe@example.com", 1)).await;
    assert_eq!(store.save(0, &found(&by_mail, 7), PersonClaim::Take, None).await, Ok(()));

    let second = store.save(0, &found(&by_other_mail, 7), PersonClaim::Take, None).await;

    assert_eq!(second, Err(SaveError::PersonTaken(by_mail.id.clone())));
    assert_eq!(store.load(&by_other_mail.id).await, Ok(Some(by_other_mail)), "nothing of it is stored");
    let again = store.save(1, &found(&by_mail, 7), PersonClaim::Take, None).await;
    assert_eq!(again, Ok(()), "its own claim stands in nobody's own way");
}

pub async fn a_claim_left_behind_stops_nobody(store: Arc<impl Store>) {
    let by_mail = accepted(&*store, leaver("jane@example.com", 0)).await;
    let by_other_mail = accepted(&*store, leaver("j.doe@example.com", 1)).await;
    store.save(0, &found(&by_mail, 7), PersonClaim::Take, None).await.unwrap();
    store.save(1, &cancelled(&by_mail), PersonClaim::Keep, None).await.unwrap();

    assert_eq!(store.save(0, &found(&by_other_mail, 7), PersonClaim::Take, None).await, Ok(()));

    assert_eq!(store.save(2, &cancelled(&found(&by_mail, 7)), PersonClaim::Release, None).await, Ok(()));
    let third = found(&accepted(&*store, leaver("jane@example.com", 2)).await, 7);
    let taken = store.save(0, &third, PersonClaim::Take, None).await;
    assert_eq!(taken, Err(SaveError::PersonTaken(by_other_mail.id)), "it belongs to the one who took it over");
}
