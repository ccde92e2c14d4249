//! `orchestrate runs`

pub(crate) mod cancel;
mod events;
mod list;
mod pause;
mod resolve;
mod resume;
mod retry;
pub(crate) mod show;

use clap::Subcommand;

use api::run::RunSummary;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::output;
use crate::words;

/// List, show and control runs
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    List(list::ListRunsArgs),
    Show(show::ShowArgs),
    Pause(pause::PauseArgs),
    Resume(resume::ResumeArgs),
    Cancel(cancel::CancelArgs),
    Retry(retry::RetryArgs),
    Resolve(resolve::ResolveArgs),
    Events(events::EventsArgs),
}

pub fn run(command: RunsCommand, context: &Context) -> Result<Exit> {
    match command {
        RunsCommand::List(args) => list::run(&args, context),
        RunsCommand::Show(args) => show::print(&args, true, context),
        RunsCommand::Pause(args) => pause::run(&args, context),
        RunsCommand::Resume(args) => resume::run(&args, context),
        RunsCommand::Cancel(args) => cancel::run(&args, context),
        RunsCommand::Retry(args) => retry::run(&args, context),
        RunsCommand::Resolve(args) => resolve::run(&args, context),
        RunsCommand::Events(args) => events::run(&args, context),
    }
}

/// `Paused ci#4`: the state that a command left a run in.
pub(crate) fn tell(run: &RunSummary, context: &Context) -> Result<()> {
    if !context.is_text() {
        return output::print(&output::item(context.format(), "orchestrate.run/v1", run)?);
    }
    let word = context.palette().status(&run.status, &words::title(&run.status));
    output::print(&format!("{word} {}\n", run.name))
}
