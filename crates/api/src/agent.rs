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

/// The file in an attempt's folder that holds its [`Job`].
pub const JOB_FILE: &str = "job.json";

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
    },
    /// `claude -p` with its stream of JSON.
    Claude {
        #[serde(default)]
        command: Vec<String>,
    },
    /// `codex exec --json`
    Codex {
        #[serde(default)]
        command: Vec<String>,
    },
    /// Any program: the prompt on its standard input.
    Command {
        argv: Vec<String>,
        #[serde(default)]
        result: CommandResult,
        #[serde(default)]
        env: BTreeMap<String, String>,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
}

/// A loop: the same agent again and again, each time with a fresh context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rounds {
    /// `plan`, `spec`, `phase`, `ralph`, or one of the author's own.
    pub loop_type: String,
    /// The prompt of an iteration, a minijinja template (AGENT-EXECUTION section 6 names its values).
    pub template: String,
    pub max_iterations: u32,
    pub iteration_ms: Option<u64>,
    pub total_ms: Option<u64>,
    /// Give up after so many iterations in a row that changed nothing.
    pub no_change: Option<u32>,
    /// Give up after the same failure so many times in a row.
    pub same_failure: Option<u32>,
    /// Give up when a tree comes back that was there before.
    pub repeated_tree: bool,
    /// How many of the last iterations the next one is told of, and how much of each, in characters.
    pub progress_entries: u32,
    pub progress_chars: u32,
}

/// How members of a discussion come to one answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Talk {
    pub mode: TalkMode,
    /// Of a debate: 1 to 4. Of a sequential discussion: at most so many passes.
    pub rounds: u32,
    pub combine: Combine,
    /// Writes the last answer of a council, a debate, a synthesis.
    #[serde(default)]
    pub chair: Option<Box<Agent>>,
    /// Orders what members see of each other; the same on every attempt.
    pub seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TalkMode {
    Sequential,
    Parallel,
    Council,
    Debate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Combine {
    Concat,
    Vote,
    Synthesise,
    /// Worktrees of their own; those that pass validation, then a judge.
    Best,
}

/// What a planner may hand out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Allowance {
    pub max_agents: u32,
    pub tools: Vec<ToolKind>,
    /// Empty: only the planner's own.
    pub models: Vec<String>,
    /// Does the work when the planner cannot draw up a roster that holds.
    #[serde(default)]
    pub fallback: Option<Box<Agent>>,
    /// Adapter of the members.
    pub adapter: Adapter,
}

/// One thing that happened inside an attempt, in order. A line each in `events.ndjson` of the
/// execution's memory, secrets masked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Happening {
    /// Dense, from 1, over all attempts of the execution.
    pub seq: u64,
    pub attempt: u32,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Which agent; empty: the harness itself.
    #[serde(default)]
    pub who: String,
    #[serde(flatten)]
    pub what: Did,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    Note {
        text: String,
    },
    /// One call of the model is over. Figures that nobody reported are `null`.
    Usage {
        usage: Usage,
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

/// What one or many calls of a model used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    #[default]
    Gateway,
    /// The agent's own last word.
    Agent,
    Estimate,
}

/// What is known at the end of an attempt; the verdict is a pure function of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Who ended it, when it was us.
    pub stopped: Option<StoppedBy>,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    /// How the agent's protocol said that it had ended; `None`: it never did.
    pub terminal: Option<Terminal>,
    /// Calls that were refused.
    pub denied: u32,
    /// Whether there is a result; a text counts where no schema asks for more.
    pub has_result: bool,
    /// Why the result does not fit its schema.
    pub result_problems: Vec<String>,
    /// `None`: there is no check.
    pub validated: Option<bool>,
    pub blocked: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppedBy {
    Cancelled,
    WallClock,
    Idle,
    Budget,
    Turns,
    Stuck,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Terminal {
    Completed,
    Error {
        class: ErrorClass,
        message: String,
    },
    /// The model would not.
    Refused {
        message: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    Auth,
    RateLimited,
    /// 5xx, a cut stream, broken JSON.
    Unavailable,
    ContextTooLong,
    OutputLimit,
    Budget,
    /// Any other refusal of the request.
    Invalid,
}

/// How an attempt of an agent ended, and whether another one may help.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub outcome: AgentOutcome,
    pub retryable: bool,
    /// One sentence for people.
    pub says: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentOutcome {
    Succeeded,
    /// There is no result, or one that breaks its schema.
    NoResult,
    ValidationFailed,
    /// It said itself that it cannot go on.
    Blocked,
    /// Refused calls left the work undone.
    Denied,
    /// No last word, whatever the exit code.
    Interrupted,
    Refused,
    AuthFailed,
    Unavailable,
    ContextExhausted,
    BudgetExhausted,
    TurnsExhausted,
    Stalled,
    TimedOut,
    Stuck,
    Cancelled,
    /// A loop that gave up, for the reason that `says` names.
    GaveUp,
    Error,
}

impl AgentOutcome {
    /// The exit code of the harness: 0 only for success. Codes from 64 on are not those of an
    /// agent's own program, so that `retry.not_on` can name them.
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Succeeded => 0,
            Self::NoResult => 64,
            Self::ValidationFailed => 65,
            Self::Blocked => 66,
            Self::Denied => 67,
            Self::Interrupted => 68,
            Self::Refused => 69,
            Self::AuthFailed => 70,
            Self::Unavailable => 71,
            Self::ContextExhausted => 72,
            Self::BudgetExhausted => 73,
            Self::TurnsExhausted => 74,
            Self::Stalled => 75,
            Self::TimedOut => 76,
            Self::Stuck => 77,
            Self::Cancelled => 78,
            Self::GaveUp => 79,
            Self::Error => 80,
        }
    }
}

/// Harness to server, `POST /api/attempt/asks`: somebody has to say something before it goes on.
/// Answered by [`Asked`]; asking again with the same `key` gives the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskPerson {
    /// Unique in the execution, stable over attempts: `tool-<call id>`, `question-3`.
    pub key: String,
    pub kind: AskKind,
    pub question: String,
    /// Empty: any text.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Of a permission: what would be done.
    #[serde(default)]
    pub detail: Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskKind {
    /// May it do this? Answered by approving or rejecting.
    Permission,
    /// Answered by a text.
    Question,
}

/// `GET /api/attempt/asks/{key}` answers when there is an answer, or after 25 s with `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub key: String,
    pub answer: Option<Answer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    Allowed {
        by: String,
        comment: String,
    },
    Refused {
        by: String,
        comment: String,
    },
    Said {
        by: String,
        text: String,
    },
    /// Nobody answered in time.
    Expired,
}
