//! Timers: each belongs to one generation, and acts at most once, when it is due.

use jiff::Timestamp;

use crate::command::{Rejection, StopReason, TimerId, TimerKind};
use crate::event::{Event, Failure};
use crate::run::Run;
use crate::state::execution::{Clock, ExecutionState};
use crate::state::people::Wait;

impl Run {
    pub(super) fn fire(&self, timer: &TimerId, now: Timestamp) -> Result<Event, Rejection> {
        self.unfinished()?;
        if self.state.pause.is_some() {
            return Err(Rejection::StaleTimer);
        }
        match timer.kind {
            TimerKind::Gate(kind) => return self.gate_due(timer, kind, now),
            TimerKind::Remind(kind, percent) => {
                return self.reminder_due(timer, kind, percent, now);
            }
            TimerKind::Form => return self.form_due(timer, now),
            TimerKind::Retry | TimerKind::Total => {}
        }
        let ix = self.exec_ix(&timer.execution).ok_or(Rejection::StaleTimer)?;
        let due_by = |due: Timestamp| {
            if due <= now { Ok(()) } else { Err(Rejection::NotDue { due }) }
        };
        let execution = self.state.exec(ix);
        match timer.kind {
            TimerKind::Retry => match execution.state {
                ExecutionState::Backoff { number, due, .. } if number == timer.generation => {
                    due_by(due)?;
                    Ok(Event::Requeued { execution: timer.execution.clone(), number })
                }
                ExecutionState::Idle
                | ExecutionState::Waiting(_)
                | ExecutionState::Queued { .. }
                | ExecutionState::Live { .. }
                | ExecutionState::Ended(_)
                | ExecutionState::Backoff { .. }
                | ExecutionState::Unknown { .. }
                | ExecutionState::Settled(_) => Err(Rejection::StaleTimer),
            },
            TimerKind::Gate(_) | TimerKind::Remind(..) | TimerKind::Form => {
                Err(Rejection::StaleTimer)
            }
            TimerKind::Total => {
                let Clock::Running { due } = execution.total else {
                    return Err(Rejection::StaleTimer);
                };
                if timer.generation != self.state.round {
                    return Err(Rejection::StaleTimer);
                }
                match execution.state {
                    ExecutionState::Live { stopping: None, .. } => {
                        due_by(due)?;
                        let attempt = self.last_attempt(ix);
                        Ok(Event::AttemptStopping { attempt, reason: StopReason::TotalTimeout })
                    }
                    ExecutionState::Waiting(Wait::Environment { .. })
                    | ExecutionState::Queued { .. }
                    | ExecutionState::Backoff { .. } => {
                        due_by(due)?;
                        let total = self.model(ix.stage).limits.total.unwrap_or_default();
                        let after_ms = u64::try_from(total.as_millis()).unwrap_or(u64::MAX);
                        Ok(self.failed(ix, Failure::TotalTimeout { after_ms }))
                    }
                    ExecutionState::Idle
                    | ExecutionState::Waiting(_)
                    | ExecutionState::Live { stopping: Some(_), .. }
                    | ExecutionState::Ended(_)
                    | ExecutionState::Unknown { .. }
                    | ExecutionState::Settled(_) => Err(Rejection::StaleTimer),
                }
            }
        }
    }
}
