//! Work that waits: what a record says of its job, so that the dispatcher can choose without reading the record.
//!
//! A job is no message and no item of its own. The record that it carries on (an offboarding, the removal from one space,
//! a delivery) says by itself that something is to be done, at which priority and place, and how many calls come next.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{hooks::HookRef, ids::SpaceId, offboarding::routes, removal};

/// Names one job: its kind, and whatever that kind tells its subjects apart by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId {
    /// The kind, as the registry of the worker knows it.
    pub kind: String,
    /// What the job is about: ids only.
    pub subject: String,
}

impl JobId {
    /// The present stage of an offboarding; the subject is its id.
    pub const OFFBOARDING: &'static str = "offboarding";
    /// The removal of one leaver from one space; the subject is that of [`SpaceKey`](crate::removal::SpaceKey).
    pub const SPACE: &'static str = "space";
    /// A delivery of Podio's; the subject is its id.
    pub const DELIVERY: &'static str = "delivery";
    /// The hooks of one object, which Podio switches off without a word when its deliveries fail: the job never ends. The
    /// subject is the object, such as `space/5`.
    pub const KEEP_HOOKS: &'static str = "keep_hooks";

    /// The daily proof that the credential lives: the job never ends. The subject is `podio`.
    pub const KEEP_CREDENTIAL: &'static str = "keep_credential";

    /// One audit of an organization; the subject is its id.
    pub const AUDIT: &'static str = "audit";
    /// The beginning of audits by schedule: the job never ends. The subject is an organization and a period, `678/86400`.
    pub const BEGIN_AUDITS: &'static str = "begin_audits";

    /// The job of that kind about that subject.
    pub fn new(kind: &str, subject: impl fmt::Display) -> Self {
        Self { kind: kind.to_owned(), subject: subject.to_string() }
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.subject)
    }
}

/// Who goes first where calls are scarce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Somebody waits for it: plans, ends, urgent leavers.
    Interactive,
    /// Leaving spaces.
    Removal,
    /// Nobody waits for it.
    Background,
}

/// The next calls of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// The route of each, as the client names it: what decides under which ceiling it counts.
    pub routes: Vec<String>,
    /// Whether they are worth something only right after each other.
    pub back_to_back: bool,
}

impl Calls {
    /// `count` calls of one route that may come one by one.
    pub fn of(route: impl Into<String>, count: usize) -> Self {
        Self { routes: vec![route.into(); count], back_to_back: false }
    }

    /// Calls that come right after each other.
    pub fn back_to_back<R: Into<String>>(routes: impl IntoIterator<Item = R>) -> Self {
        Self { routes: routes.into_iter().map(Into::into).collect(), back_to_back: true }
    }
}

/// A job that waits, as its record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Which.
    pub job: JobId,
    /// Who goes first.
    pub priority: Priority,
    /// Where it stands among those of its priority: a time, the earlier the better.
    pub place: Timestamp,
    /// Since when it waits.
    pub since: Timestamp,
    /// Not before that time.
    pub not_before: Option<Timestamp>,
    /// Since when it pauses because of a fault outside. The end of an outage ends that pause.
    pub faulted_at: Option<Timestamp>,
    /// What it calls next.
    pub calls: Calls,
    /// The group that it belongs to: one job of a group goes out at a time.
    pub group: Option<Group>,
}

impl Waiting {
    /// Whether its next calls remove somebody: none of that happens while the service is paused.
    pub fn removes(&self) -> bool {
        self.calls.routes.iter().any(|route| [removal::ROUTE, routes::REMOVE].contains(&route.as_str()))
    }
}

/// Jobs that one run can answer together. One of them is dispatched; when it runs, it takes the others along.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// The removals from one space: one call can name several leavers.
    Space(SpaceId),
    /// The deliveries of one object's hooks: they spend one budget, and one check can answer many.
    Hooks(HookRef),
}
