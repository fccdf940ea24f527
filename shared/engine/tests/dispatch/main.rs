//! The dispatch: one conditional write that names the jobs, and messages that arrive just before their moments.
#![allow(clippy::unwrap_used, reason = "a test may stop where its premise fails")]

mod world;

use std::{collections::BTreeSet, sync::atomic::Ordering};

use jiff::SignedDuration;
use podio_engine::{
    Message, Report,
    ports::WorkTable as _,
    quota::{Heard, MOST_JOBS},
};
use podio_lifecycle::{
    removal::ROUTE,
    work::{Calls, Priority, Waiting},
};

use self::world::{World, at, removal};

fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

#[tokio::test]
async fn two_dispatches_never_give_one_moment_twice() {
    let mut overtaken = 0;
    for seed in 0..200 {
        let world = World::new(seed, (0..50).map(removal));
        let dispatchers = [world.dispatcher(), world.dispatcher(), world.dispatcher()];
        for second in [0, 1, 15, 30] {
            world.go_to(second);
            let report = Report::default();
            let [one, two, three] = &dispatchers;
            let (one, two, three) = tokio::join!(one.dispatch(&report), two.dispatch(&report), three.dispatch(&report));
            for dispatched in [one, two, three] {
                dispatched.unwrap();
            }
        }
        let orders = world.orders();
        let moments: BTreeSet<_> = orders.iter().flat_map(|order| &order.moments).collect();
        let jobs: BTreeSet<_> = orders.iter().map(|order| &order.job).collect();
        assert_eq!((moments.len(), jobs.len()), (orders.len(), orders.len()), "seed {seed}");
        assert_eq!(jobs.len(), 50, "seed {seed}: all have been sent");
        overtaken += world.conflicts.load(Ordering::SeqCst);
    }
    assert!(overtaken > 0, "no dispatch was overtaken, so nothing was tested");
}

#[tokio::test]
async fn orders_arrive_two_seconds_early() {
    let world = World::new(0, [removal(1)]);
    let dispatcher = world.dispatcher();
    dispatcher.refused(Some(secs(20))).await.unwrap();
    dispatcher.dispatch(&Report::default()).await.unwrap();
    let sent = world.sent.lock().unwrap().clone();
    let [(Message::Run(order), delay)] = &sent[..] else { panic!("{sent:?}") };
    // The block ends by every worker's clock.
    assert_eq!((order.attempt(), *delay), (at(24), secs(22)));
}

#[tokio::test]
async fn a_full_dispatch_asks_for_the_next_one() {
    let world = World::new(0, (0..30).map(removal));
    let dispatched = world.dispatcher().dispatch(&Report::default()).await.unwrap();
    assert_eq!(dispatched.orders, MOST_JOBS);
    let sent = world.sent.lock().unwrap().clone();
    assert_eq!(sent.iter().filter(|(message, _)| *message == Message::Wake).count(), 1);
    drop(sent);
    world.orders();
    let few = World::new(0, (0..3).map(removal));
    few.dispatcher().dispatch(&Report::default()).await.unwrap();
    assert!(few.sent.lock().unwrap().iter().all(|(message, _)| *message != Message::Wake));
}

#[tokio::test]
async fn nothing_to_do_writes_nothing_and_sends_nothing() {
    let world = World::new(0, []);
    world.dispatcher().dispatch(&Report::default()).await.unwrap();
    assert_eq!(world.quota(), podio_engine::quota::Quota::default());
    assert_eq!(*world.sent.lock().unwrap(), []);
}

#[tokio::test]
async fn a_dispatch_that_died_loses_its_moments_for_no_longer_than_patience() {
    let world = World::new(0, [removal(1)]);
    world.queue_is_down(true);
    let dispatcher = world.dispatcher();
    dispatcher.dispatch(&Report::default()).await.unwrap();
    let lost = world.quota().named[0].moments.clone();
    world.queue_is_down(false);

    world.go_to(89);
    dispatcher.dispatch(&Report::default()).await.unwrap();
    assert_eq!(world.orders(), [], "it may still be on its way");
    world.go_to(90);
    dispatcher.dispatch(&Report::default()).await.unwrap();
    let [order] = &world.orders()[..] else { panic!("nobody took it up") };
    assert_eq!(order.attempt(), at(90));
    let quota = world.quota();
    let moments: Vec<_> = quota.moments[&250].all().collect();
    assert_eq!((moments, lost.len()), (vec![at(90)], 1), "what was never begun is struck");
}

#[tokio::test]
async fn moments_of_an_attempt_that_began_stay_spent() {
    let world = World::new(0, [removal(1)]);
    let dispatcher = world.dispatcher();
    dispatcher.dispatch(&Report::default()).await.unwrap();
    let [order] = &world.orders()[..] else { panic!("one order") };
    // The worker claims it, calls, and dies.
    world.claim(&order.job, order.attempt()).await.unwrap();
    world.go_to(91);
    dispatcher.dispatch(&Report::default()).await.unwrap();
    let moments: Vec<_> = world.quota().moments[&250].all().collect();
    assert_eq!(moments, [order.attempt(), at(91)]);
}

#[tokio::test]
async fn a_claim_of_an_earlier_attempt_saves_no_moment() {
    let world = World::new(0, [removal(1)]);
    let dispatcher = world.dispatcher();
    dispatcher.dispatch(&Report::default()).await.unwrap();
    let [first] = &world.orders()[..] else { panic!("one order") };
    world.claim(&first.job, first.attempt()).await.unwrap();
    world.go_to(91);
    world.queue_is_down(true);
    dispatcher.dispatch(&Report::default()).await.unwrap();
    world.queue_is_down(false);
    world.go_to(190);
    dispatcher.dispatch(&Report::default()).await.unwrap();
    let moments: Vec<_> = world.quota().moments[&250].all().collect();
    assert_eq!(moments, [first.attempt(), at(190)], "the second attempt was lost before anybody began it");
}

#[tokio::test]
async fn a_report_frees_the_job_and_gives_back_its_moments() {
    let world = World::new(0, [removal(1), removal(2)]);
    let dispatcher = world.dispatcher();
    dispatcher.dispatch(&Report::default()).await.unwrap();
    let [one, two] = &world.orders()[..] else { panic!("two orders") };
    world.go_to(10);
    world.leave(&two.job).await.unwrap();
    let ended = vec![(one.clone(), true), (two.clone(), false)];
    let report = Report { ended, unspent: one.moments.clone(), ..Report::default() };
    dispatcher.dispatch(&report).await.unwrap();
    let [again] = &world.orders()[..] else { panic!("one waits again") };
    assert_eq!((&again.job, again.attempt()), (&one.job, at(10)));
    let moments: Vec<_> = world.quota().moments[&250].all().collect();
    assert_eq!(moments, [two.attempt(), at(10)]);
}

#[tokio::test]
async fn what_was_just_written_is_dispatched_before_the_index_shows_it() {
    let world = World::new(0, [removal(1)]);
    let (new, gone, later) = (removal(2), removal(1), removal(3));
    let later = Waiting { not_before: Some(at(30)), ..later };
    let mut report = Report::default();
    report.fresh.insert(new.job.clone(), Some(new.clone()));
    report.fresh.insert(gone.job, None);
    report.fresh.insert(later.job.clone(), Some(later));
    world.dispatcher().dispatch(&report).await.unwrap();
    let sent = world.sent.lock().unwrap().clone();
    let [(Message::Run(order), _), (Message::Wake, delay)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((&order.job, *delay), (&new.job, secs(30)), "and a word when the third has its time");
}

#[tokio::test]
async fn a_job_that_somebody_else_has_written_down_anew_does_not_wait_for_the_sweep() {
    let world = World::new(0, [removal(1)]);
    let dispatcher = world.dispatcher();
    dispatcher.dispatch(&Report::default()).await.unwrap();
    let [order] = &world.orders()[..] else { panic!("one order") };
    let done = Report { ended: vec![(order.clone(), false)], ..Report::default() };
    dispatcher.dispatch(&done).await.unwrap();
    // A door approves, and tells the worker: the index shows the job, as it would if it only lagged behind.
    let sent = world.sent.lock().unwrap().clone();
    let [(Message::Wake, delay)] = &sent[..] else { panic!("{sent:?}") };
    assert!(*delay <= secs(10), "soon, and not at the next sweep: {delay:#}");
    world.seconds.fetch_add(delay.as_secs(), Ordering::SeqCst);
    world.sent.lock().unwrap().clear();
    dispatcher.dispatch(&Report::default()).await.unwrap();
    let [again] = &world.orders()[..] else { panic!("it would wait for the sweep") };
    assert_eq!(again.job, order.job);
}

#[tokio::test]
async fn a_job_that_was_done_and_waits_anew_is_sent_at_once() {
    let world = World::new(0, [removal(1)]);
    let dispatcher = world.dispatcher();
    dispatcher.dispatch(&Report::default()).await.unwrap();
    let [order] = &world.orders()[..] else { panic!("one order") };
    let done = Report { ended: vec![(order.clone(), false)], ..Report::default() };
    dispatcher.dispatch(&done).await.unwrap();
    assert_eq!(world.orders(), [], "the index still shows it");
    let mut anew = Report::default();
    anew.fresh.insert(order.job.clone(), Some(removal(1)));
    dispatcher.dispatch(&anew).await.unwrap();
    let [again] = &world.orders()[..] else { panic!("it would wait for the sweep") };
    dispatcher.dispatch(&anew).await.unwrap();
    assert_eq!((&again.job, world.orders()), (&order.job, vec![]), "and no attempt is overtaken");
}

#[tokio::test]
async fn a_report_teaches_ceilings_and_outages() {
    let world = World::new(0, (0..3).map(removal));
    let dispatcher = world.dispatcher();
    let heard = Heard { route: ROUTE.to_owned(), at: at(0), limit: Some(100), remaining: Some(99) };
    let unanswered = (0..5).map(|job| (job, ROUTE.to_owned())).collect();
    let report = Report { heard: vec![heard], unanswered, took: Some(secs(2)), ..Report::default() };
    dispatcher.dispatch(&report).await.unwrap();
    assert_eq!(world.orders(), [], "Podio is down");
    let quota = world.quota();
    assert_eq!((quota.ceiling(ROUTE, dispatcher.configured).limit(), quota.answers_take), (100, 2_000));

    world.go_to(1);
    let answered = Report { answered: vec![ROUTE.to_owned()], ..Report::default() };
    dispatcher.dispatch(&answered).await.unwrap();
    assert_eq!(world.orders().len(), 3, "the first answer wakes all");
}

#[tokio::test]
async fn one_more_call_takes_a_moment_of_the_same_record() {
    let world = World::new(0, []);
    let dispatcher = world.dispatcher();
    let one = dispatcher.one_more("look", Priority::Removal, secs(3)).await.unwrap().unwrap();
    let other = world.dispatcher().one_more("look", Priority::Removal, secs(3)).await.unwrap().unwrap();
    assert_ne!(one.at, other.at);
    dispatcher.refused(None).await.unwrap();
    assert_eq!(dispatcher.one_more("look", Priority::Interactive, secs(3)).await, Ok(None));
    let knows = world.dispatcher();
    knows.refresh().await.unwrap();
    assert!(knows.with_known(|quota| quota.is_blocked(at(5))), "others hear of the block");
}

#[tokio::test]
async fn jobs_without_a_call_go_out_too() {
    let world = World::new(0, [Waiting { calls: Calls::default(), ..removal(1) }]);
    world.dispatcher().dispatch(&Report::default()).await.unwrap();
    assert_eq!(world.orders().len(), 1);
}

#[tokio::test]
async fn nothing_that_removes_is_sent_during_a_pause() {
    let look = Waiting { calls: Calls::of("look", 1), group: None, ..removal(9) };
    let world = World::new(1, [removal(1), removal(2), look]);
    world.pause(true);
    world.dispatcher().dispatch(&Report::default()).await.unwrap();
    let sent: Vec<String> = world.orders().into_iter().map(|order| order.job.subject).collect();
    assert_eq!(sent, ["9"]);

    world.pause(false);
    world.dispatcher().dispatch(&Report::default()).await.unwrap();
    assert_eq!(world.orders().len(), 2);
}
