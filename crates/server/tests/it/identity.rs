//! Who is who: nobody acts as another without the admin token.

use http::StatusCode;
use serde_json::{Value as Json, json};

use crate::bench::{Bench, call_with};
use crate::starts::CHAIN;

#[tokio::test]
async fn a_token_is_its_user_and_nobody_else() {
    let bench = Bench::new();
    bench.config("users: {bo: {groups: [devops], roles: [operator]}, ana: }\n");
    let bo = bench.token("bo").await;
    let (_, me) = bench.call_as(&bo, "GET", "/api/whoami", Json::Null).await;
    assert_eq!(
        me,
        json!({"name": "bo", "groups": ["devops", "operator"], "admin": false, "by": "token", "rights": ["read", "run"]})
    );
    let start = json!({"definition": CHAIN, "directory": "/"});
    let (status, run) = bench.call_as(&bo, "POST", "/api/runs", start.clone()).await;
    assert_eq!((status, &run["by"]), (StatusCode::CREATED, &json!("bo")));
    // What a user may not: act for others, see or make tokens.
    let bearer = format!("Bearer {bo}");
    let stand_in = [("authorization", bearer.as_str()), ("x-orchestrate-as", "ana")];
    let (status, problem) =
        call_with(bench.router(), "POST", "/api/runs", start.clone(), &stand_in).await;
    assert_eq!((status, &problem["code"]), (StatusCode::FORBIDDEN, &json!("not_allowed")));
    for (method, path) in
        [("GET", "/api/tokens"), ("POST", "/api/tokens"), ("DELETE", "/api/tokens/t-1")]
    {
        let body = if method == "POST" { json!({"user": "bo"}) } else { Json::Null };
        let (status, _) = bench.call_as(&bo, method, path, body).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
    }
    // Nor can they without any token, by saying so.
    let (status, _) =
        call_with(bench.router(), "POST", "/api/runs", start, &[("x-orchestrate-as", "ana")]).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_admin_token_may_act_for_others_and_a_revoked_one_is_nobody() {
    let bench = Bench::new();
    let made = bench.post("/api/tokens", json!({"user": "ana", "admin": true})).await;
    let token = made["token"].as_str().unwrap();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("x-orchestrate-as", "bo")];
    let (_, me) = call_with(bench.router(), "GET", "/api/whoami", Json::Null, &headers).await;
    assert_eq!((&me["name"], &me["by"]), (&json!("bo"), &json!("admin token as")));
    let listed = bench.get("/api/tokens").await;
    assert_eq!(listed["data"][0]["user"], "ana");
    assert!(!listed.to_string().contains(token), "it is shown once");
    let id = made["id"].as_str().unwrap();
    let (status, gone) = bench.call("DELETE", &format!("/api/tokens/{id}"), Json::Null).await;
    assert_eq!(status, StatusCode::OK);
    assert!(gone["revoked_at"].is_string());
    let (status, _) = bench.call_as(token, "GET", "/api/whoami", Json::Null).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    bench.refused("DELETE", "/api/tokens/t-none", Json::Null, 404, "not_found").await;
}

#[tokio::test]
async fn a_user_that_the_folder_does_not_list_gets_no_token() {
    let bench = Bench::new();
    bench.config("users: {bo: }\n");
    let body = json!({"user": "eve"});
    bench.refused("POST", "/api/tokens", body, 422, "invalid_input").await;
    bench.refused("POST", "/api/tokens", json!({"user": " "}), 422, "invalid_input").await;
}

#[tokio::test]
async fn a_slip_in_the_configuration_starts_nothing_and_says_where_it_is() {
    let bench = Bench::new();
    bench.config("environments:\n  prod: {lok: true}\n");
    let start = json!({"definition": CHAIN, "directory": "/"});
    let problem = bench.refused("POST", "/api/runs", start.clone(), 409, "config_invalid").await;
    assert!(problem["detail"].as_str().unwrap().starts_with("config.yaml:2:10: "), "{problem}");
    bench.config("environments: {prod: {lock: true}}\n");
    bench.start_with(start).await;
}

#[tokio::test]
async fn an_event_is_stored_once() {
    let bench = Bench::new();
    let event = json!({"type": "spec.ready", "id": "e-1", "data": {"spec": 7}});
    let (status, given) = bench.call("POST", "/api/events", event.clone()).await;
    assert_eq!((status, &given["duplicate"]), (StatusCode::CREATED, &json!(false)));
    assert!(given["source"].as_str().unwrap().starts_with("user:"));
    let (status, again) = bench.call("POST", "/api/events", event).await;
    assert_eq!((status, &again["duplicate"]), (StatusCode::OK, &json!(true)));
    let listed = bench.get("/api/events?type=spec.ready").await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    for wrong in
        [json!({"type": ""}), json!({"type": "a", "data": [1]}), json!({"type": "a", "id": " b"})]
    {
        bench.refused("POST", "/api/events", wrong, 422, "invalid_input").await;
    }
    let zero = json!({"type": "a\u{0}"});
    bench.refused("POST", "/api/events", zero, 400, "invalid_request").await;
    let lost = json!({"type": "a", "run": "none#1"});
    bench.refused("POST", "/api/events", lost, 404, "not_found").await;
}

#[tokio::test]
async fn decisions_are_on_the_trail_and_the_trail_is_proved() {
    let bench = Bench::by_hand();
    bench.start(CHAIN).await;
    bench.post("/api/runs/chain~1/cancel", json!({"reason": "no need"})).await;
    let trail = bench.get("/api/audit?run=chain~1").await;
    let actions: Vec<&Json> =
        trail["data"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["run.cancel_requested", "run.created"]);
    assert_eq!(trail["data"][0]["says"], "cancelled it: no need");
    assert_eq!(trail["data"][0]["run"], "chain#1");
    let page = bench.get("/api/audit?limit=1").await;
    let next = page["next"].as_str().unwrap();
    let rest = bench.get(&format!("/api/audit?limit=1&after={next}")).await;
    assert_eq!(rest["data"][0]["action"], "run.created");
    let proof = bench.get("/api/audit/verify").await;
    assert_eq!(proof["runs"], 1);
    assert_eq!(proof["head"].as_str().unwrap().len(), 64);
}
