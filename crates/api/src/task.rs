//! Tasks: units of work that have runs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::run::RunSummary;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TaskView {
    pub id: String,
    /// From 1, one more with each change; the entity tag.
    pub version: u64,
    pub title: String,
    pub description: String,
    /// What a start runs.
    pub pipeline: Option<String>,
    /// What its runs are given.
    pub inputs: BTreeMap<String, Json>,
    pub labels: Vec<String>,
    /// What it is about to change.
    pub paths: Vec<String>,
    /// Tasks that have to be done before it starts.
    pub prerequisites: Vec<String>,
    /// The higher the sooner.
    pub priority: i64,
    /// What a start does about runs that have not ended: `replace reject queue allow`.
    pub on_active: String,
    pub status: TaskStatus,
    /// Names of its runs that have not ended, oldest first.
    pub active: Vec<String>,
    pub last_run: Option<RunSummary>,
    pub created_at: Timestamp,
    pub created_by: String,
    pub updated_at: Timestamp,
    pub updated_by: String,
}

/// What people want of a task, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskStatus {
    /// As it was set: `todo in-progress done cancelled`.
    pub wanted: String,
    /// From its runs: the word of the newest that has not ended (`pending running waiting paused
    /// cancelling`), else `done failed cancelled` by the last one; without runs `todo`, or what it
    /// was set to.
    pub derived: String,
    /// Both in words.
    pub says: String,
    /// Prerequisites that are not done.
    pub blocked_by: Vec<String>,
}

/// `POST /api/tasks`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTask {
    /// 1 to 64 of `A-Z a-z 0-9 _ -`; drawn as `TASK-<n>` when it is not given.
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub pipeline: Option<String>,
    #[serde(default)]
    pub inputs: BTreeMap<String, Json>,
    #[serde(default)]
    pub labels: Vec<String>,
    #[serde(default)]
    pub paths: Vec<String>,
    #[serde(default)]
    pub prerequisites: Vec<String>,
    #[serde(default)]
    pub priority: i64,
    /// `replace` by default.
    #[serde(default)]
    pub on_active: Option<String>,
    /// `todo` by default; `in-progress` starts it at once.
    #[serde(default)]
    pub status: Option<String>,
    /// Starts although prerequisites are not done.
    #[serde(default)]
    pub force: bool,
}

/// `PATCH /api/tasks/{id}`: what is given changes, the rest stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeTask {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// An empty text takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<BTreeMap<String, Json>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prerequisites: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_active: Option<String>,
    /// `in-progress` starts its pipeline unless a run of it is active; `todo`, `done` and
    /// `cancelled` stop active runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Starts although prerequisites are not done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// `POST /api/tasks/{id}/start`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartTask {
    /// Instead of the task's own.
    #[serde(default)]
    pub pipeline: Option<String>,
    /// Beside the task's own, and before them.
    #[serde(default)]
    pub inputs: BTreeMap<String, Json>,
    /// Values as text (`-p k=v`), read by the input's declared type.
    #[serde(default)]
    pub input_texts: BTreeMap<String, String>,
    /// Instead of the task's own.
    #[serde(default)]
    pub on_active: Option<String>,
    /// Also when prerequisites are not done.
    #[serde(default)]
    pub force: bool,
    /// Absolute directory in which relative working directories begin; by default a fresh one with
    /// the name of the run.
    #[serde(default)]
    pub directory: Option<String>,
    /// A more careful mode than the installation's: `shadow pilot production`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
}

/// `POST /api/tasks/{id}/stop`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StopTask {
    #[serde(default)]
    pub reason: String,
}
