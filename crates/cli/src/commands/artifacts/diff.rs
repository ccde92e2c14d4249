//! `orchestrate artifacts diff`

use clap::Args;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

/// Compare two artifacts
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate artifacts diff 7 12")]
pub struct DiffArgs {
    /// The older one, as in `artifacts list`
    from: String,
    /// The newer one
    to: String,
}

pub(super) fn run(args: &DiffArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let diff = session.client.artifact_diff(&args.to, &args.from).await?;
        output::show_item(context, ("orchestrate.artifact.diff/v1", &diff), |diff| {
            Ok(render::artifacts::diff(diff, context.palette()))
        })?;
        Ok(Exit::Ok)
    })
}
