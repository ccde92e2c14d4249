//! A run in the middle of its life, and after its end.

use std::collections::BTreeMap;

use api::feed::Message;
use api::run::{AttemptView, EventView, Progress, RunDetail, RunSummary, StageView};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Seconds after 2026-08-21 14:02:11 UTC.
pub(crate) fn at(seconds: f64) -> Timestamp {
    let start: Timestamp = "2026-08-21T14:02:11Z".parse().unwrap();
    start + jiff::SignedDuration::from_secs_f64(seconds)
}

pub(crate) fn summary(status: &str) -> RunSummary {
    RunSummary {
        id: "01990b6f3f1a7c2b8f0a1b2c3d4e5f60".into(),
        name: "feature-complete#41".into(),
        task: None,
        pipeline: "feature-complete".into(),
        number: 41,
        revision: 6,
        status: status.into(),
        reason: String::new(),
        by: "lee".into(),
        trigger: "manual".into(),
        created_at: at(0.0),
        started_at: Some(at(0.0)),
        finished_at: None,
        progress: Progress { total: 7, ..Progress::default() },
        superseded: false,
        mode: "production".into(),
        rollout: "production".into(),
        run_version: "v41".into(),
        run_status: String::new(),
    }
}

pub(crate) fn stage(name: &str, depends_on: &[&str]) -> StageView {
    StageView {
        name: name.into(),
        stage: name.split('[').next().unwrap().into(),
        instance: None,
        instances: None,
        status: "blocked".into(),
        outcome: None,
        conclusion: None,
        detail: String::new(),
        reason: Value::Null,
        depends_on: depends_on.iter().map(|name| (*name).to_owned()).collect(),
        outputs: BTreeMap::new(),
        max_attempts: 3,
        attempts: Vec::new(),
        would: Vec::new(),
        started_at: None,
        finished_at: None,
    }
}

/// Just created.
pub(crate) fn fresh() -> RunDetail {
    RunDetail {
        summary: summary("running"),
        digest: "3f9ac1e0".into(),
        directory: "/work/shop".into(),
        inputs: BTreeMap::from([("goal".to_owned(), json!("Add dark mode"))]),
        event: Value::Null,
        stages: vec![
            stage("plan", &[]),
            stage("deploy-docs", &[]),
            stage("implement", &["plan"]),
            stage("security-scan", &["plan"]),
            stage("review", &["implement", "security-scan"]),
            stage("deploy-staging", &["review"]),
            stage("smoke-test", &["deploy-staging"]),
        ],
        outputs: BTreeMap::new(),
        would: Vec::new(),
        extends: None,
        parent: None,
        paused_at: None,
        paused_ms: 0,
        sequence: 2,
        usage: None,
    }
}

/// One message with these events, each at its second.
pub(crate) fn events(first: u64, status: &str, events: &[(f64, &str, Value)]) -> Message {
    let events = events
        .iter()
        .zip(first..)
        .map(|((seconds, kind, body), seq)| EventView {
            run: summary(status).id,
            seq,
            at: at(*seconds),
            kind: (*kind).to_owned(),
            body: body.clone(),
            hash: String::new(),
        })
        .collect();
    Message::Events { events, summary: Box::new(summary(status)) }
}

fn attempt(execution: &str, number: u32) -> Value {
    json!({"execution": execution, "number": number, "fence": 1})
}

/// Up to the moment in which two stages run, one waits for its next attempt and one for a person.
pub(crate) fn story() -> Message {
    let exit =
        |code: i32| json!({"kind": "failed", "failure": {"kind": "exit_code", "code": code}});
    let usage = |ms: u64| json!({"elapsed_ms": ms, "user_ms": 0, "system_ms": 0, "max_rss_bytes": 0, "output_bytes": 9});
    let reason =
        json!({"truth": "false", "says": "paths [\"docs/**\"]: 0 of 14 changed files match"});
    events(
        3,
        "running",
        &[
            (0.0, "attempt.scheduled", json!({"attempt": attempt("plan", 1)})),
            (0.0, "attempt.started", json!({"attempt": attempt("plan", 1), "worker": "local"})),
            (
                0.1,
                "stage.settled",
                json!({
                    "stage": "deploy-docs", "outcome": "skipped", "conclusion": "skipped",
                    "reason": {"kind": "condition", "reason": reason},
                }),
            ),
            (
                4.1,
                "attempt.finished",
                json!({
                    "attempt": attempt("plan", 1), "result": {"kind": "succeeded"}, "usage": usage(4100),
                }),
            ),
            (
                4.1,
                "stage.settled",
                json!({
                    "stage": "plan", "outcome": "succeeded", "conclusion": "success",
                    "reason": {"kind": "done"}, "outputs": {"specs": 3},
                }),
            ),
            (4.1, "stage.expanded", json!({"stage": "implement", "items": ["a", "b", "c"]})),
            (
                4.2,
                "attempt.started",
                json!({"attempt": attempt("implement[1]", 1), "worker": "local"}),
            ),
            (
                4.2,
                "attempt.started",
                json!({"attempt": attempt("implement[2]", 1), "worker": "local"}),
            ),
            (
                4.3,
                "attempt.started",
                json!({"attempt": attempt("security-scan", 1), "worker": "local"}),
            ),
            (
                16.8,
                "attempt.finished",
                json!({
                    "attempt": attempt("implement[2]", 1), "result": exit(101), "usage": usage(12_600),
                    "tail": "error[E0425]: cannot find value\n",
                }),
            ),
            (
                16.8,
                "attempt.retry_scheduled",
                json!({
                    "execution": "implement[2]", "number": 2, "due": at(18.8),
                }),
            ),
            (
                19.0,
                "attempt.started",
                json!({"attempt": attempt("implement[2]", 2), "worker": "local"}),
            ),
            (20.0, "attempt.scheduled", json!({"attempt": attempt("implement[3]", 1)})),
            (
                22.0,
                "attempt.unknown",
                json!({
                    "attempt": attempt("security-scan", 1), "message": "its keeper is gone", "probing": false,
                }),
            ),
        ],
    )
}

pub(crate) fn output(stage: &str, last_line: &str) -> Message {
    Message::Output { stage: stage.into(), attempt: 2, bytes: 4096, last_line: last_line.into() }
}

/// It failed.
pub(crate) fn failed() -> RunDetail {
    let mut detail = fresh();
    detail.summary.status = "failed".into();
    detail.summary.reason = "`implement` failed".into();
    detail.summary.finished_at = Some(at(58.3));
    let tail: String = (790..812).map(|line| format!("line {line}\n")).collect();
    let mut instance = stage("implement[2]", &["plan"]);
    instance.instance = Some(2);
    for view in &mut detail.stages {
        let (status, conclusion, seconds) = match view.name.as_str() {
            "plan" => ("succeeded", "success", Some((0.0, 4.1))),
            "deploy-docs" => ("skipped", "skipped", None),
            "implement" => ("failed", "failure", Some((4.2, 58.0))),
            "security-scan" => ("succeeded", "success", Some((4.3, 9.9))),
            _ => ("not_run", "not_run", None),
        };
        view.status = status.into();
        view.outcome = Some(status.into());
        view.conclusion = Some(conclusion.into());
        view.started_at = seconds.map(|(start, _)| at(start));
        view.finished_at = seconds.map(|(_, end)| at(end));
    }
    let scanned = AttemptView {
        number: 1,
        status: "succeeded".into(),
        detail: String::new(),
        pid: Some(7),
        child: None,
        scheduled_at: at(4.2),
        started_at: Some(at(4.3)),
        finished_at: Some(at(9.9)),
        elapsed_ms: Some(5600),
        exit_code: Some(0),
        output_bytes: Some(10),
        max_rss_bytes: None,
        tail: String::new(),
    };
    detail.stages[0].outputs.insert("specs".into(), json!(3));
    detail.stages[1].detail = "paths [\"docs/**\"]: 0 of 14 changed files match".into();
    detail.stages[2].instances = Some(3);
    detail.stages[2].detail = "1 of 3 instances failed: 2".into();
    detail.stages[3].attempts = vec![scanned.clone()];
    instance.status = "failed".into();
    instance.outcome = Some("failed".into());
    instance.conclusion = Some("failure".into());
    instance.detail = "exit code 101".into();
    instance.started_at = Some(at(4.2));
    instance.finished_at = Some(at(58.0));
    instance.attempts = vec![AttemptView {
        number: 3,
        status: "failed".into(),
        detail: "exit code 101".into(),
        exit_code: Some(101),
        tail: tail + "\u{1b}[31merror[E0425]\u{1b}[0m: cannot find value `theme`\n",
        ..scanned
    }];
    detail.stages.insert(3, instance);
    detail
}
