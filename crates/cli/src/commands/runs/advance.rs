//! `orchestrate runs advance`

use clap::Args;

use super::tell;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::session;

/// Let a stage go on that was held: by `auto_advance: false`, a breakpoint or a step
///
/// Starts a stage with a manual trigger, too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs advance release#9
  orchestrate runs advance release#9 --stage deploy")]
pub struct AdvanceArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// Only this stage or instance; by default everything that is held
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
}

pub(super) fn run(args: &AdvanceArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let name = session.run_name(&args.run).await?;
        let run = session.client.advance(&name, args.stage.clone()).await?;
        tell(&run, context)?;
        Ok(Exit::Ok)
    })
}
