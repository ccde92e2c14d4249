//! `orchestrate runs replay`

use clap::Args;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::table::Choice;
use crate::{output, render, session};

/// Show a run as it was after one of its events
///
/// A run is a fold over its events: this folds the first of them again. Nothing is executed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs events release#9
  orchestrate runs replay release#9 --at 20")]
pub struct ReplayArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// Number of the event, as in `runs events`
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
    at: u64,
}

pub(super) fn run(args: &ReplayArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let name = session.run_name(&args.run).await?;
        let detail = session.client.run_at(&name, args.at).await?;
        let palette = context.palette();
        output::show_item(context, ("orchestrate.run/v1", &detail), |detail| {
            // Times of then: what it knew last is the end of time.
            let now = render::runs::latest(detail);
            let choice =
                Choice { width: context.around.table_width(), indent: 2, ..Choice::default() };
            Ok(format!("after event {}:\n", detail.sequence)
                + &render::runs::head(detail, now, palette)
                + &render::runs::stages(detail, now).text(&choice, palette)?)
        })?;
        Ok(Exit::Ok)
    })
}
