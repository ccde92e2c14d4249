//! What was written, with its places: every key read by the [`crate::vocabulary`], nothing yet
//! looked up. Reading never stops at a mistake; what could not be read is left out.

use std::time::Duration;

use crate::expr::Expression;
use crate::model::{
    BackoffKind, Concurrency, Effects, HaltMode, Input, OnFailure, Output, PythonSource, Rule,
    Shell,
};
use crate::source::Span;
use crate::text::{Template, ValueTemplate};
use crate::when::Test;
use crate::yaml::Scalar;

mod budget;
mod condition;
mod fields;
mod names;
mod policy;
mod read;
mod root;
mod scalars;
mod stage;
mod values;

pub(crate) use read::Reader;
pub(crate) use root::read;
pub(crate) use scalars::{literal, parse_duration};

/// Something with its place.
#[derive(Clone, Debug)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

impl<T> Placed<T> {
    pub(crate) fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// An expression, and how it was written: its parts have places too.
#[derive(Clone, Debug)]
pub(crate) struct AuthoredExpression {
    pub(crate) expression: Expression,
    pub(crate) span: Span,
    pub(crate) scalar: Scalar,
}

impl AuthoredExpression {
    /// Where a name that the expression reads stands in `text`, the definition.
    pub(crate) fn place(&self, name: &str, text: &str) -> Span {
        match self.expression.references().places.get(name) {
            Some(place) => self.scalar.places(text, self.span).of(place.start, place.end),
            None => self.span,
        }
    }
}

pub(crate) type Named<T> = Vec<(Placed<String>, T)>;

#[derive(Debug, Default)]
pub(crate) struct Authored {
    pub(crate) name: Option<Placed<String>>,
    pub(crate) description: String,
    pub(crate) inputs: Named<AuthoredInput>,
    pub(crate) variables: Named<ValueTemplate>,
    pub(crate) env: Named<Template>,
    pub(crate) working_dir: Option<Template>,
    pub(crate) secrets: Vec<Placed<String>>,
    pub(crate) concurrency: Option<Concurrency>,
    pub(crate) max_parallel: Option<u32>,
    pub(crate) retry: AuthoredRetry,
    pub(crate) halt_mode: Option<HaltMode>,
    pub(crate) success: Option<AuthoredExpression>,
    /// `finally` stages last.
    pub(crate) stages: Vec<AuthoredStage>,
    /// `stages:` was there and could be read as a list.
    pub(crate) has_stages: bool,
}

#[derive(Debug)]
pub(crate) struct AuthoredInput {
    pub(crate) input: Input,
    /// As written; `None` leaves it to the default's presence.
    pub(crate) required: Option<bool>,
}

#[derive(Debug)]
pub(crate) struct AuthoredStage {
    /// Where to point when the stage as a whole is meant: its name, else its first key.
    pub(crate) span: Span,
    pub(crate) name: Option<Placed<String>>,
    pub(crate) description: String,
    pub(crate) work: Option<AuthoredWork>,
    pub(crate) depends_on: Option<Placed<Vec<Placed<String>>>>,
    pub(crate) parallel_with: Option<Placed<String>>,
    /// The number of its `parallel:` group.
    pub(crate) group: Option<usize>,
    pub(crate) rule: Option<Placed<Rule>>,
    pub(crate) when: Option<Placed<Test>>,
    /// Names of inputs and variables that `when` asks about.
    pub(crate) when_names: Vec<Placed<String>>,
    pub(crate) condition: Option<AuthoredExpression>,
    pub(crate) skip_unknown: bool,
    pub(crate) foreach: Option<Placed<ValueTemplate>>,
    pub(crate) max_parallel: Option<Placed<u32>>,
    pub(crate) env: Named<Template>,
    pub(crate) working_dir: Option<Template>,
    pub(crate) outputs: Named<Output>,
    pub(crate) timeout: Option<Placed<Duration>>,
    pub(crate) total_timeout: Option<Placed<Duration>>,
    pub(crate) idle_timeout: Option<Placed<Duration>>,
    pub(crate) grace: Option<Duration>,
    pub(crate) retry: AuthoredRetry,
    pub(crate) on_failure: Option<OnFailure>,
    pub(crate) halt_mode: Option<HaltMode>,
    pub(crate) effects: Option<Effects>,
    pub(crate) probe: Option<Placed<Template>>,
    pub(crate) environment: Option<String>,
    pub(crate) finally: bool,
}

#[derive(Debug)]
pub(crate) enum AuthoredWork {
    Run { script: Template, shell: Shell },
    Python { source: PythonSource, parameters: Named<ValueTemplate> },
    Noop,
}

/// Each key may be left to the next outer level.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuthoredRetry {
    pub(crate) max_attempts: Option<u32>,
    pub(crate) kind: Option<BackoffKind>,
    pub(crate) initial: Option<Duration>,
    pub(crate) max: Option<Duration>,
    pub(crate) jitter: Option<bool>,
    pub(crate) not_on: Option<Vec<i32>>,
}
