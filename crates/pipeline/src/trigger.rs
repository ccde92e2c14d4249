//! Does an event start a run, and why?

use std::borrow::Cow;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::model::{CompletionStart, EventStart, LabelTest, StartOn, StartTrigger};
use crate::text::{Root, Scope, Unresolved};
use crate::when::{Condition, Facts, OnUnknown, Reason, Test, Truth, leaf, list, quoted, tree};

#[cfg(test)]
mod tests;

/// The source of what the server itself gives; no source from outside is called so.
pub const OWN_SOURCE: &str = "orchestrate";

/// The type of the event that it is time: `event.pipeline` and `event.trigger` say for whom,
/// `event.due` for when.
pub const SCHEDULE_DUE: &str = "schedule.due";

/// The type of the event that a run ended: `event.pipeline`, `event.status`, `event.run`.
pub const PIPELINE_COMPLETED: &str = "pipeline.completed";

/// The type of the event that files changed: `event.pipeline` and `event.trigger` say for whom,
/// `event.files` which.
pub const FILES_CHANGED: &str = "files.changed";

/// An event, as triggers look at it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Incoming {
    /// Its types, the most specific first: `pull_request.merged`, `pull_request.closed`,
    /// `pull_request`.
    pub kinds: Vec<String>,
    /// The name of the source that it came from; [`OWN_SOURCE`] for the server's own.
    pub source: String,
    /// What triggers see as `event`.
    pub data: Json,
    /// What is not known is `None`; `facts.paths` is the complete list of changed files.
    pub facts: Facts,
    /// Of a push of a tag, which has no branch.
    pub tag: Option<String>,
}

/// What a trigger says to an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub starts: bool,
    /// The tree with the value of each part.
    pub reason: Reason,
}

impl StartTrigger {
    /// The type of the events that can fire it at all: one of [`Incoming::kinds`].
    pub fn kind(&self) -> &str {
        match &self.on {
            StartOn::Event(start) => &start.event,
            StartOn::Schedule(_) => SCHEDULE_DUE,
            StartOn::Completion(_) => PIPELINE_COMPLETED,
            StartOn::Files(_) => FILES_CHANGED,
        }
    }

    /// Whether the event's changed files have to be known to judge it.
    pub fn asks_for_paths(&self) -> bool {
        match &self.on {
            StartOn::Event(start) => start.asks_for_paths(),
            StartOn::Schedule(_) | StartOn::Completion(_) | StartOn::Files(_) => false,
        }
    }

    /// Whether the event starts a run of `pipeline`, whose trigger this is.
    pub fn judge(&self, pipeline: &str, incoming: &Incoming) -> Verdict {
        let kind = self.kind();
        let came = incoming.kinds.iter().any(|came| came == kind);
        let first = incoming.kinds.first().map_or("an event without type", String::as_str);
        let says = if came && first == kind {
            format!("event {kind}: that is what came")
        } else if came {
            format!("event {kind}: {first} came, which is one")
        } else {
            format!("event {kind}: {first} came")
        };
        let is_kind = leaf(came.into(), says);
        if !came {
            return Verdict { starts: false, reason: is_kind };
        }
        let mut parts = vec![is_kind];
        match &self.on {
            StartOn::Event(start) => start.judge(incoming, &mut parts),
            StartOn::Schedule(_) | StartOn::Files(_) => {
                parts.extend(self.judge_own(pipeline, incoming));
            }
            StartOn::Completion(start) => parts.extend(start.judge(incoming)),
        }
        let truth = Truth::all(parts.iter().map(|part| part.truth));
        let reason = match parts.len() {
            1 => parts.remove(0),
            _ => tree(truth, "all of", parts),
        };
        Verdict { starts: self.counts(truth), reason }
    }

    fn counts(&self, truth: Truth) -> bool {
        let on_unknown = match &self.on {
            StartOn::Event(start) => start.on_unknown,
            StartOn::Schedule(_) | StartOn::Completion(_) | StartOn::Files(_) => OnUnknown::Skip,
        };
        match truth {
            Truth::True => true,
            Truth::False => false,
            Truth::Unknown => on_unknown == OnUnknown::Run,
        }
    }

    /// Of what the server gives for one trigger: whether it is this one.
    fn judge_own(&self, pipeline: &str, incoming: &Incoming) -> [Reason; 2] {
        let meant = |key: &str| incoming.data.get(key).and_then(Json::as_str).unwrap_or_default();
        let (of, name) = (meant("pipeline"), meant("trigger"));
        let same = of == pipeline && name == self.name;
        let says = format!("trigger {pipeline}/{}: {of}/{name} is meant", self.name);
        [own(incoming), leaf(same.into(), says)]
    }

    /// The inputs of the run that the event starts.
    ///
    /// # Errors
    /// A reference had no value in this event and no default.
    pub fn inputs(&self, event: &Json) -> Result<IndexMap<String, Json>, Unresolved> {
        let scope = EventScope { event };
        self.inputs.iter().map(|(name, value)| Ok((name.clone(), value.resolve(&scope)?))).collect()
    }
}

/// What the server alone can say is believed of no one else.
fn own(incoming: &Incoming) -> Reason {
    let source = &incoming.source;
    let says = format!("source {OWN_SOURCE}: it came from {source}");
    leaf((source == OWN_SOURCE).into(), says)
}

impl CompletionStart {
    fn judge(&self, incoming: &Incoming) -> [Reason; 3] {
        let of = |key: &str| incoming.data.get(key).and_then(Json::as_str).unwrap_or_default();
        let (pipeline, status) = (of("pipeline"), of("status"));
        let wanted: Vec<&str> = self.status.iter().map(|status| status.word()).collect();
        [
            own(incoming),
            leaf(
                (pipeline == self.pipeline).into(),
                format!("pipeline {}: a run of {pipeline} ended", self.pipeline),
            ),
            leaf(
                wanted.contains(&status).into(),
                format!("status {}: {status}", list(wanted.iter().map(|word| quoted(word)))),
            ),
        ]
    }
}

impl EventStart {
    fn judge(&self, incoming: &Incoming, parts: &mut Vec<Reason>) {
        if let Some(source) = &self.source {
            let says = format!("source {source}: it came from {}", incoming.source);
            parts.push(leaf((*source == incoming.source).into(), says));
        }
        parts.extend(self.reference(incoming));
        let facts = &incoming.facts;
        if let Some(globs) = &self.paths {
            parts.push(facts.judge_paths("paths", globs, false));
        }
        if let Some(globs) = &self.paths_ignore {
            parts.push(facts.judge_paths("paths_ignore", globs, true));
        }
        if let Some(LabelTest { any, all, none }) = &self.labels {
            parts.push(facts.judge_labels(any, all, none));
        }
        if let Some(filter) = &self.filter {
            parts.push(filter_reason(filter, &incoming.data));
        }
    }

    /// Branches and tags: a push has one of them. Who filters only branches means no tags, and the
    /// other way round; who filters both means either.
    fn reference(&self, incoming: &Incoming) -> Option<Reason> {
        let filters = [
            ("branches", &self.branches, false, false),
            ("branches_ignore", &self.branches_ignore, true, false),
            ("tags", &self.tags, false, true),
            ("tags_ignore", &self.tags_ignore, true, true),
        ];
        let branch = incoming.facts.branch.as_deref();
        let judged = |of_tags: bool| -> Vec<Reason> {
            let (fact, other) = if of_tags {
                (incoming.tag.as_deref(), branch.map(|branch| format!("the branch {branch}")))
            } else {
                (branch, incoming.tag.as_deref().map(|tag| format!("the tag {tag}")))
            };
            filters
                .iter()
                .filter(|(_, _, _, tags)| *tags == of_tags)
                .filter_map(|(key, globs, ignores, _)| Some((key, globs.as_ref()?, ignores)))
                .map(|(key, globs, ignores)| {
                    let wanted = list(globs.patterns.iter().map(|pattern| quoted(pattern)));
                    match (fact, &other) {
                        (Some(fact), _) => {
                            let matches = globs.matches(fact);
                            let verdict = if matches { "matches" } else { "does not match" };
                            let says = format!("{key} {wanted}: {fact} {verdict}");
                            leaf((matches != *ignores).into(), says)
                        }
                        (None, Some(other)) => {
                            leaf(Truth::False, format!("{key} {wanted}: {other} came"))
                        }
                        (None, None) => leaf(Truth::Unknown, format!("{key} {wanted}: not known")),
                    }
                })
                .collect()
        };
        let group = |mut parts: Vec<Reason>| match parts.len() {
            0 => None,
            1 => parts.pop(),
            _ => Some(tree(Truth::all(parts.iter().map(|part| part.truth)), "all of", parts)),
        };
        match (group(judged(false)), group(judged(true))) {
            (Some(branches), Some(tags)) => {
                let truth = Truth::any([branches.truth, tags.truth]);
                Some(tree(truth, "any of", vec![branches, tags]))
            }
            (one, other) => one.or(other),
        }
    }
}

fn filter_reason(filter: &crate::expr::Expression, event: &Json) -> Reason {
    let condition =
        Condition { test: Test::Expression(filter.clone()), on_unknown: OnUnknown::Skip };
    match condition.evaluate(&Facts::default(), &EventScope { event }, None) {
        Ok(mut reason) => {
            // There it is called `if`.
            reason.says = reason.says.replacen("if", "filter", 1);
            reason
        }
        // A filter that fails is not true of the event; the reason shows why.
        Err(error) => leaf(Truth::False, format!("filter `{}`: {error}", filter.source)),
    }
}

/// Nothing but the event.
struct EventScope<'e> {
    event: &'e Json,
}

impl Scope for EventScope<'_> {
    fn get(&self, root: &Root) -> Option<Cow<'_, Json>> {
        match root {
            Root::Event => Some(Cow::Borrowed(self.event)),
            Root::Value(_)
            | Root::Output(_)
            | Root::Run
            | Root::Task
            | Root::Item
            | Root::Form
            | Root::Mapped
            | Root::Own
            | Root::Previous(_)
            | Root::Subject
            | Root::Secret(_) => None,
        }
    }

    fn stage(&self, _: &str) -> Option<Json> {
        None
    }
}
