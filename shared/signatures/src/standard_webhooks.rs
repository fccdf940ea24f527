//! Standard Webhooks (standardwebhooks.com): the sender signs the message's id, the time and the body.
//!
//! Signed is `{id}.{timestamp}.{body}` with HMAC-SHA256, over the bytes as they were sent. The signature header holds one
//! or more of `v1,<base64>`, separated by spaces; any one that fits any one of our secrets is enough, so that both sides
//! can change secrets without a gap. A message older or younger than five minutes is refused.

use std::{str::FromStr, sync::Arc};

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig},
    },
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice};
use subtle::{Choice, ConstantTimeEq};

use crate::{
    entries::{BadEntry, EntryProblem, at, checked_name, find},
    hmac_sha256,
};

/// The header with the message's id, which the sender repeats when it sends a message again.
pub const ID: &str = "webhook-id";
/// The header with the time of sending, in seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures.
pub const SIGNATURE: &str = "webhook-signature";

/// The three headers' names in one of the sets that senders use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderNames {
    /// The message's id.
    pub id: &'static str,
    /// The time of sending.
    pub timestamp: &'static str,
    /// The signatures.
    pub signature: &'static str,
}

/// The specification's names, and those of senders that Svix runs, which sign in the same way.
pub const HEADER_NAMES: [HeaderNames; 2] = [
    HeaderNames { id: ID, timestamp: TIMESTAMP, signature: SIGNATURE },
    HeaderNames { id: "svix-id", timestamp: "svix-timestamp", signature: "svix-signature" },
];

/// How far the sender's clock may be from ours, either way.
pub const TOLERANCE_SECONDS: u64 = 300;

const PREFIX: &str = "whsec_";
const VERSION: &str = "v1";
/// What the specification recommends at least, and we insist on.
const SHORTEST_KEY: usize = 24;
/// The name of a sender whose secrets have none.
const UNNAMED: &str = "default";
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A signing secret: `whsec_` and the key in base64.
#[derive(Clone)]
pub struct Secret {
    key: Arc<SecretSlice<u8>>,
}

/// Text that is not a signing secret. Does not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a signing secret: expected whsec_ followed by base64")]
pub struct NotASecret;

impl FromStr for Secret {
    type Err = NotASecret;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(NotASecret)?;
        let key = BASE64.decode(encoded).map_err(|_| NotASecret)?;
        if key.is_empty() { Err(NotASecret) } else { Ok(Self { key: Arc::new(key.into()) }) }
    }
}

impl Secret {
    fn bytes(&self) -> &[u8] {
        self.key.expose_secret()
    }

    fn mac(&self, id: &[u8], timestamp: &[u8], body: &[u8]) -> [u8; 32] {
        hmac_sha256(self.bytes(), &[id, b".", timestamp, b".", body])
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The three headers, as they came.
#[derive(Debug, Clone, Copy, Default)]
pub struct Headers<'a> {
    /// `webhook-id`
    pub id: Option<&'a [u8]>,
    /// `webhook-timestamp`
    pub timestamp: Option<&'a [u8]>,
    /// `webhook-signature`
    pub signature: Option<&'a [u8]>,
}

/// Why a message is not authentic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A header is not there.
    #[error("a webhook header is missing")]
    Missing,
    /// A header is empty, the time is no number, or there is no signature of version 1.
    #[error("a webhook header is malformed")]
    Malformed,
    /// The time is more than five minutes away.
    #[error("the webhook's timestamp is more than five minutes away")]
    Stale,
    /// No signature fits any secret.
    #[error("no webhook signature fits")]
    Mismatch,
}

/// The senders that may sign, each with its secrets.
#[derive(Debug, Clone, Default)]
pub struct Senders {
    entries: Vec<(String, Secret)>,
}

impl Senders {
    /// Reads entries of the form `whsec_…` or `name:whsec_…`. All that have no name are one sender, `default`.
    ///
    /// # Errors
    /// The first entry that cannot be used.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, BadEntry> {
        let mut senders = Self::default();
        for (entry, number) in entries.into_iter().zip(1..) {
            senders.add(entry.trim()).map_err(at(number))?;
        }
        Ok(senders)
    }

    fn add(&mut self, entry: &str) -> Result<(), EntryProblem> {
        const EXPECTED: &str = "whsec_ followed by base64, or name:whsec_…";
        let (name, secret) = match entry.split_once(':') {
            None => (UNNAMED, entry),
            Some((name, secret)) => (checked_name(name.trim())?, secret),
        };
        let secret: Secret = secret.parse().map_err(|_| EntryProblem::Malformed(EXPECTED))?;
        if secret.bytes().len() < SHORTEST_KEY {
            return Err(EntryProblem::Short("a signing secret has at least 24 bytes of key"));
        }
        // The same key can be written in several ways, with and without padding.
        if self.entries.iter().any(|(_, known)| known.bytes() == secret.bytes()) {
            return Err(EntryProblem::Repeated);
        }
        self.entries.push((name.to_owned(), secret));
        Ok(())
    }

    /// The senders' names, one for each secret.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    /// The sender that signed `body` within five minutes of `now`.
    ///
    /// # Errors
    /// [`Rejection`], for the log.
    pub fn verify(&self, headers: Headers<'_>, body: &[u8], now: Timestamp) -> Result<&str, Rejection> {
        let (Some(id), Some(timestamp), Some(signature)) = (headers.id, headers.timestamp, headers.signature) else {
            return Err(Rejection::Missing);
        };
        let sent_at = seconds(timestamp).ok_or(Rejection::Malformed)?;
        let signatures = signatures(signature);
        if id.is_empty() || signatures.is_empty() {
            return Err(Rejection::Malformed);
        }
        if now.as_second().abs_diff(sent_at) > TOLERANCE_SECONDS {
            return Err(Rejection::Stale);
        }
        // The body is hashed once for each secret, however many signatures somebody puts into the header.
        let entry = find(&self.entries, |(_, secret)| {
            let expected = secret.mac(id, timestamp, body);
            signatures.iter().fold(Choice::from(0), |fits, signature| fits | expected.ct_eq(signature))
        });
        entry.map(|(name, _)| name.as_str()).ok_or(Rejection::Mismatch)
    }
}

/// The signature header for a message.
pub fn sign(secret: &Secret, id: &str, sent_at: Timestamp, body: &[u8]) -> String {
    let timestamp = sent_at.as_second().to_string();
    format!("{VERSION},{}", BASE64.encode(secret.mac(id.as_bytes(), timestamp.as_bytes(), body)))
}

fn seconds(text: &[u8]) -> Option<i64> {
    // Digits only: a sign or a space would be signed as part of the text, yet mean the same number.
    let text = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

/// The signatures of version 1 in a header. They are separated by spaces, and by commas where a gateway has joined repeated
/// headers; neither occurs in base64. Other versions (`v1a` is asymmetric) may stand beside ours and are passed over.
fn signatures(header: &[u8]) -> Vec<[u8; 32]> {
    let tokens: Vec<&[u8]> = header.split(|byte| b" ,".contains(byte)).filter(|token| !token.is_empty()).collect();
    let ours = tokens.windows(2).filter(|pair| pair[0] == VERSION.as_bytes());
    ours.filter_map(|pair| BASE64.decode(pair[1]).ok()?.try_into().ok()).collect()
}

#[cfg(test)]
#[path = "standard_webhooks/tests.rs"]
mod tests;
