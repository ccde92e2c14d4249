//! The worker protocol: what a server and the hands that run attempts say to each other.
//!
//! In one process it is a pair of channels; over a network (later) the same messages travel as
//! JSON. A worker never decides what runs, a server never starts a process.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Names one attempt everywhere outside the engine. `key` is unique over all runs, stable over
/// restarts, and fit for a file name (`[0-9a-z-]`): run id, place of the stage, instance, number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptRef {
    pub run: String,
    /// `implement[2]`
    pub execution: String,
    pub number: u32,
    pub fence: u64,
    pub key: String,
}

/// Server to worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Order {
    /// Start it, unless it is already held (then nothing changes).
    Start(Box<Assignment>),
    /// TERM, grace, KILL of the whole tree. Answered by `Exited`, also when it is already gone.
    Stop { attempt: AttemptRef, reason: Stopped },
    /// Its end is stored: nothing of it need be kept in memory. The files of the attempt stay
    /// until retention removes its folder, so that a late question still gets the right answer.
    Forget { attempt: AttemptRef },
    /// What became of these attempts? Answered by one report each: `Started` (still running),
    /// `Exited`, `NeverStarted`, or `Lost`.
    Adopt { attempts: Vec<AttemptRef> },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assignment {
    pub attempt: AttemptRef,
    pub work: Work,
    /// Beside the worker's allow-list; the product's own `ORCHESTRATE_*` are added by the worker.
    pub env: BTreeMap<String, Vec<Piece>>,
    /// `$ORCHESTRATE_ATTEMPT_KEY`: the same for attempts at the same piece of work, when a lost one
    /// is started again under a new number. `None`: the attempt's own key.
    #[serde(default)]
    pub effect_key: Option<String>,
    /// Absolute.
    pub working_dir: String,
    pub timeout_ms: Option<u64>,
    pub idle_ms: Option<u64>,
    pub grace_ms: u64,
    /// The start must be recorded durably before the child exists (`effects: once`).
    pub once: bool,
    /// `$ORCHESTRATE_ENVIRONMENT`: the stage's `environment`, when it has one.
    #[serde(default)]
    pub environment: Option<String>,
    /// Files to collect from the working directory when it ended with exit code 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Collect>,
    /// Stored content to lay into the folder named by `$ORCHESTRATE_CONTEXT`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<Lay>,
    /// The file named by `$ORCHESTRATE_INPUT`: an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<serde_json::Value>,
    /// The file named by `$ORCHESTRATE_FORM`: an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<serde_json::Value>,
    /// The file named by `$ORCHESTRATE_FEEDBACK`; with it `$ORCHESTRATE_REVISION` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<String>,
    #[serde(default)]
    pub revision: u32,
    /// `working_dir` lies in it: made before the start, committed after an end with exit code 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<Worktree>,
    /// `None`: a process of the hands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<crate::runtime::Runtime>,
}

/// Where runs keep what they have of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// Absolute: the folder of the clones.
    pub home: String,
    /// An absolute path, or an address.
    pub source: String,
    /// A branch of the source; `None`: the one that it shows first.
    pub base: Option<String>,
}

/// A worktree on a branch of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worktree {
    pub repository: Repository,
    /// As people call the run.
    pub run: String,
    /// Whose worktree it is: `implement[2]`, also where another stage works in it.
    pub owner: String,
    /// Absolute.
    pub path: String,
}

/// Branches that go into a target, one after another, through its queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeJob {
    pub repository: Repository,
    pub run: String,
    pub stage: String,
    pub attempt: u32,
    /// Whose branches: `implement[1]`, `docs`.
    pub from: Vec<String>,
    /// `None`: the base.
    pub into: Option<String>,
    /// Run by `sh -e -c` on the merged tree.
    pub check: Option<String>,
    /// Absolute: the queue's own directory.
    pub workspace: String,
}

/// What an attempt left in its worktree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    pub branch: String,
    pub commit: String,
    pub base: String,
    /// Files that differ from the base.
    pub files: u32,
    pub added: u64,
    pub removed: u64,
}

/// Which secret the hands ask the server for, when they start an attempt that declares it, and when
/// they look whether it stands in what the attempt left.
#[derive(Clone, Copy, Debug)]
pub struct SecretAsk<'a> {
    pub name: &'a str,
    /// The key of the attempt that is to have it.
    pub attempt: &'a str,
    /// The id of the attempt's run.
    pub run: &'a str,
    /// Of the attempt's stage.
    pub environment: Option<&'a str>,
}

/// Where the hands ask. `Ok(None)`: the server stores none of this name for this attempt. An `Err`
/// says why one that is stored cannot be had, without its value.
#[derive(Clone)]
pub struct SecretDoor(Arc<SecretAnswer>);

type SecretAnswer = dyn Fn(SecretAsk<'_>) -> Result<Option<String>, String> + Send + Sync;

impl SecretDoor {
    pub fn new(
        answer: impl Fn(SecretAsk<'_>) -> Result<Option<String>, String> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(answer))
    }

    /// Nothing is stored anywhere.
    pub fn closed() -> Self {
        Self::new(|_ask| Ok(None))
    }

    pub fn ask(&self, ask: SecretAsk<'_>) -> Result<Option<String>, String> {
        (self.0)(ask)
    }
}

impl std::fmt::Debug for SecretDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretDoor")
    }
}

/// An artifact that a stage declares.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Collect {
    pub name: String,
    /// Relative to the working directory; never leaves it, never follows a link.
    pub path: String,
    pub format: String,
    pub required: bool,
    pub schema: Option<serde_json::Value>,
    pub max_bytes: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lay {
    /// Relative to the context folder: `plan/plan.md`.
    pub path: String,
    pub digest: String,
}

/// A collected file, stored and synced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    pub name: String,
    pub path: String,
    pub digest: String,
    pub bytes: u64,
    pub format: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    Plain(String),
    /// The value of the secret of this name.
    Secret(String),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    Command {
        argv: Vec<String>,
    },
    Python {
        program: Python,
        parameters: serde_json::Value,
    },
    /// This program as the harness (`orchestrate harness FOLDER`), which finds the job in the
    /// attempt's folder.
    Agent {
        job: Box<crate::agent::Job>,
        /// Whole texts of context that the job holds cut, for `.orchestrate/context/` of the
        /// workspace.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        whole: Vec<Lay>,
    },
    /// This program as one turn of a merge queue (`orchestrate merge FOLDER`).
    Merge {
        job: Box<MergeJob>,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Python {
    File(String),
    Code(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    Timeout,
    IdleTimeout,
    TotalTimeout,
    Cancelled,
    Paused,
    Halted,
    Superseded,
}

/// Worker to server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    pub attempt: AttemptRef,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum What {
    Started {
        pid: u32,
    },
    /// New output was stored: total bytes captured so far. At most ten a second an attempt.
    Output {
        bytes: u64,
    },
    /// The child and its whole tree are gone; output and exit record are on disk.
    Exited(Box<Exit>),
    /// Missing program, missing folder, unknown secret.
    NotStarted {
        message: String,
    },
    /// Answer to `Adopt` beside the others, and before them: what the runtime of the attempt says.
    Seen(Box<crate::runtime::Seen>),
    /// Answer to `Adopt`: this worker has never seen the attempt, it is safe to start.
    NeverStarted,
    /// It was started and nobody knows how it ended.
    Lost {
        message: String,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exit {
    pub end: End,
    /// The text of the output file; `None` when it is missing, too large or not UTF-8 (then
    /// `outputs_error` says which).
    pub outputs: Option<String>,
    pub outputs_error: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Collected>,
    /// What its worktree holds now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<Box<Committed>>,
    /// Why the declared artifacts could not be collected, all problems at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifacts_error: Option<String>,
    pub elapsed_ms: u64,
    pub user_ms: u64,
    pub system_ms: u64,
    pub max_rss_bytes: u64,
    pub output_bytes: u64,
    /// The last lines of its output: at most 20 lines and 4 KiB, secrets masked, lossy UTF-8.
    pub tail: String,
    /// What did not go as it should have around the attempt, in words: output that a full disk
    /// lost, processes left behind that had to be killed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum End {
    Code(i32),
    Signal(i32),
    Stopped(Stopped),
}
