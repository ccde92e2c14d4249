//! As text: labels in columns, edges as lines between them.
//!
//! Between two columns, each set of targets has a vertical of its own, so that a line never seems
//! to lead where it does not. A `+` is a corner or a fork; where a line only passes another one,
//! there is none.

use unicode_width::UnicodeWidthStr as _;

use crate::layout::{Layout, Place, layout};
use crate::{Node, outline};

/// The layers from left to right where they fit into so many cells, else [`outline`].
pub fn text(nodes: &[Node], columns: usize) -> String {
    let drawn = layout(nodes);
    let canvas = Drawing::new(nodes, &drawn).paint();
    let widest = canvas.lines().map(|line| line.width()).max().unwrap_or(0);
    if widest <= columns { canvas } else { outline(nodes) }
}

/// One step of an edge from a layer to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    from: usize,
    to: usize,
}

/// Steps with one vertical: sources that share their targets.
#[derive(Clone, Debug)]
struct Bundle {
    sources: Vec<usize>,
    targets: Vec<usize>,
}

impl Bundle {
    fn is_straight(&self) -> bool {
        self.sources.len() == 1 && self.sources == self.targets
    }

    fn span(&self) -> (usize, usize) {
        let rows = || self.sources.iter().chain(&self.targets);
        (rows().min().copied().unwrap_or(0), rows().max().copied().unwrap_or(0))
    }
}

struct Drawing<'n> {
    nodes: &'n [Node],
    layout: &'n Layout,
    /// Between a layer and the next.
    gutters: Vec<Vec<Bundle>>,
    widths: Vec<usize>,
}

impl<'n> Drawing<'n> {
    fn new(nodes: &'n [Node], layout: &'n Layout) -> Self {
        let mut widths = vec![0; layout.layers];
        for (node, place) in nodes.iter().zip(&layout.places) {
            let width = &mut widths[place.layer];
            *width = (*width).max(node.label().width());
        }
        let mut steps: Vec<Vec<Step>> = vec![Vec::new(); layout.layers.saturating_sub(1)];
        for route in &layout.routes {
            let mut last = layout.places[route.from];
            for place in route.through.iter().chain([&layout.places[route.to]]) {
                steps[last.layer].push(Step { from: last.row, to: place.row });
                last = *place;
            }
        }
        let gutters = steps.iter().map(|steps| bundles(steps)).collect();
        Self { nodes, layout, gutters, widths }
    }

    /// Cells of a gutter: two lines at each end, and a vertical for each bundle that bends.
    fn gutter_width(&self, layer: usize) -> usize {
        let bends = self.gutters[layer].iter().filter(|bundle| !bundle.is_straight()).count();
        if bends == 0 { 5 } else { 5 + 2 * bends }
    }

    fn paint(&self) -> String {
        let mut starts = Vec::with_capacity(self.widths.len());
        let mut x = 0;
        for (layer, width) in self.widths.iter().enumerate() {
            starts.push(x);
            x += width;
            if layer + 1 < self.widths.len() {
                x += self.gutter_width(layer);
            }
        }
        let mut sheet = Sheet { cells: vec![vec![' '; x]; self.layout.rows] };
        for route in &self.layout.routes {
            for place in &route.through {
                let start = starts[place.layer];
                sheet.across(place.row, start, start + self.widths[place.layer]);
            }
        }
        for (layer, bundles) in self.gutters.iter().enumerate() {
            let start = starts[layer] + self.widths[layer];
            let end = start + self.gutter_width(layer);
            let mut vertical = start + 3;
            for bundle in bundles {
                self.bundle(bundle, layer, (start, end), vertical, &mut sheet);
                vertical += if bundle.is_straight() { 0 } else { 2 };
            }
        }
        let mut labels: Vec<(Place, usize)> =
            self.layout.places.iter().copied().zip(0..self.nodes.len()).collect();
        // Right to left: a wide letter takes two cells and must not move what is right of it.
        labels.sort_by_key(|(place, _)| std::cmp::Reverse(place.layer));
        for (place, node) in labels {
            sheet.write(place.row, starts[place.layer], &self.nodes[node].label());
        }
        sheet.text()
    }

    fn bundle(
        &self,
        bundle: &Bundle,
        layer: usize,
        (start, end): (usize, usize),
        vertical: usize,
        sheet: &mut Sheet,
    ) {
        // A short label is followed by a line up to the end of its column; a line that is only led
        // through has no label.
        let node = |layer: usize, row: usize| {
            self.layout.places.iter().position(|place| *place == Place { layer, row })
        };
        let from = |row: usize| match node(layer, row) {
            Some(found) => start - self.widths[layer] + self.nodes[found].label().width() + 1,
            None => start,
        };
        let to = |row: usize| end - usize::from(node(layer + 1, row).is_some());
        if bundle.is_straight() {
            let row = bundle.sources[0];
            sheet.across(row, from(row), to(row));
            return;
        }
        for row in &bundle.sources {
            sheet.across(*row, from(*row), vertical);
        }
        for row in &bundle.targets {
            sheet.across(*row, vertical + 1, to(*row));
        }
        let (top, bottom) = bundle.span();
        for row in top..=bottom {
            let meets = bundle.sources.contains(&row) || bundle.targets.contains(&row);
            sheet.cells[row][vertical] = if meets { '+' } else { '|' };
        }
    }
}

fn bundles(steps: &[Step]) -> Vec<Bundle> {
    let mut sources: Vec<usize> = steps.iter().map(|step| step.from).collect();
    sources.sort_unstable();
    sources.dedup();
    let mut found: Vec<Bundle> = Vec::new();
    for source in sources {
        let mut targets: Vec<usize> =
            steps.iter().filter(|step| step.from == source).map(|step| step.to).collect();
        targets.sort_unstable();
        targets.dedup();
        match found.iter_mut().find(|bundle| bundle.targets == targets) {
            Some(bundle) => bundle.sources.push(source),
            None => found.push(Bundle { sources: vec![source], targets }),
        }
    }
    // What goes up bends first, what goes down last: fewer lines cross.
    found.sort_by_key(|bundle| {
        let down = bundle.targets.iter().max() >= bundle.sources.iter().max();
        (down, if down { usize::MAX - bundle.sources[0] } else { bundle.sources[0] })
    });
    found
}

struct Sheet {
    cells: Vec<Vec<char>>,
}

impl Sheet {
    fn across(&mut self, row: usize, from: usize, to: usize) {
        for cell in &mut self.cells[row][from..to.max(from)] {
            if *cell == ' ' {
                *cell = '-';
            }
        }
    }

    fn write(&mut self, row: usize, at: usize, text: &str) {
        let width = text.width();
        let line = &mut self.cells[row];
        line.splice(at..(at + width).min(line.len()), text.chars());
    }

    fn text(&self) -> String {
        self.cells
            .iter()
            .map(|row| row.iter().collect::<String>().trim_end().to_owned() + "\n")
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(edges: &[(&str, &[&str])]) -> Vec<Node> {
        edges
            .iter()
            .map(|(name, after)| Node {
                name: (*name).into(),
                after: after.iter().map(|name| (*name).to_owned()).collect(),
                ..Node::default()
            })
            .collect()
    }

    #[test]
    fn a_branch_leaves_and_comes_back() {
        let wanted = "\
plan --+-- implement x3 ---- review --+-- deploy-staging --- deploy-prod [approval 2]
       +-- security-scan -------------+
";
        let drawn = text(&crate::sample(), 120);
        assert_eq!(drawn, wanted, "\n{drawn}");
    }

    #[test]
    fn what_is_too_wide_becomes_an_outline() {
        assert!(text(&crate::sample(), 60).starts_with("plan\n+-"));
    }

    #[test]
    fn lines_that_cross_are_not_joined() {
        let drawn = text(
            &nodes(&[("a", &[]), ("b", &[]), ("c", &["a", "b"]), ("d", &["b"]), ("e", &["a"])]),
            120,
        );
        let joins = drawn.matches('+').count();
        assert!(joins >= 4, "\n{drawn}");
        assert!(drawn.lines().count() == 3, "\n{drawn}");
    }

    #[test]
    fn a_chain_is_a_line() {
        let drawn = text(&nodes(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]), 80);
        assert_eq!(drawn, "a --- b --- c\n");
        assert_eq!(text(&[], 80), "");
    }
}
