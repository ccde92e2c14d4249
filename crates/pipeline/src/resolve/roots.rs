//! References to what a stage has of its own: its form, its mapped input, its outputs, its item;
//! and to the run that this one extends.

use super::references::{Checker, output_names};
use super::site::Site;
use crate::authored::{AuthoredStage, AuthoredTriggers};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::text::{Reference, Root, Step};

/// One of the three objects that belong to an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Form,
    Input,
    Outputs,
}

impl Own {
    pub(super) fn named(root: &str) -> Option<Self> {
        match root {
            "form" => Some(Self::Form),
            "input" => Some(Self::Input),
            "outputs" => Some(Self::Outputs),
            _ => None,
        }
    }

    pub(super) fn of_root(root: &Root) -> Option<Self> {
        match root {
            Root::Form => Some(Self::Form),
            Root::Mapped => Some(Self::Input),
            Root::Own => Some(Self::Outputs),
            Root::Value(_)
            | Root::Output(_)
            | Root::Event
            | Root::Run
            | Root::Task
            | Root::Item
            | Root::Previous(_)
            | Root::Subject
            | Root::Secret(_) => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Input => "input",
            Self::Outputs => "outputs",
        }
    }

    fn exists_at(self, site: Site) -> bool {
        match self {
            Self::Form => site.has_form(),
            Self::Input => site.has_input(),
            Self::Outputs => site.has_outputs(),
        }
    }
}

impl Checker<'_, '_, '_> {
    /// `${form.x}`, `${input.x}`, `${outputs.x}`.
    pub(super) fn own_reference(
        &mut self,
        own: Own,
        reference: &Reference,
        stage: Option<usize>,
        site: Site,
    ) {
        if site.is_script() {
            self.taint(reference, "comes from outside");
        }
        if !self.own_root(own, stage, site, reference.span) {
            return;
        }
        if let (Some(stage), Some(Step::Field(name))) = (stage, reference.path.first()) {
            self.own_field(own, name, stage, reference.span);
        }
    }

    /// Whether there is such an object at all; reports when there is none.
    pub(super) fn own_root(
        &mut self,
        own: Own,
        stage: Option<usize>,
        site: Site,
        span: Span,
    ) -> bool {
        let word = own.word();
        let of = stage.map(|ix| &self.authored.stages[ix]);
        let (Some(of), true) = (of, own.exists_at(site)) else {
            let why = match own {
                Own::Form => "nobody has answered yet",
                Own::Input => "the input mapping is applied when the stage starts its work",
                Own::Outputs => "the stage has no outputs yet; `stages.NAME.outputs` are another's",
            };
            let message = format!("`{word}` cannot be used here");
            self.reader.push(Diagnostic::new(Code::NOT_AVAILABLE_HERE, span, message).label(why));
            return false;
        };
        let (missing, help) = match own {
            Own::Form => (of.people.form.is_none(), "give it `human: {fields: ...}`"),
            Own::Input => (of.input.is_none(), "give it an `input_mapping`"),
            Own::Outputs => (false, ""),
        };
        if missing {
            let name = of.name.as_ref().map_or("?", |name| &name.value);
            let message = format!("`{name}` has no `{word}`");
            self.reader.push(Diagnostic::new(Code::UNKNOWN_FIELD, span, message).help(help));
        }
        !missing
    }

    /// Whether there is such an object; what is wrong otherwise was said of its root.
    pub(super) fn has_own(&self, own: Own, stage: usize, site: Site) -> bool {
        let of = &self.authored.stages[stage];
        own.exists_at(site)
            && match own {
                Own::Form => of.people.form.is_some(),
                Own::Input => of.input.is_some(),
                Own::Outputs => true,
            }
    }

    /// Whether the object has such a field; reports when it has none.
    pub(super) fn own_field(&mut self, own: Own, name: &str, stage: usize, span: Span) {
        let authored = self.authored;
        let of = &authored.stages[stage];
        let known: Vec<&str> = match own {
            Own::Form => of
                .people
                .form
                .iter()
                .flat_map(|form| form.value.fields.keys().map(String::as_str))
                .collect(),
            Own::Input => of.input.iter().flat_map(|mapping| mapping.names()).collect(),
            Own::Outputs => output_names(of),
        };
        if known.contains(&name) || self.reader.refused.contains(name) {
            return;
        }
        let near = self.reader.sink.did_you_mean(name, known.iter().copied());
        let help = match (near.is_empty(), own) {
            (false, _) => near,
            (true, Own::Form) => "add it to the `fields` of the form".to_owned(),
            (true, Own::Input) => "add it to `input_mapping`".to_owned(),
            (true, Own::Outputs) => format!("declare it: `outputs: {{{name}: string}}`"),
        };
        let message = format!("`{}` has no field `{name}`", own.word());
        self.reader.push(Diagnostic::new(Code::UNKNOWN_FIELD, span, message).help(help));
    }

    /// `${prev.NAME.outputs.KEY}`: a stage of this pipeline, so that a typing error is seen.
    pub(super) fn previous_reference(&mut self, name: &str, reference: &Reference, site: Site) {
        if site.is_script() {
            self.taint(reference, "comes from another run");
        }
        let Some(target) = self.stage_named(name, reference.span) else { return };
        if let Some(Step::Field(key)) = reference.path.first() {
            let _ = self.output_kind(target, key, reference.span);
        }
    }

    pub(super) fn item_reference(
        &mut self,
        reference: &Reference,
        stage: Option<usize>,
        site: Site,
    ) {
        let of = stage.map(|ix| &self.authored.stages[ix]);
        if !self.has_item(of, site) {
            return self.no_item(reference.span, of);
        }
        let items = of.and_then(|of| of.foreach.as_ref());
        let written_out = items.is_some_and(|items| items.value.literal().is_some());
        if site.is_script() && !written_out {
            self.taint(reference, "comes from a list that is not written out here");
        }
    }

    pub(super) fn has_item(&self, stage: Option<&AuthoredStage>, site: Site) -> bool {
        let instances = stage.is_some_and(|stage| {
            stage.foreach.is_some()
                || stage.triggers.as_ref().is_some_and(AuthoredTriggers::has_event)
        });
        site == Site::Emitted || (site.has_item() && instances)
    }

    pub(super) fn no_item(&mut self, span: Span, stage: Option<&AuthoredStage>) {
        let help = match stage {
            Some(stage) if stage.fans_out() => {
                "items exist within the instances, once the list is known"
            }
            Some(_) | None => "give the stage a `foreach`, or a trigger with `event`",
        };
        self.reader.push(
            Diagnostic::new(Code::NO_ITEM, span, "there is no `item` here")
                .label("only instances of a stage have one")
                .help(help),
        );
    }
}
