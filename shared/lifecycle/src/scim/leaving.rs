//! Where a leaver's offboarding stands for a provider that wants the person back.

use crate::{
    ids::OffboardingId,
    offboarding::{Offboarding, Outcome, State},
    source::Source,
};

/// Where an offboarding stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    /// It is not over, and this provider alone has asked for it: it may be called off, as long as nothing was sent to Podio.
    Open,
    /// It is not over, and somebody else has asked for it, too: only a person may call it off.
    AskedByOthers,
    /// It was called off; nobody was removed.
    CalledOff,
    /// Another one took its place.
    Elsewhere(OffboardingId),
    /// The person is gone.
    Gone,
}

/// Where an offboarding stands for the one who asked by `source`.
pub fn stand(offboarding: &Offboarding, source: &Source) -> Stand {
    match &offboarding.state {
        State::Cancelled { duplicate_of: Some(other), .. } => Stand::Elsewhere(other.clone()),
        State::Cancelled { duplicate_of: None, .. } => Stand::CalledOff,
        State::Completed { end, .. } => match end.outcome() {
            // Nobody was removed.
            Outcome::Planned | Outcome::Unknown => Stand::CalledOff,
            Outcome::Removed | Outcome::AlreadyGone => Stand::Gone,
        },
        _ if offboarding.askers.iter().all(|asker| asker.source.is_same_as(source)) => Stand::Open,
        _ => Stand::AskedByOthers,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        ids::{OrgId, UserId},
        offboarding::{Abandoned, Draft, End, Person, Request},
    };

    fn scim(name: &str) -> Source {
        Source::Scim { name: name.into() }
    }

    fn accepted() -> Offboarding {
        let id = OffboardingId::new(Timestamp::UNIX_EPOCH, [0; 10]);
        let request = Request::new(Person::User(UserId(7)), scim("okta"));
        Offboarding::accept(id, OrgId(1), request, Timestamp::UNIX_EPOCH)
    }

    fn in_state(state: State) -> Offboarding {
        Offboarding { state, ..accepted() }
    }

    #[test]
    fn only_the_sole_asker_may_call_it_off() {
        let mut offboarding = accepted();
        assert_eq!(stand(&offboarding, &scim("okta")), Stand::Open);
        assert_eq!(stand(&offboarding, &scim("entra")), Stand::AskedByOthers);
        let mut other = offboarding.askers[0].clone();
        other.source = Source::Api { name: "okta".into() };
        offboarding.askers.push(other);
        assert_eq!(stand(&offboarding, &scim("okta")), Stand::AskedByOthers);
    }

    #[test]
    fn what_is_over_says_how_it_ended() {
        let other = OffboardingId::new(Timestamp::UNIX_EPOCH, [9; 10]);
        let cancelled = |duplicate_of| State::Cancelled {
            duplicate_of,
            left: Abandoned::Scheduled { leaver: None },
            closing: None,
        };
        let completed = |end| State::Completed { at: Timestamp::UNIX_EPOCH, end, closing: None };
        for (state, expected) in [
            (cancelled(None), Stand::CalledOff),
            (cancelled(Some(other.clone())), Stand::Elsewhere(other)),
            (completed(End::AlreadyGone(Draft::default())), Stand::Gone),
            (completed(End::Unknown(Draft::default())), Stand::CalledOff),
            (completed(End::Undecided { draft: Draft::default(), would_hold: Vec::new() }), Stand::CalledOff),
        ] {
            assert_eq!(stand(&in_state(state), &scim("okta")), expected);
        }
    }
}
