//! Mappings applied: what a stage takes from others, and what of its outputs it hands on. Pure.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use crate::model::{Mapping, MappingField, Source, ValueKind};
use crate::text::{Missing, Root, Scope, descend};
use crate::value;

#[cfg(test)]
mod tests;
mod transform;

/// The object that a mapping makes: its fields in the order written, then its schema.
///
/// `raw` is what the work gave, for an output mapping: its paths lead into it, and its expressions
/// see it as `outputs`. A source without a value (absent, null, an expression that fails) takes the
/// field's default as it is; without one it is left out, or a problem where the field is required.
///
/// # Errors
/// Every problem, in one sentence: required fields that have no value, transforms that do not fit
/// their value, and violations of the schema with their JSON path. The schema is asked only of an
/// object that could be made.
pub fn apply(
    mapping: &Mapping,
    scope: &dyn Scope,
    raw: Option<&Json>,
) -> Result<IndexMap<String, Json>, String> {
    let seen = Seen { scope, raw, subject: None };
    let mut object = Map::new();
    let mut problems = Vec::new();
    for field in &mapping.fields {
        match mapped(field, &seen) {
            Ok(Some(value)) => put(&mut object, &field.to, value),
            Ok(None) => {}
            Err(problem) => problems.push(format!("`{}`: {problem}", field.to.join("."))),
        }
    }
    let object = Json::Object(object);
    if problems.is_empty()
        && let Err(violations) = value::check(ValueKind::Any, mapping.schema.as_ref(), &object)
    {
        problems.extend(violations.iter().map(ToString::to_string));
    }
    match (object, problems.is_empty()) {
        (Json::Object(fields), true) => Ok(fields.into_iter().collect()),
        (_, _) => Err(problems.join("; ")),
    }
}

/// `None`: there is no value, and none is needed.
fn mapped(field: &MappingField, seen: &Seen<'_>) -> Result<Option<Json>, String> {
    let found = found(field, seen);
    if let Err(Without::Unknown) = found
        && let Some(stands) = seen.scope.stand_in(&field.written)
    {
        return Ok(Some(Json::String(stands)));
    }
    let mut value = match (found.map_err(|without| without.says(field)), &field.default) {
        (Ok(value), _) => value,
        (Err(_), Some(default)) => return Ok(Some(default.clone())),
        (Err(missing), None) if field.required => return Err(missing),
        (Err(_), None) => return Ok(None),
    };
    for step in &field.transforms {
        value = transform::apply(step, value, seen)?;
    }
    Ok(Some(value))
}

/// Why a source has no value.
enum Without {
    Reason(String),
    /// There is one, and nobody knows it.
    Unknown,
}

impl Without {
    fn says(self, field: &MappingField) -> String {
        match self {
            Self::Reason(says) => says,
            Self::Unknown => format!("`{}` {}", field.written, Missing::Unknown),
        }
    }
}

/// The value of the source.
fn found(field: &MappingField, seen: &Seen<'_>) -> Result<Json, Without> {
    let written = &field.written;
    let found = match &field.from {
        Source::Reference(template) => {
            template.resolve(seen).map_err(|missing| match missing.problem {
                Missing::Unknown => Without::Unknown,
                Missing::Absent | Missing::Null | Missing::Secret => {
                    Without::Reason(format!("`{written}` {}", missing.problem))
                }
            })?
        }
        Source::Raw(path) => {
            let raw = seen.raw.unwrap_or(&Json::Null);
            let found = descend(raw, path).cloned();
            found.ok_or_else(|| Without::Reason(format!("the work gave no `{written}`")))?
        }
        Source::Expression(expression) => expression.evaluate(seen).map_err(|error| {
            let mut stages = expression.references().stages.keys();
            match error.unknown && stages.any(|name| seen.is_unknown(&Root::Output(name.clone()))) {
                true => Without::Unknown,
                false => Without::Reason(format!("`{written}`: {error}")),
            }
        })?,
    };
    if found.is_null() {
        return Err(Without::Reason(format!("`{written}` is null")));
    }
    Ok(found)
}

/// Sets a field of a field; what was no map on the way becomes one. The language refuses two
/// fields of which one would hold the other.
fn put(object: &mut Map<String, Json>, path: &[String], value: Json) {
    let Some((name, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        object.insert(name.clone(), value);
        return;
    }
    let inner = object.entry(name.clone()).or_insert_with(|| Json::Object(Map::new()));
    if !inner.is_object() {
        *inner = Json::Object(Map::new());
    }
    if let Json::Object(inner) = inner {
        put(inner, rest, value);
    }
}

/// The run, and beside it what is being mapped.
struct Seen<'s> {
    scope: &'s dyn Scope,
    raw: Option<&'s Json>,
    /// Of a transform.
    subject: Option<&'s Json>,
}

impl Scope for Seen<'_> {
    fn get(&self, root: &Root) -> Option<Cow<'_, Json>> {
        match (root, self.raw, self.subject) {
            (Root::Own, Some(raw), _) => Some(Cow::Borrowed(raw)),
            (Root::Subject, _, Some(subject)) => Some(Cow::Borrowed(subject)),
            (_, _, _) => self.scope.get(root),
        }
    }

    fn stage(&self, name: &str) -> Option<Json> {
        self.scope.stage(name)
    }

    /// It gives nothing that stands in: what is made of such a text would be no value.
    fn is_unknown(&self, root: &Root) -> bool {
        match (root, self.raw, self.subject) {
            (Root::Own, Some(_), _) | (Root::Subject, _, Some(_)) => false,
            (_, _, _) => self.scope.is_unknown(root),
        }
    }
}
