//! What ought to exist in the world now. Reconciling is idempotent: asking twice is no new work.

use std::time::Duration;

use indexmap::IndexMap;
use pipeline::model::{Effects, Output};
use pipeline::text::Piece;
use serde_json::Value as Json;

use crate::command::{StopReason, Timer};
use crate::id::AttemptId;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desired {
    /// Attempts that the hands ought to run or to be running, in dispatch order. What each one
    /// does is asked of [`crate::Run::task`] when it is handed out.
    pub attempts: Vec<AttemptId>,
    /// Live attempts that the hands ought to stop.
    pub stops: Vec<(AttemptId, StopReason)>,
    /// Attempts of unknown outcome whose probe ought to run.
    pub probes: Vec<AttemptId>,
    pub timers: Vec<Timer>,
}

/// One attempt, fully resolved, secrets still by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub attempt: AttemptId,
    /// Stable over restarts of the same attempt: `$ORCHESTRATE_ATTEMPT_KEY`.
    pub key: String,
    pub work: TaskWork,
    /// In order; later entries win. Does not hold the product's own variables.
    pub env: IndexMap<String, Vec<Piece>>,
    /// Absolute, or relative to the run's directory.
    pub working_dir: Option<String>,
    /// The run's directory.
    pub directory: String,
    pub timeout: Option<Duration>,
    pub idle: Option<Duration>,
    pub grace: Duration,
    pub effects: Effects,
    pub outputs: IndexMap<String, Output>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TaskWork {
    /// The words of a command; the script is one of them.
    Command {
        argv: Vec<String>,
    },
    Python {
        program: PythonProgram,
        parameters: Json,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum PythonProgram {
    File(String),
    Code(String),
}
