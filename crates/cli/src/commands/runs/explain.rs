//! `orchestrate runs explain`

use clap::Args;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

/// Explain why each stage is not running, and what would change it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs explain release#9
  orchestrate runs explain latest --stage deploy")]
pub struct ExplainRunArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// Only this stage and its instances
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
}

pub(super) fn run(args: &ExplainRunArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let name = session.run_name(&args.run).await?;
        let mut stages = session.client.explain(&name).await?.data;
        if let Some(wanted) = &args.stage {
            stages.retain(|it| {
                &it.stage == wanted || it.stage.split('[').next() == Some(wanted.as_str())
            });
        }
        output::print(&if context.is_text() {
            render::flow::explained(&stages, context.palette())
        } else {
            output::list(context.format(), "orchestrate.explained.list/v1", &stages, None)?
        })?;
        if stages.is_empty() && context.is_text() {
            context.note("nothing to explain");
        }
        Ok(Exit::Ok)
    })
}
