//! What ought to exist after each step, and what ought to have happened by then.

use engine::command::{StopReason, TimerKind};
use engine::desired::Desired;
use engine::id::{AttemptId, ExecutionId};
use pipeline::model::{HaltMode, Rule};

use super::{Book, Broken, Ledger};
use crate::sim::spec::{Kind, Micros, SECOND};

impl Ledger<'_> {
    /// What ought to exist, and what ought to have happened by now.
    pub(crate) fn check(&self, desired: &Desired, now: Micros) -> Result<(), Broken> {
        self.agree(desired, now, true)
    }

    /// `whole`: not in the middle of a decision, so all that follows from it has happened too.
    pub(crate) fn agree(&self, desired: &Desired, now: Micros, whole: bool) -> Result<(), Broken> {
        let mut wanted: Vec<AttemptId> = desired.attempts.clone();
        wanted.sort();
        let mut live = self.live_attempts();
        live.sort();
        ensure!(wanted == live, "desired attempts are {wanted:?}, live are {live:?}");
        for (attempt, why) in &desired.stops {
            let book = &self.executions[&attempt.execution];
            let asked = book.live.as_ref().and_then(|live| live.stopping);
            ensure!(asked == Some(*why), "stop of {attempt:?}: {why:?}, asked {asked:?}");
        }
        self.probes(desired)?;
        if whole {
            self.timers(desired, now)?;
            self.nothing_spared()?;
        }
        if whole && self.started && !self.paused && self.finished.is_none() && self.going.is_none()
        {
            self.nothing_forgotten(now)?;
        }
        Ok(())
    }

    pub(super) fn probes(&self, desired: &Desired) -> Result<(), Broken> {
        let mut wanted: Vec<_> = self
            .executions
            .values()
            .filter_map(|book| book.live.as_ref())
            .filter(|live| live.unknown && live.probing)
            .map(|live| live.id.clone())
            .collect();
        let mut probes = desired.probes.clone();
        wanted.sort();
        probes.sort();
        if !self.paused && !self.cancelling {
            ensure!(wanted == probes, "desired probes are {probes:?}, unknown are {wanted:?}");
        }
        Ok(())
    }

    /// Exactly the waits and the limits that run, each at its instant and of its generation.
    pub(super) fn timers(&self, desired: &Desired, now: Micros) -> Result<(), Broken> {
        let mut wanted: Vec<(ExecutionId, TimerKind, u32, Micros)> = vec![];
        let active = self.active(now);
        for (id, book) in self.executions.iter().filter(|_| !self.paused) {
            if book.settled.is_some() {
                continue;
            }
            if let Some(wait) = &book.backoff {
                let due = now + wait.since + wait.lasts - active;
                wanted.push((id.clone(), TimerKind::Retry, wait.number, due));
            }
            self.people_timers(id, &mut wanted, |since| now + since - active);
            let total = self.stage(self.at(&id.stage)?).total;
            let counts = match &book.live {
                None => book.queued && !book.people.asks() || book.backoff.is_some(),
                Some(live) => !live.unknown && live.stopping.is_none(),
            };
            if let (Some(total), Some(_), true) = (total, book.ticking, counts) {
                let due = now + total - book.used(active).min(now + total);
                wanted.push((id.clone(), TimerKind::Total, self.round, due));
            }
        }
        let mut armed: Vec<_> = desired
            .timers
            .iter()
            .map(|timer| {
                let due = u64::try_from(timer.due.as_microsecond()).unwrap();
                (timer.id.execution.clone(), timer.id.kind, timer.id.generation, due)
            })
            .collect();
        wanted.sort();
        armed.sort();
        ensure!(armed == wanted, "armed are {armed:?}, ought to be {wanted:?}");
        Ok(())
    }

    /// Deadlines and reminders of what people are asked.
    fn people_timers(
        &self,
        id: &ExecutionId,
        wanted: &mut Vec<(ExecutionId, TimerKind, u32, Micros)>,
        at: impl Fn(Micros) -> Micros,
    ) {
        let Some(people) = self.people_of(id) else { return };
        if let Some(gate) = &people.gate {
            let generation = gate.id.generation * 2 + u32::from(gate.escalated);
            let lasts = gate.lasts();
            let kind = TimerKind::Gate(gate.id.kind);
            wanted.push((id.clone(), kind, generation, at(gate.since + lasts)));
            let left = gate.electorate.reminders.iter().filter(|p| !gate.reminded.contains(p));
            if let Some(percent) = left.min() {
                let due = gate.since + lasts * u64::from(*percent) / 100;
                let kind = TimerKind::Remind(gate.id.kind, *percent);
                wanted.push((id.clone(), kind, generation, at(due)));
            }
        }
        let timeout = self.spec.stage(&id.stage).asks.form.as_ref().and_then(|form| form.timeout);
        if let (Some(form), Some(timeout)) = (&people.form, timeout) {
            let due = at(form.since + timeout * SECOND);
            wanted.push((id.clone(), TimerKind::Form, form.generation, due));
        }
    }

    /// Whatever must end is being stopped.
    pub(super) fn nothing_spared(&self) -> Result<(), Broken> {
        let halting = match &self.halted {
            None => false,
            Some(cause) => {
                let stage = self.stage(self.at(&cause.stage)?);
                let mode = stage.halt_mode.or(self.spec.halt_mode);
                mode == Some(HaltMode::Cancel)
            }
        };
        for (id, book) in &self.executions {
            let node = &self.nodes[self.at(&id.stage)?];
            let Some(live) = book.live.as_ref().filter(|live| !live.unknown) else { continue };
            let cancelled = self.cancelling && (!node.finally || self.forced);
            let exempt = node.rule == Rule::Always || node.compensates.is_some();
            let halted = halting && !node.finally && !exempt;
            // A run inside is paused itself.
            let child = self.spec.stage(&id.stage).kind == Kind::Child;
            let paused = self.paused && self.stopped && !child;
            let ends = cancelled || halted || paused || self.superseded(id);
            ensure!(!ends || live.stopping.is_some(), "{id} is not stopped");
            let comes_back = live.stopping == Some(StopReason::Paused);
            ensure!(
                !(cancelled || halted) || !comes_back,
                "{id} is stopped as if it would come back"
            );
        }
        Ok(())
    }

    /// A run that goes on has no stage that could be judged and no execution that could be
    /// scheduled: otherwise a wake-up was lost.
    pub(super) fn nothing_forgotten(&self, _now: Micros) -> Result<(), Broken> {
        self.decided_gates()?;
        self.all_emitted()?;
        self.nothing_half_undone()?;
        let all =
            (0..self.nodes.len()).all(|at| self.stages[at].settled.is_some() || self.dormant(at));
        ensure!(!all, "every stage has settled but the run has not finished");
        for (id, book) in &self.executions {
            let node = &self.nodes[self.at(&id.stage)?];
            let cancelled = self.cancelling && (!node.finally || self.forced);
            let halted = self.barred(self.at(&id.stage)?) && !cancelled;
            let unknown = book.live.as_ref().is_some_and(|live| live.unknown);
            ensure!(
                !(unknown && cancelled),
                "{id} waits for a decision although the run was cancelled"
            );
            let waits = book.settled.is_none() && (book.waits() || book.queued);
            ensure!(!waits || !(cancelled || halted), "{id} waits to be tried again in vain");
        }
        let full = self.spec.max_parallel.is_some_and(|max| self.live_of(None) >= max);
        for at in 0..self.nodes.len() {
            let (node, book) = (&self.nodes[at], &self.stages[at]);
            let later = node.finally && (!self.main_settled() || self.undoing());
            if book.settled.is_some() || later || self.dormant(at) {
                continue;
            }
            if node.compensates.is_some() && !self.turn(at) {
                continue;
            }
            let judged = node.deps.iter().all(|dep| self.stages[*dep].settled.is_some());
            if !book.ready {
                let judged = judged && self.may_start(at)?.is_some();
                ensure!(!judged, "{} could be judged but is not", node.name);
                ensure!(
                    node.finally || !self.cancelling,
                    "{} has not settled although the run was cancelled",
                    node.name
                );
                continue;
            }
            self.nothing_lost(at)?;
            let max = self.stage(at).width();
            let narrow = max.is_some_and(|max| self.live_of(Some(&node.name)) >= max);
            for id in self.members(at) {
                let idle = self.executions.get(&id).is_none_or(Book::idle);
                let queued = self.barrier(at, &id).is_none() && self.stage(at).kind.works();
                match self.needs(at, id.instance) {
                    Ok(waits) if waits.is_empty() => {}
                    Ok(_) => continue,
                    Err(key) => {
                        ensure!(!idle, "{id} waits for {key}, which never comes");
                        continue;
                    }
                }
                ensure!(!idle || queued && (full || narrow), "{id} could go on but does not");
            }
        }
        Ok(())
    }
}
