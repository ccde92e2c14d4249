//! Paths and words that others use.

use api::link::{End, Stopped, What};
use http::StatusCode;
use serde_json::{Value as Json, json};

use crate::bench::{Bench, call_with, exited};
use crate::starts::CHAIN;

const REVIEW: &str = "
name: review
stages:
  # Asked of people.
  - name: ask
    requires_approval: true
    approve_complete: true
    max_revisions: 2
    form:
      save_as: answers.json
      fields:
        goal: {type: text, required: true}
  - name: work
    run: 'true'
";

async fn execution(bench: &Bench, id: &str) -> Json {
    bench.get(&format!("/api/executions/{id}")).await["status"].clone()
}

#[tokio::test]
async fn a_run_of_a_task_is_a_pipeline_of_it() {
    let mut bench = Bench::by_hand();
    bench.post("/api/pipelines", json!({ "definition": CHAIN })).await;
    bench.post("/api/tasks", json!({"id": "T", "pipeline": "chain"})).await;
    let (status, made) = bench.call("POST", "/pipelines", json!({"taskId": "T"})).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(
        (&made["id"], &made["taskId"], &made["number"]),
        (&json!("T-1"), &json!("T"), &json!(1))
    );
    assert!(made["workspace"].as_str().unwrap().ends_with("workspaces/T-1"), "{made}");
    let first = bench.hands.started().await;
    bench.hands.say(&first, What::Started { pid: 7 });
    bench.until("T-1", "running").await;
    // The one that is active gives way, as nothing else is said.
    let second = bench.post("/pipelines", json!({"taskId": "T"})).await;
    assert_eq!((&second["id"], &second["status"]), (&json!("T-2"), &json!("pending")));
    assert_eq!(bench.get("/pipelines/T-1").await["status"], "stopping");
    bench.hands.say(&first, exited(End::Stopped(Stopped::Cancelled)));
    bench.finished("T-1").await;
    let list = bench.get("/pipelines?task=T").await;
    let seen: Vec<_> =
        list.as_array().unwrap().iter().map(|of| (&of["id"], &of["status"])).collect();
    assert_eq!(seen[1], (&json!("T-1"), &json!("stopped")));
    assert_eq!(seen[0].0, &json!("T-2"));
    let logs = bench.get_text("/pipelines/T-1/logs").await;
    assert_eq!(logs, "==> one attempt 1 <==\n");
    let (_, stopped) = bench.call("POST", "/pipelines/T-2/stop", json!({})).await;
    assert_eq!(stopped["id"], "T-2");
    bench.refused("GET", "/pipelines?task=none", Json::Null, 404, "not_found").await;
    bench.refused("GET", "/pipelines/T-9", Json::Null, 404, "not_found").await;
    bench.refused("POST", "/pipelines", json!({}), 400, "invalid_request").await;
    // Whoever takes pages gets the page.
    let page = [("accept", "text/html")];
    let (status, body) = call_with(bench.router(), "GET", "/pipelines", Json::Null, &page).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.as_str().unwrap().contains("<!doctype html>"), "{body}");
    let browser = [("accept", "text/html,application/xml;q=0.9,*/*;q=0.8")];
    let (status, _) = call_with(bench.router(), "GET", "/pipelines", Json::Null, &browser).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn what_the_hands_say_is_held_against_the_record() {
    let mut bench = Bench::by_hand();
    bench.start(CHAIN).await;
    let attempt = bench.hands.started().await;
    bench.hands.say(&attempt, What::Started { pid: 7 });
    bench.until("chain#1", "running").await;
    let answer = |what: What| {
        let inbox = bench.hands.inbox.clone();
        let attempt = attempt.clone();
        move || assert!(inbox.report(api::link::Report { attempt, what }))
    };
    let (alive, lost) = (
        answer(What::Started { pid: 7 }),
        answer(What::Lost { message: "the keeper is gone".to_owned() }),
    );
    let router = bench.router();
    let ask = || {
        let router = router.clone();
        tokio::spawn(async move {
            crate::bench::call(router, "GET", "/api/runs/chain~1/status", Json::Null).await.1
        })
    };
    let asked = ask();
    while !matches!(bench.hands.order().await, api::link::Order::Adopt { .. }) {}
    alive();
    let seen = asked.await.unwrap();
    assert_eq!(
        (&seen["recorded"], &seen["live"]),
        (&json!("running"), &json!("running")),
        "{seen}"
    );
    assert_eq!((&seen["drift"], &seen["attempts"][0]["pid"]), (&json!(false), &json!(7)));
    let asked = ask();
    while !matches!(bench.hands.order().await, api::link::Order::Adopt { .. }) {}
    lost();
    let seen = asked.await.unwrap();
    assert_eq!((&seen["live"], &seen["drift"]), (&json!("gone"), &json!(true)), "{seen}");
    assert_eq!(seen["attempts"][0]["live"], "lost");
    // What was seen is taken up: a lost attempt is tried again.
    let again = bench.hands.started().await;
    assert_eq!((again.execution.as_str(), again.number), ("one", 2));
    bench.post("/api/runs/chain~1/cancel", json!({})).await;
    bench.hands.say(&again, exited(End::Stopped(Stopped::Cancelled)));
    bench.finished("chain#1").await;
    let rest = bench.get("/api/runs/chain~1/status").await;
    assert_eq!((&rest["recorded"], &rest["live"]), (&json!("cancelled"), &json!("idle")));
}

#[tokio::test]
async fn a_run_is_created_first_and_started_later() {
    let bench = Bench::new();
    bench.post("/api/pipelines", json!({ "definition": REVIEW })).await;
    let made = bench.start_with(json!({"pipeline_id": "review"})).await;
    assert_eq!((&made["run_status"], &made["run_version"]), (&json!("not_started"), &json!("v1")));
    assert_eq!(made["status"], "paused");
    let started = bench.post("/api/runs/review~1/start", json!({})).await;
    assert_eq!(started["run_status"], "in_progress");
    bench.refused("POST", "/api/runs/review~1/start", json!({}), 409, "conflict").await;
    let list = bench.get("/api/runs?pipeline_id=review").await;
    assert_eq!(list["data"][0]["id"], made["id"]);
    let all = bench.get("/api/executions?run=review~1").await;
    let id = all["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(id, format!("{}.ask", made["id"].as_str().unwrap()));
    assert_eq!(all["data"][0]["status"], "waiting_approval_to_start");
    assert_eq!(all["data"][1]["status"], "pending");
    let path = |verb: &str| format!("/api/executions/{id}/{verb}");
    bench.refused("POST", &path("submit"), json!({}), 409, "conflict").await;
    bench.refused("POST", &path("approve-complete"), json!({}), 409, "conflict").await;
    bench.post(&path("approve-start"), json!({"comment": "go"})).await;
    assert_eq!(execution(&bench, "review~1.ask").await, "in_progress");
    let wrong = json!({"form_data": {}});
    let problem = bench.refused("POST", &path("submit"), wrong, 422, "invalid_input").await;
    assert_eq!(problem["fields"][0]["field"], "goal");
    let given = json!({"form_data": {"goal": "dark"}});
    let waits = bench.post(&path("submit"), given).await;
    assert_eq!(waits["status"], "waiting_approval_to_complete", "{waits}");
    let back = json!({"feedback": "darker"});
    assert_eq!(bench.post(&path("request-revision"), back).await["status"], "in_progress");
    bench.post(&path("submit"), json!({"form_data": {"goal": "darker"}})).await;
    let done = bench.post(&path("approve-complete"), json!({})).await;
    assert_eq!(done["status"], "completed");
    let ended = bench.finished("review#1").await;
    assert_eq!(
        (&ended["status"], &ended["run_status"]),
        (&json!("succeeded"), &json!("completed"))
    );
    let left = bench.get(&format!("/api/artifacts/execution/{id}")).await;
    let artifact = left["data"][0]["id"].as_str().unwrap();
    assert_eq!(left["data"][0]["name"], "answers.json");
    let content = bench.get(&format!("/api/artifacts/{artifact}/download")).await;
    assert_eq!(content["goal"], "darker");
    let next = json!({"pipeline_id": "review", "previous_run_id": "review#1"});
    assert_eq!(bench.start_with(next).await["run_version"], "v2");
    assert_eq!(bench.get("/api/runs/review~2").await["extends"], "review#1");
    let next = json!({"pipeline_id": "review", "previous_run_id": "review#2"});
    bench.refused("POST", "/api/runs", next, 409, "conflict").await;
    bench.refused("GET", "/api/executions/none", Json::Null, 404, "not_found").await;
    bench.refused("GET", "/api/executions/review~1.none", Json::Null, 404, "not_found").await;
}

#[tokio::test]
async fn checkpoints_are_stages_and_a_change_of_one_keeps_the_rest() {
    let bench = Bench::new();
    let body = json!({"name": "launch", "description": "To the moon"});
    let made = bench.post("/api/pipelines", body).await;
    assert_eq!((&made["name"], &made["stages"][0]["name"]), (&json!("launch"), &json!("start")));
    let field =
        json!({"name": "goal", "type": "text", "required": true, "validation": {"max_length": 9}});
    let body = json!({
        "pipeline_id": "launch", "name": "plan", "description": "Think # first",
        "instructions": "What is it?", "input_fields": [field], "save_as": "plan.json",
        "requires_approval_to_start": true, "requires_approval_to_complete": true,
        "max_revisions": 2,
    });
    let plan = bench.post("/api/checkpoints", body).await;
    assert_eq!(
        (&plan["id"], &plan["mode"], &plan["order"]),
        (&json!("launch.plan"), &json!("human_only"), &json!(1))
    );
    assert_eq!(plan["input_fields"][0]["validation"]["max_length"], 9);
    let body = json!({"pipeline_id": "launch", "name": "build", "script": "make", "order": 0,
                      "stage": {"timeout": "5m"}});
    bench.post("/api/checkpoints", body).await;
    let names = async || {
        let list = bench.get("/api/checkpoints?pipeline_id=launch").await;
        let names = list["data"].as_array().unwrap().iter().map(|of| of["name"].clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["build", "start", "plan"]);
    let order = json!({"checkpoint_order": ["launch.plan", "build", "start"]});
    bench.post("/api/pipelines/launch/checkpoints/reorder", order).await;
    assert_eq!(names().await, ["plan", "build", "start"]);
    let (status, _) = bench.call("DELETE", "/api/checkpoints/launch.start", Json::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let change =
        json!({"name": "make", "requires_approval_to_complete": true, "stage": {"timeout": null}});
    let (status, changed) = bench.call("PUT", "/api/checkpoints/launch.build", change).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    assert_eq!(
        (&changed["id"], &changed["requires_approval_to_complete"]),
        (&json!("launch.make"), &json!(true))
    );
    let (_, changed) =
        bench.call("PUT", "/api/checkpoints/launch.plan", json!({"instructions": "Why?"})).await;
    assert_eq!(
        (&changed["instructions"], &changed["input_fields"][0]["name"]),
        (&json!("Why?"), &json!("goal"))
    );
    assert_eq!(changed["output_artifacts"], json!(["plan.json"]));
    let shown = bench.get("/api/pipelines/launch").await;
    assert_eq!(shown["revision"], 7);
    let text = shown["definition"].as_str().unwrap();
    assert!(
        text.starts_with("name: \"launch\"\ndescription: \"To the moon\"\nstages:\n"),
        "{text}"
    );
    // What makes no pipeline is refused, with what is wrong, and nothing is stored.
    let twice = json!({"pipeline_id": "launch", "name": "plan", "script": "x"});
    let problem = bench.refused("POST", "/api/checkpoints", twice, 422, "definition_invalid").await;
    assert!(!problem["diagnostics"].as_array().unwrap().is_empty());
    let bad = json!({"pipeline_id": "launch", "name": "x"});
    bench.refused("POST", "/api/checkpoints", bad, 422, "invalid_input").await;
    let stale = json!({"description": "late", "expected_revision": 3});
    bench.refused("PUT", "/api/checkpoints/launch.plan", stale, 409, "conflict").await;
    bench.refused("GET", "/api/checkpoints/launch.none", Json::Null, 404, "not_found").await;
    bench.refused("DELETE", "/api/checkpoints/none", Json::Null, 404, "not_found").await;
    assert_eq!(bench.get("/api/pipelines/launch").await["revision"], 7);
}

#[tokio::test]
async fn pipeline_runs_speak_of_six_statuses() {
    let bench = Bench::new();
    bench.post("/api/pipelines", json!({ "definition": REVIEW })).await;
    let run = bench.post("/api/pipelines/review/run", json!({})).await;
    let path = format!("/api/pipeline-runs/{}", run["id"].as_str().unwrap());
    let shown = bench.get(&path).await;
    assert_eq!(
        (&shown["status"], &shown["pipeline_id"]),
        (&json!("WaitingApproval"), &json!("review"))
    );
    assert_eq!(shown["stages"][0]["stage_name"], "ask");
    assert_eq!(shown["stages"][0]["status"], "WaitingApproval");
    assert_eq!(shown["stages"][1]["status"], "Pending");
    let ended = bench.post(&format!("{path}/cancel"), json!({})).await;
    assert_eq!(ended["status"], "Cancelled", "{ended}");
    bench.refused("POST", &format!("{path}/cancel"), json!({}), 409, "conflict").await;
}

#[tokio::test]
async fn two_runs_are_compared() {
    let bench = Bench::new();
    let text = "name: c\ninputs: {n: integer}\nstages:\n  - name: a\n    run: echo 1\n";
    let start = |text: &str, n: u32| json!({"definition": text, "inputs": {"n": n}});
    bench.start_with(start(text, 1)).await;
    bench.finished("c#1").await;
    let other = text.replace("- name: a", "- name: fail");
    bench.start_with(start(&other, 2)).await;
    bench.finished("c#2").await;
    let found = bench.get("/api/runs/compare?a=c~1&b=c~2").await;
    assert_eq!(found["inputs"], json!([{"name": "n", "a": 1, "b": 2}]));
    assert_eq!(
        (&found["a"]["status"], &found["b"]["status"]),
        (&json!("succeeded"), &json!("failed"))
    );
    assert!(
        found["definition"].as_str().unwrap().contains("-  - name: a\n+  - name: fail\n"),
        "{found}"
    );
    assert_eq!(found["stages"][0]["stage"], "fail");
    assert_eq!(
        (&found["stages"][0]["a"], &found["stages"][0]["b"]["attempts"]),
        (&Json::Null, &json!(1))
    );
    assert_eq!(found["stages"][1]["a"]["status"], "succeeded");
    let same = bench.post("/api/runs/compare", json!({"a": "c#1", "b": "c#1"})).await;
    assert_eq!((&same["definition"], &same["inputs"]), (&Json::Null, &json!([])));
    bench.refused("GET", "/api/runs/compare?a=c~1", Json::Null, 400, "invalid_request").await;
    bench.refused("GET", "/api/runs/compare?a=c~1&b=c~9", Json::Null, 404, "not_found").await;
}

#[tokio::test]
async fn environments_show_the_policy_that_applies() {
    let bench = Bench::new();
    bench.config("environments:\n  production:\n    lock: true\n    approval: {approvers: [lead, ops], timeout: 1h, on_timeout: escalate, escalate_to: [boss]}\n");
    let text = "name: d\nstages:\n  - {name: a, environment: production, run: x}\n  - {name: b, environment: test, run: x}\n";
    bench.post("/api/pipelines", json!({ "definition": text })).await;
    let list = bench.get("/api/environments").await;
    let names: Vec<_> = list["data"].as_array().unwrap().iter().map(|of| &of["name"]).collect();
    assert_eq!(names, ["production", "test"]);
    let one = bench.get("/api/environments/production").await;
    assert_eq!(one["approval"]["approvers"], json!(["lead", "ops"]));
    assert_eq!(
        (&one["approval"]["needed"], &one["approval"]["timeout_s"]),
        (&json!(2), &json!(3600))
    );
    assert_eq!((&one["lock"], &one["used_by"]), (&json!(true), &json!(["d/a"])));
    bench.refused("GET", "/api/environments/none", Json::Null, 404, "not_found").await;
}
