//! `orchestrate keeper` (hidden): holds the children of a data folder.

use clap::Args;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{host, session};

/// Hold the running children of a data folder (started by orchestrate itself)
#[derive(Debug, Args)]
pub struct KeeperArgs {}

pub fn run(_args: &KeeperArgs, context: &Context) -> Result<Exit> {
    host::keep(&session::data_dir(context)?)
}
