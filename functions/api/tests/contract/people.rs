//! Audits, members and changes.

use jiff::SignedDuration;
use lambda_http::Body;
use podio_lifecycle::{
    ids::{OrgId, UserId},
    people::{Audit, AuditEvent, AuditId, MemberType, Observation, Page, Sighting},
    ports::{Audits, CarryOnAudits, Clock, ReadMembers, WriteMembers},
};
use serde_json::{Value, json};

use crate::world::{REQUESTER, Reply, VIEWER, World, bearer};

const ORG: OrgId = OrgId(678);
const DAY: SignedDuration = SignedDuration::from_hours(24);

pub fn sighting(user: u64) -> Sighting {
    Sighting {
        user_id: UserId(user),
        name: Some(format!("Member {user}")),
        emails: vec![format!("user{user}@example.com"), format!("u{user}@example.org")],
        role: Some("regular".into()),
        kind: Some(MemberType::Employee),
        active: true,
        spaces: Some(2),
        invited_at: None,
        last_seen_at: Some("2026-02-27T12:00:00Z".parse().unwrap()),
    }
}

/// An audit that has ended and has found these.
pub async fn audited(world: &World, seen: &[Sighting]) -> AuditId {
    let reply = world.call("POST", "/audits", "").await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let id: AuditId = reply.json()["id"].as_str().unwrap().parse().unwrap();
    let audit = world.store.audit(&id).await.unwrap().unwrap();
    let users: Vec<UserId> = seen.iter().map(|seen| seen.user_id).collect();
    let stored = world.store.members_among(ORG, &users).await.unwrap();
    let look = Observation { audit: &id, now: world.clock.now(), is_first: audit.is_first, stale_after: DAY * 90 };
    let writes: Vec<_> = seen.iter().filter_map(|seen| look.seen(stored.get(&seen.user_id), seen, false)).collect();
    world.store.record_members(ORG, &writes).await.unwrap();
    let page = Page { next: None, members: u32::try_from(seen.len()).unwrap(), unreadable: 1, changes: 0 };
    save(world, &audit.apply(AuditEvent::Listed(page), world.clock.now()).unwrap()).await;
    let audit = world.store.audit(&id).await.unwrap().unwrap();
    save(world, &audit.apply(AuditEvent::Missing(vec![]), world.clock.now()).unwrap()).await;
    id
}

async fn save(world: &World, audit: &Audit) {
    world.store.save_audit(audit).await.unwrap();
}

async fn left(world: &World, id: &AuditId, user: u64) {
    let member = world.store.members_among(ORG, &[UserId(user)]).await.unwrap().remove(&UserId(user)).unwrap();
    let look = Observation { audit: id, now: world.clock.now(), is_first: false, stale_after: DAY * 90 };
    world.store.record_members(ORG, &[look.left(&member, None, None)]).await.unwrap();
}

fn ids(reply: &Reply) -> Vec<u64> {
    let members = reply.json()["members"].as_array().unwrap().clone();
    members.iter().map(|member| member["user_id"].as_u64().unwrap()).collect()
}

async fn csv(world: &World, path: &str) -> Reply {
    world.send(bearer("GET", path).header("accept", "text/csv").body(Body::Empty).unwrap()).await
}

#[tokio::test]
async fn an_audit_is_asked_for_once_at_a_time_and_told_as_the_contract_says() {
    let world = World::new();
    let reply = world.call_as(REQUESTER, "POST", "/audits", "").await;
    assert_eq!((reply.status, world.wakes.take()), (202, 1));
    let body = reply.json();
    assert_eq!(body["state"], "listing");
    let url = body["url"].as_str().unwrap();
    assert_eq!(
        (url, reply.headers["location"].to_str().unwrap()),
        (&*format!("/audits/{}", body["id"].as_str().unwrap()), url)
    );
    assert_eq!(world.call("POST", "/audits", r#"{"org_id": 678}"#).await.json()["id"], body["id"], "it is under way");

    let shown = world.get(url).await.json();
    let keys: Vec<&String> = shown.as_object().unwrap().keys().collect();
    for key in ["id", "state", "members", "changes", "unreadable", "calls", "started_at", "completed_at"] {
        assert!(keys.iter().any(|known| *known == key), "{key}: {keys:?}");
    }
    let other = world.call("POST", "/audits", r#"{"org_id": 9}"#).await;
    assert!(other.status == 202 && other.json()["id"] != body["id"], "another organization's");
    assert_eq!(world.get("/audits").await.json()["audits"][0]["id"], body["id"]);
    assert_eq!(world.get("/audits?org_id=9").await.json()["audits"][0]["id"], other.json()["id"]);
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused_and_begin_nothing() {
    let world = World::new();
    world.call_as(VIEWER, "POST", "/audits", "").await.problem(403);
    world.send(lambda_http::http::Request::get("/members").body(Body::Empty).unwrap()).await.problem(401);
    assert_eq!(world.call("POST", "/audits", r#"{"org_id": 5}"#).await.errors(422, "pointer"), ["/org_id"]);
    assert_eq!(world.call("POST", "/audits", r#"{"force": true}"#).await.errors(422, "pointer"), ["/force"]);
    assert_eq!(world.call("POST", "/audits?org_id=678", "").await.errors(400, "parameter"), ["org_id"]);
    assert_eq!(world.store.audited(ORG).await, Ok(None));
    for (path, parameter) in [
        ("/members?stat=left", "stat"),
        ("/members?status=gone", "status"),
        ("/members?type=boss", "type"),
        ("/members?stale=yes", "stale"),
        ("/members?limit=1001", "limit"),
        ("/members?limit=0", "limit"),
        ("/members?cursor=x", "cursor"),
        ("/members?org_id=5", "org_id"),
        ("/changes?since=yesterday", "since"),
        ("/changes?kind=arrived", "kind"),
        ("/changes?cursor=%22", "cursor"),
        ("/audits?cursor=off_1", "cursor"),
    ] {
        assert_eq!(world.get(path).await.errors(400, "parameter"), [parameter], "{path}");
    }
    for path in ["/audits/aud_1", &format!("/audits/aud_{}", "0".repeat(32)), "/members/7", "/members/jane"] {
        world.get(path).await.problem(404);
    }
    assert_eq!(world.call("DELETE", "/members", "").await.problem(405)["status"], 405);
}

#[tokio::test]
async fn members_are_shown_as_the_contract_says() {
    let world = World::new();
    let before = world.get("/members").await.json();
    assert_eq!(before, json!({"members": [], "audited_at": null, "next_cursor": null}));
    audited(&world, &[sighting(7)]).await;
    let now = world.clock.now().to_string();
    let jane = json!({
        "user_id": 7, "name": "Member 7", "email": "user7@example.com", "other_emails": ["u7@example.org"],
        "role": "regular", "type": "employee", "status": "active", "spaces": 2, "last_seen_at": "2026-02-27T12:00:00Z",
        "invited_at": null, "first_listed_at": now, "last_listed_at": now, "left_at": null, "stale": false,
    });
    let expected = json!({"members": [jane], "audited_at": now, "next_cursor": null});
    assert_eq!(world.call_as(VIEWER, "GET", "/members", "").await.json(), expected);
    assert_eq!(world.get("/members/7").await.json(), jane);
    assert_eq!(world.get("/members?org_id=9").await.json()["members"], json!([]));
}

#[tokio::test]
async fn members_are_found_by_each_filter() {
    let world = World::new();
    let old = Sighting { last_seen_at: Some("2025-01-01T00:00:00Z".parse().unwrap()), ..sighting(3) };
    let boss = Sighting { role: Some("admin".into()), name: Some("Ada Boss".into()), ..sighting(2) };
    let guest = Sighting { kind: Some(MemberType::Guest), active: false, ..sighting(4) };
    let id = audited(&world, &[sighting(1), boss, old, guest, sighting(5)]).await;
    left(&world, &id, 5).await;
    for (query, found) in [
        ("", vec![1, 2, 3, 4]),
        ("?status=left", vec![5]),
        ("?status=all", vec![1, 2, 3, 4, 5]),
        ("?status=inactive", vec![4]),
        ("?role=Admin", vec![2]),
        ("?type=guest", vec![4]),
        ("?stale=true", vec![3]),
        ("?stale=false&type=employee", vec![1, 2]),
        ("?q=ada+b", vec![2]),
        ("?q=U3%40EXAMPLE.org", vec![3]),
        ("?q=nobody", vec![]),
    ] {
        assert_eq!(ids(&world.get(&format!("/members{query}")).await), found, "{query}");
    }
}

#[tokio::test]
async fn members_come_in_pages() {
    let world = World::new();
    let all: Vec<Sighting> = (1..=250).map(sighting).collect();
    audited(&world, &all).await;
    let first = world.get("/members").await;
    assert_eq!((ids(&first).len(), &first.json()["next_cursor"]), (100, &json!("100")));
    let mut found = Vec::new();
    let mut path = "/members?limit=90&q=example.org".to_owned();
    loop {
        let reply = world.get(&path).await;
        found.extend(ids(&reply));
        let Some(cursor) = reply.json()["next_cursor"].as_str().map(str::to_owned) else { break };
        path = format!("/members?limit=90&q=example.org&cursor={cursor}");
    }
    assert_eq!(found, (1..=250).collect::<Vec<u64>>());
    assert_eq!(ids(&world.get("/members?limit=1000").await).len(), 250);
}

#[tokio::test]
async fn members_come_as_csv_where_asked_for() {
    let world = World::new();
    let evil = Sighting { name: Some("=HYPERLINK(\"http://x\")".into()), ..sighting(2) };
    audited(&world, &[sighting(1), evil, sighting(3)]).await;
    let reply = csv(&world, "/members?limit=2").await;
    assert_eq!(reply.headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert_eq!(reply.headers["link"], "<?limit=2&cursor=2>; rel=\"next\"");
    let lines: Vec<&str> = reply.text.split("\r\n").collect();
    let columns = "user_id,name,email,other_emails,type,role,spaces,last_seen_at,days_unseen,invited_at,status,finding,\
                   matched_by,roster_status,last_day,suggested_action";
    assert_eq!(lines[0], columns);
    let first = "1,Member 1,user1@example.com,u1@example.org,employee,regular,2,2026-02-27T12:00:00Z,2,,active,,,,,";
    assert_eq!(lines[1], first);
    assert!(lines[2].starts_with("2,\"'=HYPERLINK(\"\"http://x\"\")\","), "{}", lines[2]);
    let raw = csv(&world, "/members?raw=true&bom=true").await;
    assert!(raw.text.starts_with("\u{feff}user_id,") && raw.text.contains("2,\"=HYPERLINK("));
    assert!(!raw.headers.contains_key("link"));
}

#[tokio::test]
async fn changes_come_in_the_order_of_time_and_by_kind() {
    let world = World::new();
    audited(&world, &[sighting(1)]).await;
    assert_eq!(world.get("/changes").await.json(), json!({"changes": [], "next_cursor": null}));
    world.clock.advance(60);
    let id = audited(&world, &[sighting(1), sighting(2), sighting(3)]).await;
    let later = world.clock.now();
    world.clock.advance(60);
    left(&world, &id, 1).await;
    let all = world.get("/changes").await.json()["changes"].clone();
    let told: Vec<(&str, u64)> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["kind"].as_str().unwrap(), it["user_id"].as_u64().unwrap()))
        .collect();
    assert_eq!(told, [("joined", 2), ("joined", 3), ("left", 1)]);
    let joined = json!({
        "at": later, "kind": "joined", "user_id": 2, "before": null, "after": "active", "audit_id": id, "cause": null,
    });
    assert_eq!(all[0], joined);
    let count =
        async |query: &str| world.get(&format!("/changes{query}")).await.json()["changes"].as_array().unwrap().len();
    assert_eq!(count("?kind=left").await, 1);
    assert_eq!(count(&format!("?since={later}")).await, 3);
    assert_eq!(count(&format!("?since={}", later + SignedDuration::from_secs(1))).await, 1);
    let first = world.get("/changes?limit=2").await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = world.get(&format!("/changes?cursor={cursor}")).await.json();
    assert_eq!((&rest["changes"][0], &rest["next_cursor"]), (&all[2], &Value::Null));
}

#[tokio::test]
async fn an_audit_that_has_ended_is_told_with_its_numbers() {
    let world = World::new();
    let id = audited(&world, &[sighting(1), sighting(2)]).await;
    let shown = world.get(&format!("/audits/{id}")).await.json();
    assert_eq!(shown["state"], "completed");
    assert_eq!((&shown["members"], &shown["unreadable"], &shown["failure"]), (&json!(2), &json!(1), &Value::Null));
    assert_eq!(shown["completed_at"], json!(world.clock.now()));
}
