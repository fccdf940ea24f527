//! What an operator is told of, and who is at work.

use std::sync::Arc;

use podio_lifecycle::offboarding::{
    Draft, DueKind, Failure, FailureCode, Interrupted, Offboarding, OnHold, Passage, PersonClaim, Planning, Removing,
    Scheduled, State,
};

use super::{Store, accepted, at, called_off, leaver, planned_for, user};

/// The same, in another state since that second.
fn since(second: i64, state: State, offboarding: Offboarding) -> Offboarding {
    let passage = Passage { at: at(second), to: state.name().to_owned() };
    Offboarding { state, history: vec![passage], ..offboarding }
}

fn held() -> State {
    State::Held { reasons: Vec::new(), stopped: OnHold::Stage(Interrupted::Planning(Draft::default())) }
}

fn failed() -> State {
    let failure = Failure { code: FailureCode::UnknownOrg, detail: String::new() };
    State::Failed { failure, stopped: Interrupted::Planning(Draft::default()), closing: None }
}

pub async fn those_listed_longest_are_found_first(store: Arc<impl Store>) {
    let late = accepted(&*store, since(300, held(), leaver("late@example.com", 0))).await;
    let soon = accepted(&*store, since(100, held(), leaver("soon@example.com", 0))).await;
    let failed = accepted(&*store, since(50, failed(), leaver("failed@example.com", 0))).await;

    let found = async |kind, second, limit| store.due(kind, at(second), limit).await.unwrap();
    assert_eq!(found(DueKind::Held, 99, 10).await, []);
    assert_eq!(found(DueKind::Held, 100, 10).await, std::slice::from_ref(&soon.id));
    let both = [soon.id.clone(), late.id];
    assert_eq!(found(DueKind::Held, 300, 10).await, both);
    assert_eq!(found(DueKind::Held, 300, 1).await, both[..1]);
    assert_eq!(found(DueKind::Failed, 300, 10).await, [failed.id]);

    let over = since(120, called_off(), soon);
    store.save(0, &over, PersonClaim::Keep, None).await.unwrap();
    assert_eq!(found(DueKind::Held, 300, 10).await, both[1..], "what is over is not found");
}

pub async fn those_at_work_are_told_oldest_first(store: Arc<impl Store>) {
    let with = |state: State, mail: &str, second| Offboarding { state, ..leaver(mail, second) };
    let removing = accepted(
        &*store,
        with(State::Removing(Removing { plan: planned_for(user(7)), release: false }), "a@example.com", 1),
    )
    .await;
    let scheduled = accepted(&*store, with(State::Scheduled(Scheduled::default()), "b@example.com", 2)).await;
    let planning = accepted(&*store, with(State::Planning(Planning::default()), "c@example.com", 3)).await;
    accepted(&*store, Offboarding { state: called_off(), ..leaver("d@example.com", 4) }).await;

    let all = [removing, scheduled, planning];
    assert_eq!(store.active(10).await.unwrap(), all);
    assert_eq!(store.active(2).await.unwrap(), all[..2]);
}
