//! Gates and forms over HTTP: who may, what is shown, what it comes to.

use http::StatusCode;
use serde_json::{Value as Json, json};

use crate::bench::{Bench, call_with};

const GATED: &str = "
name: release
stages:
  - name: build
    run: make
  - name: deploy
    run: ./deploy.sh
    requires_approval: {approvers: [team-lead, devops], timeout: 1h}
";

const USERS: &str = "
users:
  ana: {roles: [team-lead]}
  bo: {groups: [devops]}
  cy: {groups: [devops]}
  eve:
";

/// The only approval that is pending.
async fn pending(bench: &Bench) -> Json {
    let listed = bench.get("/api/approvals?status=pending").await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
    listed["data"][0].clone()
}

async fn waiting(bench: &Bench, run: &str) -> Json {
    bench.until(run, "waiting").await;
    pending(bench).await
}

#[tokio::test]
async fn two_people_approve_with_tokens_and_nobody_else_may() {
    let bench = Bench::new();
    bench.config(USERS);
    let (ana, bo, eve) =
        (bench.token("ana").await, bench.token("bo").await, bench.token("eve").await);
    bench.start(GATED).await;
    let asked = waiting(&bench, "release#1").await;
    assert_eq!(asked["id"], "A-1");
    assert_eq!((&asked["have"], &asked["need"]), (&json!(0), &json!(2)));
    assert_eq!(asked["missing"], json!(["team-lead", "devops"]));
    let path = |verb: &str| format!("/api/approvals/A-1{verb}");
    let (_, shown) = bench.call_as(&ana, "GET", &path(""), Json::Null).await;
    assert_eq!(shown["you"], "can approve");
    assert_eq!(shown["shown"]["task"]["command"][3], "./deploy.sh", "{shown}");
    let digest = shown["digest"].clone();
    // Not eligible, stale, twice.
    let (status, problem) = bench.call_as(&eve, "POST", &path("/approve"), json!({})).await;
    assert_eq!((status, &problem["code"]), (StatusCode::FORBIDDEN, &json!("not_allowed")));
    let (_, of_eve) = bench.call_as(&eve, "GET", "/api/approvals", Json::Null).await;
    assert_eq!(of_eve["data"][0]["you"], "the approvers are team-lead, devops");
    let stale = json!({"digest": "0000"});
    let (status, _) = bench.call_as(&ana, "POST", &path("/approve"), stale).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let vote = json!({"comment": "fine", "digest": digest});
    let (status, after) = bench.call_as(&ana, "POST", &path("/approve"), vote.clone()).await;
    assert_eq!(status, StatusCode::OK, "{after}");
    assert_eq!((&after["have"], &after["you"]), (&json!(1), &json!("voted approve")));
    assert_eq!(after["slots"][0], json!({"entry": "team-lead", "filled_by": "ana"}));
    let (status, problem) = bench.call_as(&ana, "POST", &path("/approve"), vote).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert_eq!(problem["hints"][0], "orchestrate approval show A-1");
    let (status, after) = bench.call_as(&bo, "POST", &path("/approve"), json!({})).await;
    assert_eq!((status, &after["status"]), (StatusCode::OK, &json!("approved")), "{after}");
    assert_eq!(bench.finished("release#1").await["status"], "succeeded");
    // After the end.
    let (status, _) = bench.call_as(&bo, "POST", &path("/reject"), json!({"reason": "x"})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    bench.refused("GET", "/api/approvals/A-2", Json::Null, 404, "not_found").await;
    bench.refused("GET", "/api/approvals/I-1", Json::Null, 404, "not_found").await;
}

#[tokio::test]
async fn one_rejection_ends_it_and_needs_a_reason() {
    let bench = Bench::new();
    bench.config(USERS);
    let bo = bench.token("bo").await;
    bench.start(GATED).await;
    waiting(&bench, "release#1").await;
    let path = "/api/approvals/A-1/reject";
    let (status, _) = bench.call_as(&bo, "POST", path, json!({"reason": " "})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, _) = bench.call_as(&bo, "POST", path, json!({"reason": "too late"})).await;
    assert_eq!(status, StatusCode::OK);
    let ended = bench.finished("release#1").await;
    assert_eq!(ended["status"], "failed");
    let of = bench.get("/api/approvals/A-1").await;
    assert_eq!((&of["status"], &of["reason"]), (&json!("rejected"), &json!("bo: too late")));
    let trail = bench.get("/api/audit?by=bo").await;
    assert_eq!(trail["data"][0]["says"], "rejected by bo: too late");
    assert_eq!(trail["data"][1]["says"], "rejected (start gate): too late");
}

#[tokio::test]
async fn a_slot_is_passed_on_and_taken_back() {
    let bench = Bench::new();
    bench.config(USERS);
    let (ana, eve) = (bench.token("ana").await, bench.token("eve").await);
    bench.start(GATED).await;
    waiting(&bench, "release#1").await;
    let path = |verb: &str| format!("/api/approvals/A-1/{verb}");
    let to = |who: &str| json!({ "to": who });
    let (status, problem) = bench.call_as(&ana, "POST", &path("delegate"), to("nobody")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let (status, _) = bench.call_as(&ana, "POST", &path("delegate"), to("bo")).await;
    assert_eq!(status, StatusCode::CONFLICT, "bo is in the electorate");
    let (status, after) = bench.call_as(&ana, "POST", &path("delegate"), to("eve")).await;
    assert_eq!(status, StatusCode::OK, "{after}");
    assert_eq!(after["you"], "delegated to eve");
    // It stays pending and listed, for the delegate too.
    let (_, listed) = bench.call_as(&eve, "GET", "/api/approvals?status=pending", Json::Null).await;
    assert_eq!(listed["data"][0]["you"], "can approve");
    let (status, _) = bench.call_as(&ana, "POST", &path("approve"), json!({})).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _) = bench.call_as(&eve, "POST", &path("delegate"), to("ana")).await;
    assert_eq!(status, StatusCode::CONFLICT, "a cycle");
    let (status, after) = bench.call_as(&ana, "POST", &path("revoke"), to("eve")).await;
    assert_eq!((status, &after["you"]), (StatusCode::OK, &json!("can approve")), "{after}");
    assert!(after["delegations"][0]["revoked_at"].is_string());
    let (status, _) = bench.call_as(&eve, "POST", &path("approve"), json!({})).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn whoever_started_a_run_decides_only_when_there_is_nobody_else() {
    let text = "name: solo\nstages:\n  - {name: a, run: 'true', requires_approval: true}\n";
    let bench = Bench::new();
    bench.start(text).await;
    waiting(&bench, "solo#1").await;
    bench.token("bo").await;
    bench.refused("POST", "/api/approvals/A-1/approve", json!({}), 403, "not_allowed").await;
    let tokens = bench.get("/api/tokens").await;
    let id = tokens["data"][0]["id"].as_str().unwrap();
    bench.call("DELETE", &format!("/api/tokens/{id}"), Json::Null).await;
    bench.post("/api/approvals/A-1/approve", json!({})).await;
    assert_eq!(bench.finished("solo#1").await["status"], "succeeded");
}

const FORM: &str = "
name: notes
stages:
  - name: ask
    form:
      instructions: What is in it?
      fields:
        version: {type: text, required: true, pattern: '[0-9.]+'}
        breaking: {type: boolean, default: false}
        count: {type: number, min: 1, max: 5}
        log: {type: file, max_bytes: 1000}
      assignees: [devops]
      save_as: {artifact: answers.json, format: json}
  - name: next
    env: {VERSION: '${stages.ask.outputs.version}'}
    run: echo $VERSION
";

#[tokio::test]
async fn a_form_keeps_a_draft_and_says_everything_that_is_wrong_at_once() {
    let bench = Bench::new();
    bench.config(USERS);
    let (bo, eve) = (bench.token("bo").await, bench.token("eve").await);
    bench.start(FORM).await;
    bench.until("notes#1", "waiting").await;
    let (_, listed) = bench.call_as(&bo, "GET", "/api/inputs?status=open", Json::Null).await;
    assert_eq!(listed["data"][0]["id"], "I-1");
    assert_eq!(listed["data"][0]["you"], "can submit");
    let (status, _) =
        bench.call_as(&eve, "POST", "/api/inputs/I-1/submit", json!({"values": {}})).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let draft = json!({"values": {"version": "not yet"}});
    let (status, kept) = bench.call_as(&bo, "PUT", "/api/inputs/I-1/draft", draft).await;
    assert_eq!(status, StatusCode::OK, "{kept}");
    assert_eq!(kept["values"], json!({"version": "not yet", "breaking": false}));
    assert_eq!(kept["draft"]["by"], "bo");
    // Who says what they have seen does not write over what they have not.
    let bearer = format!("Bearer {bo}");
    let seen = |tag| [("authorization", bearer.as_str()), ("if-match", tag)];
    let (path, late) = ("/api/inputs/I-1/draft", json!({"values": {"version": "late"}}));
    let (status, problem) =
        call_with(bench.router(), "PUT", path, late.clone(), &seen("\"d0\"")).await;
    assert_eq!((status.as_u16(), &problem["code"]), (412, &json!("changed_meanwhile")));
    let now = problem["detail"].as_str().unwrap().split('"').nth(1).unwrap();
    let now = format!("\"{now}\"");
    let (status, kept) = call_with(bench.router(), "PUT", path, late, &seen(&now)).await;
    assert_eq!((status, &kept["values"]["version"]), (StatusCode::OK, &json!("late")));
    let (status, _) =
        call_with(bench.router(), "PUT", path, json!({"values": {}}), &seen(&now)).await;
    assert_eq!(status, StatusCode::PRECONDITION_FAILED);
    let wrong = json!({"values": {"version": "x", "count": 7}});
    let (status, problem) = bench.call_as(&bo, "POST", "/api/inputs/I-1/submit", wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields: Vec<&str> = problem["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["version", "count"], "{problem}");
    let unknown = json!({"texts": {"version": "1", "colour": "red"}});
    let (status, problem) = bench.call_as(&bo, "POST", "/api/inputs/I-1/submit", unknown).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["fields"][0]["field"], "colour");
    let right = json!({"texts": {"version": "1.2", "breaking": "yes", "count": "3"}});
    let (status, after) = bench.call_as(&bo, "POST", "/api/inputs/I-1/submit", right).await;
    assert_eq!((status, &after["status"]), (StatusCode::OK, &json!("submitted")), "{after}");
    assert_eq!(after["submitted_by"], "bo");
    assert_eq!(bench.finished("notes#1").await["status"], "succeeded");
    let artifacts = bench.get("/api/artifacts?run=notes~1").await;
    assert_eq!(artifacts["data"][0]["name"], "answers.json", "{artifacts}");
    assert_eq!(artifacts["data"][0]["status"], "promoted");
    let id = artifacts["data"][0]["id"].as_str().unwrap();
    let answers = bench.get(&format!("/api/artifacts/{id}/content")).await;
    assert_eq!((&answers["version"], &answers["count"]), (&json!("1.2"), &json!(3)), "{answers}");
    let again = json!({"values": {"version": "2"}});
    let (status, _) = bench.call_as(&bo, "POST", "/api/inputs/I-1/submit", again).await;
    assert_eq!(status, StatusCode::CONFLICT);
}
