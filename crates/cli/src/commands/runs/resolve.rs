//! `orchestrate runs resolve`

use api::run::Resolve;
use clap::{Args, ValueEnum};

use super::tell;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::session::{Need, Session};

/// Decide what became of a stage whose outcome nobody knows
///
/// After a crash, a stage with `effects: once` is never silently started a second time. Look at
/// what it did, then say it here.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs resolve release#7 deploy succeeded
  orchestrate runs resolve release#7 deploy retry")]
pub struct ResolveArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// The stage or instance that is `unknown`
    stage: String,
    /// What became of it
    #[arg(value_enum)]
    verdict: Verdict,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Verdict {
    /// It did nothing, or doing it again is safe: start it again
    Retry,
    /// Its work was done
    Succeeded,
    /// Its work was not done, and it is not tried again
    Failed,
}

pub(super) fn run(args: &ResolveArgs, context: &Context) -> Result<Exit> {
    let verdict = match args.verdict {
        Verdict::Retry => "retry",
        Verdict::Succeeded => "succeeded",
        Verdict::Failed => "failed",
    };
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let name = session.run_name(&args.run).await?;
        let resolve = Resolve { stage: args.stage.clone(), verdict: verdict.to_owned() };
        let run = session.client.resolve(&name, &resolve).await?;
        tell(&run, context)?;
        session.close().await?;
        Ok(Exit::Ok)
    })
}
