//! How long Podio asks us to stay away after a 420 or 429.
//!
//! Three sources in this order: `Retry-After` in seconds, `Retry-After` as an HTTP date, the sentence "please wait N
//! seconds" in the body. A source that says nothing sensible is passed over; if none does, the answer is `None` and the
//! caller falls back to its own patience.

use std::time::Duration;

use http::{HeaderMap, header::RETRY_AFTER};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

/// Longer than any window of Podio's; more than this is taken for nonsense.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The wait told by the headers or else by `text`, which is the message of the error or the raw body.
pub fn told(headers: &HeaderMap, text: &str, now: Timestamp) -> Option<Duration> {
    headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| from_header(value, now))
        .or_else(|| from_text(text))
}

/// Reads the value of `Retry-After`.
pub fn from_header(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Some(wait) = seconds(value) {
        return Some(wait);
    }
    let until = DateTimeParser::new().parse_timestamp(value).ok()?;
    let wait = until.duration_since(now);
    Duration::try_from(wait).ok().and_then(sensible)
}

/// Finds "wait N seconds" in a message, whatever its case and blanks.
pub fn from_text(text: &str) -> Option<Duration> {
    let text = text.to_ascii_lowercase();
    text.match_indices("wait").find_map(|(at, word)| {
        let rest = past_blanks(&text[at + word.len()..])?;
        let digits = &rest[..rest.bytes().take_while(u8::is_ascii_digit).count()];
        let unit = past_blanks(&rest[digits.len()..])?;
        if unit.starts_with("seconds") { seconds(digits) } else { None }
    })
}

/// The text after at least one blank.
fn past_blanks(text: &str) -> Option<&str> {
    let rest = text.trim_start();
    (rest.len() < text.len()).then_some(rest)
}

fn seconds(digits: &str) -> Option<Duration> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().ok()).flatten().map(Duration::from_secs).and_then(sensible)
}

/// Zero would make us hammer a server that has just refused us.
fn sensible(wait: Duration) -> Option<Duration> {
    (!wait.is_zero() && wait <= LONGEST).then_some(wait)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: &str = "2026-03-01T09:30:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date_to_come() {
        for (value, wait) in [
            ("120", Some(120)),
            (" 3600 ", Some(3600)),
            ("86400", Some(86_400)),
            ("Sun, 01 Mar 2026 09:40:00 GMT", Some(600)),
            ("Sun, 01 Mar 2026 09:20:00 GMT", None),
            ("Sun, 01 Mar 2026 09:30:00 GMT", None),
            ("Tue, 03 Mar 2026 09:30:00 GMT", None),
            ("86401", None),
            ("0", None),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(from_header(value, now()), wait.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn the_message_tells_the_wait_in_words() {
        for (text, wait) in [
            ("You have hit the rate limit. Please wait 300 seconds before trying again", Some(300)),
            ("WAIT  60\tSeconds", Some(60)),
            ("please wait. wait 20 seconds", Some(20)),
            ("please wait a while", None),
            ("wait300 seconds", None),
            ("wait 300 minutes", None),
            ("wait 99999999999999999999999 seconds", None),
            ("wait 0 seconds", None),
            ("wait", None),
            ("", None),
        ] {
            assert_eq!(from_text(text), wait.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn the_header_wins_and_a_senseless_header_is_passed_over() {
        let text = "Please wait 300 seconds";
        let mut headers = HeaderMap::new();
        assert_eq!(told(&headers, text, now()), Some(Duration::from_secs(300)));
        headers.insert(RETRY_AFTER, "60".parse().unwrap());
        assert_eq!(told(&headers, text, now()), Some(Duration::from_secs(60)));
        headers.insert(RETRY_AFTER, "-1".parse().unwrap());
        assert_eq!(told(&headers, text, now()), Some(Duration::from_secs(300)));
        assert_eq!(told(&headers, "", now()), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}", blanks in "\\s{0,3}", digits in "[0-9]{0,25}") {
            let _ = from_text(&text);
            let _ = from_header(&text, now());
            let _ = from_text(&format!("{text}wait{blanks}{digits}{blanks}seconds"));
        }

        #[test]
        fn every_wait_is_within_a_day(seconds in any::<u64>()) {
            let wait = from_header(&seconds.to_string(), now());
            prop_assert!(wait.is_none_or(|wait| wait <= LONGEST));
        }
    }
}
