//! What an execution remembers of its loop: a line when an iteration begins, and one when all of it is
//! known. An attempt after a crash goes on with the iteration that had begun.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::memory::{Log, Problem};
use crate::room::Room;
use crate::shape::trees::Tree;

/// An iteration that is over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Iteration {
    pub(super) number: u32,
    /// `None`: there is no check.
    pub(super) passed: Option<bool>,
    pub(super) result: Option<Json>,
    /// What it said last.
    pub(super) text: String,
    /// Why the work is not done yet; empty when nothing speaks against it.
    pub(super) errors: String,
    /// The same for the same failure.
    pub(super) fingerprint: Option<String>,
    /// How far it is from passing: the fewer the better.
    pub(super) failures: u32,
    /// The files when it began and when it was over; `None`: they could not be kept.
    pub(super) before: Option<Tree>,
    pub(super) tree: Option<Tree>,
    /// Against what it found, a line each.
    pub(super) changed: Vec<String>,
    pub(super) notes: Vec<String>,
    pub(super) denied: u32,
    /// Without the time that was spent waiting for people.
    pub(super) active_ms: u64,
}

impl Iteration {
    pub(super) fn changed_nothing(&self) -> bool {
        self.tree.is_some() && self.tree == self.before
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
enum Entry {
    Begun { number: u32, before: Option<Tree> },
    Ended { iteration: Box<Iteration> },
}

#[derive(Debug)]
pub(super) struct Journal {
    log: Log<Entry>,
    past: Vec<Iteration>,
    /// The iteration that has begun and is not over.
    begun: Option<(u32, Option<Tree>)>,
}

impl Journal {
    pub(super) fn open(room: &Arc<Room>, key: &str) -> Result<Self, Problem> {
        let path = room.memory.session(key)?.join("loop.ndjson");
        let (log, entries) = Log::open(&path)?;
        let mut journal = Self { log, past: Vec::new(), begun: None };
        entries.into_iter().for_each(|entry| journal.remember(entry));
        Ok(journal)
    }

    pub(super) fn past(&self) -> &[Iteration] {
        &self.past
    }

    /// The tree that the iteration of this number found when it began, if it had begun.
    pub(super) fn begun(&self, number: u32) -> Option<Option<Tree>> {
        self.begun.as_ref().filter(|(begun, _)| *begun == number).map(|(_, before)| before.clone())
    }

    pub(super) fn begin(&mut self, number: u32, before: Option<Tree>) -> Result<(), Problem> {
        self.keep(Entry::Begun { number, before })
    }

    pub(super) fn end(&mut self, iteration: Iteration) -> Result<(), Problem> {
        self.keep(Entry::Ended { iteration: Box::new(iteration) })
    }

    fn keep(&mut self, entry: Entry) -> Result<(), Problem> {
        self.log.keep(&entry)?;
        self.remember(entry);
        Ok(())
    }

    fn remember(&mut self, entry: Entry) {
        match entry {
            Entry::Begun { number, before } => self.begun = Some((number, before)),
            Entry::Ended { iteration } => {
                self.begun = None;
                self.past.push(*iteration);
            }
        }
    }
}
