//! What a live attempt asks people, through the doors of both.

use http::StatusCode;
use serde_json::{Value as Json, json};

use crate::bench::{Bench, call_with};
use crate::starts::CHAIN;

struct Asking {
    bench: Bench,
    token: String,
    attempt: api::link::AttemptRef,
}

impl Asking {
    async fn new() -> Self {
        let mut bench = Bench::by_hand();
        bench.start(CHAIN).await;
        let attempt = bench.hands.started().await;
        let token = bench.door(&attempt).token;
        Self { bench, token, attempt }
    }

    async fn call(&self, method: &str, path: &str, body: Json) -> (StatusCode, Json) {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str())];
        call_with(self.bench.router(), method, path, body, &headers).await
    }

    async fn ask(&self, key: &str, kind: &str) -> (StatusCode, Json) {
        let question = "may I run `make install`?";
        let body = json!({"key": key, "kind": kind, "question": question, "detail": {"n": 1}});
        self.call("POST", "/api/attempt/asks", body).await
    }

    async fn answer(&self, key: &str) -> (StatusCode, Json) {
        self.call("GET", &format!("/api/attempt/asks/{key}"), Json::Null).await
    }
}

#[tokio::test]
async fn an_attempt_waits_for_a_permission_and_hears_it_at_once() {
    let asking = Asking::new().await;
    let (status, asked) = asking.ask("tool-1", "permission").await;
    assert_eq!((status, &asked), (StatusCode::OK, &json!({"key": "tool-1", "answer": null})));
    let list = asking.bench.get("/api/approvals?status=pending").await;
    let one = &list["data"][0];
    assert_eq!((&one["kind"], &one["status"]), (&json!("permission"), &json!("pending")));
    assert_eq!(one["question"], "may I run `make install`?");
    let id = one["id"].as_str().unwrap().to_owned();
    let shown = asking.bench.get(&format!("/api/approvals/{id}")).await;
    assert_eq!(shown["shown"]["inquiry"]["detail"], json!({"n": 1}), "{shown}");
    let run = asking.bench.get("/api/runs/chain~1").await;
    assert_eq!(run["status"], "waiting");

    let approve = async {
        asking.bench.post(&format!("/api/approvals/{id}/approve"), json!({"comment": "go"})).await
    };
    let ((status, heard), _approved) = tokio::join!(asking.answer("tool-1"), approve);
    assert_eq!(status, StatusCode::OK);
    let answer = &heard["answer"];
    assert_eq!((&answer["kind"], &answer["comment"]), (&json!("allowed"), &json!("go")), "{heard}");
    assert_eq!(asking.bench.get("/api/runs/chain~1").await["status"], "running");
    // Asked again, it is answered from the journal.
    let (_, again) = asking.ask("tool-1", "permission").await;
    assert_eq!(again, heard);
}

#[tokio::test]
async fn a_question_is_answered_with_words_and_a_rejection_is_an_answer_too() {
    let asking = Asking::new().await;
    asking.ask("q-1", "question").await;
    let list = asking.bench.get("/api/approvals?status=pending").await;
    let id = list["data"][0]["id"].as_str().unwrap().to_owned();
    let approve = format!("/api/approvals/{id}/approve");
    let (status, problem) = asking.bench.call("POST", &approve, json!({})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    asking.bench.post(&approve, json!({"comment": "use CSS variables"})).await;
    let (_, heard) = asking.answer("q-1").await;
    assert_eq!(heard["answer"]["kind"], "said");
    assert_eq!(heard["answer"]["text"], "use CSS variables");

    asking.ask("tool-2", "permission").await;
    let list = asking.bench.get("/api/approvals?status=pending").await;
    let id = list["data"][0]["id"].as_str().unwrap().to_owned();
    asking.bench.post(&format!("/api/approvals/{id}/reject"), json!({"reason": "no root"})).await;
    let (_, heard) = asking.answer("tool-2").await;
    assert_eq!(heard["answer"]["kind"], "refused");
    assert_eq!(heard["answer"]["comment"], "no root");
    // The stage goes on: its attempt decides what to make of it.
    asking.bench.hands.exit(&asking.attempt, 0);
    asking.bench.until("chain~1", "running").await;
}

#[tokio::test]
async fn whoever_is_over_asks_in_vain_and_what_was_never_asked_is_not_found() {
    let asking = Asking::new().await;
    let (status, problem) = asking.answer("never").await;
    assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    let (status, problem) = asking.ask("tool-1", "wish").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    let long = json!({"key": "k", "kind": "question", "question": "x".repeat(70_000)});
    let (status, _) = asking.call("POST", "/api/attempt/asks", long).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    asking.ask("tool-1", "permission").await;
    let (status, problem) = asking.ask("tool-2", "permission").await;
    assert_eq!(status, StatusCode::CONFLICT, "one thing at a time: {problem}");

    let cancel = async { asking.bench.post("/api/runs/chain~1/cancel", json!({})).await };
    let ((status, problem), _) = tokio::join!(asking.answer("tool-1"), cancel);
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("stale")), "{problem}");
    let list = asking.bench.get("/api/approvals?status=void").await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}
