//! Deterministic simulation. A seed is a pipeline, a script for every attempt, and a list of
//! faults and commands; the same seed is the same run for ever.
//!
//! ```text
//! spec, generate      random valid pipelines, as YAML
//! faults              what goes wrong and who interferes
//! hands               children, probes, and a post that is late, double or out of order
//! world               clock, journal, server that dies; one step at a time
//! invariants          a second bookkeeper who must agree with every event
//! oracle              what an undisturbed run must come to, from the page of semantics alone
//! fleet               many runs, few places
//! orchestration       many tasks, one installation
//! coverage            what the seeds must have seen
//! shrink              from a failing seed to a small file in `tests/failures/`
//! ```
//!
//! `ORCHESTRATE_SIM_SEEDS` says how many seeds (500), `ORCHESTRATE_SIM_SEED` runs one and tells it.

/// The complaint of whoever checks: `Err` with a sentence.
macro_rules! ensure {
    ($ok:expr, $($says:tt)*) => {
        if !$ok {
            return Err(format!($($says)*));
        }
    };
}

mod coverage;
mod faults;
mod fleet;
mod generate;
mod hands;
mod invariants;
mod named;
mod oracle;
mod orchestration;
pub(crate) mod recorded;
mod rng;
mod shadow;
mod shrink;
mod spec;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use self::coverage::Coverage;

const DEFAULT_SEEDS: u64 = 500;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
fn random_runs_keep_every_invariant() {
    if let Some(seed) = number("ORCHESTRATE_SIM_SEED") {
        return tell(seed);
    }
    let seeds = number("ORCHESTRATE_SIM_SEEDS").unwrap_or(DEFAULT_SEEDS);
    let next = Arc::new(AtomicU64::new(0));
    let broken = Arc::new(Mutex::new(None::<(u64, String)>));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let threads: Vec<_> = (0..workers)
        .map(|_| {
            let (next, broken) = (next.clone(), broken.clone());
            std::thread::spawn(move || work(seeds, &next, &broken))
        })
        .collect();
    let mut coverage = Coverage::default();
    for thread in threads {
        coverage.merge(thread.join().unwrap());
    }
    if let Some((seed, says)) = broken.lock().unwrap().take() {
        panic!("{}", shrink::report(&faults::case(seed), &says));
    }
    println!("{} steps, {} runs foretold by the oracle", coverage.steps, coverage.predicted);
    assert!(coverage.predicted * 3 > seeds, "the oracle foretold only {}", coverage.predicted);
    let missing = coverage.missing();
    assert!(seeds < DEFAULT_SEEDS || missing.is_empty(), "no seed has seen: {missing:#?}");
}

/// Takes seeds until none is left or one is broken; keeps the smallest broken one.
fn work(seeds: u64, next: &AtomicU64, broken: &Mutex<Option<(u64, String)>>) -> Coverage {
    let mut coverage = Coverage::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= seeds || broken.lock().unwrap().as_ref().is_some_and(|(at, _)| *at < seed) {
            return coverage;
        }
        let case = faults::case(seed);
        match shrink::attempt(&case) {
            Ok(seen) => coverage.merge(seen),
            Err(says) => {
                let mut broken = broken.lock().unwrap();
                if broken.as_ref().is_none_or(|(at, _)| seed < *at) {
                    *broken = Some((seed, says));
                }
            }
        }
    }
}

/// For whoever works on the engine: every kind of failure once, with the smallest case of it.
#[test]
#[ignore = "a survey, not a check"]
fn survey_of_failures() {
    let seeds = number("ORCHESTRATE_SIM_SEEDS").unwrap_or(DEFAULT_SEEDS);
    let mut kinds = std::collections::BTreeMap::new();
    for seed in 0..seeds {
        if let Err(says) = shrink::attempt(&faults::case(seed)) {
            kinds.entry(shrink::kind(&says)).or_insert((0, seed, says)).0 += 1;
        }
    }
    for (count, seed, says) in kinds.values() {
        let small = shrink::report(&faults::case(*seed), says);
        println!("{count} x seed {seed}: {}\n   {}", says, small.lines().last().unwrap_or(""));
    }
}

fn tell(seed: u64) {
    let case = faults::case(seed);
    println!("{}\n{:?}, {} acts", case.spec.yaml(), case.weather, case.acts.len());
    let (_, told, result) = world::simulate(&case, true);
    for line in told {
        println!("{line}");
    }
    if let Err(says) = result {
        panic!("{}", shrink::report(&case, &says));
    }
}

#[test]
fn a_seed_is_one_run_for_ever() {
    for seed in 0..20 {
        let [first, second] = [(); 2].map(|()| world::simulate(&faults::case(seed), true).1);
        assert_eq!(first, second, "seed {seed}");
    }
}
