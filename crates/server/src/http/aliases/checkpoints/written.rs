//! A checkpoint as it is given, as keys of a stage.

use api::alias::{CheckpointView, InputField, WriteCheckpoint};
use serde_json::{Map, Value, json};

use crate::http::problem::Fault;

/// All keys of a new stage.
pub(super) fn added(request: WriteCheckpoint) -> Result<Vec<(String, Value)>, Fault> {
    let asks = asks(&request);
    let work = ["run", "python", "form", "pipeline", "merge", "noop"];
    let has_work = request.stage.keys().any(|key| work.contains(&key.as_str()));
    if !asks && request.script.is_none() && !has_work {
        return Err(Fault::invalid_input(
            "a checkpoint needs `input_fields` or `instructions` for people, a `script`, or in \
             `stage` one of: run, python, form, pipeline, noop",
        ));
    }
    let mut fields = Vec::new();
    if let Some(name) = &request.name {
        fields.push(("name".to_owned(), json!(name)));
    }
    for (key, value) in keys(request, None)? {
        if let Some(value) = value {
            fields.push((key, value));
        }
    }
    Ok(fields)
}

/// The keys of a stage that change.
pub(super) fn changed(
    request: WriteCheckpoint,
    before: &CheckpointView,
) -> Result<Vec<(String, Option<Value>)>, Fault> {
    let name = request.name.clone().filter(|name| *name != before.name);
    if request.order.is_some_and(|order| order != before.order) {
        let fault = Fault::invalid_input("`order` is for a new checkpoint");
        return Err(fault.hint("POST /api/pipelines/{name}/checkpoints/reorder"));
    }
    let mut fields = keys(request, Some(before))?;
    // Last, so that the others are found under the name that it had.
    fields.extend(name.map(|name| ("name".to_owned(), Some(json!(name)))));
    Ok(fields)
}

fn asks(request: &WriteCheckpoint) -> bool {
    request.instructions.is_some() || request.input_fields.is_some() || request.save_as.is_some()
}

type Keys = Vec<(String, Option<Value>)>;

fn keys(request: WriteCheckpoint, before: Option<&CheckpointView>) -> Result<Keys, Fault> {
    let mut keys: Keys = Vec::new();
    let asks = asks(&request);
    if asks && request.script.is_some() {
        return Err(Fault::invalid_input("give either a form or a `script`"));
    }
    if let Some(description) = request.description {
        let some = (!description.is_empty()).then(|| json!(description));
        keys.push(("description".to_owned(), some));
    }
    if asks {
        let form = form(&request.instructions, request.input_fields, request.save_as, before);
        keys.push(("form".to_owned(), Some(form?)));
    }
    keys.extend(request.script.map(|script| ("run".to_owned(), Some(json!(script)))));
    let gate = |wanted: Option<bool>, key: &str| {
        wanted.map(|wanted| (key.to_owned(), wanted.then(|| json!(true))))
    };
    keys.extend(gate(request.requires_approval_to_start, "requires_approval"));
    keys.extend(gate(request.requires_approval_to_complete, "approve_complete"));
    keys.extend(request.max_revisions.map(|most| ("max_revisions".to_owned(), Some(json!(most)))));
    for (key, value) in request.stage {
        if key == "name" {
            return Err(Fault::invalid_input("`stage.name`: give `name`"));
        }
        keys.push((key, Some(value).filter(|value| !value.is_null())));
    }
    Ok(keys)
}

/// What is not given stays as it was.
fn form(
    instructions: &Option<String>,
    fields: Option<Vec<InputField>>,
    save_as: Option<String>,
    before: Option<&CheckpointView>,
) -> Result<Value, Fault> {
    let mut form = Map::new();
    let instructions = match (instructions, before) {
        (Some(text), _) => text.clone(),
        (None, Some(before)) => before.instructions.clone(),
        (None, None) => String::new(),
    };
    if !instructions.is_empty() {
        form.insert("instructions".to_owned(), json!(instructions));
    }
    let fields = match (fields, before) {
        (Some(fields), _) => fields,
        (None, Some(before)) => before.input_fields.clone(),
        (None, None) => Vec::new(),
    };
    let mut asked = Map::new();
    for field in fields {
        let name = field.name.clone();
        if asked.insert(name.clone(), self::field(field)).is_some() {
            return Err(Fault::invalid_input(format!("`input_fields` has `{name}` twice")));
        }
    }
    if !asked.is_empty() {
        form.insert("fields".to_owned(), Value::Object(asked));
    }
    let kept = || before.filter(|of| of.mode == "human_only")?.output_artifacts.last().cloned();
    if let Some(name) = save_as.or_else(kept).filter(|name| !name.is_empty()) {
        form.insert("save_as".to_owned(), json!(name));
    }
    Ok(Value::Object(form))
}

fn field(field: InputField) -> Value {
    let mut of = Map::new();
    of.insert("type".to_owned(), json!(field.kind));
    if !field.label.is_empty() && field.label != field.name {
        of.insert("label".to_owned(), json!(field.label));
    }
    if field.required {
        of.insert("required".to_owned(), json!(true));
    }
    of.extend(field.default.map(|default| ("default".to_owned(), default)));
    of.extend(field.validation);
    Value::Object(of)
}
