//! `orchestrate pipeline delete`

use clap::Args;

use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::output;
use crate::session::{Need, Session};

/// Delete a pipeline; its runs and their history stay
///
/// Runs that are going on go on. A pipeline stored later under this name goes on counting runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate pipeline delete old-ci --yes")]
pub struct DeleteArgs {
    /// Name of the pipeline
    name: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub(super) fn run(args: &DeleteArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        // Says that it does not exist before it asks.
        session.client.pipeline(&args.name).await?;
        if !args.yes {
            let question = format!("Delete pipeline `{}`? Its runs stay. [y/N] ", args.name);
            match context.ask(&question)? {
                Some(answer) if matches!(answer.as_str(), "y" | "Y" | "yes") => {}
                Some(_) => {
                    context.note("nothing was deleted");
                    session.close().await?;
                    return Ok(Exit::Ok);
                }
                None => {
                    return Err(Failure::usage(format!(
                        "deleting `{}` needs a confirmation and nobody can be asked here",
                        args.name
                    ))
                    .hint(format!("orchestrate pipeline delete {} --yes", args.name)));
                }
            }
        }
        session.client.delete_pipeline(&args.name).await?;
        if context.is_text() {
            output::print(&format!("Deleted {}\n", args.name))?;
        } else {
            let item = serde_json::json!({"name": args.name, "deleted": true});
            output::print(&output::item(context.format(), "orchestrate.deleted/v1", &item)?)?;
        }
        session.close().await?;
        Ok(Exit::Ok)
    })
}
