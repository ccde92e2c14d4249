//! `orchestrate runs show`

use clap::Args;

use crate::client::people::AskedQuery;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::live::ending;
use crate::output::table::Choice;
use crate::output::{self, Format};
use crate::render;
use crate::session::{Need, Session};

/// Show a run: what it was given, each stage, and when it failed why
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs show ci#4
  orchestrate runs show latest --output json | jq '.data.stages[].status'")]
pub struct ShowArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// Only these columns, in this order (comma-separated)
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    columns: Vec<String>,
    /// Leave the headings out
    #[arg(long)]
    no_header: bool,
}

/// Shared with `pipeline status`, which is shorter.
pub(crate) fn print(args: &ShowArgs, long: bool, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let name = session.run_name(&args.run).await?;
        let mut detail = session.client.run(&name).await?;
        if context.is_text() && detail.stages.iter().any(|it| it.status == "waiting_approval") {
            let pending = AskedQuery::waiting_in(&detail.summary.id, "pending");
            let approvals = session.client.approvals(&pending).await?.data;
            render::runs::name_deadlines(&mut detail, &approvals, context.now());
        }
        let text = match context.format() {
            Format::Text => {
                let (now, palette) = (context.now(), context.palette());
                let mut text = render::runs::head(&detail, now, palette);
                if long {
                    text += &render::runs::facts(&detail);
                }
                let choice = Choice {
                    columns: args.columns.clone(),
                    no_header: args.no_header,
                    width: context.around.table_width(),
                    indent: 2,
                };
                text += &render::runs::stages(&detail, now).text(&choice, palette)?;
                if long && detail.summary.status == "failed" {
                    text.push('\n');
                    text += &ending::block(&detail, palette);
                }
                text
            }
            format => output::item(format, "orchestrate.run/v1", &detail)?,
        };
        output::print(&text)?;
        session.close().await?;
        Ok(Exit::Ok)
    })
}
