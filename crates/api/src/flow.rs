//! Versions, undoing, events and why nothing happens.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

/// `POST /api/runs/{run}/extend`: a new run of the same pipeline that goes on from this one.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Extend {
    /// Beside these, the inputs of the run it extends.
    #[serde(default)]
    pub inputs: BTreeMap<String, Json>,
    #[serde(default)]
    pub input_texts: BTreeMap<String, String>,
}

/// `POST /api/runs/{run}/rollback`; with `GET ?to=` its preview.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollBack {
    pub to: String,
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
    pub force: bool,
}

/// What a rollback or a rewind would do.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Impact {
    /// `rollback` or `rewind`
    pub verb: String,
    pub to: String,
    /// In the order in which it happens.
    pub steps: Vec<ImpactStep>,
    /// Runs that a rewind of a pipeline supersedes.
    pub runs: Vec<String>,
    /// Where what is superseded is kept.
    pub archive: Option<String>,
    /// Why it would be refused; empty when it would not.
    pub refused: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImpactStep {
    pub stage: String,
    /// In words: `runs "helm rollback"`, `is done again`, `is stopped`, `has no rollback action`.
    pub what: String,
    pub artifacts: u32,
}

/// `POST /api/runs/{run}/rewind`; with `GET ?to=&inclusive=` its preview.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rewind {
    pub to: String,
    #[serde(default)]
    pub inclusive: bool,
    #[serde(default)]
    pub pause: bool,
}

/// `POST /api/pipelines/{name}/rewind`: back to an earlier run; later ones are superseded.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RewindPipeline {
    /// The number of the run.
    pub to: u64,
}

/// One entry of the history of rollbacks and rewinds.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Undoing {
    pub at: Timestamp,
    pub by: String,
    /// `rollback rewind undo`
    #[schema(schema_with = crate::words::undoing_verb)]
    pub verb: String,
    pub run: Option<String>,
    pub to: String,
    pub result: String,
    pub superseded: Vec<String>,
}

/// `POST /api/runs/{run}/advance`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    #[serde(default)]
    pub stage: Option<String>,
}

/// `PUT /api/runs/{run}/breakpoints`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Breakpoints {
    #[serde(default)]
    pub stages: Vec<String>,
    #[serde(default)]
    pub step: bool,
}

/// `GET /api/runs/{run}/explain`: why each stage is not running.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Explained {
    pub stage: String,
    pub status: String,
    /// In words, the nearest cause first; never empty.
    pub because: Vec<String>,
    /// Commands that would change it; may be empty.
    pub remedies: Vec<String>,
}

/// `POST /api/events`: answered after it is stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveEvent {
    #[serde(rename = "type")]
    #[schema(min_length = 1, max_length = 256, pattern = "^\\S(.*\\S)?$")]
    pub kind: String,
    /// A map.
    #[serde(default)]
    #[schema(value_type = Option<std::collections::BTreeMap<String, Json>>)]
    pub data: Json,
    /// The same id is taken once; drawn when it is left out.
    #[serde(default)]
    pub id: Option<String>,
    /// Only for this run.
    #[serde(default)]
    pub run: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GivenEvent {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub data: Json,
    pub source: String,
    pub at: Timestamp,
    /// It was there already; nothing happened.
    #[serde(default)]
    pub duplicate: bool,
    /// Runs that took it, `name#n`.
    pub taken_by: Vec<String>,
    /// Broader types, most specific first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Runs that it started, `name#n`.
    #[serde(default)]
    pub started: Vec<String>,
    /// Its changed files are still being asked for; then it is held against triggers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
    /// What conditions are judged on, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// How many files changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<u64>,
    /// Why something of it is not known; empty when nothing is missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub problem: String,
}

/// One line of the audit trail: what somebody decided or changed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    pub at: Timestamp,
    pub by: String,
    /// The event's name: `gate.voted`, `run.cancel_requested`.
    pub action: String,
    /// `name#n`
    pub run: String,
    /// Empty where it is about the whole run.
    pub stage: String,
    /// In words.
    pub says: String,
    pub seq: u64,
    pub hash: String,
}

/// `GET /api/audit/verify`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Verified {
    pub runs: u64,
    pub events: u64,
    /// Of the server's own trail: what changed beside the runs.
    #[serde(default)]
    pub entries: u64,
    /// Of the chain over all events.
    pub head: String,
}

/// `POST /api/tokens`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    pub user: String,
    /// May all, and act for others (`--as`).
    #[serde(default)]
    pub admin: bool,
    /// What it is for, in words.
    #[serde(default)]
    pub name: String,
    /// Rights, of which it has no others: `read run`. Not given: what the user may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Lets nobody in from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    pub id: String,
    pub user: String,
    pub admin: bool,
    pub created_at: Timestamp,
    pub created_by: String,
    pub revoked_at: Option<Timestamp>,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// To the minute.
    #[serde(default)]
    pub used_at: Option<Timestamp>,
    /// Only in the answer to its creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = Password)]
    pub token: Option<String>,
}

/// `GET /api/whoami`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Whoami {
    pub name: String,
    pub groups: Vec<String>,
    pub admin: bool,
    /// `os user`, `token`, `admin token as`
    pub by: String,
    /// `read run define decide maintain audit admin`: those that this caller has here.
    #[serde(default)]
    pub rights: Vec<String>,
}
