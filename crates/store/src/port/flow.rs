//! Events from outside, tokens, versions undone, and the trail of decisions.

use engine::event::Stamped;
use engine::id::RunId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// An event from outside, stored before it is matched. The same id is taken once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GivenEvent {
    pub id: String,
    /// Its type: `spec.ready`.
    pub kind: String,
    /// A map.
    pub data: Json,
    /// `user:ana`
    pub source: String,
    pub at: Timestamp,
    /// Only this run may take it.
    pub run: Option<RunId>,
}

/// Table `given_events`, in the order of arrival.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GivenRow {
    /// From 1.
    pub number: u64,
    pub event: GivenEvent,
    /// Runs whose journal has it as `event.received`, in the order in which they took it.
    pub taken_by: Vec<Taker>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taker {
    pub run: RunId,
    /// `name#n`
    pub name: String,
}

#[derive(Clone, Debug, Default)]
pub struct GivenQuery {
    /// Any of these types; empty: all.
    pub kinds: Vec<String>,
    /// Given at this time or later.
    pub since: Option<Timestamp>,
    /// Numbers above this one.
    pub after: Option<u64>,
    /// Numbers below this one.
    pub before: Option<u64>,
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
    /// `name#n`
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
