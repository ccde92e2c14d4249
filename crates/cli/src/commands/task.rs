//! `orchestrate task`

mod change;
mod look;

use clap::Subcommand;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;

/// What is to be done: tasks, and the runs that do them
#[derive(Debug, Subcommand)]
pub enum TaskCommand {
    #[command(alias = "add")]
    Create(change::CreateArgs),
    List(look::ListTasksArgs),
    Show(look::ShowTaskArgs),
    Update(change::UpdateArgs),
    Delete(change::DeleteArgs),
    Start(change::StartArgs),
    Stop(change::StopArgs),
    Runs(look::TaskRunsArgs),
}

pub fn run(command: TaskCommand, context: &Context) -> Result<Exit> {
    match command {
        TaskCommand::Create(args) => change::create(args, context),
        TaskCommand::List(args) => look::list(&args, context),
        TaskCommand::Show(args) => look::show(&args, context),
        TaskCommand::Update(args) => change::update(args, context),
        TaskCommand::Delete(args) => change::delete(&args, context),
        TaskCommand::Start(args) => change::start(args, context),
        TaskCommand::Stop(args) => change::stop(args, context),
        TaskCommand::Runs(args) => look::runs(&args, context),
    }
}
