//! Rosters, what comparing them finds, and offboardings that follow from it.

use lambda_http::Body;
use podio_lifecycle::{
    ids::UserId,
    offboarding::Person,
    people::{MemberType, Sighting},
    source::Source,
};
use serde_json::{Value, json};

use crate::{
    people::{audited, sighting},
    world::{APPROVER, REQUESTER, Reply, VIEWER, World, bearer},
};

const ROSTER: &str = "email,name,status,last_day\nuser1@example.com,Member 1,active,\nuser2@example.com,Member 2,left,\n\
                      user3@example.com,Member 3,active,2027-06-01\nnew@example.com,Nia New,active,\n";

async fn put(world: &World, path: &str, content_type: &str, body: impl Into<Body>) -> Reply {
    world.send(bearer("PUT", path).header("content-type", content_type).body(body.into()).unwrap()).await
}

/// Members 1 to 5, the last an external, and a roster that knows three of them.
async fn compared(world: &World) -> Reply {
    let external = Sighting { kind: Some(MemberType::External), ..sighting(5) };
    audited(world, &[sighting(1), sighting(2), sighting(3), sighting(4), external]).await;
    assert_eq!(put(world, "/roster", "text/csv", ROSTER).await.status, 200);
    let reply = world.call_as(REQUESTER, "POST", "/reconciliations", "").await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply
}

fn findings(reply: &Reply) -> Vec<(String, Option<u64>)> {
    let found = reply.json()["findings"].as_array().unwrap().clone();
    found.iter().map(|it| (it["finding"].as_str().unwrap().to_owned(), it["user_id"].as_u64())).collect()
}

#[tokio::test]
async fn a_roster_is_taken_and_its_bad_rows_are_told() {
    let world = World::new();
    let body = "Email Address [Required],Status [READ ONLY]\njane@example.com,Active\nnobody,Active\n";
    let reply = put(&world, "/roster", "text/csv", body).await;
    assert_eq!(reply.status, 200);
    let taken = reply.json();
    assert!(taken["id"].as_str().unwrap().starts_with("ros_"));
    assert_eq!(taken["accepted"], 1);
    assert_eq!(taken["rejected"], json!([{"row": 3, "detail": "email: expected something like jane@example.com"}]));
    let json = r#"[{"email": "jane@example.com", "other_emails": ["jd@example.com"], "type": "employee"}]"#;
    assert_eq!(put(&world, "/roster", "application/json", json).await.json()["accepted"], 1);
}

#[tokio::test]
async fn a_roster_that_cannot_be_used_is_refused() {
    let world = World::new();
    let refused = put(&world, "/roster", "text/csv", "person,mailbox\njane,jane@example.com\n").await;
    let detail = refused.problem(422)["errors"][0]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("person, mailbox"), "{detail}");
    put(&world, "/roster", "application/json", "[{").await.problem(400);
    world.call_as(VIEWER, "PUT", "/roster", ROSTER).await.problem(403);
    world.call("POST", "/roster", ROSTER).await.problem(405);
    for query in ["part=2", "of=2", "part=3&of=2", "part=0&of=1", "part=x&of=2", "replace=true"] {
        put(&world, &format!("/roster?{query}"), "text/csv", ROSTER).await.problem(400);
    }
    put(&world, "/roster?part=2&of=2", "text/csv", ROSTER).await.problem(409);
    world.call("POST", "/reconciliations", "").await.problem(409);
}

#[tokio::test]
async fn a_roster_may_have_four_mebibytes_and_come_in_parts() {
    let world = World::new();
    audited(&world, &[sighting(1)]).await;
    let line = |n: usize| format!("user{n}@example.com,{}\n", "x".repeat(150));
    let large: String = std::iter::once("email,name\n".to_owned()).chain((1..20_000).map(line)).collect();
    assert!(large.len() > 3 * 1024 * 1024);
    assert_eq!(put(&world, "/roster", "text/csv", large).await.json()["accepted"], 19_999);
    let too_large = format!("email\n{}", "a".repeat(4 * 1024 * 1024));
    put(&world, "/roster", "text/csv", too_large).await.problem(413);

    let first = put(&world, "/roster?part=1&of=2", "text/csv", "email\nuser1@example.com\n").await.json();
    let counts = world.call("POST", "/reconciliations", "").await.json()["counts"].clone();
    assert_eq!(counts["missing"], 19_998, "half a roster is none yet");
    let second = put(&world, "/roster?part=2&of=2", "text/csv", "email\nuser2@example.com\n").await.json();
    assert_eq!((&first["id"], &first["complete"], &second["complete"]), (&second["id"], &json!(false), &json!(true)));
    let counts = world.call("POST", "/reconciliations", "").await.json()["counts"].clone();
    assert_eq!((&counts["matched"], &counts["missing"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn members_are_compared_with_the_roster() {
    let world = World::new();
    put(&world, "/roster", "text/csv", ROSTER).await;
    world.call("POST", "/reconciliations", "").await.problem(409);
    let created = compared(&world).await;
    let body = created.json();
    let expected = json!({
        "orphan": 2, "missing": 1, "leaving": 1, "mismatch": 0, "ambiguous": 0, "external": 1, "matched": 1,
    });
    assert_eq!(body["counts"], expected);
    let url = body["url"].as_str().unwrap();
    let reply = world.call_as(VIEWER, "GET", url, "").await;
    assert_eq!(
        findings(&reply),
        [
            ("orphan", Some(2)),
            ("orphan", Some(4)),
            ("missing", None),
            ("leaving", Some(3)),
            ("external", Some(5)),
            ("matched", Some(1))
        ]
        .map(|(kind, user)| (kind.to_owned(), user))
    );
    let shown = reply.json();
    assert_eq!(shown["findings"][0]["suggested_action"], "offboard");
    assert_eq!(
        (&shown["findings"][0]["matched_by"], &shown["findings"][1]["matched_by"]),
        (&json!("address"), &Value::Null)
    );
    for key in ["id", "roster_id", "audit_id", "created_at", "counts", "next_cursor"] {
        assert!(shown.as_object().unwrap().contains_key(key), "{key}");
    }
    let orphans = world.get(&format!("{url}?finding=orphan&limit=1")).await;
    assert_eq!(findings(&orphans).len(), 1);
    let cursor = orphans.json()["next_cursor"].as_str().unwrap().to_owned();
    let rest = world.get(&format!("{url}?finding=orphan&cursor={cursor}")).await;
    assert_eq!((findings(&rest).len(), &rest.json()["next_cursor"]), (1, &Value::Null));
    world.get(&format!("{url}?finding=nobody")).await.problem(400);
    world.get("/reconciliations/rec_1").await.problem(404);
}

#[tokio::test]
async fn findings_come_as_csv_with_what_is_known_of_the_member() {
    let world = World::new();
    let url = compared(&world).await.json()["url"].as_str().unwrap().to_owned();
    let csv = world.send(bearer("GET", &url).header("accept", "text/csv").body(Body::Empty).unwrap()).await;
    let lines: Vec<&str> = csv.text.split("\r\n").collect();
    assert_eq!(
        lines[1],
        "2,Member 2,user2@example.com,u2@example.org,employee,regular,2,2026-02-27T12:00:00Z,2,,active,orphan,address,left,,offboard"
    );
    assert_eq!(lines[3], ",Nia New,new@example.com,,,,,,,,,missing,,active,,invite");
}

#[tokio::test]
async fn chosen_findings_become_offboardings_that_wait_for_approval() {
    let world = World::new();
    let body = compared(&world).await.json();
    let path = format!("{}/offboard", body["url"].as_str().unwrap());
    let asked = r#"{"user_ids": [2, 3]}"#;
    world.call_as(REQUESTER, "POST", &path, asked).await.problem(403);
    for (wrong, pointer) in [
        (r#"{"user_ids": [1]}"#, "/user_ids/0"),
        (r#"{"user_ids": [2, 99]}"#, "/user_ids/1"),
        (r#"{"user_ids": ["2"]}"#, "/user_ids/0"),
        (r#"{"user_ids": []}"#, "/user_ids"),
        (r#"{}"#, "/user_ids"),
        (r#"{"user_ids": [2], "force": true}"#, "/force"),
    ] {
        assert_eq!(world.call_as(APPROVER, "POST", &path, wrong).await.errors(422, "pointer"), [pointer], "{wrong}");
    }
    assert_eq!(world.get("/offboardings").await.json()["offboardings"], json!([]), "nothing has begun");

    let reply = world.call_as(APPROVER, "POST", &path, asked).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let made = reply.json()["offboardings"].clone();
    assert_eq!((&made[0]["user_id"], &made[0]["state"]), (&json!(2), &json!("planning")));
    assert_eq!(
        (&made[1]["user_id"], &made[1]["state"]),
        (&json!(3), &json!("scheduled")),
        "not before the last day is over"
    );
    let first = world.load(&made[0]["id"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!(first.request.person, Person::User(UserId(2)));
    assert!(first.request.require_approval);
    let Source::Reconciliation { id, by } = &first.request.source else { panic!("{:?}", first.request.source) };
    assert_eq!((id.as_str(), by.name.as_str()), (body["id"].as_str().unwrap(), "boss"));
    let later = world.load(&made[1]["id"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!(later.effective_at().to_string(), "2027-06-02T00:00:00Z");

    let again = world.call_as(APPROVER, "POST", &path, asked).await.json()["offboardings"].clone();
    assert_eq!((&again[0]["id"], &again[1]["id"]), (&made[0]["id"], &made[1]["id"]));
    let other = world.call_as(APPROVER, "POST", &path, r#"{"user_ids": [4], "require_approval": false}"#).await.json();
    let other = world.load(&other["offboardings"][0]["id"].as_str().unwrap().parse().unwrap()).await;
    assert!(!other.request.require_approval);
}
