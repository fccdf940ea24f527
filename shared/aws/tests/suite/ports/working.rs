//! The work table: which jobs wait, in which order, and whose attempt has begun.

use std::sync::Arc;

use podio_engine::ports::Claimed;
use podio_lifecycle::{
    ids::OrgId,
    offboarding::{DueKind, Event, Found, Offboarding, PersonClaim, Request},
    ports::{Joined, StoreError},
    work::{Calls, JobId, Priority, Waiting},
};

use super::{Store, accepted, at, at_once, evidence::seal, key, leaver, removal};

/// A job without a record of its own.
fn kept(subject: &str, priority: Priority, place: i64) -> Waiting {
    Waiting {
        job: JobId::new(JobId::KEEP_HOOKS, subject),
        priority,
        place: at(place),
        since: at(place),
        not_before: None,
        faulted_at: None,
        calls: Calls::back_to_back(["GET /hook/", "POST /hook/"]),
        group: None,
    }
}

fn jobs(waiting: Result<Vec<Waiting>, StoreError>) -> Vec<String> {
    waiting.unwrap().into_iter().map(|job| job.job.subject).collect()
}

pub async fn jobs_are_ready_by_priority_and_place(store: Arc<impl Store>) {
    let look = kept("look", Priority::Background, 1);
    let late = kept("late", Priority::Interactive, 60);
    let early = kept("early", Priority::Interactive, 2);
    for job in [&look, &late, &early] {
        store.put(job).await.unwrap();
    }
    let jane = accepted(&*store, leaver("jane@example.com", 30)).await;
    let removal = removal(&jane, 5).waiting_since(at(90), Priority::Removal, at(31));
    store.save_space(&removal).await.unwrap();

    let ready = store.ready(at(90), None, 10).await.unwrap();
    let expected = [early.clone(), jane.waiting().unwrap(), late, removal.waiting().unwrap(), look];
    assert_eq!(ready, expected, "each as its record has it");
    let few = jobs(store.ready(at(90), None, 1).await);
    assert_eq!(few, ["early", "look"], "the background is seen however many others wait");
}

pub async fn jobs_that_pause_are_ready_when_their_time_has_come(store: Arc<impl Store>) {
    let paused = |subject, until| Waiting { not_before: Some(at(until)), ..kept(subject, Priority::Removal, 0) };
    store.put(&paused("late", 300)).await.unwrap();
    store.put(&paused("soon", 100)).await.unwrap();
    store.put(&kept("now", Priority::Background, 0)).await.unwrap();
    assert_eq!(jobs(store.ready(at(99), None, 10).await), ["now"]);
    assert_eq!(jobs(store.ready(at(100), None, 10).await), ["soon", "now"]);
    assert_eq!(jobs(store.ready(at(300), None, 10).await).len(), 3);
    assert_eq!(jobs(store.ready(at(300), None, 2).await).len(), 3, "two, and the background beside them");
}

pub async fn the_end_of_an_outage_ends_the_pauses_that_it_caused(store: Arc<impl Store>) {
    let pause = |subject, faulted: Option<i64>| Waiting {
        not_before: Some(at(800)),
        faulted_at: faulted.map(at),
        ..kept(subject, Priority::Removal, 0)
    };
    store.put(&pause("before", Some(50))).await.unwrap();
    store.put(&pause("since", Some(70))).await.unwrap();
    store.put(&pause("by itself", None)).await.unwrap();
    assert_eq!(jobs(store.ready(at(61), None, 10).await), [""; 0]);
    assert_eq!(jobs(store.ready(at(61), Some(at(60)), 10).await), ["before"]);
}

pub async fn a_job_is_put_into_the_table_once(store: Arc<impl Store>) {
    let job = kept("space/5", Priority::Background, 0);
    store.put(&job).await.unwrap();
    store.put(&Waiting { place: at(9), ..job.clone() }).await.unwrap();
    assert_eq!(store.ready(at(9), None, 10).await, Ok(vec![job.clone()]), "it stays as it is");
    store.leave(&job.job).await.unwrap();
    assert_eq!(store.ready(at(9), None, 10).await, Ok(vec![]));
    store.leave(&job.job).await.unwrap();

    let again = Waiting { place: at(9), since: at(9), ..job };
    store.put(&again).await.unwrap();
    assert_eq!(store.ready(at(9), None, 10).await, Ok(vec![again]), "what has left may come back");
}

pub async fn an_attempt_is_begun_once(store: Arc<impl Store>) {
    let job = kept("space/5", Priority::Background, 0);
    store.put(&job).await.unwrap();
    let id = &job.job;
    assert_eq!(store.claimed(id).await, Ok(None));
    assert_eq!(store.claim(id, at(10)).await, Ok(Claimed::Yes { deaths: 0 }));
    assert_eq!(store.claimed(id).await, Ok(Some(at(10))));
    assert_eq!(store.claim(id, at(10)).await, Ok(Claimed::No), "a duplicate");
    assert_eq!(store.claim(id, at(9)).await, Ok(Claimed::No), "an older one");
    assert_eq!(store.claim(id, at(11)).await, Ok(Claimed::Yes { deaths: 1 }), "the one before it was not heard of");
    assert_eq!(store.claim(id, at(12)).await, Ok(Claimed::Yes { deaths: 2 }));
    store.survived(id).await.unwrap();
    assert_eq!(store.claim(id, at(12)).await, Ok(Claimed::No), "it has been");
    assert_eq!(store.claim(id, at(13)).await, Ok(Claimed::Yes { deaths: 0 }));
}

pub async fn of_many_who_begin_an_attempt_one_does(store: Arc<impl Store>) {
    let job = kept("space/5", Priority::Background, 0);
    store.put(&job).await.unwrap();
    let claims = at_once(&store, 12, move |store, _| {
        let job = job.job.clone();
        async move { store.claim(&job, at(10)).await.unwrap() }
    })
    .await;
    assert_eq!(claims.iter().filter(|claimed| **claimed == Claimed::Yes { deaths: 0 }).count(), 1);
    assert!(claims.iter().all(|claimed| matches!(claimed, Claimed::Yes { .. } | Claimed::No)));
}

pub async fn a_job_that_has_left_tells_whether_an_attempt_had_begun(store: Arc<impl Store>) {
    let job = kept("space/5", Priority::Background, 0);
    let id = &job.job;
    assert_eq!(store.claim(id, at(10)).await, Ok(Claimed::Gone { begun: false }), "it never was");
    store.put(&job).await.unwrap();
    store.claim(id, at(10)).await.unwrap();
    store.leave(id).await.unwrap();
    assert_eq!(store.claim(id, at(10)).await, Ok(Claimed::Gone { begun: true }), "its moment may be spent");
    assert_eq!(store.claim(id, at(11)).await, Ok(Claimed::Gone { begun: false }), "its moment is not");
    assert_eq!(store.claimed(id).await, Ok(Some(at(10))));
    let nobody = JobId::new(JobId::KEEP_HOOKS, "space/6");
    assert_eq!(store.claimed(&nobody).await, Ok(None));
    assert_eq!(store.survived(&nobody).await, Ok(()));
}

pub async fn a_job_waits_again_as_it_is_told(store: Arc<impl Store>) {
    let job = kept("space/5", Priority::Background, 0);
    store.put(&job).await.unwrap();
    store.claim(&job.job, at(10)).await.unwrap();
    let later = Waiting { not_before: Some(at(50)), faulted_at: Some(at(20)), since: at(20), ..job.clone() };
    store.wait_again(&later).await.unwrap();
    assert_eq!(store.ready(at(49), None, 10).await, Ok(vec![]));
    assert_eq!(store.ready(at(50), None, 10).await, Ok(vec![later.clone()]));
    assert_eq!(store.claim(&job.job, at(11)).await, Ok(Claimed::Yes { deaths: 0 }), "that attempt ended in order");
    store.wait_again(&job).await.unwrap();
    assert_eq!(store.ready(at(0), None, 10).await, Ok(vec![job.clone()]), "and no pause is left behind");

    store.leave(&job.job).await.unwrap();
    store.wait_again(&later).await.unwrap();
    assert_eq!(store.ready(at(50), None, 10).await, Ok(vec![]), "what has left does not come back");
}

pub async fn a_removal_waits_again_as_it_is_told(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let removal = removal(&jane, 5).waiting_since(at(3), Priority::Removal, at(2));
    store.save_space(&removal).await.unwrap();
    let waiting = removal.waiting().unwrap();
    let again = Waiting { place: at(17), since: at(9), not_before: Some(at(30)), faulted_at: Some(at(9)), ..waiting };
    store.wait_again(&again).await.unwrap();
    let stored = store.space(&removal.key).await.unwrap().unwrap();
    assert_eq!((stored.waiting(), stored.revision), (Some(again), 1), "its record says so too");

    store.leave(&removal.key.job()).await.unwrap();
    let stored = store.space(&removal.key).await.unwrap().unwrap();
    assert_eq!((stored.wait, stored.revision), (None, 1));
    assert_eq!(store.waiting_in(removal.space(), 10).await, Ok(vec![]));
}

pub async fn an_offboarding_waits_as_its_record_says(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let id = jane.waiting().unwrap().job;
    assert_eq!(store.claim(&id, at(5)).await, Ok(Claimed::Yes { deaths: 0 }));

    let faulted = Event::Faulted { again_at: at(60), found: Found::Planning(Box::default()) };
    let faulted = jane.apply(faulted, at(6)).unwrap().offboarding;
    store.save(0, &faulted, PersonClaim::Keep, None).await.unwrap();
    assert_eq!(store.ready(at(59), None, 10).await, Ok(vec![]));
    assert_eq!(store.ready(at(60), None, 10).await, Ok(vec![faulted.waiting().unwrap()]));
    assert_eq!(store.claim(&id, at(5)).await, Ok(Claimed::No), "a write of the record leaves the claims alone");
    assert_eq!(store.claim(&id, at(7)).await, Ok(Claimed::Yes { deaths: 1 }));

    let stored = Offboarding { revision: 1, ..faulted };
    let cancelled = stored.apply(Event::Cancelled, at(8)).unwrap();
    store.save(1, &cancelled.offboarding, cancelled.person, None).await.unwrap();
    let unsealed = cancelled.offboarding.waiting().unwrap();
    assert_eq!(unsealed.calls, Calls::default());
    assert_eq!(store.ready(at(8), None, 10).await, Ok(vec![unsealed]), "its evidence is still to be sealed");
    assert_eq!(store.claim(&id, at(7)).await, Ok(Claimed::No));

    let seal = seal(1, &jane.id, "a");
    let over = cancelled.offboarding.with_seal(0, seal.reference());
    store.save_sealed(2, &over, PersonClaim::Keep, None, &seal).await.unwrap();
    assert_eq!(store.ready(at(99), None, 10).await, Ok(vec![]));
    assert_eq!(store.claim(&id, at(7)).await, Ok(Claimed::Gone { begun: true }));
}

pub async fn a_second_request_changes_how_an_offboarding_waits(store: Arc<impl Store>) {
    let later = leaver("jane@example.com", 0);
    let later = Request { effective_at: Some(at(500)), ..later.request };
    let jane = Offboarding::accept(leaver("jane@example.com", 0).id, OrgId(678), later, at(0));
    let jane = jane.apply(Event::Resolved { leaver: None, warning: None }, at(0)).unwrap().offboarding;
    let jane = accepted(&*store, jane).await;
    let id = jane.waiting().unwrap().job;
    assert_eq!(store.ready(at(499), None, 10).await, Ok(vec![]));
    assert_eq!(store.ready(at(500), None, 10).await, Ok(vec![jane.waiting().unwrap()]), "its day has come");
    assert_eq!(store.claim(&id, at(500)).await, Ok(Claimed::Yes { deaths: 0 }));

    let now = Request { effective_at: None, ..jane.request.clone() };
    let started = jane.apply(Event::AskedAgain(Box::new(now)), at(9)).unwrap().offboarding;
    assert_eq!(store.join(&jane, Some(&started), Some(&key("a", "body")), at(9)).await, Ok(Joined::Done));
    assert_eq!(store.ready(at(9), None, 10).await, Ok(vec![started.waiting().unwrap()]), "no pause is left behind");
    assert_eq!(store.due(DueKind::Active, at(9), 10).await, Ok(vec![jane.id.clone()]));
    assert_eq!(store.claim(&id, at(500)).await, Ok(Claimed::No), "and the claims are left alone");
    assert_eq!(store.claim(&id, at(501)).await, Ok(Claimed::Yes { deaths: 1 }));
}

pub async fn what_lies_ahead_is_told_in_order_without_what_pauses(store: Arc<impl Store>) {
    for n in 0..5 {
        store.put(&kept(&format!("interactive/{n}"), Priority::Interactive, n)).await.unwrap();
        store.put(&kept(&format!("removal/{n}"), Priority::Removal, n)).await.unwrap();
    }
    let jane = accepted(&*store, Offboarding { place: at(7), ..leaver("jane@example.com", 7) }).await;
    let space = removal(&jane, 5).waiting_since(at(8), Priority::Removal, at(9));
    store.save_space(&space).await.unwrap();
    let paused = Waiting { not_before: Some(at(900)), ..kept("paused", Priority::Interactive, 0) };
    store.put(&paused).await.unwrap();

    let ahead = store.ahead(100).await.unwrap();
    assert_eq!(ahead[5..].first(), jane.waiting().as_ref());
    assert_eq!(ahead.last(), space.waiting().as_ref(), "whose it is, of which space, and its calls");
    let subjects = |range: std::ops::Range<usize>| -> Vec<&str> {
        ahead[range].iter().map(|job| job.job.subject.as_str()).collect()
    };
    assert_eq!(subjects(0..5), ["interactive/0", "interactive/1", "interactive/2", "interactive/3", "interactive/4"]);
    assert_eq!(subjects(6..11), ["removal/0", "removal/1", "removal/2", "removal/3", "removal/4"]);
    assert_eq!(ahead.len(), 12);
    assert_eq!(store.ahead(4).await.unwrap(), ahead[..4]);
}
