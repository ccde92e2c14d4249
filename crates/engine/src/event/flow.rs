//! Events between stages, lineage, undoing.

use pipeline::model::StageName;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::id::{ExecutionId, RunId};

/// A fact that triggers match.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Occurrence {
    /// Unique; the same id is taken once.
    pub id: String,
    #[serde(rename = "event")]
    pub kind: String,
    /// A map; what expressions and `${event.*}` see, with `type` and `id` added.
    pub data: Json,
    /// Who gave it: an execution (`specification`, `implement[2]`), or from outside `user:ana`.
    pub source: String,
}

/// Another run, by id and by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLink {
    pub run: RunId,
    /// `name#n`
    pub name: String,
    pub number: u64,
}

/// The execution that started a child run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    #[serde(flatten)]
    pub link: RunLink,
    pub execution: ExecutionId,
    /// Of the parent's attempt.
    pub fence: u64,
    /// 1 for a child of a run that nobody started but a person.
    pub depth: u32,
}

/// What an ancestor gave, by stage: the nearest ancestor's that finished it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inherited {
    pub stage: StageName,
    pub from: RunLink,
    /// An object.
    pub outputs: Json,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<super::people::ArtifactRef>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackResult {
    Succeeded,
    Failed,
    /// Some of it was undone.
    Partial,
}

impl RollbackResult {
    pub fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Partial => "partial",
        }
    }
}

/// Which trigger of a stage fired, by its place in the definition, and what fired it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fired {
    pub trigger: u32,
    /// In words: `planning succeeded`, `spec.ready from specification`, `ana`.
    pub by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Box<Occurrence>>,
}
