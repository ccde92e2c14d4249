//! From a terminal, as a new user would: a form, two people who approve, one who lets somebody
//! else decide, a request for changes, a failed smoke test that is rolled back, a rewind and its
//! undo, a second version. `kill -9` while it waits changes nothing.

use serde_json::{Value, json};

use crate::binary::{Ended, Place, me};

const RELEASE: &str = r##"
name: release
stages:
  - name: notes
    form:
      instructions: What is in this release?
      fields:
        version: {type: text, required: true, pattern: "[0-9]+[.][0-9]+[.][0-9]+"}
        stories: {type: number, min: 1, integer: true, required: true}
        log: {type: file}
  - name: announce
    env: {VERSION: "${stages.notes.outputs.version}"}
    run: |
      echo announce >> counter
      { echo "# $VERSION"; cat "$ORCHESTRATE_FEEDBACK" 2>/dev/null || true; } > announcement.md
    artifacts: {announcement: announcement.md}
    approve_complete: {approvers: [leads]}
  - name: deploy
    requires_approval: {approvers: [leads, devops]}
    run: echo deploy >> counter
    rollback: echo undeploy >> counter
  - name: smoke
    run: echo smoke >> counter; exit 1
    on_failure: rollback
    rollback_to: deploy
"##;

/// With users: this one, ana who leads, bo and kim.
fn team(file: &str, text: &str) -> Place {
    let place = Place::with(file, text);
    let users = format!(
        "users:\n  {}: {{}}\n  ana: {{groups: [leads]}}\n  bo: {{groups: [devops]}}\n  kim: {{}}\n",
        me()
    );
    place.write("data/config.yaml", &users);
    place
}

fn token(place: &Place, user: &str) -> String {
    let made = place.run(&["token", "create", user, "--quiet"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert_eq!(made.stderr, "");
    made.stdout.trim().to_owned()
}

fn by(place: &Place, token: &str, args: &[&str]) -> Ended {
    place.run(&[&["--token", token], args].concat())
}

fn ok(ended: &Ended) -> &str {
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    &ended.stdout
}

/// Drives the run here until it waits, and kills whoever drives it: nothing may have changed.
fn kill_while_it_waits(place: &Place, run: &str, asked: &str) -> Value {
    let seen = || {
        let request = if asked.starts_with('A') { "approval" } else { "input" };
        let request = place.json(&[request, "show", asked])["data"].clone();
        json!([place.json(&["runs", "show", run])["data"]["stages"], request])
    };
    let before = seen();
    let mut going = place.start(&["runs", "resume", run]);
    going.says("Following");
    going.signal("KILL");
    going.end();
    assert_eq!(seen(), before);
    before[1].clone()
}

fn waits(place: &Place, run: &str) {
    let ended = place.run(&["runs", "resume", run, "--exit-on-wait"]);
    assert_eq!(ended.code, Some(13), "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn a_release_from_its_form_to_its_rollback() {
    let place = team("release.yaml", RELEASE);
    let [ana, bo, kim] = ["ana", "bo", "kim"].map(|user| token(&place, user));

    let started = place.run(&["run", "release.yaml", "--exit-on-wait"]);
    assert_eq!(started.code, Some(13), "{}{}", started.stdout, started.stderr);
    assert!(started.stderr.contains("orchestrate input submit I-1"), "{}", started.stderr);
    kill_while_it_waits(&place, "release", "I-1");
    place.write("build.log", "all went well\n");
    let wrong = place.run(&["input", "submit", "I-1", "-p", "version=1.4", "-p", "stories=0"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
    assert!(
        wrong.stderr.contains("version") && wrong.stderr.contains("stories"),
        "{}",
        wrong.stderr
    );
    let file = ["--file", "log=build.log"];
    let values = ["input", "submit", "I-1", "-p", "version=1.4.0", "-p", "stories=3"];
    assert!(ok(&place.run(&[&values[..], &file].concat())).starts_with("Submitted I-1 notes"));
    assert_eq!(place.run(&values).code, Some(5), "a form is answered once");

    waits(&place, "release");
    let shown = kill_while_it_waits(&place, "release", "A-2");
    assert_eq!(shown["kind"], "complete");
    let stranger = by(&place, &bo, &["approval", "approve", "A-2"]);
    assert_eq!(stranger.code, Some(6), "{}", stranger.stderr);
    let stale = ["approval", "approve", "A-2", "--digest", "0000000"];
    assert_eq!(by(&place, &ana, &stale).code, Some(5));
    let back = ["approval", "request-changes", "A-2", "--feedback", "say beta"];
    ok(&by(&place, &ana, &back));
    waits(&place, "release");
    let found = place.json(&["runs", "artifacts", "release", "--stage", "announce"]);
    let newest = found["data"].as_array().unwrap().iter().max_by_key(|it| it["attempt"].as_u64());
    let id = newest.unwrap()["id"].as_str().unwrap().to_owned();
    let content = place.run(&["artifacts", "download", &id, "--to", "-"]);
    assert!(content.stdout.starts_with("# 1.4.0\nsay beta"), "{}", content.stdout);
    ok(&by(&place, &ana, &["approval", "approve", "A-3", "--comment", "better"]));
    assert_eq!(by(&place, &ana, &["approval", "approve", "A-3"]).code, Some(5));

    waits(&place, "release");
    kill_while_it_waits(&place, "release", "A-4");
    let mine = place.run(&["approval", "approve", "A-4"]);
    assert_eq!(mine.code, Some(6), "who started it does not decide: {}", mine.stderr);
    ok(&by(&place, &ana, &["approval", "approve", "A-4"]));
    assert_eq!(
        by(&place, &ana, &["approval", "approve", "A-4"]).code,
        Some(5),
        "nobody votes twice"
    );
    ok(&by(&place, &bo, &["approval", "delegate", "A-4", "--to", "kim"]));
    assert_eq!(by(&place, &bo, &["approval", "approve", "A-4"]).code, Some(6));
    let listed = by(&place, &kim, &["approval", "list", "--pending"]);
    assert!(
        listed.stdout.contains("A-4") && listed.stdout.contains("can approve"),
        "{}",
        listed.stdout
    );
    let shown = kill_while_it_waits(&place, "release", "A-4");
    assert_eq!((&shown["have"], &shown["need"]), (&json!(1), &json!(2)));
    ok(&by(&place, &kim, &["approval", "approve", "A-4"]));

    let ended = place.run(&["logs", "release", "-f", "--stage", "smoke"]);
    assert_eq!(ended.code, Some(14), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(place.read("counter"), "announce\nannounce\ndeploy\nsmoke\nundeploy\n");
    let undone = place.run(&["runs", "undoings", "release"]);
    assert!(undone.stdout.contains("rollback"), "{}", undone.stdout);
    let trail = place.run(&["audit", "list", "--run", "release"]);
    for who in ["ana", "bo", "kim"] {
        assert!(trail.stdout.contains(who), "{who}: {}", trail.stdout);
    }
    assert!(ok(&place.run(&["audit", "verify"])).starts_with("ok: "));
}

#[test]
fn a_rejection_ends_the_run_with_14_and_needs_a_reason() {
    let text = "name: ask\nstages:\n  - {name: go, requires_approval: {approvers: [leads]}, run: echo gone >> counter}\n";
    let place = team("ask.yaml", text);
    let ana = token(&place, "ana");
    let mut going = place.start(&["run", "ask.yaml"]);
    going.says("orchestrate approval show A-1");
    assert_eq!(by(&place, &ana, &["approval", "reject", "A-1"]).code, Some(2));
    let rejected = by(&place, &ana, &["approval", "reject", "A-1", "--reason", "not today"]);
    assert!(ok(&rejected).contains("A-1"), "{}", rejected.stdout);
    let ended = going.end();
    assert_eq!(ended.code, Some(14), "{}", ended.stderr);
    assert!(ended.stderr.contains("rejected by ana: not today"), "{}", ended.stderr);
    assert!(!place.path().join("counter").exists());
    assert_eq!(by(&place, &ana, &["approval", "approve", "A-1"]).code, Some(5), "it is over");
    assert_eq!(place.run(&["approval", "show", "A-9"]).code, Some(4));
}

const BOOK: &str = r#"
name: book
stages:
  - name: outline
    run: echo outline >> counter; echo "words=7" >> "$ORCHESTRATE_OUTPUT"; echo chapters > plan.md
    outputs: {words: integer}
    artifacts: {plan: plan.md}
  - {name: draft, run: echo draft >> counter}
  - {name: print, run: echo print >> counter}
"#;

#[test]
fn a_rewind_is_shown_first_done_and_undone() {
    let place = Place::with("book.yaml", BOOK);
    ok(&place.run(&["run", "book.yaml", "--quiet"]));
    let impact = place.json(&["runs", "rewind", "book", "--to", "outline", "--dry-run"]);
    assert_eq!(impact["schema"], "orchestrate.impact/v1");
    let stages: Vec<&str> = impact["data"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|step| step["stage"].as_str())
        .collect();
    assert_eq!(stages, ["draft", "print"]);
    let unasked = place.run(&["runs", "rewind", "book", "--to", "outline"]);
    assert_eq!(unasked.code, Some(2), "{}", unasked.stderr);
    assert!(unasked.stderr.contains("--yes"), "{}", unasked.stderr);

    let paused = place.run(&["runs", "rewind", "book", "--to", "outline", "--pause", "--yes"]);
    assert!(ok(&paused).starts_with("Paused book#1"), "{}", paused.stdout);
    ok(&place.run(&["runs", "rewind", "book", "--undo"]));
    assert_eq!(place.json(&["runs", "show", "book"])["data"]["status"], "succeeded");
    ok(&place.run(&["runs", "rewind", "book", "--to", "draft", "--inclusive", "--yes"]));
    assert_eq!(place.read("counter"), "outline\ndraft\nprint\ndraft\nprint\n");
    assert_eq!(place.run(&["runs", "rewind", "book", "--undo"]).code, Some(5), "work has started");
    let nowhere = place.run(&["runs", "rewind", "book", "--to", "nowhere", "--yes"]);
    assert_eq!(nowhere.code, Some(5), "{}", nowhere.stderr);
    assert!(nowhere.stderr.contains("nowhere"), "{}", nowhere.stderr);
    let undoings = place.json(&["runs", "undoings", "book"]);
    assert!(undoings["data"].as_array().unwrap().len() >= 2, "{undoings}");
}

#[test]
fn the_second_version_extends_the_first_and_a_pipeline_goes_back() {
    let place = Place::with("book.yaml", BOOK);
    ok(&place.run(&["run", "book.yaml", "--quiet"]));
    let second = place.run(&["runs", "extend", "book#1"]);
    assert!(ok(&second).contains("book#2"), "{}", second.stdout);
    let found = place.json(&["artifacts", "list", "--run", "book#1"]);
    let first = found["data"][0]["id"].as_str().unwrap().to_owned();
    let found = place.json(&["artifacts", "list", "--run", "book#2"]);
    let later = found["data"][0]["id"].as_str().unwrap().to_owned();
    let same = place.run(&["artifacts", "diff", &first, &later]);
    assert!(ok(&same).contains("are the same"), "{}", same.stdout);

    let back = place.run(&["pipeline", "rewind", "book", "--to", "v1", "--yes"]);
    assert!(ok(&back).contains("superseded book#2"), "{}", back.stdout);
    ok(&place.run(&["pipeline", "rewind", "book", "--undo"]));
    ok(&place.run(&["pipeline", "rewind", "book", "--to", "v1", "--yes"]));
    ok(&place.run(&["run", "book", "--quiet"]));
    assert_eq!(place.json(&["runs", "show", "book"])["data"]["name"], "book#3");
    assert_eq!(place.run(&["pipeline", "rewind", "book", "--undo"]).code, Some(5));
}

#[test]
fn a_run_is_stepped_explained_replayed_and_opened_elsewhere() {
    let place = Place::with("book.yaml", BOOK);
    let held = place.run(&["run", "book.yaml", "--break", "draft", "--exit-on-wait"]);
    assert_eq!(held.code, Some(13), "{}{}", held.stdout, held.stderr);
    assert!(held.stderr.contains("runs advance book#1"), "{}", held.stderr);
    let why = place.json(&["runs", "explain", "book", "--stage", "print"]);
    assert_eq!(why["data"][0]["stage"], "print");
    assert!(!why["data"][0]["because"].as_array().unwrap().is_empty());
    ok(&place.run(&["runs", "advance", "book", "--stage", "draft"]));
    assert_eq!(place.run(&["logs", "book", "-f"]).code, Some(0));
    assert_eq!(place.read("counter"), "outline\ndraft\nprint\n");
    let then = place.json(&["runs", "replay", "book", "--at", "3"]);
    assert_eq!(then["data"]["sequence"], 3);
    assert_ne!(then["data"]["status"], "succeeded");

    ok(&place.run(&["runs", "export", "book", "book.json", "--quiet"]));
    assert_eq!(place.run(&["runs", "export", "book", "book.json"]).code, Some(5));
    let elsewhere = Place::with("book.json", &place.read("book.json"));
    let opened = elsewhere.run(&["runs", "open", "book.json"]);
    assert!(ok(&opened).starts_with("book#1  Succeeded"), "{}", opened.stdout);
    let plan = elsewhere.run(&["runs", "open", "book.json", "--artifact", "plan"]);
    assert_eq!(ok(&plan), "chapters\n");
    assert!(!elsewhere.path().join("data").exists(), "it needs no folder");
    let events = elsewhere.run(&["runs", "open", "book.json", "--events"]);
    assert!(ok(&events).contains("run.finished"), "{}", events.stdout);
    assert_eq!(elsewhere.run(&["runs", "open", "book.yaml"]).code, Some(4));
    let mut bundle: Value = serde_json::from_str(&elsewhere.read("book.json")).unwrap();
    let last = bundle["events"].as_array().unwrap().len() - 1;
    bundle["events"][last]["body"]["reason"] = "all was well".into();
    elsewhere.write("forged.json", &bundle.to_string());
    let forged = elsewhere.run(&["runs", "open", "forged.json"]);
    assert_eq!(forged.code, Some(5), "{}", forged.stdout);
    let says = format!("the hash of event {} does not fit", last + 1);
    assert!(forged.stderr.contains(&says), "{}", forged.stderr);
}

#[test]
fn an_event_from_outside_is_taken_once() {
    let text = "name: wait\nstages:\n  - {name: first, depends_on: [], run: echo first}\n  - name: ship\n    triggers: [{event: build.done, filter: \"event.branch == 'main'\"}]\n    env: {N: \"${event.number}\"}\n    run: echo \"ship $N\" >> counter\n";
    let place = Place::with("wait.yaml", text);
    ok(&place.run(&["run", "wait.yaml", "--detach"]));
    let data = r#"{"branch": "main", "number": 311}"#;
    let emit = ["event", "emit", "build.done", "--data", data, "--id", "b1", "--run", "wait"];
    assert!(ok(&place.run(&emit)).contains("taken by wait#1"));
    assert!(ok(&place.run(&emit)).contains("nothing happened"));
    assert_eq!(place.run(&["logs", "wait", "-f"]).code, Some(0));
    assert_eq!(place.read("counter"), "ship 311\n");
    assert_eq!(place.run(&["event", "emit", "x", "--data", "[1]"]).code, Some(2));
    let list = place.run(&["event", "list"]);
    assert!(ok(&list).contains("wait#1"), "{}", list.stdout);
}

#[test]
fn waiting_for_people_ends_when_it_may_take_no_longer() {
    let text = "name: ask\nstages:\n  - {name: go, requires_approval: {approvers: [leads]}, run: echo gone}\n";
    let place = team("ask.yaml", text);
    let waited = place.run(&["run", "ask.yaml", "--wait-timeout", "10ms"]);
    assert_eq!(waited.code, Some(13), "{}", waited.stderr);
    let status = place.run(&["pipeline", "status", "ask"]);
    assert!(
        ok(&status).contains("0 of 1 approved; needs leads; expires 6d (A-1)"),
        "{}",
        status.stdout
    );
    ok(&place.run(&["--as", "ana", "approval", "approve", "A-1"]));
    assert_eq!(place.run(&["logs", "ask", "-f"]).code, Some(0));
    let trail = place.json(&["audit", "list", "--run", "ask", "--by", "ana"]);
    assert_eq!(trail["data"][0]["action"], "gate.voted", "{trail}");
    assert_eq!(place.run(&["run", "ask.yaml", "--wait-timeout", "soon"]).code, Some(2));
}

#[test]
fn old_artifacts_are_pruned_and_the_folders_made_anew() {
    let place = Place::with("book.yaml", BOOK);
    ok(&place.run(&["run", "book.yaml", "--quiet"]));
    ok(&place.run(&["run", "book.yaml", "--quiet"]));
    let unsaid = place.run(&["artifacts", "prune", "--yes"]);
    assert_eq!(unsaid.code, Some(2), "{}", unsaid.stderr);
    let plan = place.json(&["artifacts", "prune", "--keep-runs", "1", "--dry-run"]);
    assert_eq!(plan["data"]["artifacts"], 1, "{plan}");
    ok(&place.run(&["artifacts", "prune", "--keep-runs", "1", "--yes"]));
    let listed = place.json(&["artifacts", "list", "--run", "book#1"]);
    assert_eq!(listed["data"][0]["status"], "dropped");
    let folder = place.path().join("data/pipelines");
    std::fs::remove_dir_all(&folder).ok();
    let made = place.run(&["artifacts", "mirror"]);
    assert_eq!(ok(&made).trim(), folder.display().to_string());
    let plan = std::fs::read_to_string(folder.join("book/runs/latest/outline/plan.md"));
    assert_eq!(plan.unwrap(), "chapters\n");
}

#[test]
fn a_token_is_its_user_until_it_is_revoked() {
    let place = team("x.yaml", "name: x\nstages: [{name: a, run: 'true'}]\n");
    let bo = token(&place, "bo");
    let who = place.run(&["--token", &bo, "whoami"]);
    assert!(ok(&who).starts_with("bo  in devops"), "{}", who.stdout);
    assert_eq!(by(&place, &bo, &["token", "create", "ana"]).code, Some(6));
    assert_eq!(by(&place, &bo, &["--as", "ana", "whoami"]).code, Some(6));
    let list = place.json(&["token", "list"]);
    assert_eq!(list["data"][0]["user"], "bo");
    assert!(list["data"][0].get("token").is_none());
    let id = list["data"][0]["id"].as_str().unwrap().to_owned();
    ok(&place.run(&["token", "revoke", &id]));
    assert_eq!(by(&place, &bo, &["whoami"]).code, Some(6));
}

/// SEMANTICS 12, 17: a call that is denied is seen on the stage, and fails it.
#[test]
fn a_stage_that_approves_its_own_gate_is_denied_and_fails() {
    let text = r##"
name: sly
stages:
  - name: deploy
    depends_on: []
    requires_approval: {approvers: [ana], allow_self: true}
    run: echo deployed > deployed
  - name: helper
    depends_on: []
    env: {ORC: "@orchestrate@", DATA: "@data@"}
    run: |
      unset ORCHESTRATE_ATTEMPT_KEY ORCHESTRATE_RUN ORCHESTRATE_EXECUTION
      : > out
      try() { "$@" >> out 2>&1 || echo "exit $?" >> out; }
      try "$ORC" --data-dir "$DATA" approval approve A-1
      try setsid "$ORC" --data-dir "$DATA" --as ana approval approve A-1
      try env -i "$ORC" --data-dir "$DATA" token create ana
      cat out
      "$ORC" --data-dir "$DATA" approval list --pending
      "$ORC" --data-dir "$DATA" approval approve A-1
"##;
    let place = team("sly.yaml", "");
    let text = text
        .replace("@orchestrate@", env!("CARGO_BIN_EXE_orchestrate"))
        .replace("@data@", place.path().join("data").to_str().unwrap());
    place.write("sly.yaml", &text);
    let ended = place.run(&["run", "sly.yaml"]);
    let log = place.run(&["logs", "sly", "--stage", "helper"]).stdout;
    assert_eq!(log.matches("the work of a stage does not decide").count(), 4, "{log}");
    assert_eq!(log.matches("exit 6").count(), 3, "{log}");
    assert!(log.contains("A-1"), "it may look: {log}");
    assert_eq!(ended.code, Some(10), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("the work of a stage does not decide"), "{}", ended.stderr);
    assert!(!place.path().join("deployed").exists());
}
