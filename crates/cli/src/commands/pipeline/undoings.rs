//! `orchestrate pipeline undoings`

use clap::Args;

use crate::args::ListArgs;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

/// List the rewinds of a pipeline, and the rollbacks and rewinds of its runs
#[derive(Debug, Args)]
pub struct UndoingsArgs {
    /// Name of the pipeline
    name: String,
    #[command(flatten)]
    list: ListArgs,
}

pub(super) fn run(args: &UndoingsArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let page = session.client.undoings_of_pipeline(&args.name).await?;
        let choice = args.list.choice(context.around.table_width());
        let list = ("orchestrate.undoing.list/v1", page.data.as_slice(), page.next.as_deref());
        output::show_list(context, &choice, list, render::flow::undoings)?;
        Ok(Exit::Ok)
    })
}
