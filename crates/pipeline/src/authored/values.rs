//! Declared values: inputs, outputs, their types and schemas.

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::fields::{Fields, words};
use super::read::Reader;
use super::scalars::literal;
use super::{AuthoredInput, Named};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Input, Output, ValueKind};
use crate::value::{check, compile_schema, with_enum};
use crate::vocabulary::{INPUT, OUTPUT};
use crate::yaml::{Entry, Kind, Node};

impl Reader<'_> {
    pub(super) fn inputs(&mut self, node: &Node) -> Named<AuthoredInput> {
        let Kind::Map(entries) = &node.kind else {
            self.wrong_type("`inputs`", "a map of names to types", node);
            return Vec::new();
        };
        let mut inputs = Vec::with_capacity(entries.len());
        for entry in entries {
            let name = self.value_name(&entry.key, entry.key_span, "an input");
            let input = self.input(entry);
            if name.is_none() || input.is_none() {
                self.refused.insert(entry.key.clone());
            }
            inputs.extend(name.zip(input));
        }
        inputs
    }

    fn input(&mut self, entry: &Entry) -> Option<AuthoredInput> {
        let what = format!("input `{}`", entry.key);
        if let Some(kind) = self.short_kind(&entry.value, &what, &INPUT) {
            let kind = kind?;
            let input = Input {
                description: String::new(),
                kind,
                required: true,
                default: None,
                schema: None,
            };
            return Some(AuthoredInput { input, required: None });
        }
        let fields = self.fields(&entry.value, &what, &INPUT)?;
        let kind = fields.choice("type", self).map(|choice| KINDS[choice.value]);
        let default = fields.node("default");
        let kind = kind.unwrap_or(ValueKind::String);
        let mut schema = self.schema(&fields, "schema");
        if let Some(node) = fields.node("enum")
            && let Some(items) = self.list(node, "`enum`")
        {
            let values: Vec<Json> = items.iter().map(literal).collect();
            for (item, value) in items.iter().zip(&values) {
                self.fits(kind, None, value, item, "this value of `enum`");
            }
            schema = Some(with_enum(schema, values));
        }
        if let Some(node) = default {
            self.fits(kind, schema.as_ref(), &literal(node), node, "the default");
        }
        let required = fields.boolean("required", self);
        if required == Some(true)
            && let Some(entry) = fields.get("default")
        {
            let message = "a required input has no use for a default";
            self.push(
                Diagnostic::new(Code::CONFLICTING_KEYS, entry.key_span, message)
                    .help("remove `required: true` or the default"),
            );
        }
        Some(AuthoredInput {
            input: Input {
                description: fields
                    .text("description", self)
                    .map_or_else(String::new, |text| text.value),
                kind,
                required: required.unwrap_or(default.is_none()),
                default: default.map(literal),
                schema,
            },
            required,
        })
    }

    /// Literals by name.
    pub(super) fn config(&mut self, fields: &Fields<'_>) -> IndexMap<String, Json> {
        let Some(node) = fields.node("config") else { return IndexMap::new() };
        let Kind::Map(entries) = &node.kind else {
            self.wrong_type("`config`", "a map of names to values", node);
            return IndexMap::new();
        };
        let mut config = IndexMap::with_capacity(entries.len());
        for entry in entries {
            match self.value_name(&entry.key, entry.key_span, "a setting") {
                Some(name) => {
                    config.insert(name.value, literal(&entry.value));
                }
                None => {
                    self.refused.insert(entry.key.clone());
                }
            }
        }
        config
    }

    pub(super) fn outputs(&mut self, node: &Node) -> Named<Output> {
        let Kind::Map(entries) = &node.kind else {
            self.wrong_type("`outputs`", "a map of names to types", node);
            return Vec::new();
        };
        let mut outputs = Vec::with_capacity(entries.len());
        for entry in entries {
            let name = self.output_name(&entry.key, entry.key_span, "an output");
            // Declared is declared: what refers to it is not wrong again.
            let output = self.output(entry).unwrap_or(Output {
                description: String::new(),
                kind: ValueKind::Any,
                required: true,
                schema: None,
            });
            outputs.extend(name.map(|name| (name, output)));
        }
        outputs
    }

    fn output(&mut self, entry: &Entry) -> Option<Output> {
        let what = format!("output `{}`", entry.key);
        if let Some(kind) = self.short_kind(&entry.value, &what, &OUTPUT) {
            let kind = kind?;
            return Some(Output { description: String::new(), kind, required: true, schema: None });
        }
        let fields = self.fields(&entry.value, &what, &OUTPUT)?;
        let kind = fields.choice("type", self).map(|choice| KINDS[choice.value]);
        Some(Output {
            description: fields
                .text("description", self)
                .map_or_else(String::new, |text| text.value),
            kind: kind.unwrap_or(ValueKind::Any),
            required: fields.boolean("required", self).unwrap_or(true),
            schema: self.schema(&fields, "schema"),
        })
    }

    /// `name: string`: `None` when it is written as something longer.
    fn short_kind(
        &mut self,
        node: &Node,
        what: &str,
        object: &'static crate::vocabulary::Object,
    ) -> Option<Option<ValueKind>> {
        match &node.kind {
            Kind::Scalar(_) => {
                let key = object.key("type")?;
                let (words, later) = words(&key.value);
                let what = format!("the type of {what}");
                Some(self.choice(node, &what, words, later).map(|index| KINDS[index]))
            }
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    pub(super) fn schema(&mut self, fields: &Fields<'_>, key: &str) -> Option<Json> {
        let node = fields.node(key)?;
        let schema = literal(node);
        if !schema.is_object() && !schema.is_boolean() {
            self.wrong_type(&format!("`{key}`"), "a JSON Schema, written as a map", node);
            return None;
        }
        if !self.afford_schema(&schema, node.span) {
            return None;
        }
        match compile_schema(&schema) {
            Ok(_) => Some(schema),
            Err(violation) => {
                let message = format!("this is not a JSON Schema: {violation}");
                let help = "schemas follow JSON Schema 2020-12 and refer only to themselves";
                self.push(Diagnostic::new(Code::BAD_SCHEMA, node.span, message).help(help));
                None
            }
        }
    }

    fn fits(
        &mut self,
        kind: ValueKind,
        schema: Option<&Json>,
        value: &Json,
        node: &Node,
        what: &str,
    ) {
        let Err(violations) = check(kind, schema, value) else { return };
        for violation in violations {
            let message = format!("{what} does not fit: {violation}");
            let mut found = Diagnostic::new(Code::BAD_DEFAULT, node.span, message);
            if kind == ValueKind::String && !value.is_string() {
                found.help = "put it in quotes, or change the `type`".into();
            }
            self.push(found);
        }
    }
}

/// In the order of the vocabulary's words.
const KINDS: [ValueKind; 7] = [
    ValueKind::String,
    ValueKind::Integer,
    ValueKind::Number,
    ValueKind::Boolean,
    ValueKind::List,
    ValueKind::Map,
    ValueKind::Any,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_meanings_are_in_one_order() {
        for object in [&INPUT, &OUTPUT] {
            let (words, _) = words(&object.key("type").unwrap().value);
            assert_eq!(words, KINDS.map(ValueKind::word));
        }
    }
}
