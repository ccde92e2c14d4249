//! Stages of a definition as nodes of a graph.

use graph::Node;
use pipeline::Pipeline;
use pipeline::model::{Stage, Work};

use crate::words;

/// Every stage but those that only a rollback starts.
pub fn nodes(pipeline: &Pipeline) -> Vec<Node> {
    let stages = &pipeline.stages;
    let name =
        |ix: &pipeline::model::StageIx| stages.get(ix.0 as usize).map(|it| it.name.to_string());
    stages
        .iter()
        .filter(|stage| stage.compensates.is_none())
        .map(|stage| Node {
            name: stage.name.to_string(),
            mark: mark(stage),
            after: stage.depends_on.iter().filter_map(name).collect(),
            hears: stage
                .triggers
                .iter()
                .flat_map(|triggers| &triggers.sources)
                .filter_map(name)
                .collect(),
        })
        .collect()
}

/// `xN [approval 2] [form]`: what is not seen of a box.
pub fn mark(stage: &Stage) -> String {
    let mut marks = Vec::new();
    let instances = stage.triggers.as_ref().and_then(|triggers| triggers.instances);
    if stage.foreach.is_some() || instances.is_some() {
        marks.push("xN".to_owned());
    }
    marks.extend(stage.asks().into_iter().map(|mark| format!("[{mark}]")));
    if let Work::Child { pipeline, .. } = &stage.work {
        marks.push(format!("[runs {pipeline}]"));
    }
    if stage.finally {
        marks.push("(finally)".to_owned());
    }
    marks.join(" ")
}

/// The graph of a definition as text, as wide as the terminal allows.
pub fn text(pipeline: &Pipeline, columns: Option<usize>) -> String {
    /// Where there is no terminal.
    const COLUMNS: usize = 120;
    graph::text(&nodes(pipeline), columns.unwrap_or(COLUMNS))
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
