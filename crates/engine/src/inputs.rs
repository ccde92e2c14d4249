//! What a stage gets from others, and what of its work becomes its outputs.

use indexmap::IndexMap;
use pipeline::mapping;
use pipeline::model::Mapping;
use pipeline::value::check_outputs;
use serde_json::Value as Json;

use crate::run::Run;
use crate::scope::{Notes, RunScope};
use crate::state::ExecIx;

impl Run {
    /// What the input mapping makes for an execution; `None` without one. The error is a sentence
    /// with the path of what is wrong.
    pub(crate) fn input_of(&self, ix: ExecIx) -> Result<Option<Json>, String> {
        let Some(mapping) = &self.model(ix.stage).input else { return Ok(None) };
        let scope = RunScope { exec: None, ..RunScope::of(self, ix) };
        mapping::apply(mapping, &scope, None).map(|fields| Some(object(fields)))
    }

    /// The same; where there are notes, what nobody knows is noted there, and its name stands for
    /// it. Its schema is asked only of what is known.
    pub(crate) fn input_in(
        &self,
        ix: ExecIx,
        notes: Option<&Notes>,
    ) -> Result<Option<Json>, String> {
        let problem = match (self.input_of(ix), notes) {
            (Ok(input), _) => return Ok(input),
            (Err(problem), None) => return Err(problem),
            (Err(problem), Some(_)) => problem,
        };
        let (Some(mapping), Some(notes)) = (&self.model(ix.stage).input, notes) else {
            return Err(problem);
        };
        let found = Notes::default();
        let scope = RunScope { exec: None, notes: Some(&found), ..RunScope::of(self, ix) };
        let open = Mapping { schema: None, ..mapping.clone() };
        let fields = mapping::apply(&open, &scope, None)?;
        if found.is_empty() {
            return Err(problem);
        }
        notes.take(found);
        Ok(Some(object(fields)))
    }

    /// What of the outputs is known.
    pub(crate) fn accepted_in(
        &self,
        ix: ExecIx,
        raw: IndexMap<String, Json>,
        notes: &Notes,
    ) -> Result<IndexMap<String, Json>, String> {
        let problem = match self.accepted(ix, raw.clone()) {
            Ok(outputs) => return Ok(outputs),
            Err(problem) => problem,
        };
        let Some(mapping) = &self.model(ix.stage).output else { return Err(problem) };
        let found = Notes::default();
        let raw = object(raw);
        let input = self.input_in(ix, Some(&found))?;
        let scope = RunScope {
            own: Some(&raw),
            mapped: input.as_ref(),
            notes: Some(&found),
            ..RunScope::of(self, ix)
        };
        let open = Mapping { schema: None, ..mapping.clone() };
        let mut fields = mapping::apply(&open, &scope, Some(&raw))?;
        if found.is_empty() {
            return Err(problem);
        }
        fields.retain(|_, value| !found.stands_in(value));
        notes.take(found);
        Ok(fields)
    }

    /// What the work gave, as its outputs: mapped, and checked against what was declared. The
    /// error is a sentence with the path of what is wrong.
    pub(crate) fn accepted(
        &self,
        ix: ExecIx,
        raw: IndexMap<String, Json>,
    ) -> Result<IndexMap<String, Json>, String> {
        let stage = self.model(ix.stage);
        let raw = match &stage.output {
            Some(mapping) => {
                let raw = object(raw);
                let scope = RunScope { own: Some(&raw), ..RunScope::of(self, ix) };
                mapping::apply(mapping, &scope, Some(&raw))?
            }
            None => raw,
        };
        check_outputs(&stage.outputs, raw)
    }
}

fn object(fields: IndexMap<String, Json>) -> Json {
    Json::Object(fields.into_iter().collect())
}
