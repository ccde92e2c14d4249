//! Pipelines and their runs as they are stored, and what is asked of them.

use engine::event::Stamped;
use engine::id::RunId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PipelineRow {
    pub name: String,
    pub description: String,
    pub enabled: bool,
    pub revision: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RevisionRow {
    pub pipeline: String,
    pub number: u32,
    pub digest: String,
    pub text: String,
    pub created_at: Timestamp,
    pub created_by: String,
}

/// Table `pipeline_runs`.
///
/// `status`, `finished`, `reason`, `started_at`, `finished_at` and `progress` follow every
/// [`Append`](super::Append); `superseded` follows the rewinds of the pipeline; the rest is fixed by the append
/// that created the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    pub id: RunId,
    pub pipeline: String,
    pub number: u64,
    pub revision: u32,
    pub status: String,
    pub finished: bool,
    pub reason: String,
    pub by: String,
    pub trigger: String,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Counts by status, as JSON.
    pub progress: serde_json::Value,
    /// The run that it goes on from.
    #[serde(default)]
    pub extends: Option<RunId>,
    /// The run that started it.
    #[serde(default)]
    pub parent: Option<RunId>,
    /// Its pipeline was rewound to an earlier run. Of no meaning in an append.
    #[serde(default)]
    pub superseded: bool,
    /// The task that it belongs to, and its number among the runs of it.
    #[serde(default)]
    pub task: Option<(String, u64)>,
    /// What it really does: `shadow` or `production`.
    #[serde(default = "production")]
    pub mode: String,
    /// The mode of the installation when it was created.
    #[serde(default = "production")]
    pub rollout: String,
}

fn production() -> String {
    PRODUCTION.to_owned()
}

/// The mode of runs that do their work: only these count where runs are counted.
pub const PRODUCTION: &str = "production";

impl RunRow {
    /// What people call it: `name#n`, or `<task>-<n>`.
    pub fn name(&self) -> String {
        run_name(&self.pipeline, self.number, self.task.as_ref())
    }
}

pub(crate) fn run_name(pipeline: &str, number: u64, task: Option<&(String, u64)>) -> String {
    match task {
        Some((task, number)) => format!("{task}-{number}"),
        None => format!("{pipeline}#{number}"),
    }
}

/// Table `pipeline_stages`: one row an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageRow {
    pub stage: String,
    /// 0: the stage itself.
    pub instance: u32,
    pub status: String,
    pub outcome: Option<String>,
    pub conclusion: Option<String>,
    pub attempts: u32,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRow {
    pub run: RunId,
    pub seq: u64,
    pub event: Stamped,
    pub hash: String,
}

#[derive(Clone, Debug, Default)]
pub struct PipelineQuery {
    /// Names after this one, in alphabetical order.
    pub after: Option<String>,
    pub limit: u32,
}

#[derive(Clone, Debug, Default)]
pub struct RunQuery {
    pub pipeline: Option<String>,
    pub task: Option<String>,
    /// Any of these words; empty: all.
    pub statuses: Vec<String>,
    pub finished: Option<bool>,
    /// What they really do.
    pub mode: Option<String>,
    pub order: RunOrder,
    /// Runs that come behind this one in that order: older ones (ids sort by time) when it is the
    /// usual one.
    pub before: Option<RunId>,
    pub limit: u32,
}

/// In which order runs are listed; those that are alike by age, in the same direction. The usual
/// one, newest first, is a search in an index; any other looks at each run that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOrder {
    pub by: RunSort,
    pub descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunSort {
    Created,
    /// From start to end. Runs that have not ended, or never started, have none yet: they count as
    /// shorter than all others.
    Duration,
    /// As people call it; numbers by their value.
    Name,
    /// By its word.
    Status,
}

impl Default for RunOrder {
    fn default() -> Self {
        Self { by: RunSort::Created, descending: true }
    }
}

impl RunOrder {
    pub(crate) fn is_usual(self) -> bool {
        self == Self::default()
    }

    /// By what runs are compared, in this order.
    pub(crate) fn key(self, row: &RunRow) -> (String, u64, RunId) {
        let (text, number) = match self.by {
            RunSort::Created => (String::new(), 0),
            RunSort::Duration => {
                let took = || row.finished_at?.duration_since(row.started_at?).try_into().ok();
                // One that took no time at all did end.
                let took: Option<std::time::Duration> = took();
                let took = took.map(|took| u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
                (String::new(), took.map_or(0, |took| took.saturating_add(1)))
            }
            RunSort::Name => match &row.task {
                Some((task, number)) => (task.clone(), *number),
                None => (row.pipeline.clone(), row.number),
            },
            RunSort::Status => (row.status.clone(), 0),
        };
        (text, number, row.id)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub runs: u64,
    pub events: u64,
    /// Hex SHA-256 over every event in the order of arrival. Written down elsewhere, it shows later
    /// that nothing before it was altered, not even by somebody who can recompute hashes.
    pub head: String,
}

/// The last runs of one pipeline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recent {
    pub last: Option<RunRow>,
    /// Statuses of the last ten, oldest first.
    pub last_ten: Vec<String>,
    /// Median time from start to end of the last 50 finished runs that had started.
    pub p50_ms: Option<u64>,
}

impl Recent {
    /// Both lists are newest first.
    pub(super) fn of(ten: Vec<RunRow>, finished: &[RunRow]) -> Self {
        let mut times: Vec<u64> = finished
            .iter()
            .filter_map(|row| {
                let spent = row.finished_at?.duration_since(row.started_at?);
                u64::try_from(spent.as_millis()).ok()
            })
            .collect();
        times.sort_unstable();
        let p50_ms = times.get(times.len().saturating_sub(1) / 2).copied();
        let last_ten = ten.iter().rev().map(|row| row.status.clone()).collect();
        Self { last: ten.into_iter().next(), last_ten, p50_ms }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub schema: u32,
    pub bytes: u64,
    /// Differs for every data folder: live sequence numbers are only comparable within one.
    pub epoch: String,
}
