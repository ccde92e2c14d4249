//! A data folder is copied while runs are in flight, and another is made of the copy.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use crate::binary::Place;
use crate::storm::Client;

const GATED: &str = r#"
name: gated
stages:
  - {name: a, depends_on: [], run: 'echo a >> counter', artifacts: {counter: counter}}
  - {name: b, depends_on: [a], effects: once, run: 'echo b >> counter; cat gate'}
  - {name: c, depends_on: [b], run: 'echo c >> counter'}
"#;

#[test]
fn a_folder_restored_from_a_copy_of_a_running_one_repeats_nothing() {
    let place = Place::with("gated.yaml", GATED);
    place.gate("gate");
    place.write("data/config.yaml", "users: {ana: {groups: [team]}}\n");
    place.write("data/secrets/API", "hidden\n");
    let mut server = place.start(&["serve", "--listen", "127.0.0.1:0"]);
    server.says("listening");
    let mut run = place.start(&["run", "gated.yaml"]);
    let mut gate = place.wait_at("gate");
    run.says("1/3 a");

    for to in ["copy.tar", "copy"] {
        let made = place.json(&["backup", to]);
        assert_eq!(made["data"]["runs"], 1, "{made}");
        assert_eq!(made["data"]["missing"], serde_json::json!([]), "{made}");
        assert_eq!(place.run(&["backup", "--check", to]).code, Some(0));
        let again = place.run(&["backup", to]);
        assert_eq!(again.code, Some(5), "{}", again.stderr);
    }
    // Any tar can read it.
    let listed = std::process::Command::new("tar")
        .args(["-tf", "copy.tar"])
        .current_dir(place.path())
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("orchestrate.db\n") && listed.ends_with("manifest.json\n"), "{listed}");
    for secret in ["secrets", "token", "secret.key", "sock", "lock"] {
        assert!(!listed.lines().any(|line| line.contains(secret)), "{secret}: {listed}");
    }

    gate.write_all(b"through\n").unwrap();
    drop(gate);
    assert_eq!(run.end().code, Some(0));
    assert_eq!(place.read("counter"), "a\nb\nc\n");

    for (from, to) in [("copy.tar", "one"), ("copy", "two")] {
        let restored = place.json(&["restore", from, "--data-dir", to]);
        assert_eq!(restored["data"]["unfinished"], 1, "{restored}");
        let full = place.run(&["restore", from, "--data-dir", to]);
        assert_eq!(full.code, Some(5), "{}", full.stderr);
        let verified = place.run(&["audit", "verify", "--data-dir", to]);
        assert_eq!(verified.code, Some(0), "{}", verified.stderr);
        // What was under way belongs to the other folder: it is neither adopted nor done again.
        let resumed = place.run(&["runs", "resume", "gated#1", "--data-dir", to, "--exit-on-wait"]);
        assert_eq!(resumed.code, Some(13), "{}", resumed.stderr);
        let shown = place.json(&["runs", "show", "gated#1", "--data-dir", to]);
        let stages = shown["data"]["stages"].as_array().unwrap();
        let of = |name: &str| stages.iter().find(|stage| stage["stage"] == name).unwrap();
        assert_eq!(of("a")["status"], "succeeded", "{shown}");
        assert_eq!(of("b")["status"], "unknown", "{shown}");
        assert_eq!(place.read("counter"), "a\nb\nc\n");
    }
    server.signal("TERM");
    assert_eq!(server.end().code, Some(0));
}

/// Whoever follows a run has numbers of this epoch.
fn epoch(place: &Place, args: &[&str]) -> String {
    let run = place.json(&[&["api", "/api/runs/quick~1"], args].concat());
    let topics = format!("run:{}", run["id"].as_str().unwrap());
    let path = format!("/api/v1/stream/poll?wait=0&topics={topics}");
    let polled = place.json(&[&["api", &path], args].concat());
    polled["cursor"].as_str().unwrap().split(':').next().unwrap().to_owned()
}

#[test]
fn a_copy_made_under_load_is_whole_and_counts_anew() {
    let quick = "name: quick\nstages: [{name: a, noop: true}]\n";
    let place = Place::with("quick.yaml", quick);
    assert_eq!(place.run(&["pipeline", "create", "quick.yaml"]).code, Some(0));
    let mut server = place.start(&["serve", "--listen", "127.0.0.1:0"]);
    let line = server.says("listening on");
    let address = line.trim().rsplit('/').next().unwrap().parse().unwrap();
    let token = place.read("data/token");
    let head = format!(
        "POST /api/pipelines/quick/run HTTP/1.1\r\nAuthorization: Bearer {}\r\nContent-Type: \
         application/json",
        token.trim()
    );
    let (asked, done, stop) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let copies = ["one", "two"];
    let mut made = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut client = Client { address, stream: None };
                while !stop.load(Ordering::SeqCst) {
                    asked.fetch_add(1, Ordering::SeqCst);
                    let (status, answer) = client.send(&head, "{}").unwrap();
                    assert_eq!(status, 201, "{answer}");
                    done.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        while done.load(Ordering::SeqCst) < 10 {
            std::thread::yield_now();
        }
        for copy in copies {
            let before = done.load(Ordering::SeqCst);
            let copied = place.json(&["backup", copy]);
            let runs = usize::try_from(copied["data"]["runs"].as_u64().unwrap()).unwrap();
            let after = asked.load(Ordering::SeqCst);
            assert!((before..=after).contains(&runs), "{before} <= {runs} <= {after}");
            made.push(runs);
        }
        stop.store(true, Ordering::SeqCst);
    });
    assert!(made[0] < made[1], "it went on meanwhile: {made:?}");
    let mut epochs = vec![epoch(&place, &[])];
    for (copy, runs) in copies.into_iter().zip(made) {
        assert_eq!(place.run(&["backup", "--check", copy]).code, Some(0));
        let to = format!("restored-{copy}");
        let at = ["--data-dir", to.as_str()];
        let restored = place.json(&[&["restore", copy], &at[..]].concat());
        assert_eq!(restored["data"]["runs"], json!(runs), "{restored}");
        let verified = place.run(&[&["audit", "verify"], &at[..]].concat());
        assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
        // It takes up what had not ended, and goes on counting.
        let next = place.json(&[&["run", "quick"], &at[..]].concat());
        assert_eq!(next["data"]["number"], json!(runs + 1), "{next}");
        epochs.push(epoch(&place, &at));
    }
    epochs.sort_unstable();
    epochs.dedup();
    assert_eq!(epochs.len(), 3, "each store counts in an epoch of its own: {epochs:?}");
    server.signal("TERM");
    assert_eq!(server.end().code, Some(0));
}
