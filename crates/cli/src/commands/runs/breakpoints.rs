//! `orchestrate runs break`, `orchestrate runs step`

use api::flow::Breakpoints;
use clap::Args;

use super::tell;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::session;

/// Hold a run before these stages, in place of the breakpoints it had
///
/// A held stage takes no slot; `runs advance` lets it go on.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs break release#9 deploy smoke
  orchestrate runs break release#9          # none any more")]
pub struct BreakArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// Stages; none takes every breakpoint away
    stages: Vec<String>,
}

/// Hold a run before every stage, and let one go on
///
/// The first call switches stepping on; each further one lets what is held go on.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs step release#9
  orchestrate runs step release#9 --stage deploy
  orchestrate runs step release#9 --off")]
pub struct StepArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// Let only this stage or instance go on
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// Step no longer: what is held goes on
    #[arg(long, conflicts_with = "stage")]
    off: bool,
}

pub(super) fn set(args: &BreakArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let name = session.run_name(&args.run).await?;
        let body = Breakpoints { stages: args.stages.clone(), step: false };
        let run = session.client.set_breakpoints(&name, &body).await?;
        tell(&run, context)?;
        Ok(Exit::Ok)
    })
}

pub(super) fn step(args: &StepArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let name = session.run_name(&args.run).await?;
        let client = &session.client;
        let held = client.run(&name).await?.stages.iter().any(|stage| stage.status == "held");
        let run = if args.off || !held {
            let body = Breakpoints { stages: Vec::new(), step: !args.off };
            let run = client.set_breakpoints(&name, &body).await?;
            if args.off && held { client.advance(&name, None).await? } else { run }
        } else {
            client.advance(&name, args.stage.clone()).await?
        };
        tell(&run, context)?;
        Ok(Exit::Ok)
    })
}
