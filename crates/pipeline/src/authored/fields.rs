//! One map of the definition, read key by key through the vocabulary: type, range and words of a
//! key are looked up there, so that the reader, the schema and the reference cannot differ.

use std::time::Duration;

use super::read::Reader;
use super::{AuthoredExpression, Placed};
use crate::source::Span;
use crate::text::Template;
use crate::vocabulary::{Key, Object, Type};
use crate::yaml::{Entry, Node};

#[derive(Clone, Copy)]
pub(super) struct Fields<'n> {
    pub(super) object: &'static Object,
    pub(super) entries: &'n [Entry],
    pub(super) span: Span,
}

impl<'n> Fields<'n> {
    /// The entry of a key of the vocabulary, under whichever of its names.
    pub(super) fn get(&self, name: &str) -> Option<&'n Entry> {
        let key = self.key(name);
        self.entries
            .iter()
            .find(|entry| entry.key == key.name || key.aliases.contains(&entry.key.as_str()))
    }

    /// # Panics
    /// When the vocabulary has no such key: a bug, found by any test that reads the object.
    fn key(&self, name: &str) -> &'static Key {
        match self.object.key(name) {
            Some(key) => key,
            None => panic!("{} has no key `{name}` in the vocabulary", self.object.name),
        }
    }

    /// Where to point when the map as a whole is meant: its first key.
    pub(super) fn start(&self) -> Span {
        self.entries
            .first()
            .map_or(Span::new(self.span.start, self.span.start), |entry| entry.key_span)
    }

    pub(super) fn node(&self, name: &str) -> Option<&'n Node> {
        self.get(name).map(|entry| &entry.value)
    }

    pub(super) fn text(&self, name: &str, reader: &mut Reader<'_>) -> Option<Placed<String>> {
        let node = self.node(name)?;
        let value = reader.text(node, &quoted(name))?;
        Some(Placed::new(value, node.span))
    }

    pub(super) fn boolean(&self, name: &str, reader: &mut Reader<'_>) -> Option<bool> {
        reader.boolean(self.node(name)?, &quoted(name))
    }

    pub(super) fn template(&self, name: &str, reader: &mut Reader<'_>) -> Option<Template> {
        reader.template(self.node(name)?, &quoted(name))
    }

    pub(super) fn integer(&self, name: &str, reader: &mut Reader<'_>) -> Option<Placed<u32>> {
        let node = self.node(name)?;
        let (min, max) = range(&self.key(name).value);
        let value = reader.integer(node, &quoted(name), min, max)?;
        Some(Placed::new(u32::try_from(value).ok()?, node.span))
    }

    /// Never zero, unless `zero` allows it.
    pub(super) fn duration(
        &self,
        name: &str,
        zero: bool,
        reader: &mut Reader<'_>,
    ) -> Option<Placed<Duration>> {
        let node = self.node(name)?;
        let value = reader.duration(node, &quoted(name), zero)?;
        Some(Placed::new(value, node.span))
    }

    /// The place in the vocabulary's list of words.
    pub(super) fn choice(&self, name: &str, reader: &mut Reader<'_>) -> Option<Placed<usize>> {
        let node = self.node(name)?;
        let (words, later) = words(&self.key(name).value);
        let value = reader.choice(node, &quoted(name), words, later)?;
        Some(Placed::new(value, node.span))
    }

    pub(super) fn expression(
        &self,
        name: &str,
        reader: &mut Reader<'_>,
    ) -> Option<AuthoredExpression> {
        reader.expression(self.node(name)?, &quoted(name))
    }
}

fn quoted(name: &str) -> String {
    format!("`{name}`")
}

/// The bounds of a whole number, also where it is one way among others.
pub(super) fn range(value: &Type) -> (i64, i64) {
    match value {
        Type::Integer { min, max } => (*min, *max),
        Type::List(of) => range(of),
        Type::Either(types) => types
            .iter()
            .find(|one| matches!(one, Type::Integer { .. }))
            .map_or((i64::MIN, i64::MAX), range),
        Type::Text
        | Type::Name
        | Type::Template
        | Type::Value
        | Type::Literal
        | Type::Boolean
        | Type::True
        | Type::Number
        | Type::Duration
        | Type::Choice { .. }
        | Type::Expression
        | Type::Schema
        | Type::Glob
        | Type::Object(_)
        | Type::Map(_) => (i64::MIN, i64::MAX),
    }
}

type Words = &'static [&'static str];

/// The words of a choice, and those of later versions; also where it is one way among others.
pub(super) fn words(value: &'static Type) -> (Words, Words) {
    match value {
        Type::Choice { words, later } => (words, later),
        Type::Map(of) => words_of(of),
        Type::Either(types) => {
            types.iter().find(|one| matches!(one, Type::Choice { .. })).map_or((&[], &[]), words)
        }
        Type::Text
        | Type::Name
        | Type::Template
        | Type::Value
        | Type::Literal
        | Type::Boolean
        | Type::True
        | Type::Integer { .. }
        | Type::Number
        | Type::Duration
        | Type::Expression
        | Type::Schema
        | Type::Glob
        | Type::Object(_)
        | Type::List(_) => (&[], &[]),
    }
}

fn words_of(value: &'static Type) -> (Words, Words) {
    words(value)
}
