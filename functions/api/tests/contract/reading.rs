//! `GET /offboardings`, `GET /offboardings/{id}` and `GET /quota`.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use podio_aws::twin::Moment;
use podio_engine::ports::{QuotaRecord, WorkTable};
use podio_lifecycle::{
    evidence::CallRecord,
    hold::{HoldCode, Reason},
    ids::SpaceId,
    offboarding::{Event, Failure, FailureCode},
    ports::RecordCalls,
    removal::RemovalState,
    work::{Calls, Group, JobId, Priority, Waiting},
};
use serde_json::{Value, json};

use crate::world::{START, World, jane};

#[tokio::test]
async fn a_fresh_offboarding_shows_what_was_asked_for() {
    let world = World::new();
    let id =
        world.accepted(json!({"user": {"email": "jane@example.com"}, "reason": "left", "requested_by": "HR"})).await;
    let view = world.get(&format!("/offboardings/{id}")).await.json();
    let expected = json!({
        "id": id, "state": "planning", "org_id": 678,
        "user": {"user_id": null, "email": "jane@example.com", "name": null},
        "dry_run": false, "require_approval": false, "reason": "left", "requested_by": "HR",
        "priority": "normal", "source": {"kind": "api", "name": "token-1"},
        "history": [{"at": START, "event": "requested", "actor": {"kind": "api", "name": "token-1"}}],
        "created_at": START, "effective_at": START, "updated_at": START, "completed_at": null,
        "eta": START,
        "progress": {"spaces_total": 0, "spaces_removed": 0, "spaces_already_gone": 0, "spaces_left_to_org_removal": 0, "spaces_pending": 0},
        "hold": null, "failure": null, "outcome": null, "duplicate_of": null, "spaces": [], "podio_calls": 0,
    });
    assert_eq!(view, expected);
    let head = world.call("HEAD", &format!("/offboardings/{id}"), "").await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn progress_counts_every_space_and_the_eta_every_call() {
    let world = World::new();
    let id = world.accepted(jane()).await;
    world.planned(&id, 12, Vec::new()).await;
    world.settle(&id, SpaceId(1), RemovalState::Removed).await;
    world.settle(&id, SpaceId(2), RemovalState::AlreadyGone).await;
    world.settle(&id, SpaceId(11), RemovalState::LeftToOrgRemoval).await;
    let call = CallRecord {
        at: START.parse().unwrap(),
        answered_at: START.parse().unwrap(),
        method: "GET".into(),
        path: "/".into(),
        status: Some(200),
        request_id: None,
    };
    world.journal().record(&id, &call).await.unwrap();

    let view = world.get(&format!("/offboardings/{id}")).await.json();
    assert_eq!(view["state"], "removing");
    assert_eq!(view["user"], json!({"user_id": 12345, "email": "jane@example.com", "name": "Jane <Doe>"}));
    let progress = json!({
        "spaces_total": 12, "spaces_removed": 1, "spaces_already_gone": 1, "spaces_left_to_org_removal": 1, "spaces_pending": 9,
    });
    assert_eq!(view["progress"], progress);
    assert_eq!(view["eta"], "2026-03-01T12:01:42Z", "nine spaces and three calls more: two over the ceiling of ten");
    assert_eq!(view["podio_calls"], 1);
    let spaces = view["spaces"].as_array().unwrap();
    assert_eq!(spaces.len(), 12);
    assert_eq!(spaces[0], json!({"space_id": 1, "name": "Space 1", "state": "removed", "settled_at": START}));
    assert_eq!(spaces[11], json!({"space_id": 12, "name": "Space 12", "state": "pending", "settled_at": null}));

    let summary = world.get(&format!("/offboardings/{id}?fields=summary")).await.json();
    assert_eq!((summary.get("spaces"), summary.get("history")), (None, None));
    assert_eq!(summary["progress"], progress);
    let listed = world.get("/offboardings").await.json();
    assert_eq!(listed["offboardings"], json!([summary]));
}

#[tokio::test]
async fn a_hold_a_failure_and_an_end_are_explained() {
    let world = World::new();
    let id = world.accepted(jane()).await;
    let reason = Reason::of_space(HoldCode::SpaceWouldBeDeleted, SpaceId(3), "The leaver is alone in it.");
    world.planned(&id, 3, vec![reason]).await;
    let view = world.get(&format!("/offboardings/{id}")).await.json();
    assert_eq!(view["state"], "held");
    let hold_id = world.load(&id).await.hold_id();
    assert!(hold_id.is_some());
    assert_eq!(
        view["hold"],
        json!({"hold_id": hold_id, "since": START, "reasons": [{"code": "space_would_be_deleted", "detail": "The leaver is alone in it.", "space_id": 3}]})
    );
    assert_eq!((&view["eta"], &view["progress"]["spaces_pending"]), (&Value::Null, &json!(3)));

    let other = world.accepted(json!({"user": {"user_id": 2}})).await;
    let failure = Failure { code: FailureCode::UnknownOrg, detail: "Check org_id.".into() };
    world.happen(&other, Event::Failed(failure)).await;
    let view = world.get(&format!("/offboardings/{other}")).await.json();
    assert_eq!(
        (&view["state"], &view["failure"]),
        (&json!("failed"), &json!({"code": "unknown_org", "detail": "Check org_id."}))
    );

    let gone = world.accepted(json!({"user": {"user_id": 3}})).await;
    world.happen(&gone, Event::NotAMember { was_known: true }).await;
    let view = world.get(&format!("/offboardings/{gone}")).await.json();
    assert_eq!((&view["state"], &view["outcome"]), (&json!("completed"), &json!("already_gone")));
    assert_eq!((&view["completed_at"], &view["eta"]), (&json!(START), &Value::Null));

    let double = world.accepted(json!({"user": {"user_id": 4}})).await;
    world.happen(&double, Event::Duplicate(id.clone())).await;
    let view = world.get(&format!("/offboardings/{double}")).await.json();
    assert_eq!((&view["state"], &view["duplicate_of"]), (&json!("cancelled"), &json!(id)));
}

#[tokio::test]
async fn only_who_came_back_shows_when() {
    let world = World::new();
    let id = world.accepted(jane()).await;
    world.planned(&id, 0, Vec::new()).await;
    let seen = async || world.get(&format!("/offboardings/{id}")).await.json();
    let leaving = seen().await;
    assert_eq!((&leaving["state"], leaving.get("returned_at")), (&json!("finalizing"), None));

    world.happen(&id, Event::OrgRemovalClaimed).await;
    world.happen(&id, Event::OrgRemovalDone).await;
    world.happen(&id, Event::VerifiedGone { asked_at: world.ports.clock.now() }).await;
    let removed = seen().await;
    assert_eq!((&removed["outcome"], removed.get("returned_at")), (&json!("removed"), None), "not even as a null");

    world.clock.advance(60);
    world.happen(&id, Event::Returned).await;
    let returned = seen().await;
    assert_eq!((&returned["state"], &returned["outcome"]), (&json!("completed"), &json!("removed")));
    assert_eq!(returned["completed_at"], START);
    assert_eq!(returned["returned_at"], "2026-03-01T12:01:00Z");
    assert_eq!(world.get("/offboardings").await.json()["offboardings"][0]["returned_at"], returned["returned_at"]);
}

#[tokio::test]
async fn a_dry_run_says_what_it_would_take() {
    let world = World::new();
    let id = world.accepted(json!({"user": {"user_id": 1}, "dry_run": true})).await;
    let reason = Reason::general(HoldCode::LastOrgAdmin, "The last admin.");
    world.planned(&id, 12, vec![reason]).await;
    let view = world.get(&format!("/offboardings/{id}")).await.json();
    assert_eq!(
        (&view["state"], &view["outcome"], &view["dry_run"]),
        (&json!("completed"), &json!("planned"), &json!(true))
    );
    assert_eq!(
        view["plan"],
        json!({"calls": 17, "eta": "2026-03-01T12:01:42Z", "would_hold": [{"code": "last_org_admin", "detail": "The last admin."}]})
    );
    assert_eq!((&view["hold"], &view["progress"]["spaces_total"]), (&Value::Null, &json!(12)));
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let world = World::new();
    world.get("/offboardings/off_0123456789abcdef0123456789abcdef").await.problem(404);
    world.get("/offboardings/jane@example.com").await.problem(404);
    let id = world.accepted(jane()).await;
    assert_eq!(world.get(&format!("/offboardings/{id}?fields=all")).await.errors(400, "parameter"), ["fields"]);
}

#[tokio::test]
async fn the_list_is_newest_first_and_goes_on_where_it_stopped() {
    let world = World::new();
    let mut ids = Vec::new();
    for user in 1..=5 {
        ids.push(world.accepted(json!({"user": {"user_id": user}})).await.to_string());
        world.clock.advance(1);
    }
    ids.reverse();
    world.happen(&ids[1].parse().unwrap(), Event::Cancelled).await;

    let mut seen = Vec::new();
    let mut path = "/offboardings?limit=2".to_owned();
    loop {
        let page = world.get(&path).await.json();
        let entries = page["offboardings"].as_array().unwrap();
        assert!(entries.len() <= 2);
        seen.extend(entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/offboardings?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, ids);

    let cancelled = world.get("/offboardings?state=cancelled").await.json();
    assert_eq!(cancelled["offboardings"][0]["id"], ids[1].as_str());
    assert_eq!(cancelled["offboardings"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_person_is_found_by_address_and_by_id() {
    let world = World::new();
    let jane_id = world.accepted(jane()).await;
    world.planned(&jane_id, 3, Vec::new()).await;
    world.clock.advance(1);
    let john = world.accepted(json!({"user": {"user_id": 7}})).await;
    let found = async |query: &str| {
        let listing = world.get(&format!("/offboardings?{query}")).await.json();
        let entries = listing["offboardings"].as_array().unwrap().clone();
        entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("email=jane@example.com").await, [jane_id.as_str()]);
    assert_eq!(found("email=JANE%40Example.com&state=removing").await, [jane_id.as_str()]);
    assert_eq!(found("user_id=12345").await, [jane_id.as_str()], "as planning has found");
    assert_eq!(found("user_id=7").await, [john.as_str()]);
    for nobody in ["user_id=8", "email=j@example.com", "user_id=7&email=jane@example.com", "user_id=7&state=held"] {
        assert_eq!(found(nobody).await, [""; 0], "{nobody}");
    }
}

#[tokio::test]
async fn a_query_that_means_nothing_is_refused() {
    let world = World::new();
    for (query, parameters) in [
        ("state=gone", vec!["state"]),
        ("state=", vec!["state"]),
        ("limit=0", vec!["limit"]),
        ("limit=101", vec!["limit"]),
        ("limit=ten", vec!["limit"]),
        ("cursor=abc", vec!["cursor"]),
        ("limit=1&limit=2", vec!["limit"]),
        ("email=jane", vec!["email"]),
        ("email=", vec!["email"]),
        ("user_id=0", vec!["user_id"]),
        ("user_id=%2B7", vec!["user_id"]),
        ("user_id=7&user_id=8", vec!["user_id"]),
        ("state=x&limit=-1&cursor=%00", vec!["state", "limit", "cursor"]),
    ] {
        let reply = world.get(&format!("/offboardings?{query}")).await;
        assert_eq!(reply.errors(400, "parameter"), parameters, "{query}");
    }
}

#[tokio::test]
async fn the_quota_shows_what_is_used_and_when_the_backlog_is_through() {
    let world = World::new();
    let quiet = world.get("/quota").await.json();
    let expected = json!({
        "limit": 10, "window_seconds": 100, "used": 0, "free_now": 10, "next_free_at": START, "blocked_until": null,
        "backlog": 0, "drained_at": null, "rejections": 0, "other_calls": 0, "ceilings": [],
    });
    assert_eq!(quiet, expected);

    // Four calls went out, one leaver is in the middle of twelve spaces, another's time has not come.
    let now = world.ports.clock.now();
    let (mut quota, revision) = world.store.read().await.unwrap();
    let four = Waiting { calls: Calls::back_to_back(["any"; 4]), ..waiting("four", now) };
    quota.choose(&[four], now, jiff::SignedDuration::from_secs(90), world.settings.ceiling);
    world.store.write(revision, &quota).await.unwrap();
    let id = world.accepted(jane()).await;
    world.planned(&id, 12, Vec::new()).await;
    let later = world.accepted(json!({"user": {"user_id": 2}, "effective_at": "2027-01-01T00:00:00Z"})).await;
    world.happen(&later, Event::Resolved { leaver: None, warning: None }).await;
    world.clock.advance(1);

    let busy = world.get("/quota").await.json();
    assert_eq!((&busy["used"], &busy["free_now"], &busy["backlog"]), (&json!(4), &json!(6), &json!(15)));
    assert_eq!(
        busy["drained_at"], "2026-03-01T12:02:45Z",
        "twelve removals are more than fit: what is left of this window and the next one is spread over them"
    );

    let (mut quota, revision) = world.store.read().await.unwrap();
    quota.refused(world.ports.clock.now(), Some(jiff::SignedDuration::from_secs(300)), world.settings.ceiling);
    world.store.write(revision, &quota).await.unwrap();
    let blocked = world.get("/quota").await.json();
    assert_eq!((&blocked["free_now"], &blocked["rejections"]), (&json!(0), &json!(1)));
    assert_eq!(
        (&blocked["blocked_until"], &blocked["next_free_at"]),
        (&json!("2026-03-01T12:05:01Z"), &json!("2026-03-01T12:05:01Z"))
    );
}

fn waiting(subject: &str, place: jiff::Timestamp) -> Waiting {
    Waiting {
        job: JobId::new("test", subject),
        priority: Priority::Interactive,
        place,
        since: place,
        not_before: None,
        faulted_at: None,
        calls: Calls::of("any", 1),
        group: None,
    }
}

#[tokio::test]
async fn an_eta_counts_the_calls_that_go_before() {
    let world = World::new();
    let id = world.accepted(jane()).await;
    let eta = async || world.get(&format!("/offboardings/{id}")).await.json()["eta"].clone();
    let now = world.ports.clock.now();
    let removal = |leaver: &str, space, after| Waiting {
        job: JobId::new(JobId::SPACE, format!("{leaver}/1/{space}")),
        priority: Priority::Removal,
        group: Some(Group::Space(SpaceId(space))),
        ..waiting("", now + jiff::SignedDuration::from_secs(after))
    };
    world.store.put(&removal("one", 1, -1)).await.unwrap();
    assert_eq!(eta().await, START, "a space and an end before it, and six calls of its own: ten fit");
    world.store.put(&removal("two", 1, -1)).await.unwrap();
    assert_eq!(eta().await, "2026-03-01T12:01:42Z", "who is taken along has an end too");
    for n in 0..20 {
        world.store.put(&removal("three", 100 + n, 1)).await.unwrap();
    }
    assert_eq!(eta().await, "2026-03-01T12:01:42Z", "who comes behind it makes no difference to an end");
    for n in 0..20 {
        world.store.put(&removal("two", 200 + n, -1)).await.unwrap();
    }
    let later = eta().await;
    assert!(later.as_str() > Some("2026-03-01T12:03:24Z"), "twenty before it are two windows more: {later}");
}

#[tokio::test]
async fn what_waits_is_read_once_for_a_whole_page_and_not_at_all_where_nothing_moves() {
    let world = World::new();
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reads);
    world.store.faults().decided_by(move |operation, moment| {
        counted.fetch_add(usize::from(operation == "ahead" && moment == Moment::Before), Ordering::Relaxed);
        false
    });
    let gone = world.accepted(jane()).await;
    world.happen(&gone, Event::NotAMember { was_known: true }).await;
    reads.store(0, Ordering::Relaxed);
    world.get("/offboardings").await;
    assert_eq!(reads.swap(0, Ordering::Relaxed), 0);
    for user in 2..6 {
        world.accepted(json!({"user": {"user_id": user}})).await;
    }
    reads.store(0, Ordering::Relaxed);
    assert_eq!(world.get("/offboardings").await.json()["offboardings"].as_array().unwrap().len(), 5);
    assert_eq!(reads.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_offboarding_is_shown_where_nobody_can_tell_what_waits() {
    let world = World::new();
    let id = world.accepted(jane()).await;
    world.store.faults().decided_by(|operation, _| operation == "ahead");
    assert_eq!(world.get(&format!("/offboardings/{id}")).await.json()["eta"], START, "as if nobody waited");
}
