//! Rules that the adapters and their twins share, so that they cannot drift apart.

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    evidence::{CallRecord, StoredCall},
    hooks::DeliveryState,
    offboarding::{Offboarding, State},
    ports::{Accepted, StoreError},
};

/// The longest delay of a message that is sent.
const LONGEST_DELAY: SignedDuration = SignedDuration::from_secs(900);

/// The moment as it is stored: whole milliseconds.
pub(crate) fn stored(moment: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(moment.as_millisecond()).unwrap_or(moment)
}

/// A recorded call, read.
pub(crate) fn call(stored: &StoredCall) -> Result<CallRecord, StoreError> {
    serde_json::from_str(&stored.text).map_err(|_| StoreError::Corrupt(format!("call {}", stored.n)))
}

/// A text in parts of at most `size` bytes, cut between letters.
pub(crate) fn parts(text: &str, size: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut end = size.min(rest.len());
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (part, after) = rest.split_at(end);
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

/// What the same words mean once more, when the first delivery of them has come to `state`.
pub(crate) fn repeated(state: &DeliveryState) -> Accepted {
    match state {
        DeliveryState::Received | DeliveryState::Kept => Accepted::Repeated,
        DeliveryState::Handled { .. } | DeliveryState::Noted { .. } | DeliveryState::Refused { .. } => Accepted::Ended,
    }
}

/// Whether an offboarding in this state may hold a person. One that has ended or failed has given its claim back.
pub(crate) fn holds_person(offboarding: &Offboarding) -> bool {
    !offboarding.state.is_final() && !matches!(offboarding.state, State::Failed { .. })
}

/// Whether an offboarding is scheduled or at work.
pub(crate) fn is_active(offboarding: &Offboarding) -> bool {
    matches!(offboarding.state, State::Scheduled(_)) || offboarding.state.stage().is_some()
}

/// A delay as SQS takes it: whole seconds, rounded up since nobody may see the message sooner.
pub(crate) fn delay_seconds(delay: SignedDuration) -> u32 {
    let capped = delay.clamp(SignedDuration::ZERO, LONGEST_DELAY);
    let seconds = capped.as_secs() + i64::from(capped.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_letters() {
        let text = "aéb€c".repeat(3);
        let cut: Vec<&str> = parts(&text, 4).collect();
        assert_eq!(cut.concat(), text);
        assert!(cut.iter().all(|part| !part.is_empty() && part.len() <= 4));
        assert_eq!(parts("", 4).count(), 0);
    }

    #[test]
    fn a_delay_is_rounded_up() {
        let ms = SignedDuration::from_millis;
        assert_eq!(
            [ms(-5), ms(0), ms(1), ms(1_000), ms(1_001), ms(9_000_000)].map(delay_seconds),
            [0, 0, 1, 1, 2, 900]
        );
    }
}
