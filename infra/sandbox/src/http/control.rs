//! Control of a running sandbox, below `/_sandbox/`: neither counted nor authenticated, for loopback only.
//!
//! | route | |
//! |---|---|
//! | `GET`, `DELETE /_sandbox/log` | every call; forget them |
//! | `GET /_sandbox/state` | organizations with members, spaces with members and roles, deleted spaces, hooks |
//! | `GET`, `POST`, `DELETE /_sandbox/faults` | armed rules; arm one or a list of [`FaultRule`]; disarm all |
//! | `POST /_sandbox/members` | `{space_id, user_id, role?, action: "add" \| "remove"}` |
//! | `POST /_sandbox/accounts` | `{user_id, account?: "regular" \| "guest" \| "service" \| "hidden", last_seen_on?, name?, mail?}`: how lists show somebody |
//! | `POST /_sandbox/list_changes` | `{after_page, action: "join", space_id, name, mail}` or `{after_page, action: "leave", user_id}`: right after a page of the members' list |
//! | `POST /_sandbox/spaces` | `{org_id?, name, members: [{user_id, role}]}` answers `{space_id}` |
//! | `POST /_sandbox/apps` | `{space_id, name, fields: [{external_id, type, options?: {"1": …}}]}` answers `{app_id}` |
//! | `POST /_sandbox/tokens/revoke` | `{access?: true, refresh?: false}` |
//! | `POST /_sandbox/events` | `{ref_type, ref_id, type, params}` to every active hook that waits for it |

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Core;
use crate::faults::FaultRule;
use crate::ids::{OrgId, SpaceId, UserId};
use crate::log::Call;
use crate::population::ORG_ID;
use crate::state::{AccountKind, HookRef, ListChange, NewField, Space, SpaceKind, SpaceRole, State};

type Handle = Shared<Arc<Core>>;

pub(super) fn router() -> Router<Arc<Core>> {
    Router::new()
        .route("/log", get(log).delete(clear_log))
        .route("/state", get(state))
        .route("/faults", get(faults).post(add_faults).delete(clear_faults))
        .route("/members", post(members))
        .route("/accounts", post(accounts))
        .route("/list_changes", post(list_changes))
        .route("/spaces", post(spaces))
        .route("/apps", post(apps))
        .route("/tokens/revoke", post(revoke))
        .route("/events", post(events))
        .fallback(async || StatusCode::NOT_FOUND)
}

async fn log(Shared(core): Handle) -> Json<Vec<Call>> {
    Json(core.lock().log.calls().to_vec())
}

async fn clear_log(Shared(core): Handle) -> StatusCode {
    core.change(|state| state.log.clear());
    if let Some(Err(error)) = core.store.as_ref().map(super::Store::clear_journal) {
        tracing::error!(%error, "the journal could not be cleared");
    }
    StatusCode::NO_CONTENT
}

async fn state(Shared(core): Handle) -> Json<Value> {
    Json(overview(&core.lock()))
}

fn overview(state: &State) -> Value {
    let space = |space_id: &SpaceId, space: &Space| {
        let members = space.active_members().map(|(user_id, member)| {
            json!({"user_id": user_id, "role": member.role, "invited_only": member.started_on.is_none()})
        });
        json!({
            "space_id": space_id, "org_id": space.org_id, "name": space.name, "type": space.kind,
            "members": members.collect::<Vec<_>>(),
        })
    };
    let spaces = |deleted: bool| {
        let wanted = state.spaces.iter().filter(move |(_, space)| space.deleted_on.is_some() == deleted);
        wanted.map(|(space_id, it)| space(space_id, it)).collect::<Vec<_>>()
    };
    let orgs = state.orgs.iter().map(|(org_id, org)| {
        let members = state.org_members(*org_id).into_iter().map(|user_id| {
            let mail = state.people.get(&user_id).map(|person| person.mail.as_str());
            json!({"user_id": user_id, "mail": mail, "admin": state.is_org_admin(*org_id, user_id)})
        });
        json!({"org_id": org_id, "name": org.name, "members": members.collect::<Vec<_>>()})
    });
    json!({
        "orgs": orgs.collect::<Vec<_>>(), "spaces": spaces(false), "deleted_spaces": spaces(true),
        "hooks": state.hooks.all, "switches": state.switches, "quota": state.limiter.quota,
    })
}

async fn faults(Shared(core): Handle) -> Json<Value> {
    let state = core.lock();
    Json(state.faults.rules().map(|(rule, struck)| json!({"rule": rule, "struck": struck})).collect())
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(FaultRule),
    Many(Vec<FaultRule>),
}

async fn add_faults(Shared(core): Handle, Json(rules): Json<OneOrMany>) -> StatusCode {
    let rules = match rules {
        OneOrMany::One(rule) => vec![rule],
        OneOrMany::Many(rules) => rules,
    };
    core.change(|state| rules.into_iter().for_each(|rule| state.add_fault(rule)));
    StatusCode::NO_CONTENT
}

async fn clear_faults(Shared(core): Handle) -> StatusCode {
    core.change(|state| state.faults.clear());
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Add,
    Remove,
}

#[derive(Deserialize)]
struct MemberChange {
    space_id: SpaceId,
    user_id: UserId,
    role: Option<SpaceRole>,
    action: Action,
}

async fn members(Shared(core): Handle, Json(change): Json<MemberChange>) -> StatusCode {
    let MemberChange { space_id, user_id, role, action } = change;
    let now = core.config.clock.now();
    core.change(|state| match action {
        _ if !(state.spaces.contains_key(&space_id) && state.people.contains_key(&user_id)) => StatusCode::NOT_FOUND,
        Action::Add => {
            state.add_to_space(now, space_id, user_id, role.unwrap_or(SpaceRole::Regular));
            StatusCode::NO_CONTENT
        }
        Action::Remove => match state.remove_from_space(now, space_id, &[user_id]) {
            Ok(_) => StatusCode::NO_CONTENT,
            Err(_) => StatusCode::CONFLICT,
        },
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountChange {
    user_id: UserId,
    account: Option<AccountKind>,
    last_seen_on: Option<Timestamp>,
    name: Option<String>,
    mail: Option<String>,
}

async fn accounts(Shared(core): Handle, Json(change): Json<AccountChange>) -> StatusCode {
    core.change(|state| {
        let Some(person) = state.people.get_mut(&change.user_id) else { return StatusCode::NOT_FOUND };
        person.account = change.account.unwrap_or(person.account);
        person.last_seen_on = change.last_seen_on.or(person.last_seen_on);
        if let Some(name) = change.name {
            person.name = name;
        }
        if let Some(mail) = change.mail {
            person.mail = mail;
        }
        StatusCode::NO_CONTENT
    })
}

fn next_page() -> u32 {
    1
}

#[derive(Deserialize)]
struct TimedChange {
    #[serde(default = "next_page")]
    after_page: u32,
    #[serde(flatten)]
    change: ListChange,
}

async fn list_changes(Shared(core): Handle, Json(timed): Json<TimedChange>) -> StatusCode {
    core.change(|state| state.change_after_page(timed.after_page, timed.change));
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Founder {
    user_id: UserId,
    role: SpaceRole,
}

#[derive(Deserialize)]
struct NewSpace {
    org_id: Option<OrgId>,
    name: String,
    #[serde(default)]
    members: Vec<Founder>,
}

async fn spaces(Shared(core): Handle, Json(new): Json<NewSpace>) -> (StatusCode, Json<Value>) {
    let now = core.config.clock.now();
    let org_id = new.org_id.unwrap_or(ORG_ID);
    core.change(|state| {
        if !state.orgs.contains_key(&org_id) {
            return (StatusCode::NOT_FOUND, Json(Value::Null));
        }
        let space_id = state.create_space(now, org_id, &new.name, SpaceKind::Regular);
        for Founder { user_id, role } in new.members {
            state.add_to_space(now, space_id, user_id, role);
        }
        (StatusCode::CREATED, Json(json!({"space_id": space_id})))
    })
}

#[derive(Deserialize)]
struct NewApp {
    space_id: SpaceId,
    name: String,
    fields: Vec<NewField>,
}

async fn apps(Shared(core): Handle, Json(new): Json<NewApp>) -> (StatusCode, Json<Value>) {
    let now = core.config.clock.now();
    core.change(|state| {
        if !state.spaces.contains_key(&new.space_id) {
            return (StatusCode::NOT_FOUND, Json(Value::Null));
        }
        let app_id = state.create_app(now, new.space_id, &new.name, new.fields);
        (StatusCode::CREATED, Json(json!({"app_id": app_id})))
    })
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct Revocation {
    #[serde(default = "yes")]
    access: bool,
    #[serde(default)]
    refresh: bool,
}

async fn revoke(Shared(core): Handle, Json(what): Json<Revocation>) -> StatusCode {
    core.change(|state| {
        if what.access {
            state.tokens.revoke_access_tokens();
        }
        if what.refresh {
            state.tokens.revoke_refresh_tokens();
        }
    });
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Event {
    ref_type: String,
    ref_id: u64,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    params: BTreeMap<String, String>,
}

async fn events(Shared(core): Handle, Json(event): Json<Event>) -> StatusCode {
    let now = core.config.clock.now();
    let on = HookRef { ref_type: event.ref_type, ref_id: event.ref_id };
    let params: Vec<(&str, String)> = event.params.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    core.change(|state| state.publish(now, &on, &event.kind, &params));
    StatusCode::ACCEPTED
}
