//! Leavers that HR systems and identity providers tell of in their own ways, from the delivery to the removal.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use lambda_http::{
    Body,
    http::{Request, request::Builder},
};
use podio_engine::quota::Ceiling;
use podio_lifecycle::{
    ids::{OffboardingId, OrgId, UserId},
    offboarding::{Filter, Offboarding, Outcome, Status},
    ports::ReadOffboardings,
};
use podio_sandbox::{
    Config, Population, Profile,
    population::{LEAVER, ORG_ID},
};
use podio_signatures::{
    bearer::Tokens,
    senders::Directory,
    standard_webhooks::{self, Secret},
};
use serde_json::{Value, json};
use sha2::Sha256;
use stories::{Setup, World};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const KEY: &str = "123b929362d51613054f71e5e5d4bf2c";
const TOKEN: &str = "a-token-of-these-stories-0123456789";
const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A small organization with its HR systems; it is eight o'clock on the first of December.
struct Desk {
    world: World,
    settings: api::Settings,
}

impl Desk {
    async fn new() -> Self {
        let population = Population::new(2).members(20).spaces(8).leaver("Jane Doe", LEAVER, 3);
        let podio = Config { population, ..Config::new(Profile::Documented) };
        let world = World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await;
        let senders = json!([
            {"name": "people", "preset": "bamboohr", "secrets": ["the-key-that-was-in-use-before", KEY],
             "match": {"/employees/0/changedFields": "Status", "/employees/0/fields/Status/value": "Inactive"},
             "map": {"email": "/employees/0/fields/Work Email/value", "time_zone": "Europe/Berlin",
                     "effective_at": "/employees/0/fields/Last Day/value"}},
            {"name": "okta", "preset": "okta", "secrets": [TOKEN]},
            {"name": "portal", "preset": "standard_webhooks", "secrets": [WHSEC],
             "match": {"/type": "employee.left"}, "announce": {"/type": "employee.leaving"}, "cancel": {"/type": "employee.stays"},
             "map": {"email": "/data/email", "effective_at": "/data/last_day", "time_zone": "America/New_York"}},
            {"name": "flow", "preset": "rippling_workflow", "secrets": [TOKEN]},
        ]);
        let settings = api::Settings {
            organizations: vec![OrgId(ORG_ID.0)],
            senders: standard_webhooks::Senders::default(),
            directory: Directory::parse(&senders.to_string()).unwrap(),
            api_tokens: Tokens::default(),
            two_person_approval: false,
            ceiling: Ceiling::new(250, SignedDuration::from_hours(1)).unwrap(),
        };
        Self { world, settings }
    }

    async fn send(&self, request: Builder, body: &str) -> (u16, Value) {
        let answer = api::handle(&self.world.api(), &self.settings, request.body(Body::from(body)).unwrap()).await;
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
    }

    /// As BambooHR signs: the body, then the time.
    async fn bamboo(&self, body: &str) -> (u16, Value) {
        let sent_at = self.world.clock.read().as_second().to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        mac.update(sent_at.as_bytes());
        let request = Request::post("/senders/people")
            .header("X-BambooHR-Signature", hex::encode(mac.finalize().into_bytes()))
            .header("X-BambooHR-Timestamp", sent_at);
        self.send(request, body).await
    }

    async fn portal(&self, message: &str, body: &Value) -> (u16, Value) {
        let (secret, now) = (WHSEC.parse::<Secret>().unwrap(), self.world.clock.read());
        let body = body.to_string();
        let request = Request::post("/senders/portal")
            .header("webhook-id", message)
            .header("webhook-timestamp", now.as_second().to_string())
            .header("webhook-signature", standard_webhooks::sign(&secret, message, now, body.as_bytes()));
        self.send(request, &body).await
    }

    async fn all(&self) -> Vec<Offboarding> {
        self.world.store.list(&Filter::default(), 100, None).await.unwrap().offboardings
    }

    fn jane_is_member(&self) -> bool {
        self.world.podio.with_state(|state| {
            let jane = state.person_by_mail(LEAVER).unwrap();
            state.spaces_of_org(ORG_ID).any(|(_, space)| space.members.get(&jane).is_some_and(|m| m.ended_on.is_none()))
        })
    }

    /// Lets time pass until Jane is gone; when the first thing was removed.
    async fn until_jane_is_gone(&mut self, id: &OffboardingId) -> Timestamp {
        let done = self.world.until_it_rests(id, DAY * 4).await;
        assert_eq!(done.state.status(), Status::Completed(Outcome::Removed));
        assert!(!self.jane_is_member());
        let jane = done.state.leaver().unwrap().user_id;
        assert_eq!(jane, UserId(self.world.podio.with_state(|state| state.person_by_mail(LEAVER)).unwrap().0));
        let log = self.world.podio.log();
        log.iter().find(|call| call.method == "DELETE").unwrap().time
    }
}

fn told(answer: &(u16, Value)) -> (u16, &str, OffboardingId) {
    let event = &answer.1["events"][0];
    (answer.0, event["outcome"].as_str().unwrap(), event["id"].as_str().unwrap().parse().unwrap())
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn bamboohr_leaver_goes_when_the_last_day_ends() {
    let mut desk = Desk::new().await;
    let employee = |id: &str, status: &str, mail: &str| {
        json!({"id": id, "changedFields": ["Status"], "fields": {"Employee #": {"value": id}, "Status": {"value": status},
               "Work Email": {"value": mail}, "Last Day": {"value": "2026-12-01"}}})
    };
    let body = json!({"employees": [employee("5", "Inactive", LEAVER), employee("6", "Active", "ada@example.com")]})
        .to_string();
    let first = desk.bamboo(&body).await;
    let (status, outcome, id) = told(&first);
    assert_eq!((status, outcome, &first.1["ignored"]), (202, "accepted", &json!(1)));
    let again = desk.bamboo(&body).await;
    assert_eq!(told(&again), (200, "repeated", id.clone()));

    let began = desk.until_jane_is_gone(&id).await;
    assert!(began >= time("2026-12-01T23:00:00Z"), "midnight in Berlin: {began}");
    assert_eq!(told(&desk.bamboo(&body).await).1, "repeated", "a repetition wakes nothing that is over");
    assert_eq!(desk.all().await.len(), 1);
}

#[tokio::test]
async fn okta_deactivation_removes_at_once() {
    let mut desk = Desk::new().await;
    let question = Request::get("/senders/okta").header("x-okta-verification-challenge", "abc");
    assert_eq!(desk.send(question, "").await, (200, json!({"verification": "abc"})));
    let event = json!({"uuid": "u1", "eventType": "user.lifecycle.deactivate", "target": [
        {"id": "0oa1", "type": "AppInstance", "alternateId": "Podio"}, {"id": "00u2", "type": "User", "alternateId": LEAVER}]});
    let body = json!({"eventType": "com.okta.event_hook", "data": {"events": [event]}}).to_string();
    let post = |token: &str| Request::post("/senders/okta").header("Authorization", token);
    assert_eq!(desk.send(post("a-token-of-these-stories-0123456788"), &body).await.0, 401);
    assert!(desk.all().await.is_empty());
    let answer = desk.send(post(TOKEN), &body).await;
    let (status, outcome, id) = told(&answer);
    assert_eq!((status, outcome), (202, "accepted"));
    desk.until_jane_is_gone(&id).await;
}

#[tokio::test]
async fn withdrawn_announcement_removes_nobody_until_made_again() {
    let mut desk = Desk::new().await;
    let event = |kind: &str, day: &str| json!({"type": kind, "data": {"email": LEAVER, "last_day": day}});
    let announced = desk.portal("msg_1", &event("employee.leaving", "2026-12-01")).await;
    let (_, _, first) = told(&announced);
    assert_eq!(told(&desk.portal("msg_2", &event("employee.stays", "")).await), (200, "cancelled", first.clone()));
    desk.world
        .pass(DAY * 2, async |world: &World| (world.clock.read() > time("2026-12-02T12:00:00Z")).then_some(()))
        .await;
    assert!(desk.jane_is_member());

    let again = desk.portal("msg_3", &event("employee.leaving", "2026-12-03")).await;
    let (status, outcome, second) = told(&again);
    assert_eq!((status, outcome), (202, "accepted"));
    assert_ne!(first, second);
    // The old withdrawal, delivered once more, is of the old announcement.
    assert_eq!(told(&desk.portal("msg_2", &event("employee.stays", "")).await), (200, "repeated", first));
    let began = desk.until_jane_is_gone(&second).await;
    assert!(began >= time("2026-12-04T05:00:00Z"), "midnight in New York: {began}");
}

#[tokio::test]
async fn rippling_workflow_leaver_is_removed_at_once() {
    let mut desk = Desk::new().await;
    let body = json!({"key": TOKEN, "email": LEAVER}).to_string();
    let answer = desk.send(Request::post("/senders/flow"), &body).await;
    let (status, outcome, id) = told(&answer);
    assert_eq!((status, outcome), (202, "accepted"));
    desk.until_jane_is_gone(&id).await;
}
