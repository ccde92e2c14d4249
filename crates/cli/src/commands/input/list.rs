//! `orchestrate input list`

use clap::Args;

use crate::args::ListArgs;
use crate::client::people::AskedQuery;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

const STATUSES: [&str; 4] = ["open", "submitted", "timed_out", "void"];

/// List forms, and who may answer them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate input list --pending
  orchestrate input list --run release#9 --output json")]
pub struct ListInputsArgs {
    /// Only those that wait for an answer
    #[arg(long)]
    pending: bool,
    /// Only in this state
    #[arg(long, value_name = "STATUS", value_parser = STATUSES, conflicts_with = "pending")]
    status: Option<String>,
    /// Only of this run
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// Those after this one
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

pub(super) fn run(args: &ListInputsArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let run = session.run_name_if(args.run.as_deref()).await?;
        let status = if args.pending { Some("open".to_owned()) } else { args.status.clone() };
        let query =
            AskedQuery { status, run, limit: Some(args.list.limit), after: args.after.clone() };
        let page = session.client.inputs(&query).await?;
        let next = page.next.as_deref();
        let choice = args.list.choice(context.around.table_width());
        let now = context.now();
        let list = ("orchestrate.input.list/v1", page.data.as_slice(), next);
        output::show_list(context, &choice, list, |data| render::inputs::table(data, now))?;
        if context.is_text() && page.data.is_empty() && args.pending {
            context.note("no form waits for an answer");
        }
        if let Some(next) = next.filter(|_| context.is_text()) {
            context.note(&format!("more: orchestrate input list --after {next}"));
        }
        Ok(Exit::Ok)
    })
}
