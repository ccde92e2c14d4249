//! Why the shell says no.

use engine::command::Rejection;
use engine::event::Rollout;
use store::port::{Error, Refusal};

/// Every refusal and failure that a caller can meet. Only `http` knows what status it becomes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("too many requests are waiting")]
    Overloaded,
    #[error("the disk is full: nothing can be stored until there is room")]
    StorageFull,
    #[error("the server is stopping")]
    Stopping,
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error(transparent)]
    Catalog(#[from] Refusal),
    #[error("worker `{name}`: {problem}")]
    Worker { name: String, problem: String },
    #[error("there is no {what} `{name}`")]
    NotFound { what: &'static str, name: String },
    #[error("runs are not started more than {depth} deep inside each other")]
    TooDeep { depth: u32 },
    #[error("this installation is in {} mode; {} is bolder", .installed.word(), .asked.word())]
    Bolder { asked: Rollout, installed: Rollout },
    #[error("{problem}")]
    NotInEarnest { problem: &'static str },
    #[error("task `{id}` exists already")]
    TaskExists { id: String },
    #[error("task `{id}` is under way: `{run}` has not ended")]
    TaskActive { id: String, run: String },
    #[error("task `{id}` cannot start before {} {}", .missing.join(", "), if .missing.len() == 1 { "is done" } else { "are done" })]
    TaskBlocked { id: String, missing: Vec<String> },
    #[error("task `{id}` is needed by {}", .by.join(", "))]
    TaskNeeded { id: String, by: Vec<String> },
    /// Each with what and for how long; `asked` as the command line writes it.
    #[error("the modes cannot be switched while {} {} busy: {}", .busy.len(), if .busy.len() == 1 { "is" } else { "are" }, .busy.join("; "))]
    RolloutBusy { busy: Vec<String>, asked: String },
    #[error("no switch waits")]
    NotDraining,
    /// What is wished of the roll-out cannot be.
    #[error("`{field}`: {problem}")]
    RolloutUnfit { field: &'static str, problem: String },
    /// What is written in a task cannot be.
    #[error("`{field}`: {problem}")]
    TaskUnfit { field: &'static str, problem: String },
    #[error("there is no event {at}: the run has 1 to {last}")]
    NoSuchEvent { at: u64, last: u64 },
    #[error("pipeline `{name}` is disabled: it starts nothing")]
    Disabled { name: String },
    #[error("revision {revision} of pipeline `{name}` cannot be read any more: {problem}")]
    Unreadable { name: String, revision: u32, problem: String },
    #[error("run {run} is damaged and stopped: {problem}")]
    Damaged { run: String, problem: String },
    /// By retention.
    #[error("the journal of run {run} was emptied at {at}: its line and its decisions are left")]
    Emptied { run: String, at: jiff::Timestamp },
    /// What is wrong with `config.yaml`, with places.
    #[error("{0}")]
    Config(String),
    /// Larger than allowed, or more than the quota.
    #[error("{0}")]
    TooMuch(String),
    #[error("{0}")]
    Internal(String),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        match error {
            Error::Storage { full: true, .. } => Self::StorageFull,
            Error::Corrupt { run, problem } => Self::Damaged { run, problem },
            Error::Emptied { run, at } => Self::Emptied { run, at },
            error @ (Error::Storage { .. }
            | Error::Broken { .. }
            | Error::Newer { .. }
            | Error::Vanished { .. }
            | Error::InUse { .. }) => Self::Internal(chain(&error)),
        }
    }
}

impl From<blobs::Error> for Refused {
    fn from(error: blobs::Error) -> Self {
        match error {
            error if error.is_full() => Self::StorageFull,
            error @ (blobs::Error::TooLarge { .. } | blobs::Error::Quota { .. }) => {
                Self::TooMuch(error.to_string())
            }
            blobs::Error::NoDigest { given: name } | blobs::Error::Missing { digest: name } => {
                Self::NotFound { what: "content", name }
            }
            error @ (blobs::Error::Source { .. }
            | blobs::Error::Damaged { .. }
            | blobs::Error::Io { .. }) => Self::Internal(chain(&error)),
        }
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
