//! Applying what happened. An event that cannot follow is [`Corrupt`]; nothing here chooses.

mod again;
mod attempt;
mod course;
mod stage;

use serde_json::{Map, Value as Json};

use crate::event::{Event, Stamped};
use crate::id::AttemptId;
use crate::run::Run;
use crate::state::ExecIx;
use crate::state::execution::Started;

/// The journal does not fit the rules or the pipeline: it was damaged, or belongs to another
/// revision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {sequence} cannot follow: {problem}")]
pub struct Corrupt {
    pub sequence: u64,
    pub problem: String,
}

impl Run {
    /// Applies one event: the only mutator. After a [`Corrupt`] the run must be dropped.
    pub fn evolve(&mut self, stamped: &Stamped) -> Result<(), Corrupt> {
        let at = stamped.at;
        let result = match &stamped.event {
            Event::RunCreated { .. }
            | Event::RunStarted
            | Event::RunPaused { .. }
            | Event::RunResumed { .. }
            | Event::RunCancelRequested { .. }
            | Event::RunHalted { .. }
            | Event::RunFinished { .. } => self.course(&stamped.event, at),
            Event::RunRetried { executions, .. } => self.fresh(executions, at),
            Event::StageReady { stage, reason } => self.stage_ready(stage, reason.as_ref(), at),
            Event::StageExpanded { stage, items } => self.stage_expanded(stage, items),
            Event::StageSettled { stage, outcome, conclusion, reason, outputs } => {
                self.stage_settled(stage, *outcome, *conclusion, reason, object(outputs), at)
            }
            Event::AttemptScheduled { attempt } => self.attempt_scheduled(attempt, at),
            Event::AttemptStarted { attempt, worker, pid, child } => {
                let child = child.clone();
                let started = Started { at, worker: worker.clone(), pid: *pid, child };
                self.attempt_started(attempt, started)
            }
            Event::AttemptStopping { attempt, reason } => self.attempt_stopping(attempt, *reason),
            Event::AttemptFinished { attempt, result, usage, tail } => {
                self.attempt_finished(attempt, result, usage, tail, at)
            }
            Event::AttemptUnknown { attempt, message, probing } => {
                self.attempt_unknown(attempt, message, *probing, at)
            }
            Event::AttemptResolved { attempt, by, verdict } => {
                self.attempt_resolved(attempt, by, *verdict, at)
            }
            Event::RetryScheduled { execution, number, due } => {
                self.retry_scheduled(execution, *number, *due, at)
            }
            Event::Requeued { execution, number } => self.requeued(execution, *number),
            Event::ExecutionSettled { execution, outcome, conclusion, reason, outputs } => self
                .execution_settled(execution, *outcome, *conclusion, reason, object(outputs), at),
            Event::GateOpened { .. }
            | Event::GateVoted { .. }
            | Event::GateDelegated { .. }
            | Event::DelegationRevoked { .. }
            | Event::GateReminded { .. }
            | Event::GateEscalated { .. }
            | Event::GateResolved { .. }
            | Event::FormOpened(_)
            | Event::FormSubmitted { .. }
            | Event::FormTimedOut { .. }
            | Event::RevisionRequested { .. }
            | Event::ExecutionHeld { .. }
            | Event::ExecutionAdvanced { .. }
            | Event::AwaitsEnvironment { .. }
            | Event::EnvironmentGranted { .. }
            | Event::BreakpointsSet { .. } => Err("people are not known yet".to_owned()),
            Event::EventReceived { .. }
            | Event::EventEmitted { .. }
            | Event::StageListening { .. }
            | Event::StageTriggered { .. }
            | Event::StageFed { .. }
            | Event::StagePassedOver { .. }
            | Event::StageClosed { .. } => Err("triggers are not known yet".to_owned()),
            Event::RollbackStarted { .. }
            | Event::RollbackFinished { .. }
            | Event::RewindRequested { .. }
            | Event::RunRewound { .. }
            | Event::RewindUndone { .. } => Err("undoing is not known yet".to_owned()),
        };
        result.map_err(|problem| Corrupt { sequence: self.state.sequence + 1, problem })?;
        self.state.sequence += 1;
        self.state.at = at;
        Ok(())
    }

    fn expect_live(&self, attempt: &AttemptId) -> Result<ExecIx, String> {
        self.live(attempt).ok_or_else(|| {
            format!("attempt {} of `{}` is not live", attempt.number, attempt.execution)
        })
    }
}

fn ensure(holds: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(problem()) }
}

fn object(outputs: &indexmap::IndexMap<String, Json>) -> Json {
    Json::Object(
        outputs.iter().map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>(),
    )
}
