//! What is configured, read and checked once at the start.

use jiff::{SignedDuration, tz::Offset};
use podio_aws::settings::{Problem, SettingError, Settings as Source};
use podio_client::{
    ClientSecret, Password, RefreshToken,
    oauth::{ClientCredentials, Grant},
};
use podio_engine::quota::{Ceiling, PATIENCE};
use podio_lifecycle::{credentials, evidence::SigningKey, hooks::HookList, ids::AppId};
use secrecy::{ExposeSecret, SecretString};

use crate::{HookPolicy, LeaversApp, Policy, Registration};

/// The settings that are secrets, wherever they are kept.
pub const SECRETS: [&str; 7] = [
    PODIO_CLIENT_ID,
    PODIO_CLIENT_SECRET,
    PODIO_REFRESH_TOKEN,
    PODIO_USERNAME,
    PODIO_PASSWORD,
    EVIDENCE_KEY,
    HOOK_SECRET,
];

const PODIO_API_URL: &str = "PODIO_API_URL";
const PODIO_CLIENT_ID: &str = "PODIO_CLIENT_ID";
const PODIO_CLIENT_SECRET: &str = "PODIO_CLIENT_SECRET";
const PODIO_REFRESH_TOKEN: &str = "PODIO_REFRESH_TOKEN";
const PODIO_USERNAME: &str = "PODIO_USERNAME";
const PODIO_PASSWORD: &str = "PODIO_PASSWORD";
const EVIDENCE_KEY: &str = "EVIDENCE_KEY";
const EVIDENCE_RETENTION_DAYS: &str = "EVIDENCE_RETENTION_DAYS";
const HOOKS: &str = "HOOKS";
const HOOKS_URL: &str = "HOOKS_URL";
const HOOK_SECRET: &str = "HOOK_SECRET";
const QUOTA_LIMIT: &str = "QUOTA_LIMIT";
const QUOTA_WINDOW_SECONDS: &str = "QUOTA_WINDOW_SECONDS";
const MASS_OFFBOARDING_THRESHOLD: &str = "MASS_OFFBOARDING_THRESHOLD";
const MASS_OFFBOARDING_SHARE: &str = "MASS_OFFBOARDING_SHARE";
const UNKNOWN_PERSON: &str = "UNKNOWN_PERSON";
const PODIO_ORG_ID: &str = "PODIO_ORG_ID";
const AUDIT_SCHEDULE: &str = "AUDIT_SCHEDULE";
const STALE_AFTER_DAYS: &str = "STALE_AFTER_DAYS";
const REMOVE_RETURNED: &str = "REMOVE_RETURNED";
const LEAVERS_APP_ID: &str = "LEAVERS_APP_ID";
const LEAVERS_PERSON_FIELD: &str = "LEAVERS_PERSON_FIELD";
const LEAVERS_LAST_DAY_FIELD: &str = "LEAVERS_LAST_DAY_FIELD";
const LEAVERS_REASON_FIELD: &str = "LEAVERS_REASON_FIELD";
const LEAVERS_TIME_ZONE: &str = "LEAVERS_TIME_ZONE";

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
                patience: patience(source)?,
                mass_threshold: source.integer_or(MASS_OFFBOARDING_THRESHOLD, 25)?,
                mass_share: mass_share(source)?,
                hold_unknown: hold_unknown(source)?,
                evidence_key: evidence_key(source)?,
                evidence_retention: evidence_retention(source)?,
                organizations: source.organizations(PODIO_ORG_ID)?,
                hooks: hooks(source)?,
                registration: registration(source)?,
                audit_schedule: source.audit_schedule(AUDIT_SCHEDULE)?,
                stale_after: stale_after(source)?,
            },
        })
    }
}

/// The share of the members that may leave within an hour.
fn mass_share(source: &Source) -> Result<usize, SettingError> {
    match source.integer_or(MASS_OFFBOARDING_SHARE, 10)? {
        percent @ 1..=100 => Ok(percent),
        _ => Err(SettingError::new(MASS_OFFBOARDING_SHARE, Problem::Malformed("a percentage from 1 to 100"))),
    }
}

/// What becomes of a leaver whom nobody ever knew.
fn hold_unknown(source: &Source) -> Result<bool, SettingError> {
    match source.find(UNKNOWN_PERSON).as_deref() {
        None | Some("complete") => Ok(false),
        Some("hold") => Ok(true),
        Some(_) => Err(SettingError::new(UNKNOWN_PERSON, Problem::Malformed("`complete` or `hold`"))),
    }
}

/// How long an attempt may be unheard of.
fn patience(source: &Source) -> Result<SignedDuration, SettingError> {
    Ok(source.seconds_or("SWEEP_PATIENCE_SECONDS", PATIENCE)?.min(PATIENCE))
}

/// How long a member may be unseen.
fn stale_after(source: &Source) -> Result<SignedDuration, SettingError> {
    match source.integer_or::<u32>(STALE_AFTER_DAYS, 90)? {
        days @ 1..=3_650 => Ok(SignedDuration::from_hours(i64::from(days) * 24)),
        _ => Err(SettingError::new(STALE_AFTER_DAYS, Problem::Malformed("a number of days from 1 to 3650"))),
    }
}

/// The key that signs evidence.
fn evidence_key(source: &Source) -> Result<SigningKey, SettingError> {
    let key = source.secret(EVIDENCE_KEY)?;
    let expected = "an Ed25519 private key (PKCS#8, base64), or 86 generated letters and digits";
    key.expose_secret().parse().map_err(|_| SettingError::new(EVIDENCE_KEY, Problem::Malformed(expected)))
}

/// How long evidence is kept: a year at least, since calls are recorded long before the end of an offboarding that is held.
fn evidence_retention(source: &Source) -> Result<Option<SignedDuration>, SettingError> {
    let days: u32 = source.integer_or(EVIDENCE_RETENTION_DAYS, 0)?;
    match days {
        0 => Ok(None),
        365..=36_500 => Ok(Some(SignedDuration::from_hours(i64::from(days) * 24))),
        _ => {
            let expected = "0 (for good) or a number of days from 365 to 36500";
            Err(SettingError::new(EVIDENCE_RETENTION_DAYS, Problem::Malformed(expected)))
        }
    }
}

/// The hooks that should be there, and where ours deliver: without that no verification is answered, of hooks that were
/// registered by hand neither. Where hooks are wanted, it must be known.
fn registration(source: &Source) -> Result<Option<Registration>, SettingError> {
    let Some(hooks) = source.find_hooks(HOOKS)? else {
        // Hooks that were made by hand are verified all the same.
        let by_hand = |secret| Registration { hooks: HookList::default(), base_url: String::new(), secret };
        return Ok(source.find_secret(HOOK_SECRET).map(by_hand));
    };
    let url = source.text(HOOKS_URL)?;
    let base_url = url.trim_end_matches('/').to_owned();
    if !["http://", "https://"].iter().any(|scheme| base_url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
    {
        return Err(SettingError::new(HOOKS_URL, Problem::Malformed("a URL such as https://example.com")));
    }
    Ok(Some(Registration { hooks, base_url, secret: source.secret(HOOK_SECRET)? }))
}

/// What follows from Podio's hooks.
fn hooks(source: &Source) -> Result<HookPolicy, SettingError> {
    // Hooks and the leavers app are of the first organization.
    let org = source.organizations(PODIO_ORG_ID)?.first().copied();
    let app: Option<AppId> = source.find_parsed(LEAVERS_APP_ID, "an app's id, a whole number")?;
    let field = |name: &str, default: &str| source.find(name).unwrap_or_else(|| default.to_owned());
    let leavers_app = match app {
        None => None,
        Some(app) => Some(LeaversApp {
            app,
            org: org.ok_or_else(|| SettingError::new(PODIO_ORG_ID, Problem::Missing))?,
            person_field: field(LEAVERS_PERSON_FIELD, "person"),
            last_day_field: field(LEAVERS_LAST_DAY_FIELD, "last-day"),
            reason_field: field(LEAVERS_REASON_FIELD, "reason"),
            zone: zone(source)?,
        }),
    };
    let remove_returned = source.flag(REMOVE_RETURNED)?;
    Ok(HookPolicy { org, remove_returned, leavers_app })
}

/// An offset from UTC. Names of time zones need a database that the function does not carry.
fn zone(source: &Source) -> Result<Offset, SettingError> {
    let malformed = || SettingError::new(LEAVERS_TIME_ZONE, Problem::Malformed("UTC or an offset such as +01:00"));
    let Some(text) = source.find(LEAVERS_TIME_ZONE).filter(|text| text != "UTC" && text != "Z") else {
        return Ok(Offset::UTC);
    };
    let (sign, digits) = match text.split_at_checked(1) {
        Some(("+", digits)) => (1, digits),
        Some(("-", digits)) => (-1, digits),
        _ => return Err(malformed()),
    };
    let two = |text: &str| text.parse::<i32>().ok().filter(|_| text.len() == 2 && !text.starts_with('+'));
    let (hours, minutes) = digits.split_once(':').ok_or_else(malformed)?;
    let (hours, minutes) = two(hours).zip(two(minutes)).ok_or_else(malformed)?;
    if hours > 14 || minutes > 59 {
        return Err(malformed());
    }
    Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).map_err(|_| malformed())
}

#[cfg(test)]
mod tests {
    use podio_lifecycle::ids::OrgId;

    use super::*;

    const GOOD: [(&str, &str); 5] = [
        (PODIO_ORG_ID, "678"),
        (PODIO_CLIENT_ID, "app"),
        (PODIO_CLIENT_SECRET, "s3cret"),
        (PODIO_REFRESH_TOKEN, "r3fresh"),
        (EVIDENCE_KEY, "3vidence3vidence3vidence3vidence3vidence3vidence3vidence3vidence3vidence3vidence3viden"),
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
        let error = read(&[(EVIDENCE_KEY, Some("hush"))]).unwrap_err();
        assert!(error.starts_with("EVIDENCE_KEY: ") && !error.contains("hush"), "{error}");
    }

    #[test]
    fn evidence_is_kept_for_good_unless_days_are_set() {
        let retention = |days| read(&[(EVIDENCE_RETENTION_DAYS, days)]).map(|read| read.policy.evidence_retention);
        assert_eq!(retention(None), Ok(None));
        assert_eq!(retention(Some("0")), Ok(None));
        assert_eq!(retention(Some("730")), Ok(Some(SignedDuration::from_hours(730 * 24))));
        for wrong in ["1", "364", "36501", "-1", "ever"] {
            assert!(retention(Some(wrong)).unwrap_err().starts_with("EVIDENCE_RETENTION_DAYS: "), "{wrong}");
        }
    }

    #[test]
    fn members_are_stale_after_ninety_days_unless_told_otherwise() {
        let days = |days| read(&[(STALE_AFTER_DAYS, days)]).map(|read| read.policy.stale_after.as_hours() / 24);
        assert_eq!((days(None), days(Some("30"))), (Ok(90), Ok(30)));
        for wrong in ["0", "-1", "3651", "soon"] {
            assert!(days(Some(wrong)).unwrap_err().starts_with("STALE_AFTER_DAYS: "), "{wrong}");
        }
    }

    #[test]
    fn audits_are_daily_and_an_empty_schedule_means_never() {
        let period = |text| read(&[(AUDIT_SCHEDULE, text)]).map(|read| read.policy.audit_schedule.period());
        assert_eq!(period(None), Ok(Some(SignedDuration::from_hours(24))));
        assert_eq!(period(Some("rate(2 hours)")), Ok(Some(SignedDuration::from_hours(2))));
        assert_eq!(period(Some("")), Ok(None));
        assert!(period(Some("daily")).unwrap_err().starts_with("AUDIT_SCHEDULE: must be rate("));
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
        let by_hand = read(&[secret]).unwrap().policy.registration.unwrap();
        assert_eq!(by_hand.hooks.all(), [], "none is to be registered, and those made by hand are verified");
        assert!(read(&[url]).unwrap().policy.registration.is_none());
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
    fn a_leavers_app_is_of_the_first_organization_and_has_fields_of_the_usual_names() {
        let policy = |changes: &[(&'static str, Option<&'static str>)]| read(changes).map(|read| read.policy.hooks);
        let none = policy(&[]).unwrap();
        assert!(none.leavers_app.is_none() && !none.remove_returned);
        let both = [(LEAVERS_APP_ID, Some("5")), (PODIO_ORG_ID, Some("678, 9")), (REMOVE_RETURNED, Some("true"))];
        let all = policy(&both).unwrap();
        assert_eq!(all.org, Some(OrgId(678)));
        let app = all.leavers_app.unwrap();
        assert_eq!((app.app, app.org, all.remove_returned), (AppId(5), OrgId(678), true));
        let fields = [app.person_field, app.last_day_field, app.reason_field];
        assert_eq!((fields, app.zone), (["person", "last-day", "reason"].map(str::to_owned), Offset::UTC));
        let wrong = policy(&[(REMOVE_RETURNED, Some("maybe"))]).unwrap_err();
        assert_eq!(wrong, "REMOVE_RETURNED: must be true or false");
    }

    #[test]
    fn a_day_ends_at_an_offset_and_a_name_is_refused() {
        let zone = |text: &'static str| {
            let app = [(LEAVERS_APP_ID, Some("5")), (PODIO_ORG_ID, Some("678")), (LEAVERS_TIME_ZONE, Some(text))];
            read(&app).map(|read| read.policy.hooks.leavers_app.unwrap().zone.seconds())
        };
        assert_eq!(zone("+01:00"), Ok(3_600));
        assert_eq!(zone("-03:30"), Ok(-12_600));
        assert_eq!(zone("UTC"), Ok(0));
        for wrong in ["Europe/Berlin", "+1", "+01", "01:00", "+01:60", "+99:00", "++1:00", "+ 1:00", "+é:00"] {
            let error = zone(wrong).unwrap_err();
            assert_eq!(error, "LEAVERS_TIME_ZONE: must be UTC or an offset such as +01:00", "{wrong}");
        }
    }

    #[test]
    fn no_secret_is_printed() {
        let shown = format!("{:?}", read(&[]).unwrap());
        for secret in ["s3cret", "r3fresh", "3vidence"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
