//! A graph as indented text: each stage under its first dependency, the others named.

use std::collections::HashMap;

/// A stage to draw; dependencies come before their dependants or after, in any order.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    pub name: &'a str,
    pub depends_on: Vec<&'a str>,
    /// Said behind the name.
    pub mark: &'a str,
}

/// One line a stage:
///
/// ```text
/// plan
/// +-- implement xN
/// |   +-> review  (also needs security-scan)
/// +-- security-scan
/// ```
pub fn text(nodes: &[Node<'_>]) -> String {
    let mut children: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, node) in nodes.iter().enumerate() {
        if let Some(&parent) = node.depends_on.first() {
            children.entry(parent).or_default().push(place);
        }
    }
    let mut out = String::new();
    // A stack of our own: a chain of 10,000 stages must not overflow the program's.
    let mut todo: Vec<(usize, String, String)> = (0..nodes.len())
        .rev()
        .filter(|&place| nodes[place].depends_on.is_empty())
        .map(|place| (place, String::new(), String::new()))
        .collect();
    while let Some((place, lead, below)) = todo.pop() {
        let node = &nodes[place];
        out.push_str(&lead);
        out.push_str(node.name);
        out.push_str(node.mark);
        if let Some(others) = node.depends_on.get(1..).filter(|others| !others.is_empty()) {
            out.push_str(&format!("  (also needs {})", others.join(", ")));
        }
        out.push('\n');
        let hanging = children.get(node.name).map_or(&[][..], Vec::as_slice);
        // A chain stays on its column: a list of a hundred stages is a list, not a staircase.
        if let [only] = hanging {
            todo.push((*only, format!("{below}+-> "), below));
            continue;
        }
        for (from_last, &child) in hanging.iter().rev().enumerate() {
            let deeper = if from_last == 0 { "    " } else { "|   " };
            todo.push((child, format!("{below}+-- "), format!("{below}{deeper}")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node<'a>(name: &'a str, depends_on: &[&'a str], mark: &'a str) -> Node<'a> {
        Node { name, depends_on: depends_on.to_vec(), mark }
    }

    #[test]
    fn branches_hang_below_their_first_dependency() {
        let nodes = [
            node("plan", &[], ""),
            node("implement", &["plan"], " xN"),
            node("scan", &["plan"], ""),
            node("review", &["implement", "scan"], ""),
            node("ship", &["review"], ""),
        ];
        let expected = "\
plan
+-- implement xN
|   +-> review  (also needs scan)
|   +-> ship
+-- scan
";
        assert_eq!(text(&nodes), expected);
    }
}
