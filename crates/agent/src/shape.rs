//! How agents do the work of a stage together. Each shape is a module; this is where they plug in.

mod meta;
mod repeat;
mod single;
mod talk;
mod trees;

use std::fmt::Write as _;
use std::sync::Arc;

use api::agent::{
    AgentOutcome, Did, ErrorClass, Evidence, Happening, Job, Shape, Terminal, Verdict,
};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::room::Room;
use crate::validate;
use crate::verdict::judge;

/// What a stage came to.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) evidence: Evidence,
    pub(crate) verdict: Verdict,
    /// The outputs of the stage.
    pub(crate) result: Option<Json>,
}

impl Done {
    pub(crate) fn of(evidence: Evidence, result: Option<Json>) -> Self {
        Self { verdict: judge(&evidence), evidence, result }
    }
}

pub(crate) async fn carry_out(room: &Arc<Room>) -> Done {
    if let Err(message) = validate::before(room).await {
        return broken(message);
    }
    match &room.job.shape {
        Shape::Single { agent } => single::carry_out(room, agent).await,
        Shape::Loop { agent, rounds } => repeat::carry_out(room, agent, rounds).await,
        Shape::Discussion { members, talk } => talk::carry_out(room, members, talk).await,
        Shape::Meta { planner, allowance } => meta::carry_out(room, planner, allowance).await,
    }
}

/// Nothing that an agent did: the harness cannot go on.
fn broken(message: String) -> Done {
    let terminal = Some(Terminal::Error { class: ErrorClass::Harness, message });
    Done::of(Evidence { terminal, ..Evidence::default() }, None)
}

/// A name that stays the same as long as the same is asked of the same: a conversation of that name is
/// taken up again by the next attempt.
fn conversation(job: &Job, name: &str) -> String {
    let asked = [name, &job.task, job.feedback.as_deref().unwrap_or_default()];
    let digest = Sha256::digest(asked.join("\0"));
    digest.iter().take(4).fold(format!("{name}-"), |mut key, byte| {
        let _ = write!(key, "{byte:02x}");
        key
    })
}

/// Whether nobody else can help: it ends the attempt, whatever the others do.
fn ends_all(outcome: AgentOutcome) -> bool {
    match outcome {
        AgentOutcome::AuthFailed
        | AgentOutcome::Unavailable
        | AgentOutcome::BudgetExhausted
        | AgentOutcome::Cancelled
        | AgentOutcome::Error => true,
        AgentOutcome::Succeeded
        | AgentOutcome::NoResult
        | AgentOutcome::ValidationFailed
        | AgentOutcome::Blocked
        | AgentOutcome::Denied
        | AgentOutcome::Interrupted
        | AgentOutcome::Refused
        | AgentOutcome::ContextExhausted
        | AgentOutcome::TurnsExhausted
        | AgentOutcome::Stalled
        | AgentOutcome::TimedOut
        | AgentOutcome::Stuck
        | AgentOutcome::GaveUp => false,
    }
}

/// Whether the conversation itself is what failed, so that going on with it helps nobody.
fn needs_fresh(what: &Did) -> bool {
    let Did::Ended { verdict } = what else { return false };
    match verdict.outcome {
        AgentOutcome::NoResult
        | AgentOutcome::ValidationFailed
        | AgentOutcome::Blocked
        | AgentOutcome::Denied
        | AgentOutcome::Refused
        | AgentOutcome::ContextExhausted
        | AgentOutcome::TurnsExhausted
        | AgentOutcome::Stuck
        | AgentOutcome::GaveUp
        // Somebody did not take what it left.
        | AgentOutcome::Succeeded => true,
        AgentOutcome::Interrupted
        | AgentOutcome::AuthFailed
        | AgentOutcome::Unavailable
        | AgentOutcome::BudgetExhausted
        | AgentOutcome::Stalled
        | AgentOutcome::TimedOut
        | AgentOutcome::Cancelled
        | AgentOutcome::Error => false,
    }
}

/// What an attempt is told of the one before it that came to nothing.
fn after_failure(past: &[Happening]) -> Option<String> {
    let verdict = past.iter().rev().find_map(|past| match &past.what {
        what @ Did::Ended { verdict } if needs_fresh(what) => Some(verdict),
        _ => None,
    })?;
    if verdict.outcome == AgentOutcome::Succeeded {
        let words = "An attempt before this one ended well, but what it left was not taken: an \
                     output or a file that has to be there is missing or does not fit, or it is to \
                     be done again. What it left in the working directory is still there.";
        return Some(words.to_owned());
    }
    let mut words = format!(
        "An attempt before this one came to nothing: {}. What it left in the working directory is \
         still there.",
        verdict.says
    );
    if let Some(tail) = last_check(past) {
        let _ = write!(words, "\nThe check of its work said:\n\n{tail}");
    }
    Some(words)
}

fn last_check(past: &[Happening]) -> Option<&str> {
    past.iter().rev().find_map(|happening| match &happening.what {
        Did::Validated { passed: false, tail, .. } => Some(tail.as_str()),
        _ => None,
    })
}
