//! What a minority holds is not lost: it stands in a file beside the result.

use std::path::Path;

use api::agent::{Agent, Job};
use serde::Serialize;

use super::table::Reply;
use crate::tools::place::Place;

/// In the workspace; a stage may declare it as an artifact that is not required.
pub(super) const FILE: &str = "minority.md";

/// An answer that did not become the result, though somebody stands by it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Dissent {
    pub(super) who: String,
    pub(super) words: String,
}

impl Dissent {
    pub(super) fn of(members: &[Agent], answers: &[Option<Reply>], of: usize) -> Option<Self> {
        let words = answers.get(of)?.as_ref()?.words();
        Some(Self { who: members.get(of)?.name.clone(), words })
    }
}

pub(super) fn write(job: &Job, dissent: &[Dissent]) -> Result<(), String> {
    let part = |one: &Dissent| format!("## {}\n\n{}\n", one.who, one.words.trim());
    let parts: Vec<String> = dissent.iter().map(part).collect();
    let text = format!("# Dissent in `{}` of {}\n\n{}", job.stage, job.run_name, parts.join("\n"));
    let place = Place::open(Path::new(&job.workspace)).map_err(|error| error.to_string())?;
    place.write(FILE, text.as_bytes()).map(drop)
}
