//! Jobs that wait: for the quota, for the end of a fault, for a person.

use podio_lifecycle::{
    hold::HoldCode,
    offboarding::{self, Claim, Looks, Refusal, SearchStep, SpaceSource, Stage},
    work::{Calls, Group, JobId, Priority, Waiting},
};

use super::*;

fn finalizing() -> Offboarding {
    live(accepted(request()), [Event::Planned(plan(0, vec![]))]).offboarding
}

fn removing(spaces: u32) -> Offboarding {
    live(accepted(request()), [Event::PlanningBegun, Event::Planned(plan(spaces, vec![]))]).offboarding
}

fn routes(offboarding: &Offboarding) -> Vec<String> {
    let short = |route: String| route.replace("/org/{org_id}", "").replace("{user_id}", "{}");
    offboarding.waiting().expect("it waits").calls.routes.into_iter().map(short).collect()
}

#[test]
fn a_new_offboarding_waits_for_its_plan() {
    let offboarding = accepted(request());
    let by_mail = "GET /org/{org_id}/member/mail/{mail}";
    let preview = "GET /org/{org_id}/member/{user_id}/end_member_info";
    let expected = Waiting {
        job: JobId::new(JobId::OFFBOARDING, &offboarding.id),
        priority: Priority::Interactive,
        place: at(0),
        since: at(0),
        not_before: None,
        faulted_at: None,
        calls: Calls { routes: vec![by_mail.to_owned(), preview.to_owned()], back_to_back: false },
        group: None,
    };
    assert_eq!(offboarding.waiting(), Some(expected));
    let by_id = accepted(Request { person: Person::User(UserId(7)), ..request() });
    assert_eq!(routes(&by_id)[0], "GET /member/{}");
}

#[test]
fn a_scheduled_offboarding_waits_for_its_day() {
    let scheduled = accepted(Request { effective_at: Some(at(1_000)), ..request() });
    let scheduled = live(scheduled, [Event::Resolved { leaver: None, warning: None }]).offboarding;
    assert_eq!(scheduled.waiting().unwrap().not_before, Some(at(1_000)));
    let started = scheduled.apply(Event::Due, at(1_000)).unwrap().offboarding;
    assert_eq!(started.waiting().unwrap().not_before, None);
    assert_eq!(started.waiting().unwrap().since, at(1_000));
}

#[test]
fn a_plan_waits_for_what_its_search_needs_next() {
    let planning = accepted(request());
    let waiting_with = |search: Search| routes(&live(planning.clone(), [waits(None, search)]).offboarding);
    let person = Some(Leaver { user_id: UserId(7), email: None, name: None });
    let sources = [
        (SpaceSource::Preview, "GET /member/{}/end_member_info"),
        (SpaceSource::Memberships, "GET /member/{}/space_member/"),
        (SpaceSource::AllSpaces, "GET /all_spaces/"),
        (SpaceSource::Spaces, "GET /space/"),
    ];
    for (source, route) in sources {
        let search = Search { source, found: person.clone(), step: SearchStep::Preview, ..Search::default() };
        assert_eq!(waiting_with(search), [route]);
    }
    let check = Search { step: SearchStep::Check { spaces: 40 }, ..Search::default() };
    assert_eq!(waiting_with(check), vec!["GET /space/{space_id}/member/{}"; 10]);
}

#[test]
fn spaces_wait_for_themselves_while_they_are_left() {
    assert_eq!(removing(2).waiting(), None);
    let key = plan_of(&removing(2)).key(&removing(2).id, SpaceId(5));
    let removal = podio_lifecycle::removal::SpaceRemoval::new(key.clone(), None, RemovalState::Pending);
    assert_eq!(removal.waiting(), None, "written down, and not in the table");
    let waiting = removal.waiting_since(at(3), Priority::Removal, at(2)).waiting().unwrap();
    assert_eq!((waiting.job, waiting.group), (key.job(), Some(Group::Space(SpaceId(5)))));
    assert_eq!((waiting.since, waiting.place, waiting.calls.routes.len()), (at(3), at(2), 1));
}

#[test]
fn the_end_waits_for_calls_that_follow_each_other() {
    let end = ["GET /member/{}/end_member_info", "DELETE /member/{}"];
    assert_eq!(routes(&finalizing()), end);
    assert!(finalizing().waiting().unwrap().calls.back_to_back, "what is seen before counts only right before");

    let looks = LastLook { looks: Some(Looks::Together(2)), ..LastLook::default() };
    let looks = live(finalizing(), [end_waits(None, looks)]).offboarding;
    assert_eq!(routes(&looks).len(), 4);

    let claimed = live(finalizing(), [Event::OrgRemovalClaimed]).offboarding;
    assert_eq!(routes(&claimed), ["GET /member/{}", end[0], end[1]], "it is looked at before it is sent again");
}

#[test]
fn a_read_back_looks_at_the_spaces_that_refused() {
    let refused = Event::SpaceSettled(RemovalState::LeftToOrgRemoval);
    let events = [refused.clone(), refused, Event::OrgRemovalClaimed, Event::OrgRemovalDone];
    let verifying = live(removing(2), events).offboarding;
    let look = "GET /space/{space_id}/member/{}";
    assert_eq!(routes(&verifying), ["GET /member/{}", look, look]);
    assert!(verifying.waiting().unwrap().calls.back_to_back);
}

#[test]
fn nothing_waits_where_a_person_decides_or_all_is_over() {
    let held = live(accepted(request()), [Event::Planned(plan(1, danger(1)))]).offboarding;
    let failed = live(finalizing(), [crashed()]).offboarding.with_seal(0, sealed());
    let cancelled = live(accepted(request()), [Event::Cancelled]).offboarding.with_seal(0, sealed());
    let completed = live(accepted(request()), [Event::NotAMember { was_known: true }]).offboarding;
    for offboarding in [held, failed, cancelled, completed] {
        assert_eq!(offboarding.waiting(), None, "{}", offboarding.state.name());
    }
}

#[test]
fn what_has_failed_or_was_cancelled_waits_for_its_seal_alone() {
    let failed_at = [accepted(request()), removing(2), finalizing()];
    let failed = failed_at.map(|offboarding| live(offboarding, [crashed()]).offboarding);
    let cancelled = live(accepted(request()), [Event::Cancelled]).offboarding;
    let given_up = live(failed[0].clone(), [Event::Cancelled]).offboarding;
    let duplicate = Event::Duplicate(OffboardingId::new(at(5), [9; 10]));
    let duplicate = live(accepted(request()), [duplicate]).offboarding;
    for offboarding in failed.into_iter().chain([cancelled, given_up, duplicate]) {
        let name = offboarding.state.name();
        let waiting = offboarding.waiting().expect(name);
        assert_eq!(waiting.job, JobId::new(JobId::OFFBOARDING, &offboarding.id), "{name}");
        assert_eq!((waiting.calls, waiting.group), (Calls::default(), None), "{name} calls nobody");
        assert_eq!((waiting.since, waiting.not_before), (offboarding.updated_at, None), "{name} at once");
        assert_eq!(offboarding.with_seal(0, sealed()).waiting(), None, "{name}");
    }
}

#[test]
fn a_seal_goes_when_the_offboarding_goes_on() {
    let sealed = live(finalizing(), [crashed()]).offboarding.with_seal(0, sealed());
    let cancelled =
        live(accepted(request()), [crashed()]).offboarding.with_seal(0, sealed.state.closing().unwrap().seal.clone());
    let cancelled = live(cancelled, [Event::Cancelled]).offboarding;
    assert_eq!(cancelled.state.closing(), None, "the seal of the failure says nothing of the end");
    assert!(cancelled.waiting().is_some());
    let resumed = live(sealed, [Event::Retried]).offboarding;
    assert_eq!((resumed.state.status(), resumed.state.closing()), (Status::Finalizing, None));
    let again = live(resumed, [crashed()]).offboarding;
    assert!(again.waiting().is_some(), "it is sealed once more");
}

#[test]
fn waiting_for_a_call_keeps_what_was_found() {
    let search = Search { acting: Some(UserId(3)), ..Search::default() };
    let found = Found::Planning(Box::new(search.clone()));
    let event = Event::Waits { until: None, found, calls: 3, place: at(43) };
    let offboarding = live(accepted(request()), [faulted(500), event]).offboarding;
    assert_eq!((offboarding.state.search(), offboarding.state.work().calls), (Some(&search), 3));
    let work = offboarding.state.work();
    assert_eq!((work.faults, work.faulted_since), (0, None), "it has got on");
    let waiting = offboarding.waiting().unwrap();
    assert_eq!((waiting.place, waiting.not_before, waiting.faulted_at), (at(43), None, None));
}

#[test]
fn a_plan_that_grows_long_waits_among_the_removals() {
    let after = |calls| {
        let event = Event::Waits { until: None, found: Found::Planning(Box::default()), calls, place: at(0) };
        live(accepted(request()), [event]).offboarding.waiting().unwrap().priority
    };
    assert_eq!((after(9), after(10)), (Priority::Interactive, Priority::Removal));
}

fn one_of_a_crowd() -> Event {
    Event::Crowded { place: at(70) }
}

#[test]
fn one_of_a_crowd_waits_among_the_removals_to_the_end() {
    let planning = live(accepted(request()), [one_of_a_crowd()]).offboarding;
    let waiting = planning.waiting().unwrap();
    assert_eq!((waiting.priority, waiting.place), (Priority::Removal, at(70)), "behind those before it");
    let finalizing = live(planning, [Event::Planned(plan(0, vec![]))]).offboarding;
    assert_eq!(finalizing.waiting().unwrap().priority, Priority::Removal);
    assert_eq!(finalizing.apply(one_of_a_crowd(), at(99)), Err(Refusal::OutOfPlace), "only planning tells");
}

#[test]
fn who_is_urgent_waits_for_nobody_who_is_not() {
    let urgent = Request { priority: offboarding::Priority::Urgent, ..request() };
    let long = Event::Waits { until: None, found: Found::Planning(Box::default()), calls: 500, place: at(0) };
    let look = Found::Finalizing(LastLook::default());
    let long_end = Event::Waits { until: None, found: look, calls: 500, place: at(0) };
    let stages = [
        vec![long.clone()],
        vec![one_of_a_crowd(), long.clone()],
        vec![one_of_a_crowd(), Event::Planned(plan(0, vec![]))],
        vec![one_of_a_crowd(), Event::Planned(plan(0, vec![])), long_end, Event::OrgRemovalDone],
        vec![one_of_a_crowd(), Event::Planned(plan(2, vec![])), crashed(), Event::Retried],
        vec![one_of_a_crowd(), crashed()],
    ];
    for events in stages {
        let priority = |request: &Request| {
            let waiting = live(accepted(request.clone()), events.clone()).offboarding.waiting();
            waiting.expect("it waits").priority
        };
        assert_eq!((priority(&urgent), priority(&request())), (Priority::Interactive, Priority::Removal), "{events:?}");
    }
}

#[test]
fn the_spaces_of_who_is_urgent_are_left_before_those_of_others() {
    let urgent = Request { priority: offboarding::Priority::Urgent, ..request() };
    assert_eq!(accepted(urgent.clone()).request.space_priority(), Priority::Interactive);
    assert_eq!(accepted(request()).request.space_priority(), Priority::Removal);
    let crowded = live(accepted(urgent.clone()), [one_of_a_crowd()]).offboarding;
    assert_eq!(crowded.request.space_priority(), Priority::Interactive);

    let hurried = Event::AskedAgain(Box::new(urgent));
    let hurried = live(live(accepted(request()), [one_of_a_crowd()]).offboarding, [hurried]).offboarding;
    assert_eq!(hurried.request.space_priority(), Priority::Interactive, "a second request tells of the hurry");
    assert_eq!(hurried.waiting().unwrap().priority, Priority::Interactive);
}

#[test]
fn a_pause_leaves_the_claim_and_a_wait_ends_it() {
    let claimed = live(finalizing(), [Event::OrgRemovalClaimed]).offboarding;
    let paused = live(claimed.clone(), [end_waits(Some(at(60)), LastLook::default())]).offboarding;
    assert_eq!(finalizing_of(&paused).claim, finalizing_of(&claimed).claim);
    assert_eq!(paused.waiting().unwrap().not_before, Some(at(60)));
    let waiting = live(claimed, [end_waits(None, LastLook::default())]).offboarding;
    assert_eq!(finalizing_of(&waiting).claim, Claim::Uncertain);
}

#[test]
fn faults_never_fail_an_offboarding_by_their_number() {
    let mut offboarding = live(accepted(request()), [faulted(500)]).offboarding;
    let (since, waiting) = (offboarding.state.work().faulted_since, offboarding.waiting().unwrap());
    assert_eq!((waiting.not_before, waiting.faulted_at), (Some(at(500)), since));
    for _ in 0..1_000 {
        offboarding = live(offboarding, [faulted(5_000)]).offboarding;
    }
    assert_eq!((offboarding.state.status(), offboarding.state.work().faults), (Status::Planning, 1_001));
    assert_eq!(offboarding.state.work().faulted_since, since, "since the first of them");
    assert_eq!(offboarding.state.work().faulted_at, Some(offboarding.updated_at), "when the last of them was");
}

#[test]
fn a_step_that_keeps_failing_is_held_until_approved() {
    let stages = [
        (accepted(request()), Stage::Planning, "planning"),
        (removing(1), Stage::Removing, "removing"),
        (finalizing(), Stage::Finalizing, "finalizing"),
        (live(finalizing(), [Event::OrgRemovalDone]).offboarding, Stage::Verifying, "verifying"),
    ];
    for (offboarding, stage, name) in stages {
        let held = live(offboarding, [Event::KeepsFailing]).offboarding;
        let State::Held { reasons, stopped } = &held.state else { panic!("{name} goes on") };
        assert_eq!((reasons[0].code, reasons.len(), stopped.stage()), (HoldCode::KeepsFailing, 1, stage));
        assert_eq!(held.waiting(), None);
        let approved = approving(&held);
        let resumed = live(held, [approved]).offboarding;
        assert_eq!((resumed.state.name(), resumed.state.work().faults), (name, 0));
        assert!(resumed.waiting().is_some(), "{name} is tried again");
        assert_eq!(resumed.approved, [], "a failure is no danger that could be accepted for good");
    }
}

#[test]
fn a_claim_survives_a_hold_for_faults() {
    let claimed = live(finalizing(), [Event::OrgRemovalClaimed, end_faulted(60), Event::KeepsFailing]).offboarding;
    let approved = approving(&claimed);
    let resumed = live(claimed, [approved]).offboarding;
    assert_eq!(finalizing_of(&resumed).claim, Claim::Uncertain, "it may have been sent");
}

#[test]
fn a_resumed_offboarding_releases_its_spaces_first() {
    let failed = live(removing(2), [crashed()]).offboarding;
    let resumed = live(failed, [Event::Retried]).offboarding;
    let waiting = resumed.waiting().expect("somebody has to put the spaces back");
    assert_eq!(waiting.calls, Calls::default(), "without a call");
    let released = live(resumed.clone(), [Event::Released]).offboarding;
    assert_eq!((released.state.status(), released.waiting()), (Status::Removing, None));
    let settled = live(resumed, [removed(), removed()]).offboarding;
    assert_eq!(settled.state.status(), Status::Finalizing, "nothing is left to release");
    assert_eq!(settled.apply(Event::Released, at(99)), Err(Refusal::OutOfPlace));
}

#[test]
fn what_another_stage_has_found_out_has_no_place() {
    let planning = live(accepted(request()), [Event::PlanningBegun]).offboarding;
    let end = live(finalizing(), [Event::OrgRemovalDone]).offboarding;
    for (offboarding, event) in [
        (&planning, end_waits(None, LastLook::default())),
        (&planning, end_faulted(60)),
        (&finalizing(), waits(None, Search::default())),
        (&end, faulted(60)),
        (&removing(1), faulted(60)),
    ] {
        assert_eq!(offboarding.apply(event, at(99)), Err(Refusal::OutOfPlace), "{}", offboarding.state.name());
    }
}

#[test]
fn a_scheduled_one_is_looked_up_first_and_then_waits_for_its_day() {
    for (days, priority) in [(0, Priority::Interactive), (1, Priority::Background)] {
        let day = at(3_600 + 86_400 * days);
        let scheduled = accepted(Request { effective_at: Some(day), ..request() });
        let look_up = scheduled.waiting().unwrap();
        assert_eq!((look_up.not_before, look_up.priority), (None, priority));
        assert_eq!(look_up.calls, Calls::back_to_back([offboarding::routes::BY_MAIL]));

        let leaver = Some(plan(1, vec![]).leaver);
        let resolved = live(scheduled, [Event::Resolved { leaver, warning: None }]).offboarding;
        let waits = resolved.waiting().unwrap();
        assert_eq!((waits.not_before, waits.priority), (Some(day), Priority::Interactive));
        assert_eq!(waits.calls.routes[0], offboarding::routes::BY_ID, "by the id that was found");
    }
}
