//! `orchestrate drive` (hidden): drives what is left to drive, then ends.

use clap::Args;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::host;

/// Drive unfinished runs in the background (started by orchestrate itself)
#[derive(Debug, Args)]
pub struct DriveArgs {
    /// At most so many attempts at once
    #[arg(long, value_name = "N")]
    slots: Option<u32>,
}

pub fn run(args: &DriveArgs, context: &Context) -> Result<Exit> {
    context.block_on(async { host::drive(context, args.slots).await })
}
