//! How agents do the work of a stage together. Each shape is a module; this is where they plug in.

mod repeat;
mod single;
mod trees;

use std::fmt::Write as _;
use std::sync::Arc;

use api::agent::{ErrorClass, Evidence, Job, Shape, Terminal, Verdict};
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
        Shape::Discussion { .. } => missing("discussions"),
        Shape::Meta { .. } => missing("planned rosters"),
    }
}

/// Nothing that an agent did: the harness cannot go on.
fn broken(message: String) -> Done {
    let terminal = Some(Terminal::Error { class: ErrorClass::Harness, message });
    Done::of(Evidence { terminal, ..Evidence::default() }, None)
}

fn missing(what: &str) -> Done {
    broken(format!("this version cannot carry out {what}"))
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
