//! Starting runs: what is printed where, and with which exit code.

use serde_json::json;

use crate::binary::Place;

const SKIP_AND_RETRY: &str = r#"
name: both
inputs: {publish: {type: boolean, default: false}}
stages:
  - {name: plan, depends_on: [], run: 'echo planned; echo count=3 >> "$ORCHESTRATE_OUTPUT"', outputs: {count: integer}}
  - name: flaky
    depends_on: [plan]
    run: 'echo "try $ORCHESTRATE_ATTEMPT"; [ "$ORCHESTRATE_ATTEMPT" -ge 2 ] || exit 7'
    retry: {max_attempts: 3, backoff: {initial: 1ms}}
  - {name: publish, depends_on: [plan], when: {variables: {publish: true}}, run: 'echo published'}
"#;

const FAILING: &str = r#"
name: failing
stages:
  - {name: build, depends_on: [], run: 'echo compiling; echo "error: no such theme" >&2; exit 101'}
  - {name: ship, depends_on: [build], run: 'echo shipped'}
"#;

#[test]
fn a_run_with_a_skip_and_a_retry_succeeds_and_says_why() {
    let place = Place::with("both.yaml", SKIP_AND_RETRY);
    let ended = place.run(&["run", "both.yaml"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("Succeeded  both#1"), "{}", ended.stdout);
    assert!(ended.stdout.contains(": 2 succeeded, 1 skipped"), "{}", ended.stdout);
    for part in ["Starting   both#1", "Retry      ", "/3 flaky", "attempt 1/3 exit code 7, next in"]
    {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    let skipped = ended.stderr.lines().find(|line| line.contains("Skipped")).unwrap();
    assert!(skipped.contains("publish") && skipped.contains("false does not match"), "{skipped}");
    assert!(!ended.stderr.contains(['\r', '\u{1b}']), "{:?}", ended.stderr);

    let log = place.run(&["logs", "both#1", "--stage", "flaky"]);
    assert!(log.stdout.contains("| try 2") && !log.stdout.contains("try 1"), "{}", log.stdout);
    let first = place.run(&["logs", "both", "--stage", "flaky", "--attempt", "1", "--raw"]);
    assert_eq!(first.stdout, "try 1\n");
    let found = place.run(&["logs", "latest", "--grep", "plan"]);
    assert_eq!(found.stdout.lines().count(), 1, "{}", found.stdout);
    let status = place.run(&["pipeline", "status", "both"]);
    assert!(status.stdout.contains("flaky    Succeeded"), "{}", status.stdout);
    assert!(status.stdout.contains("count=3"), "{}", status.stdout);
}

#[test]
fn a_failing_run_exits_with_10_and_its_cause_comes_last() {
    let place = Place::with("failing.yaml", FAILING);
    let ended = place.run(&["run", "failing.yaml"]);
    assert_eq!(ended.code, Some(10));
    assert!(ended.stdout.contains("1 failed, 1 not run"), "{}", ended.stdout);
    let block = ended.stderr.split("error: build failed").nth(1).unwrap();
    let wanted = "     | compiling
     | error: no such theme
not run: ship (because of build)
logs:  orchestrate logs failing#1 --stage build --attempt 1
retry: orchestrate runs retry failing#1 --from build
";
    assert_eq!(block.split_once('\n').unwrap().1, wanted);

    let retried = place.run(&["runs", "retry", "failing#1", "--from", "build"]);
    assert_eq!(retried.code, Some(10), "{}", retried.stderr);
    let stages = place.json(&["runs", "show", "failing"])["data"]["stages"].clone();
    assert_eq!(stages[0]["attempts"].as_array().unwrap().len(), 2);
}

#[test]
fn github_gets_groups_and_annotations_with_their_place() {
    let place = Place::with("failing.yaml", FAILING);
    let output = place.command(&["run", "failing.yaml"]).env("GITHUB_ACTIONS", "true").output();
    let text = String::from_utf8_lossy(&output.unwrap().stderr).into_owned();
    assert!(text.contains("::group::build attempt 1: its last lines\ncompiling\n"), "{text}");
    assert!(text.contains("\n::endgroup::\n"), "{text}");
    assert!(text.contains("::error file=failing.yaml,line=4,title=build failed::"), "{text}");
}

#[test]
fn a_wrong_definition_exits_with_3_and_stores_nothing() {
    let place =
        Place::with("bad.yaml", "name: bad\nstages:\n  - {name: a, depends_on: [b], run: x}\n");
    for args in
        [&["run", "bad.yaml"][..], &["validate", "bad.yaml"], &["pipeline", "create", "bad.yaml"]]
    {
        let ended = place.run(args);
        assert_eq!(ended.code, Some(3), "{args:?}");
        let text = ended.stdout + &ended.stderr;
        assert!(text.contains("error[E0201]") && text.contains("bad.yaml:3:"), "{args:?}: {text}");
    }
    assert_eq!(place.json(&["pipeline", "list"])["data"], json!([]));
    let found = place.run(&["validate", "bad.yaml", "--output", "json"]);
    let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(found["schema"], "orchestrate.validation.list/v1");
    assert_eq!(found["data"][0]["diagnostics"][0]["spans"][0]["start"]["line"], 3);
}

#[test]
fn warnings_are_errors_only_when_strict() {
    let text = "name: w\nstages:\n  - {name: a, depends_on: [], run: 'true'}\n  - {name: b, run: 'true'}\n  - {name: c, depends_on: [a], run: 'true'}\n";
    let place = Place::with("w.yaml", text);
    assert_eq!(place.run(&["validate", "w.yaml"]).code, Some(0));
    assert_eq!(place.run(&["validate", "w.yaml", "--strict"]).code, Some(3));
}

#[test]
fn inputs_are_read_by_their_type_and_refused_with_2() {
    let text = "name: in\ninputs: {n: {type: integer, required: true}, tag: {type: string, default: x}}\nstages:\n  - {name: a, run: 'echo \"$N\"', env: {N: '${n} ${tag}'}}\n";
    let place = Place::with("in.yaml", text);
    for (args, says) in [
        (&["run", "in.yaml"][..], "required"),
        (&["run", "in.yaml", "-p", "n=many"], "not an integer"),
        (&["run", "in.yaml", "-p", "n=1", "-p", "m=1"], "does not declare"),
        (&["run", "in.yaml", "-p", "n"], "NAME=VALUE"),
    ] {
        let ended = place.run(args);
        assert_eq!(ended.code, Some(2), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{args:?}: {}", ended.stderr);
    }
    place.write("inputs.json", r#"{"n": 1, "tag": "file"}"#);
    let args = ["run", "in.yaml", "--inputs-file", "inputs.json", "-p", "n=42", "--quiet"];
    let ended = place.run(&args);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stderr, "");
    assert_eq!(place.run(&["logs", "in", "--stage", "a", "--raw"]).stdout, "42 file\n");
}

#[test]
fn what_is_not_there_exits_with_4_and_what_is_there_already_with_5() {
    let place = Place::with("both.yaml", SKIP_AND_RETRY);
    for args in [
        &["run", "nothing.yaml"][..],
        &["run", "nothing"],
        &["runs", "show", "both#9"],
        &["runs", "show", "latest"],
        &["pipeline", "show", "both"],
        &["pipeline", "history", "both"],
        &["pipeline", "delete", "both", "--yes"],
        &["explain", "E9999"],
    ] {
        let ended = place.run(args);
        assert_eq!(ended.code, Some(4), "{args:?}: {}{}", ended.stdout, ended.stderr);
        assert!(
            ended.stderr.starts_with("error: ") && ended.stderr.contains("\n\nhint: "),
            "{args:?}: {}",
            ended.stderr
        );
    }
    assert_eq!(place.run(&["pipeline", "create", "both.yaml"]).code, Some(0));
    assert_eq!(place.run(&["pipeline", "create", "both.yaml"]).code, Some(5));
    let update = ["pipeline", "update", "both", "both.yaml", "--expect", "7"];
    assert_eq!(place.run(&update).code, Some(5));
    assert_eq!(place.run(&["pipeline", "disable", "both"]).code, Some(0));
    assert_eq!(place.run(&["pipeline", "run", "both"]).code, Some(5));
    assert_eq!(place.run(&["pipeline", "enable", "both"]).code, Some(0));
    assert_eq!(place.run(&["pipeline", "run", "both", "--quiet"]).code, Some(0));
    let refused = place.run(&["pipeline", "delete", "both"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    assert_eq!(place.run(&["pipeline", "delete", "both", "--yes"]).code, Some(0));
    let error = place.run(&["runs", "show", "x#1", "--output", "json"]);
    let error: serde_json::Value = serde_json::from_str(&error.stderr).unwrap();
    assert_eq!(
        (&error["schema"], &error["code"]),
        (&json!("orchestrate.error/v1"), &json!("not_found"))
    );
}

#[test]
fn a_dry_run_plans_and_stores_nothing() {
    let place = Place::with("both.yaml", SKIP_AND_RETRY);
    let plan = place.json(&["run", "both.yaml", "--dry-run", "-p", "publish=true"]);
    assert_eq!(plan["schema"], "orchestrate.plan/v1");
    assert_eq!(plan["data"]["inputs"]["publish"], true);
    assert_eq!(plan["data"]["stages"][0]["verdict"], "would run");
    assert_eq!(place.json(&["runs", "list"])["data"], json!([]));
    assert_eq!(place.json(&["pipeline", "list"])["data"], json!([]));
}

#[test]
fn programs_get_documents_and_one_event_a_line() {
    let place = Place::with("both.yaml", SKIP_AND_RETRY);
    let events = place.run(&["run", "both.yaml", "--output", "ndjson"]);
    let seqs: Vec<u64> = events
        .stdout
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    let stored = place.json(&["runs", "events", "both"]);
    assert_eq!(stored["data"].as_array().unwrap().len(), seqs.len());
    let run = place.json(&["run", "both.yaml"]);
    assert_eq!(
        (&run["schema"], &run["data"]["name"]),
        (&json!("orchestrate.run/v1"), &json!("both#2"))
    );
    let list = place.json(&["runs", "list", "--status", "succeeded", "--limit", "1"]);
    assert_eq!(list["schema"], "orchestrate.run.list/v1");
    assert_eq!(list["data"][0]["name"], "both#2");
    let after = list["next"].as_str().unwrap();
    assert_eq!(place.json(&["runs", "list", "--after", after])["data"][0]["name"], "both#1");
    assert_eq!(place.json(&["status"])["data"]["recent"].as_array().unwrap().len(), 2);
    assert_eq!(place.json(&["runs", "show", "2"])["data"]["by"], crate::binary::me());
}

#[test]
fn revisions_are_kept_and_compared() {
    let place = Place::with("both.yaml", SKIP_AND_RETRY);
    place.run(&["pipeline", "create", "both.yaml"]);
    place.write("both.yaml", &SKIP_AND_RETRY.replace("echo planned", "echo replanned"));
    assert_eq!(place.run(&["pipeline", "update", "both", "both.yaml"]).code, Some(0));
    let diff = place.run(&["pipeline", "diff", "both"]).stdout;
    assert!(diff.starts_with("--- both v1\n+++ both v2\n@@ "), "{diff}");
    assert_eq!(diff.lines().filter(|line| line.starts_with('+')).count(), 2, "{diff}");
    assert_eq!(place.run(&["pipeline", "diff", "both", "v2", "v2"]).stdout, "");
    assert_eq!(place.run(&["pipeline", "show", "both", "--revision", "1"]).stdout, SKIP_AND_RETRY);
    assert_eq!(
        place.json(&["pipeline", "history", "both", "--revisions"])["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn colour_is_asked_for_or_absent() {
    let place = Place::with("both.yaml", SKIP_AND_RETRY);
    place.run(&["run", "both.yaml", "--quiet"]);
    let plain = place.run(&["runs", "list"]);
    let coloured = place.run(&["runs", "list", "--color", "always"]);
    assert!(!plain.stdout.contains('\u{1b}') && coloured.stdout.contains("\u{1b}["));
    let forced = place.command(&["runs", "list"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(forced.stdout.contains(&0x1b));
}
