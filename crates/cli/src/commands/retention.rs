//! `orchestrate retention`

use clap::Args;

use crate::commands::runs::confirmed;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, session, words};

/// Let go of what need not be kept, by the rules of `retention:` in config.yaml
///
/// A server does it every hour. Journals of old runs lose what is no decision and keep their
/// hashes, so that `orchestrate audit verify` still holds; captured output, workspaces, events from
/// outside and notices are removed. Runs that have not finished, what they go on from, and the
/// latest run of each pipeline keep everything.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate retention --dry-run
  orchestrate retention --yes")]
pub struct RetentionArgs {
    /// Say what would go, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub fn run(args: &RetentionArgs, context: &Context) -> Result<Exit> {
    if !args.dry_run && !confirmed(args.yes, "Let go of what need not be kept?", context)? {
        return Ok(Exit::Ok);
    }
    session::talk(context, async |session| {
        let done = session.client.retention(args.dry_run).await?;
        output::show_item(context, ("orchestrate.retention/v1", &done), |done| {
            let verb = if done.dry_run { "would go" } else { "went" };
            let mut text = String::new();
            for item in &done.items {
                let bytes = match item.bytes {
                    0 => String::new(),
                    bytes => format!(" ({})", words::bytes(bytes)),
                };
                text += &format!("{:<11} {:>8} {verb}{bytes}\n", item.kind, item.count);
            }
            if done.items.is_empty() {
                text += "no rule says that anything may go: see `retention:` in \
                         docs/reference/config.md\n";
            }
            for problem in &done.problems {
                text += &format!("warning: {problem}\n");
            }
            Ok(text)
        })?;
        Ok(Exit::Ok)
    })
}
