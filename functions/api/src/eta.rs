//! When an offboarding will be through, as far as the quota is concerned.
//!
//! The work table tells who waits. Their calls are played on what is left of the quota, in the order in which the dispatcher
//! hands them out, were nobody else to come: whoever leaves a space takes along all who wait for it, and who is out of the
//! last space goes before the removals of others.

use std::{collections::BTreeMap, iter};

use jiff::{SignedDuration, Timestamp};
use podio_engine::quota::{Ceiling, Play, Quota};
use podio_lifecycle::{
    offboarding::{Offboarding, Plan, State, routes},
    removal,
    work::{Calls, Group, JobId, Priority, Waiting},
};

use crate::{Exchange, Ports, snapshot};

/// Spaces of somebody of whom it is not known yet in how many they are: enough to come behind the backlog, which is what
/// counts, and no more than anybody leaves.
const LEAST_SPACES: u32 = 1;
/// Jobs that are looked at. More than that is a day of calls and more.
const MOST_AHEAD: usize = 10_000;
/// After that time a job that was called for waits for its next calls.
const ANSWERED: SignedDuration = SignedDuration::from_secs(3);

/// What is to come.
pub(crate) struct Outlook {
    pub(crate) quota: Quota,
    pub(crate) now: Timestamp,
    pub(crate) ceiling: Ceiling,
    /// Calls that offboardings still take.
    pub(crate) backlog: usize,
    /// Whether removals are paused: then nobody can tell.
    paused: bool,
    /// When each offboarding will be through.
    through: BTreeMap<String, Timestamp>,
}

/// What is left of an offboarding.
#[derive(Default)]
struct Course {
    /// Its jobs in the line.
    open: usize,
    /// The calls that come once these are done, last first.
    then: Vec<Calls>,
}

impl Outlook {
    /// As those who are to be shown need it.
    pub(crate) async fn of(exchange: &Exchange<'_>, shown: &[&Offboarding]) -> Self {
        let ports = exchange.ports;
        let is_asked_for = shown.iter().any(|offboarding| calls_ahead(offboarding) > 0);
        let line = if is_asked_for { line(ports).await } else { Vec::new() };
        let paused = is_asked_for && ports.pause.pause().await.is_ok_and(|pause| pause.is_on());
        let outlook =
            Self::new(snapshot::quota(ports).await, line, shown, ports.clock.now(), exchange.settings.ceiling);
        Self { paused, ..outlook }
    }

    /// Plays the line. Of those who are shown the record is known, which says more than the table.
    pub(crate) fn new(
        quota: Quota,
        line: Vec<Waiting>,
        shown: &[&Offboarding],
        now: Timestamp,
        ceiling: Ceiling,
    ) -> Self {
        let line = whole_line(line, shown, now);
        let mut courses: BTreeMap<&str, Course> = BTreeMap::new();
        let mut together: BTreeMap<&Group, Vec<&str>> = BTreeMap::new();
        for job in &line {
            if let Some(leaver) = leaver(job) {
                let course = courses.entry(leaver).or_default();
                course.open += 1;
                course.then = calls_after(job);
            }
            if let Some(group) = &job.group {
                together.entry(group).or_default().extend(leaver(job));
            }
        }
        for rehearsed in shown.iter().filter(|offboarding| offboarding.request.dry_run) {
            courses.entry(rehearsed.id.as_str()).or_default().then.clear();
        }
        let count = |calls: &Calls| calls.routes.len().max(1);
        let mut play = Play::new(quota.clone(), now, line.iter().map(|job| count(&job.calls)).sum(), ceiling);
        let (mut backlog, mut through) = (0, BTreeMap::new());
        for job in &line {
            let leavers = match &job.group {
                Some(group) => together.remove(group),
                None => Some(leaver(job).into_iter().collect()),
            };
            // Somebody before has taken them along.
            let Some(leavers) = leavers else { continue };
            let at = play.next(job);
            play.done(count(&job.calls) * leavers.len().max(1));
            backlog += if leavers.is_empty() { 0 } else { count(&job.calls) };
            let mut ending = Vec::new();
            for leaver in leavers {
                let Some(course) = courses.get_mut(leaver) else { continue };
                course.open = course.open.saturating_sub(1);
                if course.open == 0 {
                    let then = std::mem::take(&mut course.then);
                    backlog += then.iter().map(count).sum::<usize>();
                    ending.push(Ending { leaver, at, then });
                }
            }
            through.extend(end(ending, at, job, &mut play));
        }
        Self { quota, now, ceiling, backlog, paused: false, through }
    }

    /// When its last call will have gone out; none where nothing is under way, or a person has paused it.
    pub(crate) fn eta(&self, offboarding: &Offboarding) -> Option<Timestamp> {
        let ahead = calls_ahead(offboarding);
        if ahead == 0 || (self.paused && !offboarding.request.dry_run) {
            return None;
        }
        let through = self.through.get(offboarding.id.as_str()).copied();
        // Whose day has not come waits for the day, and for nobody who waits now.
        let by_itself = || self.quota.forecast(offboarding.effective_at().max(self.now), ahead, self.ceiling);
        let through = through.unwrap_or_else(by_itself);
        // A fault makes the stage's job wait longer than the quota would.
        Some(whole(offboarding.state.work().not_before.map_or(through, |until| through.max(until))))
    }

    /// When the last of all will be through; none where nothing is under way.
    pub(crate) fn drained_at(&self) -> Option<Timestamp> {
        self.through.values().max().copied().map(whole)
    }
}

/// Somebody whose jobs in the line are done.
struct Ending<'a> {
    leaver: &'a str,
    /// When the last call went out.
    at: Timestamp,
    /// The calls that are left, last first.
    then: Vec<Calls>,
}

/// Plays the ends of those who are out of their last space by the same call, at `at`; when each is through. What was called
/// is called on once it is answered: meanwhile the others go.
fn end(mut ending: Vec<Ending<'_>>, mut at: Timestamp, job: &Waiting, play: &mut Play) -> Vec<(String, Timestamp)> {
    let mut through = Vec::new();
    loop {
        let answered = ending.iter().position(|one| one.at + ANSWERED <= at);
        let longest = || (0..ending.len()).min_by_key(|index| ending[*index].at);
        let Some(next) = answered.or_else(longest) else { return through };
        let Some(calls) = ending[next].then.pop() else {
            let Ending { leaver, at, .. } = ending.remove(next);
            through.push((leaver.to_owned(), at));
            continue;
        };
        // The job that waits now is another one, and its moments may be reserved.
        let id = JobId::new("end", ending[next].leaver);
        at = play.next(&Waiting { job: id, priority: Priority::Interactive, calls, ..job.clone() });
        ending[next].at = at;
    }
}

/// Those who wait, or nobody: an estimate is a courtesy, and its absence must not hide an offboarding.
pub(crate) async fn line(ports: &Ports) -> Vec<Waiting> {
    ports.work.ahead(MOST_AHEAD).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "it is not known what waits before");
        Vec::new()
    })
}

/// The line with what the table lacks: jobs that pause or that its index does not show yet, and what comes behind a plan.
fn whole_line(mut line: Vec<Waiting>, shown: &[&Offboarding], now: Timestamp) -> Vec<Waiting> {
    // What is sealed or released takes no call.
    line.retain(|job| job.job.kind != JobId::OFFBOARDING || !job.calls.routes.is_empty());
    let mut listed: BTreeMap<String, u32> = BTreeMap::new();
    for leaver in line.iter().filter_map(leaver) {
        *listed.entry(leaver.to_owned()).or_default() += 1;
    }
    let is_due = |it: &&&Offboarding| {
        calls_ahead(it) > 0 && (!matches!(it.state, State::Scheduled(_)) || it.effective_at() <= now)
    };
    for offboarding in shown.iter().filter(is_due) {
        let listed = listed.get(offboarding.id.as_str()).copied().unwrap_or_default();
        if let State::Removing(it) = &offboarding.state {
            let missing = it.plan.spaces.pending.saturating_sub(listed) as usize;
            let removal = removal_of(offboarding.id.as_str(), Some(offboarding), offboarding.place);
            line.extend(iter::repeat_n(removal, missing));
        } else if listed == 0 {
            line.extend(offboarding.waiting());
        }
    }
    let known: BTreeMap<&str, &Offboarding> = shown.iter().map(|it| (it.id.as_str(), *it)).collect();
    let plans = line.iter().filter(|job| job.job.kind == JobId::OFFBOARDING && !job.calls.back_to_back);
    let behind = plans.filter_map(|plan| {
        let known = known.get(plan.job.subject.as_str()).copied();
        let is_dry = known.is_some_and(|known| known.request.dry_run);
        (!is_dry).then(|| removal_of(&plan.job.subject, known, plan.place))
    });
    line.extend(behind.collect::<Vec<_>>());
    line.sort_by_key(|job| (job.priority, job.place));
    line
}

/// A removal of somebody from a space that is not known.
fn removal_of(leaver: &str, known: Option<&Offboarding>, place: Timestamp) -> Waiting {
    Waiting {
        job: JobId::new(JobId::SPACE, leaver),
        priority: known.map_or(Priority::Removal, |known| known.request.space_priority()),
        place,
        since: place,
        not_before: None,
        faulted_at: None,
        calls: Calls::of(removal::ROUTE, 1),
        group: None,
    }
}

/// Whose job it is; nobody's where it is no offboarding's.
fn leaver(job: &Waiting) -> Option<&str> {
    let is_theirs = matches!(job.job.kind.as_str(), JobId::OFFBOARDING | JobId::SPACE);
    job.job.subject.split('/').next().filter(|_| is_theirs)
}

/// The calls of an offboarding once its jobs of that kind are done, last first.
fn calls_after(job: &Waiting) -> Vec<Calls> {
    let verify = Calls::of(routes::BY_ID, 1);
    if job.job.kind == JobId::SPACE || !job.calls.back_to_back {
        return vec![verify, Calls::back_to_back([routes::PREVIEW, routes::REMOVE])];
    }
    let is_end = job.calls.routes.iter().any(|route| route == routes::REMOVE);
    if is_end { vec![verify] } else { Vec::new() }
}

/// Calls of an offboarding that are still to be made.
fn calls_ahead(offboarding: &Offboarding) -> usize {
    let pending = |plan: &Plan| plan.spaces.pending;
    offboarding.calls_ahead(offboarding.state.plan().map_or(LEAST_SPACES, pending))
}

/// An estimate in whole seconds: more would promise more than it can hold.
pub(crate) fn whole(estimate: Timestamp) -> Timestamp {
    Timestamp::from_second(estimate.as_second()).unwrap_or(estimate)
}

#[cfg(test)]
mod tests {
    use podio_lifecycle::{
        ids::{OffboardingId, OrgId, SpaceId, UserId},
        offboarding::{Event, Leaver, NewPlan, Person, Planning, Priority as Hurry, Request, Scheduled},
        source::Source,
    };

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ceiling(limit: u32) -> Ceiling {
        Ceiling::new(limit, SignedDuration::from_secs(100)).unwrap()
    }

    /// An offboarding in the middle of leaving `spaces` spaces.
    fn removing(number: u8, spaces: u32) -> Offboarding {
        let request = Request::new(Person::User(UserId(1)), Source::Api { name: "hr".to_owned() });
        let id = OffboardingId::new(at(0), [number; 10]);
        let place = at(i64::from(number));
        let accepted = Offboarding { place, ..Offboarding::accept(id, OrgId(1), request, at(0)) };
        let leaver = Leaver { user_id: UserId(1), email: None, name: None };
        let plan = NewPlan { leaver, spaces, previewed: false, reasons: Vec::new(), place };
        accepted.apply(Event::Planned(plan), at(0)).unwrap().offboarding
    }

    /// Its removals from these spaces.
    fn removals(offboarding: &Offboarding, spaces: impl IntoIterator<Item = u64>) -> Vec<Waiting> {
        let removal = |space| {
            let job = JobId::new(JobId::SPACE, format!("{}/1/{space}", offboarding.id));
            let group = Some(Group::Space(SpaceId(space)));
            Waiting { job, group, ..removal_of("", Some(offboarding), offboarding.place) }
        };
        spaces.into_iter().map(removal).collect()
    }

    /// What is to come of that line under a ceiling of that many calls in a hundred seconds.
    fn outlook(line: Vec<Waiting>, shown: &[&Offboarding], limit: u32) -> Outlook {
        Outlook::new(Quota::default(), line, shown, at(0), ceiling(limit))
    }

    #[test]
    fn with_quota_free_it_is_now() {
        let leaver = removing(1, 7);
        assert_eq!(outlook(Vec::new(), &[&leaver], 20).eta(&leaver), Some(at(0)));
    }

    #[test]
    fn beyond_the_quota_it_is_a_window_later() {
        let leaver = removing(1, 8);
        let eta = outlook(Vec::new(), &[&leaver], 10).eta(&leaver);
        assert_eq!(eta, Some(at(102)), "eleven calls: a window of 100 s and a margin of 2 s");
    }

    #[test]
    fn whoever_waits_before_it_goes_first_with_the_end() {
        let (before, own, behind) = (removing(1, 5), removing(2, 1), removing(3, 40));
        let line = |spaces| [removals(&before, 0..spaces), removals(&own, [100]), removals(&behind, 200..240)].concat();
        let few = outlook(line(2), &[&own], 18);
        assert_eq!(
            few.eta(&own),
            Some(at(0)),
            "two spaces and an end, and four calls of its own, are half of what there is"
        );
        let many = outlook(line(15), &[&own], 18);
        assert!(many.eta(&own) >= Some(at(102)), "{:?}", many.eta(&own));
        assert_eq!((few.backlog, many.backlog), (9 + 43, 22 + 43));
    }

    #[test]
    fn where_many_wait_removals_are_spread_over_the_window() {
        let (own, behind) = (removing(1, 12), removing(2, 40));
        let alone = outlook(removals(&own, 0..12), &[&own], 20).eta(&own);
        let crowded = outlook([removals(&own, 0..12), removals(&behind, 100..140)].concat(), &[&own], 20).eta(&own);
        assert_eq!(alone, Some(at(0)));
        assert!(crowded > Some(at(10)), "{crowded:?}");
    }

    #[test]
    fn whoever_shares_their_spaces_is_taken_along() {
        let leavers: Vec<_> = (1..5).map(|number| removing(number, 6)).collect();
        let line: Vec<_> = leavers.iter().flat_map(|leaver| removals(leaver, 0..6)).collect();
        let shown: Vec<_> = leavers.iter().collect();
        let outlook = outlook(line, &shown, 40);
        assert_eq!(outlook.backlog, 6 + 4 * 3);
        assert_eq!(leavers.iter().map(|leaver| outlook.eta(leaver)).collect::<Vec<_>>(), [Some(at(0)); 4]);
        assert_eq!(outlook.drained_at(), Some(at(0)));
    }

    #[test]
    fn of_those_who_end_together_nobody_is_read_back_before_all_are_removed() {
        let leavers: Vec<_> = (1..6).map(|number| removing(number, 1)).collect();
        let line: Vec<_> = leavers.iter().flat_map(|leaver| removals(leaver, [7])).collect();
        let shown: Vec<_> = leavers.iter().collect();
        let outlook = outlook(line, &shown, 12);
        assert_eq!(outlook.backlog, 1 + 5 * 3);
        assert_eq!(outlook.eta(&leavers[0]), Some(at(0)), "eleven calls for the removals, and one is left");
        assert!(outlook.eta(&leavers[1]) >= Some(at(102)));
    }

    #[test]
    fn who_is_urgent_goes_before_the_removals_of_others() {
        let mut urgent = removing(9, 2);
        urgent.request.priority = Hurry::Urgent;
        let others = removing(1, 60);
        let line = [removals(&others, 100..160), removals(&urgent, 0..2)].concat();
        assert_eq!(outlook(line, &[&urgent], 10).eta(&urgent), Some(at(0)));
    }

    #[test]
    fn what_pauses_or_is_not_planned_yet_is_counted_too() {
        let half = removing(1, 4);
        assert_eq!(outlook(removals(&half, 0..2), &[&half], 20).backlog, 4 + 3, "two of its removals pause");
        let planning = Offboarding { state: State::Planning(Planning::default()), ..removing(2, 0) };
        let line = removals(&removing(1, 30), 0..30);
        let unplanned = outlook(line, &[&planning], 20);
        assert_eq!(unplanned.backlog, 33 + 2 + 1 + 3);
        assert!(unplanned.eta(&planning) > Some(at(102)), "its first space comes behind those of others");
        let mut rehearsed = planning;
        rehearsed.request.dry_run = true;
        assert_eq!(outlook(Vec::new(), &[&rehearsed], 20).backlog, 2);
    }

    #[test]
    fn whose_day_has_not_come_waits_for_nobody() {
        let mut later = Offboarding { state: State::Scheduled(Scheduled::default()), ..removing(1, 0) };
        later.request.effective_at = Some(at(5_000));
        let outlook = outlook(removals(&removing(2, 90), 0..90), &[&later], 10);
        assert_eq!((outlook.eta(&later), outlook.backlog), (Some(at(5_000)), 93));
    }

    #[test]
    fn what_rests_has_no_estimate() {
        let held = removing(1, 3).apply(Event::KeepsFailing, at(1)).unwrap().offboarding;
        let outlook = outlook(Vec::new(), &[&held], 10);
        assert_eq!((outlook.eta(&held), outlook.drained_at(), outlook.backlog), (None, None, 0));
    }
}
