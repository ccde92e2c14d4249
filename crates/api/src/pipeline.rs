//! Pipelines and their revisions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::graph::Graph;
use crate::problem::Diagnostic;
use crate::run::RunSummary;
use crate::trigger::TriggerOutline;

/// `POST /api/validate`; `POST /api/pipelines`; `PUT /api/pipelines/{name}`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// The YAML.
    #[serde(default)]
    pub definition: String,
    /// Instead of a definition, `POST` only: a pipeline of this name with one stage, `start`, that
    /// does nothing; checkpoints are added to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Beside `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The file it came from, for diagnostics only.
    #[serde(default)]
    pub file: Option<String>,
    /// `PUT`: refused unless this is the current revision.
    #[serde(default)]
    pub expected_revision: Option<u32>,
}

/// Answer of `POST /api/validate`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Validation {
    pub valid: bool,
    pub name: Option<String>,
    pub stages: usize,
    pub digest: String,
    pub diagnostics: Vec<Diagnostic>,
    /// The diagnostics as the CLI prints them, without colour.
    pub rendered: String,
    /// Of a valid definition, where it was asked for; its revision is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<Graph>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PipelineSummary {
    pub name: String,
    pub description: String,
    pub enabled: bool,
    pub revision: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub last_run: Option<RunSummary>,
    /// Final or current status words of the last ten runs, oldest first.
    pub last_ten: Vec<String>,
    /// Median of the last runs that finished; absent when there is none.
    pub p50_ms: Option<u64>,
    /// When a schedule of it is due next; absent when it has none, or is disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run: Option<Timestamp>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PipelineDetail {
    #[serde(flatten)]
    pub summary: PipelineSummary,
    pub definition: String,
    pub digest: String,
    /// In graph order: name, dependencies.
    pub stages: Vec<StageOutline>,
    /// What starts runs by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<TriggerOutline>,
    /// What a run takes, in the order of the definition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputOutline>,
}

/// An input of a pipeline, as a form asks for it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InputOutline {
    pub name: String,
    /// `string integer number boolean list map any`
    pub kind: String,
    pub description: String,
    /// A run without it is refused.
    pub required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Json>,
    /// JSON Schema beside the kind: bounds, patterns, the values that there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Json>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StageOutline {
    pub name: String,
    pub kind: String,
    pub depends_on: Vec<String>,
    pub finally: bool,
    /// The condition, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreach: Option<String>,
    /// What people are asked by it, in order: `approval 2`, `form`, `result approval`, `by hand`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Revision {
    pub number: u32,
    pub digest: String,
    pub created_at: Timestamp,
    pub created_by: String,
    pub definition: String,
}

/// `POST /api/pipelines/{name}/run`; with `definition` or `pipeline`, `POST /api/runs`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRun {
    /// A stored pipeline's name.
    #[serde(default)]
    pub pipeline: Option<String>,
    /// The same, and the run is only created: `POST /api/runs/{run}/start` starts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<String>,
    /// The finished run of the same pipeline that it goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_run_id: Option<String>,
    /// Or a definition: stored as the pipeline of its name (a new revision when it differs).
    #[serde(default)]
    pub definition: Option<String>,
    #[serde(default)]
    pub file: Option<String>,
    /// Values as JSON.
    #[serde(default)]
    pub inputs: BTreeMap<String, Json>,
    /// Values as text (`-p k=v`), read by the input's declared type.
    #[serde(default)]
    pub input_texts: BTreeMap<String, String>,
    /// What started the run: `{"type", "branch", "paths", "labels", ...}`; sets the facts that
    /// conditions are judged on, and `${event.*}`.
    #[serde(default)]
    pub event: Option<Json>,
    /// Absolute directory in which relative working directories begin; a fresh one by default.
    #[serde(default)]
    pub directory: Option<String>,
    /// Plan only: nothing is stored or started.
    #[serde(default)]
    pub dry_run: bool,
    /// Executions of these stages are held before they start.
    #[serde(default)]
    pub breakpoints: Vec<String>,
    /// Every execution is held before it starts.
    #[serde(default)]
    pub step: bool,
    /// A more careful mode than the installation's: `shadow pilot production`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
}

/// Answer of a dry run.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    pub pipeline: String,
    pub digest: String,
    pub inputs: BTreeMap<String, Json>,
    /// In an order in which they could start; each with what would decide about it.
    pub stages: Vec<PlannedStage>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PlannedStage {
    #[serde(flatten)]
    pub outline: StageOutline,
    /// `would run`, `would skip`, `decided when its dependencies have settled`.
    pub verdict: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
