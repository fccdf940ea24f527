//! The ledger over these ports: nothing is over without its evidence, and nobody without a key ends anything.

use std::sync::Arc;

use podio_lifecycle::{
    actor::Actor,
    evidence::{Sealed, SigningKey},
    ids::UserId,
    ledger::{Ledger, NotCommitted, Sealer},
    offboarding::{Event, Failure, FailureCode, Leaver, NewPlan, Offboarding, Status},
    work::Calls,
};

use super::{Store, accepted, at, at_once, leaver};

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32]).unwrap()
}

fn ledger<'a>(store: &'a impl Store, key: Option<&'a SigningKey>) -> Ledger<'a> {
    Ledger { read: store, write: store, sealer: key.map(|key| Sealer { evidence: store, key, retention: None }) }
}

fn failure() -> Event {
    Event::Failed(Failure { code: FailureCode::JobCrashed, detail: "It crashed.".to_owned() })
}

fn sealed_by(offboarding: &Offboarding) -> Option<Sealed> {
    offboarding.state.closing().map(|closing| closing.seal.clone())
}

/// An offboarding of somebody without a space, up to the read-back.
async fn verifying(ledger: &Ledger<'_>, mut offboarding: Offboarding) -> Offboarding {
    let leaver = Leaver { user_id: UserId(7), email: None, name: None };
    let plan = NewPlan { leaver, spaces: 0, previewed: false, reasons: Vec::new(), place: at(0) };
    let events = [Event::PlanningBegun, Event::Planned(plan), Event::OrgRemovalClaimed, Event::OrgRemovalDone];
    for event in events {
        offboarding = ledger.commit(&offboarding, event, at(10)).await.unwrap();
        assert_eq!(offboarding.state.closing(), None, "it is not over");
    }
    offboarding
}

pub async fn what_completes_is_stored_with_its_seal(store: Arc<impl Store>) {
    let key = key();
    let ledger = ledger(&*store, Some(&key));
    let jane = verifying(&ledger, accepted(&*store, leaver("jane@example.com", 0)).await).await;
    assert_eq!(store.last_seal().await, Ok(None));

    let done = ledger.commit(&jane, Event::VerifiedGone { asked_at: at(11) }, at(12)).await.unwrap();
    assert_eq!(store.load(&jane.id).await, Ok(Some(done.clone())));
    let seal = store.last_seal().await.unwrap().unwrap();
    assert_eq!((seal.number, sealed_by(&done)), (1, Some(seal.reference())));
    assert!(store.record_text(&jane.id, &seal.sha256).await.unwrap().is_some());
    assert!(store.keys().await.unwrap().knows(&key.public().kid), "whoever checks it finds the key");
    assert_eq!(store.ready(at(99), None, 10).await, Ok(vec![]), "nothing is left to do");

    let returned = ledger.commit_by(&Actor::podio(), &jane.id, &Event::Returned, at(20)).await.unwrap();
    assert_eq!(
        (sealed_by(&returned), store.last_seal().await),
        (sealed_by(&done), Ok(Some(seal))),
        "its evidence stays as it is"
    );
}

pub async fn who_holds_no_key_completes_nothing(store: Arc<impl Store>) {
    let ledger = ledger(&*store, None);
    let jane = verifying(&ledger, accepted(&*store, leaver("jane@example.com", 0)).await).await;
    let proof = Event::VerifiedGone { asked_at: at(11) };
    assert_eq!(ledger.commit(&jane, proof, at(12)).await, Err(NotCommitted::CannotSeal));
    assert_eq!(store.load(&jane.id).await, Ok(Some(jane)));
}

pub async fn what_a_door_has_ended_is_a_job_until_it_is_sealed(store: Arc<impl Store>) {
    let key = key();
    let (door, worker) = (ledger(&*store, None), ledger(&*store, Some(&key)));
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    let mut failed = door.commit(&jane, failure(), at(5)).await.unwrap();
    for number in 1..=2 {
        let waiting = store.ready(at(99), None, 10).await.unwrap();
        assert_eq!(waiting, [failed.waiting().unwrap()]);
        assert_eq!(waiting[0].calls, Calls::default(), "it takes no call");
        assert_eq!(door.seal(&failed, at(6)).await, Err(NotCommitted::CannotSeal));

        let sealed = worker.seal(&failed, at(7)).await.unwrap();
        let seal = store.last_seal().await.unwrap().unwrap();
        assert_eq!((seal.number, sealed_by(&sealed)), (number, Some(seal.reference())));
        assert_eq!(sealed.state, failed.clone().with_seal(0, seal.reference()).state, "it stands where it stood");
        assert_eq!((sealed.due(), sealed.updated_at), (failed.due(), failed.updated_at));
        assert_eq!(store.load(&jane.id).await, Ok(Some(sealed.clone())));
        assert_eq!(store.ready(at(99), None, 10).await, Ok(vec![]));
        assert_eq!(worker.seal(&failed, at(8)).await, Err(NotCommitted::Conflict), "another worker was faster");
        assert_eq!(worker.seal(&sealed, at(8)).await, Ok(sealed.clone()), "once is enough");
        assert_eq!(store.last_seal().await, Ok(Some(seal)));

        let resumed = door.commit(&sealed, Event::Retried, at(9)).await.unwrap();
        assert_eq!((resumed.state.closing(), resumed.state.status()), (None, Status::Planning));
        failed = door.commit(&resumed, failure(), at(10)).await.unwrap();
    }
    let cancelled = door.commit(&failed, Event::Cancelled, at(11)).await.unwrap();
    let sealed = worker.seal(&cancelled, at(12)).await.unwrap();
    assert_eq!((sealed.state.name(), sealed_by(&sealed).map(|seal| seal.number)), ("cancelled", Some(3)));
    assert_eq!(store.ready(at(99), None, 10).await, Ok(vec![]));
}

pub async fn of_many_who_seal_at_once_each_has_a_number_of_its_own(store: Arc<impl Store>) {
    let answers = at_once(&store, 6, async |store, n| {
        let key = key();
        let ledger = ledger(&*store, Some(&key));
        let one = accepted(&*store, leaver(&format!("leaver{n}@example.com"), 0)).await;
        let done = ledger.commit(&one, Event::NotAMember { was_known: true }, at(5)).await;
        sealed_by(&done.unwrap()).unwrap().number
    });
    let mut numbers = answers.await;
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    for number in 2..=6 {
        assert!(store.seal(number).await.unwrap().is_some());
    }
}
