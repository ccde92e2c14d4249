//! One small turn of an agent, to see that it works: a pipeline of one stage that brings the agent
//! written out, so that what is tried is what was looked at.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use api::agent::prompt::prompt;
use api::agent::{Adapter, Agent, Decision, Job, Limits, Rule, Shape};
use api::agents::{AgentCheck, AgentSummary, CheckState, PreviewedAgent, TestAgent};
use api::program::ProgramAsk;
use engine::Run;
use pipeline::agent::{Resolved, resolve, write, write_budget};
use pipeline::model::{AgentUse, Budget};
use serde_json::json;

use super::preview::{Blind, of_definition, previewed, tool_word};
use super::{Agents, Shelf};

/// The pipeline that such runs are of.
pub(crate) const PIPELINE: &str = "agent-test";
const STAGE: &str = "test";
/// How its text begins, so that a pipeline of somebody else with this name is left alone.
pub(crate) const MARK: &str =
    "# Written by `orchestrate agent test`: it is written anew each time.\n";
const TASK: &str = "This is a test of whether you can be reached. Say in one sentence who you are and \
                    what you are for. Use no tools, and change nothing.";
/// Enough for the instructions of a coding program and an answer, and not for work.
const MOST: Budget = Budget {
    nano_usd: Some(1_000_000_000),
    tokens: Some(200_000),
    calls: Some(5),
    turns: Some(5),
    tool_calls: Some(10),
};
const TIMEOUT: Duration = Duration::from_secs(180);

/// An agent as it was found.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) summary: AgentSummary,
    pub(crate) resolved: Resolved,
}

/// Why there is none.
#[derive(Debug)]
pub(crate) enum NotChosen {
    /// Nobody is called so.
    Unknown(String),
    /// Its definition, or one that it extends, cannot be used.
    Broken(String),
}

pub(crate) fn choose(shelf: &Shelf<'_>, name: &str) -> Result<Chosen, NotChosen> {
    let found = shelf.agent(name).map_err(|problem| {
        match shelf.list().iter().any(|listed| listed.name == name) {
            true => NotChosen::Broken(problem),
            false => NotChosen::Unknown(problem),
        }
    })?;
    let mut find = |name: &str| Ok(shelf.agent(name)?.definition);
    let resolved = resolve(&AgentUse::Named(name.to_owned()), name, &mut find);
    let resolved = resolved.map_err(NotChosen::Broken)?;
    let summary = of_definition(name.to_owned(), found.origin, &found.definition);
    Ok(Chosen { summary, resolved })
}

/// The definition of the run that tries it. What an agent caps itself stays capped.
pub(crate) fn definition(chosen: &Chosen, request: &TestAgent) -> String {
    let spec = &chosen.resolved.spec;
    let own = spec.budget;
    let usd = request.usd.map(|usd| (usd * 1e9) as u64);
    let budget = Budget {
        nano_usd: usd.or(least(own.nano_usd, MOST.nano_usd)),
        tokens: least(own.tokens, MOST.tokens),
        calls: least(own.calls, MOST.calls),
        turns: least(own.turns, MOST.turns),
        tool_calls: least(own.tool_calls, MOST.tool_calls),
    };
    // What is asked for means what it says: nothing in it refers to anything.
    let task = request.task.as_deref().unwrap_or(TASK);
    let task = task.replace("${", "$${").replace('@', "@@");
    let pipeline = json!({
        "name": PIPELINE,
        "description": "Tries an agent with one small turn",
        "agents": { &chosen.summary.name: write(spec) },
        "stages": [{
            "name": STAGE,
            "agent": chosen.summary.name,
            "task": task,
            "budget": write_budget(budget),
            "timeout": format!("{}s", TIMEOUT.as_secs()),
            "rollback": "none",
        }],
    });
    format!("{MARK}{pipeline:#}\n")
}

fn least<T: Ord>(own: Option<T>, most: Option<T>) -> Option<T> {
    own.into_iter().chain(most).min()
}

/// What would answer, with everything filled in, and what it would be asked.
#[derive(Debug)]
pub(crate) struct Tryout {
    pub(crate) agent: Agent,
    pub(crate) asked: PreviewedAgent,
    pub(crate) limits: Vec<String>,
}

impl Agents {
    /// `run`: of [`definition`], as it stands after its start.
    pub(crate) fn tryout(&self, run: &Run, directory: &Path) -> Result<Tryout, Blind> {
        let job = self.foreseen(run, STAGE, directory)?.job;
        let Shape::Single { agent } = &job.shape else { return Err(Blind::NoAgent) };
        let asked = previewed(agent, "agent", prompt(&job, agent));
        Ok(Tryout { asked, limits: limits(&job), agent: Agent::clone(agent) })
    }
}

fn limits(Job { limits, .. }: &Job) -> Vec<String> {
    let Limits { turns, calls, tool_calls, tokens, nano_usd, wall_ms, .. } = limits;
    let mut said = Vec::new();
    let mut count = |count: Option<u64>, what: &str| {
        said.extend(count.map(|count| format!("{count} {what}")));
    };
    count(turns.map(u64::from), "turns");
    count(calls.map(u64::from), "calls of models");
    count(tool_calls.map(u64::from), "calls of tools");
    count(*tokens, "tokens");
    said.extend(nano_usd.map(|nano| format!("${:.2}", nano as f64 / 1e9)));
    said.extend(wall_ms.map(|ms| format!("{} s", ms / 1000)));
    said
}

/// As a line of its definition.
pub(crate) fn rule_words(rule: &Rule) -> String {
    let mut words = match rule.decision {
        Decision::Allow => "allow",
        Decision::Deny => "deny",
        Decision::Ask => "ask",
    }
    .to_owned();
    let tool = rule.tool.map(tool_word);
    let parts = [tool, rule.command.as_deref(), rule.path.as_deref()];
    if parts.iter().all(Option::is_none) {
        words.push_str(" everything");
    }
    for part in parts.into_iter().flatten() {
        let _ = write!(words, " {part}");
    }
    words
}

/// The program behind it, if there is one. Blocks.
pub(crate) fn program(
    adapter: &Adapter,
    working_dir: Option<&str>,
    ask: impl Fn(ProgramAsk<'_>) -> Option<Result<api::program::ProgramSeen, String>>,
) -> Option<AgentCheck> {
    let (command, usual, version) = match adapter {
        Adapter::Claude { command, .. } => (command, "claude", true),
        Adapter::Codex { command, .. } => (command, "codex", true),
        Adapter::Acp { command, .. } => (command, "", true),
        // Somebody's script may do its work whatever it is called with.
        Adapter::Command { argv, .. } => (argv, "", false),
        Adapter::Api { .. } | Adapter::Inbox { .. } | Adapter::Mock { .. } => return None,
    };
    let program = command.first().map_or(usual, String::as_str);
    let check = |state, says: String, hint: String| AgentCheck {
        what: "program".to_owned(),
        state,
        says,
        hint,
    };
    Some(match ask(ProgramAsk { program, working_dir, version }) {
        Some(Ok(seen)) => {
            let version = seen.version.map_or_else(String::new, |says| format!(", {says}"));
            check(CheckState::There, format!("{}{version}", seen.path), String::new())
        }
        Some(Err(problem)) => {
            let hint = format!(
                "install `{program}` on the machine of the server, or name it by its path in \
                 `command` of the adapter"
            );
            check(CheckState::Missing, problem, hint)
        }
        None => check(CheckState::Unknown, format!("`{program}`"), String::new()),
    })
}

/// The provider that it asks, and whether it can do without.
pub(crate) fn provider(adapter: &Adapter) -> Option<(&str, bool)> {
    match adapter {
        Adapter::Api { provider, .. } => Some((provider, true)),
        // It finds no other way than the gateway, unless its definition sets one.
        Adapter::Claude { provider, env, .. } | Adapter::Codex { provider, env, .. } => {
            Some((provider, env.is_empty()))
        }
        Adapter::Acp { provider, .. } | Adapter::Command { provider, .. } => {
            Some((provider, false))
        }
        Adapter::Inbox { .. } | Adapter::Mock { .. } => None,
    }
}
