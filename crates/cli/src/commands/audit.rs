//! `orchestrate audit`

use clap::{Args, Subcommand};

use crate::args::ListArgs;
use crate::client::flow::AuditQuery;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::render::pipelines::short_digest;
use crate::{output, render, session, words};

/// Read the audit trail, and prove that nobody changed it
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    List(ListAuditArgs),
    Verify(VerifyArgs),
}

/// List what people decided and changed, newest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate audit list --run release#9
  orchestrate audit list --by bo --action gate.voted --output ndjson")]
pub struct ListAuditArgs {
    /// Only of this run
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// Only what this user did
    #[arg(long, value_name = "USER")]
    by: Option<String>,
    /// Only this kind: `gate.voted`, `run.cancel_requested`
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Those after this one
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

/// Recompute the hash chain of every run, and of all of them together
///
/// Fails when an event was changed, removed or added behind Orchestrate's back.
#[derive(Debug, Args)]
pub struct VerifyArgs {}

pub fn run(command: AuditCommand, context: &Context) -> Result<Exit> {
    match command {
        AuditCommand::List(args) => list(&args, context),
        AuditCommand::Verify(args) => verify(&args, context),
    }
}

fn list(args: &ListAuditArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let run = session.run_name_if(args.run.as_deref()).await?;
        let query = AuditQuery {
            run,
            by: args.by.clone(),
            action: args.action.clone(),
            limit: Some(args.list.limit),
            after: args.after.clone(),
        };
        let page = session.client.audit(&query).await?;
        let choice = args.list.choice(context.around.table_width());
        let next = page.next.as_deref();
        let list = ("orchestrate.audit.list/v1", page.data.as_slice(), next);
        output::show_list(context, &choice, list, render::flow::audit)?;
        if let Some(next) = next.filter(|_| context.is_text()) {
            context.note(&format!("more: orchestrate audit list --after {next}"));
        }
        Ok(Exit::Ok)
    })
}

fn verify(_args: &VerifyArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let verified = session.client.verify_audit().await?;
        output::show_item(context, ("orchestrate.audit.verified/v1", &verified), |verified| {
            Ok(format!(
                "{}: {} of {}, chain {}\n",
                context.palette().status("ok", "ok"),
                words::count(verified.events, "event"),
                words::count(verified.runs, "run"),
                short_digest(&verified.head),
            ))
        })?;
        Ok(Exit::Ok)
    })
}
