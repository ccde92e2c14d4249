//! `orchestrate open`

use clap::Args;

use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::{output, session};

/// Print a link that opens a browser's session: once, within five minutes
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate open")]
pub struct OpenArgs {}

pub fn run(_args: &OpenArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let link = session.client.session_link().await?;
        if link.url.is_none() {
            return Err(Failure::new(Exit::Conflict, "nobody listens for browsers")
                .hint("start the server: orchestrate serve"));
        }
        output::show_item(context, ("orchestrate.link/v1", &link), |link| {
            Ok(format!("{}\n", link.url.as_deref().unwrap_or_default()))
        })?;
        Ok(Exit::Ok)
    })
}
