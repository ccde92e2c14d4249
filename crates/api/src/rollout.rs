//! How much of what runs decide is really done, and how tasks pass through the roles.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /api/rollout`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RolloutView {
    /// One more with each switch; the entity tag.
    pub version: u64,
    /// `shadow pilot production`: stamped on a run when it is created.
    pub mode: String,
    /// Globs over ids of tasks: in `pilot`, what matches runs as in production, all else as in
    /// shadow.
    pub pilot_tasks: Vec<String>,
    /// `sequential parallel hybrid`
    pub orchestration: String,
    /// Tasks at once in `hybrid`; 1 in `sequential`, `None` in `parallel`.
    pub max_tasks: Option<u32>,
    /// Attempts at once of each role, by its name, in `parallel` and `hybrid`. A role that is not
    /// named has no limit.
    pub wip: std::collections::BTreeMap<String, u32>,
    /// `priority` (the highest first, then who has waited longest) or `fifo`.
    pub scheduler: String,
    pub switched_at: Option<Timestamp>,
    pub switched_by: Option<String>,
    /// A switch that waits until nobody is busy.
    pub draining: Option<Draining>,
    /// Who would stand in the way of a switch now.
    pub busy: Vec<Busy>,
}

/// Somebody who works: an attempt of an agent, or a run of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Busy {
    /// The agent's name; for a stage without one, the stage's.
    pub who: String,
    pub run: String,
    pub run_name: String,
    pub task: Option<String>,
    pub stage: String,
    pub since: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Draining {
    pub to: Switch,
    pub by: String,
    pub since: Timestamp,
    /// `the installation drains to sequential`
    pub says: String,
}

/// `POST /api/rollout/switch`: what is given changes. While somebody is busy it is refused with
/// 409, which says who; nothing new begins while a switch drains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pilot_tasks: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orchestration: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tasks: Option<u32>,
    /// Replaces all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wip: Option<std::collections::BTreeMap<String, u32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<String>,
    /// Why; kept in the trail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Waits until nobody is busy.
    #[serde(default)]
    pub drain: bool,
    /// Switches at once; kept in the trail.
    #[serde(default)]
    pub force: bool,
}

/// `GET /api/rollout/check`: whether the next mode may be dared. Every figure was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RolloutCheck {
    pub mode: String,
    /// The mode that comes next; `None` in `production`.
    pub next: Option<String>,
    pub passed: bool,
    pub criteria: Vec<Criterion>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Criterion {
    /// `agreement`, `failures`, `unknown`, ...
    pub name: String,
    pub passed: bool,
    /// What was measured, with its number of cases: `14 of 15 (93 %)`.
    pub figure: String,
    /// What is asked: `at least 90 % of at least 10`.
    pub needed: String,
}

/// `GET /api/queues`: where tasks are, derived at the moment of asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Queues {
    /// `sequential parallel hybrid`
    pub orchestration: String,
    /// `priority fifo`: the order within each queue.
    pub scheduler: String,
    /// To do and ready: a start would find nothing missing.
    pub unassigned: Vec<QueuedTask>,
    /// Roles that work, have somebody waiting, or have a limit; by name.
    pub roles: Vec<RoleQueue>,
    /// Tasks whose prerequisites are not done, and runs of tasks whose turn has not come.
    pub blocked: Vec<QueuedTask>,
    /// The newest that are done.
    pub completed: Vec<QueuedTask>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueuedTask {
    pub task: String,
    pub title: String,
    /// The higher the sooner.
    pub priority: i64,
    /// Of a run that waits, or of the last one: `TASK-7-3`.
    pub run_name: Option<String>,
    /// When it came there.
    pub since: Timestamp,
    /// What it waits for; empty where it does not.
    pub because: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleQueue {
    pub role: String,
    /// Attempts at once; `None`: as many as there are slots.
    pub limit: Option<u32>,
    pub working: Vec<Busy>,
    /// The next one first.
    pub waiting: Vec<WaitingAttempt>,
}

/// An attempt of an agent that waits for its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingAttempt {
    pub run: String,
    pub run_name: String,
    pub task: Option<String>,
    pub stage: String,
    pub since: Timestamp,
    pub because: String,
}

/// What a stage of a shadow run would have done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WouldHave {
    /// `run agent start merge ask notify emit lock wait each`
    pub kind: String,
    /// In words: `would run ./deploy.sh in staging`.
    pub says: String,
    /// Values that stand in it as `<name>`, because nothing ran that would have given them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}
