//! A function's settings: environment variables, with what the secret holds laid over them.
//!
//! What is missing or malformed ends the function's start with one line that names it, and never shows its value.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use jiff::SignedDuration;
use podio_lifecycle::{
    hooks::{BadHookList, HookList},
    ids::OrgId,
    people::AuditSchedule,
};
use podio_signatures::BadEntry;
use secrecy::{ExposeSecret, SecretString};

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct SettingError {
    /// The variable.
    pub name: String,
    /// What is wrong with it.
    pub problem: Problem,
}

impl SettingError {
    /// What is wrong with a variable.
    pub fn new(name: &str, problem: Problem) -> Self {
        Self { name: name.to_owned(), problem }
    }
}

/// What can be wrong with a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is not set, or empty.
    #[error("is not set")]
    Missing,
    /// It does not parse.
    #[error("must be {0}")]
    Malformed(&'static str),
    /// One of its hooks does not parse.
    #[error("{0}")]
    Hooks(BadHookList),
    /// One entry of a list does not parse, or does not go with the others.
    #[error("entry {number}: {problem}")]
    Entry {
        /// Its number, from 1.
        number: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// One entry of a list of callers cannot be used.
    #[error("{0}")]
    Caller(BadEntry),
}

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The settings of one function.
#[derive(Clone)]
pub struct Settings {
    lookup: Arc<Lookup>,
    secrets: BTreeMap<String, SecretString>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("secrets", &self.secrets.keys()).finish_non_exhaustive()
    }
}

impl Settings {
    /// Settings that are looked up in a place of the caller's choice.
    pub fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { lookup: Arc::new(lookup), secrets: BTreeMap::new() }
    }

    /// The process's environment: the one place where it is read.
    pub fn environment() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    /// The same settings with these laid over them.
    pub fn overlaid(mut self, secrets: impl IntoIterator<Item = (String, SecretString)>) -> Self {
        self.secrets.extend(secrets);
        self
    }

    /// A setting that may be absent. Space around it does not count, and an empty one is an absent one.
    pub fn find(&self, name: &str) -> Option<String> {
        let laid_over = self.secrets.get(name).map(|secret| secret.expose_secret().to_owned());
        let text = laid_over.or_else(|| (self.lookup)(name))?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A setting that must be there.
    ///
    /// # Errors
    /// [`Problem::Missing`].
    pub fn text(&self, name: &str) -> Result<String, SettingError> {
        self.find(name).ok_or_else(|| SettingError::new(name, Problem::Missing))
    }

    /// A setting that parses, if it is there; `expected` says as what, like `an integer`.
    ///
    /// # Errors
    /// [`Problem::Malformed`].
    pub fn find_parsed<T: FromStr>(&self, name: &str, expected: &'static str) -> Result<Option<T>, SettingError> {
        let parse = |text: String| text.parse().map_err(|_| SettingError::new(name, Problem::Malformed(expected)));
        self.find(name).map(parse).transpose()
    }

    /// A whole number of zero or more, if it is there.
    ///
    /// # Errors
    /// [`Problem::Malformed`], also where it is too large for the type.
    pub fn find_integer<T: FromStr>(&self, name: &str) -> Result<Option<T>, SettingError> {
        self.find_parsed(name, "a whole number in its range")
    }

    /// A whole number of zero or more.
    ///
    /// # Errors
    /// [`Problem::Malformed`].
    pub fn integer_or<T: FromStr>(&self, name: &str, default: T) -> Result<T, SettingError> {
        Ok(self.find_integer(name)?.unwrap_or(default))
    }

    /// A list of hooks, if it is there.
    ///
    /// # Errors
    /// [`Problem::Hooks`], which tells the entry by its number.
    pub fn find_hooks(&self, name: &str) -> Result<Option<HookList>, SettingError> {
        let parse = |text: String| text.parse().map_err(|bad| SettingError::new(name, Problem::Hooks(bad)));
        self.find(name).map(parse).transpose()
    }

    /// How often the organizations are audited: once a day if it is not set, never if it is set and empty.
    ///
    /// # Errors
    /// [`Problem::Malformed`].
    pub fn audit_schedule(&self, name: &str) -> Result<AuditSchedule, SettingError> {
        let Some(text) = (self.lookup)(name) else { return Ok(AuditSchedule::default()) };
        text.parse()
            .map_err(|_| SettingError::new(name, Problem::Malformed("rate(N minutes|hours|days), or empty for never")))
    }

    /// The organizations that may be managed, none of them twice. The first is meant where nothing else is said.
    ///
    /// # Errors
    /// [`Problem::Missing`], or [`Problem::Entry`] for the first entry that is no id or stands there twice.
    pub fn organizations(&self, name: &str) -> Result<Vec<OrgId>, SettingError> {
        let mut organizations = Vec::new();
        for (entry, number) in self.list(name).iter().zip(1..) {
            let refused = |problem| SettingError::new(name, Problem::Entry { number, problem });
            let digits = entry.bytes().all(|byte| byte.is_ascii_digit());
            let id = entry.parse().ok().filter(|id| digits && *id > 0);
            let id = OrgId(id.ok_or_else(|| refused("must be an organization's id, a positive whole number"))?);
            if organizations.contains(&id) {
                return Err(refused("stands in the list before"));
            }
            organizations.push(id);
        }
        if organizations.is_empty() { Err(SettingError::new(name, Problem::Missing)) } else { Ok(organizations) }
    }

    /// True or false, false if it is not set.
    ///
    /// # Errors
    /// [`Problem::Malformed`].
    pub fn flag(&self, name: &str) -> Result<bool, SettingError> {
        Ok(self.find_parsed(name, "true or false")?.unwrap_or(false))
    }

    /// A time in whole seconds, one at least.
    ///
    /// # Errors
    /// [`Problem::Malformed`].
    pub fn seconds_or(&self, name: &str, default: SignedDuration) -> Result<SignedDuration, SettingError> {
        const EXPECTED: &str = "a whole number of seconds, one at least";
        match self.find_parsed::<u32>(name, EXPECTED)? {
            None => Ok(default),
            Some(0) => Err(SettingError::new(name, Problem::Malformed(EXPECTED))),
            Some(seconds) => Ok(SignedDuration::from_secs(i64::from(seconds))),
        }
    }

    /// The entries of a comma list, none if it is not set.
    pub fn list(&self, name: &str) -> Vec<String> {
        let entries = self.find(name).unwrap_or_default();
        entries.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
    }

    /// A secret, if it is there.
    pub fn find_secret(&self, name: &str) -> Option<SecretString> {
        self.find(name).map(SecretString::from)
    }

    /// A secret that must be there.
    ///
    /// # Errors
    /// [`Problem::Missing`].
    pub fn secret(&self, name: &str) -> Result<SecretString, SettingError> {
        self.text(name).map(SecretString::from)
    }

    /// A comma list of secrets, none if it is not set.
    pub fn secrets(&self, name: &str) -> Vec<SecretString> {
        self.list(name).into_iter().map(SecretString::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let set = [
            ("QUOTA_LIMIT", " 20 "),
            ("QUOTA_WINDOW_SECONDS", "0"),
            ("TABLE_NAME", "  "),
            ("API_TOKENS", "one, two,,"),
            ("PODIO_ORG_ID", "twelve"),
        ];
        Settings::new(move |name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn what_is_set_is_read_and_what_is_not_has_a_default() {
        assert_eq!(settings().integer_or("QUOTA_LIMIT", 250u32), Ok(20));
        assert_eq!(settings().integer_or("MASS_OFFBOARDING_THRESHOLD", 25u32), Ok(25));
        assert_eq!(settings().list("API_TOKENS"), ["one", "two"]);
        assert_eq!(settings().list("OFFBOARDING_SECRETS"), [""; 0]);
        let minute = SignedDuration::from_mins(1);
        assert_eq!(settings().seconds_or("SWEEP_SECONDS", minute), Ok(minute));
    }

    #[test]
    fn one_line_names_the_variable_and_hides_its_value() {
        let told = |error: SettingError| error.to_string();
        assert_eq!(settings().text("TABLE_NAME").map_err(told), Err("TABLE_NAME: is not set".to_owned()));
        assert_eq!(
            settings().find_integer::<u64>("PODIO_ORG_ID").map_err(told),
            Err("PODIO_ORG_ID: must be a whole number in its range".to_owned())
        );
        assert_eq!(
            settings().seconds_or("QUOTA_WINDOW_SECONDS", SignedDuration::ZERO).map_err(told),
            Err("QUOTA_WINDOW_SECONDS: must be a whole number of seconds, one at least".to_owned())
        );
    }

    #[test]
    fn organizations_are_ids_and_each_stands_once() {
        let read = |text: &'static str| {
            let settings = Settings::new(move |_| Some(text.to_owned()));
            settings.organizations("PODIO_ORG_ID").map_err(|error| error.to_string())
        };
        assert_eq!(read(" 678, 9 ,"), Ok(vec![OrgId(678), OrgId(9)]));
        assert_eq!(read(" , "), Err("PODIO_ORG_ID: is not set".to_owned()));
        for (list, line) in [
            ("678,hush", "PODIO_ORG_ID: entry 2: must be an organization's id, a positive whole number"),
            ("0", "PODIO_ORG_ID: entry 1: must be an organization's id, a positive whole number"),
            ("+1", "PODIO_ORG_ID: entry 1: must be an organization's id, a positive whole number"),
            ("1,2,1", "PODIO_ORG_ID: entry 3: stands in the list before"),
        ] {
            assert_eq!(read(list), Err(line.to_owned()));
        }
    }

    #[test]
    fn what_the_secret_holds_wins_and_is_not_printed() {
        let secret = ("HOOK_SECRET".to_owned(), SecretString::from("hush"));
        let settings = Settings::new(|_| Some("from the environment".to_owned())).overlaid([secret]);
        assert_eq!(settings.secret("HOOK_SECRET").unwrap().expose_secret(), "hush");
        assert_eq!(settings.text("TABLE_NAME").unwrap(), "from the environment");
        assert!(!format!("{settings:?}").contains("hush"));
    }
}
