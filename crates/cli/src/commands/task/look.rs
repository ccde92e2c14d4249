//! `orchestrate task list`, `show`, `runs`

use clap::Args;

use crate::args::ListArgs;
use crate::client::tasks::TasksQuery;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

/// List tasks, newest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate task list --status in-progress
  orchestrate task list --label ui --output json")]
pub struct ListTasksArgs {
    /// Only those that were set to this
    #[arg(long, value_name = "STATUS", value_parser = super::change::STATUSES)]
    status: Option<String>,
    /// Only those with this label
    #[arg(long)]
    label: Option<String>,
    /// Tasks older than this one
    #[arg(long, value_name = "TASK")]
    after: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

/// Show a task, and how its runs stand
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate task show TASK-7")]
pub struct ShowTaskArgs {
    task: String,
}

/// List the runs of a task, newest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate task runs TASK-7
  orchestrate logs TASK-7-3")]
pub struct TaskRunsArgs {
    task: String,
    /// Runs older than this one
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

pub(super) fn list(args: &ListTasksArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let query = TasksQuery {
            status: args.status.clone(),
            label: args.label.clone(),
            limit: args.list.limit,
            after: args.after.clone(),
        };
        let page = session.client.tasks(&query).await?;
        let choice = args.list.choice(context.around.table_width());
        let next = page.next.as_deref();
        let list = ("orchestrate.task.list/v1", page.data.as_slice(), next);
        let now = context.now();
        output::show_list(context, &choice, list, |data| render::tasks::table(data, now))?;
        if let (true, Some(next)) = (context.is_text(), next) {
            context.note(&format!("more: orchestrate task list --after {next}"));
        }
        Ok(Exit::Ok)
    })
}

pub(super) fn show(args: &ShowTaskArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let task = session.client.task(&args.task).await?;
        output::show_item(context, ("orchestrate.task/v1", &task), |task| {
            Ok(render::tasks::page(task, context.palette()))
        })?;
        Ok(Exit::Ok)
    })
}

pub(super) fn runs(args: &TaskRunsArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let after = args.after.as_deref();
        let page = session.client.runs_of_task(&args.task, args.list.limit, after).await?;
        let choice = args.list.choice(context.around.table_width());
        let next = page.next.as_deref();
        let list = ("orchestrate.run.list/v1", page.data.as_slice(), next);
        let now = context.now();
        output::show_list(context, &choice, list, |data| render::runs::table(data, now))?;
        if let (true, Some(next)) = (context.is_text(), next) {
            context.note(&format!("more: orchestrate task runs {} --after {next}", args.task));
        }
        Ok(Exit::Ok)
    })
}
