//! `orchestrate pipeline history`

use clap::Args;

use crate::args::ListArgs;
use crate::client::RunsQuery;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::{self, Format};
use crate::render;
use crate::session::{Need, Session};

/// List the runs of a pipeline, newest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate pipeline history ci --limit 5
  orchestrate pipeline history ci --revisions")]
pub struct HistoryArgs {
    /// Name of the pipeline
    name: String,
    /// List the revisions of the definition instead
    #[arg(long)]
    revisions: bool,
    #[command(flatten)]
    list: ListArgs,
}

pub(super) fn run(args: &HistoryArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let choice = args.list.choice(context.around.table_width());
        let now = context.now();
        let text = if args.revisions {
            let page = session.client.revisions(&args.name, args.list.limit).await?;
            match context.format() {
                Format::Text => render::pipelines::revisions(&page.data, now)
                    .text(&choice, context.palette())?,
                format => output::list(format, "orchestrate.revision.list/v1", &page.data, None)?,
            }
        } else {
            let query = RunsQuery {
                pipeline: Some(args.name.clone()),
                limit: args.list.limit,
                ..RunsQuery::default()
            };
            let page = session.client.runs(&query).await?;
            if page.data.is_empty() {
                // A name that nobody knows is an error, a pipeline without runs is not.
                session.client.pipeline(&args.name).await?;
            }
            let next = page.next.as_deref();
            match context.format() {
                Format::Text => {
                    render::runs::history(&page.data, now).text(&choice, context.palette())?
                }
                format => output::list(format, "orchestrate.run.list/v1", &page.data, next)?,
            }
        };
        output::print(&text)?;
        session.close().await?;
        Ok(Exit::Ok)
    })
}
