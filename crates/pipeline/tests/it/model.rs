//! What a definition means: defaults, merged policies, values.

use std::time::Duration;

use pipeline::model::{
    Backoff, BackoffKind, Effects, HaltMode, OnConflict, OnFailure, Pipeline, PythonSource, Shell,
    ValueKind, Work,
};
use pipeline::text::ValueTemplate;
use pipeline::when::{OnUnknown, Test};
use serde_json::json;

fn parse(text: &str) -> Pipeline {
    let parsed = pipeline::parse(text);
    match parsed.pipeline {
        Some(pipeline) => pipeline,
        None => panic!("{}", parsed.rendered("x.yaml", false)),
    }
}

fn stage(lines: &str) -> pipeline::model::Stage {
    parse(&format!("name: x\nstages:\n  - name: s\n{lines}")).stages.remove(0)
}

#[test]
fn a_stage_without_policies_has_the_defaults() {
    let stage = stage("    run: make");
    assert!(matches!(stage.work, Work::Run { shell: Shell::Sh, .. }));
    assert_eq!(stage.limits.timeout, Some(Duration::from_secs(1800)));
    assert_eq!((stage.limits.total, stage.limits.idle), (None, None));
    assert_eq!(stage.limits.grace, Duration::from_secs(10));
    assert_eq!(stage.retry.max_attempts, 1);
    assert_eq!(
        stage.retry.backoff,
        Backoff {
            kind: BackoffKind::Exponential,
            initial: Duration::from_secs(1),
            max: Duration::from_secs(60),
            jitter: true
        }
    );
    assert_eq!(stage.on_failure, OnFailure::Halt);
    assert_eq!(stage.halt_mode, HaltMode::Finish);
    assert_eq!(stage.effects, Effects::Idempotent);
}

#[test]
fn an_environment_makes_effects_happen_once() {
    assert_eq!(stage("    run: x\n    environment: prod").effects, Effects::Once);
    let keyed = stage("    run: x\n    environment: prod\n    effects: keyed");
    assert_eq!(keyed.effects, Effects::Keyed);
}

#[test]
fn a_retry_takes_key_by_key_from_the_pipeline() {
    let pipeline = parse(
        "name: x\nerror_handling: {strategy: retry, max_attempts: 5, backoff: {kind: linear, initial: 2s, jitter: false}, not_on: [2]}\nstages:\n  - {name: a, run: x}\n  - {name: b, run: x, retry: 2}\n  - {name: c, run: x, retry: {backoff: {initial: 5m}, not_on: []}}\n  - {name: d, run: x, retry: {backoff: constant}}\n",
    );
    let [a, b, c, d] = [0, 1, 2, 3].map(|ix| pipeline.stages[ix].retry.clone());
    assert_eq!((a.max_attempts, a.not_on.clone()), (5, vec![2]));
    assert_eq!((a.backoff.kind, a.backoff.jitter), (BackoffKind::Linear, false));
    assert_eq!((b.max_attempts, b.backoff), (2, a.backoff));
    assert_eq!((c.max_attempts, c.not_on), (5, vec![]));
    // The longest wait is never shorter than the first.
    assert_eq!(
        (c.backoff.initial, c.backoff.max),
        (Duration::from_secs(300), Duration::from_secs(300))
    );
    assert_eq!(
        (d.backoff.kind, d.backoff.initial),
        (BackoffKind::Constant, Duration::from_secs(2))
    );
    let inner =
        parse("name: x\nerror_handling: {retry: {max_attempts: 3}}\nstages: [{name: a, run: x}]");
    assert_eq!(inner.stages[0].retry.max_attempts, 3);
}

#[test]
fn an_input_is_required_unless_something_gives_it() {
    let pipeline = parse(
        "name: x\ninputs:\n  a: string\n  b: {default: x}\n  c: {type: integer}\n  d: {required: false}\n  e: string\nvariables: {e: given}\nstages: [{name: s, run: \"echo ${a} ${b} ${c} ${d ?? 1} ${e}\"}]\n",
    );
    let required: Vec<bool> = pipeline.inputs.values().map(|input| input.required).collect();
    assert_eq!(required, [true, false, true, false, false]);
    assert_eq!(pipeline.inputs["c"].kind, ValueKind::Integer);
    assert_eq!(pipeline.inputs["b"].default, Some(json!("x")));
}

#[test]
fn values_keep_their_types_and_env_keeps_its_writing() {
    let pipeline = parse(
        "name: x\nvariables: {n: 3, t: true, s: \"3\", l: [1, \"${n}\"]}\ninputs: {n: {type: integer, default: 1}}\nenv: {MODE: 0755, YES: yes, PORT: 8080}\nstages: [{name: s, run: \"echo ${n} ${t} ${s} ${l}\"}]\n",
    );
    assert_eq!(pipeline.variables["n"], ValueTemplate::Literal(json!(3)));
    assert_eq!(pipeline.variables["t"], ValueTemplate::Literal(json!(true)));
    assert_eq!(pipeline.variables["s"], ValueTemplate::Literal(json!("3")));
    assert!(matches!(pipeline.variables["l"], ValueTemplate::List(_)));
    let written: Vec<_> = pipeline.env.values().map(|text| text.literal().unwrap()).collect();
    assert_eq!(written, ["0755", "yes", "8080"]);
}

#[test]
fn when_keys_join_by_and_unless_or_stands_beside_them() {
    let both = stage("    run: x\n    when: {branch: main, paths: [src/**]}\n    on_unknown: skip");
    let condition = both.condition.unwrap();
    assert_eq!(condition.on_unknown, OnUnknown::Skip);
    assert!(matches!(&condition.test, Test::All(tests) if tests.len() == 2));
    // The seed's own example: these labels, or these paths.
    let either = stage(
        "    run: x\n    when:\n      labels: [needs-full-test]\n      or:\n        paths: [\"src/core/**\"]",
    );
    let test = either.condition.unwrap().test;
    assert!(
        matches!(&test, Test::Any(tests) if matches!(tests[..], [Test::Labels { .. }, Test::Paths(_)])),
        "{test:?}"
    );
    let not = stage("    run: x\n    when: {not: [{branch: a}, {branch: b}]}");
    let test = not.condition.unwrap().test;
    assert!(
        matches!(&test, Test::Not(inner) if matches!(&**inner, Test::Any(two) if two.len() == 2))
    );
    let with_if = stage("    run: x\n    when: {branch: main}\n    if: run.number > 1");
    let test = with_if.condition.unwrap().test;
    assert!(matches!(&test, Test::All(two) if matches!(two[1], Test::Expression(_))));
}

#[test]
fn short_forms_mean_the_long_ones() {
    let pipeline = parse(
        "name: x\ninputs: {files: {type: list, default: []}}\nconcurrency: deploy\nstages:\n  - {name: a, depends_on: [], python: tool.py}\n  - {name: b, depends_on: a, foreach: \"${files}\", max_parallel: 2, run: x, shell: [zsh, -c]}\n  - {name: c, depends_on: a, foreach: {items: [1, 2], max_parallel: 3}, run: x, shell: bash}\n",
    );
    let concurrency = pipeline.concurrency.unwrap();
    assert_eq!((concurrency.limit, concurrency.on_conflict), (1, OnConflict::Queue));
    assert!(matches!(
        &pipeline.stages[0].work,
        Work::Python { source: PythonSource::File(file), .. } if file.literal() == Some("tool.py")
    ));
    let b = pipeline.stages[1].foreach.as_ref().unwrap();
    assert!(matches!(b.items, ValueTemplate::Text(_)));
    assert_eq!(b.max_parallel, Some(2));
    assert!(
        matches!(&pipeline.stages[1].work, Work::Run { shell: Shell::Custom(words), .. } if words == &["zsh", "-c"])
    );
    let c = pipeline.stages[2].foreach.as_ref().unwrap();
    assert_eq!((c.items.literal(), c.max_parallel), (Some(&json!([1, 2])), Some(3)));
}

#[test]
fn the_digest_is_of_the_exact_text() {
    assert_ne!(pipeline::digest("name: x\n"), pipeline::digest("name: x"));
    assert_eq!(pipeline::digest("").len(), 64);
    assert!(pipeline::digest("").starts_with("e3b0c44298fc1c14"));
}

#[test]
fn the_summary_counts() {
    let summary = |text: &str| pipeline::parse(text).summary("f.yaml");
    assert_eq!(summary("name: x\nstages: [{name: a, noop: true}]\n"), "f.yaml: no mistakes found");
    assert_eq!(summary("name: x\nstages: []\n"), "f.yaml: 1 error");
    let both =
        "name: x\nstages: [{name: a, noop: true}, {name: b, depends_on: [a, z], noop: true}]\n";
    assert_eq!(summary(both), "f.yaml: 1 error, 1 warning");
}
