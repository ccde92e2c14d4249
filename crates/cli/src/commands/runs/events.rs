//! `orchestrate runs events`

use clap::Args;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::table::Choice;
use crate::output::{self, Format};
use crate::render;
use crate::session::{Need, Session};

/// Show everything that happened in a run, in order, from its hash-chained journal
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs events ci#4
  orchestrate runs events ci#4 --after 20 --output ndjson")]
pub struct EventsArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// Events after this number
    #[arg(long, default_value_t = 0, value_name = "SEQ")]
    after: u64,
    /// At most so many; by default all
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Only these columns, in this order (comma-separated)
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    columns: Vec<String>,
    /// Leave the headings out
    #[arg(long)]
    no_header: bool,
}

pub(super) fn run(args: &EventsArgs, context: &Context) -> Result<Exit> {
    const PAGE: u32 = 1000;
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let name = session.run_name(&args.run).await?;
        let mut after = args.after;
        let mut events = Vec::new();
        let mut next = None;
        loop {
            let left = args.limit.map_or(PAGE, |limit| limit - events.len() as u32);
            if left == 0 {
                break;
            }
            let page = session.client.events(&name, after, left.min(PAGE)).await?;
            let Some(last) = page.data.last() else { break };
            after = last.seq;
            events.extend(page.data);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        let text = match context.format() {
            Format::Text => {
                let choice = Choice {
                    columns: args.columns.clone(),
                    no_header: args.no_header,
                    width: context.around.table_width(),
                    indent: 0,
                };
                render::events::table(&events).text(&choice, context.palette())?
            }
            format => output::list(format, "orchestrate.event.list/v1", &events, next.as_deref())?,
        };
        output::print(&text)?;
        session.close().await?;
        Ok(Exit::Ok)
    })
}
