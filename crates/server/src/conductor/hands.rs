//! What the hands hold, and what they ought to: attempts go out while there are free slots, the
//! oldest run first. Occupancy is not counted, it is the number of attempts held.

use std::collections::{BTreeMap, HashMap};

use api::link::{Assignment, AttemptRef, Order};
use engine::command::StopReason;
use engine::id::{AttemptId, RunId};
use tokio::sync::mpsc::UnboundedSender;

use super::reports::{Whose, reference, stopped};

pub(crate) struct Hands {
    orders: UnboundedSender<Order>,
    slots: usize,
    held: HashMap<Whose, Held>,
    wanted: BTreeMap<RunId, Vec<AttemptId>>,
}

/// An attempt handed out, or of which it was asked whether it ever had been.
struct Held {
    key: String,
    told: Option<StopReason>,
}

impl Hands {
    pub(crate) fn new(orders: UnboundedSender<Order>, slots: u32) -> Self {
        let slots = slots.max(1) as usize;
        Self { orders, slots, held: HashMap::new(), wanted: BTreeMap::new() }
    }

    /// These attempts of a run ought to be running, in this order.
    pub(crate) fn want(&mut self, run: RunId, attempts: Vec<AttemptId>) {
        if attempts.is_empty() {
            self.wanted.remove(&run);
        } else {
            self.wanted.insert(run, attempts);
        }
    }

    /// The attempts for which there is a slot, in order: the oldest run first.
    pub(crate) fn next(&self) -> Vec<Whose> {
        let mut free = self.slots.saturating_sub(self.used());
        let mut next = Vec::new();
        for (run, attempts) in &self.wanted {
            if free == 0 {
                break;
            }
            for attempt in attempts {
                let whose = Whose { run: *run, attempt: attempt.clone(), probe: false };
                if free > 0 && !self.held.contains_key(&whose) {
                    next.push(whose);
                    free -= 1;
                }
                if free == 0 {
                    break;
                }
            }
        }
        next
    }

    pub(crate) fn start(&mut self, whose: Whose, assignment: Assignment) {
        let key = assignment.attempt.key.clone();
        self.send(Order::Start(Box::new(assignment)));
        self.held.insert(whose, Held { key, told: None });
    }

    /// `false`: the hands do not hold it.
    pub(crate) fn stop(&mut self, whose: &Whose, reason: StopReason) -> bool {
        let Some(held) = self.held.get_mut(whose) else { return false };
        if held.told != Some(reason) {
            held.told = Some(reason);
            let attempt = reference(whose, &held.key);
            self.send(Order::Stop { attempt, reason: stopped(reason) });
        }
        true
    }

    pub(crate) fn holds(&self, whose: &Whose) -> bool {
        self.held.contains_key(whose)
    }

    /// Asks what became of attempts that an earlier process may have handed out.
    pub(crate) fn adopt(&mut self, attempts: Vec<(Whose, String)>) {
        if attempts.is_empty() {
            return;
        }
        let references = attempts.iter().map(|(whose, key)| reference(whose, key)).collect();
        for (whose, key) in attempts {
            self.held.insert(whose, Held { key, told: None });
        }
        self.send(Order::Adopt { attempts: references });
    }

    /// Asks again about everything held: reports may have been lost.
    pub(crate) fn ask_again(&mut self) {
        let attempts: Vec<AttemptRef> =
            self.held.iter().map(|(whose, held)| reference(whose, &held.key)).collect();
        if !attempts.is_empty() {
            self.send(Order::Adopt { attempts });
        }
    }

    /// They never had it: it may be started. Says whether it was held.
    pub(crate) fn never_started(&mut self, whose: &Whose) -> bool {
        self.held.remove(whose).is_some()
    }

    /// Its end is stored.
    pub(crate) fn release(&mut self, whose: &Whose, attempt: AttemptRef) {
        self.held.remove(whose);
        self.send(Order::Forget { attempt });
    }

    /// The run needs nothing any more. What is still held ends and is forgotten when it reports.
    pub(crate) fn drop_run(&mut self, run: RunId) {
        self.wanted.remove(&run);
        let held: Vec<Whose> = self.of_run(run);
        for whose in held {
            self.stop(&whose, StopReason::Cancelled);
        }
    }

    /// The run is damaged: whatever runs of it is left alone.
    pub(crate) fn abandon(&mut self, run: RunId) {
        self.wanted.remove(&run);
        self.held.retain(|whose, _| whose.run != run);
    }

    /// Probes of this run that are held.
    pub(crate) fn probes(&self, run: RunId) -> Vec<Whose> {
        self.held.keys().filter(|whose| whose.run == run && whose.probe).cloned().collect()
    }

    fn of_run(&self, run: RunId) -> Vec<Whose> {
        self.held.keys().filter(|whose| whose.run == run).cloned().collect()
    }

    /// Slots in use. A probe takes none.
    pub(crate) fn used(&self) -> usize {
        self.held.keys().filter(|whose| !whose.probe).count()
    }

    pub(crate) fn queued(&self) -> usize {
        let wanted: usize = self.wanted.values().map(Vec::len).sum();
        wanted.saturating_sub(self.used())
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.held.is_empty() && self.wanted.is_empty()
    }

    /// A worker that has gone away is told nothing; what it held is adopted by the next one.
    fn send(&self, order: Order) {
        let _gone = self.orders.send(order);
    }
}
