//! Signing in by a provider: what it says is believed only where it is proved, and opens only what
//! `config.yaml` says.

mod double;

use http::StatusCode;
use openidconnect::url::Url;
use serde_json::{Value as Json, json};

use crate::bench::Bench;
use crate::starts::CHAIN;
use double::{Browser, CLIENT, Provider, SECRET, Twist, now};

/// A server that knows this provider; `more` lines of `oidc`.
fn configure(bench: &Bench, provider: &Provider, more: &str) {
    std::fs::write(bench.path().join("client-secret"), format!("{SECRET}\n")).unwrap();
    bench.config(&format!(
        "oidc:\n  issuer: {}\n  client_id: {CLIENT}\n  client_secret: {{file: client-secret}}\n  \
         allow_private: true\n  public_url: http://127.0.0.1:7070\n{more}",
        provider.issuer
    ));
}

async fn both(more: &str) -> (Bench, Provider) {
    let (bench, provider) = (Bench::new(), Provider::new().await);
    configure(&bench, &provider, more);
    (bench, provider)
}

async fn actions(bench: &Bench) -> Vec<String> {
    let trail = bench.get("/api/audit").await;
    let all = trail["data"].as_array().unwrap().iter();
    all.map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn somebody_signs_in_by_the_provider_and_is_a_user_of_ours() {
    let (bench, provider) = both("").await;
    provider.said().person = json!({"sub": "7", "preferred_username": "bo", "name": "Bo B.", "email": "bo@example.com",
               "email_verified": true});
    let offered = bench.get("/api/session/oidc").await;
    assert_eq!(offered["start"], "/api/session/oidc/start");
    let mut browser = Browser::new(&bench);
    let started =
        browser.get("/api/session/oidc/start?return_to=/runs%3Fstatus%3Dfailed%26x").await;
    assert_eq!(started.status, 303);
    let [cookie] = started.cookies()[..] else { panic!("{:?}", started.cookies()) };
    for part in ["HttpOnly", "SameSite=Lax", "Path=/api/session/oidc", "Max-Age=600"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let location = Url::parse(started.location()).unwrap();
    assert_eq!(location.path(), "/authorize");
    let asked: std::collections::BTreeMap<_, _> = location.query_pairs().into_owned().collect();
    let said = |key: &str| asked[key].as_str();
    assert_eq!((said("response_type"), said("client_id")), ("code", CLIENT));
    assert_eq!((said("code_challenge_method"), said("scope")), ("S256", "openid profile email"));
    assert_eq!(said("redirect_uri"), "http://127.0.0.1:7070/api/session/oidc/callback");
    assert!(said("state").len() >= 43 && said("nonce").len() >= 43);
    let back = provider.authorize(started.location());
    let done = browser.get(&back).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(done.text.contains("content=\"0;url=/runs?status=failed&amp;x\""), "{}", done.text);
    assert_eq!(done.headers["cache-control"], "no-store");
    let session = done.cookies().into_iter().find(|cookie| cookie.contains("_session_")).unwrap();
    assert!(session.contains("HttpOnly; SameSite=Strict"), "{session}");
    assert_eq!(browser.cookies.len(), 1, "the cookie of the flow is gone: {:?}", browser.cookies);
    let me: Json = serde_json::from_str(&browser.get("/api/whoami").await.text).unwrap();
    assert_eq!((&me["name"], &me["by"]), (&json!("bo"), &json!("session")));
    let bo = bench.get("/api/users/bo").await;
    assert_eq!((&bo["origin"], &bo["roles"]), (&json!("oidc"), &json!(["viewer"])));
    assert_eq!((&bo["full_name"], &bo["email"]), (&json!("Bo B."), &json!("bo@example.com")));
    assert_eq!(bo["subject"], format!("{} 7", provider.issuer));
    assert_eq!(bench.get("/api/sessions").await["data"][0]["via"], "oidc");
    assert_eq!(actions(&bench).await, ["session.opened", "user.created"]);
    assert_eq!(Browser::new(&bench).sign_in(&provider).await.status, 200);
    let opened = ["session.opened", "session.opened", "user.created"];
    assert_eq!(actions(&bench).await, opened, "nothing of them has changed");
    // `orchestrate:the-clients-own-secret`
    let basic = "Basic b3JjaGVzdHJhdGU6dGhlLWNsaWVudHMtb3duLXNlY3JldA==";
    assert_eq!(provider.said().authorization, basic);
    assert_eq!((provider.asked("discovery"), provider.asked("keys")), (1, 1), "kept");
}

#[tokio::test]
async fn a_flow_returns_once_and_only_to_the_browser_that_began_it() {
    let (bench, provider) = both("").await;
    let (mut ours, mut theirs) = (Browser::new(&bench), Browser::new(&bench));
    let (back, other) = (ours.start(&provider).await, theirs.start(&provider).await);
    // Without the cookie, and with that of another flow.
    theirs.get(&back).await.refused(403, "sign_in_expired");
    Browser::new(&bench).get(&back).await.refused(403, "sign_in_expired");
    let name = |browser: &Browser<'_>| browser.cookies.keys().next().unwrap().clone();
    let mut mixed = Browser::new(&bench);
    mixed.cookies.insert(name(&ours), theirs.cookies[&name(&theirs)].clone());
    mixed.get(&back).await.refused(403, "sign_in_expired");
    // A state that we never gave, none, and one that is none.
    let state = back.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let wrong = back.replace(state, &"0".repeat(64));
    ours.get(&wrong).await.refused(403, "sign_in_expired");
    let short = back.replace(state, "x");
    ours.get(&short).await.refused(403, "sign_in_expired");
    let none = "/api/session/oidc/callback?code=code-0";
    ours.get(none).await.refused(400, "invalid_request");
    assert_eq!(provider.asked("token"), 0, "the provider was not bothered with any of it");
    // It counts once, also with the cookie kept.
    let cookies = ours.cookies.clone();
    assert_eq!(ours.get(&back).await.status, 200);
    let mut again = Browser::new(&bench);
    again.cookies = cookies;
    again.get(&back).await.refused(403, "sign_in_expired");
    assert_eq!(provider.asked("token"), 1);
    assert_eq!(theirs.get(&other).await.status, 200, "two at once do not hinder each other");
}

#[tokio::test]
async fn a_token_that_proves_nothing_signs_nobody_in() {
    let (bench, provider) = both("").await;
    let table: [(&str, Twist); 16] = [
        ("of another sign-in", |token| token.claims["nonce"] = json!("other")),
        ("of another sign-in", |token| drop(token.claims.as_object_mut().unwrap().remove("nonce"))),
        ("for somebody else", |token| token.claims["aud"] = json!("other")),
        ("for somebody else", |token| token.claims["aud"] = json!([CLIENT, "other"])),
        ("for somebody else", |token| token.claims["azp"] = json!("other")),
        ("for somebody else", |token| drop(token.claims.as_object_mut().unwrap().remove("aud"))),
        ("of somebody else", |token| token.claims["iss"] = json!("https://evil.example")),
        ("has expired", |token| token.claims["exp"] = json!(now() - 1)),
        ("signature is wrong", |token| token.forged = true),
        ("not signed in a way", |token| token.algorithm = "none"),
        ("not signed in a way", |token| (token.algorithm, token.by_secret) = ("HS256", true)),
        ("not signed in a way", |token| token.algorithm = "HS256"),
        ("signature is wrong", |token| token.by_secret = true),
        ("no ID token", |token| token.raw = Some(Json::Null)),
        ("could not be understood", |token| token.raw = Some(json!("a.b.c"))),
        ("could not be understood", |token| token.raw = Some(json!({"sub": "7"}))),
    ];
    for (number, (says, twist)) in table.into_iter().enumerate() {
        provider.said().twist = twist;
        let answer = Browser::new(&bench).sign_in(&provider).await;
        let wrong_signature = says == "signature is wrong" && number > 8;
        if wrong_signature {
            // It may be a new key under the old name; the provider was asked for it a moment ago.
            answer.refused(503, "provider_unavailable");
            continue;
        }
        let problem = answer.refused(403, "sign_in_refused");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{number} {says}: {problem}");
    }
    assert_eq!(bench.get("/api/sessions").await["data"], json!([]));
    assert_eq!(bench.get("/api/users").await["data"], json!([]));
    assert_eq!(provider.asked("keys"), 2, "asked once more, for the first wrong signature");
}

#[tokio::test]
async fn a_new_key_of_the_provider_is_asked_for_once_in_a_while() {
    let (bench, provider) = both("").await;
    assert_eq!(Browser::new(&bench).sign_in(&provider).await.status, 200);
    assert_eq!(provider.asked("keys"), 1);
    provider.rotate("k2", true);
    let answer = Browser::new(&bench).sign_in(&provider).await;
    assert_eq!(answer.status, 200, "a new key, and another algorithm (ES256): {}", answer.text);
    assert_eq!((provider.asked("keys"), provider.asked("discovery")), (2, 1));
    assert_eq!(Browser::new(&bench).sign_in(&provider).await.status, 200);
    provider.rotate("k3", false);
    let answer = Browser::new(&bench).sign_in(&provider).await;
    assert_eq!(answer.headers["retry-after"], "30");
    answer.refused(503, "provider_unavailable");
    assert_eq!(provider.asked("keys"), 2, "not asked again at once, whoever wants it");
}

#[tokio::test]
async fn a_code_is_worth_nothing_to_whoever_did_not_ask_for_it() {
    let (bench, provider) = both("").await;
    let (mut ours, mut theirs) = (Browser::new(&bench), Browser::new(&bench));
    let back = ours.start(&provider).await;
    let stolen = theirs.start(&provider).await;
    let code =
        |path: &str| path.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    // Somebody else's code in our flow: the verifier does not fit to its challenge.
    let mixed = back.replace(&code(&back), &code(&stolen));
    ours.get(&mixed).await.refused(403, "sign_in_expired");
    assert_eq!(provider.asked("token"), 1);
    let mut browser = Browser::new(&bench);
    let started = browser.get("/api/session/oidc/start").await;
    let back = provider.authorize(started.location());
    assert_eq!(browser.get(&back).await.status, 200);
    let verifier = provider.said().form["code_verifier"].clone();
    assert!(verifier.len() >= 43 && !started.location().contains(&verifier));
    assert!(!started.cookies()[0].contains(&verifier), "sealed");
}

#[tokio::test]
async fn groups_of_the_provider_decide_what_somebody_may() {
    let (bench, provider) =
        both("  groups_claim: realm.groups\n  roles: {ops: [operator], root: [admin]}\n").await;
    let person =
        |groups: Json| json!({"sub": "7", "preferred_username": "bo", "realm": {"groups": groups}});
    let start = json!({"definition": CHAIN, "directory": "/"});
    let table = [
        (json!(["staff", "admin"]), json!(["viewer"]), 200, 403, 403),
        (json!(["staff", "ops"]), json!(["operator"]), 200, 201, 403),
        (json!("root"), json!(["admin"]), 200, 201, 200),
        (json!({"ops": true}), json!(["viewer"]), 200, 403, 403),
    ];
    let mut first = Browser::new(&bench);
    for (groups, roles, read, run, admin) in table {
        provider.said().person = person(groups.clone());
        let mut browser = Browser::new(&bench);
        assert_eq!(browser.sign_in(&provider).await.status, 200);
        assert_eq!(bench.get("/api/users/bo").await["roles"], roles, "{groups}");
        if first.cookies.is_empty() {
            first.cookies = browser.cookies.clone();
        }
        // Also for a session that was there before.
        for browser in [&mut browser, &mut first] {
            assert_eq!(browser.get("/api/runs").await.status, read, "{groups}");
            let kind = "application/json";
            let ran = browser.ask("POST", "/api/runs", kind, start.clone()).await;
            assert_eq!(ran.status, run, "{groups}: {}", ran.text);
            assert_eq!(browser.get("/api/users").await.status, admin, "{groups}");
        }
    }
    assert_eq!(bench.get("/api/users").await["data"].as_array().unwrap().len(), 1);
    assert!(actions(&bench).await.contains(&"user.changed".to_owned()));
}

#[tokio::test]
async fn who_is_disabled_or_not_meant_is_not_let_in_and_the_trail_says_so() {
    let (bench, provider) = both("  email_domains: [example.com]\n").await;
    let bo = json!({"sub": "7", "preferred_username": "bo", "email": "bo@example.com",
                    "email_verified": true});
    let sign_in = async || Browser::new(&bench).sign_in(&provider).await;
    let refused = async |hint: &str| {
        let problem = sign_in().await.refused(403, "sign_in_refused");
        assert!(problem["hints"][0].as_str().unwrap().contains(hint), "{problem}");
        assert_eq!(actions(&bench).await[0], "session.refused");
    };
    provider.said().person = json!({"sub": "7", "preferred_username": "bo"});
    refused("email_domains").await;
    provider.said().person = bo.clone();
    let mut browser = Browser::new(&bench);
    assert_eq!(browser.sign_in(&provider).await.status, 200);
    bench.call("PATCH", "/api/users/bo", json!({"disabled": true})).await;
    assert_eq!(browser.get("/api/runs").await.status, 401, "at once");
    refused("orchestrate user update bo --enable").await;
    assert!(bench.get("/api/users/bo").await["disabled_at"].is_string());
    // A name of ours is not given to whoever calls themselves so at the provider.
    bench.post("/api/users", json!({"name": "ana", "roles": ["admin"]})).await;
    let ana = json!({"sub": "8", "preferred_username": "ana", "email": "a@example.com",
                     "email_verified": true});
    provider.said().person = ana.clone();
    refused("orchestrate user update ana --subject 8").await;
    let link = json!({"subject": "8"});
    let (status, linked) = bench.call("PATCH", "/api/users/ana", link).await;
    assert_eq!(status, StatusCode::OK, "{linked}");
    let mut browser = Browser::new(&bench);
    assert_eq!(browser.sign_in(&provider).await.status, 200);
    assert_eq!(browser.get("/api/users").await.status, 200, "with the roles that ana has here");
    // Nor anybody new, where nobody new is meant to come.
    configure(&bench, &provider, "  allow_new: false\n");
    provider.said().person = json!({"sub": "9", "preferred_username": "cy"});
    refused("orchestrate user create cy --subject 9").await;
    bench.post("/api/users", json!({"name": "cy", "subject": "9"})).await;
    assert_eq!(sign_in().await.status, 200);
    let taken = json!({"name": "di", "subject": "9"});
    bench.refused("POST", "/api/users", taken, 409, "conflict").await;
    provider.said().person = ana;
    assert_eq!(sign_in().await.status, 200);
}

#[tokio::test]
async fn a_provider_that_fails_is_told_with_what_to_do_and_never_a_500() {
    let (bench, provider) = both("").await;
    let start = "/api/session/oidc/start";
    provider.said().broken = vec!["discovery"];
    let answer = Browser::new(&bench).get(start).await;
    assert_eq!(answer.headers["retry-after"], "5");
    answer.refused(503, "provider_unavailable");
    Browser::new(&bench).get(start).await.refused(503, "provider_unavailable");
    assert_eq!(provider.asked("discovery"), 1, "not asked again at once");
    // Somebody before a browser reads a page.
    let page = Browser::new(&bench).ask("GET", start, "text/html,*/*", Json::Null).await;
    assert_eq!((page.status, page.text.contains("Try again")), (503, true), "{}", page.text);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("'none'"));
    assert!(page.headers.contains_key("x-request-id") && !page.text.contains("hush-hush"));
    // Another provider, of which nothing is known yet.
    let provider = Provider::new().await;
    configure(&bench, &provider, "");
    for (broken, status) in [("token", 503), ("keys", 503)] {
        let mut browser = Browser::new(&bench);
        provider.said().broken = if broken == "token" { vec![broken] } else { Vec::new() };
        let back = browser.start(&provider).await;
        if broken == "keys" {
            provider.rotate("k9", true);
            provider.said().broken = vec![broken];
        }
        browser.get(&back).await.refused(status, "provider_unavailable");
    }
    // Nobody is there at all; it is nobody's business what is there; it is not set up.
    let table = [
        (
            "issuer: http://127.0.0.1:9, client_id: a, allow_private: true",
            503,
            "provider_unavailable",
        ),
        ("issuer: https://127.0.0.1:9, client_id: a", 409, "config_invalid"),
        (
            "issuer: https://169.254.169.254, client_id: a, allow_private: true",
            409,
            "config_invalid",
        ),
    ];
    for (oidc, status, code) in table {
        bench.config(&format!("oidc: {{{oidc}, public_url: http://a.example}}\n"));
        Browser::new(&bench).get(start).await.refused(status, code);
    }
    bench.config("");
    Browser::new(&bench).get(start).await.refused(404, "not_found");
    Browser::new(&bench).get("/api/session/oidc/callback?state=a").await.refused(404, "not_found");
    assert_eq!(bench.get("/api/session/oidc").await["configured"], false);
}

#[tokio::test]
async fn what_the_provider_refuses_is_no_session() {
    let (bench, provider) = both("").await;
    let mut browser = Browser::new(&bench);
    for (query, says) in [
        ("error=access_denied&error_description=%3Cscript%3E", "(access_denied)"),
        ("error=%3Cscript%3E", "(an error)"),
        ("code=x&iss=https://evil.example", "another provider"),
    ] {
        let back = browser.start(&provider).await;
        let state = back.split("state=").nth(1).unwrap().split('&').next().unwrap();
        let path = format!("/api/session/oidc/callback?state={state}&{query}");
        let problem = browser.get(&path).await.refused(403, "sign_in_refused");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
        assert!(!problem.to_string().contains("script"), "{problem}");
    }
    let back = browser.start(&provider).await;
    browser.get(&back.replace("code=", "cod=")).await.refused(400, "invalid_request");
    assert_eq!(provider.asked("token"), 0);
    // The secret of this server is gone.
    std::fs::remove_file(bench.path().join("client-secret")).unwrap();
    let problem = browser.sign_in(&provider).await.refused(409, "config_invalid");
    assert!(!problem.to_string().contains("client-secret"), "its place is for the log: {problem}");
}

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    let (bench, _provider) = both("").await;
    for path in [
        "//evil.example",
        "https://evil.example",
        "/%5Cevil.example",
        "%5C%5Cevil.example",
        "/%09/evil.example",
        "/%0A/evil.example",
        "%20//evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        "/%22%3E%3Cscript%3E",
        "/api/session/oidc/start",
    ] {
        let mut browser = Browser::new(&bench);
        let answer = browser.get(&format!("/api/session/oidc/start?return_to={path}")).await;
        assert!(browser.cookies.is_empty());
        assert_eq!(answer.status, 400, "{path}");
        let problem: Json = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(problem["fields"][0]["field"], "return_to", "{path}: {problem}");
    }
    let twice = "/api/session/oidc/start?return_to=/&return_to=//evil.example";
    assert_eq!(Browser::new(&bench).get(twice).await.status, 400);
    assert_eq!(Browser::new(&bench).get("/api/session/oidc/start?next=/").await.status, 400);
}

#[tokio::test]
async fn a_provider_is_enough_for_an_address_that_others_reach() {
    let (bench, provider) = both("").await;
    let everywhere = "0.0.0.0:0".parse().unwrap();
    configure(&bench, &provider, "  allow_new: false\n");
    let problem = bench.server.listen_tcp(everywhere, "s3cret").await.unwrap_err().to_string();
    assert!(problem.contains("orchestrate user create") && problem.contains("oidc"), "{problem}");
    configure(&bench, &provider, "");
    let bound = bench.server.listen_tcp(everywhere, "s3cret").await.unwrap();
    // Over TCP: the browser comes back under the name by which it asked.
    bench.config(&format!(
        "oidc: {{issuer: \"{}\", client_id: {CLIENT}, allow_private: true}}\n",
        provider.issuer
    ));
    let port = bound.port();
    let ask = async |path: &str, host: &str, cookie: &str| {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nSec-Fetch-Site: cross-site\r\n\
             Cookie: {cookie}\r\n\r\n"
        );
        crate::doors::ask(stream, &request).await
    };
    let host = format!("127.0.0.1:{port}");
    let (status, _) = ask("/api/session/oidc/start", "evil.example", "a=b").await;
    assert_eq!(status, 421);
    let (status, answer) = ask("/api/session/oidc/start", &host, "a=b").await;
    assert_eq!(status, 303, "{answer}");
    let header = |name: &str| {
        let line = answer.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name}: {answer}")).trim().to_owned()
    };
    let location = header("location:");
    let back = format!("redirect_uri=http%3A%2F%2F127.0.0.1%3A{port}%2Fapi%2Fsession");
    assert!(location.contains(&back), "{location}");
    let cookie = header("set-cookie:");
    let (status, answer) =
        ask(&provider.authorize(&location), &host, cookie.split(';').next().unwrap()).await;
    assert_eq!(status, 200, "a page of another site led here, as it has to: {answer}");
    assert!(answer.contains(&format!("set-cookie: orchestrate_session_{port}=")), "{answer}");
}

#[tokio::test]
async fn settings_of_the_provider_are_shown_without_a_secret() {
    let (bench, provider) =
        both("  groups_claim: groups\n  roles: {ops: [operator, approver]}\n").await;
    let settings = bench.get("/api/config").await;
    assert!(!settings.to_string().contains(SECRET), "{settings}");
    let one = |name: &str| {
        let all = settings["data"].as_array().unwrap().iter();
        let one = all.clone().find(|setting| setting["name"] == name).unwrap();
        (one["value"].clone(), one["source"].clone())
    };
    let file = json!("config.yaml");
    assert_eq!(one("oidc.issuer"), (json!(provider.issuer), file.clone()));
    assert_eq!(one("oidc.client_secret"), (json!("{file: client-secret}"), file.clone()));
    assert_eq!(one("oidc.roles"), (json!("ops: operator approver"), file));
    assert_eq!(one("oidc.allow_new"), (json!("true"), json!("default")));
    assert_eq!(one("oidc.email_domains"), (Json::Null, json!("default")));
    bench.config("oidc: {issuer: https://a.example, client_id: a, client_secret: hunter2}\n");
    let problem = bench.refused("GET", "/api/config", Json::Null, 409, "config_invalid").await;
    let says = problem.to_string();
    assert!(says.contains("orchestrate secret set NAME") && !says.contains("hunter2"), "{says}");
}
