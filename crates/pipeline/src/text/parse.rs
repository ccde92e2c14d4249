//! Text to [`Template`].
//!
//! ```text
//! template  := ( text | "$${" | "${" reference "}" )*
//! reference := path [ "??" default ]
//! path      := name step*          step := "." name | "[" index "]" | "[" string "]"
//! default   := JSON | 'single-quoted text'
//! ```

use serde_json::Value as Json;

use super::{Part, RUN_FIELDS, Reference, Root, Step, TASK_FIELDS, Template, TextError};
use crate::source::Span;

impl Template {
    /// Reads text with `${...}`; `$${` stands for `${`. A `$` before anything else is itself.
    /// All errors at once; their spans count bytes of `source` from `base.start`.
    pub fn parse(source: &str, base: Span) -> Result<Self, Vec<TextError>> {
        let (template, errors) = Self::read(source, base);
        if errors.is_empty() { Ok(template) } else { Err(errors) }
    }

    /// What can be read beside all errors, so that its references can be checked too.
    pub(crate) fn read(source: &str, base: Span) -> (Self, Vec<TextError>) {
        let mut parts = Vec::new();
        let mut errors = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(found) = source[at..].find('$') {
            literal.push_str(&source[at..at + found]);
            at += found;
            let rest = &source[at..];
            if rest.starts_with("$${") {
                literal.push_str("${");
                at += 3;
            } else if rest.starts_with("${") {
                let mut cursor = Cursor { text: source, at: at + 2, base: base.start };
                match cursor.reference() {
                    Ok(reference) => {
                        if !literal.is_empty() {
                            parts.push(Part::Literal(std::mem::take(&mut literal)));
                        }
                        parts.push(Part::Reference(reference));
                        at = cursor.at;
                    }
                    Err(error) => {
                        errors.push(error);
                        // Goes on behind the closing brace, to report the others as well.
                        at = rest.find('}').map_or(source.len(), |end| at + end + 1);
                    }
                }
            } else {
                literal.push('$');
                at += 1;
            }
        }
        literal.push_str(&source[at..]);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        if parts.len() > 1 {
            errors.extend(null_defaults(&parts));
        }
        errors.sort_by_key(|error| error.span.start);
        (Self { parts }, errors)
    }
}

/// Null has no text, so it is no default where the reference is a part of a longer text.
fn null_defaults(parts: &[Part]) -> impl Iterator<Item = TextError> {
    parts.iter().filter_map(|part| match part {
        Part::Reference(reference) if reference.default == Some(Json::Null) => Some(TextError {
            message: "`null` has no text, so it is no default here".to_owned(),
            span: reference.span,
            help: "write `\"\"` if nothing is meant".to_owned(),
        }),
        Part::Reference(_) | Part::Literal(_) => None,
    })
}

struct Cursor<'t> {
    text: &'t str,
    /// The next byte.
    at: usize,
    /// Where `text` starts in the definition.
    base: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.base + start, self.base + end)
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// From behind `${` to behind `}`.
    fn reference(&mut self) -> Result<Reference, TextError> {
        let open = self.at - 2;
        self.blanks();
        let start = self.at;
        let Some(first) = self.name() else { return Err(self.unreadable(open)) };
        let mut steps = Vec::new();
        loop {
            if self.eat(".") {
                match self.name() {
                    Some(name) => steps.push(Step::Field(name.to_owned())),
                    None => return Err(self.unreadable(open)),
                }
            } else if self.eat("[") {
                match self.bracket() {
                    Some(step) => steps.push(step),
                    None => return Err(self.unreadable(open)),
                }
            } else {
                break;
            }
        }
        let path_end = self.at;
        self.blanks();
        let default = if self.eat("??") { Some(self.default(open)?) } else { None };
        self.blanks();
        let source = self.text[start..self.at].trim_end().to_owned();
        if !self.eat("}") {
            return Err(self.unreadable(open));
        }
        let span = self.span(open, self.at);
        let (root, path) = root_of(first, steps).map_err(|wrong| TextError {
            message: wrong.message,
            span: self.span(start, path_end),
            help: wrong.help,
        })?;
        if let (Root::Secret(_), Some(_)) = (&root, &default) {
            return Err(TextError {
                message: "a secret has no default".to_owned(),
                span,
                help: format!("write `${{{}}}`", &self.text[start..path_end]),
            });
        }
        Ok(Reference { root, path, default, source, span })
    }

    /// Letters, digits, `_` and `-`, not starting with `-`.
    fn name(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'));
        let name = &rest[..end.unwrap_or(rest.len())];
        if name.is_empty() || name.starts_with('-') {
            return None;
        }
        self.at += name.len();
        Some(name)
    }

    /// Behind `[`, to behind `]`.
    fn bracket(&mut self) -> Option<Step> {
        self.blanks();
        let step = if self.rest().starts_with(['"', '\'']) {
            Step::Field(self.quoted()?)
        } else {
            let rest = self.rest();
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            self.at += end;
            Step::Index(rest[..end].parse().ok()?)
        };
        self.blanks();
        self.eat("]").then_some(step)
    }

    /// A JSON string, or single-quoted text in which `''` stands for `'`.
    fn quoted(&mut self) -> Option<String> {
        if self.eat("'") {
            let mut text = String::new();
            loop {
                let end = self.rest().find('\'')?;
                text.push_str(&self.rest()[..end]);
                self.at += end + 1;
                if !self.eat("'") {
                    return Some(text);
                }
                text.push('\'');
            }
        }
        match self.json()? {
            Json::String(text) => Some(text),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => None,
        }
    }

    /// The JSON value that starts here.
    fn json(&mut self) -> Option<Json> {
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter::<Json>();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(value)
    }

    fn default(&mut self, open: usize) -> Result<Json, TextError> {
        self.blanks();
        let start = self.at;
        let value = if self.rest().starts_with('\'') {
            self.quoted().map(Json::String)
        } else {
            self.json()
        };
        value.ok_or_else(|| {
            let end = self.close_from(start);
            let written = self.text[start..end].trim();
            TextError {
                message: format!("`{written}` is no value for a default"),
                span: self.span(open, (end + 1).min(self.text.len())),
                help: format!(
                    "text goes into quotes: `?? {}`",
                    Json::String(written.trim_matches(['"', '\'']).to_owned())
                ),
            }
        })
    }

    /// The place of the next `}`, else the end.
    fn close_from(&self, start: usize) -> usize {
        self.text[start..].find('}').map_or(self.text.len(), |end| start + end)
    }

    /// The error for something that is no reference at all, such as the shell's `${HOME:-x}`.
    fn unreadable(&self, open: usize) -> TextError {
        let close = self.close_from(open);
        if close == self.text.len() {
            return TextError {
                message: "`${` is never closed".to_owned(),
                span: self.span(open, open + 2),
                help: "close it with `}`, or write `$${` for a literal `${`".to_owned(),
            };
        }
        let inner = self.text[open + 2..close].trim();
        let shell: String =
            inner.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let help = if inner.starts_with('{') {
            "a reference has one pair of braces: `${name}`".to_owned()
        } else if shell.is_empty() {
            format!("write `$${{{inner}}}` to keep it as it is")
        } else if shell.len() == inner.len() {
            format!("for a variable of the shell write `${shell}` or `$${{{inner}}}`")
        } else {
            format!(
                "for a variable of the shell write `${shell}` or `$${{{inner}}}`; for a default \
                 of a value write `${{{shell} ?? \"text\"}}`"
            )
        };
        TextError {
            message: format!("`${{{inner}}}` is not a reference"),
            span: self.span(open, close + 1),
            help,
        }
    }
}

struct Wrong {
    message: String,
    help: String,
}

fn wrong(message: impl Into<String>, help: impl Into<String>) -> Wrong {
    Wrong { message: message.into(), help: help.into() }
}

/// Which root a path starts from, and what is left of the path.
fn root_of(first: &str, steps: Vec<Step>) -> Result<(Root, Vec<Step>), Wrong> {
    match first {
        "inputs" | "variables" | "config" | "secrets" => {
            let mut steps = steps.into_iter();
            let Some(Step::Field(name)) = steps.next() else {
                return Err(wrong(
                    format!("`{first}` needs a name"),
                    format!("write `${{{first}.name}}`"),
                ));
            };
            let path: Vec<Step> = steps.collect();
            if first != "secrets" {
                return Ok((Root::Value(name), path));
            }
            if path.is_empty() {
                return Ok((Root::Secret(name), path));
            }
            Err(wrong("a secret has no fields", format!("write `${{secrets.{name}}}`")))
        }
        "stages" | "prev" => output_root(first, steps),
        "form" => Ok((Root::Form, steps)),
        "input" => Ok((Root::Mapped, steps)),
        "outputs" => Ok((Root::Own, steps)),
        "event" => Ok((Root::Event, steps)),
        "item" => Ok((Root::Item, steps)),
        "run" => match steps.as_slice() {
            [Step::Field(field)] if RUN_FIELDS.contains(&field.as_str()) => Ok((Root::Run, steps)),
            [] | [_, ..] => Err(wrong(
                "`run` has no such field",
                format!("it has `run.{}`", RUN_FIELDS.join("`, `run.")),
            )),
        },
        "task" => match steps.as_slice() {
            [Step::Field(field), ..] if TASK_FIELDS.contains(&field.as_str()) => {
                Ok((Root::Task, steps))
            }
            [] | [_, ..] => Err(wrong(
                "`task` has no such field",
                format!("it has `task.{}`", TASK_FIELDS.join("`, `task.")),
            )),
        },
        name => Ok((Root::Value(name.to_owned()), steps)),
    }
}

/// `stages.NAME.outputs.KEY`, and the same of `prev`.
fn output_root(first: &str, steps: Vec<Step>) -> Result<(Root, Vec<Step>), Wrong> {
    let mut rest = steps.into_iter();
    let name = match rest.next() {
        Some(Step::Field(name)) => name,
        Some(Step::Index(_)) | None => {
            return Err(wrong(
                format!("`{first}` needs a name"),
                format!("write `${{{first}.NAME.outputs.KEY}}`"),
            ));
        }
    };
    let help = format!("write `${{{first}.{name}.outputs.KEY}}`");
    match rest.next() {
        Some(Step::Field(word)) if word == "outputs" => {}
        Some(Step::Field(_) | Step::Index(_)) | None => {
            return Err(wrong(
                format!("only the outputs of stage `{name}` can be used here"),
                help,
            ));
        }
    }
    let path: Vec<Step> = rest.collect();
    match path.first() {
        Some(Step::Field(_)) if first == "prev" => Ok((Root::Previous(name), path)),
        Some(Step::Field(_)) => Ok((Root::Output(name), path)),
        Some(Step::Index(_)) | None => Err(wrong("the key of the output is missing", help)),
    }
}
