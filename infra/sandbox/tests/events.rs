//! The hooks of the sandbox's own changes: what is told of which change, and how deliveries may be twisted.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod support;

use podio_sandbox::population::{LEAVER, ORG_ID};
use podio_sandbox::state::{Delivery, FieldKind, HookRef, NewField, SpaceKind, SpaceRole};
use podio_sandbox::{Profile, Request, SpaceId, UserId};
use serde_json::json;
use support::Desk;

fn hook(desk: &mut Desk, ref_type: &str, ref_id: u64, event: &str) {
    let on = HookRef { ref_type: ref_type.to_owned(), ref_id };
    let hook_id = desk.state.create_hook(desk.now, on, "http://127.0.0.1/h", event, UserId(1));
    desk.state.hooks.all.get_mut(&hook_id).unwrap().active = true;
}

/// What arrives by the end of the second: `type name=value …`, without the hook's id.
fn arrived(desk: &mut Desk) -> Vec<String> {
    desk.wait(1);
    let told = |delivery: Delivery| {
        let fields = delivery.form.iter().filter(|(name, _)| name != "hook_id");
        let fields = fields.map(|(name, value)| if name == "type" { value.clone() } else { format!("{name}={value}") });
        fields.collect::<Vec<_>>().join(" ")
    };
    desk.state.hooks.take_due(desk.now).into_iter().map(told).collect()
}

fn space(desk: &Desk) -> SpaceId {
    desk.state.spaces_of_org(ORG_ID).next().unwrap().0
}

#[test]
fn a_population_that_nobody_hooks_tells_nothing() {
    let desk = Desk::new(Profile::Guide);
    assert_eq!(desk.state.hooks.next_due(), None);
}

#[test]
fn a_space_tells_of_members_and_apps_that_come_by_any_way() {
    let mut desk = Desk::new(Profile::Documented);
    let jane = desk.who(LEAVER);
    let theirs = desk.spaces_of(jane);
    let space = desk.state.spaces_of_org(ORG_ID).map(|(space, _)| space).find(|space| !theirs.contains(space)).unwrap();
    for event in ["member.add", "member.remove", "app.create", "space.update"] {
        hook(&mut desk, "space", space.0, event);
        hook(&mut desk, "space", theirs[0].0, event);
    }
    // By routes …
    let body = json!({"mails": [LEAVER]});
    assert_eq!(desk.send(Request::new("POST", &format!("/space/{space}/member/")).json(&body)).status, 200);
    assert_eq!(arrived(&mut desk), [format!("member.add user_id={jane}")]);
    assert_eq!(desk.send(Request::new("POST", &format!("/space/{space}/member/")).json(&body)).status, 200);
    assert_eq!(arrived(&mut desk), [""; 0], "who is in cannot come in");
    assert_eq!(desk.status("DELETE", &format!("/space/{space}/member/{jane}")), 200);
    assert_eq!(arrived(&mut desk), [format!("member.remove user_id={jane}")]);
    let rename = Request::new("PUT", &format!("/space/{space}")).json(&json!({"name": "New"}));
    assert_eq!(desk.send(rename).status, 200);
    assert_eq!(arrived(&mut desk), [format!("space.update space_id={space}")]);
    // … by an org DELETE, which ends every membership …
    assert_eq!(desk.status("DELETE", &format!("/org/{ORG_ID}/member/{jane}")), 200);
    assert_eq!(arrived(&mut desk), [format!("member.remove user_id={jane}")], "told by the one space that is hooked");
    // … and behind Podio's back.
    let app = desk.state.create_app(desk.now, space, "Leavers", Vec::new());
    assert_eq!(arrived(&mut desk), [format!("app.create app_id={app}")]);
}

#[test]
fn whether_members_are_named_is_up_to_a_switch() {
    for (switch, told) in [("with-user", Some(true)), ("without-user", Some(false)), ("absent", None)] {
        let mut desk = Desk::with(Profile::Documented, &[&format!("member-events={switch}")]);
        let space = space(&desk);
        hook(&mut desk, "space", space.0, "member.add");
        let newcomer = desk.state.create_person(desk.now, "Nia New", "nia@example.com");
        desk.state.add_to_space(desk.now, space, newcomer, SpaceRole::Regular);
        let expected =
            told.map(|named| if named { format!("member.add user_id={newcomer}") } else { "member.add".into() });
        assert_eq!(arrived(&mut desk), expected.into_iter().collect::<Vec<_>>(), "{switch}");
    }
}

#[test]
fn a_new_space_is_told_to_the_organization_where_it_can_be_hooked() {
    for (switch, heard) in [("accepted", true), ("refused", false)] {
        let mut desk = Desk::with(Profile::Documented, &[&format!("org-hooks={switch}")]);
        hook(&mut desk, "org", ORG_ID.0, "space.create");
        let made = desk.send(Request::new("POST", "/space/").json(&json!({"org_id": ORG_ID, "name": "New"}))).value();
        let expected = format!("space.create space_id={} org_id={ORG_ID}", made["space_id"]);
        assert_eq!(arrived(&mut desk), Vec::from_iter(heard.then_some(expected)), "{switch}");
    }
}

#[test]
fn an_app_tells_of_its_items_and_a_field_of_its_values() {
    let mut desk = Desk::new(Profile::Documented);
    let space = space(&desk);
    let fields = vec![NewField::new("title", FieldKind::Text), NewField::new("note", FieldKind::Text)];
    let app = desk.state.create_app(desk.now, space, "Leavers", fields);
    let note = desk.state.apps[&app].field("note").unwrap().field_id;
    for event in ["item.create", "item.update", "item.delete"] {
        hook(&mut desk, "app", app.0, event);
        hook(&mut desk, "app_field", note.0, event);
    }
    let item = desk.state.create_item(desk.now, app, Some("hr-7"), &json!({"title": "Jane"})).unwrap();
    let told =
        |event: &str, revision: u64| format!("{event} item_id={item} item_revision_id={revision} external_id=hr-7");
    assert_eq!(arrived(&mut desk), [told("item.create", 0)]);
    desk.state.update_item(desk.now, item, &json!({"title": "Jane D."})).unwrap();
    assert_eq!(arrived(&mut desk), [told("item.update", 1)]);
    desk.state.update_item(desk.now, item, &json!({"title": "Jane D.", "note": "x"})).unwrap();
    assert_eq!(arrived(&mut desk), vec![told("item.update", 2); 2], "the app and the field that changed");
    desk.state.delete_item(desk.now, item).unwrap();
    assert_eq!(arrived(&mut desk), vec![told("item.delete", 2); 2]);
}

#[test]
fn an_item_without_an_external_id_sends_an_empty_one_or_none() {
    for (switch, end) in [("present", " external_id="), ("absent", "")] {
        let mut desk = Desk::with(Profile::Documented, &[&format!("empty-external-id={switch}")]);
        let space = space(&desk);
        let app = desk.state.create_app(desk.now, space, "Leavers", Vec::new());
        hook(&mut desk, "app", app.0, "item.create");
        let item = desk.state.create_item(desk.now, app, None, &json!({})).unwrap();
        assert_eq!(arrived(&mut desk), [format!("item.create item_id={item} item_revision_id=0{end}")]);
    }
}

#[test]
fn what_is_hooked_must_exist() {
    let mut desk = Desk::new(Profile::Documented);
    let space = space(&desk);
    let app = desk.state.create_app(desk.now, space, "Leavers", vec![NewField::new("title", FieldKind::Text)]);
    let field = desk.state.apps[&app].field("title").unwrap().field_id;
    let body = json!({"url": "http://127.0.0.1/h", "type": "item.create"});
    let mut create = |on: String| desk.send(Request::new("POST", &format!("/hook/{on}/")).json(&body)).status;
    assert_eq!((create(format!("app/{app}")), create(format!("app_field/{field}"))), (200, 200));
    assert_eq!((create(format!("app/{field}")), create(format!("app_field/{app}"))), (404, 404));
}

/// A burst of events, and the order in which their items arrive.
fn burst(switches: &[&str]) -> Vec<u64> {
    let mut desk = Desk::with(Profile::Documented, switches);
    let space = space(&desk);
    let app = desk.state.create_app(desk.now, space, "Leavers", Vec::new());
    hook(&mut desk, "app", app.0, "item.create");
    let mut first = None;
    for _ in 0..12 {
        let item = desk.state.create_item(desk.now, app, None, &json!({})).unwrap();
        first.get_or_insert(item.0);
    }
    let number =
        |told: String| told.split("item_id=").nth(1).unwrap().split(' ').next().unwrap().parse::<u64>().unwrap();
    arrived(&mut desk).into_iter().map(|told| number(told) - first.unwrap()).collect()
}

#[test]
fn a_burst_arrives_in_order_backwards_or_shuffled() {
    let happened: Vec<u64> = (0..12).collect();
    assert_eq!(burst(&["delivery-order=at-once"]), happened);
    assert_eq!(burst(&["delivery-order=in-order"]), happened);
    assert_eq!(burst(&["delivery-order=reversed"]), (0..12).rev().collect::<Vec<_>>());
    let shuffled = burst(&["delivery-order=shuffled"]);
    assert_eq!(shuffled, burst(&["delivery-order=shuffled"]), "one seed, one order");
    assert_ne!(shuffled, happened);
    let mut sorted = shuffled;
    sorted.sort_unstable();
    assert_eq!(sorted, happened, "nothing is lost and nothing doubled");
}

#[test]
fn each_delivery_is_sent_twice_on_demand() {
    let twice = burst(&["delivery-copies=two", "delivery-order=in-order"]);
    assert_eq!(twice, (0..12).flat_map(|item| [item, item]).collect::<Vec<_>>());
}

#[test]
fn a_burst_is_held_until_its_second_is_over() {
    let mut desk = Desk::with(Profile::Documented, &["delivery-order=reversed", "org-hooks=accepted"]);
    hook(&mut desk, "org", ORG_ID.0, "space.create");
    desk.state.create_space(desk.now, ORG_ID, "One", SpaceKind::Regular);
    assert!(desk.state.hooks.take_due(desk.now).is_empty());
    let one = desk.state.hooks.next_due().unwrap();
    assert_eq!(one.as_second(), desk.now.as_second() + 1);
    desk.wait(1);
    desk.state.create_space(desk.now, ORG_ID, "Two", SpaceKind::Regular);
    assert_eq!(desk.state.hooks.take_due(one).len(), 1, "an older burst is not overtaken by a younger one");
}
