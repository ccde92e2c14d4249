//! Answers that nobody had to give, kept as the artifact that their form is saved as.
//!
//! What a person submits is stored by whoever took it, before it is submitted. What the engine
//! submits itself (a form that is complete already, or whose time ran out) is named here by the
//! digest of its text, and [`Run::answers`] gives the text: it has to be stored before the event.

use indexmap::IndexMap;
use pipeline::form;
use pipeline::model::{Form, SaveFormat};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::NOBODY;
use crate::event::{ArtifactRef, Event};
use crate::run::Run;

impl Run {
    /// The content of the artifact in a `form.submitted` that no person gave. `None` for every
    /// other event, and where the form is not saved.
    pub fn answers(&self, event: &Event) -> Option<String> {
        let Event::FormSubmitted { execution, by, values, artifacts, .. } = event else {
            return None;
        };
        let form = self.model(self.ix(&execution.stage)?).form.as_ref()?;
        let save = form.save_as.as_ref()?;
        (by == NOBODY && !artifacts.is_empty()).then(|| form::render(form, values, save.format))
    }
}

/// What these answers are saved as.
pub(crate) fn saved(form: &Form, values: &IndexMap<String, Json>) -> Vec<ArtifactRef> {
    let Some(save) = &form.save_as else { return Vec::new() };
    let text = form::render(form, values, save.format);
    let digest = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let format = match save.format {
        SaveFormat::Json => "json",
        SaveFormat::Markdown => "md",
    };
    vec![ArtifactRef {
        name: save.artifact.clone(),
        path: save.artifact.clone(),
        digest,
        bytes: text.len() as u64,
        format: format.to_owned(),
    }]
}
