//! The installation's roll-out: which modes hold, who stands in the way of a switch, and a switch
//! that waits until nobody does.

use std::collections::{BTreeMap, HashMap, HashSet};

use api::rollout::{Busy, RolloutView};
use engine::admission::{Occupant, Orchestration, Order, Policy, Stand};
use engine::id::{ExecutionId, RunId};
use engine::working::{AgentAtWork, Working};
use jiff::Timestamp;
use serde_json::json;
use store::port::{
    Change, DrainingRow, Error, Outcome, Refusal, RolloutChange, RolloutRow, RolloutWish,
    TrailEntry,
};

use super::Conductor;
use super::batch::{Batch, Waits};
use super::desk::Reply;
use super::live::{Live, guarded};
use super::reports::Whose;
use crate::refused::Refused;
use crate::view;

/// Who switches when a drain has come to its end is whoever asked for it.
const SWITCHED: &str = "rollout.switched";
/// Somebody was busy.
const FORCED: &str = "rollout.forced";
/// Something else than the modes.
const CHANGED: &str = "rollout.changed";
const DRAINING: &str = "rollout.draining";
const GIVEN_UP: &str = "rollout.drain_given_up";

#[derive(Debug, Default)]
pub(crate) struct Rollout {
    /// As it is after what this turn has decided.
    pub(crate) row: RolloutRow,
    /// Runs that somebody is busy with, as they are stored; also parked ones.
    working: HashMap<RunId, Working>,
}

/// What somebody wants of the roll-out.
#[derive(Debug)]
pub(crate) struct SwitchAsk {
    pub(crate) wanted: Wanted,
    pub(crate) by: String,
    /// May be empty.
    pub(crate) reason: String,
    /// The version that was looked at.
    pub(crate) seen: Option<u64>,
}

#[derive(Debug)]
pub(crate) enum Wanted {
    Switch {
        wish: RolloutWish,
        /// Waits until nobody is busy.
        drain: bool,
        /// Switches although somebody is.
        force: bool,
    },
    GiveUp,
}

/// Who waits for what, as the conductor knows it.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// Somebody who works, or waits for a place: with the role, and why in the latter case.
    pub(crate) agents: Vec<(String, Busy, Option<String>)>,
    /// Runs of tasks that have not begun.
    pub(crate) pending: Vec<PendingRun>,
}

#[derive(Debug)]
pub(crate) struct PendingRun {
    pub(crate) task: String,
    pub(crate) name: String,
    pub(crate) priority: i64,
    pub(crate) since: Timestamp,
    pub(crate) because: String,
}

/// What of the roll-out keeps a run.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Why it does not begin, beside its own task and its group.
    pub(crate) run: Option<String>,
    /// Why its agents do not start.
    pub(crate) attempts: HashMap<ExecutionId, String>,
}

impl Rollout {
    /// Of roles, as far as they count in this mode.
    fn limits(&self) -> BTreeMap<String, u32> {
        match self.row.orchestration {
            Orchestration::Sequential => BTreeMap::new(),
            Orchestration::Parallel | Orchestration::Hybrid => self.row.wip.clone(),
        }
    }

    /// It came after a drain had begun: its agents wait for the end of it. Those of runs that were
    /// there before work on, or they could not end.
    fn is_late(&self, working: &Working) -> bool {
        let draining = self.row.draining.as_ref();
        !working.does_task && draining.is_some_and(|draining| working.created_at > draining.since)
    }

    pub(crate) fn policy(&self) -> Policy {
        let row = &self.row;
        Policy {
            orchestration: row.orchestration,
            max_tasks: row.max_tasks.unwrap_or(1),
            order: row.scheduler,
            drains: row.draining.as_ref().map(|draining| view::rollout::drains(&draining.to)),
        }
    }

    pub(super) fn forget(&mut self, run: RunId) {
        self.working.remove(&run);
    }

    pub(super) fn note(&mut self, live: &Live) {
        match guarded(|| live.run.working()) {
            Ok(Some(working)) => drop(self.working.insert(live.id, working)),
            Ok(None) => self.forget(live.id),
            Err(problem) => tracing::error!(run = %live.id, problem, "nobody knows who is busy"),
        }
    }
}

impl Conductor {
    /// As it is stored.
    pub(super) fn open_rollout(&mut self) -> Result<(), Error> {
        self.rollout.row = self.reader.rollout()?;
        self.show_rollout();
        Ok(())
    }

    pub(super) fn note_working(&mut self, run: RunId) {
        if let Some(live) = self.runs.get(&run) {
            self.rollout.note(live);
        }
    }

    /// Who is busy, whoever began first before the others; with what this turn has decided.
    fn busy(&self, batch: &Batch) -> Vec<Busy> {
        let fresh = batch.touched.iter().filter_map(|run| {
            let live = self.runs.get(run)?;
            guarded(|| live.run.working()).ok().flatten()
        });
        let fresh: Vec<Working> = fresh.collect();
        let stored = self.rollout.working.values();
        let stored = stored.filter(|working| !batch.touched.contains(&working.run));
        let mut busy: Vec<Busy> =
            stored.chain(&fresh).flat_map(|working| self.busy_with(working)).collect();
        busy.sort_by(|one, other| {
            (one.since, &one.run_name, &one.stage).cmp(&(
                other.since,
                &other.run_name,
                &other.stage,
            ))
        });
        busy
    }

    /// Its agents that are at work; else whoever does its task.
    fn busy_with(&self, working: &Working) -> Vec<Busy> {
        let held = working.agents.iter().filter(|agent| self.hands.holds(&whose(working, agent)));
        let mut busy: Vec<Busy> = held.map(|agent| view::rollout::agent(working, agent)).collect();
        if busy.is_empty() && working.does_task {
            busy.push(view::rollout::doer(working));
        }
        busy
    }

    /// What others may see of it.
    pub(super) fn show_rollout(&mut self) {
        let view = self.rollout_view();
        if self.board.put(view) {
            self.hub.rollout();
        }
    }

    fn rollout_view(&self) -> RolloutView {
        view::rollout::view(&self.rollout.row, self.busy(&Batch::default()))
    }

    pub(super) fn switch(&mut self, ask: SwitchAsk, reply: Reply<Outcome>, batch: &mut Batch) {
        match self.switched(ask, batch) {
            Ok(None) => reply.send(Ok(Outcome::Done)),
            Ok(Some(change)) => {
                self.rollout.row = change.row.clone();
                batch.readmit = true;
                batch.catalog.push(Change::SaveRollout(Box::new(change)));
                batch.waits.push(Waits::Stored(reply));
            }
            Err(refused) => reply.send(Err(refused)),
        }
    }

    /// `None`: it is so already.
    fn switched(&self, ask: SwitchAsk, batch: &Batch) -> Result<Option<RolloutChange>, Refused> {
        let row = &self.rollout.row;
        if let Some(expected) = ask.seen.filter(|seen| *seen != row.version) {
            let current = row.version;
            return Err(Refusal::RolloutMoved { current, expected }.into());
        }
        let (wish, drain, force) = match ask.wanted {
            Wanted::GiveUp => {
                if row.draining.is_none() {
                    return Err(Refused::NotDraining);
                }
                let next = RolloutRow { draining: None, ..row.clone() };
                return Ok(Some(self.rollout_change(next, GIVEN_UP, &ask.by, &ask.reason, &[])));
            }
            Wanted::Switch { ref wish, drain, force } => (wish, drain, force),
        };
        let mut next = row.with(wish);
        if next.orchestration == Orchestration::Hybrid && next.max_tasks.is_none() {
            let problem =
                "hybrid mode needs to know how many tasks may be in the system".to_owned();
            return Err(Refused::RolloutUnfit { field: "max_tasks", problem });
        }
        if wish.mode.is_none() && wish.orchestration.is_none() {
            // What is being waited for stays.
            next.draining.clone_from(&row.draining);
        }
        if next == *row {
            return Ok(None);
        }
        if !next.differs_in_mode(row) {
            let given_up = row.draining.is_some() && next.draining.is_none();
            let action = if given_up { GIVEN_UP } else { CHANGED };
            return Ok(Some(self.rollout_change(next, action, &ask.by, &ask.reason, &[])));
        }
        let busy = self.busy(batch);
        if busy.is_empty() {
            return Ok(Some(self.rollout_change(next, SWITCHED, &ask.by, &ask.reason, &[])));
        }
        let now = self.clock.now();
        let words: Vec<String> =
            busy.iter().map(|busy| view::rollout::busy_words(busy, now)).collect();
        if force {
            return Ok(Some(self.rollout_change(next, FORCED, &ask.by, &ask.reason, &words)));
        }
        if !drain {
            let asked = view::rollout::flags(wish);
            return Err(Refused::RolloutBusy { busy: words, asked });
        }
        let (to, by) = (wish.clone(), ask.by.clone());
        let draining = DrainingRow { to, by, since: now, reason: ask.reason.clone() };
        let next = RolloutRow { draining: Some(draining), ..row.clone() };
        Ok(Some(self.rollout_change(next, DRAINING, &ask.by, &ask.reason, &words)))
    }

    /// With its version, when and by whom it was switched, and what the trail says of it.
    fn rollout_change(
        &self,
        mut next: RolloutRow,
        action: &str,
        by: &str,
        reason: &str,
        busy: &[String],
    ) -> RolloutChange {
        let (row, now) = (&self.rollout.row, self.clock.now());
        next.version = row.version + 1;
        if next.differs_in_mode(row) {
            (next.switched_at, next.switched_by) = (Some(now), Some(by.to_owned()));
        }
        if next.mode != row.mode {
            next.mode_since = Some(now);
        }
        let mut detail = json!({
            "from": { "mode": row.mode.word(), "orchestration": row.orchestration.word() },
        });
        if let Some(detail) = detail.as_object_mut() {
            let (name, to) = match &next.draining {
                Some(draining) => ("drains_to", json!(draining.to)),
                None => ("to", view::rollout::told(&next)),
            };
            detail.insert(name.to_owned(), to);
            if !reason.is_empty() {
                detail.insert("reason".to_owned(), json!(reason));
            }
            if !busy.is_empty() {
                detail.insert("busy".to_owned(), json!(busy));
            }
        }
        let entry = TrailEntry {
            at: now,
            by: by.to_owned(),
            action: action.to_owned(),
            subject: format!("{} {}", next.mode.word(), next.orchestration.word()),
            detail,
        };
        RolloutChange { row: next, entry }
    }

    /// A switch that waits happens in the commit in which the last one who was busy ends. Says
    /// whether it did.
    pub(super) fn end_drain(&mut self, batch: &mut Batch) -> bool {
        let Some(draining) = self.rollout.row.draining.clone() else { return false };
        if !self.busy(batch).is_empty() || !self.all_here() {
            return false;
        }
        let next = self.rollout.row.with(&draining.to);
        let change = self.rollout_change(next, SWITCHED, &draining.by, &draining.reason, &[]);
        tracing::info!(by = draining.by, to = change.entry.subject, "nobody is busy: switched");
        self.rollout.row = change.row.clone();
        batch.readmit = true;
        batch.store(Change::SaveRollout(Box::new(change)));
        true
    }

    /// What was decided in this turn was not stored.
    pub(super) fn undo_rollout(&mut self) {
        match self.reader.rollout() {
            Ok(row) => self.rollout.row = row,
            Err(error) => tracing::error!(%error, "the roll-out cannot be read"),
        }
    }

    /// Everybody who waits for a place, and why.
    pub(super) fn standing(&self) -> Standing {
        let mut agents = Vec::new();
        for working in self.rollout.working.values() {
            for agent in &working.agents {
                let slot = || engine::explain::FOR_A_SLOT.to_owned();
                let waits = (!self.hands.holds(&whose(working, agent)))
                    .then(|| self.why_kept(working, agent).unwrap_or_else(slot));
                let busy = view::rollout::agent(working, agent);
                agents.push((agent.role.clone(), busy, waits));
            }
        }
        let occupants: Vec<Occupant> = self.occupants().collect();
        let held = engine::admission::held(occupants.iter().cloned(), &self.rollout.policy());
        let why: HashMap<RunId, String> =
            held.into_iter().map(|(run, held)| (run, held.to_string())).collect();
        let pending = occupants.into_iter().filter(|of| of.stand == Stand::Waiting);
        let pending = pending.filter_map(|of| {
            let turn = of.turn?;
            let own = || format!("it waits for its turn in `{}`", turn.task);
            let because = why.get(&of.run).cloned().unwrap_or_else(own);
            let (task, name, priority) = (turn.task.clone(), turn.name, turn.priority);
            Some(PendingRun { task, name, priority, since: of.since, because })
        });
        Standing { agents, pending: pending.collect() }
    }

    /// What of the roll-out keeps a run.
    pub(super) fn kept_of(&self, run: RunId) -> Kept {
        let held = engine::admission::held(self.occupants(), &self.rollout.policy());
        let held = held.into_iter().find(|(id, _)| *id == run).map(|(_, held)| held.to_string());
        let mut kept = Kept { run: held, attempts: HashMap::new() };
        let Some(working) = self.rollout.working.get(&run) else { return kept };
        for agent in &working.agents {
            if let Some(why) = self.why_kept(working, agent) {
                kept.attempts.insert(agent.attempt.execution.clone(), why);
            }
        }
        kept
    }

    pub(super) fn occupants(&self) -> impl Iterator<Item = Occupant> {
        let here = self.runs.values().filter_map(|live| live.run.occupant());
        here.chain(self.parked.occupants().cloned())
    }

    /// Attempts of agents that may not start now, although there are slots.
    pub(super) fn kept(&self) -> HashSet<Whose> {
        let limits = self.rollout.limits();
        let drains = self.rollout.row.draining.is_some();
        if limits.is_empty() && !drains {
            return HashSet::new();
        }
        let all = || self.rollout.working.values().flat_map(agents);
        let works = |whose: &Whose| self.hands.holds(whose);
        let working: Vec<&str> =
            all().filter(|(_, _, whose)| works(whose)).map(|(_, agent, _)| &*agent.role).collect();
        let mut waiting: Vec<(&Working, &AgentAtWork, Whose)> =
            all().filter(|(_, _, whose)| !works(whose)).collect();
        waiting.sort_by_key(|(working, agent, whose)| {
            let urgency = match self.rollout.row.scheduler {
                Order::Priority => working.priority.saturating_neg(),
                Order::Fifo => 0,
            };
            (urgency, agent.since, whose.run, whose.attempt.fence)
        });
        let mut kept: HashSet<Whose> = waiting.iter().map(|(_, _, whose)| whose.clone()).collect();
        let may = waiting
            .iter()
            .filter(|(working, _, _)| !self.rollout.is_late(working))
            .map(|(_, agent, whose)| (whose, Some(&*agent.role)));
        for whose in engine::roles::may_start(working, &limits, may, usize::MAX) {
            kept.remove(whose);
        }
        kept
    }

    /// Why an attempt that waits does not start although there may be slots; `None`: nothing of the
    /// roll-out keeps it.
    fn why_kept(&self, working: &Working, agent: &AgentAtWork) -> Option<String> {
        if self.hands.holds(&whose(working, agent)) {
            return None;
        }
        if self.rollout.is_late(working) {
            return self.rollout.policy().drains;
        }
        let others = self.rollout.working.values().flat_map(agents);
        let of_role =
            others.filter(|(_, other, whose)| other.role == agent.role && self.hands.holds(whose));
        let mut names: Vec<&str> = of_role.map(|(working, _, _)| &*working.name).collect();
        names.sort_unstable();
        engine::roles::held(&agent.role, &self.rollout.limits(), &names)
    }
}

fn whose(working: &Working, agent: &AgentAtWork) -> Whose {
    Whose { run: working.run, attempt: agent.attempt.clone(), probe: false }
}

fn agents(working: &Working) -> impl Iterator<Item = (&Working, &AgentAtWork, Whose)> {
    working.agents.iter().map(move |agent| (working, agent, whose(working, agent)))
}
