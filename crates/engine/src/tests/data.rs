//! Data between stages, runs and their ancestors.

use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Story, exited, given, given_with, inputs, start};
use crate::command::{Create, End, Exit, Report};
use crate::event::{ArtifactRef, Environment, Inherited, RunLink, Usage};
use crate::id::RunId;

fn artifact(name: &str, digest: &str) -> ArtifactRef {
    ArtifactRef {
        name: name.into(),
        path: format!("out/{name}"),
        digest: digest.into(),
        bytes: 1,
        format: "md".into(),
    }
}

impl Story {
    fn leave(&mut self, execution: &str, artifacts: Vec<ArtifactRef>) {
        let exit = Exit {
            end: End::Code(0),
            outputs: Ok(IndexMap::new()),
            artifacts: Ok(artifacts),
            usage: Usage::default(),
            tail: String::new(),
        };
        self.report(execution, Report::Exited(exit));
    }

    fn given_by(&self, execution: &str) -> Json {
        self.run.row(&execution.parse().unwrap()).unwrap().outputs.unwrap().clone()
    }
}

const MAPPED: &str = "name: p
inputs: {goal: string}
stages:
  - name: planning
    run: ./plan
    input_mapping: [{from: request.goal, to: goal, required: true}]
    output_mapping:
      mappings: [{from: plan, to: outputs.plan, required: true}, {from: notes, to: notes, default: none}]
      validation: {type: object, properties: {plan: {type: object, required: [specs]}}}
    retry: {max_attempts: 2}
  - name: specification
    run: ./spec
    input_mapping:
      mappings:
        - {from: planning.outputs.plan, to: plan, required: true}
        - {from: {cel: 'size(stages.planning.outputs.plan.specs)'}, to: of.count}
      validation: {type: object, properties: {of: {type: object, properties: {count: {maximum: 2}}}}}
    retry: {max_attempts: 5}
    env: {COUNT: '${input.of.count}'}
";

#[test]
fn mappings_make_inputs_and_outputs() {
    let mut story = given_with(MAPPED, inputs(json!({"goal": "fly"})));
    let task = story.run.task(&story.attempt("planning")).unwrap();
    assert_eq!(task.input, Some(json!({"goal": "fly"})));
    story.succeed_with("planning", json!({"plan": {"specs": [1, 2]}, "other": 1}));
    assert_eq!(story.given_by("planning"), json!({"plan": {"specs": [1, 2]}, "notes": "none"}));
    let task = story.run.task(&story.attempt("specification")).unwrap();
    assert_eq!(task.input, Some(json!({"plan": {"specs": [1, 2]}, "of": {"count": 2}})));
    assert_eq!(story.env("specification", "COUNT"), json!("2"));
}

#[test]
fn a_wrong_output_is_tried_again_and_says_where_it_is_wrong() {
    let mut story = given_with(MAPPED, inputs(json!({"goal": "fly"})));
    story.succeed_with("planning", json!({"plan": {"spec": []}}));
    story.then("running", "planning=retrying specification=blocked");
    assert!(story.detail("planning").contains("plan"), "{}", story.detail("planning"));
    assert!(story.detail("planning").contains("specs"), "{}", story.detail("planning"));
    story.fire();
    story.succeed_with("planning", json!({}));
    assert_eq!(story.status(), "failed");
    assert!(
        story.detail("planning").contains("`plan`: the work gave no `plan`"),
        "{}",
        story.detail("planning")
    );
}

#[test]
fn a_wrong_input_is_never_tried_and_never_retried() {
    let mut story = given_with(MAPPED, inputs(json!({"goal": "fly"})));
    story.succeed_with("planning", json!({"plan": {"specs": [1, 2, 3]}}));
    story.then("failed", "planning=succeeded specification=failed");
    assert!(story.detail("specification").starts_with("wrong inputs: "));
    assert!(story.detail("specification").contains("count"), "{}", story.detail("specification"));
    let row = story.run.row(&"specification".parse().unwrap()).unwrap();
    assert!(row.attempts.is_empty());
}

#[test]
fn bare_names_are_looked_up_in_order() {
    let yaml = "name: p
inputs: {a: {type: string, required: false}}
variables: {b: variable}
config: {b: 5, c: 5, d: pipeline, e: null}
stages:
  - {name: in, depends_on: [], environment: production, run: exit 0, env: {X: '${a}-${b}-${c}-${d}-${e}'}}
  - {name: out, depends_on: [], run: exit 0, env: {X: '${b}-${c}'}}
";
    let variables = json!({"a": "environment", "b": "environment", "c": "environment"});
    let production = Environment {
        variables: serde_json::from_value(variables).unwrap(),
        ..Environment::default()
    };
    let create = Create {
        environments: IndexMap::from([("production".to_owned(), production)]),
        config: serde_json::from_value(json!({"d": "folder", "e": "folder"})).unwrap(),
        ..inputs(json!({"a": "input"}))
    };
    let story = given_with(yaml, create);
    assert_eq!(story.env("in", "X"), json!("input-variable-environment-pipeline-folder"));
    assert_eq!(story.env("out", "X"), json!("variable-5"));
}

fn link(number: u64) -> RunLink {
    RunLink { run: RunId(Uuid::from_u128(number.into())), name: format!("p#{number}"), number }
}

fn inherited(number: u64, stage: &str, digest: &str) -> Inherited {
    Inherited {
        stage: stage.into(),
        from: link(number),
        outputs: json!({"n": number}),
        artifacts: vec![artifact("plan.md", digest)],
    }
}

const LINEAGE: &str = "name: p
stages:
  - {name: plan, run: exit 0, artifacts: {plan: plan.md}, outputs: {n: {type: integer, required: false}}}
  - {name: each, foreach: [1, 2], run: exit 0, artifacts: {n: n.md}}
  - name: use
    run: exit 0
    context: ['@prev/plan', '@plan', '@each', '@v1/plan']
    env: {N: '${prev.plan.outputs.n ?? 0}'}
";

#[test]
fn a_run_goes_on_from_its_ancestors() {
    let create = Create {
        number: 3,
        extends: Some(link(2)),
        inherited: vec![
            inherited(2, "plan", "two"),
            inherited(1, "plan", "one"),
            inherited(1, "old", "o"),
        ],
        ..start()
    };
    let mut story = given_with(LINEAGE, create);
    story.leave("plan", vec![artifact("plan.md", "three")]);
    story.leave("each[1]", vec![artifact("n.md", "n1")]);
    story.leave("each[2]", vec![artifact("n.md", "n2")]);
    let task = story.run.task(&story.attempt("use")).unwrap();
    let laid: Vec<_> = task.context.iter().map(|l| (l.path.as_str(), l.digest.as_str())).collect();
    assert_eq!(
        laid,
        [
            ("prev/plan/out/plan.md", "two"),
            ("plan/out/plan.md", "three"),
            ("each/1/out/n.md", "n1"),
            ("each/2/out/n.md", "n2"),
            ("v1/plan/out/plan.md", "one"),
        ]
    );
    assert_eq!(story.env("use", "N"), json!("2"));
    story.succeed("use");
    let left: Vec<_> = story
        .run
        .finished_stages()
        .into_iter()
        .map(|left| (left.stage.to_string(), left.from.number, left.outputs["n"].clone()))
        .collect();
    let none = Json::Null;
    assert_eq!(
        left,
        [
            ("plan".into(), 3, none.clone()),
            ("each".into(), 3, none.clone()),
            ("use".into(), 3, none.clone()),
            ("plan".into(), 2, none.clone()),
            ("plan".into(), 1, none),
            ("old".into(), 1, json!(1)),
        ]
    );
}

#[test]
fn what_no_ancestor_left_is_named() {
    let mut story = given(LINEAGE);
    story.succeed("plan");
    story.succeed("each[1]");
    story.succeed("each[2]");
    assert_eq!(story.status(), "failed");
    assert_eq!(story.detail("use"), "`@v1/plan`: no ancestor of this run is v1 with `plan` done");
    // The first of its line has no `@prev`, which is no mistake.
    let mut story = given(&LINEAGE.replace(", '@v1/plan'", ""));
    story.succeed("plan");
    story.succeed("each[1]");
    story.succeed("each[2]");
    assert_eq!(story.env("use", "N"), json!("0"));
    assert_eq!(story.run.header().unwrap().extends, None);
    let create = Create { number: 2, extends: Some(link(1)), ..start() };
    let mut story = given_with(&LINEAGE.replace(", '@v1/plan'", ""), create);
    story.succeed("plan");
    story.succeed("each[1]");
    story.succeed("each[2]");
    assert_eq!(
        story.detail("use"),
        "`@prev/plan`: neither p#1 nor a run before it finished `plan`"
    );
}

#[test]
fn a_run_gives_its_outputs_or_fails() {
    let yaml = "name: p
outputs: {version: '${stages.a.outputs.v}', same: {v: '${stages.a.outputs.v}'}}
stages: [{name: a, run: exit 0, outputs: {v: {type: string, required: false}}}]
";
    let mut story = given(yaml);
    story.succeed_with("a", json!({"v": "1.2"}));
    assert_eq!(story.status(), "succeeded");
    assert_eq!(json!(story.run.outputs()), json!({"version": "1.2", "same": {"v": "1.2"}}));
    let mut story = given(yaml);
    story.report("a", exited(End::Code(0)));
    assert_eq!(story.status(), "failed");
    assert_eq!(story.run.reason(), "output `version`: `${stages.a.outputs.v}` has no value");
}
