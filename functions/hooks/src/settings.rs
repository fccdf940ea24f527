//! What is configured, read and checked once at the start.

use podio_aws::settings::{SettingError, Settings as Source};
use podio_lifecycle::hooks::Interest;
use secrecy::SecretString;

/// The settings that are secrets, wherever they are kept.
pub const SECRETS: [&str; 1] = [HOOK_SECRET];

const HOOK_SECRET: &str = "HOOK_SECRET";
const EVENT_BUS_NAME: &str = "EVENT_BUS_NAME";
const LEAVERS_APP_ID: &str = "LEAVERS_APP_ID";

/// What is configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the hooks' addresses are keyed with.
    pub hook_secret: SecretString,
    /// Which events there is more to do about than to keep them.
    pub interest: Interest,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// The first one that is missing or malformed, by its name and without its value.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        let interest =
            Interest { bus: source.find(EVENT_BUS_NAME).is_some(), leavers_app: source.find_integer(LEAVERS_APP_ID)? };
        Ok(Self { hook_secret: source.secret(HOOK_SECRET)?, interest })
    }
}
