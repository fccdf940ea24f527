//! The moment that a date in an event means.
//!
//! A day without a time is somebody's last day: it ends at midnight where the sender is, with summer time as it holds there.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::{TimeZone, TimeZoneDatabase},
};

/// An IANA zone, from the tables in this program: a machine's own may be missing or old.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

/// The moment that a text means, in `zone` where it has no offset of its own.
pub(super) fn moment(text: &str, zone: Option<&TimeZone>) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    let zone = zone?;
    let shape: Vec<u8> = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte }).collect();
    let local: DateTime = if shape == b"0000-00-00" {
        text.parse::<Date>().ok()?.tomorrow().ok()?.into()
    } else if shape.starts_with(b"0000-00-00T00:00") || shape.starts_with(b"0000-00-00 00:00") {
        text.parse().ok()?
    } else {
        return None;
    };
    zone.to_timestamp(local).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, name: &str) -> Option<String> {
        moment(text, Some(&zone(name).unwrap())).map(|moment| moment.to_string())
    }

    #[test]
    fn last_day_ends_at_local_midnight() {
        assert_eq!(read("2026-12-01", "Europe/Berlin").unwrap(), "2026-12-01T23:00:00Z");
        assert_eq!(read("2026-07-01", "Europe/Berlin").unwrap(), "2026-07-01T22:00:00Z", "summer time");
        assert_eq!(read("2026-12-31", "America/New_York").unwrap(), "2027-01-01T05:00:00Z");
        assert_eq!(read("2026-12-01", "Pacific/Kiritimati").unwrap(), "2026-12-01T10:00:00Z");
        // The clocks went forward at midnight: the day ended where the next one began, at one o'clock.
        assert_eq!(read("2018-11-03", "America/Sao_Paulo").unwrap(), "2018-11-04T03:00:00Z");
    }

    #[test]
    fn time_with_offset_is_taken_as_it_is() {
        assert_eq!(read("2026-12-01T17:00:00+01:00", "America/New_York").unwrap(), "2026-12-01T16:00:00Z");
        assert_eq!(read("2026-12-01T17:00:00", "America/New_York").unwrap(), "2026-12-01T22:00:00Z");
        assert_eq!(moment("2026-12-01", None), None, "nobody knows where");
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "soon", "01/12/2026", "2026-02-30", "2026-13-01", "20261201", "9999-12-31", "2026-12-01T", "1"]
        {
            assert_eq!(read(text, "UTC"), None, "{text}");
        }
        assert!(zone("Europe/Nowhere").is_none() && zone("").is_none());
    }
}
