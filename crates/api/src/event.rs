//! Events from outside, and what they start.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::flow::GivenEvent;

/// Who sends events, as `GET /api/sources` lists them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceView {
    /// Of `sources:` in `config.yaml`.
    pub name: String,
    /// `github gitlab gitea gogs bitbucket bitbucket-server hmac cloudevents`
    pub kind: String,
    /// Where deliveries go on this server: `/hooks/<name>`.
    pub path: String,
    /// Any of them proves a delivery.
    pub secrets: Vec<SourceSecret>,
    /// Where changed paths are asked for.
    pub api: Option<String>,
    /// The clone in which they are looked up.
    pub mirror: Option<String>,
}

/// Never what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceSecret {
    /// Where it stands: `{secret: NAME}`, `{env: NAME}`, `{file: PATH}`.
    pub place: String,
    /// Why it cannot be had; empty: it can.
    pub problem: String,
}

/// The answer to a delivery: all of it is stored.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Delivered {
    pub events: Vec<DeliveredEvent>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeliveredEvent {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// It was there already; nothing happened.
    pub duplicate: bool,
}

/// `GET /api/events/{id}`: with everything that came.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EventDetail {
    #[serde(flatten)]
    pub event: GivenEvent,
    /// Names in lower case; without what authorised it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// Hex SHA-256 of the body, where it came over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_digest: Option<String>,
    /// The changed files, as far as they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
    pub matches: Vec<MatchView>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Header {
    pub name: String,
    pub value: String,
}

/// A trigger that an event matched when it came.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MatchView {
    pub pipeline: String,
    pub trigger: String,
    /// The run that it started, `name#n`.
    pub run: Option<String>,
    /// Why it started none; empty when it did.
    pub problem: String,
}

/// What an event started, and what every trigger says to it now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Judged {
    pub event: GivenEvent,
    /// What it started; empty for an event that was only tried.
    pub matches: Vec<MatchView>,
    /// Every pipeline that has triggers, by name.
    pub pipelines: Vec<PipelineVerdict>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PipelineVerdict {
    pub pipeline: String,
    pub revision: u32,
    /// A disabled pipeline starts nothing.
    pub enabled: bool,
    /// Whether it would start a run.
    pub starts: bool,
    pub triggers: Vec<TriggerVerdict>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TriggerVerdict {
    pub trigger: String,
    pub matches: bool,
    pub reason: ReasonView,
    /// Inputs of the run.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    #[schema(value_type = Object)]
    pub inputs: serde_json::Map<String, Json>,
    /// Why there would be no run although it matches; empty when there would.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub problem: String,
}

/// Why something is so: a tree, each part with its value.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(no_recursion)]
pub struct ReasonView {
    /// `true`, `false`, `unknown`
    pub truth: String,
    pub says: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ReasonView>,
}

/// `POST /api/triggers/test`: one of `event`, `delivery` and `stored`. Nothing is stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestTriggers {
    #[serde(default)]
    pub event: Option<TestEvent>,
    #[serde(default)]
    pub delivery: Option<TestDelivery>,
    /// The id of an event that came.
    #[serde(default)]
    pub stored: Option<String>,
    /// Only this pipeline.
    #[serde(default)]
    pub pipeline: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestEvent {
    /// Most specific first: `["pull_request.merged", "pull_request"]`.
    #[serde(default)]
    pub types: Vec<String>,
    /// In place of `types` where there is one.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    #[serde(default)]
    pub source: Option<String>,
    /// A map; `branch`, `tag`, `paths`, `labels` and `environment` in it are what conditions are
    /// judged on.
    #[serde(default)]
    pub data: Json,
}

/// What a forge sent, or would send. The signature is not asked for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestDelivery {
    /// Its name in `config.yaml`.
    pub source: String,
    /// `X-GitHub-Event` and the like.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// As it came, as text.
    pub body: String,
}

/// `POST /api/events/{id}/replay`: the event again, as a new one.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayEvent {
    /// Only say what it would start.
    #[serde(default)]
    pub dry_run: bool,
    /// Only this pipeline.
    #[serde(default)]
    pub pipeline: Option<String>,
    /// Only this trigger of it.
    #[serde(default)]
    pub trigger: Option<String>,
}

/// One trigger of a pipeline.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TriggerView {
    pub pipeline: String,
    pub trigger: String,
    /// `event schedule completion files`
    pub kind: String,
    /// In words: `push (branches main)`.
    pub on: String,
    /// Of its pipeline.
    pub enabled: bool,
}
