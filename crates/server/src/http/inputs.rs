//! Forms: listed, shown, filled in, submitted.

use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::IntoParams;

use api::Page;
use api::input::{DraftView, FieldView, InputDetail, InputSummary, SaveDraft, SubmitForm, Upload};
use api::problem::Problem;
use api::words::input_statuses;
use axum::extract::{Path, State};
use blobs::Blobs;
use engine::Rejection;
use engine::command::{Command, Submit};
use engine::event::{ArtifactRef, Person};
use engine::id::ExecutionId;
use engine::view::{FormState, FormView};
use indexmap::IndexMap;
use jiff::Timestamp;
use pipeline::form;
use pipeline::model::{FieldKind, Form, SaveFormat};
use serde::Deserialize;
use serde_json::Value;
use store::port::{Change, DraftRow, RequestKind};

use super::body::{Json, Limit, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::requests::{self, Asked, List};
use super::tag::{IfMatch, Version, Versioned};
use crate::conductor::desk::Ask;
use crate::history;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};
use crate::view::request;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(draft))
        .routes(routes!(submit))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Words of statuses, separated by commas.
    #[param(schema_with = input_statuses)]
    status: Option<String>,
    /// `name#n`, an id, or the beginning of one.
    run: Option<String>,
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// `next` of the page before: `I-17`.
    #[param(pattern = "^I-[0-9]{1,15}$")]
    after: Option<String>,
}

impl Wanted {
    fn list(self) -> List {
        let Self { status, run, limit, after } = self;
        List { status, run, limit, after }
    }
}

/// Newest first.
#[utoipa::path(
    get,
    path = "/api/inputs",
    tag = "inputs",
    security(("token" = ["read"])),
    params(Wanted),
    responses(
        (status = OK, body = Page<InputSummary>),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Page<InputSummary>>, Fault> {
    let (asked, next) = requests::list(&shared, RequestKind::Input, wanted.list()).await?;
    let person = caller.person(&shared)?;
    let data = asked.iter().map(|of| summary(of, &person)).collect();
    Ok(Json(Page { schema: "orchestrate.input.list/v1".to_owned(), data, next }))
}

fn summary(of: &Asked, person: &Person) -> InputSummary {
    let Asked { row, run } = of;
    let assignees = request::texts(&row.body, "assignees");
    let assigned = assignees.is_empty() || assignees.iter().any(|entry| person.is(entry));
    let you = match (row.status == "open", assigned) {
        (false, _) => String::new(),
        (true, true) if run.status == "paused" => "the run is paused".to_owned(),
        (true, true) => "can submit".to_owned(),
        (true, false) => format!("it is asked of {}", assignees.join(", ")),
    };
    request::input(row, run, you)
}

/// A form with its fields and what they start with.
#[utoipa::path(
    get,
    path = "/api/inputs/{id}",
    tag = "inputs",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "`I-5`")),
    responses(
        (status = OK, body = InputDetail),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Versioned<Json<InputDetail>>, Fault> {
    let asked = requests::find(&shared, RequestKind::Input, &id).await?;
    Ok(versioned(detail(&shared, &caller, asked).await?))
}

/// With the version of its draft, which the next one may name.
fn versioned(detail: InputDetail) -> Versioned<Json<InputDetail>> {
    Versioned(version(detail.draft.as_ref().map(|draft| draft.at)), Json(detail))
}

/// A draft is told by when it was saved: no two of a form have the same time.
fn version(saved: Option<Timestamp>) -> Version {
    Version(format!("d{}", saved.map_or(0, Timestamp::as_nanosecond)))
}

/// What the run says of a form.
struct Seen {
    form: Form,
    instructions: String,
    feedback: String,
    values: IndexMap<String, Value>,
    submitted: Option<(String, IndexMap<String, Value>)>,
}

async fn seen(shared: &Shared, asked: &Asked) -> Result<Seen, Fault> {
    let (execution, generation) = (execution(asked)?, asked.row.generation);
    let seen = history::look(shared, &asked.run, move |run| {
        run.form(&execution, Some(generation)).map(|form| of_view(&form))
    });
    let missing = || Refused::Internal(format!("{} names no form", requests::id(&asked.row)));
    Ok(seen.await?.ok_or_else(missing)?)
}

fn of_view(form: &FormView<'_>) -> Seen {
    let submitted = match &form.state {
        FormState::Submitted { by, values, .. } => Some(((*by).to_owned(), (*values).clone())),
        FormState::Open | FormState::TimedOut { .. } | FormState::Void { .. } => None,
    };
    Seen {
        form: form.form.clone(),
        instructions: form.instructions.to_owned(),
        feedback: form.feedback.to_owned(),
        values: form.values.clone(),
        submitted,
    }
}

fn execution(asked: &Asked) -> Result<ExecutionId, Refused> {
    let text = &asked.row.execution;
    text.parse().map_err(|_bad| Refused::Internal(format!("`{text}` is no execution")))
}

async fn detail(shared: &Shared, caller: &Caller, asked: Asked) -> Result<InputDetail, Fault> {
    let person = caller.person(shared)?;
    let seen = seen(shared, &asked).await?;
    let number = asked.row.number;
    let draft = shared.read(move |reader| Ok(reader.draft(number)?)).await?;
    let draft = draft.filter(|_| asked.row.status == "open").map(draft_view);
    let (submitted_by, mut values) = match seen.submitted {
        Some((by, values)) => (Some(by), values),
        None => (None, seen.values),
    };
    if let Some(draft) = &draft {
        values.extend(draft.values.clone());
    }
    let fields = seen.form.fields.iter().map(|(name, field)| FieldView {
        name: name.clone(),
        kind: field.kind.word().to_owned(),
        label: field.label.clone(),
        help: field.help.clone(),
        required: field.required,
        rules: form::rules(field).into_iter().collect(),
    });
    Ok(InputDetail {
        generation: asked.row.generation,
        instructions: seen.instructions,
        feedback: seen.feedback,
        fields: fields.collect(),
        values: values.into_iter().collect(),
        draft,
        submitted_by,
        summary: summary(&asked, &person),
    })
}

fn draft_view(row: DraftRow) -> DraftView {
    let values = match row.values {
        Value::Object(values) => values.into_iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            BTreeMap::new()
        }
    };
    DraftView { by: row.by, at: row.at, values }
}

/// Whoever is not asked may not answer, nor prepare an answer.
fn must_be_asked(asked: &Asked, person: &Person) -> Result<(), Fault> {
    let assignees = request::texts(&asked.row.body, "assignees");
    if assignees.is_empty() || assignees.iter().any(|entry| person.is(entry)) {
        return Ok(());
    }
    let reason = format!("it is asked of {}", assignees.join(", "));
    let rejection = Rejection::NotEligible { who: person.name.clone(), act: "submit", reason };
    Err(Refused::Rejected(rejection).into())
}

/// Kept until it is submitted; nothing is checked but the names. Of two who write at once the later
/// one wins, unless it says with `If-Match` what it has seen.
#[utoipa::path(
    put,
    path = "/api/inputs/{id}/draft",
    tag = "inputs",
    security(("token" = ["decide"])),
    params(
        ("id" = String, Path, description = "`I-5`"),
        ("If-Match" = Option<String>, Header, description = "The tag of what was seen (`ETag`): refused (412) when another draft was saved by now"),
    ),
    request_body = SaveDraft,
    responses(
        (status = OK, body = InputDetail),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn draft(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    given: IfMatch,
    Json(SaveDraft { values }): Json<SaveDraft>,
) -> Result<Versioned<Json<InputDetail>>, Fault> {
    let asked = requests::find(&shared, RequestKind::Input, &id).await?;
    must_be_asked(&asked, &caller.person(&shared)?)?;
    let seen = seen(&shared, &asked).await?;
    unknown(&seen.form, values.keys())?;
    let (request, by) = (asked.row.number, caller.name.clone());
    let mut upon = None;
    if given.0.is_some() {
        let draft = shared.read(move |reader| Ok(reader.draft(request)?)).await?;
        let saved = draft.map(|draft| draft.at);
        given.check(&version(saved))?;
        // Nobody may come in between.
        upon = Some(saved);
    }
    let values = Value::Object(values.into_iter().collect());
    let save = move |at| Change::SaveDraft { request, values, seen: upon, by, at };
    shared.desk.store(save).await?;
    Ok(versioned(detail(&shared, &caller, asked).await?))
}

fn unknown<'a>(form: &Form, names: impl Iterator<Item = &'a String>) -> Result<(), Fault> {
    let unknown = names.filter(|name| !form.fields.contains_key(*name));
    let says = |name: &String| (name.clone(), "the form has no such field".to_owned());
    problems(unknown.map(says).collect())
}

fn problems(problems: Vec<form::Problem>) -> Result<(), Fault> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(Refused::Rejected(Rejection::Form { problems }).into())
}

/// Answers a form; all problems are told at once, by field.
#[utoipa::path(
    post,
    path = "/api/inputs/{id}/submit",
    tag = "inputs",
    security(("token" = ["decide"])),
    params(("id" = String, Path, description = "`I-5`")),
    request_body = SubmitForm,
    responses(
        (status = OK, body = InputDetail),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn submit(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(given): Json<SubmitForm>,
) -> Result<Json<InputDetail>, Fault> {
    answer(&shared, &caller, &id, given).await
}

/// The same for whoever names the form in another way.
pub(super) async fn answer(
    shared: &Shared,
    caller: &Caller,
    id: &str,
    given: SubmitForm,
) -> Result<Json<InputDetail>, Fault> {
    let asked = requests::find(shared, RequestKind::Input, id).await?;
    let by = caller.person(shared)?;
    // Before anything of what was given is stored.
    must_be_asked(&asked, &by)?;
    let seen = seen(shared, &asked).await?;
    let generation = Some(given.generation.unwrap_or(asked.row.generation));
    let values = values(&seen.form, given)?;
    let artifacts = if asked.row.status == "open" {
        let (blobs, answered) = (Blobs::of(&shared.data_dir), values.clone());
        blocking(move || artifacts(&blobs, &seen, answered)).await??
    } else {
        // The run says what became of it.
        Vec::new()
    };
    let (run, execution) = (asked.row.run, execution(&asked)?);
    let command = Box::new(Command::Submit(Box::new(Submit {
        execution,
        generation,
        by,
        values,
        artifacts,
    })));
    shared.desk.ask(|reply| Ask::Act { run, command, reply }).await?;
    let asked = requests::find(shared, RequestKind::Input, id).await?;
    Ok(Json(detail(shared, caller, asked).await?))
}

/// Values as given, texts read by the kinds of their fields.
fn values(form: &Form, given: SubmitForm) -> Result<IndexMap<String, Value>, Fault> {
    unknown(form, given.values.keys().chain(given.texts.keys()))?;
    let mut values: IndexMap<String, Value> = given.values.into_iter().collect();
    let mut wrong = Vec::new();
    for (name, text) in given.texts {
        match form.fields.get(&name).map(|field| form::coerce(field, &text)) {
            Some(Ok(value)) => {
                values.insert(name, value);
            }
            Some(Err(problem)) => wrong.push((name, problem)),
            None => {}
        }
    }
    problems(wrong)?;
    Ok(values)
}

/// The files of an answer, and the answer itself where it is kept as one.
fn artifacts(
    blobs: &Blobs,
    seen: &Seen,
    answered: IndexMap<String, Value>,
) -> Result<Vec<ArtifactRef>, Fault> {
    let mut all = seen.values.clone();
    all.extend(answered);
    let values = form::check(&seen.form, &all)
        .map_err(|problems| Refused::Rejected(Rejection::Form { problems }))?;
    let mut artifacts = Vec::new();
    let mut wrong = Vec::new();
    for (name, field) in &seen.form.fields {
        let Some(value) = values.get(name).filter(|value| !value.is_null()) else { continue };
        if field.kind != FieldKind::File {
            continue;
        }
        match file(blobs, name, value) {
            Ok(artifact) => artifacts.push(artifact),
            Err(problem) => wrong.push((name.clone(), problem)),
        }
    }
    problems(wrong)?;
    if let Some(save) = &seen.form.save_as {
        let text = form::render(&seen.form, &values, save.format);
        let stored = blobs.put(text.as_bytes(), text.len() as u64).map_err(Refused::from)?;
        let format = match save.format {
            SaveFormat::Json => "json",
            SaveFormat::Markdown => "md",
        };
        artifacts.push(ArtifactRef {
            name: save.artifact.clone(),
            path: save.artifact.clone(),
            digest: stored.digest,
            bytes: stored.bytes,
            format: format.to_owned(),
        });
    }
    Ok(artifacts)
}

/// An uploaded file, which has to be there as it is said to be.
fn file(blobs: &Blobs, field: &str, value: &Value) -> Result<ArtifactRef, String> {
    let Upload { name, digest, bytes } = serde_json::from_value(value.clone())
        .map_err(|error| format!("it is no reference to an uploaded file: {error}"))?;
    let there = blobs.open(&digest).ok().and_then(|file| file.metadata().ok());
    match there.map(|there| there.len()) {
        Some(found) if found == bytes => {}
        Some(found) => return Err(format!("the uploaded file has {found} bytes, not {bytes}")),
        None => return Err("no such file was uploaded".to_owned()),
    }
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let format = match extension.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => "jpeg",
        "htm" | "html" => "html",
        "mmd" | "mermaid" => "mermaid",
        "md" => "md",
        "json" => "json",
        "txt" => "txt",
        "csv" => "csv",
        "py" => "py",
        "png" => "png",
        "svg" => "svg",
        _ => "binary",
    };
    Ok(ArtifactRef { name: field.to_owned(), path: name, digest, bytes, format: format.to_owned() })
}
