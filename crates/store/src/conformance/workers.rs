use super::Fixture;
use super::sample::at;
use crate::port::{Change, Outcome, WorkerChange, WorkerRow, WorkerState};

fn row(name: &str) -> WorkerRow {
    WorkerRow {
        name: name.to_owned(),
        session: "s1".to_owned(),
        identity: "5e".repeat(32),
        labels: ["gpu", "linux"].map(str::to_owned).into(),
        slots: 4,
        version: "0.1.0".to_owned(),
        host: "box".to_owned(),
        platform: "linux x86_64".to_owned(),
        cpus: 8,
        memory_bytes: 1 << 34,
        state: WorkerState::There,
        drained_by: None,
        lease_ms: 30_000,
        since: at(5),
        heard_at: at(6),
    }
}

pub fn workers_are_kept_until_they_are_forgotten(mut memory: Fixture) {
    let mut change = |change: WorkerChange| {
        assert_eq!(memory.commit(Change::Worker(change)), Outcome::Done);
        memory.reader.workers().expect("reads")
    };
    let put = |row: &WorkerRow| WorkerChange::Put(Box::new(row.clone()));
    let (first, second) = (row("g2"), row("g1"));
    assert_eq!(change(put(&first)), std::slice::from_ref(&first));
    assert_eq!(change(put(&second)), [second.clone(), first]);
    let drained = WorkerRow {
        state: WorkerState::Drained,
        drained_by: Some("ann".to_owned()),
        since: at(9),
        ..row("g2")
    };
    assert_eq!(change(put(&drained)), [second.clone(), drained]);
    let forget = |name: &str| WorkerChange::Forget { name: name.to_owned() };
    assert_eq!(change(forget("g2")), std::slice::from_ref(&second));
    assert_eq!(change(forget("g2")), [second], "it is not known any more");
}
