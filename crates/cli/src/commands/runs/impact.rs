//! What comes before a rollback and a rewind: it is shown, and the person is asked.

use api::flow::Impact;

use super::confirmed;
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::{output, render};

pub(super) struct Ask {
    pub(super) dry_run: bool,
    /// Although it would be refused.
    pub(super) force: bool,
    /// The answer is known.
    pub(super) yes: bool,
    pub(super) question: String,
}

/// Whether it is to be done. `false`: it was only to be looked at, or the answer was no; an error:
/// it would be refused.
pub(super) fn agreed(impact: &Impact, ask: &Ask, context: &Context) -> Result<bool> {
    if ask.dry_run {
        output::show_item(context, ("orchestrate.impact/v1", impact), |impact| {
            Ok(render::flow::impact(impact, context.palette()))
        })?;
        return Ok(false);
    }
    if context.is_text() {
        context.note(render::flow::impact(impact, context.talk_palette()).trim_end());
    }
    if !impact.refused.is_empty() && !ask.force {
        return Err(Failure::new(Exit::Conflict, impact.refused.clone()));
    }
    confirmed(ask.yes, &ask.question, context)
}
