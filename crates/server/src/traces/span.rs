//! A span that has ended, as it goes over the wire, and what it is made of until then.

use engine::command::StopReason;
use engine::event::{AttemptResult, Event, Failure, FinalStatus, Outcome, Resolution, Settled};
use engine::words;
use jiff::Timestamp;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::{Event as SpanEvent, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, SpanFlags, Status};

use super::context::{Context, SpanId};

/// More events are only counted, as every exporter does it.
const EVENTS: usize = 128;
/// Bytes of a message.
const MESSAGE: usize = 1024;

/// One that has not ended.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) start: Timestamp,
    attributes: Vec<KeyValue>,
    events: Vec<SpanEvent>,
    dropped: u32,
}

/// What a span is beside what happened in it.
pub(super) struct Named {
    pub(super) id: SpanId,
    pub(super) parent: Option<SpanId>,
    /// The parent is none of ours.
    pub(super) is_remote: bool,
    pub(super) name: String,
    pub(super) kind: SpanKind,
}

/// How something ended, in the words of the semantic conventions.
#[derive(Debug, PartialEq)]
pub(super) struct Ended {
    pub(super) result: &'static str,
    /// The kind of error and what it says, where it is one.
    pub(super) error: Option<(String, String)>,
}

impl Open {
    pub(super) fn at(start: Timestamp) -> Self {
        Self { start, attributes: Vec::new(), events: Vec::new(), dropped: 0 }
    }

    pub(super) fn text(&mut self, key: &str, value: impl Into<String>) {
        self.attributes.push(text(key, value));
    }

    pub(super) fn number(&mut self, key: &str, value: impl Into<i64>) {
        self.attributes.push(number(key, value));
    }

    /// Something that happened while it went on.
    pub(super) fn note(&mut self, at: Timestamp, event: &Event) {
        if self.events.len() >= EVENTS {
            self.dropped += 1;
            return;
        }
        self.events.push(SpanEvent {
            time_unix_nano: nanoseconds(at),
            name: event.name().to_owned(),
            attributes: details(event),
            dropped_attributes_count: 0,
        });
    }

    pub(super) fn end(self, context: &Context, named: Named, at: Timestamp, ended: Ended) -> Span {
        let Self { start, mut attributes, events, dropped } = self;
        let status = ended.error.map(|(kind, message)| {
            attributes.push(text("error.type", kind));
            Status { message: cut(message), code: StatusCode::Error.into() }
        });
        let remote = match named.is_remote {
            true => SpanFlags::ContextIsRemoteMask as u32,
            false => 0,
        };
        Span {
            trace_id: context.trace.to_vec(),
            span_id: named.id.to_vec(),
            parent_span_id: named.parent.map(|id| id.to_vec()).unwrap_or_default(),
            flags: 1 | SpanFlags::ContextHasIsRemoteMask as u32 | remote,
            name: named.name,
            kind: named.kind.into(),
            start_time_unix_nano: nanoseconds(start),
            end_time_unix_nano: nanoseconds(at.max(start)),
            attributes,
            events,
            dropped_events_count: dropped,
            status: Some(status.unwrap_or_default()),
            ..Span::default()
        }
    }
}

pub(super) fn text(key: &str, value: impl Into<String>) -> KeyValue {
    of(key, Value::StringValue(value.into()))
}

fn number(key: &str, value: impl Into<i64>) -> KeyValue {
    of(key, Value::IntValue(value.into()))
}

fn of(key: &str, value: Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

fn nanoseconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or(0)
}

fn cut(mut message: String) -> String {
    if message.len() > MESSAGE {
        message.truncate(message.floor_char_boundary(MESSAGE));
        message.push('…');
    }
    message
}

/// What an event of a span says: who and how, never what somebody wrote.
fn details(event: &Event) -> Vec<KeyValue> {
    let by = |by: &str| text("orchestrate.by", by);
    match event {
        Event::GateOpened { gate, .. } => vec![text("orchestrate.gate.kind", gate.kind.word())],
        Event::GateVoted { gate, by: person, decision, .. } => vec![
            text("orchestrate.gate.kind", gate.kind.word()),
            text("orchestrate.decision", words::decision(*decision)),
            by(&person.name),
        ],
        Event::GateResolved { gate, resolution } => {
            let mut said = vec![
                text("orchestrate.gate.kind", gate.kind.word()),
                text("orchestrate.resolution", resolution_word(resolution)),
            ];
            if let Resolution::Rejected { by: who, .. }
            | Resolution::ChangesRequested { by: who, .. } = resolution
            {
                said.push(by(who));
            }
            said
        }
        Event::RetryScheduled { number: attempt, due, .. } => vec![
            number("orchestrate.attempt.number", *attempt),
            text("orchestrate.due", due.to_string()),
        ],
        Event::Requeued { number: attempt, .. } => {
            vec![number("orchestrate.attempt.number", *attempt)]
        }
        Event::RunPaused { by: who, .. }
        | Event::RunResumed { by: who }
        | Event::RunCancelRequested { by: who, .. }
        | Event::RunRetried { by: who, .. }
        | Event::RollbackRequested { by: who, .. }
        | Event::RollbackStarted { by: who, .. }
        | Event::RewindRequested { by: who, .. }
        | Event::RewindUndone { by: who }
        | Event::FormSubmitted { by: who, .. }
        | Event::RevisionRequested { by: who, .. }
        | Event::ExecutionAdvanced { by: who, .. }
        | Event::AttemptResolved { by: who, .. } => vec![by(who)],
        Event::RunHalted { cause } => vec![text("orchestrate.cause", cause.to_string())],
        Event::AwaitsEnvironment { environment, .. } => {
            vec![text("orchestrate.environment", environment)]
        }
        Event::AttemptStopping { reason, .. } => {
            vec![text("orchestrate.reason", words::stopped(*reason))]
        }
        Event::RollbackFinished { result, .. } => {
            vec![text("orchestrate.result", result.word())]
        }
        // That it happened says all that is told.
        _ => Vec::new(),
    }
}

fn resolution_word(resolution: &Resolution) -> &'static str {
    match resolution {
        Resolution::Approved => "approved",
        Resolution::Rejected { .. } => "rejected",
        Resolution::ChangesRequested { .. } => "changes_requested",
        Resolution::TimedOutApproved => "timed_out_approved",
        Resolution::TimedOutRejected => "timed_out_rejected",
        Resolution::TimedOutSkipped => "timed_out_skipped",
        Resolution::TimedOutFailed => "timed_out_failed",
        Resolution::Void { .. } => "void",
    }
}

impl Ended {
    pub(super) const CANCELLED: Self = Self { result: "cancellation", error: None };
    pub(super) const SUCCEEDED: Self = Self { result: "success", error: None };

    pub(super) fn lost(message: &str) -> Self {
        Self { result: "error", error: Some(("lost".to_owned(), message.to_owned())) }
    }

    pub(super) fn of_run(status: FinalStatus, reason: &str) -> Self {
        match status {
            FinalStatus::Succeeded => Self::SUCCEEDED,
            FinalStatus::Failed => {
                Self { result: "failure", error: Some(("failed".to_owned(), reason.to_owned())) }
            }
            FinalStatus::Cancelled => Self::CANCELLED,
        }
    }

    pub(super) fn of_attempt(result: &AttemptResult) -> Self {
        match result {
            AttemptResult::Succeeded { .. } => Self::SUCCEEDED,
            AttemptResult::Failed { failure } => Self::of_failure(failure),
            AttemptResult::Stopped { reason } => match reason {
                StopReason::Timeout | StopReason::IdleTimeout | StopReason::TotalTimeout => Self {
                    result: "timeout",
                    error: Some(("timeout".to_owned(), words::stopped(*reason).to_owned())),
                },
                StopReason::Cancelled
                | StopReason::Paused
                | StopReason::Halted
                | StopReason::Superseded => Self::CANCELLED,
            },
            AttemptResult::Lost { message } => Self::lost(message),
        }
    }

    pub(super) fn of_execution(outcome: Outcome, reason: &Settled) -> Self {
        match (outcome, reason) {
            (Outcome::Succeeded, _) => Self::SUCCEEDED,
            // Nothing was done.
            (Outcome::WouldHave, _) => Self { result: "skip", error: None },
            (Outcome::Cancelled, _) => Self::CANCELLED,
            (Outcome::Skipped | Outcome::NotRun, _) => Self { result: "skip", error: None },
            (Outcome::Failed, Settled::Failed { failure }) => Self::of_failure(failure),
            (Outcome::Failed, reason) => {
                let message = words::settled(reason);
                Self { result: "failure", error: Some(("failed".to_owned(), message)) }
            }
        }
    }

    /// Of the work itself, or of what surrounds it.
    fn of_failure(failure: &Failure) -> Self {
        let (result, kind) = match failure {
            Failure::ExitCode { .. } => ("failure", "exit_code"),
            Failure::Agent { .. } => ("failure", "agent"),
            Failure::Signal { .. } => ("failure", "signal"),
            Failure::Timeout { .. } => ("timeout", "timeout"),
            Failure::IdleTimeout { .. } => ("timeout", "idle_timeout"),
            Failure::TotalTimeout { .. } => ("timeout", "total_timeout"),
            Failure::NotStarted { .. } => ("error", "not_started"),
            Failure::InvalidOutput { .. } => ("failure", "invalid_output"),
            Failure::Unresolved { .. } => ("error", "unresolved"),
            Failure::Expression { .. } => ("error", "expression"),
            Failure::Lost { .. } => ("error", "lost"),
            Failure::DecidedFailed => ("failure", "decided_failed"),
            Failure::Rejected { .. } => ("failure", "rejected"),
            Failure::ApprovalTimeout { .. } => ("timeout", "approval_timeout"),
            Failure::FormTimeout { .. } => ("timeout", "form_timeout"),
            Failure::RevisionsExhausted { .. } => ("failure", "revisions_exhausted"),
            Failure::InvalidInput { .. } => ("failure", "invalid_input"),
            Failure::InvalidArtifact { .. } => ("failure", "invalid_artifact"),
            Failure::ChildRefused { .. } => ("error", "child_refused"),
            Failure::ChildFailed { .. } => ("failure", "child_failed"),
        };
        Self { result, error: Some((kind.to_owned(), words::failure(failure))) }
    }
}
