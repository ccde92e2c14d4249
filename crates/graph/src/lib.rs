//! A graph of stages on paper: in layers from left to right, as text, DOT or SVG. Pure.
//!
//! The layout is our own because the two well-kept crates for it were measured and do not fit: on
//! 1,000 nodes with 1,957 edges `dagre` 0.1.2 takes 2.6 to 11 s, `rust-sugiyama` 0.4.0 takes 0.4 s
//! and gives another drawing at each call. A drawing has to be the same each time, and cost 50 ms
//! at most.

mod dot;
mod layout;
mod outline;
mod svg;
mod text;

pub use dot::dot;
pub use layout::{Layout, Place, Route, layout};
pub use outline::outline;
pub use svg::svg;
pub use text::text;

/// A stage to draw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    /// Said behind the name: `x3`, `[approval 2]`.
    pub mark: String,
    /// Names of nodes that come before it, in any order; unknown ones are left out.
    pub after: Vec<String>,
    /// The same, where it may start without waiting for their end: events, conditions.
    pub hears: Vec<String>,
}

impl Node {
    /// What is written in its place.
    pub fn label(&self) -> String {
        if self.mark.is_empty() {
            self.name.clone()
        } else {
            format!("{} {}", self.name, self.mark)
        }
    }
}

#[cfg(test)]
pub(crate) fn sample() -> Vec<Node> {
    let node = |name: &str, mark: &str, after: &[&str]| Node {
        name: name.into(),
        mark: mark.into(),
        after: after.iter().map(|name| (*name).to_owned()).collect(),
        hears: Vec::new(),
    };
    vec![
        node("plan", "", &[]),
        node("implement", "x3", &["plan"]),
        node("security-scan", "", &["plan"]),
        node("review", "", &["implement"]),
        node("deploy-staging", "", &["review", "security-scan"]),
        node("deploy-prod", "[approval 2]", &["deploy-staging"]),
    ]
}
