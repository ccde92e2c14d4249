//! The process of an attempt: reads its job, lets the agents work, says what it came to.

mod ending;

use std::path::Path;
use std::sync::Arc;

use api::agent::{AgentOutcome, Did, JOB_FILE, Job, Shape, StoppedBy};
use tokio::signal::unix::{SignalKind, signal};

use crate::memory::Memory;
use crate::room::{Halt, Room};
use crate::shape;

/// Why nothing could be begun.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("could not read `{path}`: {source}")]
    Read { path: String, source: std::io::Error },
    #[error("`{path}` is no job: {source}")]
    Job { path: String, source: serde_json::Error },
    #[error(transparent)]
    Memory(#[from] crate::memory::Problem),
    #[error("the workspace `{0}` is no folder")]
    Workspace(String),
    #[error("could not set up the process: {0}")]
    Process(std::io::Error),
}

/// Carries out the attempt whose folder this is, and gives the exit code for the process: that of
/// the outcome. The last line on standard error is the verdict.
///
/// Sends what happens to standard output, writes `verdict.json` and `usage.json` to the folder and
/// the outputs to the file that `$ORCHESTRATE_OUTPUT` names. TERM and INT end it as cancelled. No
/// process that it started is left when it returns.
pub fn run(folder: &Path) -> i32 {
    let code = match set_up(folder) {
        Ok((runtime, room)) => {
            let code = runtime.block_on(lead(&room));
            // Whoever is still at work in the background has lost its purpose.
            runtime.shutdown_background();
            code
        }
        Err(problem) => {
            ending::last_word(&problem.to_string());
            AgentOutcome::Error.exit_code()
        }
    };
    worker::family::kill_descendants();
    code
}

fn set_up(folder: &Path) -> Result<(tokio::runtime::Runtime, Arc<Room>), Problem> {
    let path = folder.join(JOB_FILE);
    let name = || path.display().to_string();
    let bytes = std::fs::read(&path).map_err(|source| Problem::Read { path: name(), source })?;
    let job: Job =
        serde_json::from_slice(&bytes).map_err(|source| Problem::Job { path: name(), source })?;
    if !Path::new(&job.workspace).is_dir() {
        return Err(Problem::Workspace(job.workspace));
    }
    worker::family::adopt_orphans().map_err(Problem::Process)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Problem::Process)?;
    let memory = Memory::open(Path::new(&job.memory), job.attempt.number)?;
    let room = {
        // Its clock belongs to the runtime.
        let _inside = runtime.enter();
        Arc::new(Room::new(job, folder.to_owned(), memory))
    };
    Ok((runtime, room))
}

async fn lead(room: &Arc<Room>) -> i32 {
    let (Ok(mut term), Ok(mut int)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        ending::last_word("signals cannot be heard");
        return AgentOutcome::Error.exit_code();
    };
    let heard = {
        let room = Arc::clone(room);
        tokio::spawn(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            room.halt(Halt::By(StoppedBy::Cancelled));
        })
    };
    // In the place of one of several nobody can work.
    let watching = match room.job.shape {
        Shape::Single { .. } | Shape::Loop { .. } => {
            let room = Arc::clone(room);
            Some(tokio::spawn(async move { room.door.watch_holds(Arc::clone(&room)).await }))
        }
        Shape::Discussion { .. } | Shape::Meta { .. } => None,
    };
    let done = shape::carry_out(room).await;
    heard.abort();
    if let Some(watching) = watching {
        watching.abort();
    }
    room.record("", Did::Ended { verdict: done.verdict.clone() });
    room.sync();
    ending::write(room, &done)
}
