//! Inputs: forms that wait, or waited, for people.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InputSummary {
    /// `I-5`
    pub id: String,
    pub run: String,
    pub run_name: String,
    pub pipeline: String,
    pub stage: String,
    /// `open submitted timed_out void`
    #[schema(schema_with = crate::words::input_status)]
    pub status: String,
    /// 0 at first; rises with each request for changes.
    pub revision: u32,
    pub max_revisions: u32,
    pub opened_at: Timestamp,
    pub due_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    /// Users, groups or roles; empty: anybody.
    pub assignees: Vec<String>,
    /// `can submit`, or why not.
    pub you: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InputDetail {
    #[serde(flatten)]
    pub summary: InputSummary,
    pub generation: u32,
    pub instructions: String,
    /// What the last request for changes said; may be empty.
    pub feedback: String,
    pub fields: Vec<FieldView>,
    /// What it starts with: the draft, else what is prefilled.
    pub values: BTreeMap<String, Json>,
    pub draft: Option<DraftView>,
    pub submitted_by: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DraftView {
    pub by: String,
    pub at: Timestamp,
    pub values: BTreeMap<String, Json>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FieldView {
    pub name: String,
    /// `text number boolean file multiline_text select date`
    #[schema(schema_with = crate::words::field_kind)]
    pub kind: String,
    pub label: String,
    pub help: String,
    pub required: bool,
    /// The rules it has to keep to, by the names of the language (`min_length`, `options`, ...).
    pub rules: BTreeMap<String, Json>,
}

/// `PUT /api/inputs/{id}/draft`: nothing is checked but the names.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveDraft {
    pub values: BTreeMap<String, Json>,
}

/// `POST /api/inputs/{id}/submit`: all problems are answered at once, by field.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitForm {
    #[serde(default)]
    pub values: BTreeMap<String, Json>,
    /// Values as text, read by the kind of their field (command lines).
    #[serde(default)]
    pub texts: BTreeMap<String, String>,
    /// Refused when another form is open by now.
    #[serde(default)]
    pub generation: Option<u32>,
}

/// Answer to `POST /api/uploads?name=NAME` (the body is the file): the value of a `file` field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    pub name: String,
    pub digest: String,
    pub bytes: u64,
}
