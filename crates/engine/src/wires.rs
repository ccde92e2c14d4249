//! Who listens to what: read once from the definition, so that an event or the end of a stage
//! costs only those it concerns.

use std::collections::HashMap;

use pipeline::model::{Pipeline, StageIx, Trigger};

#[derive(Clone, Debug, Default)]
pub(crate) struct Wires {
    /// By type of event: stages with a trigger for it, in the order of the definition.
    listeners: HashMap<String, Vec<StageIx>>,
    /// By stage: others whose triggers its end may change.
    watchers: Vec<Vec<StageIx>>,
}

impl Wires {
    pub(crate) fn of(pipeline: &Pipeline) -> Self {
        let mut wires =
            Self { watchers: vec![Vec::new(); pipeline.stages.len()], ..Self::default() };
        for (stage, ix) in pipeline.stages.iter().zip((0..).map(StageIx)) {
            let Some(triggers) = &stage.triggers else { continue };
            let mut sources = triggers.sources.clone();
            for trigger in &triggers.list {
                match trigger {
                    Trigger::Completion { stage, .. } => sources.push(*stage),
                    Trigger::Event(filter) => {
                        sources.extend(&filter.emitters);
                        let listeners = wires.listeners.entry(filter.event.clone()).or_default();
                        if listeners.last() != Some(&ix) {
                            listeners.push(ix);
                        }
                    }
                    Trigger::Condition { .. } | Trigger::Manual { .. } => {}
                }
            }
            sources.sort_unstable();
            sources.dedup();
            for source in sources.into_iter().filter(|source| *source != ix) {
                wires.watchers[source.get()].push(ix);
            }
        }
        wires
    }

    pub(crate) fn listeners(&self, kind: &str) -> &[StageIx] {
        self.listeners.get(kind).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn watchers(&self, stage: StageIx) -> &[StageIx] {
        &self.watchers[stage.get()]
    }

    /// Every type of event that some stage listens to.
    pub(crate) fn kinds(&self) -> Vec<&str> {
        let mut kinds: Vec<&str> = self.listeners.keys().map(String::as_str).collect();
        kinds.sort_unstable();
        kinds
    }
}
