//! The routes, one file for each area of the API.
//!
//! A path is matched by its segments; the empty last segment of `/org/5/member/` keeps list routes apart from single
//! ones, as Podio does. Each area answers `None` for what it does not know, and what nobody knows is 404 "No matching
//! operation could be found."

mod apps;
mod contacts;
mod hooks;
mod items;
mod oauth;
mod org;
mod org_admins;
mod org_members;
mod paging;
mod shapes;
mod space;
mod space_members;
mod user;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::ids::{OrgId, SpaceId, UserId};
use crate::log::Effect;
use crate::refusal::Refusal;
use crate::state::{Organization, RemovalRefused, Space, State};
use crate::switches::{Acceptance, DeletedObject, Permission, Route, SecondDelete, WriteAnswer};
use crate::wire::Request;

/// Who calls.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) client: String,
    pub(crate) user: UserId,
}

impl Caller {
    /// The caller of a token endpoint, who is about to say who they are.
    pub(crate) fn nobody() -> Self {
        Self { client: String::new(), user: UserId(0) }
    }
}

/// A good answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Option<Value>,
}

impl Reply {
    fn json(body: Value) -> Self {
        Self { status: 200, body: Some(body) }
    }
}

pub(crate) type Outcome = Result<Reply, Refusal>;

/// One call on its way through a route.
pub(crate) struct Context<'a> {
    state: &'a mut State,
    now: Timestamp,
    request: &'a Request,
    caller: Caller,
    query: Vec<(String, String)>,
    pub(crate) effects: Vec<Effect>,
}

/// Finds the route and takes it.
pub(crate) fn dispatch(context: &mut Context<'_>, path: &[&str]) -> Outcome {
    let method = context.request.method.clone();
    let areas = [
        oauth::answer,
        user::answer,
        contacts::answer,
        org_members::answer,
        org_admins::answer,
        org::answer,
        space_members::answer,
        space::answer,
        apps::answer,
        items::answer,
        hooks::answer,
    ];
    let outcome = areas.iter().find_map(|area| area(context, &method, path));
    outcome.unwrap_or_else(|| Err(Refusal::no_operation(&context.request.path)))
}

/// Whether the path is a token endpoint, which needs no token and has its own limiter.
pub(crate) fn is_token_route(path: &[&str]) -> bool {
    matches!(path, ["oauth", "token"] | ["oauth", "token", "v2"])
}

fn id(segment: &str) -> Option<u64> {
    segment.parse().ok()
}

/// `None`, as if the route were unknown, where a switch leaves it out.
fn offered(route: Route) -> Option<()> {
    (route == Route::Offered).then_some(())
}

/// Refuses what has been deleted.
fn present(deleted_on: Option<Timestamp>, answer: DeletedObject) -> Result<(), Refusal> {
    match (deleted_on, answer) {
        (None, _) => Ok(()),
        (Some(_), DeletedObject::NotFound) => Err(Refusal::object_not_found()),
        (Some(_), DeletedObject::Gone) => Err(Refusal::gone()),
    }
}

impl<'a> Context<'a> {
    pub(crate) fn new(state: &'a mut State, now: Timestamp, request: &'a Request, caller: Caller) -> Self {
        let query = request.query_pairs();
        Self { state, now, request, caller, query, effects: Vec::new() }
    }

    /// A query parameter; of several with one name the last counts.
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The JSON object in the body.
    fn body(&self) -> Result<Value, Refusal> {
        if self.request.body.is_empty() {
            return match self.state.switches.empty_body {
                Acceptance::Accepted => Ok(json!({})),
                Acceptance::Refused => Err(Refusal::no_body(&self.request.path)),
            };
        }
        match serde_json::from_slice::<Value>(&self.request.body) {
            Ok(body) if body.is_object() => Ok(body),
            // The PHP client sends `[]` for a body without content.
            Ok(Value::Array(items)) if items.is_empty() => Ok(json!({})),
            _ => Err(Refusal::invalid_value("null (null): must be object")),
        }
    }

    /// The answer to a write that has no result.
    fn written(&self) -> Reply {
        match self.state.switches.write_answer {
            WriteAnswer::NoContent => Reply { status: 204, body: None },
            WriteAnswer::EmptyObject => Reply::json(json!({})),
            WriteAnswer::EmptyBody => Reply { status: 200, body: None },
        }
    }

    fn org(&self, org_id: OrgId) -> Result<&Organization, Refusal> {
        self.state.orgs.get(&org_id).ok_or_else(Refusal::object_not_found)
    }

    /// The organization must exist and the caller must run it.
    fn administered_org(&self, org_id: OrgId) -> Result<(), Refusal> {
        self.org(org_id)?;
        let in_a_space = || !self.state.spaces_of_member(org_id, self.caller.user).is_empty();
        let without_spaces = self.state.switches.org_admin_without_spaces == Permission::Allowed;
        let admin = self.state.is_org_admin(org_id, self.caller.user) && (without_spaces || in_a_space());
        if admin { Ok(()) } else { Err(Refusal::no_right("admin")) }
    }

    fn space(&self, space_id: SpaceId) -> Result<&Space, Refusal> {
        let space = self.state.spaces.get(&space_id).ok_or_else(Refusal::object_not_found)?;
        present(space.deleted_on, self.state.switches.deleted_space).map(|()| space)
    }

    fn readable_space(&self, space_id: SpaceId) -> Result<&Space, Refusal> {
        let space = self.space(space_id)?;
        let readable = self.state.may_read_space(self.caller.user, space);
        readable.then_some(space).ok_or_else(|| Refusal::no_right("view"))
    }

    fn administered_space(&self, space_id: SpaceId) -> Result<&Space, Refusal> {
        let space = self.space(space_id)?;
        let administered = self.state.may_administer_space(self.caller.user, space);
        administered.then_some(space).ok_or_else(|| Refusal::no_right("update"))
    }

    /// Books the effects of a write, or tells why there is none.
    fn settle(&mut self, outcome: Result<Vec<Effect>, RemovalRefused>) -> Outcome {
        match outcome {
            Ok(effects) => {
                self.effects.extend(effects);
                Ok(self.written())
            }
            Err(RemovalRefused::NotAMember) => match self.state.switches.second_delete {
                SecondDelete::NotFound => Err(Refusal::object_not_found()),
                SecondDelete::Forbidden => Err(Refusal::no_right("delete")),
                SecondDelete::NoContent => Ok(self.written()),
            },
            Err(RemovalRefused::LastOrgAdminConflict) => Err(Refusal::last_admin(409)),
            Err(RemovalRefused::LastOrgAdmin | RemovalRefused::LastSpaceAdmin) => Err(Refusal::last_admin(403)),
        }
    }
}
