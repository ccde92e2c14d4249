//! `orchestrate approval show`

use clap::Args;

use super::id;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

/// Show what is to be approved, by whom, until when, and what happens then
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate approval show A-17")]
pub struct ShowApprovalArgs {
    /// `A-17`, as in `approval list`
    id: String,
}

pub(super) fn run(args: &ShowApprovalArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let detail = session.client.approval(&id('A', &args.id)).await?;
        output::show_item(context, ("orchestrate.approval/v1", &detail), |detail| {
            render::approvals::detail(detail, context.now(), context.palette())
        })?;
        Ok(Exit::Ok)
    })
}
