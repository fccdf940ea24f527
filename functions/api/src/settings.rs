//! What is configured, read and checked once at the start.

use jiff::SignedDuration;
use podio_aws::settings::{Problem, SettingError, Settings as Source};
use podio_engine::quota::Ceiling;
use podio_lifecycle::ids::OrgId;
use podio_signatures::{bearer::Tokens, standard_webhooks::Secret};

/// The settings that are secrets, wherever they are kept.
pub const SECRETS: [&str; 2] = [OFFBOARDING_SECRETS, API_TOKENS];

const OFFBOARDING_SECRETS: &str = "OFFBOARDING_SECRETS";
const API_TOKENS: &str = "API_TOKENS";
const PODIO_ORG_ID: &str = "PODIO_ORG_ID";
const QUOTA_LIMIT: &str = "QUOTA_LIMIT";
const QUOTA_WINDOW_SECONDS: &str = "QUOTA_WINDOW_SECONDS";

/// What is configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The organization that is meant where a request names none.
    pub org_id: Option<OrgId>,
    /// Secrets with which senders sign, any of them.
    pub offboarding_secrets: Vec<Secret>,
    /// Tokens of senders and admins, any of them.
    pub api_tokens: Tokens,
    /// What Podio lets us call.
    pub ceiling: Ceiling,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// The first one that is missing or malformed, by its name and without its value.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        let secrets = required(source, OFFBOARDING_SECRETS)?;
        let malformed = |_| {
            let expected = "a comma list of signing secrets, each whsec_ and base64";
            SettingError::new(OFFBOARDING_SECRETS, Problem::Malformed(expected))
        };
        let offboarding_secrets =
            secrets.iter().map(|text| text.parse()).collect::<Result<Vec<Secret>, _>>().map_err(malformed)?;
        if offboarding_secrets.iter().any(Secret::is_short) {
            tracing::warn!("{OFFBOARDING_SECRETS} holds a secret of fewer than 24 bytes, which is easy to guess");
        }
        let window = source.seconds_or(QUOTA_WINDOW_SECONDS, SignedDuration::from_hours(1))?;
        let ceiling = Ceiling::new(source.integer_or(QUOTA_LIMIT, 250)?, window)
            .ok_or_else(|| SettingError::new(QUOTA_LIMIT, Problem::Malformed("at least 1")))?;
        let org_id = source.find_integer(PODIO_ORG_ID)?;
        if org_id == Some(0) {
            return Err(SettingError::new(PODIO_ORG_ID, Problem::Malformed("a positive integer")));
        }
        Ok(Self {
            org_id: org_id.map(OrgId),
            offboarding_secrets,
            api_tokens: Tokens::new(required(source, API_TOKENS)?.iter().map(String::as_str)),
            ceiling,
        })
    }
}

fn required(source: &Source, name: &str) -> Result<Vec<String>, SettingError> {
    let entries = source.list(name);
    if entries.is_empty() { Err(SettingError::new(name, Problem::Missing)) } else { Ok(entries) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 5] = [
        (OFFBOARDING_SECRETS, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, whsec_c2hvcnQ="),
        (API_TOKENS, "one,two"),
        (PODIO_ORG_ID, "678"),
        (QUOTA_LIMIT, "20"),
        (QUOTA_WINDOW_SECONDS, "60"),
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
        assert_eq!(settings.org_id, Some(OrgId(678)));
        assert_eq!(settings.offboarding_secrets.len(), 2);
        assert_eq!(settings.ceiling, Ceiling::new(20, SignedDuration::from_secs(60)).unwrap());
        assert_eq!(with(PODIO_ORG_ID, None).unwrap().org_id, None);
        assert_eq!(with(QUOTA_LIMIT, None).unwrap().ceiling.limit(), 250);
    }

    #[test]
    fn what_cannot_be_used_is_named_in_one_line_without_its_value() {
        for (name, value) in [
            (OFFBOARDING_SECRETS, None),
            (OFFBOARDING_SECRETS, Some("hush")),
            (OFFBOARDING_SECRETS, Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,hush")),
            (API_TOKENS, None),
            (API_TOKENS, Some(" , ")),
            (PODIO_ORG_ID, Some("hush")),
            (PODIO_ORG_ID, Some("0")),
            (QUOTA_LIMIT, Some("0")),
            (QUOTA_LIMIT, Some("-1")),
            (QUOTA_WINDOW_SECONDS, Some("0")),
        ] {
            let line = with(name, value).unwrap_err();
            assert!(line.starts_with(name), "{line}");
            assert!(!line.contains('\n') && !line.contains("hush"), "{line}");
        }
    }
}
