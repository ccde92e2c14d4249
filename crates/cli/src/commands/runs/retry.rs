//! `orchestrate runs retry`

use api::run::Retry;
use clap::Args;

use super::go_on;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::session::{Need, Session};

/// Run failed, cancelled and not-run work of a finished run again, and follow it to its end
///
/// Succeeded work stays, unless it is the stage named by --from or comes after it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs retry ci#4
  orchestrate runs retry ci#4 --from test
  orchestrate runs retry ci#4 --from 'test[2]' --detach")]
pub struct RetryArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// This stage or instance and everything that descends from it
    #[arg(long, value_name = "STAGE")]
    from: Option<String>,
    /// Leave it in the background
    #[arg(long)]
    detach: bool,
    /// Exit with 13 instead of waiting when only a person's decision is missing
    #[arg(long, conflicts_with = "detach")]
    exit_on_wait: bool,
}

pub(super) fn run(args: &RetryArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let name = session.run_name(&args.run).await?;
        let run = session.client.retry(&name, &Retry { from: args.from.clone() }).await?;
        go_on(context, session, run, (args.detach, args.exit_on_wait)).await
    })
}
