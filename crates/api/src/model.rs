//! Calls of models: what they used, what they cost, what was said.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

/// What calls of models used together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelUsage {
    pub calls: u64,
    /// Without those from the provider's cache.
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_write_tokens: u64,
    /// In billionths of a US dollar; `null`: the price of some of it is not known.
    pub nano_usd: Option<u64>,
    /// Calls that used tokens of which nobody knows the price.
    pub unpriced_calls: u64,
    /// Some of it is an estimate: the provider did not say.
    pub estimated: bool,
}

impl ModelUsage {
    /// Everything that was read or written.
    pub fn tokens(&self) -> u64 {
        self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_write_tokens
    }
}

/// `GET /api/runs/{run}/cost`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunCost {
    /// `name#n`
    pub run: String,
    pub total: ModelUsage,
    /// By execution.
    pub stages: Vec<StageCost>,
    pub models: Vec<ModelCost>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StageCost {
    /// `implement[2]`
    pub stage: String,
    #[serde(flatten)]
    pub usage: ModelUsage,
    /// Of a stage with several agents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MemberCost>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberCost {
    pub member: String,
    #[serde(flatten)]
    pub usage: ModelUsage,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelCost {
    pub provider: String,
    pub model: String,
    #[serde(flatten)]
    pub usage: ModelUsage,
}

/// What models used and cost for one run, task or pipeline, as `GET /api/costs` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CostView {
    /// `ci#4` or `TASK-7-3`, `TASK-7`, `ci`
    pub name: String,
    /// Runs that asked a model.
    pub runs: u64,
    #[serde(flatten)]
    pub usage: ModelUsage,
}

/// One call of a model, as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelCallView {
    pub id: String,
    /// `name#n`
    pub run: String,
    pub stage: String,
    pub attempt: u32,
    /// As the harness names it; may be empty.
    pub turn: String,
    /// Empty: the only agent of its stage.
    pub member: String,
    pub provider: String,
    pub model: String,
    /// `chat/completions`
    pub path: String,
    /// `open answered failed broken refused lost`
    pub state: String,
    /// Of the provider's answer.
    pub status: Option<u16>,
    /// Why it failed, broke off or was refused.
    pub detail: String,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_write_tokens: u64,
    /// In billionths of a US dollar; `null`: the price is not known.
    pub nano_usd: Option<u64>,
    /// `gateway` or `estimate`: whose figures these are.
    pub source: String,
    pub at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// `GET /api/runs/{run}/model-calls/{id}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelCallDetail {
    #[serde(flatten)]
    pub call: ModelCallView,
    /// What was asked, secrets masked: JSON, or a text where it was cut. `null`: not kept any more.
    pub request: Json,
    /// Media type of the answer.
    pub kind: String,
    /// JSON, or the text of a stream.
    pub answer: Json,
}

/// A provider of models, as `GET /api/models` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelProvider {
    pub name: String,
    /// `openai anthropic gemini compatible`
    pub kind: String,
    pub base_url: String,
    /// Where its key stands, or that it needs none; never the key.
    pub key: String,
    /// Taken where a request names none.
    pub model: Option<String>,
    pub concurrency: u32,
    pub requests_per_minute: Option<u32>,
    pub tokens_per_minute: Option<u32>,
    /// Names of models whose price is known, as they are written.
    pub prices: Vec<String>,
}

/// `POST /api/models/{provider}/test`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestModel {
    /// That of the provider where none is named.
    #[serde(default)]
    pub model: Option<String>,
}

/// What came of a tiny call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelTested {
    pub provider: String,
    pub model: String,
    pub answered: bool,
    /// Of the provider's answer.
    pub status: Option<u16>,
    /// Why it did not answer.
    pub problem: String,
    pub took_ms: u64,
    pub usage: ModelUsage,
}
