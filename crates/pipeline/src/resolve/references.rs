//! Every `${...}`: does it name something, may it stand here, and can it become shell source?

use std::collections::{HashMap, HashSet};

use super::agent::answers_with_text;
use super::graph::{Graph, suggestion};
use super::roots::Own;
use super::site::Site;
use super::upstream::{self, Need, Why};
use crate::authored::{Authored, AuthoredStage, AuthoredWork, Placed, Reader};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{FieldKind, Form, Input, PythonSource, ValueKind};
use crate::source::Span;
use crate::text::{Reference, Root, Step, Template, ValueTemplate};

/// The output of an agent that answers with text.
pub(super) const TEXT: &str = "text";

/// Names that something refers to; the others get a lint.
#[derive(Debug, Default)]
pub(crate) struct Used {
    pub(crate) values: HashSet<String>,
    pub(crate) secrets: HashSet<String>,
}

pub(super) struct Checker<'a, 'r, 't> {
    pub(super) authored: &'a Authored,
    pub(super) graph: &'a Graph,
    pub(super) reader: &'r mut Reader<'t>,
    pub(super) inputs: HashMap<&'a str, &'a Input>,
    pub(super) variables: HashSet<&'a str>,
    secrets: HashSet<&'a str>,
    pub(super) outputs: HashMap<(usize, &'a str), ValueKind>,
    pub(super) used: Used,
    pub(super) needs: Vec<Need>,
}

pub(super) fn check(authored: &Authored, graph: &Graph, reader: &mut Reader<'_>) -> Used {
    let mut outputs = HashMap::new();
    for (ix, stage) in authored.stages.iter().enumerate() {
        outputs.extend(outputs_of(stage).into_iter().map(|(name, kind)| ((ix, name), kind)));
    }
    let mut checker = Checker {
        inputs: authored.inputs.iter().map(|(n, i)| (n.value.as_str(), &i.input)).collect(),
        variables: authored.variables.iter().map(|(n, _)| n.value.as_str()).collect(),
        secrets: authored.secrets.iter().map(|name| name.value.as_str()).collect(),
        outputs,
        authored,
        graph,
        reader,
        used: Used::default(),
        needs: Vec::new(),
    };
    checker.pipeline();
    for ix in 0..authored.stages.len() {
        checker.stage(ix);
    }
    checker.upstream();
    checker.used
}

impl Checker<'_, '_, '_> {
    fn pipeline(&mut self) {
        let authored = self.authored;
        for (_, value) in &authored.variables {
            self.value(value, None, Site::Variable);
        }
        for (_, template) in &authored.env {
            self.template(template, None, Site::EveryEnv);
        }
        if let Some(template) = &authored.working_dir {
            self.template(template, None, Site::EveryValue);
        }
        if let Some(concurrency) = &authored.concurrency {
            self.template(&concurrency.group, None, Site::Run);
        }
        if let Some(success) = &authored.success {
            self.expression(success, None, Site::Result);
        }
        for (_, value) in &authored.outputs {
            self.value(value, None, Site::Result);
        }
        if let Some(repository) = &authored.repository {
            self.template(&repository.source, None, Site::Run);
            if let Some(base) = &repository.base {
                self.template(base, None, Site::Run);
            }
        }
        self.starts();
    }

    fn stage(&mut self, ix: usize) {
        let stage = &self.authored.stages[ix];
        match &stage.work {
            Some(AuthoredWork::Run { script, .. }) => {
                self.template(script, Some(ix), Site::Script);
            }
            Some(AuthoredWork::Python { source, parameters }) => {
                if let PythonSource::File(file) = source {
                    self.template(file, Some(ix), Site::Value);
                }
                for (_, value) in parameters {
                    self.value(value, Some(ix), Site::Value);
                }
            }
            Some(AuthoredWork::Child { pipeline, inputs }) => {
                self.child(pipeline);
                for (_, value) in inputs {
                    self.value(value, Some(ix), Site::Value);
                }
            }
            Some(AuthoredWork::Merge(merge)) => self.merge(merge, ix),
            Some(AuthoredWork::Agent(work)) => self.agent_work(work, ix, false),
            Some(AuthoredWork::Noop | AuthoredWork::Form) | None => {}
        }
        self.worktree(ix);
        for (_, template) in &stage.env {
            self.template(template, Some(ix), Site::Env);
        }
        if let Some(template) = &stage.working_dir {
            self.template(template, Some(ix), Site::Value);
        }
        if let Some(probe) = &stage.probe {
            self.template(&probe.value, Some(ix), Site::Script);
        }
        if let Some(items) = &stage.foreach {
            self.value(&items.value, Some(ix), Site::Items);
            self.is_list(&items.value);
        }
        for name in &stage.when_names {
            self.used.values.insert(name.value.clone());
            if !self.is_value(&name.value) {
                self.undefined(&name.value, name.span, None);
            }
        }
        if let Some(condition) = &stage.condition {
            self.expression(condition, Some(ix), Site::Condition);
        }
        self.people(ix);
        self.flow(ix);
        self.undoing(ix);
    }

    fn child(&mut self, pipeline: &Placed<String>) {
        if self.authored.name.as_ref().is_some_and(|own| own.value == pipeline.value) {
            let message = format!("`{}` runs itself", pipeline.value);
            self.reader.push(
                Diagnostic::new(Code::CALLS_ITSELF, pipeline.span, message)
                    .help("name another pipeline; to repeat a stage use `foreach`"),
            );
        }
    }

    pub(super) fn template(&mut self, template: &Template, stage: Option<usize>, site: Site) {
        for reference in template.references() {
            self.reference(reference, stage, site);
        }
    }

    pub(super) fn value(&mut self, value: &ValueTemplate, stage: Option<usize>, site: Site) {
        for reference in value.references() {
            self.reference(reference, stage, site);
        }
    }

    pub(super) fn reference(&mut self, reference: &Reference, stage: Option<usize>, site: Site) {
        if site == Site::Start {
            return self.start_reference(reference);
        }
        if let Some(own) = Own::of_root(&reference.root) {
            return self.own_reference(own, reference, stage, site);
        }
        match &reference.root {
            Root::Value(name) => self.value_reference(name, reference, site),
            Root::Output(name) => self.output_reference(name, reference, stage, site),
            Root::Event => {
                if site.is_script() {
                    self.taint(reference, "comes from outside");
                }
            }
            Root::Task => {
                if site.is_script() && reference.is_free_text_of_a_task() {
                    self.taint(reference, "comes from whoever wrote the task");
                }
            }
            Root::Previous(name) => self.previous_reference(name, reference, site),
            // No text has a `value`, and the others were looked at above.
            Root::Run | Root::Subject | Root::Form | Root::Mapped | Root::Own => {}
            Root::Item => self.item_reference(reference, stage, site),
            Root::Secret(name) => self.secret_reference(name, reference, site),
        }
    }

    pub(super) fn is_value(&self, name: &str) -> bool {
        self.inputs.contains_key(name)
            || self.variables.contains(name)
            || self.authored.config.contains_key(name)
            || self.reader.refused.contains(name)
    }

    fn value_reference(&mut self, name: &str, reference: &Reference, site: Site) {
        self.used.values.insert(name.to_owned());
        if reference.is_config() {
            // The installation may know it, and the environment of the stage.
        } else if !self.is_value(name) {
            let shell = site.is_script().then_some(reference);
            self.undefined(name, reference.span, shell);
        } else if site == Site::Variable
            && self.variables.contains(name)
            && !self.inputs.contains_key(name)
        {
            self.not_here(reference, "a variable cannot be made of another variable");
        }
    }

    /// `script`: the reference, where it may be meant for the shell.
    pub(super) fn undefined(&mut self, name: &str, span: Span, script: Option<&Reference>) {
        let config = self.authored.config.keys().map(String::as_str);
        let known = self.inputs.keys().copied().chain(self.variables.iter().copied()).chain(config);
        let near = self.reader.sink.did_you_mean(name, known);
        let shell = script.filter(|reference| reference.path.is_empty());
        let help = match (near.is_empty(), shell) {
            (false, _) => near,
            (true, Some(_)) => format!(
                "a variable of the shell is `${name}`, or `$${{{name}}}`; an input is declared \
                 in `inputs`"
            ),
            (true, None) => "declare it in `inputs` or `variables`".into(),
        };
        let message = format!("undefined variable `{name}`");
        self.reader.push(
            Diagnostic::new(Code::UNDEFINED_VARIABLE, span, message)
                .label("no input or variable has this name")
                .help(help),
        );
    }

    fn output_reference(
        &mut self,
        name: &str,
        reference: &Reference,
        stage: Option<usize>,
        site: Site,
    ) {
        if stage.is_none() && site != Site::Result {
            return self.not_here(reference, "outputs of stages exist only within stages");
        }
        let Some(target) = self.stage_named(name, reference.span) else { return };
        let Some(Step::Field(key)) = reference.path.first() else { return };
        let kind = self.output_kind(target, key, reference.span);
        if let Some(stage) = stage.filter(|stage| !(site.undoes() && *stage == target)) {
            let source = format!("${{{}}}", reference.source);
            self.need(stage, target, reference.span, source, Why::Reads);
        }
        if site.is_script() && kind.is_none_or(|kind| !is_plain(kind)) {
            self.taint(reference, "is text from another stage");
        }
    }

    /// The stage that a reference or expression names.
    pub(super) fn stage_named(&mut self, name: &str, span: Span) -> Option<usize> {
        if let Some(ix) = self.graph.names.get(name) {
            return Some(*ix);
        }
        if self.reader.refused.contains(name) {
            return None;
        }
        let message = format!("unknown stage `{name}`");
        let help = suggestion(name, &self.authored.stages, &self.graph.names, self.reader);
        self.reader.push(
            Diagnostic::new(Code::UNKNOWN_STAGE, span, message)
                .label("no stage has this name")
                .help(help),
        );
        None
    }

    /// What the stage declares its output to be; reports when it declares none of this name.
    pub(super) fn output_kind(
        &mut self,
        target: usize,
        key: &str,
        span: Span,
    ) -> Option<ValueKind> {
        let authored = self.authored;
        let stage = &authored.stages[target];
        let name = stage.name.as_ref().map_or("?", |name| &name.value);
        if stage.fans_out() {
            if key == "items" {
                return Some(ValueKind::List);
            }
            let message = format!("`{name}` has many instances, so its outputs are a list");
            self.reader.push(
                Diagnostic::new(Code::UNKNOWN_OUTPUT, span, message).help(format!(
                    "`stages.{name}.outputs.items` is the list; each item has `{key}`"
                )),
            );
            return None;
        }
        if let Some(kind) = self.outputs.get(&(target, key)) {
            return Some(*kind);
        }
        let declared = output_names(stage);
        let near = self.reader.sink.did_you_mean(key, declared.iter().copied());
        let help = match (near.is_empty(), declared.is_empty()) {
            (false, _) => near,
            (true, true) if matches!(stage.work, Some(AuthoredWork::Form)) => {
                format!("add it to the fields of the form of `{name}`")
            }
            (true, true) => format!("declare it at `{name}`: `outputs: {{{key}: string}}`"),
            (true, false) => {
                let shown = &declared[..declared.len().min(10)];
                format!("`{name}` declares: {}", shown.join(", "))
            }
        };
        let message = format!("stage `{name}` declares no output `{key}`");
        self.reader.push(Diagnostic::new(Code::UNKNOWN_OUTPUT, span, message).help(help));
        None
    }

    /// Remembers that `target` must have settled before `stage` starts.
    pub(super) fn need(
        &mut self,
        stage: usize,
        target: usize,
        span: Span,
        source: String,
        why: Why,
    ) {
        let after_all =
            self.authored.stages[stage].finally && !self.authored.stages[target].finally;
        if !after_all {
            self.needs.push(Need { stage, target, span, source, why });
        }
    }

    fn secret_reference(&mut self, name: &str, reference: &Reference, site: Site) {
        self.used.secrets.insert(name.to_owned());
        if !self.secrets.contains(name) {
            let near = self.reader.sink.did_you_mean(name, self.secrets.iter().copied());
            let help = if near.is_empty() {
                format!("add it to the pipeline: `secrets: [{name}]`")
            } else {
                near
            };
            let message = format!("secret `{name}` is not declared");
            self.reader
                .push(Diagnostic::new(Code::UNDECLARED_SECRET, reference.span, message).help(help));
        }
        if site.is_script() {
            self.taint(reference, "is a secret");
        } else if !site.takes_secrets() {
            self.not_here(reference, "a secret reaches a stage only through `env`");
        }
    }

    fn not_here(&mut self, reference: &Reference, why: &str) {
        let message = format!("`${{{}}}` cannot be used here", reference.source);
        self.reader
            .push(Diagnostic::new(Code::NOT_AVAILABLE_HERE, reference.span, message).label(why));
    }

    pub(super) fn taint(&mut self, reference: &Reference, why: &str) {
        let (source, variable) = (&reference.source, reference.variable());
        let message = format!("`${{{source}}}` {why} and cannot be part of a script");
        let written = if source.contains(['"', '\'']) {
            format!("'${{{}}}'", source.replace('\'', "''"))
        } else {
            format!("\"${{{source}}}\"")
        };
        self.reader.push(
            Diagnostic::new(Code::TAINT, reference.span, message)
                .label("would become shell source")
                .help(format!(
                    "pass it by environment: `env: {{{variable}: {written}}}`, then \
                     `\"${variable}\"` here"
                )),
        );
    }

    /// Where the type of a fan-out's list is known, it must be a list.
    fn is_list(&mut self, items: &ValueTemplate) {
        let references = items.references();
        let (ValueTemplate::Text(_), [only]) = (items, references.as_slice()) else { return };
        let kind = match (&only.root, only.path.as_slice()) {
            (Root::Value(name), []) => self.inputs.get(name.as_str()).map(|input| input.kind),
            (Root::Output(name), [Step::Field(key)]) => self
                .graph
                .names
                .get(name)
                .and_then(|ix| self.outputs.get(&(*ix, key.as_str())).copied()),
            (Root::Value(_) | Root::Output(_) | Root::Event | Root::Run | Root::Task, _)
            | (
                Root::Item
                | Root::Secret(_)
                | Root::Form
                | Root::Mapped
                | Root::Own
                | Root::Previous(_)
                | Root::Subject,
                _,
            ) => None,
        };
        let Some(kind) = kind else { return };
        if matches!(kind, ValueKind::List | ValueKind::Any) {
            return;
        }
        let message = format!("`foreach` needs a list, `{}` is a {}", only.source, kind.word());
        self.reader.push(
            Diagnostic::new(Code::WRONG_TYPE, only.span, message)
                .help("declare it with `type: list`"),
        );
    }

    fn upstream(&mut self) {
        let Some(order) = &self.graph.order else { return };
        let needs = std::mem::take(&mut self.needs);
        for need in upstream::missing(self.graph, order, &needs) {
            let name = |ix: usize| {
                self.authored.stages[ix].name.as_ref().map_or("?", |name| name.value.as_str())
            };
            let (stage, target) = (name(need.stage), name(need.target));
            let own = need.stage == need.target;
            let message = match need.why {
                Why::Reads | Why::Lays if own => {
                    format!("`{}` refers to the stage it stands in", need.source)
                }
                Why::Reads => format!("`{}` is not known when `{stage}` starts", need.source),
                Why::Lays => format!("`{}` has left nothing when `{stage}` starts", need.source),
                Why::GoesBack | Why::Builds => {
                    format!("`{stage}` does not come after `{}`", need.source)
                }
            };
            let help = if own {
                String::new()
            } else if self.authored.stages[need.target].finally {
                "`finally` stages run last".into()
            } else if self.graph.list_order {
                format!("`{target}` must stand before `{stage}` in the list")
            } else {
                format!("add `{target}` to `depends_on`, or to that of a stage before it")
            };
            self.reader.push(
                Diagnostic::new(Code::NOT_UPSTREAM, need.span, message)
                    .label(format!("`{target}` is not before it"))
                    .help(help),
            );
        }
    }
}

/// A value of this kind never holds anything that a shell interprets.
fn is_plain(kind: ValueKind) -> bool {
    matches!(kind, ValueKind::Integer | ValueKind::Number | ValueKind::Boolean)
}

/// The outputs that others see, with their kinds: what the output mapping makes, the fields of a
/// form, else what is declared.
fn outputs_of(stage: &AuthoredStage) -> Vec<(&str, ValueKind)> {
    if let Some(mapping) = &stage.output {
        return mapping.names().map(|name| (name, ValueKind::Any)).collect();
    }
    match (&stage.work, &stage.people.form) {
        (Some(AuthoredWork::Form), Some(form)) => fields_of(&form.value),
        _ => {
            let mut declared: Vec<_> =
                stage.outputs.iter().map(|(name, of)| (name.value.as_str(), of.kind)).collect();
            if answers_with_text(stage) {
                declared.push((TEXT, ValueKind::String));
            }
            let implied = super::trees::implied(stage).iter().copied();
            let implied = implied.filter(|(name, _)| declared.iter().all(|(own, _)| own != name));
            declared.iter().copied().chain(implied).collect()
        }
    }
}

/// The outputs that others can refer to.
pub(super) fn output_names(stage: &AuthoredStage) -> Vec<&str> {
    outputs_of(stage).into_iter().map(|(name, _)| name).collect()
}

fn fields_of(form: &Form) -> Vec<(&str, ValueKind)> {
    let kind = |kind: FieldKind, multiple: bool| match kind {
        FieldKind::Text | FieldKind::MultilineText | FieldKind::Date => ValueKind::String,
        FieldKind::Number => ValueKind::Number,
        FieldKind::Boolean => ValueKind::Boolean,
        FieldKind::File => ValueKind::Map,
        FieldKind::Select if multiple => ValueKind::List,
        FieldKind::Select => ValueKind::String,
    };
    form.fields
        .iter()
        .map(|(name, field)| (name.as_str(), kind(field.kind, field.rules.multiple)))
        .collect()
}
