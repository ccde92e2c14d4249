//! The hands on another machine: the same hands and keeper as a server's own, and a worker that
//! speaks with the server for them (`api::worker`).
//!
//! What the hands report leaves only when all that it stands for is at the server: output, content
//! of artifacts. What was reported is kept until the server has said that it is stored. So neither a
//! broken connection, nor a server or a worker that is started again, loses the end of an attempt.
//!
//! The server holds a lease on the worker, the worker a fence on what it runs, which lies before the
//! end of the lease and is kept by the keeper ([`crate::fence`]).

mod address;
mod courier;
mod line;
mod moved;
mod output;
mod patience;
mod post;
mod prepare;
mod requests;
mod shelf;
mod trouble;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use api::link::AttemptRef;
use tokio::sync::mpsc::UnboundedReceiver;

pub use address::{Address, BadAddress, Server};
pub use shelf::SERVER;

use crate::hands::Options;
use post::Post;
use shelf::Shelf;

/// A worker and where it belongs.
#[derive(Debug)]
pub struct Setup {
    pub server: Server,
    pub token: String,
    pub name: String,
    pub labels: BTreeSet<String>,
    /// At least 1.
    pub slots: u32,
    /// Of the program.
    pub version: String,
    /// Its data folder is the worker's own, made if need be; where it asks for secrets and keys is
    /// put in its place.
    pub hands: Options,
    /// How long what runs may go on after [`Told::Drain`]; `None`: as long as it takes.
    pub drain_timeout: Option<Duration>,
}

/// What its user wants of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Finish what runs, and take nothing more. The second time it is [`Told::Stop`].
    Drain,
    /// Stop what runs, and go. The second time it goes at once.
    Stop,
}

/// What happens, for people.
#[derive(Clone, Debug)]
pub enum Event {
    Connected {
        again: bool,
    },
    /// The connection was lost, or there was none; it is tried again.
    Away {
        why: String,
    },
    Started {
        attempt: AttemptRef,
    },
    Ended {
        attempt: AttemptRef,
        how: How,
    },
    Draining {
        left: usize,
    },
    Stopping {
        left: usize,
    },
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    Succeeded,
    Failed(String),
    /// By an order.
    Stopped(String),
    NotStarted(String),
    Lost(String),
}

/// Why there is no worker any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing of it is left to do.
    Drained,
    /// What it ran was stopped.
    Stopped,
    /// The server does not want it. `status`: of its answer; `None` when it said so in words.
    Refused { status: Option<u16>, message: String, hints: Vec<String> },
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("another worker works in `{}`", .0.display())]
    InUse(PathBuf),
    #[error("could not use the folder `{}`", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("could not start the hands")]
    Hands(#[source] io::Error),
}

/// Works until it is told to stop, or refused. Must be called inside a runtime of several threads.
pub async fn run(
    mut setup: Setup,
    told: UnboundedReceiver<Told>,
    tell: impl Fn(Event) + Send + Sync,
) -> Result<Ending, Error> {
    let path = setup.hands.data_dir.clone();
    let failed = |source| Error::Folder { path: path.clone(), source };
    let shelf = Shelf::open(&path).map_err(failed)?.ok_or_else(|| Error::InUse(path.clone()))?;
    setup.hands.data_dir = shelf.folder().to_owned();
    let post = Post::new(setup, shelf, &tell).map_err(Error::Hands)?;
    Ok(post.serve(told).await)
}
