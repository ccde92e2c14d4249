//! What was handed out before: by an earlier process, or to a worker that comes back, or not in time.

use std::sync::Arc;

use api::link::{AttemptRef, Order};
use engine::id::RunId;
use jiff::Timestamp;

use super::seen::SeenAttempt;
use super::{Adopted, Hands, Held, With};
use crate::conductor::reports::{self, reference, stopped};

impl Hands {
    /// Asks what became of attempts that an earlier process may have handed out. Workers are asked
    /// when they are back.
    pub(crate) fn adopt(&mut self, attempts: Vec<Adopted>) {
        let here = attempts.iter().filter(|of| of.with == With::Here);
        let here: Vec<AttemptRef> = here.map(|of| reference(&of.whose, &of.key)).collect();
        for adopted in attempts {
            self.hold(adopted);
        }
        if !here.is_empty() {
            self.send(&With::Here, Order::Adopt { attempts: here });
        }
    }

    /// Asks again about everything held: reports may have been lost.
    pub(crate) fn ask_again(&mut self) {
        let here = self.all().filter(|(_, held)| held.with == With::Here);
        let attempts: Vec<AttemptRef> =
            here.map(|(whose, held)| reference(whose, &held.key)).collect();
        if !attempts.is_empty() {
            self.send(&With::Here, Order::Adopt { attempts });
        }
        let workers: Vec<Arc<str>> = self.fleet.iter().map(|(name, _)| Arc::clone(name)).collect();
        for worker in workers {
            self.ask_worker(&worker);
        }
    }

    /// Asks a worker about all that it has.
    pub(crate) fn ask_worker(&self, worker: &str) {
        let attempts: Vec<AttemptRef> =
            self.of_worker(worker).map(|(whose, held)| reference(whose, &held.key)).collect();
        self.fleet.order(worker, Order::Adopt { attempts });
    }

    /// One that is back is told what it is held to have, and what of it has to stop.
    pub(crate) fn greet(&mut self, worker: &str, connection: u64, data_dir: &str) {
        if !self.fleet.greet(worker, connection, data_dir) {
            return;
        }
        self.ask_worker(worker);
        for (whose, held) in self.of_worker(worker) {
            if let Some(reason) = held.told {
                let attempt = reference(whose, &held.key);
                self.fleet.order(worker, Order::Stop { attempt, reason: stopped(reason) });
            }
        }
        self.changed();
    }

    /// What a worker says it has: that of it which anybody may have had is with it.
    pub(crate) fn claim(&mut self, worker: &Arc<str>, held: &[AttemptRef]) {
        for whose in held.iter().filter_map(reports::whose) {
            let of = self.held.get_mut(&whose.run).and_then(|of| of.get_mut(&whose));
            if let Some(of) = of.filter(|of| matches!(of.with, With::Doubtful { .. })) {
                of.with = With::Worker(Arc::clone(worker));
                self.changes += 1;
            }
        }
    }

    /// What a lost worker had: it is given up, and no word of that worker about it counts.
    pub(crate) fn give_up(&mut self, worker: &Arc<str>) -> Vec<AttemptRef> {
        let (mut given_up, mut had) = (Vec::new(), Vec::new());
        for (whose, held) in self.held.values_mut().flatten() {
            if held.with == With::Worker(Arc::clone(worker)) {
                held.with = With::Lost(Arc::clone(worker));
                given_up.push(reference(whose, &held.key));
                had.push(SeenAttempt::of(whose, held.started));
            }
        }
        had.sort_unstable();
        self.fleet.remember(worker, had);
        given_up.sort_unstable();
        self.changed();
        given_up
    }

    /// Runs with attempts of which nobody said in time that they have them: they are free again.
    pub(crate) fn end_doubt(&mut self, now: Timestamp) -> Vec<RunId> {
        let over = |held: &Held| matches!(held.with, With::Doubtful { until, .. } if until <= now);
        let mut runs = Vec::new();
        if self.doubt.is_none_or(|until| until > now) {
            return runs;
        }
        for (run, of) in &mut self.held {
            let before = of.len();
            of.retain(|_, held| !over(held));
            if of.len() != before {
                runs.push(*run);
            }
        }
        self.held.retain(|_, of| !of.is_empty());
        let left = self.all().filter_map(|(_, held)| match held.with {
            With::Doubtful { until, .. } => Some(until),
            With::Here | With::Worker(_) | With::Lost(_) => None,
        });
        self.doubt = left.min();
        if !runs.is_empty() {
            self.changed();
        }
        runs
    }
}
