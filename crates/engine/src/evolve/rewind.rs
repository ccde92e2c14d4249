//! Going back: requested, done, undone.

use std::collections::BTreeSet;

use jiff::Timestamp;
use pipeline::model::{Pipeline, StageIx};

use super::ensure;
use crate::command::StopReason;
use crate::event::Event;
use crate::id::{Actor, ExecutionId};
use crate::run::Run;
use crate::state::execution::{Execution, ExecutionState};
use crate::state::people::Wait;
use crate::state::stage::{Census, Stage, StageState};
use crate::state::undo::{Before, Rewinding};
use crate::state::{ExecIx, Links, Pause, Phase};

/// After it the last rewind cannot be undone any more.
pub(super) fn is_new_work(event: &Event) -> bool {
    matches!(
        event,
        Event::AttemptScheduled { .. }
            | Event::WouldHave(_)
            | Event::FormSubmitted { .. }
            | Event::GateVoted { .. }
            | Event::EventEmitted { .. }
            | Event::RunHalted { .. }
            | Event::RunCancelRequested { .. }
            | Event::RunFinished { .. }
            | Event::RunRetried { .. }
            | Event::RollbackRequested { .. }
            | Event::RollbackStarted { .. }
            | Event::RewindRequested { .. }
    )
}

impl Run {
    pub(super) fn rewind_requested(
        &mut self,
        by: &Actor,
        pause: bool,
        executions: &[ExecutionId],
    ) -> Result<(), String> {
        let finished = matches!(self.state.phase, Phase::Finished { .. });
        let undo = &self.state.undo;
        let free = undo.rewind.is_none() && !undo.is_open();
        let cancelling = self.state.cancel.is_some() && !finished;
        ensure(free && !cancelling && !executions.is_empty(), || "it cannot go back".to_owned())?;
        let (whole, parts) = self.sorted(executions)?;
        if !finished {
            let live: Vec<ExecIx> = self.state.links.live.values().copied().collect();
            for ix in live.into_iter().filter(|ix| whole.contains(&ix.stage)) {
                self.want_stop(ix, StopReason::Superseded);
            }
        }
        self.state.undo.rewind = Some(Box::new(Rewinding {
            by: by.clone(),
            pause,
            executions: executions.to_vec(),
            whole,
            parts,
        }));
        Ok(())
    }

    pub(super) fn run_rewound(
        &mut self,
        executions: &[ExecutionId],
        at: Timestamp,
    ) -> Result<(), String> {
        let rewind = self.state.undo.rewind.take().ok_or("nobody asked to go back")?;
        let Rewinding { by, pause, executions: asked, whole, parts } = *rewind;
        let busy = self.state.links.live.values().any(|ix| whole.contains(&ix.stage));
        ensure(asked == executions && !busy, || "it cannot go back now".to_owned())?;
        let finished = matches!(self.state.phase, Phase::Finished { .. });
        let pauses = pause && self.state.pause.is_none();
        self.state.would.clear();
        let before = self.as_it_is(&whole, &parts, pauses, at);
        for &ix in &whole {
            for execution in &mut self.state.stages[ix.get()].executions {
                let past = execution.past;
                execution.attempts[past..].iter_mut().for_each(|a| a.superseded = true);
            }
        }
        self.renew(&whole, &parts)?;
        if self.state.links.halt_by.as_ref().is_some_and(|cause| self.is_open(cause)) {
            self.state.links.halt_by = None;
        }
        // What failed meanwhile, outside of it, still halts the run.
        if self.state.halt.as_ref().is_some_and(|halt| finished || self.is_open(&halt.cause)) {
            self.state.halt = None;
        }
        self.state.undo.rollback = None;
        self.state.round += 1;
        if finished {
            self.state.links = Links::default();
            self.state.cancel = None;
            self.state.phase = Phase::Pending { since: at };
        }
        if pauses {
            self.state.pause = Some(Pause { since: at, by });
        }
        self.recount();
        if self.state.phase == Phase::Active {
            self.set_going();
        }
        self.state.undo.before = Some(Box::new(before));
        self.state.undo.went_back = true;
        Ok(())
    }

    fn is_open(&self, id: &ExecutionId) -> bool {
        match self.exec_ix(id) {
            Some(ix) => self.state.exec(ix).end().is_none(),
            None => self.ix(&id.stage).is_none_or(|ix| self.state.stage(ix).end().is_none()),
        }
    }

    fn as_it_is(
        &self,
        whole: &BTreeSet<StageIx>,
        parts: &BTreeSet<ExecIx>,
        paused: bool,
        at: Timestamp,
    ) -> Before {
        let state = &self.state;
        let mut stages = whole.clone();
        stages.extend(parts.iter().map(|exec| exec.stage));
        let compensations = self.pipeline.stages.iter().zip(0..);
        let awake = compensations.filter(|(model, _)| model.compensates.is_some());
        stages.extend(awake.map(|(_, n)| StageIx(n)));
        Before {
            clock: state.clock(at),
            stages: stages.into_iter().map(|ix| (ix, state.stage(ix).clone())).collect(),
            known: state.known.clone(),
            phase: matches!(state.phase, Phase::Finished { .. }).then(|| state.phase.clone()),
            cancel: state.cancel.clone(),
            halt: state.halt.clone(),
            rollback: state.undo.rollback.clone(),
            paused,
        }
    }

    pub(super) fn rewind_undone(&mut self, at: Timestamp) -> Result<(), String> {
        let before = *self.state.undo.before.take().ok_or("there is nothing to undo")?;
        let away = self.state.clock(at).duration_since(before.clock);
        let mut restored = Vec::with_capacity(before.stages.len());
        for (ix, stage) in before.stages {
            self.withdraw(ix);
            let now = std::mem::replace(&mut self.state.stages[ix.get()], stage);
            put_back_history(&mut self.state.stages[ix.get()], now);
            restored.push(ix);
        }
        self.state.known.restore(before.known);
        self.state.halt = before.halt;
        self.state.undo.rollback = before.rollback;
        let finished = before.phase.is_some();
        if let Some(phase) = before.phase {
            self.state.links = Links::default();
            self.state.cancel = before.cancel;
            self.state.phase = phase;
        } else {
            for &ix in &restored {
                self.relink_stage(ix, away);
            }
        }
        self.recount();
        if before.paused || finished {
            self.unpause(at);
        }
        if self.state.phase == Phase::Active {
            let pipeline: std::sync::Arc<Pipeline> = self.pipeline.clone();
            let all: Vec<ExecIx> = restored.iter().flat_map(|ix| self.executions(*ix)).collect();
            for ix in all {
                if let ExecutionState::Waiting(Wait::Void(_)) = self.state.exec(ix).state {
                    self.state.ask_again(&pipeline, ix);
                }
            }
            self.set_going();
        }
        Ok(())
    }

    /// Puts a stage that was put back into the work lists that it belongs to.
    fn relink_stage(&mut self, ix: StageIx, away: jiff::SignedDuration) {
        let stage = &mut self.state.stages[ix.get()];
        match &mut stage.state {
            StageState::Dormant | StageState::Settled(_) => return,
            StageState::Blocked => {
                if stage.watch.as_ref().is_some_and(|watch| watch.since.is_some()) {
                    self.state.links.listening.insert(ix);
                    self.weigh(ix);
                    self.consider_gate(ix);
                }
                return;
            }
            StageState::Ready(_) if self.pipeline.fanned(ix) => {
                self.state.links.expand.insert(ix);
                return;
            }
            StageState::Ready(_) => {}
            StageState::Fanned { fan, .. } => {
                fan.unsettled = u32::try_from(fan.items.len()).unwrap_or(u32::MAX);
                (fan.held, fan.census) = (0, Census::default());
                fan.parked.clear();
            }
        }
        for exec in self.executions(ix) {
            self.state.relink(exec, away);
        }
        let pipeline = self.pipeline.clone();
        self.state.promote(&pipeline, ix);
    }
}

/// What people were asked since is history too: its numbers are not used again.
fn put_back_history(stage: &mut Stage, now: Stage) {
    stage.gates = now.gates;
    for (place, mut execution) in now.executions.into_iter().enumerate() {
        match stage.executions.get_mut(place) {
            Some(before) => {
                if let Some(people) = execution.people.take() {
                    let before = before.people_mut();
                    (before.gates, before.forms) = (people.gates, people.forms);
                }
            }
            None => {
                Execution::refresh(&mut execution);
                stage.executions.push(execution);
            }
        }
    }
}
