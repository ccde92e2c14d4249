//! How the agents of a stage work together, with everybody found.

use std::path::Path;
use std::time::Duration;

use api::agent::{self as wire, Limits, Shape};
use engine::desired::Check;
use pipeline::agent::{IMPLEMENTER, SUPERVISOR, resolve_loop};
use pipeline::model::{
    AgentUse, AgentWork, Budget, Combine, Crew, Discussion, LoopSpec, MetaAgent, TalkMode, Tuning,
};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::seat::{Seats, tool};

/// Where neither stage nor definition caps them.
const TURNS: u32 = 50;
const TOOL_CALLS: u32 = 200;
/// Of a loop that says nothing.
const ITERATIONS: u32 = 10;
const NO_CHANGE: u32 = 3;
const SAME_FAILURE: u32 = 4;
const PROGRESS_ENTRIES: u32 = 5;
const PROGRESS_CHARS: u32 = 2000;
const LOOP_PROMPT: &str = "{{ task }}";
/// Rounds of a debate, passes of a sequential discussion.
const ROUNDS: u32 = 2;

/// A stage with everybody at their place.
pub(super) struct Manned {
    pub(super) shape: Shape,
    /// Of the loop type.
    pub(super) check: Option<Check>,
    /// Of the agent.
    pub(super) result: Option<Json>,
    pub(super) limits: Limits,
}

pub(super) fn man(
    work: &AgentWork,
    seats: &mut Seats<'_>,
    memory: &Path,
) -> Result<Manned, String> {
    let tuning = &work.tuning;
    match &work.crew {
        Crew::Single { agent } => {
            let (agent, result, limits) = one(work, agent, seats)?;
            Ok(Manned { shape: Shape::Single { agent: agent.into() }, check: None, result, limits })
        }
        Crew::Loop { agent, repeat } => again(work, agent.as_ref(), repeat, seats),
        Crew::Discussion(talk) => {
            let shape = discussion(talk, tuning, seats, memory)?;
            Ok(Manned { shape, check: None, result: None, limits: limits(work.budget, None) })
        }
        Crew::Meta(meta) => {
            let shape = team(meta, tuning, seats)?;
            Ok(Manned { shape, check: None, result: None, limits: limits(work.budget, None) })
        }
    }
}

fn one(
    work: &AgentWork,
    agent: &AgentUse,
    seats: &mut Seats<'_>,
) -> Result<(wire::Agent, Option<Json>, Limits), String> {
    let resolved = seats.resolved(agent, &work.tuning)?;
    // What the stage declares is more than what its agent would hand in anyway.
    let result = resolved.spec.output_schema.clone().filter(|_| work.free_text);
    let budget = work.budget.or(resolved.spec.budget);
    let limits = limits(budget, resolved.spec.timeout);
    Ok((seats.fill(resolved)?, result, limits))
}

fn again(
    work: &AgentWork,
    agent: Option<&AgentUse>,
    repeat: &LoopSpec,
    seats: &mut Seats<'_>,
) -> Result<Manned, String> {
    let shelf = seats.shelf;
    let spec = resolve_loop(repeat, &mut |name| shelf.loop_type(name))?;
    let of_type = || {
        let name = spec.agent.clone().unwrap_or_else(|| IMPLEMENTER.to_owned());
        AgentUse::Named(name)
    };
    let agent = agent.cloned().unwrap_or_else(of_type);
    let (agent, result, limits) = one(work, &agent, seats)?;
    let rounds = rounds(repeat, &spec);
    // The check of a type refers to nothing, so it is its own text.
    let check = spec.validate.and_then(|check| {
        let command = check.command.literal()?.to_owned();
        Some(Check { command, timeout: check.timeout, protect: check.protect })
    });
    let shape = Shape::Loop { agent: agent.into(), rounds: rounds.into() };
    Ok(Manned { shape, check, result, limits })
}

/// How often and how long, with everything that nobody said filled in.
pub(super) fn rounds(repeat: &LoopSpec, spec: &LoopSpec) -> wire::Rounds {
    wire::Rounds {
        loop_type: repeat.extends.clone().unwrap_or_else(|| "own".to_owned()),
        template: spec.prompt.clone().unwrap_or_else(|| LOOP_PROMPT.to_owned()),
        max_iterations: spec.max_iterations.unwrap_or(ITERATIONS),
        iteration_ms: spec.iteration_timeout.map(millis),
        total_ms: spec.total_timeout.map(millis),
        no_change: spec.no_change.or(Some(NO_CHANGE)),
        same_failure: spec.same_failure.or(Some(SAME_FAILURE)),
        repeated_tree: spec.repeated_tree.unwrap_or(true),
        progress_entries: spec.progress_entries.unwrap_or(PROGRESS_ENTRIES),
        progress_chars: spec.progress_chars.unwrap_or(PROGRESS_CHARS),
        output_file: None,
    }
}

fn discussion(
    talk: &Discussion,
    tuning: &Tuning,
    seats: &mut Seats<'_>,
    memory: &Path,
) -> Result<Shape, String> {
    let mut members: Vec<wire::Agent> = Vec::with_capacity(talk.members.len());
    for member in &talk.members {
        let mut member = seats.seat(member, tuning)?;
        member.name = free_name(&member.name, &members);
        members.push(member);
    }
    let combine = match (talk.mode, talk.combine) {
        (_, Some(combine)) => combine,
        (TalkMode::Debate, None) => Combine::Vote,
        (TalkMode::Parallel | TalkMode::Council | TalkMode::Sequential, None) => {
            Combine::Synthesise
        }
    };
    let chair = match (talk.mode, combine, &talk.chair) {
        // The last draft is the answer, and so is the list of all.
        (TalkMode::Sequential, _, _) | (TalkMode::Parallel, Combine::Concat, None) => None,
        (_, _, Some(chair)) => Some(seats.seat(chair, tuning)?),
        (_, _, None) => Some(seats.seat(&AgentUse::Named(SUPERVISOR.to_owned()), tuning)?),
    };
    let talk = wire::Talk {
        mode: match talk.mode {
            TalkMode::Sequential => wire::TalkMode::Sequential,
            TalkMode::Parallel => wire::TalkMode::Parallel,
            TalkMode::Council => wire::TalkMode::Council,
            TalkMode::Debate => wire::TalkMode::Debate,
        },
        rounds: talk.rounds.unwrap_or(ROUNDS),
        combine: match combine {
            Combine::Concat => wire::Combine::Concat,
            Combine::Vote => wire::Combine::Vote,
            Combine::Synthesise => wire::Combine::Synthesise,
            Combine::Best => wire::Combine::Best,
        },
        chair: chair.map(Box::new),
        seed: seed(memory),
    };
    Ok(Shape::Discussion { members, talk: talk.into() })
}

/// Members are told apart by their names: `tester`, `tester-2`.
fn free_name(name: &str, taken: &[wire::Agent]) -> String {
    let is_taken = |name: &str| taken.iter().any(|other| other.name == name);
    if !is_taken(name) {
        return name.to_owned();
    }
    let short: String = name.chars().take(60).collect();
    (2..).map(|n| format!("{short}-{n}")).find(|name| !is_taken(name)).unwrap_or(short)
}

/// The same for every attempt of an execution.
fn seed(memory: &Path) -> u64 {
    let digest = Sha256::digest(memory.as_os_str().as_encoded_bytes());
    digest.iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte))
}

fn team(meta: &MetaAgent, tuning: &Tuning, seats: &mut Seats<'_>) -> Result<Shape, String> {
    let planner = seats.seat(&meta.planner, tuning)?;
    let fallback = match &meta.fallback {
        Some(agent) => Some(Box::new(seats.seat(agent, tuning)?)),
        None => None,
    };
    let all = || pipeline::model::ToolKind::ALL.to_vec();
    let allowance = wire::Allowance {
        max_agents: meta.max_agents,
        // The members' hands are those of the stage, and not those of who plans.
        tools: tuning.tools.clone().unwrap_or_else(all).into_iter().map(tool).collect(),
        models: meta.models.clone(),
        fallback,
        adapter: planner.adapter.clone(),
    };
    Ok(Shape::Meta { planner: planner.into(), allowance: allowance.into() })
}

fn limits(budget: Budget, timeout: Option<Duration>) -> Limits {
    Limits {
        turns: budget.turns.or(Some(TURNS)),
        tool_calls: budget.tool_calls.or(Some(TOOL_CALLS)),
        calls: budget.calls,
        tokens: budget.tokens,
        nano_usd: budget.nano_usd,
        wall_ms: timeout.map(millis),
        ..Limits::default()
    }
}

pub(super) fn validate(check: Check) -> wire::Validate {
    let Check { command, timeout, protect } = check;
    wire::Validate { command, timeout_ms: millis(timeout), protect }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
