//! The slots of the reservation log as bytes: the first in full, each other as its distance from the one before, in
//! milliseconds, seven bits to a byte (LEB128). Two hundred and fifty of them take about half a kilobyte, so that a
//! reservation costs one write unit.

use jiff::Timestamp;
use podio_lifecycle::quota::Slot;

/// The bytes of slots, which come in order; one that does not is moved up to the one before it.
pub(super) fn encode(slots: impl Iterator<Item = Slot>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut before: Option<i64> = None;
    for Slot(at) in slots {
        let at = at.as_millisecond();
        let distance = match before {
            None => zigzag(at),
            Some(before) => u64::try_from(at.saturating_sub(before)).unwrap_or_default(),
        };
        before = Some(before.map_or(at, |before| before.max(at)));
        put(&mut bytes, distance);
    }
    bytes
}

/// The slots in the bytes; none if they are not what [`encode`] writes.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<Slot>> {
    let mut slots = Vec::new();
    let mut rest = bytes;
    let mut before: Option<i64> = None;
    while !rest.is_empty() {
        let number = take(&mut rest)?;
        let at = match before {
            None => unzigzag(number),
            Some(before) => before.checked_add(i64::try_from(number).ok()?)?,
        };
        before = Some(at);
        slots.push(Slot(Timestamp::from_millisecond(at).ok()?));
    }
    Some(slots)
}

/// Moments before the epoch are numbers, too.
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let low = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if shift == 63 && low > 1 {
            return None;
        }
        number |= low << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slot(ms: i64) -> Slot {
        Slot(Timestamp::from_millisecond(ms).unwrap())
    }

    #[test]
    fn a_full_hour_of_slots_takes_half_a_kilobyte() {
        let slots = (0..250).map(|n| slot(1_800_000_000_000 + n * 14_458));
        let bytes = encode(slots);
        assert!(bytes.len() <= 512, "{} bytes", bytes.len());
    }

    #[test]
    fn what_was_cut_off_is_not_taken_for_a_log() {
        let bytes = encode([slot(1_800_000_000_000)].into_iter());
        assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(decode(&[0xff; 11]), None);
        assert_eq!(decode(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), None, "no such moment");
        assert_eq!(decode(&[]), Some(vec![]));
    }

    proptest! {
        #[test]
        fn every_log_comes_back(mut moments in proptest::collection::vec(-4_000_000_000_000..4_000_000_000_000i64, 0..300)) {
            moments.sort_unstable();
            let slots: Vec<_> = moments.into_iter().map(slot).collect();
            prop_assert_eq!(decode(&encode(slots.iter().copied())), Some(slots));
        }

        #[test]
        fn bytes_of_any_kind_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = decode(&bytes);
        }
    }
}
