//! Runs that say what they would do: everything is decided, and nothing is done.

use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::{Story, given_with, start};
use crate::command::Create;
use crate::event::{Deed, Environment, Event, Mode, OnActive, Rollout, RunLink, Settled, TaskRun};
use crate::{Command, Rejection};

fn shadow() -> Create {
    Create { mode: Mode::Shadow, rollout: Rollout::Shadow, ..start() }
}

fn foretold(yaml: &str) -> Story {
    given_with(yaml, shadow())
}

impl Story {
    /// `plan: would run ./plan`, in the order in which it was said; of the run as a whole `-`.
    fn would(&self) -> Vec<String> {
        let said = self.journal.iter().filter_map(|stamped| {
            let Event::WouldHave(said) = &stamped.event else { return None };
            let who = said.execution.as_ref().map_or("-".to_owned(), ToString::to_string);
            Some(format!("{who}: {}", said.intention.says))
        });
        said.collect()
    }

    fn details(&self, execution: &str, kind: Deed) -> Json {
        let row = self.run.row(&execution.parse().unwrap()).unwrap();
        let said = row.would.iter().find(|said| said.kind == kind).unwrap();
        said.details.clone()
    }

    fn unknown(&self, execution: &str) -> Vec<String> {
        let row = self.run.row(&execution.parse().unwrap()).unwrap();
        row.would.iter().flat_map(|said| said.unknown.clone()).collect()
    }

    fn outputs_of(&self, execution: &str) -> Json {
        self.run.row(&execution.parse().unwrap()).unwrap().outputs.unwrap().clone()
    }

    /// Nothing that touches the world is in the journal, and nothing is wanted of it.
    #[track_caller]
    fn touched_nothing(&self) {
        for name in self.kinds() {
            let outward =
                ["attempt.", "gate.", "form.opened", "execution.held", "execution.awaits"];
            assert!(!outward.iter().any(|start| name.starts_with(start)), "{name}");
        }
        assert_eq!(self.run.desired(), Default::default());
    }
}

const RELEASE: &str = "name: p
inputs: {goal: {type: string, default: fly}}
repository: .
secrets: [TOKEN]
stages:
  - {name: plan, depends_on: [], run: 'echo hi > out', outputs: {n: integer}, env: {KEY: '${secrets.TOKEN}'}}
  - name: build
    depends_on: plan
    worktree: true
    agent: coder
    model: swift
    task: 'Do ${goal} with ${stages.plan.outputs.n}'
  - name: check
    depends_on: build
    if: 'stages.plan.outputs.n > 3 && stages.build.outcome == \"succeeded\"'
    run: 'make ${stages.plan.outputs.n}'
    requires_approval: {approvers: [ana, bo], quorum: 1, timeout: 1h}
  - {name: bring, depends_on: build, merge: {from: build, into: main}}
  - {name: other, depends_on: check, pipeline: {name: deploy, inputs: {n: '${stages.plan.outputs.n}'}}}
  - {name: over, depends_on: other, noop: true}
";

#[test]
fn everything_is_said_and_nothing_is_done() {
    let story = foretold(RELEASE);
    story.touched_nothing();
    story.then(
        "succeeded",
        "plan=would_have build=would_have check=would_have bring=would_have other=would_have \
         over=succeeded",
    );
    assert_eq!(
        story.would(),
        [
            "plan: would run echo hi > out",
            "build: would run the agent coder: Do fly with <stages.plan.outputs.n>",
            "check: would ask 1 of ana, bo to approve its start until 2026-01-01 01:00 UTC",
            "check: would run make <stages.plan.outputs.n>",
            "bring: would merge build into main",
            "other: would start a run of deploy",
        ]
    );
    assert_eq!(story.unknown("check"), ["stages.plan.outputs.n"]);
    let task = story.details("plan", Deed::Run);
    assert_eq!(task["env"]["KEY"], "${secrets.TOKEN}");
    assert_eq!(task["command"][3], "echo hi > out");
    assert_eq!(story.details("build", Deed::Agent)["model"], "swift");
    assert_eq!(story.details("build", Deed::Agent)["worktree"]["repository"], ".");
    assert_eq!(story.details("other", Deed::Start)["inputs"]["n"], "<stages.plan.outputs.n>");
    assert_eq!(story.details("check", Deed::Ask)["due"], "2026-01-01T01:00:00Z");
    let row = story.run.row(&"check".parse().unwrap()).unwrap();
    assert!(row.attempts.is_empty());
    assert_eq!(row.settled, Some(&Settled::WouldHave));
    assert_eq!(row.detail, "would run make <stages.plan.outputs.n>");
    // The condition is not known, and counts as true.
    assert_eq!(row.condition.unwrap().truth, pipeline::when::Truth::Unknown);
    let progress = story.run.progress();
    assert_eq!((progress.would_have, progress.succeeded, progress.settled), (5, 1, 6));
}

#[test]
fn what_is_known_is_decided_as_ever() {
    let story = foretold(
        "name: p
inputs: {kind: {type: string, default: docs}}
stages:
  - {name: a, depends_on: [], noop: true, output_mapping: [{from: {cel: inputs.kind}, to: kind}], outputs: {kind: string}}
  - {name: b, depends_on: a, if: 'stages.a.outputs.kind == \"code\"', run: exit 0}
  - {name: c, depends_on: b, run: exit 0}
  - {name: d, depends_on: a, run: 'echo ${inputs.kind}', foreach: [x, y], env: {ITEM: '${item}', KIND: '${stages.a.outputs.kind}'}}
  - {name: e, depends_on: d, run: exit 0, if: 'has(stages.d.outputs.items)', on_unknown: skip}
",
    );
    story.then(
        "succeeded",
        "a=succeeded b=skipped c=skipped d=would_have d[1]=would_have d[2]=would_have e=skipped",
    );
    assert_eq!(story.would(), ["d[1]: would run echo docs", "d[2]: would run echo docs"]);
    let env = json!({"ITEM": "y", "KIND": "docs"});
    assert_eq!(story.details("d[2]", Deed::Run)["env"], env);
    assert!(story.detail("c").contains("every stage it depends on was skipped"));
}

#[test]
fn what_is_wrong_in_earnest_is_wrong_here() {
    let story = foretold(
        "name: p
stages:
  - {name: a, depends_on: [], run: 'echo', env: {WHO: '${event.who}'}, on_failure: isolate}
  - {name: b, depends_on: a, run: exit 0}
  - {name: c, depends_on: [], noop: true, input_mapping: [{from: event.who, to: who}]}
",
    );
    story.touched_nothing();
    story.then("failed", "a=failed b=not_run c=failed");
    assert!(story.would().is_empty());
}

#[test]
fn a_list_that_nobody_knows_has_one_instance_that_says_so() {
    let story = foretold(
        "name: p
stages:
  - {name: a, depends_on: [], run: exit 0, outputs: {files: list}}
  - {name: b, depends_on: a, foreach: '${stages.a.outputs.files}', run: lint, env: {FILE: '${item}'}}
  - {name: c, depends_on: b, run: exit 0, env: {ALL: '${stages.b.outputs.items}', D: '${stages.a.outputs.files ?? \"y\"}'}}
",
    );
    story.then("succeeded", "a=would_have b=would_have b[1]=would_have c=would_have");
    assert_eq!(
        story.would(),
        [
            "a: would run exit 0",
            "b: would run once for each of <stages.a.outputs.files>",
            "b[1]: would run lint",
            "c: would run exit 0",
        ]
    );
    assert_eq!(story.details("c", Deed::Run)["env"]["ALL"], "<stages.b.outputs.items>");
    assert_eq!(story.details("b[1]", Deed::Run)["env"]["FILE"], "<item>");
    assert_eq!(story.unknown("c"), ["stages.a.outputs.files", "stages.b.outputs.items"]);
}

#[test]
fn nobody_is_waited_for() {
    let story = given_with(
        "name: p
stages:
  - name: specify
    depends_on: []
    run: ./specify
    outputs: {specs: list}
    emit: [{event: spec.ready, foreach: '${outputs.specs}', data: {spec: '${item}'}}]
  - {name: implement, triggers: [{event: spec.ready, key: event.spec.id}], parallel_instances: 3, run: ./implement}
  - {name: hand, triggers: [{manual: true}], run: ./hand}
  - {name: hook, triggers: [{event: go}], run: './hook', env: {WHO: '${event.who}'}}
  - name: ask
    depends_on: []
    form: {fields: {version: {type: text, required: true}}, assignees: [devops]}
  - {name: use, depends_on: ask, run: ./use, env: {W: '${stages.ask.outputs.version}'}}
  - {name: report, depends_on: [implement, hand, hook, use], run: ./report}
",
        Create { step: true, breakpoints: vec!["hand".into()], ..shadow() },
    );
    story.touched_nothing();
    assert_eq!(story.status(), "succeeded", "{:#?}", story.would());
    let said = story.would();
    for one in [
        "specify: would wait until somebody lets it go on",
        "specify: would run ./specify",
        "specify: would emit `spec.ready` for each of its items",
        "implement: would run once for each of `spec.ready` from `specify`",
        "hand: would wait for somebody to start it",
        "hand: would run ./hand",
        "hook: would wait for `go` from outside",
        "hook: would run ./hook",
        "ask: would ask devops for version",
        "use: would run ./use",
        "report: would run ./report",
    ] {
        assert!(said.contains(&one.to_owned()), "{one} in {said:#?}");
    }
    assert_eq!(story.details("hook", Deed::Run)["env"]["WHO"], "<event.who>");
    assert_eq!(story.details("use", Deed::Run)["env"]["W"], "<stages.ask.outputs.version>");
}

#[test]
fn a_form_that_needs_nobody_gives_its_values() {
    let story = foretold(
        "name: p
inputs: {v: {type: string, default: '1.0'}}
stages:
  - name: ask
    depends_on: []
    form: {ask: missing, fields: {version: {type: text, required: true, value: '${v}'}}}
  - {name: use, depends_on: ask, run: ./use, env: {V: '${stages.ask.outputs.version}'}}
",
    );
    story.then("succeeded", "ask=succeeded use=would_have");
    assert_eq!(story.outputs_of("ask"), json!({"version": "1.0"}));
    assert_eq!(story.would(), ["use: would run ./use"]);
    assert_eq!(story.details("use", Deed::Run)["env"]["V"], "1.0");
}

#[test]
fn it_stands_in_nobodys_way() {
    let environment = Environment { lock: true, ..Environment::default() };
    let task = TaskRun {
        id: "DOC-1".into(),
        number: 1,
        title: String::new(),
        description: String::new(),
        labels: vec![],
        paths: vec![],
        priority: 0,
        on_active: OnActive::Replace,
    };
    let notify = |kind: &str| (kind.to_owned(), vec!["ops".to_owned()]);
    let create = Create {
        environments: IndexMap::from([("prod".to_owned(), environment)]),
        task: Some(task),
        notify: IndexMap::from([notify("run.succeeded"), notify("approval.requested")]),
        ..shadow()
    };
    let mut story = given_with(
        "name: p
concurrency: {group: all, limit: 1}
stages:
  - {name: a, environment: prod, run: ./deploy, approve_complete: {approvers: [ana]}}
",
        create,
    );
    story.touched_nothing();
    assert!(story.run.occupant().is_none() && story.run.claims().is_empty());
    assert_eq!(
        story.would(),
        [
            "a: would wait until prod is free, and keep others out of it",
            "a: would run ./deploy in prod",
            "a: would ask ana to approve its result until 2026-01-08 00:00 UTC, and tell ops",
            "-: would tell ops that the run succeeded",
        ]
    );
    assert_eq!(story.refused(Command::Admit), Rejection::Finished { status: "succeeded" });
}

#[test]
fn what_a_shadow_run_left_undone_nobody_knows() {
    let extends = RunLink { run: start().run, name: "p#1".into(), number: 1 };
    let yaml = "{name: p, stages: [{name: a, run: exit 0, outputs: {x: string}, env: {B: '${prev.a.outputs.x}'}}]}";
    let story = given_with(yaml, Create { extends: Some(extends), number: 2, ..shadow() });
    assert_eq!(story.status(), "succeeded");
    assert_eq!(story.details("a", Deed::Run)["env"]["B"], "<prev.a.outputs.x>");
}

#[test]
fn the_mode_is_on_record_and_old_journals_are_in_earnest() {
    let story = foretold("{name: p, stages: [{name: a, run: exit 0}]}");
    let created = serde_json::to_value(&story.journal[0]).unwrap();
    assert_eq!(
        (&created["event"]["mode"], &created["event"]["rollout"]),
        (&json!("shadow"), &json!("shadow"))
    );
    let plain = super::given("{name: p, stages: [{name: a, run: exit 0}]}");
    let created = serde_json::to_value(&plain.journal[0]).unwrap();
    assert_eq!(created["event"].get("mode"), None);
    assert_eq!(plain.run.header().unwrap().mode, Mode::Production);
    let said = serde_json::to_value(&story.journal[3]).unwrap();
    assert_eq!(said["event"]["type"], "stage.would_have");
    assert_eq!((&said["event"]["execution"], &said["event"]["kind"]), (&json!("a"), &json!("run")));
}
