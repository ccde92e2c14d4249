//! What happens inside an attempt, as it is kept and shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{ToolKind, Verdict};

/// One thing that happened inside an attempt, in order. A line each in `events.ndjson` of the
/// execution's memory, secrets masked; `GET /api/runs/{run}/talk/{stage}` and `talk:` topics show
/// them as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Happening {
    /// Dense, from 1, over all attempts of the execution.
    pub seq: u64,
    pub attempt: u32,
    pub at: Timestamp,
    /// Which agent; empty: the harness itself.
    #[serde(default)]
    pub who: String,
    #[serde(flatten)]
    pub what: Did,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum Did {
    /// A session of an adapter began, or went on.
    Started {
        session: Option<String>,
        resumed: bool,
    },
    /// The whole prompt that was sent.
    Prompt {
        system: String,
        text: String,
    },
    Text {
        text: String,
    },
    Thinking {
        text: String,
    },
    ToolCall {
        id: String,
        kind: Option<ToolKind>,
        title: String,
        input: Json,
    },
    ToolResult {
        id: String,
        ok: bool,
        output: String,
    },
    /// A call that the rules or a person refused.
    Denied {
        id: String,
        kind: Option<ToolKind>,
        title: String,
        reason: String,
    },
    /// Somebody is asked; the answer follows as [`Did::Answered`].
    Asked {
        ask: String,
        question: String,
    },
    Answered {
        ask: String,
        answer: String,
    },
    /// A person takes its place; nothing is done until the work is handed back.
    TakenOver {
        hold: u32,
        by: String,
    },
    HandedBack {
        hold: u32,
        by: String,
        note: String,
        accept: bool,
    },
    Note {
        text: String,
    },
    /// One call of the model is over. What it cost is known where the gateway knows the price.
    Usage {
        usage: Usage,
        /// The call's, as the gateway knows it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turn: Option<String>,
    },
    Retry {
        status: Option<u16>,
        wait_ms: u64,
        reason: String,
    },
    /// Of a loop or a discussion: round or iteration, and what it came to.
    Turn {
        number: u32,
        says: String,
        data: Json,
    },
    Validated {
        passed: bool,
        code: Option<i32>,
        tail: String,
    },
    Result {
        value: Json,
    },
    /// Something did not go as it should have; the attempt goes on.
    Warning {
        text: String,
    },
    Ended {
        verdict: Verdict,
    },
}

impl Did {
    /// As it stands in `did`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Prompt { .. } => "prompt",
            Self::Text { .. } => "text",
            Self::Thinking { .. } => "thinking",
            Self::ToolCall { .. } => "tool_call",
            Self::ToolResult { .. } => "tool_result",
            Self::Denied { .. } => "denied",
            Self::Asked { .. } => "asked",
            Self::Answered { .. } => "answered",
            Self::TakenOver { .. } => "taken_over",
            Self::HandedBack { .. } => "handed_back",
            Self::Note { .. } => "note",
            Self::Usage { .. } => "usage",
            Self::Retry { .. } => "retry",
            Self::Turn { .. } => "turn",
            Self::Validated { .. } => "validated",
            Self::Result { .. } => "result",
            Self::Warning { .. } => "warning",
            Self::Ended { .. } => "ended",
        }
    }
}

/// What one or many calls of a model used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    pub calls: u32,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_write_tokens: u64,
    /// In billionths of a US dollar; `None`: the price of the model is not known.
    pub nano_usd: Option<u64>,
    /// Whose figures these are.
    pub source: UsageSource,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    #[default]
    Gateway,
    /// The agent's own last word.
    Agent,
    Estimate,
}
