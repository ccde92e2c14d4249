//! Runs that are a stage of another run.

use api::link::{End, Order, What};
use serde_json::{Value as Json, json};

use crate::bench::{Bench, exited};
use crate::disk::Disk;

const INNER: &str = "
name: inner
inputs:
  level: {type: integer, required: true}
outputs:
  version: ${stages.build.outputs.version}
stages:
  - name: build
    run: make
    outputs: {version: {type: string}}
  - name: check
    run: make check
";

const OUTER: &str = "
name: outer
stages:
  - name: plan
    run: 'true'
  - name: sub
    pipeline: {name: inner, inputs: {level: 3}}
    outputs: {version: {type: string}}
  - name: after
    env: {VERSION: '${stages.sub.outputs.version}'}
    run: echo $VERSION
";

async fn save(bench: &Bench, text: &str) {
    bench.post("/api/pipelines", json!({ "definition": text })).await;
}

/// The end of an attempt that wrote this.
fn wrote(outputs: &str) -> What {
    let What::Exited(mut exit) = exited(End::Code(0)) else { panic!("not an end") };
    exit.outputs = Some(outputs.to_owned());
    What::Exited(exit)
}

fn stage<'j>(run: &'j Json, name: &str) -> &'j Json {
    run["stages"].as_array().unwrap().iter().find(|stage| stage["name"] == name).unwrap()
}

#[tokio::test]
async fn a_child_gives_its_outputs_to_its_parent() {
    let mut bench = Bench::by_hand();
    save(&bench, INNER).await;
    bench.start(OUTER).await;
    let plan = bench.hands.started().await;
    bench.hands.exit(&plan, 0);
    let build = bench.hands.started().await;
    assert_eq!(build.execution, "build");
    let child = bench.get("/api/runs/inner~1").await;
    assert_eq!((&child["trigger"], &child["inputs"]["level"]), (&json!("pipeline"), &json!(3)));
    let status = bench.get("/api/status").await;
    assert_eq!(status["slots"]["used"], 1, "a run that waits for another holds no slot");
    assert_eq!(stage(&bench.get("/api/runs/outer~1").await, "sub")["status"], "running");
    bench.hands.say(&build, wrote("version=1.2"));
    let check = bench.hands.started().await;
    bench.hands.exit(&check, 0);
    let after = bench.hands.started().await;
    assert_eq!(after.execution, "after");
    assert_eq!(bench.get("/api/runs/inner~1").await["status"], "succeeded");
    bench.hands.exit(&after, 0);
    assert_eq!(bench.finished("outer#1").await["status"], "succeeded");
    let outer = bench.get("/api/runs/outer~1").await;
    assert_eq!(stage(&outer, "sub")["outputs"], json!({"version": "1.2"}));
    assert_eq!(stage(&outer, "sub")["attempts"][0]["child"], "inner#1", "{outer}");
}

#[tokio::test]
async fn the_live_status_shows_what_a_child_does() {
    let mut bench = Bench::by_hand();
    save(&bench, INNER).await;
    bench.start(OUTER).await;
    let plan = bench.hands.started().await;
    bench.hands.exit(&plan, 0);
    let build = bench.hands.started().await;
    bench.hands.say(&build, What::Started { pid: 7 });
    bench.until("inner#1", "running").await;
    let mut asked = tokio::task::JoinSet::new();
    let mut ask = |path: &'static str| {
        let router = bench.router();
        asked.spawn(crate::bench::call(router, "GET", path, Json::Null));
    };
    ask("/api/runs/outer~1/status");
    let told = async |bench: &mut Bench, what: What| {
        loop {
            if let Order::Adopt { attempts } = bench.hands.order().await {
                assert_eq!(attempts, std::slice::from_ref(&build));
                return bench.hands.say(&build, what);
            }
        }
    };
    told(&mut bench, What::Started { pid: 7 }).await;
    let (_, seen) = asked.join_next().await.unwrap().unwrap();
    assert_eq!((&seen["live"], &seen["drift"]), (&json!("running"), &json!(false)), "{seen}");
    assert_eq!(seen["attempts"], json!([]), "nothing of its own runs");
    let child = &seen["children"][0];
    assert_eq!((&child["stage"], &child["name"]), (&json!("sub"), &json!("inner#1")));
    assert_eq!((&child["recorded"], &child["live"]), (&json!("running"), &json!("running")));
    // What is wrong below is wrong above.
    let router = bench.router();
    let path = "/api/runs/outer~1/status";
    asked.spawn(crate::bench::call(router, "GET", path, Json::Null));
    told(&mut bench, What::Lost { message: "gone".to_owned() }).await;
    let (_, seen) = asked.join_next().await.unwrap().unwrap();
    let child = &seen["children"][0];
    assert_eq!((&child["live"], &child["drift"]), (&json!("gone"), &json!(true)), "{seen}");
    assert_eq!((&seen["live"], &seen["drift"]), (&json!("gone"), &json!(true)));
}

#[tokio::test]
async fn what_becomes_of_the_parent_becomes_of_the_child() {
    let mut bench = Bench::by_hand();
    save(&bench, INNER).await;
    bench.start(OUTER).await;
    let plan = bench.hands.started().await;
    bench.hands.exit(&plan, 0);
    let build = bench.hands.started().await;
    bench.post("/api/runs/outer~1/pause", Json::Null).await;
    let child = bench.get("/api/runs/inner~1").await;
    assert_eq!(
        (&child["status"], &child["reason"]),
        (&json!("paused"), &json!("paused by outer#1"))
    );
    bench.hands.say(&build, wrote("version=1"));
    bench.post("/api/runs/outer~1/resume", Json::Null).await;
    let check = bench.hands.started().await;
    assert_eq!(check.execution, "check");
    bench.post("/api/runs/outer~1/cancel", json!({"reason": "no need"})).await;
    loop {
        if let Order::Stop { attempt, reason } = bench.hands.order().await {
            assert_eq!(attempt, check);
            bench.hands.say(&attempt, exited(End::Stopped(reason)));
            break;
        }
    }
    assert_eq!(bench.finished("inner#1").await["status"], "cancelled");
    assert_eq!(bench.finished("outer#1").await["status"], "cancelled");
}

#[tokio::test]
async fn a_child_that_fails_or_cannot_start_fails_its_stage() {
    let mut bench = Bench::by_hand();
    // Nobody has saved `inner`.
    bench.start(OUTER).await;
    let plan = bench.hands.started().await;
    bench.hands.exit(&plan, 0);
    assert_eq!(bench.finished("outer#1").await["status"], "failed");
    let detail = bench.get("/api/runs/outer~1").await;
    let why = stage(&detail, "sub")["detail"].as_str().unwrap().to_owned();
    assert!(why.contains("there is no pipeline `inner`"), "{why}");
    save(&bench, INNER).await;
    bench.start(OUTER).await;
    let plan = bench.hands.started().await;
    bench.hands.exit(&plan, 0);
    let build = bench.hands.started().await;
    bench.hands.exit(&build, 2);
    assert_eq!(bench.finished("outer#2").await["status"], "failed");
    let detail = bench.get("/api/runs/outer~2").await;
    assert!(stage(&detail, "sub")["detail"].as_str().unwrap().contains("inner#1"), "{detail}");
}

#[tokio::test]
async fn a_child_is_never_started_twice_and_goes_on_after_a_restart() {
    let disk = Disk::new();
    let mut bench = Bench::on_disk(&disk);
    save(&bench, INNER).await;
    bench.start(OUTER).await;
    let plan = bench.hands.started().await;
    bench.hands.exit(&plan, 0);
    let build = bench.hands.started().await;
    bench.server.shutdown().await;

    let mut bench = Bench::on_disk(&disk);
    let Order::Adopt { attempts } = bench.hands.order().await else { panic!("nothing adopted") };
    assert_eq!(attempts, std::slice::from_ref(&build), "a child is nothing for the hands");
    bench.hands.say(&build, wrote("version=7"));
    let check = bench.hands.started().await;
    bench.hands.exit(&check, 0);
    let after = bench.hands.started().await;
    bench.hands.exit(&after, 0);
    assert_eq!(bench.finished("outer#1").await["status"], "succeeded");
    let runs = bench.get("/api/runs?pipeline=inner").await;
    assert_eq!(runs["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn runs_do_not_nest_for_ever() {
    let bench = Bench::new();
    for (name, other) in [("ping", "pong"), ("pong", "ping")] {
        save(&bench, &format!("name: {name}\nstages:\n  - {{name: a, pipeline: {other}}}\n")).await;
    }
    bench.post("/api/pipelines/ping/run", json!({})).await;
    assert_eq!(bench.finished("ping#1").await["status"], "failed");
    let runs = bench.get("/api/runs?status=failed").await;
    assert_eq!(runs["data"].as_array().unwrap().len(), 9, "8 below the first");
}
