//! `orchestrate runs rollback`

use api::flow::RollBack;
use clap::Args;

use super::go_on;
use super::impact::{Ask, agreed};
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::session::{Need, Session};

/// Undo what stages did, by their own `rollback:` actions, and follow it to its end
///
/// Every succeeded stage from the end of the run back to STAGE (inclusive) is compensated, in
/// reverse order of completion. What would happen is shown first. The run ends failed; exits
/// with 14.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs rollback release#9 --to deploy --dry-run
  orchestrate runs rollback release#9 --to deploy --reason \"wrong target\" --yes")]
pub struct RollbackArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// Back to this stage, which is undone too
    #[arg(long, value_name = "STAGE")]
    to: String,
    /// Kept in the history of the run
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// Also when it was rolled back before
    #[arg(long)]
    force: bool,
    /// Show what would happen, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Leave it in the background
    #[arg(long, conflicts_with = "dry_run")]
    detach: bool,
}

pub(super) fn run(args: &RollbackArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let name = session.run_name(&args.run).await?;
        let impact = session.client.rollback_impact(&name, &args.to).await?;
        let question = format!("Roll {name} back?");
        let ask = Ask { dry_run: args.dry_run, force: args.force, yes: args.yes, question };
        let agreed = agreed(&impact, &ask, context);
        if !matches!(agreed, Ok(true)) {
            session.close().await?;
            return agreed.map(|_| Exit::Ok);
        }
        let body = RollBack { to: args.to.clone(), reason: args.reason.clone(), force: args.force };
        let run = session.client.roll_back(&name, &body).await?;
        go_on(context, session, run, (args.detach, false)).await
    })
}
