//! Repositories, worktrees, merges.

use super::fields::Fields;
use super::read::Reader;
use super::{AuthoredMerge, AuthoredTree, AuthoredWork, Placed};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Repository;
use crate::vocabulary::{MERGE, REPOSITORY};
use crate::yaml::{Kind, Node};

impl Reader<'_> {
    /// A source, or a map.
    pub(super) fn repository(&mut self, fields: &Fields<'_>) -> Option<Repository> {
        let node = fields.node("repository")?;
        if matches!(node.kind, Kind::Map(_)) {
            let inner = self.fields(node, "`repository`", &REPOSITORY)?;
            let source = inner.template("source", self)?;
            return Some(Repository { source, base: inner.template("base", self) });
        }
        let source = self.template(node, "`repository`")?;
        Some(Repository { source, base: None })
    }

    /// `true`, or the name of a stage.
    pub(super) fn worktree(&mut self, fields: &Fields<'_>) -> Option<Placed<AuthoredTree>> {
        let node = fields.node("worktree")?;
        let scalar = node.scalar();
        let tree = match scalar.and_then(crate::yaml::Scalar::boolean) {
            Some(true) => AuthoredTree::Own,
            Some(false) => return None,
            None => AuthoredTree::Stage(self.name(node, "the name of a stage")?.value),
        };
        Some(Placed::new(tree, node.span))
    }

    /// A stage, a list of them, or a map.
    pub(super) fn merge(&mut self, node: &Node) -> Option<AuthoredWork> {
        let (from, into, check) = if matches!(node.kind, Kind::Map(_)) {
            let fields = self.fields(node, "`merge`", &MERGE)?;
            let from = fields.node("from").map(|node| self.stage_names(node)).unwrap_or_default();
            (from, fields.template("into", self), fields.template("check", self))
        } else {
            (self.stage_names(node), None, None)
        };
        if from.is_empty() {
            let message = "`merge` brings nothing together";
            self.push(
                Diagnostic::new(Code::WRONG_TYPE, node.span, message)
                    .help("name the stages whose branches it merges: `merge: {from: [implement]}`"),
            );
            return None;
        }
        Some(AuthoredWork::Merge(Placed::new(AuthoredMerge { from, into, check }, node.span)))
    }

    fn stage_names(&mut self, node: &Node) -> Vec<Placed<String>> {
        let items = self.one_or_many(node);
        items.iter().filter_map(|item| self.name(item, "the name of a stage")).collect()
    }
}
