//! Golden histories: journals that an earlier version wrote must fold to the same run for ever.
//!
//! One folder per history in `tests/journals/`: `pipeline.yaml`, `journal.jsonl` (one event per
//! line, as it was stored) and `expect.json`. A file here is never edited: a change that makes one
//! fold to something else breaks every data folder out there. New ones are recorded with
//! `cargo test -p engine --test it record_histories -- --ignored`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use engine::Run;
use engine::event::{Event, Stamped};
use serde_json::{Value as Json, json};

use crate::sim::recorded;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/journals")
}

/// What a history must fold to: read off the state, not off the events.
fn folded(run: &Run) -> Json {
    let desired = run.desired();
    let names = |attempts: &[engine::id::AttemptId]| {
        attempts
            .iter()
            .map(|one| json!(format!("{} #{} fence {}", one.execution, one.number, one.fence)))
            .collect::<Vec<_>>()
    };
    let stops: Vec<_> = desired.stops.iter().map(|(attempt, _)| attempt.clone()).collect();
    let timers: Vec<_> = desired
        .timers
        .iter()
        .map(|timer| {
            json!(format!("{:?} of {} at {}", timer.id.kind, timer.id.execution, timer.due))
        })
        .collect();
    json!({
        "status": run.status().word(),
        "attempts": names(&desired.attempts),
        "stops": names(&stops),
        "probes": names(&desired.probes),
        "timers": timers,
    })
}

/// After every so many events, so that the middle of a history counts too.
const STRIDE: usize = 5;

fn history(pipeline: &str, journal: &[Stamped]) -> Json {
    let pipeline = recorded::compile(pipeline).unwrap();
    let mut run = Run::new(pipeline);
    let mut points = BTreeMap::new();
    for (at, stamped) in journal.iter().enumerate() {
        run.evolve(stamped).unwrap();
        if (at + 1) % STRIDE == 0 || at + 1 == journal.len() {
            points.insert(format!("{:04}", at + 1), folded(&run));
        }
    }
    json!(points)
}

fn read(journal: &str) -> Vec<Stamped> {
    journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_stored_history_folds_to_the_same_run() {
    let mut kinds = BTreeSet::new();
    let mut count = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let text = |name: &str| std::fs::read_to_string(path.join(name)).unwrap();
        let journal = read(&text("journal.jsonl"));
        let expect: Json = serde_json::from_str(&text("expect.json")).unwrap();
        assert_eq!(history(&text("pipeline.yaml"), &journal), expect, "{}", path.display());
        kinds.extend(journal.iter().map(|stamped| word(&stamped.event)));
        count += 1;
    }
    assert!(count >= 5, "only {count} histories");
    let missing = recorded::unseen(&kinds);
    assert!(missing.is_empty(), "no history holds {missing:?}");
}

fn word(event: &Event) -> String {
    serde_json::to_value(event).unwrap()["type"].as_str().unwrap().to_owned()
}

/// Writes the histories of a version that is about to be released. Never overwrites one.
#[test]
#[ignore = "writes files"]
fn record_histories() {
    for (name, pipeline, journal) in recorded::histories() {
        let path = folder().join(&name);
        if path.exists() {
            continue;
        }
        std::fs::create_dir_all(&path).unwrap();
        let lines: Vec<_> =
            journal.iter().map(|stamped| serde_json::to_string(stamped).unwrap()).collect();
        std::fs::write(path.join("pipeline.yaml"), &pipeline).unwrap();
        std::fs::write(path.join("journal.jsonl"), lines.join("\n") + "\n").unwrap();
        let expect = serde_json::to_string_pretty(&history(&pipeline, &journal)).unwrap();
        std::fs::write(path.join("expect.json"), expect + "\n").unwrap();
        println!("recorded {name}: {} events", journal.len());
    }
}
