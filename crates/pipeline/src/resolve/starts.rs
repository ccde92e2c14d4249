//! What starts runs by itself: do its inputs exist, and does it read nothing but the event?

use std::collections::HashSet;

use super::build::unplaced;
use super::references::Checker;
use super::site::Site;
use crate::authored::{AuthoredExpression, AuthoredStart, AuthoredStartOn};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{
    CompletionStart, EventStart, FileStart, ScheduleStart, StartOn, StartTrigger, ValueKind,
};
use crate::text::Root;
use crate::value::check;

impl Checker<'_, '_, '_> {
    pub(super) fn starts(&mut self) {
        let authored = self.authored;
        for start in &authored.triggers {
            match &start.on {
                AuthoredStartOn::Event { filter, .. } => {
                    if let Some(filter) = filter {
                        self.only_the_event(filter);
                    }
                }
                AuthoredStartOn::Completion { pipeline, .. } => {
                    if authored.name.as_ref().is_some_and(|own| own.value == pipeline.value) {
                        let message = format!("`{}` waits for its own completion", pipeline.value);
                        self.reader.push(
                            Diagnostic::new(Code::BAD_START, pipeline.span, message)
                                .label("each run would start the next, without end")
                                .help("name another pipeline"),
                        );
                    }
                }
                AuthoredStartOn::Schedule { .. } | AuthoredStartOn::Files { .. } => {}
            }
            self.start_inputs(start);
        }
    }

    fn start_inputs(&mut self, start: &AuthoredStart) {
        let mut given = HashSet::new();
        for (name, value) in &start.inputs {
            given.insert(name.value.as_str());
            let before = self.reader.sink.errors();
            self.value(value, None, Site::Start);
            let Some(input) = self.inputs.get(name.value.as_str()).copied() else {
                if self.reader.refused.contains(&name.value) {
                    continue;
                }
                let known: Vec<&str> = self.inputs.keys().copied().collect();
                let near = self.reader.sink.did_you_mean(&name.value, known);
                let help = if near.is_empty() {
                    format!("declare it: `inputs: {{{}: string}}`", name.value)
                } else {
                    near
                };
                let message = format!("the pipeline has no input `{}`", name.value);
                self.reader.push(Diagnostic::new(Code::BAD_START, name.span, message).help(help));
                continue;
            };
            let Some(literal) = value.literal() else { continue };
            if self.reader.sink.errors() > before {
                continue;
            }
            if let Err(problems) = check(input.kind, input.schema.as_ref(), literal) {
                for problem in problems {
                    let message = format!("the value for `{}` does not fit: {problem}", name.value);
                    let quotes = input.kind == ValueKind::String && !literal.is_string();
                    let help = if quotes { "put it in quotes" } else { "" };
                    self.reader
                        .push(Diagnostic::new(Code::BAD_START, name.span, message).help(help));
                }
            }
        }
        let missing: Vec<&str> = self
            .authored
            .inputs
            .iter()
            .filter(|(name, input)| {
                let is_variable = self.variables.contains(name.value.as_str());
                let required = input.input.default.is_none() && !is_variable;
                input.required.unwrap_or(required) && !given.contains(name.value.as_str())
            })
            .map(|(name, _)| name.value.as_str())
            .collect();
        if let [first, ..] = missing.as_slice() {
            let all: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
            let message = format!(
                "a run started by `{}` would lack {}, which is required",
                start.name,
                all.join(", ")
            );
            self.reader.push(Diagnostic::new(Code::BAD_START, start.span, message).help(format!(
                "give it: `inputs: {{{first}: \"${{event.{first}}}\"}}`, or give the input a \
                 default"
            )));
        }
    }

    /// A filter is judged before there is a run.
    fn only_the_event(&mut self, filter: &AuthoredExpression) {
        let text = self.reader.text;
        let read = filter.expression.references();
        let roots = read.roots.iter().filter(|root| *root != "event").cloned();
        let strays: Vec<String> = roots
            .chain(read.stages.keys().map(|name| format!("stages.{name}")))
            .chain(read.values.iter().map(|name| format!("inputs.{name}")))
            .chain(read.config.iter().map(|name| format!("config.{name}")))
            .chain(read.previous.keys().map(|name| format!("prev.{name}")))
            .chain(read.fields.iter().map(|(root, name)| format!("{root}.{name}")))
            .collect();
        for name in strays {
            let message = format!("the filter of a trigger knows only `event`, not `{name}`");
            self.reader.push(
                Diagnostic::new(Code::EXPRESSION_NAME, filter.place(&name, text), message)
                    .help("there is no run yet; text stands in quotes"),
            );
        }
    }

    /// Whether a reference may stand where a run is started; reports when it may not.
    pub(super) fn start_reference(&mut self, reference: &crate::text::Reference) {
        if reference.root == Root::Event {
            return;
        }
        let message = format!("`${{{}}}` cannot be used here", reference.source);
        self.reader.push(
            Diagnostic::new(Code::NOT_AVAILABLE_HERE, reference.span, message)
                .label("there is no run yet")
                .help("a trigger knows only the event: `${event.KEY}`"),
        );
    }
}

/// The model of a trigger without mistakes.
pub(super) fn build(start: AuthoredStart) -> StartTrigger {
    let on = match start.on {
        AuthoredStartOn::Event { start, filter } => {
            StartOn::Event(EventStart { filter: filter.map(|filter| filter.expression), ..*start })
        }
        AuthoredStartOn::Schedule { schedule, catch_up } => {
            StartOn::Schedule(ScheduleStart { schedule, catch_up })
        }
        AuthoredStartOn::Completion { pipeline, status } => {
            StartOn::Completion(CompletionStart { pipeline: pipeline.value, status })
        }
        AuthoredStartOn::Files { directory, files } => {
            StartOn::Files(FileStart { directory, files })
        }
    };
    StartTrigger { name: start.name, on, inputs: unplaced(start.inputs) }
}
