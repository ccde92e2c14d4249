//! Votes: one rejection rejects, one request for changes sends back, enough approvals approve.

use crate::command::{Rejection, Vote};
use crate::event::{Decision, Event, Resolution};
use crate::quorum;
use crate::run::Run;

impl Run {
    /// The vote, and the end of the gate when it decides it.
    pub(in crate::decide) fn vote(&self, vote: Vote) -> Result<Vec<Event>, Rejection> {
        let Vote { gate: id, by, decision, comment, digest, alone } = vote;
        let gate = self.open_gate_of(&id)?;
        self.eligible(gate, &by, alone, "vote")?;
        if let Some(shown) = digest.filter(|shown| *shown != gate.digest) {
            return Err(Rejection::StaleDigest { shown, current: gate.digest.clone() });
        }
        match decision {
            Decision::Approve => self.answers_inquiry(gate, &comment)?,
            Decision::Reject => not_blank(&comment, "the reason of a rejection")?,
            Decision::RequestChanges => {
                self.changeable(&id)?;
                not_blank(&comment, "the feedback of a request for changes")?;
            }
        }
        if gate.standing_vote(&by.name).is_some_and(|cast| cast.decision == decision) {
            let decision = crate::words::decision(decision);
            return Err(Rejection::VotedAlready { who: by.name, decision });
        }
        let resolution = match decision {
            Decision::Approve => {
                let mut approvers = gate.approvers();
                approvers.push(&by);
                let enough = quorum::filled(&gate.slots(), &approvers) >= gate.policy.needed;
                enough.then_some(Resolution::Approved)
            }
            Decision::Reject => {
                Some(Resolution::Rejected { by: by.name.clone(), reason: comment.clone() })
            }
            Decision::RequestChanges => Some(Resolution::ChangesRequested {
                by: by.name.clone(),
                feedback: comment.clone(),
            }),
        };
        let digest = gate.digest.clone();
        let mut events = vec![Event::GateVoted { gate: id.clone(), by, decision, comment, digest }];
        events.extend(resolution.map(|resolution| Event::GateResolved { gate: id, resolution }));
        Ok(events)
    }
}

fn not_blank(text: &str, what: &'static str) -> Result<(), Rejection> {
    if text.trim().is_empty() { Err(Rejection::Blank { what }) } else { Ok(()) }
}
