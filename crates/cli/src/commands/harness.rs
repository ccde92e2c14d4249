//! `orchestrate harness` (hidden): carries out one attempt of an agent stage.

use std::path::PathBuf;

use clap::Args;

use crate::error::Result;
use crate::exit::Exit;

/// Carry out the job in an attempt's folder (started by orchestrate itself)
#[derive(Debug, Args)]
pub struct HarnessArgs {
    /// The attempt's folder
    pub folder: PathBuf,
}

/// Ends with the exit code of the attempt's outcome.
pub fn run(args: &HarnessArgs) -> Result<Exit> {
    Ok(Exit::Attempt(u8::try_from(agent::run(&args.folder)).unwrap_or(u8::MAX)))
}
