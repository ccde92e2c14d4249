//! What a worker and its keeper say to each other: a line of JSON each, over a unix socket.
//!
//! The keeper outlives upgrades of the worker, so this may only grow; what an old keeper cannot
//! understand needs a new [`VERSION`], and a worker that meets another version refuses to guess.

use std::collections::BTreeMap;
use std::path::PathBuf;

use api::capture::Layout;
use api::link::{AttemptRef, Exit, Stopped};
use serde::{Deserialize, Serialize};

pub(crate) const VERSION: u32 = 1;
/// No message is longer than this, in bytes.
pub(crate) const LONGEST: usize = 64 << 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ToKeeper {
    /// First on every connection; answered by [`FromKeeper::Hello`]. Whoever was connected before
    /// is heard out and then cut off: a data folder has one worker.
    Hello {
        version: u32,
    },
    /// Answered by `Started`, `NotStarted`, or, when it was started before, by `Unknown`.
    Spawn(Box<Spawn>),
    /// Answered by `Ended`, or `Unknown`.
    Stop {
        attempt: AttemptRef,
        reason: Stopped,
    },
    /// Answered by `Started`, `Ended` or `Unknown`.
    Query {
        attempt: AttemptRef,
    },
    Forget {
        attempt: AttemptRef,
    },
    /// What is held ends at this moment of the clock of [`crate::fence`], and nothing starts any
    /// more, unless another moment is told before: whoever gives the orders has only a lease. TERM,
    /// and KILL after at most the grace. A keeper that was never told has no fence.
    ///
    /// Only the hands of a worker on another machine say it, so no keeper meets it that does not
    /// understand it.
    Fence {
        at_ms: u64,
        grace_ms: u64,
    },
}

/// Everything that a child needs, resolved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Spawn {
    pub(crate) attempt: AttemptRef,
    /// Of the run; exists already.
    pub(crate) run_folder: PathBuf,
    /// Of the attempt, inside of it; made when there is something to put into it.
    pub(crate) folder: PathBuf,
    /// Absolute path of the executable.
    pub(crate) program: PathBuf,
    /// With the program's name first.
    pub(crate) argv: Vec<String>,
    /// The whole environment.
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) working_dir: PathBuf,
    /// Values of the secrets in use.
    pub(crate) secrets: Vec<String>,
    pub(crate) outputs: PathBuf,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) idle_ms: Option<u64>,
    pub(crate) grace_ms: u64,
    pub(crate) once: bool,
    pub(crate) layout: Layout,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum FromKeeper {
    Hello {
        version: u32,
        pid: u32,
    },
    Started {
        attempt: AttemptRef,
        pid: u32,
    },
    Output {
        attempt: AttemptRef,
        bytes: u64,
    },
    Ended {
        attempt: AttemptRef,
        exit: Box<Exit>,
    },
    NotStarted {
        attempt: AttemptRef,
        message: String,
    },
    /// Another worker has come: this one is not spoken to any more.
    Superseded,
    /// This keeper does not hold it, or holds another generation of it: the files decide.
    Unknown {
        attempt: AttemptRef,
    },
}

/// One message as it travels.
pub(crate) fn line(message: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}
