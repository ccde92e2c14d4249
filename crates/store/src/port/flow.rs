//! Events from outside, tokens, versions undone, and the trail of decisions.

use engine::event::Stamped;
use engine::id::RunId;
use jiff::Timestamp;
use pipeline::when::Facts;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// An event from outside, stored before it is matched. The same id is taken once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GivenEvent {
    pub id: String,
    /// Its type, the most specific one: `spec.ready`, `pull_request.merged`.
    pub kind: String,
    /// Broader types, most specific first: `pull_request.closed`, `pull_request`.
    pub also: Vec<String>,
    /// A map. Of a delivery without its body, which comes with it.
    pub data: Json,
    /// `user:ana`, or the name of the source it came from.
    pub source: String,
    /// Whom the runs are said to be by that it starts.
    pub by: String,
    pub at: Timestamp,
    /// Only this run may take it.
    pub run: Option<RunId>,
    /// What triggers are judged on.
    pub facts: Facts,
    pub tag: Option<String>,
    /// Only this trigger is asked.
    pub target: Option<Target>,
    /// How it came, where it came over HTTP.
    pub delivery: Option<Delivery>,
}

impl GivenEvent {
    /// Its types, most specific first.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.kind).chain(&self.also).map(String::as_str)
    }
}

/// A trigger of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub pipeline: String,
    /// Its name; empty: any of the pipeline.
    #[serde(default)]
    pub trigger: String,
}

/// What came over HTTP, without what authorised it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Vec<u8>,
}

/// An event was held against the triggers of pipelines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Routed {
    /// Of the event.
    pub id: String,
    pub at: Timestamp,
    /// The changed paths, where they had to be asked for.
    pub paths: Option<Vec<String>>,
    /// Why something is not known that was asked for; else empty.
    pub problem: String,
    pub matches: Vec<Match>,
}

/// A trigger that an event matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    pub pipeline: String,
    /// Its name.
    pub trigger: String,
    /// The run it started.
    pub run: Option<RunId>,
    /// Why it started none; empty when it did.
    pub problem: String,
}

/// Table `given_events`, in the order of arrival.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GivenRow {
    /// From 1.
    pub number: u64,
    pub event: GivenEvent,
    /// Runs whose journal has it as `event.received`, in the order in which they took it.
    pub taken_by: Vec<Taker>,
    /// When it was held against the triggers of pipelines; `None`: that has still to be done.
    pub routed_at: Option<Timestamp>,
    /// Why something of it is not known; empty when nothing is missing.
    pub problem: String,
    pub matches: Vec<Match>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taker {
    pub run: RunId,
    /// `name#n`, or `<task>-<n>`.
    pub name: String,
}

#[derive(Clone, Debug, Default)]
pub struct GivenQuery {
    /// Any of these types, broader ones too; empty: all.
    pub kinds: Vec<String>,
    /// Given at this time or later.
    pub since: Option<Timestamp>,
    /// Numbers above this one.
    pub after: Option<u64>,
    /// Numbers below this one.
    pub before: Option<u64>,
    /// Only those that were not yet held against triggers.
    pub unrouted: bool,
    /// With what came over HTTP.
    pub deliveries: bool,
    /// Oldest first, as they are delivered; else newest first, as they are listed.
    pub oldest_first: bool,
    pub limit: u32,
}

/// Table `tokens`. The token itself is never stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenRow {
    pub id: String,
    /// Hex SHA-256.
    pub hash: String,
    pub user: String,
    pub admin: bool,
    pub created_at: Timestamp,
    pub created_by: String,
    /// Whoever shows it is let in no more.
    pub revoked_at: Option<Timestamp>,
    /// What it is for, in words.
    pub name: String,
    /// `None`: what the user may.
    pub scopes: Option<Vec<String>>,
    pub expires_at: Option<Timestamp>,
    /// To the minute.
    pub used_at: Option<Timestamp>,
}

/// Table `rewinds`: a pipeline went back to an earlier run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RewindRow {
    /// From 1, over all pipelines.
    pub number: u64,
    pub pipeline: String,
    /// The number of the run.
    pub to: u64,
    pub by: String,
    pub at: Timestamp,
    /// Numbers of the runs that were not superseded before, ascending.
    pub superseded: Vec<u64>,
    pub undone_by: Option<String>,
    pub undone_at: Option<Timestamp>,
}

/// What somebody (or a clock in their stead) decided or changed: an event of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditRow {
    /// In the order of arrival over all runs.
    pub position: u64,
    pub run: RunId,
    /// `name#n`, or `<task>-<n>`.
    pub run_name: String,
    pub seq: u64,
    /// `timer` where nobody did it in time.
    pub by: String,
    /// The event's name: `gate.voted`.
    pub action: String,
    pub event: Stamped,
    /// In the chain of its run.
    pub hash: String,
}

#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    pub run: Option<RunId>,
    pub by: Option<String>,
    pub action: Option<String>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Positions below this one.
    pub before: Option<u64>,
    pub limit: u32,
}
