//! What a definition asks of people.

use std::time::Duration;

use pipeline::model::{
    Ask, Effects, Electorate, FieldKind, FormTimeout, OnTimeout, Pipeline, Quorum, SaveFormat,
    Stage, Work,
};
use serde_json::json;

fn parse(text: &str) -> Pipeline {
    let parsed = pipeline::parse(text);
    match parsed.pipeline {
        Some(pipeline) => pipeline,
        None => panic!("{}", parsed.rendered("x.yaml", false)),
    }
}

fn stage(lines: &str) -> Stage {
    parse(&format!("name: x\nstages:\n  - name: s\n{lines}")).stages.remove(0)
}

#[test]
fn a_gate_without_words_has_the_defaults() {
    let stage = stage("    run: x\n    requires_approval: true");
    assert_eq!(stage.approve_start.unwrap().electorate, Electorate::default());
    assert_eq!((stage.approve_complete, stage.max_revisions), (None, 3));
    let none = self::stage("    run: x\n    requires_approval: false");
    assert_eq!(none.approve_start, None);
}

#[test]
fn keys_of_the_stage_hold_for_each_gate_that_does_not_say_otherwise() {
    let stage = stage(
        "    run: x\n    requires_approval: true\n    approve_complete: {approvers: lead, instructions: look}\n    quorum: any\n    approval_timeout: 1d\n    on_timeout: escalate\n    escalate_to: [head]\n    allow_self: true\n    reminders: [10]\n    max_revisions: 0",
    );
    let start = stage.approve_start.unwrap().electorate;
    assert_eq!(
        start,
        Electorate {
            approvers: vec![],
            quorum: Quorum::Any,
            allow_self: true,
            timeout: Duration::from_secs(86_400),
            on_timeout: OnTimeout::Escalate,
            escalate_to: vec!["head".to_owned()],
            reminders: vec![10],
        }
    );
    let complete = stage.approve_complete.unwrap();
    assert_eq!(complete.electorate, Electorate { approvers: vec!["lead".to_owned()], ..start });
    assert!(complete.instructions.is_some());
    assert_eq!(stage.max_revisions, 0);
}

#[test]
fn the_form_of_the_seed() {
    let stage = stage(
        "    environment: production\n    requires_approval: true\n    approvers: [team-lead, devops]\n    run: x",
    );
    let electorate = stage.approve_start.unwrap().electorate;
    assert_eq!(electorate.approvers, ["team-lead", "devops"]);
    assert_eq!(electorate.quorum, Quorum::All);
}

#[test]
fn a_form_is_work_and_a_human_is_beside_it() {
    let form = stage(
        "    form:\n      instructions: Say\n      fields:\n        version: {type: text, required: true, pattern: \"[0-9.]+\"}\n        notes: multiline_text\n        level: {type: select, options: [a, b], multiple: true, default: [a]}\n        count: {type: number, min: 1, max: 5, integer: true, default: 2}\n        day: {type: date, earliest: 2026-01-01, default: 2026-02-03}\n        log: {type: file, max_bytes: 1000000}\n      assignees: devops\n      ask: missing\n      timeout: 2d\n      on_timeout: submit\n      save_as: answers.md",
    );
    assert!(matches!(form.work, Work::Form));
    assert_eq!(form.limits.timeout, None);
    let asked = form.form.unwrap();
    assert_eq!(
        asked.fields.keys().collect::<Vec<_>>(),
        ["version", "notes", "level", "count", "day", "log"]
    );
    assert_eq!(asked.fields["notes"].kind, FieldKind::MultilineText);
    assert_eq!(asked.fields["level"].default, Some(json!(["a"])));
    assert_eq!(asked.fields["version"].label, "version");
    assert_eq!(asked.assignees, ["devops"]);
    assert_eq!((asked.ask, asked.on_timeout), (Ask::Missing, FormTimeout::Submit));
    assert_eq!(asked.timeout, Some(Duration::from_secs(2 * 86_400)));
    assert_eq!(asked.save_as.unwrap().format, SaveFormat::Markdown);

    let human = stage(
        "    run: deploy\n    human: {fields: {version: {value: \"${run.name}\"}}, save_as: {artifact: a.md, format: json}}\n    env: {V: \"${form.version}\"}",
    );
    assert!(matches!(human.work, Work::Run { .. }));
    assert_eq!(human.limits.timeout, Some(Duration::from_secs(1800)));
    let asked = human.form.unwrap();
    assert!(asked.fields["version"].value.is_some());
    assert_eq!(asked.save_as.unwrap().format, SaveFormat::Json);
}

#[test]
fn the_fields_of_a_form_are_outputs_of_their_kind() {
    // A number is no text from outside, so it may stand in a script.
    parse(
        "name: x\nstages:\n  - {name: ask, form: {fields: {count: number, why: text}}}\n  - {name: use, run: \"make ${stages.ask.outputs.count}\", env: {WHY: \"${stages.ask.outputs.why ?? ''}\"}}",
    );
    let parsed = pipeline::parse(
        "name: x\nstages:\n  - {name: ask, form: {fields: {why: text}}}\n  - {name: use, run: \"make ${stages.ask.outputs.why}\"}",
    );
    assert_eq!(parsed.diagnostics[0].code.0, "E0405");
}

#[test]
fn stages_that_follow_others_are_held_where_nothing_advances_by_itself() {
    let held = |text: &str| {
        let pipeline = parse(text);
        pipeline.stages.iter().map(|stage| stage.held).collect::<Vec<_>>()
    };
    assert_eq!(
        held(
            "name: x\nauto_advance: false\nstages: [{name: a, noop: true}, {name: b, noop: true}, {name: c, noop: true, auto_advance: true}]\nfinally: [{name: d, noop: true}]"
        ),
        [false, true, false, false]
    );
    assert_eq!(held("name: x\nstages: [{name: a, noop: true, auto_advance: false}]"), [true]);
}

#[test]
fn a_child_is_a_run_of_another_pipeline() {
    let short = stage("    pipeline: other");
    assert!(
        matches!(&short.work, Work::Child { pipeline, inputs } if pipeline == "other" && inputs.is_empty())
    );
    let long = stage(
        "    environment: production\n    pipeline: {name: other, inputs: {n: 1, by: \"${run.by}\"}}\n    total_timeout: 1h\n    outputs: {version: string}",
    );
    assert!(matches!(&long.work, Work::Child { inputs, .. } if inputs.len() == 2));
    assert_eq!((long.limits.timeout, long.effects), (None, Effects::Idempotent));
    assert_eq!(long.limits.total, Some(Duration::from_secs(3600)));
}
