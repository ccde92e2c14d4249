//! What people were asked, and what they said.

use std::fmt;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::id::{Actor, ExecutionId};

/// One wait for people. `generation` counts the gates of this execution from 1 and is never used
/// again: a vote, a timer or a delegation for another generation changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GateId {
    pub execution: ExecutionId,
    pub kind: GateKind,
    pub generation: u32,
}

impl fmt::Display for GateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} gate {}", self.execution, self.kind.word(), self.generation)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateKind {
    /// Before the execution is queued.
    Start,
    /// After its work, before its outputs are handed on.
    Complete,
    /// A manual trigger with an approval: before the stage becomes ready.
    Trigger,
    /// A live attempt asks whether it may do something. It goes on running, and waits.
    Permission,
    /// A live attempt asks for words: the comment of an approval is the answer.
    Question,
}

impl GateKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Complete => "complete",
            Self::Trigger => "trigger",
            Self::Permission => "permission",
            Self::Question => "question",
        }
    }
}

/// What a live attempt wants to know of people. Its gate ends, void, when the attempt does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inquiry {
    /// Given by the attempt, stable over attempts of the execution: the same key, answered once,
    /// is not asked again.
    pub key: String,
    /// The number of the attempt.
    pub attempt: u32,
    pub question: String,
    /// Of a question: what may be answered; empty: any words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// What would be done: the tool, its arguments.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub detail: Json,
}

/// Somebody with what the directory said of them at that moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Person {
    pub name: Actor,
    /// Groups and roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// The administrator who acted for them; nothing is decided by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Actor>,
}

impl Person {
    /// Whether an entry of `approvers` or `assignees` means this person.
    pub fn is(&self, entry: &str) -> bool {
        self.name == entry || self.groups.iter().any(|group| group == entry)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Approve,
    Reject,
    /// Only at a complete gate: the work is done again with this feedback.
    RequestChanges,
}

/// What became of a gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Resolution {
    Approved,
    Rejected {
        by: Actor,
        reason: String,
    },
    ChangesRequested {
        by: Actor,
        feedback: String,
    },
    /// `on_timeout: approve`
    TimedOutApproved,
    TimedOutRejected,
    TimedOutSkipped,
    TimedOutFailed,
    /// Its execution was cancelled, halted, superseded, or its run ended.
    Void {
        reason: String,
    },
}

/// The rules a gate was opened with: its own, or its environment's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    #[serde(flatten)]
    pub electorate: pipeline::model::Electorate,
    /// How many slots have to be filled.
    pub needed: u32,
    /// The environment whose policy this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

/// What an environment demands of every stage that names it; fixed when the run is created.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// A start gate that no definition can leave out or weaken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<pipeline::model::Electorate>,
    /// At most one execution in it at a time, over all runs.
    #[serde(default)]
    pub lock: bool,
    /// Values between the pipeline's variables and the global configuration.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub variables: IndexMap<String, Json>,
}

/// Content that was stored before the event that names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactRef {
    /// As declared: `report`.
    pub name: String,
    /// Of the file: `out/report.json`.
    pub path: String,
    /// Hex SHA-256 of the content.
    pub digest: String,
    pub bytes: u64,
    /// `json md txt html csv py mermaid png jpeg svg binary`
    pub format: String,
}

/// Why an execution waits for a person without a vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// `auto_advance: false`
    Advance,
    Breakpoint,
    /// The run is stepped.
    Step,
}

/// A form that is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FormOpened {
    pub execution: ExecutionId,
    /// Counts the forms of this execution from 1.
    pub generation: u32,
    /// 0 at first; rises with each request for changes.
    pub revision: u32,
    /// Resolved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub instructions: String,
    /// What it starts with: resolved values and defaults; after a request for changes what was
    /// submitted before.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub values: IndexMap<String, Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

/// How a person goes on in the place of an agent whose attempt has let go. No secret is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attach {
    /// Who is held, by its name.
    pub agent: String,
    /// Where it worked.
    pub directory: String,
    /// One line for a shell on the machine of the attempt.
    pub command: String,
    /// What that line runs, in words.
    pub runs: String,
    /// The agent will know what the person did: its session goes on. Else the work begins anew, and
    /// the note of the person stands at its end.
    #[serde(default)]
    pub resumes: bool,
}
