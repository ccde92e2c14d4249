//! A person takes the place of an agent that works, and hands the work back.

use pipeline::model::{Crew, Work};

use super::{ADMIN, AGENT};
use crate::command::{HandBack, LetGo, Rejection, TakeOver};
use crate::event::Event;
use crate::id::ExecutionId;
use crate::run::Run;
use crate::state::ExecIx;
use crate::state::execution::ExecutionState;
use crate::state::taken::Taken;
use crate::words;

impl Run {
    /// Nothing when the same person holds it already.
    pub(in crate::decide) fn take_over(&self, asked: TakeOver) -> Result<Vec<Event>, Rejection> {
        let TakeOver { execution, by } = asked;
        self.unfinished()?;
        let ix = self.exec_ix(&execution).ok_or_else(|| self.no_such(&execution))?;
        let refuse = |reason: String| {
            Err(Rejection::CannotTakeOver { execution: execution.to_string(), reason })
        };
        if let Err(reason) = self.takeable(ix) {
            return refuse(reason.to_owned());
        }
        if by.name.starts_with(AGENT) {
            let reason = "agents take nobody's place".to_owned();
            return Err(Rejection::NotEligible { who: by.name, act: "take over", reason });
        }
        if let Some(held) = self.state.holder(ix) {
            return if held.by.name == by.name {
                Ok(Vec::new())
            } else {
                Err(held_by(&execution, held))
            };
        }
        match self.state.exec(ix).state {
            ExecutionState::Live { stopping: None, .. } => {}
            ExecutionState::Live { stopping: Some(reason), .. } => {
                return refuse(format!("it is being {}", words::stopped(reason)));
            }
            ExecutionState::Idle
            | ExecutionState::Waiting(_)
            | ExecutionState::Queued { .. }
            | ExecutionState::Ended(_)
            | ExecutionState::Backoff { .. }
            | ExecutionState::Unknown { .. }
            | ExecutionState::Settled(_) => {
                let status = self.execution_status(ix).word();
                return refuse(format!("it is {status}; an attempt that runs can be taken over"));
            }
        }
        if self.state.pause.is_some() {
            return Err(Rejection::Paused);
        }
        let hold = self.holds(ix) + 1;
        Ok(vec![Event::ExecutionTakenOver { execution, hold, by }])
    }

    /// The attempt has let go. Nothing when it said the same before.
    pub(in crate::decide) fn let_go(&self, said: LetGo) -> Result<Vec<Event>, Rejection> {
        let LetGo { attempt, hold, attach } = said;
        let stale = || Rejection::Stale {
            execution: attempt.execution.to_string(),
            attempt: attempt.number,
        };
        self.unfinished()?;
        let ix = self.live(&attempt).ok_or_else(stale)?;
        let stopping =
            !matches!(self.state.exec(ix).state, ExecutionState::Live { stopping: None, .. });
        let held = self.state.holder(ix).filter(|_| !stopping && self.holds(ix) == hold);
        let held = held.ok_or_else(stale)?;
        let known = held.attach.as_ref();
        if known.is_some_and(|(fence, known)| *fence == attempt.fence && *known == attach) {
            return Ok(Vec::new());
        }
        Ok(vec![Event::AttemptLetGo { attempt, hold, attach }])
    }

    pub(in crate::decide) fn hand_back(&self, asked: HandBack) -> Result<Vec<Event>, Rejection> {
        let HandBack { execution, by, note, accept } = asked;
        self.unfinished()?;
        let ix = self.exec_ix(&execution).ok_or_else(|| self.no_such(&execution))?;
        let Some(held) = self.state.holder(ix) else {
            let people = self.state.exec(ix).people.as_deref();
            let before = people.and_then(|people| people.taken.last()?.back.as_ref());
            let status = self.execution_status(ix).word();
            let hint = match before {
                Some(back) => {
                    format!("{} handed it back at {}; it is {status}", back.by.name, back.at)
                }
                None => format!("it is {status}; what is taken over first can be handed back"),
            };
            return Err(Rejection::NotTakenOver { execution: execution.to_string(), hint });
        };
        if held.by.name != by.name && !by.groups.iter().any(|group| group == ADMIN) {
            return Err(held_by(&execution, held));
        }
        if let ExecutionState::Live { stopping: Some(reason), .. } = self.state.exec(ix).state {
            let hint = format!("it is being {}", words::stopped(reason));
            return Err(Rejection::NotTakenOver { execution: execution.to_string(), hint });
        }
        if self.state.pause.is_some() {
            return Err(Rejection::Paused);
        }
        let hold = self.holds(ix);
        Ok(vec![Event::ExecutionHandedBack { execution, hold, by, note, accept }])
    }

    /// How often it was taken over so far.
    fn holds(&self, ix: ExecIx) -> u32 {
        let people = self.state.exec(ix).people.as_deref();
        people.map_or(0, |people| u32::try_from(people.taken.len()).unwrap_or(u32::MAX - 1))
    }

    /// # Errors
    /// Why there is nobody whose place a person could take.
    fn takeable(&self, ix: ExecIx) -> Result<(), &'static str> {
        match &self.model(ix.stage).work {
            Work::Agent(work) => match &work.crew {
                Crew::Single { .. } | Crew::Loop { .. } => Ok(()),
                Crew::Discussion(_) | Crew::Meta(_) => Err(
                    "several agents work there, and none of them has the work to itself; answer \
                     what they ask, or cancel the run",
                ),
            },
            Work::Run { .. }
            | Work::Python { .. }
            | Work::Noop
            | Work::Form
            | Work::Child { .. }
            | Work::Merge(_) => Err("no agent works there; only an agent can be taken over"),
        }
    }
}

fn held_by(execution: &ExecutionId, held: &Taken) -> Rejection {
    let (execution, by) = (execution.to_string(), held.by.name.clone());
    Rejection::HeldByHuman { execution, by, since: held.since }
}
