//! `orchestrate event`

use api::event::ReplayEvent;
use api::flow::GiveEvent;
use clap::{Args, Subcommand};
use serde_json::Value as Json;

use crate::args::ListArgs;
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::{output, render, session};

/// Give events to runs that wait for them and to pipelines that they start
#[derive(Debug, Subcommand)]
pub enum EventCommand {
    Emit(EmitArgs),
    List(ListEventsArgs),
    Show(ShowEventArgs),
    Replay(ReplayArgs),
}

/// Give an event; it is stored before runs are asked whether they wait for it
///
/// The same --id is taken once, so a script may send it again after a failure.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate event emit spec.ready --data '{\"spec\": {\"id\": \"s1\"}}'
  orchestrate event emit build.done --run release#9 --id build-311")]
pub struct EmitArgs {
    /// Its type: `spec.ready`
    #[arg(value_name = "TYPE")]
    kind: String,
    /// What it says: a JSON object
    #[arg(long, default_value = "{}", value_name = "JSON")]
    data: String,
    /// Only for this run
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// Its name; drawn when it is left out
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

/// List events that were given, newest first, and which runs took them
#[derive(Debug, Args)]
pub struct ListEventsArgs {
    /// Those after this one
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

/// Show an event: what it says, what it started, and what each trigger says to it now
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate event show gh:8f3e
  orchestrate event show gh:8f3e --output json")]
pub struct ShowEventArgs {
    /// As in `event list`
    #[arg(value_name = "ID")]
    id: String,
}

/// Give an event again, as a new one: it starts what it would start now
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate event replay gh:8f3e --dry-run
  orchestrate event replay gh:8f3e --pipeline ci")]
pub struct ReplayArgs {
    /// As in `event list`
    #[arg(value_name = "ID")]
    id: String,
    /// Only say what it would start, and why
    #[arg(long)]
    dry_run: bool,
    /// Only this pipeline
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    /// Only this trigger of the pipeline
    #[arg(long, value_name = "NAME", requires = "pipeline")]
    trigger: Option<String>,
}

pub fn run(command: EventCommand, context: &Context) -> Result<Exit> {
    match command {
        EventCommand::Emit(args) => emit(&args, context),
        EventCommand::List(args) => list(&args, context),
        EventCommand::Show(args) => show(&args, context),
        EventCommand::Replay(args) => replay(args, context),
    }
}

fn emit(args: &EmitArgs, context: &Context) -> Result<Exit> {
    let wrong = |what: &str| {
        Failure::usage(format!("`--data`: {what}"))
            .hint("it has to be one JSON object, like '{\"id\": \"s1\"}'")
    };
    let data = match serde_json::from_str::<Json>(&args.data) {
        Ok(data @ Json::Object(_)) => data,
        Ok(_) => return Err(wrong("not a JSON object")),
        Err(error) => return Err(wrong(&error.to_string())),
    };
    session::talk(context, async |session| {
        let run = session.run_name_if(args.run.as_deref()).await?;
        let event = GiveEvent { kind: args.kind.clone(), data, id: args.id.clone(), run };
        let given = session.client.give_event(&event).await?;
        output::show_item(context, ("orchestrate.given_event/v1", &given), |given| {
            Ok(render::flow::given_event(given, context.palette()))
        })?;
        Ok(Exit::Ok)
    })
}

fn show(args: &ShowEventArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let event = session.client.event(&args.id).await?;
        let judged = session.client.event_matches(&args.id).await?;
        output::show_item(context, ("orchestrate.event/v1", &event), |event| {
            Ok(render::triggers::event(event, &judged, context.palette()))
        })?;
        Ok(Exit::Ok)
    })
}

fn replay(args: ReplayArgs, context: &Context) -> Result<Exit> {
    let ReplayArgs { id, dry_run, pipeline, trigger } = args;
    let body = ReplayEvent { dry_run, pipeline, trigger };
    session::talk(context, async |session| {
        if dry_run {
            let judged = session.client.replay_dry(&id, &body).await?;
            output::show_item(context, ("orchestrate.trigger.test/v1", &judged), |judged| {
                Ok(render::triggers::judged(judged, context.palette()))
            })?;
            return Ok(Exit::Ok);
        }
        let given = session.client.replay(&id, &body).await?;
        output::show_item(context, ("orchestrate.given_event/v1", &given), |given| {
            Ok(render::flow::given_event(given, context.palette()))
        })?;
        Ok(Exit::Ok)
    })
}

fn list(args: &ListEventsArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let after = args.after.as_deref();
        let page = session.client.given_events(args.list.limit, after).await?;
        let choice = args.list.choice(context.around.table_width());
        let next = page.next.as_deref();
        let list = ("orchestrate.given_event.list/v1", page.data.as_slice(), next);
        let now = context.now();
        output::show_list(context, &choice, list, |data| render::flow::given_events(data, now))?;
        if let Some(next) = next.filter(|_| context.is_text()) {
            context.note(&format!("more: orchestrate event list --after {next}"));
        }
        Ok(Exit::Ok)
    })
}
