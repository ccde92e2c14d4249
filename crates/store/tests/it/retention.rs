//! What may go, and what never does.

use engine::event::{ArtifactRef, Event, Inherited, RunLink, Stamped};
use pipeline::when::Facts;
use serde_json::json;
use store::conformance::sample::{append, artifact, at, request, row, run};
use store::memory::{MemoryReader, MemoryWriter};
use store::port::{Append, ArtifactRow, Change, RequestKind, RunRow, Write};
use store::retention::{Plan, Policy, plan, references};

const DAY: u64 = 24 * 3600 * 1000;

struct Kept {
    writer: MemoryWriter,
    reader: MemoryReader,
}

fn digest(n: u64) -> String {
    format!("{n:064x}")
}

fn file(n: u64, bytes: u64) -> ArtifactRow {
    ArtifactRow { digest: digest(n), bytes, ..artifact("plan", 1, &format!("a{n}"), "promoted") }
}

impl Kept {
    fn new() -> Self {
        let (writer, reader) = store::memory::open();
        Self { writer, reader }
    }

    /// Run `n` of `ci`, which ended on day `n`.
    fn ended(&mut self, n: u64, files: Vec<ArtifactRow>) {
        let mut line = row(run(n), "ci", n, "succeeded");
        line.finished_at = Some(at(n * DAY));
        self.add(line, files, Vec::new());
    }

    fn add(&mut self, line: RunRow, artifacts: Vec<ArtifactRow>, events: Vec<Stamped>) {
        let base = append(line, 0, 1);
        let events = if events.is_empty() { base.events.clone() } else { events };
        self.writer.commit(&[Change::Append(Append { artifacts, events, ..base })]).unwrap();
    }

    fn plan(&self, policy: Policy, day: u64) -> Plan {
        plan(&self.reader, &policy, at(day * DAY)).unwrap()
    }
}

fn days(days: u32) -> Policy {
    Policy { keep_days: Some(days), ..Policy::default() }
}

fn created(n: u64, from: u64, given: &[u64]) -> Stamped {
    let link = RunLink { run: run(from), name: format!("ci#{from}"), number: from };
    let artifacts = given.iter().map(|&n| ArtifactRef {
        name: "plan".into(),
        path: "plan.md".into(),
        digest: digest(n),
        bytes: 1,
        format: "md".into(),
    });
    let inherited = Inherited {
        stage: "plan".into(),
        from: link.clone(),
        outputs: json!({}),
        artifacts: artifacts.collect(),
    };
    let event = Event::RunCreated {
        run: run(n),
        pipeline: "ci".into(),
        number: n,
        revision: 1,
        digest: String::new(),
        by: "ana".into(),
        inputs: indexmap::IndexMap::new(),
        event: json!(null),
        facts: Facts::default(),
        directory: String::new(),
        seed: 1,
        group: None,
        problem: None,
        extends: Some(link),
        inherited: vec![inherited],
        parent: None,
        environments: indexmap::IndexMap::new(),
        config: indexmap::IndexMap::new(),
        breakpoints: Vec::new(),
        step: false,
        task: None,
        held: false,
        traceparent: None,
        mode: Default::default(),
        rollout: Default::default(),
        notify: indexmap::IndexMap::new(),
    };
    Stamped { at: at(0), event }
}

#[test]
fn without_a_rule_everything_stays() {
    let mut kept = Kept::new();
    kept.ended(1, vec![file(1, 10)]);
    kept.ended(2, vec![file(2, 5)]);
    assert_eq!(kept.plan(Policy::default(), 999), Plan { drop: vec![], bytes: 15, over: 0 });
}

#[test]
fn either_rule_keeps() {
    let mut kept = Kept::new();
    for n in 1..=6 {
        kept.ended(n, vec![file(n, 10)]);
    }
    assert_eq!(kept.plan(days(3), 7).drop, [1, 2, 3]);
    let runs = |n| Policy { keep_runs: Some(n), ..Policy::default() };
    assert_eq!(kept.plan(runs(2), 7).drop, [1, 2, 3, 4]);
    assert_eq!(kept.plan(Policy { keep_runs: Some(2), ..days(4) }, 7).drop, [1, 2]);
    // The latest run stays, however old it is.
    assert_eq!(kept.plan(days(1), 999).drop, [1, 2, 3, 4, 5]);
    assert_eq!(kept.plan(runs(0), 7).drop, [1, 2, 3, 4, 5]);
}

#[test]
fn above_the_quota_the_oldest_goes_first() {
    let mut kept = Kept::new();
    for n in 1..=4 {
        kept.ended(n, vec![file(n, 10)]);
    }
    // The same content again frees nothing as long as one of its rows stays.
    kept.ended(5, vec![file(2, 10)]);
    let quota = |bytes| Policy { quota_bytes: Some(bytes), ..Policy::default() };
    assert_eq!(kept.plan(quota(40), 9), Plan { drop: vec![], bytes: 40, over: 0 });
    assert_eq!(kept.plan(quota(39), 9), Plan { drop: vec![1], bytes: 30, over: 0 });
    assert_eq!(kept.plan(quota(25), 9), Plan { drop: vec![1, 2, 3], bytes: 20, over: 0 });
    assert_eq!(kept.plan(quota(5), 9), Plan { drop: vec![1, 2, 3, 4], bytes: 10, over: 5 });
}

#[test]
fn what_has_not_finished_keeps_everything_of_its_own() {
    let mut kept = Kept::new();
    kept.add(row(run(1), "ci", 1, "running"), vec![file(1, 10)], Vec::new());
    kept.ended(2, vec![file(2, 10)]);
    kept.ended(3, vec![]);
    let policy = Policy { quota_bytes: Some(0), ..days(0) };
    assert_eq!(kept.plan(policy, 99).drop, [2]);
}

#[test]
fn what_a_run_that_is_kept_was_given_stays() {
    let mut kept = Kept::new();
    kept.ended(1, vec![file(1, 10), file(2, 10)]);
    kept.ended(2, vec![file(3, 10)]);
    let mut heir = row(run(3), "ci", 3, "succeeded");
    heir.extends = Some(run(1));
    heir.finished_at = Some(at(50 * DAY));
    kept.add(heir, vec![file(4, 10)], vec![created(3, 1, &[2])]);
    kept.ended(60, vec![]);
    assert_eq!(kept.plan(days(20), 60).drop, [1, 3], "2 was given to a run that is kept");
    assert_eq!(kept.plan(days(5), 60).drop, [1, 2, 3, 4], "and that run goes, too");
}

#[test]
fn references_are_all_that_is_named_anywhere() {
    let mut kept = Kept::new();
    kept.ended(1, vec![file(1, 10), file(2, 10)]);
    kept.writer.commit(&[Change::DropArtifacts { numbers: vec![1] }]).unwrap();
    let mut heir = row(run(2), "ci", 2, "running");
    heir.extends = Some(run(1));
    kept.add(heir.clone(), vec![], vec![created(2, 1, &[3])]);
    let mut form = request(RequestKind::Input, "a", 1, "open");
    form.body = json!({ "values": { "log": { "name": "x", "digest": digest(4), "bytes": 1 } } });
    let base = append(heir, 1, 1);
    kept.writer.commit(&[Change::Append(Append { requests: vec![form], ..base })]).unwrap();
    let values = json!({ "files": [{ "digest": digest(5) }], "no": "digest" });
    let draft = Change::SaveDraft { request: 1, values, seen: None, by: "ana".into(), at: at(1) };
    kept.writer.commit(&[draft]).unwrap();
    let mut found: Vec<String> = references(&kept.reader).unwrap().into_iter().collect();
    found.sort();
    assert_eq!(found, [digest(2), digest(3), digest(4), digest(5)]);
}
