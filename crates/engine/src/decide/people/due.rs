//! Deadlines and reminders of people. The run is not paused, and has not finished.

use jiff::Timestamp;
use pipeline::model::{FormTimeout, OnTimeout};

use crate::answers::saved;
use crate::command::{Rejection, TimerId};
use crate::event::{Event, GateId, GateKind, Resolution};
use crate::follow::NOBODY;
use crate::run::Run;
use crate::state::later;
use crate::state::people::{Gate, policy};
use pipeline::form;

impl Run {
    pub(in crate::decide) fn gate_due(
        &self,
        timer: &TimerId,
        kind: GateKind,
        now: Timestamp,
    ) -> Result<Event, Rejection> {
        let (gate, id) = self.timed_gate(timer, kind)?;
        due_by(gate.due, now)?;
        let electorate = &gate.policy.electorate;
        let resolution = match electorate.on_timeout {
            OnTimeout::Approve => Resolution::TimedOutApproved,
            OnTimeout::Skip => Resolution::TimedOutSkipped,
            OnTimeout::Fail => Resolution::TimedOutFailed,
            OnTimeout::Escalate if !gate.escalated => {
                let mut next = electorate.clone();
                next.approvers = electorate.escalate_to.clone();
                next.on_timeout = OnTimeout::Reject;
                let due = later(now, next.timeout);
                let policy = policy(next, gate.policy.environment.clone());
                return Ok(Event::GateEscalated { gate: id, policy, due });
            }
            OnTimeout::Reject | OnTimeout::Escalate => Resolution::TimedOutRejected,
        };
        Ok(Event::GateResolved { gate: id, resolution })
    }

    pub(in crate::decide) fn reminder_due(
        &self,
        timer: &TimerId,
        kind: GateKind,
        percent: u8,
        now: Timestamp,
    ) -> Result<Event, Rejection> {
        let (gate, id) = self.timed_gate(timer, kind)?;
        if gate.next_reminder() != Some(percent) {
            return Err(Rejection::StaleTimer);
        }
        due_by(gate.reminder_due(percent), now)?;
        Ok(Event::GateReminded { gate: id, percent })
    }

    pub(in crate::decide) fn form_due(
        &self,
        timer: &TimerId,
        now: Timestamp,
    ) -> Result<Event, Rejection> {
        let ix = self.exec_ix(&timer.execution).ok_or(Rejection::StaleTimer)?;
        let people = self.state.exec(ix).people.as_deref();
        let round = people.and_then(|people| people.open_form());
        let round = round.filter(|round| round.generation == timer.generation);
        let (Some(form), Some(round)) = (&self.model(ix.stage).form, round) else {
            return Err(Rejection::StaleTimer);
        };
        due_by(round.due.ok_or(Rejection::StaleTimer)?, now)?;
        let (execution, generation) = (timer.execution.clone(), timer.generation);
        if form.on_timeout == FormTimeout::Submit
            && let Ok(values) = form::check(form, &round.values)
        {
            let (by, artifacts) = (NOBODY.to_owned(), saved(form, &values));
            return Ok(Event::FormSubmitted { execution, generation, by, values, artifacts });
        }
        Ok(Event::FormTimedOut { execution, generation })
    }

    /// The open gate whose deadline it is.
    fn timed_gate(&self, timer: &TimerId, kind: GateKind) -> Result<(&Gate, GateId), Rejection> {
        let generation = timer.generation / 2;
        let id = GateId { execution: timer.execution.clone(), kind, generation };
        let gate = self.find_gate(&id).filter(|gate| gate.is_open());
        let gate = gate.filter(|gate| gate.timer_generation() == timer.generation);
        gate.map(|gate| (gate, id)).ok_or(Rejection::StaleTimer)
    }
}

fn due_by(due: Timestamp, now: Timestamp) -> Result<(), Rejection> {
    if due <= now { Ok(()) } else { Err(Rejection::NotDue { due }) }
}
