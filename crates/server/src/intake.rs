//! A request to start, made into what the conductor takes: the definition checked, texts read by
//! their declared types, facts drawn from the event.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::pipeline::StartRun;
use engine::event::{Inherited, Parent, Rollout, RunLink, TaskRun};
use engine::id::RunId;
use indexmap::IndexMap;
use pipeline::Pipeline;
use pipeline::model::ValueKind;
use pipeline::value::coerce_text;
use pipeline::when::Facts;
use serde_json::Value as Json;

/// A start, ready to be decided.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) digest: String,
    pub(crate) source: Source,
    pub(crate) by: String,
    pub(crate) inputs: IndexMap<String, Json>,
    pub(crate) event: Json,
    pub(crate) facts: Facts,
    pub(crate) directory: Option<String>,
    pub(crate) origin: Origin,
    /// Of the run, where it follows from what starts it, so that a repeat changes nothing; else
    /// it is drawn. Of no meaning for a child.
    pub(crate) id: Option<RunId>,
    /// Executions of these stages are held before they start.
    pub(crate) breakpoints: Vec<String>,
    /// Every execution is.
    pub(crate) step: bool,
    /// The task that it belongs to; its number is given where the run is created.
    pub(crate) task: Option<TaskRun>,
    /// It is paused from the first.
    pub(crate) held: bool,
    /// The trace that it is a part of.
    pub(crate) traceparent: Option<String>,
    /// A more careful mode than the installation's.
    pub(crate) mode: Option<Rollout>,
}

/// What a run goes on from.
#[derive(Clone, Debug, Default)]
pub(crate) enum Origin {
    #[default]
    Fresh,
    /// Another run of the same pipeline.
    Extends { link: RunLink, inherited: Vec<Inherited> },
    /// It is an attempt of another run, which gives it its id.
    Child { id: RunId, parent: Parent },
}

#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A revision of the catalogue.
    Stored { revision: u32 },
    /// Brought along: becomes a revision when it differs from the current one.
    Given { text: String },
}

/// Why a request cannot become a start.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("input `{name}`: {problem}")]
    Input { name: String, problem: String },
    #[error("`directory` has to be an absolute path, not `{0}`")]
    Directory(String),
    #[error("`event` has to be a map")]
    Event,
    #[error("`event.{field}` has to be {expected}")]
    Fact { field: &'static str, expected: &'static str },
    #[error("{0}")]
    Mode(String),
}

impl Start {
    pub(crate) fn new(
        pipeline: Arc<Pipeline>,
        digest: String,
        source: Source,
        by: String,
        request: StartRun,
    ) -> Result<Self, Unfit> {
        let event = request.event.unwrap_or(Json::Null);
        let facts = facts(&event)?;
        if let Some(directory) = &request.directory
            && !directory.starts_with('/')
        {
            return Err(Unfit::Directory(directory.clone()));
        }
        let inputs = inputs(&pipeline, request.inputs, &request.input_texts)?;
        let directory = request.directory;
        let (breakpoints, step) = (request.breakpoints, request.step);
        let origin = Origin::Fresh;
        let mode = request.mode.as_deref().map(str::parse).transpose().map_err(Unfit::Mode)?;
        Ok(Self {
            pipeline,
            digest,
            source,
            by,
            inputs,
            event,
            facts,
            directory,
            origin,
            id: None,
            breakpoints,
            step,
            task: None,
            held: false,
            traceparent: None,
            mode,
        })
    }

    /// Of a revision of the catalogue, with nothing but its defaults.
    pub(crate) fn of_stored(
        pipeline: Arc<Pipeline>,
        revision: u32,
        digest: String,
        by: String,
    ) -> Self {
        Self {
            pipeline,
            digest,
            source: Source::Stored { revision },
            by,
            inputs: IndexMap::new(),
            event: Json::Null,
            facts: Facts::default(),
            directory: None,
            origin: Origin::Fresh,
            id: None,
            breakpoints: Vec::new(),
            step: false,
            task: None,
            held: false,
            traceparent: None,
            mode: None,
        }
    }
}

/// Given values, texts read by the declared type. Whether they are complete and fit their schemas
/// is the engine's to say.
fn inputs(
    pipeline: &Pipeline,
    values: BTreeMap<String, Json>,
    texts: &BTreeMap<String, String>,
) -> Result<IndexMap<String, Json>, Unfit> {
    let mut inputs: IndexMap<String, Json> = values.into_iter().collect();
    for (name, text) in texts {
        let kind = pipeline.inputs.get(name).map_or(ValueKind::String, |input| input.kind);
        let value = coerce_text(kind, text)
            .map_err(|problem| Unfit::Input { name: name.clone(), problem })?;
        inputs.insert(name.clone(), value);
    }
    Ok(inputs)
}

fn facts(event: &Json) -> Result<Facts, Unfit> {
    let event = match event {
        Json::Null => return Ok(Facts::default()),
        Json::Object(event) => event,
        Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            return Err(Unfit::Event);
        }
    };
    let text = |field| match event.get(field) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Unfit::Fact { field, expected: "a text" }),
    };
    let list = |field| match event.get(field) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(Some)
            .ok_or(Unfit::Fact { field, expected: "a list of texts" }),
        Some(_) => Err(Unfit::Fact { field, expected: "a list of texts" }),
    };
    Ok(Facts {
        branch: text("branch")?,
        paths: list("paths")?,
        labels: list("labels")?,
        environment: text("environment")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_says_what_conditions_are_judged_on() {
        let event = json!({"type": "push", "branch": "main", "paths": ["a", "b"]});
        let facts = facts(&event).unwrap();
        assert_eq!(facts.branch.as_deref(), Some("main"));
        assert_eq!(facts.paths, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(facts.labels, None);
        assert_eq!(super::facts(&Json::Null).unwrap(), Facts::default());
    }

    #[test]
    fn a_fact_of_the_wrong_kind_is_refused() {
        let wrong = |event| facts(&event).unwrap_err().to_string();
        assert_eq!(wrong(json!({"paths": "a"})), "`event.paths` has to be a list of texts");
        assert_eq!(wrong(json!({"labels": [1]})), "`event.labels` has to be a list of texts");
        assert_eq!(wrong(json!({"branch": 1})), "`event.branch` has to be a text");
        assert_eq!(wrong(json!(7)), "`event` has to be a map");
    }
}
