//! `orchestrate trigger schedule`

use clap::Args;

use crate::args::ListArgs;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

/// List what is due when, and what was passed over
///
/// Only a server that stays (`orchestrate serve`) starts runs by schedules.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate trigger schedule
  orchestrate trigger schedule --pipeline nightly --output json")]
pub struct ScheduleArgs {
    /// Only of this pipeline
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    /// Those after this one
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

pub(super) fn run(args: &ScheduleArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let (pipeline, after) = (args.pipeline.as_deref(), args.after.as_deref());
        let page = session.client.schedules(pipeline, args.list.limit, after).await?;
        let choice = args.list.choice(context.around.table_width());
        let next = page.next.as_deref();
        let list = ("orchestrate.schedule.list/v1", page.data.as_slice(), next);
        let now = context.now();
        output::show_list(context, &choice, list, |data| render::schedules::table(data, now))?;
        if page.data.is_empty() {
            context.note("no pipeline has a schedule; try: orchestrate explain E0310");
        }
        if let Some(next) = next.filter(|_| context.is_text()) {
            context.note(&format!("more: orchestrate trigger schedule --after {next}"));
        }
        Ok(Exit::Ok)
    })
}
