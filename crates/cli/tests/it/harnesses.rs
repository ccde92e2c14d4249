//! Stages of agents under what goes wrong around them, through the binary: servers that are killed,
//! tools that leave daemons, secrets that tools print.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::binary::Place;

/// One stage whose scripted agent runs these commands and says that it is done.
fn definition(name: &str, commands: &[&str], more: &str) -> String {
    let call = |command: &&str| json!({"call": "bash", "input": {"command": command}});
    let mut steps: Vec<Json> = commands.iter().map(call).collect();
    steps.push(json!({"usage": {"input": 11, "output": 7}}));
    steps.push(json!({"text": "done"}));
    let script = json!({ "turns": [steps] });
    format!(
        "name: {name}\nstages:\n  - name: work\n    agent: implementer\n    task: Do it\n    \
         adapter: {{kind: mock, script: {script}}}\n    \
         permissions: [{{tool: execute, decision: allow}}]\n{more}"
    )
}

fn place(commands: &[&str], more: &str) -> Place {
    let place = Place::with("spy.yaml", &definition("spy", commands, more));
    place.gate("gate");
    place
}

/// Command lines of all processes that this user may see.
fn running(text: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(text)).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => todo.push(entry.path()),
                kind if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}

#[test]
fn the_environment_of_a_stage_reaches_tools_and_its_secrets_are_kept_nowhere() {
    const VALUE: &str = "hunter2-correct-horse";
    let tool = r#"echo "$PLAIN and $TOKEN" | tee leak; echo "$ORCHESTRATE_STAGE""#;
    let more = "    env: {PLAIN: plain, TOKEN: \"${secrets.API_TOKEN}\"}\nsecrets: [API_TOKEN]\n";
    let place = place(&[tool], more);
    let mut run = place.command(&["run", "spy.yaml"]);
    let ended = run.env("ORCHESTRATE_SECRET_API_TOKEN", VALUE).output().unwrap();
    let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
    assert!(ended.status.success() && !said.contains(VALUE), "{said}");
    assert_eq!(place.read("leak"), format!("plain and {VALUE}\n"), "the tool itself had it");
    let talk = place.run(&["runs", "talk", "spy", "--full"]).stdout;
    assert!(talk.contains("plain and ***") && talk.contains("  work"), "{talk}");
    for path in files(&place.path().join("data")) {
        let bytes = std::fs::read(&path).unwrap();
        let held = String::from_utf8_lossy(&bytes);
        assert!(!held.contains(VALUE), "{} holds the secret", path.display());
    }
}

#[test]
fn what_a_tool_leaves_in_a_session_of_its_own_is_gone_after_a_stop() {
    let mark = format!("31536000.{}", std::process::id());
    let tool = format!("setsid sleep {mark} > /dev/null 2>&1 < /dev/null & cat gate");
    let place = place(&[&tool], "");
    let run = place.start(&["run", "spy.yaml"]);
    let _gate = place.wait_at("gate");
    assert!(!running(&mark).is_empty());
    let cancel = place.run(&["runs", "cancel", "spy"]);
    assert_eq!(cancel.code, Some(0), "{}", cancel.stderr);
    let ended = run.end();
    assert_eq!(ended.code, Some(11), "{}", ended.stderr);
    assert_eq!(running(&mark), Vec::<String>::new());
}

#[test]
fn an_agent_goes_on_while_its_server_is_killed_and_does_nothing_twice() {
    let place = place(&["echo one >> count", "cat gate; echo two >> count"], "");
    let run = place.start(&["run", "spy.yaml"]);
    let mut gate = place.wait_at("gate");
    run.signal("KILL");
    assert_eq!(run.end().code, None);
    let status = place.run(&["status"]);
    assert!(status.stderr.contains("picked up spy#1"), "{}", status.stderr);
    let mut resumed = place.start(&["runs", "resume", "spy#1"]);
    resumed.says("Following");
    gate.write_all(b"through\n").unwrap();
    drop(gate);
    let resumed = resumed.end();
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert_eq!(place.read("count"), "one\ntwo\n");
    let run = place.json(&["runs", "show", "spy#1"]);
    let stage = &run["data"]["stages"][0];
    assert_eq!(stage["attempts"].as_array().unwrap().len(), 1, "{stage}");
    let talk = place.json(&["runs", "talk", "spy#1"]);
    let did = |word: &str| {
        talk["data"].as_array().unwrap().iter().filter(|one| one["did"] == word).count()
    };
    assert_eq!((did("started"), did("tool_call"), did("usage"), did("ended")), (1, 2, 1, 1));
}

#[test]
fn a_merge_goes_on_while_its_server_is_killed_and_happens_once() {
    let place = Place::new();
    place.gate("gate");
    let gate = place.path().join("gate").display().to_string();
    let text = format!(
        "name: feature\nrepository: {{source: project, base: main}}\nstages:\n  \
         - {{name: implement, worktree: true, run: 'echo made > made'}}\n  \
         - {{name: merge, merge: {{from: implement, check: 'test -e made; cat {gate}'}}}}\n"
    );
    place.write("feature.yaml", &text);
    let git = |script: &str| {
        let mut command = std::process::Command::new("sh");
        command.args(["-e", "-c", script]).current_dir(place.path().join("project"));
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "ana");
            command.env(format!("GIT_{role}_EMAIL"), "ana@example.org");
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    std::fs::create_dir(place.path().join("project")).unwrap();
    git("git init -q -b main; echo a > a; git add .; git commit -qm first; git checkout -qb mine");
    let run = place.start(&["run", "feature.yaml"]);
    let gate = place.wait_at("gate");
    run.signal("KILL");
    assert_eq!(run.end().code, None);
    assert_eq!(git("git rev-list --count main"), "1", "nothing is moved before it was checked");
    let status = place.run(&["status"]);
    assert!(status.stderr.contains("picked up feature#1"), "{}", status.stderr);
    let mut resumed = place.start(&["runs", "resume", "feature#1"]);
    resumed.says("Following");
    drop(gate);
    let resumed = resumed.end();
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert_eq!(git("git show main:made; git rev-list --merges --count main"), "made\n1");
    assert_eq!(git("git status --porcelain; git branch --show-current"), "mine");
}
