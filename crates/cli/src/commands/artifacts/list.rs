//! `orchestrate artifacts list`, `orchestrate runs artifacts`

use clap::Args;

use crate::args::ListArgs;
use crate::client::flow::ArtifactsQuery;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

/// List artifacts, newest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate artifacts list --run release#9
  orchestrate artifacts list --run release --stage plan --output json")]
pub struct ListArtifactsArgs {
    /// Only of this run
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    #[command(flatten)]
    narrow: Narrow,
}

/// Shared with `runs artifacts`.
#[derive(Debug, Args)]
pub(crate) struct Narrow {
    /// Only of this stage or instance
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// Those after this one
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

pub(super) fn run(args: &ListArtifactsArgs, context: &Context) -> Result<Exit> {
    print(args.run.as_deref(), &args.narrow, context)
}

pub(crate) fn print(run: Option<&str>, narrow: &Narrow, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let run = session.run_name_if(run).await?;
        let with_run = run.is_none();
        let query = ArtifactsQuery {
            run,
            stage: narrow.stage.clone(),
            limit: Some(narrow.list.limit),
            after: narrow.after.clone(),
        };
        let page = session.client.artifacts(&query).await?;
        let choice = narrow.list.choice(context.around.table_width());
        let next = page.next.as_deref();
        let list = ("orchestrate.artifact.list/v1", page.data.as_slice(), next);
        output::show_list(context, &choice, list, |data| render::artifacts::table(data, with_run))?;
        if let Some(next) = next.filter(|_| context.is_text()) {
            context.note(&format!("more: orchestrate artifacts list --after {next}"));
        }
        Ok(Exit::Ok)
    })
}
