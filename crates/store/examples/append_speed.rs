//! Measures the memory on disk: `cargo run --release -p store --example append_speed [FOLDER]`.
//!
//! Without a folder a temporary one under the current directory is used, so that the disk that is
//! measured is the one at hand and not a memory file system.
#![expect(clippy::print_stdout, reason = "its figures are its purpose")]

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use engine::event::{Conclusion, Event, Outcome, Settled, Stamped};
use engine::id::{ExecutionId, RunId};
use jiff::Timestamp;
use serde_json::json;
use store::folder::Folder;
use store::port::{Append, Change, Read, RunQuery, RunRow, StageRow, Write};
use uuid::Uuid;

type Any = Box<dyn Error>;

fn main() -> Result<(), Any> {
    let temporary = tempfile::Builder::new().prefix("append-speed").tempdir_in(".")?;
    let place = std::env::args().nth(1).map_or(temporary.path().join("data"), PathBuf::from);
    let folder = Folder::open(&place)?;
    let lock = folder.lock("measure")?;
    let (mut writer, reader) = store::sqlite::open(&folder, &lock)?;
    let mut bench = Bench { writer: &mut writer, runs: 0 };

    println!("{:<44} {:>12} {:>12} {:>14}", "workload", "events/s", "stages/s", "per commit");
    bench.measure("1 run, 1 event a commit", 1, 0, 1, Duration::from_secs(2))?;
    bench.measure("1 run, 3 events and 1 stage a commit", 3, 1, 1, Duration::from_secs(2))?;
    bench.measure("100 runs, 3 events and 1 stage each", 3, 1, 100, Duration::from_secs(3))?;
    bench.measure(
        "1 run, 3,000 events and 1,000 stages",
        3_000,
        1_000,
        1,
        Duration::from_secs(3),
    )?;
    bench.measure(
        "10 runs, 300 events and 100 stages each",
        300,
        100,
        10,
        Duration::from_secs(3),
    )?;
    bench.finished_runs(100_000)?;
    lists(&reader)?;
    let start = Instant::now();
    let verified = reader.verify()?;
    println!(
        "verified {} events of {} runs in {:.1?}",
        verified.events,
        verified.runs,
        start.elapsed()
    );
    println!("{} bytes on disk", reader.health()?.bytes);
    Ok(())
}

struct Bench<'a> {
    writer: &'a mut dyn Write,
    runs: u64,
}

impl Bench<'_> {
    /// Commits batches for a while: each moves `width` runs by `events` and `stages`.
    fn measure(
        &mut self,
        name: &str,
        events: u64,
        stages: u32,
        width: u64,
        time: Duration,
    ) -> Result<(), Any> {
        let first = self.runs;
        self.runs += width;
        let (mut after, mut commits) = (0, 0_u32);
        let mut spent = Duration::ZERO;
        while spent < time {
            let changes: Vec<Change> =
                (first..first + width).map(|n| append(n, after, events, stages)).collect();
            let start = Instant::now();
            self.writer.commit(&changes)?;
            spent += start.elapsed();
            after += events;
            commits += 1;
        }
        let rate = |count: u64| (count * u64::from(commits)) as f64 / spent.as_secs_f64();
        println!(
            "{name:<44} {:>12.0} {:>12.0} {:>14.2?}",
            rate(events * width),
            rate(u64::from(stages) * width),
            spent / commits
        );
        Ok(())
    }

    fn finished_runs(&mut self, count: u64) -> Result<(), Any> {
        let start = Instant::now();
        let last = self.runs + count;
        while self.runs < last {
            let next = last.min(self.runs + 500);
            let changes: Vec<Change> = (self.runs..next).map(finished).collect();
            self.writer.commit(&changes)?;
            self.runs = next;
        }
        let rate = count as f64 / start.elapsed().as_secs_f64();
        println!("{:<44} {rate:>12.0} runs/s", "finished runs, 500 a commit");
        Ok(())
    }
}

fn run(n: u64) -> RunId {
    RunId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + u128::from(n)))
}

fn append(n: u64, after: u64, events: u64, stages: u32) -> Change {
    let events = (after + 1..=after + events).map(settled).collect();
    let stage = |instance| StageRow {
        stage: "integration-tests".to_owned(),
        instance,
        status: "succeeded".to_owned(),
        outcome: Some("succeeded".to_owned()),
        conclusion: Some("success".to_owned()),
        attempts: 1,
        started_at: Some(Timestamp::UNIX_EPOCH),
        finished_at: Some(Timestamp::UNIX_EPOCH),
    };
    let stages = (0..stages).map(stage).collect();
    let (requests, artifacts, notices) = (Vec::new(), Vec::new(), Vec::new());
    let row = row(n, "running");
    Change::Append(Append { run: run(n), after, events, row, stages, requests, artifacts, notices })
}

fn finished(n: u64) -> Change {
    let status = if n.is_multiple_of(10) { "failed" } else { "succeeded" };
    let row = row(n, status);
    Change::Append(Append {
        run: run(n),
        after: 0,
        events: vec![settled(1)],
        row,
        stages: Vec::new(),
        requests: Vec::new(),
        artifacts: Vec::new(),
        notices: Vec::new(),
    })
}

fn settled(n: u64) -> Stamped {
    let execution = ExecutionId::stage(format!("stage-{n}"));
    let event = Event::ExecutionSettled {
        execution,
        outcome: Outcome::Succeeded,
        conclusion: Conclusion::Success,
        reason: Settled::Done,
        outputs: indexmap::IndexMap::new(),
    };
    Stamped { at: Timestamp::UNIX_EPOCH + Duration::from_micros(n), event }
}

fn row(n: u64, status: &str) -> RunRow {
    RunRow {
        id: run(n),
        pipeline: format!("pipeline-{}", n % 50),
        number: n,
        revision: 1,
        status: status.to_owned(),
        finished: status != "running",
        reason: String::new(),
        by: "ana".to_owned(),
        trigger: "manual".to_owned(),
        created_at: Timestamp::UNIX_EPOCH,
        started_at: Some(Timestamp::UNIX_EPOCH),
        finished_at: None,
        extends: None,
        parent: None,
        superseded: false,
        task: None,
        mode: "production".to_owned(),
        rollout: "production".to_owned(),
        progress: json!({ "total": 1000, "settled": n % 1000, "running": 1, "waiting": 0 }),
    }
}

fn lists(reader: &dyn Read) -> Result<(), Any> {
    let all = || RunQuery { limit: 50, ..RunQuery::default() };
    let pipeline = || Some("pipeline-7".to_owned());
    let before = Some(run(50_000));
    let failed = || vec!["failed".to_owned()];
    let queries = [
        ("all", all()),
        ("from the middle", RunQuery { before, ..all() }),
        ("finished, from the middle", RunQuery { finished: Some(true), before, ..all() }),
        ("unfinished", RunQuery { finished: Some(false), ..all() }),
        (
            "failed or cancelled",
            RunQuery { statuses: [failed(), vec!["cancelled".into()]].concat(), ..all() },
        ),
        ("of a pipeline", RunQuery { pipeline: pipeline(), ..all() }),
        (
            "failed of a pipeline",
            RunQuery { pipeline: pipeline(), statuses: failed(), before, ..all() },
        ),
    ];
    for (name, query) in queries {
        reader.runs(&query)?;
        let start = Instant::now();
        let rows = reader.runs(&query)?.len();
        println!("list of {rows:>2} runs, {name:<30} {:>14.2?}", start.elapsed());
    }
    Ok(())
}
