//! A live attempt asks people whether it may do something, or for words.

use jiff::Timestamp;

use crate::command::{Inquire, Rejection};
use crate::event::{Event, GateId, GateKind, Inquiry, Resolution};
use crate::run::Run;
use crate::shown;
use crate::state::execution::ExecutionState;
use crate::state::later;
use crate::state::people::Gate;

impl Run {
    /// The gate; nothing when the same was asked before and is open or answered. What was taken
    /// back when the attempt that asked it ended is asked anew.
    pub(in crate::decide) fn inquire(
        &self,
        asked: Inquire,
        now: Timestamp,
    ) -> Result<Vec<Event>, Rejection> {
        let Inquire { attempt, kind, key, question, choices, detail } = asked;
        let stale = || Rejection::Stale {
            execution: attempt.execution.to_string(),
            attempt: attempt.number,
        };
        let ix = self.live(&attempt).ok_or_else(stale)?;
        if !matches!(self.state.exec(ix).state, ExecutionState::Live { stopping: None, .. }) {
            return Err(stale());
        }
        if let Some(held) = self.state.holder(ix) {
            let (by, since) = (held.by.name.clone(), held.since);
            let execution = attempt.execution.to_string();
            return Err(Rejection::HeldByHuman { execution, by, since });
        }
        if key.trim().is_empty() {
            return Err(Rejection::Blank { what: "the key of an inquiry" });
        }
        if question.trim().is_empty() {
            return Err(Rejection::Blank { what: "what is asked" });
        }
        let gates = self.state.exec(ix).people.as_deref().map_or(&[][..], |people| &people.gates);
        let of_key = |gate: &&Gate| gate.inquiry.as_ref().is_some_and(|of| of.key == key);
        let before = gates.iter().rev().find(of_key);
        if before.is_some_and(|gate| !gate.was_taken_back()) {
            return Ok(Vec::new());
        }
        if gates.last().is_some_and(Gate::is_open) {
            let execution = attempt.execution.to_string();
            return Err(Rejection::AsksAlready { execution, attempt: attempt.number });
        }
        let kind = match kind {
            GateKind::Question => GateKind::Question,
            GateKind::Permission | GateKind::Start | GateKind::Complete | GateKind::Trigger => {
                GateKind::Permission
            }
        };
        let policy = self.state.inquiry_policy(self.model(ix.stage), kind);
        let inquiry = Inquiry { key, attempt: attempt.number, question, choices, detail };
        let generation = u32::try_from(gates.len()).unwrap_or(u32::MAX - 1) + 1;
        Ok(vec![Event::GateOpened {
            due: later(now, policy.electorate.timeout),
            gate: GateId { execution: attempt.execution, kind, generation },
            policy,
            digest: shown::digest(&self.shown_of_inquiry(ix, kind, &inquiry)),
            instructions: String::new(),
            inquiry: Some(Box::new(inquiry)),
        }])
    }

    /// Whether these words answer what was asked.
    pub(super) fn answers_inquiry(&self, gate: &Gate, words: &str) -> Result<(), Rejection> {
        let Some(inquiry) = gate.inquiry.as_deref().filter(|_| gate.kind == GateKind::Question)
        else {
            return Ok(());
        };
        if words.trim().is_empty() {
            return Err(Rejection::Blank { what: "the answer (the comment)" });
        }
        if !inquiry.choices.is_empty() && !inquiry.choices.iter().any(|choice| choice == words) {
            let choices = inquiry.choices.join(", ");
            return Err(Rejection::NoSuchChoice { answer: words.to_owned(), choices });
        }
        Ok(())
    }
}

impl Gate {
    fn was_taken_back(&self) -> bool {
        matches!(self.resolution, Some((_, Resolution::Void { .. })))
    }
}
