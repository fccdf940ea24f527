//! No answer, however odd, makes the client panic, and none is taken for proof that somebody is gone unless it says so.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use podio_client::{
    Error, NotFoundKind, Page, Request,
    answer::{Answer, BodyFault},
    hook, org, org_member, profile, space_member, user,
};
use podio_lifecycle::ids::{OrgId, SpaceId, UserId};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value};

const ORG: OrgId = OrgId(1);
const USER: UserId = UserId(3);

/// JSON whose keys are those that the models look for, with values of any type.
fn json() -> impl Strategy<Value = Value> {
    const KEYS: &[&str] = &[
        "user",
        "profile",
        "user_id",
        "space",
        "space_id",
        "org_id",
        "hook_id",
        "spaces",
        "mail",
        "mails",
        "role",
        "name",
        "ended_on",
        "to_remove",
        "to_promote",
        "to_delete",
        "error",
        "error_description",
        "verified",
        "type",
        "url",
        "grants",
    ];
    const TEXTS: &[&str] =
        &["", "3", "admin", "not_found", "invalid_token", "2026-03-01 09:30:00", "wait 9 seconds", "<"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(TEXTS).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((select(KEYS), inner), 0..6).prop_map(|pairs| pairs
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<Map<_, _>>()
                .into()),
        ]
    })
}

fn body() -> impl Strategy<Value = Result<Vec<u8>, BodyFault>> {
    prop_oneof![
        4 => json().prop_map(|json| Ok(json.to_string().into_bytes())),
        2 => vec(any::<u8>(), 0..200).prop_map(Ok),
        1 => select(&[BodyFault::Broken, BodyFault::TooLarge][..]).prop_map(Err),
    ]
}

/// The parts of an answer, which show themselves when a case fails.
#[derive(Debug, Clone)]
struct Parts {
    status: u16,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Result<Vec<u8>, BodyFault>,
}

fn parts() -> impl Strategy<Value = Parts> {
    const NAMES: &[&str] = &["retry-after", "content-type", "x-rate-limit-limit", "x-rate-limit-remaining"];
    let status = prop_oneof![select(&[200_u16, 204, 304, 400, 401, 403, 404, 410, 420, 429, 503][..]), 100_u16..1000];
    let headers = vec((select(NAMES), vec(any::<u8>(), 0..30)), 0..4);
    (status, headers, body()).prop_map(|(status, headers, body)| Parts { status, headers, body })
}

impl Parts {
    fn answer(self) -> Answer {
        let values = self
            .headers
            .into_iter()
            .filter_map(|(name, bytes)| Some((HeaderName::from_static(name), HeaderValue::from_bytes(&bytes).ok()?)));
        Answer {
            status: StatusCode::from_u16(self.status).unwrap(),
            headers: HeaderMap::from_iter(values),
            body: self.body,
        }
    }
}

fn result<T>(answer: &Answer, request: &Request<T>) -> Result<T, Error> {
    answer.result(request, "2026-03-01T09:30:00Z".parse().unwrap())
}

/// Whether Podio itself says that the object is not there.
fn says_not_found(answer: &Answer) -> bool {
    let Ok(Ok(body)) = answer.body.as_ref().map(|body| serde_json::from_slice::<Value>(body)) else { return false };
    answer.status == StatusCode::NOT_FOUND && body["error"] == "not_found" && body["error_description"].is_string()
}

proptest! {
    #[test]
    fn every_answer_has_a_result(parts in parts()) {
        let answer = parts.answer();
        let _ = result(&answer, &user::own());
        let _ = result(&answer, &user::status());
        let _ = result(&answer, &org::list());
        let _ = result(&answer, &org::admins(ORG));
        let _ = result(&answer, &org::all_spaces(ORG));
        let _ = result(&answer, &org_member::list(ORG, Page::FIRST));
        let _ = result(&answer, &org_member::space_memberships(ORG, USER));
        let _ = result(&answer, &org_member::end_member_info(ORG, USER));
        let _ = result(&answer, &space_member::list(SpaceId(2)));
        let _ = result(&answer, &hook::list(hook::HookTarget::App(1)));
        let _ = result(&answer, &profile::get());
        if let Err(error) = result(&answer, &org_member::get(ORG, USER)) {
            let _ = (format!("{error} {error:?}"), error.code(), error.description());
            prop_assert!(error != Error::NotFound(NotFoundKind::Object) || says_not_found(&answer));
        }
        prop_assert!(result(&answer, &org_member::remove(ORG, USER)).is_err() || answer.status.is_success() || answer.status == 304);
    }

    #[test]
    fn a_preview_is_never_empty_by_accident(json in json()) {
        let lists = ["to_remove", "to_promote", "to_delete"];
        if org_member::end_member_info(ORG, USER).decode(json.to_string().as_bytes()).is_ok() {
            prop_assert!(lists.iter().any(|key| json[key].is_array()), "{json}");
        }
    }
}
