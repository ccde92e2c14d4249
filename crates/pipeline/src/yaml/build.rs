//! The parser's events to a tree, with an explicit stack: depth is a limit, not a stack overflow.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};

use super::{Entry, Kind, MAX_ALIAS_NODES, MAX_DEPTH, Node, Scalar, Style};
use crate::diagnostic::{Code, Diagnostic, Sink};
use crate::source::{Span, place};

pub(super) fn build(text: &str, sink: &mut Sink) -> Option<Node> {
    // The parser counts characters, we count bytes.
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let offsets = Offsets::new(body, text.len() - body.len());
    let mut builder = Builder {
        text,
        offsets,
        stack: Vec::new(),
        root: None,
        documents: 0,
        anchors: HashMap::new(),
        alias_nodes: 0,
        sink,
    };
    let mut parser = Parser::new_from_str(body);
    while let Some(next) = parser.next_event() {
        let goes_on = match next {
            Ok((Event::StreamEnd, _)) => break,
            Ok((event, span)) => builder.event(event, span),
            Err(error) => builder.syntax(&error),
        };
        if !goes_on {
            return None;
        }
    }
    if builder.root.is_none() {
        let end = Span::new(text.len(), text.len());
        builder.sink.push(
            Diagnostic::new(Code::NOT_A_MAP, end, "the definition is empty")
                .help("a pipeline has at least `name` and `stages`"),
        );
    }
    builder.root
}

/// Character index to byte offset.
struct Offsets {
    base: usize,
    len: usize,
    /// Empty when every character is one byte.
    table: Vec<u32>,
}

impl Offsets {
    fn new(text: &str, base: usize) -> Self {
        let table = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(at, _)| at as u32).collect()
        };
        Self { base, len: text.len(), table }
    }

    fn byte(&self, index: usize) -> usize {
        let at = if self.table.is_empty() {
            index.min(self.len)
        } else {
            self.table.get(index).map_or(self.len, |at| *at as usize)
        };
        self.base + at
    }
}

struct Builder<'a> {
    text: &'a str,
    offsets: Offsets,
    stack: Vec<Frame>,
    root: Option<Node>,
    documents: usize,
    anchors: HashMap<usize, Anchored>,
    alias_nodes: usize,
    sink: &'a mut Sink,
}

/// What an alias stands for.
#[derive(Clone)]
struct Anchored {
    node: Node,
    nodes: usize,
    height: usize,
}

/// A list or a map that is being read.
struct Frame {
    start: usize,
    anchor: usize,
    /// Nodes inside, and how deep they go.
    nodes: usize,
    height: usize,
    items: Items,
}

enum Items {
    List(Vec<Node>),
    /// `keys` knows the places of all keys once there are many of them.
    Map {
        entries: Vec<Entry>,
        keys: HashMap<String, Span>,
        pending: Pending,
    },
}

enum Pending {
    /// The next node is a key.
    Nothing,
    Key(String, Span),
    /// The key was refused; its value is read and dropped.
    Refused,
}

impl Builder<'_> {
    /// False: nothing sensible can follow.
    fn event(&mut self, event: Event<'_>, span: saphyr_parser::Span) -> bool {
        let mut place = self.span(span);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return self.second_document(place);
                }
                true
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.tag(tag.as_deref(), place);
                if style == ScalarStyle::Plain && text.is_empty() {
                    place.end = place.start;
                }
                let scalar = Scalar { text: text.into_owned(), style: style_of(style) };
                let node = Node { span: place, kind: Kind::Scalar(scalar) };
                self.complete(node, anchor, 1, 0)
            }
            Event::SequenceStart(anchor, tag) => {
                self.tag(tag.as_deref(), place);
                self.open(place.start, anchor, Items::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.tag(tag.as_deref(), place);
                let items = Items::Map {
                    entries: Vec::new(),
                    keys: HashMap::new(),
                    pending: Pending::Nothing,
                };
                self.open(place.start, anchor, items)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(place.end),
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => true,
        }
    }

    fn span(&self, span: saphyr_parser::Span) -> Span {
        let start = self.offsets.byte(span.start.index());
        let end = self.offsets.byte(span.end.index()).max(start);
        let mut start = start;
        // The place of a node is its content, not its anchor or tag.
        while self.text[start..end].starts_with(['&', '!']) {
            let rest = &self.text[start..end];
            let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let gap = rest[word..].find(|c: char| !c.is_whitespace()).unwrap_or(0);
            if gap == 0 {
                break;
            }
            start += word + gap;
        }
        let written = self.text[start..end].trim_end().len();
        Span::new(start, start + written)
    }

    fn open(&mut self, start: usize, anchor: usize, items: Items) -> bool {
        if self.stack.len() >= MAX_DEPTH {
            return self.too_deep(Span::new(start, start + 1));
        }
        self.stack.push(Frame { start, anchor, nodes: 1, height: 1, items });
        true
    }

    fn close(&mut self, end: usize) -> bool {
        let Some(frame) = self.stack.pop() else { return true };
        let kind = match frame.items {
            Items::List(items) => Kind::List(items),
            Items::Map { entries, .. } => Kind::Map(entries),
        };
        let end = frame.start + self.text[frame.start..end.max(frame.start)].trim_end().len();
        let node = Node { span: Span::new(frame.start, end), kind };
        self.complete(node, frame.anchor, frame.nodes, frame.height)
    }

    /// A whole node: remembered if it has an anchor, and put where it belongs.
    fn complete(&mut self, node: Node, anchor: usize, nodes: usize, height: usize) -> bool {
        if anchor > 0 {
            self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, height });
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return true;
        };
        frame.nodes += nodes;
        frame.height = frame.height.max(height + 1);
        match &mut frame.items {
            Items::List(items) => items.push(node),
            Items::Map { entries, keys, pending } => {
                match std::mem::replace(pending, Pending::Nothing) {
                    Pending::Refused => {}
                    Pending::Key(key, key_span) => {
                        entries.push(Entry { key, key_span, value: node });
                    }
                    Pending::Nothing => match key(node, entries, keys, self.text) {
                        Ok((key, span)) => {
                            *pending = Pending::Key(key, span);
                        }
                        Err(diagnostic) => {
                            self.sink.push(diagnostic);
                            *pending = Pending::Refused;
                        }
                    },
                }
            }
        }
        true
    }

    fn alias(&mut self, anchor: usize, place: Span) -> bool {
        let Some(found) = self.anchors.get(&anchor).cloned() else {
            let message = format!("alias `{}` stands inside its own anchor", self.written(place));
            let help = "an alias can only repeat something that is complete before it";
            self.sink.push(Diagnostic::new(Code::ALIAS, place, message).help(help));
            let nothing = Scalar { text: String::new(), style: Style::Plain };
            return self.complete(Node { span: place, kind: Kind::Scalar(nothing) }, 0, 1, 0);
        };
        self.alias_nodes += found.nodes;
        if self.alias_nodes > MAX_ALIAS_NODES {
            let message = format!("aliases expand to more than {MAX_ALIAS_NODES} values");
            self.sink.push(
                Diagnostic::new(Code::ALIAS_BOMB, place, message)
                    .label("expansion stops here")
                    .help("write the values out, or generate the list and use `foreach`"),
            );
            return false;
        }
        if self.stack.len() + found.height > MAX_DEPTH {
            return self.too_deep(place);
        }
        self.complete(found.node, 0, found.nodes, found.height)
    }

    fn written(&self, span: Span) -> &str {
        &self.text[span.start..span.end]
    }

    fn tag(&mut self, tag: Option<&Tag>, place: Span) {
        let Some(tag) = tag else { return };
        let name =
            if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { tag.to_string() };
        // The tag stands before the content, on its line or the one above.
        let before = &self.text[..place.start.max(1).min(self.text.len())];
        let span = match before.rfind('!') {
            Some(at) => {
                let mut start = at;
                while before[..start].ends_with('!') {
                    start -= 1;
                }
                let rest = &self.text[start..];
                let len = rest.find(char::is_whitespace).unwrap_or(rest.len());
                Span::new(start, start + len)
            }
            None => place,
        };
        self.sink.push(
            Diagnostic::new(Code::TAG, span, format!("tag `{name}` is not allowed"))
                .label("remove the tag")
                .help("types follow from the value; put text in quotes to keep it text"),
        );
    }

    fn second_document(&mut self, place: Span) -> bool {
        let end = self.text[place.start..].find('\n').map_or(self.text.len(), |n| place.start + n);
        self.sink.push(
            Diagnostic::new(
                Code::SEVERAL_DOCUMENTS,
                Span::new(place.start, end),
                "a second document begins here",
            )
            .help("one file defines one pipeline; move the rest to a file of its own"),
        );
        false
    }

    fn too_deep(&mut self, place: Span) -> bool {
        let message = format!("lists and maps are nested more than {MAX_DEPTH} deep");
        self.sink.push(Diagnostic::new(Code::TOO_DEEP, place, message));
        false
    }

    fn syntax(&mut self, error: &ScanError) -> bool {
        let marker: &Marker = error.marker();
        let at = self.offsets.byte(marker.index());
        let width = self.text[at..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
        let span = Span::new(at, at + width);
        if error.info().contains("recursion limit") {
            return self.too_deep(span);
        }
        let diagnostic = if error.info() == OPEN_QUOTE {
            let message = "a quote is opened here and never closed";
            Diagnostic::new(Code::SYNTAX, span, message)
                .help("close it; a quote inside quotes is written `\\\"` or `''`")
        } else if error.info().contains("unknown anchor") {
            let word = self.text[at..].split([' ', ',', ']', '}', '\n', '\r']).next().unwrap_or("");
            let message = format!("alias `{word}` names no anchor");
            Diagnostic::new(Code::ALIAS, Span::new(at, at + word.len()), message)
                .help("an anchor such as `&name` must come before its alias `*name`")
        } else {
            let message = format!("the YAML cannot be read: {}", error.info());
            Diagnostic::new(Code::SYNTAX, span, message).help(syntax_help(self.text, at))
        };
        self.sink.push(diagnostic);
        false
    }
}

/// Maps of up to so many keys are searched, larger ones get an index.
const FEW_KEYS: usize = 16;

/// The key that a node is, or why it is none.
fn key(
    node: Node,
    entries: &[Entry],
    keys: &mut HashMap<String, Span>,
    text: &str,
) -> Result<(String, Span), Diagnostic> {
    let span = node.span;
    let scalar = match node.kind {
        Kind::Scalar(scalar) if !scalar.is_null() => scalar,
        Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => {
            return Err(Diagnostic::new(Code::KEY_NOT_TEXT, span, "a key must be text").help(
                "text that begins with `{` or `[` needs quotes; a reference is written `${name}`",
            ));
        }
    };
    if scalar.text == "<<" && scalar.style == Style::Plain {
        return Err(Diagnostic::new(Code::MERGE_KEY, span, "merge key `<<` is not supported")
            .help("it is not part of YAML 1.2; repeat the keys, or set them at the pipeline"));
    }
    let first = if entries.len() < FEW_KEYS {
        entries.iter().find(|entry| entry.key == scalar.text).map(|entry| entry.key_span)
    } else {
        let known = keys.len();
        keys.extend(entries[known..].iter().map(|entry| (entry.key.clone(), entry.key_span)));
        keys.get(&scalar.text).copied()
    };
    if let Some(first) = first {
        let first = place(text, first.start);
        let message = format!("key `{}` is given twice", scalar.text);
        return Err(Diagnostic::new(Code::DUPLICATE_KEY, span, message)
            .label(format!("first given at {}:{}", first.line, first.col))
            .help("remove one of them"));
    }
    Ok((scalar.text, span))
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

/// What usually is behind a syntax error on this line.
fn syntax_help(text: &str, at: usize) -> &'static str {
    let start = text[..at].rfind('\n').map_or(0, |n| n + 1);
    let line = text[start..].lines().next().unwrap_or("");
    let indent = &line[..line.len() - line.trim_start().len()];
    let value = line.split_once(": ").map_or("", |(_, value)| value.trim_start());
    if indent.contains('\t') {
        "indent with spaces: YAML does not allow tabs there"
    } else if value.starts_with(['{', '@', '`', '%', '*', '&', '!', '|', '>', '[']) {
        "put the value in quotes: it begins with a character that YAML reserves"
    } else if value.contains(": ") {
        "put the value in quotes: `: ` inside it begins a new key"
    } else {
        "check the indentation, and that quotes and brackets are closed"
    }
}

/// What the parser says of a quote that is never closed; it points at the opening one.
const OPEN_QUOTE: &str = "while scanning a quoted scalar, found unexpected end of stream";
