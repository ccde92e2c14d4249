//! `orchestrate pipeline enable`

use clap::Args;

use super::create::tell;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::session::{Need, Session};

/// Let a disabled pipeline start runs again
#[derive(Debug, Args)]
pub struct EnableArgs {
    /// Name of the pipeline
    name: String,
}

pub(super) fn run(args: &EnableArgs, context: &Context) -> Result<Exit> {
    set(&args.name, true, context)
}

pub(super) fn set(name: &str, enabled: bool, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        session.client.set_enabled(name, enabled).await?;
        let detail = session.client.pipeline(name).await?;
        tell(if enabled { "Enabled" } else { "Disabled" }, &detail, context)?;
        session.close().await?;
        Ok(Exit::Ok)
    })
}
