//! Tasks, and the runs that are named after them.

use api::link::{End, Order, Stopped};
use http::StatusCode;
use serde_json::{Value as Json, json};

use crate::bench::{Bench, call_with, exited};
use crate::disk::Disk;
use crate::starts::CHAIN;

const ONE: &str = "
name: one
inputs: {goal: {type: string, default: none}}
stages:
  - name: work
    env: {TITLE: \"${task.title}\", WHO: \"${task.id}/${task.number}/${run.name}\", GOAL: \"${goal}\"}
    run: echo \"$TITLE\"
";

async fn with(bench: Bench, definition: &str) -> Bench {
    bench.post("/api/pipelines", json!({ "definition": definition })).await;
    bench
}

async fn task(bench: &Bench, body: Json) -> Json {
    bench.post("/api/tasks", body).await
}

async fn start(bench: &Bench, id: &str, body: Json) -> Json {
    bench.post(&format!("/api/tasks/{id}/start"), body).await
}

#[tokio::test]
async fn a_task_is_kept_version_by_version() {
    let bench = Bench::new();
    let body = json!({"title": "Dark mode", "labels": ["ui", "ui"], "priority": 3});
    let made = task(&bench, body).await;
    assert_eq!((&made["id"], &made["version"]), (&json!("TASK-1"), &json!(1)));
    assert_eq!(made["labels"], json!(["ui"]));
    assert_eq!(made["status"]["wanted"], "todo");
    assert_eq!(made["status"]["says"], "to do: it has not been started");
    let second = task(&bench, json!({"title": "x", "prerequisites": ["TASK-1"]})).await;
    assert_eq!(second["id"], "TASK-2");
    assert_eq!(second["status"]["blocked_by"], json!(["TASK-1"]));
    let (status, changed) =
        bench.call("PATCH", "/api/tasks/TASK-1", json!({"title": "Darker"})).await;
    assert_eq!((status, &changed["version"]), (StatusCode::OK, &json!(2)), "{changed}");
    assert_eq!((&changed["title"], &changed["priority"]), (&json!("Darker"), &json!(3)));
    // A change of a version that is gone is refused, and says which is there.
    let stale = [("if-match", "\"1\"")];
    let path = "/api/tasks/TASK-1";
    let (status, problem) =
        call_with(bench.router(), "PATCH", path, json!({"title": "late"}), &stale).await;
    assert_eq!(status, StatusCode::PRECONDITION_FAILED, "{problem}");
    assert_eq!(problem["detail"], "it is \"2\" now, and that is not what `If-Match` names");
    let fresh = [("if-match", "\"2\"")];
    let (status, _) = call_with(bench.router(), "PATCH", path, json!({"title": "A"}), &fresh).await;
    assert_eq!(status, StatusCode::OK);
    let list = bench.get("/api/tasks?limit=1").await;
    assert_eq!((&list["data"][0]["id"], &list["next"]), (&json!("TASK-2"), &json!("TASK-2")));
    let list = bench.get("/api/tasks?label=ui&status=todo").await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    let needed = bench.refused("DELETE", path, Json::Null, 409, "conflict").await;
    assert_eq!(needed["detail"], "task `TASK-1` is needed by TASK-2");
    for id in ["TASK-2", "TASK-1"] {
        let (status, _) = bench.call("DELETE", &format!("/api/tasks/{id}"), Json::Null).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }
    bench.refused("GET", path, Json::Null, 404, "not_found").await;
    // Its number is not drawn again, its version goes on.
    assert_eq!(task(&bench, json!({})).await["id"], "TASK-3");
    assert_eq!(task(&bench, json!({"id": "TASK-1"})).await["version"], 5);
}

#[tokio::test]
async fn what_cannot_be_a_task_is_refused_with_the_field() {
    let bench = Bench::new();
    task(&bench, json!({"id": "A"})).await;
    task(&bench, json!({"id": "B", "prerequisites": ["A"]})).await;
    for (body, field) in [
        (json!({"id": "a b"}), "id"),
        (json!({"id": "-a"}), "id"),
        (json!({"id": "x".repeat(65)}), "id"),
        (json!({"title": "two\nlines"}), "title"),
        (json!({"labels": [""]}), "labels"),
        (json!({"on_active": "never"}), "on_active"),
        (json!({"status": "doing"}), "status"),
        (json!({"prerequisites": ["nobody"]}), "prerequisites"),
        (json!({"id": "me", "prerequisites": ["me"]}), "prerequisites"),
        (json!({"status": "in-progress"}), "pipeline"),
    ] {
        let problem = bench.refused("POST", "/api/tasks", body.clone(), 422, "invalid_input").await;
        assert_eq!(problem["fields"][0]["field"], field, "{body}: {problem}");
    }
    let circle = json!({"prerequisites": ["B"]});
    bench.refused("PATCH", "/api/tasks/A", circle, 422, "invalid_input").await;
    bench.refused("POST", "/api/tasks", json!({"id": "A"}), 409, "conflict").await;
    bench.refused("POST", "/api/tasks", json!({"nonsense": 1}), 400, "invalid_request").await;
    bench.refused("PATCH", "/api/tasks/none", json!({}), 404, "not_found").await;
    bench.refused("GET", "/api/tasks?status=x", Json::Null, 422, "invalid_input").await;
    assert_eq!(bench.get("/api/tasks").await["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn setting_a_task_in_progress_starts_a_run_that_is_named_after_it() {
    let bench = with(Bench::by_hand(), ONE).await;
    let mut bench = bench;
    let title = "\"; rm -rf / #";
    let body = json!({"title": title, "pipeline": "one", "inputs": {"goal": "dark"}});
    assert_eq!(task(&bench, body).await["active"], json!([]));
    let progress = json!({"status": "in-progress"});
    let (_, changed) = bench.call("PATCH", "/api/tasks/TASK-1", progress.clone()).await;
    assert_eq!(changed["active"], json!(["TASK-1-1"]), "{changed}");
    assert_eq!(changed["status"]["derived"], "running");
    assert_eq!(changed["status"]["says"], "in progress: TASK-1-1 is running");
    // Said again it changes nothing that runs.
    let (_, again) = bench.call("PATCH", "/api/tasks/TASK-1", progress).await;
    assert_eq!(again["active"], json!(["TASK-1-1"]));
    let assignment = loop {
        if let Order::Start(assignment) = bench.hands.order().await {
            break assignment;
        }
    };
    let workspace = bench.path().join("workspaces/TASK-1-1");
    assert_eq!(assignment.working_dir, workspace.display().to_string());
    assert!(workspace.is_dir());
    let given = |name: &str| serde_json::to_value(&assignment.env[name]).unwrap();
    assert_eq!(given("TITLE"), json!([{ "plain": title }]));
    assert_eq!(given("WHO"), json!([{"plain": "TASK-1/1/TASK-1-1"}]));
    assert_eq!(given("GOAL"), json!([{"plain": "dark"}]));
    bench.hands.exit(&assignment.attempt, 0);
    assert_eq!(bench.finished("TASK-1-1").await["status"], "succeeded");
    let done = bench.get("/api/tasks/TASK-1").await;
    assert_eq!(done["status"]["derived"], "done");
    assert_eq!(done["last_run"]["name"], "TASK-1-1");
    assert_eq!(done["last_run"]["trigger"], "task");
    // The pipeline counts it as its own, and every name leads to it.
    let detail = bench.get("/api/runs/one~1").await;
    assert_eq!((&detail["name"], &detail["task"]), (&json!("TASK-1-1"), &json!("TASK-1")));
    assert_eq!(bench.get("/api/runs/TASK-1-1").await["id"], detail["id"]);
    assert_eq!(bench.get("/api/runs?task=TASK-1").await["data"][0]["id"], detail["id"]);
    bench.refused("GET", "/api/runs/TASK-1-2", Json::Null, 404, "not_found").await;
}

#[tokio::test]
async fn text_of_a_task_never_becomes_source() {
    let bench = Bench::new();
    let text = "name: bad\nstages:\n  - name: a\n    run: echo ${task.title}\n";
    let (status, problem) = bench.call("POST", "/api/pipelines", json!({"definition": text})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(problem["detail"].as_str().unwrap().contains("whoever wrote the task"), "{problem}");
    // Without a task there is none to speak of: the stage fails, and says so.
    let text = "name: none\nstages:\n  - name: a\n    env: {T: \"${task.id}\"}\n    run: echo\n";
    bench.start(text).await;
    assert_eq!(bench.finished("none#1").await["status"], "failed");
    let text = text.replace("task.id", "task.id ?? 'x'");
    bench.start(&text).await;
    assert_eq!(bench.finished("none#2").await["status"], "succeeded");
}

#[tokio::test]
async fn simultaneous_starts_of_a_task_get_numbers_of_their_own() {
    let bench = with(Bench::by_hand(), ONE).await;
    task(&bench, json!({"pipeline": "one"})).await;
    let all = || start(&bench, "TASK-1", json!({}));
    let (a, b, c) = tokio::join!(all(), all(), all());
    let mut names: Vec<_> = [a, b, c].iter().map(|run| run["name"].clone()).collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, [json!("TASK-1-1"), json!("TASK-1-2"), json!("TASK-1-3")]);
    let runs = bench.get("/api/tasks/TASK-1/runs").await;
    let stand = |at: usize| (runs["data"][at]["name"].clone(), runs["data"][at]["status"].clone());
    assert_eq!(stand(0).0, "TASK-1-3");
    // Of three that replace each other only the newest is not on its way out.
    assert!(["cancelled", "cancelling"].contains(&stand(1).1.as_str().unwrap()), "{runs}");
    assert!(["cancelled", "cancelling"].contains(&stand(2).1.as_str().unwrap()), "{runs}");
    assert!(["pending", "running"].contains(&stand(0).1.as_str().unwrap()), "{runs}");
}

#[tokio::test]
async fn a_replacement_begins_when_the_other_has_no_attempt_left() {
    let mut bench = with(Bench::by_hand(), ONE).await;
    task(&bench, json!({"pipeline": "one"})).await;
    start(&bench, "TASK-1", json!({"directory": "/shared"})).await;
    let first = bench.hands.started().await;
    let second = start(&bench, "TASK-1", json!({"directory": "/shared"})).await;
    assert_eq!((&second["name"], &second["status"]), (&json!("TASK-1-2"), &json!("pending")));
    assert_eq!(second["reason"], "waits for its turn in `TASK-1`");
    let replaced = bench.get("/api/runs/TASK-1-1").await;
    assert_eq!(replaced["status"], "cancelling");
    assert!(matches!(bench.hands.order().await, Order::Stop { attempt, .. } if attempt == first));
    // Nothing was started in the workspace that they share until the first is gone from it.
    bench.hands.say(&first, exited(End::Stopped(Stopped::Cancelled)));
    let next = loop {
        match bench.hands.order().await {
            Order::Start(assignment) => break assignment.attempt,
            Order::Forget { .. } => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(bench.finished("TASK-1-1").await["status"], "cancelled");
    let reason = bench.get("/api/runs/TASK-1-1").await["reason"].clone();
    assert!(reason.as_str().unwrap().ends_with(": TASK-1-2 replaces it"), "{reason}");
    bench.hands.exit(&next, 0);
    assert_eq!(bench.finished("TASK-1-2").await["status"], "succeeded");
}

#[tokio::test]
async fn what_a_start_does_about_others_is_said_by_on_active() {
    let mut bench = with(Bench::by_hand(), ONE).await;
    task(&bench, json!({"pipeline": "one", "on_active": "reject"})).await;
    start(&bench, "TASK-1", json!({})).await;
    let first = bench.hands.started().await;
    let path = "/api/tasks/TASK-1/start";
    let problem = bench.refused("POST", path, json!({}), 409, "conflict").await;
    assert_eq!(problem["detail"], "task `TASK-1` is under way: `TASK-1-1` has not ended");
    let queued = start(&bench, "TASK-1", json!({"on_active": "queue"})).await;
    assert_eq!((&queued["name"], &queued["status"]), (&json!("TASK-1-2"), &json!("pending")));
    let beside = start(&bench, "TASK-1", json!({"on_active": "allow"})).await;
    assert_eq!((&beside["name"], &beside["status"]), (&json!("TASK-1-3"), &json!("running")));
    let third = bench.hands.started().await;
    assert_ne!(first.run, third.run);
    assert_eq!(bench.get("/api/runs/TASK-1-1").await["status"], "running");
    // The queued one waits for both.
    bench.hands.exit(&first, 0);
    assert_eq!(bench.finished("TASK-1-1").await["status"], "succeeded");
    assert_eq!(bench.get("/api/runs/TASK-1-2").await["status"], "pending");
    bench.hands.exit(&third, 1);
    let second = bench.hands.started().await;
    bench.until("TASK-1-2", "running").await;
    let task = bench.get("/api/tasks/TASK-1").await;
    assert_eq!(task["status"]["derived"], "running");
    bench.hands.exit(&second, 0);
    assert_eq!(bench.finished("TASK-1-2").await["status"], "succeeded");
    // The last one is the one with the highest number.
    assert_eq!(bench.get("/api/tasks/TASK-1").await["status"]["derived"], "failed");
}

#[tokio::test]
async fn a_task_waits_for_those_it_needs() {
    let bench = with(Bench::new(), CHAIN).await;
    task(&bench, json!({"id": "A", "pipeline": "chain"})).await;
    task(&bench, json!({"id": "B"})).await;
    task(&bench, json!({"id": "C", "pipeline": "chain", "prerequisites": ["A", "B"]})).await;
    let path = "/api/tasks/C/start";
    let problem = bench.refused("POST", path, json!({}), 409, "conflict").await;
    assert_eq!(problem["detail"], "task `C` cannot start before A, B are done");
    bench.call("PATCH", "/api/tasks/B", json!({"status": "done"})).await;
    start(&bench, "A", json!({})).await;
    bench.finished("A-1").await;
    assert_eq!(bench.get("/api/tasks/C").await["status"]["blocked_by"], json!([]));
    start(&bench, "C", json!({})).await;
    bench.finished("C-1").await;
    // Done was done; to do again is not.
    bench.call("PATCH", "/api/tasks/B", json!({"status": "todo"})).await;
    bench.refused("POST", path, json!({}), 409, "conflict").await;
    assert_eq!(start(&bench, "C", json!({"force": true})).await["name"], "C-2");
}

#[tokio::test]
async fn a_task_that_is_done_or_given_up_stops() {
    let mut bench = with(Bench::by_hand(), ONE).await;
    task(&bench, json!({"pipeline": "one"})).await;
    for (n, word) in [(1, "done"), (2, "cancelled"), (3, "todo")] {
        start(&bench, "TASK-1", json!({})).await;
        let attempt = bench.hands.started().await;
        bench.refused("DELETE", "/api/tasks/TASK-1", Json::Null, 409, "conflict").await;
        let (_, changed) =
            bench.call("PATCH", "/api/tasks/TASK-1", json!({ "status": word })).await;
        assert_eq!(changed["status"]["derived"], "cancelling", "{changed}");
        bench.hands.say(&attempt, exited(End::Stopped(Stopped::Cancelled)));
        let ended = bench.finished(&format!("TASK-1-{n}")).await;
        assert_eq!(ended["status"], "cancelled");
        let reason = ended["reason"].as_str().unwrap();
        assert!(reason.ends_with(&format!(": the task was set to {word}")), "{reason}");
    }
    start(&bench, "TASK-1", json!({})).await;
    let attempt = bench.hands.started().await;
    let stopped = bench.post("/api/tasks/TASK-1/stop", json!({"reason": "not now"})).await;
    assert_eq!(stopped["status"]["wanted"], "todo");
    bench.hands.say(&attempt, exited(End::Stopped(Stopped::Cancelled)));
    let reason = bench.finished("TASK-1-4").await["reason"].clone();
    assert!(reason.as_str().unwrap().ends_with(": not now"), "{reason}");
    // A start that is refused changes nothing.
    let path = "/api/tasks/TASK-1/start";
    let wrong = json!({"inputs": {"nothing": 1}});
    bench.refused("POST", path, wrong, 422, "invalid_input").await;
    bench.refused("POST", path, json!({"pipeline": "no"}), 404, "not_found").await;
    assert_eq!(bench.get("/api/tasks/TASK-1").await["status"]["wanted"], "todo");
    assert_eq!(start(&bench, "TASK-1", json!({})).await["name"], "TASK-1-5");
}

#[tokio::test]
async fn extending_a_run_of_a_task_is_the_tasks_next_run() {
    let mut bench = with(Bench::by_hand(), ONE).await;
    let body = json!({"pipeline": "one", "inputs": {"goal": "dark"}, "on_active": "reject"});
    task(&bench, body).await;
    start(&bench, "TASK-1", json!({"inputs": {"goal": "darker"}})).await;
    let first = bench.hands.started().await;
    let path = "/api/runs/TASK-1-1/extend";
    bench.refused("POST", path, json!({}), 409, "conflict").await;
    bench.hands.exit(&first, 0);
    bench.finished("TASK-1-1").await;
    let key = [("idempotency-key", "once")];
    let (status, next) = call_with(bench.router(), "POST", path, json!({}), &key).await;
    assert_eq!(status, StatusCode::CREATED, "{next}");
    assert_eq!((&next["name"], &next["task"]), (&json!("TASK-1-2"), &json!("TASK-1")), "{next}");
    let (_, again) = call_with(bench.router(), "POST", path, json!({}), &key).await;
    assert_eq!(again["id"], next["id"], "sent again it is the same run");
    let second = loop {
        if let Order::Start(assignment) = bench.hands.order().await {
            break assignment;
        }
    };
    let workspace = bench.path().join("workspaces/TASK-1-2");
    assert_eq!(second.working_dir, workspace.display().to_string(), "a place of its own");
    let given = |name: &str| serde_json::to_value(&second.env[name]).unwrap();
    assert_eq!(given("GOAL"), json!([{"plain": "darker"}]), "of the run that it extends");
    assert_eq!(given("WHO"), json!([{"plain": "TASK-1/2/TASK-1-2"}]));
    let detail = bench.get("/api/runs/TASK-1-2").await;
    assert_eq!((&detail["extends"], &detail["trigger"]), (&json!("TASK-1-1"), &json!("task")));
    let shown = bench.get("/api/tasks/TASK-1").await;
    assert_eq!(
        (&shown["active"], &shown["status"]["wanted"]),
        (&json!(["TASK-1-2"]), &json!("in-progress"))
    );
    // What the task says of active runs holds here, too.
    let problem = bench.refused("POST", path, json!({}), 409, "conflict").await;
    assert_eq!(problem["detail"], "task `TASK-1` is under way: `TASK-1-2` has not ended");
    bench.hands.exit(&second.attempt, 0);
    bench.finished("TASK-1-2").await;
    bench.call("DELETE", "/api/tasks/TASK-1", Json::Null).await;
    let problem = bench.refused("POST", path, json!({}), 409, "conflict").await;
    assert!(problem["detail"].as_str().unwrap().contains("was deleted"), "{problem}");
}

/// What a full disk refused has left nothing behind, and no number was used up.
#[tokio::test]
async fn a_start_that_could_not_be_stored_has_not_happened() {
    let disk = Disk::new();
    let bench = with(Bench::on_disk(&disk), ONE).await;
    task(&bench, json!({"pipeline": "one"})).await;
    disk.change(|state| state.full = true);
    let path = "/api/tasks/TASK-1/start";
    bench.refused("POST", path, json!({}), 503, "storage_full").await;
    disk.change(|state| state.full = false);
    let shown = bench.get("/api/tasks/TASK-1").await;
    assert_eq!((&shown["version"], &shown["active"]), (&json!(1), &json!([])));
    assert_eq!(start(&bench, "TASK-1", json!({})).await["name"], "TASK-1-1");
}
