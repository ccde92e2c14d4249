//! What people make of one execution: plain recursion over what each of them will say.

use engine::event::Outcome;
use engine::event::{Decision, GateId, GateKind, Person};
use engine::id::ExecutionId;
use pipeline::model::{Electorate, FormTimeout, OnTimeout};

use super::{Halt, Oracle};
use crate::sim::spec::{INITIATOR, Kind, MapSpec, Micros, SECOND, StageSpec, seated};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Approved,
    Refused,
    Skipped,
    Changes,
}

fn may(who: &Person, gate: &Electorate) -> bool {
    (who.name != INITIATOR || gate.allow_self)
        && (gate.approvers.is_empty() || gate.approvers.iter().any(|entry| who.is(entry)))
}

/// Enough of them fill slots, each at most one.
fn enough(gate: &Electorate, approving: &[Person]) -> bool {
    let needed = gate.quorum.of(gate.approvers.len()) as usize;
    if gate.approvers.is_empty() {
        return approving.len() >= needed;
    }
    let needed = needed.min(gate.approvers.len());
    let fits =
        |entry: &String| (0..approving.len()).filter(|at| approving[*at].is(entry)).collect();
    let places: Vec<Vec<usize>> = gate.approvers.iter().map(fits).collect();
    seated(&places, needed, &mut vec![])
}

impl Oracle<'_> {
    /// One execution from its turn to its end, with everything that people are asked on the way.
    pub(super) fn execution(
        &mut self,
        stage: &StageSpec,
        id: &ExecutionId,
        start: Micros,
        halt: Option<Halt>,
    ) -> (Outcome, Micros) {
        let mut now = start;
        let (mut gates, mut forms, mut revision) = (0, 0, 0);
        if stage.asks.held {
            now += self.spec.advancing(id);
        }
        let mapped = stage.flow.mapping.as_ref().is_none_or(MapSpec::holds);
        if let Some(gate) = stage.start_gate() {
            // What cannot be started is not asked about.
            if !mapped && stage.asks.form.is_none() {
                return (Outcome::Failed, now);
            }
            gates += 1;
            let (word, at) = self.gate(&gate, id, GateKind::Start, gates, now, false);
            now = at;
            match word {
                Word::Approved => {}
                Word::Refused | Word::Changes => return (Outcome::Failed, now),
                Word::Skipped => return (Outcome::Skipped, now),
            }
        }
        loop {
            if stage.asks.form.is_some() {
                forms += 1;
                match self.form(stage, id, forms, now, revision) {
                    Ok(at) => now = at,
                    Err(end) => return end,
                }
            }
            if stage.kind.works() && !mapped {
                return (Outcome::Failed, now);
            }
            if stage.kind.works() {
                let (outcome, at) = self.work(stage, id, now, halt);
                now = at;
                if outcome != Outcome::Succeeded {
                    return (outcome, now);
                }
            }
            let Some(gate) = &stage.complete_gate() else { return (Outcome::Succeeded, now) };
            gates += 1;
            let idle = stage.kind == Kind::Noop && stage.asks.form.is_none();
            let (word, at) = self.gate(gate, id, GateKind::Complete, gates, now, idle);
            now = at;
            match word {
                Word::Approved => return (Outcome::Succeeded, now),
                Word::Refused => return (Outcome::Failed, now),
                Word::Skipped => return (Outcome::Skipped, now),
                Word::Changes if revision == stage.asks.max_revisions => {
                    return (Outcome::Failed, now);
                }
                Word::Changes => revision += 1,
            }
        }
    }

    /// `idle`: there is nothing whose change could be asked for.
    fn gate(
        &self,
        gate: &Electorate,
        id: &ExecutionId,
        kind: GateKind,
        generation: u32,
        opened: Micros,
        idle: bool,
    ) -> (Word, Micros) {
        let id = GateId { execution: id.clone(), kind, generation };
        let lasts = u64::try_from(gate.timeout.as_micros()).unwrap();
        let mut gate = gate.clone();
        let mut opened = opened;
        for escalated in [false, true] {
            let mut approving = vec![];
            for (after, who, decision) in self.spec.voting(&id, escalated) {
                if after >= lasts {
                    break;
                }
                if !may(&who, &gate) || (idle && decision == Decision::RequestChanges) {
                    continue;
                }
                let at = opened + after;
                match decision {
                    Decision::Reject => return (Word::Refused, at),
                    Decision::RequestChanges => return (Word::Changes, at),
                    Decision::Approve => approving.push(who),
                }
                if enough(&gate, &approving) {
                    return (Word::Approved, at);
                }
            }
            opened += lasts;
            match gate.on_timeout {
                OnTimeout::Approve => return (Word::Approved, opened),
                OnTimeout::Skip => return (Word::Skipped, opened),
                OnTimeout::Reject | OnTimeout::Fail => return (Word::Refused, opened),
                OnTimeout::Escalate => {}
            }
            gate.approvers.clone_from(&gate.escalate_to);
        }
        (Word::Refused, opened)
    }

    /// When it was answered, or what becomes of the execution.
    fn form(
        &self,
        stage: &StageSpec,
        id: &ExecutionId,
        generation: u32,
        opened: Micros,
        revision: u32,
    ) -> Result<Micros, (Outcome, Micros)> {
        let form = stage.asks.form.as_ref().unwrap();
        if form.missing && form.prefilled && revision == 0 {
            return Ok(opened);
        }
        let deadline = form.timeout.map(|timeout| opened + timeout * SECOND);
        let said = self.spec.answering(id, generation).map(|(after, _)| opened + after);
        match (said, deadline) {
            (Some(at), None) => Ok(at),
            (Some(at), Some(deadline)) if at < deadline => Ok(at),
            (_, Some(deadline)) => match form.on_timeout {
                FormTimeout::Submit if form.prefilled || generation > 1 => Ok(deadline),
                FormTimeout::Submit | FormTimeout::Fail => Err((Outcome::Failed, deadline)),
                FormTimeout::Skip => Err((Outcome::Skipped, deadline)),
            },
            (None, None) => unreachable!("whoever is not hurried answers"),
        }
    }
}
