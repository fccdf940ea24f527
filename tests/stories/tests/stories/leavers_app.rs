//! Leavers who are items of an app in Podio.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a story stops where its premise fails")]

use jiff::{SignedDuration, tz::Offset};
use podio_lifecycle::{
    actor::Actor,
    hooks::{DeliveryId, DeliveryState, HookRef},
    ids::{AppId, OrgId},
    offboarding::{Offboarding, Outcome, Person, State, Status},
    ports::ReadOffboardings,
    source::Source,
    work::{JobId, Priority},
};
use podio_sandbox::{
    Config, ItemId, Population, Profile,
    population::{LEAVER, ORG_ID},
    state::{FieldKind, NewField},
};
use serde_json::{Value, json};
use stories::{Setup, World};
use worker::{HookPolicy, LeaversApp};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A small organization with a leavers app; it is eight o'clock on the first of December.
struct Desk {
    world: World,
    app: podio_sandbox::AppId,
    other_app: podio_sandbox::AppId,
}

impl Desk {
    async fn new() -> Self {
        let population = Population::new(2).members(20).spaces(8).leaver("Jane Doe", LEAVER, 3);
        let podio = Config { population, ..Config::new(Profile::Documented) };
        let mut world = World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await;
        let now = world.clock.read();
        let [app, other_app] = world.podio.with_state(|state| {
            let space = state.spaces_of_org(ORG_ID).next().unwrap().0;
            ["Leavers", "Visitors"].map(|name| {
                let fields = vec![
                    NewField::new("person", FieldKind::Contact),
                    NewField::new("mail", FieldKind::Email),
                    NewField::new("last-day", FieldKind::Date),
                    NewField::new("reason", FieldKind::Text),
                ];
                state.create_app(now, space, name, fields)
            })
        });
        let leavers_app = LeaversApp {
            app: AppId(app.0),
            org: OrgId(ORG_ID.0),
            person_field: "person".to_owned(),
            last_day_field: "last-day".to_owned(),
            reason_field: "reason".to_owned(),
            zone: Offset::constant(1),
        };
        world.decide(HookPolicy { leavers_app: Some(leavers_app), ..HookPolicy::default() });
        Self { world, app, other_app }
    }

    fn jane(&self) -> u64 {
        self.world.podio.with_state(|state| {
            let jane = state.person_by_mail(LEAVER).unwrap();
            state.people[&jane].profile_id
        })
    }

    fn write(&self, app: podio_sandbox::AppId, fields: &Value) -> ItemId {
        let now = self.world.clock.read();
        self.world.podio.with_state(|state| state.create_item(now, app, None, fields)).unwrap()
    }

    fn change(&self, item: ItemId, fields: &Value) -> u64 {
        let now = self.world.clock.read();
        self.world.podio.with_state(|state| state.update_item(now, item, fields)).unwrap()
    }

    async fn tell(&mut self, kind: &str, item: ItemId, revision: u64) -> DeliveryState {
        let id = self.send(kind, item, revision).await;
        self.world.until_it_is_dealt_with(&id).await
    }

    async fn send(&mut self, kind: &str, item: ItemId, revision: u64) -> DeliveryId {
        let fields = [
            ("type", kind.to_owned()),
            ("hook_id", "9".to_owned()),
            ("item_id", item.to_string()),
            ("item_revision_id", revision.to_string()),
        ];
        self.world.deliver(HookRef::app(AppId(self.app.0)), &fields).await
    }

    async fn all(&self) -> Vec<Offboarding> {
        self.world.store.list(&podio_lifecycle::offboarding::Filter::default(), 50, None).await.unwrap().offboardings
    }

    async fn only(&self) -> Offboarding {
        let mut all = self.all().await;
        assert_eq!(all.len(), 1);
        all.remove(0)
    }
}

fn note(state: &DeliveryState) -> &str {
    match state {
        DeliveryState::Noted { reason, .. } => &reason.code,
        other => panic!("{other:?}"),
    }
}

fn is_handled(state: &DeliveryState) -> bool {
    matches!(state, DeliveryState::Handled { .. })
}

#[tokio::test]
async fn an_item_is_a_leaver_whose_last_day_is_over_where_the_company_is() {
    let mut desk = Desk::new().await;
    let fields =
        json!({"person": desk.jane(), "last-day": {"start": "2026-12-02"}, "reason": "<p>End of contract</p>"});
    let item = desk.write(desk.app, &fields);
    assert!(is_handled(&desk.tell("item.create", item, 0).await));

    let accepted = desk.only().await;
    assert_eq!(accepted.state.status(), Status::Scheduled);
    assert_eq!(accepted.effective_at().to_string(), "2026-12-02T22:59:59Z");
    assert!(matches!(accepted.request.person, Person::User(_)));
    assert_eq!(accepted.request.reason.as_deref(), Some("End of contract"));
    let item = podio_lifecycle::ids::ItemId(item.0);
    assert_eq!(accepted.request.source, Source::LeaversApp { item, revision: 0 });
    let done = desk.world.until_it_rests(&accepted.id, DAY * 3).await;
    assert_eq!(done.state.status(), Status::Completed(Outcome::Removed));
    assert!(done.state.completed_at().unwrap().to_string().starts_with("2026-12-02T23"));
}

#[tokio::test]
async fn an_item_without_a_last_day_is_nobody_until_it_has_one() {
    let mut desk = Desk::new().await;
    let item = desk.write(desk.app, &json!({"person": desk.jane()}));
    assert_eq!(note(&desk.tell("item.create", item, 0).await), "no_last_day");
    assert_eq!(desk.all().await.len(), 0);

    let revision = desk.change(item, &json!({"last-day": {"start": "2026-12-05 18:00:00"}}));
    assert!(is_handled(&desk.tell("item.update", item, revision).await));
    assert_eq!(desk.only().await.effective_at().to_string(), "2026-12-05T18:00:00Z");
}

#[tokio::test]
async fn a_change_of_the_day_takes_the_place_of_what_was_planned_and_can_be_taken_back() {
    let mut desk = Desk::new().await;
    let item = desk.write(desk.app, &json!({"person": desk.jane(), "last-day": {"start": "2026-12-05"}}));
    desk.tell("item.create", item, 0).await;
    for day in ["2026-12-09", "2026-12-05"] {
        let revision = desk.change(item, &json!({"last-day": {"start": day}}));
        assert!(is_handled(&desk.tell("item.update", item, revision).await));
        // Late and doubled deliveries of what was before change nothing.
        desk.tell("item.create", item, 0).await;
        let scheduled = desk.only().await;
        assert_eq!(scheduled.state.status(), Status::Scheduled);
        assert!(scheduled.effective_at().to_string().starts_with(day), "{day}");
    }

    let revision = desk.change(item, &json!({"reason": "moved to another city"}));
    assert!(is_handled(&desk.tell("item.update", item, revision).await));
    assert!(desk.only().await.effective_at().to_string().starts_with("2026-12-05"));
}

#[tokio::test]
async fn a_deleted_item_calls_it_off_while_that_is_possible() {
    let mut desk = Desk::new().await;
    let item = desk.write(desk.app, &json!({"person": desk.jane(), "last-day": {"start": "2026-12-05"}}));
    desk.tell("item.create", item, 0).await;
    // Somebody who knows the address says so; Podio does not.
    assert!(is_handled(&desk.tell("item.delete", item, 7).await));
    assert_eq!(desk.only().await.state.status(), Status::Scheduled);

    let now = desk.world.clock.read();
    desk.world.podio.with_state(|state| state.delete_item(now, item)).unwrap();
    assert!(is_handled(&desk.tell("item.delete", item, 0).await));
    assert!(matches!(desk.only().await.state, State::Cancelled { .. }));
}

#[tokio::test]
async fn a_change_that_comes_too_late_changes_nothing() {
    let mut desk = Desk::new().await;
    let item = desk.write(desk.app, &json!({"person": desk.jane(), "last-day": {"start": "2026-11-30"}}));
    desk.tell("item.create", item, 0).await;
    let id = desk.only().await.id;
    desk.world.pass(DAY, async |world| (!world.deletes().is_empty()).then_some(())).await;
    let revision = desk.change(item, &json!({"last-day": {"start": "2026-12-24"}}));
    assert_eq!(note(&desk.tell("item.update", item, revision).await), "removals_sent");
    let done = desk.world.until_it_rests(&id, DAY).await;
    assert_eq!(done.state.status(), Status::Completed(Outcome::Removed));
    assert_eq!(desk.all().await.len(), 1);
}

#[tokio::test]
async fn an_item_of_another_app_is_nobody_whatever_the_event_says() {
    let mut desk = Desk::new().await;
    let item = desk.write(desk.other_app, &json!({"person": desk.jane(), "last-day": {"start": "2026-12-05"}}));
    assert_eq!(note(&desk.tell("item.create", item, 0).await), "another_app");
    assert_eq!(desk.all().await.len(), 0);
    assert_eq!(note(&desk.tell("item.update", ItemId(item.0 + 5_000), 1).await), "unknown_item");
}

#[tokio::test]
async fn an_item_moves_a_posted_request_forward_but_never_withdraws_it() {
    let mut desk = Desk::new().await;
    let jane = desk.world.podio.with_state(|state| state.person_by_mail(LEAVER)).unwrap();
    let mut leaver = stories::Leaver::user(jane.0);
    let posted_day = desk.world.clock.read() + DAY * 9;
    leaver.request.effective_at = Some(posted_day);
    // The words of a caller make nothing of the item's.
    leaver.request.requested_by = Some("Podio item 1000059, revision 0".to_owned());
    let posted = desk.world.post(&leaver).await;
    let item = desk.write(desk.app, &json!({"person": desk.jane(), "last-day": {"start": "2026-12-24"}}));
    assert_eq!(note(&desk.tell("item.create", item, 0).await), "earlier_day_holds");
    assert_eq!(desk.only().await.effective_at(), posted_day);

    let revision = desk.change(item, &json!({"last-day": {"start": "2026-12-05"}}));
    assert_eq!(note(&desk.tell("item.update", item, revision).await), "already_leaving");
    let moved = desk.only().await;
    assert!(moved.effective_at().to_string().starts_with("2026-12-05"));
    assert_eq!(moved.acts.last().unwrap().actor, Actor::podio());

    let now = desk.world.clock.read();
    desk.world.podio.with_state(|state| state.delete_item(now, item)).unwrap();
    assert_eq!(note(&desk.tell("item.delete", item, 0).await), "unknown_item");
    assert_eq!(desk.world.look(&posted).await.state.status(), Status::Scheduled);
}

#[tokio::test]
async fn an_item_does_not_withdraw_what_somebody_else_has_asked_for_too() {
    let mut desk = Desk::new().await;
    let item = desk.write(desk.app, &json!({"person": desk.jane(), "last-day": {"start": "2026-12-20"}}));
    desk.tell("item.create", item, 0).await;
    let jane = desk.world.podio.with_state(|state| state.person_by_mail(LEAVER)).unwrap();
    let mut leaver = stories::Leaver::user(jane.0);
    leaver.request.effective_at = Some(desk.world.clock.read() + DAY * 2);
    let joined = desk.world.post(&leaver).await;
    assert_eq!(desk.only().await.id, joined);

    let revision = desk.change(item, &json!({"last-day": {"start": "2026-12-24"}}));
    assert_eq!(note(&desk.tell("item.update", item, revision).await), "earlier_day_holds");
    let now = desk.world.clock.read();
    desk.world.podio.with_state(|state| state.delete_item(now, item)).unwrap();
    assert_eq!(note(&desk.tell("item.delete", item, 0).await), "also_asked");
    let done = desk.world.until_it_rests(&joined, DAY * 4).await;
    assert_eq!(done.state.status(), Status::Completed(Outcome::Removed));
}

#[tokio::test]
async fn a_table_that_fails_at_any_point_leaves_one_leaver_for_an_item() {
    for point in 0..24 {
        let mut desk = Desk::new().await;
        let item = desk.write(desk.app, &json!({"person": desk.jane(), "last-day": {"start": "2026-12-05"}}));
        desk.tell("item.create", item, 0).await;
        let revision = desk.change(item, &json!({"last-day": {"start": "2026-12-09"}}));
        let delivery = desk.send("item.update", item, revision).await;
        let mut count = 0;
        desk.world.store.faults().decided_by(move |_, _| {
            count += 1;
            count == point
        });
        let until = desk.world.clock.read() + SignedDuration::from_mins(20);
        while desk.world.clock.read() < until {
            desk.world.step().await;
        }
        desk.world.store.faults().end();
        let state = desk.world.until_it_is_dealt_with(&delivery).await;
        assert!(is_handled(&state), "{point}: {state:?}");
        let scheduled = desk.only().await;
        assert_eq!(scheduled.state.status(), Status::Scheduled, "{point}");
        assert!(scheduled.effective_at().to_string().starts_with("2026-12-09"), "{point}");
    }
}

/// Items of the leavers app that Podio was asked for.
fn items_read(world: &World) -> usize {
    world.podio.log().iter().filter(|call| call.path.starts_with("/item/")).count()
}

#[tokio::test]
async fn edits_of_one_item_are_read_once() {
    let mut desk = Desk::new().await;
    let item = desk.write(desk.app, &json!({"person": desk.jane(), "last-day": {"start": "2026-12-05"}}));
    let mut told = vec![desk.send("item.create", item, 0).await];
    for day in 6..26 {
        let revision = desk.change(item, &json!({"last-day": {"start": format!("2026-12-{day:02}")}}));
        told.push(desk.send("item.update", item, revision).await);
    }
    for delivery in &told {
        assert!(is_handled(&desk.world.until_it_is_dealt_with(delivery).await));
    }
    assert_eq!((items_read(&desk.world), told.len()), (1, 21));
    assert!(desk.only().await.effective_at().to_string().starts_with("2026-12-25"));
}

#[tokio::test]
async fn imported_items_wait_and_delay_nobody() {
    const IMPORTED: u64 = 400;
    let mut desk = Desk::new().await;
    let mut told = Vec::new();
    for _ in 0..IMPORTED {
        let item = desk.write(desk.app, &json!({"reason": "imported"}));
        told.push(desk.send("item.create", item, 0).await);
    }
    let waiting = desk.world.waiting();
    assert!(waiting.iter().all(|job| job.priority == Priority::Interactive), "somebody waits for a leaver");
    let jane = desk.world.post(&stories::Leaver::of(LEAVER)).await;
    let done = desk.world.until_it_rests(&jane, DAY).await;
    assert_eq!(done.state.status(), Status::Completed(Outcome::Removed));
    assert!(items_read(&desk.world) <= 25, "a tenth of the quota: {}", items_read(&desk.world));

    // Nothing is dropped: an hour later there is room for the next.
    let later = desk.world.clock.read() + SignedDuration::from_hours(4);
    desk.world.pass(DAY, async |world| (world.clock.read() >= later).then_some(())).await;
    assert!((100..=125).contains(&items_read(&desk.world)), "{}", items_read(&desk.world));
    let left = desk.world.waiting().into_iter().filter(|job| job.job.kind == JobId::DELIVERY).count();
    assert_eq!(left + items_read(&desk.world), told.len());
}
