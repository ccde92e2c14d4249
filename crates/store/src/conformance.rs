//! One suite for every implementation of [`crate::port`].
//!
//! `store::conformance!(open)` expands to one test for each promise; `open` gives a fresh, empty
//! [`Fixture`].

pub mod sample;

mod accounts;
mod answers;
mod catalog;
mod flow;
mod journal;
mod models;
mod notices;
mod people;
mod rollout;
mod runs;
mod schedules;
mod tasks;
mod upkeep;
mod workers;

use std::any::Any;

pub use self::accounts::*;
pub use self::answers::*;
pub use self::catalog::*;
pub use self::flow::*;
pub use self::journal::*;
pub use self::models::*;
pub use self::notices::*;
pub use self::people::*;
pub use self::rollout::*;
pub use self::runs::*;
pub use self::schedules::*;
pub use self::tasks::*;
pub use self::upkeep::*;
pub use self::workers::*;
use crate::port::{Change, Outcome, Read, Write};

/// An empty memory to be put to the test.
pub struct Fixture {
    pub writer: Box<dyn Write>,
    pub reader: Box<dyn Read>,
    /// Lives as long as the test: a temporary folder, a lock.
    pub keep: Box<dyn Any>,
}

impl std::fmt::Debug for Fixture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fixture").finish_non_exhaustive()
    }
}

impl Fixture {
    /// Commits one change.
    pub fn commit(&mut self, change: Change) -> Outcome {
        let mut outcomes = self.commit_all(&[change]);
        outcomes.remove(0)
    }

    pub fn commit_all(&mut self, changes: &[Change]) -> Vec<Outcome> {
        let outcomes = self.writer.commit(changes).expect("the commit succeeds");
        assert_eq!(outcomes.len(), changes.len());
        outcomes
    }
}

/// One test for each promise of the port.
#[macro_export]
macro_rules! conformance {
    ($open:expr) => {
        $crate::conformance!($open =>
            saving_the_same_text_again_adds_nothing
            a_save_is_refused_when_its_expectation_fails
            a_deleted_pipeline_disappears_and_its_history_stays
            a_pipeline_is_disabled_and_enabled
            pipelines_are_paged_by_name
            revisions_are_listed_newest_first
            sequence_numbers_have_no_gaps
            an_append_at_the_wrong_place_is_refused
            a_refused_change_leaves_the_others_standing
            one_commit_may_move_a_run_many_times
            events_come_back_as_they_were
            events_are_paged
            events_of_all_runs_come_in_the_order_of_arrival
            hashes_depend_on_the_run_and_on_what_came_before
            verifying_counts_runs_and_events
            an_unknown_run_has_nothing
            run_numbers_go_on_and_are_never_used_twice
            unfinished_runs_come_oldest_first
            a_line_follows_its_run_but_keeps_its_origin
            stages_are_replaced_one_by_one
            runs_are_filtered_and_paged
            shadow_runs_are_listed_and_are_no_history
            runs_are_sorted_and_paged
            runs_are_found_by_prefix_and_number
            recent_runs_give_statuses_and_the_median
            relatives_of_a_run_are_found
            requests_are_numbered_once_in_one_counter
            requests_are_filtered_and_paged
            a_refused_append_numbers_nothing
            drafts_last_until_the_form_is_closed
            artifacts_are_numbered_once_and_change_their_status
            artifacts_are_filtered_and_paged
            what_waits_is_counted
            an_emptied_run_keeps_its_decisions_and_its_proof
            old_events_lose_their_content_and_keep_their_ids
            an_event_is_stored_once_and_shows_who_took_it
            events_from_outside_are_listed_both_ways
            an_event_is_found_by_every_type_it_has
            an_event_is_routed_once_and_shows_what_it_started
            notices_are_stored_with_their_events_and_know_their_request
            a_notice_moves_until_it_is_delivered_or_given_up
            notices_are_listed_by_target_status_and_run
            the_schedules_of_a_pipeline_are_kept_and_replaced
            the_rollout_is_kept_version_by_version_and_each_leaves_an_entry
            workers_are_kept_until_they_are_forgotten
            tokens_are_created_found_and_revoked
            a_key_keeps_the_first_request_and_its_first_answer
            a_key_is_free_again_after_a_day
            a_call_of_a_model_is_reserved_ended_once_and_found_by_its_turn
            calls_of_models_are_listed_and_summed_by_who_made_them
            costs_are_told_by_run_task_and_pipeline
            calls_under_way_in_a_crash_are_lost_and_keep_their_reservation
            an_emptied_run_forgets_what_was_said_and_keeps_what_it_cost
            a_rewind_supersedes_later_runs_until_it_is_undone
            a_rewind_stands_once_a_run_was_created_after_it
            rewinds_of_rewinds_are_undone_one_by_one
            decisions_are_listed_newest_first_with_filters
            users_are_created_once_changed_and_found
            sessions_are_opened_used_and_ended
            secrets_are_put_sealed_again_and_removed
            every_change_of_rights_leaves_one_entry_in_the_trail
            a_task_is_saved_version_by_version
            tasks_are_filtered_and_paged
            runs_of_a_task_are_numbered_once
            drawn_ids_are_never_drawn_again
        );
    };
    ($open:expr => $($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                $crate::conformance::$name($open());
            }
        )*
    };
}
