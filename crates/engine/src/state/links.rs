//! How an execution moves: the one place that keeps states and indexes in step.

use jiff::{SignedDuration, Timestamp};
use pipeline::model::{Pipeline, StageIx, Work};

use super::execution::{Clock, ExecutionState, Place};
use super::people::Wait;
use super::stage::StageState;
use super::{ExecIx, State};

impl State {
    /// Moves an execution into another state, with everything that is derived from it.
    pub(crate) fn transition(&mut self, pipeline: &Pipeline, ix: ExecIx, next: ExecutionState) {
        self.unlink(ix);
        self.exec_mut(ix).state = next;
        self.link(ix);
        self.link_taken(ix);
        self.promote(pipeline, ix.stage);
    }

    /// Puts an execution into the queue that it belongs to, at the end. Called by
    /// [`State::proceed`], which looks first at what it has to wait for.
    pub(super) fn enqueue(&mut self, pipeline: &Pipeline, ix: ExecIx) {
        let model = &pipeline.stages[ix.stage.get()];
        self.ticket += 1;
        let foretold = self.is_shadow();
        let limited = pipeline.fanned(ix.stage) && pipeline.at_once(ix.stage).is_some();
        let place = match &model.work {
            Work::Noop | Work::Form => Place::Instant,
            // Whoever only says what it would do waits for no place.
            Work::Run { .. }
            | Work::Python { .. }
            | Work::Child { .. }
            | Work::Agent(_)
            | Work::Merge(_)
                if foretold =>
            {
                Place::Instant
            }
            Work::Run { .. }
            | Work::Python { .. }
            | Work::Child { .. }
            | Work::Agent(_)
            | Work::Merge(_)
                if limited =>
            {
                Place::Parked
            }
            Work::Run { .. }
            | Work::Python { .. }
            | Work::Child { .. }
            | Work::Agent(_)
            | Work::Merge(_) => Place::Ready,
        };
        self.transition(pipeline, ix, ExecutionState::Queued { ticket: self.ticket, place });
        if self.bar(model).is_some() {
            self.links.abandon.insert(ix);
        }
    }

    /// Lets instances that wait for one take the free places of their stage.
    pub(crate) fn promote(&mut self, pipeline: &Pipeline, stage: StageIx) {
        let Some(max) = pipeline.at_once(stage) else { return };
        while let Some(fan) = self.stages[stage.get()].fan()
            && fan.held < max
            && let Some((&ticket, &instance)) = fan.parked.first_key_value()
        {
            let ix = ExecIx { stage, instance };
            let abandoned = self.links.abandon.contains(&ix);
            let caught = self.links.caught.contains(&ix);
            self.unlink(ix);
            self.exec_mut(ix).state = ExecutionState::Queued { ticket, place: Place::Ready };
            self.link(ix);
            if abandoned {
                self.links.abandon.insert(ix);
            }
            if caught {
                self.links.caught.insert(ix);
            }
        }
    }

    fn unlink(&mut self, ix: ExecIx) {
        self.links.timed.remove(&ix);
        self.links.abandon.remove(&ix);
        self.links.granted.remove(&ix);
        self.links.needless.remove(&ix);
        let stage = &mut self.stages[ix.stage.get()];
        let execution = &stage.executions[ix.slot()];
        if let StageState::Fanned { fan, .. } = &mut stage.state
            && let Some(count) = fan.count(&execution.state, execution.has_started())
        {
            *count -= 1;
        }
        let execution = &self.stages[ix.stage.get()].executions[ix.slot()];
        match &execution.state {
            ExecutionState::Idle => {}
            ExecutionState::Waiting(wait) => {
                let wait = *wait;
                self.unlink_wait(ix, wait);
            }
            ExecutionState::Queued { ticket, place } => {
                let ticket = *ticket;
                self.links.caught.remove(&ix);
                match place {
                    Place::Instant => {
                        self.links.instant.remove(&ix);
                    }
                    Place::Ready => {
                        self.links.ready.remove(&ticket);
                        self.hold(ix, false);
                    }
                    Place::Parked => {
                        if let Some(fan) = self.stages[ix.stage.get()].fan_mut() {
                            fan.parked.remove(&ticket);
                        }
                    }
                }
            }
            ExecutionState::Live { fence, .. } => {
                self.links.live.remove(fence);
                self.links.stop.remove(&ix);
                self.hold(ix, false);
            }
            ExecutionState::Ended(_) => {
                self.links.ended.remove(&ix);
            }
            ExecutionState::Backoff { .. } => self.links.backoff -= 1,
            ExecutionState::Unknown { .. } => {
                self.links.unknown.remove(&ix);
                self.links.probing.remove(&ix);
            }
            ExecutionState::Settled(end) => {
                *self.tally.of(end.outcome) -= 1;
                if let Some(fan) = self.stages[ix.stage.get()].fan_mut() {
                    fan.unsettled += 1;
                }
            }
        }
    }

    fn link(&mut self, ix: ExecIx) {
        let stage = &mut self.stages[ix.stage.get()];
        let execution = &stage.executions[ix.slot()];
        if let StageState::Fanned { fan, .. } = &mut stage.state
            && let Some(count) = fan.count(&execution.state, execution.has_started())
        {
            *count += 1;
        }
        let execution = self.exec_mut(ix);
        execution.granted &= execution.state.keeps_lock();
        if execution.granted {
            self.links.granted.insert(ix);
        }
        let execution = &self.stages[ix.stage.get()].executions[ix.slot()];
        let clocked = matches!(execution.total, Clock::Running { .. });
        let mut timed = clocked;
        match &execution.state {
            ExecutionState::Idle => {}
            ExecutionState::Waiting(wait) => {
                let wait = *wait;
                timed |= self.link_wait(ix, wait);
            }
            ExecutionState::Queued { ticket, place } => {
                let ticket = *ticket;
                match place {
                    Place::Instant => {
                        self.links.instant.insert(ix);
                    }
                    Place::Ready => {
                        self.links.ready.insert(ticket, ix);
                        self.hold(ix, true);
                    }
                    Place::Parked => {
                        if let Some(fan) = self.stages[ix.stage.get()].fan_mut() {
                            fan.parked.insert(ticket, ix.instance);
                        }
                    }
                }
            }
            ExecutionState::Live { fence, .. } => {
                self.links.live.insert(*fence, ix);
                self.hold(ix, true);
            }
            ExecutionState::Ended(_) => {
                self.links.ended.insert(ix);
            }
            ExecutionState::Backoff { .. } => {
                self.links.backoff += 1;
                timed = true;
            }
            ExecutionState::Unknown { probing, .. } => {
                if *probing {
                    self.links.probing.insert(ix);
                }
                self.links.unknown.insert(ix);
            }
            ExecutionState::Settled(end) => {
                *self.tally.of(end.outcome) += 1;
                timed = false;
                let done = match self.stages[ix.stage.get()].fan_mut() {
                    Some(fan) => {
                        fan.unsettled -= 1;
                        fan.unsettled == 0 && !fan.grows()
                    }
                    None => true,
                };
                if done {
                    self.links.complete.insert(ix.stage);
                }
            }
        }
        if timed {
            self.links.timed.insert(ix);
        }
    }

    /// Whether there is a deadline.
    fn link_wait(&mut self, ix: ExecIx, wait: Wait) -> bool {
        let links = &mut self.links;
        match wait {
            Wait::Due(_) => links.asks.insert(ix),
            Wait::Held { .. } | Wait::Gate(_) | Wait::Form => links.people.insert(ix),
            Wait::Environment { .. } => links.locked.insert(ix),
            Wait::Answered(_) => links.answered.insert(ix),
            Wait::Void(_) => false,
        };
        matches!(wait, Wait::Gate(_) | Wait::Form)
    }

    fn unlink_wait(&mut self, ix: ExecIx, wait: Wait) {
        let links = &mut self.links;
        match wait {
            Wait::Due(_) => links.asks.remove(&ix),
            Wait::Held { .. } | Wait::Gate(_) | Wait::Form => links.people.remove(&ix),
            Wait::Environment { .. } => links.locked.remove(&ix),
            Wait::Answered(_) => links.answered.remove(&ix),
            Wait::Void(_) => false,
        };
    }

    /// Adds an execution that was put back to what is derived from it, its deadlines moved by the
    /// time that it was away. Where its stage has instances, the books of the stage are empty.
    pub(crate) fn relink(&mut self, ix: ExecIx, away: SignedDuration) {
        let moved = |due: &mut Timestamp| *due = due.checked_add(away).unwrap_or(Timestamp::MAX);
        let execution = self.exec_mut(ix);
        if let Clock::Running { due } = &mut execution.total {
            moved(due);
        }
        if let ExecutionState::Backoff { due, .. } = &mut execution.state {
            moved(due);
        }
        self.link(ix);
    }

    /// Takes a stage out of every work list of stages.
    pub(crate) fn unlist(&mut self, ix: StageIx) {
        let links = &mut self.links;
        for list in [
            &mut links.complete,
            &mut links.judge,
            &mut links.expand,
            &mut links.listen,
            &mut links.listening,
            &mut links.close,
            &mut links.feeding,
            &mut links.gate_due,
            &mut links.gated,
            &mut links.gate_answered,
            &mut links.gate_void,
        ] {
            list.remove(&ix);
        }
        links.needless.retain(|exec| exec.stage != ix);
    }

    fn hold(&mut self, ix: ExecIx, holds: bool) {
        if let Some(fan) = self.stages[ix.stage.get()].fan_mut() {
            fan.held = if holds { fan.held + 1 } else { fan.held - 1 };
        }
    }
}
