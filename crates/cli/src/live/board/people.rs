//! What people are asked and what they say.

use engine::event::{Decision, Event, FormOpened, GateId, GateKind, Policy, Resolution};
use jiff::Timestamp;

use super::activity::held;
use super::row::State;
use super::{Board, Note};
use crate::words;

impl Board {
    pub(super) fn people(&mut self, event: &Event, at: Timestamp, notes: &mut Vec<Note>) {
        self.asks = true;
        match event {
            Event::GateOpened { gate, policy, due, inquiry, .. } => {
                self.gate_opened(gate, policy, *due, at);
                let due = words::due(*due, at);
                let asked = match inquiry {
                    Some(inquiry) => format!("{}: ", words::one_line(&inquiry.question)),
                    None => String::new(),
                };
                let detail = format!("{asked}0 of {} approvals, expires {due}", policy.needed);
                self.say("Waiting", gate, detail, at, notes);
            }
            Event::GateVoted { gate, by, decision, comment, .. } => {
                self.voted(gate, &by.name, *decision, comment, at, notes);
            }
            Event::GateDelegated { gate, from, to, .. } => {
                let detail = format!("{} lets {} decide", from.name, to.name);
                self.say("Delegated", gate, detail, at, notes);
            }
            Event::DelegationRevoked { gate, from, to, by, .. } => {
                let detail = format!("{to} no longer decides for {from}, by {by}");
                self.say("Revoked", gate, detail, at, notes);
            }
            Event::GateReminded { gate, percent } => {
                let detail = format!("{percent} % of its time has passed");
                self.say("Reminder", gate, detail, at, notes);
            }
            Event::GateEscalated { gate, policy, due } => {
                self.gate_opened(gate, policy, *due, at);
                let due = words::due(*due, at);
                let detail = format!("to {}, expires {due}", who(policy));
                self.say("Escalated", gate, detail, at, notes);
            }
            Event::GateResolved { gate, resolution } => {
                self.resolved(gate, resolution, at, notes);
            }
            Event::FormOpened(form) => self.form_opened(form, at, notes),
            Event::FormSubmitted { execution, by, .. } => {
                self.set(&execution.to_string(), State::Idle);
                let shown = self.shown(&execution.to_string());
                notes.push(self.note(at, "Submitted", shown, format!("by {by}")));
            }
            Event::FormTimedOut { execution, .. } => {
                self.set(&execution.to_string(), State::Idle);
                let shown = self.shown(&execution.to_string());
                notes.push(self.note(at, "Timeout", shown, "nobody answered in time".to_owned()));
            }
            Event::RevisionRequested { execution, by, feedback, revision } => {
                let name = execution.to_string();
                self.set(&name, State::Idle);
                let detail = format!("{revision}, by {by}: {feedback}");
                notes.push(self.note(at, "Revision", self.shown(&name), detail));
            }
            Event::ExecutionHeld { .. }
            | Event::ExecutionTakenOver { .. }
            | Event::ExecutionHandedBack { .. }
            | Event::ExecutionAdvanced { .. } => self.hands(event, at, notes),
            Event::AwaitsEnvironment { execution, environment } => {
                let name = execution.to_string();
                self.set(&name, State::Environment { name: environment.clone(), since: at });
                let detail = format!("for `{environment}`, which another stage is in");
                notes.push(self.note(at, "Waiting", self.shown(&name), detail));
            }
            Event::EnvironmentGranted { execution } => {
                self.set(&execution.to_string(), State::Idle);
            }
            _ => {}
        }
    }

    /// Whose hands the work of a stage is in.
    fn hands(&mut self, event: &Event, at: Timestamp, notes: &mut Vec<Note>) {
        match event {
            Event::ExecutionHeld { execution, hold } => {
                let name = execution.to_string();
                self.set(&name, State::Held { hold: *hold, since: at });
                notes.push(self.note(at, "Waiting", self.shown(&name), held(*hold).to_owned()));
            }
            Event::ExecutionTakenOver { execution, by, .. } => {
                let name = execution.to_string();
                self.set(&name, State::Taken { by: by.name.clone(), since: at });
                let detail = format!("{} took over from the agent", by.name);
                notes.push(self.note(at, "Held", self.shown(&name), detail));
            }
            Event::ExecutionHandedBack { execution, by, note, accept, .. } => {
                let name = execution.to_string();
                self.set(&name, State::Running);
                let result = if *accept { ", as the result" } else { "" };
                let note = if note.is_empty() { String::new() } else { format!(": {note}") };
                let detail = format!("by {}{result}{}", by.name, words::one_line(&note));
                notes.push(self.note(at, "Handed", self.shown(&name), detail));
            }
            Event::ExecutionAdvanced { execution, by } => {
                let name = execution.to_string();
                self.set(&name, State::Idle);
                notes.push(self.note(at, "Advanced", self.shown(&name), format!("by {by}")));
            }
            _ => {}
        }
    }

    fn set(&mut self, name: &str, state: State) {
        if let Some(row) = self.rows.get_mut(name) {
            row.state = state;
        }
    }

    fn say(
        &self,
        label: &'static str,
        gate: &GateId,
        detail: String,
        at: Timestamp,
        notes: &mut Vec<Note>,
    ) {
        notes.push(self.note(at, label, self.shown(&gate.execution.to_string()), detail));
    }

    fn gate_opened(&mut self, gate: &GateId, policy: &Policy, due: Timestamp, at: Timestamp) {
        let state =
            State::Gate { have: 0, needed: policy.needed, who: who(policy), due, since: at };
        self.set(&gate.execution.to_string(), state);
    }

    fn voted(
        &mut self,
        gate: &GateId,
        by: &str,
        decision: Decision,
        comment: &str,
        at: Timestamp,
        notes: &mut Vec<Note>,
    ) {
        let name = gate.execution.to_string();
        let mut counted = String::new();
        if let Some(row) = self.rows.get_mut(&name)
            && let State::Gate { have, needed, .. } = &mut row.state
            && decision == Decision::Approve
        {
            // The server's list corrects it where somebody voted otherwise before.
            *have = (*have + 1).min(*needed);
            counted = format!(", {have} of {needed}");
        }
        let label = match decision {
            Decision::Approve => "Approved",
            Decision::Reject => "Rejected",
            Decision::RequestChanges => "Sent back",
        };
        let comment = if comment.is_empty() { String::new() } else { format!(": {comment}") };
        let by = if by == self.me { "you" } else { by };
        match self.asked.approvals.iter().find(|asked| asked.stage == name) {
            Some(asked) => {
                let detail = format!("by {by}, {}{counted}{comment}", self.shown(&name));
                notes.push(self.note(at, label, asked.id.clone(), detail));
            }
            // It was asked and answered before anybody looked who is asked.
            None => self.say(label, gate, format!("by {by}{counted}{comment}"), at, notes),
        }
    }

    fn resolved(
        &mut self,
        gate: &GateId,
        resolution: &Resolution,
        at: Timestamp,
        notes: &mut Vec<Note>,
    ) {
        let name = gate.execution.to_string();
        match gate.kind {
            GateKind::Start | GateKind::Complete | GateKind::Trigger => {
                self.set(&name, State::Idle);
            }
            // Whoever asked went on all the time, or somebody took over.
            GateKind::Permission | GateKind::Question => {
                let asks = self.rows.get(&name).map(|row| &row.state);
                if matches!(asks, Some(State::Gate { .. })) {
                    self.set(&name, State::Running);
                }
            }
        }
        let detail = match resolution {
            // The vote has been told.
            Resolution::Approved
            | Resolution::Rejected { .. }
            | Resolution::ChangesRequested { .. } => return,
            Resolution::TimedOutApproved => "nobody decided in time; approved",
            Resolution::TimedOutRejected => "nobody decided in time; rejected",
            Resolution::TimedOutSkipped => "nobody decided in time; skipped",
            Resolution::TimedOutFailed => "nobody decided in time; failed",
            Resolution::Void { reason } => {
                let detail = format!("nobody is asked any more: {reason}");
                self.say("Void", gate, detail, at, notes);
                return;
            }
        };
        self.say("Timeout", gate, detail.to_owned(), at, notes);
    }

    fn form_opened(&mut self, form: &FormOpened, at: Timestamp, notes: &mut Vec<Note>) {
        let name = form.execution.to_string();
        self.set(&name, State::Form { due: form.due, since: at });
        let mut detail = "for its form".to_owned();
        if form.revision > 0 {
            detail += &format!(", revision {}", form.revision);
        }
        if let Some(due) = form.due {
            detail += &format!(", expires {}", words::due(due, at));
        }
        notes.push(self.note(at, "Waiting", self.shown(&name), detail));
    }
}

fn who(policy: &Policy) -> String {
    let approvers = &policy.electorate.approvers;
    if approvers.is_empty() { "anybody".to_owned() } else { approvers.join(", ") }
}
