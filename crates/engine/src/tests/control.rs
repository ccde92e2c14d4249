//! Cancel, pause and resume, from every state.

use super::{Story, given, given_with, seconds, start};
use crate::command::{Command, End, Exit, Rejection, Report, StopReason};
use crate::event::{Event, Usage};

const GROUPED: &str = "name: p
concurrency: {group: g, limit: 1}
stages: [{name: a, run: exit 0}]
finally: [{name: z, run: exit 0}]
";

const RETRYING: &str = "name: p
stages:
  - {name: a, run: exit 0, retry: {max_attempts: 3, backoff: {kind: constant, initial: 10s, jitter: false}}}
  - {name: b, run: exit 0}
finally: [{name: z, run: exit 0}]
";

/// SEMANTICS 12, number 2: the states of the engine; grace and lease are the hands'.
#[test]
fn cancel_from_pending_ends_cancelled_at_once() {
    let mut story = given(GROUPED);
    assert_eq!(story.status(), "pending");
    story.cancel();
    story.then("cancelled", "a=not_run z=not_run");
    assert_eq!(story.run.reason(), "cancelled by ana: enough");
}

#[test]
fn cancel_from_queued_ends_cancelled_at_once() {
    let mut story = given(
        "{name: p, max_parallel: 1, stages: [
           {name: a, depends_on: [], run: exit 0}, {name: b, depends_on: [], run: exit 0}]}",
    );
    story.then("running", "a=running b=queued");
    story.cancel();
    story.then("cancelling", "a=stopping b=cancelled");
    story.stopped("a", StopReason::Cancelled);
    story.then("cancelled", "a=cancelled b=cancelled");
}

#[test]
fn cancel_from_running_stops_what_runs_and_then_cleans_up() {
    let mut story = given(RETRYING);
    let events = story.cancel();
    assert!(events.iter().any(|event| matches!(
        event,
        Event::AttemptStopping { reason: StopReason::Cancelled, .. }
    )));
    story.then("cancelling", "a=stopping b=not_run z=blocked");
    assert_eq!(
        story.refused(Command::Cancel { by: "bo".into(), reason: String::new() }),
        Rejection::AlreadyCancelling
    );
    story.stopped("a", StopReason::Cancelled);
    story.then("cancelling", "a=cancelled b=not_run z=running");
    story.succeed("z");
    story.then("cancelled", "a=cancelled b=not_run z=succeeded");
    assert_eq!(
        story.refused(Command::Cancel { by: "bo".into(), reason: String::new() }),
        Rejection::Finished { status: "cancelled" }
    );
}

#[test]
fn a_second_cancel_ends_finally_stages_too() {
    let mut story = given(RETRYING);
    story.cancel();
    story.stopped("a", StopReason::Cancelled);
    story.cancel();
    story.then("cancelling", "a=cancelled b=not_run z=stopping");
    story.stopped("z", StopReason::Cancelled);
    story.then("cancelled", "a=cancelled b=not_run z=cancelled");
}

#[test]
fn cancel_while_finally_runs_lets_it_run() {
    let mut story = given(RETRYING);
    story.succeed("a");
    story.succeed("b");
    story.cancel();
    story.then("cancelling", "a=succeeded b=succeeded z=running");
    story.succeed("z");
    assert_eq!(story.status(), "cancelled");
}

#[test]
fn cancel_from_retry_wait_ends_cancelled_at_once() {
    let mut story = given(RETRYING);
    story.fail("a");
    story.then("running", "a=retrying b=blocked z=blocked");
    story.cancel();
    story.then("cancelling", "a=cancelled b=not_run z=running");
    assert!(story.run.desired().timers.is_empty());
    story.succeed("z");
    assert_eq!(story.status(), "cancelled");
}

#[test]
fn cancel_from_waiting_ends_cancelled_at_once() {
    let mut story = given("{name: p, stages: [{name: a, run: exit 0, effects: once}]}");
    story.lose("a");
    story.then("waiting", "a=unknown");
    story.cancel();
    story.then("cancelled", "a=cancelled");
}

#[test]
fn cancel_from_paused_ends_the_pause_and_cleans_up() {
    let mut story = given(RETRYING);
    story.pause(false);
    story.cancel();
    assert_eq!(story.status(), "cancelling");
    story.stopped("a", StopReason::Cancelled);
    story.succeed("z");
    assert_eq!(story.status(), "cancelled");
    let mut story = given(GROUPED);
    story.pause(false);
    assert_eq!(story.status(), "paused");
    assert_eq!(story.refused(Command::Admit), Rejection::NotPending);
    story.cancel();
    assert_eq!(story.status(), "cancelled");
}

#[test]
fn cancel_with_a_lost_worker_ends_cancelled() {
    let mut story = given("{name: p, stages: [{name: a, run: exit 0}]}");
    story.cancel();
    story.lose("a");
    story.then("cancelled", "a=cancelled");
    let mut story =
        given("{name: p, stages: [{name: a, run: exit 0, effects: once, probe: exit 0}]}");
    story.cancel();
    story.lose("a");
    story.then("cancelled", "a=cancelled");
}

#[test]
fn what_ended_before_it_could_be_stopped_counts_as_what_it_was() {
    let mut story = given("{name: p, stages: [{name: a, run: exit 0}]}");
    story.cancel();
    story.succeed("a");
    story.then("cancelled", "a=succeeded");
    let mut story = given("{name: p, stages: [{name: a, run: exit 0, retry: {max_attempts: 2}}]}");
    story.cancel();
    story.fail("a");
    story.then("cancelled", "a=failed");
}

fn paused_midway() -> Story {
    let mut story = given(RETRYING);
    story.fail("a");
    story.wait(seconds(4)).pause(false);
    story
}

/// SEMANTICS 12, number 14.
#[test]
fn a_pause_starts_nothing_and_moves_deadlines_by_its_span() {
    let mut story = paused_midway();
    story.then("paused", "a=retrying b=blocked z=blocked");
    assert!(story.run.desired().timers.is_empty(), "clocks stand still");
    story.wait(seconds(1000)).resume();
    let timer = story.run.desired().timers[0].clone();
    assert_eq!(timer.due.duration_since(story.now).as_secs(), 6);
    assert_eq!(story.run.paused_for(), seconds(1000));
    assert_eq!(
        story.refused(Command::Fire { timer: timer.id.clone() }),
        Rejection::NotDue { due: timer.due }
    );
    story.fire();
    assert_eq!(story.live(), "a");
}

#[test]
fn paused_work_finishes_and_the_next_stage_waits_for_resume() {
    let mut story = given(RETRYING);
    story.pause(false);
    assert_eq!(
        story.refused(Command::Pause { by: "bo".into(), now: true }),
        Rejection::AlreadyPaused
    );
    story.succeed("a");
    story.then("paused", "a=succeeded b=blocked z=blocked");
    story.resume();
    story.then("running", "a=succeeded b=running z=blocked");
    assert_eq!(story.refused(Command::Resume { by: "bo".into() }), Rejection::NotPaused);
    story.pause(false);
    story.fail("b");
    story.then("paused", "a=succeeded b=failed z=blocked");
    story.resume();
    story.pause(false);
    story.succeed("z");
    assert_eq!(story.status(), "failed", "with nothing left to start, it ends");
}

#[test]
fn a_failure_hook_waits_while_paused() {
    let mut story = given(
        "{name: p, stages: [{name: a, depends_on: [], run: exit 0},
          {name: hook, depends_on: a, rule: always, run: exit 0}]}",
    );
    story.pause(false);
    story.fail("a");
    story.then("paused", "a=failed hook=blocked");
    story.resume();
    story.then("running", "a=failed hook=running");
}

#[test]
fn pause_now_stops_without_counting_the_attempt() {
    let mut story = given(&RETRYING.replace("max_attempts: 3", "max_attempts: 1"));
    story.pause(true);
    assert_eq!(story.stops(), [("a".to_owned(), StopReason::Paused)]);
    story.stopped("a", StopReason::Paused);
    story.then("paused", "a=queued b=blocked z=blocked");
    story.resume();
    story.then("running", "a=running b=blocked z=blocked");
    assert_eq!(story.attempt("a").number, 2);
    story.succeed("a");
    story.then("running", "a=succeeded b=running z=blocked");
}

#[test]
fn resumed_before_its_child_was_gone_it_still_starts_again() {
    let mut story = given(RETRYING);
    story.pause(true);
    story.resume();
    story.then("running", "a=stopping b=blocked z=blocked");
    story.stopped("a", StopReason::Paused);
    assert_eq!((story.live().as_str(), story.attempt("a").number), ("a", 2));
}

#[test]
fn cancelled_while_being_paused_it_is_cancelled() {
    let mut story = given(RETRYING);
    story.pause(true);
    story.cancel();
    assert_eq!(story.stops(), [("a".to_owned(), StopReason::Cancelled)]);
    // The hands were told of the pause first.
    story.stopped("a", StopReason::Paused);
    story.then("cancelling", "a=cancelled b=not_run z=running");
}

#[test]
fn a_pending_run_waits_for_admission() {
    let mut story = given(GROUPED);
    assert_eq!(story.run.reason(), "waits for its turn in `g`");
    story.when(Command::Admit);
    assert_eq!(story.live(), "a");
    assert_eq!(story.refused(Command::Admit), Rejection::NotPending);
}

/// SEMANTICS 12, number 9: what can never start does not wait for ever.
#[test]
fn a_run_whose_group_has_no_name_fails_and_leaves_the_queue() {
    let yaml = "name: p
concurrency: {group: 'deploy-${event.branch}', limit: 1}
stages: [{name: a, run: exit 0}]
finally: [{name: z, run: exit 0}]
";
    let mut story = given(yaml);
    story.then("failed", "a=not_run z=not_run");
    assert!(story.run.reason().contains("event.branch"), "{}", story.run.reason());
    assert!(story.run.occupant().is_none());
    let refusal = story.refused(Command::Retry { by: "ana".into(), from: None });
    assert!(matches!(refusal, Rejection::NothingToRetry { .. }));
    let event = serde_json::json!({"branch": "main"});
    let story = given_with(yaml, crate::command::Create { event, ..start() });
    assert_eq!(story.run.header().unwrap().group, Some("deploy-main"));
    assert_eq!(story.status(), "pending");
}

#[test]
fn late_double_and_foreign_reports_change_nothing() {
    let mut story = given(RETRYING);
    let attempt = story.attempt("a");
    let started = Report::Started { worker: "w".into(), pid: Some(9) };
    story.report("a", started.clone());
    let stale = Rejection::Stale { execution: "a".into(), attempt: 1 };
    let again = Command::Report { attempt: attempt.clone(), report: started };
    assert_eq!(story.refused(again), stale);
    story.fail("a");
    let exit = Exit {
        end: End::Code(0),
        outputs: Ok(Default::default()),
        usage: Usage::default(),
        artifacts: Ok(Vec::new()),
        tail: String::new(),
    };
    let late = Command::Report { attempt: attempt.clone(), report: Report::Exited(exit) };
    assert_eq!(story.refused(late.clone()), stale);
    story.fire();
    assert_eq!(story.refused(late), stale);
    let mut foreign = story.attempt("a");
    foreign.fence += 1;
    let refusal = story.refused(Command::Report {
        attempt: foreign,
        report: Report::Lost { message: String::new() },
    });
    assert_eq!(refusal, Rejection::Stale { execution: "a".into(), attempt: 2 });
}
