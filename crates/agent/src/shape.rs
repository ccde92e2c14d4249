//! How agents do the work of a stage together. Each shape is a module; this is where they plug in.

mod single;

use std::sync::Arc;

use api::agent::{ErrorClass, Evidence, Shape, Terminal, Verdict};
use serde_json::Value as Json;

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
        let terminal = Some(Terminal::Error { class: ErrorClass::Harness, message });
        return Done::of(Evidence { terminal, ..Evidence::default() }, None);
    }
    match &room.job.shape {
        Shape::Single { agent } => single::carry_out(room, agent).await,
        Shape::Loop { .. } => missing("loops"),
        Shape::Discussion { .. } => missing("discussions"),
        Shape::Meta { .. } => missing("planned rosters"),
    }
}

fn missing(what: &str) -> Done {
    let message = format!("this version cannot carry out {what}");
    let terminal = Some(Terminal::Error { class: ErrorClass::Harness, message });
    Done::of(Evidence { terminal, ..Evidence::default() }, None)
}
