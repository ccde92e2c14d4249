//! Runs, their stages and what can be asked of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::rollout::WouldHave;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunSummary {
    pub id: String,
    /// `name#n`, or `<task>-<n>`.
    pub name: String,
    /// The task that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    pub pipeline: String,
    pub number: u64,
    pub revision: u32,
    /// `pending running waiting paused cancelling succeeded failed cancelled`
    #[schema(schema_with = crate::words::run_status)]
    pub status: String,
    /// Why it ended as it did, or what it waits for; may be empty.
    pub reason: String,
    pub by: String,
    /// `manual`, or the type of the event that started it.
    pub trigger: String,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub progress: Progress,
    /// Its pipeline went back to an earlier run.
    #[serde(default)]
    pub superseded: bool,
    /// What it really does: `shadow` (nothing but saying what it would do) or `production`.
    #[serde(default = "production")]
    #[schema(schema_with = crate::words::run_mode)]
    pub mode: String,
    /// The mode of the installation when it was created: `shadow pilot production`.
    #[serde(default = "production")]
    #[schema(schema_with = crate::words::rollout_mode)]
    pub rollout: String,
    /// `v3`
    #[serde(default)]
    pub run_version: String,
    /// Its status in the words of checkpoints: `not_started in_progress paused completed failed
    /// stopped`.
    #[serde(default)]
    pub run_status: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    pub total: u32,
    pub settled: u32,
    pub running: u32,
    pub waiting: u32,
    pub succeeded: u32,
    pub failed: u32,
    pub skipped: u32,
    pub not_run: u32,
    pub cancelled: u32,
    /// Of a shadow run: units whose work was only said.
    #[serde(default)]
    pub would_have: u32,
}

/// What runs were before there were modes.
fn production() -> String {
    "production".to_owned()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunDetail {
    #[serde(flatten)]
    pub summary: RunSummary,
    pub digest: String,
    pub directory: String,
    pub inputs: BTreeMap<String, Json>,
    pub event: Json,
    /// In the order of the definition; instances follow their stage.
    pub stages: Vec<StageView>,
    /// What the pipeline gives as a whole, as far as it is known.
    #[serde(default)]
    pub outputs: BTreeMap<String, Json>,
    /// What a shadow run as a whole would have done: notices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub would: Vec<WouldHave>,
    /// The run that it goes on from: `name#n`.
    #[serde(default)]
    pub extends: Option<String>,
    /// The run and the stage that started it: `name#n/stage`.
    #[serde(default)]
    pub parent: Option<String>,
    pub paused_at: Option<Timestamp>,
    pub paused_ms: u64,
    /// Sequence number of the last event shown here.
    pub sequence: u64,
    /// What its models used; `null`: none was asked.
    #[serde(default)]
    pub usage: Option<crate::model::ModelUsage>,
}

/// A stage, or one instance of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StageView {
    /// `implement` or `implement[2]`
    pub name: String,
    pub stage: String,
    pub instance: Option<u32>,
    /// Of a fanned-out stage: how many instances there are.
    pub instances: Option<u32>,
    /// A stage with instances shows the most urgent of theirs.
    #[schema(schema_with = crate::words::stage_status)]
    pub status: String,
    pub outcome: Option<String>,
    pub conclusion: Option<String>,
    /// In words: why skipped, why failed, what it waits for.
    pub detail: String,
    /// The whole of it: the tree of a condition, the failure.
    pub reason: Json,
    pub depends_on: Vec<String>,
    pub outputs: BTreeMap<String, Json>,
    pub max_attempts: u32,
    pub attempts: Vec<AttemptView>,
    /// What it would have done, in order; only in a shadow run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub would: Vec<WouldHave>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    pub number: u32,
    /// `queued running stopping succeeded failed stopped lost unknown`
    #[schema(schema_with = crate::words::attempt_status)]
    pub status: String,
    pub detail: String,
    pub pid: Option<u32>,
    /// The run that it is: `name#n`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<String>,
    pub scheduled_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub elapsed_ms: Option<u64>,
    pub exit_code: Option<i32>,
    pub output_bytes: Option<u64>,
    pub max_rss_bytes: Option<u64>,
    /// The last lines of a failed attempt.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tail: String,
}

/// `POST /api/runs/{run}/pause`
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    #[serde(default)]
    pub now: bool,
}

/// `POST /api/runs/{run}/cancel`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    #[serde(default)]
    pub reason: String,
}

/// `POST /api/runs/{run}/retry`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// `implement` or `implement[2]`
    #[serde(default)]
    pub from: Option<String>,
}

/// `POST /api/runs/{run}/resolve`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    pub stage: String,
    /// `retry succeeded failed`
    #[schema(schema_with = crate::words::verdict)]
    pub verdict: String,
}

/// One event of a run's journal.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    pub run: String,
    /// Dense, from 1, per run.
    pub seq: u64,
    pub at: Timestamp,
    /// `attempt.finished`
    pub kind: String,
    /// The event's fields.
    pub body: Json,
    pub hash: String,
}
