//! `kill -9` between the effect of a notice and the note of it: it is delivered again, under the
//! same key, and those after it come after it.

use std::os::unix::process::ExitStatusExt as _;

use crate::binary::Place;

const PIPELINE: &str = "
name: red
stages:
  - {name: a, run: exit 3}
";

/// Takes a notice, and the first time kills the server before it can know.
const TAKER: &str = r#"
cat >> "$1/arrived"; echo >> "$1/arrived"
if mkdir "$1/killed" 2>/dev/null; then kill -9 "$PPID"; fi
"#;

#[test]
fn a_notice_whose_delivery_nobody_noted_is_delivered_again_and_in_order() {
    let place = Place::with("red.yaml", PIPELINE);
    place.write("taker.sh", TAKER);
    let here = place.path().display().to_string();
    let config = format!(
        "notify:\n  targets:\n    page: {{kind: command, command: [sh, {here}/taker.sh, {here}]}}\n  \
         rules: [{{on: [run.failed], to: [page]}}]\n"
    );
    place.write("data/config.yaml", &config);
    let cut = place.command(&["run", "red.yaml"]).output().unwrap();
    assert_eq!(cut.status.signal(), Some(9), "{cut:?}");
    // Whoever comes next sends what was left, before anything new.
    let next = place.run(&["run", "red.yaml"]);
    assert_eq!(next.code, Some(10), "{}", next.stderr);
    let listed = place.json(&["notify", "list"]);
    let told: Vec<(&str, &str)> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| (of["run"].as_str().unwrap(), of["status"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("red#2", "delivered"), ("red#1", "delivered")]);
    let arrived: Vec<serde_json::Value> =
        place.read("arrived").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let runs: Vec<_> = arrived.iter().map(|of| of["run"]["name"].as_str().unwrap()).collect();
    assert_eq!(runs, ["red#1", "red#1", "red#2"]);
    assert_eq!(arrived[0]["id"], arrived[1]["id"]);
    assert_ne!(arrived[1]["id"], arrived[2]["id"]);
}
