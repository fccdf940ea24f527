//! Calls, records, seals and keys.

use std::sync::Arc;

use podio_lifecycle::{
    evidence::{CallRecord, Journal, SigningKey, StoredSeal, calls::judged},
    ids::OffboardingId,
    offboarding::PersonClaim,
    ports::{RecordCalls, SaveError},
};

use super::{Store, accepted, at, at_once, leaver, removed, user};

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32]).unwrap()
}

fn journal(store: Arc<impl Store>) -> Journal {
    Journal::new(store, key(), None)
}

fn call(second: i64, path: &str) -> CallRecord {
    CallRecord {
        at: at(second),
        answered_at: at(second),
        method: "DELETE".into(),
        path: path.into(),
        status: Some(204),
        request_id: None,
    }
}

/// Whether what is stored of the calls is what was recorded.
async fn is_whole(store: &impl Store, id: &OffboardingId) -> bool {
    let (calls, statement) = store.recorded(id).await.unwrap();
    judged(id, &calls, statement.as_deref(), &store.keys().await.unwrap()).is_ok()
}

pub async fn calls_are_chained_in_the_order_of_recording(store: Arc<impl Store>) {
    let (jane, john) = (leaver("jane@example.com", 0), leaver("john@example.com", 0));
    let journal = journal(store.clone());
    assert_eq!(store.calls(&jane.id).await, Ok(vec![]));
    assert_eq!(store.count_calls(&jane.id).await, Ok(0));
    let calls = [call(9, "/space/0"), call(3, "/space/1"), call(10, "/space/2")];
    for call in &calls {
        journal.record(&jane.id, call).await.unwrap();
    }
    journal.record(&john.id, &call(1, "/space/9")).await.unwrap();
    assert_eq!(store.calls(&jane.id).await.unwrap(), calls);
    assert_eq!(store.count_calls(&jane.id).await, Ok(3));
    assert_eq!(store.count_calls(&john.id).await, Ok(1));
    assert!(is_whole(&*store, &jane.id).await && is_whole(&*store, &john.id).await);
}

pub async fn many_workers_record_side_by_side_without_a_gap(store: Arc<impl Store>) {
    let jane = leaver("jane@example.com", 0).id;
    let written = at_once(&store, 8, |store, n| {
        let jane = jane.clone();
        async move { journal(store).record(&jane, &call(1, &format!("/space/{n}"))).await }
    });
    assert!(written.await.into_iter().all(|written| written.is_ok()));
    assert_eq!(store.count_calls(&jane).await, Ok(8));
    assert!(is_whole(&*store, &jane).await);
}

pub async fn call_behind_an_altered_statement_says_so(store: Arc<impl Store>) {
    let jane = leaver("jane@example.com", 0).id;
    let journal = journal(store.clone());
    journal.record(&jane, &call(1, "/space/1")).await.unwrap();
    let (calls, statement) = store.recorded(&jane).await.unwrap();
    // Somebody without the key puts a call behind it.
    let forged = podio_lifecycle::evidence::StoredCall { n: 2, ..calls[0].clone() };
    store.append(&jane, statement.as_deref(), &forged, "{}", None).await.unwrap();
    assert!(!is_whole(&*store, &jane).await);

    journal.record(&jane, &call(3, "/space/3")).await.unwrap();
    assert_eq!(store.count_calls(&jane).await, Ok(3), "the work goes on");
    assert!(!is_whole(&*store, &jane).await, "and nobody takes it for what it was");
}

/// A seal of that number over a record with that hash.
pub fn seal(number: u64, id: &OffboardingId, sha256: &str) -> StoredSeal {
    StoredSeal {
        number,
        id: id.to_string(),
        sha256: sha256.into(),
        keyid: "key".into(),
        sig: "signature".into(),
        sealed_at: at(5),
        kept_until: None,
    }
}

pub async fn record_larger_than_an_item_comes_back_whole(store: Arc<impl Store>) {
    let jane = leaver("jane@example.com", 0).id;
    let text = "é".repeat(400_000);
    assert_eq!(store.record_text(&jane, "abc").await, Ok(None));
    for _ in 0..2 {
        store.keep_record(&jane, &seal(1, &jane, "abc"), &text).await.unwrap();
    }
    store.keep_record(&jane, &seal(1, &jane, "abd"), "another").await.unwrap();
    assert!(store.record_text(&jane, "abc").await.unwrap() == Some(text));
    store.keep_record(&jane, &seal(1, &jane, "abd"), "a third").await.unwrap();
    assert_eq!(store.record_text(&jane, "abd").await, Ok(Some("another".to_owned())), "it is written once");
}

pub async fn seal_and_offboarding_are_saved_together_or_not_at_all(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let john = accepted(&*store, leaver("john@example.com", 0)).await;
    let ended = |offboarding: &podio_lifecycle::offboarding::Offboarding| podio_lifecycle::offboarding::Offboarding {
        state: removed(user(7)),
        ..offboarding.clone()
    };
    assert_eq!(store.last_seal().await, Ok(None));
    let release = PersonClaim::Release;
    let stale = store.save_sealed(jane.revision + 1, &ended(&jane), release, None, &seal(1, &jane.id, "a")).await;
    assert_eq!(stale, Err(SaveError::Conflict));
    assert_eq!(store.last_seal().await, Ok(None), "no seal without its offboarding");

    let first = seal(1, &jane.id, "a");
    store.save_sealed(jane.revision, &ended(&jane), release, None, &first).await.unwrap();
    let taken = store.save_sealed(john.revision, &ended(&john), release, None, &seal(1, &john.id, "b")).await;
    assert_eq!(taken, Err(SaveError::Conflict));
    assert_eq!(store.load(&john.id).await.unwrap().unwrap().state, john.state, "nothing is over without its seal");

    let second = seal(2, &john.id, "b");
    store.save_sealed(john.revision, &ended(&john), release, None, &second).await.unwrap();
    assert_eq!(store.seal(1).await, Ok(Some(first)));
    assert_eq!(store.last_seal().await, Ok(Some(second)));
    assert_eq!(store.seal(3).await, Ok(None));
}

pub async fn public_keys_are_kept_once(store: Arc<impl Store>) {
    assert_eq!(store.keys().await.map(|set| set.keys), Ok(vec![]));
    let other = SigningKey::from_seed(&[2; 32]).unwrap();
    for key in [key(), other, key()] {
        store.keep_key(key.public()).await.unwrap();
    }
    let kept = store.keys().await.unwrap();
    assert_eq!(kept.keys.len(), 2);
    assert!(kept.knows(&key().public().kid));
}
