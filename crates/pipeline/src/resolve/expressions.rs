//! Every `if:` and `success:`: does it read what exists, and is it known by then?

use super::references::Checker;
use super::roots::Own;
use super::site::Site;
use super::upstream::Why;
use crate::authored::AuthoredExpression;
use crate::diagnostic::{Code, Diagnostic};

/// What is always known, beside the names of inputs and variables.
const ROOTS: [&str; 11] = [
    "inputs",
    "variables",
    "config",
    "stages",
    "prev",
    "event",
    "run",
    "task",
    "item",
    "form",
    "outputs",
];

impl Checker<'_, '_, '_> {
    /// `stage`: whose expression it is; `None` for those of the pipeline.
    pub(super) fn expression(
        &mut self,
        expression: &AuthoredExpression,
        stage: Option<usize>,
        site: Site,
    ) {
        self.expression_of(expression, stage, site, false);
    }

    /// `raw`: the outputs are those of the work, of which nothing is known.
    pub(super) fn expression_of(
        &mut self,
        expression: &AuthoredExpression,
        stage: Option<usize>,
        site: Site,
        raw: bool,
    ) {
        let text = self.reader.text;
        let read = expression.expression.references();
        self.used.values.extend(read.values.iter().chain(&read.roots).chain(&read.config).cloned());
        for root in &read.roots {
            self.expression_root(root, expression, stage, site);
        }
        for (root, name) in &read.fields {
            let Some((own, stage)) = Own::named(root).zip(stage) else { continue };
            if raw && own == Own::Outputs {
                continue;
            }
            if self.has_own(own, stage, site) {
                let place = expression.place(&format!("{root}.{name}"), text);
                self.own_field(own, name, stage, place);
            }
        }
        for name in &read.values {
            if !self.is_value(name) {
                self.undefined(name, expression.place(&format!("inputs.{name}"), text), None);
            }
        }
        for (name, outputs) in &read.previous {
            let place = expression.place(&format!("prev.{name}"), text);
            let Some(target) = self.stage_named(name, place) else { continue };
            for key in outputs {
                let place = expression.place(&format!("prev.{name}.outputs.{key}"), text);
                let _ = self.output_kind(target, key, place);
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
                self.need(stage, target, place, format!("stages.{name}"), Why::Reads);
            }
        }
    }

    /// A bare name.
    fn expression_root(
        &mut self,
        root: &str,
        expression: &AuthoredExpression,
        stage: Option<usize>,
        site: Site,
    ) {
        let of = stage.map(|ix| &self.authored.stages[ix]);
        if root == "item" {
            if !self.has_item(of, site) {
                let place = expression.place(root, self.reader.text);
                self.no_item(place, of);
            }
        } else if let Some(own) = Own::named(root) {
            let place = expression.place(root, self.reader.text);
            let _ = self.own_root(own, stage, site, place);
        } else if root == "value" && site == Site::Transform {
            // What is transformed.
        } else if !ROOTS.contains(&root) && !self.is_value(root) {
            self.unknown_name(root, expression);
        }
    }

    fn unknown_name(&mut self, name: &str, expression: &AuthoredExpression) {
        let known = ROOTS
            .into_iter()
            .chain(self.inputs.keys().copied())
            .chain(self.variables.iter().copied())
            .chain(self.authored.config.keys().map(String::as_str));
        let near = self.reader.sink.did_you_mean(name, known);
        let help = if near.is_empty() {
            "known are `inputs`, `variables`, `config`, `stages`, `prev`, `event`, `run`, `task` and \
             the names of inputs and variables; text stands in quotes"
                .into()
        } else {
            near
        };
        let place = expression.place(name, self.reader.text);
        let message = format!("unknown name `{name}` in the expression");
        self.reader.push(Diagnostic::new(Code::EXPRESSION_NAME, place, message).help(help));
    }
}
