//! Every `if:` and `success:`: does it read what exists, and is it known by then?

use super::references::Checker;
use crate::authored::AuthoredExpression;
use crate::diagnostic::{Code, Diagnostic};

/// What is always known, beside the names of inputs and variables.
const ROOTS: [&str; 6] = ["inputs", "variables", "stages", "event", "run", "item"];

impl Checker<'_, '_, '_> {
    /// `stage`: whose condition it is; `None` for `success`, which is judged at the end.
    pub(super) fn expression(&mut self, expression: &AuthoredExpression, stage: Option<usize>) {
        let text = self.reader.text;
        let read = expression.expression.references();
        self.used.values.extend(read.values.iter().chain(&read.roots).cloned());
        for root in &read.roots {
            if root == "item" && !self.is_value(root) {
                let place = expression.place(root, text);
                self.no_item(place, stage.map(|ix| &self.authored.stages[ix]));
            } else if !ROOTS.contains(&root.as_str()) && !self.is_value(root) {
                self.unknown_name(root, expression);
            }
        }
        for name in &read.values {
            if !self.is_value(name) {
                self.undefined(name, expression.place(&format!("inputs.{name}"), text), None);
            }
        }
        for (name, outputs) in &read.stages {
            let place = expression.place(&format!("stages.{name}"), text);
            let Some(target) = self.stage_named(name, place) else { continue };
            for key in outputs {
                let place = expression.place(&format!("stages.{name}.outputs.{key}"), text);
                let _ = self.output_kind(target, key, place);
            }
            if let Some(stage) = stage {
                self.need(stage, target, place, format!("stages.{name}"));
            }
        }
    }

    fn unknown_name(&mut self, name: &str, expression: &AuthoredExpression) {
        let known = ROOTS
            .into_iter()
            .chain(self.inputs.keys().copied())
            .chain(self.variables.iter().copied());
        let near = self.reader.sink.did_you_mean(name, known);
        let help = if near.is_empty() {
            "known are `inputs`, `variables`, `stages`, `event`, `run` and the names of inputs \
             and variables; text stands in quotes"
                .into()
        } else {
            near
        };
        let place = expression.place(name, self.reader.text);
        let message = format!("unknown name `{name}` in the expression");
        self.reader.push(Diagnostic::new(Code::EXPRESSION_NAME, place, message).help(help));
    }
}
