//! Deliveries as forges send them: the suite in `tests/suites/webhooks`, and an oracle that knows
//! nothing of the product but the rules of the suite's `SOURCE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value as Json, json};
use tower::ServiceExt as _;

use crate::bench::Bench;
use crate::forge::Forge;

const SECRET: &str = "It's a Secret to Everybody";

#[derive(Clone)]
struct Sent {
    id: String,
    provider: String,
    event: String,
    headers: Vec<(String, String)>,
    text: String,
    body: Json,
    changed: Option<Vec<String>>,
}

fn suite(name: &str) -> String {
    format!("{}/tests/suites/webhooks/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn deliveries() -> Vec<Sent> {
    let file = std::fs::File::open(suite("deliveries.jsonl.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let sent = |line: &str| {
        let line: Json = serde_json::from_str(line).unwrap();
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        let headers = line["headers"].as_object().unwrap().iter();
        let list = |files: &Json| -> Vec<String> {
            files.as_array().unwrap().iter().map(|f| f.as_str().unwrap().to_owned()).collect()
        };
        Sent {
            id: text("id"),
            provider: text("provider"),
            event: text("event"),
            headers: headers.map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect(),
            body: serde_json::from_str(&text("body")).unwrap(),
            text: text("body"),
            changed: line.get("changed_files").filter(|files| files.is_array()).map(list),
        }
    };
    text.lines().map(sent).collect()
}

/// Sources of every kind, all with the suite's secret.
fn sources(api: &str) -> String {
    let mut text = "sources:\n".to_owned();
    for kind in ["github", "gitlab", "gitea", "gogs", "bitbucket", "bitbucket-server"] {
        let api = if kind == "github" { api } else { "" };
        text += &format!("  {kind}: {{kind: {kind}, secret: {{file: hook}}{api}}}\n");
    }
    text + "  ci: {kind: hmac, secret: [{file: hook}, {file: old}], event: built}\n\
            \x20 ce: {kind: cloudevents, secret: {file: hook}}\n"
}

async fn bench(api: &str) -> Bench {
    let bench = Bench::new();
    std::fs::write(bench.path().join("hook"), format!("{SECRET}\n")).unwrap();
    std::fs::write(bench.path().join("old"), "an older one").unwrap();
    bench.config(&sources(api));
    bench
}

async fn post(
    router: Router,
    source: &str,
    headers: &[(String, String)],
    body: impl Into<Body>,
) -> (StatusCode, Json) {
    let mut request = Request::post(format!("/hooks/{source}"));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let response = router.oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Json::Null))
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn signed(body: &[u8], secret: &str) -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    format!("sha256={}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

#[tokio::test]
async fn every_delivery_verifies_and_a_byte_more_does_not() {
    let bench = bench("").await;
    let mut ids = BTreeSet::new();
    let all = deliveries();
    assert_eq!(all.len(), 264);
    for sent in &all {
        let (status, answer) =
            post(bench.router(), &sent.provider, &sent.headers, sent.text.clone()).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{}: {answer}", sent.id);
        for event in answer["events"].as_array().unwrap() {
            assert!(ids.insert(event["id"].as_str().unwrap().to_owned()), "{}", sent.id);
        }
        let (status, _) =
            post(bench.router(), &sent.provider, &sent.headers, sent.text.clone()).await;
        assert_eq!(status, StatusCode::OK, "{}: again is nothing new", sent.id);
        if sent.provider != "gitlab" {
            let more = format!("{} ", sent.text);
            let (status, _) = post(bench.router(), &sent.provider, &sent.headers, more).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{}", sent.id);
        }
    }
    let shown = bench.get("/api/events?limit=1000").await.to_string();
    let newest = bench.get("/api/events?limit=1").await;
    let id = newest["data"][0]["id"].as_str().unwrap().replace('/', "%2F");
    let detail = bench.get(&format!("/api/events/{id}")).await;
    assert!(detail["body_digest"].is_string() && detail["data"]["payload"].is_object());
    for text in [shown, detail["headers"].to_string()] {
        assert!(!text.contains(SECRET) && !text.contains("sha256="), "a proof is stored");
    }
}

#[tokio::test]
async fn signatures_of_the_suite_are_judged_as_it_says() {
    let bench = bench("").await;
    let text = std::fs::read_to_string(suite("signatures.jsonl")).unwrap();
    for line in text.lines() {
        let line: Json = serde_json::from_str(line).unwrap();
        let id = line["id"].as_str().unwrap();
        let source = if id.starts_with("gl") { "gitlab" } else { "github" };
        let mut headers = vec![header("content-type", "application/json")];
        headers.push(header("x-github-event", "ping"));
        for (name, value) in line["headers"].as_object().unwrap() {
            headers.push(header(name, value.as_str().unwrap()));
        }
        let body = line["body"].as_str().unwrap().to_owned();
        let (status, answer) = post(bench.router(), source, &headers, body).await;
        let accepted = status != StatusCode::UNAUTHORIZED;
        assert_eq!(accepted, line["accept"] == true, "{id}: {status} {answer}");
        assert!(status.as_u16() < 500, "{id}: {status}");
    }
}

/// One trigger, and what the rules say of it.
#[derive(Default)]
struct Filter {
    event: &'static str,
    branches: &'static [&'static str],
    branches_ignore: &'static [&'static str],
    tags: &'static [&'static str],
    paths: &'static [&'static str],
    paths_ignore: &'static [&'static str],
    labels: &'static [&'static str],
}

fn filters() -> Vec<Filter> {
    let of = |event| Filter { event, ..Filter::default() };
    vec![
        of("push"),
        of("pull_request"),
        of("pull_request.merged"),
        of("pull_request.closed"),
        of("pull_request.opened"),
        of("issues"),
        of("issues.opened"),
        of("release.published"),
        of("ping"),
        Filter { branches: &["main"], ..of("push") },
        Filter { branches: &["master", "feat*", "fix/**"], ..of("push") },
        Filter { branches: &["**", "!main", "!master"], ..of("push") },
        Filter { branches_ignore: &["main", "dependabot/**"], ..of("push") },
        Filter { tags: &["*"], ..of("push") },
        Filter { tags: &["simple-*", "!simple-tag"], ..of("push") },
        Filter { paths: &["**/*.md"], ..of("push") },
        Filter { branches: &["main"], paths: &["**", "!**/*.md", "!docs/**"], ..of("push") },
        Filter { paths_ignore: &["**/*.md"], ..of("push") },
        Filter { branches: &["main"], ..of("pull_request.merged") },
        Filter { branches: &["master"], ..of("pull_request") },
        Filter { paths: &["schema/**", "tests/**"], ..of("pull_request.opened") },
        Filter { paths: &["**/*.md", "!**/README.md"], ..of("pull_request.merged") },
        Filter { paths_ignore: &["**/*.md", "examples/**"], ..of("pull_request.merged") },
        Filter { labels: &["documentation"], ..of("pull_request.opened") },
        Filter { labels: &["schema", "ci"], paths: &["**/*.y*ml"], ..of("pull_request") },
        Filter { branches: &["master"], ..of("workflow_run.completed") },
        Filter { branches: &["main"], ..of("workflow_run") },
    ]
}

impl Filter {
    fn definition(&self, name: &str) -> String {
        let list = |key: &str, items: &[&str]| match items {
            [] => String::new(),
            items => format!(", {key}: {}", json!(items)),
        };
        let keys = [
            list("branches", self.branches),
            list("branches_ignore", self.branches_ignore),
            list("tags", self.tags),
            list("paths", self.paths),
            list("paths_ignore", self.paths_ignore),
            list("labels", self.labels),
        ]
        .concat();
        let event = self.event;
        format!(
            "name: {name}\ntriggers:\n  - {{event: {event}{keys}}}\nstages:\n  - {{name: a, noop: true}}\n"
        )
    }

    /// What the suite's rules say; `None`: either is accepted.
    fn oracle(&self, sent: &Sent) -> Option<bool> {
        let text = |pointer: &str| sent.body.pointer(pointer).and_then(Json::as_str);
        let (event, action) = self.event.split_once('.').unwrap_or((self.event, ""));
        if sent.event != event {
            return Some(false);
        }
        let merged = sent.body.pointer("/pull_request/merged") == Some(&json!(true));
        let is_action = match action {
            "" => true,
            "merged" => text("/action") == Some("closed") && merged,
            action => text("/action") == Some(action),
        };
        if !is_action {
            return Some(false);
        }
        if sent.body.get("deleted") == Some(&json!(true)) {
            return None;
        }
        let branch = match event {
            "push" => text("/ref").and_then(|name| name.strip_prefix("refs/heads/")),
            "pull_request" => text("/pull_request/base/ref"),
            "workflow_run" => text("/workflow_run/head_branch"),
            _ => None,
        };
        let tag = text("/ref").and_then(|name| name.strip_prefix("refs/tags/"));
        let fits =
            |patterns: &[&str], fact: Option<&str>| fact.is_some_and(|f| listed(patterns, f));
        let files = files(sent);
        let any = |patterns: &[&str]| files.iter().any(|file| listed(patterns, file));
        let all = |patterns: &[&str]| files.iter().all(|file| listed(patterns, file));
        let labels: Vec<&str> = sent.body["pull_request"]["labels"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|label| label["name"].as_str())
            .collect();
        Some(
            (self.branches.is_empty() || fits(self.branches, branch))
                && (self.branches_ignore.is_empty()
                    || branch.is_some_and(|branch| !listed(self.branches_ignore, branch)))
                && (self.tags.is_empty() || fits(self.tags, tag))
                && (self.paths.is_empty() || any(self.paths))
                && (self.paths_ignore.is_empty() || (!files.is_empty() && !all(self.paths_ignore)))
                && (self.labels.is_empty() || self.labels.iter().any(|l| labels.contains(l))),
        )
    }
}

fn files(sent: &Sent) -> Vec<String> {
    if let Some(changed) = &sent.changed {
        return changed.clone();
    }
    let commits = sent.body["commits"].as_array().into_iter().flatten();
    let keys = ["added", "modified", "removed"];
    commits
        .flat_map(|commit| keys.iter().filter_map(|key| commit[*key].as_array()))
        .flatten()
        .filter_map(|file| file.as_str().map(str::to_owned))
        .collect()
}

/// The last pattern that matches decides.
fn listed(patterns: &[&str], text: &str) -> bool {
    patterns.iter().fold(false, |so_far, pattern| match pattern.strip_prefix('!') {
        Some(excluded) if glob(excluded.as_bytes(), text.as_bytes()) => false,
        None if glob(pattern.as_bytes(), text.as_bytes()) => true,
        Some(_) | None => so_far,
    })
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', b'*', b'/', rest @ ..] => {
            glob(rest, text)
                || (0..text.len()).any(|at| text[at] == b'/' && glob(rest, &text[at + 1..]))
        }
        [b'*', b'*', rest @ ..] => (0..=text.len()).any(|at| glob(rest, &text[at..])),
        [b'*', rest @ ..] => (0..=text.len())
            .take_while(|at| *at == 0 || text[at - 1] != b'/')
            .any(|at| glob(rest, &text[at..])),
        [byte, rest @ ..] => text.first() == Some(byte) && glob(rest, &text[1..]),
    }
}

#[tokio::test]
async fn filters_start_exactly_what_the_rules_say() {
    let all: Vec<Sent> =
        deliveries().into_iter().filter(|sent| sent.provider == "github").collect();
    let mut known = BTreeMap::new();
    for sent in all.iter().filter(|sent| sent.event == "pull_request") {
        if let Some(changed) = &sent.changed {
            let repository = sent.body["repository"]["full_name"].as_str().unwrap();
            let number = sent.body["pull_request"]["number"].as_u64().unwrap();
            known.insert((repository.to_owned(), number), changed.clone());
        }
    }
    let forge = Forge::new(known).await;
    let api = format!(", api: {{url: \"{}\", allow_private: true}}", forge.url);
    let bench = bench(&api).await;
    bench.server.tend();
    let filters = filters();
    for (place, filter) in filters.iter().enumerate() {
        let definition = filter.definition(&format!("f{place}"));
        bench.post("/api/pipelines", json!({ "definition": definition })).await;
    }
    let mut wrong = Vec::new();
    let mut matched = 0;
    for sent in &all {
        let (status, answer) =
            post(bench.router(), "github", &sent.headers, sent.text.clone()).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{}: {answer}", sent.id);
        let id = answer["events"][0]["id"].as_str().unwrap();
        let detail = loop {
            let detail = bench.get(&format!("/api/events/{id}")).await;
            if detail.get("waits").is_none() {
                break detail;
            }
            tokio::task::yield_now().await;
        };
        let started: BTreeSet<&str> = detail["matches"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|found| found["run"].is_string())
            .map(|found| found["pipeline"].as_str().unwrap())
            .collect();
        for (place, filter) in filters.iter().enumerate() {
            let name = format!("f{place}");
            let found = started.contains(name.as_str());
            matched += usize::from(found);
            if filter.oracle(sent).is_some_and(|expected| expected != found) {
                wrong.push(format!("{} {}: started {found}", sent.id, filter.definition(&name)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(matched > 300, "{matched}");
}

#[tokio::test]
async fn what_is_no_delivery_is_refused_in_words() {
    let bench = bench("").await;
    let json = || header("content-type", "application/json");
    let sign = |body: &[u8]| header("x-hub-signature-256", &signed(body, SECRET));
    let event = || header("x-github-event", "push");
    let bodies: [&[u8]; 12] = [
        b"",
        b"[]",
        b"null",
        b"7",
        b"{",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"{\"a\": 1e999}",
        b"\"\\ud800\"",
        &[b'['; 4000],
        b"{\"ref\": 7, \"commits\": \"x\", \"repository\": []}",
        b"{\"ref\": null, \"commits\": [null, 1, {\"added\": [1]}], \"after\": {}}",
    ];
    for kind in ["github", "gitea", "gogs", "gitlab", "bitbucket", "bitbucket-server", "ci", "ce"] {
        for body in bodies {
            let signature = signed(body, SECRET);
            let headers = vec![
                json(),
                header("x-hub-signature-256", &signature),
                header("x-hub-signature", &signature),
                header("x-gogs-signature", &signature),
                header("x-gitlab-token", SECRET),
                header("x-github-event", "pull_request"),
                header("x-event-key", "repo:push"),
                header("ce-specversion", "1.0"),
            ];
            let (status, answer) = post(bench.router(), kind, &headers, body.to_vec()).await;
            assert!(status.as_u16() < 500, "{kind} {body:?}: {status} {answer}");
            if !status.is_success() {
                assert!(answer["detail"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
            }
        }
    }
    let (status, _) = post(bench.router(), "nobody", &[json()], "{}").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let plain = header("content-type", "text/plain");
    let (status, _) = post(bench.router(), "github", &[plain, sign(b"{}"), event()], "{}").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let large = vec![b' '; (25 << 20) + 1];
    let headers = [json(), sign(&large), event()];
    let (status, _) = post(bench.router(), "github", &headers, large).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, _) = post(bench.router(), "github", &[json(), sign(b"{}")], "{}").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "no event is named");
    bench.config("sources: {github: {kind: github}}");
    let (status, _) = post(bench.router(), "github", &[json(), sign(b"{}"), event()], "{}").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "the sender comes again");
}

#[tokio::test]
async fn sources_are_listed_with_the_state_of_their_secrets_and_never_with_them() {
    let bench = bench(", api: {url: 'https://git.example.com/'}").await;
    std::fs::remove_file(bench.path().join("old")).unwrap();
    let listed = bench.get("/api/sources").await;
    let all = listed["data"].as_array().unwrap();
    assert_eq!(all.len(), 8);
    let of = |name: &str| all.iter().find(|one| one["name"] == name).unwrap();
    let github = of("github");
    assert_eq!(
        (&github["kind"], &github["path"], &github["api"]),
        (&json!("github"), &json!("/hooks/github"), &json!("https://git.example.com"))
    );
    assert_eq!(github["secrets"], json!([{"place": "{file: hook}", "problem": ""}]));
    let problem = of("ci")["secrets"][1]["problem"].as_str().unwrap().to_owned();
    assert!(problem.contains("old"), "{listed}");
    assert!(!listed.to_string().contains(SECRET), "{listed}");
}

#[tokio::test]
async fn a_form_a_deletion_and_an_older_secret_are_understood() {
    let bench = bench("").await;
    let definition = "name: ci\ntriggers: [push]\nstages: [{name: a, noop: true}]\n";
    bench.post("/api/pipelines", json!({ "definition": definition })).await;
    let payload = "{\"ref\":\"refs/heads/a b\",\"after\":\"1\",\"commits\":[]}";
    let escaped: String = payload.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let body = format!("payload={escaped}");
    let headers = |body: &str, media: &str, id: &str| {
        vec![
            header("content-type", media),
            header("x-hub-signature-256", &signed(body.as_bytes(), SECRET)),
            header("x-github-event", "push"),
            header("x-github-delivery", id),
        ]
    };
    let form = headers(&body, "application/x-www-form-urlencoded", "d-1");
    let (status, answer) = post(bench.router(), "github", &form, body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let shown = bench.get("/api/events/github:d-1").await;
    assert_eq!((&shown["branch"], &shown["started"]), (&json!("a b"), &json!(["ci#1"])));
    assert_eq!(shown["data"]["payload"]["after"], "1");
    let deleted = "{\"ref\":\"refs/heads/a\",\"deleted\":true,\"after\":\"0000000000000000000000000000000000000000\"}";
    let headers = headers(deleted, "application/json", "d-2");
    post(bench.router(), "github", &headers, deleted).await;
    let shown = bench.get("/api/events/github:d-2").await;
    assert_eq!((&shown["type"], &shown["started"]), (&json!("push.deleted"), &json!([])));
    let built = "{\"branch\":\"main\"}";
    let headers = [
        header("content-type", "application/json"),
        header("x-hub-signature-256", &signed(built.as_bytes(), "an older one")),
        header("x-delivery-id", "1"),
    ];
    let (status, answer) = post(bench.router(), "ci", &headers, built).await;
    assert_eq!((status, &answer["events"][0]["type"]), (StatusCode::ACCEPTED, &json!("built")));
}

#[tokio::test]
async fn cloudevents_come_in_every_mode_and_a_batch_comes_whole() {
    let bench = bench("").await;
    let proof = || header("authorization", &format!("Bearer {SECRET}"));
    let event = |id: &str| json!({"specversion": "1.0", "id": id, "source": "/ci", "type": "built", "data": {"branch": "main"}});
    let media = |media: &str| header("content-type", media);
    let structured = [proof(), media("application/cloudevents+json; charset=utf-8")];
    let (status, answer) = post(bench.router(), "ce", &structured, event("1").to_string()).await;
    assert_eq!((status, &answer["events"][0]["id"]), (StatusCode::ACCEPTED, &json!("ce:/ci#1")));
    let batch = [proof(), media("application/cloudevents-batch+json")];
    let body = json!([event("1"), event("2"), event("2")]).to_string();
    let (status, answer) = post(bench.router(), "ce", &batch, body).await;
    let duplicates: Vec<&Json> =
        answer["events"].as_array().unwrap().iter().map(|event| &event["duplicate"]).collect();
    assert_eq!(
        (status, duplicates),
        (StatusCode::ACCEPTED, vec![&json!(true), &json!(false), &json!(true)])
    );
    let (status, _) =
        post(bench.router(), "ce", &batch, json!([event("9"), {"id": 1}]).to_string()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let listed = bench.get("/api/events").await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 2, "all of a batch or nothing");
    let binary = [
        proof(),
        media("application/json"),
        header("ce-specversion", "1.0"),
        header("ce-id", "3"),
        header("ce-source", "/ci"),
        header("ce-type", "built"),
        header("ce-subject", "Euro%20%E2%82%AC"),
    ];
    let (status, answer) = post(bench.router(), "ce", &binary, "{\"branch\": \"dev\"}").await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let shown = bench.get("/api/events/ce:%2Fci%233").await;
    assert_eq!((&shown["branch"], &shown["data"]["subject"]), (&json!("dev"), &json!("Euro €")));
    for (key, value) in [("specversion", "0.3"), ("id", ""), ("source", ""), ("type", "")] {
        let mut broken = event("8");
        broken[key] = json!(value);
        let (status, _) = post(bench.router(), "ce", &structured, broken.to_string()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{key}");
    }
}
