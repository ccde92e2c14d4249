//! What becomes of an execution, a stage and the run when something ended.

use std::fmt::Write as _;

use indexmap::IndexMap;
use jiff::Timestamp;
use pipeline::model::{OnFailure, Stage, StageIx};
use pipeline::text::Missing;
use serde_json::Value as Json;

use super::LOST_LIMIT;
use crate::backoff;
use crate::command::{StopReason, Verdict};
use crate::event::{AttemptResult, Conclusion, Event, Failure, FinalStatus, Outcome, Settled};
use crate::run::Run;
use crate::scope::RunScope;
use crate::state::execution::{Clock, Ending, Execution, ExecutionState};
use crate::state::{Bar, ExecIx, later};
use crate::words;

/// Whether it counts as good for whoever comes after.
pub(crate) fn succeeded(conclusion: Conclusion) -> bool {
    match conclusion {
        Conclusion::Success | Conclusion::Warning => true,
        Conclusion::Failure | Conclusion::Cancelled | Conclusion::Skipped | Conclusion::NotRun => {
            false
        }
    }
}

/// What an outcome counts as.
pub(crate) fn conclude(stage: &Stage, outcome: Outcome) -> Conclusion {
    match (outcome, stage.on_failure) {
        (Outcome::Succeeded | Outcome::WouldHave, _) => Conclusion::Success,
        (Outcome::Failed, OnFailure::Continue) => Conclusion::Warning,
        (Outcome::Failed, OnFailure::Halt | OnFailure::Isolate | OnFailure::Rollback) => {
            Conclusion::Failure
        }
        (Outcome::Cancelled, _) => Conclusion::Cancelled,
        (Outcome::Skipped, _) => Conclusion::Skipped,
        (Outcome::NotRun, _) => Conclusion::NotRun,
    }
}

/// Outcomes of agents that no further attempt changes: blocked, denied, refused, no key, no budget,
/// no turns left, cancelled.
const AGENT_FINAL: [i32; 7] = [66, 67, 69, 70, 73, 74, 78];

impl Run {
    /// Again, later, or settled?
    pub(super) fn after_attempt(&self, ix: ExecIx, now: Timestamp) -> Event {
        let execution = self.state.exec(ix);
        let requeued =
            || Event::Requeued { execution: self.exec_id(ix), number: execution.next_number() };
        let decided = match execution.state {
            ExecutionState::Ended(Ending::Decided(verdict)) => Some(verdict),
            ExecutionState::Ended(Ending::Result)
            | ExecutionState::Idle
            | ExecutionState::Waiting(_)
            | ExecutionState::Queued { .. }
            | ExecutionState::Live { .. }
            | ExecutionState::Backoff { .. }
            | ExecutionState::Unknown { .. }
            | ExecutionState::Settled(_) => None,
        };
        let barred = self.state.bar(self.model(ix.stage)).is_some();
        match decided {
            Some(Verdict::Succeeded) => return self.worked(ix, now),
            Some(Verdict::Failed) => return self.failed(ix, Failure::DecidedFailed),
            Some(Verdict::Retry) if barred => return self.abandoned(ix),
            Some(Verdict::Retry) => return requeued(),
            None => {}
        }
        match execution.last_result() {
            Some(AttemptResult::Succeeded { .. }) => self.worked(ix, now),
            Some(AttemptResult::Failed { failure }) => {
                if !barred && self.may_retry(ix, failure, now) {
                    self.back_off(ix, execution, now)
                } else {
                    self.failed(ix, failure.clone())
                }
            }
            Some(AttemptResult::Lost { message }) => {
                if barred {
                    self.abandoned(ix)
                } else if execution.lost >= LOST_LIMIT {
                    self.failed(ix, Failure::Lost { message: message.clone() })
                } else {
                    requeued()
                }
            }
            // Superseded, and then the rewind was undone.
            Some(AttemptResult::Stopped {
                reason: StopReason::Paused | StopReason::Superseded,
            }) if !barred => requeued(),
            Some(AttemptResult::Stopped { .. }) | None => self.abandoned(ix),
        }
    }

    fn may_retry(&self, ix: ExecIx, failure: &Failure, now: Timestamp) -> bool {
        let execution = self.state.exec(ix);
        let retry = &self.model(ix.stage).retry;
        let allowed = match failure {
            Failure::ExitCode { code } => !retry.not_on.contains(code),
            Failure::Agent { code, .. } => {
                !retry.not_on.contains(code) && !AGENT_FINAL.contains(code)
            }
            Failure::Signal { .. }
            | Failure::Timeout { .. }
            | Failure::IdleTimeout { .. }
            | Failure::NotStarted { .. }
            | Failure::InvalidOutput { .. }
            | Failure::InvalidArtifact { .. }
            | Failure::ChildFailed { .. } => true,
            Failure::TotalTimeout { .. }
            | Failure::Rejected { .. }
            | Failure::ApprovalTimeout { .. }
            | Failure::FormTimeout { .. }
            | Failure::RevisionsExhausted { .. }
            | Failure::InvalidInput { .. }
            | Failure::ChildRefused { .. }
            | Failure::Unresolved { .. }
            | Failure::Expression { .. }
            | Failure::Lost { .. }
            | Failure::DecidedFailed => false,
        };
        let time_left = match execution.total {
            Clock::Running { due } => self.state.clock(now) < due,
            Clock::Unarmed | Clock::Held { .. } => true,
        };
        allowed && time_left && execution.tries < retry.max_attempts
    }

    fn back_off(&self, ix: ExecIx, execution: &Execution, now: Timestamp) -> Event {
        let (id, number) = (self.exec_id(ix), execution.next_number());
        let seed = self.state.head.as_ref().map_or(0, |head| head.seed);
        let backoff = &self.model(ix.stage).retry.backoff;
        let wait = backoff::wait(backoff, seed, &id, number, execution.tries);
        Event::RetryScheduled { execution: id, number, due: later(now, wait) }
    }

    pub(crate) fn done(&self, ix: ExecIx, outputs: IndexMap<String, Json>) -> Event {
        if let Err(message) = self.emissions(ix, &outputs) {
            return self.failed(ix, Failure::InvalidOutput { message });
        }
        Event::ExecutionSettled {
            execution: self.exec_id(ix),
            outcome: Outcome::Succeeded,
            conclusion: Conclusion::Success,
            reason: Settled::Done,
            outputs,
        }
    }

    pub(crate) fn failed(&self, ix: ExecIx, failure: Failure) -> Event {
        self.ended_as(ix, Outcome::Failed, Settled::Failed { failure })
    }

    pub(super) fn ended_as(&self, ix: ExecIx, outcome: Outcome, reason: Settled) -> Event {
        Event::ExecutionSettled {
            execution: self.exec_id(ix),
            outcome,
            conclusion: conclude(self.model(ix.stage), outcome),
            reason,
            outputs: IndexMap::new(),
        }
    }

    /// Settles what may not go on. A failure that only waited for its retry stays a failure.
    pub(super) fn abandoned(&self, ix: ExecIx) -> Event {
        let execution = self.state.exec(ix);
        let cancelled = match self.state.bar(self.model(ix.stage)) {
            Some(Bar::Cancelled | Bar::Unstartable) => true,
            Some(Bar::Halted) | None => false,
        };
        let halted = self.halted().filter(|_| !cancelled);
        if let (Some(AttemptResult::Failed { failure }), Some(_)) =
            (execution.last_result(), &halted)
        {
            return self.failed(ix, failure.clone());
        }
        let reason = halted.unwrap_or(Settled::Cancelled);
        let tried = execution.last().is_some() || cancelled;
        let outcome = if tried { Outcome::Cancelled } else { Outcome::NotRun };
        self.ended_as(ix, outcome, reason)
    }

    /// All executions of the stage have settled.
    pub(super) fn completed(&self, ix: StageIx) -> Event {
        if let Some(said) = self.foretold_feed(ix) {
            return said;
        }
        let model = self.model(ix);
        let stage = self.state.stage(ix);
        let ended = match stage.items() {
            None => {
                let end = stage.executions.first().and_then(Execution::end);
                end.map_or_else(
                    || (Outcome::NotRun, Settled::Cancelled, IndexMap::new()),
                    |end| (end.outcome, end.reason.clone(), map(&end.outputs)),
                )
            }
            Some([]) => self.without_items(ix),
            Some(items) => self.joined(&stage.executions[..items.len()]),
        };
        let (outcome, reason, outputs) = match ended {
            // More would have come than did.
            (Outcome::Succeeded, _, _) if !stage.would.is_empty() => {
                (Outcome::WouldHave, Settled::WouldHave, IndexMap::new())
            }
            ended => ended,
        };
        Event::StageSettled {
            stage: model.name.clone(),
            outcome,
            conclusion: conclude(model, outcome),
            reason,
            outputs,
        }
    }

    /// No event came that would have given it an instance.
    fn without_items(&self, ix: StageIx) -> (Outcome, Settled, IndexMap<String, Json>) {
        let foretold = !self.state.stage(ix).would.is_empty();
        let (outcome, reason) = match (self.state.bar(self.model(ix)), self.halted()) {
            (Some(Bar::Halted), Some(reason)) => (Outcome::NotRun, reason),
            (Some(Bar::Cancelled | Bar::Unstartable | Bar::Halted), _) => {
                (Outcome::NotRun, Settled::Cancelled)
            }
            (None, _) if foretold => (Outcome::WouldHave, Settled::WouldHave),
            (None, _) => (Outcome::Skipped, Settled::NoItems),
        };
        (outcome, reason, IndexMap::new())
    }

    /// The worst of the instances is what the stage came to.
    fn joined(&self, instances: &[Execution]) -> (Outcome, Settled, IndexMap<String, Json>) {
        let mut failed = Vec::new();
        let mut stopped: Option<(Outcome, Settled)> = None;
        let mut lacking: Vec<String> = Vec::new();
        let mut skipped = Vec::new();
        let mut foretold = false;
        let mut outputs = Vec::with_capacity(instances.len());
        for (execution, number) in instances.iter().zip(1..) {
            let Some(end) = execution.end() else { continue };
            match end.outcome {
                Outcome::Succeeded => {}
                Outcome::WouldHave => foretold = true,
                Outcome::Failed => failed.push(number),
                Outcome::Cancelled => {
                    if !matches!(stopped, Some((Outcome::Cancelled, _))) {
                        stopped = Some((Outcome::Cancelled, end.reason.clone()));
                    }
                }
                Outcome::Skipped => skipped.push(end.reason.clone()),
                Outcome::NotRun => {
                    if let Settled::Needs { keys } = &end.reason {
                        lacking.extend(keys.iter().cloned());
                    }
                    stopped.get_or_insert((Outcome::NotRun, end.reason.clone()));
                }
            }
            outputs.push(match end.outcome {
                Outcome::Succeeded => end.outputs.clone(),
                Outcome::Failed
                | Outcome::Cancelled
                | Outcome::NotRun
                | Outcome::Skipped
                | Outcome::WouldHave => Json::Null,
            });
        }
        let outputs = IndexMap::from([("items".to_owned(), Json::Array(outputs))]);
        if !failed.is_empty() {
            let of = u32::try_from(instances.len()).unwrap_or(u32::MAX);
            return (Outcome::Failed, Settled::InstancesFailed { failed, of }, outputs);
        }
        // Work that could not be done is no success, also when nothing of it was tried.
        if !lacking.is_empty() && !matches!(stopped, Some((Outcome::Cancelled, _))) {
            lacking.sort_unstable();
            lacking.dedup();
            return (Outcome::Failed, Settled::Needs { keys: lacking }, outputs);
        }
        let all = skipped.len() == instances.len();
        match (stopped, skipped.pop().filter(|_| all)) {
            (Some((outcome, reason)), _) => (outcome, reason, outputs),
            (None, Some(reason)) => (Outcome::Skipped, reason, outputs),
            // What they would give as a whole is not known.
            (None, None) if foretold => (Outcome::WouldHave, Settled::WouldHave, IndexMap::new()),
            (None, None) => (Outcome::Succeeded, Settled::Done, outputs),
        }
    }

    /// Everything has settled.
    pub(super) fn finish(&self) -> Event {
        let state = &self.state;
        let (status, mut reason) =
            if let Some(problem) = state.head.as_ref().and_then(|head| head.problem.as_ref()) {
                (FinalStatus::Failed, problem.clone())
            } else if let Some(cancel) = &state.cancel {
                let mut reason = format!("cancelled by {}", cancel.by);
                if !cancel.reason.is_empty() {
                    let _ = write!(reason, ": {}", cancel.reason);
                }
                (FinalStatus::Cancelled, reason)
            } else if !state.failed.is_empty() {
                (FinalStatus::Failed, self.failures())
            } else if state.undo.rollback.is_some() {
                (FinalStatus::Failed, String::new())
            } else {
                self.success()
            };
        let undone = self.rollback_words();
        if !reason.is_empty() && !undone.is_empty() {
            reason.push_str("; ");
        }
        reason.push_str(&undone);
        Event::RunFinished { status, reason }
    }

    fn failures(&self) -> String {
        let names = self.state.failed.iter().map(|ix| format!("`{}`", self.model(*ix).name));
        let count = self.state.failed.len();
        match self.state.failed.first() {
            Some(&ix) if count == 1 => {
                let end = self.state.stage(ix).end();
                let why = end.map(|end| words::settled(&end.reason)).unwrap_or_default();
                format!("`{}` failed: {why}", self.model(ix).name)
            }
            Some(_) | None => {
                let shown: Vec<String> = names.take(5).collect();
                let more =
                    if count > 5 { format!(" and {} more", count - 5) } else { String::new() };
                format!("{count} stages failed: {}{more}", shown.join(", "))
            }
        }
    }

    fn success(&self) -> (FinalStatus, String) {
        let scope = RunScope::whole(self);
        for (name, output) in &self.pipeline.outputs {
            if let Err(error) = output.resolve(&scope)
                && error.problem != Missing::Unknown
            {
                return (FinalStatus::Failed, format!("output `{name}`: {error}"));
            }
        }
        let Some(success) = &self.pipeline.success else {
            return (FinalStatus::Succeeded, String::new());
        };
        match success.evaluate_bool(&RunScope::whole(self)) {
            Ok(true) => (FinalStatus::Succeeded, String::new()),
            Ok(false) => {
                (FinalStatus::Failed, format!("`success: {}` does not hold", success.source))
            }
            // What is not known counts as true.
            Err(error) if error.unknown && self.state.is_shadow() => {
                (FinalStatus::Succeeded, String::new())
            }
            Err(error) => (FinalStatus::Failed, format!("`success: {}`: {error}", success.source)),
        }
    }
}

fn map(object: &Json) -> IndexMap<String, Json> {
    match object {
        Json::Object(map) => map.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            IndexMap::new()
        }
    }
}
