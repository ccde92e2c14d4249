//! Work that may not be done twice.

use super::{given, seconds};
use crate::command::{Command, Rejection, Report, StopReason, Verdict};

const ONCE: &str = "name: p
stages:
  - {name: a, run: ./pay, effects: once}
  - {name: b, run: exit 0}
";

const PROBED: &str = "name: p
stages:
  - {name: a, run: ./pay, effects: once, probe: ./paid}
  - {name: b, run: exit 0}
";

/// SEMANTICS 12, number 11, the engine's part.
#[test]
fn once_is_never_silently_started_again() {
    let mut story = given(ONCE);
    story.lose("a");
    story.then("waiting", "a=unknown b=blocked");
    assert_eq!(story.run.reason(), "`a` needs a decision: its outcome is unknown");
    assert_eq!(story.live(), "");
    assert!(story.run.desired().probes.is_empty());
    story.resolve("a", Verdict::Succeeded);
    story.then("running", "a=succeeded b=running");
    assert_eq!(
        story.refused(Command::Resolve {
            by: "bo".into(),
            execution: "a".parse().unwrap(),
            verdict: Verdict::Retry
        }),
        Rejection::NothingToResolve { execution: "a".into(), status: "succeeded".into() }
    );
}

#[test]
fn a_person_may_say_failed_or_again() {
    let mut story = given(ONCE);
    story.lose("a");
    story.resolve("a", Verdict::Failed);
    story.then("failed", "a=failed b=not_run");
    let mut story = given(ONCE);
    story.lose("a");
    story.resolve("a", Verdict::Retry);
    story.then("running", "a=running b=blocked");
    assert_eq!(story.attempt("a").number, 2);
}

#[test]
fn the_probe_decides() {
    let table = [
        (Some(0), "running", "a=succeeded b=running"),
        (Some(1), "running", "a=running b=blocked"),
        (Some(2), "waiting", "a=unknown b=blocked"),
        (None, "waiting", "a=unknown b=blocked"),
    ];
    for (exit_code, status, rows) in table {
        let mut story = given(PROBED);
        let attempt = story.attempt("a");
        story.lose("a");
        story.then("running", "a=unknown b=blocked");
        assert_eq!(story.run.desired().probes, std::slice::from_ref(&attempt));
        let task = story.run.probe(&attempt).unwrap();
        let crate::desired::TaskWork::Command { argv } = task.work else { panic!() };
        assert_eq!(argv, ["sh", "-e", "-c", "./paid"]);
        story.report("a", Report::Probed { exit_code });
        story.then(status, rows);
        assert!(story.run.desired().probes.is_empty());
        let again = Command::Report { attempt, report: Report::Probed { exit_code } };
        let refusal = story.refused(again);
        assert!(matches!(refusal, Rejection::Stale { .. }), "{refusal}");
    }
}

#[test]
fn a_probe_does_not_bring_back_required_outputs() {
    let mut story = given(&PROBED.replace(
        "probe: ./paid",
        "probe: ./paid, outputs: {receipt: {type: string, required: true}}",
    ));
    story.lose("a");
    story.report("a", Report::Probed { exit_code: Some(0) });
    story.then("waiting", "a=unknown b=blocked");
    assert!(story.detail("a").contains("outputs are gone"), "{}", story.detail("a"));
}

#[test]
fn a_probe_that_says_not_done_for_ever_ends() {
    let mut story = given(PROBED);
    for _ in 0..2 {
        story.lose("a");
        story.report("a", Report::Probed { exit_code: Some(1) });
        assert_eq!(story.live(), "a");
    }
    story.lose("a");
    story.report("a", Report::Probed { exit_code: Some(1) });
    story.then("failed", "a=failed b=not_run");
}

#[test]
fn keyed_work_is_started_again_with_the_same_key() {
    let mut story = given(
        &ONCE
            .replace("once", "keyed")
            .replace("effects: keyed", "effects: keyed, retry: {max_attempts: 2}"),
    );
    let key = |story: &super::Story| story.run.task(&story.attempt("a")).unwrap().effect_key;
    let first = key(&story);
    story.lose("a");
    assert_eq!(key(&story), first);
    story.fail("a");
    story.fire();
    assert_ne!(key(&story), first, "a retry after a failure is new work");
}

#[test]
fn while_paused_no_probe_runs_and_nobody_decides() {
    let mut story = given(PROBED);
    story.lose("a");
    story.pause(false);
    assert!(story.run.desired().probes.is_empty());
    let command = Command::Resolve {
        by: "bo".into(),
        execution: "a".parse().unwrap(),
        verdict: Verdict::Retry,
    };
    assert_eq!(story.refused(command), Rejection::Paused);
    // What the probe found just before still counts.
    story.report("a", Report::Probed { exit_code: Some(1) });
    story.then("paused", "a=queued b=blocked");
    story.resume();
    story.then("running", "a=running b=blocked");
}

#[test]
fn waiting_for_a_person_is_not_in_the_total_timeout() {
    let mut story = given(&ONCE.replace("effects: once", "effects: once, total_timeout: 60s"));
    story.wait(seconds(20)).lose("a");
    assert!(story.run.desired().timers.is_empty());
    story.wait(seconds(5000)).resolve("a", Verdict::Retry);
    let timer = story.run.desired().timers[0].clone();
    assert_eq!(timer.due.duration_since(story.now).as_secs(), 40);
}

#[test]
fn a_halt_leaves_the_question_open_and_a_retry_of_it_starts_nothing() {
    let yaml = "name: p
stages:
  - {name: a, depends_on: [], run: ./pay, effects: once}
  - {name: b, depends_on: [], run: exit 0}
";
    let mut story = given(yaml);
    story.lose("a");
    story.fail("b");
    story.then("waiting", "a=unknown b=failed");
    story.resolve("a", Verdict::Retry);
    story.then("failed", "a=cancelled b=failed");
}

#[test]
fn once_lost_while_it_was_stopped_is_unknown_too() {
    let mut story = given(ONCE);
    story.pause(true);
    story.lose("a");
    story.then("paused", "a=unknown b=blocked");
    story.resume();
    assert_eq!(story.status(), "waiting");
    let mut story = given(ONCE);
    story.pause(true);
    story.stopped("a", StopReason::Paused);
    story.then("paused", "a=queued b=blocked");
}
