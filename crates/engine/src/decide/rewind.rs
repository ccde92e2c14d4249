//! Whether a run may go back to a stage, and what that supersedes.

use pipeline::model::{StageIx, StageName};

use super::retry::Plan;
use crate::command::{Rejection, Rewind};
use crate::event::{Conclusion, Event};
use crate::id::{Actor, ExecutionId};
use crate::run::Run;
use crate::state::Phase;
use crate::state::stage::StageState;

impl Run {
    /// A finished run goes back at once; one that goes on first stops what is superseded.
    pub(super) fn rewind(&self, asked: Rewind) -> Result<Vec<Event>, Rejection> {
        let Rewind { by, to, inclusive, pause } = asked;
        let plan = self.rewind_plan(&to, inclusive)?;
        let executions = self.listed(&plan);
        let requested =
            Event::RewindRequested { by, to, inclusive, pause, executions: executions.clone() };
        let mut events = vec![requested];
        if matches!(self.state.phase, Phase::Finished { .. }) {
            events.push(Event::RunRewound { executions });
        }
        Ok(events)
    }

    /// What descends from the stage and is no longer untouched, with `inclusive` also itself. When
    /// nothing more can start in the run as it stands, what did not succeed is tried again too.
    pub(crate) fn rewind_plan(&self, to: &StageName, inclusive: bool) -> Result<Plan, Rejection> {
        let ix = self.rewind_target(to, inclusive)?;
        let mut plan = Plan { whole: self.descendants(ix), ..Plan::default() };
        plan.whole.retain(|ix| !self.is_untouched(*ix));
        let nothing = plan.is_empty();
        if inclusive {
            plan.whole.insert(ix);
        }
        if nothing && !inclusive {
            return Err(cannot(to, "nothing after it has begun; `inclusive` does it again"));
        }
        let finished = matches!(self.state.phase, Phase::Finished { .. });
        if finished || self.state.halt.is_some() {
            self.select_all(&mut plan);
        }
        let finally = self.pipeline.stages.iter().zip(0..).filter(|(stage, _)| stage.finally);
        let finally = finally.map(|(_, ix)| StageIx(ix));
        plan.whole.extend(finally.filter(|ix| !self.is_untouched(*ix)));
        let unknown = self.state.links.unknown.iter().find(|exec| plan.whole.contains(&exec.stage));
        if let Some(&unknown) = unknown {
            let why = format!(
                "`{}` needs a decision first: its outcome is unknown",
                self.exec_id(unknown)
            );
            return Err(cannot(to, &why));
        }
        Ok(plan)
    }

    fn rewind_target(&self, to: &StageName, inclusive: bool) -> Result<StageIx, Rejection> {
        let Some(ix) = self.ix(to) else {
            return Err(self.no_such(&ExecutionId::stage(to.clone())));
        };
        let (model, stage) = (self.model(ix), self.state.stage(ix));
        if let Some(undone) = model.compensates {
            return Err(cannot(to, &format!("it undoes `{}`", self.model(undone).name)));
        }
        if model.finally {
            return Err(cannot(to, "`finally` stages come again by themselves"));
        }
        if self.state.cancel.is_some() && !matches!(self.state.phase, Phase::Finished { .. }) {
            return Err(cannot(to, "the run is being cancelled"));
        }
        if self.state.undo.is_open() {
            return Err(cannot(to, "a rollback is under way"));
        }
        if self.state.undo.rewind.is_some() {
            return Err(cannot(to, "the run is going back already"));
        }
        if stage.ready().is_none() {
            return Err(cannot(to, "it has not run"));
        }
        match stage.end().map(|end| end.conclusion) {
            _ if inclusive => Ok(ix),
            Some(Conclusion::Success | Conclusion::Warning) => Ok(ix),
            Some(
                Conclusion::Failure
                | Conclusion::Cancelled
                | Conclusion::Skipped
                | Conclusion::NotRun,
            ) => Err(cannot(to, "it did not succeed; `inclusive` does it again")),
            None => Err(cannot(to, "it has not ended; `inclusive` does it again")),
        }
    }

    /// Nothing has happened to it in this round.
    fn is_untouched(&self, ix: StageIx) -> bool {
        let stage = self.state.stage(ix);
        let listens = stage.watch.as_ref().is_some_and(|watch| watch.since.is_some());
        stage.state == StageState::Blocked && !listens
    }

    pub(super) fn undo_rewind(&self, by: Actor) -> Result<Vec<Event>, Rejection> {
        let undo = &self.state.undo;
        let Some(before) = &undo.before else {
            let reason = if undo.rewind.is_some() {
                "what is superseded is still being stopped"
            } else if undo.went_back {
                "new work has started since"
            } else {
                "the run never went back"
            };
            return Err(Rejection::NothingToUndo { reason: reason.to_owned() });
        };
        let of = |ix: StageIx| before.stages.iter().any(|(stage, _)| *stage == ix);
        let mut events: Vec<Event> = self.take_back(of, "the rewind was undone").collect();
        events.push(Event::RewindUndone { by });
        Ok(events)
    }
}

fn cannot(to: &StageName, reason: &str) -> Rejection {
    Rejection::CannotRewind { to: to.to_string(), reason: reason.to_owned() }
}
