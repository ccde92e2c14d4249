//! Stages as a graph with places.

use std::collections::{BTreeMap, HashMap};

use api::graph::{Graph, GraphEdge, GraphNode};
use engine::Run;
use graph::{Node, Place, Route};
use pipeline::Pipeline;
use pipeline::model::{Stage, StageIx, Work};

/// Every stage but those that only a rollback starts, as nodes to be laid out.
pub fn nodes(pipeline: &Pipeline) -> Vec<Node> {
    let name = |ix: &StageIx| pipeline.stages.get(ix.get()).map(|it| it.name.to_string());
    own(pipeline)
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

fn own(pipeline: &Pipeline) -> impl Iterator<Item = &Stage> {
    pipeline.stages.iter().filter(|stage| stage.compensates.is_none())
}

/// `xN [approval 2] [form]`: what is not seen of a box.
fn mark(stage: &Stage) -> String {
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

/// What a run adds to its definition.
#[derive(Debug, Default)]
pub(crate) struct States {
    sequence: u64,
    stages: HashMap<String, StageState>,
}

#[derive(Debug, Default)]
struct StageState {
    status: String,
    attempts: u32,
    instances: BTreeMap<String, u32>,
    undo: Option<String>,
}

pub(crate) fn states(run: &Run) -> States {
    let mut states = States { sequence: run.sequence(), stages: HashMap::new() };
    for row in run.rows() {
        let status = row.status.word();
        if let Some(undone) = row.stage.compensates {
            let Some(undone) = run.pipeline().stages.get(undone.get()) else { continue };
            // It stands in the list from the beginning, and does nothing until it is called for.
            let began = row.started_at.is_some() || row.outcome.is_some();
            if began {
                states.of(&undone.name).undo = Some(status.to_owned());
            }
            continue;
        }
        let state = states.of(&row.id.stage);
        if row.id.instance.is_some() {
            *state.instances.entry(status.to_owned()).or_default() += 1;
        } else {
            status.clone_into(&mut state.status);
            state.attempts = u32::try_from(row.attempts.len()).unwrap_or(u32::MAX);
        }
    }
    states
}

impl States {
    fn of(&mut self, stage: &str) -> &mut StageState {
        self.stages.entry(stage.to_owned()).or_default()
    }
}

/// Takes time with the number of stages: some 50 ms for 1,000. The same for the same definition.
pub(crate) fn drawn(pipeline: &Pipeline, revision: u32, states: Option<States>) -> Graph {
    let nodes = nodes(pipeline);
    let layout = graph::layout(&nodes);
    let sequence = states.as_ref().map(|states| states.sequence);
    let mut states = states.map(|states| states.stages);
    let drawn = own(pipeline).zip(nodes).zip(&layout.places).map(|((stage, node), place)| {
        let state = states.as_mut().and_then(|states| states.remove(&node.name));
        let [x, y] = cell(*place);
        let known = state.is_some();
        let StageState { status, attempts, instances, undo } = state.unwrap_or_default();
        let status = known.then_some(status);
        let (name, mark) = (node.name, node.mark);
        let kind = super::pipeline::kind(stage).to_owned();
        GraphNode { name, kind, x, y, mark, status, attempts, instances, undo }
    });
    Graph {
        pipeline: pipeline.name.clone(),
        revision,
        sequence,
        width: number(layout.layers),
        height: number(layout.rows),
        nodes: drawn.collect(),
        edges: layout.routes.iter().map(|route| edge(route, &layout.places)).collect(),
    }
}

fn edge(route: &Route, places: &[Place]) -> GraphEdge {
    let ends = (places[route.from], places[route.to]);
    let through = &route.through;
    let bends = through.iter().enumerate().filter(|(step, place)| {
        let before = step.checked_sub(1).map_or(ends.0, |before| through[before]);
        let after = through.get(step + 1).copied().unwrap_or(ends.1);
        before.row != place.row || after.row != place.row
    });
    GraphEdge {
        from: route.from,
        to: route.to,
        loose: route.loose,
        via: bends.map(|(_, place)| cell(*place)).collect(),
    }
}

fn cell(place: Place) -> [u32; 2] {
    [number(place.layer), number(place.row)]
}

fn number(cells: usize) -> u32 {
    u32::try_from(cells).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_keeps_only_its_bends() {
        let place = |layer, row| Place { layer, row };
        let places = [place(0, 0), place(5, 2)];
        let through = vec![place(1, 0), place(2, 0), place(3, 2), place(4, 2)];
        let route = Route { from: 0, to: 1, loose: false, through };
        assert_eq!(edge(&route, &places).via, [[2, 0], [3, 2]]);
        let straight = Route { from: 0, to: 1, loose: false, through: vec![place(1, 0)] };
        assert!(edge(&straight, &[place(0, 0), place(2, 0)]).via.is_empty());
    }
}
