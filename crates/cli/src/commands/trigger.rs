//! `orchestrate trigger`

use std::path::PathBuf;

use api::event::{TestDelivery, TestEvent, TestTriggers};
use clap::{Args, Subcommand};
use serde_json::Value as Json;

use crate::args::ListArgs;
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::{output, render, session};

mod schedule;

/// See what starts pipelines, and try events on it
#[derive(Debug, Subcommand)]
pub enum TriggerCommand {
    List(ListTriggersArgs),
    Schedule(schedule::ScheduleArgs),
    Test(TestArgs),
}

/// List the triggers of pipelines
#[derive(Debug, Args)]
pub struct ListTriggersArgs {
    /// Only of this pipeline
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

/// Say for each pipeline whether an event would start it, and why; nothing is started
///
/// The event is written down (its type and `--data`), or what a forge sent (`--delivery`, as its
/// page of recent deliveries shows it; the signature is not asked for), or one that came
/// (`--stored`). `branch`, `tag`, `paths`, `labels` and `environment` in `--data` are what
/// conditions are judged on.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate trigger test push --data '{\"branch\": \"main\", \"paths\": [\"docs/a.md\"]}'
  orchestrate trigger test --delivery body.json --source gh --header 'X-GitHub-Event: push'
  orchestrate trigger test --stored gh:8f3e --pipeline ci")]
pub struct TestArgs {
    /// Its types, the most specific first: `pull_request.merged pull_request`
    #[arg(value_name = "TYPE", required_unless_present_any = ["delivery", "stored"])]
    types: Vec<String>,
    /// What it says: a JSON object
    #[arg(long, default_value = "{}", value_name = "JSON", conflicts_with_all = ["delivery", "stored"])]
    data: String,
    /// The body of a delivery
    #[arg(long, value_name = "FILE", conflicts_with_all = ["types", "stored"], requires = "source")]
    delivery: Option<PathBuf>,
    /// A header of the delivery: `X-GitHub-Event: push`
    #[arg(long, value_name = "HEADER", requires = "delivery")]
    header: Vec<String>,
    /// The source that it comes from
    #[arg(long, value_name = "NAME", conflicts_with = "stored")]
    source: Option<String>,
    /// The id of an event that came
    #[arg(long, value_name = "ID", conflicts_with = "types")]
    stored: Option<String>,
    /// Only this pipeline
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
}

pub fn run(command: TriggerCommand, context: &Context) -> Result<Exit> {
    match command {
        TriggerCommand::List(args) => list(&args, context),
        TriggerCommand::Schedule(args) => schedule::run(&args, context),
        TriggerCommand::Test(args) => test(args, context),
    }
}

fn list(args: &ListTriggersArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let mut page = session.client.triggers(args.pipeline.as_deref()).await?;
        page.data.truncate(args.list.limit as usize);
        let choice = args.list.choice(context.around.table_width());
        let list = ("orchestrate.trigger.list/v1", page.data.as_slice(), page.next.as_deref());
        output::show_list(context, &choice, list, render::triggers::list)?;
        Ok(Exit::Ok)
    })
}

fn test(args: TestArgs, context: &Context) -> Result<Exit> {
    let body = asked(args)?;
    session::talk(context, async |session| {
        let judged = session.client.test_triggers(&body).await?;
        output::show_item(context, ("orchestrate.trigger.test/v1", &judged), |judged| {
            Ok(render::triggers::judged(judged, context.palette()))
        })?;
        Ok(Exit::Ok)
    })
}

fn asked(args: TestArgs) -> Result<TestTriggers> {
    let TestArgs { types, data, delivery, header, source, stored, pipeline } = args;
    let asked = TestTriggers { stored, pipeline, ..TestTriggers::default() };
    if let (Some(file), Some(source)) = (delivery, source.clone()) {
        let body = std::fs::read_to_string(&file).map_err(|error| {
            Failure::usage(format!("`{}` cannot be read: {error}", file.display()))
                .hint("give the body of the delivery as a file of UTF-8 text")
        })?;
        let headers = header.iter().map(|header| split(header)).collect::<Result<_>>()?;
        let delivery = Some(TestDelivery { source, headers, body });
        return Ok(TestTriggers { delivery, ..asked });
    }
    if asked.stored.is_some() {
        return Ok(asked);
    }
    let Ok(data @ Json::Object(_)) = serde_json::from_str::<Json>(&data) else {
        return Err(Failure::usage("`--data` is not a JSON object")
            .hint("it has to be one JSON object, like '{\"branch\": \"main\"}'"));
    };
    let event = Some(TestEvent { types, kind: None, source, data });
    Ok(TestTriggers { event, ..asked })
}

fn split(header: &str) -> Result<(String, String)> {
    let parts = header.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
    parts.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| {
        Failure::usage(format!("`--header {header}` is no header"))
            .hint("write it as `--header 'X-GitHub-Event: push'`")
    })
}

/// What no server is needed for.
#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_header_has_a_name_and_a_value() {
        let headers: BTreeMap<String, String> =
            [split("X-GitHub-Event: push").unwrap()].into_iter().collect();
        assert_eq!(headers["X-GitHub-Event"], "push");
        assert!(split("push").is_err());
    }
}
