//! `${...}`: text and values that are completed when a stage is dispatched.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::source::Span;

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
    /// Used when the value does not exist, also when its stage was skipped.
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
    /// `${name}`, also `${inputs.name}` and `${variables.name}`.
    Value(String),
    /// `${stages.NAME.outputs.KEY}`: the stage's name, `path` starts at the output's key.
    Output(String),
    /// `${event.*}`: what started the run.
    Event,
    /// `${run.id}`, `${run.number}`, `${run.name}`, `${run.pipeline}`, `${run.by}`.
    Run,
    /// `${item}`: of the instance of a `foreach` stage; `${item.field}` goes into it.
    Item,
    /// `${secrets.NAME}`: resolved by the worker, never stored.
    Secret(String),
}

/// What references are looked up in: the run as it stands when a stage is dispatched.
pub trait Scope {
    /// The value of a root; `None` when there is none. Never asked for [`Root::Secret`].
    fn get(&self, root: &Root) -> Option<std::borrow::Cow<'_, Json>>;
    /// `{"outcome", "conclusion", "outputs"}` of a settled stage, for expressions.
    fn stage(&self, name: &str) -> Option<Json>;
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
#[error("`${{{reference}}}` has no value")]
pub struct Unresolved {
    pub reference: String,
}
