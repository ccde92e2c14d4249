//! `orchestrate runs extend`

use api::flow::Extend;
use clap::Args;

use super::go_on;
use crate::commands::run::pair;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::session::{Need, Session};

/// Start the next version: a new run that goes on from what this one gave, and follow it
///
/// It has the inputs of the run it extends beside those given here, and finds its outputs and
/// artifacts under `@prev` and `@v2/stage`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs extend release#1
  orchestrate runs extend release#1 -p goal=\"dark mode too\" --detach")]
pub struct ExtendArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// An input; the value is read by the input's declared type
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
    /// Leave it in the background
    #[arg(long)]
    detach: bool,
    /// Exit with 13 instead of waiting when only a person's decision is missing
    #[arg(long, conflicts_with = "detach")]
    exit_on_wait: bool,
}

pub(super) fn run(args: ExtendArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let name = session.run_name(&args.run).await?;
        let body = Extend { input_texts: args.param.into_iter().collect(), ..Extend::default() };
        let run = session.client.extend(&name, &body).await?;
        context.note(&format!("{} extends {name}", run.name));
        go_on(context, session, run, (args.detach, args.exit_on_wait)).await
    })
}
