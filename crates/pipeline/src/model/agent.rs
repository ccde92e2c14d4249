//! Stages that an agent does: who works, on what, with which hands, within which limits.
//!
//! What is named here is looked up when the stage is dispatched (see [`crate::agent`]), so that a
//! definition in a file can change between two attempts.

use std::time::Duration;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::StageName;
use crate::text::{Step, Template};

/// The work of an agent stage.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentWork {
    pub crew: Crew,
    pub task: Prompt,
    /// Said at the stage: wins over what the definitions of its agents say, but for `tools`, which
    /// only ever takes away.
    pub tuning: Tuning,
    /// `${...}` at the stage: the word of a kind of adapter, which is known when it is dispatched.
    pub adapter: Option<Template>,
    pub budget: Budget,
    pub validate: Option<Validation>,
    /// The stage declares no outputs: its agent answers with text, which is the output `text`.
    pub free_text: bool,
}

/// How agents do the work together.
#[derive(Clone, Debug, PartialEq)]
pub enum Crew {
    Single {
        agent: AgentUse,
    },
    /// The same agent again and again.
    Loop {
        /// `None`: that of the loop type.
        agent: Option<AgentUse>,
        repeat: Box<LoopSpec>,
    },
    Discussion(Box<Discussion>),
    Meta(Box<MetaAgent>),
}

/// An agent where it is used: by its name, or written out.
#[derive(Clone, Debug, PartialEq)]
pub enum AgentUse {
    Named(String),
    Written(Box<AgentSpec>),
}

impl AgentUse {
    /// The definition that has to be found; `None` where everything is written out.
    pub fn wanted(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Written(spec) => spec.extends.as_deref(),
        }
    }
}

/// What a definition says of an agent, be it in a pipeline or in a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentSpec {
    /// `[a-z0-9-]{1,64}`; empty where it is written out at a stage without one.
    pub name: String,
    /// Taken from that one where nothing is said here.
    pub extends: Option<String>,
    pub description: String,
    /// The system prompt.
    pub prompt: Option<String>,
    pub tuning: Tuning,
    pub mcp: Vec<McpServer>,
    /// A point of view, for members of a discussion.
    pub lens: Option<String>,
    /// Share of the stage's budget, above 0 and at most 1.
    pub share: Option<f64>,
    pub budget: Budget,
    /// For an attempt; the stage's own `timeout` wins.
    pub timeout: Option<Duration>,
    /// JSON Schema of its result where the stage declares no outputs.
    pub output_schema: Option<Json>,
}

/// What both a definition and a stage can say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tuning {
    pub adapter: Option<Adapter>,
    pub model: Option<String>,
    pub temperature: Option<f64>,
    /// `None`: all kinds.
    pub tools: Option<Vec<ToolKind>>,
    /// The first that fits decides; those of a stage stand before those of a definition.
    pub permissions: Vec<Permission>,
}

/// The program or protocol behind an agent. What a kind does not use is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Adapter {
    pub kind: AdapterKind,
    pub command: Vec<String>,
    pub env: IndexMap<String, String>,
    /// Of `api`: a provider of the installation.
    pub provider: Option<String>,
    pub format: Option<WireFormat>,
    pub result: Option<ProgramResult>,
    pub tmux: Option<String>,
    /// Of `mock`: what it does.
    pub script: Option<Json>,
}

impl Adapter {
    pub fn of(kind: AdapterKind) -> Self {
        Self {
            kind,
            command: Vec::new(),
            env: IndexMap::new(),
            provider: None,
            format: None,
            result: None,
            tmux: None,
            script: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdapterKind {
    Mock,
    Api,
    Acp,
    Claude,
    Codex,
    Command,
    Inbox,
}

impl AdapterKind {
    pub const WORDS: [&'static str; 7] =
        ["mock", "api", "acp", "claude", "codex", "command", "inbox"];
    pub const ALL: [Self; 7] =
        [Self::Mock, Self::Api, Self::Acp, Self::Claude, Self::Codex, Self::Command, Self::Inbox];

    pub fn word(self) -> &'static str {
        match self {
            Self::Mock => "mock",
            Self::Api => "api",
            Self::Acp => "acp",
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Command => "command",
            Self::Inbox => "inbox",
        }
    }

    /// The kind that is written so.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// The wire format of a model's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WireFormat {
    Chat,
    Responses,
    Messages,
}

/// What the result of a program is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProgramResult {
    Exit,
    Json,
    LastLine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ToolKind {
    Read,
    Search,
    Edit,
    Execute,
    Fetch,
}

impl ToolKind {
    pub const WORDS: [&'static str; 5] = ["read", "search", "edit", "execute", "fetch"];
    pub const ALL: [Self; 5] = [Self::Read, Self::Search, Self::Edit, Self::Execute, Self::Fetch];

    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Search => "search",
            Self::Edit => "edit",
            Self::Execute => "execute",
            Self::Fetch => "fetch",
        }
    }
}

/// One rule: it fits what all that it names fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    pub tool: Option<ToolKind>,
    /// A glob over the path, relative to the workspace.
    pub path: Option<String>,
    /// The words that a command begins with.
    pub command: Option<String>,
    pub decision: Decision,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    Allow,
    Deny,
    /// An approval decides.
    Ask,
}

/// A server of tools that the agent gets beside its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpServer {
    pub name: String,
    pub command: Vec<String>,
    pub env: IndexMap<String, String>,
}

/// What may be spent; `None`: no cap of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// In billionths of a US dollar.
    pub nano_usd: Option<u64>,
    /// Input and output together.
    pub tokens: Option<u64>,
    /// Calls of a model.
    pub calls: Option<u32>,
    pub turns: Option<u32>,
    pub tool_calls: Option<u32>,
}

impl Budget {
    /// Key by key: this one's, else the other's.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            nano_usd: self.nano_usd.or(other.nano_usd),
            tokens: self.tokens.or(other.tokens),
            calls: self.calls.or(other.calls),
            turns: self.turns.or(other.turns),
            tool_calls: self.tool_calls.or(other.tool_calls),
        }
    }
}

/// A check that is run outside of the agent's reach.
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    pub command: Template,
    pub timeout: Duration,
    /// Globs of files that the agent may not change.
    pub protect: Vec<String>,
}

/// A loop, or a loop type: each key may be left to the type that it extends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoopSpec {
    /// The loop type it goes by, or extends.
    pub extends: Option<String>,
    pub description: String,
    /// Of a type: the agent where the stage names none.
    pub agent: Option<String>,
    /// The prompt of an iteration.
    pub prompt: Option<String>,
    pub max_iterations: Option<u32>,
    pub iteration_timeout: Option<Duration>,
    pub total_timeout: Option<Duration>,
    pub validate: Option<Validation>,
    pub no_change: Option<u32>,
    pub same_failure: Option<u32>,
    pub repeated_tree: Option<bool>,
    pub progress_entries: Option<u32>,
    pub progress_chars: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Discussion {
    pub mode: TalkMode,
    /// Not empty.
    pub members: Vec<AgentUse>,
    /// `None`: that of the mode.
    pub rounds: Option<u32>,
    pub combine: Option<Combine>,
    pub chair: Option<AgentUse>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TalkMode {
    Sequential,
    Parallel,
    Council,
    Debate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Combine {
    Concat,
    Vote,
    Synthesise,
    Best,
}

/// A planner draws up the team that does the work.
#[derive(Clone, Debug, PartialEq)]
pub struct MetaAgent {
    pub planner: AgentUse,
    pub max_agents: u32,
    /// Empty: the planner's own model only.
    pub models: Vec<String>,
    /// Does the work when no roster holds.
    pub fallback: Option<AgentUse>,
}

/// A task with what it refers to: `${...}` becomes part of the text, `@...` stays as it is written
/// and what it names is given beside the task.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    pub text: Template,
    /// Without duplicates, in the order written.
    pub mentions: Vec<Mention>,
}

/// `@plan/plan.md`
#[derive(Clone, Debug, PartialEq)]
pub struct Mention {
    pub written: String,
    pub of: Mentioned,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Mentioned {
    /// `@plan`, `@plan.outline`, `@plan/plan.md`: of this run.
    Stage { stage: StageName, part: Part },
    /// `@prev`, `@prev/plan`: of the run that this one extends; the same stage where none is named.
    Previous { stage: StageName, part: Part },
    /// `@v2/plan`
    Version { number: u64, stage: StageName, part: Part },
    /// `@input.goal`: what the input mapping of the stage made.
    Mapped { name: String },
    /// `@input.goal`: an input of the run.
    Input { name: String },
    /// `@file:docs/goal.md`, below the working directory.
    File { path: String },
    /// The words of the last request for changes.
    Feedback,
    /// Of a compensation: the outputs of the stage that it undoes. Nobody writes it.
    Undone,
}

/// What of a stage is meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Its outputs and all of its artifacts.
    Whole,
    /// The output, and what is inside of it.
    Output(String, Vec<Step>),
    /// An artifact: its name, its path, or the last part of that.
    Artifact(String),
}
