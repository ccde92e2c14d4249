//! What fails outside: the disk, a journal, the hands.

use std::sync::{Arc, Mutex};

use api::link::{Order, What};
use engine::id::RunId;
use serde_json::{Value as Json, json};
use store::port::Read;
use uuid::Uuid;

use crate::bench::{Bench, by_hand};
use crate::disk::Disk;
use crate::starts::CHAIN;

fn id(run: &Json) -> RunId {
    RunId(Uuid::parse_str(run["id"].as_str().unwrap()).unwrap())
}

#[tokio::test]
async fn a_full_disk_refuses_says_so_and_recovers_by_itself() {
    let disk = Disk::new();
    let mut bench = Bench::on_disk(&disk);
    bench.start(CHAIN).await;
    let one = bench.hands.started().await;
    bench.hands.say(&one, What::Started { pid: 1 });
    disk.change(|disk| disk.full = true);
    bench.hands.exit(&one, 0);
    let start = json!({"definition": CHAIN});
    bench.refused("POST", "/api/runs", start, 503, "storage_full").await;
    bench.refused("POST", "/api/runs/chain~1/cancel", Json::Null, 503, "storage_full").await;
    bench.refused("GET", "/readyz", Json::Null, 503, "not_ready").await;
    let status = bench.get("/api/status").await;
    assert_eq!(status["storage"]["ok"], false);
    // Nothing of it is shown.
    let detail = bench.get("/api/runs/chain~1").await;
    assert_eq!(detail["status"], "running");
    assert_eq!(detail["stages"][0]["outcome"], Json::Null);
    disk.change(|disk| disk.full = false);
    // The end that was reported while the disk was full was kept: the next stage starts.
    let two = bench.hands.started().await;
    assert_eq!(two.execution, "two");
    bench.hands.exit(&two, 0);
    assert_eq!(bench.finished("chain#1").await["status"], "succeeded");
    assert_eq!(bench.get("/api/status").await["storage"]["ok"], true);
    assert_eq!(bench.start(CHAIN).await["number"], 2);
}

#[tokio::test]
async fn a_run_that_could_not_be_stored_keeps_its_turn() {
    let disk = Disk::new();
    let mut bench = Bench::on_disk(&disk);
    let text = "name: g\nconcurrency: deploys\nstages:\n  - {name: a, run: 'true'}\n";
    bench.start(text).await;
    let first = bench.hands.started().await;
    disk.change(|disk| disk.full = true);
    bench.hands.exit(&first, 0);
    bench.refused("POST", "/api/runs", json!({"definition": text}), 503, "storage_full").await;
    disk.change(|disk| disk.full = false);
    // The end of the first is only kept, not stored: the group is taken until it is.
    let second = bench.start(text).await;
    let next = bench.hands.started().await;
    assert_eq!(next.run, second["id"].as_str().unwrap());
    bench.hands.exit(&next, 0);
    assert_eq!(bench.finished("g#2").await["status"], "succeeded");
    let [first, second] = [bench.get("/api/runs/g~1").await, bench.get("/api/runs/g~2").await];
    let time = |time: &Json| time.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(time(&first["finished_at"]) <= time(&second["started_at"]), "{first} {second}");
    bench.server.idle().await;
}

#[tokio::test]
async fn a_timer_that_was_due_while_the_disk_was_full_is_not_lost() {
    let disk = Disk::new();
    let mut bench = Bench::on_disk(&disk);
    let text = "
name: again
stages:
  - name: fails
    run: 'false'
    depends_on: []
    retry: {max_attempts: 2, backoff: {kind: constant, initial: 1s, jitter: false}}
  - {name: long, run: 'true', depends_on: []}
";
    bench.start(text).await;
    let attempts = [bench.hands.started().await, bench.hands.started().await];
    bench.hands.exit(&attempts[0], 1);
    while disk
        .reader
        .events(id(&bench.get("/api/runs/again~1").await), 0, 100)
        .unwrap()
        .iter()
        .all(|row| row.event.event.name() != "attempt.retry_scheduled")
    {
        tokio::task::yield_now().await;
    }
    disk.change(|disk| disk.full = true);
    while disk.state().refused == 0 {
        tokio::task::yield_now().await;
    }
    disk.change(|disk| disk.full = false);
    // Something else of this run is stored before the timer is armed again.
    bench.hands.say(&attempts[1], What::Started { pid: 1 });
    bench.hands.exit(&attempts[1], 0);
    let again = bench.hands.started().await;
    assert_eq!((&*again.execution, again.number), ("fails", 2));
    bench.hands.exit(&again, 0);
    assert_eq!(bench.finished("again#1").await["status"], "succeeded");
}

#[tokio::test]
async fn a_failed_sync_ends_the_server_and_acknowledges_nothing() {
    let disk = Disk::new();
    let said = Arc::new(Mutex::new(Vec::new()));
    let hear = Arc::clone(&said);
    let (writer, reader) = (Box::new(disk.clone()), Arc::new(disk.reader.clone()));
    let bench = Bench::with(writer, reader, by_hand(), |options| {
        options.on_fatal = Arc::new(move |problem| hear.lock().unwrap().push(problem.to_owned()));
    });
    disk.change(|disk| disk.broken = true);
    bench.refused("POST", "/api/runs", json!({"definition": CHAIN}), 503, "stopping").await;
    bench.server.shutdown().await;
    assert_eq!(*said.lock().unwrap(), ["could not commit: said the test"]);
    assert_eq!(disk.state().refused, 1, "nothing is written after a failed sync");
}

#[tokio::test]
async fn a_damaged_run_stops_by_name_and_the_others_go_on() {
    let disk = Disk::new();
    let bench = Bench::on_disk(&disk);
    let damaged = bench.start(CHAIN).await;
    bench.start(CHAIN).await;
    bench.server.shutdown().await;
    disk.change(|state| state.damaged = Some(id(&damaged)));
    let mut bench = Bench::on_disk(&disk);
    let problem =
        bench.refused("POST", "/api/runs/chain~1/cancel", Json::Null, 409, "damaged").await;
    assert!(problem["detail"].as_str().unwrap().contains("does not begin with its creation"));
    let status = bench.get("/api/status").await;
    assert!(status["live"][0]["reason"].as_str().unwrap().starts_with("damaged: "), "{status}");
    let Order::Adopt { attempts } = bench.hands.order().await else { panic!("not asked") };
    assert_eq!(attempts.len(), 1);
    bench.hands.exit(&attempts[0], 0);
    let two = bench.hands.started().await;
    bench.hands.exit(&two, 0);
    assert_eq!(bench.finished("chain#2").await["status"], "succeeded");
    bench.server.idle().await;
}

#[tokio::test]
async fn late_and_strange_reports_change_nothing() {
    let mut bench = Bench::by_hand();
    bench.start(CHAIN).await;
    let one = bench.hands.started().await;
    let stale = api::link::AttemptRef { fence: one.fence + 7, ..one.clone() };
    bench.hands.exit(&stale, 1);
    let strange = api::link::AttemptRef { run: "nonsense".to_owned(), ..one.clone() };
    bench.hands.exit(&strange, 1);
    let unknown = api::link::AttemptRef { run: Uuid::nil().simple().to_string(), ..one.clone() };
    bench.hands.exit(&unknown, 1);
    bench.hands.exit(&one, 0);
    bench.hands.exit(&one, 1);
    let two = bench.hands.started().await;
    bench.hands.exit(&two, 0);
    bench.hands.exit(&two, 1);
    assert_eq!(bench.finished("chain#1").await["status"], "succeeded");
    let detail = bench.get("/api/runs/chain~1").await;
    assert_eq!(detail["stages"][0]["attempts"].as_array().unwrap().len(), 1);
}
