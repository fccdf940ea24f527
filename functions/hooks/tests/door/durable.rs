//! What was answered 200 is not lost, and what comes twice is there once.

use std::{collections::BTreeSet, sync::Arc};

use jiff::SignedDuration;
use podio_aws::{queue::MemoryDeadLetters, twin::Moment};
use podio_engine::{
    Message,
    quota::{Ceiling, PATIENCE},
};
use podio_lifecycle::{hooks::EventType, work::JobId};
use sweep::Sweep;

use crate::world::{Certain, DEAD, LEAVERS_APP, Unwatched, World};

const ADDED: &str = "type=member.add&hook_id=7&user_id=77";
/// The worker is woken for it.
const VERIFY: &str = "type=hook.verify&hook_id=7&code=b9079247";

#[tokio::test]
async fn when_storage_is_down_podio_is_asked_to_come_again_and_then_nothing_is_lost() {
    let world = World::new();
    world.store.faults().fail_next(3);
    for _ in 0..3 {
        let answer = world.send("POST", &world.address("space", 5), ADDED.as_bytes()).await;
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()["retry-after"], "60");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert!(world.store.deliveries().is_empty(), "nothing is half-stored");
        assert_eq!(world.take_messages(), []);
        world.clock.advance(SignedDuration::from_mins(1));
    }
    assert_eq!(world.deliver(ADDED).await, 200);
    assert_eq!(world.stored().event.kind, EventType::MemberAdd);
    assert_eq!(world.waiting().await.len(), 1);
}

#[tokio::test]
async fn when_the_answer_of_storage_is_lost_the_sweep_sends_the_job() {
    let world = World::new();
    world.store.faults().decided_by(|operation, moment| operation == "accept" && moment == Moment::After);
    assert_eq!(world.deliver(ADDED).await, 503, "nobody knows whether it is stored");
    world.store.faults().end();
    assert_eq!(world.deliver(ADDED).await, 200);
    assert_eq!(world.take_messages(), [], "it is, so this one is a repetition");
    the_sweep_sends_it_once(&world).await;
}

#[tokio::test]
async fn when_the_queue_is_down_the_answer_is_yes_and_the_sweep_sends_the_job() {
    let world = World::new();
    world.jobs.faults().fail_next(1);
    assert_eq!(world.deliver(VERIFY).await, 200);
    assert_eq!(world.take_messages(), []);
    the_sweep_sends_it_once(&world).await;
}

async fn the_sweep_sends_it_once(world: &World) {
    let ports = sweep::Ports {
        due: world.store.clone(),
        audits: world.store.clone(),
        quota: world.store.clone(),
        work: world.store.clone(),
        pause: world.store.clone(),
        queue: world.jobs.clone(),
        metrics: Arc::new(Unwatched),
        dead_letters: Arc::new(MemoryDeadLetters::new(world.sqs.clone(), DEAD, world.clock.clone())),
        clock: world.clock.clone(),
        random: Arc::new(Certain),
    };
    let hour = Ceiling::new(250, SignedDuration::from_hours(1)).unwrap();
    let sweep = Sweep::new(ports, hour, PATIENCE);
    let expected = JobId::new(JobId::DELIVERY, world.stored().id);
    assert_eq!(sweep.run().await.unwrap().orders, 1);
    let [Message::Run(order)] = &world.take_messages()[..] else { panic!("one order") };
    assert_eq!(order.job, expected);
    assert_eq!(sweep.run().await.unwrap().orders, 0, "it is on its way");
    world.clock.advance(PATIENCE + SignedDuration::from_secs(1));
    assert_eq!(sweep.run().await.unwrap().orders, 1, "nobody has begun it");
    let [Message::Run(again)] = &world.take_messages()[..] else { panic!("one order") };
    assert_eq!(again.job, expected);
}

#[tokio::test]
async fn verification_wakes_the_worker_and_no_event_does() {
    let world = World::with_a_bus();
    assert_eq!(world.deliver(ADDED).await, 200);
    let item = b"type=item.create&hook_id=7&item_id=9&item_revision_id=0";
    assert_eq!(world.send("POST", &world.address("app", LEAVERS_APP), item).await.status(), 200);
    assert_eq!(world.waiting().await.len(), 2);
    assert_eq!(world.take_messages(), [], "the next sweep is early enough, for leavers too");
    assert_eq!(world.deliver(VERIFY).await, 200);
    assert_eq!(world.take_messages(), [Message::Wake]);
    assert_eq!(world.deliver(VERIFY).await, 200);
    assert_eq!(world.take_messages(), [], "once");
}

#[tokio::test]
async fn a_duplicate_is_told_yes_and_changes_nothing() {
    let world = World::new();
    assert_eq!(world.deliver(ADDED).await, 200);
    world.clock.advance(SignedDuration::from_secs(30));
    assert_eq!(world.deliver("user_id=77&hook_id=7&type=member.add").await, 200, "in whatever order it is written");
    assert_eq!(world.waiting().await.len(), 1);
    world.clock.advance(SignedDuration::from_mins(10));
    assert_eq!(world.deliver(ADDED).await, 200);
    assert_eq!(world.waiting().await.len(), 2, "later it is another one: left in between, and back again");
    assert_eq!(world.store.deliveries().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_thousand_deliveries_with_duplicates_in_any_order_each_is_there_once() {
    let world = Arc::new(World::with_a_bus());
    let bodies: Vec<String> = (0..7_000u64).map(body).collect();
    let mut order: Vec<usize> = (0..7_000).chain((0..3_000).map(|n| n * 7 % 7_000)).collect();
    shuffle(&mut order);
    let address = world.address("space", 5);
    for chunk in order.chunks(100) {
        let sent = chunk.iter().map(|n| {
            let (world, address, body) = (world.clone(), address.clone(), bodies[*n].clone());
            tokio::spawn(async move { world.send("POST", &address, body.as_bytes()).await.status().as_u16() })
        });
        for sent in sent.collect::<Vec<_>>() {
            assert_eq!(sent.await.unwrap(), 200);
        }
    }
    let stored = world.store.deliveries();
    assert_eq!(stored.len(), 7_000);
    let waiting: BTreeSet<_> = world.waiting().await.into_iter().map(|job| job.subject).collect();
    assert!(waiting.into_iter().eq(stored.keys().map(ToString::to_string)), "and one job each");
}

/// The n-th event, different from all others.
fn body(n: u64) -> String {
    match n % 4 {
        0 => format!("type=item.update&hook_id=7&item_id={}&item_revision_id={}", n % 100, n),
        1 => format!("type=comment.create&hook_id=7&item_id=9&comment_id={n}"),
        2 => format!("type=member.add&hook_id=7&user_id={n}"),
        _ => format!("type=rating.add&hook_id=7&rating_id={n}"),
    }
}

/// The same in every run.
fn shuffle(order: &mut [usize]) {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    for place in (1..order.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(place, usize::try_from(state >> 33).unwrap() % (place + 1));
    }
}
