//! `orchestrate runs rewind`

use api::flow::Rewind;
use clap::Args;

use super::go_on;
use super::impact::{Ask, agreed};
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::session::{Need, Session};

/// Go back to a stage: what came after it is superseded and done again
///
/// Nothing is deleted: what is superseded stays in the archive. What would happen is shown first.
/// `--undo` brings the state before back, until new work has started.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs rewind release#9 --to build --dry-run
  orchestrate runs rewind release#9 --to build --inclusive --yes
  orchestrate runs rewind release#9 --undo")]
pub struct RewindArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// Back to the end of this stage
    #[arg(long, value_name = "STAGE", required_unless_present = "undo")]
    to: Option<String>,
    /// Do that stage again too
    #[arg(long, requires = "to")]
    inclusive: bool,
    /// Leave the run paused, so that the rewind can be looked at and undone
    #[arg(long, requires = "to")]
    pause: bool,
    /// Take the last rewind back
    #[arg(long, conflicts_with = "to")]
    undo: bool,
    /// Show what would happen, and do nothing
    #[arg(long, requires = "to")]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Leave it in the background
    #[arg(long, conflicts_with = "dry_run")]
    detach: bool,
    /// Exit with 13 instead of waiting when only a person's decision is missing
    #[arg(long, conflicts_with = "detach")]
    exit_on_wait: bool,
}

pub(super) fn run(args: &RewindArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let name = session.run_name(&args.run).await?;
        let Some(to) = &args.to else {
            let run = session.client.undo_rewind(&name).await?;
            super::tell(&run, context)?;
            session.close().await?;
            return Ok(Exit::Ok);
        };
        let impact = session.client.rewind_impact(&name, to, args.inclusive).await?;
        let question = format!("Rewind {name} to {to}?");
        let ask = Ask { dry_run: args.dry_run, force: false, yes: args.yes, question };
        let agreed = agreed(&impact, &ask, context);
        if !matches!(agreed, Ok(true)) {
            session.close().await?;
            return agreed.map(|_| Exit::Ok);
        }
        let body = Rewind { to: to.clone(), inclusive: args.inclusive, pause: args.pause };
        let run = session.client.rewind(&name, &body).await?;
        if args.pause {
            context.note(&format!("go on with: orchestrate runs resume {name}"));
            context.note(&format!("take it back: orchestrate runs rewind {name} --undo"));
        }
        go_on(context, session, run, (args.detach || args.pause, args.exit_on_wait)).await
    })
}
