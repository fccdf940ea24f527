//! Where the API key and the refresh token are kept: the Secrets Manager entry that the worker reads, or a file that is to
//! become its content. Either is a JSON object of strings; what else it holds stays.

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::PathBuf};

use anyhow::Context as _;
pub use aws_sdk_secretsmanager::Client as Secrets;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use serde_json::{Map, Value};

use crate::data::beside;

pub(super) const CLIENT_ID: &str = "PODIO_CLIENT_ID";
pub(super) const CLIENT_SECRET: &str = "PODIO_CLIENT_SECRET";
pub(super) const REFRESH_TOKEN: &str = "PODIO_REFRESH_TOKEN";

/// Where it is kept.
pub enum Place {
    /// A Secrets Manager entry, by its name or ARN.
    Secret(Secrets, String),
    /// A file that only its owner may read.
    File(PathBuf),
}

/// What is kept. `Debug` is left out on purpose.
pub(super) struct Kept(Map<String, Value>);

impl Kept {
    /// A value that is there and not blank.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let text = self.0.get(name)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Sets a value.
    pub(super) fn put(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn read(text: &str, place: &str) -> anyhow::Result<Self> {
        // What the parser would complain of may be a part of the secret.
        serde_json::from_str(text).map(Self).map_err(|_| anyhow::anyhow!("{place} holds no JSON object"))
    }
}

impl Place {
    /// Its name, for people.
    pub fn name(&self) -> String {
        match self {
            Self::Secret(_, id) => id.clone(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// What is kept there now; a file need not be there yet.
    pub(super) async fn open(&self) -> anyhow::Result<Kept> {
        match self {
            Self::Secret(secrets, id) => {
                let answer = secrets.get_secret_value().secret_id(id).send().await;
                let answer = answer.map_err(|error| reason(&error, "the secret cannot be read"))?;
                Kept::read(answer.secret_string().unwrap_or_default(), &self.name())
            }
            Self::File(path) if path.exists() => {
                let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
                Kept::read(&text, &self.name())
            }
            Self::File(_) => Ok(Kept(Map::new())),
        }
    }

    /// Puts it there; the new version, where there are versions.
    pub(super) async fn store(&self, kept: &Kept) -> anyhow::Result<Option<String>> {
        let text = serde_json::to_string_pretty(&kept.0)?;
        match self {
            Self::Secret(secrets, id) => {
                let answer = secrets.put_secret_value().secret_id(id).secret_string(text).send().await;
                let answer = answer.map_err(|error| reason(&error, "the secret cannot be written"))?;
                Ok(answer.version_id().map(str::to_owned))
            }
            Self::File(path) => {
                // Never half-written, and never readable for others, not for a moment.
                let fresh = beside(path);
                let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
                fs::rename(&fresh, path).with_context(|| format!("{} cannot be written", path.display()))?;
                Ok(None)
            }
        }
    }
}

/// The service's own code says enough; anything else of the error may show what was sent, or what came.
fn reason(error: &impl ProvideErrorMetadata, what: &str) -> anyhow::Error {
    let why = error.code().unwrap_or("no answer; are credentials of AWS and AWS_REGION in the environment?");
    anyhow::anyhow!("{what}: {why}")
}
