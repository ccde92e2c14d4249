//! Whether what a stage refers to has settled before it starts.

use super::graph::Graph;
use crate::source::Span;

/// A reference from a stage to what another one came to.
#[derive(Debug)]
pub(super) struct Need {
    pub(super) stage: usize,
    pub(super) target: usize,
    pub(super) span: Span,
    /// As written.
    pub(super) source: String,
    pub(super) why: Why,
}

/// What another stage is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Its outputs, or what it came to.
    Reads,
    /// Its artifacts.
    Lays,
    /// A rollback goes back to it.
    GoesBack,
    /// Its worktree, or its branch.
    Builds,
}

/// The needs whose target is not upstream, in the order given.
///
/// Sixty-four targets are followed through the whole graph at once, so the cost is
/// `edges x targets / 64`, and nothing where every target is a direct dependency.
pub(super) fn missing<'n>(graph: &Graph, order: &[usize], needs: &'n [Need]) -> Vec<&'n Need> {
    let before = graph.before();
    let direct = |need: &Need| {
        let before = &before[need.stage];
        before.len() <= 64 && before.contains(&need.target)
    };
    let open: Vec<usize> = (0..needs.len()).filter(|ix| !direct(&needs[*ix])).collect();
    let mut targets: Vec<usize> = open.iter().map(|ix| needs[*ix].target).collect();
    targets.sort_unstable();
    targets.dedup();
    let mut missing = Vec::new();
    for chunk in targets.chunks(64) {
        let mut own = vec![0u64; graph.depends_on.len()];
        for (bit, target) in chunk.iter().enumerate() {
            own[*target] |= 1 << bit;
        }
        let mut above = vec![0u64; graph.depends_on.len()];
        for &stage in order {
            above[stage] = before[stage].iter().fold(0, |mask, of| mask | above[*of] | own[*of]);
        }
        missing.extend(open.iter().copied().filter(|ix| {
            let need = &needs[*ix];
            chunk.binary_search(&need.target).is_ok_and(|bit| above[need.stage] & (1 << bit) == 0)
        }));
    }
    missing.sort_unstable();
    missing.into_iter().map(|ix| &needs[ix]).collect()
}
