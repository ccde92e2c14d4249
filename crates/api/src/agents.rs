//! Definitions of agents, and what one would be asked.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::agent::Attach;
use crate::pipeline::StartRun;

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
