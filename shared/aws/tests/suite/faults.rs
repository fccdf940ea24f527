//! Faults: those that the twins are told to have, and those that only AWS has.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use podio_aws::{
    DynamoStore,
    twin::{MemoryStore, Moment},
};
use podio_lifecycle::{
    offboarding::PersonClaim,
    ports::{AcceptOffboardings, Created, ReadOffboardings, SaveError, SpaceRemovals, StoreError, WriteOffboardings},
};
use serde_json::json;

use crate::{
    ports::{key, leaver, plan, removal},
    scripted::{Answer, Scripted},
};

fn is_down<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn a_store_that_is_down_stores_nothing() {
    let store = MemoryStore::new();
    let jane = leaver("jane@example.com", 0);
    store.faults().fail_next(2);
    is_down(store.create(&jane, None).await);
    is_down(store.load(&jane.id).await);
    assert_eq!(store.load(&jane.id).await, Ok(None));
    assert!(store.claims().is_empty());
}

#[tokio::test]
async fn a_lost_answer_does_not_undo_the_write_and_the_repetition_finds_it() {
    let store = MemoryStore::new();
    store.faults().decided_by(|operation, moment| operation == "create" && moment == Moment::After);
    let jane = leaver("jane@example.com", 0);
    is_down(store.create(&jane, Some(&key("a", "body"))).await);
    store.faults().end();

    let again = leaver("jane@example.com", 1);
    assert_eq!(store.create(&again, Some(&key("a", "body"))).await, Ok(Created::Repeated(jane.id)));
}

#[tokio::test]
async fn faults_are_asked_before_and_after_each_operation_by_its_name() {
    let store = MemoryStore::new();
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let note = Arc::clone(&asked);
    store.faults().decided_by(move |operation, moment| {
        note.lock().unwrap().push((operation, moment));
        false
    });
    let jane = leaver("jane@example.com", 0);
    store.create(&jane, None).await.unwrap();
    store.space(&removal(&jane, 1).key).await.unwrap();
    let expected = ["create", "space"].map(|name| [(name, Moment::Before), (name, Moment::After)]);
    assert_eq!(*asked.lock().unwrap(), expected.concat());
}

#[test]
fn a_process_can_die_before_and_after_the_work() {
    let store = MemoryStore::new();
    let jane = leaver("jane@example.com", 0);
    for (polls, stored) in [(1, 0), (2, 1)] {
        let mut creation = store.create(&jane, None);
        for _ in 0..polls {
            let polled = creation.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(polled, Poll::Pending);
        }
        drop(creation);
        assert_eq!(store.claims().len(), stored, "after {polls} polls");
    }
}

fn conflict(parts: usize) -> Answer {
    let reason = |n| if n == 0 { json!({"Code": "TransactionConflict"}) } else { json!({"Code": "None"}) };
    let reasons: Vec<_> = (0..parts).map(reason).collect();
    Answer::error("TransactionCanceledException", json!({"CancellationReasons": reasons}))
}

async fn scripted(answers: Vec<Answer>) -> (DynamoStore, Scripted) {
    let server = Scripted::start(answers).await;
    (DynamoStore::new(server.dynamodb().await, "state"), server)
}

#[tokio::test]
async fn requests_that_meet_in_the_table_are_tried_again() {
    let (store, server) = scripted(vec![conflict(3), conflict(3), Answer::ok(json!({}))]).await;
    assert_eq!(store.create(&leaver("jane@example.com", 0), None).await, Ok(Created::New));
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn a_writer_that_meets_another_reads_again() {
    let (store, _server) = scripted(vec![conflict(3)]).await;
    let jane = leaver("jane@example.com", 0);
    let saved = store.save(0, &jane, PersonClaim::Take, Some(&removal(&jane, 1))).await;
    assert_eq!(saved, Err(SaveError::Conflict));

    let (store, _server) = scripted(vec![Answer::error("TransactionConflictException", json!({}))]).await;
    assert_eq!(store.save(0, &jane, PersonClaim::Keep, None).await, Err(SaveError::Conflict));
}

#[tokio::test]
async fn a_throttled_transaction_counts_as_an_outage() {
    let reasons = json!({"CancellationReasons": [{"Code": "None"}, {"Code": "ThrottlingError"}, {"Code": "None"}]});
    let (store, _server) = scripted(vec![Answer::error("TransactionCanceledException", reasons)]).await;
    let created = store.create(&leaver("jane@example.com", 0), None).await;
    assert_eq!(created, Err(StoreError::Unavailable("ThrottlingError".into())));
}

#[tokio::test]
async fn a_short_outage_is_bridged_and_a_long_one_told_by_its_code() {
    let down = || Answer { status: 500, ..Answer::error("InternalServerError", json!({})) };
    let jane = leaver("jane@example.com", 0);
    let (store, server) = scripted(vec![down(), down(), Answer::ok(json!({}))]).await;
    assert_eq!(store.load(&jane.id).await, Ok(None));
    assert_eq!(server.requests(), 3);

    let (store, _server) = scripted(vec![down(), down(), down()]).await;
    assert_eq!(store.load(&jane.id).await, Err(StoreError::Unavailable("InternalServerError".into())));
}

#[tokio::test]
async fn what_a_throttled_batch_get_leaves_out_is_asked_for_again() {
    let jane = leaver("jane@example.com", 0);
    let listing = json!({"Items": [{"pk": {"S": "OFFBOARDINGS"}, "sk": {"S": jane.id}}], "Count": 1});
    let key = json!({"pk": {"S": format!("OFF#{}", jane.id)}, "sk": {"S": "STATE"}});
    let left = json!({"Responses": {}, "UnprocessedKeys": {"state": {"Keys": [&key]}}});
    let body = serde_json::to_string(&jane).unwrap();
    let record =
        json!({"pk": key["pk"], "sk": key["sk"], "body": {"S": body}, "form": {"N": "2"}, "version": {"N": "4"}});
    let rest = json!({"Responses": {"state": [record]}, "UnprocessedKeys": {}});
    let (store, _server) = scripted([listing, left, rest].map(Answer::ok).into()).await;
    let page = store.list(&podio_lifecycle::offboarding::Filter::default(), 10, None).await.unwrap();
    assert_eq!(page.offboardings.iter().map(|it| it.revision).collect::<Vec<_>>(), [4]);
}

#[tokio::test]
async fn an_item_of_another_version_is_told_by_its_attribute_and_never_by_its_content() {
    let older = "an offboarding in form 1; this version reads form 2";
    for (form, told) in [("1", older), ("2", "attribute body")] {
        let body = json!({"S": "{\"mail\": \"jane@example.com\"}"});
        let item = json!({"Item": {"body": body, "form": {"N": form}, "version": {"N": "1"}}});
        let (store, _server) = scripted(vec![Answer::ok(item)]).await;
        let read = store.load(&leaver("jane@example.com", 0).id).await;
        assert_eq!(read, Err(StoreError::Corrupt(told.into())));
    }
}

#[tokio::test]
async fn removals_are_stored_side_by_side_and_one_failure_is_told() {
    let jane = leaver("jane@example.com", 0);
    let (table, server) = scripted((0..25).map(|_| Answer::ok(json!({}))).collect()).await;
    table.save_spaces(&plan(&jane, 25)).await.unwrap();
    assert_eq!(server.requests(), 25);

    let taken = Answer::error("ConditionalCheckFailedException", json!({}));
    let (table, _server) = scripted(vec![taken]).await;
    assert_eq!(table.save_spaces(&plan(&jane, 1)).await, Err(SaveError::Conflict));
    let (table, _server) = scripted(vec![Answer::error("AccessDeniedException", json!({}))]).await;
    assert!(matches!(table.save_spaces(&plan(&jane, 1)).await, Err(SaveError::Store(StoreError::Unavailable(_)))));
}
