//! Stages of agents: what they are handed, and what their ends mean.

use indexmap::IndexMap;
use pipeline::model::{Adapter, AdapterKind, Output, ValueKind};
use serde_json::{Value as Json, json};

use super::{Story, given};
use crate::agent::result_schema;
use crate::command::{End, Exit, Report};
use crate::desired::{AgentTask, GivenText, TaskWork};
use crate::event::Usage;

const PLAN: &str = "name: p
inputs: {goal: {type: string, default: fly}}
stages:
  - {name: plan, run: exit 0, outputs: {points: list}}
  - name: build
    agent: implementer
    retry: 2
    validate: make check
    input_mapping: [{from: inputs.goal, to: aim}]
    task: 'Do ${goal} (${input.aim}): @plan, @plan.points.1, @input.goal, @input.aim, @prev/plan, @file:a.md, @feedback'
    outputs: {verdict: {type: string, description: Which, schema: {enum: [a, b]}}, n: {type: integer, required: false}}
";

fn begun() -> Story {
    let mut story = given(PLAN);
    story.succeed_with("plan", json!({"points": ["one", "two"]}));
    story
}

fn task(story: &Story, stage: &str) -> AgentTask {
    let task = story.run.task(&story.attempt(stage)).unwrap();
    let TaskWork::Agent(agent) = task.work else { panic!("{task:?}") };
    *agent
}

#[test]
fn a_task_is_resolved_and_what_it_mentions_is_given_beside_it() {
    let agent = task(&begun(), "build");
    assert!(agent.task.starts_with("Do fly (fly): @plan, @plan.points.1,"), "{}", agent.task);
    assert_eq!(agent.check.unwrap().command, "make check");
    let given: Vec<(&str, &str)> = agent
        .given
        .iter()
        .map(|given| match &given.text {
            GivenText::Said(text) => (given.reference.as_str(), text.as_str()),
            GivenText::File(path) => (given.reference.as_str(), path.as_str()),
            GivenText::Stored { digest, .. } => (given.reference.as_str(), digest.as_str()),
        })
        .collect();
    assert_eq!(given[0].1.replace([' ', '\n'], ""), r#"{"points":["one","two"]}"#);
    assert_eq!(
        given[1..],
        [
            ("@plan.points.1", "two"),
            ("@input.goal", "fly"),
            ("@input.aim", "fly"),
            ("@prev/plan", "This run extends no other: there is nothing from before."),
            ("@file:a.md", "a.md"),
            ("@feedback", "Nobody has asked for changes yet."),
        ]
    );
    let properties = &agent.result.unwrap()["properties"];
    assert_eq!(
        properties["verdict"],
        json!({"type": "string", "description": "Which", "enum": ["a", "b"]})
    );
}

#[test]
fn the_adapter_is_what_the_input_says() {
    let of = |word: &str| {
        let chosen = "    adapter: ${who}\n    task: '".to_string();
        let text = PLAN.replace("    task: '", &chosen);
        let who = format!("inputs: {{who: {{type: string, default: {word}}}, goal:");
        let mut story = given(&text.replace("inputs: {goal:", &who));
        story.succeed_with("plan", json!({"points": ["one", "two"]}));
        story
    };
    let adapter = task(&of("codex"), "build").work.tuning.adapter.unwrap();
    assert_eq!(adapter, Adapter::of(AdapterKind::Codex));
    let known = "mock, api, acp, claude, codex, command, inbox";
    assert_eq!(of("x").detail("build"), format!("adapter: `x` is none of {known}"));
}

#[test]
fn what_is_not_there_fails_the_stage_by_name() {
    let mut story = given(&PLAN.replace("@plan.points.1", "@plan.points.7"));
    story.succeed_with("plan", json!({"points": ["one"]}));
    assert_eq!(story.detail("build"), "`@plan.points.7`: `plan` gave no such output");
}

#[test]
fn what_is_not_known_yet_stands_in_a_preview_as_such() {
    let story = given(PLAN);
    let seen = story.run.foresee("build").unwrap();
    assert!(seen.task.starts_with("Do fly (‹${input.aim}›): @plan"), "{}", seen.task);
    let GivenText::Said(text) = &seen.given[0].text else { panic!() };
    assert_eq!(text, "‹not known yet: `plan` has not settled›");
    assert!(story.run.foresee("plan").is_none() && story.run.foresee("nobody").is_none());
}

fn exit(code: i32, tail: &str) -> Report {
    Report::Exited(Exit {
        end: End::Code(code),
        outputs: Ok(IndexMap::new()),
        artifacts: Ok(Vec::new()),
        usage: Usage::default(),
        tail: tail.to_owned(),
    })
}

#[test]
fn the_last_words_of_a_harness_are_the_reason_and_say_whether_to_try_again() {
    let mut story = begun();
    story
        .report("build", exit(65, "noise\nthe check of the work failed\norchestrate: a warning\n"));
    let detail = story.detail("build");
    assert!(
        detail.starts_with("the check of the work failed (exit code 65); try 2 of 2"),
        "{detail}"
    );
    let mut story = begun();
    story.report("build", exit(73, "its budget is spent\n"));
    assert_eq!(story.detail("build"), "its budget is spent (exit code 73)");
    let mut story = begun();
    story.report("build", exit(3, "odd\n"));
    assert!(
        story.detail("build").starts_with("exit code 3; try 2 of 2"),
        "{}",
        story.detail("build")
    );
}

#[test]
fn outputs_become_the_schema_of_a_result() {
    let output = |kind, schema: Option<Json>, required| Output {
        description: String::new(),
        kind,
        required,
        schema,
    };
    let outputs = IndexMap::from([
        ("a".to_owned(), output(ValueKind::List, None, true)),
        ("b".to_owned(), output(ValueKind::Any, Some(json!({"minimum": 1})), false)),
    ]);
    let schema = result_schema(&outputs);
    assert_eq!(
        schema,
        json!({
            "type": "object",
            "properties": {"a": {"type": "array"}, "b": {"minimum": 1}},
            "required": ["a"],
            "additionalProperties": false,
        })
    );
}
