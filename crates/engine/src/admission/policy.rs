//! How tasks pass through the installation: which runs of tasks are kept from beginning.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Occupant, Stand, Turn};
use crate::id::RunId;
use crate::paths::overlap;

/// A policy of the dispatcher. Changing it changes no run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    pub orchestration: Orchestration,
    /// Tasks in the system at once; 0 counts as 1. Of `hybrid` only.
    pub max_tasks: u32,
    pub order: Order,
    /// No run of a task begins: why, in words.
    pub drains: Option<String>,
}

/// A task is in the system while one of its runs goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orchestration {
    /// One task in the system.
    Sequential,
    /// Tasks whose paths overlap are not in the system together.
    #[default]
    Parallel,
    /// The same, and so many tasks at most.
    Hybrid,
}

impl Orchestration {
    pub const ALL: [Self; 3] = [Self::Sequential, Self::Parallel, Self::Hybrid];

    pub fn word(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Parallel => "parallel",
            Self::Hybrid => "hybrid",
        }
    }

    /// By its word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|of| of.word() == word)
    }
}

/// Who is first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The task with the highest priority; of those the one that has waited longest.
    #[default]
    Priority,
    /// Whoever has waited longest.
    Fifo,
}

impl Order {
    pub const ALL: [Self; 2] = [Self::Priority, Self::Fifo];

    pub fn word(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Fifo => "fifo",
        }
    }

    /// By its word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|of| of.word() == word)
    }
}

/// Why a run of a task waits although its own task lets it begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    Drains(String),
    /// `sequential`: another task is in the system, or comes first.
    Sequential(Other),
    /// `hybrid`: these tasks are.
    Full {
        max: u32,
        by: Vec<Other>,
    },
    /// That task may change the same files.
    Overlaps(Other),
}

/// A run of another task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    pub task: String,
    /// What the run is called.
    pub name: String,
    /// The stage that it is at; empty where it is at none.
    pub at: String,
    /// It goes on; otherwise it waits, and comes first.
    pub inside: bool,
}

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { task, name, at, inside } = self;
        match (inside, at.as_str()) {
            (true, "") => write!(f, "{task} is in the system ({name})"),
            (true, at) => write!(f, "{task} is in the system ({name}, {at})"),
            (false, _) => write!(f, "{task} comes first ({name})"),
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drains(why) => f.write_str(why),
            Self::Sequential(other) => write!(f, "sequential mode: {other}"),
            Self::Full { max, by } => {
                let tasks: Vec<&str> = by.iter().map(|other| other.task.as_str()).collect();
                write!(f, "hybrid mode: the system is at its limit of {max}: {}", tasks.join(", "))
            }
            Self::Overlaps(Other { task, name, at, inside }) => {
                let at = if at.is_empty() { String::new() } else { format!(", {at}") };
                let place = if *inside { "is in the system" } else { "comes first" };
                write!(f, "its paths overlap with those of task {task}, which {place} ({name}{at})")
            }
        }
    }
}

/// Somebody whose task others have to heed.
struct Claim {
    turn: Turn,
    inside: bool,
}

impl Claim {
    fn other(&self) -> Other {
        Other {
            task: self.turn.task.clone(),
            name: self.turn.name.clone(),
            at: self.turn.at.clone(),
            inside: self.inside,
        }
    }
}

/// Passes over the runs that the policy keeps, and says why. What is admitted already stays.
///
/// They are looked at in the policy's order, and a run that is kept because of its paths keeps
/// those behind it whose paths overlap with its own: it may not be overtaken for ever.
pub(super) fn hold(occupants: &mut [Occupant], policy: &Policy) -> Vec<(RunId, Held)> {
    let mut system: Vec<Claim> = Vec::new();
    let mut waiting: Vec<usize> = Vec::new();
    for (at, occupant) in occupants.iter().enumerate() {
        let Some(turn) = &occupant.turn else { continue };
        match occupant.stand {
            Stand::Inside | Stand::Leaving => {
                system.push(Claim { turn: turn.clone(), inside: true });
            }
            Stand::Waiting => waiting.push(at),
            Stand::Paused => {}
        }
    }
    waiting.sort_by_key(|at| rank(&occupants[*at], policy.order));
    let mut first: Vec<Claim> = Vec::new();
    let mut held = Vec::new();
    for at in waiting {
        let occupant = &mut occupants[at];
        let Some(turn) = occupant.turn.clone() else { continue };
        match judge(&turn, &system, &first, policy) {
            None => system.push(Claim { turn, inside: false }),
            Some(why) => {
                if let Held::Overlaps(_) = why {
                    first.push(Claim { turn, inside: false });
                }
                occupant.stand = Stand::Paused;
                held.push((occupant.run, why));
            }
        }
    }
    held
}

/// They are in order of waiting already.
fn rank(occupant: &Occupant, order: Order) -> (i64, Timestamp, RunId) {
    let priority = occupant.turn.as_ref().map_or(0, |turn| turn.priority);
    let urgency = match order {
        Order::Priority => priority.saturating_neg(),
        Order::Fifo => 0,
    };
    (urgency, occupant.since, occupant.run)
}

fn judge(turn: &Turn, system: &[Claim], first: &[Claim], policy: &Policy) -> Option<Held> {
    if let Some(why) = &policy.drains {
        return Some(Held::Drains(why.clone()));
    }
    let others = || system.iter().filter(|claim| claim.turn.task != turn.task);
    match policy.orchestration {
        Orchestration::Sequential => {
            return others().next().map(|claim| Held::Sequential(claim.other()));
        }
        Orchestration::Parallel => {}
        Orchestration::Hybrid => {
            let is_inside = others().count() < system.len();
            let mut seen = BTreeSet::new();
            let by: Vec<Other> = others()
                .filter(|claim| seen.insert(claim.turn.task.as_str()))
                .map(Claim::other)
                .collect();
            let max = policy.max_tasks.max(1);
            if !is_inside && by.len() >= max as usize {
                return Some(Held::Full { max, by });
            }
        }
    }
    let before = first.iter().filter(|claim| claim.turn.task != turn.task);
    let found = others().chain(before).find(|claim| overlap(&claim.turn.paths, &turn.paths));
    found.map(|claim| Held::Overlaps(claim.other()))
}
