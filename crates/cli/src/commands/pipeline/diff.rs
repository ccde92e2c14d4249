//! `orchestrate pipeline diff`

use api::pipeline::Revision;
use clap::Args;
use similar::{ChangeTag, TextDiff};

use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::output;
use crate::session::{Need, Session};
use crate::terminal::Palette;

/// Show what changed between two revisions of a pipeline
///
/// Without numbers: between the last two. With one: between it and the current one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate pipeline diff ci
  orchestrate pipeline diff ci 1 3")]
pub struct DiffArgs {
    /// Name of the pipeline
    name: String,
    /// The older revision
    #[arg(value_parser = revision)]
    from: Option<u32>,
    /// The newer revision
    #[arg(value_parser = revision)]
    to: Option<u32>,
}

/// `3` or `v3`
fn revision(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix('v').unwrap_or(text);
    match digits.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("write the number of a revision, like 3 or v3".to_owned()),
    }
}

pub(super) fn run(args: &DiffArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let current = session.client.pipeline(&args.name).await?.summary.revision;
        let to = args.to.unwrap_or(current);
        let from = args.from.unwrap_or_else(|| to.saturating_sub(1));
        if from == 0 {
            return Err(Failure::new(
                Exit::Conflict,
                format!("`{}` has only one revision", args.name),
            )
            .hint(format!("show it with `orchestrate pipeline show {}`", args.name)));
        }
        let older = session.client.revision(&args.name, from).await?;
        let newer = session.client.revision(&args.name, to).await?;
        session.close().await?;
        let text = if context.is_text() {
            unified(&args.name, &older, &newer, context.palette())
        } else {
            let item = serde_json::json!({
                "pipeline": args.name,
                "from": from,
                "to": to,
                "diff": unified(&args.name, &older, &newer, Palette::PLAIN),
            });
            output::item(context.format(), "orchestrate.diff/v1", &item)?
        };
        output::print(&text)?;
        if text.is_empty() {
            context.note(&format!("v{from} and v{to} are the same"));
        }
        Ok(Exit::Ok)
    })
}

/// A unified diff with three lines around each change; empty when nothing differs.
pub(super) fn unified(name: &str, older: &Revision, newer: &Revision, palette: Palette) -> String {
    let diff = TextDiff::from_lines(&older.definition, &newer.definition);
    let mut out = String::new();
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        if out.is_empty() {
            out += &palette.bold(&format!("--- {name} v{}", older.number));
            out.push('\n');
            out += &palette.bold(&format!("+++ {name} v{}", newer.number));
            out.push('\n');
        }
        out += &palette.note(&hunk.header().to_string());
        out.push('\n');
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches(['\r', '\n']);
            out += &match change.tag() {
                ChangeTag::Equal => format!(" {line}"),
                ChangeTag::Delete => palette.status("failed", &format!("-{line}")),
                ChangeTag::Insert => palette.status("ok", &format!("+{line}")),
            };
            out.push('\n');
        }
    }
    out
}
