//! Templates to values, looked up in a [`Scope`].

use std::borrow::Cow;

use serde_json::Value as Json;

use super::{
    Missing, Part, Piece, Reference, Root, Scope, Step, Template, Unresolved, ValueTemplate,
};

impl Template {
    /// A lone reference keeps the type of its value; everything else is text: strings as they
    /// are, numbers and booleans as JSON, lists and maps as compact JSON.
    pub fn resolve(&self, scope: &dyn Scope) -> Result<Json, Unresolved> {
        if let [Part::Reference(reference)] = self.parts.as_slice() {
            return reference.resolve(scope);
        }
        self.resolve_text(scope).map(Json::String)
    }

    /// The value as text, also of a lone reference. Null has none.
    pub fn resolve_text(&self, scope: &dyn Scope) -> Result<String, Unresolved> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Reference(reference) => text.push_str(&reference.resolve_text(scope)?),
            }
        }
        Ok(text)
    }

    /// Text in which secrets are still names. Adjacent plain text is one piece; empty text is no
    /// piece.
    pub fn pieces(&self, scope: &dyn Scope) -> Result<Vec<Piece>, Unresolved> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => plain.push_str(literal),
                Part::Reference(reference) => match &reference.root {
                    Root::Secret(name) => {
                        if !plain.is_empty() {
                            pieces.push(Piece::Plain(std::mem::take(&mut plain)));
                        }
                        pieces.push(Piece::Secret(name.clone()));
                    }
                    Root::Value(_)
                    | Root::Output(_)
                    | Root::Event
                    | Root::Run
                    | Root::Task
                    | Root::Item
                    | Root::Form
                    | Root::Mapped
                    | Root::Own
                    | Root::Previous(_)
                    | Root::Subject => {
                        plain.push_str(&reference.resolve_text(scope)?);
                    }
                },
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Plain(plain));
        }
        Ok(pieces)
    }
}

impl ValueTemplate {
    /// The value with every reference replaced.
    pub fn resolve(&self, scope: &dyn Scope) -> Result<Json, Unresolved> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Text(template) => template.resolve(scope),
            Self::List(items) => items
                .iter()
                .map(|item| item.resolve(scope))
                .collect::<Result<_, _>>()
                .map(Json::Array),
            Self::Map(entries) => entries
                .iter()
                .map(|(key, item)| Ok((key.clone(), item.resolve(scope)?)))
                .collect::<Result<_, _>>()
                .map(Json::Object),
        }
    }
}

impl Reference {
    /// The value, or the default when the value does not exist or is null. A null without a
    /// default has no value.
    pub fn resolve(&self, scope: &dyn Scope) -> Result<Json, Unresolved> {
        if let Root::Secret(_) = self.root {
            return Err(self.missing(Missing::Secret));
        }
        let found = match scope.get(&self.root) {
            Some(Cow::Borrowed(value)) => descend(value, &self.path).cloned(),
            Some(Cow::Owned(value)) if self.path.is_empty() => Some(value),
            Some(Cow::Owned(value)) => descend(&value, &self.path).cloned(),
            None => None,
        };
        if found.as_ref().is_none_or(Json::is_null) && scope.is_unknown(&self.root) {
            let stands = scope.stand_in(self.name()).map(Json::String);
            return stands.ok_or_else(|| self.missing(Missing::Unknown));
        }
        match (found, &self.default) {
            (None | Some(Json::Null), Some(default)) => Ok(default.clone()),
            (None, None) => Err(self.missing(Missing::Absent)),
            (Some(Json::Null), None) => Err(self.missing(Missing::Null)),
            (Some(value), _) => Ok(value),
        }
    }

    /// The value as text.
    pub(super) fn resolve_text(&self, scope: &dyn Scope) -> Result<String, Unresolved> {
        match self.resolve(scope)? {
            Json::String(text) => Ok(text),
            Json::Null => Err(self.missing(Missing::Null)),
            value @ (Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => {
                Ok(value.to_string())
            }
        }
    }

    fn missing(&self, problem: Missing) -> Unresolved {
        Unresolved { reference: self.source.clone(), problem }
    }
}

/// What a path leads to.
pub(crate) fn descend<'v>(value: &'v Json, path: &[Step]) -> Option<&'v Json> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Field(name) => value.as_object()?.get(name),
        Step::Index(index) => value.as_array()?.get(*index),
    })
}
