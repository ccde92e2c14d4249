//! `orchestrate artifacts show`

use clap::Args;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

/// Show where an artifact came from, its size and its digest
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate artifacts show 12")]
pub struct ShowArtifactArgs {
    /// As in `artifacts list`
    id: String,
}

pub(super) fn run(args: &ShowArtifactArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let artifact = session.client.artifact(&args.id).await?;
        output::show_item(context, ("orchestrate.artifact/v1", &artifact), |artifact| {
            Ok(render::artifacts::detail(artifact, context.now(), context.palette()))
        })?;
        Ok(Exit::Ok)
    })
}
