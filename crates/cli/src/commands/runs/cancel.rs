//! `orchestrate runs cancel`

use api::run::Cancel;
use clap::Args;

use super::tell;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::session::{Need, Session};

/// Cancel a run: running stages are stopped with all their processes
///
/// Works in every state that is not final. `finally` stages still run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate runs cancel ci#4 --reason \"wrong branch\"")]
pub struct CancelArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// Kept in the history of the run
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
}

pub(crate) fn run(args: &CancelArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let name = session.run_name(&args.run).await?;
        let cancel = Cancel { reason: args.reason.clone() };
        let run = session.client.cancel(&name, &cancel).await?;
        tell(&run, context)?;
        session.close().await?;
        Ok(Exit::Ok)
    })
}
