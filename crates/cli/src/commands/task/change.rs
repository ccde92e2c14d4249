//! `orchestrate task create`, `update`, `delete`, `start`, `stop`

use std::collections::BTreeMap;

use api::task::{ChangeTask, CreateTask, StartTask, StopTask, TaskView};
use clap::Args;
use serde_json::Value as Json;

use crate::commands::run::{MODES, pair};
use crate::commands::runs::go_on;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::session::{Need, Session};
use crate::{output, session, words};

pub(super) const STATUSES: [&str; 4] = ["todo", "in-progress", "done", "cancelled"];
const ON_ACTIVE: [&str; 4] = ["replace", "reject", "queue", "allow"];

/// Add a task; it is called TASK-<n> unless it is given a name
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate task create \"Dark mode\" --pipeline feature -p goal=dark --label ui
  orchestrate task create \"Ship it\" --id SHIP --pipeline release --after TASK-1,TASK-2")]
pub struct CreateArgs {
    /// What it is about, in one line
    title: String,
    /// Its name: letters, digits, `_` and `-`
    #[arg(long)]
    id: Option<String>,
    /// `in-progress` starts it at once
    #[arg(long, value_name = "STATUS", value_parser = STATUSES)]
    status: Option<String>,
    #[command(flatten)]
    written: WrittenArgs,
}

/// Change what is given of a task; the rest stays
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate task update TASK-7 --status in-progress
  orchestrate task update TASK-7 --label ui,night --on-active queue")]
pub struct UpdateArgs {
    task: String,
    #[arg(long)]
    title: Option<String>,
    /// `in-progress` starts it; the others stop its runs
    #[arg(long, value_name = "STATUS", value_parser = STATUSES)]
    status: Option<String>,
    #[command(flatten)]
    written: WrittenArgs,
}

/// What is written in a task.
#[derive(Debug, Args)]
struct WrittenArgs {
    #[arg(long)]
    description: Option<String>,
    /// What a start runs
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    /// An input of its runs; JSON where it is JSON, else text
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
    #[arg(long, value_delimiter = ',', value_name = "LABELS")]
    label: Option<Vec<String>>,
    /// What it is about to change
    #[arg(long, value_delimiter = ',', value_name = "GLOBS")]
    paths: Option<Vec<String>>,
    /// Tasks that have to be done before it starts
    #[arg(long, value_delimiter = ',', value_name = "TASKS")]
    after: Option<Vec<String>>,
    /// The higher the sooner
    #[arg(long, allow_negative_numbers = true, value_name = "N")]
    priority: Option<i64>,
    /// What a start does about runs that have not ended
    #[arg(long, value_name = "WHAT", value_parser = ON_ACTIVE)]
    on_active: Option<String>,
    /// Start it although tasks that it needs are not done
    #[arg(long)]
    force: bool,
}

/// Delete a task; its runs stay
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate task delete TASK-7")]
pub struct DeleteArgs {
    task: String,
}

/// Start a task: a new run of its pipeline, named <task>-<n>
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate task start TASK-7
  orchestrate task start TASK-7 -p goal=darker --on-active queue --detach")]
pub struct StartArgs {
    task: String,
    /// An input, before the task's own; read by its declared type
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
    /// Another pipeline than the task's
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    /// What to do about its runs that have not ended
    #[arg(long, value_name = "WHAT", value_parser = ON_ACTIVE)]
    on_active: Option<String>,
    /// Go no further than this: `shadow` does nothing and says what would be done
    #[arg(long, value_name = "MODE", value_parser = MODES)]
    mode: Option<String>,
    /// Also when tasks that it needs are not done
    #[arg(long)]
    force: bool,
    /// Leave it in the background
    #[arg(long)]
    detach: bool,
    /// Exit with 13 instead of waiting when only a person's decision is missing
    #[arg(long, conflicts_with = "detach")]
    exit_on_wait: bool,
}

/// Stop a task: its active runs are cancelled
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate task stop TASK-7 --reason \"not now\"")]
pub struct StopArgs {
    task: String,
    #[arg(long, default_value = "")]
    reason: String,
}

/// Text stays text, everything else is what it says.
fn inputs(pairs: Vec<(String, String)>) -> BTreeMap<String, Json> {
    let value = |text: String| serde_json::from_str(&text).unwrap_or(Json::String(text));
    pairs.into_iter().map(|(name, text)| (name, value(text))).collect()
}

/// An option that was given empty takes away what was there.
fn entries(given: Option<Vec<String>>) -> Option<Vec<String>> {
    given.map(|given| given.into_iter().filter(|entry| !entry.is_empty()).collect())
}

pub(super) fn create(args: CreateArgs, context: &Context) -> Result<Exit> {
    let CreateArgs { title, id, status, written } = args;
    let body = CreateTask {
        id,
        title,
        description: written.description.unwrap_or_default(),
        pipeline: written.pipeline,
        inputs: inputs(written.param),
        labels: entries(written.label).unwrap_or_default(),
        paths: entries(written.paths).unwrap_or_default(),
        prerequisites: entries(written.after).unwrap_or_default(),
        priority: written.priority.unwrap_or_default(),
        on_active: written.on_active,
        status,
        force: written.force,
    };
    session::talk(context, async |session| {
        let task = session.client.create_task(&body).await?;
        tell(context, "Created", &task)?;
        Ok(Exit::Ok)
    })
}

pub(super) fn update(args: UpdateArgs, context: &Context) -> Result<Exit> {
    let UpdateArgs { task, title, status, written } = args;
    let body = ChangeTask {
        title,
        description: written.description,
        pipeline: written.pipeline,
        inputs: (!written.param.is_empty()).then(|| inputs(written.param)),
        labels: entries(written.label),
        paths: entries(written.paths),
        prerequisites: entries(written.after),
        priority: written.priority,
        on_active: written.on_active,
        status,
        force: written.force,
    };
    session::talk(context, async |session| {
        let task = session.client.change_task(&task, &body).await?;
        tell(context, "Updated", &task)?;
        Ok(Exit::Ok)
    })
}

pub(super) fn delete(args: &DeleteArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        session.client.delete_task(&args.task).await?;
        let done = serde_json::json!({"id": args.task, "deleted": true});
        output::show_item(context, ("orchestrate.task/v1", &done), |_| {
            Ok(format!("Deleted {}\n", args.task))
        })?;
        Ok(Exit::Ok)
    })
}

pub(super) fn start(args: StartArgs, context: &Context) -> Result<Exit> {
    let body = StartTask {
        pipeline: args.pipeline,
        input_texts: args.param.into_iter().collect(),
        on_active: args.on_active,
        mode: args.mode,
        force: args.force,
        ..StartTask::default()
    };
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let run = session.client.start_task(&args.task, &body).await?;
        go_on(context, session, run, (args.detach, args.exit_on_wait)).await
    })
}

pub(super) fn stop(args: StopArgs, context: &Context) -> Result<Exit> {
    let body = StopTask { reason: args.reason };
    session::talk(context, async |session| {
        let task = session.client.stop_task(&args.task, &body).await?;
        tell(context, "Stopped", &task)?;
        Ok(Exit::Ok)
    })
}

/// `Created TASK-7 (to do: it has not been started)`
fn tell(context: &Context, done: &str, task: &TaskView) -> Result<()> {
    output::show_item(context, ("orchestrate.task/v1", task), |task| {
        let word = context.palette().status(&task.status.derived, &words::title(done));
        Ok(format!("{word} {} ({})\n", task.id, task.status.says))
    })
}
