//! The reader: the text, and the mistakes found so far.

use std::collections::HashSet;

use crate::diagnostic::{Code, Diagnostic, Sink};
use crate::elsewhere::{Named, Use, UseKind};
use crate::source::Span;
use crate::vocabulary::{Object, known_elsewhere};
use crate::yaml::{Entry, Kind, Node};

use super::budget::Spent;
use super::fields::Fields;

/// So many keys are listed when one of them is meant and none is near.
const FEW: usize = 24;

pub(crate) struct Reader<'t> {
    pub(crate) text: &'t str,
    pub(crate) sink: Sink,
    /// Names of stages, inputs and variables that were refused where they were declared: what
    /// refers to one is not wrong again.
    pub(crate) refused: HashSet<String>,
    pub(super) spent: Spent,
    /// What may be defined elsewhere.
    pub(crate) named: Named,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str, sink: Sink) -> Self {
        Self {
            text,
            sink,
            refused: HashSet::new(),
            spent: Spent::default(),
            named: Named::default(),
        }
    }

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.sink.push(diagnostic);
    }

    /// A name that somebody else may have to define.
    pub(super) fn uses(&mut self, kind: UseKind, name: &str, span: Span) {
        self.named.uses.push(Use { kind, name: name.to_owned(), span });
    }

    pub(super) fn error(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.push(Diagnostic::new(code, span, message));
    }

    /// `{what} must be {wanted}, found {node}`
    pub(super) fn wrong_type(&mut self, what: &str, wanted: &str, node: &Node) {
        let message = format!("{what} must be {wanted}, not {}", node.says());
        let mut found = Diagnostic::new(Code::WRONG_TYPE, node.span, message);
        if node.is_null() {
            found = found.help("give it a value, or remove the key");
        }
        self.push(found);
    }

    /// Opens a map whose keys `object` knows; reports the others.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        object: &'static Object,
    ) -> Option<Fields<'n>> {
        let Kind::Map(entries) = &node.kind else {
            self.wrong_type(what, "a map of keys", node);
            return None;
        };
        let mut seen: Vec<(&'static str, &str)> = Vec::new();
        for entry in entries {
            match object.key(&entry.key) {
                Some(key) => {
                    if let Some((_, other)) = seen.iter().find(|(name, _)| *name == key.name) {
                        let message =
                            format!("`{}` and `{other}` are two names of one key", entry.key);
                        self.push(
                            Diagnostic::new(Code::CONFLICTING_KEYS, entry.key_span, message)
                                .help("remove one of them"),
                        );
                    }
                    seen.push((key.name, &entry.key));
                }
                None => self.unknown_key(entry, object),
            }
        }
        let fields = Fields { object, entries, span: node.span };
        for key in object.keys.iter().filter(|key| key.required) {
            if fields.get(key.name).is_none() {
                let message = format!("{} needs the key `{}`", object.name, key.name);
                self.push(
                    Diagnostic::new(Code::MISSING_KEY, fields.start(), message)
                        .help(format!("for example `{}: {}`", key.name, key.example)),
                );
            }
        }
        Some(fields)
    }

    fn unknown_key(&mut self, entry: &Entry, object: &'static Object) {
        let (key, span) = (entry.key.as_str(), entry.key_span);
        if object.is_later(key) {
            let message = format!("`{key}` is not supported yet");
            self.push(
                Diagnostic::new(Code::NOT_SUPPORTED_YET, span, message)
                    .label(format!("a key of {} in a later version", object.name))
                    .help("remove it; `orchestrate schema` prints the keys of this version"),
            );
            return;
        }
        let names = object
            .keys
            .iter()
            .flat_map(|key| std::iter::once(key.name).chain(key.aliases.iter().copied()));
        let mut help = self.sink.did_you_mean(key, names);
        if help.is_empty() {
            let known = known_elsewhere(key).filter(|ours| object.key(ours).is_some());
            help = match known {
                Some(ours) => format!("here it is called `{ours}`"),
                // `{run: echo a, b}`: the rest of a text that a comma cut off.
                None if entry.value.is_null() && key.contains(' ') => {
                    "text with a `,` inside `{...}` must stand in quotes".into()
                }
                None if object.keys.len() <= FEW => {
                    let names: Vec<&str> = object.keys.iter().map(|key| key.name).collect();
                    format!("the keys of {} are: {}", object.name, names.join(", "))
                }
                None => "`orchestrate schema` prints all keys".into(),
            };
        }
        let message = format!("unknown key `{key}` in {}", object.name);
        self.push(Diagnostic::new(Code::UNKNOWN_KEY, span, message).help(help));
    }

    pub(crate) fn not_a_map(&mut self, node: &Node, what: &str) {
        self.wrong_type(what, "a map of keys", node);
    }

    /// The items of a list.
    pub(super) fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        match &node.kind {
            Kind::List(items) => Some(items),
            Kind::Scalar(_) | Kind::Map(_) => {
                self.wrong_type(what, "a list", node);
                None
            }
        }
    }

    /// The items of a list, or the one value that stands for a list of itself.
    pub(super) fn one_or_many<'n>(&mut self, node: &'n Node) -> &'n [Node] {
        match &node.kind {
            Kind::List(items) => items,
            Kind::Scalar(_) | Kind::Map(_) => std::slice::from_ref(node),
        }
    }
}
