//! Applying what happened. An event that cannot follow is [`Corrupt`]; nothing here chooses.

mod again;
mod attempt;
mod course;
mod flow;
mod people;
mod rewind;
mod rollback;
mod shadow;
mod stage;
mod taken;

use serde_json::{Map, Value as Json};

use crate::event::{Event, Stamped};
use crate::id::AttemptId;
use crate::run::Run;
use crate::state::ExecIx;
use crate::state::execution::Started;
use crate::state::people::{Cast, FormEnd, Gate, Handover};
use crate::state::taken::Back;
use crate::state::undo::Wanted;

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
    #[expect(clippy::too_many_lines, reason = "one arm for each event, and nothing else")]
    pub fn evolve(&mut self, stamped: &Stamped) -> Result<(), Corrupt> {
        let at = stamped.at;
        let result = match &stamped.event {
            Event::RunCreated { .. } => self.run_created(&stamped.event, at),
            Event::RunStarted => self.run_started(at),
            Event::RunPaused { by, now } => self.run_paused(by, *now, at),
            Event::RunResumed { .. } => self.run_resumed(at),
            Event::RunCancelRequested { by, reason } => self.cancel_requested(by, reason, at),
            Event::RunHalted { cause } => self.run_halted(cause),
            Event::RunFinished { status, reason } => self.run_finished(*status, reason, at),
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
            Event::WouldHave(said) => self.would_have(said),
            Event::GateOpened { gate, policy, digest, instructions, due, inquiry } => {
                let opened = Gate {
                    kind: gate.kind,
                    generation: gate.generation,
                    policy: policy.clone(),
                    digest: digest.clone(),
                    instructions: instructions.clone(),
                    opened_at: at,
                    due: *due,
                    escalated: false,
                    votes: Vec::new(),
                    handovers: Vec::new(),
                    reminded: Default::default(),
                    inquiry: inquiry.clone(),
                    resolution: None,
                };
                self.gate_opened(gate, opened, at)
            }
            Event::GateVoted { gate, by, decision, comment, digest } => {
                let (by, comment, digest) = (by.clone(), comment.clone(), digest.clone());
                let decision = *decision;
                self.voted(gate, Cast { at, by, decision, comment, digest, replaced: false })
            }
            Event::GateDelegated { gate, slot, from, to } => {
                let (from, to) = (from.clone(), to.clone());
                self.delegated(gate, Handover { at, slot: *slot, from, to, revoked_at: None })
            }
            Event::DelegationRevoked { gate, slot, by: _, from, to } => {
                self.delegation_revoked(gate, *slot, (from, to), at)
            }
            Event::GateReminded { gate, percent } => self.reminded(gate, *percent),
            Event::GateEscalated { gate, policy, due } => self.escalated(gate, policy, *due, at),
            Event::GateResolved { gate, resolution } => self.gate_resolved(gate, resolution, at),
            Event::FormOpened(opened) => self.form_opened(opened, at),
            Event::FormSubmitted { execution, generation, by, values, artifacts } => {
                let (by, values, artifacts) = (by.clone(), values.clone(), artifacts.clone());
                let end = FormEnd::Submitted { at, by, values, artifacts };
                self.form_closed(execution, *generation, end, at)
            }
            Event::FormTimedOut { execution, generation } => {
                self.form_closed(execution, *generation, FormEnd::TimedOut { at }, at)
            }
            Event::FormVoided { execution, generation, reason } => {
                let end = FormEnd::Void { at, reason: reason.clone() };
                self.form_closed(execution, *generation, end, at)
            }
            Event::RevisionRequested { execution, by: _, feedback, revision } => {
                self.revision_requested(execution, feedback, *revision)
            }
            Event::ExecutionHeld { execution, hold } => self.execution_held(execution, *hold, at),
            Event::ExecutionAdvanced { execution, by: _ } => self.advanced(execution),
            Event::ExecutionTakenOver { execution, hold, by } => {
                self.taken_over(execution, *hold, by, at)
            }
            Event::AttemptLetGo { attempt, hold, attach } => {
                self.has_let_go(attempt, *hold, attach)
            }
            Event::ExecutionHandedBack { execution, hold, by, note, accept } => {
                let (by, note, accept) = (by.clone(), note.clone(), *accept);
                self.handed_back(execution, *hold, Back { at, by, note, accept })
            }
            Event::AwaitsEnvironment { execution, environment: _ } => {
                self.awaits_environment(execution, at)
            }
            Event::EnvironmentGranted { execution } => self.environment_granted(execution),
            Event::BreakpointsSet { by: _, stages, step } => self.breakpoints_set(stages, *step),
            Event::EventReceived { occurrence } => self.remember(occurrence, None, at),
            Event::EventEmitted { execution, occurrence } => {
                self.remember(occurrence, Some(execution), at)
            }
            Event::StageListening { stage } => self.stage_listening(stage, at),
            Event::StageTriggered { stage, fired } => self.stage_triggered(stage, fired),
            Event::StageFed { .. } => self.stage_fed(&stamped.event),
            Event::StagePassedOver { stage, event, reason } => {
                self.passed_over(stage, event, reason)
            }
            Event::StageClosed { stage, reason } => self.stage_closed(stage, reason),
            Event::RollbackRequested { by, to, reason, forced } => {
                let wanted = self.ix(to).map(|to| Wanted {
                    by: by.clone(),
                    cause: None,
                    to,
                    reason: reason.clone(),
                    forced: *forced,
                });
                let wanted = wanted.ok_or_else(|| format!("no stage is called `{to}`"));
                wanted.and_then(|wanted| self.rollback_requested(wanted))
            }
            Event::RollbackStarted { .. } => self.rollback_started(&stamped.event, at),
            Event::RollbackFinished { result, problems } => {
                self.rollback_finished(*result, problems)
            }
            Event::RewindRequested { by, to: _, inclusive: _, pause, executions } => {
                self.rewind_requested(by, *pause, executions)
            }
            Event::RunRewound { executions } => self.run_rewound(executions, at),
            Event::RewindUndone { .. } => self.rewind_undone(at),
        };
        result.map_err(|problem| Corrupt { sequence: self.state.sequence + 1, problem })?;
        if rewind::is_new_work(&stamped.event) {
            self.state.undo.before = None;
        }
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
