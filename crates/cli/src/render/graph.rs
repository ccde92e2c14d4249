//! Stages of a definition as nodes of a graph.

use pipeline::Pipeline;

use crate::words;

/// The graph of a definition as text, as wide as the terminal allows.
pub fn text(pipeline: &Pipeline, columns: Option<usize>) -> String {
    /// Where there is no terminal.
    const COLUMNS: usize = 120;
    graph::text(&server::graph_nodes(pipeline), columns.unwrap_or(COLUMNS))
}

/// `7 stages, 2 approvals, 1 form`
pub fn about(pipeline: &Pipeline) -> String {
    let own = || pipeline.stages.iter().filter(|stage| stage.compensates.is_none());
    let gates: usize = own()
        .map(|it| {
            usize::from(it.approve_start.is_some()) + usize::from(it.approve_complete.is_some())
        })
        .sum();
    let forms = own().filter(|stage| stage.form.is_some()).count();
    let mut said = vec![words::count(own().count() as u64, "stage")];
    if gates > 0 {
        said.push(words::count(gates as u64, "approval"));
    }
    if forms > 0 {
        said.push(words::count(forms as u64, "form"));
    }
    said.join(", ")
}
