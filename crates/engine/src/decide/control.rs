//! What people ask of a run.

use crate::command::{Rejection, Verdict};
use crate::event::Event;
use crate::id::{Actor, ExecutionId};
use crate::run::Run;
use crate::state::Phase;
use crate::state::execution::ExecutionState;

impl Run {
    pub(super) fn admit(&self) -> Result<Event, Rejection> {
        self.unfinished()?;
        let pending = matches!(self.state.phase, Phase::Pending { .. });
        if pending && self.state.pause.is_none() && self.state.cancel.is_none() {
            Ok(Event::RunStarted)
        } else {
            Err(Rejection::NotPending)
        }
    }

    pub(super) fn pause(&self, by: Actor, now: bool) -> Result<Event, Rejection> {
        self.unfinished()?;
        if self.state.cancel.is_some() {
            return Err(Rejection::AlreadyCancelling);
        }
        if self.state.pause.is_some() {
            return Err(Rejection::AlreadyPaused);
        }
        Ok(Event::RunPaused { by, now })
    }

    pub(super) fn resume(&self, by: Actor) -> Result<Event, Rejection> {
        self.unfinished()?;
        if self.state.pause.is_none() {
            return Err(Rejection::NotPaused);
        }
        Ok(Event::RunResumed { by })
    }

    /// A first cancel lets `finally` stages run; one more, once they do, ends them too.
    pub(super) fn cancel(&self, by: Actor, reason: String) -> Result<Event, Rejection> {
        self.unfinished()?;
        if let Some(cancel) = &self.state.cancel
            && (cancel.forced || self.state.open_main > 0)
        {
            return Err(Rejection::AlreadyCancelling);
        }
        Ok(Event::RunCancelRequested { by, reason })
    }

    pub(super) fn resolve(
        &self,
        by: Actor,
        id: &ExecutionId,
        verdict: Verdict,
    ) -> Result<Event, Rejection> {
        self.unfinished()?;
        let Some(ix) = self.exec_ix(id) else { return Err(self.no_such(id)) };
        if !matches!(self.state.exec(ix).state, ExecutionState::Unknown { .. }) {
            return Err(Rejection::NothingToResolve {
                execution: id.to_string(),
                status: self.execution_status(ix).word().to_owned(),
            });
        }
        if self.state.pause.is_some() {
            return Err(Rejection::Paused);
        }
        Ok(Event::AttemptResolved { attempt: self.last_attempt(ix), by, verdict })
    }

    pub(super) fn no_such(&self, id: &ExecutionId) -> Rejection {
        let fanned = |name: &str| {
            let ix = self.ix(name)?;
            self.pipeline.fanned(ix).then_some(())?;
            Some(self.state.stage(ix).items().map_or(0, <[_]>::len))
        };
        let known = match fanned(&id.stage) {
            Some(0) => format!("{} (no instances yet)", id.stage),
            Some(n) => format!("{0}[1] to {0}[{n}]", id.stage),
            None => {
                let names: Vec<&str> = self.stage_names().map(|name| &**name).collect();
                match names.split_at_checked(20) {
                    Some((first, rest)) if !rest.is_empty() => {
                        format!("{} and {} more", first.join(", "), rest.len())
                    }
                    Some(_) | None => names.join(", "),
                }
            }
        };
        Rejection::NoSuchStage { stage: id.to_string(), known }
    }
}
