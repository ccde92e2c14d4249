//! `orchestrate pipeline status`

use clap::Args;

use crate::commands::runs::show::{ShowArgs, print};
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;

/// Show a run: each stage, its time, its attempts, and the reason of a skip
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate pipeline status ci#4
  orchestrate pipeline status ci           # its last run")]
pub struct RunStatusArgs {
    #[command(flatten)]
    show: ShowArgs,
}

pub(super) fn run(args: &RunStatusArgs, context: &Context) -> Result<Exit> {
    print(&args.show, false, context)
}
