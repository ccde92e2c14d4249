//! One agent, one conversation.

use std::fmt::Write as _;
use std::sync::Arc;

use api::agent::{Agent, AgentOutcome, Did, Happening};

use super::{Done, conversation};
use crate::prompt::prompt;
use crate::room::Room;
use crate::seat::{Sat, Wanted, sit};

pub(super) async fn carry_out(room: &Arc<Room>, agent: &Agent) -> Done {
    let mut prompt = prompt(&room.job, agent);
    let failed: Vec<&Happening> =
        room.memory.past().iter().filter(|happening| needs_fresh(&happening.what)).collect();
    if let Some(Did::Ended { verdict }) = failed.last().map(|last| &last.what) {
        let _ = write!(
            prompt.text,
            "\n\nAn attempt before this one came to nothing: {}. What it left in the working \
             directory is still there.",
            verdict.says
        );
        if let Some(tail) = last_check(room.memory.past()) {
            let _ = write!(prompt.text, "\nThe check of its work said:\n\n{tail}");
        }
    }
    // Asked the same, it is the same conversation. One that came to a bad end is not taken up again.
    let session = conversation(&room.job, &agent.name);
    let wanted = Wanted {
        session: format!("{session}-{}", failed.len() + 1),
        prompt,
        schema: room.job.result.clone(),
        check: true,
        conversation: 1,
        until: None,
    };
    let Sat { evidence, result, .. } = sit(room, agent, &wanted).await;
    Done::of(evidence, result)
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
        | AgentOutcome::GaveUp => true,
        AgentOutcome::Succeeded
        | AgentOutcome::Interrupted
        | AgentOutcome::AuthFailed
        | AgentOutcome::Unavailable
        | AgentOutcome::BudgetExhausted
        | AgentOutcome::Stalled
        | AgentOutcome::TimedOut
        | AgentOutcome::Cancelled
        | AgentOutcome::Error => false,
    }
}

fn last_check(past: &[Happening]) -> Option<&str> {
    past.iter().rev().find_map(|happening| match &happening.what {
        Did::Validated { passed: false, tail, .. } => Some(tail.as_str()),
        _ => None,
    })
}
