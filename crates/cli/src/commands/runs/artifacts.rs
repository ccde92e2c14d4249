//! `orchestrate runs artifacts`

use clap::Args;

use crate::commands::artifacts::list::{Narrow, print};
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;

/// List the artifacts of a run
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate runs artifacts release#9 --stage plan")]
pub struct RunArtifactsArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    #[command(flatten)]
    narrow: Narrow,
}

pub(super) fn run(args: &RunArtifactsArgs, context: &Context) -> Result<Exit> {
    print(Some(&args.run), &args.narrow, context)
}
