//! Each rule of the twin, told as a consumer would meet it.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::*;

const JOBS: &str = "jobs";
const DEAD: &str = "jobs-dead";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A job queue with 30 s of visibility whose messages die after three receives.
fn account() -> Sqs {
    let mut sqs = Sqs::new(7);
    sqs.create_queue(DEAD, Settings::default()).unwrap();
    let redrive = Some(RedrivePolicy { dead_letter_queue: DEAD.to_owned(), max_receive_count: 3 });
    sqs.create_queue(JOBS, Settings { redrive, ..Settings::default() }).unwrap();
    sqs
}

fn receive(sqs: &mut Sqs, queue: &str, second: i64) -> Vec<Received> {
    sqs.receive(queue, &Receive::up_to(10), at(second)).unwrap()
}

fn receive_one(sqs: &mut Sqs, second: i64) -> Received {
    let mut messages = receive(sqs, JOBS, second);
    assert_eq!(messages.len(), 1, "one message at {second}");
    messages.remove(0)
}

#[test]
fn a_received_message_is_hidden_until_its_visibility_runs_out() {
    let mut sqs = account();
    let sent = sqs.send(JOBS, NewMessage::new("hello"), at(0)).unwrap();
    assert_eq!(sent.md5_of_body, "5d41402abc4b2a76b9719d911017c592");

    let first = receive_one(&mut sqs, 1);
    assert_eq!((first.receive_count, first.sent_at, first.first_received_at), (1, at(0), at(1)));
    assert_eq!((&first.message_id, &first.md5_of_body), (&sent.message_id, &sent.md5_of_body));
    assert!(receive(&mut sqs, JOBS, 30).is_empty());

    let second = receive_one(&mut sqs, 31);
    assert_eq!((second.receive_count, second.first_received_at, second.sent_at), (2, at(1), at(0)));
    assert_eq!(second.message_id, first.message_id);
    assert_ne!(second.receipt_handle, first.receipt_handle);
}

#[test]
fn a_receive_may_name_its_own_visibility_and_zero_hides_nothing() {
    let mut sqs = account();
    sqs.send(JOBS, NewMessage::new("x"), at(0)).unwrap();
    let peek = Receive { visibility_timeout: Some(Duration::ZERO), ..Receive::up_to(1) };
    assert_eq!(sqs.receive(JOBS, &peek, at(0)).unwrap().len(), 1);
    assert_eq!(receive_one(&mut sqs, 0).receive_count, 2);

    let too_long = Receive { visibility_timeout: Some(seconds(43_201)), ..Receive::up_to(1) };
    assert!(matches!(sqs.receive(JOBS, &too_long, at(0)), Err(SqsError::InvalidParameterValue { .. })));
    for max in [0, 11] {
        assert!(sqs.receive(JOBS, &Receive::up_to(max), at(0)).is_err(), "max {max}");
    }
}

#[test]
fn a_receive_takes_at_most_what_it_asks_for_longest_visible_first() {
    let mut sqs = account();
    for number in 0..12 {
        sqs.send(JOBS, NewMessage::new(number.to_string()), at(number)).unwrap();
    }
    let bodies = |messages: &[Received]| messages.iter().map(|m| m.body.parse::<i32>().unwrap()).collect::<Vec<_>>();
    assert_eq!(bodies(&receive(&mut sqs, JOBS, 20)), (0..10).collect::<Vec<_>>());
    assert_eq!(bodies(&receive(&mut sqs, JOBS, 20)), [10, 11]);

    let shuffled = |mut sqs: Sqs, seed| {
        bodies(&sqs.receive(JOBS, &Receive { order: Order::Shuffled(seed), ..Receive::up_to(10) }, at(100)).unwrap())
    };
    assert_eq!(shuffled(sqs.clone(), 1), shuffled(sqs.clone(), 1));
    assert_ne!(shuffled(sqs.clone(), 1), shuffled(sqs, 2));
}

#[test]
fn delay_hides_a_new_message_and_the_message_overrides_the_queue() {
    let mut sqs = account();
    let settings = Settings { delay: seconds(10), ..sqs.settings(JOBS).unwrap().clone() };
    sqs.set_settings(JOBS, settings).unwrap();
    sqs.send(JOBS, NewMessage::new("queue's delay"), at(0)).unwrap();
    sqs.send(JOBS, NewMessage::new("own delay").delayed(seconds(900)), at(0)).unwrap();
    sqs.send(JOBS, NewMessage::new("none").delayed(Duration::ZERO), at(0)).unwrap();
    assert_eq!(sqs.counts(JOBS, at(0)).unwrap(), Counts { visible: 1, in_flight: 0, delayed: 2 });
    assert_eq!(receive_one(&mut sqs, 9).body, "none");
    assert_eq!(receive_one(&mut sqs, 10).body, "queue's delay");
    assert!(sqs.send(JOBS, NewMessage::new("x").delayed(seconds(901)), at(0)).is_err());
}

#[test]
fn only_the_newest_handle_deletes() {
    let mut sqs = account();
    sqs.send(JOBS, NewMessage::new("x"), at(0)).unwrap();
    let old = receive_one(&mut sqs, 0).receipt_handle;
    let new = receive_one(&mut sqs, 30).receipt_handle;

    sqs.delete(JOBS, &old, at(31)).unwrap();
    assert_eq!(sqs.counts(JOBS, at(31)).unwrap().in_flight, 1, "accepted, without effect");
    // Visible again, but nobody took it: its newest handle still deletes.
    sqs.delete(JOBS, &new, at(70)).unwrap();
    assert_eq!(sqs.counts(JOBS, at(70)).unwrap(), Counts::default());
    sqs.delete(JOBS, &new, at(71)).unwrap();
}

#[test]
fn a_handle_that_the_queue_never_gave_is_refused() {
    let mut sqs = account();
    sqs.send(JOBS, NewMessage::new("x"), at(0)).unwrap();
    let handle = receive_one(&mut sqs, 0).receipt_handle;
    for wrong in ["", "nonsense", &handle[1..], &handle.to_uppercase().replace('0', "G")] {
        assert_eq!(sqs.delete(JOBS, wrong, at(0)), Err(SqsError::ReceiptHandleIsInvalid), "{wrong}");
        assert_eq!(sqs.change_visibility(JOBS, wrong, seconds(1), at(0)), Err(SqsError::ReceiptHandleIsInvalid));
    }
    assert_eq!(sqs.delete(DEAD, &handle, at(0)), Err(SqsError::ReceiptHandleIsInvalid));
    assert_eq!(sqs.delete("nowhere", &handle, at(0)), Err(SqsError::QueueDoesNotExist));
}

#[test]
fn a_consumer_parks_a_message_or_gives_it_back() {
    let mut sqs = account();
    sqs.send(JOBS, NewMessage::new("x"), at(0)).unwrap();
    let handle = receive_one(&mut sqs, 0).receipt_handle;
    sqs.change_visibility(JOBS, &handle, seconds(600), at(10)).unwrap();
    assert!(receive(&mut sqs, JOBS, 609).is_empty());
    let handle = receive_one(&mut sqs, 610).receipt_handle;
    sqs.change_visibility(JOBS, &handle, Duration::ZERO, at(611)).unwrap();
    assert_eq!(receive_one(&mut sqs, 611).receive_count, 3);
}

#[test]
fn twelve_hours_since_the_receive_are_the_most() {
    let mut sqs = account();
    sqs.send(JOBS, NewMessage::new("x"), at(0)).unwrap();
    let handle = receive_one(&mut sqs, 0).receipt_handle;
    sqs.change_visibility(JOBS, &handle, seconds(43_190), at(10)).unwrap();
    let beyond = sqs.change_visibility(JOBS, &handle, seconds(43_191), at(10));
    assert_eq!(beyond, Err(SqsError::VisibilityBeyondLimit));
    assert_eq!(beyond.unwrap_err().code(), "InvalidParameterValue");
    // The refusal changed nothing; a new receive starts a new count.
    let handle = receive_one(&mut sqs, 43_200).receipt_handle;
    sqs.change_visibility(JOBS, &handle, seconds(43_200), at(43_200)).unwrap();
    assert!(sqs.change_visibility(JOBS, &handle, seconds(43_201), at(43_200)).is_err());
}

#[test]
fn only_who_holds_a_message_changes_its_visibility() {
    let mut sqs = account();
    sqs.send(JOBS, NewMessage::new("x"), at(0)).unwrap();
    let old = receive_one(&mut sqs, 0).receipt_handle;
    let change = |sqs: &mut Sqs, handle: &str, second| sqs.change_visibility(JOBS, handle, seconds(60), at(second));
    assert_eq!(change(&mut sqs, &old, 30), Err(SqsError::MessageNotInflight), "its time ran out");
    let new = receive_one(&mut sqs, 31).receipt_handle;
    assert_eq!(change(&mut sqs, &old, 32), Err(SqsError::MessageNotInflight), "another one holds it");
    sqs.delete(JOBS, &new, at(33)).unwrap();
    assert_eq!(change(&mut sqs, &new, 34), Err(SqsError::MessageNotInflight), "it is gone");
}

#[test]
fn a_message_that_was_received_too_often_moves_to_the_dead_letter_queue() {
    let mut sqs = account();
    let sent = sqs.send(JOBS, NewMessage::new("poison"), at(0)).unwrap();
    sqs.send(JOBS, NewMessage::new("fine").delayed(seconds(90)), at(0)).unwrap();
    for round in 0..3 {
        assert_eq!(receive_one(&mut sqs, round * 30).body, "poison");
    }
    // Only a receive moves it: until then it is in the job queue, visible.
    assert_eq!(sqs.counts(JOBS, at(90)).unwrap().visible, 2);
    assert_eq!(receive_one(&mut sqs, 90).body, "fine");

    let dead = receive(&mut sqs, DEAD, 91).remove(0);
    assert_eq!((&dead.message_id, dead.sent_at, dead.receive_count), (&sent.message_id, at(0), 4));
    assert_eq!(dead.dead_letter_source.as_deref(), Some(JOBS));
    sqs.delete(DEAD, &dead.receipt_handle, at(91)).unwrap();
    assert_eq!(sqs.counts(DEAD, at(91)).unwrap(), Counts::default());
}

#[test]
fn retention_counts_from_the_sending_even_for_a_dead_letter() {
    let mut sqs = account();
    sqs.send(JOBS, NewMessage::new("x"), at(0)).unwrap();
    for round in 0..4 {
        receive(&mut sqs, JOBS, round * 30);
    }
    let four_days = 4 * 24 * 3600;
    assert_eq!(sqs.counts(DEAD, at(four_days - 1)).unwrap().visible, 1);
    assert_eq!(sqs.counts(DEAD, at(four_days)).unwrap(), Counts::default());
    assert!(receive(&mut sqs, DEAD, four_days).is_empty());
}

#[test]
fn a_batch_is_refused_as_a_whole_or_answers_for_each_entry() {
    let mut sqs = account();
    let entries = |ids: &[&str]| ids.iter().map(|id| Entry::new(*id, NewMessage::new("x"))).collect::<Vec<_>>();
    let mut send = |entries| sqs.send_batch(JOBS, entries, at(0));
    assert_eq!(send(vec![]), Err(SqsError::EmptyBatchRequest));
    assert_eq!(send(entries(&["a"; 11])), Err(SqsError::TooManyEntriesInBatchRequest));
    assert_eq!(send(entries(&["a", "b", "a"])), Err(SqsError::BatchEntryIdsNotDistinct));
    assert_eq!(send(entries(&["a", "b c"])), Err(SqsError::InvalidBatchEntryId));
    let half = "x".repeat(MAX_BATCH_BYTES / 2);
    let long = |rest: &str| {
        vec![Entry::new("a", NewMessage::new(&half)), Entry::new("b", NewMessage::new(half.clone() + rest))]
    };
    assert_eq!(send(long("!")), Err(SqsError::BatchRequestTooLong));
    assert!(send(long("")).unwrap().iter().all(|(_, result)| result.is_ok()));

    let mixed = vec![
        Entry::new("good", NewMessage::new("x")),
        Entry::new("empty", NewMessage::new("")),
        Entry::new("bell", NewMessage::new("\u{7}")),
        Entry::new("late", NewMessage::new("x").delayed(seconds(901))),
    ];
    let codes: Vec<_> = send(mixed).unwrap().into_iter().map(|(id, r)| (id, r.err().map(|e| e.code()))).collect();
    let expected = [
        ("good", None),
        ("empty", Some("MissingParameter")),
        ("bell", Some("InvalidMessageContents")),
        ("late", Some("InvalidParameterValue")),
    ];
    assert_eq!(codes, expected.map(|(id, code)| (id.to_owned(), code)));
}

#[test]
fn one_bad_handle_fails_only_its_own_entry() {
    let mut sqs = account();
    for body in ["a", "b"] {
        sqs.send(JOBS, NewMessage::new(body), at(0)).unwrap();
    }
    let handles: Vec<_> = receive(&mut sqs, JOBS, 0).into_iter().map(|message| message.receipt_handle).collect();
    let park = vec![
        Entry::new("0", (handles[0].clone(), seconds(100))),
        Entry::new("1", ("nonsense".to_owned(), seconds(100))),
        Entry::new("2", (handles[1].clone(), seconds(43_201))),
    ];
    let failed = |results: BatchResult<()>| results.into_iter().map(|(_, r)| r.is_err()).collect::<Vec<_>>();
    assert_eq!(failed(sqs.change_visibility_batch(JOBS, park, at(1)).unwrap()), [false, true, true]);
    assert_eq!(sqs.counts(JOBS, at(50)).unwrap(), Counts { visible: 1, in_flight: 1, delayed: 0 });

    let delete = vec![Entry::new("0", "nonsense".to_owned()), Entry::new("1", handles[0].clone())];
    assert_eq!(failed(sqs.delete_batch(JOBS, delete, at(50)).unwrap()), [true, false]);
    assert_eq!(sqs.counts(JOBS, at(50)).unwrap(), Counts { visible: 1, in_flight: 0, delayed: 0 });
}

#[test]
fn purging_empties_a_queue_once_a_minute() {
    let mut sqs = account();
    sqs.send(JOBS, NewMessage::new("x"), at(0)).unwrap();
    sqs.purge(JOBS, at(0)).unwrap();
    assert_eq!(sqs.counts(JOBS, at(0)).unwrap(), Counts::default());
    assert_eq!(sqs.purge(JOBS, at(59)), Err(SqsError::PurgeQueueInProgress));
    sqs.purge(JOBS, at(60)).unwrap();
}

#[test]
fn virtual_time_knows_where_to_jump() {
    let mut sqs = account();
    assert_eq!((sqs.next_event(at(0)), sqs.next_visible(JOBS, at(0)).unwrap()), (None, None));
    sqs.send(JOBS, NewMessage::new("now"), at(0)).unwrap();
    sqs.send(JOBS, NewMessage::new("later").delayed(seconds(100)), at(0)).unwrap();
    assert_eq!(sqs.next_visible(JOBS, at(5)).unwrap(), Some(at(5)));
    assert_eq!(sqs.next_event(at(5)), Some(at(100)), "what is visible already is no event");
    receive(&mut sqs, JOBS, 5);
    assert_eq!(sqs.next_visible(JOBS, at(6)).unwrap(), Some(at(35)));
    assert_eq!(sqs.next_event(at(35)), Some(at(100)));
    assert_eq!(sqs.next_event(at(100)), None);
}

#[test]
fn a_standard_queue_may_deliver_again_at_any_time() {
    let mut sqs = account();
    let sent = sqs.send(JOBS, NewMessage::new("x"), at(0)).unwrap();
    let first = receive_one(&mut sqs, 0);
    assert!(sqs.deliver_again(JOBS, &sent.message_id, at(1)).unwrap());
    let twin = receive_one(&mut sqs, 1);
    assert_eq!((twin.message_id, twin.receive_count), (first.message_id, 2));
    sqs.delete(JOBS, &twin.receipt_handle, at(2)).unwrap();
    assert!(!sqs.deliver_again(JOBS, &sent.message_id, at(3)).unwrap());
}

#[test]
fn a_queue_is_created_once_and_checked() {
    let mut sqs = account();
    let same = sqs.settings(JOBS).unwrap().clone();
    assert_eq!(sqs.create_queue(JOBS, same), Ok(()));
    assert_eq!(sqs.create_queue(JOBS, Settings::default()), Err(SqsError::QueueNameExists));
    for name in ["", "a.fifo", &"x".repeat(81)] {
        assert_eq!(sqs.create_queue(name, Settings::default()), Err(SqsError::InvalidQueueName), "{name}");
    }
    let redrive = Some(RedrivePolicy { dead_letter_queue: "nowhere".to_owned(), max_receive_count: 3 });
    assert!(sqs.create_queue("other", Settings { redrive, ..Settings::default() }).is_err());
    assert_eq!(sqs.queue_names().collect::<Vec<_>>(), [JOBS, DEAD]);
}

#[test]
fn attributes_are_read_as_aws_writes_them() {
    let with = |pairs: &[(&str, &str)]| {
        let attributes: BTreeMap<_, _> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::default().with(&attributes)
    };
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:000000000000:jobs-dead","maxReceiveCount":"5"}"#;
    let settings = with(&[("VisibilityTimeout", "180"), ("RedrivePolicy", policy)]).unwrap();
    assert_eq!(settings.visibility_timeout, seconds(180));
    assert_eq!(settings.redrive, Some(RedrivePolicy { dead_letter_queue: DEAD.to_owned(), max_receive_count: 5 }));
    assert!(matches!(with(&[("FifoQueue", "true")]), Err(SqsError::InvalidAttributeName(_))));
    let wrong = [
        ("VisibilityTimeout", "43201"),
        ("DelaySeconds", "-1"),
        ("MessageRetentionPeriod", "59"),
        ("ReceiveMessageWaitTimeSeconds", "21"),
        ("RedrivePolicy", r#"{"deadLetterTargetArn":"arn:x","maxReceiveCount":0}"#),
        ("RedrivePolicy", "{}"),
    ];
    for pair in wrong {
        assert!(matches!(with(&[pair]), Err(SqsError::InvalidAttributeValue { .. })), "{pair:?}");
    }
}

#[test]
fn a_saved_account_goes_on_where_it_was() {
    let mut sqs = account();
    sqs.send(JOBS, NewMessage::new("a"), at(0)).unwrap();
    let held = receive_one(&mut sqs, 0);
    let mut restored: Sqs = serde_json::from_str(&serde_json::to_string(&sqs).unwrap()).unwrap();
    let sent = restored.send(JOBS, NewMessage::new("b"), at(1)).unwrap();
    assert_ne!(sent.message_id, held.message_id);
    restored.delete(JOBS, &held.receipt_handle, at(1)).unwrap();
    assert_eq!(receive_one(&mut restored, 40).body, "b");
}
