//! What people can be told of.

use std::fmt;

/// The kinds that a rule may name (a test notice has none of them).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A gate opened, was escalated, or a slot was passed on.
    ApprovalRequested,
    /// 50 % or 90 % of the time have passed, or what the gate says.
    ApprovalReminder,
    ApprovalResolved,
    /// A form opened.
    InputRequested,
    RunFailed,
    RunSucceeded,
    /// The first success of the pipeline after a failure.
    RunRecovered,
    RunCancelled,
    /// Nobody knows whether the work was done: a person has to say.
    StageUnknown,
}

impl Kind {
    /// Those that rules may name.
    pub(crate) const RULED: [Self; 9] = [
        Self::ApprovalRequested,
        Self::ApprovalReminder,
        Self::ApprovalResolved,
        Self::InputRequested,
        Self::RunFailed,
        Self::RunSucceeded,
        Self::RunRecovered,
        Self::RunCancelled,
        Self::StageUnknown,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::ApprovalRequested => "approval.requested",
            Self::ApprovalReminder => "approval.reminder",
            Self::ApprovalResolved => "approval.resolved",
            Self::InputRequested => "input.requested",
            Self::RunFailed => "run.failed",
            Self::RunSucceeded => "run.succeeded",
            Self::RunRecovered => "run.recovered",
            Self::RunCancelled => "run.cancelled",
            Self::StageUnknown => "stage.unknown",
        }
    }

    /// A kind that a rule may name.
    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::RULED.into_iter().find(|kind| kind.word() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
