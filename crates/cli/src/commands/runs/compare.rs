//! `orchestrate runs compare`

use clap::Args;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

/// Show two runs side by side: inputs, definition, stages, outputs, artifacts
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs compare ci#3 ci#4
  orchestrate runs compare TASK-7-1 TASK-7-2 --output json")]
pub struct CompareArgs {
    /// The older one
    a: String,
    b: String,
}

pub(super) fn run(args: &CompareArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let (a, b) = (session.run_name(&args.a).await?, session.run_name(&args.b).await?);
        let found = session.client.compare(&a, &b).await?;
        output::show_item(context, ("orchestrate.comparison/v1", &found), |found| {
            render::compare::page(found, context.palette())
        })?;
        Ok(Exit::Ok)
    })
}
