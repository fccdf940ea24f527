//! One suite for both: the SQS adapters, over the wire to the twin, and the in-memory ones.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use podio_aws::queue::{
    MemoryDeadLetters, MemoryJobs, SqsDeadLetters, SqsJobs,
    twin::{NewMessage, Receive, Received, RedrivePolicy, Settings, Sqs},
};
use podio_engine::{Message, Order, order::Reserved, ports::SendMessages};
use podio_lifecycle::{
    ports::{Clock, DeadLetters, QueueError, WakeWorker},
    work::JobId,
};

use crate::sqs_wire::Wire;

const JOBS: &str = "jobs";
const DEAD: &str = "dead";

/// Two queues and a clock that stands still until it is moved.
pub struct World {
    sqs: Arc<Mutex<Sqs>>,
    now: Mutex<Timestamp>,
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
    async fn sleep(&self, duration: SignedDuration) {
        *self.now.lock().unwrap() += duration;
    }
}

impl World {
    fn new() -> Arc<Self> {
        let mut sqs = Sqs::new(1);
        sqs.create_queue(DEAD, Settings::default()).unwrap();
        let redrive = Some(RedrivePolicy { dead_letter_queue: DEAD.into(), max_receive_count: 2 });
        sqs.create_queue(JOBS, Settings { redrive, ..Settings::default() }).unwrap();
        let now = Mutex::new(Timestamp::from_second(1_790_000_000).unwrap());
        Arc::new(Self { sqs: Arc::new(Mutex::new(sqs)), now })
    }

    fn receive(&self) -> Vec<Received> {
        self.sqs.lock().unwrap().receive(JOBS, &Receive::up_to(10), self.now()).unwrap()
    }

    fn visible(&self) -> usize {
        self.sqs.lock().unwrap().counts(JOBS, self.now()).unwrap().visible
    }

    fn in_memory(self: &Arc<Self>) -> (MemoryJobs, MemoryDeadLetters) {
        let (sqs, clock) = (&self.sqs, Arc::<Self>::clone(self));
        (MemoryJobs::new(Arc::clone(sqs), JOBS, clock.clone()), MemoryDeadLetters::new(Arc::clone(sqs), DEAD, clock))
    }

    async fn in_sqs(self: &Arc<Self>) -> (SqsJobs, SqsDeadLetters, Wire) {
        let wire = Wire::to(Arc::clone(&self.sqs), Arc::<Self>::clone(self)).await;
        let client = wire.client().await;
        (SqsJobs::new(client.clone(), wire.url(JOBS)), SqsDeadLetters::new(client, wire.url(DEAD)), wire)
    }
}

fn order(number: u64) -> Message {
    let moments = vec![Reserved { at: Timestamp::UNIX_EPOCH, limit: 250 }];
    Message::Run(Order { job: JobId::new("test", format!("{number:02}")), moments })
}

fn at_once(orders: u64) -> Vec<(Message, SignedDuration)> {
    (1..=orders).map(|number| (order(number), SignedDuration::ZERO)).collect()
}

async fn messages_arrive_after_their_delays(world: &World, queue: &impl SendMessages) {
    let mut messages = at_once(23);
    messages[3].1 = SignedDuration::from_millis(90_001);
    messages[20].1 = SignedDuration::from_hours(2);
    queue.send(&messages).await.unwrap();
    queue.send(&[]).await.unwrap();

    assert_eq!(world.visible(), 21);
    world.sleep(SignedDuration::from_secs(90)).await;
    assert_eq!(world.visible(), 21, "a delay is never cut short");
    world.sleep(SignedDuration::from_secs(1)).await;
    assert_eq!(world.visible(), 22);
    world.sleep(SignedDuration::from_secs(900 - 91)).await;
    assert_eq!(world.visible(), 23, "a quarter of an hour is the most");

    let mut received = Vec::new();
    while received.len() < 23 {
        received.extend(world.receive().iter().map(|message| Message::decode(&message.body).unwrap()));
    }
    received.sort_by_key(Message::encode);
    assert_eq!(received, (1..=23).map(order).collect::<Vec<_>>());
}

async fn a_worker_is_woken_at_once(world: &World, queue: &impl WakeWorker) {
    queue.wake().await.unwrap();
    let bodies: Vec<_> = world.receive().iter().map(|message| Message::decode(&message.body)).collect();
    assert_eq!(bodies, [Ok(Message::Wake)]);
}

async fn dead_letters_are_read_and_deleted(world: &World, queue: &impl SendMessages, dead: &impl DeadLetters) {
    assert_eq!(dead.receive().await, Ok(vec![]));
    queue.send(&at_once(1)).await.unwrap();
    world.sqs.lock().unwrap().send(JOBS, NewMessage::new("gibberish"), world.now()).unwrap();
    for _ in 0..3 {
        world.receive();
        world.sleep(SignedDuration::from_secs(30)).await;
    }

    let letters = dead.receive().await.unwrap();
    let mut bodies: Vec<_> = letters.iter().map(|letter| letter.body.clone()).collect();
    bodies.sort();
    assert_eq!(bodies, ["gibberish".to_owned(), order(1).encode()]);
    assert_eq!(dead.receive().await, Ok(vec![]), "they are hidden for a while");
    for letter in letters {
        dead.delete(&letter.receipt).await.unwrap();
    }
    world.sleep(SignedDuration::from_hours(1)).await;
    assert_eq!(dead.receive().await, Ok(vec![]));
    assert!(dead.delete("no such receipt").await.is_err());
}

#[tokio::test]
async fn messages_arrive_after_their_delays_in_memory_and_in_sqs() {
    let world = World::new();
    messages_arrive_after_their_delays(&world, &world.in_memory().0).await;
    let world = World::new();
    let (jobs, _, wire) = world.in_sqs().await;
    messages_arrive_after_their_delays(&world, &jobs).await;
    assert_eq!(wire.requests(), 3, "ten to a request");
}

#[tokio::test]
async fn a_worker_is_woken_at_once_in_memory_and_in_sqs() {
    let world = World::new();
    a_worker_is_woken_at_once(&world, &world.in_memory().0).await;
    let world = World::new();
    a_worker_is_woken_at_once(&world, &world.in_sqs().await.0).await;
}

#[tokio::test]
async fn dead_letters_are_read_and_deleted_in_memory_and_in_sqs() {
    let world = World::new();
    let (jobs, dead) = world.in_memory();
    dead_letters_are_read_and_deleted(&world, &jobs, &dead).await;
    let world = World::new();
    let (jobs, dead, _wire) = world.in_sqs().await;
    dead_letters_are_read_and_deleted(&world, &jobs, &dead).await;
}

#[tokio::test]
async fn what_sqs_refuses_of_a_request_is_sent_once_more() {
    let world = World::new();
    let (jobs, _, wire) = world.in_sqs().await;
    wire.refuse(&["2", "7"], 1);
    jobs.send(&at_once(10)).await.unwrap();
    assert_eq!((world.visible(), wire.requests()), (10, 2), "and nothing else is sent twice");
}

#[tokio::test]
async fn what_sqs_refuses_again_is_an_error() {
    let world = World::new();
    let (jobs, _, wire) = world.in_sqs().await;
    wire.refuse(&["2"], 2);
    let refused = jobs.send(&at_once(10)).await;
    assert_eq!(refused, Err(QueueError("InternalError".into())));
    assert_eq!(world.visible(), 9);
}

#[tokio::test]
async fn a_queue_that_does_not_exist_is_told_by_its_code() {
    let world = World::new();
    let (_, _, wire) = world.in_sqs().await;
    let jobs = SqsJobs::new(wire.client().await, wire.url("elsewhere"));
    assert_eq!(jobs.send(&at_once(1)).await, Err(QueueError("QueueDoesNotExist".into())));
    assert!(jobs.wake().await.is_err());
}

#[tokio::test]
async fn a_queue_that_is_down_takes_nothing() {
    let world = World::new();
    let (jobs, _) = world.in_memory();
    jobs.faults().fail_next(1);
    assert!(jobs.send(&at_once(1)).await.is_err());
    assert_eq!(world.visible(), 0);
    jobs.send(&at_once(1)).await.unwrap();
    assert_eq!(world.visible(), 1);
}
