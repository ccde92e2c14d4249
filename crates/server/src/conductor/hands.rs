//! What the hands hold, and what they ought to: attempts go out while there are free slots, the
//! oldest run first. Occupancy is not counted, it is the number of attempts held.

use std::collections::{BTreeMap, HashMap, VecDeque};

use api::link::{Assignment, AttemptRef, Order};
use engine::command::StopReason;
use engine::id::{AttemptId, RunId};
use tokio::sync::mpsc::UnboundedSender;

use super::reports::{Whose, reference, stopped};

pub(crate) struct Hands {
    orders: UnboundedSender<Order>,
    slots: usize,
    /// By run. No map is empty.
    held: HashMap<RunId, HashMap<Whose, Held>>,
    /// Attempts that wait for a slot, in order. No queue is empty.
    queues: BTreeMap<RunId, VecDeque<AttemptId>>,
}

/// An attempt handed out, or of which it was asked whether it ever had been.
struct Held {
    key: String,
    told: Option<StopReason>,
}

impl Hands {
    pub(crate) fn new(orders: UnboundedSender<Order>, slots: u32) -> Self {
        let slots = slots.max(1) as usize;
        Self { orders, slots, held: HashMap::new(), queues: BTreeMap::new() }
    }

    /// These attempts of a run, and no others, ought to be running, in this order.
    pub(crate) fn want(&mut self, run: RunId, attempts: Vec<AttemptId>) {
        let waits = |attempt: &AttemptId| !self.holds(&running(run, attempt));
        let queue: VecDeque<AttemptId> = attempts.into_iter().filter(waits).collect();
        if queue.is_empty() {
            self.queues.remove(&run);
        } else {
            self.queues.insert(run, queue);
        }
    }

    /// This attempt of a run ought to be running too.
    pub(crate) fn want_more(&mut self, run: RunId, attempt: AttemptId) {
        self.queues.entry(run).or_default().push_back(attempt);
    }

    /// Attempts of this run that wait for a slot, in order.
    pub(crate) fn waiting(&self, run: RunId) -> impl Iterator<Item = &AttemptId> {
        self.queues.get(&run).into_iter().flatten()
    }

    /// Takes the attempts for which there is a slot, in order: the oldest run first.
    pub(crate) fn next(&mut self) -> Vec<Whose> {
        let mut free = self.slots.saturating_sub(self.used());
        let mut next = Vec::new();
        while free > 0 {
            let Some(mut queue) = self.queues.first_entry() else { break };
            let run = *queue.key();
            match queue.get_mut().pop_front() {
                Some(attempt) => {
                    next.push(running(run, &attempt));
                    free -= 1;
                }
                None => drop(queue.remove()),
            }
        }
        self.queues.retain(|_, queue| !queue.is_empty());
        next
    }

    /// It could not be handed out now.
    pub(crate) fn give_back(&mut self, whose: Whose) {
        self.queues.entry(whose.run).or_default().push_front(whose.attempt);
    }

    pub(crate) fn start(&mut self, whose: Whose, assignment: Assignment) {
        let key = assignment.attempt.key.clone();
        self.send(Order::Start(Box::new(assignment)));
        self.hold(whose, key);
    }

    /// `false`: the hands do not hold it.
    pub(crate) fn stop(&mut self, whose: &Whose, reason: StopReason) -> bool {
        let Some(held) = self.held.get_mut(&whose.run).and_then(|of| of.get_mut(whose)) else {
            return false;
        };
        if held.told != Some(reason) {
            held.told = Some(reason);
            let attempt = reference(whose, &held.key);
            self.send(Order::Stop { attempt, reason: stopped(reason) });
        }
        true
    }

    pub(crate) fn holds(&self, whose: &Whose) -> bool {
        self.get(whose).is_some()
    }

    /// Whether anything of this run is held.
    pub(crate) fn is_at(&self, run: RunId) -> bool {
        self.held.contains_key(&run)
    }

    /// Asks what became of attempts that an earlier process may have handed out.
    pub(crate) fn adopt(&mut self, attempts: Vec<(Whose, String)>) {
        if attempts.is_empty() {
            return;
        }
        let references = attempts.iter().map(|(whose, key)| reference(whose, key)).collect();
        for (whose, key) in attempts {
            self.hold(whose, key);
        }
        self.send(Order::Adopt { attempts: references });
    }

    /// Asks again about everything held: reports may have been lost.
    pub(crate) fn ask_again(&mut self) {
        let attempts: Vec<AttemptRef> =
            self.all().map(|(whose, held)| reference(whose, &held.key)).collect();
        if !attempts.is_empty() {
            self.send(Order::Adopt { attempts });
        }
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
        let references =
            held.iter().filter_map(|whose| Some(reference(whose, &self.get(whose)?.key)));
        self.send(Order::Adopt { attempts: references.collect() });
    }

    /// They never had it: it may be started. Says whether it was held.
    pub(crate) fn never_started(&mut self, whose: &Whose) -> bool {
        self.let_go(whose)
    }

    fn let_go(&mut self, whose: &Whose) -> bool {
        let Some(of) = self.held.get_mut(&whose.run) else { return false };
        let held = of.remove(whose).is_some();
        if of.is_empty() {
            self.held.remove(&whose.run);
        }
        held
    }

    /// Its end is stored.
    pub(crate) fn release(&mut self, whose: &Whose, attempt: AttemptRef) {
        self.let_go(whose);
        self.send(Order::Forget { attempt });
    }

    /// The run needs nothing any more. What is still held ends and is forgotten when it reports.
    pub(crate) fn drop_run(&mut self, run: RunId) {
        self.queues.remove(&run);
        let held: Vec<Whose> = self.of_run(run);
        for whose in held {
            self.stop(&whose, StopReason::Cancelled);
        }
    }

    /// The run is damaged: whatever runs of it is left alone.
    pub(crate) fn abandon(&mut self, run: RunId) {
        self.queues.remove(&run);
        self.held.remove(&run);
    }

    /// Probes of this run that are held.
    pub(crate) fn probes(&self, run: RunId) -> Vec<Whose> {
        self.of_run(run).into_iter().filter(|whose| whose.probe).collect()
    }

    fn of_run(&self, run: RunId) -> Vec<Whose> {
        self.held.get(&run).into_iter().flat_map(HashMap::keys).cloned().collect()
    }

    fn get(&self, whose: &Whose) -> Option<&Held> {
        self.held.get(&whose.run)?.get(whose)
    }

    fn all(&self) -> impl Iterator<Item = (&Whose, &Held)> {
        self.held.values().flatten()
    }

    fn hold(&mut self, whose: Whose, key: String) {
        self.held.entry(whose.run).or_default().insert(whose, Held { key, told: None });
    }

    /// Slots in use. A probe takes none.
    pub(crate) fn used(&self) -> usize {
        self.all().filter(|(whose, _)| !whose.probe).count()
    }

    pub(crate) fn queued(&self) -> usize {
        self.queues.values().map(VecDeque::len).sum()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.held.is_empty() && self.queues.is_empty()
    }

    /// A worker that has gone away is told nothing; what it held is adopted by the next one.
    fn send(&self, order: Order) {
        let _gone = self.orders.send(order);
    }
}

fn running(run: RunId, attempt: &AttemptId) -> Whose {
    Whose { run, attempt: attempt.clone(), probe: false }
}
