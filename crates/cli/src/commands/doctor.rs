//! `orchestrate doctor`

mod checks;
mod trees;

use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::{self, Format};
use crate::session;
use crate::terminal::Palette;
use crate::words;

/// Check what Orchestrate needs on this machine and in the data folder
///
/// Each line says ok, warn or fail, and what to do about it. Changes nothing but a file that it
/// removes again. Exits with 1 when a check fails.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate doctor
  orchestrate doctor --json | jq '.data[] | select(.state != \"ok\")'")]
pub struct DoctorArgs {}

/// One line.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub state: State,
    /// What was found.
    pub found: String,
    /// What to do about it; empty when it is fine.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ok,
    Warn,
    Fail,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

pub fn run(_args: &DoctorArgs, context: &Context) -> Result<Exit> {
    let folder = session::data_dir(context)?;
    let checks = context.block_on(async { Ok(checks::all(&folder, &context.said).await) })?;
    match context.format() {
        Format::Text => output::print(&text(&checks, context.palette()))?,
        format => {
            output::print(&output::list(format, "orchestrate.check.list/v1", &checks, None)?)?;
        }
    }
    let failed = checks.iter().any(|check| check.state == State::Fail);
    Ok(if failed { Exit::Internal } else { Exit::Ok })
}

/// `ok    disk         4.1 GiB free`
fn text(checks: &[Check], palette: Palette) -> String {
    let width = checks.iter().map(|check| words::width(check.name)).max().unwrap_or(0);
    let mut out = String::new();
    for check in checks {
        let word = check.state.word();
        let state = palette.status(word, &words::pad_end(word, 4));
        out += &format!("{state}  {}  {}\n", words::pad_end(check.name, width), check.found);
        if !check.remedy.is_empty() {
            let pad = " ".repeat(width + 8);
            out += &format!("{pad}{} {}\n", palette.note("remedy:"), check.remedy);
        }
    }
    out
}
