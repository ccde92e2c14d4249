//! Creating a run.

use serde_json::json;

use super::{Story, given_with, inputs, parse, start};
use crate::command::{Command, Rejection};
use crate::{Run, Status};

const INPUTS: &str = "name: p
inputs:
  count: {type: integer, default: 3, schema: {minimum: 1}}
  who: {type: string, required: true}
  note: {type: string, required: false}
stages: [{name: a, noop: true}]
";

fn refused(given: serde_json::Value) -> String {
    let mut run = Run::new(parse(INPUTS));
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let refusal = run.handle(Command::Create(Box::new(inputs(given))), now).unwrap_err();
    assert_eq!(run, Run::new(parse(INPUTS)));
    refusal.to_string()
}

#[test]
fn inputs_are_checked_and_defaults_filled_in() {
    assert_eq!(refused(json!({})), "input `who`: it is required and was not given");
    let unknown = refused(json!({"who": "x", "what": 1}));
    assert!(unknown.contains("input `what`") && unknown.contains("count, who, note"), "{unknown}");
    assert!(refused(json!({"who": 1})).starts_with("input `who`: 1 is not"));
    assert!(refused(json!({"who": "x", "count": 0})).starts_with("input `count`: "));
    let story = given_with(INPUTS, inputs(json!({"who": "x"})));
    let given = story.run.header().unwrap().inputs;
    assert_eq!(serde_json::to_value(given).unwrap(), json!({"count": 3, "who": "x"}));
    assert_eq!(story.run.status(), Status::Succeeded);
}

#[test]
fn a_run_is_created_once() {
    let mut story: Story = given_with(INPUTS, inputs(json!({"who": "x"})));
    assert_eq!(story.refused(Command::Create(Box::new(start()))), Rejection::AlreadyCreated);
}

#[test]
fn a_journal_that_cannot_be_is_refused() {
    let story = given_with(INPUTS, inputs(json!({"who": "x"})));
    for at in 1..story.journal.len() {
        // One event is missing.
        let mut broken = story.journal.clone();
        broken.remove(at - 1);
        assert!(Run::replay(story.pipeline.clone(), &broken).is_err(), "without event {at}");
        // One event is doubled.
        let mut broken = story.journal.clone();
        broken.insert(at, broken[at - 1].clone());
        assert!(Run::replay(story.pipeline.clone(), &broken).is_err(), "event {at} twice");
    }
    let other = parse("{name: p, stages: [{name: b, noop: true}]}");
    assert!(Run::replay(other, &story.journal).is_err());
}

#[test]
fn variables_see_inputs_and_the_run_and_an_input_wins_over_one() {
    let yaml = "name: p
inputs: {who: {type: string, default: bo}}
variables: {who: nobody, a: '${who}-${run.by}'}
concurrency: {group: '${a}!', limit: 1}
stages: [{name: x, run: exit 0}]
";
    let story = given_with(yaml, start());
    assert_eq!(story.run.header().unwrap().group, Some("bo-ana!"));
}
