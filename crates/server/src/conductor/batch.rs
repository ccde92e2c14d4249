//! What one turn of the conductor gathers for one commit.

use std::collections::HashMap;
use std::sync::Arc;

use api::link::AttemptRef;
use api::run::RunSummary;
use engine::id::RunId;
use indexmap::{IndexMap, IndexSet};
use store::port::{Change, Outcome, TaskRow};

use super::desk::{Given, Look, Reply, Saved};
use super::hands::fleet::Sender;
use super::reports::Whose;
use super::tasks::TaskDone;
use super::workers::Said;
use crate::refused::Refused;

#[derive(Default)]
pub(crate) struct Batch {
    /// Changes of the catalogue, and who waits for each.
    pub(crate) catalog: Vec<Change>,
    pub(crate) waits: Vec<Waits>,
    /// Runs with events that are not on disk.
    pub(crate) touched: IndexSet<RunId>,
    /// Who waits for a run's events to be on disk.
    pub(crate) acks: Vec<(RunId, Reply<RunSummary>)>,
    /// Reports handled in this turn: kept, should it not reach the disk.
    pub(crate) reports: Vec<Said>,
    /// Attempts whose end is stored with this commit.
    pub(crate) ended: Vec<(Whose, AttemptRef, Option<Sender>)>,
    /// Runs to bring in line with the world although nothing was decided.
    pub(crate) reconcile: IndexSet<RunId>,
    /// Read after the commit, so that only what is on disk is shown.
    pub(crate) looks: Vec<(RunId, Look)>,
    /// Events of this turn, by their ids.
    pub(crate) given: IndexMap<String, Given>,
    /// Stored events that are held against triggers in this turn: again, should it not be stored.
    pub(crate) routing: Vec<String>,
    /// Stored events whose changed paths are asked for once they are on disk.
    pub(crate) unknown: Vec<String>,
    /// Told whether all of this is on disk.
    pub(crate) after: Vec<After>,
    /// Numbers given to runs that are created in this turn.
    pub(crate) numbers: HashMap<String, u64>,
    /// The same among the runs of a task.
    pub(crate) task_numbers: HashMap<String, u64>,
    /// Who may begin is another question than before.
    pub(crate) readmit: bool,
    /// Workers that came in this turn, and their connections.
    pub(crate) greeted: Vec<(Arc<str>, u64)>,
    /// Workers that are stored with this commit.
    pub(crate) workers: Vec<String>,
    /// Tasks as they are after this turn.
    pub(crate) tasks: HashMap<String, TaskRow>,
}

pub(crate) enum Waits {
    Saved(Reply<Saved>),
    Stored(Reply<Outcome>),
    /// Whoever waits is among [`Batch::after`].
    Nobody,
    Task {
        done: TaskDone,
        reply: Reply<TaskDone>,
    },
}

/// What is to be said when a turn is stored, or refused.
pub(crate) type After = Box<dyn FnOnce(Result<(), Refused>) + Send>;

impl Waits {
    pub(crate) fn refuse(self, refused: Refused) {
        match self {
            Self::Saved(reply) => reply.send(Err(refused)),
            Self::Stored(reply) => reply.send(Err(refused)),
            Self::Nobody => {}
            Self::Task { reply, .. } => reply.send(Err(refused)),
        }
    }

    pub(crate) fn answer(self, outcome: Outcome) {
        match (self, outcome) {
            (waits, Outcome::Refused(refusal)) => waits.refuse(Refused::Catalog(refusal)),
            (Self::Saved(reply), Outcome::Saved { revision, created }) => {
                reply.send(Ok(Saved { revision, created }));
            }
            (Self::Stored(reply), outcome) => reply.send(Ok(outcome)),
            (Self::Nobody, _) => {}
            (Self::Task { done, reply }, Outcome::Done) => reply.send(Ok(done)),
            (waits, outcome) => {
                waits.refuse(Refused::Internal(format!("the store answered {outcome:?}")));
            }
        }
    }
}

impl Batch {
    /// Nobody waits for what it holds, and nothing follows from it: attempts have started.
    pub(crate) fn can_wait(&self) -> bool {
        !self.touched.is_empty()
            && self.ended.is_empty()
            && self.acks.is_empty()
            && self.catalog.is_empty()
            && self.looks.is_empty()
            && self.after.is_empty()
            && self.reconcile.is_empty()
            && self.greeted.is_empty()
    }

    /// A change beside the runs for which nobody waits by itself.
    pub(crate) fn store(&mut self, change: Change) {
        self.catalog.push(change);
        self.waits.push(Waits::Nobody);
    }

    /// Forgets all that hangs on a run whose events will not be stored, and answers for it.
    pub(crate) fn strike(&mut self, run: RunId, refused: impl Fn() -> Refused) -> Vec<Said> {
        self.touched.shift_remove(&run);
        self.reconcile.shift_remove(&run);
        self.ended.retain(|(whose, ..)| whose.run != run);
        let (acks, others) =
            std::mem::take(&mut self.acks).into_iter().partition(|(of, _)| *of == run);
        self.acks = others;
        let acks: Vec<(RunId, Reply<RunSummary>)> = acks;
        for (_, reply) in acks {
            reply.send(Err(refused()));
        }
        let id = run.to_string();
        let (struck, others) = std::mem::take(&mut self.reports)
            .into_iter()
            .partition(|said| said.report.attempt.run == id);
        self.reports = others;
        struck
    }
}
