//! The caller's idempotency key: the same request twice is one offboarding.
//!
//! Senders repeat what was not answered, for hours; the key is remembered for longer than any of them does. A key belongs to
//! its sender: two callers, and the two headers, never meet under one key.

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::ports::IdempotencyKey;
use podio_signatures::standard_webhooks;
use sha2::{Digest, Sha256};

use crate::{
    Exchange,
    auth::{Caller, Proof},
    problem::Problem,
};

const HEADER: &str = "idempotency-key";
const LONGEST: usize = 255;
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The key of a request, if it has one. A sender that signs is held to the id that it signed: another header could be added
/// by whoever repeats a signed message, to have it taken for a new one.
pub(super) fn key(
    exchange: &Exchange<'_>,
    caller: &Caller<'_>,
    now: Timestamp,
) -> Result<Option<IdempotencyKey>, Problem> {
    // A message's id has one name in storage, whichever set of headers it came in: the same signature fits both.
    let (kind, header, stored_as) = match caller.proof {
        Proof::Signed { id } => ("sender", id, standard_webhooks::ID),
        Proof::Bearer(_) if exchange.header(HEADER).is_some() => ("api", HEADER, HEADER),
        Proof::Bearer(_) => ("api", standard_webhooks::ID, standard_webhooks::ID),
    };
    let Some(value) = exchange.header(header) else { return Ok(None) };
    let text = std::str::from_utf8(value).unwrap_or_default().trim();
    let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if text.is_empty() || text.len() > LONGEST || !printable {
        let detail = format!("The header {header} must hold 1 to {LONGEST} printable ASCII characters.");
        return Err(Problem::Malformed(detail.into()));
    }
    Ok(Some(IdempotencyKey {
        // A name holds no colon, so that no two keys can be put together to the same text.
        key: format!("{kind}:{}:{stored_as}:{text}", caller.name),
        fingerprint: hex::encode(Sha256::digest(exchange.body())),
        expires_at: now + REMEMBERED,
    }))
}
