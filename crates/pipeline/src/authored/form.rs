//! Forms.

use indexmap::IndexMap;

use super::fields::Fields;
use super::read::Reader;
use super::{Placed, scalars::literal};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Ask, Field, Form, FormTimeout, SaveAs, SaveFormat};
use crate::vocabulary::{FORM, SAVE_AS};
use crate::yaml::{Kind, Node};

impl Reader<'_> {
    /// `form` or `human`.
    pub(super) fn form(&mut self, node: &Node, what: &str) -> Option<Placed<Form>> {
        let fields = self.fields(node, what, &FORM)?;
        let instructions = fields.template("instructions", self);
        let questions = match fields.node("fields") {
            Some(node) => self.questions(node),
            None => IndexMap::new(),
        };
        let timeout = fields.duration("timeout", false, self);
        let on_timeout = fields.choice("on_timeout", self);
        if let (Some(what), None) = (&on_timeout, fields.get("timeout")) {
            self.push(
                Diagnostic::new(Code::BAD_FORM, what.span, "`on_timeout` needs `timeout`")
                    .help("without it, people are waited for"),
            );
        }
        let assignees = match fields.node("assignees") {
            Some(node) => self.people(node, "an assignee"),
            None => Vec::new(),
        };
        let form = Form {
            instructions,
            fields: questions,
            ask: fields.choice("ask", self).map_or(Ask::Always, |choice| ASK[choice.value]),
            assignees: assignees.into_iter().map(|name| name.value).collect(),
            timeout: timeout.map(|timeout| timeout.value),
            on_timeout: on_timeout.map_or(FormTimeout::Fail, |what| ON_TIMEOUT[what.value]),
            save_as: fields.node("save_as").and_then(|node| self.save_as(node)),
        };
        Some(Placed::new(form, fields.start()))
    }

    fn questions(&mut self, node: &Node) -> IndexMap<String, Field> {
        let Kind::Map(entries) = &node.kind else {
            self.wrong_type("`fields`", "a map of names to kinds", node);
            return IndexMap::new();
        };
        let mut questions = IndexMap::with_capacity(entries.len());
        for entry in entries {
            let name = self.output_name(&entry.key, entry.key_span, "a field");
            // Declared is declared: what refers to it is not wrong again.
            let field = self.question(entry).unwrap_or_else(|| Field::text(&entry.key));
            if let Some(name) = name {
                questions.insert(name.value, field);
            }
        }
        questions
    }

    /// The name of an artifact, or a map.
    fn save_as(&mut self, node: &Node) -> Option<SaveAs> {
        let (name, span, format) = if matches!(node.kind, Kind::Map(_)) {
            let fields = self.fields(node, "`save_as`", &SAVE_AS)?;
            let format = fields.choice("format", self).map(|choice| FORMATS[choice.value]);
            let name = fields.text("artifact", self)?;
            (name.value, name.span, format)
        } else {
            (self.text(node, "`save_as`")?, node.span, None)
        };
        let name = self.artifact_name(&name, span)?.value;
        let by_name = if name.ends_with(".md") { SaveFormat::Markdown } else { SaveFormat::Json };
        Some(SaveAs { artifact: name, format: format.unwrap_or(by_name) })
    }

    /// A form is the whole of a stage: what would belong to work is refused beside it.
    pub(super) fn beside_a_form(&mut self, fields: &Fields<'_>) {
        const WORK: [(&str, &str); 10] = [
            ("human", "put its fields into `form`"),
            ("timeout", "people are waited for; limit them with `timeout` inside `form`"),
            ("idle_timeout", "people are waited for; limit them with `timeout` inside `form`"),
            ("total_timeout", "people are waited for; limit them with `timeout` inside `form`"),
            ("retry", "nothing of a form is tried again; see `max_revisions`"),
            ("env", "no program is started"),
            ("working_dir", "no program is started"),
            ("outputs", "its fields are its outputs; `output_mapping` makes others of them"),
            ("artifacts", "`save_as` inside the form keeps its values"),
            ("probe", "no program is started"),
        ];
        for (key, help) in WORK {
            if let Some(entry) = fields.get(key) {
                let message = format!("`{key}` means nothing at a stage that is a form");
                self.push(
                    Diagnostic::new(Code::CONFLICTING_KEYS, entry.key_span, message).help(help),
                );
            }
        }
    }

    /// The server waits for a child run, and no keeper for a process.
    pub(super) fn beside_a_child(&mut self, fields: &Fields<'_>) {
        const WORK: [(&str, &str); 6] = [
            ("timeout", "a child run has its own; limit all of it with `total_timeout`"),
            ("idle_timeout", "a child run has its own; limit all of it with `total_timeout`"),
            ("env", "give it `inputs`: `pipeline: {name: ..., inputs: {...}}`"),
            ("working_dir", "the stages of the child say where they run"),
            ("artifacts", "the stages of the child leave their own"),
            ("probe", "a child run is never lost"),
        ];
        for (key, help) in WORK {
            if let Some(entry) = fields.get(key) {
                let message = format!("`{key}` means nothing at a stage that is a pipeline");
                self.push(
                    Diagnostic::new(Code::CONFLICTING_KEYS, entry.key_span, message).help(help),
                );
            }
        }
    }

    /// The default must be something that could be submitted.
    pub(super) fn default_fits(&mut self, field: &Field, node: &Node) {
        let value = literal(node);
        if value.is_null() {
            return;
        }
        for problem in crate::form::check_value(field, &value).err().unwrap_or_default() {
            let message = format!("the default does not fit: {problem}");
            let mut found = Diagnostic::new(Code::BAD_FORM, node.span, message);
            if field.wants_text() && !value.is_string() {
                found.help = "put it in quotes, or change the `type`".into();
            }
            self.push(found);
        }
    }
}

/// In the order of the vocabulary's words.
const ASK: [Ask; 2] = [Ask::Always, Ask::Missing];
const ON_TIMEOUT: [FormTimeout; 3] = [FormTimeout::Fail, FormTimeout::Skip, FormTimeout::Submit];
const FORMATS: [SaveFormat; 2] = [SaveFormat::Json, SaveFormat::Markdown];

#[cfg(test)]
mod tests {
    use super::super::fields::words;
    use super::*;

    #[test]
    fn words_and_meanings_are_in_one_order() {
        let of = |key: &str| words(&FORM.key(key).unwrap().value).0;
        assert_eq!(of("ask"), ["always", "missing"]);
        assert_eq!(of("on_timeout"), ["fail", "skip", "submit"]);
        assert_eq!(words(&SAVE_AS.key("format").unwrap().value).0, ["json", "md"]);
    }
}
