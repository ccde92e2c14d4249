//! `orchestrate mcp` (hidden): the tools of the house for an agent that is a program of its own.

use std::path::PathBuf;

use clap::Args;

use crate::error::{Failure, Result};
use crate::exit::Exit;

/// Speak MCP on standard input and output for the agent of a live attempt (started by the agent)
#[derive(Debug, Args)]
pub struct McpArgs {
    /// The socket in the attempt's folder
    #[arg(long, value_name = "SOCKET")]
    pub attempt: PathBuf,
}

/// Ends when the agent or the attempt does.
pub fn run(args: &McpArgs) -> Result<Exit> {
    agent::bridge(&args.attempt).map(|()| Exit::Ok).map_err(|error| {
        let socket = args.attempt.display();
        Failure::new(Exit::Unreachable, format!("no attempt answers at `{socket}`: {error}"))
    })
}
