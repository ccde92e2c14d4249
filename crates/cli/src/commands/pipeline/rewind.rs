//! `orchestrate pipeline rewind`

use clap::Args;

use crate::commands::runs::confirmed;
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::{output, session};

/// Go back to an earlier version: later runs are superseded, the next one extends it
///
/// Nothing is deleted. `--undo` takes it back until a new run has started.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate pipeline rewind release --to v2 --yes
  orchestrate pipeline rewind release --undo")]
pub struct RewindArgs {
    /// Name of the pipeline
    name: String,
    /// The version: `v2`, `2` or `release#2`
    #[arg(long, value_name = "VERSION", required_unless_present = "undo")]
    to: Option<String>,
    /// Take the last rewind of this pipeline back
    #[arg(long, conflicts_with = "to")]
    undo: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub(super) fn run(args: &RewindArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let client = &session.client;
        let done = match &args.to {
            None => client.undo_rewind_of_pipeline(&args.name).await?,
            Some(said) => {
                let number = version(said)?;
                let to = format!("{}#{number}", args.name);
                let question = format!("Supersede every run after {to}?");
                if !confirmed(args.yes, &question, context)? {
                    return Ok(Exit::Ok);
                }
                client.rewind_pipeline(&args.name, number).await?
            }
        };
        output::show_item(context, ("orchestrate.undoing/v1", &done), |done| {
            let superseded = match done.superseded.as_slice() {
                [] => "nothing is superseded".to_owned(),
                runs => format!("superseded {}", runs.join(", ")),
            };
            let label = if done.verb == "undo" { "Undone" } else { "Rewound" };
            let label = context.palette().status("rewound", label);
            Ok(format!("{label} {} to {}: {superseded}\n", args.name, done.to))
        })?;
        Ok(Exit::Ok)
    })
}

fn version(said: &str) -> Result<u64> {
    let bare = said.rsplit('#').next().unwrap_or(said);
    bare.trim_start_matches('v')
        .parse()
        .map_err(|_| Failure::usage(format!("`{said}` is no version")).hint("write --to v2"))
}
