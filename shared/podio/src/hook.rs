//! Hooks: Podio's calls to us.
//!
//! A new hook is inactive. Podio posts `hook.verify` with a code to its URL; the code, sent back by [`validate`],
//! activates it. Nothing can be updated, and creating the same hook twice yields two, each delivering.

use std::fmt::{self, Display};

use podio_lifecycle::ids::{HookId, OrgId, SpaceId};
use serde::Deserialize;
use serde_json::json;

use crate::{
    request::Request,
    tolerant::{self, RawId},
};

/// Creates a hook for one type of event on one object: `POST /hook/{ref_type}/{ref_id}/` with `{url, type}`.
///
/// At most ten for each type and object; ports 80 and 443 only.
///
/// Source: developers.podio.com/doc/hooks/create-hook-215056. Answers `{"hook_id": …}`.
pub fn create(target: HookTarget, event: &str, url: &str) -> Request<CreatedHook> {
    let body = json!({"url": url, "type": event});
    Request::post_for("/hook/{ref_type}/{ref_id}/", &[&target.ref_type(), &target.ref_id()], body)
}

/// The hooks on an object: `GET /hook/{ref_type}/{ref_id}/`.
///
/// Source: developers.podio.com/doc/hooks/get-hooks-215285.
pub fn list(target: HookTarget) -> Request<Vec<Hook>> {
    Request::get("/hook/{ref_type}/{ref_id}/", &[&target.ref_type(), &target.ref_id()])
}

/// Makes Podio post the verification code again: `POST /hook/{hook_id}/verify/request`. Safe to repeat.
///
/// Source: developers.podio.com/doc/hooks/request-hook-verification-215232.
pub fn request_verification(hook: HookId) -> Request<()> {
    Request::post("/hook/{hook_id}/verify/request", &[&hook], json!({}))
}

/// Activates a hook with the code that Podio posted: `POST /hook/{hook_id}/verify/validate` with `{code}`.
///
/// Source: developers.podio.com/doc/hooks/validate-hook-verificated-215241.
pub fn validate(hook: HookId, code: &str) -> Request<()> {
    Request::post("/hook/{hook_id}/verify/validate", &[&hook], json!({"code": code}))
}

/// Deletes a hook: `DELETE /hook/{hook_id}`.
///
/// Source: developers.podio.com/doc/hooks/delete-hook-215291.
pub fn delete(hook: HookId) -> Request<()> {
    Request::delete("/hook/{hook_id}", &[&hook])
}

/// What a hook hangs on. Apps, app fields and spaces are documented; whether an organization or an item may have one
/// is not known, so be ready for a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HookTarget {
    /// A space.
    Space(SpaceId),
    /// An app.
    App(u64),
    /// A field of an app.
    AppField(u64),
    /// An organization.
    Org(OrgId),
    /// An item.
    Item(u64),
}

impl HookTarget {
    /// The type as Podio spells it.
    pub fn ref_type(self) -> &'static str {
        match self {
            Self::Space(_) => "space",
            Self::App(_) => "app",
            Self::AppField(_) => "app_field",
            Self::Org(_) => "org",
            Self::Item(_) => "item",
        }
    }

    /// The id of the object.
    pub fn ref_id(self) -> u64 {
        match self {
            Self::Space(space) => space.0,
            Self::Org(org) => org.0,
            Self::App(id) | Self::AppField(id) | Self::Item(id) => id,
        }
    }
}

impl Display for HookTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ref_type(), self.ref_id())
    }
}

/// The answer to [`create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "RawCreatedHook")]
pub struct CreatedHook {
    /// The id of the new hook.
    pub hook_id: HookId,
}

/// Whether a hook delivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookStatus {
    /// It does.
    Active,
    /// It was never verified, or Podio gave up after too many failed deliveries: verify it (again).
    Inactive,
    /// A status this client does not know.
    Other(String),
}

/// A registered hook. `Debug` leaves out the URL, whose path holds a key.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "RawHook")]
pub struct Hook {
    /// The id.
    pub hook_id: HookId,
    /// Whether it delivers.
    pub status: HookStatus,
    /// The type of event, such as `item.create`.
    pub event: String,
    /// Where it delivers.
    pub url: String,
}

#[derive(Deserialize)]
struct RawCreatedHook {
    hook_id: RawId,
    #[serde(flatten)]
    _object: tolerant::ObjectOnly,
}

#[derive(Deserialize)]
struct RawHook {
    hook_id: RawId,
    #[serde(default, deserialize_with = "tolerant::text")]
    status: Option<String>,
    #[serde(rename = "type")]
    event: String,
    url: String,
    #[serde(flatten)]
    _object: tolerant::ObjectOnly,
}

impl From<RawCreatedHook> for CreatedHook {
    fn from(raw: RawCreatedHook) -> Self {
        Self { hook_id: HookId(raw.hook_id.0) }
    }
}

impl From<RawHook> for Hook {
    fn from(raw: RawHook) -> Self {
        let status = match raw.status.as_deref() {
            Some("active") => HookStatus::Active,
            Some("inactive") => HookStatus::Inactive,
            other => HookStatus::Other(other.unwrap_or_default().to_owned()),
        };
        Self { hook_id: HookId(raw.hook_id.0), status, event: raw.event, url: raw.url }
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook")
            .field("hook_id", &self.hook_id)
            .field("status", &self.status)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}
