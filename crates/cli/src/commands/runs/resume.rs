//! `orchestrate runs resume`

use clap::Args;

use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::session::{Need, Session};

use super::go_on;

/// Go on with a paused run, or with one whose process was killed, and follow it to its end
///
/// A run that goes on already is followed; one that has succeeded needs nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs resume ci#4
  orchestrate runs resume latest --detach")]
pub struct ResumeArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// Leave it in the background
    #[arg(long)]
    detach: bool,
    /// Exit with 13 instead of waiting when only a person's decision is missing
    #[arg(long, conflicts_with = "detach")]
    exit_on_wait: bool,
}

pub(super) fn run(args: &ResumeArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let name = session.run_name(&args.run).await?;
        let mut run = session.client.run(&name).await?.summary;
        match run.status.as_str() {
            "paused" => run = session.client.resume(&name).await?,
            "failed" | "cancelled" if !session.has_picked_up() => {
                session.close().await?;
                let message = format!("{} has already {}", run.name, run.status);
                let retry = format!("orchestrate runs retry {}", run.name);
                return Err(Failure::new(Exit::Conflict, message).hint(retry));
            }
            // It goes on already. It may have ended since somebody picked it up: then what was
            // asked for is done.
            _ => {}
        }
        go_on(context, session, run, (args.detach, args.exit_on_wait)).await
    })
}
