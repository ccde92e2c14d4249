//! `orchestrate input show`

use clap::Args;

use crate::commands::approval::id;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

/// Show a form: what is asked, its fields and their rules, and what it holds
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate input show I-5")]
pub struct ShowInputArgs {
    /// `I-5`, as in `input list`
    id: String,
}

pub(super) fn run(args: &ShowInputArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let detail = session.client.input(&id('I', &args.id)).await?;
        output::show_item(context, ("orchestrate.input/v1", &detail), |detail| {
            render::inputs::detail(detail, context.now(), context.palette())
        })?;
        Ok(Exit::Ok)
    })
}
