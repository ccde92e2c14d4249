//! Whether what was done may be undone.

use pipeline::model::{Compensation, StageIx, StageName};

use crate::command::{Rejection, RollBack};
use crate::event::Event;
use crate::id::ExecutionId;
use crate::run::Run;
use crate::state::Phase;

impl Run {
    /// Of a run that goes on: it first halts, and what it has done by then is undone.
    pub(crate) fn roll_back(&self, asked: RollBack) -> Result<Event, Rejection> {
        let RollBack { by, to, reason, force } = asked;
        let ix = self.rollback_target(&to)?;
        match self.state.phase {
            Phase::Finished { .. } => {
                let stages = self.to_undo(ix, force)?;
                let stages = stages.into_iter().map(|ix| self.model(ix).name.clone()).collect();
                Ok(Event::RollbackStarted { by, cause: None, to, reason, stages, forced: force })
            }
            Phase::Uncreated | Phase::Pending { .. } | Phase::Active => {
                self.may_halt(ix)?;
                Ok(Event::RollbackRequested { by, to, reason, forced: force })
            }
        }
    }

    pub(crate) fn rollback_target(&self, to: &StageName) -> Result<StageIx, Rejection> {
        let Some(ix) = self.ix(to) else {
            return Err(self.no_such(&ExecutionId::stage(to.clone())));
        };
        let model = self.model(ix);
        if let Some(undone) = model.compensates {
            let undone = &self.model(undone).name;
            return Err(cannot(to, format!("it is itself what undoes `{undone}`")));
        }
        if model.finally {
            return Err(cannot(to, "`finally` stages are not undone".to_owned()));
        }
        if self.state.undo.is_open() {
            return Err(cannot(to, "a rollback is under way already".to_owned()));
        }
        Ok(ix)
    }

    /// What a rollback of a settled run undoes, in this order.
    pub(crate) fn to_undo(&self, to: StageIx, force: bool) -> Result<Vec<StageIx>, Rejection> {
        let name = &self.model(to).name;
        let all = self.undoable(to);
        if all.is_empty() {
            return Err(cannot(name, "nothing from there on has succeeded".to_owned()));
        }
        let acts = |ix: &StageIx| match self.model(*ix).compensation {
            Compensation::Stage(_) => true,
            Compensation::None | Compensation::Missing => false,
        };
        if !all.iter().any(acts) {
            return Err(cannot(name, "nothing from there on has a rollback action".to_owned()));
        }
        if force {
            return Ok(all);
        }
        let (undone, left): (Vec<StageIx>, Vec<StageIx>) =
            all.into_iter().partition(|ix| self.state.is_undone(*ix));
        let again = left.iter().find(|ix| self.state.undo.undone.contains_key(ix));
        let repeated = again.or(undone.first().filter(|_| !left.iter().any(acts)));
        match repeated {
            Some(&ix) => {
                let again = &self.model(ix).name;
                let why = format!("`{again}` was rolled back before in this run; force a repeat");
                Err(cannot(name, why))
            }
            None => Ok(left),
        }
    }

    fn may_halt(&self, to: StageIx) -> Result<(), Rejection> {
        let name = &self.model(to).name;
        if self.state.cancel.is_some() {
            return Err(cannot(name, "the run is being cancelled".to_owned()));
        }
        if self.state.pause.is_some() {
            return Err(Rejection::Paused);
        }
        if matches!(self.state.phase, Phase::Pending { .. }) {
            return Err(cannot(name, "the run waits for its turn; cancel it first".to_owned()));
        }
        if self.state.open_main == 0 {
            let why = "its `finally` stages run; ask again when it has finished";
            return Err(cannot(name, why.to_owned()));
        }
        if self.state.stage(to).ready().is_none() {
            return Err(cannot(name, "it has not run".to_owned()));
        }
        Ok(())
    }
}

pub(crate) fn cannot(to: &StageName, reason: String) -> Rejection {
    Rejection::CannotRollBack { to: to.to_string(), reason }
}
