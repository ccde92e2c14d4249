//! The door: the command line of Orchestrate.
//!
//! `args` reads the command line, `commands` holds one file a verb, `client` speaks to whoever
//! owns the data folder, `session` finds or becomes that owner (`host`), `live`, `render` and
//! `output` make text. Only this crate prints.

pub mod args;
pub mod browser;
pub mod client;
pub mod commands;
pub mod context;
pub mod error;
pub mod exit;
pub mod fill;
pub mod follow;
pub mod hidden;
pub mod host;
pub mod keys;
pub mod live;
pub mod logs;
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

  Try:     orchestrate init && orchestrate run pipelines/feature.yaml
  Look:    orchestrate status, orchestrate logs latest, orchestrate pipeline status latest
  Yours:   orchestrate pipeline init ci writes a pipeline for the project in this folder
  More:    orchestrate --help, orchestrate run --help
";

/// The whole program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let context = Context::new(cli.global, Surroundings::of_this_process());
    let serves = matches!(cli.command, Some(args::Command::Serve(_)));
    // A server's log is a matter of its settings.
    let _listening = (!serves).then(|| logs::of_a_command(&context));
    let exit = match perform(cli.command, &context) {
        Ok(exit) => exit,
        Err(failure) => {
            report(&failure, &context);
            failure.exit
        }
    };
    ExitCode::from(exit.code())
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
