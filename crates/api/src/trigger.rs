//! What starts runs by itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One of the triggers of a pipeline.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TriggerOutline {
    pub name: String,
    /// `event`, `schedule`, `completion` or `files`.
    pub kind: String,
    /// What it waits for, in words.
    pub says: String,
    /// Of a schedule: when it is due next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
}

/// `GET /api/schedules`: a trigger that starts runs at times.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ScheduleView {
    pub pipeline: String,
    pub trigger: String,
    /// As cron writes it.
    pub schedule: String,
    pub timezone: String,
    /// Whether the pipeline is; a disabled one starts nothing.
    pub enabled: bool,
    /// When it is due next; absent when the pipeline is disabled.
    pub next: Option<Timestamp>,
    /// The time that a run was started for last.
    pub last: Option<Timestamp>,
    /// Times that were passed over because the server was down, all in all.
    pub skipped: u64,
    /// The last of them.
    pub skipped_until: Option<Timestamp>,
}
