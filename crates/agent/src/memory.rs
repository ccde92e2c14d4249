//! What an execution remembers over its attempts: files that only ever grow.

mod log;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use api::agent::{Did, EVENTS_FILE, Happening};
use rustix::fs::{FlockOperation, flock};

use crate::clock;
pub(crate) use log::Log;

const SESSIONS: &str = "sessions";
const LOCK: &str = "lock";

/// Why the memory cannot be used; the attempt ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("could not use `{path}`: {source}")]
    Io { path: String, source: std::io::Error },
    #[error("another attempt of this stage still works with `{0}`")]
    Taken(String),
}

impl Problem {
    pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Io { path, source }
    }
}

/// The folder of an execution; one harness has it at a time.
#[derive(Debug)]
pub(crate) struct Memory {
    folder: PathBuf,
    attempt: u32,
    events: Mutex<Events>,
    /// What the attempts before wrote.
    past: Vec<Happening>,
    /// Held as long as the memory is.
    _lock: fs::File,
}

#[derive(Debug)]
struct Events {
    log: Log<Happening>,
    last: u64,
}

impl Memory {
    pub(crate) fn open(folder: &Path, attempt: u32) -> Result<Self, Problem> {
        fs::create_dir_all(folder).map_err(Problem::at(folder))?;
        let lock = folder.join(LOCK);
        let held = fs::File::create(&lock).map_err(Problem::at(&lock))?;
        flock(&held, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| Problem::Taken(folder.display().to_string()))?;
        let (log, past) = Log::<Happening>::open(&folder.join(EVENTS_FILE))?;
        let last = past.last().map_or(0, |happening| happening.seq);
        Ok(Self {
            folder: folder.to_owned(),
            attempt,
            events: Mutex::new(Events { log, last }),
            past,
            _lock: held,
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn past(&self) -> &[Happening] {
        &self.past
    }

    /// Writes down what happened; on disk after [`Memory::sync`].
    pub(crate) fn record(&self, who: &str, what: Did) -> Result<Happening, Problem> {
        let mut events = self.events();
        events.last += 1;
        let happening = Happening {
            seq: events.last,
            attempt: self.attempt,
            at: clock::wall(),
            who: who.to_owned(),
            what,
        };
        events.log.append(&happening)?;
        Ok(happening)
    }

    pub(crate) fn sync(&self) -> Result<(), Problem> {
        self.events().log.sync()
    }

    /// The folder of a session, made when it is not there.
    pub(crate) fn session(&self, key: &str) -> Result<PathBuf, Problem> {
        let folder = self.folder.join(SESSIONS).join(key);
        fs::create_dir_all(&folder).map_err(Problem::at(&folder))?;
        Ok(folder)
    }

    fn events(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
