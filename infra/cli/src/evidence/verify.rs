//! `podio-lifecycle evidence verify`.

use std::{fs, path::Path};

use podio_lifecycle::evidence::{KeySet, Record, verify};
use serde_json::json;

use crate::exit::Exit;

/// Checks `file` with the keys in `keys`, and says what it is.
pub fn run(file: &Path, keys: &Path, as_json: bool) -> Exit {
    let (text, keys) = match (read(file), read_keys(keys)) {
        (Ok(text), Ok(keys)) => (text, keys),
        (Err(message), _) | (_, Err(message)) => {
            eprintln!("error: {message}");
            return Exit::Error;
        }
    };
    let result = verify::envelope(&text, &keys);
    match &result {
        Ok(record) if as_json => println!("{}", summary(record)),
        Ok(record) => {
            let place = &record.seal;
            println!(
                "verified: {} ({}), sealed {} as number {}",
                record.id, record.state, place.sealed_at, place.number
            );
        }
        Err(finding) if as_json => println!("{}", json!({"integrity": "altered", "detail": finding.to_string()})),
        Err(finding) => println!("NOT verified: {}: {finding}", file.display()),
    }
    if result.is_ok() { Exit::Done } else { Exit::Findings }
}

fn summary(record: &Record) -> serde_json::Value {
    json!({"integrity": "verified", "id": record.id, "state": record.state, "seal": record.seal})
}

fn read(path: &Path) -> Result<String, String> {
    // What is no text is no envelope either, and the check says so.
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn read_keys(path: &Path) -> Result<KeySet, String> {
    let text =
        read(path).map_err(|error| format!("{error} (the public keys: save GET /evidence/keys, pass --keys FILE)"))?;
    let keys: KeySet =
        serde_json::from_str(&text).map_err(|_| format!("{}: is not a set of public keys", path.display()))?;
    if keys.keys.is_empty() { Err(format!("{}: holds no key", path.display())) } else { Ok(keys) }
}
