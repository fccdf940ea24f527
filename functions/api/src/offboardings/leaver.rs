//! The body of `POST /offboardings`.

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    email::EmailAddress,
    ids::{OrgId, UserId},
    offboarding::{Person, Priority, Request},
    source::Source,
};

use crate::{
    json::{self, Json, Object, Reader},
    problem::Problem,
};

const LONGEST_REASON: usize = 1_000;
const LONGEST_REQUESTED_BY: usize = 200;
const LONGEST_EMAIL: usize = 320;
/// A date beyond 18 months, the longest of which have 549 days, is a slip of the pen. Taken, it would also answer each later
/// request for the same person with a record that does nothing for years.
pub(crate) const FARTHEST: SignedDuration = SignedDuration::from_hours(24 * 549);

/// Reads a leaver. The organization is the first of `organizations` where the body names none.
pub(super) fn read(
    body: &[u8],
    organizations: &[OrgId],
    source: Source,
    now: Timestamp,
) -> Result<(OrgId, Request), Problem> {
    const FIELDS: [&str; 8] =
        ["user", "org_id", "effective_at", "dry_run", "require_approval", "reason", "requested_by", "priority"];
    let json = json::parse(body)?;
    let mut reader = Reader::default();
    let asked = reader.object("", &json, &FIELDS).and_then(|object| {
        let person = person(&mut reader, &object);
        let org_id = org(&mut reader, &object, organizations);
        let effective_at = effective_at(&mut reader, &object, now);
        let dry_run = reader.bool(&object, "dry_run").unwrap_or(false);
        let require_approval = reader.bool(&object, "require_approval").unwrap_or(false);
        let reason = reader.text(&object, "reason", LONGEST_REASON).map(str::to_owned);
        let requested_by = reader.text(&object, "requested_by", LONGEST_REQUESTED_BY).map(str::to_owned);
        let priority = priority(&mut reader, &object).unwrap_or_default();
        let request = Request::new(person?, source);
        let request = Request { effective_at, dry_run, require_approval, reason, requested_by, priority, ..request };
        Some((org_id?, request))
    });
    reader.finish()?;
    // Without an error each field was read; should that ever cease to hold, refuse rather than guess.
    asked.ok_or(Problem::Internal)
}

fn person(reader: &mut Reader, object: &Object<'_>) -> Option<Person> {
    let Some(user) = object.field("user") else {
        reader.error(object.pointer("user"), "required: an object with email or user_id");
        return None;
    };
    let user = reader.object(&object.pointer("user"), user, &["email", "user_id"])?;
    match (user.field("email"), user.field("user_id")) {
        (Some(_), Some(_)) => {
            reader.error(object.pointer("user"), "give either email or user_id, not both");
            None
        }
        (None, None) => {
            reader.error(object.pointer("user"), "give either email or user_id");
            None
        }
        (None, Some(_)) => reader.id(&user, "user_id").map(|id| Person::User(UserId(id))),
        (Some(_), None) => {
            let text = reader.text(&user, "email", LONGEST_EMAIL)?;
            match text.parse::<EmailAddress>() {
                Ok(email) => Some(Person::Email(email)),
                Err(error) => {
                    reader.error(user.pointer("email"), error.to_string());
                    None
                }
            }
        }
    }
}

fn org(reader: &mut Reader, object: &Object<'_>, organizations: &[OrgId]) -> Option<OrgId> {
    if object.field("org_id").is_none() {
        return organizations.first().copied();
    }
    let org = reader.id(object, "org_id").map(OrgId)?;
    if organizations.contains(&org) {
        return Some(org);
    }
    reader.error(object.pointer("org_id"), "not an organization that is managed here");
    None
}

fn priority(reader: &mut Reader, object: &Object<'_>) -> Option<Priority> {
    match object.field("priority")? {
        Json::String(text) if text == "normal" => Some(Priority::Normal),
        Json::String(text) if text == "urgent" => Some(Priority::Urgent),
        _ => {
            reader.error(object.pointer("priority"), "expected normal or urgent");
            None
        }
    }
}

fn effective_at(reader: &mut Reader, object: &Object<'_>, now: Timestamp) -> Option<Timestamp> {
    const EXPECTED: &str = "expected a date and time with its offset from UTC, such as 2026-12-01T17:00:00+01:00";
    let pointer = object.pointer("effective_at");
    let at = match object.field("effective_at")? {
        Json::String(text) => rfc3339(text),
        _ => None,
    };
    match at {
        None => reader.error(pointer, EXPECTED),
        Some(at) if at.duration_since(now) > FARTHEST => reader.error(pointer, "more than 18 months ahead"),
        Some(at) => return Some(at),
    }
    None
}

/// RFC 3339 to the letter. The parser takes more: hours without minutes, offsets in seconds, zone names.
fn rfc3339(text: &str) -> Option<Timestamp> {
    let pattern = |text: &[u8], shape: &[u8]| {
        text.len() == shape.len()
            && text.iter().zip(shape).all(|(byte, kind)| match kind {
                b'0' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b't' | b' '),
                b'+' => matches!(byte, b'+' | b'-'),
                other => byte == other,
            })
    };
    let (moment, rest) = text.as_bytes().split_at_checked(19)?;
    let offset = match rest.strip_prefix(b".") {
        None => rest,
        Some(rest) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (1..=9).contains(&digits).then(|| &rest[digits..])?
        }
    };
    let well_formed =
        pattern(moment, b"0000-00-00T00:00:00") && (pattern(offset, b"+00:00") || matches!(offset, b"Z" | b"z"));
    if well_formed { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-01T00:00:00Z".parse().unwrap()
    }

    fn hr() -> Source {
        Source::Sender { name: "hr".into() }
    }

    fn pointers(body: &str) -> Vec<String> {
        match read(body.as_bytes(), &[OrgId(1)], hr(), now()) {
            Err(Problem::Invalid(errors)) => errors.into_iter().map(|error| error.pointer).collect(),
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn a_full_request_is_read_as_it_was_meant() {
        let body = r#"{"user": {"email": "Jane@Example.com"}, "org_id": 678, "effective_at": "2026-12-01T17:00:00+01:00",
                       "dry_run": true, "require_approval": true, "reason": "left", "requested_by": "HR",
                       "priority": "urgent"}"#;
        let (org, request) = read(body.as_bytes(), &[OrgId(1), OrgId(678)], hr(), now()).unwrap();
        assert_eq!(org, OrgId(678));
        let expected = Request {
            person: Person::Email("jane@example.com".parse().unwrap()),
            effective_at: Some("2026-12-01T16:00:00Z".parse().unwrap()),
            dry_run: true,
            require_approval: true,
            reason: Some("left".into()),
            requested_by: Some("HR".into()),
            source: hr(),
            priority: Priority::Urgent,
        };
        assert_eq!(request, expected);
    }

    #[test]
    fn a_request_may_be_as_short_as_a_person() {
        let (org, request) = read(br#"{"user": {"user_id": 12345}}"#, &[OrgId(1), OrgId(678)], hr(), now()).unwrap();
        assert_eq!(org, OrgId(1));
        assert_eq!(request.person, Person::User(UserId(12345)));
        assert!(!request.dry_run && !request.require_approval && request.effective_at.is_none());
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let body = r#"{"user": {"email": "jane"}, "org_id": "678", "effective_at": "tomorrow", "dry_run": "yes",
                       "require_approval": null, "reason": 1, "requested_by": [], "dry_rum": true, "priority": "high"}"#;
        assert_eq!(
            pointers(body),
            [
                "/dry_rum",
                "/user/email",
                "/org_id",
                "/effective_at",
                "/dry_run",
                "/require_approval",
                "/reason",
                "/requested_by",
                "/priority"
            ]
        );
    }

    #[test]
    fn a_person_is_named_in_exactly_one_way() {
        for (user, pointer) in [
            (r#"{}"#, "/user"),
            (r#"{"email": "jane@example.com", "user_id": 1}"#, "/user"),
            (r#"{"user_id": 0}"#, "/user/user_id"),
            (r#"{"user_id": "12345"}"#, "/user/user_id"),
            (r#"{"email": null}"#, "/user/email"),
            (r#"{"email": "jane@example.com", "name": "Jane"}"#, "/user/name"),
            (r#""jane@example.com""#, "/user"),
            ("null", "/user"),
        ] {
            assert_eq!(pointers(&format!(r#"{{"org_id": 1, "user": {user}}}"#)), [pointer], "{user}");
        }
        assert_eq!(pointers(r#"{"org_id": 1}"#), ["/user"]);
        let another = r#"{"user": {"user_id": 1}, "org_id": 2}"#;
        assert_eq!(pointers(another), ["/org_id"], "an organization that is not managed");
        assert_eq!(pointers("[]"), [""]);
    }

    #[test]
    fn texts_have_their_limits() {
        let body =
            |reason: usize| format!(r#"{{"org_id": 1, "user": {{"user_id": 1}}, "reason": "{}"}}"#, "ü".repeat(reason));
        assert!(read(body(LONGEST_REASON).as_bytes(), &[OrgId(1)], hr(), now()).is_ok());
        assert_eq!(pointers(&body(LONGEST_REASON + 1)), ["/reason"]);
    }

    #[test]
    fn a_moment_without_its_offset_is_no_moment() {
        for good in [
            "2026-12-01T17:00:00Z",
            "2026-12-01t17:00:00.5z",
            "2026-12-01 17:00:00-00:30",
            "2020-02-29T00:00:00.123456789+14:00",
        ] {
            assert!(rfc3339(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "2026-12-01",
            "2026-12-01T17:00:00",
            "2026-12-01T17:00Z",
            "2026-12-01T17:00:00+01",
            "2026-12-01T17:00:00+0100",
            "2026-12-01T17:00:00.Z",
            "2026-12-01T17:00:00.1234567890Z",
            "2026-02-30T00:00:00Z",
            "2026-12-01T25:00:00Z",
            "2026-12-01T17:00:00+01:00[Europe/Berlin]",
            "20261201T170000Z",
            "9999-12-31T23:59:59Z",
            "+002026-12-01T17:00:00Z",
            "2026-12-01T17:00:00+99:00",
            "２026-12-01T17:00:00Z",
        ] {
            assert!(rfc3339(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_day_beyond_eighteen_months_is_refused() {
        let body = |at: &str| format!(r#"{{"org_id": 1, "user": {{"user_id": 1}}, "effective_at": "{at}"}}"#);
        assert!(read(body("2027-09-01T00:00:00Z").as_bytes(), &[OrgId(1)], hr(), now()).is_ok());
        for far in ["2027-09-02T00:00:00Z", "2100-01-01T00:00:00Z", "2999-01-01T00:00:00Z"] {
            assert_eq!(pointers(&body(far)), ["/effective_at"], "{far}");
        }
    }
}
