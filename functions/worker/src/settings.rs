//! What is configured, read and checked once at the start.

use jiff::SignedDuration;
use podio_aws::settings::{Problem, SettingError, Settings as Source};
use podio_client::{
    ClientSecret, Password, RefreshToken,
    oauth::{ClientCredentials, Grant},
};
use podio_lifecycle::{credentials, quota::Ceiling};
use secrecy::{ExposeSecret, SecretString};

use crate::{Policy, Registration};

/// The settings that are secrets, wherever they are kept.
pub const SECRETS: [&str; 7] = [
    PODIO_CLIENT_ID,
    PODIO_CLIENT_SECRET,
    PODIO_REFRESH_TOKEN,
    PODIO_USERNAME,
    PODIO_PASSWORD,
    EVIDENCE_SECRET,
    HOOK_SECRET,
];

const PODIO_API_URL: &str = "PODIO_API_URL";
const PODIO_CLIENT_ID: &str = "PODIO_CLIENT_ID";
const PODIO_CLIENT_SECRET: &str = "PODIO_CLIENT_SECRET";
const PODIO_REFRESH_TOKEN: &str = "PODIO_REFRESH_TOKEN";
const PODIO_USERNAME: &str = "PODIO_USERNAME";
const PODIO_PASSWORD: &str = "PODIO_PASSWORD";
const EVIDENCE_SECRET: &str = "EVIDENCE_SECRET";
const HOOKS: &str = "HOOKS";
const HOOKS_URL: &str = "HOOKS_URL";
const HOOK_SECRET: &str = "HOOK_SECRET";
const QUOTA_LIMIT: &str = "QUOTA_LIMIT";
const QUOTA_WINDOW_SECONDS: &str = "QUOTA_WINDOW_SECONDS";
const MASS_OFFBOARDING_THRESHOLD: &str = "MASS_OFFBOARDING_THRESHOLD";

/// What is configured.
#[derive(Debug)]
pub struct Settings {
    /// Where Podio is.
    pub podio_url: String,
    /// The API key.
    pub client: ClientCredentials,
    /// The ways to a token, best first.
    pub grants: Vec<Grant>,
    /// Tells this credential from another.
    pub origin: String,
    /// What an operator decides.
    pub policy: Policy,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// The first one that is missing or malformed, by its name and without its value.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        let client_id = source.secret(PODIO_CLIENT_ID)?.expose_secret().to_owned();
        let client_secret = source.secret(PODIO_CLIENT_SECRET)?;
        let refresh = source.find_secret(PODIO_REFRESH_TOKEN);
        let username = source.find_secret(PODIO_USERNAME);
        let password = source.find_secret(PODIO_PASSWORD);
        let shown = |secret: &Option<SecretString>| secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        let parts = [Some(client_id.clone()), shown(&refresh), shown(&username)].map(Option::unwrap_or_default);
        let mut grants: Vec<Grant> =
            refresh.iter().map(|token| Grant::Refresh(RefreshToken::new(token.expose_secret()))).collect();
        match (username, password) {
            (Some(username), Some(password)) => grants.push(Grant::Password {
                username: username.expose_secret().to_owned(),
                password: Password::new(password.expose_secret()),
            }),
            (Some(_), None) => return Err(SettingError::new(PODIO_PASSWORD, Problem::Missing)),
            (None, Some(_)) => return Err(SettingError::new(PODIO_USERNAME, Problem::Missing)),
            (None, None) => {}
        }
        if grants.is_empty() {
            return Err(SettingError::new(PODIO_REFRESH_TOKEN, Problem::Missing));
        }
        let window = source.seconds_or(QUOTA_WINDOW_SECONDS, SignedDuration::from_hours(1))?;
        let ceiling = Ceiling::new(source.integer_or(QUOTA_LIMIT, 250)?, window)
            .ok_or_else(|| SettingError::new(QUOTA_LIMIT, Problem::Malformed("at least 1")))?;
        Ok(Self {
            podio_url: source.find(PODIO_API_URL).unwrap_or_else(|| "https://api.podio.com".to_owned()),
            client: ClientCredentials { client_id, client_secret: ClientSecret::new(client_secret.expose_secret()) },
            grants,
            origin: credentials::origin(&parts.each_ref().map(String::as_str)),
            policy: Policy {
                ceiling,
                mass_threshold: source.integer_or(MASS_OFFBOARDING_THRESHOLD, 25)?,
                evidence_key: source.secret(EVIDENCE_SECRET)?,
                registration: registration(source)?,
            },
        })
    }
}

/// The hooks that should be there. Where there are any, it must be known where they deliver.
fn registration(source: &Source) -> Result<Option<Registration>, SettingError> {
    let Some(hooks) = source.find_hooks(HOOKS)? else { return Ok(None) };
    let url = source.text(HOOKS_URL)?;
    let base_url = url.trim_end_matches('/').to_owned();
    if !["http://", "https://"].iter().any(|scheme| base_url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
    {
        return Err(SettingError::new(HOOKS_URL, Problem::Malformed("a URL such as https://example.com")));
    }
    Ok(Some(Registration { hooks, base_url, secret: source.secret(HOOK_SECRET)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 4] = [
        (PODIO_CLIENT_ID, "app"),
        (PODIO_CLIENT_SECRET, "s3cret"),
        (PODIO_REFRESH_TOKEN, "r3fresh"),
        (EVIDENCE_SECRET, "3vidence"),
    ];

    fn read(changes: &[(&'static str, Option<&'static str>)]) -> Result<Settings, String> {
        let mut values: std::collections::BTreeMap<_, _> = GOOD.into_iter().collect();
        for (name, value) in changes {
            match value {
                Some(value) => values.insert(name, value),
                None => values.remove(name),
            };
        }
        let source = Source::new(move |name| values.get(name).map(|&value| value.to_owned()));
        Settings::read(&source).map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_bad_variable_is_named_without_its_value() {
        for (name, _) in GOOD {
            assert_eq!(read(&[(name, None)]).unwrap_err(), format!("{name}: is not set"));
        }
        assert_eq!(read(&[(PODIO_USERNAME, Some("jane"))]).unwrap_err(), "PODIO_PASSWORD: is not set");
        let error = read(&[(QUOTA_LIMIT, Some("many"))]).unwrap_err();
        assert!(error.starts_with("QUOTA_LIMIT: ") && !error.contains("many"), "{error}");
        assert!(read(&[(QUOTA_LIMIT, Some("0"))]).is_err());
    }

    #[test]
    fn a_refresh_token_comes_before_a_password_and_either_will_do() {
        let both = read(&[(PODIO_USERNAME, Some("jane")), (PODIO_PASSWORD, Some("hunter2"))]).unwrap();
        assert!(matches!(both.grants[..], [Grant::Refresh(_), Grant::Password { .. }]));
        let password =
            read(&[(PODIO_REFRESH_TOKEN, None), (PODIO_USERNAME, Some("jane")), (PODIO_PASSWORD, Some("hunter2"))]);
        assert_ne!(password.unwrap().origin, both.origin);
    }

    #[test]
    fn hooks_need_an_address_and_its_secret() {
        assert!(read(&[]).unwrap().policy.registration.is_none());
        let hooks = (HOOKS, Some("space/1:member.add"));
        let (url, secret) = ((HOOKS_URL, Some("https://example.com/")), (HOOK_SECRET, Some("h00k")));
        assert_eq!(read(&[hooks, secret]).unwrap_err(), "HOOKS_URL: is not set");
        assert_eq!(read(&[hooks, url]).unwrap_err(), "HOOK_SECRET: is not set");
        let registration = read(&[hooks, url, secret]).unwrap().policy.registration.unwrap();
        assert_eq!(registration.base_url, "https://example.com");
        assert!(!format!("{registration:?}").contains("h00k"));
        let error = read(&[(HOOKS, Some("space/1:member.add,space/2:arrived"))]).unwrap_err();
        assert!(error.starts_with("HOOKS: entry 2: ") && !error.contains("arrived"), "{error}");
        assert!(
            read(&[hooks, (HOOKS_URL, Some("example.com")), secret]).unwrap_err().starts_with("HOOKS_URL: must be")
        );
    }

    #[test]
    fn no_secret_is_printed() {
        let shown = format!("{:?}", read(&[]).unwrap());
        for secret in ["s3cret", "r3fresh", "3vidence"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
