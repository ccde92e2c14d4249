//! Running a settled run's failed work again.

use std::collections::BTreeSet;

use pipeline::model::StageIx;

use crate::command::Rejection;
use crate::event::{Event, Outcome};
use crate::id::{Actor, ExecutionId};
use crate::run::Run;
use crate::state::{ExecIx, Phase};

impl Run {
    /// Failed, cancelled and not-run executions are fresh again; so are skipped stages below
    /// them, `finally` stages, and, with `from`, that execution and all that descends from it.
    pub(super) fn retry(&self, by: Actor, from: Option<&ExecutionId>) -> Result<Event, Rejection> {
        if !matches!(self.state.phase, Phase::Finished { .. }) {
            return Err(Rejection::NotFinished { status: self.status().word() });
        }
        let problem = self.state.head.as_ref().and_then(|head| head.problem.as_ref());
        if let Some(problem) = problem {
            return Err(Rejection::NothingToRetry { reason: problem.clone() });
        }
        let mut plan = Plan::default();
        if let Some(id) = from {
            let ix = self.ix(&id.stage).ok_or_else(|| self.no_such(id))?;
            match id.instance {
                None => {
                    plan.whole.insert(ix);
                }
                Some(_) => {
                    plan.parts.insert(self.exec_ix(id).ok_or_else(|| self.no_such(id))?);
                }
            }
            plan.whole.extend(self.descendants(ix));
        }
        self.select_all(&mut plan);
        let finally = self.pipeline.stages.iter().zip(0..).filter(|(stage, _)| stage.finally);
        if plan.is_empty() {
            let reason = "every stage succeeded or was skipped; name the stage to start from";
            return Err(Rejection::NothingToRetry { reason: reason.to_owned() });
        }
        plan.whole.extend(finally.map(|(_, ix)| StageIx(ix)));
        Ok(Event::RunRetried { by, executions: self.listed(&plan) })
    }

    /// What did not succeed or was undone, and what was skipped below it.
    pub(super) fn select_all(&self, plan: &mut Plan) {
        for ix in self.pipeline.stages.iter().zip(0..).map(|(_, ix)| StageIx(ix)) {
            self.select(ix, plan);
        }
        // What was undone has to be done again before anything that builds on it.
        let undone: Vec<StageIx> = self.state.undo.undone.keys().copied().collect();
        for ix in undone.into_iter().filter(|ix| self.state.is_undone(*ix)) {
            plan.whole.insert(ix);
            plan.whole.extend(self.descendants(ix));
        }
        self.judge_again(plan);
    }

    /// What of one stage did not succeed.
    fn select(&self, ix: StageIx, plan: &mut Plan) {
        let stage = self.state.stage(ix);
        let Some(end) = stage.end() else { return };
        if !again(end.outcome) || self.model(ix).compensates.is_some() {
            return;
        }
        let items = end.items.as_ref().map_or(0, Vec::len);
        if items == 0 {
            plan.whole.insert(ix);
            return;
        }
        for (execution, instance) in stage.executions[..items].iter().zip(1..) {
            if execution.end().is_some_and(|end| again(end.outcome)) {
                plan.parts.insert(ExecIx { stage: ix, instance });
            }
        }
    }

    /// Skipped stages below anything that runs again.
    fn judge_again(&self, plan: &mut Plan) {
        let mut open: Vec<StageIx> = plan.stages().into_iter().collect();
        let mut seen: BTreeSet<StageIx> = open.iter().copied().collect();
        while let Some(ix) = open.pop() {
            for below in self.below(ix) {
                let end = self.state.stage(below).end();
                if end.is_some_and(|end| end.outcome == Outcome::Skipped) {
                    plan.whole.insert(below);
                }
                if seen.insert(below) {
                    open.push(below);
                }
            }
        }
    }

    pub(crate) fn listed(&self, plan: &Plan) -> Vec<ExecutionId> {
        let whole = plan.whole.iter().map(|ix| ExecutionId::stage(self.model(*ix).name.clone()));
        let parts = plan.parts.iter().filter(|exec| !plan.whole.contains(&exec.stage));
        whole.chain(parts.map(|exec| self.exec_id(*exec))).collect()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(super) whole: BTreeSet<StageIx>,
    /// Single instances.
    pub(super) parts: BTreeSet<ExecIx>,
}

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.parts.is_empty()
    }

    fn stages(&self) -> BTreeSet<StageIx> {
        self.whole.iter().copied().chain(self.parts.iter().map(|exec| exec.stage)).collect()
    }
}

fn again(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Failed | Outcome::Cancelled | Outcome::NotRun => true,
        Outcome::Succeeded | Outcome::Skipped | Outcome::WouldHave => false,
    }
}
