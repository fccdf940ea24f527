//! Podio's times. The documentation says `YYYY-MM-DD HH:MM:SS` in UTC, other sources say ISO 8601: both are read.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// The moment that Podio wrote, or `None` if it is not a moment. A time without an offset is UTC.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .find_map(|format| DateTime::strptime(format, text).ok())
        .and_then(|civil| TimeZone::UTC.to_timestamp(civil).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse;

    #[test]
    fn every_spelling_of_the_same_moment_is_read_alike() {
        let moment = "2026-03-01T09:30:00Z".parse().unwrap();
        for spelling in [
            "2026-03-01 09:30:00",
            " 2026-03-01 09:30:00 ",
            "2026-03-01T09:30:00",
            "2026-03-01T09:30:00.000",
            "2026-03-01T09:30:00Z",
            "2026-03-01T10:30:00+01:00",
            "2026-03-01T09:30:00.000Z",
        ] {
            assert_eq!(parse(spelling), Some(moment), "{spelling}");
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for wrong in ["", "null", "2026-03-01", "2026-13-01 00:00:00", "09:30:00", "0000-00-00 00:00:00", "1767225600"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn nothing_that_looks_like_a_date_makes_it_panic(text in "[0-9]{1,5}-[0-9]{1,3}-[0-9]{1,3}[ T][0-9]{1,3}:[0-9]{1,3}:[0-9]{1,3}(Z|[+-][0-9]{1,3}:[0-9]{1,3})?") {
            let _ = parse(&text);
        }
    }
}
