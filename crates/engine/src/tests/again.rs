//! A settled run goes on.

use super::given;
use crate::command::{Command, Rejection, StopReason};

const CHAIN: &str = "name: p
stages:
  - {name: a, depends_on: [], run: exit 0}
  - {name: b, depends_on: a, run: exit 0, retry: {max_attempts: 2, backoff: {kind: constant, initial: 1s}}}
  - {name: c, depends_on: b, run: exit 0}
  - {name: s, depends_on: b, run: exit 0, if: 'false'}
finally: [{name: z, run: exit 0}]
";

#[test]
fn what_failed_or_did_not_run_is_fresh_and_what_succeeded_stays() {
    let mut story = given(CHAIN);
    assert_eq!(
        story.refused(Command::Retry { by: "ana".into(), from: None }),
        Rejection::NotFinished { status: "running" }
    );
    story.succeed("a");
    story.fail("b");
    story.fire();
    story.fail("b");
    story.succeed("z");
    story.then("failed", "a=succeeded b=failed c=not_run s=not_run z=succeeded");
    story.retry(None);
    story.then("running", "a=succeeded b=running c=blocked s=blocked z=blocked");
    assert_eq!(story.attempt("b").number, 3, "numbers go on");
    // The author's attempts count from the start again.
    story.fail("b");
    story.fire();
    assert_eq!(story.attempt("b").number, 4);
    story.succeed("b");
    story.succeed("c");
    story.succeed("z");
    story.then("succeeded", "a=succeeded b=succeeded c=succeeded s=skipped z=succeeded");
    assert_eq!(story.run.progress().settled, 5);
    let refusal = story.refused(Command::Retry { by: "ana".into(), from: None });
    assert!(matches!(refusal, Rejection::NothingToRetry { .. }), "{refusal}");
    // From a stage: it and all below it, also what succeeded.
    story.retry(Some("b"));
    story.then("running", "a=succeeded b=running c=blocked s=blocked z=blocked");
}

#[test]
fn fences_only_rise() {
    let mut story = given(CHAIN);
    let first = story.attempt("a");
    story.fail("a");
    story.succeed("z");
    story.retry(None);
    assert!(story.attempt("a").fence > first.fence);
    let stale =
        Command::Report { attempt: first, report: super::exited(crate::command::End::Code(0)) };
    assert!(matches!(story.refused(stale), Rejection::Stale { .. }));
}

#[test]
fn one_instance_can_run_again_and_the_others_keep_their_outputs() {
    let yaml = "name: p
stages:
  - {name: a, depends_on: [], foreach: [1, 2, 3], on_failure: isolate, run: exit 0, outputs: {n: integer}}
  - {name: b, depends_on: a, run: exit 0}
";
    let mut story = given(yaml);
    story.succeed_with("a[1]", serde_json::json!({"n": 1}));
    story.fail("a[2]");
    story.succeed_with("a[3]", serde_json::json!({"n": 3}));
    story.then("failed", "a=failed a[1]=succeeded a[2]=failed a[3]=succeeded b=not_run");
    story.retry(None);
    story.then("running", "a=running a[1]=succeeded a[2]=running a[3]=succeeded b=blocked");
    assert_eq!(story.run.progress().settled, 2);
    story.succeed_with("a[2]", serde_json::json!({"n": 2}));
    let row = story.run.row(&"a".parse().unwrap()).unwrap();
    let items = &row.outputs.unwrap()["items"];
    assert_eq!(items, &serde_json::json!([{"n": 1}, {"n": 2}, {"n": 3}]));
    story.succeed("b");
    assert_eq!(story.status(), "succeeded");
    story.retry(Some("a[3]"));
    story.then("running", "a=running a[1]=succeeded a[2]=succeeded a[3]=running b=blocked");
    let refusal =
        story.refused(Command::Retry { by: "x".into(), from: Some("a[9]".parse().unwrap()) });
    assert!(matches!(refusal, Rejection::NotFinished { .. }));
}

#[test]
fn a_stage_that_does_not_exist_is_named_with_those_that_do() {
    let mut story =
        given("{name: p, stages: [{name: a, run: exit 0}, {name: b, foreach: [1], run: exit 0}]}");
    story.succeed("a");
    story.fail("b[1]");
    let refusal =
        story.refused(Command::Retry { by: "x".into(), from: Some("c".parse().unwrap()) });
    assert_eq!(refusal.to_string(), "no stage is called `c`; there are: a, b");
    let refusal =
        story.refused(Command::Retry { by: "x".into(), from: Some("b[2]".parse().unwrap()) });
    assert_eq!(refusal.to_string(), "no stage is called `b[2]`; there are: b[1] to b[1]");
}

#[test]
fn a_cancelled_run_can_go_on() {
    let mut story = given(CHAIN);
    story.cancel();
    story.stopped("a", StopReason::Cancelled);
    story.succeed("z");
    story.then("cancelled", "a=cancelled b=not_run c=not_run s=not_run z=succeeded");
    story.retry(None);
    story.then("running", "a=running b=blocked c=blocked s=blocked z=blocked");
    story.succeed("a");
    story.succeed("b");
    story.succeed("c");
    story.succeed("z");
    assert_eq!(story.status(), "succeeded");
}

#[test]
fn a_run_of_a_group_queues_again() {
    let mut story = given(&format!("concurrency: g\n{CHAIN}"));
    story.when(Command::Admit);
    story.fail("a");
    story.succeed("z");
    story.retry(None);
    assert_eq!(story.status(), "pending");
    assert_eq!(story.live(), "");
    story.when(Command::Admit);
    assert_eq!(story.live(), "a");
}

#[test]
fn a_list_that_grew_shorter_leaves_no_trace() {
    let yaml = "name: p
stages:
  - {name: a, depends_on: [], run: exit 0, outputs: {l: list}}
  - {name: b, depends_on: a, foreach: '${stages.a.outputs.l}', run: exit 0}
";
    let mut story = given(yaml);
    story.succeed_with("a", serde_json::json!({"l": [1, 2, 3]}));
    for n in 1..=3 {
        story.succeed(&format!("b[{n}]"));
    }
    story.then("succeeded", "a=succeeded b=succeeded b[1]=succeeded b[2]=succeeded b[3]=succeeded");
    story.retry(Some("a"));
    story.then("running", "a=running b=blocked");
    story.succeed_with("a", serde_json::json!({"l": [1]}));
    story.then("running", "a=succeeded b=running b[1]=running");
    assert_eq!(story.attempt("b[1]").number, 2);
    let mut other = super::Story {
        run: story.run.clone(),
        pipeline: story.pipeline.clone(),
        journal: story.journal.clone(),
        now: story.now,
    };
    other.cancel();
    other.stopped("b[1]", StopReason::Cancelled);
    other.then("cancelled", "a=succeeded b=cancelled b[1]=cancelled");
    story.succeed("b[1]");
    story.then("succeeded", "a=succeeded b=succeeded b[1]=succeeded");
    assert_eq!(story.run.progress().total, 2);
}

#[test]
fn a_retried_run_that_waits_for_its_turn_can_be_cancelled() {
    let yaml = "name: p
concurrency: g
stages:
  - {name: a, depends_on: [], foreach: [1, 2], on_failure: isolate, run: exit 0}
  - {name: b, depends_on: a, run: exit 0}
";
    let mut story = given(yaml);
    story.when(Command::Admit);
    story.succeed("a[1]");
    story.fail("a[2]");
    story.retry(None);
    story.then("pending", "a=queued a[1]=succeeded a[2]=blocked b=blocked");
    story.cancel();
    story.then("cancelled", "a=cancelled a[1]=succeeded a[2]=cancelled b=not_run");
    story.retry(None);
    story.when(Command::Admit);
    story.succeed("a[2]");
    story.succeed("b");
    assert_eq!(story.status(), "succeeded");
}

/// Found by the simulation's bookkeeper, which took it for a mistake: `b` succeeded and could not be
/// undone, but what it builds on was.
#[test]
fn after_a_partial_rollback_what_builds_on_the_undone_runs_again_whatever_is_asked_for() {
    let yaml = "name: p
stages:
  - {name: a, depends_on: [], run: exit 0, rollback: exit 0}
  - {name: b, depends_on: a, run: exit 0}
  - {name: c, depends_on: [], run: exit 0}
  - {name: d, depends_on: [b, c], run: exit 0, on_failure: rollback, rollback_to: a}
";
    let mut story = given(yaml);
    for stage in ["a", "b", "c"] {
        story.succeed(stage);
    }
    story.fail("d");
    story.succeed("a.rollback");
    story.then("failed", "a=succeeded b=succeeded c=succeeded d=failed a.rollback=succeeded");
    story.retry(Some("d"));
    story.then("running", "a=running b=blocked c=succeeded d=blocked");
}
