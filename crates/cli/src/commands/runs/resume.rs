//! `orchestrate runs resume`

use clap::Args;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::follow::{Following, follow};
use crate::live::board::is_final;
use crate::session::{Need, Session};

use super::tell;

/// Go on with a paused run, or with one whose process was killed, and follow it to its end
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
}

pub(super) fn run(args: &ResumeArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let name = session.run_name(&args.run).await?;
        let mut run = session.client.run(&name).await?.summary;
        let goes_on_already = match run.status.as_str() {
            "paused" => false,
            // This very command has picked it up, and it may have ended since.
            status if is_final(status) => session.has_picked_up(),
            _ => true,
        };
        if !goes_on_already {
            run = session.client.resume(&name).await?;
        }
        if args.detach {
            tell(&run, context)?;
            session.close().await?;
            return Ok(Exit::Ok);
        }
        follow(context, session, run, Following::default()).await
    })
}
