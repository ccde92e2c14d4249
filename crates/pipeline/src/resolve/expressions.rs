//! Every `if:` and `success:`: does it read what exists, and is it known by then?

use super::references::Checker;
use crate::authored::Placed;
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::expr::Expression;

const ROOTS: [&str; 6] = ["inputs", "variables", "stages", "event", "run", "item"];

impl Checker<'_, '_, '_> {
    /// `stage`: whose condition it is; `None` for `success`, which is judged at the end.
    pub(super) fn expression(&mut self, expression: &Placed<Expression>, stage: Option<usize>) {
        let span = expression.span;
        let read = expression.value.references();
        let named = !read.values.is_empty();
        self.used.values.extend(read.values.iter().chain(&read.roots).cloned());
        self.used.all_values |=
            !named && read.roots.iter().any(|root| ROOTS[..2].contains(&&**root));
        for root in &read.roots {
            if root == "item" && !self.is_value(root) {
                self.no_item(span, stage.map(|ix| &self.authored.stages[ix]));
            } else if !ROOTS.contains(&root.as_str()) && !self.is_value(root) {
                self.unknown_name(root, expression);
            }
        }
        for name in &read.values {
            if !self.is_value(name) {
                self.undefined(name, span, None);
            }
        }
        for (name, outputs) in &read.stages {
            let Some(target) = self.stage_named(name, span) else { continue };
            for key in outputs {
                let _ = self.output_kind(target, key, span);
            }
            if let Some(stage) = stage {
                self.need(stage, target, span, format!("stages.{name}"));
            }
        }
    }

    fn unknown_name(&mut self, name: &str, expression: &Placed<Expression>) {
        let known = ROOTS
            .into_iter()
            .chain(self.inputs.keys().copied())
            .chain(self.variables.iter().copied());
        let near = did_you_mean(name, known);
        let help = if near.is_empty() {
            "known are `inputs`, `variables`, `stages`, `event`, `run` and the names of inputs \
             and variables; text stands in quotes"
                .into()
        } else {
            near
        };
        let span = expression.span;
        let message = format!("unknown name `{name}` in the expression");
        self.reader.push(Diagnostic::new(Code::EXPRESSION_NAME, span, message).help(help));
    }
}
