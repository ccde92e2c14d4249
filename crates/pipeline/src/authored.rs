//! What was written, with its places: every key read by the [`crate::vocabulary`], nothing yet
//! looked up. Reading never stops at a mistake; what could not be read is left out.

use std::time::Duration;

use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::expr::Expression;
use crate::model::{
    AgentSpec, Approval, Artifact, BackoffKind, Budget, Concurrency, Effects, Form, HaltMode,
    Input, LoopSpec, OnFailure, Output, PythonSource, Repository, Rule, Runtime, Shell,
};
use crate::source::Span;
use crate::text::{Template, ValueTemplate};
use crate::when::Test;
use crate::yaml::Scalar;

mod agent;
mod artifacts;
mod budget;
mod condition;
mod field;
mod fields;
mod flow;
mod form;
mod gate;
mod mapping;
mod names;
mod policy;
mod read;
mod rollback;
mod root;
mod runs_on;
mod runtime;
mod scalars;
mod stage;
mod start;
mod trees;
mod values;

pub use agent::is_agent_name;
pub(crate) use agent::{AuthoredAgent, AuthoredMention, AuthoredPrompt, Mentions};
pub(crate) use flow::{AuthoredEmit, AuthoredTrigger, AuthoredTriggers};
pub(crate) use mapping::{AuthoredMapping, AuthoredSource, AuthoredTransform};
pub(crate) use read::Reader;
pub(crate) use rollback::{Action, AuthoredRollback};
pub(crate) use root::read;
pub(crate) use scalars::{literal, parse_duration};
pub(crate) use stage::KINDS;
pub(crate) use start::{AuthoredStart, AuthoredStartOn};

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
    pub(crate) config: IndexMap<String, Json>,
    pub(crate) outputs: Named<ValueTemplate>,
    pub(crate) auto_advance: bool,
    pub(crate) env: Named<Template>,
    pub(crate) working_dir: Option<Template>,
    pub(crate) secrets: Vec<Placed<String>>,
    pub(crate) concurrency: Option<Concurrency>,
    pub(crate) max_parallel: Option<u32>,
    pub(crate) agents: Named<AgentSpec>,
    pub(crate) loop_types: Named<LoopSpec>,
    pub(crate) budget: Budget,
    pub(crate) retry: AuthoredRetry,
    pub(crate) halt_mode: Option<HaltMode>,
    pub(crate) success: Option<AuthoredExpression>,
    pub(crate) triggers: Vec<AuthoredStart>,
    pub(crate) repository: Option<Repository>,
    pub(crate) runtime: Option<Placed<Runtime>>,
    /// `finally` stages last.
    pub(crate) stages: Vec<AuthoredStage>,
    /// `stages:` was there and could be read as a list.
    pub(crate) has_stages: bool,
}

/// Whose worktree a stage works in, as written.
#[derive(Debug)]
pub(crate) enum AuthoredTree {
    Own,
    Stage(String),
}

#[derive(Debug)]
pub(crate) struct AuthoredMerge {
    pub(crate) from: Vec<Placed<String>>,
    pub(crate) into: Option<Template>,
    pub(crate) check: Option<Template>,
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
    pub(crate) worktree: Option<Placed<AuthoredTree>>,
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
    pub(crate) runtime: Option<Placed<Runtime>>,
    /// Labels of the worker that it needs.
    pub(crate) runs_on: Vec<String>,
    pub(crate) people: AuthoredPeople,
    /// The key is there, whether or not it could be read.
    pub(crate) is_triggered: bool,
    pub(crate) triggers: Option<AuthoredTriggers>,
    pub(crate) input: Option<AuthoredMapping>,
    pub(crate) output: Option<AuthoredMapping>,
    pub(crate) artifacts: Named<Artifact>,
    pub(crate) context: Vec<Placed<AuthoredContext>>,
    pub(crate) emits: Vec<AuthoredEmit>,
    pub(crate) rollback: Option<Placed<AuthoredRollback>>,
    pub(crate) rollback_to: Option<Placed<String>>,
    pub(crate) finally: bool,
}

impl AuthoredStage {
    /// It has many instances, so its outputs are a list.
    pub(crate) fn fans_out(&self) -> bool {
        self.foreach.is_some() || self.is_fed()
    }

    /// One instance for each event.
    pub(crate) fn is_fed(&self) -> bool {
        self.triggers.as_ref().is_some_and(|triggers| triggers.instances.is_some())
    }
}

/// What people are asked of a stage.
#[derive(Debug, Default)]
pub(crate) struct AuthoredPeople {
    /// `form` or `human`.
    pub(crate) form: Option<Placed<Form>>,
    pub(crate) approve_start: Option<Placed<Approval>>,
    pub(crate) approve_complete: Option<Placed<Approval>>,
    pub(crate) max_revisions: Option<u32>,
    pub(crate) auto_advance: Option<bool>,
}

/// `@prev/plan`
#[derive(Debug)]
pub(crate) struct AuthoredContext {
    pub(crate) written: String,
    pub(crate) run: ContextRun,
    /// `None`: the stage it stands in.
    pub(crate) stage: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContextRun {
    This,
    Previous,
    Version(u64),
}

#[derive(Debug)]
pub(crate) enum AuthoredWork {
    Run { script: Template, shell: Shell },
    Python { source: PythonSource, parameters: Named<ValueTemplate> },
    Noop,
    Form,
    Child { pipeline: Placed<String>, inputs: Named<ValueTemplate> },
    Merge(Placed<AuthoredMerge>),
    Agent(Box<AuthoredAgent>),
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
