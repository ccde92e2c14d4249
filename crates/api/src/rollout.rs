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

/// What a stage of a shadow run would have done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WouldHave {
    /// `run agent ask notify merge start`
    pub kind: String,
    /// In words: `would run ./deploy.sh in staging`.
    pub says: String,
}
