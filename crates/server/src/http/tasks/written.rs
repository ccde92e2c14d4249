//! What people write about a task, checked.

use std::sync::Arc;

use api::pipeline::StartRun;
use api::task::{ChangeTask, CreateTask, StartTask};
use engine::event::OnActive;
use jiff::Timestamp;
use serde_json::Value as Json;
use store::port::{TaskRow, Wanted};

use crate::conductor::tasks::{StartTask as Started, Then};
use crate::http::caller::Caller;
use crate::http::problem::Fault;
use crate::http::{runs, versions};
use crate::intake::{Source, Start};
use crate::refused::Refused;
use crate::shared::Shared;

/// Characters of a title.
const TITLE: usize = 500;
/// Bytes of a description.
const DESCRIPTION: usize = 256 << 10;
/// Labels, paths, prerequisites.
const ENTRIES: usize = 200;
/// Characters of one of them.
const ENTRY: usize = 500;

pub(in crate::http) fn wanted(word: &str) -> Result<Wanted, Fault> {
    Wanted::named(word).ok_or_else(|| {
        let known: Vec<&str> = Wanted::ALL.into_iter().map(Wanted::word).collect();
        unfit("status", format!("`{word}` is none of {}", known.join(", ")))
    })
}

fn on_active(word: &str) -> Result<OnActive, Fault> {
    OnActive::named(word).ok_or_else(|| {
        let known: Vec<&str> = OnActive::ALL.into_iter().map(OnActive::word).collect();
        unfit("on_active", format!("`{word}` is none of {}", known.join(", ")))
    })
}

fn unfit(field: &'static str, problem: String) -> Fault {
    Refused::TaskUnfit { field, problem }.into()
}

/// A task that nobody has seen before; who and when is said by the conductor.
pub(in crate::http) fn created(request: CreateTask) -> Result<TaskRow, Fault> {
    let id = request.id.unwrap_or_default();
    if !id.is_empty() && !is_id(&id) {
        let problem = "1 to 64 of `A-Z a-z 0-9 _ -`, a letter or digit first".to_owned();
        return Err(unfit("id", problem));
    }
    let row = TaskRow {
        id,
        version: 0,
        title: String::new(),
        description: String::new(),
        pipeline: None,
        inputs: Json::Object(serde_json::Map::new()),
        labels: Vec::new(),
        paths: Vec::new(),
        prerequisites: Vec::new(),
        priority: 0,
        on_active: OnActive::default(),
        wanted: Wanted::Todo,
        created_at: Timestamp::UNIX_EPOCH,
        created_by: String::new(),
        updated_at: Timestamp::UNIX_EPOCH,
        updated_by: String::new(),
        deleted_at: None,
    };
    let change = ChangeTask {
        title: Some(request.title),
        description: Some(request.description),
        pipeline: request.pipeline,
        inputs: Some(request.inputs),
        labels: Some(request.labels),
        paths: Some(request.paths),
        prerequisites: Some(request.prerequisites),
        priority: Some(request.priority),
        on_active: request.on_active,
        status: request.status,
        force: request.force,
    };
    changed(row, change)
}

fn is_id(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    id.len() <= 64 && id.bytes().all(fits) && id.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// The task with what is given.
pub(in crate::http) fn changed(mut row: TaskRow, change: ChangeTask) -> Result<TaskRow, Fault> {
    if let Some(title) = change.title {
        if title.chars().count() > TITLE || title.contains(['\n', '\r']) {
            return Err(unfit("title", format!("one line of at most {TITLE} characters")));
        }
        row.title = title;
    }
    if let Some(description) = change.description {
        if description.len() > DESCRIPTION {
            return Err(unfit("description", format!("at most {DESCRIPTION} bytes")));
        }
        row.description = description;
    }
    if let Some(pipeline) = change.pipeline {
        row.pipeline = Some(pipeline).filter(|name| !name.is_empty());
    }
    if let Some(inputs) = change.inputs {
        row.inputs = Json::Object(inputs.into_iter().collect());
    }
    if let Some(labels) = change.labels {
        row.labels = entries("labels", labels)?;
    }
    if let Some(paths) = change.paths {
        row.paths = entries("paths", paths)?;
    }
    if let Some(prerequisites) = change.prerequisites {
        row.prerequisites = entries("prerequisites", prerequisites)?;
    }
    row.priority = change.priority.unwrap_or(row.priority);
    if let Some(word) = change.on_active {
        row.on_active = on_active(&word)?;
    }
    if let Some(word) = change.status {
        row.wanted = wanted(&word)?;
    }
    Ok(row)
}

/// Each once, in the order given.
fn entries(field: &'static str, given: Vec<String>) -> Result<Vec<String>, Fault> {
    let mut entries: Vec<String> = Vec::with_capacity(given.len());
    for entry in given {
        if entry.is_empty() || entry.chars().count() > ENTRY {
            return Err(unfit(field, format!("each has 1 to {ENTRY} characters")));
        }
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    if entries.len() > ENTRIES {
        return Err(unfit(field, format!("at most {ENTRIES} entries")));
    }
    Ok(entries)
}

/// A start of the task's pipeline, with its inputs and what is given beside them.
pub(in crate::http) async fn start(
    shared: &Shared,
    caller: &Caller,
    task: &TaskRow,
    request: StartTask,
) -> Result<Then, Fault> {
    let Some(name) = request.pipeline.or_else(|| task.pipeline.clone()) else {
        let fault = unfit("pipeline", "the task names none, and none was given".to_owned());
        return Err(fault.hint(format!("orchestrate task update {} --pipeline NAME", task.id)));
    };
    let definitions = Arc::clone(&shared.definitions);
    let (pipeline, revision, digest) =
        shared.read(move |reader| definitions.current(reader, &name)).await?;
    let mut inputs: std::collections::BTreeMap<String, Json> = match &task.inputs {
        Json::Object(own) => own.clone().into_iter().collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            Default::default()
        }
    };
    inputs.extend(request.inputs);
    let asked = StartRun {
        inputs,
        input_texts: request.input_texts,
        directory: request.directory,
        mode: request.mode,
        ..StartRun::default()
    };
    let source = Source::Stored { revision };
    let start = Start::new(pipeline, digest, source, caller.name.clone(), asked);
    let mut start = start.map_err(runs::unfit)?;
    start.origin = versions::origin(shared, &start.pipeline).await?;
    let on_active = match &request.on_active {
        Some(word) => on_active(word)?,
        None => task.on_active,
    };
    let started = Started { start, on_active, force: request.force, said: false };
    Ok(Then::Start(Box::new(started)))
}
