//! A place in a definition.

use serde::{Deserialize, Serialize};

/// Bytes `start..end` of the definition's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }
}

/// Line and column count from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub line: usize,
    pub col: usize,
    pub byte: usize,
}

/// Where `byte` lies in `text`. A byte past the end is the end.
pub fn place(text: &str, byte: usize) -> Place {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    let before = &text[..byte];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    Place {
        line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
        col: before[line_start..].chars().count() + 1,
        byte,
    }
}
