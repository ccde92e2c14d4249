//! What was written to a [`Pipeline`]: names looked up, the graph drawn and found free of cycles,
//! every reference checked, defaults filled in. All mistakes are reported before giving up.

use crate::authored::{Authored, Reader};
use crate::model::Pipeline;

mod agent;
mod build;
mod cycle;
mod expressions;
mod flow;
mod graph;
mod people;
mod references;
mod roots;
mod site;
mod starts;
mod trees;
mod triggers;
mod undo;
mod upstream;

pub(crate) use graph::Graph;
pub(crate) use references::Used;

/// The pipeline, if nothing was wrong with it; and its warnings, if it can be drawn at all.
pub(crate) fn resolve(authored: Authored, reader: &mut Reader<'_>) -> Option<Pipeline> {
    let graph = graph::draw(&authored, reader);
    let used = references::check(&authored, &graph, reader);
    crate::lint::lint(&authored, &graph, &used, reader);
    if reader.sink.errors() > 0 {
        return None;
    }
    build::build(authored, graph)
}
