//! The transitions of an offboarding, and what the work table shows of it.
#![allow(clippy::unwrap_used, reason = "a test may stop where its premise fails")]

mod flow;
mod properties;
mod spaces;
mod waiting;

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    evidence::Sealed,
    hold::{Decision, Preview, Reason},
    ids::{OffboardingId, OrgId, SpaceId, UserId},
    offboarding::{
        Change, Event, Failure, FailureCode, Finalizing, Found, LastLook, Leaver, NewPlan, Offboarding, Person, Plan,
        Request, Search, State, Status, Verifying,
    },
    removal::{RemovalState, Tally},
    source::Source,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn request() -> Request {
    Request::new(Person::Email("jane@example.com".parse().unwrap()), Source::Api { name: "hr".to_owned() })
}

fn accepted(request: Request) -> Offboarding {
    Offboarding::accept(OffboardingId::new(at(0), [1; 10]), OrgId(1), request, at(0))
}

fn plan(spaces: u32, reasons: Vec<Reason>) -> NewPlan {
    NewPlan {
        leaver: Leaver { user_id: UserId(7), email: None, name: None },
        spaces,
        previewed: false,
        reasons,
        place: at(0),
    }
}

/// Applies the events one after the other, a second apart, as storage would.
fn live(mut offboarding: Offboarding, events: impl IntoIterator<Item = Event>) -> Change {
    let mut last = None;
    for event in events {
        let now = offboarding.updated_at + SignedDuration::from_secs(1);
        let change = offboarding.apply(event.clone(), now).unwrap_or_else(|refusal| panic!("{event:?}: {refusal}"));
        offboarding = Offboarding { revision: offboarding.revision + 1, ..change.offboarding.clone() };
        last = Some(Change { offboarding: offboarding.clone(), ..change });
    }
    last.expect("at least one event")
}

/// The plan that stands.
fn plan_of(offboarding: &Offboarding) -> &Plan {
    offboarding.state.plan().expect("a plan stands")
}

/// What is known while the organization is being left.
fn finalizing_of(offboarding: &Offboarding) -> &Finalizing {
    let State::Finalizing(it) = &offboarding.state else { panic!("{:?}", offboarding.state) };
    it
}

/// What is known while it is being read back.
fn verifying_of(offboarding: &Offboarding) -> &Verifying {
    let State::Verifying(it) = &offboarding.state else { panic!("{:?}", offboarding.state) };
    it
}

/// The approval of the hold that stands, or of none.
fn approving(offboarding: &Offboarding) -> Event {
    let reasons = match &offboarding.state {
        State::Held { reasons, .. } => reasons.as_slice(),
        _ => &[],
    };
    Event::Approved(Decision::on_all(offboarding.hold_id().unwrap_or_default(), reasons))
}

/// Podio has confirmed one more space.
fn removed() -> Event {
    Event::SpaceSettled(RemovalState::Removed)
}

fn found(spaces: u32, round: u32, left: Vec<SpaceId>) -> Event {
    Event::SpacesFound { spaces, again: Tally::default(), round, left }
}

fn look_again(space: u64) -> Event {
    Event::LookAgain { space: SpaceId(space) }
}

fn waits(until: Option<Timestamp>, search: Search) -> Event {
    Event::Waits { until, found: Found::Planning(Box::new(search)), calls: 0, place: at(0) }
}

/// The job that leaves the organization waits.
fn end_waits(until: Option<Timestamp>, look: LastLook) -> Event {
    Event::Waits { until, found: Found::Finalizing(look), calls: 0, place: at(0) }
}

fn faulted(second: i64) -> Event {
    Event::Faulted { again_at: at(second), found: Found::Planning(Box::default()) }
}

/// The job that leaves the organization has had no answer.
fn end_faulted(second: i64) -> Event {
    Event::Faulted { again_at: at(second), found: Found::Finalizing(LastLook::default()) }
}

fn danger(space: u64) -> Vec<Reason> {
    Preview { deleted: vec![SpaceId(space)], ..Preview::default() }.reasons()
}

fn crashed() -> Event {
    Event::Failed(Failure { code: FailureCode::JobCrashed, detail: "It crashed.".to_owned() })
}

fn sealed() -> Sealed {
    Sealed { number: 1, sha256: "00".repeat(32), at: at(90) }
}
