//! The key that signs the stack's evidence: made once, and kept beside the data that it has signed.

use std::{fs, io::Write as _, path::Path};

use anyhow::Context as _;
use podio_lifecycle::evidence::SigningKey;

/// The file in the data folder.
const FILE: &str = "evidence-key";

/// The key of the data in that folder; a new one where there is none, or where nothing is kept.
///
/// # Errors
/// The file holds something else, or cannot be read or written.
pub fn own(data: Option<&Path>) -> anyhow::Result<String> {
    let Some(path) = data.map(|data| data.join(FILE)) else { return fresh() };
    match fs::read_to_string(&path) {
        Ok(key) => {
            let parsed = key.parse::<SigningKey>();
            parsed.map(|_| key).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = fresh()?;
            write(&path, &key).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn fresh() -> anyhow::Result<String> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|_| anyhow::anyhow!("the operating system gives no random numbers"))?;
    Ok(SigningKey::written(&seed))
}

/// Readable by nobody else.
fn write(path: &Path, key: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(key.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_kept_with_the_data() {
        let folder = tempfile::tempdir().unwrap();
        let first = own(Some(folder.path())).unwrap();
        assert_eq!(own(Some(folder.path())).unwrap(), first);
        assert_ne!(own(None).unwrap(), first);
        fs::write(folder.path().join(FILE), "no key").unwrap();
        assert!(own(Some(folder.path())).is_err());
    }
}
