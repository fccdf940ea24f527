//! Audits of an organization whose members come and go while it is listed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a scenario stops where its premise fails")]

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use podio_aws::twin::Moment;
use podio_lifecycle::{
    ids::{OrgId, UserId},
    people::{Audit, AuditId, AuditSource, Cause, Change, ChangeKind, Member, MemberStatus, MemberType},
    ports::{Audits, Begun, Clock, Metric, ReadMembers, WakeWorker},
};
use podio_sandbox::{
    Config, ErrorBody, FaultAction, FaultRule, Population, Profile,
    population::{LEAVER, ORG_ID},
    state::{AccountKind, ListChange, SpaceKind, SpaceRole},
    switches::EndedMembership,
};
use stories::{Leaver, Setup, World};

const ORG: OrgId = OrgId(ORG_ID.0);
const DAY: SignedDuration = SignedDuration::from_hours(24);

async fn world(profile: Profile, members: usize) -> World {
    of(Config { population: Population::new(3).members(members).leaver("Jane Doe", LEAVER, 3), ..Config::new(profile) })
        .await
}

async fn of(podio: Config) -> World {
    World::new(Setup { podio, ceiling: (250, 3600), mass_threshold: 25 }).await
}

/// Begins an audit and waits for its end.
pub(crate) async fn audit(world: &mut World) -> Audit {
    let id = begin(world).await;
    ended(world, &id).await
}

async fn begin(world: &World) -> AuditId {
    let now = world.clock.now();
    let id = AuditId::new(now, world.random.bytes());
    let audit = Audit::begin(id.clone(), ORG, AuditSource::Schedule, now);
    assert_eq!(world.store.begin_audit(&audit).await, Ok(Begun::New));
    world.jobs.wake().await.unwrap();
    id
}

async fn ended(world: &mut World, id: &AuditId) -> Audit {
    world
        .pass(DAY * 3, async |world: &World| {
            let audit = world.store.audit(id).await.unwrap().unwrap();
            audit.is_over().then_some(audit)
        })
        .await
}

async fn members(world: &World) -> Vec<Member> {
    world.store.members(ORG, None, 100_000).await.unwrap().items
}

async fn current(world: &World) -> BTreeSet<UserId> {
    members(world).await.into_iter().filter(Member::is_current).map(|member| member.user_id).collect()
}

/// Who is a member by Podio's own books.
fn in_podio(world: &World) -> BTreeSet<UserId> {
    world.podio.with_state(|state| state.org_members(ORG_ID)).into_iter().map(|user| UserId(user.0)).collect()
}

async fn changes(world: &World) -> Vec<Change> {
    world.store.changes(ORG, Timestamp::UNIX_EPOCH, None, 100_000).await.unwrap().items
}

fn kinds(changes: &[Change]) -> Vec<(ChangeKind, u64)> {
    changes.iter().map(|change| (change.kind, change.user_id.0)).collect()
}

/// A space to which people are added, and somebody in it who stays.
fn space(world: &World) -> podio_sandbox::SpaceId {
    let now = world.clock.read();
    world.podio.with_state(|state| {
        let admin = state.person_by_mail(podio_sandbox::config::USERNAME).unwrap();
        let space = state.create_space(now, ORG_ID, "Everybody", SpaceKind::Regular);
        state.add_to_space(now, space, admin, SpaceRole::Admin);
        space
    })
}

fn user(world: &World, mail: &str) -> podio_sandbox::UserId {
    world.podio.with_state(|state| state.person_by_mail(mail)).unwrap()
}

fn leave(world: &World, user: podio_sandbox::UserId) {
    let now = world.clock.read();
    world.podio.with_state(|state| state.remove_from_org(now, ORG_ID, user)).unwrap();
}

/// How often Podio was asked for a single member.
fn single_members(world: &World) -> usize {
    let is_single = |path: &str| path.split_once("/member/").is_some_and(|(_, user)| user.parse::<u64>().is_ok());
    world.podio.log().iter().filter(|call| call.method == "GET" && is_single(&call.path)).count()
}

#[tokio::test]
async fn two_thousand_members_cost_few_calls_in_either_podio() {
    for (profile, most) in [(Profile::Documented, 6), (Profile::Guide, 25)] {
        let mut world = world(profile, 2_000).await;
        let done = audit(&mut world).await;
        assert_eq!(done.state_name(), "completed");
        assert_eq!(current(&world).await, in_podio(&world));
        assert_eq!((done.members as usize, done.changes, done.unreadable), (in_podio(&world).len(), 0, 0));
        assert!(world.calls() <= most, "{profile:?}: {} calls", world.calls());
        assert_eq!(done.calls as usize, world.calls());
        assert_eq!(world.counted(Metric::Members), u64::from(done.members));
        assert_eq!(changes(&world).await, [], "the first audit finds everybody and changes nothing");
    }
}

#[tokio::test]
async fn a_second_audit_of_the_same_members_writes_none() {
    for profile in [Profile::Documented, Profile::Guide] {
        let mut world = world(profile, 300).await;
        audit(&mut world).await;
        let written = world.store.member_writes();
        world.clock.reach(world.clock.read() + DAY);
        let second = audit(&mut world).await;
        assert_eq!((second.state_name(), second.changes), ("completed", 0));
        assert_eq!(world.store.member_writes(), written);
        assert_eq!(single_members(&world), 0, "nobody was missing");
    }
}

#[tokio::test]
async fn who_leaves_and_who_joins_is_told_once() {
    let mut world = world(Profile::Documented, 60).await;
    audit(&mut world).await;
    let (jane, space) = (user(&world, LEAVER), space(&world));
    leave(&world, jane);
    let now = world.clock.read();
    let joe = world.podio.with_state(|state| {
        let joe = state.create_person(now, "Joe New", "joe.new@example.com");
        state.add_to_space(now, space, joe, SpaceRole::Regular);
        joe
    });
    let second = audit(&mut world).await;
    assert_eq!(second.changes, 2);
    let mut found = kinds(&changes(&world).await);
    found.sort_unstable();
    assert_eq!(found, [(ChangeKind::Joined, joe.0), (ChangeKind::Left, jane.0)]);
    let gone = members(&world).await.into_iter().find(|member| member.user_id.0 == jane.0).unwrap();
    assert_eq!(gone.status, MemberStatus::Left);
    assert!(gone.left_at.is_some() && gone.last_listed_at < gone.left_at);

    let third = audit(&mut world).await;
    assert_eq!((third.changes, changes(&world).await.len()), (0, 2));

    let now = world.clock.read();
    world.podio.with_state(|state| state.add_to_space(now, space, jane, SpaceRole::Regular));
    audit(&mut world).await;
    assert_eq!(kinds(&changes(&world).await).last(), Some(&(ChangeKind::Returned, jane.0)));
}

#[tokio::test]
async fn members_who_come_and_go_between_pages_are_neither_missed_nor_doubled() {
    let mut world = world(Profile::Guide, 350).await;
    audit(&mut world).await;
    let listed: Vec<_> = world.podio.with_state(|state| {
        let mut members = state.org_members(ORG_ID);
        members.retain(|user| !state.is_org_admin(ORG_ID, *user));
        members.sort_by_key(|user| state.people[user].name.clone());
        members
    });
    let space = space(&world);
    // After each page some of those before it go, which moves all others towards the front; and somebody comes whose name
    // stands before all others, which moves them back.
    let mut gone = BTreeSet::new();
    for page in 1..=3_u32 {
        for n in 0..30_usize {
            let user_id = listed[page as usize * 40 + n];
            gone.insert(user_id);
            world.podio.with_state(|state| state.change_after_page(page, ListChange::Leave { user_id }));
        }
        let mail = format!("aaron{page}@example.com");
        let change = ListChange::Join { space_id: space, name: format!("Aaron {page}"), mail };
        world.podio.with_state(|state| state.change_after_page(page, change));
    }
    audit(&mut world).await;
    let found = changes(&world).await;
    let left: BTreeSet<u64> =
        found.iter().filter(|change| change.kind == ChangeKind::Left).map(|it| it.user_id.0).collect();
    assert!(left.iter().all(|user| gone.iter().any(|gone| gone.0 == *user)), "nobody who stays is said to have left");
    let distinct: BTreeSet<_> = kinds(&found).into_iter().collect();
    assert_eq!(distinct.len(), found.len(), "no change is told twice");

    // Whoever went after their page was read, or came before it, is found by the next audit at the latest.
    audit(&mut world).await;
    assert_eq!(current(&world).await, in_podio(&world));
    let found = changes(&world).await;
    assert_eq!(found.iter().filter(|change| change.kind == ChangeKind::Left).count(), gone.len());
    assert_eq!(found.iter().filter(|change| change.kind == ChangeKind::Joined).count(), 3);
}

#[tokio::test]
async fn a_member_missing_from_the_list_is_asked_for_and_stays() {
    let mut world = world(Profile::Documented, 60).await;
    audit(&mut world).await;
    let jane = user(&world, LEAVER);
    // Podio's list shows nothing of Jane any more, but she is there.
    world.podio.with_state(|state| state.people.get_mut(&jane).unwrap().account = AccountKind::Hidden);
    let second = audit(&mut world).await;
    assert_eq!((second.state_name(), second.unreadable), ("completed", 1));
    assert_eq!(single_members(&world), 1);
    assert_eq!(changes(&world).await, []);
    assert!(current(&world).await.contains(&UserId(jane.0)));
}

#[tokio::test]
async fn unreadable_entries_are_counted_and_hide_nobody() {
    for profile in [Profile::Documented, Profile::Guide] {
        let mut world = world(profile, 230).await;
        let hidden: Vec<_> = world.podio.with_state(|state| {
            let members = state.org_members(ORG_ID);
            let hidden: Vec<_> =
                members.into_iter().filter(|user| !state.is_org_admin(ORG_ID, *user)).step_by(23).collect();
            for user in &hidden {
                state.people.get_mut(user).unwrap().account = AccountKind::Hidden;
            }
            hidden
        });
        let done = audit(&mut world).await;
        assert_eq!((done.state_name(), done.unreadable as usize), ("completed", hidden.len()));
        let mut expected = in_podio(&world);
        expected.retain(|user| !hidden.iter().any(|hidden| hidden.0 == user.0));
        assert_eq!(current(&world).await, expected);
    }
}

#[tokio::test]
async fn guests_and_service_users_are_told_apart_and_services_are_never_stale() {
    let mut world = world(Profile::Documented, 40).await;
    let long_ago = world.clock.read() - DAY * 400;
    let (guest, service, stale) = world.podio.with_state(|state| {
        let mut members = state.org_members(ORG_ID);
        state.people.values_mut().for_each(|person| person.last_seen_on = Some(long_ago + DAY * 400));
        members.retain(|user| !state.is_org_admin(ORG_ID, *user));
        let [guest, service, stale] = [members[0], members[1], members[2]];
        state.people.get_mut(&guest).unwrap().account = AccountKind::Guest;
        state.people.get_mut(&service).unwrap().account = AccountKind::Service;
        let admin = state.person_by_mail(podio_sandbox::config::USERNAME).unwrap();
        for user in [service, stale, admin] {
            state.people.get_mut(&user).unwrap().last_seen_on = Some(long_ago);
        }
        (guest, service, stale)
    });
    audit(&mut world).await;
    let members = members(&world).await;
    let of = |user: podio_sandbox::UserId| members.iter().find(|member| member.user_id.0 == user.0).unwrap();
    assert_eq!((of(guest).kind, of(service).kind), (Some(MemberType::Guest), Some(MemberType::Service)));
    let all_stale: Vec<u64> = members.iter().filter(|member| member.stale).map(|member| member.user_id.0).collect();
    assert_eq!(all_stale, [stale.0], "neither the service nor the account that acts");
    assert_eq!(world.counted(Metric::StaleMembers), 1);
}

#[tokio::test]
async fn a_member_whom_an_offboarding_removed_has_left_because_of_it() {
    let mut world = world(Profile::Documented, 40).await;
    audit(&mut world).await;
    let id = world.post(&Leaver::of(LEAVER)).await;
    world.until_it_rests(&id, DAY).await;
    audit(&mut world).await;
    let found = changes(&world).await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, &found[0].cause), (ChangeKind::Left, &Some(Cause::Offboarding { id })));
}

#[tokio::test]
async fn a_podio_that_forbids_to_look_at_former_members_is_asked_in_another_way() {
    for (profile, limit) in [(Profile::Documented, 250), (Profile::Guide, 250), (Profile::Guide, 12)] {
        let config = Config::new(profile);
        let mut switches = config.switches.clone();
        switches.removed_org_member = EndedMembership::Forbidden;
        let population = Population::new(3).members(260).leaver("Jane Doe", LEAVER, 3);
        let podio = Config { switches, population, ..config };
        let mut world = World::new(Setup { podio, ceiling: (limit, 3600), mass_threshold: 25 }).await;
        audit(&mut world).await;
        let jane = user(&world, LEAVER);
        leave(&world, jane);
        let second = audit(&mut world).await;
        assert_eq!(second.state_name(), "completed");
        assert_eq!(kinds(&changes(&world).await), [(ChangeKind::Left, jane.0)], "{profile:?}, {limit} calls an hour");
    }
}

#[tokio::test]
async fn a_podio_that_is_down_is_waited_for() {
    let mut world = world(Profile::Documented, 60).await;
    let down = FaultAction::Error { status: 503, body: ErrorBody::Html, after_effect: false };
    world.podio.add_fault(FaultRule::new("GET", "/org/*", down).times(5));
    let done = audit(&mut world).await;
    assert_eq!((done.state_name(), done.members as usize), ("completed", in_podio(&world).len()));
}

#[tokio::test]
async fn an_audit_without_the_right_to_list_members_fails_and_says_so() {
    let mut world = world(Profile::Documented, 60).await;
    audit(&mut world).await;
    let acting = user(&world, podio_sandbox::config::USERNAME);
    let now = world.clock.read();
    world.podio.with_state(|state| state.set_org_admin(now, ORG_ID, acting, false));
    let second = audit(&mut world).await;
    assert_eq!(second.state_name(), "failed");
    assert_eq!(changes(&world).await, [], "nobody has left because of it");
    assert_eq!(world.store.audited(ORG).await.unwrap().unwrap().running, None, "the next one may begin");
}

#[tokio::test]
async fn a_worker_that_dies_in_an_audit_changes_nothing_of_its_outcome() {
    for (operation, moment) in [
        ("record_members", Moment::Before),
        ("record_members", Moment::After),
        ("note_listed", Moment::After),
        ("save_audit", Moment::Before),
        ("save_audit", Moment::After),
        ("current_members", Moment::Before),
    ] {
        let mut world = world(Profile::Guide, 250).await;
        audit(&mut world).await;
        let jane = user(&world, LEAVER);
        leave(&world, jane);
        let now = world.clock.read();
        let space = space(&world);
        let joe = world.podio.with_state(|state| {
            let joe = state.create_person(now, "Joe New", "joe.new@example.com");
            state.add_to_space(now, space, joe, SpaceRole::Regular);
            joe
        });
        let mut deaths = 0;
        world.store.faults().decided_by(move |struck, at| {
            if (struck, at) == (operation, moment) && deaths < 3 {
                deaths += 1;
                panic!("the worker dies");
            }
            false
        });
        let done = audit(&mut world).await;
        world.store.faults().end();
        assert_eq!((done.state_name(), done.changes), ("completed", 2), "{operation} {moment:?}");
        assert_eq!(current(&world).await, in_podio(&world), "{operation} {moment:?}");
        let mut found = kinds(&changes(&world).await);
        found.sort_unstable();
        assert_eq!(found, [(ChangeKind::Joined, joe.0), (ChangeKind::Left, jane.0)], "{operation} {moment:?}");
    }
}

#[tokio::test]
async fn audits_begin_by_schedule_one_period_after_the_start() {
    let mut world = world(Profile::Documented, 40).await;
    world.audit_every("rate(6 hours)");
    let start = world.clock.read();
    let wait = async |world: &mut World, until: Timestamp| {
        world.pass(DAY, async |world: &World| (world.clock.read() >= until).then_some(())).await;
    };
    wait(&mut world, start + SignedDuration::from_mins(355)).await;
    assert_eq!(world.podio.log().len(), 0, "nothing in the first period");
    wait(&mut world, start + SignedDuration::from_hours(13)).await;
    let audits = world.store.audits(ORG, 10, None).await.unwrap().items;
    assert_eq!(audits.iter().map(Audit::state_name).collect::<Vec<_>>(), ["completed"; 2]);
    assert!(world.counted(Metric::AuditAge) > 0);
}

#[tokio::test]
async fn each_change_is_published_with_ids_only_and_a_bus_that_is_down_is_waited_for() {
    let mut world = world(Profile::Documented, 40).await;
    let bus = world.publish();
    audit(&mut world).await;
    assert_eq!(bus.published(), [], "the first audit changes nothing");
    let jane = user(&world, LEAVER);
    leave(&world, jane);
    bus.faults().fail_next(2);
    let second = audit(&mut world).await;
    assert_eq!((second.state_name(), second.changes), ("completed", 1));
    let [event] = &bus.published()[..] else { panic!("one event: {:?}", bus.published()) };
    let expected = serde_json::json!({
        "specversion": "1.0", "id": format!("{}.{}.left", second.id, jane.0), "source": format!("/podio/org/{ORG_ID}"),
        "type": "com.podio-lifecycle.member.left", "time": event.time, "datacontenttype": "application/json",
        "data": {"org_id": ORG_ID.0, "user_id": jane.0, "audit_id": second.id},
    });
    assert_eq!(serde_json::to_value(event).unwrap(), expected);
}

#[tokio::test]
async fn a_large_organization_stays_inside_the_background_share_of_the_quota() {
    let mut world = world(Profile::Guide, 6_000).await;
    let done = audit(&mut world).await;
    assert_eq!((done.state_name(), done.members as usize), ("completed", in_podio(&world).len()));
    assert_eq!(world.rejections(), 0);
    assert!(world.calls() < 6_000 / 99 * 5 / 4, "{} calls", world.calls());
}
