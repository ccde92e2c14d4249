//! What happened at a forge, in the words that every forge's events get.

use pipeline::when::Facts;
use serde_json::{Map, Value as Json};
use store::port::GivenEvent;

use super::Received;
use crate::incoming::PAYLOAD;

/// What a revision before there was one, and after it is gone, is called.
const NOTHING: &str = "0000000000000000000000000000000000000000";

/// One thing that happened; what is `None` the forge does not say.
#[derive(Clone, Debug, Default)]
pub(super) struct Happening {
    /// Most specific first, not empty.
    pub(super) kinds: Vec<String>,
    pub(super) action: Option<String>,
    /// What triggers call the branch: of a pull request the one it goes into.
    pub(super) branch: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) paths: Option<Vec<String>>,
    pub(super) labels: Option<Vec<String>>,
    pub(super) environment: Option<String>,
    /// What else is said, in the order in which it is shown.
    pub(super) says: Vec<(&'static str, Json)>,
}

impl Happening {
    pub(super) fn of(kinds: Vec<String>) -> Self {
        Self { kinds, ..Self::default() }
    }

    /// Adds what the body says at this place, where it says something.
    pub(super) fn say(&mut self, key: &'static str, body: &Json, pointer: &str) {
        if let Some(found) = body.pointer(pointer).filter(|found| !found.is_null()) {
            self.says.push((key, found.clone()));
        }
    }

    /// The first of these places that says something.
    pub(super) fn say_first(&mut self, key: &'static str, body: &Json, pointers: &[&str]) {
        let is_said = |found: &&Json| !found.is_null();
        let found = pointers.iter().filter_map(|pointer| body.pointer(pointer)).find(is_said);
        self.says.extend(found.map(|found| (key, found.clone())));
    }

    pub(super) fn put(&mut self, key: &'static str, value: impl Into<Json>) {
        self.says.push((key, value.into()));
    }

    /// A branch or a tag was pushed, made or deleted.
    pub(super) fn reference(&mut self, reference: &str) {
        if let Some(branch) = reference.strip_prefix("refs/heads/") {
            self.branch = Some(branch.to_owned());
        } else if let Some(tag) = reference.strip_prefix("refs/tags/") {
            self.tag = Some(tag.to_owned());
        }
        self.put("ref", reference);
    }

    /// What the revision was before and is now; one that is nothing is left out.
    pub(super) fn revisions(&mut self, before: Option<&str>, after: Option<&str>) {
        for (key, revision) in [("before", before), ("sha", after)] {
            if let Some(revision) = revision.filter(|revision| *revision != NOTHING) {
                self.put(key, revision);
            }
        }
    }

    /// As it is stored. `part`: of several in one delivery.
    pub(super) fn event(self, received: &Received<'_>, id: &str, part: usize) -> GivenEvent {
        let mut data = Map::new();
        let facts = [
            ("action", self.action.clone().map(Json::String)),
            ("branch", self.branch.clone().map(Json::String)),
            ("tag", self.tag.clone().map(Json::String)),
            ("labels", self.labels.clone().map(Json::from)),
            ("environment", self.environment.clone().map(Json::String)),
        ];
        data.extend(facts.into_iter().filter_map(|(key, fact)| Some((key.to_owned(), fact?))));
        data.extend(self.says.into_iter().map(|(key, value)| (key.to_owned(), value)));
        data.insert(PAYLOAD.to_owned(), Json::Null);
        let mut kinds = self.kinds.into_iter();
        let kind = kinds.next().unwrap_or_else(|| "event".to_owned());
        let mut also: Vec<String> = Vec::new();
        for broader in kinds {
            if broader != kind && !also.contains(&broader) {
                also.push(broader);
            }
        }
        GivenEvent {
            id: if part == 0 { id.to_owned() } else { format!("{id}/{}", part + 1) },
            kind,
            also,
            data: Json::Object(data),
            source: received.name.to_owned(),
            by: received.name.to_owned(),
            facts: Facts {
                branch: self.branch,
                paths: self.paths,
                labels: self.labels,
                environment: self.environment,
            },
            tag: self.tag,
            delivery: Some(received.delivery()),
            ..GivenEvent::default()
        }
    }
}

/// `push`, or what is no push to whoever builds what was pushed: there is nothing left to build.
pub(super) fn push_kinds(deleted: bool) -> Vec<String> {
    vec![if deleted { "push.deleted" } else { "push" }.to_owned()]
}

/// Of a pull request: what is merged is closed, too.
pub(super) fn pull_request_kinds(action: &str, merged: bool) -> Vec<String> {
    let mut kinds = Vec::new();
    if merged {
        kinds.push("pull_request.merged".to_owned());
    }
    if !action.is_empty() {
        kinds.push(format!("pull_request.{action}"));
    }
    kinds.push("pull_request".to_owned());
    kinds
}

/// A type from what a forge calls it: words and dots.
pub(super) fn word(text: &str) -> String {
    let text = text.trim().to_lowercase();
    let word: String = text
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '-') { c } else { '_' })
        .take(100)
        .collect();
    if word.is_empty() { "event".to_owned() } else { word }
}

pub(super) fn text<'j>(body: &'j Json, pointer: &str) -> Option<&'j str> {
    body.pointer(pointer)?.as_str()
}

pub(super) fn flag(body: &Json, pointer: &str) -> bool {
    body.pointer(pointer).and_then(Json::as_bool).unwrap_or_default()
}

pub(super) fn is_nothing(revision: Option<&str>) -> bool {
    revision.is_some_and(|revision| revision == NOTHING)
}

/// The texts at `key` of each item.
pub(super) fn texts(body: &Json, pointer: &str, key: &str) -> Option<Vec<String>> {
    let items = body.pointer(pointer)?.as_array()?;
    Some(items.iter().filter_map(|item| item.get(key)?.as_str().map(str::to_owned)).collect())
}

/// What commits say they changed, each path once. `None`: one of them does not say.
pub(super) fn changed(commits: &[Json]) -> Option<Vec<String>> {
    let mut paths = indexmap::IndexSet::new();
    for commit in commits {
        for key in ["added", "modified", "removed"] {
            for path in commit.get(key)?.as_array()? {
                paths.insert(path.as_str()?.to_owned());
            }
        }
    }
    Some(paths.into_iter().collect())
}
