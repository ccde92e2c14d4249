//! What can be asked of a run.

use indexmap::IndexMap;
use jiff::Timestamp;
use pipeline::when::Facts;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::event::Usage;
use crate::id::{Actor, AttemptId, ExecutionId, RunId};

/// Every command is answered by events or a [`Rejection`]; none of them panics, whatever the state.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Creates the run; only valid on a [`crate::Run`] without events.
    Create(Box<Create>),
    /// The dispatcher found room in the run's concurrency group: `pending` ends.
    Admit,
    /// Dispatch stops at once; with `now`, live attempts are stopped and do not count.
    Pause {
        by: Actor,
        now: bool,
    },
    Resume {
        by: Actor,
    },
    Cancel {
        by: Actor,
        reason: String,
    },
    /// Runs failed, cancelled and not-run work of a settled run again; with `from`, that stage and
    /// all that descends from it. Succeeded work outside of it stays.
    Retry {
        by: Actor,
        from: Option<ExecutionId>,
    },
    /// A person (or the probe) says what became of an attempt whose outcome is `unknown`.
    Resolve {
        by: Actor,
        execution: ExecutionId,
        verdict: Verdict,
    },
    /// From the hands. Refused as [`Rejection::Stale`] unless the attempt is live.
    Report {
        attempt: AttemptId,
        report: Report,
    },
    /// A timer that `desired` asked for is due.
    Fire {
        timer: TimerId,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Create {
    pub run: RunId,
    pub number: u64,
    pub revision: u32,
    /// Digest of the revision's text.
    pub digest: String,
    pub by: Actor,
    /// As given; `Create` is rejected when a value is missing, unknown or breaks its schema.
    pub inputs: IndexMap<String, Json>,
    /// What started the run; `null` for a manual start. `${event.*}`.
    pub event: Json,
    pub facts: Facts,
    /// Directory in which relative working directories begin.
    pub directory: String,
    /// All chance of the run (jitter) is drawn from it.
    pub seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Retry,
    Succeeded,
    Failed,
}

/// What the hands say about an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// The child exists.
    Started { worker: String, pid: Option<u32> },
    /// The child and its whole tree are gone.
    Exited(Exit),
    /// It could not be started: missing program, missing folder, bad workspace.
    NotStarted { message: String },
    /// Its keeper or worker is gone and nobody can say what became of it.
    Lost { message: String },
    /// The probe of an `unknown` attempt ended.
    Probed { exit_code: Option<i32> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Exit {
    pub end: End,
    /// What the stage wrote to `$ORCHESTRATE_OUTPUT`, not yet checked against its declaration.
    pub outputs: Result<IndexMap<String, Json>, String>,
    pub usage: Usage,
    /// The last lines of its output, at most 20 lines and 4 KiB, secrets masked.
    pub tail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Code(i32),
    /// Killed by a signal that we did not send.
    Signal(i32),
    /// Stopped by us, for this reason.
    Stopped(StopReason),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    Timeout,
    IdleTimeout,
    TotalTimeout,
    Cancelled,
    /// `pause --now`.
    Paused,
    /// `halt_mode: cancel`.
    Halted,
}

/// Names one timer of one generation: firing it after its state moved on changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TimerId {
    pub execution: ExecutionId,
    pub kind: TimerKind,
    /// The attempt number (`Retry`) or round (`Total`) it was armed for.
    pub generation: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerKind {
    /// The backoff is over.
    Retry,
    /// `total_timeout` of an execution.
    Total,
}

/// A timer that ought to be armed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    pub id: TimerId,
    pub due: Timestamp,
}

/// A refusal: expected, never an error of the product, and it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("the run has already {status}")]
    Finished { status: &'static str },
    #[error("the run has not finished: it is {status}; cancel it, or wait until it ends")]
    NotFinished { status: &'static str },
    #[error("the run is already paused")]
    AlreadyPaused,
    #[error("the run is not paused")]
    NotPaused,
    #[error("the run is already being cancelled")]
    AlreadyCancelling,
    #[error("the run is not waiting for admission")]
    NotPending,
    #[error("the run already exists")]
    AlreadyCreated,
    #[error("there is no such run")]
    NotCreated,
    #[error("input `{name}`: {problem}")]
    Input { name: String, problem: String },
    #[error("no stage is called `{stage}`; there are: {known}")]
    NoSuchStage { stage: String, known: String },
    #[error("`{execution}` needs no decision: it is {status}")]
    NothingToResolve { execution: String, status: String },
    #[error("the run is paused; resume it first")]
    Paused,
    #[error("nothing to retry: {reason}")]
    NothingToRetry { reason: String },
    #[error("attempt {attempt} of `{execution}` is not live")]
    Stale { execution: String, attempt: u32 },
    #[error("the timer is not armed")]
    StaleTimer,
    #[error("the timer is not due before {due}")]
    NotDue { due: Timestamp },
}
