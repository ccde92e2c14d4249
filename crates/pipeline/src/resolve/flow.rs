//! Triggers, events, mappings, context: does what they read exist, and is it known by then?

use std::collections::HashSet;

use super::graph::find;
use super::references::Checker;
use super::site::Site;
use super::upstream::Why;
use crate::authored::{
    AuthoredContext, AuthoredExpression, AuthoredMapping, AuthoredSource, AuthoredTransform,
    AuthoredTrigger, ContextRun, Placed,
};
use crate::diagnostic::{Code, Diagnostic};

impl Checker<'_, '_, '_> {
    pub(super) fn flow(&mut self, ix: usize) {
        let stage = &self.authored.stages[ix];
        if let Some(mapping) = &stage.input {
            self.mapping(mapping, ix, Site::Map);
        }
        if let Some(mapping) = &stage.output {
            self.mapping(mapping, ix, Site::Done);
        }
        for wanted in &stage.context {
            self.context(wanted, ix);
        }
        for emit in &stage.emits {
            if let Some(items) = &emit.foreach {
                self.value(&items.value, Some(ix), Site::Done);
            }
            let site = if emit.foreach.is_some() { Site::Emitted } else { Site::Done };
            if let Some(when) = &emit.when {
                self.expression(when, Some(ix), site);
            }
            self.value(&emit.data, Some(ix), site);
        }
        let triggers = stage.triggers.as_ref().map_or(&[][..], |triggers| &triggers.list);
        for trigger in triggers {
            self.trigger(trigger, ix);
        }
    }

    fn mapping(&mut self, mapping: &AuthoredMapping, ix: usize, site: Site) {
        for field in &mapping.fields {
            match &field.from {
                AuthoredSource::Reference(reference) => self.reference(reference, Some(ix), site),
                AuthoredSource::Raw(_) => {}
                AuthoredSource::Expression(expression) => {
                    // What an output mapping sees as `outputs` is what the work gave.
                    self.expression_of(expression, Some(ix), site, site == Site::Done);
                }
            }
            for transform in &field.transforms {
                match transform {
                    AuthoredTransform::Fixed(_) => {}
                    AuthoredTransform::Expression(expression) => {
                        self.expression_of(expression, Some(ix), Site::Transform, true);
                    }
                }
            }
        }
    }

    fn context(&mut self, wanted: &Placed<AuthoredContext>, ix: usize) {
        let Some(name) = &wanted.value.stage else { return };
        let stages = &self.authored.stages;
        let names = &self.graph.names;
        let Some(target) = find(name, wanted.span, "context", stages, names, self.reader) else {
            return;
        };
        match wanted.value.run {
            ContextRun::Previous | ContextRun::Version(_) => {}
            ContextRun::This => {
                let source = wanted.value.written.clone();
                self.need(ix, target, wanted.span, source, Why::Lays);
            }
        }
    }

    fn trigger(&mut self, trigger: &AuthoredTrigger, ix: usize) {
        match trigger {
            AuthoredTrigger::Completion { .. } => {}
            AuthoredTrigger::Event { filter, key, needs, .. } => {
                for expression in [filter, key, needs].into_iter().flatten() {
                    self.expression(expression, Some(ix), Site::Filter);
                }
            }
            AuthoredTrigger::Condition { expression, variables } => {
                self.expression(expression, Some(ix), Site::Condition);
                if let Some(variables) = variables {
                    self.declared(expression, variables);
                }
            }
            AuthoredTrigger::Manual { approval } => {
                if let Some(gate) = approval {
                    self.gate(&gate.value, ix, Site::Ask);
                }
            }
        }
    }

    /// A condition that says which variables it reads, reads no others.
    fn declared(&mut self, expression: &AuthoredExpression, variables: &[Placed<String>]) {
        for name in variables {
            self.used.values.insert(name.value.clone());
            if !self.is_value(&name.value) {
                self.undefined(&name.value, name.span, None);
            }
        }
        let known: HashSet<&str> = variables.iter().map(|name| name.value.as_str()).collect();
        let read = expression.expression.references();
        let bare = read.roots.iter().filter(|root| self.is_value(root)).map(|root| (root, ""));
        let named = read.values.iter().map(|name| (name, "inputs."));
        let strays: Vec<(String, String)> = bare
            .chain(named)
            .filter(|(name, _)| !known.contains(name.as_str()) && self.is_value(name))
            .map(|(name, space)| (name.clone(), format!("{space}{name}")))
            .collect();
        for (name, place) in strays {
            let span = expression.place(&place, self.reader.text);
            let message = format!("the condition reads `{name}`, which `variables` does not list");
            self.reader.push(
                Diagnostic::new(Code::UNDEFINED_VARIABLE, span, message)
                    .help(format!("add it: `variables: [..., {name}]`, or leave `variables` out")),
            );
        }
    }
}
