//! What was done is undone, in reverse.

use std::sync::Arc;

use pipeline::Pipeline;
use pipeline::model::{
    Compensation, Effects, OnFailure, Rule, Shell, Stage, StageIx, Trigger, TriggerMode, Triggers,
    Work,
};
use pipeline::source::Span;
use pipeline::text::{Part, Reference, Root, Step, Template};
use serde_json::json;

use super::{Story, given_of, parse, start};
use crate::command::{Command, Rejection, RollBack, StopReason, Verdict};
use crate::event::{Event, RollbackResult};

/// `deploy: undo`, `deploy: none`, `smoke > deploy` (on failure back to it).
pub(crate) fn undoable(yaml: &str, undo: &[&str]) -> Arc<Pipeline> {
    let mut pipeline = Pipeline::clone(&parse(yaml));
    let place = |pipeline: &Pipeline, name: &str| {
        let at = pipeline.stages.iter().position(|stage| *stage.name == *name).unwrap();
        StageIx(u32::try_from(at).unwrap())
    };
    for line in undo {
        if let Some((from, to)) = line.split_once(" > ") {
            let (from, to) = (place(&pipeline, from), place(&pipeline, to));
            let stage = &mut pipeline.stages[from.get()];
            (stage.on_failure, stage.rollback_to) = (OnFailure::Rollback, Some(to));
            continue;
        }
        let (name, script) = line.split_once(": ").unwrap();
        let ix = place(&pipeline, name);
        if script == "none" {
            pipeline.stages[ix.get()].compensation = Compensation::None;
            continue;
        }
        let by = StageIx(u32::try_from(pipeline.stages.len()).unwrap());
        pipeline.stages[ix.get()].compensation = Compensation::Stage(by);
        let model = pipeline.stages[ix.get()].clone();
        let of = |root: Root, path: &[&str]| Template {
            parts: vec![Part::Reference(Reference {
                root,
                path: path.iter().map(|field| Step::Field((*field).to_owned())).collect(),
                default: Some(json!("-")),
                source: String::new(),
                span: Span::default(),
            })],
        };
        pipeline.stages.push(Stage {
            name: format!("{name}.rollback").into(),
            work: Work::Run { script: Template::of_literal(script), shell: Shell::Sh },
            depends_on: Vec::new(),
            dependants: Vec::new(),
            rule: Rule::AllSuccess,
            foreach: None,
            condition: None,
            on_failure: OnFailure::Halt,
            rollback_to: None,
            compensation: Compensation::None,
            compensates: Some(ix),
            effects: Effects::Once,
            outputs: Default::default(),
            finally: false,
            env: [
                ("OWN".to_owned(), of(Root::Own, &["id"])),
                ("ITEM".to_owned(), of(Root::Item, &[])),
            ]
            .into(),
            ..model
        });
    }
    Arc::new(pipeline)
}

const RELEASE: &str = "name: release
stages:
  - {name: build, depends_on: [], run: exit 0}
  - {name: deploy, depends_on: build, run: exit 0, outputs: {id: string}}
  - {name: notify, depends_on: build, run: exit 0}
  - {name: migrate, depends_on: deploy, run: exit 0}
  - {name: smoke, depends_on: migrate, run: exit 0}
  - {name: after, depends_on: smoke, run: exit 0}
finally: [{name: z, run: exit 0}]
";

const UNDO: [&str; 3] = ["deploy: undeploy", "migrate: unmigrate", "smoke > deploy"];

fn release() -> Story {
    given_of(undoable(RELEASE, &UNDO), start())
}

fn until_smoke(story: &mut Story) {
    story.succeed("build");
    story.succeed("notify");
    story.succeed_with("deploy", json!({"id": "d-7"}));
    story.succeed("migrate");
}

fn asked(to: &str, force: bool) -> Command {
    Command::RollBack(RollBack { by: "ana".into(), to: to.into(), reason: "bad".into(), force })
}

fn env(story: &Story, execution: &str, name: &str) -> String {
    let task = story.run.task(&story.attempt(execution)).unwrap();
    let pieces = serde_json::to_value(&task.env[name]).unwrap();
    pieces[0]["plain"].as_str().unwrap().to_owned()
}

fn result(story: &Story) -> Option<RollbackResult> {
    story.run.rollback().and_then(|rollback| rollback.result)
}

#[test]
fn compensations_sleep_until_they_are_asked_for() {
    let mut story = release();
    assert_eq!(story.run.progress().total, 7);
    assert!(story.run.row(&"deploy.rollback".parse().unwrap()).is_none());
    until_smoke(&mut story);
    story.succeed("smoke");
    story.succeed("after");
    story.succeed("z");
    let all = "build=succeeded deploy=succeeded notify=succeeded migrate=succeeded \
               smoke=succeeded after=succeeded z=succeeded";
    story.then("succeeded", all);
    assert!(story.run.rollback().is_none());
}

#[test]
fn a_failure_undoes_what_succeeded_since_in_reverse_order_of_completion() {
    let mut story = release();
    until_smoke(&mut story);
    story.fail("smoke");
    story.then(
        "running",
        "build=succeeded deploy=succeeded notify=succeeded migrate=succeeded smoke=failed \
         after=not_run z=blocked deploy.rollback=blocked migrate.rollback=running",
    );
    assert_eq!(story.run.progress().total, 9);
    assert_eq!(story.run.reason(), "rolls back to `deploy`");
    story.succeed("migrate.rollback");
    assert_eq!(story.live(), "deploy.rollback");
    assert_eq!(env(&story, "deploy.rollback", "OWN"), "d-7");
    let events = story.succeed("deploy.rollback");
    assert!(events.iter().any(|event| matches!(
        event,
        Event::RollbackFinished { result: RollbackResult::Succeeded, problems } if problems.is_empty()
    )));
    assert_eq!(story.live(), "z", "finally comes after it");
    story.succeed("z");
    assert_eq!(story.status(), "failed");
    assert_eq!(story.run.reason(), "`smoke` failed: exit code 1; rollback to `deploy`: succeeded");
    let rollback = story.run.rollback().unwrap();
    let steps = rollback.steps.iter().map(|step| (&**step.stage, step.status.unwrap().word()));
    assert_eq!(steps.collect::<Vec<_>>(), [("migrate", "succeeded"), ("deploy", "succeeded")]);
    assert_eq!(rollback.cause.unwrap().to_string(), "smoke");
}

#[test]
fn a_failing_compensation_is_noted_and_the_rest_goes_on() {
    for (first, second, wanted) in [
        (false, true, RollbackResult::Partial),
        (true, false, RollbackResult::Partial),
        (false, false, RollbackResult::Failed),
        (true, true, RollbackResult::Succeeded),
    ] {
        let mut story = release();
        until_smoke(&mut story);
        story.fail("smoke");
        let end = |story: &mut Story, name: &str, well: bool| match well {
            true => story.succeed(name),
            false => story.fail(name),
        };
        end(&mut story, "migrate.rollback", first);
        end(&mut story, "deploy.rollback", second);
        assert_eq!(result(&story), Some(wanted));
        let rollback = story.run.rollback().unwrap();
        assert_eq!(rollback.problems.contains_key("migrate"), !first);
        assert_eq!(rollback.problems.contains_key("deploy"), !second);
        story.succeed("z");
        assert_eq!(story.status(), "failed");
        let reason = story.run.reason();
        assert!(reason.starts_with("`smoke` failed"), "its cause alone failed: {reason}");
    }
}

#[test]
fn a_stage_without_an_action_makes_it_partial_and_none_does_not() {
    let table = [
        (vec!["deploy: undeploy", "smoke > deploy"], "deploy.rollback", RollbackResult::Partial),
        (
            vec!["deploy: undeploy", "migrate: none", "smoke > deploy"],
            "deploy.rollback",
            RollbackResult::Succeeded,
        ),
        (vec!["migrate: none", "smoke > migrate"], "", RollbackResult::Succeeded),
        (vec!["smoke > migrate"], "", RollbackResult::Partial),
    ];
    for (undo, compensation, wanted) in table {
        let mut story = given_of(undoable(RELEASE, &undo), start());
        until_smoke(&mut story);
        story.fail("smoke");
        assert_eq!(story.live(), if compensation.is_empty() { "z" } else { compensation });
        if !compensation.is_empty() {
            story.succeed(compensation);
        }
        assert_eq!(result(&story), Some(wanted), "{undo:?}");
    }
}

#[test]
fn running_siblings_finish_first_and_are_undone_too_when_they_descend_from_it() {
    let undo = ["deploy: u", "build: u", "notify: u", "smoke > build"];
    let mut story = given_of(undoable(RELEASE, &undo), start());
    story.succeed("build");
    story.succeed_with("deploy", json!({"id": "d"}));
    story.succeed("migrate");
    story.fail("smoke");
    assert_eq!(story.live(), "notify", "nothing is undone while it runs");
    story.succeed("notify");
    assert_eq!(story.live(), "notify.rollback");
    story.succeed("notify.rollback");
    story.succeed("deploy.rollback");
    assert_eq!(story.live(), "build.rollback");
}

const EACH: &str = "name: p
stages:
  - name: each
    depends_on: []
    foreach: {items: [x, y, z], max_parallel: 3}
    run: exit 0
    outputs: {id: string}
  - {name: check, depends_on: each, run: exit 0}
";

#[test]
fn of_a_fanned_out_stage_each_succeeded_instance_is_undone_one_after_another() {
    let mut story = given_of(undoable(EACH, &["each: u", "each > each"]), start());
    story.succeed_with("each[3]", json!({"id": "c"}));
    story.fail("each[2]");
    story.succeed_with("each[1]", json!({"id": "a"}));
    story.then(
        "running",
        "each=failed each[1]=succeeded each[2]=failed each[3]=succeeded check=not_run \
         each.rollback=running each.rollback[1]=running each.rollback[2]=queued",
    );
    let own = |story: &Story, n: &str| (env(story, n, "OWN"), env(story, n, "ITEM"));
    assert_eq!(own(&story, "each.rollback[1]"), ("a".into(), "x".into()), "the last one first");
    story.fail("each.rollback[1]");
    assert_eq!(own(&story, "each.rollback[2]"), ("c".into(), "z".into()));
    story.succeed("each.rollback[2]");
    assert_eq!(result(&story), Some(RollbackResult::Partial));
    assert_eq!(story.status(), "failed");
}

#[test]
fn there_is_one_automatic_rollback_in_a_run() {
    let mut story = release();
    until_smoke(&mut story);
    story.fail("smoke");
    story.succeed("migrate.rollback");
    story.succeed("deploy.rollback");
    story.succeed("z");
    story.retry(None);
    // What was undone is done again, and what undid it is gone.
    story.then(
        "running",
        "build=succeeded deploy=running notify=succeeded migrate=blocked smoke=blocked \
         after=blocked z=blocked",
    );
    story.succeed_with("deploy", json!({"id": "d-8"}));
    story.succeed("migrate");
    story.fail("smoke");
    assert_eq!(story.live(), "z", "no second one");
    story.succeed("z");
    assert_eq!(story.status(), "failed");
    assert!(story.run.rollback().is_none());
    let refusal = story.refused(asked("deploy", false));
    assert!(refusal.to_string().contains("`migrate` was rolled back before"), "{refusal}");
    assert_eq!(story.run.rollback_impact("deploy").refused, Some(refusal));
    story.when(asked("deploy", true));
    story.succeed("migrate.rollback");
    assert_eq!(env(&story, "deploy.rollback", "OWN"), "d-8");
    assert_eq!(story.attempt("deploy.rollback").number, 2);
}

#[test]
fn a_person_rolls_a_finished_run_back() {
    let mut story = release();
    until_smoke(&mut story);
    story.succeed("smoke");
    story.succeed("after");
    story.succeed("z");
    let impact = story.run.rollback_impact("deploy");
    let says: Vec<String> =
        impact.steps.iter().map(|step| format!("{} {}", step.stage, step.what)).collect();
    assert_eq!(
        says,
        [
            "after has no rollback action",
            "smoke has no rollback action",
            "migrate runs \"unmigrate\"",
            "deploy runs \"undeploy\"",
        ]
    );
    story.when(asked("deploy", false));
    assert_eq!((story.status(), story.live().as_str()), ("running", "migrate.rollback"));
    assert_eq!(
        story.refused(asked("deploy", true)).to_string(),
        "cannot roll back to `deploy`: a rollback is under way already"
    );
    story.succeed("migrate.rollback");
    story.succeed("deploy.rollback");
    assert_eq!(story.live(), "z");
    story.succeed("z");
    assert_eq!(story.status(), "failed");
    assert_eq!(story.run.reason(), "rollback to `deploy` by ana: partial");
    // What is left can still be undone, what was undone needs force.
    let refusal = story.refused(asked("migrate", false));
    assert!(matches!(refusal, Rejection::CannotRollBack { .. }), "{refusal}");
    assert_eq!(story.run.rollback_impact("migrate").steps.len(), 3, "what force would do");
    assert_eq!(
        story.refused(asked("build", false)),
        Rejection::CannotRollBack {
            to: "build".into(),
            reason: "`migrate` was rolled back before in this run; force a repeat".into(),
        }
    );
    let refusal = story.refused(asked("notify", true));
    assert!(refusal.to_string().contains("has a rollback action"), "{refusal}");
}

#[test]
fn a_person_rolls_a_running_run_back() {
    let mut story = release();
    story.succeed("build");
    story.succeed("notify");
    assert!(story.refused(asked("migrate", false)).to_string().contains("it has not run"));
    story.succeed_with("deploy", json!({"id": "d"}));
    story.when(asked("deploy", false));
    assert_eq!(story.live(), "migrate", "what runs finishes");
    assert_eq!(story.run.reason(), "rolls back to `deploy` when what runs has ended");
    story.succeed("migrate");
    story.then(
        "running",
        "build=succeeded deploy=succeeded notify=succeeded migrate=succeeded smoke=not_run \
         after=not_run z=blocked deploy.rollback=blocked migrate.rollback=running",
    );
    assert_eq!(story.detail("smoke"), "the run is rolled back to `deploy`");
    story.succeed("migrate.rollback");
    story.succeed("deploy.rollback");
    assert!(story.refused(asked("deploy", false)).to_string().contains("`finally` stages run"));
    story.succeed("z");
    assert_eq!(story.run.reason(), "rollback to `deploy` by ana: succeeded");
    assert_eq!(story.status(), "failed");
}

#[test]
fn refusals_name_the_reason() {
    let mut story = release();
    let table = [
        ("nothing", "no stage is called `nothing`; there are: build, deploy"),
        ("deploy.rollback", "it is itself what undoes `deploy`"),
        ("z", "`finally` stages are not undone"),
    ];
    for (to, says) in table {
        let refusal = story.refused(asked(to, true));
        assert!(refusal.to_string().contains(says), "{refusal}");
        assert_eq!(story.run.rollback_impact(to).refused, Some(refusal));
    }
    story.pause(false);
    assert_eq!(story.refused(asked("build", false)), Rejection::Paused);
    story.cancel();
    let refusal = story.refused(asked("build", false));
    assert!(refusal.to_string().contains("being cancelled"), "{refusal}");
    story.stopped("build", StopReason::Cancelled);
    story.succeed("z");
    let refusal = story.refused(asked("build", false));
    assert!(refusal.to_string().contains("nothing from there on has succeeded"), "{refusal}");
}

#[test]
fn cancelled_during_a_rollback_it_stops_and_says_how_far_it_came() {
    let mut story = release();
    until_smoke(&mut story);
    story.fail("smoke");
    story.succeed("migrate.rollback");
    story.cancel();
    assert_eq!(story.stops(), [("deploy.rollback".to_owned(), StopReason::Cancelled)]);
    story.stopped("deploy.rollback", StopReason::Cancelled);
    assert_eq!(result(&story), Some(RollbackResult::Partial));
    story.succeed("z");
    assert_eq!(story.status(), "cancelled");
    let reason = story.run.reason();
    assert!(reason.ends_with("rollback to `deploy`: partial"), "{reason}");
    // Before it came to the second step.
    let mut story = release();
    until_smoke(&mut story);
    story.fail("smoke");
    story.cancel();
    story.stopped("migrate.rollback", StopReason::Cancelled);
    assert_eq!(result(&story), Some(RollbackResult::Failed));
    assert!(story.rows().ends_with("z=running deploy.rollback=not_run migrate.rollback=cancelled"));
}

#[test]
fn cancelled_before_it_began_there_is_none() {
    let undo = ["deploy: u", "smoke > deploy"];
    let mut story = given_of(undoable(RELEASE, &undo), start());
    story.succeed("build");
    story.succeed_with("deploy", json!({"id": "d"}));
    story.succeed("migrate");
    story.fail("smoke");
    story.pause(false);
    story.succeed("notify");
    story.then(
        "paused",
        "build=succeeded deploy=succeeded notify=succeeded migrate=succeeded smoke=failed \
         after=not_run z=blocked",
    );
    let mut resumed = Story {
        run: story.run.clone(),
        pipeline: story.pipeline.clone(),
        journal: story.journal.clone(),
        now: story.now,
    };
    resumed.resume();
    assert_eq!(resumed.live(), "deploy.rollback", "it begins when the run is resumed");
    story.cancel();
    assert_eq!(story.live(), "z");
    assert!(story.run.rollback().is_none());
    story.succeed("z");
    assert_eq!(story.status(), "cancelled");
}

#[test]
fn paused_between_two_steps_it_goes_on_where_it_was() {
    let mut story = release();
    until_smoke(&mut story);
    story.fail("smoke");
    story.pause(false);
    story.succeed("migrate.rollback");
    assert_eq!((story.status(), story.live().as_str()), ("paused", ""));
    story.resume();
    assert_eq!(story.live(), "deploy.rollback");
    story.pause(true);
    story.stopped("deploy.rollback", StopReason::Paused);
    story.resume();
    assert_eq!(story.attempt("deploy.rollback").number, 2);
    story.succeed("deploy.rollback");
    assert_eq!(result(&story), Some(RollbackResult::Succeeded));
}

#[test]
fn a_compensation_of_unknown_outcome_waits_for_a_decision() {
    let mut story = release();
    until_smoke(&mut story);
    story.fail("smoke");
    story.lose("migrate.rollback");
    assert_eq!((story.status(), story.live().as_str()), ("waiting", ""));
    story.resolve("migrate.rollback", Verdict::Retry);
    assert_eq!(story.attempt("migrate.rollback").number, 2);
    story.lose("migrate.rollback");
    story.resolve("migrate.rollback", Verdict::Failed);
    story.succeed("deploy.rollback");
    assert_eq!(result(&story), Some(RollbackResult::Partial));
}

#[test]
fn what_a_trigger_starts_descends_from_what_it_looks_at() {
    let yaml = "name: p
stages:
  - {name: a, depends_on: [], run: exit 0}
  - {name: b, depends_on: [], run: exit 0}
";
    let mut pipeline = Pipeline::clone(&undoable(yaml, &["a: u", "b: u"]));
    pipeline.stages[1].triggers = Some(Triggers {
        mode: TriggerMode::Any,
        list: vec![Trigger::Completion { stage: StageIx(0), success_only: true }],
        instances: None,
        expect: None,
        sources: vec![StageIx(0)],
    });
    let run = crate::Run::new(Arc::new(pipeline));
    assert_eq!(run.descendants(StageIx(0)), [StageIx(1)].into());
}

#[test]
fn as_its_author_writes_it_also_of_a_stage_that_events_feed() {
    let yaml = "name: p
stages:
  - name: plan
    depends_on: []
    run: exit 0
    outputs: {specs: list}
    emit: [{event: spec, foreach: '${outputs.specs}', data: {spec: '${item}'}}]
    rollback: none
  - name: build
    triggers: [{event: spec}]
    parallel_instances: 2
    run: exit 0
    outputs: {image: string}
    rollback: {run: exit 0, env: {OWN: '${outputs.image}', ITEM: '${item.spec}'}}
  - {name: last, depends_on: build, run: exit 0, on_failure: rollback, rollback_to: plan}
";
    let mut story = super::given(yaml);
    story.succeed_with("plan", json!({"specs": ["x", "y"]}));
    story.succeed_with("build[2]", json!({"image": "i2"}));
    story.succeed_with("build[1]", json!({"image": "i1"}));
    story.fail("last");
    let own = |story: &Story, n: &str| (env(story, n, "OWN"), env(story, n, "ITEM"));
    assert_eq!(own(&story, "build.rollback[1]"), ("i1".into(), "x".into()));
    story.succeed("build.rollback[1]");
    assert_eq!(own(&story, "build.rollback[2]"), ("i2".into(), "y".into()));
    story.succeed("build.rollback[2]");
    assert_eq!(result(&story), Some(RollbackResult::Succeeded));
    assert_eq!(story.status(), "failed");
}

#[test]
fn a_rejected_gate_rolls_back_too() {
    let yaml = "name: p
stages:
  - {name: a, depends_on: [], run: exit 0, rollback: exit 0}
  - {name: b, depends_on: a, run: exit 0, requires_approval: true, on_failure: rollback, rollback_to: a}
";
    let mut story = super::given(yaml);
    story.succeed("a");
    let reject = story.vote("b", "bo", crate::event::Decision::Reject);
    story.when(reject);
    assert_eq!(story.live(), "a.rollback");
    story.succeed("a.rollback");
    assert_eq!(result(&story), Some(RollbackResult::Succeeded));
}

/// At every event: the journal up to it gives a run that the rest goes on from.
#[test]
fn every_prefix_of_a_rollback_can_be_folded() {
    let mut story = release();
    until_smoke(&mut story);
    story.fail("smoke");
    story.fail("migrate.rollback");
    story.succeed("deploy.rollback");
    story.succeed("z");
    for at in 0..=story.journal.len() {
        let (known, rest) = story.journal.split_at(at);
        let mut run = crate::Run::replay(story.pipeline.clone(), known).unwrap();
        for stamped in rest {
            run.evolve(stamped).unwrap();
        }
        assert!(run == story.run);
    }
}
