//! The setting `SENDERS`: a JSON list of senders, each a preset and what differs from it.
//!
//! An entry is laid over its preset field by field, and within `verify` and `map` part by part. What cannot be used is
//! refused at the start, by the entry's number and without a word of its content, which holds secrets.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{BodyKind, Condition, Handshake, Mapping, Proof, Rules, Sender, date};
use crate::entries::checked_name;

const PRESETS: &str = include_str!("presets.json");
/// A key that is shorter can be guessed.
const SHORTEST_SECRET: usize = 16;
/// A token is sent as it is, like a bearer token, and is ours to choose.
const SHORTEST_TOKEN: usize = crate::bearer::SHORTEST_TOKEN;

/// The senders that are configured.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    senders: Vec<Sender>,
}

/// An entry that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("entry {number}: {problem}")]
pub struct BadSender {
    /// Its number, from 1; 0 if the whole is no list.
    pub number: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// A value, or one of several.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOf {
    One(String),
    Several(Vec<String>),
}

impl Directory {
    /// Reads the setting.
    ///
    /// # Errors
    /// The first entry that cannot be used.
    pub fn parse(text: &str) -> Result<Self, BadSender> {
        let bad = |number, problem| BadSender { number, problem };
        let entries: Vec<Value> =
            serde_json::from_str(text).map_err(|_| bad(0, "must be a list of senders in JSON"))?;
        let presets: BTreeMap<String, Map<String, Value>> =
            serde_json::from_str(PRESETS).map_err(|_| bad(0, "the presets of this program are broken"))?;
        let mut directory = Self::default();
        for (entry, number) in entries.into_iter().zip(1..) {
            let sender = sender(entry, &presets).map_err(|problem| bad(number, problem))?;
            if directory.find(&sender.name).is_some() {
                return Err(bad(number, "its name stands in the list before"));
            }
            directory.senders.push(sender);
        }
        Ok(directory)
    }

    /// The sender of that name.
    pub fn find(&self, name: &str) -> Option<&Sender> {
        self.senders.iter().find(|sender| sender.name == name)
    }

    /// All senders.
    pub fn iter(&self) -> impl Iterator<Item = &Sender> {
        self.senders.iter()
    }
}

fn sender(entry: Value, presets: &BTreeMap<String, Map<String, Value>>) -> Result<Sender, &'static str> {
    let Value::Object(mut own) = entry else { return Err("must be an object") };
    let preset: String = take(&mut own, "preset", "its preset must be a text")?.ok_or("needs a preset")?;
    let preset = presets.get(&preset).ok_or("its preset is unknown; custom is one, too")?;
    let mut fields = laid_over(preset.clone(), own);
    let name: String = take(&mut fields, "name", "its name must be a text")?.ok_or("needs a name")?;
    checked_name(&name).map_err(|_| "its name must have 1 to 64 letters, digits, dots, underscores or hyphens")?;
    let proof: Option<Proof> = take(&mut fields, "verify", "its verify is incomplete, or has parts that do not exist")?;
    let proof = proof.ok_or("needs verify, which says how it proves who it is")?;
    if !proof.is_complete() {
        return Err(
            "its verify must sign the body, and name a header for each of {id} and {timestamp} that it signs, and a window for the time",
        );
    }
    let secrets: Vec<String> =
        take(&mut fields, "secrets", "its secrets must be a list of texts")?.ok_or("needs secrets")?;
    let is_token = matches!(proof, Proof::Token { .. } | Proof::TokenInBody { .. });
    let secrets: Option<Vec<_>> = secrets.iter().map(|secret| proof.secret(secret)).collect();
    let secrets = secrets.filter(|secrets| !secrets.is_empty()).ok_or("needs secrets, written as verify says")?;
    let shortest = if is_token { SHORTEST_TOKEN } else { SHORTEST_SECRET };
    if secrets.iter().any(|secret| secret.len() < shortest) {
        return Err("has a secret that is too short: a token has at least 24 characters, a key at least 16");
    }
    const CONDITION: &str =
        "its match, announce, cancel and rehire must name places, and for each a text or a list of texts";
    let mut condition = |name| -> Result<Option<Condition>, &'static str> {
        let read: Option<BTreeMap<String, OneOf>> = take(&mut fields, name, CONDITION)?;
        let several = |value| match value {
            OneOf::One(value) => vec![value],
            OneOf::Several(values) => values,
        };
        Ok(read.map(|read| read.into_iter().map(|(place, value)| (place, several(value))).collect()))
    };
    let rules = Rules {
        leave: condition("match")?,
        announce: condition("announce")?,
        cancel: condition("cancel")?,
        rehire: condition("rehire")?,
    };
    if rules.leave.is_none() && rules.announce.is_none() {
        return Err("needs match, which says which of its events mean that somebody leaves; {} means each of them");
    }
    let map: Mapping = take(&mut fields, "map", "its map has parts that do not exist")?.unwrap_or_default();
    if map.email.is_none() && map.user_id.is_none() && map.employee_id.is_none() {
        return Err("its map needs email or user_id, the place where a leaver is named");
    }
    let zone = match &map.time_zone {
        None => None,
        Some(name) => Some(date::zone(name).ok_or("its time_zone must be an IANA zone such as Europe/Berlin")?),
    };
    if map.effective_at.is_some() && zone.is_none() {
        return Err("its map has effective_at and needs time_zone, an IANA zone such as Europe/Berlin");
    }
    let handshake: Option<Handshake> = take(&mut fields, "handshake", "its handshake is unknown")?;
    let body: BodyKind = take(&mut fields, "body", "its body must be json or form")?.unwrap_or_default();
    let each: Option<String> = take(&mut fields, "each", "its each must be a JSON pointer")?;
    let org_id: Option<u64> = take(&mut fields, "org_id", "its org_id must be a positive whole number")?;
    let require_approval: Option<bool> =
        take(&mut fields, "require_approval", "its require_approval must be true or false")?;
    if !fields.is_empty() {
        return Err("has a field that does not exist");
    }
    let require_approval = require_approval.unwrap_or_default();
    Ok(Sender { name, org_id, require_approval, proof, secrets, handshake, body, each, rules, map, zone })
}

/// A field, taken out; `problem` says what it should be.
fn take<T: DeserializeOwned>(
    fields: &mut Map<String, Value>,
    name: &str,
    problem: &'static str,
) -> Result<Option<T>, &'static str> {
    fields.remove(name).map(|value| serde_json::from_value(value).map_err(|_| problem)).transpose()
}

/// An entry over its preset. A `verify` of another kind replaces the preset's, since it has other parts.
fn laid_over(preset: Map<String, Value>, own: Map<String, Value>) -> Map<String, Value> {
    let mut fields = preset;
    for (name, value) in own {
        match (fields.get_mut(&name), value) {
            (Some(Value::Object(known)), Value::Object(parts))
                if name == "map"
                    || name == "verify" && parts.get("kind").is_none_or(|kind| known.get("kind") == Some(kind)) =>
            {
                known.extend(parts);
            }
            (_, value) => {
                fields.insert(name, value);
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(entry: Value) -> &'static str {
        let list = json!([{"name": "ok", "preset": "okta", "secrets": ["a-token-of-twenty-four-c"]}, entry]);
        let bad = Directory::parse(&list.to_string()).unwrap_err();
        let line = bad.to_string();
        assert!(line.starts_with("entry 2: ") && !line.contains('\n') && !line.contains("hush"), "{line}");
        bad.problem
    }

    fn with(field: &str, value: Value) -> Value {
        let mut entry = json!({"name": "hr", "preset": "factorial", "secrets": ["a-token-of-twenty-four-c"],
                               "match": {}, "map": {"time_zone": "Europe/Berlin"}});
        entry[field] = value;
        entry
    }

    #[test]
    fn every_preset_is_read_once_the_rest_is_given() {
        let presets: BTreeMap<String, Map<String, Value>> = serde_json::from_str(PRESETS).unwrap();
        for (name, preset) in presets.iter().filter(|(name, _)| *name != "custom") {
            let secret = match preset["verify"]["key"].as_str() {
                Some("whsec") => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                _ => "a-token-of-twenty-four-c",
            };
            let entry = json!([{"name": name, "preset": name, "secrets": [secret], "match": {},
                                "map": {"email": "/email", "time_zone": "UTC"}}]);
            let directory = Directory::parse(&entry.to_string());
            assert!(directory.as_ref().is_ok_and(|found| found.find(name).is_some()), "{name}: {directory:?}");
            assert!(!format!("{directory:?}").contains("twenty-four"));
        }
    }

    #[test]
    fn bad_entry_is_named_and_nothing_of_it_repeated() {
        for (entry, told) in [
            (json!("hush"), "must be an object"),
            (json!({}), "needs a preset"),
            (with("preset", json!("hush")), "its preset is unknown"),
            (with("name", json!("hush hush")), "its name must"),
            (with("name", json!("ok")), "its name stands in the list before"),
            (with("secrets", json!([])), "needs secrets"),
            (with("secrets", json!("hush")), "its secrets must be a list"),
            (with("secrets", json!(["hush"])), "has a secret that is too short"),
            (with("map", json!({"hush": "/x"})), "its map has parts"),
            (with("map", json!({"effective_at": "/x"})), "its map has effective_at and needs"),
            (with("map", json!({"time_zone": "Hush/Hush"})), "its time_zone must be"),
            (with("match", json!({"/x": 1})), "its match, announce"),
            (with("body", json!("hush")), "its body must be"),
            (with("handshake", json!("hush")), "its handshake is"),
            (with("org_id", json!("hush")), "its org_id must"),
            (with("hush", json!("hush")), "has a field that does not exist"),
            (with("verify", json!({"kind": "hush"})), "its verify is incomplete"),
            (
                with(
                    "verify",
                    json!({"kind": "hmac", "algorithm": "sha256", "encoding": "hex", "header": "x",
                                   "signed": "{timestamp}{body}"}),
                ),
                "its verify must sign",
            ),
            (json!({"name": "hr", "preset": "deel", "secrets": ["a-token-of-twenty-four-c"]}), "needs match"),
            (json!({"name": "hr", "preset": "custom", "secrets": ["a-token-of-twenty-four-c"]}), "needs verify"),
        ] {
            let problem = problem(entry.clone());
            assert!(problem.starts_with(told), "{entry}: {problem}");
        }
        assert_eq!(Directory::parse("{").unwrap_err().number, 0);
    }
}
