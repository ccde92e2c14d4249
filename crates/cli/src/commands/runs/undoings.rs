//! `orchestrate runs undoings`

use clap::Args;

use crate::args::ListArgs;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

/// List rollbacks, rewinds and undone rewinds of a run
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate runs undoings release#9")]
pub struct UndoingsArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    #[command(flatten)]
    list: ListArgs,
}

pub(super) fn run(args: &UndoingsArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let name = session.run_name(&args.run).await?;
        let page = session.client.undoings(&name).await?;
        let choice = args.list.choice(context.around.table_width());
        let list = ("orchestrate.undoing.list/v1", page.data.as_slice(), page.next.as_deref());
        output::show_list(context, &choice, list, render::flow::undoings)?;
        Ok(Exit::Ok)
    })
}
