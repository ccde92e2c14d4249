//! What people were asked, and the files that stages and people left.

use engine::id::RunId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// A gate: `A-<n>`.
    Approval,
    /// A form: `I-<n>`.
    Input,
}

impl RequestKind {
    pub const ALL: [Self; 2] = [Self::Approval, Self::Input];

    pub fn word(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Input => "input",
        }
    }
}

/// Table `requests`: every gate and form that was ever opened.
///
/// Told apart by run, execution, gate and generation. The store numbers each once, all kinds in one
/// counter, in the order of arrival; an [`super::Append`] with a known one changes its `status`,
/// `due_at`, `closed_at` and `body`, and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestRow {
    /// From 1. Given by the store: of no meaning in an append.
    pub number: u64,
    pub run: RunId,
    /// `deploy` or `deploy[2]`
    pub execution: String,
    pub kind: RequestKind,
    /// `start complete trigger`, or `form`.
    pub gate: String,
    pub generation: u32,
    pub status: String,
    pub opened_at: Timestamp,
    pub due_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    /// Whatever else is shown of it.
    pub body: Json,
}

#[derive(Clone, Debug, Default)]
pub struct RequestQuery {
    pub kind: Option<RequestKind>,
    /// Any of these words; empty: all.
    pub statuses: Vec<String>,
    pub run: Option<RunId>,
    /// Numbers below this one.
    pub before: Option<u64>,
    pub limit: u32,
}

/// What somebody has written into a form without submitting it; the last one to save wins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DraftRow {
    pub request: u64,
    pub by: String,
    pub at: Timestamp,
    pub values: Json,
}

impl DraftRow {
    /// When a draft counts as saved that comes after this one: no two of a form at the same time.
    pub(crate) fn next(before: Option<Timestamp>, at: Timestamp) -> Timestamp {
        let moment = SignedDuration::from_nanos(1);
        let next = before.map(|before| before.checked_add(moment).unwrap_or(before));
        next.map_or(at, |next| next.max(at))
    }
}

/// Table `artifacts`: content lies in the blobs, by its digest.
///
/// Told apart by run, execution, attempt, generation and name, and numbered like requests, in a
/// counter of its own. An [`super::Append`] with a known one changes its `status` and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArtifactRow {
    /// From 1. Given by the store: of no meaning in an append.
    pub number: u64,
    pub run: RunId,
    /// `plan` or `implement[2]`
    pub execution: String,
    /// 0: it came with a form.
    pub attempt: u32,
    /// Of the form that it came with, from 1; 0: it came from an attempt.
    pub generation: u32,
    /// As declared.
    pub name: String,
    /// Of the file, as the stage wrote it. Any text: never a path to be opened.
    pub path: String,
    pub format: String,
    pub bytes: u64,
    /// Hex SHA-256.
    pub digest: String,
    /// `staged promoted superseded dropped`
    pub status: String,
    pub created_at: Timestamp,
}

impl ArtifactRow {
    /// The content is gone: retention took it.
    pub const DROPPED: &'static str = "dropped";

    /// The stage of its execution.
    pub fn stage(&self) -> &str {
        self.execution.split('[').next().unwrap_or(&self.execution)
    }
}

#[derive(Clone, Debug, Default)]
pub struct ArtifactQuery {
    pub run: Option<RunId>,
    /// All instances of it.
    pub stage: Option<String>,
    /// Any of these words; empty: all.
    pub statuses: Vec<String>,
    pub digest: Option<String>,
    /// Numbers below this one.
    pub before: Option<u64>,
    pub limit: u32,
}
