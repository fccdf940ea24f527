//! Accepting requests: durable, once, and nobody twice at a time.

use std::sync::Arc;

use jiff::SignedDuration;
use podio_lifecycle::{
    offboarding::{Offboarding, PersonClaim},
    ports::{Created, Joined, SaveError},
};

use super::{Store, accepted, at, at_once, key, leaver, rehearsed, removed, user};

pub async fn what_was_accepted_can_be_read_back(store: Arc<impl Store>) {
    let jane = leaver("jane@example.com", 0);
    assert_eq!(store.load(&jane.id).await, Ok(None));

    assert_eq!(store.create(&jane, Some(&key("a", "body"))).await, Ok(Created::New));

    assert_eq!(store.load(&jane.id).await, Ok(Some(jane)));
}

pub async fn the_same_request_again_gives_the_same_offboarding(store: Arc<impl Store>) {
    let jane = leaver("jane@example.com", 0);
    store.create(&jane, Some(&key("a", "body"))).await.unwrap();

    let again = leaver("jane@example.com", 9);
    assert_eq!(store.create(&again, Some(&key("a", "body"))).await, Ok(Created::Repeated(jane.id)));
    assert_eq!(store.load(&again.id).await, Ok(None), "nothing of the repetition is stored");
}

pub async fn a_key_with_another_body_is_refused(store: Arc<impl Store>) {
    store.create(&leaver("jane@example.com", 0), Some(&key("a", "body"))).await.unwrap();

    let john = leaver("john@example.com", 1);
    assert_eq!(store.create(&john, Some(&key("a", "another body"))).await, Ok(Created::KeyReused));
    assert_eq!(store.load(&john.id).await, Ok(None));

    assert_eq!(store.create(&john, Some(&key("b", "another body"))).await, Ok(Created::New), "the key was at fault");
}

pub async fn an_expired_key_counts_as_new(store: Arc<impl Store>) {
    store.create(&leaver("jane@example.com", 0), Some(&key("a", "body"))).await.unwrap();

    let day = SignedDuration::from_hours(24).as_secs();
    let late = key("a", "another body");
    let soon = leaver("john@example.com", day - 1);
    assert_eq!(store.create(&soon, Some(&late)).await, Ok(Created::KeyReused));
    let john = leaver("john@example.com", day);
    assert_eq!(store.create(&john, Some(&late)).await, Ok(Created::New), "though nobody has swept it away yet");
}

pub async fn a_person_who_is_leaving_already_is_not_accepted_again(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;

    let again = leaver("jane@example.com", 5);
    let answer = store.create(&again, Some(&key("a", "body"))).await;
    assert_eq!(answer, Ok(Created::AlreadyRunning(jane.id.clone())));
    assert_eq!(store.load(&again.id).await, Ok(None));

    let repeated = leaver("jane@example.com", 6);
    let answer = store.create(&repeated, Some(&key("a", "body"))).await;
    assert_eq!(answer, Ok(Created::AlreadyRunning(jane.id)), "the key is stored with the effect of its request");
}

fn moved(offboarding: &Offboarding) -> Offboarding {
    Offboarding { updated_at: at(60), ..offboarding.clone() }
}

pub async fn a_second_request_is_stored_with_its_key(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let changed = moved(&jane);
    let first = key("a", "body");
    assert_eq!(store.join(&jane, Some(&changed), Some(&first), at(5)).await, Ok(Joined::Done));
    let stored = store.load(&jane.id).await.unwrap().unwrap();
    assert_eq!(stored, Offboarding { revision: 1, ..changed });

    let repeated = Ok(Joined::Repeated(jane.id.clone()));
    assert_eq!(store.join(&stored, Some(&moved(&stored)), Some(&first), at(6)).await, repeated);
    assert_eq!(
        store.join(&jane, Some(&moved(&jane)), Some(&first), at(6)).await,
        repeated,
        "even by who read an old one"
    );
    assert_eq!(store.join(&stored, None, Some(&key("a", "another body")), at(6)).await, Ok(Joined::KeyReused));
    let again = store.create(&leaver("jane@example.com", 7), Some(&first)).await;
    assert_eq!(again, Ok(Created::Repeated(jane.id.clone())));
    assert_eq!(store.load(&jane.id).await.unwrap().unwrap().revision, 1);
}

pub async fn a_second_request_that_read_an_old_revision_leaves_nothing(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    store.join(&jane, Some(&moved(&jane)), None, at(5)).await.unwrap();
    let late = store.join(&jane, Some(&moved(&jane)), Some(&key("a", "body")), at(6)).await;
    assert_eq!(late, Err(SaveError::Conflict));
    let late = store.join(&jane, Some(&moved(&jane)), None, at(6)).await;
    assert_eq!(late, Err(SaveError::Conflict));
    let stored = store.load(&jane.id).await.unwrap().unwrap();
    assert_eq!(store.join(&stored, None, Some(&key("a", "body")), at(7)).await, Ok(Joined::Done), "the key is free");
    assert_eq!(store.join(&stored, None, None, at(7)).await, Ok(Joined::Done));
}

pub async fn of_many_second_requests_at_once_each_has_its_effect_or_none(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let running = jane.clone();
    let answers = at_once(&store, 12, move |store, n| {
        let running = running.clone();
        async move { store.join(&running, Some(&moved(&running)), Some(&key(&format!("key {n}"), "body")), at(5)).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(Joined::Done)).count(), 1, "{answers:?}");
    assert_eq!(store.load(&jane.id).await.unwrap().unwrap().revision, 1);
}

pub async fn a_dry_run_claims_nobody(store: Arc<impl Store>) {
    accepted(&*store, rehearsed(leaver("jane@example.com", 0))).await;
    accepted(&*store, leaver("jane@example.com", 1)).await;
    accepted(&*store, rehearsed(leaver("jane@example.com", 2))).await;
}

pub async fn a_claim_that_was_left_behind_is_taken_over(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let done = Offboarding { state: removed(user(7)), ..jane };
    store.save(0, &done, PersonClaim::Keep, None).await.unwrap();

    let again = accepted(&*store, leaver("jane@example.com", 5)).await;

    let third = leaver("jane@example.com", 6);
    assert_eq!(store.create(&third, None).await, Ok(Created::AlreadyRunning(again.id)));
}

pub async fn of_many_requests_for_one_person_at_once_one_is_accepted(store: Arc<impl Store>) {
    let answers = at_once(&store, 12, async |store, n| {
        let jane = leaver("jane@example.com", i64::try_from(n).unwrap());
        (jane.id.clone(), store.create(&jane, Some(&key(&format!("key {n}"), "body"))).await.unwrap())
    })
    .await;

    let new: Vec<_> = answers.iter().filter(|(_, created)| *created == Created::New).map(|(id, _)| id).collect();
    assert_eq!(new.len(), 1, "{answers:?}");
    let others = answers.iter().filter(|(_, created)| *created != Created::New);
    for (_, created) in others {
        assert_eq!(*created, Created::AlreadyRunning(new[0].clone()));
    }
    assert_eq!(
        store.list(&podio_lifecycle::offboarding::Filter::default(), 50, None).await.unwrap().offboardings.len(),
        1,
        "nothing is half stored"
    );
}

pub async fn of_many_repetitions_at_once_one_is_accepted(store: Arc<impl Store>) {
    let answers = at_once(&store, 12, async |store, n| {
        let jane = leaver("jane@example.com", i64::try_from(n).unwrap());
        (jane.id.clone(), store.create(&jane, Some(&key("one key", "body"))).await.unwrap())
    })
    .await;

    let new: Vec<_> = answers.iter().filter(|(_, created)| *created == Created::New).map(|(id, _)| id).collect();
    assert_eq!(new.len(), 1, "{answers:?}");
    for (_, created) in answers.iter().filter(|(_, created)| *created != Created::New) {
        assert_eq!(*created, Created::Repeated(new[0].clone()));
    }
    assert_eq!(store.count_accepted(at(0), &leaver("last@example.com", 99).id, 50).await, Ok(1));
}
