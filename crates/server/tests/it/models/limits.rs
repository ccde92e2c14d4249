//! Budgets, queues, and providers that say that it is too much.

use api::agent::Limits;
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value as Json, json};

use super::upstream::{Reply, Upstream};
use super::{Stage, chat, says};
use crate::bench::Bench;
use crate::disk::Disk;

fn calls(calls: u32) -> Limits {
    Limits { calls: Some(calls), ..Limits::default() }
}

#[tokio::test]
async fn a_limit_of_seven_calls_with_three_members_at_once_makes_seven_calls() {
    let upstream = Upstream::new(says).await;
    let stage = Stage::new(&upstream, &calls(7)).await;
    let member = async |name: &str| {
        let mut refused = Vec::new();
        for turn in 0..4 {
            let headers = [("x-orchestrate-member", name)];
            let text = format!("{name} {turn}");
            let (status, answer) =
                stage.ask("openai/chat/completions", chat(&text), &headers).await;
            if status != StatusCode::OK {
                refused.push((status, answer));
            }
        }
        refused
    };
    let (a, b, c) = tokio::join!(member("a"), member("b"), member("c"));
    assert_eq!(upstream.seen().len(), 7);
    let refused: Vec<(StatusCode, Json)> = a.into_iter().chain(b).chain(c).collect();
    assert_eq!(refused.len(), 5);
    for (status, answer) in refused {
        let says = answer["error"]["message"].as_str().unwrap();
        assert_eq!(
            (status, &answer["error"]["code"]),
            (StatusCode::BAD_REQUEST, &json!("budget_exhausted"))
        );
        assert!(
            says.contains("stage `work`: 7 of 7 calls") && !says.contains("too long"),
            "{says}"
        );
    }
    let trail = stage.bench.get("/api/audit").await;
    let said: Vec<&str> = trail["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["action"].as_str().filter(|action| action.starts_with("budget")))
        .collect();
    assert_eq!(said.iter().filter(|action| **action == "budget.warned").count(), 1, "{said:?}");
    assert!(said.contains(&"budget.exhausted"), "{said:?}");
    let cost = stage.bench.get("/api/runs/agents~1/cost").await;
    assert_eq!(cost["total"]["calls"], 7);
    assert_eq!(cost["stages"][0]["members"].as_array().unwrap().len(), 3);
    let listed = stage.calls().await;
    assert_eq!(
        listed.iter().filter(|call| call["state"] == "refused").count(),
        1,
        "once is enough"
    );
}

#[tokio::test]
async fn a_share_is_a_part_of_the_stage_and_money_and_tokens_bind_too() {
    let upstream = Upstream::new(says).await;
    let stage = Stage::new(&upstream, &calls(10)).await;
    let greedy = [("x-orchestrate-member", "a"), ("x-orchestrate-share", "0.2")];
    for turn in 0..3 {
        let (status, answer) =
            stage.ask("openai/chat/completions", chat(&turn.to_string()), &greedy).await;
        assert_eq!(status == StatusCode::OK, turn < 2, "{answer}");
        if turn == 2 {
            assert!(
                answer.to_string().contains("member `a` of stage `work`: 2 of 2 calls"),
                "{answer}"
            );
        }
    }
    let (status, _) = stage.chat("t").await;
    assert_eq!(status, StatusCode::OK, "others have theirs");
    for (name, limits) in [
        ("tokens", Limits { tokens: Some(60), ..Limits::default() }),
        ("$", Limits { nano_usd: Some(1000), ..Limits::default() }),
    ] {
        let token = stage.bench.server.door(&stage.attempt, &limits).token;
        let (status, answer) =
            super::ask(&stage.bench, &token, "openai/chat/completions", chat("x"), &[]).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(answer.to_string().contains(name), "{answer}");
    }
    for wrong in ["0", "1.1", "x"] {
        let headers = [("x-orchestrate-share", wrong)];
        let (status, _) = stage.ask("openai/chat/completions", chat("y"), &headers).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(upstream.seen().len(), 3);
}

#[tokio::test]
async fn the_caps_of_a_run_and_of_a_day_hold_over_stages_and_runs() {
    let upstream = Upstream::new(says).await;
    let more = "  budget: {run: {calls: 2}, day: {calls: 3}}\n";
    let mut stage = Stage::on(Bench::by_hand(), &upstream, &Limits::default(), more).await;
    for turn in ["a", "b"] {
        assert_eq!(stage.chat(turn).await.0, StatusCode::OK);
    }
    let (_, answer) = stage.chat("c").await;
    assert!(answer.to_string().contains("the run: 2 of 2 calls"), "{answer}");
    stage.bench.start(super::AGENT).await;
    let other = stage.bench.hands.started().await;
    let other = match other.execution.as_str() {
        "work" => other,
        _ => stage.bench.hands.started().await,
    };
    let token = stage.bench.door(&other).token;
    let ask = async |text: &str| {
        super::ask(&stage.bench, &token, "openai/chat/completions", chat(text), &[]).await
    };
    assert_eq!(ask("d").await.0, StatusCode::OK);
    let (_, answer) = ask("e").await;
    assert!(answer.to_string().contains("all runs together: 3 of 3 calls"), "{answer}");
    assert_eq!(upstream.seen().len(), 3);
}

#[tokio::test]
async fn what_was_under_way_in_a_crash_counts_after_it() {
    let upstream = Upstream::held(says).await;
    let disk = Disk::new();
    let stage = Stage::on(Bench::on_disk(&disk), &upstream, &calls(2), "").await;
    upstream.release(1);
    assert_eq!(stage.chat("a").await.0, StatusCode::OK);
    let asking = tokio::spawn({
        let (router, token) = (stage.bench.router(), stage.token.clone());
        async move {
            let bearer = format!("Bearer {token}");
            let headers = [("authorization", bearer.as_str())];
            let path = "/llm/openai/chat/completions";
            crate::bench::call_with(router, "POST", path, chat("b"), &headers).await
        }
    });
    upstream.arrived(2).await;
    // The process is gone in the middle of it: nothing is told to anybody.
    let folder = stage.bench.path().to_owned();
    let Stage { bench, attempt, .. } = stage;
    disk.change(|state| state.broken = true);
    asking.abort();
    drop(bench.server);
    disk.change(|state| state.broken = false);
    let script = crate::bench::by_hand();
    let reader = std::sync::Arc::new(disk.reader.clone());
    let later = Bench::with(Box::new(disk.clone()), reader, script, |options| {
        options.data_dir = folder;
    });
    let token = later.server.door(&attempt, &calls(2)).token;
    let (status, answer) =
        super::ask(&later, &token, "openai/chat/completions", chat("c"), &[]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    assert!(answer.to_string().contains("2 of 2 calls"), "{answer}");
    let page = later.get("/api/runs/agents~1/model-calls").await;
    let states: Vec<&str> = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["refused", "lost", "answered"]);
}

#[tokio::test]
async fn a_provider_that_has_too_much_to_do_is_asked_again_later() {
    let later = || vec![("retry-after-ms", "20")];
    let upstream = Upstream::new(move |number| match number {
        0 | 1 => Reply::Status(429, later(), json!({"error": {"message": "slow down"}})),
        2 => Reply::Status(529, later(), json!({})),
        3 => Reply::Status(500, later(), json!({})),
        _ => Reply::Says("one two three"),
    })
    .await;
    let stage = Stage::new(&upstream, &calls(1)).await;
    let (status, answer) = stage.chat("a").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(upstream.seen().len(), 5);
    assert_eq!(stage.calls().await.len(), 1, "one call for whoever asked");
    let metrics = stage.bench.get_text("/metrics").await;
    assert!(
        metrics.contains("orchestrate_model_retries_total{provider=\"openai\"} 4"),
        "{metrics}"
    );
}

#[tokio::test]
async fn no_money_and_errors_without_end_are_the_last_word() {
    let upstream = Upstream::new(|number| match number {
        0 => Reply::Status(429, vec![], json!({"error": {"code": "insufficient_quota"}})),
        _ => {
            Reply::Status(503, vec![("retry-after-ms", "1")], json!({"error": {"message": "down"}}))
        }
    })
    .await;
    let stage = Stage::new(&upstream, &Limits::default()).await;
    assert_eq!(stage.chat("a").await.0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(upstream.seen().len(), 1);
    assert_eq!(stage.chat("b").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(upstream.seen().len(), 5, "four tries");
}

#[tokio::test]
async fn no_more_calls_are_under_way_than_the_provider_takes_and_runs_take_turns() {
    let upstream = Upstream::held(says).await;
    let mut stage = Stage::new(&upstream, &Limits::default()).await;
    stage.bench.start(super::AGENT).await;
    let other = loop {
        let started = stage.bench.hands.started().await;
        if started.execution == "work" {
            break started;
        }
    };
    let token = stage.bench.door(&other).token;
    let ask = |token: String, text: String| {
        let router = stage.bench.router();
        tokio::spawn(async move {
            let bearer = format!("Bearer {token}");
            let headers = [("authorization", bearer.as_str())];
            let path = "/llm/openai/chat/completions";
            crate::bench::call_with(router, "POST", path, chat(&text), &headers).await
        })
    };
    // Three fill the lane; then one run queues six, the other one two.
    let mut asking: Vec<_> =
        (0..3).map(|n| ask(stage.token.clone(), format!("first {n}"))).collect();
    upstream.arrived(3).await;
    let waiting = async |count: u64| loop {
        let metrics = stage.bench.get_text("/metrics").await;
        if metrics.contains(&format!("orchestrate_model_calls_waiting {count}\n")) {
            return;
        }
        tokio::task::yield_now().await;
    };
    asking.extend((0..6).map(|n| ask(stage.token.clone(), format!("many {n}"))));
    waiting(6).await;
    asking.extend((0..2).map(|n| ask(token.clone(), format!("few {n}"))));
    waiting(8).await;
    for done in 1..=8 {
        upstream.release(1);
        upstream.arrived(3 + done).await;
    }
    upstream.release(3);
    for answer in join_all(asking).await {
        assert_eq!(answer.unwrap().0, StatusCode::OK);
    }
    assert_eq!(upstream.most(), 3);
    let order: Vec<String> = upstream
        .seen()
        .iter()
        .map(|seen| seen.body["messages"][0]["content"].as_str().unwrap().to_owned())
        .collect();
    let few: Vec<usize> = (0..order.len()).filter(|at| order[*at].starts_with("few")).collect();
    assert!(few[1] <= 7, "whoever asks little does not wait for whoever asks much: {order:?}");
}

#[tokio::test]
async fn whoever_waits_stops_waiting_when_the_attempt_is_over() {
    let upstream = Upstream::held(says).await;
    let stage = Stage::new(&upstream, &Limits::default()).await;
    let (router, token) = (stage.bench.router(), stage.token.clone());
    let ask = |text: &str| {
        let (router, token, text) = (router.clone(), token.clone(), text.to_owned());
        tokio::spawn(async move {
            let bearer = format!("Bearer {token}");
            let headers = [("authorization", bearer.as_str())];
            let path = "/llm/openai/chat/completions";
            crate::bench::call_with(router, "POST", path, chat(&text), &headers).await
        })
    };
    let asking: Vec<_> = ["a", "b", "c", "d"].map(ask).into_iter().collect();
    upstream.arrived(3).await;
    stage.bench.post("/api/runs/agents~1/cancel", json!({"reason": "enough"})).await;
    for answer in join_all(asking).await {
        let (status, answer) = answer.unwrap();
        assert_eq!((status, &answer["error"]["code"]), (StatusCode::CONFLICT, &json!("stale")));
    }
    assert_eq!(upstream.seen().len(), 3, "what waited was never sent");
    let (status, answer) = stage.chat("e").await;
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::CONFLICT, &json!("stale")));
}
