//! The roll-out: switches of modes, who stands in their way, and how tasks pass through the roles.

use api::link::{AttemptRef, Order};
use http::StatusCode;
use serde_json::{Value as Json, json};

use crate::bench::{Bench, call_with};
use crate::disk::Disk;

const ROLE: &str = "
name: feature
stages:
  - {name: code, agent: implementer, task: Do it}
";

const SCRIPT: &str = "
name: script
stages:
  - {name: work, run: 'true'}
";

const SWITCH: &str = "/api/rollout/switch";

async fn bench(bench: Bench) -> Bench {
    for definition in [ROLE, SCRIPT] {
        bench.post("/api/pipelines", json!({ "definition": definition })).await;
    }
    bench
}

/// A task, started; what its run is called and how it stands.
async fn begin(bench: &Bench, id: &str, more: Json) -> String {
    let mut body = json!({"id": id, "title": id, "pipeline": "script"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    bench.post("/api/tasks", body).await;
    let run = bench.post(&format!("/api/tasks/{id}/start"), json!({})).await;
    format!("{} {}", run["name"].as_str().unwrap(), run["status"].as_str().unwrap())
}

async fn status(bench: &Bench, run: &str) -> String {
    bench.get(&format!("/api/runs/{run}")).await["status"].as_str().unwrap().to_owned()
}

/// All that is said of why a run does not go on.
async fn why(bench: &Bench, run: &str) -> String {
    bench.get(&format!("/api/runs/{run}/explain")).await["data"].to_string()
}

async fn trail(bench: &Bench) -> Vec<Json> {
    let entries = bench.get("/api/audit?limit=100").await["data"].as_array().unwrap().clone();
    let of_it = |entry: &Json| {
        entry["action"].as_str().is_some_and(|action| action.starts_with("rollout."))
    };
    entries.into_iter().filter(of_it).rev().collect()
}

async fn actions(bench: &Bench) -> String {
    let entries = trail(bench).await;
    let words: Vec<&str> = entries.iter().filter_map(|entry| entry["action"].as_str()).collect();
    words.join(" ")
}

/// The run that the next attempt belongs to, and the attempt.
async fn next(bench: &mut Bench) -> (String, AttemptRef) {
    let attempt = bench.hands.started().await;
    let run = bench.get(&format!("/api/runs/{}", attempt.run)).await;
    (run["name"].as_str().unwrap().to_owned(), attempt)
}

#[tokio::test]
async fn a_switch_is_refused_while_somebody_is_busy_and_says_who() {
    let mut bench = bench(Bench::by_hand()).await;
    let view = bench.get("/api/rollout").await;
    assert_eq!(
        (&view["mode"], &view["orchestration"], &view["version"]),
        (&json!("production"), &json!("parallel"), &json!(0))
    );
    assert_eq!((&view["busy"], &view["draining"]), (&json!([]), &Json::Null));
    assert_eq!(begin(&bench, "T-1", json!({"pipeline": "feature"})).await, "T-1-1 running");
    let attempt = bench.hands.started().await;
    let wanted = json!({"orchestration": "sequential", "mode": "shadow"});
    let problem = bench.refused("POST", SWITCH, wanted.clone(), 409, "conflict").await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("the modes cannot be switched while 1 is busy: ")
            && detail.contains("implementer works on T-1-1 (code) for "),
        "{detail}"
    );
    let hint = |flag| {
        json!(format!("orchestrate rollout switch shadow --orchestration sequential {flag}"))
    };
    assert_eq!(problem["hints"], json!([hint("--drain"), hint("--force")]));
    let busy = bench.get("/api/rollout").await["busy"].clone();
    assert_eq!(busy[0]["who"], "implementer");
    assert_eq!((&busy[0]["run_name"], &busy[0]["stage"]), (&json!("T-1-1"), &json!("code")));
    // What is no mode may be changed at any time.
    let limits = json!({"wip": {"implementer": 2}, "scheduler": "fifo"});
    assert_eq!(bench.post(SWITCH, limits).await["version"], 1);
    assert_eq!(bench.get("/api/rollout").await["orchestration"], "parallel");
    let forced = json!({"orchestration": "sequential", "force": true, "reason": "tonight"});
    let view = bench.post(SWITCH, forced).await;
    assert_eq!((&view["orchestration"], &view["max_tasks"]), (&json!("sequential"), &json!(1)));
    assert_eq!(view["busy"][0]["run_name"], "T-1-1", "it goes on");
    assert_eq!(status(&bench, "T-1-1").await, "running");
    let entries = trail(&bench).await;
    assert_eq!(actions(&bench).await, "rollout.changed rollout.forced");
    let told = &entries[1];
    assert!(told.to_string().contains("tonight") && told.to_string().contains("T-1-1"), "{told}");
    bench.hands.exit(&attempt, 1);
    bench.finished("T-1-1").await;
    let view = bench.post(SWITCH, json!({"mode": "shadow"})).await;
    assert_eq!((&view["mode"], &view["busy"]), (&json!("shadow"), &json!([])));
    // It is so already.
    assert_eq!(bench.post(SWITCH, json!({"mode": "shadow"})).await["version"], 3);
    assert_eq!(actions(&bench).await, "rollout.changed rollout.forced rollout.switched");
    let metrics = bench.get_text("/metrics").await;
    assert!(metrics.contains("orchestrate_rollout_mode{mode=\"shadow\"} 1"), "{metrics}");
    assert!(metrics.contains("orchestrate_rollout_mode{mode=\"pilot\"} 0"));
    assert_eq!(bench.get("/api/status").await["rollout"]["mode"], "shadow");
}

#[tokio::test]
async fn a_drain_outlives_the_server_and_switches_when_the_last_one_ends() {
    let disk = Disk::new();
    let mut first = bench(Bench::on_disk(&disk)).await;
    begin(&first, "T-1", json!({})).await;
    let attempt = first.hands.started().await;
    let wanted = json!({"orchestration": "sequential", "drain": true});
    let view = first.post(SWITCH, wanted).await;
    assert_eq!(view["orchestration"], "parallel");
    assert_eq!(view["draining"]["says"], "the installation drains to sequential");
    assert_eq!(begin(&first, "T-2", json!({})).await, "T-2-1 pending");
    let says = why(&first, "T-2-1").await;
    assert!(says.contains("the installation drains to sequential"), "{says}");
    // Runs without a task go on.
    first.post("/api/runs", json!({"pipeline": "script"})).await;
    let (run, other) = next(&mut first).await;
    assert_eq!(run, "script#3");
    first.hands.exit(&other, 0);
    first.finished("script~3").await;
    drop(first);

    let mut second = Bench::on_disk(&disk);
    let adopted = loop {
        if let Order::Adopt { attempts } = second.hands.order().await {
            break attempts;
        }
    };
    assert_eq!(adopted, std::slice::from_ref(&attempt));
    assert_eq!(second.get("/api/rollout").await["draining"]["by"], view["draining"]["by"]);
    assert_eq!(status(&second, "T-2-1").await, "pending");
    second.hands.exit(&attempt, 0);
    second.finished("T-1-1").await;
    // In the commit of that end.
    let view = second.get("/api/rollout").await;
    assert_eq!((&view["orchestration"], &view["draining"]), (&json!("sequential"), &Json::Null));
    let (run, attempt) = next(&mut second).await;
    assert_eq!(run, "T-2-1");
    assert_eq!(actions(&second).await, "rollout.draining rollout.switched");
    // One at a time now.
    assert_eq!(begin(&second, "T-3", json!({})).await, "T-3-1 pending");
    let says = why(&second, "T-3-1").await;
    assert!(says.contains("sequential mode: T-2 is in the system (T-2-1, work)"), "{says}");
    second.hands.exit(&attempt, 0);
    assert_eq!(next(&mut second).await.0, "T-3-1");
}

#[tokio::test]
async fn a_drain_is_given_up_and_what_waited_begins() {
    let mut bench = bench(Bench::by_hand()).await;
    bench.refused("DELETE", "/api/rollout/draining", Json::Null, 409, "conflict").await;
    begin(&bench, "T-1", json!({})).await;
    let _busy = bench.hands.started().await;
    bench.post(SWITCH, json!({"mode": "pilot", "drain": true})).await;
    assert_eq!(begin(&bench, "T-2", json!({})).await, "T-2-1 pending");
    let (status, view) = bench.call("DELETE", "/api/rollout/draining", Json::Null).await;
    assert_eq!((status, &view["draining"]), (StatusCode::OK, &Json::Null), "{view}");
    assert_eq!(next(&mut bench).await.0, "T-2-1");
    assert_eq!(view["mode"], "production");
    assert_eq!(actions(&bench).await, "rollout.draining rollout.drain_given_up");
}

#[tokio::test]
async fn the_most_urgent_task_is_the_next_one_in_sequential_mode() {
    let mut bench = bench(Bench::by_hand()).await;
    bench.post(SWITCH, json!({"orchestration": "sequential"})).await;
    begin(&bench, "T-1", json!({})).await;
    begin(&bench, "T-2", json!({})).await;
    begin(&bench, "T-3", json!({"priority": 5})).await;
    for wanted in ["T-1-1", "T-3-1", "T-2-1"] {
        let (run, attempt) = next(&mut bench).await;
        assert_eq!(run, wanted);
        bench.hands.exit(&attempt, 0);
        bench.finished(wanted).await;
    }
}

#[tokio::test]
async fn tasks_whose_paths_overlap_go_one_after_the_other() {
    let mut bench = bench(Bench::by_hand()).await;
    begin(&bench, "T-1", json!({"paths": ["src/auth/**"]})).await;
    let (_, attempt) = next(&mut bench).await;
    let second = begin(&bench, "T-2", json!({"paths": ["docs", "src/**/login.rs"]})).await;
    assert_eq!(second, "T-2-1 pending");
    let says = why(&bench, "T-2-1").await;
    let wanted = "its paths overlap with those of task T-1, which is in the system (T-1-1, work)";
    assert!(says.contains(wanted), "{says}");
    assert_eq!(begin(&bench, "T-3", json!({"paths": ["ui/billing"]})).await, "T-3-1 running");
    assert_eq!(next(&mut bench).await.0, "T-3-1");
    let queues = bench.get("/api/queues").await;
    assert_eq!(queues["blocked"][0]["run_name"], "T-2-1");
    assert_eq!(queues["blocked"][0]["because"], json!([wanted]));
    bench.hands.exit(&attempt, 0);
    assert_eq!(next(&mut bench).await.0, "T-2-1");
}

#[tokio::test]
async fn so_many_agents_of_a_role_work_at_once_and_queues_say_who_waits() {
    let mut bench = bench(Bench::by_hand()).await;
    let hybrid = json!({"orchestration": "hybrid"});
    let problem = bench.refused("POST", SWITCH, hybrid, 422, "invalid_input").await;
    assert_eq!(problem["fields"][0]["field"], "max_tasks");
    let wanted = json!({"orchestration": "hybrid", "max_tasks": 3, "wip": {"implementer": 1}});
    assert_eq!(bench.post(SWITCH, wanted).await["max_tasks"], 3);
    for id in ["T-1", "T-2", "T-3"] {
        let run = begin(&bench, id, json!({"pipeline": "feature"})).await;
        assert_eq!(run, format!("{id}-1 running"));
    }
    let (run, attempt) = next(&mut bench).await;
    assert_eq!(run, "T-1-1");
    let says = why(&bench, "T-2-1").await;
    assert!(says.contains("role implementer is at its limit of 1: T-1-1"), "{says}");
    assert_eq!(begin(&bench, "T-4", json!({})).await, "T-4-1 pending");
    let full = "hybrid mode: the system is at its limit of 3: T-1, T-2, T-3";
    assert!(why(&bench, "T-4-1").await.contains(full));
    bench.post("/api/tasks", json!({"id": "T-5", "title": "to do", "priority": 2})).await;
    bench.post("/api/tasks", json!({"id": "T-6", "prerequisites": ["T-5"]})).await;
    bench.post("/api/tasks", json!({"id": "T-7", "status": "done"})).await;
    let queues = bench.get("/api/queues").await;
    let tasks = |queue: &str| -> Vec<String> {
        let tasks = queues[queue].as_array().unwrap().iter();
        tasks
            .map(|task| format!("{} {}", task["task"].as_str().unwrap(), task["because"]))
            .collect()
    };
    assert_eq!(tasks("unassigned"), ["T-5 []"]);
    let blocked = [format!("T-4 [\"{full}\"]"), "T-6 [\"needs T-5\"]".to_owned()];
    assert_eq!(tasks("blocked"), blocked);
    assert_eq!(tasks("completed"), ["T-7 []"]);
    let role = &queues["roles"][0];
    assert_eq!((&role["role"], &role["limit"]), (&json!("implementer"), &json!(1)));
    assert_eq!(role["working"].as_array().unwrap().len(), 1);
    assert_eq!(role["working"][0]["run_name"], "T-1-1");
    let waiting: Vec<&Json> =
        role["waiting"].as_array().unwrap().iter().map(|one| &one["run_name"]).collect();
    assert_eq!(waiting, ["T-2-1", "T-3-1"]);
    // Its place is free when it has ended, however it did.
    bench.hands.exit(&attempt, 1);
    let (run, _) = next(&mut bench).await;
    assert_eq!(run, "T-2-1");
    // Without the limit nobody waits.
    bench.post(SWITCH, json!({"wip": {}})).await;
    let mut more = [next(&mut bench).await.0, next(&mut bench).await.0];
    more.sort();
    assert_eq!(more, ["T-3-1", "T-4-1"]);
}

#[tokio::test]
async fn what_cannot_be_switched_to_is_refused_with_the_field() {
    let bench = bench(Bench::by_hand()).await;
    for (body, field) in [
        (json!({"mode": "yolo"}), "mode"),
        (json!({"orchestration": "chaos"}), "orchestration"),
        (json!({"scheduler": "best"}), "scheduler"),
        (json!({"max_tasks": 0}), "max_tasks"),
        (json!({"pilot_tasks": [""]}), "pilot_tasks"),
        (json!({"pilot_tasks": ["["]}), "pilot_tasks"),
        (json!({"wip": {"tester": 0}}), "wip"),
        (json!({"wip": {"": 1}}), "wip"),
        (json!({"mode": "shadow", "reason": "x".repeat(2001)}), "reason"),
    ] {
        let problem = bench.refused("POST", SWITCH, body.clone(), 422, "invalid_input").await;
        assert_eq!(problem["fields"][0]["field"], field, "{body}: {problem}");
    }
    let both = json!({"mode": "shadow", "drain": true, "force": true});
    bench.refused("POST", SWITCH, both, 400, "invalid_request").await;
    bench.refused("POST", SWITCH, json!({"speed": 9}), 400, "invalid_request").await;
    assert_eq!(bench.get("/api/rollout").await["version"], 0);
    // Who names a version is bound to it.
    let pilot = json!({"mode": "pilot", "pilot_tasks": ["T-1*"]});
    let stale = [("if-match", "\"7\"")];
    let (status, _) = call_with(bench.router(), "POST", SWITCH, pilot.clone(), &stale).await;
    assert_eq!(status, StatusCode::PRECONDITION_FAILED);
    let fresh = [("if-match", "\"0\"")];
    let (status, view) = call_with(bench.router(), "POST", SWITCH, pilot, &fresh).await;
    assert_eq!((status, &view["pilot_tasks"]), (StatusCode::OK, &json!(["T-1*"])), "{view}");
}

#[tokio::test]
async fn the_next_mode_is_dared_by_what_was_measured_here() {
    let bench = bench(Bench::new()).await;
    bench.post(SWITCH, json!({"mode": "pilot"})).await;
    let check = bench.get("/api/rollout/check").await;
    assert_eq!((&check["passed"], &check["next"]), (&json!(false), &json!("production")));
    let figure = |check: &Json, name: &str| {
        let all = check["criteria"].as_array().unwrap();
        let one = all.iter().find(|one| one["name"] == name).unwrap();
        format!("{} {}", one["passed"], one["figure"].as_str().unwrap())
    };
    assert_eq!(figure(&check, "runs"), "false 0 of 10");
    assert_eq!(figure(&check, "failures"), "false 0 of 0");
    assert_eq!(figure(&check, "unknown"), "true 0");
    assert!(figure(&check, "audit").starts_with("true "), "{check}");
    for _ in 0..2 {
        let run = bench.post("/api/runs", json!({"pipeline": "script"})).await;
        bench.finished(run["id"].as_str().unwrap()).await;
    }
    bench.config("rollout: {check_runs: 2}");
    let check = bench.get("/api/rollout/check").await;
    assert_eq!(figure(&check, "runs"), "true 2 of 2");
}

#[tokio::test]
async fn whoever_listens_hears_of_switches_and_of_who_is_busy() {
    let mut bench = bench(Bench::by_hand()).await;
    let poll = "/api/v1/stream/poll?topics=rollout";
    let first = bench.get(poll).await;
    assert_eq!(first["frames"][0]["snapshot"]["mode"], "production", "{first}");
    let heard = |cursor: &Json| format!("{poll}&cursor={}", cursor.as_str().unwrap());
    begin(&bench, "T-1", json!({})).await;
    let _attempt = bench.hands.started().await;
    let second = bench.get(&heard(&first["cursor"])).await;
    let frames = second["frames"].as_array().unwrap().iter();
    let told = frames.filter_map(|frame| frame["ev"].as_array()?.last()).next_back().unwrap();
    let busy = &told["v"]["busy"][0]["run_name"];
    assert_eq!((&told["k"], busy), (&json!("rollout"), &json!("T-1-1")));
    bench.post(SWITCH, json!({"mode": "shadow", "force": true})).await;
    let third = bench.get(&heard(&second["cursor"])).await;
    assert!(third.to_string().contains("\"mode\":\"shadow\""), "{third}");
}
