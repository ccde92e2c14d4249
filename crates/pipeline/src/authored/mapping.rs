//! Mappings: where each field comes from, where it goes, and what is done to it on the way.

use serde_json::Value as Json;

use super::fields::Fields;
use super::names::{RESERVED, shorten};
use super::read::Reader;
use super::scalars::literal;
use super::{AuthoredExpression, Placed};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Transform;
use crate::source::Span;
use crate::text::{Part, Reference, Root, Step, Template, ValueTemplate};
use crate::vocabulary::{
    COMPUTED, FIELD_TRANSFORM, MAPPING, MAPPING_FIELD, TRANSFORM, TRANSFORM_WORDS,
};
use crate::yaml::{Kind, Node};

#[derive(Debug)]
pub(crate) struct AuthoredMapping {
    pub(crate) fields: Vec<AuthoredField>,
    pub(crate) schema: Option<Json>,
}

#[derive(Debug)]
pub(crate) struct AuthoredField {
    pub(crate) written: String,
    pub(crate) from: AuthoredSource,
    pub(crate) to: Placed<Vec<String>>,
    pub(crate) required: bool,
    pub(crate) default: Option<Json>,
    pub(crate) transforms: Vec<AuthoredTransform>,
}

#[derive(Debug)]
pub(crate) enum AuthoredSource {
    Reference(Reference),
    Raw(Vec<Step>),
    Expression(AuthoredExpression),
}

#[derive(Debug)]
pub(crate) enum AuthoredTransform {
    Fixed(Transform),
    Expression(AuthoredExpression),
}

impl AuthoredMapping {
    /// The names of the object that it makes.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter_map(|field| field.to.value.first()).map(String::as_str)
    }
}

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Input,
    Output,
}

impl Reader<'_> {
    pub(super) fn input_mapping(&mut self, fields: &Fields<'_>) -> Option<AuthoredMapping> {
        self.mapping(fields.node("input_mapping")?, "`input_mapping`", Way::Input)
    }

    pub(super) fn output_mapping(&mut self, fields: &Fields<'_>) -> Option<AuthoredMapping> {
        self.mapping(fields.node("output_mapping")?, "`output_mapping`", Way::Output)
    }

    /// A list of fields, or a map that holds one.
    fn mapping(&mut self, node: &Node, what: &str, way: Way) -> Option<AuthoredMapping> {
        let whole = match &node.kind {
            Kind::List(_) => None,
            Kind::Map(_) | Kind::Scalar(_) => Some(self.fields(node, what, &MAPPING)?),
        };
        let list = match &whole {
            Some(whole) => whole.node("mappings")?,
            None => node,
        };
        let items = self.list(list, "`mappings`")?;
        let mut fields: Vec<AuthoredField> = Vec::with_capacity(items.len());
        for item in items {
            let Some(field) = self.mapped(item, way) else { continue };
            self.overlap(&fields, &field);
            fields.push(field);
        }
        if items.is_empty() {
            self.push(
                Diagnostic::new(Code::BAD_MAPPING, list.span, "nothing is mapped")
                    .help("name a field, `{from: ..., to: ...}`, or remove the key"),
            );
        }
        let complete = fields.len() == items.len();
        let mut schema = None;
        if let Some(whole) = whole {
            schema = self.schema(&whole, "validation");
            if let Some(node) = whole.node("transforms") {
                self.field_transforms(node, &mut fields, complete, way);
            }
        }
        Some(AuthoredMapping { fields, schema })
    }

    fn mapped(&mut self, node: &Node, way: Way) -> Option<AuthoredField> {
        let fields = self.fields(node, "a field of a mapping", &MAPPING_FIELD)?;
        let from = fields.node("from").and_then(|node| self.source(node, way));
        let to = fields.node("to").and_then(|node| self.target(node, way));
        let default = fields.node("default").map(literal);
        let required = fields.boolean("required", self);
        if let (Some(true), Some(entry)) = (required, fields.get("default")) {
            let message = "a required field has no use for a default";
            self.push(
                Diagnostic::new(Code::BAD_MAPPING, entry.key_span, message)
                    .help("remove `required: true` or the default"),
            );
        }
        let transforms = match fields.node("transforms") {
            Some(node) => self.transforms(node),
            None => Vec::new(),
        };
        let (written, from) = from?;
        Some(AuthoredField {
            written,
            from,
            to: to?,
            required: required.unwrap_or(default.is_none()),
            default,
            transforms,
        })
    }

    fn source(&mut self, node: &Node, way: Way) -> Option<(String, AuthoredSource)> {
        if let Kind::Map(_) = &node.kind {
            let fields = self.fields(node, "`from`", &COMPUTED)?;
            let expression = fields.expression("cel", self)?;
            let written = expression.expression.source.clone();
            return Some((written, AuthoredSource::Expression(expression)));
        }
        let written = self.text(node, "`from`")?;
        let bare = written.trim();
        let bare = bare.strip_prefix("${").and_then(|b| b.strip_suffix('}')).unwrap_or(bare);
        let full = match way {
            Way::Input => full_path(bare),
            Way::Output => format!("outputs.{}", bare.strip_prefix("outputs.").unwrap_or(bare)),
        };
        let reference = match Template::parse(&format!("${{{full}}}"), Span::default()) {
            Ok(Template { parts }) => match parts.into_iter().next() {
                Some(Part::Reference(reference)) => Ok(reference),
                Some(Part::Literal(_)) | None => Err(String::new()),
            },
            Err(errors) => Err(errors.into_iter().next().map_or_else(String::new, |e| e.message)),
        };
        match reference {
            Ok(mut reference) if reference.default.is_none() => {
                reference.span = node.span;
                reference.source = bare.to_owned();
                let source = match (way, reference.root == Root::Own) {
                    (Way::Output, true) => AuthoredSource::Raw(reference.path),
                    (Way::Output | Way::Input, _) => AuthoredSource::Reference(reference),
                };
                Some((bare.to_owned(), source))
            }
            Ok(_) => {
                let message = "a default stands in `default`, not in `from`";
                self.push(
                    Diagnostic::new(Code::BAD_MAPPING, node.span, message)
                        .help("write `{from: ..., to: ..., default: ...}`"),
                );
                None
            }
            Err(_) => {
                let message = format!("`{}` is no path", shorten(&written));
                self.push(Diagnostic::new(Code::BAD_MAPPING, node.span, message).help(
                    "for example `inputs.goal`, `planning.outputs.plan` or `event.spec`; an \
                     expression is `{cel: ...}`",
                ));
                None
            }
        }
    }

    /// `plan`, `a.b`, and with the word that is meant anyway: `outputs.plan`, `input.goal`.
    fn target(&mut self, node: &Node, way: Way) -> Option<Placed<Vec<String>>> {
        let written = self.text(node, "`to`")?;
        let own = match way {
            Way::Input => "input.",
            Way::Output => "outputs.",
        };
        let path = written.strip_prefix(own).unwrap_or(&written);
        let names: Vec<String> = path.split('.').map(str::to_owned).collect();
        if names.len() > 16 {
            let message = format!("`{}` is too deep", shorten(&written));
            self.push(
                Diagnostic::new(Code::BAD_MAPPING, node.span, message)
                    .help("a path has at most 16 names"),
            );
            return None;
        }
        for name in &names {
            self.output_name(name, node.span, "a field")?;
        }
        Some(Placed::new(names, node.span))
    }

    /// Two fields that would overwrite each other.
    fn overlap(&mut self, fields: &[AuthoredField], field: &AuthoredField) {
        let to = &field.to.value;
        let clash = fields.iter().find(|other| {
            let other = &other.to.value;
            other.starts_with(to) || to.starts_with(other)
        });
        if let Some(other) = clash {
            let message = format!(
                "`{}` is mapped twice: `{}` came first",
                to.join("."),
                other.to.value.join(".")
            );
            self.push(
                Diagnostic::new(Code::BAD_MAPPING, field.to.span, message)
                    .help("one would overwrite the other; rename one of them"),
            );
        }
    }

    /// `transforms:` of the whole mapping.
    fn field_transforms(
        &mut self,
        node: &Node,
        fields: &mut [AuthoredField],
        complete: bool,
        way: Way,
    ) {
        let items = self.list(node, "`transforms`").unwrap_or_default();
        for item in items {
            let Some(keys) = self.fields(item, "a transform", &FIELD_TRANSFORM) else { continue };
            let to = keys.node("field").and_then(|node| self.target(node, way));
            let steps = match keys.node("apply") {
                Some(node) => self.transforms(node),
                None => Vec::new(),
            };
            let Some(to) = to else { continue };
            match fields.iter_mut().find(|field| field.to.value == to.value) {
                Some(field) => field.transforms.extend(steps),
                None if complete => {
                    let message = format!("no field is mapped to `{}`", to.value.join("."));
                    self.push(
                        Diagnostic::new(Code::BAD_MAPPING, to.span, message)
                            .help("`field` names the `to` of one of the `mappings`"),
                    );
                }
                None => {}
            }
        }
    }

    /// One, or a list of them.
    fn transforms(&mut self, node: &Node) -> Vec<AuthoredTransform> {
        let mut transforms = Vec::new();
        for item in self.one_or_many(node) {
            transforms.extend(self.transform(item));
        }
        transforms
    }

    fn transform(&mut self, node: &Node) -> Option<AuthoredTransform> {
        if let Kind::Scalar(scalar) = &node.kind {
            if ["split", "join", "cel"].contains(&scalar.text.as_str()) {
                let message = format!("`{}` needs to know by what", scalar.text);
                self.push(
                    Diagnostic::new(Code::BAD_MAPPING, node.span, message)
                        .help(format!("write `{{{}: ...}}`", scalar.text)),
                );
                return None;
            }
            let index = self.choice(node, "a transform", TRANSFORM_WORDS, &[])?;
            return Some(AuthoredTransform::Fixed(WORDS[index].clone()));
        }
        let fields = self.fields(node, "a transform", &TRANSFORM)?;
        let [entry] = fields.entries else {
            let message = "a transform has exactly one key";
            self.push(
                Diagnostic::new(Code::BAD_MAPPING, fields.start(), message)
                    .help("write a list: each does one thing"),
            );
            return None;
        };
        match entry.key.as_str() {
            "split" => {
                let by = self.text(&entry.value, "`split`")?;
                if by.is_empty() {
                    let message = "`split` needs a text to split at";
                    self.error(Code::BAD_MAPPING, entry.value.span, message);
                    return None;
                }
                Some(AuthoredTransform::Fixed(Transform::Split(by)))
            }
            "join" => {
                let by = self.text(&entry.value, "`join`")?;
                Some(AuthoredTransform::Fixed(Transform::Join(by)))
            }
            "cel" => self.subject_expression(&entry.value).map(AuthoredTransform::Expression),
            _ => None,
        }
    }
}

/// The path as a reference has it: `request.goal` is an input, `planning.outputs.plan` an output
/// of a stage.
fn full_path(written: &str) -> String {
    let first = written.split(['.', '[']).next().unwrap_or_default();
    let rest = &written[first.len()..];
    if first == "request" {
        return format!("inputs{rest}");
    }
    let is_output = rest.strip_prefix(".outputs").is_some_and(|r| r.starts_with(['.', '[']));
    if is_output && !RESERVED.contains(&first) {
        return format!("stages.{written}");
    }
    written.to_owned()
}

impl AuthoredSource {
    pub(crate) fn into_template(reference: Reference) -> ValueTemplate {
        ValueTemplate::Text(Template { parts: vec![Part::Reference(reference)] })
    }
}

/// In the order of the vocabulary's words.
static WORDS: [Transform; 17] = [
    Transform::Trim,
    Transform::Lower,
    Transform::Upper,
    Transform::ParseJson,
    Transform::ToJson,
    Transform::ToText,
    Transform::ToNumber,
    Transform::ToInteger,
    Transform::ToBoolean,
    Transform::First,
    Transform::Last,
    Transform::Length,
    Transform::Keys,
    Transform::Values,
    Transform::Flatten,
    Transform::Unique,
    Transform::Sort,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_meanings_are_in_one_order() {
        let named = |transform: &Transform| {
            let mut word = String::new();
            for c in format!("{transform:?}").chars() {
                if c.is_uppercase() && !word.is_empty() {
                    word.push('_');
                }
                word.extend(c.to_lowercase());
            }
            word
        };
        assert_eq!(TRANSFORM_WORDS, WORDS.iter().map(named).collect::<Vec<_>>());
    }

    #[test]
    fn paths_are_completed() {
        for (written, full) in [
            ("request.goal", "inputs.goal"),
            ("inputs.goal", "inputs.goal"),
            ("goal", "goal"),
            ("planning.outputs.plan", "stages.planning.outputs.plan"),
            ("stages.planning.outputs.plan", "stages.planning.outputs.plan"),
            ("prev.planning.outputs.plan", "prev.planning.outputs.plan"),
            ("event.outputs.x", "event.outputs.x"),
            ("event.spec", "event.spec"),
            ("plan.outputs[\"x\"]", "stages.plan.outputs[\"x\"]"),
            ("", ""),
        ] {
            assert_eq!(full_path(written), full);
        }
    }
}
