//! `orchestrate pipeline update`

use clap::Args;

use super::create::{definition, tell};
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::session::{Need, Session};

/// Store a new revision of a pipeline
///
/// Runs that are going on keep the revision they started with.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate pipeline update ci ci.yaml
  orchestrate pipeline update ci ci.yaml --expect 3")]
pub struct UpdateArgs {
    /// Name of the pipeline; the file has to give the same
    name: String,
    /// The definition; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// Refuse when the current revision is another one
    #[arg(long, value_name = "REVISION")]
    expect: Option<u32>,
}

pub(super) fn run(args: &UpdateArgs, context: &Context) -> Result<Exit> {
    let mut definition = definition(&args.file, context)?;
    definition.expected_revision = args.expect;
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let detail = session.client.update_pipeline(&args.name, &definition).await?;
        tell("Updated", &detail, context)?;
        session.close().await?;
        Ok(Exit::Ok)
    })
}
