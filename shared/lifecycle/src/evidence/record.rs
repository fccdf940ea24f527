//! The record of an offboarding that has ended: one JSON document, version 1.
//!
//! Built once, by the worker, from what is stored at that moment; from then on its text is what counts. All of it stands in
//! the entries of one chain, by kind:
//!
//! | kind | how many | content |
//! |---|---|---|
//! | `request` | 1 | who asked for what, from which source, and who has done what about it since |
//! | `plan` | 0 or 1 | the leaver, the number of spaces, what was approved, what a dry run would have been held for |
//! | `call` | any | one call to Podio, as it was recorded |
//! | `calls` | 1 | how many there are, and the hash of the last as it was recorded; `altered` if somebody has changed them since |
//! | `space` | any | one space of the plan, and what became of it |
//! | `history` | any | one passage from state to state |
//! | `verification` | 0 or 1 | what proves that the person is gone |
//! | `outcome` | 1 | how it ended |

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    StoredCall,
    calls::{self, to_text},
    chain::Chain,
    envelope::{self, Envelope, Signature},
    key::{KeySet, SigningKey},
};
use crate::{
    hold::Reason,
    ids::OffboardingId,
    offboarding::{End, Offboarding, State},
    ports::StoreError,
    removal::{RemovalState, SpaceRemoval},
};

/// The version of the document.
const VERSION: u32 = 1;

/// The record, as it is signed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The version of this document.
    pub v: u32,
    /// Of which offboarding.
    pub id: String,
    /// How it ended: `completed`, `failed` or `cancelled`.
    pub state: String,
    /// The seal's place among all seals.
    pub seal: Place,
    /// What happened.
    pub chain: Chain,
}

/// Where a seal stands among all seals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Its number, from 1.
    pub number: u64,
    /// When it was made.
    pub sealed_at: Timestamp,
    /// Until when it is kept; for good, if nothing is said.
    pub kept_until: Option<Timestamp>,
    /// The seal before it.
    pub previous: Option<Previous>,
}

/// The seal before another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Previous {
    /// Its number.
    pub number: u64,
    /// Of which offboarding it is.
    pub id: String,
    /// SHA-256 of its record.
    pub sha256: String,
}

/// A seal as it is stored: all of an envelope but its payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredSeal {
    /// Its number.
    pub number: u64,
    /// Of which offboarding it is.
    pub id: String,
    /// SHA-256 of the record's text, in lower-case hexadecimal: the name under which that is stored.
    pub sha256: String,
    /// The `kid` of the key that has signed.
    pub keyid: String,
    /// The signature, base64.
    pub sig: String,
    /// When it was made.
    pub sealed_at: Timestamp,
    /// Until when it is kept; for good, if nothing is said.
    pub kept_until: Option<Timestamp>,
}

/// What an offboarding knows of its seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The seal's number.
    pub number: u64,
    /// SHA-256 of the record's text.
    pub sha256: String,
    /// When it was made.
    pub at: Timestamp,
}

impl StoredSeal {
    /// What the offboarding keeps of it.
    pub fn reference(&self) -> Sealed {
        Sealed { number: self.number, sha256: self.sha256.clone(), at: self.sealed_at }
    }

    /// The signed envelope around the record's text.
    pub fn envelope(&self, text: &str) -> Envelope {
        let signature = Signature { keyid: self.keyid.clone(), sig: self.sig.clone() };
        Envelope::with(envelope::RECORD, text, signature)
    }
}

/// What is known when the record is made.
pub struct Facts<'a> {
    /// The offboarding as it is about to be stored.
    pub offboarding: &'a Offboarding,
    /// The spaces of its plan.
    pub spaces: &'a [SpaceRemoval],
    /// Its calls.
    pub calls: &'a [StoredCall],
    /// The signed statement about them.
    pub statement: Option<&'a str>,
    /// The keys that may have signed that.
    pub keys: &'a KeySet,
}

impl Facts<'_> {
    /// The chain as it stands, without verification and outcome while it is not over.
    pub fn chain(&self) -> Chain {
        let offboarding = self.offboarding;
        let mut bodies = vec![("request", request(offboarding))];
        if let Some(leaver) = offboarding.state.leaver() {
            let spaces = offboarding.state.plan().map_or(0, |plan| plan.spaces.total());
            let would_hold: &[Reason] = match &offboarding.state {
                State::Completed { end: End::Planned { would_hold, .. }, .. } => would_hold,
                _ => &[],
            };
            let body = json!({
                "leaver": leaver, "spaces": spaces, "approved": offboarding.approved, "would_hold": would_hold,
            });
            bodies.push(("plan", body));
        }
        let calls: Vec<Value> = self.calls.iter().map(|call| body_of(&call.text)).collect();
        bodies.extend(calls.iter().map(|call| ("call", call.clone())));
        let judged = calls::judged(&offboarding.id, self.calls, self.statement, self.keys);
        // Where they were altered the hash is that of the calls as they were found.
        let head = calls::head(offboarding.id.as_str(), calls.iter());
        bodies.push(("calls", json!({"count": calls.len(), "head": head, "altered": judged.is_err()})));
        for space in self.spaces {
            if matches!(space.state, RemovalState::Unchecked | RemovalState::NotAMember) {
                continue;
            }
            let body = json!({
                "space_id": space.key.space, "name": space.name, "state": space.state, "settled_at": space.settled_at,
            });
            bodies.push(("space", body));
        }
        bodies.extend(offboarding.history.iter().map(|passage| ("history", json!(passage))));
        bodies.extend(verification(offboarding, &calls).map(|body| ("verification", body)));
        bodies.extend(outcome(offboarding).map(|body| ("outcome", body)));
        Chain::link(offboarding.id.as_str(), bodies)
    }

    /// Makes the record and signs it, as the one behind `last`. The text, and its seal.
    ///
    /// # Errors
    /// What is stored cannot be written as JSON.
    pub fn seal(
        &self,
        key: &SigningKey,
        last: Option<&StoredSeal>,
        retention: Option<SignedDuration>,
        now: Timestamp,
    ) -> Result<(String, StoredSeal), StoreError> {
        let previous =
            last.map(|last| Previous { number: last.number, id: last.id.clone(), sha256: last.sha256.clone() });
        let number = last.map_or(1, |last| last.number + 1);
        // Whole seconds, as storage counts the time to live.
        let kept_until = retention.map(|retention| {
            let until = now.checked_add(retention).unwrap_or(Timestamp::MAX);
            Timestamp::from_second(until.as_second()).unwrap_or(until)
        });
        let record = Record {
            v: VERSION,
            id: self.offboarding.id.to_string(),
            state: self.offboarding.state.name().to_owned(),
            seal: Place { number, sealed_at: now, kept_until, previous },
            chain: self.chain(),
        };
        let text = to_text(&record)?;
        let signature = Envelope::sign(envelope::RECORD, &text, key).signatures.into_iter().next();
        let Signature { keyid, sig } = signature.ok_or_else(|| StoreError::Corrupt("no signature".to_owned()))?;
        let seal =
            StoredSeal { number, id: record.id, sha256: fingerprint(&text), keyid, sig, sealed_at: now, kept_until };
        Ok((text, seal))
    }
}

/// SHA-256 of a record's text.
pub fn fingerprint(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

impl Record {
    /// Reads a record whose signature was checked.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|record: &Self| record.v == VERSION)
    }

    /// Whether entries and calls are chained as they should be, and were not altered before they were signed.
    pub(super) fn holds(&self) -> bool {
        let Some(calls) = self.chain.bodies("calls").next() else { return false };
        let recorded = self.chain.bodies("call");
        let count = recorded.count();
        self.chain.holds(&self.id)
            && calls["count"].as_u64() == u64::try_from(count).ok()
            && calls["head"].as_str() == Some(&calls::head(&self.id, self.chain.bodies("call")))
            && calls["altered"] == false
    }
}

/// A call that cannot be read any more is shown as the text that was found.
fn body_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
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

/// There is none before the end, nor for a dry run, which changes nothing that could be verified.
fn verification(offboarding: &Offboarding, calls: &[Value]) -> Option<Value> {
    let State::Completed { at, end, .. } = &offboarding.state else { return None };
    let deleted = match end {
        End::Removed { left_at, .. } => Some(*left_at),
        End::AlreadyGone(_) | End::Unknown(_) => None,
        End::Planned { .. } | End::Undecided { .. } => return None,
    };
    let sent_at = |call: &Value| call["at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    let proves = |call: &&Value| {
        call["method"] == "GET" && deleted.is_none_or(|deleted| sent_at(call).is_some_and(|at| at >= deleted))
    };
    Some(json!({
        "outcome": end.outcome(), "completed_at": at, "organization_left_at": deleted,
        "read_backs": calls.iter().filter(proves).collect::<Vec<_>>(),
    }))
}

fn outcome(offboarding: &Offboarding) -> Option<Value> {
    let at = offboarding.since();
    Some(match &offboarding.state {
        State::Completed { end, .. } => json!({"state": "completed", "at": at, "outcome": end.outcome()}),
        State::Failed { failure, .. } => json!({"state": "failed", "at": at, "failure": failure}),
        State::Cancelled { duplicate_of, .. } => json!({"state": "cancelled", "at": at, "duplicate_of": duplicate_of}),
        State::Scheduled(_)
        | State::Planning(_)
        | State::Held { .. }
        | State::Removing(_)
        | State::Finalizing(_)
        | State::Verifying(_) => return None,
    })
}

/// Whether a stored seal is that of an offboarding.
pub(super) fn is_of(seal: &StoredSeal, id: &OffboardingId, sealed: &Sealed) -> bool {
    seal.id == id.as_str() && seal.number == sealed.number && seal.sha256 == sealed.sha256
}
