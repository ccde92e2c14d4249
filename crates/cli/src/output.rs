//! How a result is written: text for people, JSON, NDJSON or YAML for programs.

pub mod table;
pub mod yaml;

use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::context::Context;
use crate::error::{Failure, Result};
use table::{Choice, Table};

/// `--output`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Words and tables; the same in a pipe, without colour
    #[default]
    Text,
    /// One JSON document
    Json,
    /// One JSON document a line, for each item
    Ndjson,
    /// The JSON document as YAML
    Yaml,
}

/// Writes to stdout. Fails quietly when the reader has gone.
pub fn print(text: &str) -> Result<()> {
    print_bytes(text.as_bytes())
}

/// The same for bytes that need not be text.
pub fn print_bytes(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(())
}

/// A note on stderr. A closed stderr is nobody's problem.
pub fn say(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

/// `{"schema": ..., "data": [...], "next": null}` in one of the structured formats.
pub fn list<T: Serialize>(
    format: Format,
    schema: &str,
    items: &[T],
    next: Option<&str>,
) -> Result<String> {
    let data = value(&items)?;
    match (format, data) {
        (Format::Ndjson, Json::Array(items)) => {
            Ok(items.iter().map(|item| format!("{item}\n")).collect())
        }
        (format, data) => {
            Ok(document(format, &json!({"schema": schema, "data": data, "next": next})))
        }
    }
}

/// `{"schema": ..., "data": {...}}` in one of the structured formats.
pub fn item<T: Serialize>(format: Format, schema: &str, item: &T) -> Result<String> {
    let data = value(item)?;
    Ok(document(format, &json!({"schema": schema, "data": data})))
}

/// Prints a list as a table, or in the structured format that was asked for.
pub fn show_list<T: Serialize>(
    context: &Context,
    choice: &Choice,
    (schema, items, next): (&str, &[T], Option<&str>),
    table: impl FnOnce(&[T]) -> Table,
) -> Result<()> {
    print(&match context.format() {
        Format::Text => table(items).text(choice, context.palette())?,
        format => list(format, schema, items, next)?,
    })
}

/// Prints one thing as text, or in the structured format that was asked for.
pub fn show_item<T: Serialize>(
    context: &Context,
    (schema, thing): (&str, &T),
    text: impl FnOnce(&T) -> Result<String>,
) -> Result<()> {
    print(&match context.format() {
        Format::Text => text(thing)?,
        format => item(format, schema, thing)?,
    })
}

fn value<T: Serialize>(data: &T) -> Result<Json> {
    serde_json::to_value(data).map_err(|error| Failure::internal("write the result", &error))
}

/// Ends with a line break.
pub fn document(format: Format, document: &Json) -> String {
    match format {
        Format::Text | Format::Json => format!("{document:#}\n"),
        Format::Ndjson => format!("{document}\n"),
        Format::Yaml => yaml::text(document),
    }
}
