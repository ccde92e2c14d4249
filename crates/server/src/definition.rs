//! Definitions: checked when they come in, parsed once for as long as they are used.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use api::pipeline::Validation;
use api::problem::{Diagnostic, PlaceView, SpanView};
use pipeline::source::place;
use pipeline::{Elsewhere, Parsed, Pipeline};
use store::port::Read;

use crate::agents::Shelf;
use crate::refused::Refused;
use crate::view::graph::drawn;

/// Parsed pipelines that are kept.
const KEPT: usize = 64;

/// What checking a definition found.
#[derive(Debug)]
pub(crate) struct Report {
    pipeline: Option<Arc<Pipeline>>,
    digest: String,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// As the CLI prints them, without colour.
    pub(crate) rendered: String,
}

/// A definition without errors.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) digest: String,
    pub(crate) text: String,
}

/// Reads a definition. Takes time: to be called off the async threads.
pub(crate) fn check(text: &str, file: Option<&str>, known: &Elsewhere) -> Report {
    let file = file.unwrap_or("pipeline.yaml");
    let parsed = pipeline::parse(text).among(known);
    let rendered = parsed.rendered(file, false);
    let Parsed { pipeline, diagnostics, .. } = parsed;
    Report {
        pipeline: pipeline.map(Arc::new),
        digest: pipeline::digest(text),
        diagnostics: diagnostics.iter().map(|found| diagnostic(text, file, found)).collect(),
        rendered,
    }
}

fn diagnostic(text: &str, file: &str, found: &pipeline::Diagnostic) -> Diagnostic {
    let at = |byte| {
        let place = place(text, byte);
        PlaceView { line: place.line, col: place.col, byte: place.byte }
    };
    Diagnostic {
        code: found.code.0.to_owned(),
        severity: found.severity.word().to_owned(),
        message: found.message.clone(),
        spans: vec![SpanView {
            file: file.to_owned(),
            start: at(found.span.start),
            end: at(found.span.end),
            label: found.label.clone(),
        }],
        help: found.help.clone(),
    }
}

impl Report {
    /// The pipeline, or this report back.
    pub(crate) fn into_valid(
        self,
        text: String,
        definitions: &Definitions,
    ) -> Result<Checked, Self> {
        let Some(pipeline) = &self.pipeline else { return Err(self) };
        let pipeline = Arc::clone(pipeline);
        definitions.keep(&self.digest, &pipeline);
        Ok(Checked { pipeline, digest: self.digest, text })
    }

    /// In the words of the API, with the graph of a valid definition where it is wanted.
    pub(crate) fn told(self, with_graph: bool) -> Validation {
        let Self { pipeline, digest, diagnostics, rendered } = self;
        let pipeline = pipeline.as_deref();
        let graph = pipeline.filter(|_| with_graph).map(|pipeline| drawn(pipeline, 0, None));
        Validation {
            valid: pipeline.is_some(),
            name: pipeline.map(|pipeline| pipeline.name.clone()),
            stages: pipeline.map_or(0, |pipeline| pipeline.written_stages().len()),
            digest,
            diagnostics,
            rendered,
            graph,
        }
    }
}

/// What is known around a definition that somebody is about to run from `directory`, with the data
/// folder `data_dir`, or of a server elsewhere where that is `None`. Reads files.
pub fn elsewhere(data_dir: Option<&Path>, directory: Option<&Path>) -> Elsewhere {
    // Nothing lies below it.
    let house = data_dir.unwrap_or(Path::new("/dev/null"));
    let shelf = Shelf { pipeline: None, directory, data_dir: house };
    shelf.elsewhere(data_dir.is_some())
}

/// The pipelines parsed last, by the digest of their text.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    parsed: Mutex<VecDeque<(String, Arc<Pipeline>)>>,
}

impl Definitions {
    /// The error says what is wrong with it, in words.
    pub(crate) fn parsed(&self, digest: &str, text: &str) -> Result<Arc<Pipeline>, String> {
        if let Some(known) = self.known(digest) {
            return Ok(known);
        }
        let parsed = pipeline::parse(text);
        let Some(pipeline) = parsed.pipeline else {
            let first = parsed.diagnostics.first().map(|found| found.message.clone());
            return Err(first.unwrap_or_else(|| "it is not a pipeline".to_owned()));
        };
        let pipeline = Arc::new(pipeline);
        self.keep(digest, &pipeline);
        Ok(pipeline)
    }

    /// What a stored run executes. The inner error says why the run cannot go on.
    pub(crate) fn of_run(
        &self,
        reader: &dyn Read,
        name: &str,
        revision: u32,
        digest: &str,
    ) -> Result<Result<Arc<Pipeline>, String>, Refused> {
        if let Some(known) = self.known(digest) {
            return Ok(Ok(known));
        }
        let Some(row) = reader.revision(name, Some(revision))? else {
            return Ok(Err(format!("revision {revision} of `{name}` is gone")));
        };
        let wrong = |problem| format!("revision {revision} of `{name}` cannot be read: {problem}");
        Ok(self.parsed(&row.digest, &row.text).map_err(wrong))
    }

    /// The current revision of a pipeline: it, its number and its digest.
    pub(crate) fn current(
        &self,
        reader: &dyn Read,
        name: &str,
    ) -> Result<(Arc<Pipeline>, u32, String), Refused> {
        let Some(row) = reader.revision(name, None)? else {
            return Err(Refused::NotFound { what: "pipeline", name: name.to_owned() });
        };
        let pipeline = self.parsed(&row.digest, &row.text).map_err(|problem| {
            Refused::Unreadable { name: name.to_owned(), revision: row.number, problem }
        })?;
        Ok((pipeline, row.number, row.digest))
    }

    fn known(&self, digest: &str) -> Option<Arc<Pipeline>> {
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        let at = parsed.iter().position(|(known, _)| known == digest)?;
        let found = parsed.remove(at)?;
        let pipeline = Arc::clone(&found.1);
        parsed.push_front(found);
        Some(pipeline)
    }

    fn keep(&self, digest: &str, pipeline: &Arc<Pipeline>) {
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        parsed.retain(|(known, _)| known != digest);
        parsed.push_front((digest.to_owned(), Arc::clone(pipeline)));
        parsed.truncate(KEPT);
    }
}
