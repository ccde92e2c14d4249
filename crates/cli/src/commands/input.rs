//! `orchestrate input`

mod list;
mod show;
pub(crate) mod submit;

use clap::Subcommand;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;

/// Answer forms that wait for people
#[derive(Debug, Subcommand)]
pub enum InputCommand {
    List(list::ListInputsArgs),
    Show(show::ShowInputArgs),
    Submit(submit::SubmitArgs),
}

pub fn run(command: InputCommand, context: &Context) -> Result<Exit> {
    match command {
        InputCommand::List(args) => list::run(&args, context),
        InputCommand::Show(args) => show::run(&args, context),
        InputCommand::Submit(args) => submit::run(&args, context),
    }
}
