//! `orchestrate notify`

use api::notice::TargetTested;
use clap::{Args, Subcommand};

use crate::args::ListArgs;
use crate::client::notices::NoticesQuery;
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::{output, render, session};

/// See what people were told, send it again, and test targets
#[derive(Debug, Subcommand)]
pub enum NotifyCommand {
    List(ListNoticesArgs),
    Show(ShowArgs),
    Retry(RetryArgs),
    Test(TestArgs),
    Targets(TargetsArgs),
}

const STATUSES: [&str; 3] = ["waiting", "delivered", "given_up"];

/// List notices, newest first, and how it went
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate notify list --status given_up
  orchestrate notify list --target ops --run deploy#42 --output json")]
pub struct ListNoticesArgs {
    /// Only to this target
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Only in these states
    #[arg(long, value_name = "STATUS", value_parser = STATUSES, value_delimiter = ',')]
    status: Vec<String>,
    /// Only of this run
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// Those after this one
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

/// Show a notice: what it says, and why it did not arrive
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate notify show N-17")]
pub struct ShowArgs {
    /// As in `notify list`
    id: String,
}

/// Send a notice that waits or was given up now; it is tried for as long as a new one
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate notify retry N-17")]
pub struct RetryArgs {
    /// As in `notify list`
    id: String,
}

/// Send a test notice to a target, and say exactly what went wrong
///
/// Exit codes: 0 it arrived; 4 there is no such target; 5 what `config.yaml` says of it has to be
/// corrected; 7 it cannot be reached; 14 it answered no.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate notify test ops")]
pub struct TestArgs {
    /// As in `notify targets`
    target: String,
}

/// List targets: where they lead, what they are told, what waits for them
#[derive(Debug, Args)]
pub struct TargetsArgs {
    #[command(flatten)]
    list: ListArgs,
}

pub fn run(command: NotifyCommand, context: &Context) -> Result<Exit> {
    match command {
        NotifyCommand::List(args) => list(&args, context),
        NotifyCommand::Show(args) => show(&args, context),
        NotifyCommand::Retry(args) => retry(&args, context),
        NotifyCommand::Test(args) => test(&args, context),
        NotifyCommand::Targets(args) => targets(&args, context),
    }
}

fn list(args: &ListNoticesArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let query = NoticesQuery {
            target: args.target.clone(),
            status: (!args.status.is_empty()).then(|| args.status.join(",")),
            run: session.run_name_if(args.run.as_deref()).await?,
            limit: args.list.limit,
            after: args.after.clone(),
        };
        let page = session.client.notices(&query).await?;
        let choice = args.list.choice(context.around.table_width());
        let next = page.next.as_deref();
        let list = ("orchestrate.notice.list/v1", page.data.as_slice(), next);
        let now = context.now();
        output::show_list(context, &choice, list, |data| render::notices::table(data, now))?;
        if let Some(next) = next.filter(|_| context.is_text()) {
            context.note(&format!("more: orchestrate notify list --after {next}"));
        }
        Ok(Exit::Ok)
    })
}

fn show(args: &ShowArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let notice = session.client.notice(&args.id).await?;
        let now = context.now();
        output::show_item(context, ("orchestrate.notice/v1", &notice), |notice| {
            Ok(render::notices::detail(notice, now))
        })?;
        Ok(Exit::Ok)
    })
}

fn retry(args: &RetryArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let notice = session.client.retry_notice(&args.id).await?;
        output::show_item(context, ("orchestrate.notice/v1", &notice), |notice| {
            Ok(format!("Sending {} to {} again\n", notice.id, notice.target))
        })?;
        context.note(&format!("see how it goes: orchestrate notify show {}", notice.id));
        Ok(Exit::Ok)
    })
}

fn test(args: &TestArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let tested = session.client.test_target(&args.target).await?;
        let fine = tested.delivered;
        if fine || !context.is_text() {
            output::show_item(context, ("orchestrate.target_tested/v1", &tested), |tested| {
                let problem = match tested.problem.as_str() {
                    "" => String::new(),
                    problem => format!(" ({problem})"),
                };
                Ok(format!("{} took it within {} ms{problem}\n", tested.target, tested.took_ms))
            })?;
        }
        if fine { Ok(Exit::Ok) } else { Err(failure(&tested)) }
    })
}

fn failure(tested: &TargetTested) -> Failure {
    let TargetTested { target, code, problem, hints, took_ms, .. } = tested;
    let exit = match code.as_str() {
        "dns" | "connect" | "tls" | "timeout" | "broken" | "too-large" => Exit::Unreachable,
        "http" | "smtp" | "exit" => Exit::Rejected,
        _ => Exit::Conflict,
    };
    let message = format!("{target} did not take it ({code}, after {took_ms} ms): {problem}");
    let mut failure = Failure::new(exit, message);
    code.clone_into(&mut failure.code);
    hints.iter().fold(failure, |failure, hint| failure.hint(hint.as_str()))
}

fn targets(args: &TargetsArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let mut page = session.client.notify_targets().await?;
        page.data.truncate(args.list.limit as usize);
        let choice = args.list.choice(context.around.table_width());
        let list = ("orchestrate.notify_target.list/v1", page.data.as_slice(), None);
        output::show_list(context, &choice, list, render::notices::targets)?;
        if context.is_text() && page.data.is_empty() {
            context.note("no target: add `notify: {targets: ...}` to `config.yaml`");
        }
        Ok(Exit::Ok)
    })
}
