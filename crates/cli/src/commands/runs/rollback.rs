//! `orchestrate runs rollback`

use api::flow::RollBack;
use clap::Args;

use super::{confirmed, go_on};
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::session::{Need, Session};
use crate::{output, render};

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
        if args.dry_run {
            output::show_item(context, ("orchestrate.impact/v1", &impact), |impact| {
                Ok(render::flow::impact(impact, context.palette()))
            })?;
            session.close().await?;
            return Ok(Exit::Ok);
        }
        if context.is_text() {
            context.note(render::flow::impact(&impact, context.talk_palette()).trim_end());
        }
        if !impact.refused.is_empty() && !args.force {
            session.close().await?;
            return Err(Failure::new(Exit::Conflict, impact.refused));
        }
        if !confirmed(args.yes, &format!("Roll {name} back?"), context)? {
            session.close().await?;
            return Ok(Exit::Ok);
        }
        let body = RollBack { to: args.to.clone(), reason: args.reason.clone(), force: args.force };
        let run = session.client.roll_back(&name, &body).await?;
        go_on(context, session, run, (args.detach, false)).await
    })
}
