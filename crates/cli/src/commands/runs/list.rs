//! `orchestrate runs list`

use api::words::RUN_SORTS;
use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::args::ListArgs;
use crate::client::RunsQuery;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::{self, Format};
use crate::render;
use crate::session::{Need, Session};

const STATUSES: [&str; 8] =
    ["pending", "running", "waiting", "paused", "cancelling", "succeeded", "failed", "cancelled"];

/// List runs, newest first unless another order is asked for
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs list --status failed,cancelled --limit 10
  orchestrate runs list --pipeline ci --sort -duration
  orchestrate runs list --pipeline ci --output json")]
pub struct ListRunsArgs {
    /// Only of this pipeline
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    /// Only of this task
    #[arg(long, value_name = "TASK")]
    task: Option<String>,
    /// Only in one of these states
    #[arg(long, value_delimiter = ',', value_name = "STATUS", value_parser = STATUSES)]
    status: Vec<String>,
    /// In this order; with `-` the largest first
    #[arg(long, value_name = "KEY", allow_hyphen_values = true, value_parser = PossibleValuesParser::new(RUN_SORTS))]
    sort: Option<String>,
    /// Only those that really do this
    #[arg(long, value_name = "MODE", value_parser = ["shadow", "production"])]
    mode: Option<String>,
    /// Runs behind this one, as the page before says it
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

pub(super) fn run(args: &ListRunsArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let query = RunsQuery {
            pipeline: args.pipeline.clone(),
            task: args.task.clone(),
            statuses: args.status.clone(),
            sort: args.sort.clone(),
            mode: args.mode.clone(),
            limit: args.list.limit,
            after: args.after.clone(),
        };
        let page = session.client.runs(&query).await?;
        let next = page.next.as_deref();
        match context.format() {
            Format::Text => {
                let choice = args.list.choice(context.around.table_width());
                let table = render::runs::table(&page.data, context.now());
                output::print(&table.text(&choice, context.palette())?)?;
                if let Some(next) = next {
                    let sort = args.sort.as_ref().map(|sort| format!(" --sort {sort}"));
                    let sort = sort.unwrap_or_default();
                    context.note(&format!("more: orchestrate runs list{sort} --after {next}"));
                }
            }
            format => {
                output::print(&output::list(format, "orchestrate.run.list/v1", &page.data, next)?)?;
            }
        }
        session.close().await?;
        Ok(Exit::Ok)
    })
}
