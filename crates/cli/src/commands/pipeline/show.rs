//! `orchestrate pipeline show`

use clap::Args;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::{self, Format};
use crate::render;
use crate::session::{Need, Session};

/// Show the definition of a pipeline
///
/// Prints the YAML as it was stored, so that `pipeline show NAME > FILE` gives the file back.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate pipeline show ci
  orchestrate pipeline show ci --graph
  orchestrate pipeline show ci --revision 2")]
pub struct ShowArgs {
    /// Name of the pipeline
    name: String,
    /// Draw the graph instead of printing the definition
    #[arg(long, conflicts_with = "revision")]
    graph: bool,
    /// An earlier revision
    #[arg(long, value_name = "N")]
    revision: Option<u32>,
}

pub(super) fn run(args: &ShowArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let palette = context.palette();
        let text = match (context.format(), args.revision) {
            (Format::Text, None) => {
                let detail = session.client.pipeline(&args.name).await?;
                if args.graph {
                    render::pipelines::head(&detail, context.now(), palette)
                        + &render::pipelines::drawn(&detail, context.around.table_width())
                } else {
                    render::pipelines::definition(&detail.definition, palette)
                }
            }
            (Format::Text, Some(number)) => {
                let revision = session.client.revision(&args.name, number).await?;
                render::pipelines::definition(&revision.definition, palette)
            }
            (format, None) => {
                let detail = session.client.pipeline(&args.name).await?;
                output::item(format, "orchestrate.pipeline/v1", &detail)?
            }
            (format, Some(number)) => {
                let revision = session.client.revision(&args.name, number).await?;
                output::item(format, "orchestrate.revision/v1", &revision)?
            }
        };
        output::print(&text)?;
        session.close().await?;
        Ok(Exit::Ok)
    })
}
