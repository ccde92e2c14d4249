//! Worktrees and merges: is there a repository, and a worktree where one is named?

use std::collections::HashMap;

use super::build::stage_ix;
use super::graph::find;
use super::references::Checker;
use super::site::Site;
use super::upstream::Why;
use crate::authored::{AuthoredMerge, AuthoredStage, AuthoredTree, AuthoredWork, Placed};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{MergeWork, TreeOf, ValueKind};
use crate::source::Span;

impl Checker<'_, '_, '_> {
    pub(super) fn worktree(&mut self, ix: usize) {
        let stage = &self.authored.stages[ix];
        let Some(tree) = &stage.worktree else { return };
        self.needs_repository(tree.span, "worktree");
        let AuthoredTree::Stage(name) = &tree.value else { return };
        let Some(target) = self.owner(name, tree.span, "worktree", ix) else { return };
        let of = &self.authored.stages[target];
        if of.fans_out() && !stage.fans_out() {
            let message = format!("`{name}` has instances, each with a worktree of its own");
            self.reader.push(
                Diagnostic::new(Code::CONFLICTING_KEYS, tree.span, message)
                    .help("give this stage the same `foreach`, or merge the branches first"),
            );
        }
    }

    pub(super) fn merge(&mut self, merge: &Placed<AuthoredMerge>, ix: usize) {
        self.needs_repository(merge.span, "merge");
        for from in &merge.value.from {
            self.owner(&from.value, from.span, "merge", ix);
        }
        if let Some(into) = &merge.value.into {
            self.template(into, Some(ix), Site::Value);
        }
        if let Some(check) = &merge.value.check {
            self.template(check, Some(ix), Site::Script);
        }
    }

    /// The stage of this name, upstream, with a worktree of its own.
    fn owner(&mut self, name: &str, span: Span, key: &'static str, ix: usize) -> Option<usize> {
        let stages = &self.authored.stages;
        let target = find(name, span, key, stages, &self.graph.names, self.reader)?;
        self.need(ix, target, span, name.to_owned(), Why::Builds);
        let own = stages[target].worktree.as_ref();
        if own.is_some_and(|tree| matches!(tree.value, AuthoredTree::Own)) {
            return Some(target);
        }
        let message = format!("`{name}` has no worktree of its own");
        let help = format!("say `worktree: true` at `{name}`");
        self.reader.push(Diagnostic::new(Code::CONFLICTING_KEYS, span, message).help(help));
        None
    }

    fn needs_repository(&mut self, span: Span, key: &str) {
        if self.authored.repository.is_some() {
            return;
        }
        let message = format!("`{key}` needs `repository`");
        self.reader.push(
            Diagnostic::new(Code::CONFLICTING_KEYS, span, message).help(
                "say at the pipeline which one: `repository: .` is that of the run's directory",
            ),
        );
    }
}

/// What such a stage gives without a word: where its work is found.
pub(super) fn implied(stage: &AuthoredStage) -> &'static [(&'static str, ValueKind)] {
    const TREE: &[(&str, ValueKind)] = &[
        ("branch", ValueKind::String),
        ("commit", ValueKind::String),
        ("base", ValueKind::String),
        ("changes", ValueKind::Map),
    ];
    const MERGE: &[(&str, ValueKind)] = &[
        ("commit", ValueKind::String),
        ("before", ValueKind::String),
        ("delivered", ValueKind::String),
        ("empty", ValueKind::List),
    ];
    match (&stage.work, &stage.worktree) {
        (Some(AuthoredWork::Merge(_)), _) => MERGE,
        (_, Some(_)) => TREE,
        (_, None) => &[],
    }
}

/// Only of a definition without mistakes.
pub(super) fn tree(stage: &AuthoredStage, names: &HashMap<String, usize>) -> Option<TreeOf> {
    match &stage.worktree.as_ref()?.value {
        AuthoredTree::Own => Some(TreeOf::Own),
        AuthoredTree::Stage(name) => Some(TreeOf::Stage(stage_ix(*names.get(name)?))),
    }
}

/// Only of a definition without mistakes.
pub(super) fn merge(written: AuthoredMerge, names: &HashMap<String, usize>) -> MergeWork {
    let AuthoredMerge { from, into, check } = written;
    let from = from.iter().filter_map(|name| names.get(&name.value)).map(|ix| stage_ix(*ix));
    MergeWork { from: from.collect(), into, check }
}

#[cfg(test)]
mod tests {
    use crate::model::{TreeOf, Work};

    /// Each message with its line.
    fn problems(text: &str) -> Vec<String> {
        let parsed = crate::parse(text);
        let errors = parsed
            .diagnostics
            .iter()
            .filter(|found| found.severity == crate::diagnostic::Severity::Error);
        errors.map(|found| found.message.clone()).collect()
    }

    const GOOD: &str = "
name: p
repository: {source: ., base: main}
stages:
  - {name: work, foreach: [1, 2], run: ':', worktree: true}
  - {name: test, foreach: [1, 2], depends_on: [work], run: ':', worktree: work}
  - {name: ship, depends_on: [test], merge: {from: work, into: main, check: make}}
";

    #[test]
    fn worktrees_and_merges_find_their_stages() {
        let parsed = crate::parse(GOOD);
        let pipeline = parsed.pipeline.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics));
        assert!(pipeline.repository.is_some());
        assert_eq!(pipeline.stages[0].worktree, Some(TreeOf::Own));
        let Some(TreeOf::Stage(of)) = pipeline.stages[1].worktree else { panic!() };
        assert_eq!(of.get(), 0);
        let Work::Merge(merge) = &pipeline.stages[2].work else { panic!() };
        assert_eq!((merge.from.len(), merge.from[0].get()), (1, 0));
    }

    #[test]
    fn mistakes_are_told_all_at_once() {
        let found = problems(&GOOD.replace("repository: {source: ., base: main}\n", ""));
        assert_eq!(
            found,
            [
                "`worktree` needs `repository`",
                "`worktree` needs `repository`",
                "`merge` needs `repository`"
            ]
        );
        let found = problems(
            "
name: p
repository: .
stages:
  - {name: plain, depends_on: [], run: ':'}
  - {name: fan, depends_on: [plain], foreach: [1], run: ':', worktree: true}
  - {name: early, depends_on: [], run: ':', worktree: fan}
  - {name: ship, depends_on: [early], merge: [plain, nobody, fan]}
  - {name: none, depends_on: [], merge: []}
",
        );
        for wanted in [
            "`fan` has instances, each with a worktree of its own",
            "`early` does not come after `fan`",
            "`plain` has no worktree of its own",
            "`merge` brings nothing together",
        ] {
            assert!(found.iter().any(|said| said == wanted), "{wanted}: {found:#?}");
        }
        assert!(found.iter().any(|said| said.contains("`nobody`")), "{found:#?}");
        assert_eq!(found.len(), 7, "{found:#?}");
    }
}
