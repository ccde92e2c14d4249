//! Runs, events and pipelines to test with.

use engine::event::{Conclusion, Event, Outcome, Settled, Stamped};
use engine::id::{AttemptId, ExecutionId, RunId};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::port::{
    Append, ArtifactRow, Change, Expect, GivenEvent, RequestKind, RequestRow, RunRow, StageRow,
};

/// Milliseconds after some noon.
pub fn at(milliseconds: u64) -> Timestamp {
    let start = Timestamp::from_second(1_790_000_000).expect("a time");
    start + std::time::Duration::from_millis(milliseconds)
}

/// Ids in the order of `n`.
pub fn run(n: u64) -> RunId {
    RunId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + u128::from(n)))
}

/// A small event, told apart by `n`.
pub fn event(n: u64) -> Stamped {
    let execution = ExecutionId::stage("build");
    let number = u32::try_from(n).unwrap_or(u32::MAX);
    let attempt = AttemptId { execution, number, fence: n };
    Stamped { at: at(n), event: Event::AttemptScheduled { attempt } }
}

/// An event with text that JSON has to escape.
pub fn settled(text: &str) -> Stamped {
    let outputs = [(text.to_owned(), json!({ "text": text, "number": 1.5, "none": null }))];
    let event = Event::StageSettled {
        stage: "build".into(),
        outcome: Outcome::Succeeded,
        conclusion: Conclusion::Success,
        reason: Settled::Done,
        outputs: outputs.into_iter().collect(),
    };
    Stamped { at: at(0) + std::time::Duration::from_nanos(123_456_789), event }
}

pub fn row(run: RunId, pipeline: &str, number: u64, status: &str) -> RunRow {
    let finished = ["succeeded", "failed", "cancelled"].contains(&status);
    RunRow {
        id: run,
        pipeline: pipeline.to_owned(),
        number,
        revision: 1,
        status: status.to_owned(),
        finished,
        reason: String::new(),
        by: "ana".to_owned(),
        trigger: "manual".to_owned(),
        created_at: at(number),
        started_at: (status != "pending").then(|| at(number + 1)),
        finished_at: finished.then(|| at(number + 2)),
        progress: json!({ "total": 3, "settled": 1 }),
        extends: None,
        parent: None,
        superseded: false,
        task: None,
        mode: "production".to_owned(),
        rollout: "production".to_owned(),
    }
}

pub fn stage(name: &str, instance: u32, status: &str) -> StageRow {
    StageRow {
        stage: name.to_owned(),
        instance,
        status: status.to_owned(),
        outcome: (status == "succeeded").then(|| "succeeded".to_owned()),
        conclusion: (status == "succeeded").then(|| "success".to_owned()),
        attempts: 1,
        started_at: Some(at(5)),
        finished_at: (status == "succeeded").then(|| at(6)),
    }
}

/// `count` events for a run that has `after`.
pub fn append(row: RunRow, after: u64, count: u64) -> Append {
    let events = (after + 1..=after + count).map(event).collect();
    let (stages, requests) = (Vec::new(), Vec::new());
    let (artifacts, notices) = (Vec::new(), Vec::new());
    Append { run: row.id, after, events, row, stages, requests, artifacts, notices }
}

pub fn request(kind: RequestKind, execution: &str, generation: u32, status: &str) -> RequestRow {
    let closed = !["pending", "open"].contains(&status);
    RequestRow {
        number: 0,
        run: run(0),
        execution: execution.to_owned(),
        kind,
        gate: if kind == RequestKind::Input { "form" } else { "start" }.to_owned(),
        generation,
        status: status.to_owned(),
        opened_at: at(10),
        due_at: Some(at(500)),
        closed_at: closed.then(|| at(20)),
        body: json!({ "says": format!("{execution} {generation} {status}") }),
    }
}

pub fn artifact(execution: &str, attempt: u32, name: &str, status: &str) -> ArtifactRow {
    ArtifactRow {
        number: 0,
        run: run(0),
        execution: execution.to_owned(),
        attempt,
        generation: 0,
        name: name.to_owned(),
        path: format!("out/{name}.json"),
        format: "json".to_owned(),
        bytes: 12,
        digest: format!("{attempt:064x}"),
        status: status.to_owned(),
        created_at: at(30),
    }
}

pub fn given(id: &str, kind: &str, millisecond: u64) -> GivenEvent {
    GivenEvent {
        id: id.to_owned(),
        kind: kind.to_owned(),
        data: json!({ "n": millisecond }),
        source: "user:ana".to_owned(),
        at: at(millisecond),
        ..GivenEvent::default()
    }
}

/// A run that somebody pauses.
pub fn paused(by: &str, millisecond: u64) -> Stamped {
    Stamped { at: at(millisecond), event: Event::RunPaused { by: by.into(), now: false } }
}

pub fn save(name: &str, text: &str, expect: Expect) -> Change {
    Change::SavePipeline {
        name: name.to_owned(),
        description: format!("does {text}"),
        text: text.to_owned(),
        digest: format!("digest of {text}"),
        by: "ana".to_owned(),
        at: at(text.len() as u64),
        expect,
    }
}
