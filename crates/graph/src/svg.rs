//! As SVG: complete in itself, readable in light and dark.

use unicode_width::UnicodeWidthStr as _;

use crate::Node;
use crate::layout::{Place, layout};

const LETTER: usize = 8;
const PADDING: usize = 12;
const HEIGHT: usize = 32;
const ROW: usize = 52;
const GUTTER: usize = 56;
const MARGIN: usize = 16;

const STYLE: &str = "\
<style>text{font:13px ui-monospace,monospace;fill:#1b1f24}\
rect{fill:#f6f8fa;stroke:#6b7480}path{fill:none;stroke:#6b7480}\
@media (prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#171b22;stroke:#98a2b0}\
path{stroke:#98a2b0}}</style>";

/// A drawing with this title.
pub fn svg(title: &str, nodes: &[Node]) -> String {
    let drawn = layout(nodes);
    let mut widths = vec![0; drawn.layers];
    for (node, place) in nodes.iter().zip(&drawn.places) {
        let width = node.label().width() * LETTER + 2 * PADDING;
        widths[place.layer] = widths[place.layer].max(width);
    }
    let mut starts = Vec::with_capacity(widths.len());
    let mut x = MARGIN;
    for width in &widths {
        starts.push(x);
        x += width + GUTTER;
    }
    let width = x.saturating_sub(GUTTER) + MARGIN;
    let height = (drawn.rows * ROW).saturating_sub(ROW - HEIGHT) + 2 * MARGIN;
    let middle = |place: &Place| MARGIN + place.row * ROW + HEIGHT / 2;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{}</title>\n{STYLE}\n",
        escaped(title)
    );
    for route in &drawn.routes {
        let (from, to) = (drawn.places[route.from], drawn.places[route.to]);
        let mut last = (starts[from.layer] + box_width(&nodes[route.from]), middle(&from));
        let mut path = format!("M{} {}", last.0, last.1);
        for place in &route.through {
            let (x, y) = (starts[place.layer], middle(place));
            path += &curve(last, (x, y));
            last = (x + widths[place.layer], y);
            path += &format!("H{}", last.0);
        }
        path += &curve(last, (starts[to.layer], middle(&to)));
        let dashed = if route.loose { " stroke-dasharray=\"4 4\"" } else { "" };
        out += &format!("<path d=\"{path}\"{dashed}/>\n");
    }
    for (node, place) in nodes.iter().zip(&drawn.places) {
        let (x, y) = (starts[place.layer], MARGIN + place.row * ROW);
        out += &format!(
            "<g data-stage=\"{}\"><rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{HEIGHT}\" \
             rx=\"4\"/><text x=\"{}\" y=\"{}\">{}</text></g>\n",
            escaped(&node.name),
            box_width(node),
            x + PADDING,
            y + HEIGHT / 2 + 4,
            escaped(&node.label()),
        );
    }
    out + "</svg>\n"
}

fn box_width(node: &Node) -> usize {
    node.label().width() * LETTER + 2 * PADDING
}

fn curve((x1, y1): (usize, usize), (x2, y2): (usize, usize)) -> String {
    if y1 == y2 {
        return format!("H{x2}");
    }
    let bend = x1.midpoint(x2);
    format!("C{bend} {y1} {bend} {y2} {x2} {y2}")
}

fn escaped(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).fold(String::new(), |mut out, letter| {
        match letter {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            other => out.push(other),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_leave_its_element() {
        let node = Node { name: "a\"><script>".into(), ..Node::default() };
        let drawn = svg("<b>", &[node]);
        assert!(!drawn.contains("<script>") && !drawn.contains("<b>"), "{drawn}");
        assert!(drawn.contains("a&quot;&gt;&lt;script&gt;"), "{drawn}");
    }

    #[test]
    fn every_stage_and_edge_is_there() {
        let drawn = svg("sample", &crate::sample());
        assert_eq!(drawn.matches("<rect").count(), 6);
        assert_eq!(drawn.matches("<path").count(), 6);
        assert!(drawn.ends_with("</svg>\n"));
    }
}
