//! `orchestrate pipeline list`

use clap::Args;

use crate::args::ListArgs;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::{self, Format};
use crate::render;
use crate::session::{Need, Session};

/// List pipelines: last run, the results of the last ten, median duration, and what is due next
#[derive(Debug, Args)]
#[command(after_help = "\
LAST 10, oldest first: . succeeded  x failed  - cancelled  ! waits or is paused  o runs

Examples:
  orchestrate pipeline list
  orchestrate pipeline list --columns name,result --no-header")]
pub struct ListPipelinesArgs {
    #[command(flatten)]
    list: ListArgs,
    /// Pipelines after this name, in alphabetical order
    #[arg(long, value_name = "NAME")]
    after: Option<String>,
}

pub(super) fn run(args: &ListPipelinesArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let page = session.client.pipelines(args.list.limit, args.after.as_deref()).await?;
        match context.format() {
            Format::Text => {
                let choice = args.list.choice(context.around.table_width());
                let table = render::pipelines::table(&page.data, context.now());
                output::print(&table.text(&choice, context.palette())?)?;
                if page.data.is_empty() {
                    context.note("no pipelines yet; try: orchestrate pipeline create FILE");
                }
                if let Some(next) = &page.next {
                    context.note(&format!("more: orchestrate pipeline list --after {next}"));
                }
            }
            format => output::print(&output::list(
                format,
                "orchestrate.pipeline.list/v1",
                &page.data,
                page.next.as_deref(),
            )?)?,
        }
        session.close().await?;
        Ok(Exit::Ok)
    })
}
