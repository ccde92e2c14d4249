//! The words that others use for runs, stages and gates, at the paths where they use them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

/// `/pipelines/{id}`: a run of a task.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskPipeline {
    /// The name of the run: `TASK-7-3`.
    pub id: String,
    pub task_id: Option<String>,
    /// Among the runs of the task, from 1.
    pub number: u64,
    /// The definition that it runs.
    pub pipeline: String,
    /// `pending running paused stopping completed failed stopped`
    pub status: String,
    pub reason: String,
    pub started_by: String,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// The directory of the run; its name is unique.
    pub workspace: String,
}

/// `POST /pipelines`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StartTaskPipeline {
    pub task_id: String,
    /// Instead of the task's own.
    #[serde(default)]
    pub pipeline: Option<String>,
    #[serde(default)]
    pub inputs: BTreeMap<String, Json>,
    /// `replace` (the task's own by default) `reject queue allow`.
    #[serde(default)]
    pub on_active: Option<String>,
    #[serde(default)]
    pub force: bool,
}

/// `/pipelines/{id}/status`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskPipelineStatus {
    pub id: String,
    pub task_id: Option<String>,
    /// As at `/pipelines/{id}`, from what is recorded.
    pub status: String,
    pub recorded: String,
    /// What the hands say now: `running idle gone unreachable`.
    pub live: String,
    pub observed_at: Timestamp,
    pub drift: bool,
}

/// `/api/pipeline-runs/{id}`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PipelineRun {
    pub id: String,
    /// `name#n`, or `<task>-<n>`.
    pub name: String,
    pub pipeline_id: String,
    /// `Pending Running WaitingApproval Succeeded Failed Cancelled`
    pub status: String,
    /// It is passed over until somebody resumes it.
    pub paused: bool,
    pub reason: String,
    pub trigger_event: Json,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    pub stages: Vec<PipelineStage>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PipelineStage {
    /// Of its execution.
    pub id: String,
    pub run_id: String,
    pub stage_name: String,
    /// As the run's, beside `Skipped NotRun`.
    pub status: String,
    pub agent_id: Option<String>,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
}

/// `/api/executions/{id}`: one stage, or one instance of it, in one run.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExecutionView {
    /// `<run id>.<stage>`, and `.<n>` for an instance.
    pub id: String,
    pub run_id: String,
    pub run_name: String,
    pub pipeline_id: String,
    /// `plan` or `implement[2]`
    pub stage: String,
    /// `pending waiting_approval_to_start in_progress waiting_approval_to_complete completed failed
    /// skipped stopped not_run unknown`
    pub status: String,
    /// The word that the stage has elsewhere.
    pub stage_status: String,
    pub detail: String,
    pub attempts: usize,
    /// What is asked of people now: `A-17`, `I-5`.
    pub waits_for: Option<String>,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
}

/// `POST /api/executions/{id}/approve-start`, `/approve-complete`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveExecution {
    #[serde(default)]
    pub comment: String,
    /// Of what was shown; refused when it has changed since.
    #[serde(default)]
    pub digest: Option<String>,
}

/// `POST /api/executions/{id}/submit`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitExecution {
    /// By field.
    #[serde(default, alias = "values", alias = "data")]
    pub form_data: BTreeMap<String, Json>,
}

/// `POST /api/executions/{id}/request-revision`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestRevision {
    pub feedback: String,
    #[serde(default)]
    pub digest: Option<String>,
}

/// `/api/checkpoints/{id}`: a stage of the current revision.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CheckpointView {
    /// `<pipeline>.<stage>`
    pub id: String,
    pub pipeline_id: String,
    pub name: String,
    pub description: String,
    /// Its place, from 0.
    pub order: usize,
    /// `human_only script pipeline none`
    pub mode: String,
    pub instructions: String,
    pub input_fields: Vec<InputField>,
    pub requires_approval_to_start: bool,
    pub requires_approval_to_complete: bool,
    pub max_revisions: u32,
    /// Names of what it leaves.
    pub output_artifacts: Vec<String>,
    pub depends_on: Vec<String>,
    /// The revision of the pipeline.
    pub revision: u32,
}

/// A field of a form.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct InputField {
    pub name: String,
    /// `text number boolean file multiline_text select date`
    #[serde(rename = "type", default = "text")]
    pub kind: String,
    #[serde(default)]
    pub label: String,
    #[serde(default)]
    pub required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Json>,
    /// `pattern min max options ...`, as in the language.
    #[serde(default)]
    pub validation: BTreeMap<String, Json>,
}

fn text() -> String {
    "text".to_owned()
}

/// `POST /api/checkpoints`, `PUT /api/checkpoints/{id}`: what is given changes, the rest stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteCheckpoint {
    /// Only of a new one.
    #[serde(default)]
    pub pipeline_id: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
    /// Of a new one: its place, from 0; the end by default.
    #[serde(default)]
    pub order: Option<usize>,
    #[serde(default)]
    pub instructions: Option<String>,
    /// What people are asked; with `instructions` it makes a checkpoint for people only.
    #[serde(default)]
    pub input_fields: Option<Vec<InputField>>,
    /// The values of the form as an artifact of this name.
    #[serde(default)]
    pub save_as: Option<String>,
    #[serde(default)]
    pub requires_approval_to_start: Option<bool>,
    #[serde(default)]
    pub requires_approval_to_complete: Option<bool>,
    #[serde(default)]
    pub max_revisions: Option<u32>,
    /// A shell script, instead of a form.
    #[serde(default)]
    pub script: Option<String>,
    /// Any other keys of a stage in the language; `null` takes one away.
    #[serde(default)]
    pub stage: BTreeMap<String, Json>,
    /// `PUT`, `DELETE`: refused unless this is the pipeline's revision.
    #[serde(default)]
    pub expected_revision: Option<u32>,
}

/// `POST /api/pipelines/{name}/checkpoints/reorder`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReorderCheckpoints {
    /// Every checkpoint once: ids, or names of stages.
    pub checkpoint_order: Vec<String>,
    #[serde(default)]
    pub expected_revision: Option<u32>,
}
