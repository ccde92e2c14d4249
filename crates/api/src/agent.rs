//! What a server, the harness that carries out an agent stage, and the agents inside it say to each
//! other.
//!
//! An attempt of an agent stage is one process, the *harness*, started and kept like any other. It
//! reads a [`Job`], runs the agent under its limits, and ends with exit code 0 only when the verdict
//! over the [`Evidence`] is success. It reaches the server through one door, with a token that is
//! good for this attempt only; provider keys stay with the server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::link::AttemptRef;

mod ask;
mod evidence;
mod happening;
mod hold;
pub mod prompt;
mod shape;

pub use ask::{Answer, AskKind, AskPerson, Asked};
pub use evidence::{AgentOutcome, ErrorClass, Evidence, StoppedBy, Terminal, Verdict};
pub use happening::{Did, Happening, Usage, UsageSource};
pub use hold::{Attach, HandedBack, Holding, LetGo, Taken};
pub use shape::{Allowance, Combine, Rounds, Talk, TalkMode};

/// The file in an attempt's folder that holds its [`Job`].
pub const JOB_FILE: &str = "job.json";
/// The file in an execution's memory that holds what happened: a [`Happening`] a line.
pub const EVENTS_FILE: &str = "events.ndjson";

/// Everything that a harness needs for one attempt; no secret but the token of its door.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub attempt: AttemptRef,
    /// `feature#41` or `TASK-7-3`: how people name the run.
    pub run_name: String,
    pub stage: String,
    pub door: Door,
    /// Absolute; of the execution, so that the next attempt finds what the one before it wrote.
    pub memory: String,
    /// Absolute; where the agent works.
    pub workspace: String,
    /// Nobody else works there: it is a worktree that was made for this execution.
    #[serde(default)]
    pub own_workspace: bool,
    /// What the agent is asked, after every reference was resolved.
    pub task: String,
    /// In the order in which it stands in the prompt.
    #[serde(default)]
    pub context: Vec<Block>,
    /// Words of people about the work before: the last request for changes.
    #[serde(default)]
    pub feedback: Option<String>,
    pub shape: Shape,
    /// JSON Schema (2020-12) of the object that the agent has to hand in; `None`: free text, which
    /// becomes the output `text`.
    #[serde(default)]
    pub result: Option<Json>,
    #[serde(default)]
    pub validate: Option<Validate>,
    pub limits: Limits,
    /// Variables of the harness's own environment that the stage sets: given to the agent's tools,
    /// beside those that say where things are.
    #[serde(default)]
    pub env: Vec<String>,
    /// Variables of the harness's own environment that hold secrets of the stage: given to the
    /// agent's tools, and masked in all that is kept or said.
    #[serde(default)]
    pub secret_env: Vec<String>,
    /// The newest time that a person took over, of this work.
    #[serde(default)]
    pub taken: Option<Taken>,
}

/// Where a harness asks the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    /// Absolute path of the server's unix socket.
    pub socket: String,
    /// Good while the attempt is live, for `/api/attempt/*` and `/llm/*` only.
    pub token: String,
}

/// A piece of text from elsewhere: data for the agent, never instructions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// As it was written: `@plan/plan.md`, `@v2/review`, `@file:README.md`.
    pub reference: String,
    /// Where it came from, in words: `stage plan of feature#41`.
    pub source: String,
    /// Lower case hex of the whole text, before any cut.
    pub sha256: String,
    /// Of the whole text.
    pub bytes: u64,
    pub text: String,
    /// Set when `text` is shorter than the whole; the whole lies in the workspace under
    /// `.orchestrate/context/`.
    #[serde(default)]
    pub cut: bool,
}

/// How agents do the work of a stage together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Shape {
    Single {
        agent: Box<Agent>,
    },
    Loop {
        agent: Box<Agent>,
        rounds: Box<Rounds>,
    },
    Discussion {
        members: Vec<Agent>,
        talk: Box<Talk>,
    },
    /// A planner draws up a roster first; it is frozen in the memory of the execution.
    Meta {
        planner: Box<Agent>,
        allowance: Box<Allowance>,
    },
}

impl Shape {
    /// Whoever works on it: `implementer`, `architect, tester`.
    pub fn names(&self) -> String {
        match self {
            Self::Single { agent } | Self::Loop { agent, .. } => agent.name.clone(),
            Self::Discussion { members, .. } => {
                let names: Vec<&str> = members.iter().map(|member| &*member.name).collect();
                names.join(", ")
            }
            Self::Meta { planner, .. } => planner.name.clone(),
        }
    }
}

/// A resolved agent: who does the work, with which instructions and which hands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agent {
    /// `[a-z0-9-]{1,64}`
    pub name: String,
    /// The body of its file: the system prompt.
    pub system: String,
    pub adapter: Adapter,
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    pub temperature: Option<f64>,
    /// Kinds of tools that it has at all.
    #[serde(default)]
    pub tools: Vec<ToolKind>,
    #[serde(default)]
    pub mcp: Vec<McpServer>,
    /// The first rule that fits decides; without one, [`Decision::Allow`] for reading, searching and
    /// editing below the workspace, [`Decision::Ask`] for execution, [`Decision::Deny`] for the rest.
    #[serde(default)]
    pub permissions: Vec<Rule>,
    /// A point of view, for members of a discussion.
    #[serde(default)]
    pub lens: Option<String>,
    /// Share of the stage's budget, above 0 and at most 1.
    #[serde(default)]
    pub share: Option<f64>,
    /// Digest of the file that defines it; built-in ones have one too.
    #[serde(default)]
    pub digest: String,
}

/// The program or protocol that stands behind an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Adapter {
    /// The loop of our own over a model's API, through the gateway.
    Api { provider: String, format: Format },
    /// A coding CLI that speaks the Agent Client Protocol, version 1, on its standard streams.
    Acp {
        command: Vec<String>,
        #[serde(default)]
        env: BTreeMap<String, String>,
        /// Of the models that it is led to.
        #[serde(default)]
        provider: String,
    },
    /// `claude -p` with its stream of JSON.
    Claude {
        #[serde(default)]
        command: Vec<String>,
        #[serde(default)]
        env: BTreeMap<String, String>,
        #[serde(default)]
        provider: String,
    },
    /// `codex exec --json`
    Codex {
        #[serde(default)]
        command: Vec<String>,
        #[serde(default)]
        env: BTreeMap<String, String>,
        #[serde(default)]
        provider: String,
    },
    /// Any program: the prompt on its standard input.
    Command {
        argv: Vec<String>,
        #[serde(default)]
        result: CommandResult,
        #[serde(default)]
        env: BTreeMap<String, String>,
        #[serde(default)]
        provider: String,
    },
    /// A task file for somebody who works elsewhere, with a completion marker.
    Inbox {
        #[serde(default)]
        tmux: Option<String>,
    },
    /// Follows a script; needs no model and no key.
    Mock {
        #[serde(default)]
        script: Json,
    },
}

/// The wire format of a model's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// OpenAI's `POST /chat/completions`
    Chat,
    /// OpenAI's `POST /responses`
    Responses,
    /// Anthropic's `POST /v1/messages`
    Messages,
}

/// What the result of a program is read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandResult {
    /// Exit code only; the output is the text.
    #[default]
    Exit,
    /// Its whole standard output is one JSON object.
    Json,
    /// The last line that is not blank.
    LastLine,
}

#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ToolKind {
    Read,
    Search,
    Edit,
    Execute,
    Fetch,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct McpServer {
    pub name: String,
    pub command: Vec<String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// One line of the permissions: what fits all that it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    #[serde(default)]
    pub tool: Option<ToolKind>,
    /// A glob over the path, relative to the workspace.
    #[serde(default)]
    pub path: Option<String>,
    /// The words that a command begins with: `cargo test`.
    #[serde(default)]
    pub command: Option<String>,
    pub decision: Decision,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Allow,
    Deny,
    /// An ordinary approval decides.
    Ask,
}

/// A check that the harness runs itself, outside of the agent's reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validate {
    /// Run by `sh -e -c` in the workspace.
    pub command: String,
    pub timeout_ms: u64,
    /// Globs of files that the agent may not change; what it changed there is put back first.
    #[serde(default)]
    pub protect: Vec<String>,
}

/// Caps of one attempt, enforced by harness and gateway; `None`: no cap of its own. Time that is
/// spent waiting for people counts against none of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub turns: Option<u32>,
    pub tool_calls: Option<u32>,
    /// Model calls, counted by the gateway over all attempts of the execution.
    pub calls: Option<u32>,
    /// Input and output together, over all attempts of the execution.
    pub tokens: Option<u64>,
    /// In billionths of a US dollar, over all attempts of the execution.
    pub nano_usd: Option<u64>,
    pub wall_ms: Option<u64>,
    /// Without a word while the model answers.
    pub idle_model_ms: Option<u64>,
    /// Without a word while a tool runs.
    pub idle_tool_ms: Option<u64>,
    /// Of one answer of the model.
    #[serde(default)]
    pub output_tokens: Option<u32>,
    /// What the model can read at once, in tokens.
    #[serde(default)]
    pub window_tokens: Option<u64>,
}

/// `GET /api/attempt`: what the server knows of whoever asks with the token of a door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AttemptSelf {
    pub run: String,
    /// `implement[2]`
    pub execution: String,
    pub number: u32,
    pub fence: u64,
    pub key: String,
    /// It was told to stop.
    pub stopping: bool,
}
