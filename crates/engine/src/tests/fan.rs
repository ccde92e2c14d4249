//! `foreach`, and how many at a time.

use serde_json::json;

use super::{given, given_with, inputs};
use crate::command::StopReason;

const EACH: &str = "name: p
inputs: {files: {type: list, default: [x, y, z]}}
stages:
  - name: each
    depends_on: []
    foreach: {items: '${inputs.files}', max_parallel: 2}
    on_failure: POLICY
    run: cat \"$F\"
    env: {F: '${item}'}
    outputs: {n: integer}
  - {name: after, depends_on: each, run: exit 0, env: {ALL: '${stages.each.outputs.items}'}}
";

#[test]
fn instances_run_at_most_so_many_at_once_first_come_first_served() {
    let mut story = given(&EACH.replace("POLICY", "halt"));
    story.then(
        "running",
        "each=running each[1]=running each[2]=running each[3]=queued after=blocked",
    );
    let task = story.run.task(&story.attempt("each[2]")).unwrap();
    assert_eq!(serde_json::to_value(&task.env["F"]).unwrap(), json!([{"plain": "y"}]));
    story.succeed_with("each[2]", json!({"n": 2}));
    assert_eq!(story.live(), "each[1] each[3]");
    story.succeed_with("each[3]", json!({"n": 3}));
    story.succeed_with("each[1]", json!({"n": 1}));
    assert_eq!(story.live(), "after");
    let task = story.run.task(&story.attempt("after")).unwrap();
    let all = serde_json::to_value(&task.env["ALL"]).unwrap();
    assert_eq!(all, json!([{"plain": "[{\"n\":1},{\"n\":2},{\"n\":3}]"}]));
    assert_eq!(story.run.progress().total, 4);
    story.succeed("after");
    assert_eq!(story.run.progress().succeeded, 4);
    assert_eq!(story.status(), "succeeded");
}

#[test]
fn under_continue_every_instance_runs_and_a_failed_one_is_null() {
    let mut story = given(&EACH.replace("POLICY", "continue"));
    story.fail("each[1]");
    story.succeed_with("each[2]", json!({"n": 2}));
    story.succeed_with("each[3]", json!({"n": 3}));
    assert_eq!(story.live(), "after");
    let row = story.run.row(&"each".parse().unwrap()).unwrap();
    assert_eq!(row.outputs.unwrap()["items"], json!([null, {"n": 2}, {"n": 3}]));
    assert_eq!(row.detail, "1 of 3 instances failed: 1");
}

#[test]
fn under_halt_a_failed_instance_starts_nothing_new() {
    let mut story = given(&EACH.replace("POLICY", "halt"));
    story.fail("each[1]");
    story.then(
        "running",
        "each=running each[1]=failed each[2]=running each[3]=not_run after=blocked",
    );
    assert_eq!(story.run.halted_by().unwrap().to_string(), "each[1]");
    story.succeed_with("each[2]", json!({"n": 2}));
    story.then(
        "failed",
        "each=failed each[1]=failed each[2]=succeeded each[3]=not_run after=not_run",
    );
}

#[test]
fn nothing_to_iterate_is_skipped_and_what_is_no_list_fails() {
    let yaml = EACH.replace("POLICY", "halt");
    let story = given_with(&yaml, inputs(json!({"files": []})));
    story.then("succeeded", "each=skipped after=skipped");
    assert_eq!(story.detail("each"), "there are no items");
    let many = vec!["x"; crate::MAX_ITEMS + 1];
    let story = given_with(&yaml, inputs(json!({"files": many})));
    story.then("failed", "each=failed after=not_run");
    assert_eq!(story.detail("each"), "foreach: 10001 items are more than 10000");
    let story = given_with(
        "{name: p, inputs: {x: any}, stages: [{name: a, foreach: '${x}', run: exit 0}]}",
        inputs(json!({"x": {"a": 1}})),
    );
    story.then("failed", "a=failed");
    assert_eq!(story.detail("a"), "foreach: a map is not a list");
}

#[test]
fn a_waiting_instance_gives_its_place_to_the_next() {
    let yaml = "{name: p, stages: [{name: a, foreach: {items: [1, 2, 3], max_parallel: 1},
                 run: exit 0, retry: {max_attempts: 2}}]}";
    let mut story = given(yaml);
    story.fail("a[1]");
    // Until the hands have taken up the next one, a retry is what is most urgent.
    story.then("running", "a=retrying a[1]=retrying a[2]=running a[3]=queued");
    story.started("a[2]");
    story.then("running", "a=running a[1]=retrying a[2]=running a[3]=queued");
    story.fire();
    story.then("running", "a=running a[1]=queued a[2]=running a[3]=queued");
    story.succeed("a[2]");
    assert_eq!(story.live(), "a[3]", "it queues behind those that came before");
    story.succeed("a[3]");
    story.succeed("a[1]");
    assert_eq!(story.status(), "succeeded");
}

#[test]
fn the_pipelines_max_parallel_holds_over_stages_and_instances() {
    let mut story = given(
        "name: p
max_parallel: 3
stages:
  - {name: a, depends_on: [], foreach: [1, 2, 3, 4], run: exit 0}
  - {name: b, depends_on: [], run: exit 0}
  - {name: c, depends_on: [], noop: true}
",
    );
    assert_eq!(story.live(), "a[1] a[2] a[3]");
    assert!(story.rows().ends_with("c=succeeded"), "a noop needs no place");
    story.succeed("a[2]");
    assert_eq!(story.live().split(' ').count(), 3);
    story.cancel();
    assert_eq!(story.stops().len(), 3);
    for name in story.live().split(' ').map(str::to_owned).collect::<Vec<_>>() {
        story.stopped(&name, StopReason::Cancelled);
    }
    assert_eq!(story.status(), "cancelled");
}

#[test]
fn a_thousand_noop_instances_settle_at_once() {
    let items: Vec<u32> = (0..1000).collect();
    let story = given_with(
        "{name: p, inputs: {n: list}, stages: [{name: a, foreach: '${n}', noop: true}]}",
        inputs(json!({"n": items})),
    );
    assert_eq!(story.status(), "succeeded");
    assert_eq!(story.run.progress().succeeded, 1000);
}
