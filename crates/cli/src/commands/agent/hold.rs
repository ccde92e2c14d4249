//! `orchestrate agent attach` and `orchestrate agent hand-back`

use std::path::Path;
use std::process::{Command, ExitStatus};

use api::agent::Attach;
use api::agents::{HandBack, Takeover};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::session::Session;
use crate::{output, render, session};

/// Take over from an agent that works, and go on in its place in this terminal
///
/// The agent is stopped where no tool runs and its session is kept; no clock runs, and what it asked
/// people is taken back. Then the session is opened here, or a shell where the agent worked. Leave it as
/// you like: the work stays yours until `orchestrate agent hand-back`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate agent attach feature#41 implement
  orchestrate agent attach feature 'implement[2]' --print")]
pub struct AttachArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// The stage or instance whose agent works
    stage: String,
    /// Say how to go on, and start nothing here
    #[arg(long)]
    print: bool,
}

/// Hand back what you took over from an agent
///
/// The agent goes on and hears the note first; one that cannot take up its session begins anew, with
/// the note. With --accept what lies in the workspace is the result: it is checked and judged as if the
/// agent had said that it is done.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate agent hand-back feature#41 implement --note 'Use CSS variables, as in theme.css'
  orchestrate agent hand-back feature#41 implement --accept")]
pub struct HandBackArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// The stage or instance
    stage: String,
    /// What the agent is told, or what is said of the result
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// Take what lies in the workspace as the result
    #[arg(long)]
    accept: bool,
}

pub(super) fn attach(args: &AttachArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let run = session.run_name(&args.run).await?;
        let held = held(session, &run, &args.stage).await?;
        let way = held.attach.as_ref().filter(|way| !way.command.is_empty());
        let here = way.filter(|way| !args.print && context.is_text() && is_here(way));
        let Some(way) = here else {
            output::show_item(context, ("orchestrate.agent.takeover/v1", &held), |held| {
                Ok(render::agents::takeover(held))
            })?;
            return Ok(Exit::Ok);
        };
        let back = render::agents::hand_back(&held);
        output::say(&format!("In the place of {}, in {}: {}", way.agent, way.directory, way.runs));
        go_on(&way.command).await?;
        output::say(&format!("It stays yours until you hand it back:\n  {back}"));
        Ok(Exit::Ok)
    })
}

/// Takes over, and waits until the agent has let go.
async fn held(session: &Session, run: &str, stage: &str) -> Result<Takeover> {
    let mut takeover = session.client.take_over(run, stage).await?;
    while takeover.status == "held" && takeover.attach.is_none() {
        // The server answers when there is something to say, or after a while.
        takeover = session.client.takeover(run, stage).await?;
    }
    if takeover.status == "held" {
        return Ok(takeover);
    }
    let says = format!("`{stage}` of {run} ended before its agent had let go");
    Err(Failure::new(Exit::Conflict, says).hint(format!("orchestrate runs show {run}")))
}

/// The server may be another machine.
fn is_here(way: &Attach) -> bool {
    Path::new(&way.directory).is_dir()
}

/// Runs the line in this terminal until it ends. Signals of the terminal are for what runs there.
async fn go_on(line: &str) -> Result<ExitStatus> {
    let failed = |error: std::io::Error| Failure::internal("start a shell", &error);
    let _interrupts = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    let ended = tokio::task::spawn_blocking(move || command.status()).await;
    ended.map_err(|error| Failure::internal("wait for a shell", &error))?.map_err(failed)
}

pub(super) fn hand_back(args: HandBackArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let run = session.run_name(&args.run).await?;
        let body = HandBack { note: args.note, accept: args.accept };
        let takeover = session.client.hand_back(&run, &args.stage, &body).await?;
        output::show_item(context, ("orchestrate.agent.takeover/v1", &takeover), |takeover| {
            Ok(render::agents::takeover(takeover))
        })?;
        Ok(Exit::Ok)
    })
}
