//! The roles and loops that come with the product.

const AGENTS: [(&str, &str); 6] = [
    ("architect", include_str!("roles/architect.md")),
    ("implementer", include_str!("roles/implementer.md")),
    ("researcher", include_str!("roles/researcher.md")),
    ("reviewer", include_str!("roles/reviewer.md")),
    ("supervisor", include_str!("roles/supervisor.md")),
    ("tester", include_str!("roles/tester.md")),
];

const LOOPS: [(&str, &str); 4] = [
    ("phase", include_str!("loops/phase.yaml")),
    ("plan", include_str!("loops/plan.yaml")),
    ("ralph", include_str!("loops/ralph.yaml")),
    ("spec", include_str!("loops/spec.yaml")),
];

/// Names and files, in order of the names.
pub fn agents() -> impl Iterator<Item = (&'static str, &'static str)> {
    AGENTS.into_iter()
}

/// Names and files, in order of the names.
pub fn loops() -> impl Iterator<Item = (&'static str, &'static str)> {
    LOOPS.into_iter()
}
