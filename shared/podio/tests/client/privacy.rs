//! No log line can name a person or hold a secret: `Debug` and `Display` leave them out.

use podio_client::{Page, hook, org, org_member, profile, space_member, user};
use podio_lifecycle::ids::{OrgId, SpaceId, UserId};

use crate::stub::{Stub, answer, refusal};

const MEMBER: &str =
    r#"{"user": {"user_id": 3, "mail": "jane@example.com", "name": "Jane"}, "profile": {"name": "Jane"}}"#;

fn is_discreet(shown: &str) {
    for private in ["jane", "Jane", "t0ken", "k3y"] {
        assert!(!shown.contains(private), "{private} in {shown}");
    }
}

#[tokio::test]
async fn an_exchange_shows_no_address() {
    let podio = Stub::answering([
        answer(200, MEMBER),
        refusal(403, "forbidden", "jane@example.com may not"),
        answer(200, "[]"),
    ])
    .await;
    let by_mail = org_member::by_mail(OrgId(1), "jane@example.com");
    is_discreet(&format!("{by_mail:?}"));
    is_discreet(&format!("{:?}", podio.send(&by_mail).await));
    let refused = podio.send(&by_mail).await;
    is_discreet(&format!("{refused:?} {}", refused.result.as_ref().unwrap_err()));
    assert_eq!(refused.receipt.path, "/org/1/member/mail/jane@example.com");
    let search = org_member::search(OrgId(1), "jane", Page::FIRST);
    is_discreet(&format!("{search:?} {:?}", podio.send(&search).await));
}

#[test]
fn a_model_shows_no_name_no_address_and_no_key() {
    let member = MEMBER.as_bytes();
    is_discreet(&format!("{:?}", org_member::get(OrgId(1), UserId(3)).decode(member).unwrap()));
    is_discreet(&format!("{:?}", space_member::get(SpaceId(2), UserId(3)).decode(member).unwrap()));
    is_discreet(&format!("{:?}", user::own().decode(member).unwrap()));
    let admins = format!("[{MEMBER}]");
    is_discreet(&format!("{:?}", org::admins(OrgId(1)).decode(admins.as_bytes()).unwrap()));
    is_discreet(&format!("{:?}", profile::get().decode(br#"{"user_id": 3, "name": "Jane"}"#).unwrap()));
    is_discreet(&format!("{:?}", profile::ProfileChanges::new().text(profile::TextField::Name, Some("Jane"))));
    let hooks = br#"[{"hook_id": 4, "status": "active", "type": "item.create", "url": "https://x/k3y"}]"#;
    is_discreet(&format!("{:?}", hook::list(hook::HookTarget::App(1)).decode(hooks).unwrap()));
    let invitation = space_member::Invitation {
        role: podio_client::Role::Regular,
        users: vec![],
        mails: vec!["jane@example.com".into()],
        message: Some("Hi Jane".into()),
    };
    is_discreet(&format!("{invitation:?}"));
}

#[test]
fn a_decode_error_quotes_nothing() {
    let wrong = br#"{"user": {"user_id": "jane@example.com"}}"#;
    let error = org_member::get(OrgId(1), UserId(3)).decode(wrong).unwrap_err();
    is_discreet(&format!("{error:?} {error}"));
    assert_eq!(error.json_path, "user.user_id");
}

#[tokio::test]
async fn the_client_shows_no_token() {
    let podio = Stub::answering([answer(200, MEMBER)]).await;
    podio.send(&user::own()).await.result.unwrap();
    is_discreet(&format!("{:?}", podio.podio));
}
