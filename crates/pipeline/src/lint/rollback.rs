//! Rollbacks that do less than their author may think.

use std::collections::HashSet;

use crate::authored::{Authored, AuthoredStage, AuthoredWork, Reader};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::OnFailure;
use crate::resolve::Graph;

/// Following the graph costs as much as it is large, once for each stage that rolls back.
const FOLLOWED: usize = 50;

pub(super) fn lint(authored: &Authored, graph: &Graph, reader: &mut Reader<'_>) {
    let stages = &authored.stages;
    let rolls_back = |stage: &&AuthoredStage| stage.on_failure == Some(OnFailure::Rollback);
    let mut told = HashSet::new();
    let mut followed = 0;
    for (ix, stage) in stages.iter().enumerate().filter(|(_, stage)| rolls_back(stage)) {
        let Some(to) = &stage.rollback_to else {
            no_target(stage, reader);
            continue;
        };
        let (Some(&target), Some(order)) = (graph.names.get(&to.value), &graph.order) else {
            continue;
        };
        followed += 1;
        if followed > FOLLOWED {
            return;
        }
        for undone in reach(graph, order, target, ix) {
            if told.insert(undone) && leaves_something(&stages[undone]) {
                no_action(&stages[undone], stage, reader);
            }
        }
    }
}

fn no_target(stage: &AuthoredStage, reader: &mut Reader<'_>) {
    let Some(name) = &stage.name else { return };
    let message = format!("`{}` rolls back, but does not say how far", name.value);
    reader.push(
        Diagnostic::new(Code::NO_ROLLBACK_TARGET, name.span, message)
            .label("only back to itself, so nothing before it is undone")
            .help("add `rollback_to: STAGE`"),
    );
}

fn no_action(stage: &AuthoredStage, failing: &AuthoredStage, reader: &mut Reader<'_>) {
    let (Some(name), Some(failing)) = (&stage.name, &failing.name) else { return };
    let message =
        format!("a failure of `{}` undoes `{}`, which says not how", failing.value, name.value);
    reader.push(
        Diagnostic::new(Code::NO_ROLLBACK_ACTION, name.span, message)
            .help("add `rollback: ...`, or `rollback: none` if there is nothing to undo"),
    );
}

/// Work without an action.
fn leaves_something(stage: &AuthoredStage) -> bool {
    let works = match &stage.work {
        Some(
            AuthoredWork::Run { .. }
            | AuthoredWork::Python { .. }
            | AuthoredWork::Child { .. }
            | AuthoredWork::Merge(_),
        ) => true,
        // Its agent is asked to, where nothing is said.
        Some(AuthoredWork::Agent(_) | AuthoredWork::Noop | AuthoredWork::Form) | None => false,
    };
    works && stage.rollback.is_none()
}

/// What lies between: the target, and what comes after it and before the one that fails.
fn reach(graph: &Graph, order: &[usize], target: usize, failing: usize) -> Vec<usize> {
    let mut after = vec![false; graph.depends_on.len()];
    after[target] = true;
    let befores = |ix: usize| graph.depends_on[ix].iter().chain(&graph.sources[ix]).copied();
    for &ix in order {
        after[ix] = after[ix] || befores(ix).any(|before| after[before]);
    }
    let mut leads = vec![false; graph.depends_on.len()];
    leads[failing] = true;
    for &ix in order.iter().rev().filter(|ix| after[**ix]) {
        if leads[ix] {
            for before in befores(ix) {
                leads[before] = true;
            }
        }
    }
    (0..after.len()).filter(|ix| *ix != failing && after[*ix] && leads[*ix]).collect()
}
