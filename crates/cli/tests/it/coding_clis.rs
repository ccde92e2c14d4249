//! Real coding programs, where they are installed: each edits a file in a worktree, is checked, asked
//! about, approved and merged, with a scripted model behind the gateway.
//!
//! They are looked for in the folder that `$ORCHESTRATE_TEST_CLIS` names, then on `PATH`; a test
//! whose program is not there says so and ends.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};

use crate::binary::{Ended, Place, me};
use crate::model::Model;

const KEY: &str = "sk-of-the-provider-0123456789abcdef";

fn ok(ended: &Ended) -> &str {
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    &ended.stdout
}

fn git(directory: &Path, script: &str) -> String {
    let mut command = Command::new("sh");
    command.args(["-e", "-c", script]).current_dir(directory);
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "ana");
        command.env(format!("GIT_{role}_EMAIL"), "ana@example.org");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Where the program is, if it is anywhere.
fn installed(program: &str) -> Option<PathBuf> {
    let own = std::env::var_os("ORCHESTRATE_TEST_CLIS").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = own.into_iter().chain(std::env::split_paths(&path));
    let found = folders.map(|folder| folder.join(program)).find(|path| path.is_file());
    if found.is_none() {
        // Standard error of a test that passes is kept from nobody who asks for it.
        let says = "is not installed; ORCHESTRATE_TEST_CLIS names the folder to look in";
        let _ = writeln!(std::io::stderr(), "skipped: `{program}` {says}");
    }
    found
}

/// It writes the file and looks at it; other calls, for titles and the like, get a short answer.
fn scenario() -> Json {
    let file = "${CWD}/hello.txt";
    let write = json!({ "any": [
        { "name": "Write", "arguments": { "file_path": file, "content": "hello\n" } },
        { "name": "exec_command", "arguments": { "cmd": "echo hello > hello.txt" } },
        { "name": "shell", "arguments": { "command": ["sh", "-c", "echo hello > hello.txt"] } },
        { "name": "write", "arguments": { "filePath": file, "content": "hello\n" } },
    ] });
    let look = json!({ "any": [
        { "name": "Bash", "arguments": { "command": "cat hello.txt", "description": "look" } },
        { "name": "exec_command", "arguments": { "cmd": "cat hello.txt" } },
        { "name": "shell", "arguments": { "command": ["sh", "-c", "cat hello.txt"] } },
        { "name": "bash", "arguments": { "command": "cat hello.txt", "description": "look" } },
    ] });
    json!({ "require_key": KEY, "scripts": [
        { "name": "work", "match": { "tools": true },
          "capture": { "CWD": "Your working directory is ([^;]+);" },
          "turns": [
            { "text": "I will write the file.", "tool_calls": [write], "usage": { "input": 1200, "output": 40 } },
            { "tool_calls": [look], "usage": { "input": 1300, "output": 20 } },
            { "text": "Done: hello.txt holds one line.", "usage": { "input": 1400, "output": 12 } },
        ] },
        { "name": "other", "turns": [{ "text": "A title" }], "after": "repeat" },
    ] })
}

fn place(model: &Model, adapter: &Json, rules: &Json) -> Place {
    let feature = json!({
        "name": "feature",
        "repository": { "source": "project", "base": "main" },
        "agents": { "coder": {
            "prompt": "You write code.", "adapter": adapter, "model": "fake-1", "permissions": rules,
        } },
        "stages": [
            { "name": "implement", "agent": "coder", "task": "Write hello.txt.", "worktree": true,
              "validate": "grep -qx hello hello.txt", "timeout": "4m" },
            { "name": "release", "requires_approval": { "approvers": [me()], "allow_self": true },
              "run": "echo approved" },
            { "name": "merge", "merge": { "from": "implement", "check": "test -s hello.txt" } },
        ],
    });
    let place = Place::with("feature.yaml", &feature.to_string());
    let provider = json!({ "kind": "compatible", "base_url": format!("http://{}/v1", model.address),
        "key": { "file": "provider.key" }, "allow_private": true });
    place.write("data/provider.key", KEY);
    place.write(
        "data/config.yaml",
        &json!({ "models": { "providers": { "fake": provider } } }).to_string(),
    );
    place.write("project/README", "hello\n");
    git(
        &place.path().join("project"),
        "git init -q -b main; git add .; git commit -qm first; git checkout -q -b mine",
    );
    place
}

/// The whole way; `asks`: how many calls a person is asked about before the gate.
fn delivers(adapter: &Json, rules: &Json, asks: u32) {
    let model = Model::start(&scenario());
    let place = place(&model, adapter, rules);
    let mut going = place.start(&["run", "feature.yaml"]);
    for number in 1..=asks {
        going.says(&format!("A-{number}"));
        let asked = place.json(&["approval", "show", &format!("A-{number}")]);
        assert_eq!(asked["data"]["kind"], "permission", "{asked}");
        ok(&place.run(&["approval", "approve", &format!("A-{number}")]));
    }
    let gate = format!("A-{}", asks + 1);
    going.says(&gate);
    ok(&place.run(&["approval", "approve", &gate]));
    let ended = going.end();
    let log = place.run(&["logs", "feature", "--stage", "implement", "--raw"]).stdout;
    assert_eq!(ended.code, Some(0), "{}{}\n{log}", ended.stdout, ended.stderr);
    let project = place.path().join("project");
    assert_eq!(git(&project, "git show main:hello.txt"), "hello");
    let trailers = git(&project, "git log --format=%B main");
    assert!(trailers.contains("Orch-Agent: coder"), "{trailers}");
    assert!(
        log.contains("coder: Done: hello.txt holds one line.") && log.contains("check passed"),
        "{log}"
    );
    // The model was reached over the gateway only, and the key stayed there.
    assert!(model.requests().len() >= 3);
    assert!(!log.contains(KEY));
    let found = git(place.path(), &format!("grep -rl {KEY} data || :"));
    assert_eq!(found, "data/provider.key");
}

fn allowed() -> Json {
    json!([{ "tool": "execute", "decision": "allow" }])
}

#[test]
fn claude_edits_is_asked_about_and_merged() {
    let Some(claude) = installed("claude") else { return };
    delivers(&json!({ "kind": "claude", "command": [claude] }), &json!([]), 1);
}

#[test]
fn codex_edits_and_is_merged() {
    let Some(codex) = installed("codex") else { return };
    delivers(&json!({ "kind": "codex", "command": [codex] }), &allowed(), 0);
}

#[test]
fn opencode_edits_over_the_protocol_is_asked_about_and_merged() {
    let Some(opencode) = installed("opencode") else { return };
    delivers(&json!({ "kind": "acp", "command": [opencode, "acp", "--pure"] }), &json!([]), 1);
}

#[test]
fn a_person_takes_over_from_claude_in_its_own_session_and_it_goes_on_with_what_was_said() {
    let Some(claude) = installed("claude") else { return };
    let write = json!({ "name": "Write",
        "arguments": { "file_path": "${CWD}/hello.txt", "content": "hello\n" } });
    let look = json!({ "name": "Bash",
        "arguments": { "command": "cat hello.txt", "description": "look" } });
    let model = Model::start(&json!({ "require_key": KEY, "scripts": [
        { "name": "work", "match": { "tools": true },
          "capture": { "CWD": "Your working directory is ([^;]+);" },
          "turns": [
            { "text": "I will write the file.", "tool_calls": [write] },
            { "tool_calls": [look] },
            { "text": "I wrote hello.txt, ana." },
            { "text": "Done: hello.txt holds one line." },
        ] },
        { "name": "other", "turns": [{ "text": "A title" }], "after": "repeat" },
    ] }));
    let place = place(&model, &json!({ "kind": "claude", "command": [claude] }), &json!([]));
    let mut going = place.start(&["run", "feature.yaml"]);
    // It waits for leave to look at the file.
    going.says("A-1");
    let held = place.json(&["agent", "attach", "feature", "implement", "--print"]);
    let way = &held["data"]["attach"];
    assert!(way["runs"].as_str().unwrap().contains(" --resume "), "{held}");
    assert_eq!(way["resumes"], true, "{held}");
    let asked = place.json(&["approval", "show", "A-1"]);
    assert_eq!(asked["data"]["status"], "void", "{asked}");
    let person =
        format!("{} -p 'What did you do so far, asks ana?'", way["command"].as_str().unwrap());
    let answer = Command::new("sh").args(["-c", &person]).output().unwrap();
    let answer = String::from_utf8_lossy(&[answer.stdout, answer.stderr].concat()).into_owned();
    assert!(answer.contains("I wrote hello.txt, ana."), "{answer}");
    let back =
        ["agent", "hand-back", "feature", "implement", "--note", "Then say that it is done."];
    ok(&place.run(&back));
    going.says("A-2");
    ok(&place.run(&["approval", "approve", "A-2"]));
    let ended = going.end();
    let log = place.run(&["logs", "feature", "--stage", "implement", "--raw"]).stdout;
    assert_eq!(ended.code, Some(0), "{}{}\n{log}", ended.stdout, ended.stderr);
    assert!(log.contains("coder: Done: hello.txt holds one line."), "{log}");
    assert!(!log.contains("refused"), "nothing that was taken back counts as refused: {log}");
    // What the agent asked last holds the turn of the person, and the note.
    let last = model.requests().into_iter().rev().map(|request| json!(request).to_string());
    let last =
        last.into_iter().find(|request| request.contains("Then say that it is done.")).unwrap();
    assert!(last.contains("What did you do so far, asks ana?"), "{last}");
    let held = git(place.path(), &format!("grep -rl {KEY} data || :"));
    assert_eq!(held, "data/provider.key");
}
