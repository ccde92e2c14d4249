//! `orchestrate runs`

mod advance;
mod artifacts;
mod breakpoints;
pub(crate) mod cancel;
mod compare;
mod cost;
mod events;
mod explain;
mod export;
mod extend;
mod impact;
mod list;
mod pause;
mod replay;
mod resolve;
mod resume;
mod retry;
mod rewind;
mod rollback;
pub(crate) mod show;
mod status;
mod talk;
mod undoings;

use clap::Subcommand;

use api::run::RunSummary;

use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::follow::{Following, follow};
use crate::output;
use crate::session::Session;
use crate::words;

/// List, show and control runs
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    List(list::ListRunsArgs),
    Show(show::ShowArgs),
    Status(status::StatusArgs),
    Compare(compare::CompareArgs),
    Cost(cost::CostArgs),
    Talk(talk::TalkArgs),
    Pause(pause::PauseArgs),
    Resume(resume::ResumeArgs),
    Cancel(cancel::CancelArgs),
    Retry(retry::RetryArgs),
    Resolve(resolve::ResolveArgs),
    Events(events::EventsArgs),
    Explain(explain::ExplainRunArgs),
    Replay(replay::ReplayArgs),
    Artifacts(artifacts::RunArtifactsArgs),
    Extend(extend::ExtendArgs),
    Rollback(rollback::RollbackArgs),
    Rewind(rewind::RewindArgs),
    Undoings(undoings::UndoingsArgs),
    Advance(advance::AdvanceArgs),
    Break(breakpoints::BreakArgs),
    Step(breakpoints::StepArgs),
    Export(export::ExportArgs),
    Open(export::OpenArgs),
}

pub fn run(command: RunsCommand, context: &Context) -> Result<Exit> {
    match command {
        RunsCommand::List(args) => list::run(&args, context),
        RunsCommand::Show(args) => show::print(&args, true, context),
        RunsCommand::Status(args) => status::run(&args, context),
        RunsCommand::Compare(args) => compare::run(&args, context),
        RunsCommand::Cost(args) => cost::run(&args, context),
        RunsCommand::Talk(args) => talk::run(&args, context),
        RunsCommand::Pause(args) => pause::run(&args, context),
        RunsCommand::Resume(args) => resume::run(&args, context),
        RunsCommand::Cancel(args) => cancel::run(&args, context),
        RunsCommand::Retry(args) => retry::run(&args, context),
        RunsCommand::Resolve(args) => resolve::run(&args, context),
        RunsCommand::Events(args) => events::run(&args, context),
        RunsCommand::Explain(args) => explain::run(&args, context),
        RunsCommand::Replay(args) => replay::run(&args, context),
        RunsCommand::Artifacts(args) => artifacts::run(&args, context),
        RunsCommand::Extend(args) => extend::run(args, context),
        RunsCommand::Rollback(args) => rollback::run(&args, context),
        RunsCommand::Rewind(args) => rewind::run(&args, context),
        RunsCommand::Undoings(args) => undoings::run(&args, context),
        RunsCommand::Advance(args) => advance::run(&args, context),
        RunsCommand::Break(args) => breakpoints::set(&args, context),
        RunsCommand::Step(args) => breakpoints::step(&args, context),
        RunsCommand::Export(args) => export::run(&args, context),
        RunsCommand::Open(args) => export::open(&args, context),
    }
}

/// After a change: leaves the run in the background, or follows it to its end.
pub(crate) async fn go_on(
    context: &Context,
    session: Session,
    run: RunSummary,
    (detach, exit_on_wait): (bool, bool),
) -> Result<Exit> {
    if detach {
        tell(&run, context)?;
        session.close().await?;
        return Ok(Exit::Ok);
    }
    let following = Following { exit_on_wait, ..Following::default() };
    follow(context, session, run, following).await
}

/// Nothing is changed without a yes: `--yes`, or the person's on a terminal.
pub(crate) fn confirmed(yes: bool, question: &str, context: &Context) -> Result<bool> {
    if yes {
        return Ok(true);
    }
    match context.ask(&format!("{question} [y/N] "))? {
        Some(answer) => Ok(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes")),
        None => Err(Failure::usage("this needs to be confirmed, and nobody can be asked here")
            .hint("add --yes")),
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
