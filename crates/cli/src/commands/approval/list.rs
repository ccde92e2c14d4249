//! `orchestrate approval list`

use clap::Args;

use crate::args::ListArgs;
use crate::client::people::AskedQuery;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

const STATUSES: [&str; 6] =
    ["pending", "approved", "rejected", "changes_requested", "timed_out", "void"];

/// List approvals, with who is still needed and what happens when nobody decides
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate approval list --pending
  orchestrate approval list --run release#9 --output json")]
pub struct ListApprovalsArgs {
    /// Only those that wait for a decision
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

pub(super) fn run(args: &ListApprovalsArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let run = session.run_name_if(args.run.as_deref()).await?;
        let status = if args.pending { Some("pending".to_owned()) } else { args.status.clone() };
        let query =
            AskedQuery { status, run, limit: Some(args.list.limit), after: args.after.clone() };
        let page = session.client.approvals(&query).await?;
        let next = page.next.as_deref();
        let choice = args.list.choice(context.around.table_width());
        let now = context.now();
        let list = ("orchestrate.approval.list/v1", page.data.as_slice(), next);
        output::show_list(context, &choice, list, |data| {
            render::approvals::table(data, args.pending, now)
        })?;
        if context.is_text() && page.data.is_empty() && args.pending {
            context.note("nothing waits for an approval");
        }
        if let Some(next) = next.filter(|_| context.is_text()) {
            context.note(&format!("more: orchestrate approval list --after {next}"));
        }
        Ok(Exit::Ok)
    })
}
