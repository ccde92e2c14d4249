//! Gates, forms, holds, revisions and environments.

use jiff::{SignedDuration, Timestamp};
use pipeline::model::StageName;

use super::ensure;
use crate::event::{FormOpened, GateId, GateKind, Hold, Policy, Resolution};
use crate::id::ExecutionId;
use crate::run::Run;
use crate::state::ExecIx;
use crate::state::execution::{ExecutionState, Place};
use crate::state::people::{Cast, FormEnd, FormRound, Gate, Handover, Step, Wait};
use crate::state::stage::StageState;

impl Run {
    pub(super) fn voted(&mut self, id: &GateId, cast: Cast) -> Result<(), String> {
        let gate = self.open_gate_mut(id)?;
        let before = gate.votes.iter_mut().filter(|before| before.by.name == cast.by.name);
        before.for_each(|before| before.replaced = true);
        gate.votes.push(cast);
        Ok(())
    }

    pub(super) fn delegated(&mut self, id: &GateId, handover: Handover) -> Result<(), String> {
        self.open_gate_mut(id)?.handovers.push(handover);
        Ok(())
    }

    pub(super) fn delegation_revoked(
        &mut self,
        id: &GateId,
        slot: u32,
        (from, to): (&str, &str),
        at: Timestamp,
    ) -> Result<(), String> {
        let gate = self.open_gate_mut(id)?;
        let mut stands = gate.handovers.iter_mut().filter(|h| h.revoked_at.is_none());
        let handover = stands
            .find(|h| h.slot == slot && h.from.name == from && h.to.name == to)
            .ok_or_else(|| format!("{from} has passed nothing to {to} at {id}"))?;
        handover.revoked_at = Some(at);
        Ok(())
    }

    pub(super) fn reminded(&mut self, id: &GateId, percent: u8) -> Result<(), String> {
        self.open_gate_mut(id)?.reminded.insert(percent);
        Ok(())
    }

    pub(super) fn escalated(
        &mut self,
        id: &GateId,
        policy: &Policy,
        due: Timestamp,
        at: Timestamp,
    ) -> Result<(), String> {
        let gate = self.open_gate_mut(id)?;
        (gate.policy, gate.due, gate.escalated) = (policy.clone(), due, true);
        gate.votes.iter_mut().for_each(|cast| cast.replaced = true);
        let standing = gate.handovers.iter_mut().filter(|h| h.revoked_at.is_none());
        standing.for_each(|handover| handover.revoked_at = Some(at));
        gate.reminded.clear();
        Ok(())
    }

    fn open_gate_mut(&mut self, id: &GateId) -> Result<&mut Gate, String> {
        let stage = self.ix(&id.execution.stage);
        let exec = self.exec_ix(&id.execution);
        let gates = match (id.kind, stage, exec) {
            (GateKind::Trigger, Some(ix), _) => Some(&mut self.state.stages[ix.get()].gates),
            (
                GateKind::Start | GateKind::Complete | GateKind::Permission | GateKind::Question,
                _,
                Some(ix),
            ) => self.state.exec_mut(ix).people.as_mut().map(|people| &mut people.gates),
            (
                GateKind::Trigger
                | GateKind::Start
                | GateKind::Complete
                | GateKind::Permission
                | GateKind::Question,
                _,
                _,
            ) => None,
        };
        gates
            .and_then(|gates| gates.last_mut())
            .filter(|g| g.is_open() && g.kind == id.kind && g.generation == id.generation)
            .ok_or_else(|| format!("{id} is not open"))
    }

    pub(super) fn gate_opened(
        &mut self,
        id: &GateId,
        gate: Gate,
        at: Timestamp,
    ) -> Result<(), String> {
        let refuse = || format!("{id} cannot open");
        let next = |gates: &[Gate]| {
            let generation = u32::try_from(gates.len()).unwrap_or(u32::MAX - 1) + 1;
            generation == id.generation && gates.last().is_none_or(|gate| !gate.is_open())
        };
        if id.kind == GateKind::Trigger {
            let ix = self.ix(&id.execution.stage).ok_or_else(refuse)?;
            let stage = &mut self.state.stages[ix.get()];
            let blocked = stage.state == StageState::Blocked && id.execution.instance.is_none();
            ensure(blocked && next(&stage.gates), refuse)?;
            stage.gates.push(gate);
            self.state.links.gated.insert(ix);
            self.state.links.gate_due.remove(&ix);
            return Ok(());
        }
        let ix = self.expect_execution(&id.execution)?;
        let fits = match (&self.state.exec(ix).state, id.kind) {
            (ExecutionState::Waiting(Wait::Due(Step::Gate)), GateKind::Start)
            | (ExecutionState::Waiting(Wait::Due(Step::Complete)), GateKind::Complete)
            | (ExecutionState::Ended(_), GateKind::Complete)
            | (
                ExecutionState::Live { stopping: None, .. },
                GateKind::Permission | GateKind::Question,
            )
            | (ExecutionState::Queued { place: Place::Instant, .. }, GateKind::Complete) => true,
            (
                ExecutionState::Idle
                | ExecutionState::Waiting(_)
                | ExecutionState::Queued { .. }
                | ExecutionState::Live { .. }
                | ExecutionState::Ended(_)
                | ExecutionState::Backoff { .. }
                | ExecutionState::Unknown { .. }
                | ExecutionState::Settled(_),
                _,
            ) => false,
        };
        let people = self.state.exec_mut(ix).people_mut();
        let inquires = matches!(id.kind, GateKind::Permission | GateKind::Question);
        let fits = fits && inquires == gate.inquiry.is_some();
        ensure(fits && next(&people.gates), refuse)?;
        people.gates.push(gate);
        self.state.stop_clock(ix, at);
        if inquires {
            self.state.links.inquired.insert(ix);
            return Ok(());
        }
        self.state.wait(&self.pipeline, ix, Wait::Gate(id.kind));
        Ok(())
    }

    pub(super) fn gate_resolved(
        &mut self,
        id: &GateId,
        resolution: &Resolution,
        at: Timestamp,
    ) -> Result<(), String> {
        self.open_gate_mut(id)?.resolution = Some((at, resolution.clone()));
        let (approved, void) = match resolution {
            Resolution::Approved | Resolution::TimedOutApproved => (true, false),
            Resolution::Void { .. } => (false, true),
            Resolution::Rejected { .. }
            | Resolution::ChangesRequested { .. }
            | Resolution::TimedOutRejected
            | Resolution::TimedOutSkipped
            | Resolution::TimedOutFailed => (false, false),
        };
        let step = match id.kind {
            GateKind::Trigger => {
                let ix = self.ix(&id.execution.stage).ok_or("no such stage")?;
                let links = &mut self.state.links;
                links.gated.remove(&ix);
                links.gate_void.remove(&ix);
                if !void {
                    links.gate_answered.insert(ix);
                }
                return Ok(());
            }
            GateKind::Start => Step::Gate,
            GateKind::Complete => Step::Complete,
            GateKind::Permission | GateKind::Question => {
                let ix = self.expect_execution(&id.execution)?;
                self.state.links.inquired.remove(&ix);
                if !void {
                    self.state.start_clock(ix, at);
                }
                return Ok(());
            }
        };
        let ix = self.expect_execution(&id.execution)?;
        if void {
            self.state.wait(&self.pipeline, ix, Wait::Void(step));
        } else if approved && step == Step::Gate {
            self.state.proceed(&self.pipeline, ix, Step::Gate);
        } else {
            self.state.wait(&self.pipeline, ix, Wait::Answered(step));
        }
        Ok(())
    }

    pub(super) fn form_closed(
        &mut self,
        execution: &ExecutionId,
        generation: u32,
        end: FormEnd,
        at: Timestamp,
    ) -> Result<(), String> {
        let ix = self.expect_execution(execution)?;
        let unasked = self.state.exec(ix).state == ExecutionState::Waiting(Wait::Due(Step::Form));
        let revision = self.state.exec(ix).people.as_ref().map_or(0, |people| people.revision);
        let people = self.state.exec_mut(ix).people_mut();
        if unasked && matches!(end, FormEnd::Submitted { .. }) {
            people.forms.push(FormRound {
                generation: u32::try_from(people.forms.len()).unwrap_or(u32::MAX - 1) + 1,
                revision,
                instructions: String::new(),
                values: Default::default(),
                opened_at: at,
                due: None,
                closed: None,
            });
        }
        let form = people.forms.last_mut().filter(|form| form.closed.is_none());
        let form = form
            .filter(|form| form.generation == generation)
            .ok_or_else(|| format!("form {generation} of `{execution}` is not open"))?;
        form.closed = Some(end.clone());
        if let FormEnd::Submitted { values, .. } = &end {
            people.values = Some(super::object(values));
        }
        let next = match &end {
            FormEnd::Submitted { .. } => None,
            FormEnd::TimedOut { .. } => Some(Wait::Answered(Step::Form)),
            FormEnd::Void { .. } => Some(Wait::Void(Step::Form)),
        };
        match next {
            None => self.state.proceed(&self.pipeline, ix, Step::Form),
            Some(wait) => self.state.wait(&self.pipeline, ix, wait),
        }
        Ok(())
    }

    pub(super) fn form_opened(&mut self, opened: &FormOpened, at: Timestamp) -> Result<(), String> {
        let ix = self.expect_execution(&opened.execution)?;
        let due = self.state.exec(ix).state == ExecutionState::Waiting(Wait::Due(Step::Form));
        let people = self.state.exec_mut(ix).people_mut();
        let generation = u32::try_from(people.forms.len()).unwrap_or(u32::MAX - 1) + 1;
        ensure(due && opened.generation == generation && people.open_form().is_none(), || {
            format!("form {} of `{}` cannot open", opened.generation, opened.execution)
        })?;
        people.forms.push(FormRound {
            generation,
            revision: opened.revision,
            instructions: opened.instructions.clone(),
            values: opened.values.clone(),
            opened_at: at,
            due: opened.due,
            closed: None,
        });
        self.state.wait(&self.pipeline, ix, Wait::Form);
        Ok(())
    }

    /// The work is done again: its form first, where it has one.
    pub(super) fn revision_requested(
        &mut self,
        id: &ExecutionId,
        feedback: &str,
        revision: u32,
    ) -> Result<(), String> {
        let ix = self.expect_execution(id)?;
        let execution = self.state.exec_mut(ix);
        let answered = execution.state == ExecutionState::Waiting(Wait::Answered(Step::Complete));
        let people = execution.people_mut();
        ensure(answered && revision == people.revision + 1, || {
            format!("revision {revision} of `{id}` cannot follow")
        })?;
        (people.revision, people.feedback) = (revision, Some(feedback.to_owned()));
        (execution.tries, execution.lost) = (0, 0);
        if self.model(ix.stage).form.is_some() {
            self.state.wait(&self.pipeline, ix, Wait::Due(Step::Form));
        } else {
            self.state.proceed(&self.pipeline, ix, Step::Form);
        }
        Ok(())
    }

    pub(super) fn execution_held(
        &mut self,
        id: &ExecutionId,
        hold: Hold,
        since: Timestamp,
    ) -> Result<(), String> {
        let ix = self.expect_execution(id)?;
        let after = match &self.state.exec(ix).state {
            ExecutionState::Waiting(Wait::Due(Step::Hold)) => Some(Step::Hold),
            // It had everything but a free place; only its environment is asked for again.
            ExecutionState::Queued { .. } => Some(Step::Form),
            ExecutionState::Idle
            | ExecutionState::Waiting(_)
            | ExecutionState::Live { .. }
            | ExecutionState::Ended(_)
            | ExecutionState::Backoff { .. }
            | ExecutionState::Unknown { .. }
            | ExecutionState::Settled(_) => None,
        };
        let after = after.ok_or_else(|| format!("`{id}` cannot be held"))?;
        self.state.wait(&self.pipeline, ix, Wait::Held { hold, since, after });
        Ok(())
    }

    pub(super) fn advanced(&mut self, id: &ExecutionId) -> Result<(), String> {
        let ix = self.expect_execution(id)?;
        let ExecutionState::Waiting(Wait::Held { after, .. }) = self.state.exec(ix).state else {
            return Err(format!("`{id}` is not held"));
        };
        self.state.proceed(&self.pipeline, ix, after);
        Ok(())
    }

    pub(super) fn awaits_environment(
        &mut self,
        id: &ExecutionId,
        since: Timestamp,
    ) -> Result<(), String> {
        let ix = self.expect_execution(id)?;
        let due = ExecutionState::Waiting(Wait::Due(Step::Environment));
        ensure(self.state.exec(ix).state == due, || format!("`{id}` needs no environment"))?;
        self.state.wait(&self.pipeline, ix, Wait::Environment { since });
        Ok(())
    }

    pub(super) fn environment_granted(&mut self, id: &ExecutionId) -> Result<(), String> {
        let ix = self.expect_execution(id)?;
        let waits = match self.state.exec(ix).state {
            ExecutionState::Waiting(Wait::Environment { .. }) => true,
            ExecutionState::Idle
            | ExecutionState::Waiting(_)
            | ExecutionState::Queued { .. }
            | ExecutionState::Live { .. }
            | ExecutionState::Ended(_)
            | ExecutionState::Backoff { .. }
            | ExecutionState::Unknown { .. }
            | ExecutionState::Settled(_) => false,
        };
        ensure(waits, || format!("`{id}` does not wait for its environment"))?;
        self.state.exec_mut(ix).granted = true;
        self.state.proceed(&self.pipeline, ix, Step::Environment);
        Ok(())
    }

    pub(super) fn breakpoints_set(
        &mut self,
        stages: &[StageName],
        step: bool,
    ) -> Result<(), String> {
        self.state.breakpoints = stages.iter().cloned().collect();
        self.state.step = step;
        self.state.catch(&self.pipeline);
        Ok(())
    }

    /// Deadlines of people move by the time that nobody could answer.
    pub(super) fn move_deadlines(&mut self, ix: ExecIx, paused: Timestamp, now: Timestamp) {
        let Some(people) = self.state.exec_mut(ix).people.as_deref_mut() else { return };
        if let Some(gate) = people.gates.last_mut().filter(|gate| gate.is_open()) {
            move_gate(gate, paused, now);
        }
        let form = people.forms.last_mut().filter(|form| form.closed.is_none());
        if let Some(form) = form
            && let Some(due) = &mut form.due
        {
            *due = moved(*due, now.duration_since(paused.max(form.opened_at)));
        }
    }

    /// The same of gates of triggers.
    pub(super) fn move_trigger_deadlines(&mut self, paused: Timestamp, now: Timestamp) {
        for ix in &self.state.links.gated {
            let gate = self.state.stages[ix.get()].gates.last_mut();
            if let Some(gate) = gate.filter(|gate| gate.is_open()) {
                move_gate(gate, paused, now);
            }
        }
    }

    /// The stage has left `Blocked`: a gate of its trigger is asked in vain.
    pub(super) fn void_trigger_gate(&mut self, ix: pipeline::model::StageIx) {
        let links = &mut self.state.links;
        links.gate_answered.remove(&ix);
        if links.gated.contains(&ix) {
            links.gate_void.insert(ix);
        }
    }

    fn expect_execution(&self, id: &ExecutionId) -> Result<ExecIx, String> {
        self.exec_ix(id).ok_or_else(|| format!("there is no execution `{id}`"))
    }
}

fn move_gate(gate: &mut Gate, paused: Timestamp, now: Timestamp) {
    // An escalation in a pause cannot be: nothing fires then.
    gate.due = moved(gate.due, now.duration_since(paused.max(gate.opened_at)));
}

fn moved(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
