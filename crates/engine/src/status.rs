//! The words people see, derived from the state.

use crate::event::{Conclusion, FinalStatus, Outcome};
use crate::run::Run;
use crate::state::Phase;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Waits for its turn in its concurrency group.
    Pending,
    Running,
    /// Nothing runs or could run before a person decides, or an event comes.
    Waiting,
    Paused,
    Cancelling,
    Succeeded,
    Failed,
    Cancelled,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Cancelling => "cancelling",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn is_final(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
            Self::Pending | Self::Running | Self::Waiting | Self::Paused | Self::Cancelling => {
                false
            }
        }
    }
}

impl Run {
    /// `Pending` before the run was created.
    pub fn status(&self) -> Status {
        match &self.state.phase {
            Phase::Finished { status, .. } => match status {
                FinalStatus::Succeeded => Status::Succeeded,
                FinalStatus::Failed => Status::Failed,
                FinalStatus::Cancelled => Status::Cancelled,
            },
            Phase::Uncreated => Status::Pending,
            Phase::Pending { .. } | Phase::Active if self.state.pause.is_some() => Status::Paused,
            Phase::Pending { .. } => Status::Pending,
            Phase::Active if self.state.cancel.is_some() => Status::Cancelling,
            Phase::Active if self.waits_for_people() => Status::Waiting,
            Phase::Active => Status::Running,
        }
    }

    fn waits_for_people(&self) -> bool {
        let links = &self.state.links;
        let waits = !links.unknown.is_empty()
            || !links.people.is_empty()
            || !links.inquired.is_empty()
            || !links.taken.is_empty()
            || !links.gated.is_empty()
            || !links.listening.is_empty()
            || !links.feeding.is_empty();
        waits
            && links.locked.is_empty()
            && links.probing.is_empty()
            && links.live.len() == links.inquired.len() + links.taken.len()
            && links.ready.is_empty()
            && links.backoff == 0
    }
}

pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::Cancelled => "cancelled",
        Outcome::Skipped => "skipped",
        Outcome::NotRun => "not_run",
        Outcome::WouldHave => "would_have",
    }
}

pub fn conclusion(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Success => "success",
        Conclusion::Warning => "warning",
        Conclusion::Failure => "failure",
        Conclusion::Cancelled => "cancelled",
        Conclusion::Skipped => "skipped",
        Conclusion::NotRun => "not_run",
    }
}

pub(crate) fn final_word(status: FinalStatus) -> &'static str {
    match status {
        FinalStatus::Succeeded => "succeeded",
        FinalStatus::Failed => "failed",
        FinalStatus::Cancelled => "cancelled",
    }
}
