//! `orchestrate event`

use api::flow::GiveEvent;
use clap::{Args, Subcommand};
use serde_json::Value as Json;

use crate::args::ListArgs;
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::{output, render, session};

/// Give events to runs that wait for them
#[derive(Debug, Subcommand)]
pub enum EventCommand {
    Emit(EmitArgs),
    List(ListEventsArgs),
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

pub fn run(command: EventCommand, context: &Context) -> Result<Exit> {
    match command {
        EventCommand::Emit(args) => emit(&args, context),
        EventCommand::List(args) => list(&args, context),
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
