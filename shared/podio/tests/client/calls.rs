//! Each call goes out with the documented method, the path exact to the slash, integers for ids, and a body where
//! Podio wants one.

use podio_client::{
    AccessToken, Error, Page, Request, Role, hook, hook::HookTarget, org, org_member, profile, space_member,
    space_member::Invitation, user,
};
use podio_lifecycle::ids::{HookId, OrgId, SpaceId, UserId};
use serde_json::{Value, json};

use crate::stub::{Stub, answer, token};

const ORG: OrgId = OrgId(1);
const SPACE: SpaceId = SpaceId(2);
const USER: UserId = UserId(3);
const HOOK: HookId = HookId(4);
const SECOND_PAGE: Page = Page { limit: 100, offset: 100 };

/// Method, path with query, route, body.
type Row = (&'static str, &'static str, &'static str, Option<Value>);

/// The same of a request.
type Shown = (String, String, &'static str, Option<Value>);

fn shown<T>(request: Request<T>) -> Shown {
    (request.method().to_string(), request.path_and_query(), request.route(), request.body().cloned())
}

#[test]
fn each_call_has_its_documented_form() {
    let invitation =
        Invitation { role: Role::Regular, users: vec![USER], mails: vec!["new@example.com".into()], message: None };
    let changes = profile::ProfileChanges::new()
        .text(profile::TextField::Department, Some("Sales"))
        .text(profile::TextField::About, None)
        .list(profile::ListField::Title, &["Lead"])
        .list(profile::ListField::Phone, &[]);
    let space = HookTarget::Space(SPACE);
    let table: Vec<(Shown, Row)> = vec![
        (shown(user::own()), ("GET", "/user/", "/user/", None)),
        (shown(user::status()), ("GET", "/user/status", "/user/status", None)),
        (shown(org::list()), ("GET", "/org/", "/org/", None)),
        (shown(org::get(ORG)), ("GET", "/org/1", "/org/{org_id}", None)),
        (shown(org::admins(ORG)), ("GET", "/org/1/admin/", "/org/{org_id}/admin/", None)),
        (shown(org::all_spaces(ORG)), ("GET", "/org/1/all_spaces/", "/org/{org_id}/all_spaces/", None)),
        (shown(org::spaces(ORG)), ("GET", "/org/1/space/", "/org/{org_id}/space/", None)),
        (shown(org_member::get(ORG, USER)), ("GET", "/org/1/member/3", "/org/{org_id}/member/{user_id}", None)),
        (
            shown(org_member::by_mail(ORG, "jane+hr@example.com")),
            ("GET", "/org/1/member/mail/jane%2Bhr@example.com", "/org/{org_id}/member/mail/{mail}", None),
        ),
        (
            shown(org_member::list(ORG, SECOND_PAGE)),
            ("GET", "/org/1/member/?limit=100&offset=100", "/org/{org_id}/member/", None),
        ),
        (
            shown(org_member::search(ORG, "jane+hr@example.com", Page { limit: 9_999, offset: 0 })),
            ("GET", "/org/1/member/?limit=500&offset=0&query=jane%2Bhr%40example.com", "/org/{org_id}/member/", None),
        ),
        (
            shown(org_member::list_longest_unseen(ORG, Page { limit: 0, offset: 0 })),
            ("GET", "/org/1/member/?limit=1&offset=0&sort_by=last_seen_on&sort_desc=0", "/org/{org_id}/member/", None),
        ),
        (
            shown(org_member::space_memberships(ORG, USER)),
            ("GET", "/org/1/member/3/space_member/", "/org/{org_id}/member/{user_id}/space_member/", None),
        ),
        (
            shown(org_member::end_member_info(ORG, USER)),
            ("GET", "/org/1/member/3/end_member_info", "/org/{org_id}/member/{user_id}/end_member_info", None),
        ),
        (shown(org_member::remove(ORG, USER)), ("DELETE", "/org/1/member/3", "/org/{org_id}/member/{user_id}", None)),
        (shown(space_member::list(SPACE)), ("GET", "/space/2/member/", "/space/{space_id}/member/", None)),
        (
            shown(space_member::list_v2(SPACE, SECOND_PAGE)),
            ("GET", "/space/2/member/v2/?limit=100&offset=100", "/space/{space_id}/member/v2/", None),
        ),
        (
            shown(space_member::list_ended(SPACE)),
            ("GET", "/space/2/member/ended/", "/space/{space_id}/member/ended/", None),
        ),
        (
            shown(space_member::get(SPACE, USER)),
            ("GET", "/space/2/member/3", "/space/{space_id}/member/{user_id}", None),
        ),
        (
            shown(space_member::remove(SPACE, USER)),
            ("DELETE", "/space/2/member/3", "/space/{space_id}/member/{user_ids}", None),
        ),
        (
            shown(space_member::remove_many(SPACE, USER, &[UserId(5), USER, UserId(6)])),
            ("DELETE", "/space/2/member/3,5,6", "/space/{space_id}/member/{user_ids}", None),
        ),
        (
            shown(space_member::add(SPACE, &invitation)),
            (
                "POST",
                "/space/2/member/",
                "/space/{space_id}/member/",
                Some(json!({"role": "regular", "users": [3], "mails": ["new@example.com"]})),
            ),
        ),
        (
            shown(hook::create(space, "member.remove", "https://hooks.example.com/k")),
            (
                "POST",
                "/hook/space/2/",
                "/hook/{ref_type}/{ref_id}/",
                Some(json!({"url": "https://hooks.example.com/k", "type": "member.remove"})),
            ),
        ),
        (shown(hook::list(HookTarget::AppField(8))), ("GET", "/hook/app_field/8/", "/hook/{ref_type}/{ref_id}/", None)),
        (
            shown(hook::request_verification(HOOK)),
            ("POST", "/hook/4/verify/request", "/hook/{hook_id}/verify/request", Some(json!({}))),
        ),
        (
            shown(hook::validate(HOOK, "b9079247")),
            ("POST", "/hook/4/verify/validate", "/hook/{hook_id}/verify/validate", Some(json!({"code": "b9079247"}))),
        ),
        (shown(hook::delete(HOOK)), ("DELETE", "/hook/4", "/hook/{hook_id}", None)),
        (shown(profile::get()), ("GET", "/user/profile/", "/user/profile/", None)),
        (
            shown(profile::update(&changes)),
            (
                "PUT",
                "/user/profile/",
                "/user/profile/",
                Some(json!({"department": "Sales", "about": null, "title": ["Lead"], "phone": null})),
            ),
        ),
    ];
    for ((method, path, route, body), expected) in table {
        assert_eq!((method.as_str(), path.as_str(), route, body), expected);
    }
}

#[tokio::test]
async fn what_is_written_down_is_what_arrives() {
    // Given an address with characters that a URL would read as its own
    let address = "jäne/../+hr?x=1#y%2F@example.com";
    let podio = Stub::answering([answer(200, r#"{"user": {"user_id": 3}}"#)]).await;
    let request = org_member::by_mail(ORG, address);
    // When it is looked up
    let exchange = podio.send(&request).await;
    // Then it arrives as one segment, exactly as the receipt says
    let arrived = podio.arrivals().remove(0);
    assert_eq!(arrived.uri.to_string(), exchange.receipt.path);
    assert_eq!(arrived.uri.path().matches('/').count(), 5);
    assert_eq!(exchange.result.unwrap().user_id, USER);
}

#[tokio::test]
async fn the_token_travels_in_the_header_and_the_body_as_json() {
    let podio = Stub::answering([answer(204, ""), answer(204, "")]).await;
    podio.send(&hook::validate(HOOK, "code")).await.result.unwrap();
    podio.send(&space_member::remove(SPACE, USER)).await.result.unwrap();

    let [post, delete] = podio.arrivals().try_into().ok().unwrap();
    assert_eq!(post.method, "POST");
    assert_eq!(post.headers["authorization"], "OAuth2 t0ken");
    assert_eq!(post.headers["content-type"], "application/json");
    assert_eq!(post.headers["accept-language"], "en");
    assert!(post.headers["user-agent"].to_str().unwrap().starts_with("podio-lifecycle/"));
    assert_eq!(post.body, r#"{"code":"code"}"#);
    assert_eq!(delete.method, "DELETE");
    assert!(delete.body.is_empty());
}

#[tokio::test]
async fn an_address_of_dots_would_become_another_call_and_is_not_sent() {
    let podio = Stub::answering([]).await;
    for dots in [".", ".."] {
        let exchange = podio.send(&org_member::by_mail(ORG, dots)).await;
        assert_eq!(exchange.result, Err(Error::Unsendable));
        assert_eq!(exchange.receipt.status, None);
    }
    let exchange = podio.podio.send(&AccessToken::new("two\nlines"), &user::own()).await;
    assert_eq!(exchange.result, Err(Error::Unsendable));
    assert!(podio.arrivals().is_empty());
}

#[tokio::test]
async fn a_base_with_a_path_is_kept() {
    let stub = Stub::answering([answer(200, r#"{"user_id": 3}"#)]).await;
    let first = stub.podio.send(&token(), &user::own()).await;
    assert!(first.result.is_ok());
    let authority = stub.arrivals().remove(0).headers["host"].to_str().unwrap().to_owned();

    let nested = crate::stub::client(&format!("http://{authority}/podio/"));
    let _ = nested.send(&token(), &user::own()).await;
    assert_eq!(stub.arrivals().remove(0).uri, "/podio/user/");
}
