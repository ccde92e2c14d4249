//! Strict YAML 1.2: one document of maps, lists and scalars, every node with its place.
//!
//! Stricter than the standard where leniency hides mistakes or costs safety: no tags, no second
//! document, no key twice, no control characters, at most [`MAX_BYTES`], [`MAX_DEPTH`] and
//! [`MAX_ALIAS_NODES`]. Anchors and aliases work within that last bound.

use crate::diagnostic::{Code, Diagnostic, Sink};
use crate::source::Span;

mod build;
mod scalar;

pub use scalar::{Places, Scalar, Style};

/// The largest definition, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// Lists and maps inside each other.
pub const MAX_DEPTH: usize = 64;
/// Nodes that all aliases together may stand for.
pub const MAX_ALIAS_NODES: usize = 100_000;

/// A value with its place. A node that came through an alias keeps the place of its anchor.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub span: Span,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: String,
    pub key_span: Span,
    pub value: Node,
}

impl Node {
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// Written as nothing, `~` or `null`.
    pub fn is_null(&self) -> bool {
        self.scalar().is_some_and(Scalar::is_null)
    }

    /// The JSON that it stands for, nothing interpreted.
    pub fn json(&self) -> serde_json::Value {
        crate::authored::literal(self)
    }

    /// `500ms`, `30s`, `5m`, `1h`, `2d`, and sums in falling order such as `2h30m`.
    pub fn duration(&self) -> Option<std::time::Duration> {
        self.scalar().and_then(|scalar| crate::authored::parse_duration(&scalar.text))
    }

    /// `a string`, `a list`: for "expected ..., found ...".
    pub fn says(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(scalar) => scalar.says(),
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }
}

/// `500ms`, `30s`, `5m`, `1h`, `2d`, and sums in falling order such as `2h30m`: as [`Node::duration`].
pub fn duration(text: &str) -> Option<std::time::Duration> {
    crate::authored::parse_duration(text)
}

/// The tree of `text`, as far as it could be read, and everything that is wrong with its YAML.
///
/// The tree is missing only after a mistake that leaves nothing to go on with: a syntax error,
/// too large, too deep, control characters.
pub fn parse(text: &str) -> (Option<Node>, Vec<Diagnostic>) {
    let mut sink = Sink::default();
    let root = read(text, &mut sink);
    (root, sink.into_sorted())
}

pub(crate) fn read(text: &str, sink: &mut Sink) -> Option<Node> {
    if text.len() > MAX_BYTES {
        sink.push(too_large(text));
        return None;
    }
    let found = control_characters(text);
    if found.is_empty() {
        return build::build(text, sink);
    }
    for found in found {
        sink.push(found);
    }
    None
}

fn too_large(text: &str) -> Diagnostic {
    let mut end = MAX_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let message = format!("the definition is {} bytes long, {MAX_BYTES} are allowed", text.len());
    Diagnostic::new(Code::TOO_LARGE, Span::new(end, end), message)
        .label("the limit is here")
        .help("move long scripts and data into files of their own")
}

/// Reports at most this many, so that a binary file does not fill the screen.
const MAX_CONTROL_CHARACTERS: usize = 10;

fn control_characters(text: &str) -> Vec<Diagnostic> {
    let bad = |(at, c): &(usize, char)| match c {
        '\t' | '\n' | '\r' | '\u{85}' => false,
        '\u{feff}' => *at > 0,
        '\u{fffe}' | '\u{ffff}' => true,
        c => c.is_control(),
    };
    text.char_indices()
        .filter(bad)
        .take(MAX_CONTROL_CHARACTERS)
        .map(|(at, c)| {
            let message = format!("control character U+{:04X} in the definition", u32::from(c));
            Diagnostic::new(Code::CONTROL_CHARACTER, Span::new(at, at + c.len_utf8()), message)
                .label("not allowed in YAML")
                .help("remove it, or write it as an escape such as \"\\x1b\" in a quoted string")
        })
        .collect()
}

#[cfg(test)]
mod tests;
