//! As indented text: each stage under its first predecessor, the others named.

use std::collections::HashMap;

use crate::Node;

/// One line a stage:
///
/// ```text
/// plan
/// +-- implement xN
/// |   +-> review  (also needs security-scan)
/// +-- security-scan
/// ```
pub fn outline(nodes: &[Node]) -> String {
    let mut children: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, node) in nodes.iter().enumerate() {
        if let Some(parent) = firsts(node).next() {
            children.entry(parent).or_default().push(place);
        }
    }
    let mut out = String::new();
    // A stack of our own: a chain of 10,000 stages must not overflow the program's.
    let mut todo: Vec<(usize, String, String)> = (0..nodes.len())
        .rev()
        .filter(|&place| firsts(&nodes[place]).next().is_none())
        .map(|place| (place, String::new(), String::new()))
        .collect();
    while let Some((place, lead, below)) = todo.pop() {
        let node = &nodes[place];
        out.push_str(&lead);
        out.push_str(&node.label());
        let others: Vec<&str> = firsts(node).skip(1).collect();
        if !others.is_empty() {
            out.push_str(&format!("  (also needs {})", others.join(", ")));
        }
        out.push('\n');
        let hanging = children.get(node.name.as_str()).map_or(&[][..], Vec::as_slice);
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

fn firsts(node: &Node) -> impl Iterator<Item = &str> {
    node.after.iter().chain(&node.hears).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_hang_below_their_first_dependency() {
        let expected = "\
plan
+-- implement x3
|   +-> review
|   +-> deploy-staging  (also needs security-scan)
|   +-> deploy-prod [approval 2]
+-- security-scan
";
        assert_eq!(outline(&crate::sample()), expected);
    }
}
