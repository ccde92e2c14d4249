//! `orchestrate explain`

use clap::Args;
use pipeline::diagnostic::{Code, nearest};
use serde_json::json;

use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::output::table::{Choice, Table};
use crate::output::{self, Format};

/// Explain a diagnostic, or list all of them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate explain E0201
  orchestrate explain")]
pub struct ExplainArgs {
    /// The code in brackets of an error or a warning
    code: Option<String>,
}

pub fn run(args: &ExplainArgs, context: &Context) -> Result<Exit> {
    match &args.code {
        Some(code) => one(code, context),
        None => all(context),
    }
}

fn one(asked: &str, context: &Context) -> Result<Exit> {
    let Some(code) = Code::find(asked) else {
        let near = nearest(asked, Code::all().map(|code| code.0));
        let failure = Failure::new(Exit::NotFound, format!("there is no diagnostic `{asked}`"))
            .hint("list all of them with `orchestrate explain`");
        return Err(match near {
            Some(near) => failure.hint(format!("orchestrate explain {near}")),
            None => failure,
        });
    };
    let text = match context.format() {
        Format::Text => code.page(),
        format => output::item(format, "orchestrate.diagnostic/v1", &view(code))?,
    };
    output::print(&text)?;
    Ok(Exit::Ok)
}

fn view(code: Code) -> serde_json::Value {
    json!({
        "code": code.0,
        "severity": code.severity().word(),
        "title": title(code),
        "page": code.page(),
    })
}

fn title(code: Code) -> &'static str {
    code.entry().map_or("", |entry| entry.title)
}

fn all(context: &Context) -> Result<Exit> {
    let text = match context.format() {
        Format::Text => {
            let mut table = Table::new(&["CODE", "WHAT"]);
            for code in Code::all() {
                table.row(vec![code.0.into(), title(code).into()]);
            }
            let choice = Choice { width: context.around.table_width(), ..Choice::default() };
            table.text(&choice, context.palette())?
        }
        format => {
            let items: Vec<_> = Code::all().map(view).collect();
            output::list(format, "orchestrate.diagnostic.list/v1", &items, None)?
        }
    };
    output::print(&text)?;
    Ok(Exit::Ok)
}
