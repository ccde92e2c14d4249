//! Failing, halting, trying again.

use super::{exited, given, given_with, inputs, seconds};
use crate::command::{End, Exit, Report, StopReason};
use crate::event::{Event, Failure, Settled, Usage};

const BESIDE: &str = "name: p
halt_mode: MODE
stages:
  - {name: a, depends_on: [], run: exit 0}
  - {name: b, depends_on: [], run: exit 0}
  - {name: c, depends_on: b, run: exit 0}
  - {name: d, depends_on: a, run: exit 0}
  - {name: e, depends_on: c, rule: always, run: exit 0}
finally:
  - {name: z, run: exit 0}
";

#[test]
fn a_failure_halts_the_run_and_running_siblings_finish() {
    let mut story = given(&BESIDE.replace("MODE", "finish"));
    let events = story.fail("a");
    assert!(events.iter().any(|e| matches!(e, Event::RunHalted { cause } if *cause.stage == *"a")));
    story.then("running", "a=failed b=running c=blocked d=not_run e=blocked z=blocked");
    assert!(story.stops().is_empty());
    story.succeed("b");
    // `always` runs although the run is halting, once what it needs has settled.
    story.then("running", "a=failed b=succeeded c=not_run d=not_run e=running z=blocked");
    assert_eq!(story.detail("c"), "the run halted because `a` failed");
    assert_eq!(story.detail("d"), "`none_failed_min_one_success` does not hold because of `a`");
    story.succeed("e");
    assert_eq!(story.live(), "z");
    story.succeed("z");
    assert_eq!(story.status(), "failed");
    assert_eq!(story.run.reason(), "`a` failed: exit code 1");
}

#[test]
fn halt_mode_cancel_stops_running_siblings() {
    let mut story = given(&BESIDE.replace("MODE", "cancel"));
    story.fail("a");
    assert_eq!(story.stops(), [("b".to_owned(), StopReason::Halted)]);
    story.stopped("b", StopReason::Halted);
    story.then("running", "a=failed b=cancelled c=not_run d=not_run e=running z=blocked");
    story.succeed("e");
    story.fail("z");
    story.then("failed", "a=failed b=cancelled c=not_run d=not_run e=succeeded z=failed");
}

#[test]
fn continue_turns_a_failure_into_a_warning() {
    let mut story = given(
        "{name: p, stages: [{name: a, depends_on: [], run: exit 0, on_failure: continue},
          {name: b, depends_on: a, run: exit 0}]}",
    );
    story.fail("a");
    story.then("running", "a=failed b=running");
    let row = story.run.row(&"a".parse().unwrap()).unwrap();
    assert_eq!(row.conclusion, Some(crate::event::Conclusion::Warning));
    story.succeed("b");
    assert_eq!(story.status(), "succeeded");
}

#[test]
fn isolate_keeps_only_descendants_from_running() {
    let mut story = given(
        "name: p
stages:
  - {name: a, depends_on: [], run: exit 0, on_failure: isolate}
  - {name: b, depends_on: a, run: exit 0}
  - {name: c, depends_on: [], run: exit 0}
  - {name: d, depends_on: c, run: exit 0}
  - {name: e, depends_on: b, run: exit 0}
  - {name: f, depends_on: a, rule: one_failed, run: exit 0}
",
    );
    story.fail("a");
    story.then("running", "a=failed b=not_run c=running d=blocked e=not_run f=running");
    // The cause is the stage that failed, not the one between.
    assert!(story.detail("e").ends_with("because of `a`"), "{}", story.detail("e"));
    story.succeed("f");
    story.succeed("c");
    story.succeed("d");
    assert_eq!(story.status(), "failed");
}

#[test]
fn attempts_are_counted_with_the_first() {
    let mut story = given(
        "{name: p, stages: [{name: a, run: exit 0,
           retry: {max_attempts: 3, backoff: {kind: exponential, initial: 1s, jitter: false}}}]}",
    );
    story.fail("a");
    story.then("running", "a=retrying");
    assert_eq!(story.live(), "", "a stage that waits holds nothing");
    let timer = story.run.desired().timers[0].clone();
    assert_eq!(timer.due.duration_since(story.now).as_secs(), 1);
    story.fire();
    assert_eq!(story.attempt("a").number, 2);
    story.report("a", exited(End::Signal(9)));
    assert_eq!(story.run.desired().timers[0].due.duration_since(story.now).as_secs(), 2);
    story.fire();
    story.fail("a");
    story.then("failed", "a=failed");
    assert_eq!(story.run.row(&"a".parse().unwrap()).unwrap().attempts.len(), 3);
}

#[test]
fn some_failures_are_final() {
    let yaml =
        "{name: p, stages: [{name: a, run: exit 0, outputs: {n: {type: integer, required: true}},
           retry: {max_attempts: 3, not_on: [2], backoff: {kind: constant, initial: 1s}}}]}";
    let mut story = given(yaml);
    story.report("a", exited(End::Code(2)));
    story.then("failed", "a=failed");
    // An output that breaks its declaration is a failure like any other.
    let mut story = given(yaml);
    story.succeed("a");
    story.then("running", "a=retrying");
    assert!(story.detail("a").contains("`n`"), "{}", story.detail("a"));
    let mut story = given(yaml);
    story.report("a", Report::NotStarted { message: "no such program".into() });
    story.then("running", "a=retrying");
    // Unreadable outputs of a successful exit, too.
    let mut story = given("{name: p, stages: [{name: a, run: exit 0}]}");
    let exit = Exit {
        end: End::Code(0),
        outputs: Err("line 1 has no `=`".into()),
        usage: Usage::default(),
        artifacts: Ok(Vec::new()),
        tail: "bye".into(),
    };
    story.report("a", Report::Exited(exit));
    story.then("failed", "a=failed");
    assert_eq!(story.detail("a"), "wrong outputs: line 1 has no `=`");
}

#[test]
fn what_cannot_be_resolved_fails_before_it_reaches_the_hands_and_is_not_retried() {
    let story = given_with(
        "name: p
inputs: {who: string}
stages: [{name: a, run: 'echo ${who}', retry: {max_attempts: 3}}]
",
        inputs(serde_json::json!({"who": "; rm -rf /"})),
    );
    story.then("failed", "a=failed");
    assert!(story.detail("a").contains("by environment"), "{}", story.detail("a"));
    assert!(!story.kinds().contains(&"attempt.scheduled"));
    let row = story.run.row(&"a".parse().unwrap()).unwrap();
    let Some(Settled::Failed { failure: Failure::Unresolved { .. } }) = row.settled else {
        panic!("{:?}", row.settled)
    };
}

#[test]
fn a_halt_gives_up_retries_and_queued_work() {
    let mut story = given(
        "name: p
max_parallel: 2
stages:
  - {name: a, depends_on: [], run: exit 0, retry: {max_attempts: 5}}
  - {name: b, depends_on: [], run: exit 0}
  - {name: c, depends_on: [], run: exit 0, retry: {max_attempts: 5}}
  - {name: d, depends_on: [], run: exit 0}
",
    );
    story.fail("a");
    assert_eq!(story.live(), "b c");
    story.fail("b");
    story.then("running", "a=failed b=failed c=running d=not_run");
    story.fail("c");
    story.then("failed", "a=failed b=failed c=failed d=not_run");
    assert_eq!(story.run.reason(), "3 stages failed: `a`, `b`, `c`");
}

#[test]
fn a_lost_worker_is_not_the_authors_failure() {
    let mut story = given("{name: p, stages: [{name: a, run: exit 0}]}");
    let first = story.run.task(&story.attempt("a")).unwrap();
    story.lose("a");
    assert_eq!(story.attempt("a").number, 2);
    let second = story.run.task(&story.attempt("a")).unwrap();
    assert_eq!(first.effect_key, second.effect_key);
    assert_ne!(first.key, second.key);
    story.lose("a");
    assert_eq!(story.live(), "a");
    story.lose("a");
    story.then("failed", "a=failed");
    assert!(story.detail("a").contains("lost too often"));
}

#[test]
fn what_stops_unasked_counts_as_lost() {
    let mut story = given("{name: p, stages: [{name: a, run: exit 0}]}");
    story.stopped("a", StopReason::Cancelled);
    story.then("running", "a=running");
    assert_eq!(story.attempt("a").number, 2);
}

#[test]
fn limits_of_the_hands_are_named_with_their_length() {
    let mut story = given("{name: p, stages: [{name: a, run: exit 0, timeout: 90s}]}");
    story.stopped("a", StopReason::Timeout);
    assert_eq!(story.detail("a"), "timed out after 1 min 30 s");
    story.wait(seconds(1));
    let mut story = given("{name: p, stages: [{name: a, run: exit 0, idle_timeout: 5s}]}");
    story.stopped("a", StopReason::IdleTimeout);
    assert_eq!(story.detail("a"), "no output for 5 s");
}

#[test]
fn a_failing_finally_stage_fails_the_run_and_stops_nothing() {
    let mut story = given(
        "{name: p, stages: [{name: a, run: exit 0}],
          finally: [{name: y, run: exit 0}, {name: z, run: exit 0}]}",
    );
    story.succeed("a");
    story.fail("y");
    assert_eq!(story.live(), "z");
    assert!(story.run.halted_by().is_none());
    story.succeed("z");
    story.then("failed", "a=succeeded y=failed z=succeeded");
}

/// SEMANTICS 12, number 10.
#[test]
fn a_stage_waiting_for_retry_frees_its_slot() {
    let mut story = given(
        "{name: p, max_parallel: 1, stages: [
           {name: a, depends_on: [], run: exit 0, retry: {max_attempts: 2}},
           {name: b, depends_on: [], run: exit 0}]}",
    );
    story.then("running", "a=running b=queued");
    story.fail("a");
    story.then("running", "a=retrying b=running");
    story.fire();
    story.then("running", "a=queued b=running");
    assert!(story.run.desired().timers.is_empty(), "what is due is not asked for again");
    story.succeed("b");
    story.then("running", "a=running b=succeeded");
}
