//! What a stage gets from others, and what of its work becomes its outputs.

use indexmap::IndexMap;
use pipeline::mapping;
use pipeline::value::check_outputs;
use serde_json::Value as Json;

use crate::run::Run;
use crate::scope::RunScope;
use crate::state::ExecIx;

impl Run {
    /// What the input mapping makes for an execution; `None` without one. The error is a sentence
    /// with the path of what is wrong.
    pub(crate) fn input_of(&self, ix: ExecIx) -> Result<Option<Json>, String> {
        let Some(mapping) = &self.model(ix.stage).input else { return Ok(None) };
        let scope = RunScope { exec: None, ..RunScope::of(self, ix) };
        mapping::apply(mapping, &scope, None).map(|fields| Some(object(fields)))
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
