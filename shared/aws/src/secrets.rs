//! The secret that holds a function's secrets: one Secrets Manager entry, a JSON object whose keys are the names of
//! environment variables.

use std::collections::BTreeMap;

use aws_types::SdkConfig;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::{aws_error::code, settings::Settings};

/// The variable that names the secret.
pub const SECRET_ARN: &str = "SECRET_ARN";

/// The secret could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Secrets Manager refused with this code, or did not answer.
    #[error("{SECRET_ARN}: the secret could not be read: {0}")]
    Unavailable(String),
    /// It is no JSON object.
    #[error("{SECRET_ARN}: the secret must be a JSON object of strings")]
    NotAnObject,
    /// It holds something else than text under a name that is wanted.
    #[error("{SECRET_ARN}: {0} in the secret must be a string")]
    NotText(String),
}

/// Lays the secret's values for `names` over the settings, if [`SECRET_ARN`] is set. A function gets what it names and
/// no more.
///
/// # Errors
/// [`SecretError`], each in one line.
pub async fn overlay(settings: Settings, config: &SdkConfig, names: &[&str]) -> Result<Settings, SecretError> {
    let Some(arn) = settings.find(SECRET_ARN) else { return Ok(settings) };
    let client = crate::config::secrets_manager(config);
    let answer = client.get_secret_value().secret_id(arn).send().await;
    let answer = answer.map_err(|error| SecretError::Unavailable(code(&error).to_owned()))?;
    let secret = SecretString::from(answer.secret_string.ok_or(SecretError::NotAnObject)?);
    Ok(settings.overlaid(wanted(&secret, names)?))
}

fn wanted(secret: &SecretString, names: &[&str]) -> Result<BTreeMap<String, SecretString>, SecretError> {
    let held: BTreeMap<String, Value> =
        serde_json::from_str(secret.expose_secret()).map_err(|_| SecretError::NotAnObject)?;
    held.into_iter()
        .filter(|(name, _)| names.contains(&name.as_str()))
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name, SecretString::from(text))),
            _ => Err(SecretError::NotText(name)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(json: &str, wanted_names: &[&str]) -> Result<Vec<String>, SecretError> {
        wanted(&SecretString::from(json), wanted_names).map(|held| held.into_keys().collect())
    }

    #[test]
    fn a_function_gets_only_what_it_names() {
        let secret = r#"{"HOOK_SECRET": "a", "PODIO_CLIENT_SECRET": "b", "NOTE": 1}"#;
        assert_eq!(names(secret, &["HOOK_SECRET", "API_TOKENS"]), Ok(vec!["HOOK_SECRET".to_owned()]));
    }

    #[test]
    fn a_secret_of_another_shape_is_named_for_what_it_is() {
        assert_eq!(names("hush", &[]), Err(SecretError::NotAnObject));
        let error = names(r#"{"HOOK_SECRET": 1}"#, &["HOOK_SECRET"]).unwrap_err();
        assert_eq!(error.to_string(), "SECRET_ARN: HOOK_SECRET in the secret must be a string");
    }
}
