//! Loops, and the checks that end them.

use std::time::Duration;

use super::super::fields::Fields;
use super::super::read::Reader;
use super::super::{Named, Placed};
use super::spec::is_agent_name;
use crate::diagnostic::{Code, Diagnostic};
use crate::elsewhere::UseKind;
use crate::model::{LoopSpec, Validation};
use crate::vocabulary::{LOOP, LOOP_PROGRESS, LOOP_STOP, VALIDATION};
use crate::yaml::{Kind, Node};

const TIMEOUT: Duration = Duration::from_secs(15 * 60);

impl Reader<'_> {
    /// `loop_types` of the pipeline.
    pub(in super::super) fn loop_types(&mut self, fields: &Fields<'_>) -> Named<LoopSpec> {
        let Some(node) = fields.node("loop_types") else { return Vec::new() };
        let Kind::Map(entries) = &node.kind else {
            self.wrong_type("`loop_types`", "a map of names to loops", node);
            return Vec::new();
        };
        let mut types = Vec::with_capacity(entries.len());
        for entry in entries {
            if !is_agent_name(&entry.key) {
                self.bad_agent_name(&entry.key, entry.key_span, "a loop type");
                continue;
            }
            let what = format!("loop type `{}`", entry.key);
            let Some(spec) = self.loop_type(&entry.value, &what) else { continue };
            self.named.loop_types.push(entry.key.clone());
            types.push((Placed::new(entry.key.clone(), entry.key_span), spec));
        }
        types
    }

    /// A loop that belongs to no stage: its check refers to nothing.
    pub(crate) fn loop_type(&mut self, node: &Node, what: &str) -> Option<LoopSpec> {
        let spec = self.loop_spec(node, what)?;
        let command = spec.validate.as_ref().map(|check| &check.command);
        if command.is_some_and(|command| command.references().next().is_some()) {
            let message = format!("the check of {what} holds a reference");
            self.push(
                Diagnostic::new(Code::NOT_AVAILABLE_HERE, node.span, message)
                    .help("give the stage a `validate` of its own"),
            );
        }
        Some(spec)
    }

    pub(super) fn loop_spec(&mut self, node: &Node, what: &str) -> Option<LoopSpec> {
        let fields = self.fields(node, what, &LOOP)?;
        let name = |key: &str, kind: UseKind, reader: &mut Self| {
            let node = fields.node(key)?;
            let name = reader.agent_name(node, &format!("`{key}`"))?.value;
            reader.uses(kind, &name, node.span);
            Some(name)
        };
        let prompt = fields.text("prompt", self);
        self.named.prompts.extend(prompt.iter().map(|text| (text.value.clone(), text.span)));
        let count = |fields: &Fields<'_>, key: &str, reader: &mut Self| {
            fields.integer(key, reader).map(|count| count.value)
        };
        let time = |key: &str, reader: &mut Self| {
            fields.duration(key, false, reader).map(|time| time.value)
        };
        let mut spec = LoopSpec {
            extends: name("extends", UseKind::LoopType, self),
            description: fields.text("description", self).map_or_else(String::new, |t| t.value),
            agent: name("agent", UseKind::Agent, self),
            prompt: prompt.map(|text| text.value),
            max_iterations: count(&fields, "max_iterations", self),
            iteration_timeout: time("iteration_timeout", self),
            total_timeout: time("total_timeout", self),
            validate: fields.node("validate").and_then(|node| self.validation(node, "`validate`")),
            ..LoopSpec::default()
        };
        let stop = fields.node("stop").and_then(|node| self.fields(node, "`stop`", &LOOP_STOP));
        if let Some(stop) = stop {
            spec.no_change = count(&stop, "no_change", self);
            spec.same_failure = count(&stop, "same_failure", self);
            spec.repeated_tree = stop.boolean("repeated_tree", self);
        }
        let progress = fields.node("progress");
        let progress = progress.and_then(|n| self.fields(n, "`progress`", &LOOP_PROGRESS));
        if let Some(progress) = progress {
            spec.progress_entries = count(&progress, "entries", self);
            spec.progress_chars = count(&progress, "chars", self);
        }
        Some(spec)
    }

    /// The command, or a map.
    pub(super) fn validation(&mut self, node: &Node, what: &str) -> Option<Validation> {
        if !matches!(node.kind, Kind::Map(_)) {
            let command = self.template(node, what)?;
            return Some(Validation { command, timeout: TIMEOUT, protect: Vec::new() });
        }
        let fields = self.fields(node, what, &VALIDATION)?;
        let command = fields.template("command", self);
        let timeout = fields.duration("timeout", false, self).map_or(TIMEOUT, |time| time.value);
        let protect = fields.node("protect").map_or_else(Vec::new, |node| {
            let fits = self.globs(node, "`protect`").is_some();
            if fits { self.texts(node, "a pattern") } else { Vec::new() }
        });
        Some(Validation { command: command?, timeout, protect })
    }
}
