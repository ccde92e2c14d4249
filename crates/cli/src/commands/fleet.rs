//! `orchestrate fleet`

use clap::{Args, Subcommand};

use crate::args::ListArgs;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

/// Workers: who is there, what they work on, and what waits for them
#[derive(Debug, Subcommand)]
pub enum FleetCommand {
    List(ListWorkersArgs),
    Show(ShowArgs),
    Drain(DrainArgs),
    Resume(ResumeArgs),
    Forget(ForgetArgs),
    Queues(QueuesArgs),
}

/// List workers; the server's own hands are `local`
#[derive(Debug, Args)]
pub struct ListWorkersArgs {
    #[command(flatten)]
    list: ListArgs,
}

/// Show a worker and what it works on
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate fleet show g1")]
pub struct ShowArgs {
    /// As in `fleet list`
    worker: String,
}

/// Let a worker finish what it has, and leave; it takes nothing new until it is resumed
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate fleet drain g1")]
pub struct DrainArgs {
    /// As in `fleet list`
    worker: String,
}

/// Let a drained worker take work again
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate fleet resume g1")]
pub struct ResumeArgs {
    /// As in `fleet list`
    worker: String,
}

/// Forget a worker that is lost or drained
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate fleet forget g1")]
pub struct ForgetArgs {
    /// As in `fleet list`
    worker: String,
}

/// List what waits to be handed out, each with why
#[derive(Debug, Args)]
pub struct QueuesArgs {
    #[command(flatten)]
    list: ListArgs,
}

pub fn run(command: FleetCommand, context: &Context) -> Result<Exit> {
    match command {
        FleetCommand::List(args) => list(&args, context),
        FleetCommand::Show(args) => show(&args, context),
        FleetCommand::Drain(args) => drain(&args, context),
        FleetCommand::Resume(args) => resume(&args, context),
        FleetCommand::Forget(args) => forget(&args, context),
        FleetCommand::Queues(args) => queues(&args, context),
    }
}

fn list(args: &ListWorkersArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let mut page = session.client.workers().await?;
        page.data.truncate(args.list.limit as usize);
        let choice = args.list.choice(context.around.table_width());
        let list = ("orchestrate.worker.list/v1", page.data.as_slice(), page.next.as_deref());
        let now = context.now();
        output::show_list(context, &choice, list, |data| render::fleet::workers(data, now))?;
        Ok(Exit::Ok)
    })
}

fn show(args: &ShowArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let worker = session.client.worker(&args.worker).await?;
        let now = context.now();
        output::show_item(context, ("orchestrate.worker/v1", &worker), |worker| {
            render::fleet::worker(worker, now, context.palette())
        })?;
        Ok(Exit::Ok)
    })
}

fn drain(args: &DrainArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let worker = session.client.drain_worker(&args.worker).await?;
        output::show_item(context, ("orchestrate.worker/v1", &worker), |worker| {
            Ok(match worker.state.as_str() {
                "drained" => format!("Drained {}\n", worker.name),
                _ => format!("Draining {}: {} left\n", worker.name, worker.used),
            })
        })?;
        Ok(Exit::Ok)
    })
}

fn resume(args: &ResumeArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let worker = session.client.resume_worker(&args.worker).await?;
        output::show_item(context, ("orchestrate.worker/v1", &worker), |worker| {
            Ok(match worker.state.as_str() {
                "online" => format!("Resumed {}\n", worker.name),
                state => format!(
                    "Resumed {}: it is {state}, and let in when its program is started\n",
                    worker.name
                ),
            })
        })?;
        Ok(Exit::Ok)
    })
}

fn forget(args: &ForgetArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        session.client.forget_worker(&args.worker).await?;
        let done = serde_json::json!({"name": args.worker, "forgotten": true});
        output::show_item(context, ("orchestrate.worker/v1", &done), |_| {
            Ok(format!("Forgot {}\n", args.worker))
        })?;
        Ok(Exit::Ok)
    })
}

fn queues(args: &QueuesArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let page = session.client.queue(args.list.limit).await?;
        let choice = args.list.choice(context.around.table_width());
        let list = ("orchestrate.queue.list/v1", page.data.as_slice(), page.next.as_deref());
        let now = context.now();
        output::show_list(context, &choice, list, |data| render::fleet::queue(data, now))?;
        Ok(Exit::Ok)
    })
}
