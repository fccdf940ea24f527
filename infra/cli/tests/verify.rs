//! `podio-lifecycle evidence verify`, as an auditor runs it.
#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use jiff::Timestamp;
use podio_lifecycle::{
    evidence::{KeySet, SigningKey, record::Facts, verify},
    ids::{OffboardingId, OrgId},
    offboarding::{Event, Offboarding, Person, Request},
    source::Source,
};

/// A file of a cancelled offboarding, and the keys that go with it.
fn sealed(mail: &str) -> (String, KeySet) {
    let person = Person::Email(mail.parse().unwrap());
    let mut request = Request::new(person, Source::Api { name: "hr".to_owned() });
    request.reason = Some("Contract ended".to_owned());
    let (now, random) = (Timestamp::from_second(1_790_000_000).unwrap(), [mail.len() as u8; 10]);
    let accepted = Offboarding::accept(OffboardingId::new(now, random), OrgId(678), request, now);
    let offboarding = accepted.apply(Event::Cancelled, now).unwrap().offboarding;
    let key = SigningKey::from_seed(&[7; 32]).unwrap();
    let keys = KeySet::from(&key);
    let facts = Facts { offboarding: &offboarding, spaces: &[], calls: &[], statement: None, keys: &keys };
    let (text, seal) = facts.seal(&key, None, None, now).unwrap();
    (serde_json::to_string(&seal.envelope(&text)).unwrap(), keys)
}

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        let (file, keys) = sealed("jane@example.com");
        desk.write("evidence.json", &file);
        desk.write("keys.json", &serde_json::to_string(&keys).unwrap());
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn verify(&self, more: &[&str]) -> Output {
        let program = Path::new(env!("CARGO_BIN_EXE_podio-lifecycle"));
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env_remove("EVIDENCE_KEYS").args(["evidence", "verify"]).args(more);
        command.output().unwrap()
    }
}

#[track_caller]
fn assert_ends(output: &Output, code: i32, word: &str) {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(word) && said.trim().lines().count() <= 12, "{said}");
}

#[test]
fn untouched_file_is_verified_with_the_keys_at_hand() {
    let desk = Desk::new();
    assert_ends(&desk.verify(&["evidence.json"]), 0, "verified: off_");
    let path = desk.path("keys.json").display().to_string();
    let output = desk.verify(&["evidence.json", "--keys", &path, "--json"]);
    assert_ends(&output, 0, r#""integrity":"verified""#);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&answer["state"], &answer["seal"]["number"]), (&"cancelled".into(), &1.into()));
}

#[test]
fn altered_file_and_foreign_key_are_findings() {
    let desk = Desk::new();
    let altered = fs::read_to_string(desk.path("evidence.json")).unwrap().replacen("eyJ", "eyK", 1);
    desk.write("altered.json", &altered);
    assert_ends(&desk.verify(&["altered.json"]), 7, "NOT verified");
    assert_ends(&desk.verify(&["altered.json", "--json"]), 7, r#""integrity":"altered""#);
    let other = KeySet::from(&SigningKey::from_seed(&[8; 32]).unwrap());
    desk.write("other.json", &serde_json::to_string(&other).unwrap());
    assert_ends(&desk.verify(&["evidence.json", "--keys", "other.json"]), 7, "not among the known keys");
    assert_ends(&desk.verify(&["keys.json"]), 7, "not a signed envelope");
}

#[test]
fn missing_file_and_missing_argument_are_errors() {
    let desk = Desk::new();
    assert_ends(&desk.verify(&["nowhere.json"]), 1, "nowhere.json");
    assert_ends(&desk.verify(&["evidence.json", "--keys", "nowhere.json"]), 1, "GET /evidence/keys");
    assert_ends(&desk.verify(&["evidence.json", "--keys", "evidence.json"]), 1, "is not a set of public keys");
    assert_ends(&desk.verify(&[]), 2, "Usage");
}

/// Each byte of the file in turn, and what else one can do to a file.
#[test]
fn every_change_of_a_file_is_noticed() {
    let (file, keys) = sealed("jane@example.com");
    let (other, _) = sealed("somebody.else@example.com");
    assert!(verify::envelope(&file, &keys).is_ok() && verify::envelope(&other, &keys).is_ok());
    let mut changes = 0;
    let mut is_noticed = |changed: String| {
        changes += 1;
        assert_ne!(changed, file);
        assert!(verify::envelope(&changed, &keys).is_err(), "{changed}");
    };
    for at in 0..file.len() {
        let letter = file.as_bytes()[at];
        let flipped = char::from(if letter == b'x' { b'y' } else { b'x' });
        is_noticed(format!("{}{flipped}{}", &file[..at], &file[at + 1..]));
        is_noticed(format!("{}{}", &file[..at], &file[at + 1..]));
        is_noticed(format!("{}{flipped}{}", &file[..at], &file[at..]));
        if at > 0 && file.as_bytes()[at - 1] != letter {
            let before = char::from(file.as_bytes()[at - 1]);
            is_noticed(format!("{}{}{before}{}", &file[..at - 1], char::from(letter), &file[at + 1..]));
        }
    }
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    for part in ["payload", "signatures"] {
        let mut swapped = value(&file);
        swapped[part] = value(&other)[part].clone();
        is_noticed(swapped.to_string());
    }
    let mut added = value(&file);
    added["note"] = "trust me".into();
    is_noticed(added.to_string());
    assert!(changes > 200);
}
