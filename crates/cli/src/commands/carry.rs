//! `orchestrate carry` (hidden): stands for an attempt that runs elsewhere.

use std::path::PathBuf;

use clap::Args;

use crate::error::Result;
use crate::exit::Exit;

/// Carry the attempt of a folder (started by orchestrate itself)
#[derive(Debug, Args)]
pub struct CarryArgs {
    /// The attempt's folder
    pub folder: PathBuf,
    /// Inside its pane of tmux
    #[arg(long)]
    pub pane: bool,
}

/// Ends with the exit code of the attempt: see [`worker::runtime::run`].
pub fn run(args: &CarryArgs) -> Result<Exit> {
    let code = worker::runtime::run(&args.folder, args.pane);
    Ok(Exit::Attempt(u8::try_from(code).unwrap_or(u8::MAX)))
}
