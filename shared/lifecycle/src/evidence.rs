//! Evidence: the tamper-evident record of one offboarding, down to each call to Podio.
//!
//! The record is a chain: each entry's hash covers the entry and the hash before it, so nothing can be changed, left out
//! or put in later without changing the last hash. The worker signs that last hash when the offboarding is completed.
//! The chain is computed anew whenever the record is read; a difference from the sealed one means tampering.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    offboarding::{Offboarding, State},
    removal::RemovalBatch,
};

/// One call to Podio, as it happened.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// When it was sent.
    pub at: Timestamp,
    /// When the answer came, or was given up.
    pub answered_at: Timestamp,
    /// HTTP method.
    pub method: String,
    /// Path and query, which may hold the leaver's address: evidence names the person, logs do not.
    pub path: String,
    /// HTTP status; none where no answer came.
    pub status: Option<u16>,
    /// Podio's own id of the request.
    pub request_id: Option<String>,
}

impl std::fmt::Debug for CallRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallRecord")
            .field("at", &self.at)
            .field("method", &self.method)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The worker's word that the chain ended like this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// The hash of the last entry, in lower-case hexadecimal.
    pub head: String,
    /// Number of entries.
    pub entries: u32,
    /// How it is signed.
    pub algorithm: String,
    /// HMAC over the head, in lower-case hexadecimal.
    pub signature: String,
    /// When it was sealed. Later calls are not part of the record.
    pub sealed_at: Timestamp,
}

/// One entry of the chain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Its place, from 1.
    pub n: u32,
    /// What it tells of.
    pub kind: &'static str,
    /// The content; its canonical form is JSON with sorted keys and no white space.
    pub body: Value,
    /// SHA-256 over the hash before it (none for the first) and the canonical form of kind and content.
    pub hash: String,
}

/// How the signature is made, as the record says it.
pub const ALGORITHM: &str = "HMAC-SHA256";

/// Builds the chain from what is stored. Calls that a late duplicate made, and whose answer came after the seal, are left
/// out.
pub fn chain(offboarding: &Offboarding, batches: &[RemovalBatch], calls: &[CallRecord]) -> Vec<Entry> {
    let mut bodies = vec![("request", request(offboarding))];
    if let Some(leaver) = &offboarding.leaver {
        bodies.push((
            "plan",
            json!({"leaver": leaver, "spaces": offboarding.spaces_total, "approved": offboarding.approved}),
        ));
    }
    let sealed_at = offboarding.seal.as_ref().map(|seal| seal.sealed_at);
    let within = |call: &&CallRecord| sealed_at.is_none_or(|sealed_at| call.answered_at <= sealed_at);
    bodies.extend(calls.iter().filter(within).map(|call| ("call", json!(call))));
    for space in batches.iter().flat_map(|batch| &batch.spaces) {
        let body = json!({
            "space_id": space.space_id, "name": space.name, "state": space.state, "settled_at": space.settled_at,
        });
        bodies.push(("space", body));
    }
    if let State::Completed { outcome } = offboarding.state {
        let body = json!({
            "outcome": outcome, "completed_at": offboarding.completed_at,
            "organization_left_at": offboarding.last_delete_at,
        });
        bodies.push(("outcome", body));
    }
    link(bodies)
}

/// Signs the end of a chain.
pub fn seal(entries: &[Entry], key: &[u8], now: Timestamp) -> Seal {
    let head = entries.last().map(|entry| entry.hash.clone()).unwrap_or_default();
    let signature = hex::encode(mac(&head, key).finalize().into_bytes());
    Seal { head, entries: count(entries), algorithm: ALGORITHM.to_owned(), signature, sealed_at: now }
}

/// Whether a chain is the one that was sealed.
pub fn is_intact(entries: &[Entry], seal: &Seal) -> bool {
    count(entries) == seal.entries && entries.last().is_some_and(|entry| entry.hash == seal.head)
}

/// Whether `key` made the seal. Compared in constant time.
pub fn is_signed_by(seal: &Seal, key: &[u8]) -> bool {
    hex::decode(&seal.signature).is_ok_and(|signature| mac(&seal.head, key).verify_slice(&signature).is_ok())
}

fn request(offboarding: &Offboarding) -> Value {
    json!({
        "id": offboarding.id, "org_id": offboarding.org_id, "created_at": offboarding.created_at,
        "effective_at": offboarding.effective_at(), "person": offboarding.request.person,
        "dry_run": offboarding.request.dry_run, "require_approval": offboarding.request.require_approval,
        "reason": offboarding.request.reason, "requested_by": offboarding.request.requested_by,
        "source": offboarding.request.source.to_json(), "priority": offboarding.request.priority,
        "history": offboarding.acts,
    })
}

fn link(bodies: Vec<(&'static str, Value)>) -> Vec<Entry> {
    let mut before = String::new();
    let mut entries = Vec::with_capacity(bodies.len());
    for ((kind, body), n) in bodies.into_iter().zip(1..) {
        let mut hash = Sha256::new();
        hash.update(before.as_bytes());
        hash.update(json!({"kind": kind, "body": body}).to_string().as_bytes());
        let hash = hex::encode(hash.finalize());
        before.clone_from(&hash);
        entries.push(Entry { n, kind, body, hash });
    }
    entries
}

fn mac(head: &str, key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of every length, so this cannot fail.
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length (RFC 2104)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC accepts keys of any length");
    mac.update(head.as_bytes());
    mac
}

fn count(entries: &[Entry]) -> u32 {
    u32::try_from(entries.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{OffboardingId, OrgId},
        offboarding::{Outcome, Person, Request},
        source::Source,
    };

    fn offboarding() -> Offboarding {
        let person = Person::Email("jane@example.com".parse().unwrap());
        let request = Request::new(person, Source::Api { name: "hr".into() });
        let id = OffboardingId::new(Timestamp::UNIX_EPOCH, [0; 10]);
        let (mut offboarding, _) = Offboarding::accept(id, OrgId(1), request, Timestamp::UNIX_EPOCH);
        offboarding.state = State::Completed { outcome: Outcome::Removed };
        offboarding
    }

    fn call(second: i64, status: u16) -> CallRecord {
        CallRecord {
            at: Timestamp::from_second(second - 1).unwrap(),
            answered_at: Timestamp::from_second(second).unwrap(),
            method: "DELETE".into(),
            path: "/org/1/member/2".into(),
            status: Some(status),
            request_id: Some("abc".into()),
        }
    }

    #[test]
    fn a_sealed_record_betrays_every_change() {
        let mut record = offboarding();
        let calls = [call(1, 204), call(2, 404)];
        let entries = chain(&record, &[], &calls);
        let seal = seal(&entries, b"key", Timestamp::from_second(3).unwrap());
        record.seal = Some(seal.clone());

        assert!(is_intact(&chain(&record, &[], &calls), &seal));
        assert!(is_signed_by(&seal, b"key"));

        assert!(!is_intact(&chain(&record, &[], &[call(1, 404), call(2, 404)]), &seal), "a status was changed");
        assert!(!is_intact(&chain(&record, &[], &calls[..1]), &seal), "a call was left out");
        assert!(!is_signed_by(&seal, b"another key"));
        let forged = Seal { head: "00".into(), ..seal };
        assert!(!is_signed_by(&forged, b"key"));
    }

    #[test]
    fn a_call_after_the_seal_is_not_part_of_the_record() {
        let mut record = offboarding();
        let calls = [call(1, 204)];
        let seal = seal(&chain(&record, &[], &calls), b"key", Timestamp::from_second(3).unwrap());
        record.seal = Some(seal.clone());
        assert!(is_intact(&chain(&record, &[], &[call(1, 204), call(4, 404)]), &seal));
    }
}
