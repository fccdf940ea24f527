//! What is configured, read and checked once at the start.

use jiff::SignedDuration;
use podio_aws::settings::{Problem, SettingError, Settings as Source};
use podio_engine::quota::Ceiling;
use podio_lifecycle::ids::OrgId;
use podio_signatures::{BadEntry, bearer::Tokens, senders::Directory, standard_webhooks::Senders};

/// The settings that are secrets, wherever they are kept.
pub const SECRETS: [&str; 3] = [OFFBOARDING_SECRETS, API_TOKENS, SENDERS];

const OFFBOARDING_SECRETS: &str = "OFFBOARDING_SECRETS";
const API_TOKENS: &str = "API_TOKENS";
const SENDERS: &str = "SENDERS";
const PODIO_ORG_ID: &str = "PODIO_ORG_ID";
const QUOTA_LIMIT: &str = "QUOTA_LIMIT";
const QUOTA_WINDOW_SECONDS: &str = "QUOTA_WINDOW_SECONDS";
const TWO_PERSON_APPROVAL: &str = "TWO_PERSON_APPROVAL";

/// What is configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The organizations that may be managed. The first is meant where a request names none.
    pub organizations: Vec<OrgId>,
    /// Senders that sign what they send.
    pub senders: Senders,
    /// HR systems and identity providers with signatures of their own.
    pub directory: Directory,
    /// Tokens of everybody else.
    pub api_tokens: Tokens,
    /// Whether nobody may approve what they asked for.
    pub two_person_approval: bool,
    /// What Podio lets us call.
    pub ceiling: Ceiling,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// The first one that is missing or malformed, by its name and without its value.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        let senders = callers(source, OFFBOARDING_SECRETS, |entries| Senders::parse(entries))?;
        let api_tokens = callers(source, API_TOKENS, |entries| Tokens::parse(entries))?;
        let window = source.seconds_or(QUOTA_WINDOW_SECONDS, SignedDuration::from_hours(1))?;
        let ceiling = Ceiling::new(source.integer_or(QUOTA_LIMIT, 250)?, window)
            .ok_or_else(|| SettingError::new(QUOTA_LIMIT, Problem::Malformed("at least 1")))?;
        let organizations = source.organizations(PODIO_ORG_ID)?;
        let directory = directory(source, &organizations, &senders)?;
        Ok(Self {
            organizations,
            senders,
            directory,
            api_tokens,
            two_person_approval: source.flag(TWO_PERSON_APPROVAL)?,
            ceiling,
        })
    }
}

/// The senders with signatures of their own; none where the setting is absent.
///
/// A sender is known by its name in all that it asks for. So none may have the name of one that signs as Standard Webhooks
/// says: each could correct and withdraw what the other has asked for.
fn directory(source: &Source, organizations: &[OrgId], senders: &Senders) -> Result<Directory, SettingError> {
    let refused = |number, problem| match number {
        0 => SettingError::new(SENDERS, Problem::Malformed("a list of senders in JSON")),
        number => SettingError::new(SENDERS, Problem::Entry { number, problem }),
    };
    let Some(text) = source.find(SENDERS) else { return Ok(Directory::default()) };
    let directory = Directory::parse(&text).map_err(|bad| refused(bad.number, bad.problem))?;
    for (sender, number) in directory.iter().zip(1..) {
        if sender.org_id().is_some_and(|id| !organizations.contains(&OrgId(id))) {
            return Err(refused(number, "its org_id is not in PODIO_ORG_ID"));
        }
        if senders.names().any(|name| name == sender.name()) {
            return Err(refused(
                number,
                "its name stands in OFFBOARDING_SECRETS; default is the name of those without one",
            ));
        }
    }
    Ok(directory)
}

/// A list of callers, which must not be empty.
fn callers<T>(
    source: &Source,
    name: &str,
    parse: impl for<'a> Fn(std::vec::IntoIter<&'a str>) -> Result<T, BadEntry>,
) -> Result<T, SettingError> {
    let entries = source.list(name);
    if entries.is_empty() {
        return Err(SettingError::new(name, Problem::Missing));
    }
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    parse(entries.into_iter()).map_err(|bad| SettingError::new(name, Problem::Caller(bad)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "hr:requester:a-token-of-hr-0123456789";
    const GOOD: [(&str, &str); 6] = [
        (
            OFFBOARDING_SECRETS,
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, hr:whsec_bmV3IHNlY3JldCBvZiB0d2VudHkgZm91ciBieXRlcw==",
        ),
        (API_TOKENS, TOKEN),
        (PODIO_ORG_ID, "678,9"),
        (QUOTA_LIMIT, "20"),
        (QUOTA_WINDOW_SECONDS, "60"),
        (TWO_PERSON_APPROVAL, "true"),
    ];

    /// Settings as they should be, but for one.
    fn with(name: &'static str, value: Option<&'static str>) -> Result<Settings, String> {
        let found = move |asked: &str| {
            if asked == name {
                return value.map(str::to_owned);
            }
            GOOD.iter().find(|(known, _)| *known == asked).map(|(_, value)| (*value).to_owned())
        };
        Settings::read(&Source::new(found)).map_err(|error| error.to_string())
    }

    #[test]
    fn all_is_read_and_the_rest_has_defaults() {
        let settings = with("", None).unwrap();
        assert_eq!(settings.organizations, [OrgId(678), OrgId(9)]);
        assert!(settings.api_tokens.verify(Some(b"Bearer a-token-of-hr-0123456789")).is_ok());
        assert_eq!(settings.ceiling, Ceiling::new(20, SignedDuration::from_secs(60)).unwrap());
        assert!(settings.two_person_approval);
        assert!(!with(TWO_PERSON_APPROVAL, None).unwrap().two_person_approval);
        assert_eq!(with(QUOTA_LIMIT, None).unwrap().ceiling.limit(), 250);
    }

    #[test]
    fn what_cannot_be_used_is_named_in_one_line_without_its_value() {
        for (name, value) in [
            (OFFBOARDING_SECRETS, None),
            (OFFBOARDING_SECRETS, Some("hush")),
            (API_TOKENS, None),
            (API_TOKENS, Some(" , ")),
            (API_TOKENS, Some("hush")),
            (PODIO_ORG_ID, None),
            (PODIO_ORG_ID, Some("hush")),
            (TWO_PERSON_APPROVAL, Some("hush")),
            (QUOTA_LIMIT, Some("0")),
            (QUOTA_LIMIT, Some("-1")),
            (QUOTA_WINDOW_SECONDS, Some("0")),
        ] {
            let line = with(name, value).unwrap_err();
            assert!(line.starts_with(name), "{line}");
            assert!(!line.contains('\n') && !line.contains("hush"), "{line}");
        }
    }

    #[test]
    fn bad_sender_is_named_by_its_number() {
        const OKTA: &str = r#"{"name": "okta", "preset": "okta", "secrets": ["hush-hush-hush-hush-hush-hush"]}"#;
        assert!(with("", None).unwrap().directory.find("okta").is_none(), "unset shuts this door only");
        assert!(with(SENDERS, Some(OKTA)).unwrap_err().starts_with("SENDERS: must be a list"));
        for (entry, problem) in [
            (r#"[{"name": "hr"}]"#, "SENDERS: entry 1: needs a preset"),
            (
                r#"[{"name": "hr", "preset": "okta", "secrets": ["hush-hush-hush-hush-hush-hush"]}]"#,
                "SENDERS: entry 1: its name stands in OFFBOARDING_SECRETS",
            ),
            (
                r#"[{"name": "a", "preset": "okta", "org_id": 5, "secrets": ["hush-hush-hush-hush-hush-hush"]}]"#,
                "SENDERS: entry 1: its org_id is not in PODIO_ORG_ID",
            ),
        ] {
            let line = with(SENDERS, Some(entry)).unwrap_err();
            assert!(line.starts_with(problem) && !line.contains("hush") && !line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn a_bad_entry_is_named_by_its_number() {
        let line = with(API_TOKENS, Some("hr:requester:a-token-of-hr-0123456789,hush")).unwrap_err();
        assert_eq!(line, "API_TOKENS: entry 2: its value is too short: a token has at least 24 characters");
        let line =
            with(OFFBOARDING_SECRETS, Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,whsec_c2hvcnQ=")).unwrap_err();
        assert!(line.starts_with("OFFBOARDING_SECRETS: entry 2: its value is too short"), "{line}");
        let line = with(PODIO_ORG_ID, Some("678,hush")).unwrap_err();
        assert!(line.starts_with("PODIO_ORG_ID: entry 2: "), "{line}");
    }
}
