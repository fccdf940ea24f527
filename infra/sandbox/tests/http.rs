//! The sandbox over real HTTP: both profiles, faults, hooks, control, and restarts.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{self, State};
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use podio_sandbox::config::{CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN};
use podio_sandbox::population::{LEAVER, ORG_ID};
use podio_sandbox::state::SpaceKind;
use podio_sandbox::{Effect, FaultAction, FaultRule, Profile, Running, Sandbox, UserId};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// A client of a running sandbox with a token of the acting admin.
struct Admin {
    http: Client,
    url: String,
    token: String,
}

impl Admin {
    async fn of(sandbox: &Running) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().no_proxy().build().unwrap();
        let url = sandbox.url();
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", REFRESH_TOKEN),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
        ];
        let granted = http.post(format!("{url}/oauth/token")).form(&form).send().await.unwrap();
        let granted: Value = granted.json().await.unwrap();
        let token = granted["access_token"].as_str().unwrap().to_owned();
        Self { http, url, token }
    }

    async fn call(&self, method: &str, target: &str, body: Option<Value>) -> reqwest::Result<Response> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{target}", self.url));
        if !target.starts_with("/_sandbox") {
            request = request.header("authorization", format!("OAuth2 {}", self.token));
        }
        match body {
            Some(body) => request.json(&body).send().await,
            None => request.send().await,
        }
    }

    async fn get(&self, target: &str) -> Value {
        self.call("GET", target, None).await.unwrap().json().await.unwrap()
    }

    async fn status(&self, method: &str, target: &str, body: Option<Value>) -> u16 {
        self.call(method, target, body).await.unwrap().status().as_u16()
    }
}

fn leaver(sandbox: &Running) -> UserId {
    sandbox.with_state(|state| state.person_by_mail(LEAVER).unwrap())
}

async fn start(profile: Profile) -> Running {
    Sandbox::start(support::config(profile)).await.unwrap()
}

type Form = Vec<(String, String)>;

/// Somebody who waits for hooks, and what they are told.
async fn receiver() -> (String, mpsc::UnboundedReceiver<Form>) {
    let (sender, deliveries) = mpsc::unbounded_channel();
    let take = async |State(sender): State<Arc<mpsc::UnboundedSender<_>>>, extract::Form(form): extract::Form<Form>| {
        sender.send(form).unwrap();
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook/path-secret", listener.local_addr().unwrap());
    let app = Router::new().route("/hook/path-secret", post(take)).with_state(Arc::new(sender));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, deliveries)
}

#[tokio::test]
async fn the_guides_recipe_removes_a_leaver_in_the_guides_podio() {
    let sandbox = start(Profile::Guide).await;
    let admin = Admin::of(&sandbox).await;
    let members = admin.get(&format!("/org/{ORG_ID}/member/?limit=100")).await;
    let is_leaver = |member: &&Value| member["mail"][0]["mail"] == LEAVER;
    let user = members.as_array().unwrap().iter().find(is_leaver).unwrap()["user_id"].clone();
    let mut removed = 0;
    for space in admin.get(&format!("/org/{ORG_ID}/space/")).await.as_array().unwrap() {
        let target = format!("/space/{}/member/{user}", space["space_id"]);
        match admin.status("DELETE", &target, None).await {
            204 => removed += 1,
            other => assert_eq!(other, 404),
        }
    }
    assert_eq!(removed, 5);
    assert_eq!(admin.status("DELETE", &format!("/org/{ORG_ID}/member/{user}"), None).await, 204);
    assert_eq!(admin.status("GET", &format!("/org/{ORG_ID}/member/{user}"), None).await, 404);
    sandbox.stop().await;
}

#[tokio::test]
async fn the_documented_podio_needs_a_preview_a_delete_and_a_look() {
    let sandbox = start(Profile::Documented).await;
    let admin = Admin::of(&sandbox).await;
    let found = admin.get(&format!("/org/{ORG_ID}/member/mail/jane.doe%40example.com")).await;
    let target = format!("/org/{ORG_ID}/member/{}", found["user"]["user_id"]);
    let preview = admin.get(&format!("{target}/end_member_info")).await;
    assert_eq!(preview["to_remove"].as_array().unwrap().len(), 5);
    assert_eq!(admin.get(&format!("{target}/space_member/")).await.as_array().unwrap().len(), 5);
    assert_eq!(admin.status("DELETE", &target, None).await, 200);
    assert_eq!(admin.status("GET", &target, None).await, 404);
    let ended = sandbox.log().into_iter().flat_map(|call| call.effects);
    let ended = ended.filter(|effect| matches!(effect, Effect::SpaceMembershipEnded { .. }));
    assert_eq!(ended.count(), 5);
}

#[tokio::test]
async fn a_connection_dropped_after_the_effect_leaves_the_effect_and_no_answer() {
    let sandbox = start(Profile::Documented).await;
    let admin = Admin::of(&sandbox).await;
    let user = leaver(&sandbox);
    let target = format!("/org/{ORG_ID}/member/{user}");
    for (action, gone) in [(FaultAction::DropBeforeEffect, false), (FaultAction::DropAfterEffect, true)] {
        let name = format!("{action:?}");
        sandbox.add_fault(FaultRule::new("DELETE", "/org/*", action).times(1));
        let error = admin.call("DELETE", &target, None).await.unwrap_err();
        assert!(error.is_request() && error.status().is_none(), "{name}: no status line arrived: {error:?}");
        let left = sandbox.with_state(|state| state.org_member(ORG_ID, user).is_none());
        assert_eq!(left, gone, "{name}");
        let call = sandbox.log().pop().unwrap();
        assert_eq!((call.status, call.fault.is_some()), (None, true));
    }
    assert_eq!(admin.status("GET", &target, None).await, 404, "the next connection works");
}

#[tokio::test]
async fn every_other_fault_arrives_as_ordered() {
    let sandbox = start(Profile::Documented).await;
    let admin = Admin::of(&sandbox).await;
    let once = |action: Value| json!({"path": "/user/*", "count": 1, "action": action});
    let rules = json!([
        once(json!({"kind": "error", "status": 502, "body": "html"})),
        once(json!({"kind": "error", "status": 503, "body": "empty"})),
        once(json!({"kind": "rate-limit", "wait_seconds": 7})),
        once(json!({"kind": "unauthorized"})),
        once(json!({"kind": "html"})),
        once(json!({"kind": "timeout", "seconds": 0})),
        once(json!({"kind": "delay", "millis": 1})),
    ]);
    assert_eq!(admin.status("POST", "/_sandbox/faults", Some(rules)).await, 204);
    let mut seen = Vec::new();
    for _ in 0..8 {
        seen.push(match admin.call("GET", "/user/status", None).await {
            Ok(response) => (response.status().as_u16(), response.text().await.unwrap().chars().next()),
            Err(_) => (0, None),
        });
    }
    let (page, object) = (Some('<'), Some('{'));
    let ordered = [(502, page), (503, None), (420, object), (401, object), (200, page), (0, None), (200, object)];
    assert_eq!(seen[..7], ordered);
    assert_eq!(seen[7], (200, object), "and then all is well");
    assert_eq!(sandbox.with_state(|state| state.log.rejections()), 0, "the quota turned nobody down");
}

#[tokio::test]
async fn a_hook_is_verified_by_the_code_that_is_delivered_to_it() {
    let sandbox = start(Profile::Documented).await;
    let admin = Admin::of(&sandbox).await;
    let (url, mut deliveries) = receiver().await;
    let url = format!("{url}?key=moved");

    let space = sandbox.with_state(|state| state.spaces_of_org(ORG_ID).next().unwrap().0);
    let on = format!("/hook/space/{space}/");
    let created = admin.call("POST", &on, Some(json!({"url": url, "type": "member.remove"}))).await.unwrap();
    let created: Value = created.json().await.unwrap();
    let hook = created["hook_id"].as_u64().unwrap();
    let form = deliveries.recv().await.unwrap();
    let field = |name: &str| form.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone()).unwrap();
    assert_eq!((field("type"), field("hook_id")), ("hook.verify".to_owned(), hook.to_string()));
    assert_eq!(field("key"), "moved", "the query has moved into the body");
    assert_eq!(admin.get(&on).await[0]["status"], "inactive");

    let validate = format!("/hook/{hook}/verify/validate");
    assert_eq!(admin.status("POST", &validate, Some(json!({"code": "wrong"}))).await, 400);
    assert_eq!(admin.status("POST", &validate, Some(json!({"code": field("code")}))).await, 200);
    assert_eq!(admin.get(&on).await[0]["status"], "active");

    let event = json!({"ref_type": "space", "ref_id": space, "type": "member.remove", "params": {"user_id": "5"}});
    assert_eq!(admin.status("POST", "/_sandbox/events", Some(event)).await, 202);
    let form = deliveries.recv().await.unwrap();
    assert!(form.contains(&("user_id".to_owned(), "5".to_owned())));
    assert_eq!(admin.status("DELETE", &format!("/hook/{hook}"), None).await, 200);
}

#[tokio::test]
async fn the_sandboxs_own_changes_arrive_at_whoever_hooked_them() {
    let mut config = support::config(Profile::Documented);
    config.switches.apply("org-hooks=accepted").unwrap();
    config.switches.apply("hook-verification=on-request").unwrap();
    config.switches.apply("delivery-copies=two").unwrap();
    let sandbox = Sandbox::start(config).await.unwrap();
    let admin = Admin::of(&sandbox).await;
    let (url, mut deliveries) = receiver().await;
    let mut next = async || deliveries.recv().await.unwrap();
    let field = |form: &Form, name: &str| form.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
    let hook = |on: String, event: &str| {
        let body = json!({"url": url, "type": event});
        let sandbox = &sandbox;
        let admin = &admin;
        async move {
            let made = admin.call("POST", &format!("/hook/{on}/"), Some(body)).await.unwrap();
            let made: Value = made.json().await.unwrap();
            sandbox.with_state(|state| {
                let hook = state.hooks.all.iter_mut().find(|(id, _)| made["hook_id"] == json!(id)).unwrap().1;
                hook.active = true;
            });
        }
    };

    hook(format!("org/{ORG_ID}"), "space.create").await;
    let now = Timestamp::now();
    let space = sandbox.with_state(|state| state.create_space(now, ORG_ID, "In mid-flight", SpaceKind::Regular));
    for copy in [next().await, next().await] {
        assert_eq!(field(&copy, "type").unwrap(), "space.create");
        assert_eq!(field(&copy, "space_id").unwrap(), space.to_string());
    }

    hook(format!("space/{space}"), "app.create").await;
    let app = json!({"space_id": space, "name": "Leavers", "fields": [{"external_id": "title", "type": "text"}]});
    let app: Value = admin.call("POST", "/_sandbox/apps", Some(app)).await.unwrap().json().await.unwrap();
    assert_eq!(field(&next().await, "app_id").unwrap(), app["app_id"].to_string());
    next().await;

    hook(format!("app/{}", app["app_id"]), "item.create").await;
    let item = json!({"fields": {"title": "Jane"}, "external_id": "hr-7"});
    let item = admin.call("POST", &format!("/item/app/{}/", app["app_id"]), Some(item)).await.unwrap();
    let item: Value = item.json().await.unwrap();
    let form = next().await;
    assert_eq!(field(&form, "item_id").unwrap(), item["item_id"].to_string());
    assert_eq!(field(&form, "external_id").unwrap(), "hr-7");
    assert_eq!(admin.get(&format!("/item/{}", item["item_id"])).await["title"], "Jane");
}

#[tokio::test]
async fn a_control_call_is_free_and_unseen() {
    let sandbox = start(Profile::Documented).await;
    let admin = Admin::of(&sandbox).await;
    let user = leaver(&sandbox);
    let new = json!({"name": "Secret", "members": [{"user_id": user, "role": "admin"}]});
    let response = admin.call("POST", "/_sandbox/spaces", Some(new)).await.unwrap();
    let made: Value = response.json().await.unwrap();
    let leave = json!({"space_id": made["space_id"], "user_id": user, "action": "remove"});
    assert_eq!(admin.status("POST", "/_sandbox/members", Some(leave)).await, 204);
    let state = admin.get("/_sandbox/state").await;
    let space = state["spaces"].as_array().unwrap().iter().find(|space| space["name"] == "Secret").unwrap().clone();
    assert_eq!(space["members"], json!([]));
    assert_eq!(admin.get("/_sandbox/log").await.as_array().unwrap().len(), 1, "only the token call is in it");
    assert_eq!(admin.status("POST", "/_sandbox/tokens/revoke", Some(json!({}))).await, 204);
    assert_eq!(admin.status("GET", "/user/status", None).await, 401);
    assert_eq!(admin.status("DELETE", "/_sandbox/log", None).await, 204);
    assert!(sandbox.log().is_empty());
}

#[tokio::test]
async fn a_restarted_sandbox_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = support::config(Profile::Guide);
    config.state_file = Some(folder.path().join("podio.json"));
    let sandbox = Sandbox::start(config.clone()).await.unwrap();
    let admin = Admin::of(&sandbox).await;
    let user = leaver(&sandbox);
    let target = format!("/org/{ORG_ID}/member/{user}");
    assert_eq!(admin.status("DELETE", &target, None).await, 204);
    assert_eq!(admin.status("GET", &target, None).await, 404);
    // Nothing is said to the first one: what is on disk now is what a kill would leave.
    let second = Sandbox::start(config).await.unwrap();
    let admin = Admin { url: second.url(), ..admin };
    let response = admin.call("GET", &target, None).await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(response.headers()["x-rate-limit-remaining"], "247", "three calls are counted over the restart");
    let numbers: Vec<u64> = second.log().iter().map(|call| call.n).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_held_call_does_not_hold_up_the_stop() {
    let sandbox = start(Profile::Guide).await;
    let admin = Admin::of(&sandbox).await;
    sandbox.add_fault(FaultRule::new("GET", "*", FaultAction::Timeout { seconds: 3_600, after_effect: false }));
    let held = tokio::spawn(async move { admin.call("GET", "/user/status", None).await.is_err() });
    while sandbox.log().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    sandbox.stop().await;
    assert!(held.await.unwrap(), "the caller sees the connection end");
}

#[tokio::test]
async fn json_answers_are_served_as_json() {
    let sandbox = start(Profile::Documented).await;
    let admin = Admin::of(&sandbox).await;
    let response = admin.call("GET", "/org/", None).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
    let Json(body): Json<Value> = Json(response.json().await.unwrap());
    assert_eq!(body[0]["role"], "admin");
    assert!(!body[0]["spaces"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_browser_comes_back_with_a_code_for_the_address_that_it_came_back_to() {
    let sandbox = Sandbox::start(support::config(Profile::Documented)).await.unwrap();
    let admin = Admin::of(&sandbox).await;
    let browser = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let redirect = "http://localhost:8765/back";
    let consent = |client: &str| {
        let query = [("client_id", client), ("redirect_uri", redirect), ("response_type", "code"), ("state", "s 1")];
        browser.get(format!("{}/oauth/authorize", admin.url)).query(&query).send()
    };
    let code = async || {
        let back = consent(CLIENT_ID).await.unwrap();
        let back = reqwest::Url::parse(back.headers()["location"].to_str().unwrap()).unwrap();
        assert!(
            back.as_str().starts_with(redirect)
                && back.query_pairs().any(|pair| pair == ("state".into(), "s 1".into()))
        );
        back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    };
    let exchange = async |code: &str, redirect: &str| {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
        ];
        admin.http.post(format!("{}/oauth/token", admin.url)).form(&form).send().await.unwrap().status().as_u16()
    };

    let first = code().await;
    assert_eq!(exchange(&first, redirect).await, 200);
    assert_eq!(exchange(&first, redirect).await, 400, "a code is good once");
    assert_eq!(exchange(&code().await, "http://localhost:8765/").await, 400, "another address");
    assert_eq!(consent("nobody").await.unwrap().status(), 400);
}

#[tokio::test]
async fn members_change_between_pages_and_accounts_look_as_told() {
    let sandbox = Sandbox::start(support::config(Profile::Documented)).await.unwrap();
    let admin = Admin::of(&sandbox).await;
    let list = format!("/org/{ORG_ID}/member/?limit=500");
    let before = admin.get(&list).await.as_array().unwrap().len();
    let state = admin.get("/_sandbox/state").await;
    let space = &state["spaces"][0]["space_id"];
    let leaver = sandbox.with_state(|state| state.person_by_mail(LEAVER)).unwrap();
    let join = json!({"action": "join", "space_id": space, "name": "Aaron New", "mail": "aaron@example.com"});
    assert_eq!(admin.status("POST", "/_sandbox/list_changes", Some(join)).await, 204);
    let leave = json!({"after_page": 2, "action": "leave", "user_id": leaver});
    assert_eq!(admin.status("POST", "/_sandbox/list_changes", Some(leave)).await, 204);
    let lengths = [
        admin.get(&list).await.as_array().unwrap().len(),
        admin.get(&list).await.as_array().unwrap().len(),
        admin.get(&list).await.as_array().unwrap().len(),
    ];
    assert_eq!(lengths, [before, before + 1, before]);

    let aaron = sandbox.with_state(|state| state.person_by_mail("aaron@example.com")).unwrap();
    let hidden = json!({"user_id": aaron, "account": "hidden"});
    assert_eq!(admin.status("POST", "/_sandbox/accounts", Some(hidden)).await, 204);
    let members = admin.get(&list).await;
    let nobody =
        members.as_array().unwrap().iter().filter(|member| member["user"].is_null() && member["profile"].is_null());
    assert_eq!(nobody.count(), 1);
    let unknown = json!({"user_id": 1, "account": "guest"});
    assert_eq!(admin.status("POST", "/_sandbox/accounts", Some(unknown)).await, 404);
}
