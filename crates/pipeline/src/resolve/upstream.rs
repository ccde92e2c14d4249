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
}

/// The needs whose target is not upstream, in the order given.
///
/// Sixty-four targets are followed through the whole graph at once, so the cost is
/// `edges x targets / 64`, and nothing where every target is a direct dependency.
pub(super) fn missing<'n>(graph: &Graph, order: &[usize], needs: &'n [Need]) -> Vec<&'n Need> {
    let direct = |need: &Need| {
        let depends_on = &graph.depends_on[need.stage];
        depends_on.len() <= 64 && depends_on.contains(&need.target)
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
            above[stage] = graph.depends_on[stage]
                .iter()
                .fold(0, |mask, before| mask | above[*before] | own[*before]);
        }
        missing.extend(open.iter().copied().filter(|ix| {
            let need = &needs[*ix];
            chunk.binary_search(&need.target).is_ok_and(|bit| above[need.stage] & (1 << bit) == 0)
        }));
    }
    missing.sort_unstable();
    missing.into_iter().map(|ix| &needs[ix]).collect()
}
