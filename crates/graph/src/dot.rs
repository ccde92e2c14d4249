//! As DOT, for Graphviz and what reads its language.

use crate::Node;

/// A digraph of this name, from left to right; what is only heard of is dashed.
pub fn dot(name: &str, nodes: &[Node]) -> String {
    let mut out = format!("digraph {} {{\n  rankdir=LR;\n  node [shape=box];\n", quoted(name));
    for node in nodes {
        out += &format!("  {} [label={}];\n", quoted(&node.name), quoted(&node.label()));
    }
    let known = |name: &&String| nodes.iter().any(|node| &node.name == *name);
    for node in nodes {
        for before in node.after.iter().filter(known) {
            out += &format!("  {} -> {};\n", quoted(before), quoted(&node.name));
        }
        for before in node.hears.iter().filter(known) {
            out += &format!("  {} -> {} [style=dashed];\n", quoted(before), quoted(&node.name));
        }
    }
    out + "}\n"
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_unknown_ones_left_out() {
        let nodes = [
            Node { name: "a".into(), mark: "\"x\"".into(), ..Node::default() },
            Node {
                name: "b".into(),
                after: vec!["a".into(), "gone".into()],
                hears: vec!["a".into()],
                ..Node::default()
            },
        ];
        let wanted = "digraph \"ci\" {\n  rankdir=LR;\n  node [shape=box];\n  \"a\" [label=\"a \\\"x\\\"\"];\n  \"b\" [label=\"b\"];\n  \"a\" -> \"b\";\n  \"a\" -> \"b\" [style=dashed];\n}\n";
        assert_eq!(dot("ci", &nodes), wanted);
    }
}
