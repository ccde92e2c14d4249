//! `orchestrate completions`

use clap::{Args, CommandFactory as _};

use crate::args::Cli;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate completions bash > ~/.local/share/bash-completion/completions/orchestrate
  orchestrate completions zsh > ~/.zfunc/_orchestrate
  orchestrate completions fish > ~/.config/fish/completions/orchestrate.fish")]
pub struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

pub fn run(args: &CompletionsArgs, _context: &Context) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "orchestrate", &mut script);
    crate::output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}
