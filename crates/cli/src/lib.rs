//! The door: the command line of Orchestrate.
//!
//! `args` reads the command line, `commands` holds one file a verb, `client` speaks to whoever
//! owns the data folder, `session` finds or becomes that owner (`host`), `live`, `render` and
//! `output` make text. Only this crate prints.

pub mod args;
pub mod client;
pub mod commands;
pub mod context;
pub mod error;
pub mod exit;
pub mod fill;
pub mod follow;
pub mod host;
pub mod keys;
pub mod live;
pub mod output;
pub mod render;
pub mod session;
pub mod terminal;
pub mod words;

use std::process::ExitCode;

use clap::Parser as _;

use args::Cli;
use context::Context;
use error::{Failure, Result};
use exit::Exit;
use output::Format;
use terminal::Surroundings;

/// What `orchestrate` alone says.
const GREETING: &str = "\
Orchestrate runs pipelines that must not get lost: YAML in, durable runs out, one binary.

  Try:     orchestrate init && orchestrate run pipelines/hello.yaml
  Look:    orchestrate status, orchestrate logs latest, orchestrate pipeline status latest
  Yours:   orchestrate pipeline init ci writes a pipeline for the project in this folder
  More:    orchestrate --help, orchestrate run --help
";

/// The whole program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let context = Context::new(cli.global, Surroundings::of_this_process());
    listen_to_logs(context.global.quiet, context.global.verbose);
    let exit = match perform(cli.command, &context) {
        Ok(exit) => exit,
        Err(failure) => {
            report(&failure, &context);
            failure.exit
        }
    };
    ExitCode::from(exit.code())
}

/// What the server and the hands log goes to stderr. `ORCHESTRATE_LOG` says what, as in
/// `server=debug,worker=info`.
fn listen_to_logs(quiet: bool, verbose: u8) {
    let level = match (quiet, verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, _) => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("ORCHESTRATE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    // An error would mean that somebody listens already.
    let _listening = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
}

fn perform(command: Option<args::Command>, context: &Context) -> Result<Exit> {
    match command {
        Some(command) => commands::perform(command, context),
        None => {
            output::print(GREETING)?;
            Ok(Exit::Ok)
        }
    }
}

fn report(failure: &Failure, context: &Context) {
    let silent = failure.rendered.as_deref() == Some("") && failure.hints.is_empty();
    if silent {
        return;
    }
    let text = match context.format() {
        Format::Text => failure.text(context.talk_palette()),
        format => output::document(format, &failure.json()),
    };
    output::say(&text);
}
