use engine::command::StopReason;
use engine::event::AttemptResult as Result;
use engine::event::{Conclusion, FinalStatus, Outcome, RollbackResult, Settled, Usage};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use serde_json::json;

use super::*;

const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

fn created(traceparent: Option<&str>) -> Event {
    let mut event = json!({
        "type": "run.created", "run": RunId(uuid::Uuid::from_u128(7)), "pipeline": "ci",
        "number": 3, "revision": 1, "digest": "d", "by": "ana", "inputs": {}, "event": null,
        "facts": {}, "directory": "/", "seed": 1,
    });
    if let Some(traceparent) = traceparent {
        event["traceparent"] = json!(traceparent);
    }
    serde_json::from_value(event).unwrap()
}

/// A second after the other.
fn stamped(events: Vec<Event>) -> Vec<Stamped> {
    let at = |second: i64| Timestamp::from_second(1_790_000_000 + second).unwrap();
    (0..).zip(events).map(|(second, event)| Stamped { at: at(second), event }).collect()
}

fn fold(events: Vec<Event>) -> (Tree, Vec<Span>) {
    let events = stamped(events);
    let mut tree = Tree::new(&events[0], None).unwrap();
    let spans = events[1..].iter().flat_map(|event| tree.take(event)).collect();
    (tree, spans)
}

fn attempt(stage: &str, number: u32, fence: u64) -> AttemptId {
    AttemptId { execution: ExecutionId::stage(stage), number, fence }
}

fn scheduled(number: u32, fence: u64) -> Event {
    Event::AttemptScheduled { attempt: attempt("a", number, fence) }
}

fn finished(number: u32, fence: u64, result: Result) -> Event {
    let (usage, tail) = (Usage::default(), String::new());
    Event::AttemptFinished { attempt: attempt("a", number, fence), result, usage, tail }
}

fn done() -> Result {
    Result::Succeeded { outputs: Default::default(), artifacts: Vec::new() }
}

fn settled(outcome: Outcome) -> [Event; 2] {
    let (conclusion, reason) = (Conclusion::Success, Settled::Done);
    let execution = ExecutionId::stage("a");
    let outputs = indexmap::IndexMap::new();
    [
        Event::ExecutionSettled {
            execution,
            outcome,
            conclusion,
            reason: reason.clone(),
            outputs: outputs.clone(),
        },
        Event::StageSettled { stage: "a".into(), outcome, conclusion, reason, outputs },
    ]
}

fn ready() -> Event {
    Event::StageReady { stage: "a".into(), reason: None }
}

fn ended(status: FinalStatus) -> Event {
    Event::RunFinished { status, reason: String::new() }
}

fn retried() -> Event {
    Event::RunRetried { by: "ana".into(), executions: vec![ExecutionId::stage("a")] }
}

fn names(spans: &[Span]) -> Vec<&str> {
    spans.iter().map(|span| &*span.name).collect()
}

#[test]
fn a_run_that_goes_on_has_a_second_round_below_the_first() {
    let mut events = vec![created(None), ready(), scheduled(1, 1), finished(1, 1, done())];
    events.extend(settled(Outcome::Succeeded));
    events.extend([ended(FinalStatus::Failed), retried(), ready(), scheduled(2, 2)]);
    events.push(finished(2, 2, done()));
    events.extend(settled(Outcome::Succeeded));
    events.push(ended(FinalStatus::Succeeded));
    let (tree, spans) = fold(events.clone());
    let one = ["a attempt 1", "a", "RUN ci"];
    let two = ["a attempt 2", "a", "RUN ci"];
    assert_eq!(names(&spans), [one, two].concat());
    assert!(tree.is_at_rest());
    let run = RunId(uuid::Uuid::from_u128(7));
    assert_eq!(spans[2].span_id, context::round(run, 1));
    assert_eq!(spans[5].parent_span_id, spans[2].span_id);
    assert_eq!(spans[4].parent_span_id, spans[5].span_id);
    // As the conductor draws them, which knows no spans.
    let a = ExecutionId::stage("a");
    assert_eq!(spans[1].span_id, context::execution(run, &a, 1));
    assert_eq!(spans[4].span_id, context::execution(run, &a, 2));
    assert_eq!(spans[3].parent_span_id, spans[4].span_id);
    // Folded in two parts, as after a restart in between, they are the same.
    let (_, again) = fold(events);
    assert_eq!(again, spans);
}

#[test]
fn what_is_rewound_or_left_ends_with_it() {
    let rewound = Event::RunRewound { executions: vec![ExecutionId::stage("a")] };
    let stopped = Result::Stopped { reason: StopReason::Superseded };
    let (tree, spans) = fold(vec![
        created(None),
        ready(),
        scheduled(1, 1),
        finished(1, 1, stopped),
        rewound,
        ready(),
        scheduled(2, 2),
        ended(FinalStatus::Cancelled),
    ]);
    let wanted = ["a attempt 1", "a", "a attempt 2", "a", "RUN ci"];
    assert_eq!(names(&spans), wanted);
    assert!(tree.is_at_rest() && tree.executions.is_empty() && tree.attempts.is_empty());
    let results = |span: &Span| {
        let result = span.attributes.iter().find(|of| of.key.ends_with(".result")).cloned();
        result.and_then(|of| of.value?.value)
    };
    let cancelled = Some(Value::StringValue("cancellation".to_owned()));
    assert!(spans.iter().all(|span| results(span) == cancelled), "{spans:#?}");
    assert_ne!(spans[1].span_id, spans[3].span_id);
}

#[test]
fn a_stage_that_does_not_run_twice_is_two_spans() {
    let mut events = vec![created(None)];
    events.extend(settled(Outcome::Skipped));
    events.extend([ended(FinalStatus::Succeeded), retried()]);
    events.extend(settled(Outcome::Skipped));
    events.push(ended(FinalStatus::Succeeded));
    let (_, spans) = fold(events);
    assert_eq!(names(&spans), ["a", "RUN ci", "a", "RUN ci"]);
    assert_ne!(spans[0].span_id, spans[2].span_id);
    assert_eq!(spans[0].start_time_unix_nano, spans[0].end_time_unix_nano);
}

#[test]
fn a_trace_that_is_not_recorded_has_no_spans() {
    let (tree, spans) = fold(vec![created(Some(GIVEN)), ended(FinalStatus::Succeeded)]);
    assert_eq!((spans, tree.is_at_rest()), (Vec::new(), true));
}

#[test]
fn more_events_than_a_span_holds_are_counted() {
    let mut events = vec![created(None)];
    let result = RollbackResult::Partial;
    let many = || Event::RollbackFinished { result, problems: Default::default() };
    events.extend((0..200).map(|_| many()));
    events.push(ended(FinalStatus::Succeeded));
    let (_, spans) = fold(events);
    assert_eq!((spans[0].events.len(), spans[0].dropped_events_count), (128, 72));
}
