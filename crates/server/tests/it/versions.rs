//! Going back, undoing, going on from earlier runs; locked environments; restarts while waiting.

use api::link::{End, What};
use serde_json::{Value as Json, json};

use crate::bench::{Bench, exited};
use crate::disk::Disk;

fn wrote(outputs: &str) -> What {
    let What::Exited(mut exit) = exited(End::Code(0)) else { panic!("not an end") };
    exit.outputs = Some(outputs.to_owned());
    What::Exited(exit)
}

fn stage<'j>(run: &'j Json, name: &str) -> &'j Json {
    run["stages"].as_array().unwrap().iter().find(|stage| stage["name"] == name).unwrap()
}

const ROLLS_BACK: &str = "
name: ship
stages:
  - name: build
    run: make
  - name: deploy
    run: ./deploy.sh
    rollback: {run: ./undeploy.sh}
  - name: fail-smoke
    run: ./smoke.sh
    on_failure: rollback
    rollback_to: deploy
";

#[tokio::test]
async fn a_failed_smoke_test_rolls_back_and_the_history_says_so() {
    let bench = Bench::new();
    bench.start(ROLLS_BACK).await;
    let ended = bench.finished("ship#1").await;
    assert_eq!(ended["status"], "failed");
    assert!(ended["reason"].as_str().unwrap().contains("rollback"), "{ended}");
    let undone = bench.get("/api/runs/ship~1/undoings").await;
    assert_eq!(undone["data"][0]["verb"], "rollback");
    assert_eq!(
        (&undone["data"][0]["to"], &undone["data"][0]["result"]),
        (&json!("deploy"), &json!("succeeded"))
    );
    let detail = bench.get("/api/runs/ship~1").await;
    assert_eq!(stage(&detail, "deploy.rollback")["status"], "succeeded", "{detail}");
    // By hand a second time only with force.
    let again = json!({"to": "deploy"});
    bench.refused("POST", "/api/runs/ship~1/rollback", again, 409, "conflict").await;
    let impact = bench.get("/api/runs/ship~1/rollback?to=deploy").await;
    assert_eq!(impact["verb"], "rollback");
    assert!(!impact["refused"].as_str().unwrap().is_empty());
    bench.refused("POST", "/api/runs/ship~1/rollback", json!({"to": "no"}), 404, "not_found").await;
}

const CHAIN: &str = "
name: line
stages:
  - name: plan
    run: ./plan.sh
    outputs: {text: {type: string}}
  - name: build
    env: {BEFORE: '${prev.plan.outputs.text ?? \"nothing\"}'}
    run: make
";

#[tokio::test]
async fn a_rewind_goes_back_and_is_undone_until_new_work_starts() {
    let mut bench = Bench::by_hand();
    bench.start(CHAIN).await;
    for text in ["text=a", "x=1"] {
        let attempt = bench.hands.started().await;
        bench.hands.say(&attempt, wrote(text));
    }
    bench.finished("line#1").await;
    let impact = bench.get("/api/runs/line~1/rewind?to=plan").await;
    assert_eq!(impact["steps"][0]["stage"], "build", "{impact}");
    let back = json!({"to": "plan", "pause": true});
    assert_eq!(bench.post("/api/runs/line~1/rewind", back.clone()).await["status"], "paused");
    assert_eq!(stage(&bench.get("/api/runs/line~1").await, "build")["status"], "blocked");
    let undone = bench.post("/api/runs/line~1/rewind/undo", json!({})).await;
    assert_eq!(undone["status"], "succeeded", "{undone}");
    assert_eq!(stage(&bench.get("/api/runs/line~1").await, "build")["status"], "succeeded");
    bench.refused("POST", "/api/runs/line~1/rewind/undo", json!({}), 409, "conflict").await;
    bench.post("/api/runs/line~1/rewind", json!({"to": "plan"})).await;
    let build = bench.hands.started().await;
    assert_eq!((&*build.execution, build.number), ("build", 2));
    bench.refused("POST", "/api/runs/line~1/rewind/undo", json!({}), 409, "conflict").await;
    bench.hands.exit(&build, 0);
    bench.finished("line#1").await;
    let history = bench.get("/api/runs/line~1/undoings").await;
    let verbs: Vec<&Json> =
        history["data"].as_array().unwrap().iter().map(|entry| &entry["verb"]).collect();
    assert_eq!(verbs, ["rewind", "undo", "rewind"]);
    let unknown = json!({"to": "nowhere"});
    bench.refused("POST", "/api/runs/line~1/rewind", unknown, 404, "not_found").await;
}

#[tokio::test]
async fn a_run_goes_on_from_another_and_a_pipeline_goes_back_to_it() {
    let mut bench = Bench::by_hand();
    let start = json!({"definition": CHAIN, "directory": "/"});
    bench.start_with(start.clone()).await;
    bench.refused("POST", "/api/runs/line~1/extend", json!({}), 409, "conflict").await;
    let mut env = Vec::new();
    let texts = ["text=one", "", "text=two", "", "text=three", ""];
    for (place, text) in texts.into_iter().enumerate() {
        let assignment = loop {
            if let api::link::Order::Start(assignment) = bench.hands.order().await {
                break assignment;
            }
        };
        env.push(assignment.env.get("BEFORE").cloned());
        bench.hands.say(&assignment.attempt, wrote(text));
        match place {
            1 => {
                bench.finished("line#1").await;
                bench.post("/api/runs/line~1/extend", json!({})).await;
            }
            3 => {
                bench.finished("line#2").await;
                let back = bench.post("/api/pipelines/line/rewind", json!({"to": 1})).await;
                assert_eq!(back["superseded"], json!(["line#2"]));
                assert_eq!(bench.get("/api/runs/line~2").await["superseded"], true);
                let undone = bench.post("/api/pipelines/line/rewind/undo", json!({})).await;
                assert_eq!(undone["verb"], "undo");
                assert_eq!(bench.get("/api/runs/line~2").await["superseded"], false);
                bench.post("/api/pipelines/line/rewind", json!({"to": 1})).await;
                bench.start_with(start.clone()).await;
            }
            _ => {}
        }
    }
    bench.finished("line#3").await;
    let plain = |text: &str| Some(vec![api::link::Piece::Plain(text.to_owned())]);
    assert_eq!([&env[1], &env[3], &env[5]], [&plain("nothing"), &plain("one"), &plain("one")]);
    assert_eq!(bench.get("/api/runs/line~3").await["extends"], "line#1");
    let problem =
        bench.refused("POST", "/api/pipelines/line/rewind/undo", json!({}), 409, "conflict").await;
    assert!(problem["detail"].as_str().unwrap().contains("line#3"), "{problem}");
    let history = bench.get("/api/pipelines/line/undoings").await;
    assert_eq!(history["data"].as_array().unwrap().len(), 3, "{history}");
}

#[tokio::test]
async fn a_locked_environment_holds_one_execution_over_all_runs() {
    let mut bench = Bench::by_hand();
    bench.config("environments: {production: {lock: true}}\n");
    let text = "name: dep\nstages:\n  - {name: deploy, run: './d', environment: production}\n";
    bench.start(text).await;
    bench.start(text).await;
    let first = bench.hands.started().await;
    let second = bench.get("/api/runs/dep~2").await;
    assert!(second["stages"][0]["attempts"].as_array().unwrap().is_empty(), "{second}");
    let why = bench.get("/api/runs/dep~2/explain").await;
    let because = why["data"][0]["because"][0].as_str().unwrap().to_owned();
    assert!(because.contains("production"), "{because}");
    bench.hands.exit(&first, 0);
    let next = bench.hands.started().await;
    assert_ne!(next.run, first.run);
    bench.hands.exit(&next, 0);
    assert_eq!(bench.finished("dep#2").await["status"], "succeeded");
}

const WAITS: &str = "
name: waits
stages:
  - name: up
    run: 'true'
  - name: ask
    form: {fields: {name: {type: text, required: true}}}
  - name: gate
    run: 'true'
    requires_approval: {approvers: [ana, bo], timeout: 1h}
  - name: held
    run: 'true'
    auto_advance: false
  - name: done
    run: 'true'
    approve_complete: {approvers: [ana]}
";

#[tokio::test]
async fn a_restart_in_each_waiting_state_changes_nothing() {
    let disk = Disk::new();
    let mut bench = Bench::on_disk(&disk);
    bench.start(WAITS).await;
    let up = bench.hands.started().await;
    bench.hands.exit(&up, 0);
    bench.until("waits#1", "waiting").await;
    let as_it_was = async |bench: &Bench| {
        let run = bench.get("/api/runs/waits~1").await;
        let asked = bench.get("/api/approvals").await;
        (run, bench.get("/api/inputs").await, asked, bench.get("/api/runs/waits~1/explain").await)
    };
    let before = as_it_was(&bench).await;
    bench.server.shutdown().await;

    let bench = Bench::on_disk(&disk);
    assert_eq!(as_it_was(&bench).await, before, "the same form");
    let (ana, bo) = (bench.token("ana").await, bench.token("bo").await);
    bench.post("/api/inputs/I-1/submit", json!({"values": {"name": "x"}})).await;
    let (status, _) = bench.call_as(&ana, "POST", "/api/approvals/A-2/approve", json!({})).await;
    assert!(status.is_success());
    let before = as_it_was(&bench).await;
    assert_eq!(before.2["data"][0]["have"], 1);
    bench.server.shutdown().await;

    let bench = Bench::on_disk(&disk);
    assert_eq!(as_it_was(&bench).await, before, "the same votes");
    let (status, _) = bench.call_as(&ana, "POST", "/api/approvals/A-2/approve", json!({})).await;
    assert_eq!(status.as_u16(), 409, "voted before the restart");
    bench.call_as(&bo, "POST", "/api/approvals/A-2/approve", json!({})).await;
    let mut bench = bench;
    let gate = bench.hands.started().await;
    assert_eq!((&*gate.execution, gate.number), ("gate", 1), "nothing upstream runs again");
    bench.hands.exit(&gate, 0);
    bench.until("waits#1", "waiting").await;
    let before = as_it_was(&bench).await;
    bench.server.shutdown().await;

    let mut bench = Bench::on_disk(&disk);
    assert_eq!(as_it_was(&bench).await, before, "held as it was");
    bench.post("/api/runs/waits~1/advance", json!({})).await;
    for name in ["held", "done"] {
        let attempt = bench.hands.started().await;
        assert_eq!(attempt.execution, name);
        bench.hands.exit(&attempt, 0);
    }
    bench.until("waits#1", "waiting").await;
    let before = as_it_was(&bench).await;
    bench.server.shutdown().await;

    let bench = Bench::on_disk(&disk);
    assert_eq!(as_it_was(&bench).await, before, "its work is done and not yet approved");
    bench.call_as(&ana, "POST", "/api/approvals/A-3/approve", json!({})).await;
    assert_eq!(bench.finished("waits#1").await["status"], "succeeded");
}
