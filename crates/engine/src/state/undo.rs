//! What is undone: a rollback that is wanted, under way or over, and a rewind likewise.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use jiff::Timestamp;
use pipeline::model::{Compensation, StageIx, StageName, Work};

use super::execution::Execution;
use super::flow::Known;
use super::stage::Stage;
use super::{Cancel, ExecIx, Halt, Phase, State};
use crate::event::RollbackResult;
use crate::id::{Actor, ExecutionId};
use crate::run::Run;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Undo {
    /// Starts when every stage but the `finally` ones has settled.
    pub(crate) wanted: Option<Wanted>,
    /// Of this round; under way until it has a result.
    pub(crate) rollback: Option<Rollback>,
    /// A failure has begun one in this run: there is no second.
    pub(crate) automatic: bool,
    /// What was undone in this run, over all rounds, and which of its completions (the sequence of
    /// its `stage.settled`) last.
    pub(crate) undone: BTreeMap<StageIx, u64>,
    /// Asked for; what it supersedes is being stopped.
    pub(crate) rewind: Option<Box<Rewinding>>,
    /// What the last rewind changed, until new work starts.
    pub(crate) before: Option<Box<Before>>,
    /// The run went back at least once.
    pub(crate) went_back: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rewinding {
    pub(crate) by: Actor,
    pub(crate) pause: bool,
    /// As in the event.
    pub(crate) executions: Vec<ExecutionId>,
    /// Stages that are superseded.
    pub(crate) whole: BTreeSet<StageIx>,
    /// Single instances that are tried again, of stages that are not.
    pub(crate) parts: BTreeSet<ExecIx>,
}

/// The part of a run that a rewind changed, as it was.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Before {
    /// The run's clock at the rewind.
    pub(crate) clock: Timestamp,
    pub(crate) stages: Vec<(StageIx, Stage)>,
    pub(crate) known: Known,
    /// Of a run that had finished.
    pub(crate) phase: Option<Phase>,
    pub(crate) cancel: Option<Cancel>,
    pub(crate) halt: Option<Halt>,
    pub(crate) rollback: Option<Rollback>,
    /// The rewind left the run paused.
    pub(crate) paused: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) by: Actor,
    /// The failure that asks for it; `None`: a person does.
    pub(crate) cause: Option<ExecutionId>,
    pub(crate) to: StageIx,
    pub(crate) reason: String,
    pub(crate) forced: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rollback {
    pub(crate) by: Actor,
    pub(crate) cause: Option<ExecutionId>,
    pub(crate) to: StageIx,
    pub(crate) reason: String,
    pub(crate) forced: bool,
    pub(crate) steps: Vec<Step>,
    /// The step whose turn it is.
    pub(crate) next: usize,
    pub(crate) result: Option<RollbackResult>,
    pub(crate) problems: IndexMap<StageName, String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) stage: StageIx,
    pub(crate) how: How,
    /// Which completion of the stage is undone: the sequence of its `stage.settled`.
    pub(crate) completion: u64,
    /// Of a stage with instances: those that succeeded, the last to do so first.
    pub(crate) instances: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    By(StageIx),
    /// `rollback: none`
    Nothing,
    /// Nobody wrote how.
    Missing,
    /// It was undone before in this run, and nobody forces it.
    Before,
}

impl Undo {
    /// `finally` stages wait for its end.
    pub(crate) fn is_open(&self) -> bool {
        self.wanted.is_some() || self.under_way().is_some()
    }

    /// Whether a rewind that is under way supersedes this execution.
    pub(crate) fn supersedes(&self, ix: ExecIx) -> bool {
        self.rewind.as_ref().is_some_and(|rewind| rewind.whole.contains(&ix.stage))
    }

    pub(crate) fn under_way(&self) -> Option<&Rollback> {
        self.rollback.as_ref().filter(|rollback| rollback.result.is_none())
    }
}

impl Rollback {
    /// The compensation whose turn it is.
    pub(crate) fn turn(&self) -> Option<StageIx> {
        match self.steps.get(self.next)?.how {
            How::By(compensation) => Some(compensation),
            How::Nothing | How::Missing | How::Before => None,
        }
    }

    pub(crate) fn step_of(&self, compensation: StageIx) -> Option<&Step> {
        self.steps.iter().find(|step| step.how == How::By(compensation))
    }

    /// Passes over steps for which there is nothing to run.
    pub(crate) fn skip_idle(&mut self) {
        while self.next < self.steps.len() && self.turn().is_none() {
            self.next += 1;
        }
    }
}

impl State {
    /// Whether the last completion of the stage was undone.
    pub(crate) fn is_undone(&self, ix: StageIx) -> bool {
        let end = self.stage(ix).end();
        end.is_some_and(|end| self.undo.undone.get(&ix) == Some(&end.sequence))
    }
}

impl Run {
    /// What a compensation's execution undoes: the stage, or one instance of it.
    pub(crate) fn undoes(&self, ix: ExecIx) -> Option<ExecIx> {
        let step = self.state.undo.rollback.as_ref()?.step_of(ix.stage)?;
        let instance = match ix.instance {
            0 => 0,
            _ => *step.instances.get(ix.slot())?,
        };
        Some(ExecIx { stage: step.stage, instance })
    }

    /// Of a settled execution: an object.
    pub(crate) fn outputs_of(&self, ix: ExecIx) -> Option<&serde_json::Value> {
        self.state.exec(ix).end().map(|end| &end.outputs)
    }

    /// What of a stage has succeeded and can be undone, in reverse order of completion. Of a stage
    /// without instances: `[0]`.
    pub(crate) fn succeeded(&self, ix: StageIx) -> Vec<u32> {
        let stage = self.state.stage(ix);
        let count = stage.items().map_or(1, <[_]>::len);
        let first = u32::from(self.pipeline.fanned(ix));
        let done = stage.executions.iter().take(count).zip(first..).filter_map(|(execution, n)| {
            let end = Execution::end(execution)?;
            end.outcome.is_good().then_some((end.sequence, n))
        });
        let mut done: Vec<(u64, u32)> = done.collect();
        done.sort_unstable_by(|a, b| b.cmp(a));
        done.into_iter().map(|(_, n)| n).collect()
    }

    /// Stages that descend from this one, by dependency or by what triggers them.
    pub(crate) fn descendants(&self, from: StageIx) -> BTreeSet<StageIx> {
        let mut below = BTreeSet::new();
        let mut open = vec![from];
        while let Some(ix) = open.pop() {
            open.extend(self.below(ix).filter(|next| below.insert(*next)));
        }
        below.retain(|ix| self.model(*ix).compensates.is_none());
        below.remove(&from);
        below
    }

    /// Settled stages from `to` on that have done something and come into question for a rollback,
    /// the last to settle first. `finally` stages never do.
    pub(crate) fn undoable(&self, to: StageIx) -> Vec<StageIx> {
        let mut found: Vec<(u64, StageIx)> = self
            .descendants(to)
            .into_iter()
            .chain([to])
            .filter_map(|ix| {
                let model = self.model(ix);
                let end = self.state.stage(ix).end()?;
                let idle = match model.work {
                    // Nothing was done to the world.
                    Work::Noop | Work::Form => match model.compensation {
                        Compensation::Missing | Compensation::None => true,
                        Compensation::Stage(_) => false,
                    },
                    Work::Run { .. }
                    | Work::Python { .. }
                    | Work::Child { .. }
                    | Work::Agent(_)
                    | Work::Merge(_) => false,
                };
                let done = !model.finally && !idle && !self.succeeded(ix).is_empty();
                done.then_some((end.sequence, ix))
            })
            .collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.into_iter().map(|(_, ix)| ix).collect()
    }
}
