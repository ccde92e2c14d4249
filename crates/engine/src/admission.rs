//! Concurrency groups: which waiting runs may start, and which have to give way.
//!
//! A pure function over the runs that go on; nothing counts up or down, so nothing can leak.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pipeline::model::OnConflict;

use crate::id::RunId;
use crate::run::Run;
use crate::state::Phase;

/// The part of a run that admission looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupant {
    pub run: RunId,
    pub group: String,
    pub limit: u32,
    pub on_conflict: OnConflict,
    /// Since when it waits, or waited; runs come in this order, then by id.
    pub since: Timestamp,
    pub stand: Stand,
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
    /// `None`: it belongs to no group, or has finished.
    pub fn occupant(&self) -> Option<Occupant> {
        let head = self.state.head.as_deref()?;
        let concurrency = self.pipeline.concurrency.as_ref()?;
        let (since, stand) = match self.state.phase {
            Phase::Uncreated | Phase::Finished { .. } => return None,
            Phase::Pending { since } if self.state.pause.is_some() => (since, Stand::Paused),
            Phase::Pending { since } => (since, Stand::Waiting),
            Phase::Active if self.state.cancel.is_some() => (head.created_at, Stand::Leaving),
            Phase::Active => (head.created_at, Stand::Inside),
        };
        Some(Occupant {
            run: head.id,
            group: head.group.clone()?,
            limit: concurrency.limit,
            on_conflict: concurrency.on_conflict,
            since,
            stand,
        })
    }
}

/// What ought to happen now, in order. Asking again after it happened gives nothing new.
///
/// `queue`: waiting runs start in order while the group has room. `cancel_running`: a waiting run
/// cancels as many of the oldest admitted ones as it needs, and older waiting ones, and starts
/// when they have ended. `cancel_new`: a run that finds no room is cancelled.
pub fn admit(occupants: impl IntoIterator<Item = Occupant>) -> Vec<Step> {
    let mut groups: BTreeMap<String, Vec<Occupant>> = BTreeMap::new();
    for occupant in occupants {
        groups.entry(occupant.group.clone()).or_default().push(occupant);
    }
    let mut steps = Vec::new();
    for mut group in groups.into_values() {
        group.sort_by_key(|occupant| (occupant.since, occupant.run));
        admit_group(&group, &mut steps);
    }
    steps
}

fn admit_group(group: &[Occupant], steps: &mut Vec<Step>) {
    let mut inside: Vec<&Occupant> = Vec::new();
    let mut leaving = 0usize;
    for occupant in group {
        match occupant.stand {
            Stand::Inside => inside.push(occupant),
            Stand::Leaving => leaving += 1,
            Stand::Waiting | Stand::Paused => {}
        }
    }
    let waiting: Vec<&Occupant> =
        group.iter().filter(|occupant| occupant.stand == Stand::Waiting).collect();
    let mut admitted = 0usize;
    // Places of leavers that somebody waits for already.
    let mut claimed = 0usize;
    for (at, run) in waiting.iter().enumerate() {
        let limit = (run.limit as usize).max(1);
        // Whoever comes after it may not overtake it, so the newest waiting ones replace the rest.
        let newer = waiting[at + 1..].len();
        if run.on_conflict == OnConflict::CancelRunning && newer >= limit {
            steps.push(Step::Cancel(run.run, REPLACED));
            continue;
        }
        if inside.len() + leaving + admitted < limit {
            steps.push(Step::Admit(run.run));
            admitted += 1;
            continue;
        }
        match run.on_conflict {
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
