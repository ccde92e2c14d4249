//! Diagnostics as text for a terminal.

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Severity};

/// So many are shown in full; a file with more mistakes is not read to its end at once.
const SHOWN: usize = 100;

/// Each diagnostic as rustc shows its own: message, place, line, caret, help.
pub fn render(text: &str, file: &str, diagnostics: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let lines = Lines::new(text);
    let mut out = String::new();
    for found in diagnostics.iter().take(SHOWN) {
        out.push_str(&one(text, &lines, file, found, &renderer));
        out.push('\n');
    }
    if diagnostics.len() > SHOWN {
        out.push_str(&format!("... and {} more\n", diagnostics.len() - SHOWN));
    }
    out
}

fn one(text: &str, lines: &Lines, file: &str, found: &Diagnostic, renderer: &Renderer) -> String {
    let level = match found.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    // Only the line itself is handed over: a long file costs no more than a short one.
    let (number, start, end) = lines.around(text, found.span.start);
    let line = &text[start..end];
    let from = found.span.start.clamp(start, end) - start;
    let to = found.span.end.clamp(start + from, end) - start;
    let window = Window::around(line, from, to);
    let mut mark = AnnotationKind::Primary.span(window.from..window.to);
    if !found.label.is_empty() {
        mark = mark.label(found.label.as_str());
    }
    let snippet = Snippet::source(window.text).line_start(number).annotation(mark);
    let group = level.primary_title(found.message.as_str()).id(found.code.0);
    let mut group = if window.text.len() == line.len() {
        group.element(snippet.path(file))
    } else {
        // A part of the line does not know its column.
        let column = line[..from].chars().count() + 1;
        let origin = Origin::path(file).line(number).char_column(column);
        group.element(origin).element(snippet)
    };
    if !found.help.is_empty() {
        group = group.element(Level::HELP.message(found.help.as_str()));
    }
    renderer.render(&[group])
}

/// The starts of all lines.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        let after = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(after).collect())
    }

    /// Number, start and end of the line that holds `byte`.
    fn around(&self, text: &str, byte: usize) -> (usize, usize, usize) {
        let index = self.0.partition_point(|start| *start <= byte).saturating_sub(1);
        let start = self.0[index];
        let end = self.0.get(index + 1).map_or(text.len(), |next| next - 1);
        let line = &text[start..end];
        (index + 1, start, start + line.strip_suffix('\r').unwrap_or(line).len())
    }
}

/// The part of a line that is shown: all of it, unless it is longer than any screen.
struct Window<'a> {
    text: &'a str,
    from: usize,
    to: usize,
}

impl<'a> Window<'a> {
    fn around(line: &'a str, from: usize, to: usize) -> Self {
        const LONGEST: usize = 2000;
        if line.len() <= LONGEST {
            return Self { text: line, from, to };
        }
        let boundary = |mut byte: usize| {
            byte = byte.min(line.len());
            while !line.is_char_boundary(byte) {
                byte -= 1;
            }
            byte
        };
        let start = boundary(from.saturating_sub(60));
        let end = boundary(from + 120);
        Self { text: &line[start..end], from: from - start, to: to.min(end) - start }
    }
}
