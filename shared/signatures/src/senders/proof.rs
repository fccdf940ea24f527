//! How a delivery proves whom it is from: a MAC over some of its parts, or a token that both sides know.
//!
//! Comparisons with secrets take the same time whatever the guess, and all secrets are compared, so that two can be valid
//! while they are being rotated. The reason for a rejection is for the log alone.

use std::sync::Arc;

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig},
    },
};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice};
use serde::Deserialize;
use sha2::{Digest, Sha256, Sha512};
use subtle::{Choice, ConstantTimeEq};

use super::{Delivery, Sender, document::Document};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How a sender proves who it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Proof {
    /// A header holds a MAC.
    Hmac {
        /// Of which kind.
        algorithm: Algorithm,
        /// How it is written.
        encoding: Encoding,
        /// The header.
        header: String,
        /// What stands in front of it.
        #[serde(default)]
        prefix: String,
        /// The header is a list of `version,MAC`, of which those of this version count.
        list: Option<String>,
        /// What is signed: text in which `{body}`, `{timestamp}` and `{id}` stand for those.
        signed: String,
        /// The header with the message's id.
        id_header: Option<String>,
        /// The header with the time of sending, in seconds since 1970.
        timestamp_header: Option<String>,
        /// How far that time may be from ours, either way.
        window_seconds: Option<u32>,
        /// How the key is written.
        #[serde(default)]
        key: KeyFormat,
    },
    /// A header holds a token.
    Token {
        /// The header.
        header: String,
        /// What stands in front of it.
        #[serde(default)]
        prefix: String,
    },
    /// The body holds a token: each of its entries does, where it has several.
    TokenInBody {
        /// Where.
        pointer: String,
    },
}

/// The hash under a MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// SHA-256
    Sha256,
    /// SHA-512
    Sha512,
}

/// How a MAC is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Hexadecimal
    Hex,
    /// Base64, with or without padding.
    Base64,
}

/// How a key is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyFormat {
    /// The text is the key.
    #[default]
    Text,
    /// `whsec_` and base64.
    Whsec,
    /// Base64
    Base64,
    /// Hexadecimal
    Hex,
}

/// A secret that a sender shares with us.
#[derive(Clone)]
pub struct Secret(Arc<SecretSlice<u8>>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    fn bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// How many bytes it has.
    pub(super) fn len(&self) -> usize {
        self.bytes().len()
    }
}

/// Why a delivery is not authentic: for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// What proves it is not there.
    #[error("the proof is missing")]
    Missing,
    /// What proves it cannot be read.
    #[error("the proof is malformed")]
    Malformed,
    /// It was sent too long ago, or will be.
    #[error("the time of sending is too far away")]
    Stale,
    /// It proves nothing.
    #[error("the proof fits no secret")]
    Mismatch,
}

impl Proof {
    /// Reads a secret as this proof needs it.
    pub(super) fn secret(&self, text: &str) -> Option<Secret> {
        let format = match self {
            Self::Hmac { key, .. } => *key,
            Self::Token { .. } | Self::TokenInBody { .. } => KeyFormat::Text,
        };
        let key = match format {
            KeyFormat::Text => text.as_bytes().to_vec(),
            KeyFormat::Whsec => BASE64.decode(text.strip_prefix("whsec_")?).ok()?,
            KeyFormat::Base64 => BASE64.decode(text).ok()?,
            KeyFormat::Hex => hex::decode(text).ok()?,
        };
        Some(Secret(Arc::new(key.into())))
    }

    /// Whether each part of it is there that it speaks of.
    pub(super) fn is_complete(&self) -> bool {
        match self {
            Self::Hmac { signed, id_header, timestamp_header, window_seconds, header, .. } => {
                let times = signed.contains("{timestamp}") == timestamp_header.is_some();
                let ids = signed.contains("{id}") == id_header.is_some();
                times
                    && ids
                    && timestamp_header.is_some() == window_seconds.is_some()
                    && signed.contains("{body}")
                    && !header.is_empty()
            }
            Self::Token { header, .. } => !header.is_empty(),
            Self::TokenInBody { pointer } => !pointer.is_empty(),
        }
    }

    pub(super) fn signs_time(&self) -> bool {
        matches!(self, Self::Hmac { timestamp_header: Some(_), .. })
    }
}

impl Sender {
    /// Whether the delivery is from this sender.
    ///
    /// # Errors
    /// [`Rejection`], for the log.
    pub fn verify(&self, delivery: Delivery<'_>, now: Timestamp) -> Result<(), Rejection> {
        match &self.proof {
            Proof::Hmac { .. } => self.verify_mac(delivery, now),
            Proof::Token { header, prefix } => {
                let value = (delivery.header)(header).ok_or(Rejection::Missing)?;
                let token = value.strip_prefix(prefix.as_bytes()).ok_or(Rejection::Malformed)?;
                accepted(self.is_known(token))
            }
            Proof::TokenInBody { pointer } => {
                let document = Document::read(self.body, delivery).ok_or(Rejection::Malformed)?;
                let entries = document.entries(self.each.as_deref()).ok_or(Rejection::Malformed)?;
                // One entry with another token, and the delivery is not from this sender alone.
                let mut known = Choice::from(u8::from(entries > 0));
                for entry in 0..entries {
                    let token = document.text(pointer, self.each.as_deref(), entry).ok_or(Rejection::Missing)?;
                    known &= self.is_known(token.as_bytes());
                }
                accepted(known)
            }
        }
    }

    fn verify_mac(&self, delivery: Delivery<'_>, now: Timestamp) -> Result<(), Rejection> {
        let Proof::Hmac {
            algorithm,
            encoding,
            header,
            prefix,
            list,
            signed,
            id_header,
            timestamp_header,
            window_seconds,
            key: _,
        } = &self.proof
        else {
            return Err(Rejection::Malformed);
        };
        let shown = (delivery.header)(header).ok_or(Rejection::Missing)?;
        let find = |name: &Option<String>| match name {
            None => Ok(&b""[..]),
            Some(name) => match (delivery.header)(name) {
                None => Err(Rejection::Missing),
                Some(b"") => Err(Rejection::Malformed),
                Some(value) => Ok(value),
            },
        };
        let (id, timestamp) = (find(id_header)?, find(timestamp_header)?);
        let shown: Vec<Vec<u8>> = match list {
            None => {
                let mac = shown.strip_prefix(prefix.as_bytes()).ok_or(Rejection::Malformed)?;
                decode(*encoding, mac).into_iter().collect()
            }
            Some(version) => {
                let tokens: Vec<&[u8]> = shown.split(|byte| b" ,".contains(byte)).filter(|t| !t.is_empty()).collect();
                let ours = tokens.windows(2).filter(|pair| pair[0] == version.as_bytes());
                ours.filter_map(|pair| decode(*encoding, pair[1])).collect()
            }
        };
        if shown.is_empty() {
            return Err(Rejection::Malformed);
        }
        if let (Some(_), Some(window)) = (timestamp_header, window_seconds) {
            let sent_at = seconds(timestamp).ok_or(Rejection::Malformed)?;
            if now.as_second().abs_diff(sent_at) > u64::from(*window) {
                return Err(Rejection::Stale);
            }
        }
        let parts = parts(signed, id, timestamp, delivery.body);
        let mut fits = Choice::from(0);
        for secret in &self.secrets {
            let expected = mac(*algorithm, secret.bytes(), &parts);
            for shown in &shown {
                fits |= expected.as_slice().ct_eq(shown.as_slice());
            }
        }
        accepted(fits)
    }

    /// Digests are compared, so that the time taken does not tell how long a secret is.
    fn is_known(&self, token: &[u8]) -> Choice {
        let shown: [u8; 32] = Sha256::digest(token).into();
        let mut known = Choice::from(0);
        for secret in &self.secrets {
            let ours: [u8; 32] = Sha256::digest(secret.bytes()).into();
            known |= ours.ct_eq(&shown);
        }
        known
    }
}

fn accepted(known: Choice) -> Result<(), Rejection> {
    if known.into() { Ok(()) } else { Err(Rejection::Mismatch) }
}

fn decode(encoding: Encoding, text: &[u8]) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Hex => hex::decode(text).ok(),
        Encoding::Base64 => BASE64.decode(text).ok(),
    }
}

/// Digits only: a sign or a space would be signed as part of the text, yet mean the same number.
fn seconds(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

/// The pieces of what is signed, in order.
fn parts<'a>(signed: &'a str, id: &'a [u8], timestamp: &'a [u8], body: &'a [u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = signed;
    while !rest.is_empty() {
        let names = [("{id}", id), ("{timestamp}", timestamp), ("{body}", body)];
        let next = names.iter().filter_map(|(name, value)| Some((rest.find(name)?, name.len(), *value)));
        match next.min_by_key(|(at, ..)| *at) {
            None => {
                parts.push(rest.as_bytes());
                break;
            }
            Some((at, length, value)) => {
                parts.push(&rest.as_bytes()[..at]);
                parts.push(value);
                rest = &rest[at + length..];
            }
        }
    }
    parts
}

#[expect(clippy::expect_used, reason = "HMAC accepts keys of any length (RFC 2104)")]
fn mac(algorithm: Algorithm, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    match algorithm {
        Algorithm::Sha256 => crate::hmac_sha256(key, parts).to_vec(),
        Algorithm::Sha512 => {
            let mut mac = Hmac::<Sha512>::new_from_slice(key).expect("HMAC accepts keys of any length");
            for part in parts {
                mac.update(part);
            }
            mac.finalize().into_bytes().to_vec()
        }
    }
}
