//! Evidence: the tamper-evident record of one offboarding, down to each call to Podio.
//!
//! Three layers, each of which a third party can check without a secret:
//!
//! 1. **Calls** ([`calls`]). Each call is written down as it is made, numbered, and its hash covers the one before. The
//!    number and the hash of the last one are signed with each call, so that a call that is changed, missing, added or
//!    moved shows before the end, too.
//! 2. **The record** ([`record`]). When an offboarding ends, the worker writes one JSON document: request, plan, calls,
//!    spaces, history, verification, outcome, each an entry of one chain. It is stored as text and never computed again, so
//!    that what is checked years later is what was signed.
//! 3. **The seal** ([`envelope`]). The document is the payload of a DSSE envelope, signed with Ed25519 ([`key`]). Each seal
//!    has a number and names the one before, so that a seal that was deleted leaves a gap.
//!
//! [`check`] judges what is stored, for the door; [`verify`] judges a downloaded envelope, for the command line.
//!
//! Nobody but the worker may write the evidence table, and nobody but the worker holds the key. What this cannot show: a
//! table that was set back as a whole to an earlier, rightly signed state of an offboarding that is not over yet.

pub mod calls;
mod chain;
pub mod check;
pub mod envelope;
pub mod key;
pub mod record;
pub mod verify;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    calls::{Journal, StoredCall},
    chain::{Chain, Entry},
    check::Integrity,
    envelope::Envelope,
    key::{Jwk, KeySet, SigningKey},
    record::{Record, Sealed, StoredSeal},
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
