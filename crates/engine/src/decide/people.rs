//! What people say: who may, and what it comes to.

mod delegate;
mod due;
mod hold;
mod inquire;
mod submit;
mod take;
mod vote;

use crate::command::Rejection;
use crate::event::{GateId, GateKind, Person};
use crate::run::Run;
use crate::state::people::Gate;
use crate::words;

/// The group of whoever holds an admin token: may end anybody's delegation.
pub const ADMIN: &str = "admin";

/// Names of agents begin with it; they never vote.
const AGENT: &str = "agent:";

impl Run {
    /// Whether this person may decide at this gate now, whatever they decide. `alone`: there is no
    /// second user, so whoever started the run may decide.
    ///
    /// # Errors
    /// [`Rejection::NoSuchGate`], [`Rejection::GateResolved`], [`Rejection::Paused`],
    /// [`Rejection::NotEligible`].
    pub fn may_vote(&self, gate: &GateId, person: &Person, alone: bool) -> Result<(), Rejection> {
        let gate = self.open_gate_of(gate)?;
        self.eligible(gate, person, alone, "vote")
    }

    /// The gate, if it is open and the run listens to people.
    fn open_gate_of(&self, id: &GateId) -> Result<&Gate, Rejection> {
        let Some(gate) = self.find_gate(id) else {
            return Err(Rejection::NoSuchGate { hint: self.gate_hint(id) });
        };
        if let Some((_, resolution)) = &gate.resolution {
            return Err(Rejection::GateResolved { resolution: words::resolution(resolution) });
        }
        if self.state.pause.is_some() {
            return Err(Rejection::Paused);
        }
        Ok(gate)
    }

    fn gate_hint(&self, id: &GateId) -> String {
        let open: Vec<String> =
            self.open_gates().iter().take(5).map(|gate| gate.id.to_string()).collect();
        if open.is_empty() {
            format!("{id} was never opened, and no other is open")
        } else {
            format!("{id} was never opened; open are: {}", open.join(", "))
        }
    }

    /// Whether one of the slots is this person's to fill.
    fn eligible(
        &self,
        gate: &Gate,
        person: &Person,
        alone: bool,
        act: &'static str,
    ) -> Result<(), Rejection> {
        let refuse =
            |reason: String| Err(Rejection::NotEligible { who: person.name.clone(), act, reason });
        if person.name.starts_with(AGENT) {
            return refuse("agents never vote".to_owned());
        }
        if !alone && self.is_barred_initiator(gate, &person.name) {
            return refuse(
                "whoever started the run does not decide about it (`allow_self` is not set)"
                    .to_owned(),
            );
        }
        if gate.slots().iter().any(|slot| slot.admits(person)) {
            return Ok(());
        }
        let passed = gate.standing().rev().find(|handover| handover.from.name == person.name);
        if let Some(handover) = passed {
            return refuse(format!("they passed their slot to {}", handover.to.name));
        }
        refuse(format!("the approvers are {}", gate.policy.electorate.approvers.join(", ")))
    }

    fn is_barred_initiator(&self, gate: &Gate, name: &str) -> bool {
        let by = self.state.head.as_deref().map(|head| head.by.as_str());
        by == Some(name) && !gate.policy.electorate.allow_self
    }

    /// What people are asked before work starts can only be answered yes or no.
    fn changeable(&self, id: &GateId) -> Result<(), Rejection> {
        use pipeline::model::Work;
        let reason = match id.kind {
            GateKind::Start => "this gate stands before the work",
            GateKind::Trigger => "this gate stands before the stage",
            GateKind::Permission | GateKind::Question => "an attempt asks it, and it goes on",
            GateKind::Complete => {
                let Some(ix) = self.ix(&id.execution.stage) else { return Ok(()) };
                let stage = self.model(ix);
                match stage.work {
                    Work::Noop if stage.form.is_none() => "the stage does nothing",
                    Work::Noop
                    | Work::Form
                    | Work::Run { .. }
                    | Work::Python { .. }
                    | Work::Child { .. }
                    | Work::Agent(_)
                    | Work::Merge(_) => return Ok(()),
                }
            }
        };
        Err(Rejection::NothingToChange { reason: reason.to_owned() })
    }
}
