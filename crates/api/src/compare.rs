//! Two runs side by side, and what the hands say of one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::run::RunSummary;

/// `POST /api/runs/compare`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareRuns {
    /// `name#n`, `<task>-<n>`, an id, or the beginning of one.
    pub a: String,
    pub b: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    pub a: RunSummary,
    pub b: RunSummary,
    /// Inputs that differ.
    pub inputs: Vec<Difference>,
    /// A unified diff of what they ran; `None` when it is the same.
    pub definition: Option<String>,
    /// Every stage and instance of either, in the order of `b`, then of `a`.
    pub stages: Vec<StageComparison>,
    /// Outputs of the pipelines that differ.
    pub outputs: Vec<Difference>,
    /// Every artifact of either that is not superseded.
    pub artifacts: Vec<ArtifactComparison>,
}

/// A value by its name; `null` where one of them has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    pub name: String,
    pub a: Json,
    pub b: Json,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StageComparison {
    pub stage: String,
    pub a: Option<StageSide>,
    pub b: Option<StageSide>,
    /// Outputs that differ.
    pub outputs: Vec<Difference>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StageSide {
    pub status: String,
    pub attempts: usize,
    /// From its first start to its end; `None` while it has not ended.
    pub duration_ms: Option<u64>,
    pub detail: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ArtifactComparison {
    /// `plan` or `implement[2]`
    pub stage: String,
    pub name: String,
    /// Ids; `GET /api/artifacts/{b}/diff?against={a}` shows what is in between.
    pub a: Option<String>,
    pub b: Option<String>,
    pub same: bool,
}

/// What is recorded of a run, and what the hands said when they were asked.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LiveStatus {
    pub id: String,
    pub name: String,
    /// The run's status in the journal.
    pub recorded: String,
    /// `running`: at least one attempt is alive; `idle`: nothing of it ought to be; `gone`: none of
    /// those that ought to be is; `unreachable`: the hands did not answer in time.
    pub live: String,
    pub observed_at: Timestamp,
    /// What is recorded and what was seen differ; what was seen is taken up at once.
    pub drift: bool,
    pub attempts: Vec<LiveAttempt>,
    /// Attempts that are runs of their own, each with all that it started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<LiveChild>,
}

/// A run that is an attempt of another one; in other respects a [`LiveStatus`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LiveChild {
    pub stage: String,
    pub attempt: u32,
    pub id: String,
    pub name: String,
    pub recorded: String,
    /// `running idle gone unreachable`
    pub live: String,
    pub observed_at: Timestamp,
    pub drift: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LiveAttempt {
    pub stage: String,
    pub attempt: u32,
    /// Where it runs: `process`, `tmux`, `plugin NAME`.
    #[serde(default = "process")]
    pub runtime: String,
    /// What it is called there: a session, a container, a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The attempt's status in the journal.
    pub recorded: String,
    /// `running ended gone not_started lost unanswered`; `unknown`: its runtime could not be asked.
    pub live: String,
    pub pid: Option<u32>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

fn process() -> String {
    "process".to_owned()
}

/// An environment of `config.yaml`, and what it demands of every stage that names it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EnvironmentView {
    pub name: String,
    /// A start gate that no definition can leave out or weaken.
    pub approval: Option<ApprovalPolicy>,
    /// At most one execution in it at a time, over all runs.
    pub lock: bool,
    /// Names of the values that it gives.
    pub variables: Vec<String>,
    /// `pipeline/stage` of current revisions that name it.
    pub used_by: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ApprovalPolicy {
    /// Users, groups or roles: each is one slot; empty: anybody.
    pub approvers: Vec<String>,
    /// How many votes it takes.
    pub needed: u32,
    pub allow_self: bool,
    pub timeout_s: u64,
    /// `reject approve escalate skip fail`
    pub on_timeout: String,
    pub escalate_to: Vec<String>,
}
