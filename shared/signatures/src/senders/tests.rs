//! Each row of the table with a vector; what the rows make of bodies; and rubbish.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Where the expected signature of a vector is from.
#[derive(Debug, PartialEq)]
enum Origin {
    /// The vendor's documentation, or an implementation in use.
    Proved,
    /// Computed here from what is said of the scheme: whether the vendor agrees is not proved.
    Computed,
}
use Origin::{Computed, Proved};

const TOKEN: &str = "a-token-of-twenty-four-c";
const KEY: &str = "a-secret-for-these-vectors-01";
const BAMBOO: &str = r#"{"employees":[{"changedFields":["First name"],"fields":{"Employee #":{"value":"300"},"First name":{"value":"Tefi"},"Last name":{"value":"Adams"}},"id":"5"}]}"#;
const BODY: &str = r#"{"type":"employee.left"}"#;

/// A preset, its secret, the headers of a delivery, its body, and when it came.
struct Vector {
    preset: &'static str,
    from: Origin,
    secret: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    at: i64,
}

const VECTORS: [Vector; 14] = [
    Vector {
        preset: "bamboohr",
        from: Proved,
        secret: "123b929362d51613054f71e5e5d4bf2c",
        headers: &[
            ("x-bamboohr-signature", "56491dd9c2b352bc5f4fc627159aae20ddff9c8cb19f239a6de6771dc5310bac"),
            ("x-bamboohr-timestamp", "1658248023"),
        ],
        body: BAMBOO,
        at: 1_658_248_023,
    },
    Vector {
        preset: "standard_webhooks",
        from: Proved,
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        headers: &[
            ("webhook-signature", "v1a,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
        ],
        body: r#"{"test": 2432232314}"#,
        at: 1_614_265_330,
    },
    Vector {
        preset: "svix",
        from: Proved,
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        headers: &[
            ("svix-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            ("svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("svix-timestamp", "1614265330"),
        ],
        body: r#"{"test": 2432232314}"#,
        at: 1_614_265_330,
    },
    Vector {
        preset: "peopleforce",
        // The form `sha256=` and hex is proved; that PeopleForce uses it is what its documentation says.
        from: Proved,
        secret: "It's a Secret to Everybody",
        headers: &[(
            "x-peopleforce-signature",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        )],
        body: "Hello, World!",
        at: 0,
    },
    Vector {
        preset: "greenhouse",
        from: Computed,
        secret: "It's a Secret to Everybody",
        headers: &[("signature", "sha256 757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")],
        body: "Hello, World!",
        at: 0,
    },
    Vector {
        preset: "hibob",
        from: Computed,
        secret: KEY,
        headers: &[(
            "bob-signature",
            "aGz2f5rNy9lOoPb0AwtM0cCx3jguF69VehB3E8PJDaHMEJhzVUCP6cHgbdkAXrgLWqBnUAGhgVcv2vot04jn5A==",
        )],
        body: BODY,
        at: 0,
    },
    Vector {
        preset: "gusto",
        from: Computed,
        secret: KEY,
        headers: &[("x-gusto-signature", "3513dbb24266e20de5b9bd87e45a6c120351bdc1af60622881527c4a420085a6")],
        body: BODY,
        at: 0,
    },
    Vector {
        preset: "deel",
        from: Computed,
        secret: KEY,
        headers: &[("x-deel-signature", "d13b7d04fd05b2241cd9efb1422e1749edcd6464d0303cfbe8d37a5bbe839f5c")],
        body: BODY,
        at: 0,
    },
    Vector { preset: "okta", from: Computed, secret: TOKEN, headers: &[("authorization", TOKEN)], body: BODY, at: 0 },
    Vector {
        preset: "rippling",
        from: Computed,
        secret: TOKEN,
        headers: &[("authorization", "Bearer a-token-of-twenty-four-c")],
        body: "event=employee.terminated",
        at: 0,
    },
    Vector {
        preset: "rippling_workflow",
        from: Computed,
        secret: TOKEN,
        headers: &[],
        body: r#"{"key": "a-token-of-twenty-four-c", "email": "jane@example.com"}"#,
        at: 0,
    },
    Vector {
        preset: "factorial",
        from: Computed,
        secret: TOKEN,
        headers: &[("x-factorial-wh-challenge", TOKEN)],
        body: BODY,
        at: 0,
    },
    Vector {
        preset: "graph",
        from: Computed,
        secret: TOKEN,
        headers: &[],
        body: r#"{"value": [{"clientState": "a-token-of-twenty-four-c"}, {"clientState": "a-token-of-twenty-four-c"}]}"#,
        at: 0,
    },
    Vector {
        preset: "google_directory",
        from: Computed,
        secret: TOKEN,
        headers: &[("x-goog-channel-token", TOKEN)],
        body: "",
        at: 0,
    },
];

/// The only sender of a directory with that preset and these secrets.
fn sender(preset: &str, secrets: &[&str], more: Value) -> Sender {
    let mut entry = json!({"name": "hr", "preset": preset, "secrets": secrets, "match": {},
                           "map": {"email": "/email", "time_zone": "Europe/Berlin"}});
    for (name, value) in more.as_object().unwrap() {
        entry[name] = value.clone();
    }
    Directory::parse(&json!([entry]).to_string()).unwrap().find("hr").unwrap().clone()
}

fn verify(sender: &Sender, headers: &[(&str, &str)], body: &str, at: i64) -> Result<(), Rejection> {
    let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_bytes());
    let delivery = Delivery { header: &header, body: body.as_bytes() };
    sender.verify(delivery, Timestamp::from_second(at).unwrap())
}

#[test]
fn each_preset_accepts_its_vector() {
    for vector in &VECTORS {
        let known = sender(vector.preset, &[vector.secret], json!({}));
        assert_eq!(verify(&known, vector.headers, vector.body, vector.at), Ok(()), "{}", vector.preset);
        // Another secret beside it does not matter; in its place it does.
        let other = match vector.preset {
            "standard_webhooks" | "svix" => "whsec_bmV3IHNlY3JldCBvZiB0d2VudHkgZm91ciBieXRlcw==",
            _ => "another-secret-of-the-sender",
        };
        let rotating = sender(vector.preset, &[other, vector.secret], json!({}));
        assert_eq!(verify(&rotating, vector.headers, vector.body, vector.at), Ok(()), "{}", vector.preset);
        let stranger = sender(vector.preset, &[other], json!({}));
        assert_eq!(verify(&stranger, vector.headers, vector.body, vector.at), Err(Rejection::Mismatch));
    }
    let proved = VECTORS.iter().filter(|vector| vector.from == Proved).count();
    assert_eq!(proved, 4, "a row is proved by a vector of somebody else's only");
}

#[test]
fn every_preset_has_a_vector() {
    let presets: Value = serde_json::from_str(include_str!("presets.json")).unwrap();
    for preset in presets.as_object().unwrap().keys().filter(|name| *name != "custom") {
        assert!(VECTORS.iter().any(|vector| vector.preset == preset), "{preset}");
    }
}

#[test]
fn another_body_or_missing_header_is_rejected() {
    for vector in &VECTORS {
        let known = sender(vector.preset, &[vector.secret], json!({}));
        for at in 0..vector.headers.len() {
            let fewer: Vec<_> = vector.headers.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, h)| *h).collect();
            let rejected = verify(&known, &fewer, vector.body, vector.at);
            assert_eq!(rejected, Err(Rejection::Missing), "{} without {:?}", vector.preset, vector.headers[at]);
        }
        if matches!(known.proof, Proof::Hmac { .. }) {
            let body = format!("{} ", vector.body);
            assert_eq!(verify(&known, vector.headers, &body, vector.at), Err(Rejection::Mismatch), "{}", vector.preset);
        }
    }
}

#[test]
fn window_holds_both_ways() {
    let (vector, bamboo) = (&VECTORS[0], sender("bamboohr", &[VECTORS[0].secret], json!({})));
    for (offset, expected) in
        [(7_200, Ok(())), (-7_200, Ok(())), (7_201, Err(Rejection::Stale)), (-7_201, Err(Rejection::Stale))]
    {
        assert_eq!(verify(&bamboo, vector.headers, vector.body, vector.at + offset), expected, "{offset}");
    }
    let narrow = sender("bamboohr", &[vector.secret], json!({"verify": {"window_seconds": 60}}));
    assert_eq!(verify(&narrow, vector.headers, vector.body, vector.at + 61), Err(Rejection::Stale));
}

#[test]
fn one_foreign_entry_rejects_a_whole_batch() {
    let graph = sender("graph", &[TOKEN], json!({}));
    for states in [json!([]), json!([TOKEN, "another"]), json!(["another", TOKEN]), json!([TOKEN, null])] {
        let entries: Vec<_> = states.as_array().unwrap().iter().map(|state| json!({"clientState": state})).collect();
        assert!(verify(&graph, &[], &json!({"value": entries}).to_string(), 0).is_err(), "{states}");
    }
}

fn read(sender: &Sender, headers: &[(&str, &str)], body: &str) -> Result<Reading, Unreadable> {
    let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_bytes());
    sender.read(Delivery { header: &header, body: body.as_bytes() })
}

/// Moment, person and date of each event.
fn told(sender: &Sender, headers: &[(&str, &str)], body: &str) -> Vec<(Moment, String, Option<String>)> {
    let events = read(sender, headers, body).unwrap().events.into_iter();
    let who = |who| match who {
        Who::Email(mail) => mail,
        Who::User(id) => id.to_string(),
    };
    events.map(|event| (event.moment, who(event.who), event.at.map(|at| at.to_string()))).collect()
}

fn bamboo() -> Sender {
    let more = json!({
        "match": {"/employees/0/changedFields": "Status", "/employees/0/fields/Status/value": "Terminated"},
        "map": {"email": "/employees/0/fields/Work Email/value", "time_zone": "Europe/Berlin",
                "effective_at": "/employees/0/fields/Termination Date/value"},
    });
    sender("bamboohr", &[KEY], more)
}

#[test]
fn each_employee_of_a_delivery_is_an_event() {
    let body = include_str!("recorded/bamboohr.json");
    let expected = [
        (Moment::Effective, "jane@example.com".to_owned(), Some("2026-12-01T23:00:00Z".to_owned())),
        (Moment::Effective, "john@example.com".to_owned(), Some("2026-07-01T22:00:00Z".to_owned())),
    ];
    assert_eq!(told(&bamboo(), &[], body), expected);
    let reading = read(&bamboo(), &[], body).unwrap();
    assert_eq!(reading.ignored, 2, "another name of somebody who stays, another town of somebody who has left");
    assert_ne!(reading.events[0].key, reading.events[1].key);
    assert_eq!(read(&bamboo(), &[], body).unwrap(), reading, "the same delivery has the same keys");
}

#[test]
fn recorded_events_say_who_leaves() {
    let mail = |text: &str| text.to_owned();
    let plain = json!({"match": {"/type": ["employee.left", "employee.deleted"]}, "map": {}});
    let hibob = sender("hibob", &[KEY], plain);
    assert_eq!(
        told(&hibob, &[], include_str!("recorded/hibob_deleted.json")),
        [(Moment::Effective, mail("jane@example.com"), None)]
    );
    let okta = sender(
        "okta",
        &[TOKEN],
        json!({"match": {"/data/events/0/eventType": "user.lifecycle.deactivate"}, "map": {}}),
    );
    assert_eq!(
        told(&okta, &[], include_str!("recorded/okta.json")),
        [(Moment::Effective, mail("jane@example.com"), None)]
    );
    let google = json!({"match": {"header:x-goog-resource-state": "delete"}, "map": {}});
    let google = sender("google_directory", &[TOKEN], google);
    let body = r#"{"kind": "admin#directory#user", "id": "1", "primaryEmail": "jane@example.com"}"#;
    assert_eq!(
        told(&google, &[("x-goog-resource-state", "delete")], body),
        [(Moment::Effective, mail("jane@example.com"), None)]
    );
    assert_eq!(read(&google, &[("x-goog-resource-state", "sync")], "").unwrap().ignored, 1);
    let factorial = sender("factorial", &[TOKEN], json!({"map": {"time_zone": "Europe/Madrid"}}));
    assert_eq!(
        told(&factorial, &[], include_str!("recorded/factorial.json")),
        [(Moment::Effective, mail("jane@example.com"), Some(mail("2026-12-31T23:00:00Z")))]
    );
    let rippling = json!({"match": {"event": "employee.terminated"}, "map": {"email": "work_email"}});
    let rippling = sender("rippling", &[TOKEN], rippling);
    assert_eq!(
        told(&rippling, &[], "event=employee.terminated&company=1&work_email=jane%40example.com"),
        [(Moment::Effective, mail("jane@example.com"), None)]
    );
}

#[test]
fn four_moments_are_told_apart() {
    let gusto = Directory::parse(
        &json!([{"name": "hr", "preset": "gusto", "secrets": [KEY],
                 "map": {"email": "/email", "effective_at": "/date", "time_zone": "UTC"}}])
        .to_string(),
    );
    let gusto = gusto.unwrap().find("hr").unwrap().clone();
    for (kind, moment) in [
        ("employee.terminated", Moment::Announced),
        ("employee.terminated_effective", Moment::Effective),
        ("employee.termination_cancelled", Moment::Cancelled),
        ("employee.rehired", Moment::Rehired),
    ] {
        let body = json!({"uuid": kind, "event_type": kind, "email": "jane@example.com", "date": "2026-12-01"});
        assert_eq!(told(&gusto, &[], &body.to_string())[0].0, moment);
    }
    let other = json!({"event_type": "employee.created", "email": "jane@example.com"}).to_string();
    assert_eq!(read(&gusto, &[], &other).unwrap(), Reading { events: Vec::new(), ignored: 1 });
}

#[test]
fn event_that_should_map_and_does_not_is_refused_whole() {
    let unmapped = |sender: &Sender, body: &Value| match read(sender, &[], &body.to_string()) {
        Err(Unreadable::Unmapped { pointer, expected }) => {
            assert!(!expected.contains("hush") && !pointer.contains("hush"));
            pointer
        }
        other => panic!("{other:?}"),
    };
    let entry = |mail: &Value, date: &Value| json!({"changedFields": ["Status"], "fields": {"Status": {"value": "Terminated"}, "Work Email": {"value": mail}, "Termination Date": {"value": date}}});
    let good = entry(&json!("jane@example.com"), &json!("2026-12-01"));
    for (bad, pointer) in [
        (entry(&json!(null), &json!("2026-12-01")), "/employees/0/fields/Work Email/value"),
        (entry(&json!("j@example.com"), &json!("hush")), "/employees/0/fields/Termination Date/value"),
        (entry(&json!("j@example.com"), &json!("")), "/employees/0/fields/Termination Date/value"),
    ] {
        assert_eq!(unmapped(&bamboo(), &json!({"employees": [good, bad]})), pointer);
    }
    let thin = json!({"match": {"/type": "employee.left"}, "map": {}});
    let left: Value = serde_json::from_str(include_str!("recorded/hibob_left.json")).unwrap();
    assert_eq!(unmapped(&sender("hibob", &[KEY], thin), &left), "/data/employeeId");
    assert_eq!(read(&bamboo(), &[], "{"), Err(Unreadable::Body));
    assert_eq!(read(&bamboo(), &[], r#"{"employees": 1}"#), Err(Unreadable::Body));
}

#[test]
fn announcement_without_date_is_never_now() {
    let dateless = sender("rippling_workflow", &[TOKEN], json!({"announce": {"/what": "soon"}}));
    let body = json!({"what": "soon", "email": "jane@example.com"}).to_string();
    assert!(matches!(read(&dateless, &[], &body), Err(Unreadable::Unmapped { .. })));
}

#[test]
fn key_is_of_the_event_and_not_of_its_envelope() {
    let sender = sender("rippling_workflow", &[TOKEN], json!({"map": {"email": "/email", "key": "/id"}}));
    let key = |id: &str, attempt: u8| {
        let body = json!({"id": id, "email": "jane@example.com", "attempt": attempt});
        read(&sender, &[], &body.to_string()).unwrap().events[0].key.clone()
    };
    assert_eq!(key("1", 1), key("1", 2));
    assert_ne!(key("1", 1), key("2", 1));
    assert_ne!(key("", 1), key("", 2), "without an id it is the body's");
}

fn any_headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let names: Vec<String> =
        VECTORS.iter().flat_map(|v| v.headers.iter().map(|(name, _)| (*name).to_owned())).collect();
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80),
        "[0-9a-f]{64}".prop_map(String::into_bytes),
        "(sha256[= ]|v1,|Bearer )?[A-Za-z0-9+/]{0,88}={0,2}".prop_map(String::into_bytes),
        "[0-9+. -]{0,22}".prop_map(String::into_bytes),
    ];
    prop::collection::vec((prop::sample::select(names), value), 0..6)
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..120),
        r#"[\[\]{}",:a-z0-9\\ ]{0,60}"#.prop_map(String::into_bytes),
        "[a-z%=&+0-9]{0,60}".prop_map(String::into_bytes),
        Just(br#"{"value": [{"clientState": "guess", "changeType": "deleted"}]}"#.to_vec()),
        Just(br#"{"key": "guess", "email": ["jane"], "employees": [1, {}, null]}"#.to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn no_malformed_delivery_panics_or_is_accepted(
        at in 0..VECTORS.len(), headers in any_headers(), body in any_body(), now in 0i64..4_000_000_000,
    ) {
        let known = sender(VECTORS[at].preset, &[VECTORS[at].secret], json!({}));
        let header = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice());
        let delivery = Delivery { header: &header, body: &body };
        prop_assert!(known.verify(delivery, Timestamp::from_second(now).unwrap()).is_err());
        // Nor does reading panic, whatever a sender that is authentic may send.
        known.read(delivery).ok();
    }
}
