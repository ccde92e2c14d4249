//! A server is killed and another one takes up where it left off.

use api::link::{Order, What};
use serde_json::Value as Json;

use crate::bench::Bench;
use crate::disk::Disk;

const WIDE: &str = "
name: wide
stages:
  - {name: a, run: sleep 1, depends_on: []}
  - {name: b, run: sleep 1, depends_on: []}
  - {name: c, run: sleep 1, depends_on: []}
  - {name: d, run: sleep 1, depends_on: []}
  - {name: e, run: sleep 1, depends_on: []}
  - {name: last, noop: true, depends_on: [a, b, c, d, e]}
";

const ONCE: &str = "
name: once
stages:
  - name: deploy
    run: ./deploy
    effects: once
    probe: ./is-deployed
";

#[tokio::test]
async fn live_attempts_are_asked_about_and_not_started_again() {
    let disk = Disk::new();
    let mut bench = Bench::on_disk(&disk);
    bench.start(WIDE).await;
    let mut started = Vec::new();
    for _ in 0..4 {
        let attempt = bench.hands.started().await;
        bench.hands.say(&attempt, What::Started { pid: 1 });
        started.push(attempt);
    }
    bench.hands.exit(&started[0], 0);
    // There are four slots: the fifth stage starts when one is free.
    let fifth = bench.hands.started().await;
    assert_eq!(fifth.execution, "e");
    bench.server.shutdown().await;

    let mut bench = Bench::on_disk(&disk);
    let Order::Adopt { attempts } = bench.hands.order().await else { panic!("not asked") };
    let asked: Vec<&str> = attempts.iter().map(|attempt| &*attempt.execution).collect();
    assert_eq!(asked, ["b", "c", "d", "e"], "a had ended");
    assert_eq!(attempts[0], started[1]);
    bench.hands.say(&attempts[0], What::Started { pid: 1 });
    bench.hands.exit(&attempts[1], 0);
    bench.hands.say(&attempts[2], What::Lost { message: "the machine was restarted".to_owned() });
    bench.hands.say(&attempts[3], What::NeverStarted);
    // The lost one is tried again by a new attempt, the one never started is started now.
    let mut again = [bench.hands.started().await, bench.hands.started().await];
    again.sort_by(|a, b| a.execution.cmp(&b.execution));
    assert_eq!((&*again[0].execution, again[0].number), ("d", 2));
    assert_eq!(again[1], fifth);
    for attempt in [&attempts[0], &again[0], &again[1]] {
        bench.hands.exit(attempt, 0);
    }
    assert_eq!(bench.finished("wide#1").await["status"], "succeeded");
    bench.server.idle().await;
    let detail = bench.get("/api/runs/wide~1").await;
    let tries: Vec<usize> =
        (0..5).map(|at| detail["stages"][at]["attempts"].as_array().unwrap().len()).collect();
    assert_eq!(tries, [1, 1, 1, 2, 1]);
}

#[tokio::test]
async fn what_was_told_to_stop_is_told_again() {
    let disk = Disk::new();
    let mut bench = Bench::on_disk(&disk);
    bench.start(ONCE).await;
    let deploy = bench.hands.started().await;
    bench.hands.say(&deploy, What::Started { pid: 1 });
    bench.post("/api/runs/once~1/cancel", Json::Null).await;
    bench.server.shutdown().await;
    let mut bench = Bench::on_disk(&disk);
    let Order::Adopt { attempts } = bench.hands.order().await else { panic!("not asked") };
    assert_eq!(attempts, std::slice::from_ref(&deploy));
    let Order::Stop { attempt, .. } = bench.hands.order().await else { panic!("not stopped") };
    assert_eq!(attempt, deploy);
    bench.hands.say(&deploy, What::NeverStarted);
    assert_eq!(bench.finished("once#1").await["status"], "cancelled");
}

#[tokio::test]
async fn an_unknown_outcome_is_decided_by_its_probe() {
    let mut bench = Bench::by_hand();
    bench.start(ONCE).await;
    let deploy = bench.hands.started().await;
    bench.hands.say(&deploy, What::Started { pid: 1 });
    bench.hands.say(&deploy, What::Lost { message: "its keeper is gone".to_owned() });
    let probe = loop {
        if let Order::Start(assignment) = bench.hands.order().await {
            break assignment;
        }
    };
    assert_eq!(probe.attempt.key, format!("{}-probe", deploy.key));
    assert!(!probe.once);
    bench.hands.exit(&probe.attempt, 0);
    assert_eq!(bench.finished("once#1").await["status"], "succeeded");
    bench.server.idle().await;
}

#[tokio::test]
async fn a_probe_that_cannot_tell_leaves_it_to_a_person() {
    let disk = Disk::new();
    let mut bench = Bench::on_disk(&disk);
    bench.start(ONCE).await;
    let deploy = bench.hands.started().await;
    bench.hands.say(&deploy, What::Lost { message: "its keeper is gone".to_owned() });
    let probe = bench.hands.started().await;
    bench.server.shutdown().await;
    // The probe is adopted like any attempt.
    let mut bench = Bench::on_disk(&disk);
    let Order::Adopt { attempts } = bench.hands.order().await else { panic!("not asked") };
    assert_eq!(attempts, std::slice::from_ref(&probe));
    bench.hands.exit(&probe, 2);
    bench.until("once#1", "waiting").await;
    // Nothing is left to drive until somebody decides.
    bench.server.idle().await;
    let verdict = serde_json::json!({"stage": "deploy", "verdict": "retry"});
    bench.post("/api/runs/once~1/resolve", verdict).await;
    let again = bench.hands.started().await;
    assert_eq!(again.number, 2);
    bench.hands.exit(&again, 0);
    assert_eq!(bench.finished("once#1").await["status"], "succeeded");
}
