//! Definitions of agents, and what one would be asked.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::agent::Attach;
use crate::pipeline::StartRun;
use crate::run::RunSummary;

/// A definition of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentSummary {
    pub name: String,
    pub description: String,
    /// `pipeline`, `built-in`, or the path of its file.
    pub origin: String,
    /// `mock`, `api`, `acp`, ...; `null`: that of the installation.
    pub adapter: Option<String>,
    /// `null`: that of the installation.
    pub model: Option<String>,
    /// `read`, `search`, `edit`, `execute`, `fetch`; `null`: all of them.
    pub tools: Option<Vec<String>>,
    /// The agent that says what it does not say itself.
    pub extends: Option<String>,
    /// Of its text; `null` where it cannot be read.
    pub digest: Option<String>,
    /// Another one of the same name is found before it.
    pub hidden: bool,
    /// Why it cannot be used.
    pub problem: Option<String>,
    /// What was passed over in it.
    pub notices: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentDetail {
    #[serde(flatten)]
    pub summary: AgentSummary,
    /// Its instructions, after what it extends was looked up.
    pub prompt: String,
    /// The file as it is; `null` for one that a pipeline defines.
    pub text: Option<String>,
}

/// What would a stage of agents be asked, if a run were started so?
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewAgents {
    pub stage: String,
    pub start: StartRun,
}

/// Everything that is known of it before a token is spent; what is not known yet stands in `‹...›`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentPreview {
    pub pipeline: String,
    pub stage: String,
    /// `single`, `loop`, `discussion` or `meta`.
    pub shape: String,
    pub agents: Vec<PreviewedAgent>,
    pub context: Vec<PreviewedBlock>,
    /// Of the context, about.
    pub context_tokens: u64,
    /// At most so many.
    pub context_limit: u64,
    /// JSON Schema of what has to be handed in; `null`: free text.
    pub result: Option<Json>,
    /// The command that checks the work.
    pub validate: Option<String>,
    /// What was passed over in the definitions.
    pub notices: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PreviewedAgent {
    pub name: String,
    /// `agent`, `member`, `chair`, `planner` or `fallback`.
    pub role: String,
    pub adapter: String,
    pub model: Option<String>,
    pub tools: Vec<String>,
    /// Of all that defines it.
    pub digest: String,
    /// Word for word.
    pub system: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewedBlock {
    /// `@plan/plan.md`
    pub reference: String,
    pub source: String,
    pub sha256: String,
    /// Of the whole.
    pub bytes: u64,
    /// Of what is given, about.
    pub tokens: u64,
    /// Only its beginning and its end are given.
    pub cut: bool,
}

/// A person in the place of an agent: `GET` and `POST /api/runs/{run}/takeover/{stage}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Takeover {
    /// `feature#41`
    pub run: String,
    /// `implement` or `implement[2]`
    pub stage: String,
    /// `held`, `handed_back`, or `over`: the work ended before it was handed back.
    pub status: String,
    /// Counts those of this stage from 1.
    pub hold: u32,
    pub by: String,
    pub since: Timestamp,
    /// How the person goes on; `null` while the agent has not let go, and when it is not held.
    pub attach: Option<Attach>,
    /// Who handed it back, and when.
    pub handed_back_by: Option<String>,
    pub handed_back_at: Option<Timestamp>,
    /// What was said then.
    pub note: Option<String>,
    /// What lay in the workspace was to count as the result.
    pub accept: Option<bool>,
}

/// `POST /api/runs/{run}/takeover/{stage}/handback`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandBack {
    /// What the agent is told. With `accept`: what is said of the result; an object of JSON is the
    /// result where the stage wants one.
    #[serde(default)]
    pub note: String,
    /// What lies in the workspace is the result; it is checked and judged like any other. Without it
    /// the agent goes on.
    #[serde(default)]
    pub accept: bool,
}

/// `POST /api/agents/{name}/test`: one small turn of an agent, to see that it works.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TestAgent {
    /// As the current revision of this pipeline defines it.
    pub pipeline: Option<String>,
    /// Also those of the project in this absolute directory of the server.
    #[schema(pattern = "^/")]
    pub directory: Option<String>,
    /// It works in `directory` itself, and not in an empty folder of its own.
    pub here: bool,
    /// What it is asked; else for one sentence, without tools.
    pub task: Option<String>,
    /// At most so many US dollars, above 0; else one dollar.
    pub usd: Option<f64>,
    /// Everything is looked at, and nothing is asked, stored or started.
    pub dry_run: bool,
}

/// What would answer for an agent, whether it is there, and the run that tries it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentTest {
    /// As it is looked up.
    pub agent: AgentSummary,
    /// What it comes to with everything that the installation says, and what it is asked.
    pub asked: PreviewedAgent,
    /// Of models; `null`: it asks none.
    pub provider: Option<String>,
    /// The first that fits decides: `allow execute cargo test`.
    pub rules: Vec<String>,
    /// What the test may spend at most: `5 turns`, `$1.00`, `3m`.
    pub limits: Vec<String>,
    pub checks: Vec<AgentCheck>,
    /// Nothing that it needs is missing.
    pub ready: bool,
    /// The run that tries it, of the pipeline `agent-test`; `null`: nothing was started.
    pub run: Option<RunSummary>,
}

/// Something that an agent needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentCheck {
    /// `program`, `provider`, `model`.
    pub what: String,
    /// `there`, `missing`, `unknown`; only what is missing keeps a test from being started.
    pub state: CheckState,
    /// In words: where it lies, its version, or why it is not there; never a key.
    pub says: String,
    /// What to do about it; may be empty.
    pub hint: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    There,
    Missing,
    /// Nobody can tell before it is tried.
    Unknown,
}
