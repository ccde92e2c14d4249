//! How agents do the work of a stage together.

use serde::{Deserialize, Serialize};

use super::{Adapter, Agent, ToolKind};

/// A loop: the same agent again and again, each time with a fresh context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
    /// What the template knows as `output_file`: the only file that the stage declares as an artifact.
    #[serde(default)]
    pub output_file: Option<String>,
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
