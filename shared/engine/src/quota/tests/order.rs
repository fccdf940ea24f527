//! Who goes first, and what keeps a job back.

use super::*;

fn plan(number: u64) -> Waiting {
    let plan = job(number, Priority::Interactive, Calls::of("look", 2));
    Waiting { job: JobId::new(JobId::OFFBOARDING, number), ..plan }
}

#[test]
fn jobs_go_out_by_priority_and_place() {
    let look = |n, priority| job(n, priority, Calls::of("look", 1));
    let mut waiting = vec![
        look(7, Priority::Background),
        removal(6),
        look(5, Priority::Interactive),
        removal(4),
        look(3, Priority::Interactive),
        look(2, Priority::Background),
    ];
    let mut expected = vec!["3", "5", "2", "4", "6", "7"];
    for _ in 0..waiting.len() {
        let mut quota = Quota::default();
        let orders = quota.choose(&waiting, at(10), PATIENCE, hour());
        assert_eq!(subjects(&orders), expected, "one of the background is owed its share");
        assert!(moments(&orders).is_sorted());
        waiting.rotate_left(1);
    }
    let mut quota = Quota::default();
    let earlier: Vec<_> = (100..113).map(|n| look(n, Priority::Background)).collect();
    assert_eq!(quota.choose(&earlier, at(0), PATIENCE, hour()).len(), 13);
    expected = vec!["3", "5", "4", "6", "2", "7"];
    assert_eq!(subjects(&quota.choose(&waiting, at(10), PATIENCE, hour())), expected, "its share is given");
}

#[test]
fn a_dispatch_sends_twenty_jobs_close_together() {
    let waiting: Vec<_> = (0..30).map(removal).collect();
    let orders = Quota::default().choose(&waiting, at(0), PATIENCE, ceiling(2_500, 3_600));
    assert_eq!(orders.len(), MOST_JOBS);
    let times = moments(&orders);
    assert_eq!(times[1].duration_since(times[0]), SignedDuration::from_millis(50));
    assert_eq!(times.last(), Some(&at(950)));
}

#[test]
fn a_job_gets_at_most_ten_calls_at_a_time() {
    let long = [job(1, Priority::Interactive, Calls::of("look", 40))];
    let orders = Quota::default().choose(&long, at(0), PATIENCE, hour());
    assert_eq!(orders[0].moments.len(), 10);
}

#[test]
fn what_does_not_fit_gets_what_fits() {
    let few = ceiling(12, 3_600);
    let mut quota = Quota::default();
    quota.choose(&[job(1, Priority::Interactive, Calls::of("look", 8))], at(0), PATIENCE, few);
    let long = job(2, Priority::Interactive, Calls::of("look", 8));
    let orders = quota.choose(std::slice::from_ref(&long), at(0), PATIENCE, few);
    assert_eq!(orders[0].moments.len(), 4);
    assert_eq!(quota.choose(&[long], at(PATIENCE_MS), PATIENCE, few), []);
}

const PATIENCE_MS: i64 = 200_000;

#[test]
fn back_to_back_calls_stay_together() {
    let few = ceiling(12, 3_600);
    let mut quota = Quota { answers_take: 700, ..Quota::default() };
    let end = |n| job(n, Priority::Interactive, Calls::back_to_back(["look", "see", "leave"]));
    let waiting: Vec<_> = (0..9).map(end).collect();
    let orders = quota.choose(&waiting, at(0), PATIENCE, few);
    assert_eq!(orders.len(), 4, "no job gets two of its three");
    for order in orders {
        let [first, second, third] = order.moments[..] else { panic!("{order:?}") };
        assert!(second.at.duration_since(first.at) >= SignedDuration::from_millis(700), "as long as answers take");
        assert!(third.at.duration_since(first.at) < SignedDuration::from_secs(3));
    }
}

#[test]
fn back_to_back_calls_beyond_the_ceiling_are_as_many_as_it_has() {
    let waiting = [job(1, Priority::Interactive, Calls::back_to_back(["look", "see", "leave"]))];
    let orders = Quota::default().choose(&waiting, at(0), PATIENCE, ceiling(2, 3_600));
    assert_eq!(orders[0].moments.len(), 2, "never to go out would be worse");
}

#[test]
fn what_does_not_fit_holds_up_its_own_ceiling_only() {
    let few = ceiling(2, 3_600);
    let mut quota = Quota::default();
    quota.routes.insert("list".to_owned(), Learned { limit: 50, higher: None });
    let waiting = [
        job(1, Priority::Interactive, Calls::of("look", 2)),
        job(2, Priority::Interactive, Calls::back_to_back(["look", "look"])),
        job(3, Priority::Interactive, Calls::of("look", 1)),
        job(4, Priority::Interactive, Calls::of("list", 3)),
    ];
    assert_eq!(subjects(&quota.choose(&waiting, at(0), PATIENCE, few)), ["1", "4"]);
}

#[test]
fn calls_under_several_ceilings_find_room_under_each() {
    let few = ceiling(2, 3_600);
    let mut quota = Quota::default();
    quota.routes.insert("list".to_owned(), Learned { limit: 50, higher: None });
    quota.choose(&[job(1, Priority::Interactive, Calls::of("look", 2))], at(0), PATIENCE, few);
    let mixed = |back_to_back| {
        let routes = vec!["list".to_owned(), "look".to_owned()];
        [job(2, Priority::Interactive, Calls { routes, back_to_back })]
    };
    assert_eq!(quota.clone().choose(&mixed(true), at(0), PATIENCE, few), [], "the second call finds none");
    let orders = quota.choose(&mixed(false), at(0), PATIENCE, few);
    assert_eq!(orders[0].moments.iter().map(|it| it.limit).collect::<Vec<_>>(), [50], "the first one does");
}

#[test]
fn a_job_that_was_named_waits_until_its_patience_is_over() {
    let mut quota = Quota::default();
    let waiting = [removal(1)];
    let orders = quota.choose(&waiting, at(0), PATIENCE, hour());
    let until = orders[0].moments[0].at + PATIENCE;
    for now in [at(0), at(60_000), until - SignedDuration::from_millis(1)] {
        assert_eq!(quota.choose(&waiting, now, PATIENCE, hour()), []);
    }
    let again = quota.choose(&waiting, until, PATIENCE, hour());
    assert_eq!(subjects(&again), ["1"]);
    assert_eq!(quota.named.len(), 1, "named once");
}

#[test]
fn a_job_that_waits_again_is_free_and_one_that_is_done_rests() {
    let mut quota = Quota::default();
    let waiting = [removal(1), removal(2)];
    let orders = quota.choose(&waiting, at(0), PATIENCE, hour());
    quota.ended(&orders[0], true, at(1_000));
    quota.ended(&orders[1], false, at(1_000));
    assert_eq!(subjects(&quota.choose(&waiting, at(1_000), PATIENCE, hour())), ["1"]);
    assert_eq!(subjects(&quota.choose(&waiting, at(6_000), PATIENCE, hour())), ["2"], "the index has caught up");
}

#[test]
fn a_job_that_waits_again_gets_a_later_moment() {
    let mut quota = Quota::default();
    let waiting = [removal(1)];
    let order = quota.choose(&waiting, at(5_000), PATIENCE, hour()).remove(0);
    assert_eq!(order.attempt(), at(5_000));
    quota.ended(&order, true, at(3_000));
    quota.strike(&order.moments);
    quota.waits_anew(&order.job);
    assert_eq!(
        moments(&quota.clone().choose(&waiting, at(3_000), PATIENCE, hour())),
        [],
        "it could not use its moment"
    );
    // Its claim would count as the same attempt otherwise, and so it would to a worker whose clock is behind.
    assert_eq!(moments(&quota.clone().choose(&waiting, at(5_001), PATIENCE, hour())), [at(5_001)]);
    assert_eq!(moments(&quota.choose(&waiting, at(6_000), PATIENCE, hour())), [at(6_000)]);
    assert_eq!(quota.named.len(), 1, "named once");
}

#[test]
fn moment_that_was_given_back_is_given_again() {
    let few = ceiling(4, 3_600);
    let look = |n| job(n, Priority::Interactive, Calls::of("look", 1));
    let mut quota = Quota::default();
    let moments_of = |orders: &[Order]| orders.iter().map(|order| order.moments[0].at).collect::<Vec<_>>();
    for n in 0..4_u64 {
        quota.choose(&[look(n)], at(i64::try_from(n).unwrap() * 10_000), PATIENCE, few);
    }
    // An hour later all four of them find room again, one after the other.
    let now = at(0) + few.span();
    let waiting: Vec<_> = (10..14).map(look).collect();
    let orders = quota.choose(&waiting, now, PATIENCE, few);
    let given = moments_of(&orders);
    assert_eq!(given, (0..4).map(|n| now + secs(10) * n).collect::<Vec<_>>());
    quota.strike(&orders[1].moments);
    assert_eq!(moments_of(&quota.clone().choose(&[look(20)], now, PATIENCE, few)), [given[1]]);
    let late = given[1] + secs(5);
    assert_eq!(moments_of(&quota.choose(&[look(20), look(21)], late, PATIENCE, few)), [late], "and only once");
}

#[test]
fn an_old_attempt_that_ends_frees_no_newer_one() {
    let mut quota = Quota::default();
    let waiting = [removal(1)];
    let old = quota.choose(&waiting, at(0), PATIENCE, hour());
    let new = quota.choose(&waiting, at(95_000), PATIENCE, hour());
    quota.ended(&old[0], true, at(96_000));
    assert_eq!(quota.named[0].moments, new[0].moments);
    assert_eq!(quota.choose(&waiting, at(96_000), PATIENCE, hour()), []);
}

#[test]
fn of_several_leavers_in_a_space_one_goes_out() {
    let in_space = |n| Waiting { group: Some(Group::Space(SpaceId(5))), ..removal(n) };
    let waiting = [in_space(1), in_space(2), removal(3)];
    let mut quota = Quota::default();
    assert_eq!(subjects(&quota.choose(&waiting, at(0), PATIENCE, hour())), ["1", "3"], "it takes the others along");
    assert_eq!(quota.choose(&waiting, at(1_000), PATIENCE, hour()), [], "while it is on its way");
}

#[test]
fn of_one_objects_deliveries_one_goes_out() {
    let delivery = |n, space| Waiting {
        group: Some(Group::Hooks(HookRef::space(SpaceId(space)))),
        ..job(n, Priority::Background, Calls::of("look", 1))
    };
    let waiting: Vec<_> = (0..150).map(|n| delivery(n, 5)).chain([delivery(150, 6), removal(151)]).collect();
    let mut quota = Quota::default();
    let orders = quota.choose(&waiting, at(0), PATIENCE, hour());
    assert_eq!(subjects(&orders), ["0", "151", "150"], "a flood takes no place of others");
    assert_eq!(quota.choose(&waiting, at(1_000), PATIENCE, hour()), [], "while it is on its way");
    quota.ended(&orders[0], false, at(2_000));
    assert_eq!(subjects(&quota.choose(&waiting[1..], at(2_000), PATIENCE, hour())), ["1"]);
}

#[test]
fn pair_of_background_calls_is_owed_together() {
    let few = ceiling(6, 60);
    let removals: Vec<_> = (0..5).map(removal).collect();
    let mut quota = Quota::default();
    assert_eq!(quota.choose(&removals[..4], at(0), PATIENCE, few).len(), 4);
    let pair = [job(9, Priority::Background, Calls::back_to_back(["list", "answer"]))];
    let orders = quota.choose(&pair, at(5_000), PATIENCE, few);
    assert_eq!(orders.iter().map(|order| order.moments.len()).collect::<Vec<_>>(), [2], "a twentieth of six is none");
    assert_eq!(quota.choose(&[job(8, Priority::Background, Calls::of("list", 1))], at(5_000), PATIENCE, few), []);
}

#[test]
fn young_removals_wait_while_plans_are_made() {
    let young = Waiting { since: at(0), ..removal(2) };
    let mut quota = Quota::default();
    let waiting = [plan(1), young.clone()];
    assert_eq!(subjects(&quota.choose(&waiting, at(9_999), PATIENCE, hour())), ["1"]);
    assert_eq!(subjects(&quota.choose(&waiting, at(10_000), PATIENCE, hour())), ["2"], "not for ever");
    let mut alone = Quota::default();
    assert_eq!(subjects(&alone.choose(&[young], at(0), PATIENCE, hour())), ["2"], "nobody is to be met");
}

#[test]
fn one_more_call_is_had_at_once_or_not_at_all() {
    let few = ceiling(5, 3_600);
    let mut quota = Quota::default();
    let more = |quota: &mut Quota, priority| quota.one_more("look", priority, at(0), secs(3), few);
    for n in 0..4 {
        let reserved = more(&mut quota, Priority::Background).unwrap();
        assert_eq!((reserved.at, reserved.limit), (at(n), 5), "a moment each");
    }
    assert_eq!(more(&mut quota, Priority::Background), None, "four fifths are enough for the background");
    assert!(more(&mut quota, Priority::Interactive).is_some());
    let before = quota.clone();
    assert_eq!(more(&mut quota, Priority::Interactive), None);
    assert_eq!(quota, before, "nothing was reserved");
}

#[test]
fn short_windows_are_dispatched_again_before_the_sweep() {
    let short = ceiling(2, 10);
    let mut quota = Quota::default();
    let waiting: Vec<_> = (0..4).map(|n| job(n, Priority::Interactive, Calls::of("look", 1))).collect();
    assert_eq!(quota.choose(&waiting, at(0), PATIENCE, short).len(), 2);
    let wake_at = quota.wake_at.expect("the sweep would come a minute later");
    assert_eq!(subjects(&quota.choose(&waiting, wake_at, PATIENCE, short)), ["2"]);
    let mut long = Quota::default();
    long.choose(&waiting, at(0), PATIENCE, ceiling(2, 3_600));
    assert_eq!(long.wake_at, None, "the sweep is early enough");
}
