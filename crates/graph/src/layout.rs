//! Layers and rows.
//!
//! Each node stands one layer right of the last of its predecessors. An edge over several layers is
//! led through each of them by a place of its own. Within a layer, the order comes from sweeps that
//! put each place at the mean of its neighbours; rows follow predecessors, so that chains are
//! straight.

use std::collections::HashMap;

use crate::Node;

/// Sweeps over all layers, there and back.
const SWEEPS: usize = 4;

/// Where everything stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Of the nodes, in their order.
    pub places: Vec<Place>,
    pub routes: Vec<Route>,
    pub layers: usize,
    pub rows: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// From 0, left to right.
    pub layer: usize,
    /// From 0, top to bottom; no two places of a layer share one.
    pub row: usize,
}

/// An edge, by the places of the nodes in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub from: usize,
    pub to: usize,
    /// It only hears of it.
    pub loose: bool,
    /// One for each layer between the two.
    pub through: Vec<Place>,
}

/// The same for the same nodes. Edges that would close a cycle are left out.
pub fn layout(nodes: &[Node]) -> Layout {
    let edges = edges(nodes);
    let layer = layers(nodes.len(), &edges);
    let mut grid = Grid::new(nodes.len(), &edges, &layer);
    grid.order();
    let rows = grid.rows();
    let place = |vertex: usize| Place { layer: grid.layer[vertex], row: rows[vertex] };
    let routes = grid
        .routes
        .iter()
        .map(|(edge, chain)| Route {
            from: edges[*edge].from,
            to: edges[*edge].to,
            loose: edges[*edge].loose,
            through: chain.iter().map(|vertex| place(*vertex)).collect(),
        })
        .collect();
    Layout {
        places: (0..nodes.len()).map(place).collect(),
        routes,
        layers: grid.order.len(),
        rows: rows.iter().max().map_or(0, |row| row + 1),
    }
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    from: usize,
    to: usize,
    loose: bool,
}

fn edges(nodes: &[Node]) -> Vec<Edge> {
    let by_name: HashMap<&str, usize> =
        nodes.iter().enumerate().map(|(place, node)| (node.name.as_str(), place)).collect();
    let mut found: Vec<Edge> = Vec::new();
    for (to, node) in nodes.iter().enumerate() {
        let firm = node.after.iter().map(|name| (name, false));
        let start = found.len();
        for (name, loose) in firm.chain(node.hears.iter().map(|name| (name, true))) {
            let Some(&from) = by_name.get(name.as_str()) else { continue };
            if from != to && !found[start..].iter().any(|edge| edge.from == from) {
                found.push(Edge { from, to, loose });
            }
        }
    }
    found
}

/// Longest path from a root; `usize::MAX` is never returned, cycles are cut where they are met.
fn layers(count: usize, edges: &[Edge]) -> Vec<usize> {
    let mut outgoing = vec![Vec::new(); count];
    let mut open = vec![0_usize; count];
    for edge in edges {
        outgoing[edge.from].push(edge.to);
        open[edge.to] += 1;
    }
    let mut layer = vec![0; count];
    let mut done = vec![false; count];
    let mut next: Vec<usize> = (0..count).rev().filter(|node| open[*node] == 0).collect();
    loop {
        while let Some(node) = next.pop() {
            done[node] = true;
            for &to in &outgoing[node] {
                if done[to] {
                    continue;
                }
                layer[to] = layer[to].max(layer[node] + 1);
                open[to] -= 1;
                if open[to] == 0 {
                    next.push(to);
                }
            }
        }
        // What is left hangs on a cycle: the first of it starts anew.
        match (0..count).find(|node| !done[*node]) {
            Some(node) => {
                done[node] = true;
                next.push(node);
            }
            None => return layer,
        }
    }
}

/// Nodes and the places through which long edges are led, as vertices of one graph whose edges go
/// from a layer to the next.
struct Grid {
    layer: Vec<usize>,
    /// Vertices of each layer, from top to bottom.
    order: Vec<Vec<usize>>,
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    /// Of each kept edge: its place in the list, and what it is led through.
    routes: Vec<(usize, Vec<usize>)>,
}

impl Grid {
    fn new(count: usize, edges: &[Edge], layer: &[usize]) -> Self {
        let mut grid = Self {
            layer: layer.to_vec(),
            order: vec![Vec::new(); layer.iter().max().map_or(0, |last| last + 1)],
            before: vec![Vec::new(); count],
            after: vec![Vec::new(); count],
            routes: Vec::new(),
        };
        for (vertex, at) in layer.iter().enumerate() {
            grid.order[*at].push(vertex);
        }
        for (place, edge) in edges.iter().enumerate() {
            // Back edges of a cycle.
            if layer[edge.from] >= layer[edge.to] {
                continue;
            }
            let mut last = edge.from;
            let mut chain = Vec::new();
            for at in layer[edge.from] + 1..layer[edge.to] {
                let vertex = grid.layer.len();
                grid.layer.push(at);
                grid.before.push(Vec::new());
                grid.after.push(Vec::new());
                grid.order[at].push(vertex);
                grid.link(last, vertex);
                chain.push(vertex);
                last = vertex;
            }
            grid.link(last, edge.to);
            grid.routes.push((place, chain));
        }
        grid
    }

    fn link(&mut self, from: usize, to: usize) {
        self.after[from].push(to);
        self.before[to].push(from);
    }

    fn order(&mut self) {
        for _ in 0..SWEEPS {
            for at in 1..self.order.len() {
                self.sort(at, at - 1, true);
            }
            for at in (0..self.order.len().saturating_sub(1)).rev() {
                self.sort(at, at + 1, false);
            }
        }
        for at in 1..self.order.len() {
            self.sort(at, at - 1, true);
        }
    }

    /// By the mean place of the neighbours in the layer beside it; stable, so that equal ones keep
    /// the order of the definition.
    fn sort(&mut self, at: usize, beside: usize, backward: bool) {
        let mut place = HashMap::new();
        for (row, vertex) in self.order[beside].iter().enumerate() {
            place.insert(*vertex, row);
        }
        let neighbours = if backward { &self.before } else { &self.after };
        let mut keyed: Vec<(u64, usize)> = self.order[at]
            .iter()
            .enumerate()
            .map(|(row, vertex)| {
                let rows = neighbours[*vertex].iter().filter_map(|other| place.get(other));
                let (sum, count) =
                    rows.fold((0_u64, 0_u64), |(sum, count), row| (sum + *row as u64, count + 1));
                // In thousandths: whole numbers sort the same on every machine.
                let key = (sum * 1000).checked_div(count).unwrap_or(row as u64 * 1000);
                (key, *vertex)
            })
            .collect();
        keyed.sort_by_key(|(key, _)| *key);
        self.order[at] = keyed.into_iter().map(|(_, vertex)| vertex).collect();
    }

    /// The row of each vertex: its first predecessor's where that is free, else the next below.
    fn rows(&self) -> Vec<usize> {
        let mut rows = vec![0; self.layer.len()];
        for layer in &self.order {
            let mut free = 0;
            for vertex in layer {
                let wanted = self.before[*vertex].iter().map(|other| rows[*other]).min();
                rows[*vertex] = wanted.map_or(free, |wanted| wanted.max(free));
                free = rows[*vertex] + 1;
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn many(count: usize) -> Vec<Node> {
        let mut state = 7_u64;
        (0..count)
            .map(|place| {
                let mut after = Vec::new();
                for _ in 0..2 {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let back = 1 + (state >> 33) as usize % 30;
                    if place > 0 {
                        after.push(format!("n{}", place.saturating_sub(back)));
                    }
                }
                Node { name: format!("n{place}"), after, ..Node::default() }
            })
            .collect()
    }

    #[test]
    fn edges_go_to_the_right_and_no_place_is_taken_twice() {
        let nodes = many(1000);
        let drawn = layout(&nodes);
        let mut taken: HashSet<Place> = drawn.places.iter().copied().collect();
        assert_eq!(taken.len(), 1000);
        for route in &drawn.routes {
            let (from, to) = (drawn.places[route.from], drawn.places[route.to]);
            assert_eq!(route.through.len(), to.layer - from.layer - 1);
            for (step, place) in route.through.iter().enumerate() {
                assert_eq!(place.layer, from.layer + 1 + step);
                assert!(taken.insert(*place), "{place:?} is taken twice");
            }
        }
        assert_eq!(drawn, layout(&nodes));
    }

    #[test]
    fn chains_are_straight_and_branches_go_below() {
        let drawn = layout(&crate::sample());
        let at = |place: usize| (drawn.places[place].layer, drawn.places[place].row);
        assert_eq!([at(0), at(1), at(2), at(3)], [(0, 0), (1, 0), (1, 1), (2, 0)]);
        assert_eq!([at(4), at(5)], [(3, 0), (4, 0)]);
    }

    #[test]
    fn a_cycle_is_drawn_without_the_edge_that_closes_it() {
        let node = |name: &str, after: &[&str]| Node {
            name: name.into(),
            after: after.iter().map(|name| (*name).to_owned()).collect(),
            ..Node::default()
        };
        let drawn = layout(&[node("a", &["c"]), node("b", &["a"]), node("c", &["b", "missing"])]);
        assert_eq!(drawn.layers, 3);
        assert_eq!(drawn.routes.len(), 2);
        assert_eq!(layout(&[]).rows, 0);
    }
}
