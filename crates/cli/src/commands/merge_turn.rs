//! `orchestrate merge-turn` (hidden): one turn of a merge queue.

use std::path::PathBuf;

use clap::Args;

use crate::error::Result;
use crate::exit::Exit;

/// Carry out the merge in an attempt's folder (started by orchestrate itself)
#[derive(Debug, Args)]
pub struct MergeTurnArgs {
    /// The attempt's folder
    pub folder: PathBuf,
}

/// Ends with the exit code of the turn: see [`worker::merge::run`].
pub fn run(args: &MergeTurnArgs) -> Result<Exit> {
    Ok(Exit::Attempt(u8::try_from(worker::merge::run(&args.folder)).unwrap_or(u8::MAX)))
}
