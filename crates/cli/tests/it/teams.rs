//! Loops, discussions and teams through the binary: what a `kill -9` of everything costs, what a
//! budget holds, what a template does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::binary::Place;
use crate::model::Model;

/// The log of a stage, as it is written.
struct Follow {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Follow {
    fn of(place: &Place, run: &str, stage: &str) -> Self {
        let mut command = place.command(&["logs", run, "--stage", stage, "-f", "--raw"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Until a line of it holds this.
    fn until(&mut self, text: &str) {
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 {
            if line.contains(text) {
                return;
            }
            line.clear();
        }
        panic!("the log ended without `{text}`");
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Kills the server, the keeper and every harness of this folder, all of them at once.
fn kill_all(place: &Place) {
    let folder = place.path().display().to_string();
    let mut pids = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words: Vec<String> = line
            .split(|byte| *byte == 0)
            .map(|w| String::from_utf8_lossy(w).into_owned())
            .collect();
        let env = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let ours = words.iter().any(|word| word.contains(&folder))
            || String::from_utf8_lossy(&env).contains(&folder);
        let program = words.first().is_some_and(|word| word.ends_with("orchestrate"));
        if ours && program && words.get(1).is_none_or(|word| word != "logs") {
            pids.push(entry.file_name().into_string().unwrap());
        }
    }
    assert!(pids.len() >= 3, "a server, a keeper and a harness: {pids:?}");
    let killed = std::process::Command::new("kill").arg("-KILL").args(&pids).status();
    assert!(killed.unwrap().success());
}

/// Everything that agents did, in order.
fn happened(place: &Place) -> Vec<Value> {
    fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => files(&entry.path(), found),
                false if entry.file_name() == "events.ndjson" => found.push(entry.path()),
                false => {}
            }
        }
    }
    let mut found = Vec::new();
    files(&place.path().join("data/agents"), &mut found);
    let lines = found.iter().flat_map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    });
    lines.collect()
}

fn count(place: &Place, did: &str) -> usize {
    happened(place).iter().filter(|one| one["did"] == did).count()
}

#[test]
fn a_loop_goes_on_inside_its_iteration_after_everything_was_killed() {
    let script = json!({ "conversations": [
        [[{ "call": "bash", "input": { "command": "echo one >> log" } }, { "usage": { "input": 1 } }, { "text": "one" }]],
        [[
            { "call": "bash", "input": { "command": "echo two-a >> log" } },
            { "usage": { "input": 1 } },
            { "call": "bash", "input": { "command": "cat gate" } },
            { "call": "bash", "input": { "command": "echo two-b >> log" } },
            { "text": "two" },
        ]],
    ] });
    let text = format!(
        "name: again\nstages:\n  - name: work\n    loop: ralph\n    agent: {{name: smith, prompt: Work., permissions: [{{tool: execute, decision: allow}}]}}\n    adapter: {{kind: mock, script: {script}}}\n    task: Do it.\n    validate: test $(wc -l < log) = 3\n"
    );
    let place = Place::with("again.yaml", &text);
    place.gate("gate");
    let run = place.start(&["run", "again.yaml"]);
    let gate = place.wait_at("gate");
    kill_all(&place);
    drop(gate);
    assert_eq!(run.end().code, None);
    let ended = place.run(&["runs", "resume", "again"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(place.read("log"), "one\ntwo-a\ntwo-b\n");
    assert_eq!((count(&place, "usage"), count(&place, "turn"), count(&place, "prompt")), (2, 2, 2));
}

#[test]
fn a_debate_goes_on_at_the_next_turn_after_everything_was_killed() {
    let n = |n: u32| json!({ "n": n });
    let say = |value: Value| json!([[{ "result": value }, { "text": "so" }, { "usage": { "input": 1 } }]]);
    let member = |name: &str, conversations: Value| json!({ "name": name, "prompt": "Argue.", "adapter": { "kind": "mock", "script": { "conversations": conversations } } });
    let waits = json!([[{ "usage": { "input": 1 } }, { "wait_for": "there" }, { "result": n(1) }, { "text": "so" }]]);
    let judge = json!({ "decision": "continue", "why": "not yet" });
    let debate = json!({
        "mode": "debate",
        "members": [
            member("ann", json!([say(n(1)), say(n(1))])),
            member("bob", json!([say(n(2)), waits])),
            member("cyd", json!([say(n(3)), say(n(1))])),
        ],
        "chair": member("lead", json!([say(judge)])),
    });
    let text = format!(
        "name: talk\nstages:\n  - name: decide\n    discussion: {debate}\n    task: How many?\n    outputs: {{n: integer}}\n"
    );
    let place = Place::with("talk.yaml", &text);
    let mut run = place.start(&["run", "talk.yaml"]);
    // The log says when both others have spoken again.
    run.says("talk#1");
    let mut log = Follow::of(&place, "talk", "decide");
    log.until("round-2: ");
    log.until("round-2: ");
    drop(log);
    kill_all(&place);
    assert_eq!(run.end().code, None);
    let asked = count(&place, "prompt");
    place.write("there", "");
    let ended = place.run(&["runs", "resume", "talk"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert_eq!((count(&place, "prompt"), count(&place, "usage")), (asked, 7));
    let shown = place.json(&["runs", "show", "talk"]);
    let stages = shown["data"]["stages"].as_array().or(shown["stages"].as_array()).unwrap();
    assert_eq!(stages[0]["outputs"]["n"], 1);
}

fn with_model(model: &Model, text: &str) -> Place {
    let place = Place::with("p.yaml", text);
    let address = &model.address;
    place.write(
        "data/config.yaml",
        &format!(
            "models: {{providers: {{fake: {{kind: compatible, base_url: 'http://{address}/v1', allow_private: true}}}}}}\nagents: {{default: {{adapter: api, provider: fake, model: m}}}}\n"
        ),
    );
    place
}

#[test]
fn a_conversation_with_a_model_goes_on_after_everything_was_killed_and_no_call_is_made_twice() {
    let bash = |command: &str| json!({ "tool_calls": [{ "name": "bash", "arguments": { "command": command } }] });
    let model = Model::start(&json!({ "turns": [
        bash("echo one >> log"), bash("cat gate"), bash("echo three >> log"), { "text": "all is done" },
    ] }));
    let text = "name: chat\nstages:\n  - name: work\n    agent: implementer\n    task: Do it.\n    permissions: [{tool: execute, decision: allow}]\n";
    let place = with_model(&model, text);
    place.gate("gate");
    let run = place.start(&["run", "p.yaml"]);
    let gate = place.wait_at("gate");
    kill_all(&place);
    drop(gate);
    assert_eq!(run.end().code, None);
    assert_eq!(model.requests().len(), 2);
    let ended = place.run(&["runs", "resume", "chat"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(place.read("log"), "one\nthree\n");
    assert_eq!(model.requests().len(), 4);
}

#[test]
fn a_limit_of_seven_calls_with_a_council_of_three_makes_seven_calls() {
    let looks = json!({ "tool_calls": [{ "name": "list", "arguments": {} }] });
    let model = Model::start(&json!({ "turns": [looks], "after": "repeat" }));
    let text = "name: council\nstages:\n  - name: decide\n    discussion: {mode: council, members: [architect, tester, reviewer]}\n    task: How many?\n    budget: {calls: 7}\n";
    let place = with_model(&model, text);
    let ended = place.run(&["run", "p.yaml"]);
    assert_eq!(ended.code, Some(10), "{}{}", ended.stdout, ended.stderr);
    let said = ended.stdout + &ended.stderr;
    assert!(said.contains("budget is spent") && said.contains("exit code 73"), "{said}");
    assert_eq!(model.requests().len(), 7);
}

#[test]
fn a_loop_type_that_is_changed_counts_from_the_next_iteration_on() {
    let place = Place::with(
        ".orchestrate/loops/careful.yaml",
        "extends: ralph\nmax_iterations: 9\nprompt: 'first {{ iteration }}'\n",
    );
    let script = json!({ "conversations": [
        [[{ "call": "bash", "input": { "command": "cat gate; echo a >> f" } }, { "text": "one" }]],
        [[{ "call": "bash", "input": { "command": "echo b >> f" } }, { "text": "two" }]],
    ] });
    place.write(
        "x.yaml",
        &format!(
            "name: x\nstages:\n  - name: work\n    loop: careful\n    agent: {{name: smith, prompt: Work., permissions: [{{tool: execute, decision: allow}}]}}\n    adapter: {{kind: mock, script: {script}}}\n    task: Do it.\n    validate: exit 1\n"
        ),
    );
    place.gate("gate");
    let run = place.start(&["run", "x.yaml"]);
    let mut gate = place.wait_at("gate");
    place.write(
        ".orchestrate/loops/careful.yaml",
        "extends: ralph\nmax_iterations: 2\nprompt: 'second {{ iteration }}'\n",
    );
    gate.write_all(b"on\n").unwrap();
    drop(gate);
    let ended = run.end();
    assert_eq!(ended.code, Some(10), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("gave up after 2 iterations"), "{}", ended.stderr);
    let prompts: Vec<String> = happened(&place)
        .iter()
        .filter_map(|one| Some(one["text"].as_str()?.to_owned()).filter(|_| one["did"] == "prompt"))
        .collect();
    assert_eq!(prompts, ["first 1", "second 2"]);
}

#[test]
fn the_template_of_four_loops_runs_offline_as_it_is_written() {
    let place = Place::new();
    assert_eq!(place.run(&["pipeline", "init", "taskdaemon"]).code, Some(0));
    let ended = place.run(&["run", "pipelines/taskdaemon.yaml"]);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    for file in ["plan.md", "specs.md", "phases/basket.md", "work/basket.md", "work/schema.md"] {
        assert!(place.read(file).contains("scripted agent"), "{file}");
    }
    let run = place.json(&["runs", "show", "taskdaemon"]);
    let stages = run["data"]["stages"].as_array().or(run["stages"].as_array()).unwrap();
    let of = |name: &str| stages.iter().find(|stage| stage["name"] == name).unwrap();
    assert_eq!(of("implementation")["outputs"]["items"].as_array().map(Vec::len), Some(4));
    // Four loops, each in iterations.
    let loops: std::collections::BTreeSet<String> = happened(&place)
        .iter()
        .filter(|one| one["did"] == "turn")
        .map(|one| one["data"]["loop"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(loops.into_iter().collect::<Vec<_>>(), ["phase", "plan", "ralph", "spec"]);
}
