//! What an expression reads, for the checks that need no run.

use std::collections::{BTreeMap, BTreeSet};

use super::ExprError;
use super::ast::{Kind, Node, Root, Step};
use super::value::{TYPES, Value};
use crate::source::Span;
use crate::text::{RUN_FIELDS, TASK_FIELDS};

/// What an expression reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Bare names (of inputs and variables), and `event`, `run`, `item` where they are read.
    /// Names that a comprehension binds and the names of CEL's types are left out.
    pub roots: BTreeSet<String>,
    /// Stages, each with the outputs that are read of it by name.
    pub stages: BTreeMap<String, BTreeSet<String>>,
    /// Names read as `inputs.x` or `variables.x`.
    pub values: BTreeSet<String>,
    /// Names read as `config.x`.
    pub config: BTreeSet<String>,
    /// Stages read as `prev.x`, each with the outputs that are read of it by name.
    pub previous: BTreeMap<String, BTreeSet<String>>,
    /// `form.x`, `input.x`, `outputs.x`: the root and the name behind it.
    pub fields: BTreeSet<(&'static str, String)>,
    /// Where a name of the sets above is first read, in the expression's own text: `stages.x`,
    /// `stages.x.outputs.y`, `inputs.x`, `config.x`, `prev.x`, `prev.x.outputs.y`, `form.x`, or the
    /// bare name.
    pub places: BTreeMap<String, Span>,
}

/// Refuses calls of functions that do not exist.
pub(super) fn check(node: &Node) -> Result<(), ExprError> {
    let mut wrong = None;
    node.walk(&mut |node| {
        if let Kind::Unbound { says, name, .. } = &node.kind {
            wrong.get_or_insert_with(|| ExprError {
                message: says.clone(),
                span: *name,
                limit: false,
            });
        }
    });
    wrong.map_or(Ok(()), Err)
}

pub(super) fn of(node: &Node, source: &str) -> Result<References, ExprError> {
    let mut references = References::default();
    let mut wrong = None;
    node.walk(&mut |node| {
        if let Err(error) = references.add(node, source) {
            wrong.get_or_insert(error);
        }
    });
    wrong.map_or(Ok(references), Err)
}

impl References {
    fn add(&mut self, node: &Node, source: &str) -> Result<(), ExprError> {
        match &node.kind {
            Kind::Root(root) => self.root(root, node.span, source),
            Kind::HasRoot(Root::Value(name)) => self.value(name, node.span, source),
            Kind::HasRoot(root) => self.root(root, node.span, source),
            Kind::Access { base, steps } => {
                let names: Vec<Option<&str>> = steps.iter().map(step_name).collect();
                return self.path(base, &names, node.span);
            }
            Kind::Has { base, field } => {
                let (base, mut names) = match &base.kind {
                    Kind::Access { base, steps } => {
                        (&**base, steps.iter().map(step_name).collect())
                    }
                    _ => (&**base, Vec::new()),
                };
                names.push(Some(field));
                return self.path(base, &names, node.span);
            }
            Kind::Literal(_)
            | Kind::Local(_)
            | Kind::Not(_)
            | Kind::Same(_)
            | Kind::Negate(_)
            | Kind::And(_)
            | Kind::Or(_)
            | Kind::Chain { .. }
            | Kind::Choose { .. }
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Call { .. }
            | Kind::Unbound { .. }
            | Kind::Fold { .. } => {}
        }
        Ok(())
    }

    fn root(&mut self, root: &Root, span: Span, source: &str) {
        match root {
            Root::Value(name) => {
                let written = source.get(span.start..span.end).unwrap_or_default();
                if written.trim_start_matches(['.', ' ']) != name {
                    self.value(name, span, source);
                } else if !TYPES.contains(&name.as_str()) {
                    self.bare(name, span);
                }
            }
            Root::Stage(name) => {
                self.stages.entry(name.clone()).or_default();
                self.places.entry(format!("stages.{name}")).or_insert(span);
            }
            Root::Previous(name) => {
                self.previous.entry(name.clone()).or_default();
                self.places.entry(format!("prev.{name}")).or_insert(span);
            }
            Root::Event => self.bare("event", span),
            Root::Run => self.bare("run", span),
            Root::Task => self.bare("task", span),
            Root::Item => self.bare("item", span),
            Root::Form => self.bare("form", span),
            Root::Mapped => self.bare("input", span),
            Root::Own => self.bare("outputs", span),
            Root::Subject => self.bare("value", span),
        }
    }

    fn bare(&mut self, name: &str, span: Span) {
        self.roots.insert(name.to_owned());
        self.places.entry(name.to_owned()).or_insert(span);
    }

    fn value(&mut self, name: &str, span: Span, source: &str) {
        let written = source.get(span.start..span.end).unwrap_or_default();
        let written = written.strip_prefix("has").unwrap_or(written);
        if written.trim_start_matches(['.', ' ', '(', '\n']).starts_with("config") {
            self.config.insert(name.to_owned());
            self.places.entry(format!("config.{name}")).or_insert(span);
        } else {
            self.values.insert(name.to_owned());
            self.places.entry(format!("inputs.{name}")).or_insert(span);
        }
    }

    fn field(&mut self, root: &'static str, name: &str, span: Span) {
        self.places.entry(format!("{root}.{name}")).or_insert(span);
        self.fields.insert((root, name.to_owned()));
    }

    /// A path whose words are known before anything runs.
    fn path(&mut self, base: &Node, names: &[Option<&str>], span: Span) -> Result<(), ExprError> {
        match (&base.kind, names) {
            (Kind::Root(Root::Stage(stage)), [Some("outputs"), Some(output), ..]) => {
                self.stages.entry(stage.clone()).or_default().insert((*output).to_owned());
                self.places.entry(format!("stages.{stage}.outputs.{output}")).or_insert(span);
                Ok(())
            }
            (Kind::Root(Root::Previous(stage)), [Some("outputs"), Some(output), ..]) => {
                self.previous.entry(stage.clone()).or_default().insert((*output).to_owned());
                self.places.entry(format!("prev.{stage}.outputs.{output}")).or_insert(span);
                Ok(())
            }
            (Kind::Root(Root::Previous(_)), [Some(word), ..]) if *word != "outputs" => {
                Err(ExprError {
                    message: format!("a stage of `prev` has no `{word}`; it has `outputs`"),
                    span,
                    limit: false,
                })
            }
            (Kind::Root(Root::Form), [Some(name), ..]) => {
                self.field("form", name, span);
                Ok(())
            }
            (Kind::Root(Root::Mapped), [Some(name), ..]) => {
                self.field("input", name, span);
                Ok(())
            }
            (Kind::Root(Root::Own), [Some(name), ..]) => {
                self.field("outputs", name, span);
                Ok(())
            }
            (Kind::Root(Root::Stage(_)), [Some("outputs" | "outcome" | "conclusion"), ..]) => {
                Ok(())
            }
            (Kind::Root(Root::Stage(_)), [Some(word), ..]) => Err(ExprError {
                message: format!(
                    "a stage has no `{word}`; it has `outcome`, `conclusion` and `outputs`"
                ),
                span,
                limit: false,
            }),
            (Kind::Root(Root::Run), [Some(word), ..]) if !RUN_FIELDS.contains(word) => {
                Err(ExprError {
                    message: format!("`run` has no `{word}`; it has `{}`", RUN_FIELDS.join("`, `")),
                    span,
                    limit: false,
                })
            }
            (Kind::Root(Root::Task), [Some(word), ..]) if !TASK_FIELDS.contains(word) => {
                let known = TASK_FIELDS.join("`, `");
                let message = format!("`task` has no `{word}`; it has `{known}`");
                Err(ExprError { message, span, limit: false })
            }
            (_, _) => Ok(()),
        }
    }
}

/// The name of a step, when it is written out.
fn step_name(step: &Step) -> Option<&str> {
    match step {
        Step::Field(name) => Some(name),
        Step::Index(Node { kind: Kind::Literal(Value::String(name)), .. }) => Some(name),
        Step::Index(_) => None,
    }
}
