//! What attempts, executions, stages and runs came to, and why.

use indexmap::IndexMap;
use pipeline::model::StageName;
use pipeline::when::Reason;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::people::ArtifactRef;
use crate::command::StopReason;
use crate::id::{Actor, ExecutionId};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AttemptResult {
    Succeeded {
        #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
        outputs: IndexMap<String, Json>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        artifacts: Vec<ArtifactRef>,
    },
    Failed {
        failure: Failure,
    },
    /// Stopped on purpose; does not count as a try when the reason is `Paused`.
    Stopped {
        reason: StopReason,
    },
    /// Its worker is gone; counts on the lost counter, not on the author's.
    Lost {
        message: String,
    },
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Failure {
    ExitCode {
        code: i32,
    },
    /// An agent, by the exit code of its harness; never retried where that cannot help.
    Agent {
        code: i32,
        /// The harness's last words.
        says: String,
    },
    Signal {
        signal: i32,
    },
    Timeout {
        after_ms: u64,
    },
    IdleTimeout {
        after_ms: u64,
    },
    TotalTimeout {
        after_ms: u64,
    },
    /// Missing program, missing folder.
    NotStarted {
        message: String,
    },
    /// What it wrote to `$ORCHESTRATE_OUTPUT` is unreadable or breaks its declaration.
    InvalidOutput {
        message: String,
    },
    /// A `${...}` of its definition had no value when it was dispatched, or `run:` would have
    /// received text that a shell would interpret.
    Unresolved {
        message: String,
    },
    /// `foreach` did not resolve to a list, or `if:` could not be evaluated.
    Expression {
        message: String,
    },
    /// Lost three times.
    Lost {
        message: String,
    },
    /// A person or the probe said so.
    DecidedFailed,
    /// A gate; never retried.
    Rejected {
        by: Actor,
        reason: String,
    },
    /// Nobody decided in time (`on_timeout: reject` or `fail`).
    ApprovalTimeout {
        after_ms: u64,
    },
    /// Nobody answered the form in time.
    FormTimeout {
        after_ms: u64,
    },
    /// Changes were requested more often than `max_revisions` allows.
    RevisionsExhausted {
        max: u32,
        feedback: String,
    },
    /// An input mapping had no value for a required field, or its result breaks the schema; never
    /// retried.
    InvalidInput {
        message: String,
    },
    /// A declared artifact is missing, is no plain file below the workspace, is too large, or
    /// breaks its format or schema.
    InvalidArtifact {
        message: String,
    },
    /// The child run could not be started; never retried.
    ChildRefused {
        message: String,
    },
    /// The child run failed or was cancelled.
    ChildFailed {
        run: String,
        reason: String,
    },
}

/// What happened to a stage or execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Succeeded,
    Failed,
    Cancelled,
    Skipped,
    NotRun,
    /// In a shadow run: it was said what would have happened.
    WouldHave,
}

impl Outcome {
    /// Its work was done, or would have been.
    pub(crate) fn is_good(self) -> bool {
        match self {
            Self::Succeeded | Self::WouldHave => true,
            Self::Failed | Self::Cancelled | Self::Skipped | Self::NotRun => false,
        }
    }
}

/// What it counts as for its dependants and the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    Success,
    /// Failed with `on_failure: continue`.
    Warning,
    Failure,
    Cancelled,
    Skipped,
    /// Neither ran nor counts; its cause does.
    NotRun,
}

/// Why a stage settled as it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Settled {
    /// Its work was done.
    Done,
    /// Its last attempt failed.
    Failed { failure: Failure },
    /// Instances that failed, of how many.
    InstancesFailed { failed: Vec<u32>, of: u32 },
    /// The condition did not hold.
    Condition { reason: Reason },
    /// Every dependency was skipped.
    AllSkipped,
    /// `foreach` had no items, or no event came.
    NoItems,
    /// None of its triggers can fire any more.
    NotTriggered { reason: String },
    /// `on_timeout: skip` of a gate or form.
    TimedOut,
    /// An instance needed another one that did not succeed.
    Needs { keys: Vec<String> },
    /// The rule cannot hold any more because of these stages.
    Rule { rule: String, causes: Vec<StageName> },
    /// The run halted because of this execution before the stage could start.
    Halted { cause: ExecutionId },
    /// A person asked for a rollback before the stage could start.
    RollingBack { to: StageName },
    /// The run was cancelled before it could start, or while it ran.
    Cancelled,
    /// The run could never start.
    Unstartable { message: String },
    /// Nothing was done: it belongs to a shadow run.
    WouldHave,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinalStatus {
    Succeeded,
    Failed,
    Cancelled,
}

/// Measured, never estimated; 0 where the system does not say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Monotonic, from start to the end of the tree.
    pub elapsed_ms: u64,
    pub user_ms: u64,
    pub system_ms: u64,
    pub max_rss_bytes: u64,
    pub output_bytes: u64,
}
