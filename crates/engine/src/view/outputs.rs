//! What a run as a whole gives.

use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::run::Run;
use crate::scope::RunScope;

impl Run {
    /// The pipeline's `outputs` that have a value now: to a parent run, and to whoever asks.
    pub fn outputs(&self) -> IndexMap<String, Json> {
        let scope = RunScope::whole(self);
        let outputs = self.pipeline.outputs.iter();
        outputs.filter_map(|(name, of)| Some((name.clone(), of.resolve(&scope).ok()?))).collect()
    }
}
