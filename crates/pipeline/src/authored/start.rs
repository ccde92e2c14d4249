//! What starts runs of the pipeline by itself.

use std::collections::HashSet;

use super::fields::Fields;
use super::names::shorten;
use super::read::Reader;
use super::{AuthoredExpression, Named, Placed};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{CatchUp, Ending, EventStart};
use crate::schedule::{Schedule, ScheduleError};
use crate::source::Span;
use crate::text::ValueTemplate;
use crate::vocabulary::{ENDINGS, START_TRIGGER};
use crate::when::{Globs, OnUnknown};
use crate::yaml::{Entry, Kind, Node};

#[derive(Debug)]
pub(crate) struct AuthoredStart {
    /// Where to point when the trigger as a whole is meant.
    pub(crate) span: Span,
    /// As written, or made up; unique.
    pub(crate) name: String,
    pub(crate) on: AuthoredStartOn,
    pub(crate) inputs: Named<ValueTemplate>,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a definition has few, each moved once")]
pub(crate) enum AuthoredStartOn {
    /// Its filter stands beside it.
    Event {
        start: Box<EventStart>,
        filter: Option<AuthoredExpression>,
    },
    Schedule {
        schedule: Schedule,
        catch_up: CatchUp,
    },
    Completion {
        pipeline: Placed<String>,
        status: Vec<Ending>,
    },
    Files {
        directory: String,
        files: Globs,
    },
}

const KINDS: [&str; 4] = ["event", "schedule", "completion", "files"];

/// At most so many triggers: each is judged for every event of its type.
const MOST: usize = 100;

/// What only one kind of trigger takes.
const PARTS: [(&str, &str); 14] = [
    ("source", "event"),
    ("branches", "event"),
    ("branches_ignore", "event"),
    ("tags", "event"),
    ("tags_ignore", "event"),
    ("paths", "event"),
    ("paths_ignore", "event"),
    ("labels", "event"),
    ("filter", "event"),
    ("on_unknown", "event"),
    ("timezone", "schedule"),
    ("catch_up", "schedule"),
    ("status", "completion"),
    ("directory", "files"),
];

impl Reader<'_> {
    /// One trigger, or a list of them.
    pub(super) fn start_triggers(&mut self, node: &Node) -> Vec<AuthoredStart> {
        let items = self.one_or_many(node);
        if items.len() > MOST {
            let message = format!("more than {MOST} triggers");
            self.push(
                Diagnostic::new(Code::LIMIT, items[MOST].span, message)
                    .label("the limit is passed here")
                    .help("let one trigger take more, and test the event in `if`"),
            );
            return Vec::new();
        }
        let mut starts: Vec<AuthoredStart> = Vec::with_capacity(items.len());
        let mut names = HashSet::new();
        for item in items {
            let Some((name, mut start)) = self.start_trigger(item) else { continue };
            match name {
                Some(name) if !names.insert(name.value.clone()) => {
                    let message = format!("two triggers are called `{}`", name.value);
                    self.push(
                        Diagnostic::new(Code::BAD_START, name.span, message)
                            .help("give one of them another name"),
                    );
                }
                Some(name) => start.name = name.value,
                None => {
                    let first = std::mem::take(&mut start.name);
                    let more = (2..).map(|n: u32| format!("{first}-{n}"));
                    let free = std::iter::once(first.clone()).chain(more);
                    for name in free {
                        if names.insert(name.clone()) {
                            start.name = name;
                            break;
                        }
                    }
                }
            }
            starts.push(start);
        }
        starts
    }

    /// The trigger, with the name that was written and the one that it has otherwise.
    fn start_trigger(&mut self, node: &Node) -> Option<(Option<Placed<String>>, AuthoredStart)> {
        if matches!(node.kind, Kind::Scalar(_)) {
            let event = self.start_event(node)?.value;
            let start = AuthoredStart {
                span: node.span,
                name: event.clone(),
                on: AuthoredStartOn::Event {
                    start: Box::new(EventStart::of_type(event)),
                    filter: None,
                },
                inputs: Vec::new(),
            };
            return Some((None, start));
        }
        let fields = self.fields(node, "a trigger", &START_TRIGGER)?;
        let before = self.sink.errors();
        let name = fields.node("name").and_then(|node| self.name(node, "the name of a trigger"));
        let inputs = match fields.node("inputs") {
            Some(node) => self.values(node, "`inputs`", |_, entry| {
                Some(Placed::new(entry.key.clone(), entry.key_span))
            }),
            None => Vec::new(),
        };
        let kind = self.kind_of_start(&fields)?;
        let what = START_TRIGGER.key(&kind.key).map_or("", |key| key.name);
        for (part, of) in PARTS {
            if let Some(entry) = fields.get(part).filter(|_| what != of) {
                let message = format!("`{}` needs `{of}`", entry.key);
                self.push(
                    Diagnostic::new(Code::BAD_START, entry.key_span, message)
                        .help("remove it, or make it another trigger"),
                );
            }
        }
        let (own, on) = match what {
            "event" => self.on_event(&kind.value, &fields)?,
            "schedule" => ("schedule".to_owned(), self.on_schedule(&kind.value, &fields)?),
            "completion" => self.on_completion(&kind.value, &fields)?,
            _ => ("files".to_owned(), self.on_files(kind, &fields)?),
        };
        if self.sink.errors() > before {
            return None;
        }
        Some((name, AuthoredStart { span: kind.key_span, name: own, on, inputs }))
    }

    /// The key that says what the trigger waits for.
    fn kind_of_start<'n>(&mut self, fields: &Fields<'n>) -> Option<&'n Entry> {
        let kinds: Vec<&Entry> = KINDS.iter().filter_map(|kind| fields.get(kind)).collect();
        match kinds.as_slice() {
            [one] => Some(one),
            [] => {
                // An unknown key may well be the kind, misspelt.
                if fields.entries.iter().all(|entry| START_TRIGGER.key(&entry.key).is_some()) {
                    let message = "this trigger does not say what it waits for";
                    self.push(
                        Diagnostic::new(Code::BAD_START, fields.start(), message)
                            .help("give it one of `event`, `schedule`, `completion`, `files`"),
                    );
                }
                None
            }
            [first, second, ..] => {
                let message = format!("a trigger has both `{}` and `{}`", first.key, second.key);
                self.push(
                    Diagnostic::new(Code::BAD_START, second.key_span, message)
                        .help("make it two triggers: each starts runs of its own"),
                );
                None
            }
        }
    }

    /// The type of an event from outside, where more is allowed than for events of a run.
    fn start_event(&mut self, node: &Node) -> Option<Placed<String>> {
        let name = self.text(node, "the type of an event")?;
        let clean = (1..=128).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/:".contains(&b));
        if clean {
            return Some(Placed::new(name, node.span));
        }
        let message = format!("`{}` cannot be the type of an event", shorten(&name));
        self.push(
            Diagnostic::new(Code::BAD_NAME, node.span, message).help(
                "1 to 128 of the characters a-z A-Z 0-9 . _ - / : as in `pull_request.merged`",
            ),
        );
        None
    }

    fn on_event(&mut self, node: &Node, fields: &Fields<'_>) -> Option<(String, AuthoredStartOn)> {
        let event = self.start_event(node);
        let source = fields.text("source", self).map(|source| source.value);
        let [branches, branches_ignore, tags, tags_ignore, paths, paths_ignore] =
            ["branches", "branches_ignore", "tags", "tags_ignore", "paths", "paths_ignore"]
                .map(|key| fields.node(key).and_then(|node| self.some_globs(node, key)));
        let labels = fields.node("labels").and_then(|node| self.label_test(node));
        let filter = fields.expression("filter", self);
        let on_unknown = match fields.choice("on_unknown", self) {
            Some(Placed { value: 1, .. }) => OnUnknown::Run,
            Some(_) | None => OnUnknown::Skip,
        };
        let event = event?.value;
        let start = EventStart {
            source,
            branches,
            branches_ignore,
            tags,
            tags_ignore,
            paths,
            paths_ignore,
            labels,
            on_unknown,
            ..EventStart::of_type(event.clone())
        };
        Some((event, AuthoredStartOn::Event { start: Box::new(start), filter }))
    }

    /// Patterns, at least one of them.
    fn some_globs(&mut self, node: &Node, key: &str) -> Option<Globs> {
        if matches!(&node.kind, Kind::List(items) if items.is_empty()) {
            let message = format!("`{key}` names no pattern, so nothing would match");
            self.push(
                Diagnostic::new(Code::BAD_START, node.span, message)
                    .help("name one, or remove the key"),
            );
            return None;
        }
        self.globs(node, &format!("`{key}`"))
    }

    fn on_schedule(&mut self, node: &Node, fields: &Fields<'_>) -> Option<AuthoredStartOn> {
        let written = self.text(node, "`schedule`");
        let zone = fields.text("timezone", self);
        let catch_up = fields.choice("catch_up", self);
        let catch_up = catch_up.map_or(CatchUp::Skip, |choice| CatchUp::ALL[choice.value]);
        let zone_name = zone.as_ref().map_or("UTC", |zone| &zone.value);
        match Schedule::new(&written?, zone_name) {
            Ok(schedule) => Some(AuthoredStartOn::Schedule { schedule, catch_up }),
            Err(error) => {
                let (span, help) = match &error {
                    ScheduleError::Zone { near, .. } => {
                        let help = match near {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => "zones are called as `UTC` or `Europe/Berlin`".to_owned(),
                        };
                        (zone.map_or(node.span, |zone| zone.span), help)
                    }
                    ScheduleError::Expression { .. } | ScheduleError::Never { .. } => {
                        let help = "minute, hour, day of the month, month, day of the week: \
                                    `0 2 * * 1-5` is at two on working days";
                        (node.span, help.to_owned())
                    }
                };
                self.push(Diagnostic::new(Code::BAD_SCHEDULE, span, error.to_string()).help(help));
                None
            }
        }
    }

    fn on_completion(
        &mut self,
        node: &Node,
        fields: &Fields<'_>,
    ) -> Option<(String, AuthoredStartOn)> {
        let pipeline = self.name(node, "the name of a pipeline");
        let mut status = Vec::new();
        match fields.node("status") {
            None => status.push(Ending::Succeeded),
            Some(node) => {
                for item in self.one_or_many(node) {
                    let choice = self.choice(item, "`status`", ENDINGS, &[]);
                    let ending = choice.map(|index| Ending::ALL[index]);
                    status.extend(ending.filter(|ending| !status.contains(ending)));
                }
                if matches!(&node.kind, Kind::List(items) if items.is_empty()) {
                    self.push(
                        Diagnostic::new(Code::BAD_START, node.span, "`status` names no ending")
                            .help("name one, or remove the key"),
                    );
                }
            }
        }
        let pipeline = pipeline?;
        let name: String = format!("after-{}", pipeline.value).chars().take(64).collect();
        Some((name, AuthoredStartOn::Completion { pipeline, status }))
    }

    fn on_files(&mut self, kind: &Entry, fields: &Fields<'_>) -> Option<AuthoredStartOn> {
        let files = self.some_globs(&kind.value, "files");
        let Some(node) = fields.node("directory") else {
            self.push(
                Diagnostic::new(Code::BAD_START, kind.key_span, "`files` needs `directory`")
                    .help("name it: `directory: /srv/incoming`"),
            );
            return None;
        };
        let directory = self.text(node, "`directory`")?;
        let directory = directory.trim_end_matches('/').to_owned();
        let clean = directory.starts_with('/')
            && !directory.split('/').any(|part| part == ".." || part == ".")
            && !directory.contains(char::is_control);
        if !clean {
            let message = format!("`{}` is no absolute path", shorten(&directory));
            self.push(
                Diagnostic::new(Code::BAD_PATH, node.span, message)
                    .help("a path on the server, such as `/srv/incoming`, without `..`"),
            );
            return None;
        }
        Some(AuthoredStartOn::Files { directory, files: files? })
    }
}
