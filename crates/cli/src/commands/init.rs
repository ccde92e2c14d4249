//! `orchestrate init`

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::output::{self, Format};

const FIRST: &str = include_str!("../../../../templates/first.yaml");
/// Beside the pipelines; their first line names it.
const SCHEMA: &str = "pipeline.schema.json";

/// Write a first pipeline that runs as it is
///
/// Writes pipelines/feature.yaml: six stages of agents that follow a script, without any key, and
/// one decision that is yours. Beside it pipeline.schema.json, by which an editor completes it. An
/// existing pipeline is never overwritten.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate init && orchestrate run pipelines/feature.yaml")]
pub struct InitArgs {
    /// Folder of the project
    #[arg(long, default_value = ".", value_name = "DIR")]
    dir: PathBuf,
}

pub fn run(args: &InitArgs, context: &Context) -> Result<Exit> {
    let folder = args.dir.join("pipelines");
    let path = folder.join("feature.yaml");
    write_new(&path, FIRST)?;
    write_schema(&folder.join(SCHEMA))?;
    tell_written(&path, context)?;
    Ok(Exit::Ok)
}

/// That of this program, whatever an older one wrote there.
fn write_schema(path: &Path) -> Result<()> {
    let text = output::document(Format::Json, &pipeline::schema::json_schema());
    std::fs::write(path, text)
        .map_err(|error| Failure::internal(&format!("write `{}`", path.display()), &error))
}

/// Says where the file is and what to do with it.
pub(crate) fn tell_written(path: &Path, context: &Context) -> Result<()> {
    let shown = shown(path);
    if context.is_text() {
        output::print(&format!("{shown}\n"))?;
        context.note(&format!("wrote {shown}; run it: orchestrate run {shown}"));
    } else {
        let item = serde_json::json!({"file": shown});
        output::print(&output::item(context.format(), "orchestrate.file/v1", &item)?)?;
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

/// Creates the file and the folders above it; an existing file is a conflict and stays as it is.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<()> {
    let failed = |error: io::Error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            Failure::new(Exit::Conflict, format!("`{}` exists already", shown(path)))
                .hint("it was left as it is; move it away to get a fresh one")
        } else {
            Failure::internal(&format!("write `{}`", path.display()), &error)
        }
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| {
            Failure::internal(&format!("create the folder `{}`", folder.display()), &error)
        })?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
