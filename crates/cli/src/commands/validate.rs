//! `orchestrate validate`

use std::io::Read as _;
use std::path::Path;

use api::problem::{Diagnostic, PlaceView, SpanView};
use clap::Args;
use pipeline::source::place;
use serde_json::json;

use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::output::{self, Format};
use crate::{render, session};

/// Longer definitions are refused by the language; no more than this is read of a file.
const READ_LIMIT: u64 = (1 << 20) + 1;

/// Check definitions: every mistake at once, nothing is executed
///
/// Agents and loop types are looked for as a run that is started from this directory would find them:
/// in its files and in the data folder. With `--server` its data folder is not looked at.
///
/// Exits with 3 when a definition has errors. `-` reads standard input.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate validate pipelines/*.yaml
  orchestrate validate ci.yaml --strict
  orchestrate validate ci.yaml --output json | jq '.data[].diagnostics'")]
pub struct ValidateArgs {
    /// Definitions
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Warnings are errors
    #[arg(long)]
    strict: bool,
}

pub fn run(args: &ValidateArgs, context: &Context) -> Result<Exit> {
    let colour = context.palette().on;
    let mut all_valid = true;
    let mut text = String::new();
    let mut items = Vec::new();
    for file in &args.files {
        let checked = Checked::of(file, read(file)?, context);
        let refused = args.strict && checked.parsed.has_warnings();
        let valid = !checked.parsed.has_errors() && !refused;
        all_valid &= valid;
        if context.is_text() {
            text += &checked.rendered(colour);
            if checked.parsed.diagnostics.is_empty() {
                let about = checked.parsed.pipeline.as_ref().map(render::graph::about);
                text += &format!("{}: ok: {}\n", checked.file, about.unwrap_or_default());
            }
        } else {
            items.push(json!({
                "file": checked.file,
                "valid": valid,
                "name": checked.parsed.pipeline.as_ref().map(|pipeline| &pipeline.name),
                "stages": checked.stages(),
                "diagnostics": checked.diagnostics(),
            }));
        }
    }
    match context.format() {
        Format::Text => output::print(&text)?,
        format => {
            output::print(&output::list(format, "orchestrate.validation.list/v1", &items, None)?)?;
        }
    }
    Ok(if all_valid { Exit::Ok } else { Exit::Invalid })
}

/// A definition that was read and parsed.
pub(crate) struct Checked {
    pub(crate) file: String,
    pub(crate) text: String,
    pub(crate) parsed: pipeline::Parsed,
}

impl Checked {
    /// As a run that is started from here would find it.
    pub(crate) fn of(file: &str, text: String, context: &Context) -> Self {
        let here = context.cwd().ok();
        // The data folder of a server elsewhere is not ours to see.
        let away = context.global.server.is_some();
        let house = if away { None } else { session::data_dir(context).ok() };
        let known = server::elsewhere(house.as_deref(), here.as_deref());
        let parsed = pipeline::parse(&text).among(&known);
        Self { file: file.to_owned(), text, parsed }
    }

    pub(crate) fn rendered(&self, colour: bool) -> String {
        self.parsed.rendered(&self.file, colour)
    }

    pub(crate) fn stages(&self) -> usize {
        self.parsed.pipeline.as_ref().map_or(0, |pipeline| pipeline.written_stages().len())
    }

    /// As the API describes them.
    pub(crate) fn diagnostics(&self) -> Vec<Diagnostic> {
        let view = |byte: usize| {
            let place = place(&self.text, byte);
            PlaceView { line: place.line, col: place.col, byte: place.byte }
        };
        self.parsed
            .diagnostics
            .iter()
            .map(|found| Diagnostic {
                code: found.code.0.to_owned(),
                severity: found.severity.word().to_owned(),
                message: found.message.clone(),
                spans: vec![SpanView {
                    file: self.file.clone(),
                    start: view(found.span.start),
                    end: view(found.span.end),
                    label: found.label.clone(),
                }],
                help: found.help.clone(),
            })
            .collect()
    }

    /// Refuses a definition with errors, showing all of them.
    pub(crate) fn accepted(self, context: &Context) -> Result<Self> {
        if !self.parsed.has_errors() {
            return Ok(self);
        }
        let rendered = self.rendered(context.talk_palette().on);
        Err(Failure {
            code: "definition_invalid".to_owned(),
            diagnostics: self.diagnostics(),
            rendered: Some(rendered.into()),
            ..Failure::new(Exit::Invalid, format!("`{}` is not a valid pipeline", self.file))
        })
    }
}

/// The text of a definition; `-` is standard input. Not UTF-8 is a definition error.
pub(crate) fn read(file: &str) -> Result<String> {
    let unreadable = |error: std::io::Error| {
        let exit = match error.kind() {
            std::io::ErrorKind::NotFound => Exit::NotFound,
            std::io::ErrorKind::PermissionDenied => Exit::NotAllowed,
            _ => Exit::Internal,
        };
        let failure = Failure::new(exit, format!("could not read `{file}`: {error}"));
        if exit == Exit::NotFound {
            failure.hint("write a first pipeline with `orchestrate init`")
        } else {
            failure
        }
    };
    let mut bytes = Vec::new();
    if file == "-" {
        std::io::stdin().lock().take(READ_LIMIT).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let source = std::fs::File::open(Path::new(file)).map_err(unreadable)?;
        source.take(READ_LIMIT).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::new(Exit::Invalid, format!("`{file}` is not UTF-8 text (byte {at})"))
            .hint("save the file as UTF-8")
    })
}
