//! What is held, by the own hands and by workers on other machines, and what ought to be: attempts
//! go out while there are free slots, the oldest run first. Occupancy is not counted, it is the
//! number of attempts held.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use api::link::{Assignment, AttemptRef, Order};
use engine::command::StopReason;
use engine::id::{AttemptId, RunId};
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;

use super::reports::{Whose, reference, stopped};
use fleet::{Fleet, Sender};
use queue::{Elsewhere, Labels};

mod adopt;
pub(crate) mod fleet;
mod queue;
pub(crate) mod seen;
mod why;

/// The name of the own hands among the workers.
pub(crate) const LOCAL: &str = "local";

pub(crate) struct Hands {
    orders: UnboundedSender<Order>,
    slots: usize,
    /// By run. No map is empty.
    held: HashMap<RunId, HashMap<Whose, Held>>,
    /// Attempts that wait for a slot of the own hands, in order. No queue is empty.
    queues: BTreeMap<RunId, VecDeque<AttemptId>>,
    /// Attempts that wait for a worker with labels.
    elsewhere: Elsewhere,
    pub(crate) fleet: Fleet,
    /// Rises when what is shown of workers, or of what waits for them, is different.
    changes: u64,
    /// Something changed after which one of them might be placed.
    placeable: bool,
    /// When the first doubt about an attempt ends.
    doubt: Option<Timestamp>,
}

/// An attempt handed out, or of which it was asked whether it ever had been.
struct Held {
    key: String,
    told: Option<StopReason>,
    with: With,
    started: Option<Timestamp>,
}

/// Who has an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum With {
    /// The own hands.
    Here,
    Worker(Arc<str>),
    /// It was given up with its worker, and that is not stored yet.
    Lost(Arc<str>),
    /// Before this process began it may have been handed to a worker with these labels.
    Doubtful {
        labels: Labels,
        until: Timestamp,
    },
}

/// What an earlier process may have handed out.
pub(crate) struct Adopted {
    pub(crate) whose: Whose,
    pub(crate) key: String,
    pub(crate) with: With,
    pub(crate) started: Option<Timestamp>,
}

impl Hands {
    pub(crate) fn new(orders: UnboundedSender<Order>, slots: u32) -> Self {
        let slots = slots.max(1) as usize;
        Self {
            orders,
            slots,
            held: HashMap::new(),
            queues: BTreeMap::new(),
            elsewhere: Elsewhere::default(),
            fleet: Fleet::default(),
            changes: 1,
            placeable: false,
            doubt: None,
        }
    }

    /// These attempts of a run, and no others, ought to be running, in this order: those for the own
    /// hands, and those for workers with labels.
    pub(crate) fn want(
        &mut self,
        run: RunId,
        here: Vec<AttemptId>,
        elsewhere: Vec<(AttemptId, Labels)>,
    ) {
        let waits = |attempt: &AttemptId| !self.holds(&running(run, attempt));
        let queue: VecDeque<AttemptId> = here.into_iter().filter(waits).collect();
        let elsewhere = elsewhere.into_iter().filter(|(attempt, _)| waits(attempt)).collect();
        if queue.is_empty() {
            self.queues.remove(&run);
        } else {
            self.queues.insert(run, queue);
        }
        if self.elsewhere.set(run, elsewhere) {
            self.changed();
        }
    }

    /// This attempt of a run ought to be running too.
    pub(crate) fn want_more(&mut self, run: RunId, attempt: AttemptId, labels: Labels) {
        if labels.is_empty() {
            self.queues.entry(run).or_default().push_back(attempt);
        } else {
            self.elsewhere.push(run, attempt, labels);
            self.changed();
        }
    }

    /// Attempts of this run that wait for a slot of the own hands, in order.
    pub(crate) fn waiting(&self, run: RunId) -> impl Iterator<Item = &AttemptId> {
        self.queues.get(&run).into_iter().flatten()
    }

    /// Attempts of this run that wait for a worker.
    pub(crate) fn waiting_elsewhere(&self, run: RunId) -> impl Iterator<Item = &AttemptId> {
        self.elsewhere.of_run(run)
    }

    /// Takes the attempts for which there is a slot here, in order: the oldest run first. Those that are
    /// kept stay where they are.
    pub(crate) fn next(&mut self, kept: &HashSet<Whose>) -> Vec<Whose> {
        let mut free = self.slots.saturating_sub(self.used());
        let mut next = Vec::new();
        for (run, queue) in &mut self.queues {
            let may =
                |attempt: &AttemptId| kept.is_empty() || !kept.contains(&running(*run, attempt));
            while free > 0
                && let Some(at) = queue.iter().position(may)
                && let Some(attempt) = queue.remove(at)
            {
                next.push(running(*run, &attempt));
                free -= 1;
            }
            if free == 0 {
                break;
            }
        }
        self.queues.retain(|_, queue| !queue.is_empty());
        next
    }

    /// Takes the attempts for which a worker has a free slot and all labels, the oldest run first;
    /// the worker with the most free slots gets it.
    pub(crate) fn place(&mut self) -> Vec<(Whose, Labels, Arc<str>)> {
        if !std::mem::take(&mut self.placeable) || self.elsewhere.is_empty() {
            return Vec::new();
        }
        let taken = self.taken();
        let takes = self.fleet.iter().filter(|(_, worker)| worker.takes());
        let mut free: Vec<(Arc<str>, BTreeSet<String>, usize)> = takes
            .map(|(name, worker)| {
                let used = taken.get(name).copied().unwrap_or(0);
                let free = (worker.row.slots as usize).saturating_sub(used);
                (Arc::clone(name), worker.row.labels.clone(), free)
            })
            .collect();
        let mut placed = Vec::new();
        loop {
            let best = |labels: &Labels| {
                let of = free.iter().enumerate().rev();
                let fits = of.filter(|(_, (_, has, free))| {
                    *free > 0 && labels.iter().all(|label| has.contains(label))
                });
                fits.max_by_key(|(_, (_, _, free))| *free).map(|(at, _)| at)
            };
            let Some((run, attempt, labels, at)) = self.elsewhere.take(best) else { break };
            free[at].2 -= 1;
            placed.push((running(run, &attempt), labels, Arc::clone(&free[at].0)));
        }
        if !placed.is_empty() {
            self.changes += 1;
        }
        placed
    }

    /// It could not be handed out now.
    pub(crate) fn give_back(&mut self, whose: Whose, labels: Labels) {
        if labels.is_empty() {
            self.queues.entry(whose.run).or_default().push_front(whose.attempt);
        } else {
            self.elsewhere.give_back(whose.run, whose.attempt, labels);
            self.changed();
        }
    }

    pub(crate) fn start(&mut self, whose: Whose, assignment: Assignment, with: With) {
        let key = assignment.attempt.key.clone();
        self.send(&with, Order::Start(Box::new(assignment)));
        self.hold(Adopted { whose, key, with, started: None });
    }

    /// `false`: nobody holds it.
    pub(crate) fn stop(&mut self, whose: &Whose, reason: StopReason) -> bool {
        let Some(held) = self.held.get_mut(&whose.run).and_then(|of| of.get_mut(whose)) else {
            return false;
        };
        if held.told != Some(reason) {
            held.told = Some(reason);
            let attempt = reference(whose, &held.key);
            let with = held.with.clone();
            self.send(&with, Order::Stop { attempt, reason: stopped(reason) });
        }
        true
    }

    pub(crate) fn holds(&self, whose: &Whose) -> bool {
        self.get(whose).is_some()
    }

    /// Whether this worker has it.
    pub(crate) fn is_with(&self, whose: &Whose, worker: &str) -> bool {
        let with = self.get(whose).map(|held| &held.with);
        matches!(with, Some(With::Worker(name)) if **name == *worker)
    }

    /// What this worker has under this key.
    pub(crate) fn with_key(&self, worker: &str, key: &str) -> Option<Whose> {
        let mut of = self.of_worker(worker);
        of.find(|(_, held)| held.key == key).map(|(whose, _)| whose.clone())
    }

    /// Whether anything of this run is held.
    pub(crate) fn is_at(&self, run: RunId) -> bool {
        self.held.contains_key(&run)
    }

    /// When something ends that is only believed: a lease, or a doubt.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.fleet.next().into_iter().chain(self.doubt).min()
    }

    /// Attempts of this run that are held, in order.
    pub(crate) fn running(&self, run: RunId) -> Vec<Whose> {
        let mut held: Vec<Whose> =
            self.of_run(run).into_iter().filter(|whose| !whose.probe).collect();
        held.sort_unstable_by_key(|one| one.attempt.fence);
        held
    }

    /// Asks what they do at this moment.
    pub(crate) fn ask_about(&mut self, held: &[Whose]) {
        let mut here = Vec::new();
        let mut workers = Vec::new();
        for (whose, of) in held.iter().filter_map(|whose| Some((whose, self.get(whose)?))) {
            match &of.with {
                With::Here => here.push(reference(whose, &of.key)),
                With::Worker(name) => workers.push(Arc::clone(name)),
                With::Lost(_) | With::Doubtful { .. } => {}
            }
        }
        if !here.is_empty() {
            self.send(&With::Here, Order::Adopt { attempts: here });
        }
        workers.sort_unstable();
        workers.dedup();
        for worker in workers {
            self.ask_worker(&worker);
        }
    }

    /// It runs.
    pub(crate) fn note_started(&mut self, whose: &Whose, now: Timestamp) {
        let held = self.held.get_mut(&whose.run).and_then(|of| of.get_mut(whose));
        let Some(held) = held else { return };
        if held.started.is_none() {
            held.started = Some(now);
            if held.with != With::Here {
                self.changes += 1;
            }
        }
    }

    /// They never had it: it may be started. Says whether it was held.
    pub(crate) fn never_started(&mut self, whose: &Whose) -> bool {
        self.let_go(whose).is_some()
    }

    fn let_go(&mut self, whose: &Whose) -> Option<Held> {
        let of = self.held.get_mut(&whose.run)?;
        let held = of.remove(whose);
        if of.is_empty() {
            self.held.remove(&whose.run);
        }
        if held.as_ref().is_some_and(|held| held.with != With::Here) {
            self.changed();
        }
        held
    }

    /// Its end is stored.
    pub(crate) fn release(&mut self, whose: &Whose, attempt: AttemptRef, from: Option<&Sender>) {
        let held = self.let_go(whose);
        let with = match (held, from) {
            (Some(held), _) => held.with,
            (None, Some(from)) => With::Worker(Arc::clone(&from.worker)),
            (None, None) => With::Here,
        };
        self.send(&with, Order::Forget { attempt });
    }

    /// The run needs nothing any more. What is still held ends and is forgotten when it reports.
    pub(crate) fn drop_run(&mut self, run: RunId) {
        self.leave_queues(run);
        let held: Vec<Whose> = self.of_run(run);
        for whose in held {
            self.stop(&whose, StopReason::Cancelled);
        }
    }

    /// The run is damaged: whatever runs of it is left alone.
    pub(crate) fn abandon(&mut self, run: RunId) {
        self.leave_queues(run);
        self.held.remove(&run);
        self.changed();
    }

    fn leave_queues(&mut self, run: RunId) {
        self.queues.remove(&run);
        if self.elsewhere.remove(run) {
            self.changed();
        }
    }

    /// Probes of this run that are held.
    pub(crate) fn probes(&self, run: RunId) -> Vec<Whose> {
        self.of_run(run).into_iter().filter(|whose| whose.probe).collect()
    }

    fn of_run(&self, run: RunId) -> Vec<Whose> {
        self.held.get(&run).into_iter().flat_map(HashMap::keys).cloned().collect()
    }

    fn of_worker<'h>(&'h self, worker: &'h str) -> impl Iterator<Item = (&'h Whose, &'h Held)> {
        self.all()
            .filter(move |(_, held)| matches!(&held.with, With::Worker(name) if **name == *worker))
    }

    fn get(&self, whose: &Whose) -> Option<&Held> {
        self.held.get(&whose.run)?.get(whose)
    }

    fn all(&self) -> impl Iterator<Item = (&Whose, &Held)> {
        self.held.values().flatten()
    }

    fn hold(&mut self, adopted: Adopted) {
        let Adopted { whose, key, with, started } = adopted;
        if with != With::Here {
            self.changes += 1;
        }
        if let With::Doubtful { until, .. } = with {
            self.doubt = self.doubt.into_iter().chain([until]).min();
        }
        let held = Held { key, told: None, with, started };
        self.held.entry(whose.run).or_default().insert(whose, held);
    }

    /// Slots of the own hands in use. A probe takes none.
    pub(crate) fn used(&self) -> usize {
        self.all().filter(|(whose, held)| !whose.probe && held.with == With::Here).count()
    }

    /// Slots in use, by worker.
    fn taken(&self) -> HashMap<&Arc<str>, usize> {
        let mut taken = HashMap::new();
        for (_, held) in self.all() {
            if let With::Worker(name) = &held.with {
                *taken.entry(name).or_default() += 1;
            }
        }
        taken
    }

    /// Whether this worker has anything.
    pub(crate) fn is_busy(&self, worker: &str) -> bool {
        self.of_worker(worker).next().is_some()
    }

    /// Whether one that drains has nothing left, and is to be let go.
    pub(crate) fn has_drained(&self) -> bool {
        !self.fleet.drained(|worker| self.is_busy(worker)).is_empty()
    }

    pub(crate) fn queued(&self) -> usize {
        self.queues.values().map(VecDeque::len).sum::<usize>() + self.elsewhere.len()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.held.is_empty() && self.queues.is_empty() && self.elsewhere.is_empty()
    }

    /// Something of the workers is different.
    pub(crate) fn changed(&mut self) {
        self.changes += 1;
        self.placeable = true;
    }

    /// Something is shown otherwise that decides nothing.
    pub(crate) fn seen_anew(&mut self) {
        self.changes += 1;
    }

    /// A worker that has gone away is told nothing; what it held is adopted by the next one.
    fn send(&self, with: &With, order: Order) {
        match with {
            With::Here => {
                let _gone = self.orders.send(order);
            }
            With::Worker(name) => self.fleet.order(name, order),
            With::Lost(_) | With::Doubtful { .. } => {}
        }
    }
}

fn running(run: RunId, attempt: &AttemptId) -> Whose {
    Whose { run, attempt: attempt.clone(), probe: false }
}

#[cfg(test)]
mod tests;
