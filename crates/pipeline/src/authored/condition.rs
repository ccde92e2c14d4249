//! `when:` to a tree of tests.

use super::fields::Fields;
use super::read::Reader;
use super::scalars::literal;
use super::{AuthoredStage, Placed};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::LabelTest;
use crate::vocabulary::{LABELS, WHEN};
use crate::when::Test;
use crate::yaml::{Kind, Node};

impl Reader<'_> {
    pub(super) fn condition(&mut self, node: &Node, stage: &mut AuthoredStage) {
        let test = self.test(node, &mut stage.when_names);
        stage.when = test.map(|test| Placed::new(test, node.span));
    }

    /// All keys of the map; with `or` beside them: those, or that.
    fn test(&mut self, node: &Node, names: &mut Vec<Placed<String>>) -> Option<Test> {
        let fields = self.fields(node, "a condition", &WHEN)?;
        if fields.entries.is_empty() {
            self.push(
                Diagnostic::new(Code::WRONG_TYPE, node.span, "a condition without keys")
                    .help("name a fact, such as `branch: main`, or remove it"),
            );
            return None;
        }
        let before = self.sink.errors();
        let mut all = Vec::new();
        if let Some(node) = fields.node("branch") {
            all.extend(self.globs(node, "`branch`").map(Test::Branch));
        }
        if let Some(node) = fields.node("paths") {
            all.extend(self.globs(node, "`paths`").map(Test::Paths));
        }
        if let Some(node) = fields.node("environment") {
            all.extend(self.globs(node, "`environment`").map(Test::Environment));
        }
        if let Some(node) = fields.node("labels") {
            all.extend(self.labels(node));
        }
        if let Some(node) = fields.node("variables") {
            self.variables_test(node, names, &mut all);
        }
        if let Some(node) = fields.node("and") {
            all.extend(self.tests(node, names));
        }
        if let Some(node) = fields.node("not") {
            let none = self.tests(node, names);
            all.push(Test::Not(Box::new(one_or(none, Test::Any))));
        }
        let alternatives = match fields.node("or") {
            Some(node) => self.tests(node, names),
            None => Vec::new(),
        };
        if self.sink.errors() > before {
            return None;
        }
        if fields.get("or").is_none() {
            return Some(one_or(all, Test::All));
        }
        let mut any = Vec::with_capacity(alternatives.len() + 1);
        if !all.is_empty() {
            any.push(one_or(all, Test::All));
        }
        any.extend(alternatives);
        Some(one_or(any, Test::Any))
    }

    /// The block of `and`, `or` and `not`: one map, or a list of them.
    fn tests(&mut self, node: &Node, names: &mut Vec<Placed<String>>) -> Vec<Test> {
        let items = self.one_or_many(node);
        if items.is_empty() {
            self.push(
                Diagnostic::new(Code::WRONG_TYPE, node.span, "an empty list of conditions")
                    .help("name at least one, or remove the key"),
            );
        }
        items.iter().filter_map(|item| self.test(item, names)).collect()
    }

    fn labels(&mut self, node: &Node) -> Option<Test> {
        let LabelTest { any, all, none } = self.label_test(node)?;
        Some(Test::Labels { any, all, none })
    }

    /// Labels of which any will do, or a map.
    pub(super) fn label_test(&mut self, node: &Node) -> Option<LabelTest> {
        let mut test = LabelTest::default();
        if let Kind::Map(_) = &node.kind {
            let fields = self.fields(node, "`labels`", &LABELS)?;
            test.any = self.words(&fields, "any");
            test.all = self.words(&fields, "all");
            test.none = self.words(&fields, "none");
        } else {
            for item in self.one_or_many(node) {
                test.any.extend(self.text(item, "a label"));
            }
        }
        Some(test)
    }

    fn words(&mut self, fields: &Fields<'_>, key: &str) -> Vec<String> {
        let Some(node) = fields.node(key) else { return Vec::new() };
        self.one_or_many(node).iter().filter_map(|item| self.text(item, "a label")).collect()
    }

    fn variables_test(
        &mut self,
        node: &Node,
        names: &mut Vec<Placed<String>>,
        tests: &mut Vec<Test>,
    ) {
        let Kind::Map(entries) = &node.kind else {
            self.wrong_type("`variables`", "a map of names to values", node);
            return;
        };
        for entry in entries {
            names.push(Placed::new(entry.key.clone(), entry.key_span));
            let values = match &entry.value.kind {
                Kind::List(items) => items.iter().map(literal).collect(),
                Kind::Scalar(_) | Kind::Map(_) => vec![literal(&entry.value)],
            };
            tests.push(Test::Variable { name: entry.key.clone(), values });
        }
    }
}

/// The only one, or all of them joined.
fn one_or(mut tests: Vec<Test>, join: impl FnOnce(Vec<Test>) -> Test) -> Test {
    match tests.len() {
        1 => tests.swap_remove(0),
        _ => join(tests),
    }
}
