//! Passing one slot on, and taking it back.

use super::{ADMIN, AGENT};
use crate::command::{Delegate, Rejection, Revoke};
use crate::event::Event;
use crate::quorum::{self, Slot};
use crate::run::Run;

/// How often one slot may be passed on.
const MAX_DELEGATIONS: usize = 3;

impl Run {
    /// `to` stands in for `by` in the first slot that `by` could still fill.
    pub(in crate::decide) fn delegate(&self, delegate: Delegate) -> Result<Vec<Event>, Rejection> {
        let Delegate { gate: id, by, to } = delegate;
        let gate = self.open_gate_of(&id)?;
        self.eligible(gate, &by, false, "delegate")?;
        if to.name.trim().is_empty() {
            return Err(Rejection::Blank { what: "the person to delegate to" });
        }
        let refuse = |reason: String| Rejection::BadDelegation { to: to.name.clone(), reason };
        if gate.standing_vote(&by.name).is_some() {
            return Err(refuse(format!("{} has already voted", by.name)));
        }
        if to.name == by.name {
            return Err(refuse("nobody stands in for themselves".to_owned()));
        }
        if to.name.starts_with(AGENT) {
            return Err(refuse("agents never vote".to_owned()));
        }
        if self.is_barred_initiator(gate, &to.name) {
            return Err(refuse("they started the run, and do not decide about it".to_owned()));
        }
        let slots = gate.slots();
        let place = quorum::place_for(&slots, &gate.approvers(), &by)
            .ok_or_else(|| refuse("others have filled every slot of theirs".to_owned()))?;
        let chain = chain(&slots[place], &by.name);
        if chain.contains(&to.name.as_str()) {
            return Err(refuse("the slot came from them, and would go in a circle".to_owned()));
        }
        if slots.iter().any(|slot| slot.admits(&to)) {
            return Err(refuse("they may decide here already".to_owned()));
        }
        if chain.len() >= MAX_DELEGATIONS {
            return Err(refuse(format!("a slot is passed on {MAX_DELEGATIONS} times at most")));
        }
        let slot = u32::try_from(place).unwrap_or(u32::MAX);
        Ok(vec![Event::GateDelegated { gate: id, slot, from: by, to }])
    }

    /// Also ends what was passed on further, the last one first.
    pub(in crate::decide) fn revoke(&self, revoke: Revoke) -> Result<Vec<Event>, Rejection> {
        let Revoke { gate: id, by, to } = revoke;
        let gate = self.open_gate_of(&id)?;
        let refuse = |reason: String| Rejection::CannotRevoke { to: to.clone(), reason };
        let passed = gate.standing().find(|handover| handover.to.name == to);
        let Some(passed) = passed else {
            return Err(refuse("no slot is passed to them".to_owned()));
        };
        if passed.from.name != by.name && !by.groups.iter().any(|group| group == ADMIN) {
            return Err(Rejection::NotEligible {
                who: by.name,
                act: "revoke",
                reason: format!("the delegation is that of {}", passed.from.name),
            });
        }
        let mut ended = Vec::new();
        let mut holder = to.as_str();
        let mut next = Some(passed);
        while let Some(handover) = next {
            holder = &handover.to.name;
            ended.push(Event::DelegationRevoked {
                gate: id.clone(),
                slot: handover.slot,
                by: by.name.clone(),
                from: handover.from.name.clone(),
                to: handover.to.name.clone(),
            });
            next = gate.standing().find(|further| {
                further.slot == passed.slot && further.from.name == handover.to.name
            });
        }
        if gate.standing_vote(holder).is_some() {
            return Err(refuse(format!("{holder} has already voted")));
        }
        ended.reverse();
        Ok(ended)
    }
}

/// Those who passed this slot on until it came to `name`.
fn chain<'s>(slot: &Slot<'s>, name: &str) -> Vec<&'s str> {
    let mut chain: Vec<&str> = Vec::new();
    let mut holder = name;
    for (from, to) in slot.passed().iter().rev() {
        if *to == holder {
            chain.push(from);
            holder = from;
        }
    }
    chain
}
