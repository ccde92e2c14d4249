//! Captured output as text.

use jiff::Timestamp;

use crate::terminal::Palette;
use crate::words;

/// Whose output it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    pub execution: String,
    pub attempt: u32,
}

/// A line, or a gap of so many bytes.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    pub source: &'a Source,
    pub at: Option<Timestamp>,
    pub text: &'a str,
    pub gap: Option<u64>,
    /// Cells of the longest name.
    pub width: usize,
}

/// `implement[2] 14:02:21.377 | error[E0425]: cannot find value`
pub fn line(line: &Line<'_>, palette: Palette) -> String {
    let name = words::pad_end(&line.source.execution, line.width);
    let time = line.at.map_or_else(|| " ".repeat(12), |at| at.strftime("%H:%M:%S%.3f").to_string());
    let text = match line.gap {
        Some(bytes) => palette.dim(&format!("... {} dropped ...", words::count(bytes, "byte"))),
        None if palette.on => words::only_colours(line.text),
        None => words::without_escapes(line.text),
    };
    let lead = palette.dim(&format!("{name} {time} |"));
    format!("{lead} {text}").trim_end().to_owned() + "\n"
}
