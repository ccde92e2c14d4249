//! `orchestrate pipeline run`

use clap::Args;

use crate::commands::run::{StartArgs, Subject, start};
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;

/// Start a stored pipeline and follow the run to its end
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate pipeline run ci
  orchestrate pipeline run release -p version=1.4.0 --dry-run")]
pub struct RunStoredArgs {
    /// Name of the pipeline
    name: String,
    #[command(flatten)]
    start: StartArgs,
}

pub(super) fn run(args: RunStoredArgs, context: &Context) -> Result<Exit> {
    start(Subject::Stored(args.name), args.start, context)
}
