//! Judging a command: the events that answer it, before anything that follows from them, or a
//! [`Rejection`].

mod child;
mod control;
mod create;
mod deliver;
mod people;
mod report;
pub(crate) mod retry;
mod rewind;
mod rollback;
mod timer;

use jiff::Timestamp;

use crate::command::{Command, Rejection};
use crate::event::Event;
use crate::run::Run;
use crate::state::Phase;
use crate::status::final_word;

pub use people::ADMIN;
pub use report::PROBE;

impl Run {
    pub(crate) fn decide(&self, command: Command, now: Timestamp) -> Result<Vec<Event>, Rejection> {
        if let Command::Create(create) = command {
            return match self.state.phase {
                Phase::Uncreated => self.create(*create, now).map(|event| vec![event]),
                Phase::Pending { .. } | Phase::Active | Phase::Finished { .. } => {
                    Err(Rejection::AlreadyCreated)
                }
            };
        }
        if self.state.phase == Phase::Uncreated {
            return Err(Rejection::NotCreated);
        }
        match command {
            Command::Create(_) => Err(Rejection::AlreadyCreated),
            Command::Admit => self.admit().map(|event| vec![event]),
            Command::Pause { by, now } => self.pause(by, now).map(|event| vec![event]),
            Command::Resume { by } => self.resume(by).map(|event| vec![event]),
            Command::Cancel { by, reason } => self.cancel(by, reason).map(|event| vec![event]),
            Command::Retry { by, from } => self.retry(by, from.as_ref()).map(|event| vec![event]),
            Command::Resolve { by, execution, verdict } => {
                self.resolve(by, &execution, verdict).map(|event| vec![event])
            }
            Command::Report { attempt, report } => {
                self.report(attempt, report).map(|event| vec![event])
            }
            Command::Inquire(asked) => self.inquire(*asked, now),
            Command::TakeOver(asked) => self.take_over(asked),
            Command::LetGo(said) => self.let_go(*said),
            Command::HandBack(asked) => self.hand_back(asked),
            Command::Vote(vote) => self.vote(*vote),
            Command::Delegate(delegate) => self.delegate(*delegate),
            Command::Revoke(revoke) => self.revoke(*revoke),
            Command::Submit(submit) => self.submit(*submit),
            Command::Advance(advance) => self.advance(advance),
            Command::SetBreakpoints(breakpoints) => self.set_breakpoints(breakpoints),
            Command::Grant { execution } => self.grant(execution),
            Command::Rewind(asked) => self.rewind(asked),
            Command::UndoRewind { by } => self.undo_rewind(by),
            Command::Deliver { occurrence } => self.deliver(*occurrence),
            Command::RollBack(asked) => self.roll_back(asked).map(|event| vec![event]),
            Command::Fire { timer } => self.fire(&timer, now).map(|event| vec![event]),
        }
    }

    fn unfinished(&self) -> Result<(), Rejection> {
        match &self.state.phase {
            Phase::Finished { status, .. } => {
                Err(Rejection::Finished { status: final_word(*status) })
            }
            Phase::Uncreated => Err(Rejection::NotCreated),
            Phase::Pending { .. } | Phase::Active => Ok(()),
        }
    }
}
