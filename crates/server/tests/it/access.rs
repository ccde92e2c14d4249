//! Every route with everybody: what the description of the API says is what happens.

use http::StatusCode;
use serde_json::{Value as Json, json};

use crate::bench::{Bench, call_with};

const ROLES: [(&str, &[&str]); 8] = [
    ("worker", &["work"]),
    ("viewer", &["read"]),
    ("auditor", &["read", "audit"]),
    ("approver", &["read", "decide"]),
    ("operator", &["read", "run"]),
    ("developer", &["read", "run", "define"]),
    ("maintainer", &["read", "run", "define", "decide", "maintain"]),
    ("admin", &["read", "run", "define", "decide", "maintain", "audit", "admin", "work"]),
];

/// What a route is for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum For {
    Everybody,
    Attempts,
    Holders(String),
}

/// Method, path with its parameters filled in, and for whom it is.
fn routes() -> Vec<(String, String, For)> {
    let document: Json = serde_json::from_str(server::openapi()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let way = &operation["security"][0];
            let whom = match (way["token"][0].as_str(), way["attempt"][0].as_str()) {
                (Some(right), None) => For::Holders(right.to_owned()),
                (None, Some("live")) => For::Attempts,
                (None, None) => For::Everybody,
                (_, Some(_)) => panic!("{method} {path}: {way}"),
            };
            let filled = path
                .split('/')
                .map(|part| if part.starts_with('{') { "none~9" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            routes.push((method.to_uppercase(), filled, whom));
        }
    }
    routes
}

/// The status and `code` of a call that is let in or not; a stream is not waited for.
async fn ask(
    bench: &Bench,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, Json) {
    let body = if matches!(method, "GET" | "DELETE" | "OPTIONS") { Json::Null } else { json!({}) };
    call_with(bench.router(), method, path, body, headers).await
}

fn endless(path: &str) -> bool {
    path.contains("/stream") || path.ends_with("/follow")
}

#[tokio::test]
async fn every_route_asks_every_role_for_the_right_that_it_names() {
    let bench = Bench::new();
    let mut config = "users:\n".to_owned();
    for (role, _) in ROLES {
        config += &format!("  u-{role}: {{roles: [{role}]}}\n");
    }
    bench.config(&config);
    let mut tokens = Vec::new();
    for (role, rights) in ROLES {
        tokens.push((role, rights, bench.token(&format!("u-{role}")).await));
    }
    let scoped = bench.post("/api/tokens", json!({"user": "u-admin", "scopes": ["read"]})).await;
    tokens.push(("admin, scope read", &["read"], scoped["token"].as_str().unwrap().to_owned()));
    let revoked = bench.post("/api/tokens", json!({"user": "u-admin"})).await;
    let id = revoked["id"].as_str().unwrap();
    bench.call("DELETE", &format!("/api/tokens/{id}"), Json::Null).await;
    let revoked = format!("Bearer {}", revoked["token"].as_str().unwrap());
    let routes = routes();
    assert!(routes.len() > 60);
    for (method, path, whom) in routes.iter().filter(|(_, path, _)| !endless(path)) {
        let For::Holders(right) = whom else { continue };
        let (status, _) = ask(&bench, method, path, &[("authorization", revoked.as_str())]).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}, revoked");
        for (role, rights, token) in &tokens {
            let may = rights.contains(&right.as_str());
            if may && (method != "GET" || path.contains("/verify")) {
                // What is let in may change something: that it is, is told by its own tests.
                continue;
            }
            let bearer = format!("Bearer {token}");
            let headers = [("authorization", bearer.as_str())];
            let (status, problem) = ask(&bench, method, path, &headers).await;
            let refused = status == StatusCode::FORBIDDEN
                && problem["detail"].as_str().is_some_and(|text| text.contains("the right `"));
            assert_eq!(refused, !may, "{method} {path} as {role}: {status} {problem}");
            assert_ne!(status, StatusCode::UNAUTHORIZED, "{method} {path} as {role}");
            assert!(!status.is_server_error(), "{method} {path} as {role}: {problem}");
        }
    }
}

/// Shown as `Authorization`, and as clients of models show their keys.
async fn with_door(bench: &Bench, method: &str, path: &str, token: &str) -> (StatusCode, Json) {
    let bearer = format!("Bearer {token}");
    ask(bench, method, path, &[("authorization", bearer.as_str())]).await
}

#[tokio::test]
async fn a_live_attempt_asks_what_is_for_attempts_and_nothing_else() {
    let mut bench = Bench::by_hand();
    bench.start(crate::starts::CHAIN).await;
    let attempt = bench.hands.started().await;
    let door = bench.door(&attempt);
    let owner = std::fs::read_to_string(bench.path().join("door.key")).unwrap();
    assert!(!door.token.contains(owner.trim()));
    let (status, me) = with_door(&bench, "GET", "/api/attempt", &door.token).await;
    assert_eq!((status, &me["key"]), (StatusCode::OK, &json!(attempt.key)), "{me}");
    assert_eq!((&me["fence"], &me["stopping"]), (&json!(attempt.fence), &json!(false)));
    let ana = bench.token("ana").await;
    let (mut closed, mut open) = (0, 0);
    for (method, path, whom) in routes().iter().filter(|(_, path, _)| !endless(path)) {
        match whom {
            For::Everybody => continue,
            For::Holders(_) => {
                let (status, problem) = with_door(&bench, method, path, &door.token).await;
                assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}: {problem}");
                closed += 1;
            }
            For::Attempts => {
                // Neither the folder's owner nor a user with a token is an attempt.
                for headers in [vec![], vec![("authorization", format!("Bearer {ana}"))]] {
                    let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
                    let (status, problem) = ask(&bench, method, path, &headers).await;
                    assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}: {problem}");
                    let says = problem["detail"].as_str().unwrap();
                    assert!(says.starts_with("only the harness"), "{says}");
                }
                let (status, problem) = with_door(&bench, method, path, &door.token).await;
                assert!(
                    status != StatusCode::FORBIDDEN && status != StatusCode::UNAUTHORIZED,
                    "{method} {path}: {status} {problem}"
                );
                open += 1;
            }
        }
    }
    assert!(closed > 60 && open > 0, "{closed} {open}");
    let (status, _) = with_door(&bench, "GET", "/api/nothing", &door.token).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "not even what there is");
    let standing_in = format!("Bearer {}", door.token);
    let headers = [("authorization", standing_in.as_str()), ("x-orchestrate-as", "ana")];
    let (status, _) = ask(&bench, "GET", "/api/runs", &headers).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_door_of_another_an_ended_or_no_attempt_is_closed_by_name() {
    let mut bench = Bench::by_hand();
    bench.start(crate::starts::CHAIN).await;
    let attempt = bench.hands.started().await;
    let token = bench.door(&attempt).token;
    let mut wrong = attempt.clone();
    wrong.fence += 1;
    // Nobody has this fence yet: the token is ours, the attempt is none.
    let early = bench.door(&wrong).token;
    let guessed = format!("{}{}", &token[..token.len() - 64], "0".repeat(64));
    let forged = token.replace(&format!("_{}_", attempt.fence), &format!("_{}_", wrong.fence));
    for (token, status, code) in [
        (&*early, StatusCode::CONFLICT, "stale"),
        (&guessed, StatusCode::UNAUTHORIZED, "not_allowed"),
        (&forged, StatusCode::UNAUTHORIZED, "not_allowed"),
    ] {
        let (found, problem) = with_door(&bench, "GET", "/api/attempt", token).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{problem}");
    }
    bench.hands.exit(&attempt, 0);
    let next = bench.hands.started().await;
    let (status, problem) = with_door(&bench, "GET", "/api/attempt", &token).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("stale")), "{problem}");
    let (status, _) = with_door(&bench, "GET", "/api/attempt", &bench.door(&next).token).await;
    assert_eq!(status, StatusCode::OK);
    bench.post("/api/runs/chain~1/cancel", json!({"reason": "no need"})).await;
    let token = bench.door(&next).token;
    let (_, me) = with_door(&bench, "GET", "/api/attempt", &token).await;
    assert_eq!(me["stopping"], json!(true), "it may still say its last words");
}

#[tokio::test]
async fn a_disabled_user_is_nobody_whatever_they_have() {
    let bench = Bench::new();
    let body = json!({"name": "bo", "roles": ["operator"], "password": "correct horse"});
    let made = bench.post("/api/users", body).await;
    assert_eq!(made["rights"], json!(["read", "run"]));
    assert!(!made.to_string().contains("horse") && !made.to_string().contains("argon2"));
    let bo = bench.token("bo").await;
    let (status, _) = bench.call_as(&bo, "GET", "/api/runs", Json::Null).await;
    assert_eq!(status, StatusCode::OK);
    bench.call("PATCH", "/api/users/bo", json!({"disabled": true})).await;
    let (status, _) = bench.call_as(&bo, "GET", "/api/runs", Json::Null).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let body = json!({"user": "bo", "password": "correct horse"});
    bench.refused("POST", "/api/session", body, 401, "not_allowed").await;
    bench.refused("POST", "/api/tokens", json!({"user": "bo"}), 409, "conflict").await;
    bench.refused("POST", "/api/users", json!({"name": "bo"}), 409, "conflict").await;
    bench.refused("PATCH", "/api/users/al", json!({}), 404, "not_found").await;
    let short = json!({"name": "al", "password": "short"});
    bench.refused("POST", "/api/users", short, 422, "invalid_input").await;
}

#[tokio::test]
async fn logins_fail_alike_and_have_to_wait() {
    let bench = Bench::new();
    bench.post("/api/users", json!({"name": "bo", "password": "correct horse"})).await;
    let login = |user: &str, password: &str| json!({"user": user, "password": password});
    let wrong =
        bench.refused("POST", "/api/session", login("bo", "wrong horse"), 401, "not_allowed").await;
    let nobody =
        bench.refused("POST", "/api/session", login("al", "wrong horse"), 401, "not_allowed").await;
    let says = |mut answer: Json| {
        // It differs for every request.
        answer.as_object_mut().unwrap().remove("request_id");
        answer
    };
    assert_eq!(says(wrong), says(nobody), "nothing tells whether there is such a user");
    let session = bench.post("/api/session", login("bo", "correct horse")).await;
    assert_eq!((&session["user"], &session["via"]), (&json!("bo"), &json!("password")));
    // All at once: each counts before anybody looked whether it fits.
    let many = (0..20).map(|_| bench.call("POST", "/api/session", login("al", "wrong horse")));
    let answers = futures_util::future::join_all(many).await;
    let late = answers.iter().filter(|(status, _)| *status == 429).count();
    assert!(late > 0 && answers.iter().all(|(status, _)| *status == 401 || *status == 429));
}

#[tokio::test]
async fn a_secret_is_never_given_back_and_its_change_is_on_the_trail() {
    let bench = Bench::new();
    let value = "hunter2-hunter2";
    let (status, put) = bench.call("PUT", "/api/secrets/KEY", json!({"value": value})).await;
    assert_eq!(status, StatusCode::OK, "{put}");
    let prod = json!({"value": "of prod", "environment": "prod"});
    bench.call("PUT", "/api/secrets/KEY", prod).await;
    let listed = bench.get("/api/secrets").await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    let rekeyed = bench.post("/api/secret-key", json!({})).await;
    assert_eq!(rekeyed["secrets"], 2);
    let (status, _) = bench.call("DELETE", "/api/secrets/KEY?environment=prod", Json::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let trail = bench.get("/api/audit").await;
    let actions: Vec<&str> = trail["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["secret.removed", "secret.rekeyed", "secret.set", "secret.set"]);
    let proof = bench.get("/api/audit/verify").await;
    assert_eq!(proof["entries"], 4);
    for answer in [put, listed, rekeyed, trail] {
        assert!(!answer.to_string().contains(value), "{answer}");
    }
    for (name, body) in [
        ("KEY", json!({"value": ""})),
        ("K.EY", json!({"value": "a"})),
        ("KEY", json!({"value": "a", "pipeline": "ci", "environment": "prod"})),
    ] {
        bench.refused("PUT", &format!("/api/secrets/{name}"), body, 422, "invalid_input").await;
    }
    let zero = json!({"value": "a\u{0}"});
    bench.refused("PUT", "/api/secrets/KEY", zero, 400, "invalid_request").await;
}

#[tokio::test]
async fn an_address_that_others_reach_needs_an_account() {
    let bench = Bench::new();
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let problem = bench.server.listen_tcp(everywhere, "s3cret").await.unwrap_err().to_string();
    assert!(problem.contains("orchestrate user create"), "{problem}");
    bench.post("/api/users", json!({"name": "bo", "password": "correct horse"})).await;
    bench.server.listen_tcp(everywhere, "s3cret").await.unwrap();
}

#[tokio::test]
async fn what_changed_beside_the_runs_is_read_page_by_page_with_the_decisions() {
    let bench = Bench::by_hand();
    bench.start(crate::starts::CHAIN).await;
    bench.post("/api/users", json!({"name": "bo"})).await;
    bench.post("/api/runs/chain~1/cancel", json!({"reason": "no need"})).await;
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = bench.get(&format!("/api/audit?limit=1{after}")).await;
        seen.extend(page["data"].as_array().unwrap().iter().map(|e| e["action"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    let expected = ["run.cancel_requested", "user.created", "run.created", "pipeline.saved"];
    assert!(expected[..3].iter().all(|action| seen.contains(&json!(action))), "{seen:?}");
    let mut once = seen.clone();
    once.dedup();
    assert_eq!(once.len(), seen.len(), "{seen:?}");
    bench.refused("GET", "/api/audit?after=7", Json::Null, 400, "invalid_request").await;
}
