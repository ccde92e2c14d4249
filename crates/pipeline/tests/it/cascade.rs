//! How a definition lets stages start each other, hand data on, and be undone.

use std::time::Duration;

use pipeline::model::{
    Compensation, ContextRef, Effects, OnFailure, Pipeline, Rule, Source, Stage, StageIx, Trigger,
    TriggerMode, Wanted, Work,
};
use pipeline::text::{Root, ValueTemplate};
use serde_json::json;

fn parse(text: &str) -> Pipeline {
    let parsed = pipeline::parse(text);
    match parsed.pipeline {
        Some(pipeline) => pipeline,
        None => panic!("{}", parsed.rendered("x.yaml", false)),
    }
}

fn named<'p>(pipeline: &'p Pipeline, name: &str) -> &'p Stage {
    match pipeline.stages.iter().find(|stage| &*stage.name == name) {
        Some(stage) => stage,
        None => panic!("there is no stage `{name}`"),
    }
}

#[test]
fn completions_that_hold_together_are_dependencies() {
    let pipeline = parse(
        "name: x\nstages:\n  - {name: a, depends_on: [], noop: true}\n  - {name: b, depends_on: [], noop: true}\n  - {name: one, noop: true, triggers: [{completion: a}]}\n  - {name: both, noop: true, triggers: {all: [{completion: a}, {completion: b, success_only: true}]}}\n  - {name: whatever, noop: true, triggers: {all: [{completion: b, success_only: false}]}}\n",
    );
    let plain = |name: &str| {
        let stage = named(&pipeline, name);
        assert!(stage.triggers.is_none());
        (stage.depends_on.iter().map(|ix| ix.0).collect::<Vec<_>>(), stage.rule)
    };
    assert_eq!(plain("one"), (vec![0], Rule::AllSuccess));
    assert_eq!(plain("both"), (vec![0, 1], Rule::AllSuccess));
    assert_eq!(plain("whatever"), (vec![1], Rule::AllDone));
    assert_eq!(pipeline.stages[0].dependants, [StageIx(2), StageIx(3)]);
    assert!(!pipeline.list_order);
}

#[test]
fn other_triggers_stay_what_they_are() {
    let pipeline = parse(
        "name: x\ninputs: {force: {type: boolean, default: false}}\nstages:\n  - {name: a, depends_on: [], run: x, outputs: {n: integer}}\n  - {name: b, depends_on: [], noop: true}\n  - name: c\n    depends_on: [b]\n    noop: true\n    triggers: [{completion: a}, {condition: \"force || stages.a.outputs.n > 3\", variables: [force]}, {manual: {approval: {approvers: [ana]}}}]\n  - {name: mixed, noop: true, triggers: {all: [{completion: a}, {completion: b, success_only: false}]}}\n",
    );
    let c = named(&pipeline, "c");
    let triggers = c.triggers.as_ref().unwrap();
    assert_eq!((triggers.mode, triggers.list.len()), (TriggerMode::Any, 3));
    assert_eq!((&*triggers.sources, &*c.depends_on), (&[StageIx(0)][..], &[StageIx(1)][..]));
    assert!(matches!(
        triggers.list[0],
        Trigger::Completion { stage: StageIx(0), success_only: true }
    ));
    assert!(matches!(
        &triggers.list[2],
        Trigger::Manual { approval: Some(gate) } if gate.electorate.approvers == ["ana"]
    ));
    let mixed = named(&pipeline, "mixed").triggers.as_ref().unwrap();
    assert_eq!((mixed.mode, mixed.sources.len()), (TriggerMode::All, 2));
    // Neither `mixed` nor `c` is a dependant of what starts it.
    assert_eq!(pipeline.stages[0].dependants, []);
}

#[test]
fn a_fed_stage_knows_who_can_feed_it() {
    let pipeline = parse(
        "name: x\nstages:\n  - name: spec\n    depends_on: []\n    run: x\n    outputs: {specs: list}\n    emit: [{event: spec.ready, foreach: \"${outputs.specs}\", when: \"item.ready\", data: {spec: \"${item}\"}}]\n  - name: implement\n    run: x\n    env: {SPEC: \"${item.spec}\", ID: \"${event.id}\"}\n    outputs: {result: string}\n    triggers: [{event: spec.ready, filter: event.spec.ready, key: event.spec.id, needs: event.spec.depends_on, lookback: 5m}]\n    parallel_instances: 10\n    expect: 12\n  - {name: outside, noop: true, triggers: [{event: build.done}]}\n  - {name: report, depends_on: [implement], run: x, env: {ALL: \"${stages.implement.outputs.items}\"}}\n",
    );
    let triggers = named(&pipeline, "implement").triggers.as_ref().unwrap();
    assert_eq!((triggers.instances, triggers.expect), (Some(10), Some(12)));
    assert_eq!(triggers.sources, [StageIx(0)]);
    let Trigger::Event(filter) = &triggers.list[0] else { panic!("{triggers:?}") };
    assert_eq!((&*filter.event, filter.lookback), ("spec.ready", Duration::from_secs(300)));
    assert_eq!(filter.emitters, [StageIx(0)]);
    assert_eq!(filter.needs.as_ref().unwrap().source, "event.spec.depends_on");
    let outside = named(&pipeline, "outside").triggers.as_ref().unwrap();
    assert!(matches!(&outside.list[0], Trigger::Event(filter) if filter.emitters.is_empty()));
    let emit = &pipeline.stages[0].emits[0];
    assert!(emit.foreach.is_some() && emit.when.is_some());
    assert!(matches!(&emit.data, ValueTemplate::Map(data) if data.contains_key("spec")));
}

#[test]
fn what_starts_a_stage_is_upstream_of_it() {
    parse(
        "name: x\nstages:\n  - {name: a, depends_on: [], run: x, outputs: {v: string}, emit: {event: a.done}}\n  - {name: b, run: x, triggers: [{event: a.done}, {manual: true}], env: {V: \"${stages.a.outputs.v}\"}}\n  - {name: c, depends_on: [b], run: x, context: [\"@a\"], input_mapping: [{from: a.outputs.v, to: v}], env: {V: \"${input.v}\"}}\n",
    );
}

#[test]
fn mappings_keep_what_was_written() {
    let pipeline = parse(
        "name: x\ninputs: {goal: string}\nstages:\n  - name: planning\n    run: x\n    input_mapping: [{from: request.goal, to: goal, required: true}]\n    output_mapping: {mappings: [{from: plan, to: outputs.plan}, {from: notes.long, to: a.b, default: none}], validation: {required: [plan]}}\n  - name: next\n    run: x\n    input_mapping: [{from: planning.outputs.plan, to: plan, transforms: [parse_json, {split: \",\"}, {cel: value.size()}]}]\n",
    );
    let planning = named(&pipeline, "planning");
    let goal = &planning.input.as_ref().unwrap().fields[0];
    assert_eq!((&*goal.written, goal.required), ("request.goal", true));
    let Source::Reference(template) = &goal.from else { panic!("{goal:?}") };
    assert_eq!(template.references()[0].root, Root::Value("goal".to_owned()));
    let output = planning.output.as_ref().unwrap();
    assert_eq!(output.schema, Some(json!({"required": ["plan"]})));
    assert_eq!(output.fields[0].to, ["plan"]);
    assert_eq!(output.fields[1].to, ["a", "b"]);
    assert_eq!(
        (output.fields[1].required, &output.fields[1].default),
        (false, &Some(json!("none")))
    );
    assert!(matches!(&output.fields[1].from, Source::Raw(path) if path.len() == 2));
    let plan = &named(&pipeline, "next").input.as_ref().unwrap().fields[0];
    let Source::Reference(template) = &plan.from else { panic!("{plan:?}") };
    assert_eq!(template.references()[0].root, Root::Output("planning".to_owned()));
    assert_eq!(plan.transforms.len(), 3);
}

#[test]
fn an_action_that_undoes_becomes_a_stage_of_its_own() {
    let pipeline = parse(
        "name: x\nerror_handling: {max_attempts: 4}\nstages:\n  - {name: build, run: x, rollback: none}\n  - {name: pause, noop: true}\n  - {name: deploy, run: x, environment: prod, working_dir: app, outputs: {id: string}, env: {A: b}, rollback: {run: ./undo.sh, env: {ID: \"${outputs.id}\"}, timeout: 5m, retry: 2}}\n  - {name: seed, run: x, foreach: [1, 2], rollback: ./unseed.sh}\n  - {name: smoke, run: x, on_failure: rollback, rollback_to: build}\nfinally:\n  - {name: tidy, noop: true}\n",
    );
    let names: Vec<&str> = pipeline.stages.iter().map(|stage| &*stage.name).collect();
    assert_eq!(
        names,
        ["build", "pause", "deploy", "seed", "smoke", "tidy", "deploy.rollback", "seed.rollback"]
    );
    assert_eq!(pipeline.written_stages().len(), 6);
    let how: Vec<Compensation> = pipeline.stages.iter().map(|stage| stage.compensation).collect();
    assert_eq!(
        how[..6],
        [
            Compensation::None,
            Compensation::None,
            Compensation::Stage(StageIx(6)),
            Compensation::Stage(StageIx(7)),
            Compensation::Missing,
            Compensation::None,
        ]
    );
    let undo = &pipeline.stages[6];
    assert_eq!(undo.compensates, Some(StageIx(2)));
    assert_eq!((undo.effects, undo.retry.max_attempts), (Effects::Once, 2));
    assert_eq!(undo.limits.timeout, Some(Duration::from_secs(300)));
    assert_eq!(undo.env.keys().collect::<Vec<_>>(), ["ID"]);
    assert_eq!(undo.environment.as_deref(), Some("prod"));
    assert_eq!(undo.working_dir.as_ref().and_then(|dir| dir.literal()), Some("app"));
    assert!(undo.depends_on.is_empty() && undo.dependants.is_empty() && !undo.finally);
    assert!(matches!(undo.work, Work::Run { .. }));
    assert_eq!(pipeline.stages[7].retry.max_attempts, 4);
    let smoke = named(&pipeline, "smoke");
    assert_eq!((smoke.on_failure, smoke.rollback_to), (OnFailure::Rollback, Some(StageIx(0))));
}

#[test]
fn a_rollback_that_does_not_say_how_far_goes_back_to_itself() {
    let pipeline = parse("name: x\nstages: [{name: a, run: x, on_failure: rollback}]");
    assert_eq!(pipeline.stages[0].rollback_to, Some(StageIx(0)));
}

#[test]
fn artifacts_and_context_say_what_and_whose() {
    let pipeline = parse(
        "name: x\nstages:\n  - {name: plan, run: x, artifacts: {plan: out/plan.md}}\n  - name: use\n    run: x\n    artifacts: {report: {path: out/report.json, required: false, schema: {type: object}, max_bytes: 5}, raw: data.bin}\n    context: [\"@plan\", \"@prev\", \"@prev/plan\", \"@v2/plan\", \"@v3\"]\n",
    );
    let plan = &pipeline.stages[0].artifacts["plan"];
    assert_eq!((&*plan.path, &*plan.format, plan.required), ("out/plan.md", "md", true));
    assert_eq!(plan.max_bytes, 100 * 1024 * 1024);
    let using = &pipeline.stages[1];
    let report = &using.artifacts["report"];
    assert_eq!((report.required, report.max_bytes, &*report.format), (false, 5, "json"));
    assert_eq!(using.artifacts["raw"].format, "binary");
    let plan = || std::sync::Arc::from("plan");
    let own = || std::sync::Arc::from("use");
    let wanted = [
        ("@plan", Wanted::Stage(plan())),
        ("@prev", Wanted::Previous { stage: own() }),
        ("@prev/plan", Wanted::Previous { stage: plan() }),
        ("@v2/plan", Wanted::Version { number: 2, stage: plan() }),
        ("@v3", Wanted::Version { number: 3, stage: own() }),
    ]
    .map(|(written, from)| ContextRef { written: written.to_owned(), from });
    assert_eq!(using.context, wanted);
}

#[test]
fn config_and_outputs_of_the_pipeline() {
    let pipeline = parse(
        "name: x\nglobal_config: {workspace: /tmp/x, depth: 3}\noutputs: {version: \"${stages.a.outputs.v ?? 'none'}\", n: \"${depth}\"}\nstages: [{name: a, run: \"make ${depth}\", env: {W: \"${config.workspace}\", Q: \"${config.unknown_here}\"}, outputs: {v: string}, if: config.depth > 1}]",
    );
    assert_eq!(json!(pipeline.config), json!({"workspace": "/tmp/x", "depth": 3}));
    assert_eq!(pipeline.outputs.keys().collect::<Vec<_>>(), ["version", "n"]);
}

#[test]
fn a_thousand_emitters_and_triggers_are_read_at_once() {
    let mut text = String::from("name: x\nstages:\n");
    for n in 0..1000 {
        text.push_str(&format!(
            "  - {{name: e{n}, depends_on: [], noop: true, emit: {{event: e{n}.done}}}}\n"
        ));
        text.push_str(&format!(
            "  - {{name: t{n}, noop: true, triggers: [{{event: e{n}.done}}, {{completion: e{}}}]}}\n",
            (n + 1) % 1000
        ));
    }
    let start = std::time::Instant::now();
    let parsed = pipeline::parse(&text);
    let took = start.elapsed();
    assert_eq!(parsed.diagnostics, []);
    assert_eq!(parsed.pipeline.unwrap().stages.len(), 2000);
    assert!(took < Duration::from_secs(10), "{took:?}");
}
