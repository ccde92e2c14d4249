//! Dependencies, rules, conditions.

use pipeline::when::Facts;
use serde_json::json;

use super::{given, given_with, inputs, start};
use crate::command::Create;
use crate::event::{Event, Settled};

#[test]
fn a_list_runs_in_order_and_ends() {
    let mut story = given(
        "{name: p, stages: [{name: a, run: exit 0}, {name: b, noop: true}, {name: c, run: exit 0}]}",
    );
    story.then("running", "a=running b=blocked c=blocked");
    story.succeed("a");
    story.then("running", "a=succeeded b=succeeded c=running");
    story.succeed("c");
    story.then("succeeded", "a=succeeded b=succeeded c=succeeded");
    assert_eq!(story.run.reason(), "");
}

#[test]
fn a_graph_runs_what_is_free_at_the_same_time() {
    let mut story = given(
        "name: p
stages:
  - {name: a, depends_on: [], run: exit 0}
  - {name: b, depends_on: a, run: exit 0}
  - {name: c, depends_on: a, run: exit 0}
  - {name: d, depends_on: [b, c], run: exit 0}
",
    );
    assert_eq!(story.live(), "a");
    story.succeed("a");
    assert_eq!(story.live(), "b c");
    story.succeed("c");
    assert_eq!(story.live(), "b");
    story.succeed("b");
    assert_eq!(story.live(), "d");
    story.succeed("d");
    assert_eq!(story.status(), "succeeded");
}

/// SEMANTICS 12, number 8.
#[test]
fn below_a_skipped_stage_all_done_runs_and_what_needs_that_runs_too() {
    let mut story = given(
        "name: p
stages:
  - {name: a, depends_on: [], run: exit 0, if: 'false'}
  - {name: b, depends_on: a, rule: all_done, run: exit 0}
  - {name: c, depends_on: b, run: exit 0}
  - {name: d, depends_on: a, run: exit 0}
  - {name: e, depends_on: d, run: exit 0}
",
    );
    story.then("running", "a=skipped b=running c=blocked d=skipped e=skipped");
    story.succeed("b");
    story.succeed("c");
    story.then("succeeded", "a=skipped b=succeeded c=succeeded d=skipped e=skipped");
    let reasons: Vec<_> = story
        .journal
        .iter()
        .filter_map(|stamped| {
            let Event::StageSettled { stage, reason, .. } = &stamped.event else { return None };
            Some((&**stage, reason))
        })
        .collect();
    assert!(matches!(reasons[0], ("a", Settled::Condition { .. })));
    assert!(reasons.contains(&("d", &Settled::AllSkipped)));
    assert!(reasons.contains(&("e", &Settled::AllSkipped)));
    assert_eq!(story.detail("d"), "every stage it depends on was skipped");
}

#[test]
fn in_a_list_a_skipped_stage_skips_nothing() {
    let mut story =
        given("{name: p, stages: [{name: a, run: exit 0, if: 'false'}, {name: b, run: exit 0}]}");
    story.then("running", "a=skipped b=running");
    story.succeed("b");
    assert_eq!(story.status(), "succeeded");
}

#[test]
fn an_unknown_fact_counts_as_true_and_is_recorded() {
    let yaml = "name: p
stages:
  - {name: a, run: exit 0, when: {paths: 'docs/**'}}
  - {name: b, run: exit 0, when: {paths: 'docs/**'}, on_unknown: skip}
";
    let story = given(yaml);
    story.then("running", "a=running b=blocked");
    let row = story.run.row(&"a".parse().unwrap()).unwrap();
    assert_eq!(row.condition.unwrap().truth, pipeline::when::Truth::Unknown);
    let mut story = given(yaml);
    story.succeed("a");
    story.then("succeeded", "a=succeeded b=skipped");

    let facts = Facts { paths: Some(vec!["src/x.rs".into()]), ..Facts::default() };
    let story = given_with(yaml, Create { facts, ..start() });
    story.then("succeeded", "a=skipped b=skipped");
    assert_ne!(story.detail("a"), "");
}

#[test]
fn a_skip_names_what_decided_it() {
    let yaml = "name: p
stages:
  - {name: a, run: exit 0, when: {branch: main, labels: {none: [wip]}, paths: 'src/**'}}
  - {name: b, run: exit 0, when: {not: {branch: dev}}}
";
    let facts = Facts {
        branch: Some("dev".into()),
        labels: Some(vec!["wip".into()]),
        paths: Some(vec!["src/x".into()]),
        environment: None,
    };
    let story = given_with(yaml, Create { facts, ..start() });
    story.then("succeeded", "a=skipped b=skipped");
    let detail = story.detail("a");
    assert!(detail.contains("branch") && detail.contains("labels"), "{detail}");
    assert!(!detail.contains("paths"), "{detail}");
    assert_eq!(story.detail("b"), "not (branch [\"dev\"]: dev matches)");
}

#[test]
fn a_condition_sees_inputs_and_settled_stages() {
    let yaml = "name: p
inputs: {deploy: {type: boolean, default: false}}
stages:
  - {name: a, depends_on: [], run: exit 0, on_failure: continue}
  - {name: b, depends_on: a, run: exit 0, if: 'inputs.deploy'}
  - {name: c, depends_on: a, run: exit 0, if: 'stages.a.outcome == \"failed\"'}
";
    let mut story = given(yaml);
    story.fail("a");
    story.then("running", "a=failed b=skipped c=running");
    let mut story = given_with(yaml, inputs(json!({"deploy": true})));
    story.succeed("a");
    story.then("running", "a=succeeded b=running c=skipped");
}

#[test]
fn a_condition_that_cannot_be_judged_fails_the_stage() {
    let mut story = given(
        "name: p
stages:
  - {name: a, run: exit 0}
  - {name: b, run: exit 0, if: '1 / 0 == 1'}
",
    );
    story.succeed("a");
    story.then("failed", "a=succeeded b=failed");
    assert_eq!(story.run.halted_by().unwrap().to_string(), "b");
}

#[test]
fn values_reach_the_task_and_the_secret_stays_a_name() {
    let mut story = given_with(
        "name: p
inputs: {who: {type: string, default: world}}
variables: {greeting: 'hello ${who}'}
secrets: [TOKEN]
env: {A: one, B: '${greeting}'}
stages:
  - name: a
    run: echo ${who}
    env: {A: two, T: 'x${secrets.TOKEN}'}
    outputs: {n: integer}
    working_dir: sub/${run.number}
  - {name: b, run: 'echo ${stages.a.outputs.n}'}
  - {name: c, python: {code: 'print(1)', parameters: {n: '${stages.a.outputs.n}', t: 'v${who}'}}}
",
        inputs(json!({"who": "bo"})),
    );
    let task = story.run.task(&story.attempt("a")).unwrap();
    let crate::desired::TaskWork::Command { argv } = &task.work else { panic!() };
    assert_eq!(argv, &["sh", "-e", "-c", "echo bo"]);
    assert_eq!(task.working_dir.as_deref(), Some("sub/1"));
    assert_eq!(task.directory, "/work");
    let env = serde_json::to_value(&task.env).unwrap();
    let wanted = json!({"A": [{"plain": "two"}], "B": [{"plain": "hello bo"}],
                        "T": [{"plain": "x"}, {"secret": "TOKEN"}]});
    assert_eq!(env, wanted);
    assert_eq!(task.key, format!("{}-0-0-1", story.run.header().unwrap().run));
    story.succeed_with("a", json!({"n": "41"}));
    let task = story.run.task(&story.attempt("b")).unwrap();
    let crate::desired::TaskWork::Command { argv } = &task.work else { panic!() };
    assert_eq!(argv[3], "echo 41");
    story.succeed("b");
    let task = story.run.task(&story.attempt("c")).unwrap();
    let crate::desired::TaskWork::Python { parameters, .. } = &task.work else { panic!() };
    assert_eq!(parameters, &json!({"n": 41, "t": "vbo"}));
    assert!(story.run.task(&story.attempt("a")).is_none(), "a has ended");
}

#[test]
fn success_has_the_last_word() {
    let yaml = "name: p
stages: [{name: a, run: exit 0, on_failure: continue}]
success: 'stages.a.conclusion == \"success\"'
";
    let mut story = given(yaml);
    story.succeed("a");
    assert_eq!(story.status(), "succeeded");
    let mut story = given(yaml);
    story.fail("a");
    story.then("failed", "a=failed");
    assert!(story.run.reason().contains("does not hold"), "{}", story.run.reason());
}
