//! What became of the times of schedules.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Table `schedules`: one of a pipeline's triggers with a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleRow {
    pub pipeline: String,
    /// Its name.
    pub trigger: String,
    /// As written. Where it is another one now, the schedule begins anew.
    pub expression: String,
    /// As written.
    pub zone: String,
    /// What was due until then, inclusive, is dealt with: started or passed over.
    pub until: Timestamp,
    /// When it is due next; `None`: never again. Of no meaning while the pipeline is disabled.
    pub next: Option<Timestamp>,
    /// The time that it was given for last.
    pub fired: Option<Timestamp>,
    /// How many times were passed over because nobody was there, all in all.
    pub skipped: u64,
    /// The last of them.
    pub skipped_until: Option<Timestamp>,
}

/// All the schedules that a pipeline has now; others of it are forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSchedules {
    pub pipeline: String,
    pub rows: Vec<ScheduleRow>,
}
