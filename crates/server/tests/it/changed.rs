//! Changed files that a delivery does not say.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value as Json, json};

use crate::bench::{Bench, call_with};
use crate::forge::Forge;

const CI: &str = "
name: ci
triggers:
  - {name: last, event: pull_request, paths: ['src/f2999.rs']}
  - {name: none, event: pull_request, paths: ['docs/**']}
  - {name: all-but, event: pull_request, paths_ignore: ['src/f[0-9]*.rs', '!src/f1500.rs']}
  - {name: either, event: pull_request, paths: ['docs/**'], on_unknown: run}
stages: [{name: a, noop: true}]
";

async fn deliver(bench: &Bench, id: &str, pull: Json) -> Json {
    let token = "shared";
    let body = json!({"action": "opened", "number": 7, "pull_request": pull,
        "repository": {"full_name": "acme/shop", "default_branch": "main"}});
    let headers = [
        ("x-hub-signature-256", sign(token, &body.to_string())),
        ("x-github-event", "pull_request".to_owned()),
        ("x-github-delivery", id.to_owned()),
    ];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, text)| (*name, &**text)).collect();
    let (status, answer) = call_with(bench.router(), "POST", "/hooks/gh", body, &headers).await;
    assert_eq!(status.as_u16(), 202, "{answer}");
    answer
}

fn sign(secret: &str, body: &str) -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn routed(bench: &Bench, id: &str) -> Json {
    loop {
        let detail = bench.get(&format!("/api/events/gh:{id}")).await;
        if detail.get("waits").is_none() {
            return detail;
        }
        tokio::task::yield_now().await;
    }
}

fn triggers(detail: &Json) -> Vec<&str> {
    let matches = detail["matches"].as_array().unwrap();
    matches.iter().map(|found| found["trigger"].as_str().unwrap()).collect()
}

async fn bench(source: &str) -> Bench {
    let bench = Bench::new();
    std::fs::write(bench.path().join("hook"), "shared").unwrap();
    bench.config(&format!("sources: {{gh: {{kind: github, secret: {{file: hook}}{source}}}}}\n"));
    bench.post("/api/pipelines", json!({ "definition": CI })).await;
    bench.server.tend();
    bench
}

/// Property 16: 3,000 changed files, and conditions on paths are exact.
#[tokio::test]
async fn three_thousand_changed_files_are_all_asked_for() {
    let files: Vec<String> = (0..3000).map(|n| format!("src/f{n}.rs")).collect();
    let forge = Forge::new(BTreeMap::from([(("acme/shop".to_owned(), 7), files)])).await;
    forge.fail(1);
    let bench = bench(&format!(", api: {{url: \"{}\", allow_private: true}}", forge.url)).await;
    let pull = json!({"number": 7, "base": {"ref": "main"}, "changed_files": 3000});
    deliver(&bench, "d-1", pull.clone()).await;
    let detail = routed(&bench, "d-1").await;
    assert_eq!(detail["changed"], 3000);
    assert_eq!(triggers(&detail), ["last", "all-but"]);
    assert_eq!(forge.asked(), 31, "once in vain, then thirty pages");
    // As many as the forge lists, and it says that there are more.
    let more = json!({"number": 7, "base": {"ref": "main"}, "changed_files": 3001,
        "head": {"sha": "b".repeat(40)}});
    deliver(&bench, "d-2", more).await;
    let detail = routed(&bench, "d-2").await;
    assert_eq!((&detail["paths"], triggers(&detail)), (&Json::Null, vec!["either"]));
    let problem = detail["problem"].as_str().unwrap();
    assert!(problem.contains("mirror"), "{problem}");
}

#[tokio::test]
async fn what_nobody_can_say_is_unknown_and_says_why() {
    let bench = bench("").await;
    deliver(&bench, "d-1", json!({"number": 7, "base": {"ref": "main"}})).await;
    let detail = routed(&bench, "d-1").await;
    assert_eq!(triggers(&detail), ["either"]);
    assert!(detail["problem"].as_str().unwrap().contains("neither `api` nor `mirror`"));
    let judged = bench.get("/api/events/gh:d-1/matches").await;
    let says = judged["pipelines"][0]["triggers"][0]["reason"].to_string();
    assert!(says.contains("not known"), "{says}");
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let out = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=ana", "-c", "user.email=ana@example.com"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_mirror_is_asked_for_what_came_since_the_branches_parted() {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("work");
    std::fs::create_dir_all(work.join("src")).unwrap();
    git(&work, &["init", "-q", "-b", "main"]);
    std::fs::write(work.join("kept"), "1").unwrap();
    git(&work, &["add", "-A"]);
    git(&work, &["commit", "-q", "-m", "one"]);
    let mirror = folder.path().join("acme/shop.git");
    let (from, to) = (work.to_str().unwrap(), mirror.to_str().unwrap());
    git(folder.path(), &["clone", "-q", "--bare", from, to]);
    // What comes after the mirror was made is fetched.
    git(&work, &["checkout", "-q", "-b", "feature"]);
    for n in 0..3000 {
        std::fs::write(work.join(format!("src/f{n}.rs")), n.to_string()).unwrap();
    }
    git(&work, &["add", "-A"]);
    git(&work, &["commit", "-q", "-m", "two"]);
    let head = git(&work, &["rev-parse", "HEAD"]);
    git(&work, &["checkout", "-q", "main"]);
    std::fs::create_dir_all(work.join("docs")).unwrap();
    std::fs::write(work.join("docs/later.md"), "1").unwrap();
    git(&work, &["add", "-A"]);
    git(&work, &["commit", "-q", "-m", "three"]);
    let base = git(&work, &["rev-parse", "HEAD"]);
    let place = folder.path().join("{repository}.git");
    let bench = bench(&format!(", mirror: \"{}\"", place.display())).await;
    let pull = json!({"number": 7, "base": {"ref": "main", "sha": base}, "head": {"sha": head}});
    deliver(&bench, "d-1", pull).await;
    let detail = routed(&bench, "d-1").await;
    assert_eq!(detail["changed"], 3000, "{}", detail["problem"]);
    assert_eq!(triggers(&detail), ["last", "all-but"], "what main got meanwhile is not of it");
}
