//! A data folder is copied while runs are in flight, and another is made of the copy.

use std::io::Write as _;

use crate::binary::Place;

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
