//! Rules that hold in whatever order things happen.

use podio_lifecycle::offboarding::{DueKind, Outcome, Paging, SearchStep};
use proptest::prelude::*;

use super::*;

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Due),
        Just(Event::Resolved { leaver: Some(plan(1, vec![]).leaver), warning: None }),
        Just(Event::Resolved { leaver: None, warning: Some(Reason::ambiguous(vec![UserId(7)], "…")) }),
        Just(Event::Waits { until: None, found: Found::Scheduled(Box::default()), calls: 1, place: at(0) }),
        Just(Event::Faulted { again_at: at(50), found: Found::Scheduled(Box::default()) }),
        Just(Event::PlanningBegun),
        (0u32..4, any::<bool>())
            .prop_map(|(spaces, bad)| Event::Planned(plan(spaces, if bad { danger(1) } else { vec![] }))),
        any::<bool>().prop_map(|was_known| Event::NotAMember { was_known }),
        Just(Event::InDoubt(Reason::ambiguous(vec![UserId(7)], "…"))),
        Just(Event::Duplicate(OffboardingId::new(at(5), [9; 10]))),
        Just(Event::Crowded { place: at(70) }),
        Just(removed()),
        Just(removed()),
        Just(Event::SpaceSettled(RemovalState::LeftToOrgRemoval)),
        Just(Event::Released),
        Just(Event::OrgRemovalClaimed),
        Just(Event::OrgRemovalUnsafe(danger(2))),
        (1u32..3, 0u32..12).prop_map(|(spaces, round)| found(spaces, round, vec![])),
        (1u64..4).prop_map(look_again),
        Just(Event::SuspectsCleared { left: vec![] }),
        Just(Event::OrgRemovalDone),
        Just(Event::Returned),
        Just(Event::StillAMember),
        (0i64..200).prop_map(|second| Event::VerifiedGone { asked_at: at(second) }),
        Just(waits(None, Search::default())),
        Just(waits(Some(at(60)), Search::default())),
        Just(waits(None, Search { step: SearchStep::Page(paging()), ..Search::default() })),
        Just(faulted(50)),
        Just(end_waits(None, LastLook::default())),
        Just(end_waits(Some(at(60)), LastLook::default())),
        Just(end_faulted(50)),
        Just(Event::Waits { until: None, found: Found::Verifying(Some(paging())), calls: 3, place: at(0) }),
        Just(Event::Faulted { again_at: at(50), found: Found::Verifying(None) }),
        Just(Event::KeepsFailing),
        Just(crashed()),
        Just(Event::Approved(Decision { hold_id: String::new(), named: Vec::new() })),
        Just(Event::Cancelled),
        (0i64..2_000).prop_map(|second| {
            Event::AskedAgain(Box::new(Request { effective_at: Some(at(second)), ..request() }))
        }),
        Just(Event::Retried),
    ]
}

fn paging() -> Paging {
    Paging { offset: 100, previous: Some(100), fingerprint: Some(u64::MAX), ..Paging::default() }
}

proptest! {
    /// Whatever happens in whatever order: the organization is only left once every space is settled, nothing is said to
    /// be removed without a read-back newer than the delete, what is over stays over, and what was called off was never
    /// sent. The removal from the organization is not sent again as if it had never been. Whatever has an end that is not
    /// sealed waits for its seal, and what goes on has none. Each state is read as it was stored.
    #[test]
    fn no_order_of_events_breaks_a_rule(events in prop::collection::vec(any_event(), 1..80), dry_run: bool, claimed: bool) {
        let mut offboarding = accepted(Request { dry_run, ..request() });
        let (mut open, mut sent) = (0u32, claimed && !dry_run);
        let mut was_sent = sent;
        if sent {
            offboarding = live(offboarding, [Event::Planned(plan(0, vec![])), Event::OrgRemovalClaimed]).offboarding;
        }
        for (event, second) in events.into_iter().zip(10..) {
            let before = offboarding.clone();
            let event = if matches!(event, Event::Approved(_)) { approving(&offboarding) } else { event };
            let Ok(change) = offboarding.apply(event.clone(), at(second)) else { continue };
            offboarding = Offboarding { revision: before.revision + 1, ..change.offboarding };
            let stored = serde_json::to_string(&offboarding).unwrap();
            let read: Offboarding = serde_json::from_str(&stored).unwrap();
            prop_assert_eq!(&Offboarding { revision: offboarding.revision, ..read }, &offboarding, "{}", stored);
            match &event {
                Event::Planned(plan) => open = plan.spaces,
                Event::SpacesFound { spaces, .. } => open += spaces,
                Event::SpaceSettled(_) => open -= 1,
                Event::Returned => {
                    prop_assert_eq!(offboarding.state.status(), before.state.status());
                    prop_assert_eq!(offboarding.state.completed_at(), before.state.completed_at());
                    prop_assert_eq!(offboarding.state.plan(), before.state.plan());
                    continue;
                }
                _ => {}
            }
            prop_assert!(!before.state.is_final(), "{:?} after the end", event);
            if matches!(offboarding.state, State::Finalizing(_) | State::Verifying(_)) {
                prop_assert_eq!(open, 0, "left the organization too early");
                prop_assert!(!dry_run);
            }
            if offboarding.state.status() == Status::Completed(Outcome::Removed) {
                let Event::VerifiedGone { asked_at } = event else { panic!("completed by {event:?}") };
                prop_assert!(asked_at >= verifying_of(&before).deleted_at);
            }
            match (&event, &offboarding.state) {
                (Event::OrgRemovalClaimed, _) => sent = true,
                (_, State::Verifying(_) | State::Removing(_) | State::Planning(_)) => sent = false,
                (_, State::Finalizing(it)) => prop_assert!(!sent || it.claim.is_open(), "sent twice unseen"),
                _ => {}
            }
            was_sent |= offboarding.state.leaving().is_some()
                || matches!(offboarding.state, State::Finalizing(_) | State::Verifying(_));
            if matches!(offboarding.state, State::Cancelled { .. }) {
                prop_assert!(!was_sent);
            }
            let kind = match offboarding.state {
                State::Scheduled(_) | State::Planning(_) | State::Removing(_) | State::Finalizing(_) | State::Verifying(_) => {
                    Some(DueKind::Active)
                }
                State::Held { .. } => Some(DueKind::Held),
                State::Failed { .. } => Some(DueKind::Failed),
                State::Completed { .. } | State::Cancelled { .. } => None,
            };
            prop_assert_eq!(offboarding.due().map(|due| due.kind), kind, "nothing is in limbo");
            let by_itself = matches!(
                offboarding.state,
                State::Scheduled(_) | State::Planning(_) | State::Finalizing(_) | State::Verifying(_)
            );
            let releases = matches!(&offboarding.state, State::Removing(it) if it.release);
            let has_ended = matches!(offboarding.state, State::Failed { .. } | State::Cancelled { .. });
            prop_assert!(has_ended || offboarding.state.closing().is_none(), "it goes on under a seal");
            let unsealed = has_ended && offboarding.state.closing().is_none();
            let waits = by_itself || releases || unsealed;
            prop_assert_eq!(offboarding.waiting().is_some(), waits, "its job waits or there is none");
            if unsealed && second % 3 == 0 {
                offboarding = offboarding.with_seal(0, sealed());
                prop_assert_eq!(offboarding.waiting(), None);
            }
        }
    }
}
