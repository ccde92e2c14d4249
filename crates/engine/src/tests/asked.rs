//! People, as pipelines write it: the language and the rules together.

use serde_json::{Value as Json, json};

use super::people::person;
use super::{Story, given, given_with, seconds, start};
use crate::command::{Command, Create, Rejection, Submit};
use crate::event::{Decision, Event, GateKind, Resolution};

const RELEASE: &str = "name: release
stages:
  - name: notes
    form:
      instructions: What is in ${run.name}?
      fields:
        version: {type: text, required: true, pattern: '[0-9.]+'}
        breaking: {type: boolean, default: false}
      assignees: [devops]
      save_as: {artifact: answers.json, format: json}
    approve_complete: {approvers: [lead]}
    max_revisions: 2
  - name: deploy
    run: 'echo $VERSION'
    env: {VERSION: '${stages.notes.outputs.version}'}
    requires_approval: true
    approvers: [lead, devops]
    quorum: all
    approval_timeout: 1h
    on_timeout: escalate
    escalate_to: [dee]
  - name: tell
    human: {fields: {to: {type: select, options: [all, few], required: true}}}
    run: exit 0
    auto_advance: false
";

fn submit(execution: &str, by: &str, values: Json) -> Command {
    Command::Submit(Box::new(Submit {
        execution: execution.parse().unwrap(),
        generation: None,
        by: person(by),
        values: serde_json::from_value(values).unwrap(),
        artifacts: Vec::new(),
    }))
}

#[test]
fn a_release_with_people() {
    let mut story = given(RELEASE);
    story.then("waiting", "notes=waiting_input deploy=blocked tell=blocked");
    let form = story.run.form(&"notes".parse().unwrap(), None).unwrap();
    assert_eq!(form.instructions, "What is in release#1?");
    let refusal = story.refused(submit("notes", "bo", json!({"version": "one"})));
    assert!(matches!(refusal, Rejection::Form { .. }), "{refusal}");
    story.when(submit("notes", "bo", json!({"version": "1.0"})));
    story.send_back("notes", "lee");
    story.when(submit("notes", "bea", json!({"version": "1.1"})));
    story.approve("notes", "lee");
    story.then("waiting", "notes=succeeded deploy=waiting_approval tell=blocked");
    let shown = story.run.shown(&story.open("deploy")).unwrap();
    assert_eq!(shown["task"]["env"], json!({"VERSION": "1.1"}));
    story.fire();
    story.fire();
    story.fire();
    story.approve("deploy", "dee");
    story.succeed("deploy");
    story.then("waiting", "notes=succeeded deploy=succeeded tell=held");
    story.when(Command::Advance(crate::command::Advance { by: person("bo"), execution: None }));
    story.when(submit("tell", "dee", json!({"to": "all"})));
    let task = story.run.task(&story.attempt("tell")).unwrap();
    assert_eq!(task.form, Some(json!({"to": "all"})));
    story.succeed("tell");
    assert_eq!(story.status(), "succeeded");
}

const BY_HAND: &str = "name: p
stages:
  - {name: a, depends_on: [], run: exit 0}
  - name: b
    depends_on: []
    triggers: [{manual: {approval: {approvers: [devops], timeout: 100s, on_timeout: ON, reminders: [50]}}}, {completion: a}]
    run: exit 0
";

fn by_hand(on_timeout: &str) -> Story {
    let mut story = given(&BY_HAND.replace("ON", on_timeout));
    story.then("running", "a=running b=waiting_approval");
    assert_eq!(story.open("b").kind, GateKind::Trigger);
    story.pause(false);
    story.wait(seconds(7)).resume();
    story
}

#[test]
fn the_gate_of_a_trigger() {
    let mut story = by_hand("reject");
    assert_eq!(story.detail("b"), "waits for approval of its trigger, 0 of 1: devops");
    assert_eq!(story.run.shown(&story.open("b")).unwrap()["gate"], json!("trigger"));
    story.approve("b", "bo");
    story.then("running", "a=running b=running");

    let mut story = by_hand("reject");
    story.reject("b", "bo");
    assert!(story.rows().contains("b=failed"), "{}", story.rows());
    assert_eq!(story.detail("b"), "rejected by bo: too early");

    let refusal = {
        let story = by_hand("reject");
        let mut again = story;
        again.refused(again.vote("b", "bo", Decision::RequestChanges))
    };
    assert!(matches!(refusal, Rejection::NothingToChange { .. }));
}

#[test]
fn nobody_decides_about_a_trigger() {
    for (on_timeout, rows) in
        [("reject", "b=failed"), ("approve", "b=running"), ("skip", "b=skipped")]
    {
        let mut story = by_hand(on_timeout);
        let timers = story.run.desired().timers;
        let dues: Vec<_> =
            timers.iter().map(|t| t.due.duration_since(story.now).as_secs()).collect();
        assert_eq!(dues, [50, 100], "the pause is not counted, and nothing came before it");
        story.fire();
        story.fire();
        assert!(story.rows().contains(rows), "{on_timeout}: {}", story.rows());
    }
}

#[test]
fn a_trigger_that_nobody_needs_any_more_is_taken_back() {
    let mut story = by_hand("reject");
    let open = story.open("b");
    let events = story.succeed("a");
    let void = events.iter().find_map(|event| {
        let Event::GateResolved { resolution, .. } = event else { return None };
        let Resolution::Void { reason } = resolution else { return None };
        Some(reason.clone())
    });
    assert_eq!(void.as_deref(), Some("something else started the stage"));
    assert!(matches!(
        story.refused(story.vote_at(open, "bo", Decision::Approve)),
        Rejection::GateResolved { .. }
    ));
    story.then("running", "a=succeeded b=running");
    let mut story = by_hand("reject");
    story.cancel();
    assert!(story.run.open_gates().is_empty());
    assert!(story.run.desired().timers.is_empty());
    story.stopped("a", crate::command::StopReason::Cancelled);
    story.then("cancelled", "a=cancelled b=not_run");
}

/// Instances that events feed have their gates, forms and holds one by one.
#[test]
fn what_is_fed_is_asked_about_one_by_one() {
    let mut story = given_with(
        "name: p
stages:
  - name: a
    depends_on: []
    run: exit 0
    outputs: {list: {type: list}}
    emit: [{event: spec.ready, foreach: '${outputs.list}', data: {n: '${item}'}}]
  - name: b
    triggers: [{event: spec.ready}]
    parallel_instances: 2
    requires_approval: {approvers: [devops]}
    human: {fields: {ok: {type: boolean, required: true}}}
    run: exit 0
",
        Create { breakpoints: vec!["b".into()], ..start() },
    );
    story.succeed_with("a", json!({"list": [1, 2]}));
    assert!(story.rows().ends_with("b=held b[1]=held b[2]=held"), "{}", story.rows());
    let advance = crate::command::Advance { by: person("bo"), execution: "b[2]".parse().ok() };
    story.when(Command::Advance(advance));
    story.approve("b[2]", "bo");
    story.when(submit("b[2]", "bo", json!({"ok": true})));
    story.then("running", "a=succeeded b=held b[1]=held b[2]=running");
    let task = story.run.task(&story.attempt("b[2]")).unwrap();
    assert_eq!(task.form, Some(json!({"ok": true})));
    story.succeed("b[2]");
    assert_eq!(story.status(), "waiting");
}
