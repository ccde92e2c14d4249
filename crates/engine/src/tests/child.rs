//! Stages that are runs of other pipelines.

use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Story, given};
use crate::command::{Report, StopReason};
use crate::desired::TaskWork;
use crate::event::{FinalStatus, RunLink};
use crate::id::RunId;

const PARENT: &str = "name: p
max_parallel: 2
stages:
  - {name: a, depends_on: [], run: exit 0, outputs: {v: string}}
  - name: child
    depends_on: a
    pipeline: {name: other, inputs: {x: '${stages.a.outputs.v}'}}
    outputs: {y: integer}
    retry: {max_attempts: 2}
  - {name: b, depends_on: a, run: exit 0}
  - {name: c, depends_on: a, run: exit 0}
";

fn ended(status: FinalStatus, reason: &str, outputs: Json) -> Report {
    let outputs: IndexMap<String, Json> = serde_json::from_value(outputs).unwrap();
    Report::ChildEnded { status, reason: reason.into(), outputs }
}

fn begun() -> Story {
    let mut story = given(PARENT);
    story.succeed_with("a", json!({"v": "1"}));
    let child = RunLink { run: RunId(Uuid::from_u128(9)), name: "other#4".into(), number: 4 };
    story.report("child", Report::ChildStarted { child });
    story
}

#[test]
fn a_child_run_is_an_attempt_that_takes_a_place_and_gives_outputs() {
    let mut story = begun();
    assert_eq!(story.live(), "child b", "it counts against max_parallel");
    let task = story.run.task(&story.attempt("child")).unwrap();
    let TaskWork::Child { pipeline, inputs } = &task.work else { panic!("{task:?}") };
    assert_eq!((pipeline.as_str(), &inputs["x"]), ("other", &json!("1")));
    assert_eq!((task.timeout, task.idle), (None, None), "nobody but the run itself ends it");
    let row = story.run.row(&"child".parse().unwrap()).unwrap();
    assert_eq!(row.attempts[0].child.unwrap().name, "other#4");
    story.report("child", ended(FinalStatus::Succeeded, "", json!({"y": 2, "z": 3})));
    let row = story.run.row(&"child".parse().unwrap()).unwrap();
    assert_eq!(row.outputs.unwrap(), &json!({"y": 2, "z": 3}));
}

#[test]
fn a_failed_child_run_is_tried_again_and_a_refused_one_is_not() {
    let mut story = begun();
    story.report("child", ended(FinalStatus::Failed, "`x` failed: exit code 1", json!({})));
    assert!(
        story.detail("child").starts_with("other#4 failed: `x` failed: exit code 1; try 2 of 2")
    );
    story.fire();
    story.succeed("b");
    story.report("child", Report::ChildRefused { message: "there is no pipeline `other`".into() });
    assert_eq!(story.detail("child"), "its run could not be started: there is no pipeline `other`");
    let mut story = begun();
    story.report("child", ended(FinalStatus::Succeeded, "", json!({"y": "no number"})));
    assert!(story.detail("child").starts_with("wrong outputs: "), "{}", story.detail("child"));
    let mut story = begun();
    story.report("child", ended(FinalStatus::Cancelled, "cancelled by bo", json!({})));
    assert!(story.detail("child").starts_with("other#4 failed: cancelled by bo"));
}

#[test]
fn a_cancelled_parent_stops_its_child_and_a_paused_one_does_not() {
    let mut story = begun();
    story.pause(true);
    assert_eq!(
        story.stops(),
        [("b".to_owned(), StopReason::Paused)],
        "the child is paused with it"
    );
    story.cancel();
    assert!(story.stops().contains(&("child".to_owned(), StopReason::Cancelled)));
    story.report("child", ended(FinalStatus::Cancelled, "cancelled by its parent", json!({})));
    story.stopped("b", StopReason::Cancelled);
    assert_eq!(story.status(), "cancelled");
    assert_eq!(story.detail("child"), "the run was cancelled");
}
