//! `orchestrate schema`

use clap::Args;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::{self, Format};

/// Print the JSON Schema of the language, for editors
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate schema > pipeline.schema.json
  # then, as the first line of a pipeline:
  # yaml-language-server: $schema=pipeline.schema.json")]
pub struct SchemaArgs {}

pub fn run(_args: &SchemaArgs, context: &Context) -> Result<Exit> {
    let schema = pipeline::schema::json_schema();
    let format = match context.format() {
        Format::Text => Format::Json,
        format => format,
    };
    output::print(&output::document(format, &schema))?;
    Ok(Exit::Ok)
}
