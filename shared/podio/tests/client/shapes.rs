//! Answers in every shape that the documentation, Podio's own clients and the guide know.

use podio_client::{
    DecodeFault, Request, Role, hook,
    hook::{HookStatus, HookTarget},
    org, org_member,
    org_member::OrgMember,
    profile, space_member, user,
};
use podio_lifecycle::ids::{HookId, OrgId, SpaceId, UserId};
use serde_json::{Value, json};

const ORG: OrgId = OrgId(1);
const SPACE: SpaceId = SpaceId(2);
const USER: UserId = UserId(3);

fn read<T>(request: &Request<T>, body: Value) -> T {
    match request.decode(body.to_string().as_bytes()) {
        Ok(value) => value,
        Err(error) => panic!("{error} in {body}"),
    }
}

fn fails<T>(request: &Request<T>, body: Value) -> String {
    match request.decode(body.to_string().as_bytes()) {
        Ok(_) => panic!("{body} was read"),
        Err(error) => {
            assert_eq!(error.fault, DecodeFault::Shape, "{body}");
            error.json_path
        }
    }
}

fn member(body: Value) -> OrgMember {
    read(&org_member::get(ORG, USER), body)
}

#[test]
fn a_nested_member_is_read_as_documented() {
    let jane = member(json!({
        "user": {"user_id": 3, "mail": "jane@example.com", "status": "active",
                 "mails": [{"mail": "JANE@example.com", "verified": true, "primary": true, "disabled": false},
                           {"mail": "j@example.com", "verified": true}]},
        "profile": {"user_id": 3, "profile_id": 77, "name": "Jane Doe", "mail": ["jane@home.example"],
                    "last_seen_on": "2026-03-01 09:30:00", "avatar": 5},
        "employee": true, "role": "regular", "tier": "premium", "space_memberships": 12,
        "spaces": {"invited": 1, "started": 11}, "something_new": {"x": []},
    }));
    assert_eq!(jane.user_id, USER);
    assert_eq!(jane.account_mails, ["jane@example.com", "j@example.com"]);
    assert_eq!(jane.profile_mails, ["jane@home.example"]);
    assert_eq!(jane.name.as_deref(), Some("Jane Doe"));
    assert_eq!((jane.role.clone(), jane.employee, jane.space_memberships), (Some(Role::Regular), Some(true), Some(12)));
    assert_eq!((jane.tier.as_deref(), jane.account_status.as_deref()), (Some("premium"), Some("active")));
    assert_eq!(jane.spaces.map(|spaces| (spaces.invited, spaces.started)), Some((1, 11)));
    assert_eq!(jane.last_seen_on, "2026-03-01T09:30:00Z".parse().ok());
    assert!(jane.has_account_mail("Jane@Example.com "));
    assert!(!jane.has_account_mail("jane@home.example"), "an address that people choose to show is no identity");
}

#[test]
fn a_flat_member_is_read_as_the_guide_has_it() {
    let jane = member(json!({
        "user_id": "3", "role": "admin", "name": "Jane", "last_seen_on": "2026-03-01T10:30:00+01:00",
        "mail": [{"type": "work", "mail": "jane@example.com"}], "profile": {"name": "Jane Doe"},
    }));
    assert_eq!((jane.user_id, jane.role), (USER, Some(Role::Admin)));
    assert_eq!(jane.account_mails, ["jane@example.com"]);
    assert_eq!(jane.name.as_deref(), Some("Jane Doe"));
    assert_eq!(jane.last_seen_on, "2026-03-01T09:30:00Z".parse().ok());
    assert_eq!(member(json!({"user_id": 3, "mail": ["a@x", "b@x"]})).account_mails, ["a@x", "b@x"]);
    assert_eq!(member(json!({"user_id": 3, "mail": "a@x"})).account_mails, ["a@x"]);
}

#[test]
fn little_is_known_of_service_users_and_of_the_invited() {
    for body in [
        json!({"user": {"user_id": 3}, "profile": null, "employee": null, "role": null}),
        json!({"user": null, "profile": {"user_id": 3, "mail": null, "name": ""}, "role": ""}),
        json!({"user": {"user_id": "3"}, "profile": {"user_id": 3}, "role": 7, "space_memberships": "many"}),
    ] {
        let member = member(body);
        assert_eq!((member.user_id, member.role, member.name), (USER, None, None));
        assert_eq!(member.space_memberships, None);
    }
    let other = member(json!({"user_id": 3, "role": "service_user"}));
    assert_eq!(other.role, Some(Role::Other("service_user".into())));
}

#[test]
fn an_address_that_is_not_verified_is_not_the_accounts() {
    let member = member(json!({"user": {"user_id": 3, "mails": [
        {"mail": "boss@example.com", "verified": false}, {"mail": "old@example.com", "disabled": true},
        {"mail": "own@example.com"}]}}));
    assert_eq!(member.account_mails, ["own@example.com"]);
}

#[test]
fn a_member_without_a_certain_id_is_no_member() {
    let request = org_member::list(ORG, podio_client::Page::FIRST);
    let entries = json!([
        {"user_id": 3}, {"user": {"mail": "a@x"}, "profile": null}, {"user": {"user_id": 3}, "profile": {"user_id": 4}},
        {"user": {"user_id": -3}}, {"user": null, "profile": null, "role": "regular"}, null,
    ]);
    let ids: Vec<_> = read(&request, entries).iter().map(|entry| entry.member().map(|member| member.user_id)).collect();
    assert_eq!(ids, [Some(UserId(3)), None, None, None, None, None], "and hides nobody else");
    for other in [json!([[3]]), json!([{"user_id": 3}, 4]), json!(["jane"])] {
        fails(&request, other);
    }
    fails(&request, json!({"members": []}));
    assert!(read(&request, json!([])).is_empty());
}

#[test]
fn a_space_membership_is_nested_or_flat_and_may_hide_its_name() {
    let request = org_member::space_memberships(ORG, USER);
    let [nested, hidden, flat] = read(
        &request,
        json!([
            {"space": {"space_id": 10, "name": "Sales", "type": "regular", "role": "admin"}, "role": "regular", "grants": 2},
            {"space": {"space_id": "11"}, "role": "light", "grants": null},
            {"space_id": 12, "name": "Ops", "role": "admin"},
        ]),
    )
    .try_into()
    .unwrap();
    assert_eq!((nested.space_id, nested.name.as_deref(), nested.grants), (SpaceId(10), Some("Sales"), Some(2)));
    assert_eq!(nested.role, Some(Role::Regular), "the role inside the space would be the caller's");
    assert_eq!(nested.kind.as_deref(), Some("regular"));
    assert_eq!((hidden.space_id, hidden.name, hidden.role), (SpaceId(11), None, Some(Role::Light)));
    assert_eq!((flat.space_id, flat.name.as_deref(), flat.role), (SpaceId(12), Some("Ops"), Some(Role::Admin)));

    assert_eq!(fails(&request, json!([{"role": "admin"}])), "[0]");
    assert_eq!(fails(&request, json!([{"space": null}])), "[0]");
    assert_eq!(fails(&request, json!([{"space": {"space_id": 1}, "space_id": 2}])), "[0]");
    fails(&request, json!({"spaces": []}));
}

#[test]
fn a_preview_may_lack_a_list_but_not_all_of_them() {
    let request = org_member::end_member_info(ORG, USER);
    let preview = read(
        &request,
        json!({"to_remove": [{"space": {"space_id": 10}, "role": "regular", "grants": 0}], "to_promote": null,
               "to_delete": [{"space": {"space_id": 11, "name": "Mine"}, "role": "admin"}]}),
    );
    assert_eq!(preview.to_remove[0].space_id, SpaceId(10));
    assert_eq!(preview.to_delete[0].name.as_deref(), Some("Mine"));
    assert!(preview.to_promote.is_empty());
    assert!(read(&request, json!({"to_delete": []})).to_delete.is_empty());

    for wrong in [
        json!({}),
        json!([]),
        json!([[]]),
        json!([[], [], []]),
        json!(null),
        json!({"remove": []}),
        json!({"to_remove": null, "to_promote": null, "to_delete": null}),
        json!({"to_delete": {}}),
        json!({"to_delete": 0}),
        json!({"to_delete": [11]}),
    ] {
        fails(&request, wrong);
    }
}

#[test]
fn a_space_member_may_have_left() {
    let request = space_member::get(SPACE, USER);
    let past = read(
        &request,
        json!({"user": {"user_id": 3, "name": "Jane"}, "role": "regular", "invited_on": "2025-01-01 00:00:00",
               "started_on": "2025-01-02 00:00:00", "ended_on": "2026-03-01 09:30:00"}),
    );
    assert_eq!(past.ended_on, "2026-03-01T09:30:00Z".parse().ok());
    assert!(!past.is_current());
    for current in
        [json!({"user_id": 3, "role": "regular"}), json!({"profile": {"user_id": 3}, "ended_on": null, "grants": 1})]
    {
        assert!(read(&request, current).is_current());
    }
    // Whether they are still there hangs on it, so it may not be guessed.
    assert_eq!(fails(&request, json!({"user_id": 3, "ended_on": "recently"})), "ended_on");
    assert_eq!(read(&request, json!({"user_id": 3, "invited_on": "recently"})).invited_on, None);
}

#[test]
fn organizations_come_with_their_spaces() {
    let orgs = read(
        &org::list(),
        json!([{"org_id": 1, "name": "Acme", "role": "admin", "status": "active", "type": "premium", "url": "https://…",
                "spaces": [{"space_id": 10, "name": "Sales", "role": "admin"}, {"space_id": 11}]},
               {"org_id": "2", "spaces": null}]),
    );
    assert_eq!((orgs[0].org_id, orgs[0].role.clone()), (ORG, Some(Role::Admin)));
    assert_eq!(orgs[0].spaces.iter().map(|space| space.space_id.0).collect::<Vec<_>>(), [10, 11]);
    assert_eq!((orgs[1].org_id, orgs[1].name.as_deref(), orgs[1].spaces.len()), (OrgId(2), None, 0));
    assert_eq!(fails(&org::list(), json!([{"org_id": 1, "spaces": [{"space_id": 1}, {}]}])), "[0].spaces[1]");

    let spaces = read(&org::all_spaces(ORG), json!([{"space_id": 10, "name": null, "type": "emp_network"}]));
    assert_eq!((spaces[0].name.as_deref(), spaces[0].kind.as_deref()), (None, Some("emp_network")));

    let admins = read(
        &org::admins(ORG),
        json!([{"user_id": 3, "name": "Jane", "mail": ["a@x"]}, {"profile": {"user_id": 4}}, {"user": {"user_id": 5}}]),
    );
    assert_eq!(admins.iter().map(|admin| admin.user_id.0).collect::<Vec<_>>(), [3, 4, 5]);
}

#[test]
fn the_account_is_bare_or_within_its_status() {
    let account =
        json!({"user_id": 3, "mail": "jane@example.com", "status": "active", "created_on": "2020-01-01 00:00:00"});
    let own = read(&user::own(), account.clone());
    let within =
        read(&user::status(), json!({"user": account, "profile": {"name": "Jane"}, "calendar_code": "x", "flags": []}));
    assert_eq!((own.user_id, own.mails.as_slice()), (USER, ["jane@example.com".to_owned()].as_slice()));
    assert_eq!((within.user_id, within.mails, within.status.as_deref()), (USER, own.mails, Some("active")));
}

#[test]
fn hooks_tell_their_state() {
    let hooks = read(
        &hook::list(HookTarget::Space(SPACE)),
        json!([{"hook_id": 4, "status": "active", "type": "item.create", "url": "https://a", "created_by": {}},
               {"hook_id": "5", "status": "inactive", "type": "member.remove", "url": "https://b"},
               {"hook_id": 6, "type": "x", "url": "https://c"}]),
    );
    assert_eq!(
        (hooks[0].hook_id, hooks[0].event.as_str(), hooks[0].url.as_str()),
        (HookId(4), "item.create", "https://a")
    );
    let states: Vec<_> = hooks.into_iter().map(|hook| hook.status).collect();
    assert_eq!(states, [HookStatus::Active, HookStatus::Inactive, HookStatus::Other(String::new())]);

    let create = hook::create(HookTarget::App(9), "item.create", "https://a");
    assert_eq!(read(&create, json!({"hook_id": 4})).hook_id, HookId(4));
    fails(&create, json!({}));
    fails(&create, json!([4]));
}

#[test]
fn a_profile_holds_texts_and_lists() {
    let own = read(
        &profile::get(),
        json!({"user_id": 3, "profile_id": 77, "name": "Jane", "department": null, "title": ["Lead", null], "phone": "1", "avatar": 5}),
    );
    assert_eq!(own.user_id, Some(USER));
    assert_eq!(own.text(profile::TextField::Name), Some("Jane"));
    assert_eq!(own.text(profile::TextField::Department), None);
    assert_eq!(own.list(profile::ListField::Title), ["Lead"]);
    assert_eq!(own.list(profile::ListField::Phone), ["1"]);
    assert!(own.list(profile::ListField::Mail).is_empty());
}
