//! What ends with a membership, in both profiles and under the switches that decide it.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod support;

use podio_sandbox::population::{ACTING_ADMIN, LAST_ADMIN, LEAVER, ORG_ID, SOLE_MEMBER};
use podio_sandbox::state::SpaceRole;
use podio_sandbox::{Effect, Profile, Request};
use serde_json::json;
use support::Desk;

fn member(user: impl std::fmt::Display) -> String {
    format!("/org/{ORG_ID}/member/{user}")
}

#[test]
fn an_org_delete_deletes_the_space_that_nobody_else_is_in() {
    let mut desk = Desk::new(Profile::Documented);
    let leaver = desk.who(SOLE_MEMBER);
    let preview = desk.get(&format!("{}/end_member_info", member(leaver)));
    let doomed = preview["to_delete"][0]["space"]["space_id"].as_u64().unwrap();
    assert_eq!(preview["to_remove"].as_array().unwrap().len(), 2, "the list of all names the doomed one too");

    assert_eq!(desk.status("DELETE", &member(leaver)), 200);

    let deleted = |effect: &&Effect| matches!(effect, Effect::SpaceDeleted { .. });
    let effects = desk.effects();
    let deleted: Vec<_> = effects.iter().filter(deleted).collect();
    assert!(matches!(deleted[..], [Effect::SpaceDeleted { space_id }] if space_id.0 == doomed));
    assert_eq!(desk.status("GET", &format!("/space/{doomed}")), 404);
    assert!(desk.spaces_of(leaver).is_empty());
}

#[test]
fn an_org_delete_promotes_a_stranger_where_the_last_admin_leaves() {
    for (switch, promoted) in [("promotion=longest-member", 1), ("promotion=everybody", 3)] {
        let mut desk = Desk::with(Profile::Documented, &[switch]);
        let leaver = desk.who(LAST_ADMIN);
        let preview = desk.get(&format!("{}/end_member_info", member(leaver)));
        let space = preview["to_promote"][0]["space"]["space_id"].as_u64().unwrap();

        desk.call("DELETE", &member(leaver));

        let promotions = desk.effects();
        let promotions = promotions
            .iter()
            .filter(|effect| matches!(effect, Effect::SpaceAdminPromoted { space_id, .. } if space_id.0 == space));
        assert_eq!(promotions.count(), promoted, "{switch}");
    }
}

#[test]
fn in_the_guide_an_org_delete_leaves_the_spaces_alone() {
    let mut desk = Desk::new(Profile::Guide);
    let leaver = desk.who(SOLE_MEMBER);
    let before = desk.spaces_of(leaver);
    assert_eq!(desk.status("DELETE", &member(leaver)), 204);
    assert_eq!(desk.effects(), [Effect::OrgMembershipEnded { org_id: ORG_ID, user_id: leaver }]);
    assert_eq!(desk.spaces_of(leaver), before);
    assert_eq!(desk.status("GET", &format!("{}/end_member_info", member(leaver))), 404);
}

#[test]
fn the_last_admin_of_a_space_is_refused_removed_or_replaced() {
    for (switch, status, promoted) in [
        ("last-space-admin=refused", 403, false),
        ("last-space-admin=allowed", 204, false),
        ("last-space-admin=promotes", 204, true),
    ] {
        let mut desk = Desk::with(Profile::Guide, &[switch]);
        let leaver = desk.who(LAST_ADMIN);
        let own = |space: &podio_sandbox::SpaceId| desk.state.spaces[space].loses_last_admin(&[leaver]);
        let space = desk.spaces_of(leaver).into_iter().find(own).unwrap();
        assert_eq!(desk.status("DELETE", &format!("/space/{space}/member/{leaver}")), status, "{switch}");
        let admins = desk.state.spaces[&space].active_members().filter(|(_, member)| member.role == SpaceRole::Admin);
        let stranger = admins.filter(|(user, _)| *user != leaver).count() == 1;
        assert_eq!(stranger, promoted, "{switch}");
    }
}

#[test]
fn the_last_org_admin_is_refused_or_let_go() {
    for (switch, status) in [
        ("last-org-admin=refused-forbidden", 403),
        ("last-org-admin=refused-conflict", 409),
        ("last-org-admin=allowed", 200),
    ] {
        let mut desk = Desk::with(Profile::Documented, &[switch]);
        let acting = desk.who(ACTING_ADMIN);
        assert_eq!(desk.status("DELETE", &member(acting)), status, "{switch}");
        assert_eq!(desk.effects().is_empty(), status != 200, "a refusal changes nothing");
    }
}

#[test]
fn leaving_the_last_space_may_end_the_org_membership() {
    for (switch, gone) in
        [("last-space-removal=ends-org-membership", true), ("last-space-removal=keeps-org-membership", false)]
    {
        let mut desk = Desk::with(Profile::Documented, &[switch]);
        let leaver = desk.who(LEAVER);
        for space in desk.spaces_of(leaver) {
            assert_eq!(desk.status("DELETE", &format!("/space/{space}/member/{leaver}")), 200);
        }
        assert_eq!(desk.status("GET", &member(leaver)), if gone { 404 } else { 200 }, "{switch}");
    }
}

#[test]
fn the_employee_network_may_outlive_the_org_membership() {
    for (switch, left) in [("employee-network=survives", 1), ("employee-network=ended", 0)] {
        let mut desk = Desk::with(Profile::Documented, &[switch]);
        let leaver = desk.who(LEAVER);
        assert_eq!(desk.get(&member(leaver))["spaces"]["started"], 5, "the network is not counted");
        desk.call("DELETE", &member(leaver));
        assert_eq!(desk.spaces_of(leaver).len(), left, "{switch}");
    }
}

#[test]
fn what_a_removed_member_looks_like_is_a_switch() {
    for (switch, status) in [("not-found", 404), ("forbidden", 403), ("ended", 200)] {
        let (org, space) = (format!("removed-org-member={switch}"), format!("removed-space-member={switch}"));
        let mut desk = Desk::with(Profile::Documented, &[&org, &space]);
        let leaver = desk.who(LEAVER);
        let space = desk.spaces_of(leaver)[0];
        desk.call("DELETE", &member(leaver));
        let of_org = desk.call("GET", &member(leaver));
        let of_space = desk.call("GET", &format!("/space/{space}/member/{leaver}"));
        assert_eq!((of_org.status, of_space.status), (status, status));
        if status == 200 {
            assert!(of_org.value()["ended_on"].is_string() && of_space.value()["ended_on"].is_string());
        }
        assert_eq!(desk.status("GET", &format!("/org/{ORG_ID}/member/mail/{LEAVER}")), 404);
        let ended = desk.get(&format!("/space/{space}/member/ended/"));
        assert_eq!(ended[0]["user"]["user_id"], json!(leaver));
    }
}

#[test]
fn the_second_delete_and_the_answer_to_the_first_are_switches() {
    for (second, status) in [("not-found", 404), ("forbidden", 403), ("no-content", 204)] {
        for (first, first_status, first_body) in
            [("no-content", 204, ""), ("empty-object", 200, "{}"), ("empty-body", 200, "")]
        {
            let (second, first) = (format!("second-delete={second}"), format!("write-answer={first}"));
            let mut desk = Desk::with(Profile::Guide, &[&second, &first]);
            let target = member(desk.who(LEAVER));
            let answer = desk.call("DELETE", &target);
            assert_eq!((answer.status, answer.body.as_slice()), (first_status, first_body.as_bytes()));
            let again = desk.status("DELETE", &target);
            assert_eq!(again, if status == 204 { first_status } else { status });
            assert!(desk.effects().is_empty());
        }
    }
}

#[test]
fn several_people_leave_a_space_in_one_call_where_that_is_taken() {
    for (switch, status) in [
        ("plural-user-ids=accepted", 200),
        ("plural-user-ids=all-members", 200),
        ("plural-user-ids=invalid-value", 400),
        ("plural-user-ids=no-operation", 404),
    ] {
        let mut desk = Desk::with(Profile::Documented, &[switch]);
        let (one, other) = (desk.who(LEAVER), desk.who(SOLE_MEMBER));
        let space = desk.spaces_of(one)[0];
        let add = Request::new("POST", &format!("/space/{space}/member/")).json(&json!({"users": [other]}));
        assert_eq!(desk.send(add).status, 200);
        assert_eq!(desk.status("DELETE", &format!("/space/{space}/member/{one},{other}")), status, "{switch}");
        let ended = |effect: &Effect| matches!(effect, Effect::SpaceMembershipEnded { .. });
        assert_eq!(desk.effects().into_iter().filter(ended).count(), if status == 200 { 2 } else { 0 });
    }
}

#[test]
fn a_list_may_be_read_as_its_first_number_or_refused_for_one_who_is_not_a_member() {
    for (switch, status, ended) in [
        ("plural-user-ids=first-only", 200, vec![LEAVER]),
        ("plural-user-ids=accepted", 200, vec![LEAVER]),
        ("plural-user-ids=all-members", 404, vec![]),
    ] {
        let mut desk = Desk::with(Profile::Documented, &[switch]);
        let (one, stranger) = (desk.who(LEAVER), desk.who(SOLE_MEMBER));
        let space = desk.spaces_of(one)[0];
        assert_eq!(desk.status("DELETE", &format!("/space/{space}/member/{one},{stranger}")), status, "{switch}");
        let ended = ended.into_iter().map(|mail| desk.who(mail));
        let expected: Vec<Effect> =
            ended.map(|user_id| Effect::SpaceMembershipEnded { space_id: space, user_id }).collect();
        assert_eq!(desk.effects(), expected, "{switch}");
    }
}

#[test]
fn an_org_admin_may_be_shut_out_of_spaces_they_are_not_in() {
    for (switch, status) in
        [("org-admin-in-foreign-spaces=allowed", 200), ("org-admin-in-foreign-spaces=forbidden", 403)]
    {
        let mut desk = Desk::with(Profile::Documented, &[switch]);
        let (acting, leaver) = (desk.who(ACTING_ADMIN), desk.who(LEAVER));
        let foreign = |space: &podio_sandbox::SpaceId| desk.state.spaces[space].active_member(acting).is_none();
        let space = desk.spaces_of(leaver).into_iter().find(foreign).unwrap();
        assert_eq!(desk.status("DELETE", &format!("/space/{space}/member/{leaver}")), status, "{switch}");
        assert_eq!(desk.status("DELETE", &member(leaver)), 200, "the org does not depend on it");
    }
}
