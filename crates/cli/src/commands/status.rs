//! `orchestrate status`

use clap::Args;

use crate::args::ListArgs;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::{self, Format};
use crate::render;
use crate::session::{Need, Session};

/// Show what goes on: who drives, unfinished runs, the newest finished ones
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate status
  orchestrate status --json | jq '.data.live[].name'")]
pub struct StatusArgs {
    #[command(flatten)]
    list: ListArgs,
}

pub fn run(args: &StatusArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let mut status = session.client.status().await?;
        status.recent.truncate(args.list.limit as usize);
        let text = match context.format() {
            Format::Text => render::status::text(
                &status,
                session.is_elsewhere(),
                context.now(),
                &args.list.choice(context.around.table_width()),
                context.palette(),
            )?,
            format => output::item(format, "orchestrate.status/v1", &status)?,
        };
        output::print(&text)?;
        session.close().await?;
        Ok(Exit::Ok)
    })
}
