//! Creating a run: its inputs, and its concurrency group.

use indexmap::IndexMap;
use jiff::Timestamp;
use pipeline::value;
use serde_json::Value as Json;

use crate::command::{Create, Rejection};
use crate::event::Event;
use crate::run::Run;
use crate::state::Head;
use crate::task::text;

impl Run {
    pub(super) fn create(&self, create: Create, now: Timestamp) -> Result<Event, Rejection> {
        let mut created = Event::RunCreated {
            run: create.run,
            pipeline: self.pipeline.name.clone(),
            number: create.number,
            revision: create.revision,
            digest: create.digest,
            by: create.by,
            inputs: self.inputs(create.inputs)?,
            event: create.event,
            facts: create.facts,
            directory: create.directory,
            seed: create.seed,
            group: None,
            problem: None,
            extends: create.extends,
            inherited: create.inherited,
            parent: create.parent,
            environments: create.environments,
            config: create.config,
            breakpoints: create.breakpoints,
            step: create.step,
            task: create.task,
            held: create.held,
            traceparent: create.traceparent,
            mode: create.mode,
            rollout: create.rollout,
            notify: create.notify,
        };
        let head = self.head(&created, now);
        if let (Event::RunCreated { group, problem, .. }, Some(head)) = (&mut created, &head) {
            match self.group(head) {
                Ok(found) => *group = found,
                // A run that can never be admitted must not wait for ever: it fails, and says why.
                Err(why) => *problem = Some(why),
            }
        }
        Ok(created)
    }

    fn group(&self, head: &Head) -> Result<Option<String>, String> {
        let Some(concurrency) = &self.pipeline.concurrency else { return Ok(None) };
        let group = text(&concurrency.group, &self.head_scope(head))
            .map_err(|e| format!("concurrency group: {e}"))?;
        if group.is_empty() {
            return Err("the concurrency group is empty".to_owned());
        }
        Ok(Some(group))
    }

    /// Every declared input, checked, in the order declared; defaults filled in. An optional input
    /// without a default that was not given is absent.
    fn inputs(
        &self,
        mut given: IndexMap<String, Json>,
    ) -> Result<IndexMap<String, Json>, Rejection> {
        let declared = &self.pipeline.inputs;
        if let Some(name) = given.keys().find(|name| !declared.contains_key(*name)) {
            let known: Vec<&str> = declared.keys().map(String::as_str).collect();
            let problem = if known.is_empty() {
                "the pipeline declares no inputs".to_owned()
            } else {
                format!("the pipeline does not declare it; there are: {}", known.join(", "))
            };
            return Err(Rejection::Input { name: name.clone(), problem });
        }
        let mut inputs = IndexMap::with_capacity(declared.len());
        for (name, input) in declared {
            let reject = |problem: String| Rejection::Input { name: name.clone(), problem };
            match given.shift_remove(name) {
                Some(value) => {
                    value::check(input.kind, input.schema.as_ref(), &value).map_err(|found| {
                        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
                        reject(found.join("; "))
                    })?;
                    inputs.insert(name.clone(), value);
                }
                None => match &input.default {
                    Some(default) => {
                        inputs.insert(name.clone(), default.clone());
                    }
                    None if input.required => {
                        return Err(reject("it is required and was not given".to_owned()));
                    }
                    None => {}
                },
            }
        }
        Ok(inputs)
    }
}
