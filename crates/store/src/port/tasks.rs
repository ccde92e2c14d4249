//! Tasks: units of work that have runs.

use engine::event::OnActive;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Table `tasks`. What became of a task is derived from its runs; `wanted` is what people want.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRow {
    pub id: String,
    /// From 1, one more with each change, also over a deletion.
    pub version: u64,
    pub title: String,
    pub description: String,
    /// What a start runs.
    pub pipeline: Option<String>,
    /// A map: what its runs are given.
    pub inputs: Json,
    pub labels: Vec<String>,
    /// What it is about to change.
    pub paths: Vec<String>,
    /// Tasks that have to be done before it starts.
    pub prerequisites: Vec<String>,
    /// The higher the sooner.
    pub priority: i64,
    pub on_active: OnActive,
    pub wanted: Wanted,
    pub created_at: Timestamp,
    pub created_by: String,
    pub updated_at: Timestamp,
    pub updated_by: String,
    /// It disappears from lists; its id keeps its version, and its runs their numbers.
    pub deleted_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    Todo,
    InProgress,
    Done,
    Cancelled,
}

impl Wanted {
    pub const ALL: [Self; 4] = [Self::Todo, Self::InProgress, Self::Done, Self::Cancelled];

    pub fn word(self) -> &'static str {
        match self {
            Self::Todo => "todo",
            Self::InProgress => "in-progress",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// By its word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wanted| wanted.word() == word)
    }
}

/// Newest first.
#[derive(Clone, Debug, Default)]
pub struct TaskQuery {
    /// `None`: all.
    pub wanted: Option<Wanted>,
    /// Among its labels.
    pub label: Option<String>,
    /// Tasks created before this one.
    pub before: Option<String>,
    pub limit: u32,
}

/// What drawn ids begin with: `TASK-7`.
pub const DRAWN: &str = "TASK-";

/// The number of an id that could have been drawn.
pub(crate) fn drawn(id: &str) -> Option<u64> {
    let digits = id.strip_prefix(DRAWN)?;
    let plain = !digits.is_empty() && digits.len() <= 9 && !digits.starts_with('0');
    (plain && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}
