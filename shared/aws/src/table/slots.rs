//! The moments of a reservation log as bytes.
//!
//! The first moment in full, each other as its distance in milliseconds from the one before; and of that only the
//! difference from the distance one ceiling earlier (within the first, from the one before). Under a backlog the slots repeat from window to window, so that
//! differences are nil, and a run of those takes a byte or two: thousands of slots fit into a kilobyte. Numbers are
//! written seven bits to a byte (LEB128).

use jiff::Timestamp;

/// The bytes of moments, which come in order, under a ceiling of `limit`; one that does not is moved up to the one before.
pub(super) fn encode(moments: &[Timestamp], limit: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Some((first, rest)) = moments.split_first() else { return bytes };
    let mut before = first.as_millisecond();
    put(&mut bytes, zigzag(before));
    let distances = rest.iter().map(|at| {
        let distance = at.as_millisecond().saturating_sub(before).max(0);
        before += distance;
        distance
    });
    encode_numbers(&mut bytes, distances, limit);
    bytes
}

/// The moments in the bytes; none if they are not what [`encode`] writes.
pub(super) fn decode(bytes: &[u8], limit: usize) -> Option<Vec<Timestamp>> {
    let mut rest = bytes;
    if rest.is_empty() {
        return Some(Vec::new());
    }
    let mut at = unzigzag(take(&mut rest)?);
    let mut moments = vec![moment(at)?];
    for distance in decode_numbers(rest, limit)? {
        at = at.checked_add(distance)?;
        moments.push(moment(at)?);
    }
    Some(moments)
}

/// The bytes of numbers that repeat, roughly, after `limit` of them.
pub(super) fn encode_numbers(bytes: &mut Vec<u8>, numbers: impl Iterator<Item = i64>, limit: usize) {
    let mut known: Vec<i64> = Vec::new();
    let mut nils = 0u64;
    for number in numbers {
        let difference = number - earlier(&known, limit);
        known.push(number);
        if difference == 0 {
            nils += 1;
            continue;
        }
        put_run(bytes, nils);
        nils = 0;
        // Even numbers are differences, odd ones runs of nils.
        put(bytes, zigzag(difference) << 1);
    }
    put_run(bytes, nils);
}

/// The numbers in the bytes, none of them negative; none if they are not what [`encode_numbers`] writes.
pub(super) fn decode_numbers(bytes: &[u8], limit: usize) -> Option<Vec<i64>> {
    let mut rest = bytes;
    let mut known: Vec<i64> = Vec::new();
    while !rest.is_empty() {
        let number = take(&mut rest)?;
        let (times, difference) = if number & 1 == 1 { (number >> 1, 0) } else { (1, unzigzag(number >> 1)) };
        if times > MOST {
            return None;
        }
        for _ in 0..times {
            known.push(earlier(&known, limit).checked_add(difference).filter(|number| *number >= 0)?);
        }
    }
    Some(known)
}

/// More slots than any log holds.
const MOST: u64 = 1_000_000;

fn moment(at: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(at).ok()
}

/// The number one ceiling earlier; within the first ceiling, the one before.
fn earlier(known: &[i64], limit: usize) -> i64 {
    let index = known.len().checked_sub(limit).or(known.len().checked_sub(1));
    index.and_then(|index| known.get(index)).copied().unwrap_or(0)
}

fn put_run(bytes: &mut Vec<u8>, nils: u64) {
    if nils > 0 {
        put(bytes, nils << 1 | 1);
    }
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

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn a_full_hour_of_slots_takes_little_and_twenty_hours_hardly_more() {
        let hour: Vec<Timestamp> = (0..250).map(|n| at(1_800_000_000_000 + n * 14_458)).collect();
        assert!(encode(&hour, 250).len() <= 16, "even slots differ once");

        let uneven = |n: i64| at(1_800_000_000_000 + (n / 250) * 3_614_400 + (n % 250) * 14_000 + (n % 250) % 7 * 300);
        let hour: Vec<Timestamp> = (0..250).map(uneven).collect();
        let backlog: Vec<Timestamp> = (0..5_000).map(uneven).collect();
        let (hour, backlog) = (encode(&hour, 250).len(), encode(&backlog, 250).len());
        assert!(hour <= 1_000 && backlog <= hour + 16, "{hour} and {backlog} bytes");
    }

    #[test]
    fn what_was_cut_off_is_not_taken_for_a_log() {
        let bytes = encode(&[at(1_800_000_000_000)], 250);
        assert_eq!(decode(&bytes[..bytes.len() - 1], 250), None);
        assert_eq!(decode(&[0xff; 11], 250), None);
        let endless = [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(decode(&endless, 250), None, "a run of more than any log holds");
        assert_eq!(decode(&[], 250), Some(vec![]));
    }

    proptest! {
        #[test]
        fn every_log_comes_back(
            mut moments in proptest::collection::vec(-4_000_000_000_000..4_000_000_000_000i64, 0..300),
            limit in 1usize..40,
        ) {
            moments.sort_unstable();
            let slots: Vec<_> = moments.into_iter().map(at).collect();
            prop_assert_eq!(decode(&encode(&slots, limit), limit), Some(slots));
        }

        #[test]
        fn bytes_of_any_kind_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..8)) {
            let _ = decode(&bytes, 3);
        }
    }
}
