//! `orchestrate pipeline disable`

use clap::Args;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;

/// Keep a pipeline from starting runs; those that are going on go on
#[derive(Debug, Args)]
pub struct DisableArgs {
    /// Name of the pipeline
    name: String,
}

pub(super) fn run(args: &DisableArgs, context: &Context) -> Result<Exit> {
    super::enable::set(&args.name, false, context)
}
