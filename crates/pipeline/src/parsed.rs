//! Text in, a pipeline or its mistakes out.

use sha2::{Digest as _, Sha256};

use crate::authored::{self, Reader};
use crate::diagnostic::{Diagnostic, Severity, Sink, render};
use crate::elsewhere::Named;
use crate::model::Pipeline;
use crate::{resolve, yaml};

/// What became of a definition.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The definition, as it was given.
    pub text: String,
    /// There is one exactly when there are no errors.
    pub pipeline: Option<Pipeline>,
    /// Everything that is wrong or doubtful, in the order of its places.
    pub diagnostics: Vec<Diagnostic>,
    /// More was wrong than the thousand errors and thousand warnings that are kept.
    pub is_cut: bool,
    pub(crate) named: Named,
}

/// Reads a definition. Never fails and never panics: whatever is wrong is in the diagnostics.
pub fn parse(text: &str) -> Parsed {
    let mut sink = Sink::default();
    let root = yaml::read(text, &mut sink);
    let mut reader = Reader::new(text, sink);
    let mut pipeline = None;
    if let Some(root) = root {
        let authored = authored::read(&root, &mut reader);
        pipeline = resolve::resolve(authored, &mut reader);
    }
    let (sink, named) = (reader.sink, reader.named);
    let is_cut = sink.is_cut();
    Parsed { text: text.to_owned(), pipeline, diagnostics: sink.into_sorted(), is_cut, named }
}

/// SHA-256 of a definition's exact text, in hexadecimal: the identity of a revision.
pub fn digest(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

impl Parsed {
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    pub fn has_warnings(&self) -> bool {
        self.count(Severity::Warning) > 0
    }

    fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|found| found.severity == severity).count()
    }

    /// Every diagnostic with its lines of `file`, then the summary; empty when there is nothing
    /// to say.
    pub fn rendered(&self, file: &str, colour: bool) -> String {
        if self.diagnostics.is_empty() {
            return String::new();
        }
        let mut text = render::render(&self.text, file, &self.diagnostics, colour);
        text.push_str(&self.summary(file));
        text.push('\n');
        text
    }

    /// `feature.yaml: 2 errors, 1 warning`; `feature.yaml: no mistakes found`.
    pub fn summary(&self, file: &str) -> String {
        let count = |n: usize, word: &str| match n {
            0 => None,
            1 => Some(format!("1 {word}")),
            n => Some(format!("{n} {word}s")),
        };
        let parts: Vec<String> = [
            count(self.count(Severity::Error), "error"),
            count(self.count(Severity::Warning), "warning"),
        ]
        .into_iter()
        .flatten()
        .collect();
        if self.is_cut {
            format!("{file}: {}, and more", parts.join(", "))
        } else if parts.is_empty() {
            format!("{file}: no mistakes found")
        } else {
            format!("{file}: {}", parts.join(", "))
        }
    }
}
