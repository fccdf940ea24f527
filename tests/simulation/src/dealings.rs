//! What people asked for and what they were told: all that the oracles know besides Podio's own log.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use podio_lifecycle::ids::OffboardingId;
use serde_json::Value;

/// An answer of the doors.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// What it says it is.
    pub content_type: String,
    /// Its body.
    pub body: String,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// What a request to the door for HR and admins is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Letter {
    /// A wish of the HR system's: its place in the scene.
    Post(usize),
    /// The operator asks who is held.
    WhoIsHeld,
    /// The operator asks what has failed.
    WhatFailed,
    /// The operator approves what is shown, by this body.
    Approve(OffboardingId, Value),
    /// The operator calls it off.
    Cancel(OffboardingId),
    /// The operator resumes it.
    Retry(OffboardingId),
    /// The auditor looks.
    View(OffboardingId),
    /// The operator stops all removals.
    Pause,
    /// The operator lets them go on.
    Resume,
}

/// What became of a wish.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The wish.
    pub wish: usize,
    /// The offboarding that it was answered with.
    pub id: OffboardingId,
    /// The status: 202 for a new one.
    pub status: u16,
}

/// Everything that people know.
#[derive(Debug, Clone, Default)]
pub struct Dealings {
    /// When each wish was posted first.
    pub posted: BTreeMap<usize, Timestamp>,
    /// Answers to wishes, in order.
    pub granted: Vec<Granted>,
    /// When a cancellation was confirmed.
    pub cancelled: BTreeMap<OffboardingId, Timestamp>,
    /// Codes that were approved, whether or not the answer arrived.
    pub approved: Vec<(OffboardingId, Timestamp, Vec<String>)>,
    /// How often somebody was resumed.
    pub retried: BTreeMap<OffboardingId, u32>,
    /// Each offboarding as the auditor saw it last.
    pub views: BTreeMap<OffboardingId, Value>,
    /// When a pause was confirmed first.
    pub paused: Option<Timestamp>,
    /// When its end was asked for first.
    pub resumed: Option<Timestamp>,
    /// What was said that should not have been.
    pub improper: Vec<String>,
    /// What happened to leavers behind our back: to which, when.
    pub added: Vec<(usize, podio_sandbox::SpaceId, Timestamp)>,
}

impl Dealings {
    /// All offboardings that anybody was told of.
    pub fn ids(&self) -> BTreeSet<OffboardingId> {
        self.granted.iter().map(|granted| granted.id.clone()).collect()
    }

    /// What the auditor was told last of an offboarding's state.
    pub fn state(&self, id: &OffboardingId) -> &str {
        self.views.get(id).and_then(|view| view["state"].as_str()).unwrap_or("unseen")
    }

    /// Whether nothing more will come of it by itself.
    pub fn rests(&self, id: &OffboardingId) -> bool {
        match self.state(id) {
            "completed" | "cancelled" => true,
            "failed" => self.retried.get(id).copied().unwrap_or(0) >= PATIENCE,
            _ => false,
        }
    }
}

/// How often an operator resumes one offboarding before they leave it.
pub const PATIENCE: u32 = 4;
