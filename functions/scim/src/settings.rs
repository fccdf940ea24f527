//! What is configured, read and checked once at the start.

use podio_aws::settings::{Problem, SettingError, Settings as Source};
use podio_lifecycle::ids::OrgId;
use podio_signatures::bearer::Tokens;

/// The settings that are secrets, wherever they are kept.
pub const SECRETS: [&str; 1] = [SCIM_TOKENS];

const SCIM_TOKENS: &str = "SCIM_TOKENS";
const PODIO_ORG_ID: &str = "PODIO_ORG_ID";

/// What is configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The tokens of identity providers; none where the door is shut.
    pub tokens: Option<Tokens>,
    /// The organization that leavers leave.
    pub organization: OrgId,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// The first one that is missing or malformed, by its name and without its value.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        let organizations = source.organizations(PODIO_ORG_ID)?;
        let first = organizations.first().copied();
        let organization = first.ok_or_else(|| SettingError::new(PODIO_ORG_ID, Problem::Missing))?;
        let entries = source.list(SCIM_TOKENS);
        let parsed = Tokens::parse_named(entries.iter().map(String::as_str));
        let tokens = parsed.map_err(|bad| SettingError::new(SCIM_TOKENS, Problem::Caller(bad)))?;
        Ok(Self { tokens: (!tokens.is_empty()).then_some(tokens), organization })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tokens: &'static str, organizations: &'static str) -> Result<Settings, String> {
        let found = move |name: &str| match name {
            SCIM_TOKENS => Some(tokens.to_owned()),
            PODIO_ORG_ID => Some(organizations.to_owned()),
            _ => None,
        };
        Settings::read(&Source::new(found)).map_err(|error| error.to_string())
    }

    #[test]
    fn first_organization_is_meant() {
        let settings = read("okta:a-token-of-okta-0123456789, entra:a-token-of-entra-012345678", "678,9").unwrap();
        assert_eq!(settings.organization, OrgId(678));
        let tokens = settings.tokens.unwrap();
        assert_eq!(tokens.verify(Some(b"Bearer a-token-of-entra-012345678")).unwrap().name, "entra");
    }

    #[test]
    fn without_tokens_the_door_is_shut() {
        for none in ["", " ", " , "] {
            assert!(read(none, "1").unwrap().tokens.is_none(), "{none:?}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named_in_one_line_without_its_value() {
        for (tokens, organizations, name) in [
            ("hush-hush-hush-hush-hush-hush", "1", "SCIM_TOKENS: entry 1"),
            ("okta:hush", "1", "SCIM_TOKENS: entry 1"),
            ("okta:a-token-of-okta-0123456789,entra:a-token-of-okta-0123456789", "1", "SCIM_TOKENS: entry 2"),
            ("okta:admin:a-hush-hush-token-0123456789", "1", "SCIM_TOKENS: entry 1"),
            ("", "hush", "PODIO_ORG_ID"),
            ("", "", "PODIO_ORG_ID"),
        ] {
            let line = read(tokens, organizations).unwrap_err();
            assert!(line.starts_with(name), "{line}");
            assert!(!line.contains('\n') && !line.contains("hush"), "{line}");
        }
    }
}
