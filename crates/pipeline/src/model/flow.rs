//! How stages start each other and hand data on: triggers, events, mappings, artifacts, undoing.

use serde_json::Value as Json;

use super::{StageIx, StageName};
use crate::expr::Expression;
use crate::text::ValueTemplate;

/// What starts a stage, beside its dependencies.
///
/// A stage whose triggers are all completions that have to hold together is resolved to plain
/// dependencies and has none of these.
#[derive(Clone, Debug)]
pub struct Triggers {
    pub mode: TriggerMode,
    /// Not empty. At most one is a [`Trigger::Event`] where `instances` is set.
    pub list: Vec<Trigger>,
    /// `parallel_instances: N`: one instance for each matching event, at most N live, the rest in
    /// order of arrival. `None`: it runs once, and the first match starts it.
    pub instances: Option<u32>,
    /// The stage takes no more events after so many.
    pub expect: Option<u32>,
    /// Stages whose settling may change what its triggers say: sources of completions, emitters of
    /// its events, stages its conditions look at.
    pub sources: Vec<StageIx>,
}

impl Triggers {
    /// The events that give instances.
    pub fn feed(&self) -> Option<&EventFilter> {
        self.instances?;
        self.list.iter().find_map(|trigger| match trigger {
            Trigger::Event(filter) => Some(filter),
            Trigger::Completion { .. } | Trigger::Condition { .. } | Trigger::Manual { .. } => None,
        })
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TriggerMode {
    /// The first that fires.
    #[default]
    Any,
    All,
}

#[derive(Clone, Debug)]
pub enum Trigger {
    /// Another stage has settled; with `success_only`, concluded in a success or a warning.
    Completion {
        stage: StageIx,
        success_only: bool,
    },
    Event(EventFilter),
    /// Looked at whenever a source settles; fires when it becomes true.
    Condition {
        expression: Expression,
    },
    /// A person starts it (`runs advance`); with an approval, the gate decides.
    Manual {
        approval: Option<super::Approval>,
    },
}

#[derive(Clone, Debug)]
pub struct EventFilter {
    /// The whole type: `spec.ready`.
    pub event: String,
    /// Sees the event as `event`; anything but `true` is no match, with the reason kept.
    pub filter: Option<Expression>,
    /// With `instances`: names the instance; a second event of the same key is dropped, with the
    /// reason kept. Sees the event as `event`.
    pub key: Option<Expression>,
    /// With `key`: a list of keys whose instances have to succeed before this one starts.
    pub needs: Option<Expression>,
    /// How long before the run was created an event from outside still counts. 0 where nothing is
    /// said; events of the run itself always count.
    pub lookback: std::time::Duration,
    /// Stages of this pipeline that emit it. Empty: it comes from outside, and the stage waits
    /// until `expect` (1 where nothing is said) came.
    pub emitters: Vec<StageIx>,
}

/// Given by an execution that has succeeded, in order.
#[derive(Clone, Debug)]
pub struct Emit {
    pub event: String,
    /// One event for each item; `${item}` in `data` is the item. May refer to `${outputs.*}` of
    /// the execution itself, as `when` and `data` may.
    pub foreach: Option<ValueTemplate>,
    pub when: Option<Expression>,
    /// A map.
    pub data: ValueTemplate,
}

/// Field mappings, then transforms, then the schema of the whole.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    pub fields: Vec<MappingField>,
    /// JSON Schema 2020-12 of the resulting object.
    pub schema: Option<Json>,
}

#[derive(Clone, Debug)]
pub struct MappingField {
    /// As written: `planning.outputs.plan`.
    pub written: String,
    pub from: Source,
    /// Field names: `["plan"]`; a nested object is made of more than one.
    pub to: Vec<String>,
    pub required: bool,
    pub default: Option<Json>,
    /// Applied in order.
    pub transforms: Vec<Transform>,
}

#[derive(Clone, Debug)]
pub enum Source {
    /// A path into the run: `inputs.goal`, `planning.outputs.plan`, `event.spec`, `config.x`.
    Reference(ValueTemplate),
    /// Of an output mapping: a path into what the work gave.
    Raw(Vec<crate::text::Step>),
    Expression(Expression),
}

/// The documented set; everything else is `Expression`, which sees the value as `value`.
#[derive(Clone, Debug)]
pub enum Transform {
    Trim,
    Lower,
    Upper,
    /// Text to a list.
    Split(String),
    /// A list to text.
    Join(String),
    /// Text to JSON.
    ParseJson,
    /// JSON to text.
    ToJson,
    ToText,
    ToNumber,
    ToInteger,
    ToBoolean,
    First,
    Last,
    Length,
    Keys,
    Values,
    Flatten,
    Unique,
    Sort,
    Expression(Expression),
}

/// A file that a stage leaves below its working directory.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    /// Relative, stays below the working directory.
    pub path: String,
    pub description: String,
    /// `json md txt html csv py mermaid png jpeg svg binary`; from the file's name where nothing is
    /// said.
    pub format: String,
    pub required: bool,
    /// JSON Schema 2020-12; only with format `json`.
    pub schema: Option<Json>,
    /// 100 MiB where nothing is said.
    pub max_bytes: u64,
}

/// Artifacts of somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextRef {
    /// As written: `@prev/plan`.
    pub written: String,
    pub from: Wanted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `@plan`: of this run.
    Stage(StageName),
    /// `@prev`, `@prev/plan`: of the run that this one extends, walking up to the nearest that
    /// finished it; the same stage where none is named.
    Previous { stage: StageName },
    /// `@v2/plan`: of that run of the same pipeline, which has to be an ancestor.
    Version { number: u64, stage: StageName },
}

/// How a stage is undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compensation {
    /// Nothing was written: a rollback that meets it is only partial.
    #[default]
    Missing,
    /// `rollback: none`: there is nothing to undo.
    None,
    /// By this stage.
    Stage(StageIx),
}
