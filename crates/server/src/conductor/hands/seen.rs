//! What others may see of the workers and of what waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::id::{AttemptId, ExecutionId, RunId};
use jiff::Timestamp;
use store::port::{WorkerRow, WorkerState};

use super::queue::Labels;
use super::why::{self, Standing};
use super::{Hands, With};
use crate::conductor::reports::Whose;

/// Attempts that wait, in one answer.
const MOST: usize = 1000;

/// At one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct FleetSeen {
    /// What the own hands work on.
    pub(crate) here: Vec<SeenAttempt>,
    /// By name.
    pub(crate) workers: Vec<SeenWorker>,
    /// The oldest run first, at most [`MOST`].
    pub(crate) queue: Vec<SeenQueued>,
}

#[derive(Clone, Debug)]
pub(crate) struct SeenWorker {
    pub(crate) row: WorkerRow,
    pub(crate) heard_at: Timestamp,
    pub(crate) lease_until: Option<Timestamp>,
    /// In order.
    pub(crate) attempts: Vec<SeenAttempt>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SeenAttempt {
    pub(crate) run: RunId,
    pub(crate) fence: u64,
    pub(crate) execution: ExecutionId,
    pub(crate) number: u32,
    pub(crate) started_at: Option<Timestamp>,
}

impl SeenAttempt {
    pub(super) fn of(whose: &Whose, started_at: Option<Timestamp>) -> Self {
        Self {
            run: whose.run,
            fence: whose.attempt.fence,
            execution: whose.attempt.execution.clone(),
            number: whose.attempt.number,
            started_at,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct SeenQueued {
    pub(crate) run: RunId,
    pub(crate) attempt: AttemptId,
    pub(crate) labels: Labels,
    pub(crate) since: Option<Timestamp>,
    /// `None`: it waits for a slot of the own hands.
    pub(crate) why: Option<Arc<str>>,
}

/// Why what waits for a worker waits, for whoever shows a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reasons {
    by_labels: BTreeMap<Labels, Arc<str>>,
    /// Of what is with somebody, and has not begun.
    single: BTreeMap<(RunId, ExecutionId), Arc<str>>,
}

impl Reasons {
    /// Of an attempt that has not begun.
    pub(crate) fn of(&self, run: RunId, execution: &ExecutionId, labels: &[String]) -> String {
        let single = self.single.get(&(run, execution.clone()));
        match single.or_else(|| self.by_labels.get(labels)) {
            Some(why) => why.to_string(),
            None => why::why(labels, &Standing { workers: Vec::new() }),
        }
    }
}

/// Workers and their slots, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) there: u32,
    pub(crate) draining: u32,
    pub(crate) drained: u32,
    pub(crate) lost: u32,
    /// Of those that are there.
    pub(crate) slots: u32,
    pub(crate) used: u32,
}

impl Hands {
    /// Rises when anything here is different.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    fn standing(&self) -> Standing<'_> {
        let taken = self.taken();
        let used = |name: &Arc<str>| taken.get(name).copied().unwrap_or(0);
        let workers = self.fleet.iter().map(|(name, worker)| (worker, used(name)));
        Standing { workers: workers.collect() }
    }

    pub(crate) fn reasons(&self) -> Reasons {
        let standing = self.standing();
        let labels = self.elsewhere.labels();
        let by_labels =
            labels.map(|labels| (labels.clone(), Arc::from(why::why(labels, &standing))));
        let single = self.all().filter_map(|(whose, held)| {
            let why = match &held.with {
                With::Here => return None,
                With::Worker(_) if held.started.is_some() => return None,
                With::Worker(name) | With::Lost(name) => why::handed_out(name),
                With::Doubtful { labels, until } => why::doubtful(labels, *until),
            };
            Some(((whose.run, whose.attempt.execution.clone()), Arc::from(why)))
        });
        Reasons { by_labels: by_labels.collect(), single: single.collect() }
    }

    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        let taken = self.taken();
        for (name, worker) in self.fleet.iter() {
            let count = match worker.row.state {
                WorkerState::There => &mut tally.there,
                WorkerState::Draining => &mut tally.draining,
                WorkerState::Drained => &mut tally.drained,
                WorkerState::Lost => &mut tally.lost,
            };
            *count += 1;
            if worker.row.state.is_there() {
                tally.slots = tally.slots.saturating_add(worker.row.slots);
                let used = taken.get(name).copied().unwrap_or(0);
                tally.used = tally.used.saturating_add(u32::try_from(used).unwrap_or(u32::MAX));
            }
        }
        tally
    }

    pub(crate) fn seen(&self) -> FleetSeen {
        let mut here = Vec::new();
        let mut by_worker: BTreeMap<&Arc<str>, Vec<SeenAttempt>> = BTreeMap::new();
        for (whose, held) in self.all().filter(|(whose, _)| !whose.probe) {
            let attempt = SeenAttempt::of(whose, held.started);
            match &held.with {
                With::Here => here.push(attempt),
                With::Worker(name) => by_worker.entry(name).or_default().push(attempt),
                With::Lost(_) | With::Doubtful { .. } => {}
            }
        }
        here.sort_unstable();
        let workers = self.fleet.iter().map(|(name, worker)| {
            let mut attempts = by_worker.remove(name).unwrap_or_default();
            attempts.sort_unstable();
            if worker.row.state == WorkerState::Lost {
                attempts.extend_from_slice(worker.had());
            }
            SeenWorker {
                row: worker.row.clone(),
                heard_at: worker.heard_at(),
                lease_until: worker.lease_until(),
                attempts,
            }
        });
        let workers = workers.collect();
        FleetSeen { here, workers, queue: self.queue() }
    }

    fn queue(&self) -> Vec<SeenQueued> {
        let reasons = self.reasons();
        let queued = |run, attempt: &AttemptId, labels: Labels, why| SeenQueued {
            run,
            attempt: attempt.clone(),
            labels,
            since: None,
            why,
        };
        let here = self.queues.iter().flat_map(|(run, queue)| {
            queue.iter().map(|attempt| queued(*run, attempt, Vec::new(), None))
        });
        let mut all: Vec<SeenQueued> = here.take(MOST).collect();
        let doubtful = self.all().filter_map(|(whose, held)| {
            let With::Doubtful { labels, until } = &held.with else { return None };
            let why = Arc::from(why::doubtful(labels, *until));
            Some(queued(whose.run, &whose.attempt, labels.clone(), Some(why)))
        });
        all.extend(doubtful);
        let elsewhere = self.elsewhere.iter().map(|(labels, run, attempt)| {
            queued(run, attempt, labels.clone(), reasons.by_labels.get(labels).cloned())
        });
        all.extend(elsewhere.take(MOST));
        all.sort_by_key(|one| (one.run, one.attempt.fence));
        all.truncate(MOST);
        all
    }
}
