//! `orchestrate runs status`

use std::fmt::Write as _;

use api::compare::LiveStatus;
use clap::Args;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, session};

/// Ask the hands what runs of a run now, and say where the record differs
///
/// What is found to have ended or to be lost is taken up at once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs status ci#4
  orchestrate runs status TASK-7-3 --output json")]
pub struct StatusArgs {
    /// `ci#4`, `TASK-7-3`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
}

pub(super) fn run(args: &StatusArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let name = session.run_name(&args.run).await?;
        let status = session.client.live_status(&name).await?;
        output::show_item(context, ("orchestrate.status.live/v1", &status), |status| {
            Ok(text(status))
        })?;
        Ok(Exit::Ok)
    })
}

fn text(status: &LiveStatus) -> String {
    let drift = if status.drift { "they differ" } else { "no drift" };
    let LiveStatus { name, recorded, live, .. } = status;
    let mut text = format!("{name}  recorded {recorded}, live {live}: {drift}\n");
    for of in &status.attempts {
        let pid = match (&of.place, of.pid) {
            (Some(place), _) => format!(" ({} `{place}`)", of.runtime),
            (None, Some(pid)) => format!(" (process {pid})"),
            (None, None) => String::new(),
        };
        // Writing to a `String` cannot fail.
        let _ = write!(
            text,
            "  {} attempt {}: recorded {}, live {}{pid}",
            of.stage, of.attempt, of.recorded, of.live
        );
        let _ =
            if of.detail.is_empty() { writeln!(text) } else { writeln!(text, ": {}", of.detail) };
    }
    for of in &status.children {
        let drift = if of.drift { ": they differ" } else { "" };
        let _ = writeln!(
            text,
            "  {} attempt {} is {}: recorded {}, live {}{drift}",
            of.stage, of.attempt, of.name, of.recorded, of.live
        );
    }
    text
}
