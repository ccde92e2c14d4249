//! Notices: what people are told of, each on its way to one target.

use engine::id::RunId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// A notice that follows from the events of an [`super::Append`]: stored if they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewNotice {
    /// Told apart by it: a known one is not stored again.
    pub key: String,
    pub target: String,
    /// `approval.requested`
    pub kind: String,
    /// The gate or form of the run that it is about.
    pub about: Option<AboutRequest>,
    /// Whatever is told.
    pub content: Json,
    pub at: Timestamp,
}

/// A request of the run: execution, gate, generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutRequest {
    pub execution: String,
    pub gate: String,
    pub generation: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeStatus {
    /// To be sent, or sent again.
    Waiting,
    Delivered,
    /// Not sent any more, unless somebody asks for it.
    GivenUp,
}

impl NoticeStatus {
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::GivenUp];

    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }
}

/// Table `notices`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoticeRow {
    /// From 1, over all targets, in the order of arrival.
    pub number: u64,
    pub key: String,
    pub target: String,
    pub kind: String,
    pub run: RunId,
    /// The number of the request that it is about.
    pub request: Option<u64>,
    pub content: Json,
    pub status: NoticeStatus,
    /// Tries since it was last asked to be sent.
    pub attempts: u32,
    /// Why the last try failed; empty when none has, or when it was delivered.
    pub problem: String,
    pub created_at: Timestamp,
    /// When it was last asked to be sent: at first when it was made.
    pub since: Timestamp,
    /// Not tried before.
    pub due_at: Timestamp,
    /// Delivered or given up.
    pub settled_at: Option<Timestamp>,
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeMove {
    pub number: u64,
    pub status: NoticeStatus,
    pub problem: String,
    /// When it is tried next, should it wait.
    pub due_at: Timestamp,
    pub at: Timestamp,
}

#[derive(Clone, Debug, Default)]
pub struct NoticeQuery {
    pub target: Option<String>,
    /// Any of these; empty: all.
    pub statuses: Vec<NoticeStatus>,
    pub run: Option<RunId>,
    /// Numbers below this one.
    pub before: Option<u64>,
    /// Oldest first, as they are sent; else newest first, as they are listed.
    pub oldest_first: bool,
    pub limit: u32,
}

/// What of a target is not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenNotices {
    pub target: String,
    pub waiting: u64,
    pub given_up: u64,
}
