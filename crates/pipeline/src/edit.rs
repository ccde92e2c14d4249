//! Changes of the stages of a definition, made in its text: comments, order and everything that is
//! not touched stay as they are, byte for byte.
//!
//! Stages have to be written as lines (`stages:` and below it `- name: ...`). What stands directly
//! above a stage as comments goes where the stage goes. Whether the result is a pipeline is for
//! [`crate::parse`] to say.

mod lines;
#[cfg(test)]
mod tests;

use serde_json::Value as Json;

use crate::yaml::{self, Entry, Kind, Node};
use lines::{Block, Lines};

/// One change of the top level of `stages`.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// A new stage, as keys and values; `at` counts from 0, and nothing means the end.
    Add {
        fields: Vec<(String, Json)>,
        at: Option<usize>,
    },
    /// Keys of a stage get these values; `None` takes a key away.
    Set {
        stage: String,
        fields: Vec<(String, Option<Json>)>,
    },
    Remove {
        stage: String,
    },
    /// All stages, in the order wanted.
    Order {
        stages: Vec<String>,
    },
}

/// Why the text cannot be changed so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("the definition cannot be read as YAML")]
    Unreadable,
    #[error(
        "its stages are not written as lines that begin with `- `: change the definition itself"
    )]
    NotLines,
    #[error("no stage at the top level of `stages` is called `{stage}`; there are: {known}")]
    NoSuchStage { stage: String, known: String },
    #[error("`{stage}` is not written as lines of `key: value`: change the definition itself")]
    NotPlain { stage: String },
    #[error("the order has to name each stage once; there are: {known}")]
    NotAnOrder { known: String },
}

/// The text after the change.
pub fn edit(text: &str, edit: &Edit) -> Result<String, EditError> {
    let root = yaml::parse(text).0.ok_or(EditError::Unreadable)?;
    let stages = Stages::find(text, &root)?;
    match edit {
        Edit::Add { fields, at } => Ok(stages.add(fields, *at)),
        Edit::Set { stage, fields } => stages.set(stage, fields),
        Edit::Remove { stage } => stages.remove(stage),
        Edit::Order { stages: wanted } => stages.order(wanted),
    }
}

/// Names of the stages at the top level, in order; a group without a name is left out.
pub fn stages(text: &str) -> Result<Vec<String>, EditError> {
    let root = yaml::parse(text).0.ok_or(EditError::Unreadable)?;
    let stages = Stages::find(text, &root)?;
    Ok(stages.items.iter().filter_map(|item| item.name.clone()).collect())
}

struct Stages<'a> {
    lines: Lines<'a>,
    items: Vec<Item<'a>>,
    /// Blanks before the `-` of each.
    indent: usize,
}

struct Item<'a> {
    name: Option<String>,
    block: Block,
    entries: Option<&'a [Entry]>,
}

impl<'a> Stages<'a> {
    fn find(text: &'a str, root: &'a Node) -> Result<Self, EditError> {
        let Kind::Map(entries) = &root.kind else { return Err(EditError::NotLines) };
        let stages = entries.iter().find(|entry| entry.key == "stages");
        let Some(Kind::List(nodes)) = stages.map(|entry| &entry.value.kind) else {
            return Err(EditError::NotLines);
        };
        let lines = Lines::of(text);
        let mut items = Vec::with_capacity(nodes.len());
        let mut indent = None;
        for node in nodes {
            let line = lines.at(node.span.start);
            let before = lines.before(line, node.span.start);
            let dash = before.find('-').filter(|at| {
                before[..*at].bytes().all(|b| b == b' ') && before[at + 1..].trim().is_empty()
            });
            let dash = dash.ok_or(EditError::NotLines)?;
            if indent.is_some_and(|indent| indent != dash) {
                return Err(EditError::NotLines);
            }
            indent = Some(dash);
            let entries = match &node.kind {
                Kind::Map(entries) => Some(entries.as_slice()),
                Kind::Scalar(_) | Kind::List(_) => None,
            };
            let name = entries.and_then(named);
            items.push(Item { name, block: lines.block(line, dash), entries });
        }
        // Two of them on one line are no lines.
        let apart = items.windows(2).all(|two| two[0].block.end <= two[1].block.first);
        match indent {
            Some(indent) if apart => Ok(Self { lines, items, indent }),
            Some(_) | None => Err(EditError::NotLines),
        }
    }

    fn known(&self) -> String {
        let names: Vec<&str> = self.items.iter().filter_map(|item| item.name.as_deref()).collect();
        names.join(", ")
    }

    fn item(&self, stage: &str) -> Result<&Item<'a>, EditError> {
        let found = self.items.iter().find(|item| item.name.as_deref() == Some(stage));
        found.ok_or_else(|| EditError::NoSuchStage { stage: stage.to_owned(), known: self.known() })
    }

    fn add(&self, fields: &[(String, Json)], at: Option<usize>) -> String {
        let end = self.lines.newline();
        let (dash, blank) = (" ".repeat(self.indent), " ".repeat(self.indent + 2));
        let mut added = String::new();
        for (at, (key, value)) in fields.iter().enumerate() {
            let before = if at == 0 { format!("{dash}- ") } else { blank.clone() };
            added.push_str(&format!("{before}{}{end}", line(key, value)));
        }
        let place = match at.and_then(|at| self.items.get(at)) {
            Some(item) => item.block.head,
            None => self.items.last().map_or(0, |item| item.block.end),
        };
        if self.is_spaced() {
            if at.is_some_and(|at| at < self.items.len()) {
                added.push_str(end);
            } else {
                added.insert_str(0, end);
            }
        }
        self.lines.replaced(place..place, &added)
    }

    /// Whether an empty line stands between the first two.
    fn is_spaced(&self) -> bool {
        self.items.windows(2).next().is_some_and(|two| two[0].block.end < two[1].block.head)
    }

    fn remove(&self, stage: &str) -> Result<String, EditError> {
        let Block { head, end, .. } = self.item(stage)?.block;
        // Of the empty lines around it one is enough.
        let blank = |line: usize| self.lines.is_blank(line);
        let more = usize::from(head > 0 && blank(head - 1) && blank(end));
        Ok(self.lines.replaced(head..end + more, ""))
    }

    fn order(&self, wanted: &[String]) -> Result<String, EditError> {
        let fault = || EditError::NotAnOrder { known: self.known() };
        let mut blocks = Vec::with_capacity(wanted.len());
        for name in wanted {
            let item = self.items.iter().find(|item| item.name.as_ref() == Some(name));
            let block = item.ok_or_else(fault)?.block;
            if blocks.contains(&block) {
                return Err(fault());
            }
            blocks.push(block);
        }
        if blocks.len() != self.items.len() {
            return Err(fault());
        }
        let places: Vec<Block> = self.items.iter().map(|item| item.block).collect();
        Ok(self.lines.permuted(&places, &blocks))
    }

    fn set(&self, stage: &str, fields: &[(String, Option<Json>)]) -> Result<String, EditError> {
        let plain = || EditError::NotPlain { stage: stage.to_owned() };
        let mut text = self.lines.whole();
        for (key, value) in fields {
            // Each change moves what comes after it.
            let root = yaml::parse(&text).0.ok_or(EditError::Unreadable)?;
            let stages = Stages::find(&text, &root)?;
            let known = if key == "name" || stages.item(stage).is_ok() {
                stage.to_owned()
            } else {
                renamed(fields).unwrap_or_else(|| stage.to_owned())
            };
            let changed = stages.set_one(stages.item(&known)?, key, value.as_ref());
            text = changed.ok_or_else(plain)?;
        }
        Ok(text)
    }

    /// `None`: it is not written so that one key could be changed alone.
    fn set_one(&self, item: &Item<'_>, key: &str, value: Option<&Json>) -> Option<String> {
        let entries = item.entries?;
        let first = entries.first()?;
        let column = self.lines.column(first.key_span.start);
        let of = |entry: &Entry| {
            let line = self.lines.at(entry.key_span.start);
            let alone = self.lines.column(entry.key_span.start) == column
                && (line == item.block.first || self.lines.indent(line) == column);
            alone.then(|| self.lines.entry(line, column))
        };
        let blocks: Option<Vec<Block>> = entries.iter().map(of).collect();
        let blocks = blocks?;
        if blocks.windows(2).any(|two| two[0].first == two[1].first) {
            return None;
        }
        let end = self.lines.newline();
        let blank = " ".repeat(column);
        let place = entries.iter().position(|entry| entry.key == key);
        let (at, value) = match (place, value) {
            (None, None) => return Some(self.lines.whole()),
            (None, Some(value)) => {
                let last = blocks.iter().map(|block| block.end).max()?;
                let added = format!("{blank}{}{end}", line(key, value));
                return Some(self.lines.replaced(last..last, &added));
            }
            (Some(at), value) => (at, value),
        };
        let block = blocks[at];
        let before = self.lines.before(block.first, entries[at].key_span.start);
        match value {
            Some(value) => {
                let new = format!("{before}{}{end}", line(key, value));
                Some(self.lines.replaced(block.first..block.end, &new))
            }
            None if at > 0 => Some(self.lines.replaced(block.first..block.end, "")),
            None => {
                // The next key takes its place behind the dash.
                let next = blocks.get(1).filter(|next| next.first == block.end)?;
                let rest = self.lines.text(next.first..next.end);
                let new = format!("{before}{}", rest.get(column..)?);
                Some(self.lines.replaced(block.first..next.end, &new))
            }
        }
    }
}

/// The name that a stage gets by these fields.
fn renamed(fields: &[(String, Option<Json>)]) -> Option<String> {
    let (_, name) = fields.iter().find(|(key, _)| key == "name")?;
    name.as_ref()?.as_str().map(str::to_owned)
}

fn named(entries: &[Entry]) -> Option<String> {
    let entry = entries.iter().find(|entry| entry.key == "name")?;
    match &entry.value.kind {
        Kind::Scalar(scalar) => Some(scalar.text.clone()),
        Kind::List(_) | Kind::Map(_) => None,
    }
}

/// JSON is YAML: text in double quotes, lists and maps in brackets. Plain words stay plain.
fn line(key: &str, value: &Json) -> String {
    let word = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
                .contains(&text.to_ascii_lowercase().as_str())
    };
    match value {
        Json::String(text) if word(text) => format!("{key}: {text}"),
        value => format!("{key}: {value}"),
    }
}
