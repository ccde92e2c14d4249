//! `orchestrate reference` (hidden): the generated pages of docs/reference.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::{Arg, Args, Command, CommandFactory as _};
use pipeline::diagnostic::Code;
use serde_json::json;

use crate::args::{Cli, EXIT_CODES};
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::output;

/// Print the generated reference: file names and their texts, as a JSON object
#[derive(Debug, Args)]
pub struct ReferenceArgs {
    /// Only this page, as text: cli, language, errors
    page: Option<String>,
}

pub fn run(args: &ReferenceArgs, _context: &Context) -> Result<Exit> {
    let pages = pages();
    let text = match &args.page {
        Some(page) => {
            let file = format!("{page}.md");
            pages.get(&file).cloned().ok_or_else(|| {
                let known: Vec<&str> = pages.keys().map(String::as_str).collect();
                crate::error::Failure::new(Exit::NotFound, format!("there is no page `{page}`"))
                    .hint(format!("pages: {}", known.join(" ")))
            })?
        }
        None => format!("{:#}\n", json!(pages)),
    };
    output::print(&text)?;
    Ok(Exit::Ok)
}

/// File name below docs/reference to text.
pub fn pages() -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    pages.insert("cli.md".to_owned(), command_line());
    pages.insert("config.md".to_owned(), server::settings::page());
    pages.insert("metrics.md".to_owned(), server::metrics_page());
    pages.insert("language.md".to_owned(), pipeline::reference::language());
    pages.insert("errors/README.md".to_owned(), pipeline::reference::codes());
    let schema = pipeline::schema::json_schema();
    pages.insert("pipeline.schema.json".to_owned(), format!("{schema:#}\n"));
    pages.insert("openapi.json".to_owned(), server::openapi().to_owned());
    for code in Code::all() {
        pages.insert(format!("errors/{code}.md"), code.page());
    }
    pages
}

fn command_line() -> String {
    let mut root = Cli::command();
    root.build();
    let mut page = String::from("# The command line\n\n");
    page += "Made by `orchestrate reference` from the program itself.\n\n";
    page += &format!("```text\n{EXIT_CODES}\n```\n");
    page += "\n## Global options\n\nEvery command takes them.\n\n";
    for arg in root.get_arguments().filter(|arg| is_global(arg)) {
        option(arg, &mut page);
    }
    describe(&root, "orchestrate", 2, &mut page);
    page
}

fn is_global(arg: &Arg) -> bool {
    arg.is_global_set()
}

/// A section for the command and one for each below it.
fn describe(command: &Command, path: &str, level: usize, page: &mut String) {
    if level > 2 {
        let heading = "#".repeat(level.min(4));
        // Writing to a `String` cannot fail.
        let _ = write!(page, "\n{heading} `{path}`\n\n");
        let about = command.get_long_about().or_else(|| command.get_about());
        if let Some(about) = about {
            let _ = writeln!(page, "{about}\n");
        }
        if !command.has_subcommands() {
            let usage = command.clone().render_usage().to_string();
            let usage = usage.trim_start_matches("Usage: ").replace('\n', " ");
            let _ = writeln!(page, "```text\n{usage}\n```\n");
        }
        let own = |arg: &&Arg| !is_global(arg) && !arg.is_hide_set() && arg.get_id() != "help";
        for arg in command.get_arguments().filter(own) {
            option(arg, page);
        }
        if let Some(examples) = command.get_after_help() {
            let _ = writeln!(page, "\n```text\n{examples}\n```");
        }
    }
    for below in command.get_subcommands() {
        if !below.is_hide_set() && below.get_name() != "help" {
            describe(below, &format!("{path} {}", below.get_name()), level + 1, page);
        }
    }
}

/// `- `--limit <N>`: At most so many rows (default 30)`
fn option(arg: &Arg, page: &mut String) {
    let value = arg
        .get_value_names()
        .filter(|_| arg.get_action().takes_values())
        .map(|names| format!(" <{}>", names.join("> <")))
        .unwrap_or_default();
    let name = match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}{value}"),
        (Some(short), None) => format!("-{short}{value}"),
        (None, Some(long)) => format!("--{long}{value}"),
        (None, None) => value.trim().to_owned(),
    };
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default().replace('\n', " ");
    let choices: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|_| arg.get_action().takes_values())
        .map(|choice| format!("`{}`", choice.get_name()))
        .collect();
    let choices =
        if choices.is_empty() { String::new() } else { format!(": {}", choices.join(", ")) };
    let _ = writeln!(page, "- `{name}`: {help}{choices}");
}
