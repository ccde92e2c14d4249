//! Histories for `tests/journals/`: a handful of seeds that together hold every kind of event.

use std::collections::BTreeSet;

use engine::event::Stamped;

use crate::sim::coverage::all;
use crate::sim::faults;
use crate::sim::oracle;
use crate::sim::world::World;
pub(crate) use crate::sim::world::compile;

pub(crate) fn unseen(kinds: &BTreeSet<String>) -> Vec<&'static str> {
    all().filter(|kind| !kinds.contains(*kind)).collect()
}

/// Name, pipeline, journal: seeds are taken as long as they add a kind of event, then a few more.
pub(crate) fn histories() -> Vec<(String, String, Vec<Stamped>)> {
    let mut seen = BTreeSet::new();
    let mut out = vec![];
    for seed in 0.. {
        let case = faults::case(seed);
        let nodes = oracle::graph(&case.spec);
        let mut world = World::new(&case, &nodes).unwrap();
        world.begin(false).unwrap();
        world.finish().unwrap();
        let kinds: BTreeSet<_> = world.journal.iter().map(|stamped| stamped.event.name()).collect();
        let long = (20..160).contains(&world.journal.len());
        let adds = !kinds.is_subset(&seen);
        if long && (adds || (kinds.len() > 24 && out.len() < 6)) {
            seen.extend(kinds);
            out.push((format!("v3-{seed:04}"), case.spec.yaml(), world.journal));
        }
        if seen.len() == all().count() && out.len() >= 6 {
            return out;
        }
    }
    unreachable!("seeds do not end")
}
