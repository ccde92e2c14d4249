//! The first turns of those who work together: what is known before anybody has said anything.

use serde_json::{Value as Json, json};

use super::{Prompt, system, text};
use crate::agent::{Agent, Allowance, Combine, Job, Talk, TalkMode};

/// Said to those who answer at once.
const BLIND: &str = "You are one of several who answer this, each alone. Give your own answer; the \
                     files are for reading.";
/// Said to whoever begins a line.
const FIRST: &str = "You are the first of several who work on this one after the other. Hand in a \
                     draft.";

/// A turn: the task, what stands behind it, and what has to be handed in (`None`: words).
pub fn turn(job: &Job, agent: &Agent, schema: Option<&Json>, more: &[&str]) -> Prompt {
    let asked = text(&Job { result: schema.cloned(), ..job.clone() });
    let parts = std::iter::once(asked.as_str()).chain(more.iter().copied());
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    Prompt { system: system(job, agent), text: parts.join("\n\n") }
}

/// What a member is asked first: the schema of its answer, and the words behind the task.
pub fn opening(job: &Job, talk: &Talk) -> (Option<Json>, &'static str) {
    match talk.mode {
        TalkMode::Sequential => (Some(draft(job.result.as_ref())), FIRST),
        TalkMode::Parallel | TalkMode::Council | TalkMode::Debate => (answer(job, talk), BLIND),
    }
}

/// What members hand in who answer at once. Where somebody else writes the last answer, words do.
pub fn answer(job: &Job, talk: &Talk) -> Option<Json> {
    let written = talk.mode == TalkMode::Council || talk.combine == Combine::Synthesise;
    job.result.clone().filter(|_| !written)
}

/// What is handed in by each in a line; `result`: the schema of the draft itself, or text.
pub fn draft(result: Option<&Json>) -> Json {
    let text = json!({ "type": "string", "minLength": 1 });
    json!({
        "type": "object", "additionalProperties": false, "required": ["draft", "changes"],
        "properties": {
            "draft": result.unwrap_or(&text),
            "changes": { "type": "string", "description": "what you changed, and why; else empty" },
            "objections": {
                "type": "array", "items": { "type": "string" },
                "description": "what is still wrong and you could not mend",
            },
        },
    })
}

/// What a planner is told beside the task.
pub fn planning(allowance: &Allowance) -> String {
    format!(
        "Do not do this yourself: draw up the team that does it, of at most {} agents. Each has a \
         name, a role, a prompt that says how it works, and may have a part of the task of its \
         own. `single`: one agent does all of it. `sequential`: one after the other takes the work \
         over, in the order given. `parallel`: all answer alone, the chair writes the result. \
         `council`: they rank each other before the chair writes. `debate`: they argue until they \
         agree. Only in `single` and `sequential` may files be changed. The chair, where you name \
         one, is one of the agents and no member; else it is you. Take the smallest team that does \
         it well.",
        allowance.max_agents
    )
}

/// What a planner hands in.
pub fn roster(allowance: &Allowance) -> Json {
    let text = |most: u32| json!({ "type": "string", "minLength": 1, "maxLength": most });
    let name = json!({
        "type": "string", "pattern": "^[a-z][a-z0-9-]{1,30}$", "examples": ["worker"],
    });
    let mut member = json!({
        "type": "object", "additionalProperties": false, "required": ["name", "role", "prompt"],
        "properties": {
            "name": name,
            "role": text(200),
            "prompt": text(8000),
            "task": text(8000),
            "tools": { "type": "array", "items": { "enum": allowance.tools } },
            "budget_share": { "type": "number", "exclusiveMinimum": 0, "maximum": 1 },
        },
    });
    if !allowance.models.is_empty() {
        member["properties"]["model"] = json!({ "enum": allowance.models });
    }
    json!({
        "type": "object", "additionalProperties": false, "required": ["mode", "agents", "rationale"],
        "properties": {
            "mode": { "enum": ["single", "sequential", "parallel", "council", "debate"] },
            "rounds": { "type": "integer", "minimum": 1, "maximum": 4 },
            "chair": name,
            "rationale": text(2000),
            "agents": {
                "type": "array", "minItems": 1, "maxItems": allowance.max_agents, "items": member,
            },
        },
    })
}
