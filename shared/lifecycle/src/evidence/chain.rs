//! A chain of entries: each hash covers the entry and the hash before it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// How entries are chained, as the record says it.
const ALGORITHM: &str = "SHA-256";

/// One entry of the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its place, from 1.
    pub n: u32,
    /// What it tells of.
    pub kind: String,
    /// The content.
    pub body: Value,
    /// SHA-256 in lower-case hexadecimal, over the hash before it (of the first: the id of the offboarding) and the
    /// canonical form of `{"body", "kind", "n"}`: JSON with sorted keys and no white space.
    pub hash: String,
}

/// The chain of one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// The hash function.
    pub algorithm: String,
    /// The entries.
    pub entries: Vec<Entry>,
    /// The last hash.
    pub head: Option<String>,
}

impl Chain {
    /// Chains entries that belong to `id`.
    pub(super) fn link(id: &str, bodies: Vec<(&str, Value)>) -> Self {
        let mut before = id.to_owned();
        let mut entries = Vec::with_capacity(bodies.len());
        for ((kind, body), n) in bodies.into_iter().zip(1..) {
            let hash = entry_hash(&before, n, kind, &body);
            before.clone_from(&hash);
            entries.push(Entry { n, kind: kind.to_owned(), body, hash });
        }
        let head = entries.last().map(|entry| entry.hash.clone());
        Self { algorithm: ALGORITHM.to_owned(), entries, head }
    }

    /// Whether every entry is where it was, as it was.
    pub(super) fn holds(&self, id: &str) -> bool {
        let mut before = id;
        for (entry, n) in self.entries.iter().zip(1..) {
            if entry.n != n || entry.hash != entry_hash(before, n, &entry.kind, &entry.body) {
                return false;
            }
            before = &entry.hash;
        }
        self.algorithm == ALGORITHM && self.head.as_ref() == self.entries.last().map(|entry| &entry.hash)
    }

    /// The contents of a kind, in order.
    pub fn bodies<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.entries.iter().filter(move |entry| entry.kind == kind).map(|entry| &entry.body)
    }
}

fn entry_hash(before: &str, n: u32, kind: &str, body: &Value) -> String {
    hash(before, &canonical(&serde_json::json!({"body": body, "kind": kind, "n": n})))
}

/// The hash of a text that follows on the hash `before`.
pub(super) fn hash(before: &str, text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(text);
    hex::encode(hash.finalize())
}

/// JSON with sorted keys and no white space.
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            let members =
                sorted.into_iter().map(|(name, value)| format!("{}:{}", Value::String(name.clone()), canonical(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn canonical_form_sorts_keys_at_every_depth() {
        let value = json!({"b": [{"z": 1, "a": "é\n\""}], "a": null});
        assert_eq!(canonical(&value), r#"{"a":null,"b":[{"a":"é\n\"","z":1}]}"#);
    }

    #[test]
    fn every_change_of_an_entry_breaks_the_chain() {
        let chain = || Chain::link("off_1", vec![("call", json!({"a": 1})), ("call", json!({"a": 2}))]);
        assert!(chain().holds("off_1"));
        assert!(!chain().holds("off_2"), "it belongs to one offboarding");
        let changes: [fn(&mut Chain); 8] = [
            |chain| chain.entries[0].body = json!({"a": 3}),
            |chain| chain.entries[1].kind = "space".to_owned(),
            |chain| chain.entries[1].n = 3,
            |chain| chain.entries.swap(0, 1),
            |chain| drop(chain.entries.pop()),
            |chain| drop(chain.entries.remove(0)),
            |chain| chain.entries.push(chain.entries[1].clone()),
            |chain| chain.head = None,
        ];
        for (n, change) in changes.into_iter().enumerate() {
            let mut changed = chain();
            change(&mut changed);
            assert!(!changed.holds("off_1"), "change {n}");
        }
    }
}
