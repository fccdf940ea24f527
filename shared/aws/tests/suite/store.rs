//! One suite for all: the in-memory twins, and DynamoDB as an emulator on a loopback port has it.

/// Runs each test on both implementations.
macro_rules! suite {
    ($($module:ident: $($test:ident),+;)+) => {
        mod in_memory {
            use std::sync::Arc;

            use podio_aws::twin::MemoryStore;

            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                crate::ports::$module::$test(Arc::new(MemoryStore::new())).await;
            })+)+
        }

        mod in_dynamodb {
            use std::sync::Arc;

            use crate::emulator::Emulator;

            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let emulator = Emulator::start().await;
                crate::ports::$module::$test(Arc::new(emulator.store())).await;
            })+)+
        }
    };
}

suite! {
    accepting:
        what_was_accepted_can_be_read_back,
        the_same_request_again_gives_the_same_offboarding,
        a_key_with_another_body_is_refused,
        an_expired_key_counts_as_new,
        a_person_who_is_leaving_already_is_not_accepted_again,
        a_second_request_is_stored_with_its_key,
        a_second_request_that_read_an_old_revision_leaves_nothing,
        of_many_second_requests_at_once_each_has_its_effect_or_none,
        a_dry_run_claims_nobody,
        a_claim_that_was_left_behind_is_taken_over,
        of_many_requests_for_one_person_at_once_one_is_accepted,
        of_many_repetitions_at_once_one_is_accepted;
    saving:
        who_read_an_old_revision_is_turned_away,
        of_many_writers_one_wins,
        a_person_who_was_let_go_can_be_accepted_again,
        letting_go_leaves_the_claim_of_another_alone,
        two_names_of_one_person_meet_when_both_are_found,
        a_claim_left_behind_stops_nobody;
    remembering:
        who_was_removed_is_remembered_and_free_again,
        who_is_only_let_go_is_not_remembered,
        the_removed_are_told_from_a_crowd,
        a_turn_is_one_offboardings_until_it_ends,
        of_many_who_want_a_turn_at_once_one_gets_it,
        an_item_is_remembered_by_its_latest_revision,
        of_many_revisions_at_once_the_latest_stays;
    working:
        jobs_are_ready_by_priority_and_place,
        jobs_that_pause_are_ready_when_their_time_has_come,
        the_end_of_an_outage_ends_the_pauses_that_it_caused,
        a_job_is_put_into_the_table_once,
        an_attempt_is_begun_once,
        of_many_who_begin_an_attempt_one_does,
        a_job_that_has_left_tells_whether_an_attempt_had_begun,
        a_job_waits_again_as_it_is_told,
        a_removal_waits_again_as_it_is_told,
        an_offboarding_waits_as_its_record_says,
        a_second_request_changes_how_an_offboarding_waits,
        what_lies_ahead_is_told_in_order_without_what_pauses;
    people:
        one_audit_of_an_organization_runs_at_a_time,
        of_many_audits_at_once_one_begins,
        an_audit_is_saved_by_who_read_it_last,
        an_audit_waits_in_the_work_table_until_it_is_over,
        audits_are_listed_newest_first,
        whom_an_audit_has_listed_is_told_once_each,
        members_come_back_as_stored_and_in_order,
        a_member_is_written_on_condition_of_what_was_read,
        current_members_tell_who_is_stale,
        changes_come_in_the_order_of_time;
    reconciling:
        a_roster_comes_back_in_the_order_of_its_parts,
        rosters_are_saved_by_who_read_them_last,
        findings_come_back_in_order_from_wherever_asked;
    removing:
        a_plan_is_stored_in_order_and_only_once,
        a_removal_comes_back_as_it_was_stored,
        a_removal_is_written_on_condition_of_what_was_read,
        of_many_who_write_a_removal_one_does,
        removals_that_wait_are_found_by_their_space,
        a_space_is_settled_together_with_its_offboarding,
        of_many_who_count_a_space_one_does;
    telling:
        those_listed_longest_are_found_first,
        those_at_work_are_told_oldest_first;
    delivering:
        a_delivery_is_stored_once_and_comes_back_as_it_was,
        of_many_duplicates_at_once_one_is_stored,
        a_job_that_waits_is_noted_by_who_read_it_last,
        a_delivery_is_ended_once_and_its_code_forgotten,
        a_delivery_waits_in_the_work_table_until_it_is_ended;
    listing:
        pages_follow_each_other_newest_first,
        a_state_can_be_asked_for,
        what_is_asked_for_is_found_behind_a_thousand_newer_ones,
        a_state_is_the_one_that_was_stored_last,
        a_person_is_found_by_each_of_their_names,
        leavers_of_an_hour_are_counted_without_dry_runs;
    evidence:
        calls_are_chained_in_the_order_of_recording,
        many_workers_record_side_by_side_without_a_gap,
        call_behind_an_altered_statement_says_so,
        record_larger_than_an_item_comes_back_whole,
        seal_and_offboarding_are_saved_together_or_not_at_all,
        public_keys_are_kept_once;
    sealing:
        what_completes_is_stored_with_its_seal,
        who_holds_no_key_completes_nothing,
        what_a_door_has_ended_is_a_job_until_it_is_sealed,
        of_many_who_seal_at_once_each_has_a_number_of_its_own;
    scim:
        a_user_is_found_by_each_of_its_names,
        a_user_name_is_one_users_until_it_is_deleted,
        a_user_is_written_on_condition_of_what_was_read,
        of_many_users_at_once_one_gets_the_name,
        users_are_listed_in_order_of_creation,
        what_no_longer_holds_finds_nobody;
    noting:
        what_was_learned_is_remembered,
        of_two_decisions_at_once_one_has_to_look_again;
    quota:
        the_quota_is_written_on_condition_of_what_was_read,
        workers_that_reserve_at_once_never_share_a_moment;
}

mod credentials {
    use std::sync::Arc;

    use podio_aws::twin::MemoryCredentials;

    use crate::{emulator::Emulator, ports::tokens};

    #[tokio::test]
    async fn a_token_comes_back_as_it_was_stored() {
        tokens::a_token_comes_back_as_it_was_stored(Arc::new(MemoryCredentials::new())).await;
        tokens::a_token_comes_back_as_it_was_stored(Arc::new(Emulator::start().await.credentials())).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_many_workers_one_gets_the_lease() {
        tokens::of_many_workers_one_gets_the_lease(Arc::new(MemoryCredentials::new())).await;
        tokens::of_many_workers_one_gets_the_lease(Arc::new(Emulator::start().await.credentials())).await;
    }
}

mod unreadable {
    use aws_sdk_dynamodb::types::AttributeValue;
    use podio_lifecycle::{
        offboarding::{Filter, Unreadable},
        ports::{ReadOffboardings, StoreError},
    };

    use crate::{
        emulator::{Emulator, STATE},
        ports::{accepted, leaver},
    };

    #[tokio::test]
    async fn a_record_of_another_version_is_listed_as_such_and_hides_nobody() {
        let emulator = Emulator::start().await;
        let store = emulator.store();
        let mut ids = Vec::new();
        for n in 0..5 {
            ids.push(accepted(&store, leaver(&format!("leaver{n}@example.com"), n)).await.id);
        }
        let damaged = ids[2].clone();
        let update = emulator.client().update_item().table_name(STATE);
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let update = update.key("pk", text(&format!("OFF#{damaged}"))).key("sk", text("STATE"));
        let update = update.update_expression("SET body = :body").expression_attribute_values(":body", text("{}"));
        update.send().await.unwrap();

        let unreadable = Unreadable { id: damaged.clone(), state: Some("planning".to_owned()) };
        let mail = Filter { email: Some("leaver2@example.com".parse().unwrap()), ..Filter::default() };
        for (filter, readable) in [(Filter::default(), 4), (Filter::in_state("planning"), 4), (mail, 0)] {
            let page = store.list(&filter, 10, None).await.unwrap();
            assert_eq!((page.offboardings.len(), page.unreadable), (readable, vec![unreadable.clone()]), "{filter:?}");
        }
        assert_eq!(store.list(&Filter::in_state("held"), 10, None).await.unwrap().unreadable, []);
        let page = store.list(&Filter::default(), 3, None).await.unwrap();
        assert_eq!((page.offboardings.len(), page.next), (2, Some(damaged.clone())), "it takes a place on its page");
        assert_eq!(store.active(10).await.unwrap().len(), 4);
        assert!(matches!(store.load(&damaged).await, Err(StoreError::Corrupt(_))));
    }
}

mod outages {
    use podio_aws::DynamoStore;
    use podio_lifecycle::{
        ids::OffboardingId,
        ports::{AcceptOffboardings, ReadOffboardings, StoreError},
    };

    use crate::{emulator::Emulator, ports};

    #[tokio::test]
    async fn what_dynamodb_refuses_is_told_by_its_code_alone() {
        let emulator = Emulator::start().await;
        let missing = DynamoStore::new(emulator.client(), "no_such_table");
        let jane = ports::leaver("jane@example.com", 0);
        let refused = Err(StoreError::Unavailable("ResourceNotFoundException".into()));
        assert_eq!(missing.create(&jane, None).await, refused);
        assert_eq!(missing.load(&jane.id).await.map(|_| ()), refused.map(|_| ()));
    }

    #[tokio::test]
    async fn the_tables_can_be_created_again() {
        let emulator = Emulator::start().await;
        emulator.create_tables().await;
        let nobody = OffboardingId::first_at(ports::at(0));
        assert_eq!(emulator.store().load(&nobody).await, Ok(None));
    }
}
