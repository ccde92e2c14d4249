//! `${...}`: text and values that are completed when a stage is dispatched.
//!
//! A template is parsed once, when the definition is read, and resolved once, when a stage is
//! dispatched. Resolution is never recursive: a value that itself contains `${` stays text.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::source::Span;

mod parse;
mod resolve;
mod splice;
#[cfg(test)]
mod tests;

pub(crate) use resolve::descend;
pub use splice::{SpliceError, is_safe_to_splice};

/// Text with references. One reference alone keeps the type of its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Literal(String),
    Reference(Reference),
}

/// JSON in which strings may be templates.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueTemplate {
    Literal(Json),
    Text(Template),
    List(Vec<ValueTemplate>),
    Map(IndexMap<String, ValueTemplate>),
}

/// `${root.path ?? default}`
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    pub root: Root,
    /// What follows the root: field names and list indices.
    pub path: Vec<Step>,
    /// Used when the value does not exist or is null, also when its stage was skipped.
    pub default: Option<Json>,
    /// As written, without `${` and `}`.
    pub source: String,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Field(String),
    Index(usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// `${name}`, also `${inputs.name}`, `${variables.name}` and `${config.name}`.
    Value(String),
    /// `${stages.NAME.outputs.KEY}`: the stage's name, `path` starts at the output's key.
    Output(String),
    /// `${event.*}`: what started the run.
    Event,
    /// `${run.id}`, `${run.number}`, `${run.name}`, `${run.pipeline}`, `${run.by}`.
    Run,
    /// `${task.id}` and the other [`TASK_FIELDS`]: of the task that the run belongs to.
    Task,
    /// `${item}`: of the instance of a `foreach` stage; `${item.field}` goes into it.
    Item,
    /// `${form.FIELD}`: what a person answered to the stage's form.
    Form,
    /// `${input.FIELD}`: what the stage's input mapping made.
    Mapped,
    /// `${outputs.KEY}`: the execution's own outputs (`emit`), in a compensation those of the
    /// stage that it undoes.
    Own,
    /// `${prev.NAME.outputs.KEY}`: of the run that this one extends, walking up to the nearest
    /// that finished the stage; `path` starts at the output's key.
    Previous(String),
    /// `value`, in the expression of a transform.
    Subject,
    /// `${secrets.NAME}`: resolved by the worker, never stored.
    Secret(String),
}

/// What `${run.*}` may name.
pub const RUN_FIELDS: [&str; 5] = ["id", "number", "name", "pipeline", "by"];

/// What `${task.*}` may name. A run that belongs to no task has none of them.
pub const TASK_FIELDS: [&str; 7] =
    ["id", "number", "title", "description", "labels", "paths", "priority"];

/// Those of them that people do not write freely.
const TASK_FACTS: [&str; 3] = ["id", "number", "priority"];

impl Reference {
    /// As written, without its default.
    pub(crate) fn name(&self) -> &str {
        self.source.split("??").next().unwrap_or_default().trim()
    }

    /// Whether it is text that somebody wrote into a task: it never becomes shell source.
    pub(crate) fn is_free_text_of_a_task(&self) -> bool {
        let fact = |step: &Step| match step {
            Step::Field(name) => TASK_FACTS.contains(&name.as_str()),
            Step::Index(_) => false,
        };
        self.root == Root::Task && !self.path.first().is_some_and(fact)
    }
}

/// What references are looked up in: the run as it stands when a stage is dispatched.
pub trait Scope {
    /// The value of a root; `None` when there is none. Never asked for [`Root::Secret`].
    fn get(&self, root: &Root) -> Option<std::borrow::Cow<'_, Json>>;
    /// `{"outcome", "conclusion", "outputs"}` of a settled stage, for expressions.
    fn stage(&self, name: &str) -> Option<Json>;
    /// What is missing below this root exists, only nobody knows it: nothing ran that would have
    /// given it.
    fn is_unknown(&self, _root: &Root) -> bool {
        false
    }
    /// What stands for such a value of this name, where text about it is wanted: `<name>`. `None`:
    /// a value that is not known is an error.
    fn stand_in(&self, _name: &str) -> Option<String> {
        None
    }
}

/// Resolved text; a secret stays a name until the worker starts the child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    Plain(String),
    Secret(String),
}

/// A reference had no value and no default.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`${{{reference}}}` {problem}")]
pub struct Unresolved {
    /// As written, without `${` and `}`.
    pub reference: String,
    pub problem: Missing,
}

/// In which way a value is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    #[error("has no value")]
    Absent,
    /// Null has no text, and an empty string would hide the mistake.
    #[error("is null, which has no text")]
    Null,
    #[error("is not known: nothing ran that would have given it")]
    Unknown,
    /// A secret is not a value: it reaches a child only as an environment variable.
    #[error("is a secret and stays out of values")]
    Secret,
}

/// What is wrong with a `${...}`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TextError {
    pub message: String,
    /// In the parsed text, moved by the start of the `base` that was given.
    pub span: Span,
    /// What to write instead; may be empty.
    pub help: String,
}

impl Reference {
    /// Written `config.name`: what it names may be known to the installation only.
    pub fn is_config(&self) -> bool {
        let written = self.source.strip_prefix("config");
        matches!(self.root, Root::Value(_)) && written.is_some_and(|w| w.starts_with(['.', '[']))
    }
}

impl Template {
    /// Text without any reference.
    pub fn of_literal(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { parts: if text.is_empty() { Vec::new() } else { vec![Part::Literal(text)] } }
    }

    /// The text, when it has no reference.
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            [Part::Reference(_)] | [_, _, ..] => None,
        }
    }

    /// Every reference, in the order written.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.parts.iter().filter_map(|part| match part {
            Part::Reference(reference) => Some(reference),
            Part::Literal(_) => None,
        })
    }
}

impl ValueTemplate {
    /// JSON whose strings may hold `${...}`; keys of maps stay as they are. All errors at once.
    pub fn parse(value: &Json, base: Span) -> Result<Self, Vec<TextError>> {
        let mut errors = Vec::new();
        let template = Self::gather(value, base, &mut errors);
        if errors.is_empty() { Ok(template) } else { Err(errors) }
    }

    fn gather(value: &Json, base: Span, errors: &mut Vec<TextError>) -> Self {
        match value {
            Json::String(text) => match Template::parse(text, base) {
                Ok(template) => Self::text(template),
                Err(found) => {
                    errors.extend(found);
                    Self::Literal(Json::Null)
                }
            },
            Json::Array(items) => {
                Self::list(items.iter().map(|item| Self::gather(item, base, errors)).collect())
            }
            Json::Object(entries) => Self::map(
                entries
                    .iter()
                    .map(|(key, item)| (key.clone(), Self::gather(item, base, errors)))
                    .collect(),
            ),
            Json::Null | Json::Bool(_) | Json::Number(_) => Self::Literal(value.clone()),
        }
    }

    /// Text without references becomes a literal.
    pub fn text(template: Template) -> Self {
        match template.literal() {
            Some(text) => Self::Literal(Json::String(text.to_owned())),
            None => Self::Text(template),
        }
    }

    /// A list of literals becomes a literal.
    pub fn list(items: Vec<Self>) -> Self {
        match items.iter().map(|item| item.literal().cloned()).collect::<Option<Vec<_>>>() {
            Some(literals) => Self::Literal(Json::Array(literals)),
            None => Self::List(items),
        }
    }

    /// A map of literals becomes a literal.
    pub fn map(entries: IndexMap<String, Self>) -> Self {
        let literals = entries
            .iter()
            .map(|(key, item)| Some((key.clone(), item.literal()?.clone())))
            .collect::<Option<serde_json::Map<_, _>>>();
        match literals {
            Some(literals) => Self::Literal(Json::Object(literals)),
            None => Self::Map(entries),
        }
    }

    /// The value, when nothing in it is a reference.
    pub fn literal(&self) -> Option<&Json> {
        match self {
            Self::Literal(value) => Some(value),
            Self::Text(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// Every reference, in the order written.
    pub fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Text(template) => template.references().collect(),
            Self::List(items) => items.iter().flat_map(Self::references).collect(),
            Self::Map(entries) => entries.values().flat_map(Self::references).collect(),
        }
    }
}
