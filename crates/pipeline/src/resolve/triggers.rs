//! What starts a stage beside its dependencies: names to edges, and to the model.

use std::collections::HashMap;
use std::rc::Rc;

use super::build::stage_ix;
use super::graph::{Drawing, across_finally, find};
use crate::authored::{AuthoredStage, AuthoredTrigger, AuthoredTriggers};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{EventFilter, Rule, Trigger, TriggerMode, Triggers};

impl Drawing<'_, '_, '_> {
    /// The sources of a stage's triggers, of which some are dependencies. False: the limit of
    /// edges was passed.
    pub(super) fn triggers(&mut self, ix: usize) -> bool {
        let stage = &self.stages[ix];
        let Some(triggers) = stage.triggers.as_ref().filter(|_| !stage.finally) else {
            return true;
        };
        let mut sources = Vec::new();
        for trigger in &triggers.list {
            self.sources_of(ix, trigger, &mut sources);
        }
        sources.sort_unstable();
        sources.dedup();
        let plain = plain_rule(stage, triggers);
        for &source in &sources {
            let fits = if plain.is_some() { self.edge(ix, source) } else { self.counted(ix) };
            if !fits {
                return false;
            }
        }
        match plain {
            Some(rule) => {
                self.graph.plain.insert(ix, rule);
            }
            None => self.graph.sources[ix] = sources,
        }
        true
    }

    fn sources_of(&mut self, ix: usize, trigger: &AuthoredTrigger, sources: &mut Vec<usize>) {
        match trigger {
            AuthoredTrigger::Completion { stage, .. } => {
                let (name, span) = (&stage.value, stage.span);
                let known = &self.graph.names;
                let found = find(name, span, "completion", self.stages, known, self.reader);
                let Some(source) = found else { return };
                if source == ix {
                    let message = format!("`{name}` waits for its own completion");
                    self.reader.push(
                        Diagnostic::new(Code::SELF_DEPENDENCY, span, message)
                            .help("name another stage, or remove the trigger"),
                    );
                } else if self.stages[source].finally {
                    self.reader.push(across_finally(name, span, false));
                } else {
                    sources.push(source);
                }
            }
            AuthoredTrigger::Event { event, .. } => {
                let emitters = Rc::clone(&self.emitters);
                let of = emitters.get(event.value.as_str()).map_or(&[][..], Vec::as_slice);
                if of.contains(&ix) {
                    let message = format!("the stage waits for `{}`, which it emits", event.value);
                    self.reader.push(
                        Diagnostic::new(Code::SELF_DEPENDENCY, event.span, message)
                            .help("each instance would start another, without end"),
                    );
                }
                sources.extend(of.iter().filter(|of| **of != ix && !self.stages[**of].finally));
            }
            // Names that do not exist are reported where the expression is checked.
            AuthoredTrigger::Condition { expression, .. } => {
                let read = expression.expression.references();
                let found = read.stages.keys().filter_map(|name| self.graph.names.get(name));
                sources.extend(found.filter(|of| **of != ix && !self.stages[**of].finally));
            }
            AuthoredTrigger::Manual { .. } => {}
        }
    }
}

/// The rule, where all triggers are completions that have to hold together and nothing else is
/// said of what has to come first.
fn plain_rule(stage: &AuthoredStage, triggers: &AuthoredTriggers) -> Option<Rule> {
    let together = triggers.mode == TriggerMode::All || triggers.list.len() == 1;
    let named = stage.depends_on.as_ref().is_some_and(|names| !names.value.is_empty());
    if !together || named || stage.rule.is_some() || triggers.instances.is_some() {
        return None;
    }
    let only: Option<Vec<bool>> = triggers
        .list
        .iter()
        .map(|trigger| match trigger {
            AuthoredTrigger::Completion { success_only, .. } => Some(*success_only),
            AuthoredTrigger::Event { .. }
            | AuthoredTrigger::Condition { .. }
            | AuthoredTrigger::Manual { .. } => None,
        })
        .collect();
    let only = only?;
    match (only.iter().all(|only| *only), only.iter().any(|only| *only)) {
        (true, _) => Some(Rule::AllSuccess),
        (false, false) => Some(Rule::AllDone),
        (false, true) => None,
    }
}

/// `None` only where a mistake was already reported.
pub(super) fn build(
    triggers: AuthoredTriggers,
    sources: Vec<usize>,
    names: &HashMap<String, usize>,
    emitters: &HashMap<String, Vec<usize>>,
) -> Option<Triggers> {
    let list = triggers.list.into_iter().map(|trigger| build_one(trigger, names, emitters));
    Some(Triggers {
        mode: triggers.mode,
        list: list.collect::<Option<Vec<_>>>()?,
        instances: triggers.instances,
        expect: triggers.expect,
        sources: sources.into_iter().map(stage_ix).collect(),
    })
}

fn build_one(
    trigger: AuthoredTrigger,
    names: &HashMap<String, usize>,
    emitters: &HashMap<String, Vec<usize>>,
) -> Option<Trigger> {
    Some(match trigger {
        AuthoredTrigger::Completion { stage, success_only } => {
            Trigger::Completion { stage: stage_ix(*names.get(&stage.value)?), success_only }
        }
        AuthoredTrigger::Event { event, filter, key, needs, lookback } => {
            let of = emitters.get(&event.value).map_or(&[][..], Vec::as_slice);
            Trigger::Event(EventFilter {
                emitters: of.iter().copied().map(stage_ix).collect(),
                event: event.value,
                filter: filter.map(|filter| filter.expression),
                key: key.map(|key| key.expression),
                needs: needs.map(|needs| needs.expression),
                lookback,
            })
        }
        AuthoredTrigger::Condition { expression, .. } => {
            Trigger::Condition { expression: expression.expression }
        }
        AuthoredTrigger::Manual { approval } => {
            Trigger::Manual { approval: approval.map(|approval| approval.value) }
        }
    })
}
