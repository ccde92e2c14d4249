//! `orchestrate runs pause`

use api::run::Pause;
use clap::Args;

use super::tell;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::session::{Need, Session};

/// Pause a run: nothing new starts, running stages finish
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs pause ci#4
  orchestrate runs pause ci#4 --now")]
pub struct PauseArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// Stop running stages too; the attempts do not count and are made again
    #[arg(long)]
    now: bool,
}

pub(super) fn run(args: &PauseArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let name = session.run_name(&args.run).await?;
        let run = session.client.pause(&name, &Pause { now: args.now }).await?;
        tell(&run, context)?;
        context.note(&format!("go on with: orchestrate runs resume {}", run.name));
        session.close().await?;
        Ok(Exit::Ok)
    })
}
