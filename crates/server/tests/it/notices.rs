//! Notices reach their targets: in order, again and again, and nobody waits for somebody else.

mod doubles;

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::{Value as Json, json};

use crate::bench::{Bench, obedient};
use crate::disk::Disk;
use doubles::{Answer, Post, Web};

const RED: &str = "{name: red, stages: [{name: fail, run: 'false'}]}";
const FAILED: &str = "rules: [{on: [run.failed], to: [hook]}]";

fn bench(config: &str) -> Bench {
    let bench = Bench::new();
    bench.config(config);
    bench.server.tend();
    bench
}

/// `extra` goes into the target.
fn hook(web: &Web, extra: &str) -> String {
    let url = &web.url;
    format!("hook: {{kind: webhook, url: '{url}', allow_private: true{extra}}}")
}

fn notify(targets: &str, rules: &str) -> String {
    let retry = "retry: {first: 10ms, most: 20ms, give_up_after: 1h}";
    format!(
        "notify: {{public_url: 'https://ci.example/', {retry}, targets: {{{targets}}}, {rules}}}\n"
    )
}

/// Until a notice has this status.
async fn until(bench: &Bench, id: &str, status: &str) -> Json {
    let begun = Instant::now();
    loop {
        let notice = bench.get(&format!("/api/notices/{id}")).await;
        if notice["status"] == status {
            return notice;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{notice}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn order_is_kept_while_the_first_one_is_tried_again() {
    let mut web = Web::new(&[Answer::Status(500), Answer::Status(429)]).await;
    let extra = ", secret: {file: key}, headers: {Authorization: {file: key}}";
    let bench = bench(&notify(&hook(&web, extra), FAILED));
    std::fs::write(bench.path().join("key"), "whisper\n").unwrap();
    for _ in 1..=3 {
        bench.start(RED).await;
    }
    let mut keys = Vec::new();
    for title in ["red#1 failed", "red#1 failed", "red#1 failed", "red#2 failed", "red#3 failed"] {
        let arrived = web.next().await;
        assert_eq!(arrived.title(), title);
        assert_eq!(arrived.header("authorization"), "whisper");
        assert_eq!(arrived.header("orchestrate-notice"), "run.failed");
        let (t, v1) = arrived.header("orchestrate-signature").split_once(",v1=").unwrap();
        let t = t.strip_prefix("t=").unwrap();
        assert_eq!(hmac("whisper", &[t.as_bytes(), b".", &arrived.raw].concat()), v1);
        assert_eq!(arrived.body["id"], arrived.header("idempotency-key"));
        assert_eq!(arrived.body["url"], format!("https://ci.example/runs/red/{}", &title[4..5]));
        assert_eq!(arrived.body["command"], format!("orchestrate runs show {}", &title[..5]));
        keys.push(arrived.header("idempotency-key").to_owned());
    }
    assert!(keys[0] == keys[1] && keys[1] == keys[2], "{keys:?}");
    assert!(keys[2] != keys[3] && keys[3] != keys[4], "{keys:?}");
    let first = until(&bench, "N-1", "delivered").await;
    assert_eq!((&first["attempts"], first["problem"].as_str()), (&json!(3), None), "{first}");
}

fn hmac(key: &str, bytes: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(bytes);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_target_that_hangs_delays_nobody_else() {
    let mut stuck = Web::new(&[Answer::Silence; 100]).await;
    let mut web = Web::new(&[]).await;
    let targets = format!("{}, {}", hook(&web, ""), hook(&stuck, "").replace("hook:", "stuck:"));
    let rules = "rules: [{on: run.failed, to: [stuck, hook]}]";
    let bench = bench(&notify(&targets, rules));
    for n in 1..=20 {
        bench.start(RED).await;
        assert_eq!(web.next().await.title(), format!("red#{n} failed"));
    }
    stuck.next().await;
    assert!(stuck.arrived.try_recv().is_err(), "the second one overtook");
    let listed = bench.get("/api/notify/targets").await;
    let of = |name: &str| listed["data"].as_array().unwrap().iter().find(|t| t["name"] == name);
    assert_eq!(of("stuck").unwrap()["waiting"], 20);
    let until_the_last = bench.get("/api/notices?target=hook&limit=1").await;
    until(&bench, until_the_last["data"][0]["id"].as_str().unwrap(), "delivered").await;
}

#[tokio::test]
async fn a_thousand_at_once_arrive_in_order_and_once() {
    let mut web = Web::new(&[]).await;
    let rules = "rules: [{on: approval.requested, to: hook}]";
    let bench = bench(&notify(&hook(&web, ""), rules));
    let begun = Instant::now();
    let items: Vec<u32> = (1..=1000).collect();
    let stage = json!({"name": "deploy", "foreach": items, "run": "x", "requires_approval": true});
    bench.start(&json!({"name": "storm", "stages": [stage]}).to_string()).await;
    for n in 1..=1000 {
        let arrived = web.next().await;
        assert_eq!(arrived.body["stage"], format!("deploy[{n}]"));
        assert_eq!(arrived.body["request"], format!("A-{n}"));
        assert_eq!(arrived.body["url"], format!("https://ci.example/inbox/A-{n}"));
    }
    until(&bench, "N-1000", "delivered").await;
    assert!(web.arrived.try_recv().is_err(), "one came twice");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_server_that_ends_in_between_delivers_again_under_the_same_key_and_goes_on() {
    let disk = Disk::new();
    // It has arrived, and nobody ever hears that it has.
    let mut web = Web::new(&[Answer::Silence]).await;
    let text = notify(&hook(&web, ""), FAILED);
    let open = || {
        let writer = Box::new(disk.clone());
        let bench = Bench::on(writer, Arc::new(disk.reader.clone()), obedient());
        bench.config(&text);
        bench.server.tend();
        bench
    };
    let first = open();
    first.start(RED).await;
    first.start(RED).await;
    let before = web.next().await;
    drop(first);
    let second = open();
    let again = web.next().await;
    assert_eq!(again.title(), "red#1 failed");
    assert_eq!(again.header("idempotency-key"), before.header("idempotency-key"));
    assert_eq!(web.next().await.title(), "red#2 failed");
    until(&second, "N-2", "delivered").await;
    drop(second);
    let third = open();
    third.start(RED).await;
    assert_eq!(web.next().await.title(), "red#3 failed", "what was delivered rests");
}

#[tokio::test]
async fn what_is_given_up_is_shown_and_sent_when_somebody_asks() {
    let mut web = Web::new(&[Answer::Status(422)]).await;
    let bench = bench(&notify(&hook(&web, ""), FAILED));
    bench.start(RED).await;
    bench.start(RED).await;
    assert_eq!(web.next().await.title(), "red#1 failed");
    // It can never be taken, and keeps nobody waiting.
    assert_eq!(web.next().await.title(), "red#2 failed");
    let given_up = until(&bench, "N-1", "given_up").await;
    let problem = given_up["problem"].as_str().unwrap();
    assert!(problem.starts_with("it answered HTTP 422"), "{problem}");
    let listed = bench.get("/api/notices?status=given_up").await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    let (status, _) = bench.call("POST", "/api/notices/N-1/retry", Json::Null).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(web.next().await.title(), "red#1 failed");
    until(&bench, "N-1", "delivered").await;
    bench.refused("POST", "/api/notices/N-1/retry", Json::Null, 409, "conflict").await;
    bench.refused("POST", "/api/notices/N-9/retry", Json::Null, 404, "not_found").await;
    bench.refused("GET", "/api/notices/x", Json::Null, 404, "not_found").await;
    bench.refused("GET", "/api/notices?status=lost", Json::Null, 400, "invalid_request").await;
}

#[tokio::test]
async fn the_first_success_after_a_failure_is_told_as_such() {
    let mut web = Web::new(&[]).await;
    let rules = "rules: [{on: [run.succeeded, run.failed, run.recovered], to: hook},
        {on: [run.succeeded], pipelines: [other], to: hook}]";
    let bench = bench(&notify(&hook(&web, ""), rules));
    let green = "{name: red, stages: [{name: ok, run: 'true'}]}";
    for (definition, kind) in [
        (green, "run.succeeded"),
        (RED, "run.failed"),
        (green, "run.recovered"),
        (green, "run.succeeded"),
    ] {
        bench.start(definition).await;
        assert_eq!(web.next().await.body["kind"], kind);
    }
    assert!(web.arrived.try_recv().is_err(), "told twice");
}

#[tokio::test]
async fn whoever_is_asked_gets_mail_with_a_link_a_reminder_and_the_end() {
    let mut post = Post::new(1).await;
    let mail = format!(
        "mail: {{kind: smtp, host: localhost, port: {}, encryption: none, from: 'CI <ci@x.example>',
         allow_private: true}}",
        post.port
    );
    let rules = "rules: [{on: [approval.requested, approval.reminder, approval.resolved], to: mail, \
                 approvers: true}]";
    let users = "users: {ana: {roles: [lead], email: ana@x.example},
        bo: {groups: [devops], email: 'Bo <bo@x.example>'}, cy: {groups: [devops],
        email: gone@x.example}, eve: {email: eve@x.example}}\n";
    let bench = bench(&format!("{users}{}", notify(&mail, rules)));
    let (ana, bo) = (bench.token("ana").await, bench.token("bo").await);
    let gate = "{name: release, stages: [{name: deploy, run: x, requires_approval: {approvers: \
                [lead, devops], timeout: 60s, reminders: [1], on_timeout: reject, \
                instructions: \"<b>look</b>\\r\\nBcc: eve@x.example\"}}]}";
    bench.start(gate).await;
    let mut asked = vec![post.next().await, post.next().await];
    asked.sort_by(|one, other| one.to.cmp(&other.to));
    assert_eq!((&*asked[0].to, &*asked[1].to), ("ana@x.example", "bo@x.example"));
    for mail in &asked {
        let text = &mail.text;
        let head = text.split("\r\n\r\n").next().unwrap();
        assert!(head.contains("Subject: deploy of release#1 needs approval"), "{text}");
        assert!(!head.contains("eve"), "{text}");
        assert!(text.contains("https://ci.example/inbox/A-1"), "{text}");
        assert!(text.contains("orchestrate approval show A-1"), "{text}");
        assert!(text.contains("&lt;b&gt;look&lt;/b&gt;"), "{text}");
    }
    // One address is refused: the others have it all the same, and it is said.
    let first = until(&bench, "N-1", "delivered").await;
    let problem = first["problem"].as_str().unwrap();
    assert!(problem.contains("not to gone@x.example: the server answered 550"), "{problem}");
    assert_eq!(first["attempts"], 2, "it was busy at first: {first}");
    let vote = bench.call_as(&ana, "POST", "/api/approvals/A-1/approve", json!({})).await;
    assert_eq!(vote.0, StatusCode::OK, "{}", vote.1);
    let reminder = loop {
        let mail = post.next().await;
        if mail.text.contains("still needs approval") {
            break mail;
        }
    };
    assert!(reminder.text.contains("1 % of the time"), "{}", reminder.text);
    let (status, answer) =
        bench.call_as(&bo, "POST", "/api/approvals/A-1/reject", json!({"reason": "no"})).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let end = loop {
        let mail = post.next().await;
        if mail.text.contains("was rejected") {
            break mail;
        }
    };
    assert!(end.text.contains("bo: no"), "{}", end.text);
}

#[tokio::test]
async fn a_test_says_exactly_what_went_wrong_and_no_secret() {
    let web = Web::new(&[Answer::Status(404), Answer::Status(302)]).await;
    let post = Post::new(0).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let (port, host) = (post.port, web.url.split('/').nth(2).unwrap());
    let mail = "kind: smtp, allow_private: true, from: ci@x.example";
    let targets = format!(
        "slack: {{kind: slack, url: {{file: url}}, allow_private: true}},
         {hook},
         inside: {{kind: webhook, url: {{file: url}}}},
         tls: {{kind: webhook, url: 'https://{host}/', allow_private: true}},
         nowhere: {{kind: webhook, url: 'http://nowhere.invalid/hush-hush'}},
         nosecret: {{kind: slack, url: {{secret: NOT_THERE}}}},
         silent: {{kind: webhook, url: 'http://127.0.0.1:{silent_port}/', allow_private: true,
                   timeout: 200ms}},
         login: {{{mail}, host: 127.0.0.1, port: {port}, encryption: none, to: a@x.example,
                  user: ci, password: {{file: url}}}},
         refused: {{{mail}, host: 127.0.0.1, port: {port}, encryption: none, to: gone@x.example}},
         plain: {{{mail}, host: 127.0.0.1, port: {port}, to: a@x.example}},
         nobody: {{{mail}, host: 127.0.0.1, port: {port}, encryption: none}},
         program: {{kind: command, command: [sh, -c, 'echo $0 $KEY >&2; exit 3'],
                    env: {{KEY: {{file: url}}}}}},
         good: {{kind: command, command: [sh, -c, 'grep -q \"\\\"kind\\\":\\\"test\\\"\"']}}",
        hook = hook(&web, "")
    );
    let bench = bench(&notify(&targets, "rules: []"));
    std::fs::write(bench.path().join("url"), &web.url).unwrap();
    for (target, code, says) in [
        ("slack", "http", "it answered HTTP 404 Not Found: no such ***"),
        ("hook", "http", "it answered HTTP 302 Found"),
        ("hook", "", ""),
        ("inside", "forbidden", "127.0.0.1 (this machine), which is allowed only with `allow_priv"),
        ("tls", "tls", "no trusted connection to"),
        ("nowhere", "dns", "the name `nowhere.invalid` could not be resolved"),
        ("nosecret", "secret", "secret `NOT_THERE` is not known"),
        ("silent", "timeout", "did not answer within 0.2 s"),
        ("login", "smtp", "the server answered 535 while logging in"),
        ("refused", "smtp", "the server answered 550 while sending"),
        ("plain", "broken", "STARTTLS is not supported"),
        ("nobody", "address", "there is nobody to send it to"),
        ("program", "exit", "it ended with exit code 3: sh ***"),
        ("good", "", ""),
    ] {
        let tested = bench.post("/api/notify/test", json!({ "target": target })).await;
        assert_eq!(
            (tested["code"].as_str(), &tested["delivered"]),
            (Some(code), &json!(code.is_empty())),
            "{tested}"
        );
        assert!(tested["problem"].as_str().unwrap().contains(says), "{tested}");
        // `hook` has its URL in the open, so nothing of it is masked.
        assert!(target == "hook" || !tested.to_string().contains("hush"), "{tested}");
    }
    let unknown = json!({ "target": "fax" });
    bench.refused("POST", "/api/notify/test", unknown, 404, "not_found").await;
    let listed = bench.get("/api/notify/targets").await;
    assert!(!listed.to_string().contains("hush"), "{listed}");
    drop(silent);
}

#[tokio::test]
async fn rules_count_for_what_happens_while_they_stand() {
    let mut web = Web::new(&[]).await;
    let whole = notify(&hook(&web, ""), FAILED);
    let bench = bench(&whole);
    bench.start(RED).await;
    web.next().await;
    until(&bench, "N-1", "delivered").await;
    bench.config(&notify("other: {kind: command, command: ['true']}", "rules: []"));
    bench.start(RED).await;
    assert_eq!(bench.finished("red#2").await["status"], "failed");
    bench.config(&whole);
    bench.start(RED).await;
    assert_eq!(web.next().await.title(), "red#3 failed", "nobody was told of the second");
}
