//! What an operator is told of, and who is at work.

use std::sync::Arc;

use podio_lifecycle::offboarding::{Due, DueKind, Offboarding, PersonClaim, State};

use super::{Store, accepted, at, leaver};

fn due(kind: DueKind, second: i64, offboarding: Offboarding) -> Offboarding {
    Offboarding { due: Some(Due { kind, at: at(second) }), ..offboarding }
}

pub async fn those_listed_longest_are_found_first(store: Arc<impl Store>) {
    let late = accepted(&*store, due(DueKind::Held, 300, leaver("late@example.com", 0))).await;
    let soon = accepted(&*store, due(DueKind::Held, 100, leaver("soon@example.com", 0))).await;
    let failed = accepted(&*store, due(DueKind::Failed, 50, leaver("failed@example.com", 0))).await;

    let found = async |kind, second, limit| store.due(kind, at(second), limit).await.unwrap();
    assert_eq!(found(DueKind::Held, 99, 10).await, []);
    assert_eq!(found(DueKind::Held, 100, 10).await, std::slice::from_ref(&soon.id));
    let both = [soon.id.clone(), late.id];
    assert_eq!(found(DueKind::Held, 300, 10).await, both);
    assert_eq!(found(DueKind::Held, 300, 1).await, both[..1]);
    assert_eq!(found(DueKind::Failed, 300, 10).await, [failed.id]);

    let over = Offboarding { due: None, ..soon };
    store.save(0, &over, PersonClaim::Keep, None).await.unwrap();
    assert_eq!(found(DueKind::Held, 300, 10).await, both[1..], "what is over is not found");
}

pub async fn those_at_work_are_told_oldest_first(store: Arc<impl Store>) {
    let with = |state: State, mail: &str, second| {
        let offboarding = Offboarding { state, ..leaver(mail, second) };
        due(DueKind::Active, second, offboarding)
    };
    let removing = accepted(&*store, with(State::Removing, "a@example.com", 1)).await;
    let scheduled = accepted(&*store, with(State::Scheduled, "b@example.com", 2)).await;
    let planning = accepted(&*store, with(State::Planning, "c@example.com", 3)).await;
    let cancelled = State::Cancelled { duplicate_of: None };
    accepted(&*store, Offboarding { state: cancelled, due: None, ..leaver("d@example.com", 4) }).await;

    let all = [removing, scheduled, planning];
    assert_eq!(store.active(10).await.unwrap(), all);
    assert_eq!(store.active(2).await.unwrap(), all[..2]);
}
