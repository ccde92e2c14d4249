//! The task that a run belongs to.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// What a task was when one of its runs was created: `${task.*}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRun {
    pub id: String,
    /// The run's number among those of its task, from 1; the run is called `<id>-<number>`.
    pub number: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// What it is about to change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    #[serde(default)]
    pub priority: i64,
    pub on_active: OnActive,
}

/// What a start does about other runs of its task that have not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnActive {
    /// They are cancelled; the new run begins when they have ended.
    #[default]
    Replace,
    /// There is no start while there are any.
    Reject,
    /// The new run begins when they have ended.
    Queue,
    /// It runs beside them.
    Allow,
}

impl OnActive {
    pub const ALL: [Self; 4] = [Self::Replace, Self::Reject, Self::Queue, Self::Allow];

    pub fn word(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Reject => "reject",
            Self::Queue => "queue",
            Self::Allow => "allow",
        }
    }

    /// By its word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.word() == word)
    }

    /// Whether the run waits until no other run of the task goes on.
    pub fn waits(self) -> bool {
        match self {
            Self::Replace | Self::Queue => true,
            Self::Reject | Self::Allow => false,
        }
    }
}

impl TaskRun {
    /// What the run is called: `TASK-7-3`.
    pub fn run_name(&self) -> String {
        format!("{}-{}", self.id, self.number)
    }

    pub(crate) fn value(&self) -> Json {
        json!({
            "id": self.id,
            "number": self.number,
            "title": self.title,
            "description": self.description,
            "labels": self.labels,
            "paths": self.paths,
            "priority": self.priority,
        })
    }
}
