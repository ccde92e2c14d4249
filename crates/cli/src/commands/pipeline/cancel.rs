//! `orchestrate pipeline cancel`

use clap::Args;

use crate::commands::runs::cancel;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;

/// Cancel a run (the same as `runs cancel`)
#[derive(Debug, Args)]
pub struct CancelRunArgs {
    #[command(flatten)]
    cancel: cancel::CancelArgs,
}

pub(super) fn run(args: &CancelRunArgs, context: &Context) -> Result<Exit> {
    cancel::run(&args.cancel, context)
}
