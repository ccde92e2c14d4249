//! `run.retried`: a settled run goes on.

use std::collections::BTreeSet;

use jiff::Timestamp;
use pipeline::model::StageIx;

use super::course::stage_ix;
use super::ensure;
use crate::id::ExecutionId;
use crate::run::Run;
use crate::state::execution::{Execution, ExecutionState};
use crate::state::stage::{Fan, StageState};
use crate::state::{ExecIx, Links, Phase, Tally};

impl Run {
    /// The named executions are as if they had never been, but for their past attempts.
    pub(super) fn fresh(&mut self, ids: &[ExecutionId], at: Timestamp) -> Result<(), String> {
        let finished = matches!(self.state.phase, Phase::Finished { .. });
        ensure(finished && !ids.is_empty(), || "it cannot be retried".to_owned())?;
        let (whole, parts) = self.sorted(ids)?;
        self.renew(&whole, &parts)?;
        self.state.links = Links::default();
        self.state.cancel = None;
        self.state.halt = None;
        self.state.undo.wanted = None;
        self.state.undo.rollback = None;
        self.state.round += 1;
        self.state.would.clear();
        self.state.phase = Phase::Pending { since: at };
        self.recount();
        Ok(())
    }

    /// Whole stages, and single instances of others.
    pub(super) fn sorted(
        &self,
        ids: &[ExecutionId],
    ) -> Result<(BTreeSet<StageIx>, BTreeSet<ExecIx>), String> {
        let mut whole = BTreeSet::new();
        let mut parts = BTreeSet::new();
        for id in ids {
            let ix = self.ix(&id.stage).ok_or_else(|| format!("no stage is called `{id}`"))?;
            match id.instance {
                None => {
                    whole.insert(ix);
                }
                Some(_) => {
                    let exec = self.exec_ix(id);
                    parts.insert(exec.ok_or_else(|| format!("there is no execution `{id}`"))?);
                }
            }
        }
        parts.retain(|exec| !whole.contains(&exec.stage));
        Ok((whole, parts))
    }

    /// As if these had never been, but for their past; what counts them is to be counted anew.
    pub(super) fn renew(
        &mut self,
        whole: &BTreeSet<StageIx>,
        parts: &BTreeSet<ExecIx>,
    ) -> Result<(), String> {
        for &ix in whole {
            self.withdraw(ix);
            let stage = &mut self.state.stages[ix.get()];
            stage.state = StageState::Blocked;
            stage.would.clear();
            stage.executions.iter_mut().for_each(Execution::refresh);
            self.unwatch(ix);
        }
        for &exec in parts {
            self.reopen(exec.stage)?;
            self.state.transition(&self.pipeline, exec, ExecutionState::Idle);
            self.state.exec_mut(exec).refresh();
        }
        for (stage, model) in self.state.stages.iter_mut().zip(&self.pipeline.stages) {
            if model.compensates.is_some() {
                stage.state = StageState::Dormant;
                stage.would.clear();
                stage.executions.iter_mut().for_each(Execution::refresh);
            }
        }
        let again = |ix: ExecIx| whole.contains(&ix.stage) || parts.contains(&ix);
        self.state.known.forget(again);
        let stages: Vec<StageIx> =
            whole.iter().copied().chain(parts.iter().map(|exec| exec.stage)).collect();
        self.reopen_feeds(&stages)
    }

    /// Takes a stage and its executions out of every work list.
    pub(super) fn withdraw(&mut self, ix: StageIx) {
        for exec in self.executions(ix) {
            if self.state.exec(exec).state != ExecutionState::Idle {
                self.state.transition(&self.pipeline, exec, ExecutionState::Idle);
            }
        }
        self.state.unlist(ix);
    }

    /// A fanned-out stage some of whose instances run again keeps its items.
    pub(super) fn reopen(&mut self, ix: StageIx) -> Result<(), String> {
        let stage = &mut self.state.stages[ix.get()];
        let before = std::mem::replace(&mut stage.state, StageState::Blocked);
        stage.state = match before {
            StageState::Settled(end) => {
                let (Some(ready), Some(items)) = (end.ready, end.items) else {
                    return Err("a stage without instances was retried by instance".to_owned());
                };
                let mut fan = Fan { fed: end.fed, ..Fan::new(items, 0) };
                if let Some(fed) = &mut fan.fed {
                    // Whether more may come is looked at anew.
                    fed.closed = None;
                }
                StageState::Fanned { ready, fan }
            }
            open @ (StageState::Dormant
            | StageState::Blocked
            | StageState::Ready(_)
            | StageState::Fanned { .. }) => open,
        };
        Ok(())
    }

    /// Counts everything that is derived from the stages anew.
    pub(super) fn recount(&mut self) {
        let pipeline = self.pipeline.clone();
        let state = &mut self.state;
        (state.open, state.open_main) = (0, 0);
        state.failed.clear();
        let mut tally = Tally::default();
        for (place, model) in pipeline.stages.iter().enumerate() {
            let settled = |ix: &StageIx| state.stage(*ix).end().is_some();
            let waits_for = model.depends_on.iter().filter(|ix| !settled(ix)).count();
            let stage = &mut state.stages[place];
            stage.waits_for = u32::try_from(waits_for).unwrap_or(u32::MAX);
            if stage.state == StageState::Dormant {
                continue;
            }
            let items = stage.items().map_or(0, <[_]>::len);
            if items == 0 {
                tally.total += 1;
                if let Some(end) = stage.end() {
                    *tally.of(end.outcome) += 1;
                }
            } else {
                tally.total += u32::try_from(items).unwrap_or(u32::MAX);
                for execution in &stage.executions[..items] {
                    if let Some(end) = execution.end() {
                        *tally.of(end.outcome) += 1;
                    }
                }
            }
            let unsettled = stage.executions.iter().take(items).filter(|e| e.end().is_none());
            let unsettled = u32::try_from(unsettled.count()).unwrap_or(u32::MAX);
            if let Some(fan) = stage.fan_mut() {
                fan.unsettled = unsettled;
            }
            match stage.end() {
                Some(end) => {
                    let counts = model.compensates.is_none();
                    if counts && end.conclusion == crate::event::Conclusion::Failure {
                        state.failed.insert(stage_ix(place));
                    }
                }
                None => {
                    state.open += 1;
                    state.open_main += u32::from(!model.finally);
                }
            }
        }
        state.tally = tally;
        self.judge_later();
    }

    /// What was up for judgement (in a pause it waits there) may wait for what is fresh again.
    fn judge_later(&mut self) {
        if self.state.cancel.is_some() {
            return;
        }
        let links = &self.state.links;
        let early = links.judge.iter().chain(&links.listen).copied().filter(|ix| {
            let main = self.model(*ix).finally && self.state.open_main > 0;
            main || self.state.stage(*ix).waits_for > 0
        });
        for ix in early.collect::<Vec<_>>() {
            self.state.links.judge.remove(&ix);
            self.state.links.listen.remove(&ix);
        }
    }
}
