//! Events that an execution gives when it has succeeded.

use indexmap::IndexMap;
use pipeline::model::Emit;
use serde_json::{Map, Value as Json};

use super::MAX_ITEMS;
use crate::event::Occurrence;
use crate::run::Run;
use crate::scope::RunScope;
use crate::state::ExecIx;

impl Run {
    /// All of them, in order. Deterministic: asked again it gives the same, ids and all.
    pub(crate) fn emissions(
        &self,
        ix: ExecIx,
        outputs: &IndexMap<String, Json>,
    ) -> Result<Vec<Occurrence>, String> {
        let stage = self.model(ix.stage);
        if stage.emits.is_empty() {
            return Ok(Vec::new());
        }
        let own: Map<String, Json> =
            outputs.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let own = Json::Object(own);
        let mapped = self.input_of(ix)?;
        let scope = RunScope { own: Some(&own), mapped: mapped.as_ref(), ..RunScope::of(self, ix) };
        let mut found = Vec::new();
        for emit in &stage.emits {
            emitted(emit, &scope, &mut found).map_err(|e| format!("emit `{}`: {e}", emit.event))?;
        }
        let source = self.exec_id(ix).to_string();
        let attempts = u32::try_from(self.state.exec(ix).attempts.len()).unwrap_or(u32::MAX);
        let attempt = attempts.max(self.state.round);
        let numbered = found.into_iter().zip(1..).map(|((kind, data), number)| Occurrence {
            id: format!("{source}/{attempt}/{number}"),
            kind,
            data,
            source: source.clone(),
        });
        Ok(numbered.collect())
    }
}

/// Type and data of each event.
fn emitted(
    emit: &Emit,
    scope: &RunScope<'_>,
    found: &mut Vec<(String, Json)>,
) -> Result<(), String> {
    let Some(foreach) = &emit.foreach else { return one(emit, scope, found) };
    let items = match foreach.resolve(scope).map_err(|error| format!("foreach: {error}"))? {
        Json::Array(items) => items,
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => {
            return Err("foreach: it is not a list".to_owned());
        }
    };
    if items.len() > MAX_ITEMS {
        return Err(format!("foreach: {} items are more than {MAX_ITEMS}", items.len()));
    }
    for (item, number) in items.iter().zip(1..) {
        let scope = RunScope { item: Some(item), ..*scope };
        one(emit, &scope, found).map_err(|error| format!("item {number}: {error}"))?;
    }
    Ok(())
}

fn one(emit: &Emit, scope: &RunScope<'_>, found: &mut Vec<(String, Json)>) -> Result<(), String> {
    if let Some(condition) = &emit.when {
        let holds = condition.evaluate_bool(scope);
        if !holds.map_err(|error| format!("`{}`: {error}", condition.source))? {
            return Ok(());
        }
    }
    let data = emit.data.resolve(scope).map_err(|error| format!("data: {error}"))?;
    match data {
        Json::Object(_) => found.push((emit.event.clone(), data)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            return Err("data: it is not a map".to_owned());
        }
    }
    Ok(())
}
