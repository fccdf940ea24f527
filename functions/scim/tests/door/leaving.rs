//! Who leaves, who stays after all, and who may say so.

use std::sync::atomic::Ordering;

use podio_lifecycle::{
    accepting::Acceptance,
    ids::{OffboardingId, OrgId, UserId},
    offboarding::{Person, Request},
    ports::{Clock, Metric, ScimUsers},
    scim::ScimUser,
    source::Source,
};
use serde_json::{Value, json};

use crate::world::{OTHER_TOKEN, World, jane, mail};

fn active(value: bool) -> Value {
    json!([{"op": "replace", "path": "active", "value": value}])
}

#[tokio::test]
async fn renamed_user_leaves_under_the_address_that_was_known() {
    let world = World::new();
    let id = world.created(&json!({"userName": "jane@example.com"})).await;
    // As Entra does where a user is deleted: the name is freed by the same request.
    let operations = json!([
        {"op": "Replace", "path": "userName", "value": "0a1b2c3djane@example.com"},
        {"op": "Replace", "path": "active", "value": "False"},
    ]);
    world.patch(&id, operations).await.shows_inactive();
    assert_eq!(world.only_offboarding().await.request.person, mail("jane@example.com"));
}

#[tokio::test]
async fn rename_does_not_change_who_is_linked() {
    let world = World::new();
    let id = world.created(&jane()).await;
    let user = world.user(&id).await;
    let linked = ScimUser { linked: Some(UserId(77)), ..user.clone() };
    world.store.save_scim_user(&user, &linked).await.unwrap();
    let mut other = jane();
    other["userName"] = "john@example.com".into();
    other["emails"][0]["value"] = "john@example.com".into();
    assert_eq!(world.call("PUT", &format!("/Users/{id}"), &other).await.status, 200);
    assert_eq!(world.user(&id).await.linked, Some(UserId(77)));
    world.patch(&id, active(false)).await.shows_inactive();
    assert_eq!(world.only_offboarding().await.request.person, Person::User(UserId(77)));
}

#[tokio::test]
async fn user_name_serves_where_there_is_no_work_address() {
    let world = World::new();
    let emails = json!([{"value": "jane@home.example", "type": "home", "primary": true}]);
    let id = world.created(&json!({"userName": "jane@example.com", "emails": emails})).await;
    world.patch(&id, active(false)).await.shows_inactive();
    assert_eq!(world.only_offboarding().await.request.person, mail("jane@example.com"));
}

#[tokio::test]
async fn leaver_without_an_address_is_told_to_operators() {
    let world = World::new();
    let id = world.created(&json!({"userName": "0d3cf2d9-4b2b-4b2f-9f5a-9d1f2f7f7c11"})).await;
    world.patch(&id, active(false)).await.shows_inactive();
    assert_eq!(world.counted.of(Metric::RefusedEvents), 1);
    assert_eq!(world.offboardings().await, []);

    // Once there is an address, the next word of the provider counts.
    let address = json!([{"op": "add", "path": "emails[type eq \"work\"].value", "value": "jane@example.com"}]);
    world.patch(&id, address).await.shows_inactive();
    assert_eq!(world.offboardings().await, []);
    world.patch(&id, active(false)).await.shows_inactive();
    assert_eq!(world.only_offboarding().await.request.person, mail("jane@example.com"));
}

#[tokio::test]
async fn user_created_inactive_removes_nobody_by_that() {
    let world = World::new();
    let id = world.created(&json!({"userName": "jane@example.com", "active": false})).await;
    let renamed = json!([{"op": "replace", "path": "displayName", "value": "Jane"}]);
    world.patch(&id, renamed).await.shows_inactive();
    assert_eq!(world.offboardings().await, []);
    assert_eq!(world.patch(&id, active(true)).await.json()["active"], true);
    assert_eq!(world.offboardings().await, []);
}

#[tokio::test]
async fn reactivation_before_anything_was_sent_cancels() {
    let world = World::new();
    let id = world.created(&jane()).await;
    world.patch(&id, active(false)).await.shows_inactive();
    world.queue.take();
    let back = world.patch(&id, active(true)).await;
    assert_eq!((back.status, &back.json()["active"]), (200, &json!(true)), "{back:?}");
    let cancelled = world.only_offboarding().await;
    assert_eq!(cancelled.state.name(), "cancelled");
    let last = cancelled.acts.last().unwrap();
    assert_eq!(last.actor.name, "okta");
    assert_eq!(world.queue.take(), 1, "there is evidence to seal");
    assert_eq!(world.patch(&id, active(true)).await.status, 200, "said again, nothing follows");

    // The next deactivation is another one.
    world.patch(&id, active(false)).await.shows_inactive();
    let states: Vec<_> = world.offboardings().await.iter().map(|offboarding| offboarding.state.name()).collect();
    assert_eq!(states, ["planning", "cancelled"]);
}

#[tokio::test]
async fn reactivation_in_mid_flight_is_refused() {
    let world = World::new();
    let id = world.created(&jane()).await;
    world.patch(&id, active(false)).await.shows_inactive();
    let offboarding = world.only_offboarding().await.id;
    world.planned(&offboarding).await;
    let refused = world.patch(&id, active(true)).await;
    assert_eq!(refused.error(409), "");
    assert!(refused.text.contains("cannot be stopped"), "{refused:?}");
    assert_eq!(world.get(&format!("/Users/{id}")).await.json()["active"], false, "nothing has changed");
    assert_eq!(world.only_offboarding().await.state.name(), "finalizing");
}

#[tokio::test]
async fn somebody_who_is_gone_cannot_be_reactivated() {
    let world = World::new();
    let id = world.created(&jane()).await;
    world.patch(&id, active(false)).await.shows_inactive();
    let offboarding = world.only_offboarding().await.id;
    world.removed(&offboarding).await;
    let mut whole = jane();
    whole["active"] = true.into();
    for refused in [world.patch(&id, active(true)).await, world.call("PUT", &format!("/Users/{id}"), &whole).await] {
        refused.error(403);
        assert!(refused.text.contains("joiners are not invited"), "{refused:?}");
    }
    // Repeated deactivations after the end change nothing either.
    world.patch(&id, active(false)).await.shows_inactive();
    assert_eq!(world.delete(&id).await.status, 204);
    assert_eq!(world.only_offboarding().await.state.name(), "completed");
}

/// Somebody else asks for Jane.
async fn asked_by(world: &World, source: Source) -> OffboardingId {
    let now = world.clock.now();
    let request = Request::new(mail("jane@example.com"), source);
    let acceptance = Acceptance { accept: &*world.ports.accept, offboardings: &*world.ports.read, wake: None };
    let id = OffboardingId::new(now, [9; 10]);
    acceptance.take(id.clone(), OrgId(678), &request, None, now).await.unwrap();
    id
}

#[tokio::test]
async fn leaver_whom_hr_has_asked_for_leaves_once() {
    let world = World::new();
    let by_hr = asked_by(&world, Source::Api { name: "hr".into() }).await;
    let id = world.created(&jane()).await;
    world.patch(&id, active(false)).await.shows_inactive();
    assert_eq!(world.only_offboarding().await.id, by_hr);
    assert_eq!(world.user(&id).await.departure.unwrap().offboarding, by_hr);
    let refused = world.patch(&id, active(true)).await;
    refused.error(409);
    assert!(refused.text.contains("Somebody else has asked"), "{refused:?}");
    assert_eq!(world.only_offboarding().await.state.name(), "planning");
}

#[tokio::test]
async fn one_provider_does_not_undo_what_another_has_asked_for() {
    let world = World::new();
    let id = world.created(&jane()).await;
    world.patch(&id, active(false)).await.shows_inactive();
    let body = json!({"Operations": active(true)}).to_string();
    world.call_as(OTHER_TOKEN, "PATCH", &format!("/Users/{id}"), &body).await.error(409);
    assert_eq!(world.only_offboarding().await.state.name(), "planning");
}

#[tokio::test]
async fn requests_at_the_same_moment_start_one_offboarding() {
    let world = World::new();
    let id = world.created(&jane()).await;
    let mut other = jane();
    other["userName"] = "jane.doe@corp.example".into();
    let twin = world.created(&other).await;
    let (off, path) = (active(false), format!("/Users/{id}"));
    let (first, second, third, fourth) = tokio::join!(
        world.patch(&id, off.clone()),
        world.patch(&twin, off.clone()),
        world.patch(&id, off.clone()),
        world.call_as(OTHER_TOKEN, "DELETE", &path, ""),
    );
    for reply in [first, second, third, fourth] {
        assert!(matches!(reply.status, 200 | 204 | 404), "{reply:?}");
    }
    world.get(&path).await.error(404);
    assert_eq!(world.user(&twin).await.departure.unwrap().offboarding, world.only_offboarding().await.id);
}

#[tokio::test]
async fn deactivation_starts_what_was_to_begin_later() {
    let world = World::new();
    let id = world.created(&jane()).await;
    let now = world.clock.now();
    let later = Request {
        effective_at: Some(now + jiff::SignedDuration::from_hours(48)),
        ..Request::new(mail("jane@example.com"), Source::Api { name: "hr".into() })
    };
    let acceptance = Acceptance { accept: &*world.ports.accept, offboardings: &*world.ports.read, wake: None };
    acceptance.take(OffboardingId::new(now, [9; 10]), OrgId(678), &later, None, now).await.unwrap();
    assert_eq!(world.only_offboarding().await.state.name(), "scheduled");
    world.patch(&id, active(false)).await.shows_inactive();
    assert_eq!(world.only_offboarding().await.state.name(), "planning", "the earlier time counts");
}

#[tokio::test]
async fn taken_name_is_refused_before_anybody_leaves() {
    let world = World::new();
    let id = world.created(&jane()).await;
    world.created(&json!({"userName": "john@example.com"})).await;
    let operations = json!([{"op": "replace", "value": {"userName": "JOHN@example.com", "active": false}}]);
    assert_eq!(world.patch(&id, operations).await.error(409), "uniqueness");
    assert_eq!(world.offboardings().await, []);
}

#[tokio::test]
async fn queue_that_is_down_leaves_the_job_to_the_sweep() {
    let world = World::new();
    world.queue.down.store(true, Ordering::SeqCst);
    let id = world.created(&jane()).await;
    world.patch(&id, active(false)).await.shows_inactive();
    world.only_offboarding().await;
    assert_eq!(world.patch(&id, active(true)).await.status, 200);
}
