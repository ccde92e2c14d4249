//! Measures the trail of decisions: `cargo run -p store --example audit_speed [EVENTS]`.
//!
//! A tenth of the events are decisions, of ten people, over runs of 10,000 events each.
#![expect(clippy::print_stdout, reason = "its figures are its purpose")]

use std::error::Error;
use std::time::{Duration, Instant};

use engine::event::{Event, Stamped};
use engine::id::{AttemptId, ExecutionId, RunId};
use jiff::Timestamp;
use serde_json::json;
use store::folder::Folder;
use store::port::{Append, AuditQuery, Change, Read, RunRow, Write};
use uuid::Uuid;

const PER_RUN: u64 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let count: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |count| count.parse())?;
    let place = tempfile::Builder::new().prefix("audit-speed").tempdir_in(".")?;
    let folder = Folder::open(&place.path().join("data"))?;
    let lock = folder.lock("measure")?;
    let (mut writer, reader) = store::sqlite::open(&folder, &lock)?;
    let start = Instant::now();
    for n in 0..count / PER_RUN {
        writer.commit(&[Change::Append(append(n))])?;
    }
    println!("{count} events written in {:.1?}", start.elapsed());
    let all = || AuditQuery { limit: 50, ..AuditQuery::default() };
    let text = |text: &str| Some(text.to_owned());
    let queries = [
        ("the newest", all()),
        ("from the middle", AuditQuery { before: Some(count / 2), ..all() }),
        ("of a run", AuditQuery { run: Some(run(3)), ..all() }),
        ("of a run, by one", AuditQuery { run: Some(run(3)), by: text("user-3"), ..all() }),
        ("by one", AuditQuery { by: text("user-3"), ..all() }),
        ("by nobody", AuditQuery { by: text("nobody"), ..all() }),
        ("of a kind", AuditQuery { action: text("run.paused"), ..all() }),
        (
            "of a kind, by one",
            AuditQuery { action: text("run.resumed"), by: text("user-3"), ..all() },
        ),
        ("of late", AuditQuery { since: Some(at(count - 1_000)), ..all() }),
        ("before the beginning", AuditQuery { until: Some(at(0)), ..all() }),
        ("of all time", AuditQuery { since: Some(at(0)), ..all() }),
        (
            "in the middle",
            AuditQuery { since: Some(at(count / 2)), until: Some(at(count / 2 + 600)), ..all() },
        ),
    ];
    for (name, query) in queries {
        reader.audit(&query)?;
        let start = Instant::now();
        let rows = reader.audit(&query)?.len();
        println!("{rows:>2} decisions, {name:<24} {:>12.2?}", start.elapsed());
    }
    let start = Instant::now();
    reader.verify()?;
    println!("verified in {:.1?}", start.elapsed());
    Ok(())
}

fn run(n: u64) -> RunId {
    RunId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + u128::from(n)))
}

fn at(n: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::from_millis(n)
}

fn append(n: u64) -> Append {
    let events = (n * PER_RUN..(n + 1) * PER_RUN).map(event).collect();
    let row = RunRow {
        id: run(n),
        pipeline: "ci".to_owned(),
        number: n + 1,
        revision: 1,
        status: "succeeded".to_owned(),
        finished: true,
        reason: String::new(),
        by: "ana".to_owned(),
        trigger: "manual".to_owned(),
        created_at: at(n),
        started_at: None,
        finished_at: None,
        progress: json!({}),
        extends: None,
        parent: None,
        superseded: false,
        task: None,
        mode: "production".to_owned(),
        rollout: "production".to_owned(),
    };
    let (stages, requests) = (Vec::new(), Vec::new());
    let (artifacts, notices) = (Vec::new(), Vec::new());
    Append { run: run(n), after: 0, events, row, stages, requests, artifacts, notices }
}

fn event(n: u64) -> Stamped {
    let execution = ExecutionId::stage("build");
    let event = match n % 10 {
        0 => Event::RunPaused { by: format!("user-{}", n / 10 % 10), now: false },
        _ => Event::AttemptScheduled { attempt: AttemptId { execution, number: 1, fence: n } },
    };
    Stamped { at: at(n), event }
}
