//! `orchestrate mcp`

mod person;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;

/// Offer pipelines and runs to your own assistant, by MCP on standard input and output
///
/// For assistants that start MCP servers: they list and show pipelines and runs, start runs of stored
/// pipelines, read logs, what agents said, and artifacts, with your rights. They never decide: approvals
/// and forms stay with people.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  claude mcp add orchestrate -- orchestrate mcp
  orchestrate mcp --server http://ci.example:7070 --token \"$TOKEN\"")]
pub struct McpArgs {
    /// The socket in the folder of an attempt, for the agent of that attempt
    #[arg(long, value_name = "SOCKET", hide = true)]
    attempt: Option<PathBuf>,
}

/// Ends when its client does; for an agent, also with the attempt.
pub fn run(args: &McpArgs, context: &Context) -> Result<Exit> {
    let Some(socket) = &args.attempt else {
        let mut context = context.clone();
        // Standard input is the protocol's.
        context.global.no_input = true;
        let person = Arc::new(person::Person { context });
        return agent::serve_tools(person).map(|()| Exit::Ok).map_err(|error| {
            Failure::new(Exit::Unreachable, format!("nobody could be served: {error}"))
        });
    };
    agent::bridge(socket).map(|()| Exit::Ok).map_err(|error| {
        let socket = socket.display();
        Failure::new(Exit::Unreachable, format!("no attempt answers at `{socket}`: {error}"))
    })
}
