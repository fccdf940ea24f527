//! HR systems and identity providers with signatures and events of their own, as data.
//!
//! A sender is a row: how it proves who it is ([`Proof`]), which of its events mean that somebody leaves, and where in an
//! event the person and the date stand ([`Reading`]). [`Directory::parse`] reads the rows from the setting `SENDERS`; presets
//! fill in what is known of a vendor, and an entry may override each part. No vendor has code of its own.
//!
//! Most senders sign no time, so nothing here tells a repetition from a first delivery: that is what the key of an
//! [`Event`] is for.

mod config;
mod date;
mod document;
mod proof;
mod reading;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Deserialize;

pub use config::{BadSender, Directory};
pub use proof::{Proof, Rejection, Secret};
pub use reading::{Event, Moment, Reading, Unreadable, Who};

/// One sender.
#[derive(Debug, Clone)]
pub struct Sender {
    name: String,
    org_id: Option<u64>,
    require_approval: bool,
    proof: Proof,
    secrets: Vec<Secret>,
    handshake: Option<Handshake>,
    body: BodyKind,
    each: Option<String>,
    rules: Rules,
    map: Mapping,
    zone: Option<TimeZone>,
}

/// A delivery, as it came.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// The value of a header, by its name in lower case.
    pub header: &'a dyn Fn(&str) -> Option<&'a [u8]>,
    /// The bytes of the body.
    pub body: &'a [u8],
}

/// What a vendor asks once, before it delivers anything. Answering has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handshake {
    /// A GET with `X-Okta-Verification-Challenge`, which is echoed as `{"verification": "…"}`.
    Okta,
    /// A POST with `?validationToken=`, which is echoed as text.
    Graph,
    /// A POST with `verification_token` in the body.
    Gusto,
    /// A POST with the body `Ping test`, or `{"text": "Ping test"}`.
    Hibob,
}

/// How a body is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BodyKind {
    #[default]
    Json,
    /// `application/x-www-form-urlencoded`
    Form,
}

/// Values by the places where one of them must stand.
type Condition = BTreeMap<String, Vec<String>>;

/// Which events mean what. An event for which none holds is ignored.
#[derive(Debug, Clone, Default)]
struct Rules {
    /// Somebody leaves.
    leave: Option<Condition>,
    /// Somebody is going to leave at a date.
    announce: Option<Condition>,
    /// What was announced does not come true.
    cancel: Option<Condition>,
    /// Somebody is back.
    rehire: Option<Condition>,
}

/// Where things stand in an event.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Mapping {
    email: Option<String>,
    user_id: Option<String>,
    employee_id: Option<String>,
    effective_at: Option<String>,
    key: Option<String>,
    /// No place, but the name of an IANA zone.
    time_zone: Option<String>,
}

impl Sender {
    /// Its name: the last segment of its address.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The organization that its leavers are members of, where it is not the first one.
    pub fn org_id(&self) -> Option<u64> {
        self.org_id
    }

    /// Whether a person must approve each of its leavers.
    pub fn require_approval(&self) -> bool {
        self.require_approval
    }

    /// Where an event has its address, for messages about a bad one.
    pub fn email_place(&self) -> &str {
        self.map.email.as_deref().unwrap_or_default()
    }

    /// Where an event has its date, for messages about a bad one.
    pub fn date_place(&self) -> &str {
        self.map.effective_at.as_deref().unwrap_or_default()
    }

    /// What it asks before it delivers.
    pub fn handshake(&self) -> Option<Handshake> {
        self.handshake
    }

    /// Whether the time of sending is part of the proof, so that an old delivery cannot be sent again for long.
    pub fn signs_time(&self) -> bool {
        self.proof.signs_time()
    }
}

#[cfg(test)]
mod tests;
