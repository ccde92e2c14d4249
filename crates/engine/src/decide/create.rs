//! Creating a run: its inputs, and its concurrency group.

use indexmap::IndexMap;
use jiff::Timestamp;
use pipeline::value;
use serde_json::{Value as Json, json};

use crate::command::{Create, Rejection};
use crate::event::Event;
use crate::run::Run;
use crate::scope::HeadScope;
use crate::state::Head;
use crate::task::text;

impl Run {
    pub(super) fn create(&self, create: Create, now: Timestamp) -> Result<Event, Rejection> {
        let inputs = self.inputs(create.inputs)?;
        let name = &self.pipeline.name;
        let head = self.with_variables(Head {
            id: create.run,
            number: create.number,
            revision: create.revision,
            digest: create.digest,
            by: create.by,
            inputs,
            variables: IndexMap::new(),
            event: create.event,
            run: json!({
                "id": create.run.to_string(),
                "number": create.number,
                "name": format!("{name}#{}", create.number),
                "pipeline": name,
            }),
            facts: create.facts,
            directory: create.directory,
            seed: create.seed,
            group: None,
            problem: None,
            created_at: now,
        });
        // A run that can never be admitted must not wait for ever: it fails, and says why.
        let (group, problem) = match self.group(&head) {
            Ok(group) => (group, None),
            Err(problem) => (None, Some(problem)),
        };
        Ok(Event::RunCreated {
            run: head.id,
            pipeline: name.clone(),
            number: head.number,
            revision: head.revision,
            digest: head.digest,
            by: head.by,
            inputs: head.inputs,
            event: head.event,
            facts: head.facts,
            directory: head.directory,
            seed: head.seed,
            group,
            problem,
        })
    }

    fn group(&self, head: &Head) -> Result<Option<String>, String> {
        let Some(concurrency) = &self.pipeline.concurrency else { return Ok(None) };
        let group = text(&concurrency.group, &HeadScope(head))
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
