//! Concurrency groups and tasks: which waiting runs may start, and which have to give way.
//!
//! A pure function over the runs that go on; nothing counts up or down, so nothing can leak.

mod policy;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use pipeline::model::OnConflict;

use crate::id::RunId;
use crate::run::Run;
use crate::state::Phase;

pub use policy::{Held, Orchestration, Order, Other, Policy};

/// The part of a run that admission looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupant {
    pub run: RunId,
    pub group: Option<Group>,
    pub turn: Option<Turn>,
    /// Since when it waits, or waited; runs come in this order, then by id.
    pub since: Timestamp,
    pub stand: Stand,
}

/// The concurrency group that its pipeline names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub limit: u32,
    pub on_conflict: OnConflict,
}

/// Its place among the runs of its task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    pub task: String,
    /// It begins only when no other run of the task goes on.
    pub waits: bool,
    /// What the run is called.
    pub name: String,
    pub priority: i64,
    /// Patterns of what the task is about to change.
    pub paths: Vec<String>,
    /// The stage that it is at; empty where it is at none.
    pub at: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Waits for its turn.
    Waiting,
    /// Waits, but is paused: it keeps its turn and is passed over.
    Paused,
    /// Was admitted and has not finished.
    Inside,
    /// Was admitted and is being cancelled.
    Leaving,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `Command::Admit`
    Admit(RunId),
    /// `Command::Cancel` with this reason.
    Cancel(RunId, &'static str),
}

/// A newer run of the group replaces an older one.
pub const REPLACED: &str = "a newer run of its concurrency group replaces it";
/// The group had no room when the run came.
pub const NO_ROOM: &str = "its concurrency group has no room";

impl Run {
    /// What it waits for its turn in, should it wait: its task, or its concurrency group.
    pub(crate) fn waits_in(&self) -> Option<&str> {
        let head = self.state.head.as_deref()?;
        let task = head.task.as_ref();
        let own = task.filter(|task| task.on_active.waits()).map(|task| task.id.as_str());
        own.or(head.group.as_deref()).or(task.map(|task| task.id.as_str()))
    }

    /// `None`: it belongs to no group and to no task, has finished, or is a shadow run.
    pub fn occupant(&self) -> Option<Occupant> {
        let head = self.state.head.as_deref().filter(|head| !head.mode.is_shadow())?;
        let named = head.group.clone().zip(self.pipeline.concurrency.as_ref());
        let group = named.map(|(name, of)| {
            let (limit, on_conflict) = (of.limit, of.on_conflict);
            Group { name, limit, on_conflict }
        });
        let task = head.task.as_ref();
        let turn = task.map(|task| Turn {
            task: task.id.clone(),
            waits: task.on_active.waits(),
            name: head.name.clone(),
            priority: task.priority,
            paths: task.paths.clone(),
            at: self.whereabouts().map_or_else(String::new, |(stage, _)| stage.to_string()),
        });
        if group.is_none() && turn.is_none() {
            return None;
        }
        let (since, stand) = match self.state.phase {
            Phase::Uncreated | Phase::Finished { .. } => return None,
            Phase::Pending { since } if self.state.pause.is_some() => (since, Stand::Paused),
            Phase::Pending { since } => (since, Stand::Waiting),
            Phase::Active if self.state.cancel.is_some() => (head.created_at, Stand::Leaving),
            Phase::Active => (head.created_at, Stand::Inside),
        };
        Some(Occupant { run: head.id, group, turn, since, stand })
    }
}

/// What ought to happen now, in order. Asking again after it happened gives nothing new.
///
/// `queue`: waiting runs start in order while the group has room. `cancel_running`: a waiting run
/// cancels as many of the oldest admitted ones as it needs, and older waiting ones, and starts
/// when they have ended. `cancel_new`: a run that finds no room is cancelled. A run whose turn in
/// its task has not come is passed over, like a paused one, and so is one that the policy keeps.
pub fn admit(occupants: impl IntoIterator<Item = Occupant>, policy: &Policy) -> Vec<Step> {
    let (occupants, _) = passed_over(occupants, policy);
    let mut groups: BTreeMap<String, Vec<(Occupant, Group)>> = BTreeMap::new();
    let mut steps = Vec::new();
    for mut occupant in occupants {
        match occupant.group.take() {
            Some(group) => {
                groups.entry(group.name.clone()).or_default().push((occupant, group));
            }
            None if occupant.stand == Stand::Waiting => steps.push(Step::Admit(occupant.run)),
            None => {}
        }
    }
    for group in groups.into_values() {
        admit_group(&group, &mut steps);
    }
    steps
}

/// The runs of tasks that the policy keeps from beginning, each with why.
pub fn held(occupants: impl IntoIterator<Item = Occupant>, policy: &Policy) -> Vec<(RunId, Held)> {
    passed_over(occupants, policy).1
}

/// In order, those whose turn has not come as if they were paused.
fn passed_over(
    occupants: impl IntoIterator<Item = Occupant>,
    policy: &Policy,
) -> (Vec<Occupant>, Vec<(RunId, Held)>) {
    let mut occupants: Vec<Occupant> = occupants.into_iter().collect();
    occupants.sort_by_key(|occupant| (occupant.since, occupant.run));
    pass_over(&mut occupants);
    let held = policy::hold(&mut occupants, policy);
    (occupants, held)
}

/// Of each task one run goes on, or else the one that has waited longest may begin. They are in
/// order.
fn pass_over(occupants: &mut [Occupant]) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let going = |stand| matches!(stand, Stand::Inside | Stand::Leaving);
    for occupant in occupants.iter().filter(|occupant| going(occupant.stand)) {
        taken.extend(occupant.turn.as_ref().map(|turn| turn.task.clone()));
    }
    for occupant in occupants.iter_mut().filter(|occupant| !going(occupant.stand)) {
        let Some(turn) = &occupant.turn else { continue };
        let first = taken.insert(turn.task.clone());
        if !first && turn.waits {
            occupant.stand = Stand::Paused;
        }
    }
}

fn admit_group(group: &[(Occupant, Group)], steps: &mut Vec<Step>) {
    let mut inside: Vec<&Occupant> = Vec::new();
    let mut leaving = 0usize;
    for (occupant, _) in group {
        match occupant.stand {
            Stand::Inside => inside.push(occupant),
            Stand::Leaving => leaving += 1,
            Stand::Waiting | Stand::Paused => {}
        }
    }
    let waiting: Vec<&(Occupant, Group)> =
        group.iter().filter(|(occupant, _)| occupant.stand == Stand::Waiting).collect();
    let mut admitted = 0usize;
    // Places of leavers that somebody waits for already.
    let mut claimed = 0usize;
    for (at, (run, of)) in waiting.iter().enumerate() {
        let limit = (of.limit as usize).max(1);
        // Whoever comes after it may not overtake it, so the newest waiting ones replace the rest.
        let newer = waiting[at + 1..].len();
        if of.on_conflict == OnConflict::CancelRunning && newer >= limit {
            steps.push(Step::Cancel(run.run, REPLACED));
            continue;
        }
        if inside.len() + leaving + admitted < limit {
            steps.push(Step::Admit(run.run));
            admitted += 1;
            continue;
        }
        match of.on_conflict {
            OnConflict::Queue => break,
            OnConflict::CancelNew => steps.push(Step::Cancel(run.run, NO_ROOM)),
            OnConflict::CancelRunning => {
                if claimed == leaving && !inside.is_empty() {
                    let oldest = inside.remove(0);
                    steps.push(Step::Cancel(oldest.run, REPLACED));
                    leaving += 1;
                }
                claimed += 1;
            }
        }
    }
}
