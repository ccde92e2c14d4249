//! Runtimes: where an attempt runs, when that is not simply a process of the keeper.
//!
//! The keeper stays the one that holds an attempt. What it starts is a *carrier*, a process that
//! makes the attempt run elsewhere and stands for it here: what the attempt prints, the carrier
//! prints; TERM to the carrier ends it there; as it ends, so does the carrier. So an attempt in a
//! container is captured, masked, timed, stopped and adopted exactly as a script is.

mod base64;
mod carry;
mod docker;
mod ecs;
mod job;
mod name;
mod pane;
mod patience;
mod plugin;
pub(crate) mod program;
mod settle;
mod tmux;

use std::collections::BTreeMap;
use std::io::Write;
use std::pin::Pin;
use std::time::Duration;

use api::link::End;
use api::runtime::{Place, SeenState};

pub use carry::run;
pub(crate) use job::{dress, is_carried};
pub(crate) use settle::{clear, look, settle};

use job::Job;

/// What a runtime does in the end.
type Will<'a, T> = Pin<Box<dyn Future<Output = Result<T, Trouble>> + Send + 'a>>;

/// Everything is asked of the runtime itself, by a name that is the attempt's own and stays the same
/// however often it is asked.
trait Runtime: Send + Sync {
    /// Starts the attempt, or finds that it was started.
    fn start(&self) -> Will<'_, ()>;

    /// What it is doing now.
    fn look(&self) -> Will<'_, Look>;

    /// Passes on all that it prints, from the beginning and nothing twice, until it has ended.
    fn follow<'a>(&'a self, out: &'a mut (dyn Write + Send)) -> Will<'a, Ending>;

    /// Asks it to end, and ends it after the grace. One that has ended is no trouble.
    fn stop(&self, grace: Duration) -> Will<'_, ()>;

    /// Takes away whatever is left of it under its name. Nothing left is no trouble.
    fn clear(&self) -> Will<'_, ()>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Look {
    state: SeenState,
    detail: String,
}

impl Look {
    fn of(state: SeenState) -> Self {
        Self { state, detail: String::new() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Ending {
    Ended(End),
    /// It is gone, and nobody knows how it ended.
    Gone(String),
}

/// Why a runtime did not do what it was asked.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// It may answer later.
    #[error("{0}")]
    Unreachable(String),
    /// It will not do it.
    #[error("{0}")]
    Refused(String),
}

/// The runtime of a job. `keys`: what the installation gave for it, by name.
fn open(job: &Job, keys: BTreeMap<String, String>) -> Box<dyn Runtime> {
    match &job.place {
        Place::Tmux { program } => Box::new(tmux::Tmux::new(job, program)),
        Place::Plugin { name, command, settings } => {
            Box::new(plugin::Plugin::new(job, name, command, settings, keys))
        }
        Place::Docker(of) => Box::new(docker::Docker::new(job, of)),
        Place::Ecs(of) => Box::new(ecs::Ecs::new(job, of, keys)),
    }
}

/// As people are told of it.
fn called(place: &Place) -> String {
    match place {
        Place::Tmux { .. } | Place::Docker(_) | Place::Ecs(_) => place.word().to_owned(),
        Place::Plugin { name, .. } => format!("plugin {name}"),
    }
}
