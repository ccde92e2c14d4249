//! `orchestrate pipeline`

mod cancel;
mod create;
mod delete;
mod diff;
mod disable;
mod enable;
mod graph;
mod history;
mod init;
mod list;
mod rewind;
mod run;
mod show;
mod status;
mod undoings;
mod update;

use clap::Subcommand;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;

/// Store, show and change pipelines, and look at their runs
#[derive(Debug, Subcommand)]
pub enum PipelineCommand {
    Create(create::CreateArgs),
    List(list::ListPipelinesArgs),
    Show(show::ShowArgs),
    Update(update::UpdateArgs),
    Delete(delete::DeleteArgs),
    Enable(enable::EnableArgs),
    Disable(disable::DisableArgs),
    Run(run::RunStoredArgs),
    Status(status::RunStatusArgs),
    Cancel(cancel::CancelRunArgs),
    History(history::HistoryArgs),
    Init(init::InitArgs),
    Diff(diff::DiffArgs),
    Graph(graph::GraphArgs),
    Rewind(rewind::RewindArgs),
    Undoings(undoings::UndoingsArgs),
}

pub fn run(command: PipelineCommand, context: &Context) -> Result<Exit> {
    match command {
        PipelineCommand::Create(args) => create::run(&args, context),
        PipelineCommand::List(args) => list::run(&args, context),
        PipelineCommand::Show(args) => show::run(&args, context),
        PipelineCommand::Update(args) => update::run(&args, context),
        PipelineCommand::Delete(args) => delete::run(&args, context),
        PipelineCommand::Enable(args) => enable::run(&args, context),
        PipelineCommand::Disable(args) => disable::run(&args, context),
        PipelineCommand::Run(args) => run::run(args, context),
        PipelineCommand::Status(args) => status::run(&args, context),
        PipelineCommand::Cancel(args) => cancel::run(&args, context),
        PipelineCommand::History(args) => history::run(&args, context),
        PipelineCommand::Init(args) => init::run(&args, context),
        PipelineCommand::Diff(args) => diff::run(&args, context),
        PipelineCommand::Graph(args) => graph::run(&args, context),
        PipelineCommand::Rewind(args) => rewind::run(&args, context),
        PipelineCommand::Undoings(args) => undoings::run(&args, context),
    }
}
