//! A person's own assistant: a session of the Model Context Protocol with `orchestrate mcp`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value as Json, json};

use crate::binary::Place;

const GATED: &str = "name: ship\ninputs: {version: string}\nstages:\n  \
                     - {name: build, run: 'echo built ${version}'}\n  \
                     - {name: ask, noop: true, requires_approval: true}\n";

/// A client that believes nothing: every answer is to the question before.
struct Session {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    last: u64,
}

impl Session {
    fn open(place: &Place) -> Self {
        let mut command = place.command(&["mcp"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut session = Self { child, input, output, last: 0 };
        let hello = session.ask("initialize", json!({"protocolVersion": "2025-06-18"}));
        assert_eq!(hello["result"]["protocolVersion"], "2025-06-18");
        assert_eq!(hello["result"]["serverInfo"]["name"], "orchestrate");
        let about = hello["result"]["instructions"].as_str().unwrap();
        assert!(about.contains("decided by people"), "{about}");
        session.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        session
    }

    fn say(&mut self, message: &Json) {
        writeln!(self.input.as_mut().unwrap(), "{message}").unwrap();
    }

    fn ask(&mut self, method: &str, params: Json) -> Json {
        self.last += 1;
        let id = self.last;
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: Json = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    fn call(&mut self, tool: &str, input: Json) -> (bool, String) {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": input}));
        let result = &answer["result"];
        let text = result["content"][0]["text"].as_str();
        let text = text.unwrap_or_else(|| panic!("{answer}")).to_owned();
        (result["isError"] == false, text)
    }

    fn json(&mut self, tool: &str, input: Json) -> Json {
        let (ok, text) = self.call(tool, input);
        assert!(ok, "{tool}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

#[test]
fn an_assistant_lists_starts_and_inspects_and_never_decides() {
    let place = Place::with("ship.yaml", GATED);
    let stored = place.run(&["pipeline", "create", "ship.yaml"]);
    assert_eq!(stored.code, Some(0), "{}", stored.stderr);
    let mut session = Session::open(&place);
    let tools = session.ask("tools/list", json!({}));
    let names: Vec<&str> = tools["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    for wanted in ["list_runs", "start_run", "show_run", "read_log", "read_talk", "read_artifact"] {
        assert!(names.contains(&wanted), "{names:?}");
    }
    assert_eq!(session.json("list_pipelines", json!({}))["data"][0]["name"], "ship");
    let plan = json!({"pipeline": "ship", "inputs": {"version": "1.4"}, "dry_run": true});
    assert_eq!(session.json("start_run", plan)["stages"][0]["verdict"], "would run");
    let (ok, says) = session.call("start_run", json!({"pipeline": "ship"}));
    assert!(!ok && says.contains("version"), "{says}");
    let start = json!({"pipeline": "ship", "inputs": {"version": "1.4"}});
    let started = session.json("start_run", start);
    assert_eq!(started["name"], "ship#1");
    // A background driver carries it out.
    let followed = place.run(&["runs", "resume", "ship#1", "--exit-on-wait"]);
    assert_eq!(followed.code, Some(13), "{}{}", followed.stdout, followed.stderr);
    assert_eq!(session.json("show_run", json!({"run": "latest"}))["status"], "waiting");
    let log = session.call("read_log", json!({"run": "ship", "stage": "build", "tail": 5}));
    assert_eq!(log, (true, "built 1.4\n".to_owned()));
    let events = session.json("run_events", json!({"run": "ship#1", "limit": 2}));
    assert_eq!(events["data"].as_array().unwrap().len(), 2);
    let listed = session.json("list_runs", json!({"status": "waiting"}));
    assert_eq!(listed["data"][0]["name"], "ship#1");

    for name in ["approve", "reject_approval", "submit_form"] {
        let (ok, says) = session.call(name, json!({"id": "A-1"}));
        assert!(!ok && says.contains("An assistant does not decide"), "{says}");
    }
    assert_eq!(place.json(&["runs", "show", "ship#1"])["data"]["status"], "waiting");
    let (ok, says) = session.call("show_run", json!({"run": "nothing#7"}));
    assert!(!ok && says.contains("there is no run `nothing#7`"), "{says}");
    let (ok, says) = session.call("read_log", json!({"run": "ship"}));
    assert!(!ok && says.contains("needs `stage`"), "{says}");
    let (ok, says) = session.call("read_talk", json!({"run": "ship", "stage": "build"}));
    assert!(!ok && says.contains("is no stage of agents"), "{says}");
    let unknown = session.ask("tools/call", json!({"name": "fly", "arguments": {}}));
    assert_eq!(unknown["error"]["message"], "there is no tool `fly`");

    // What was asked last is answered, and then it ends.
    session.last += 1;
    let params = json!({"name": "show_run", "arguments": {"run": "ship"}});
    let last = json!({"jsonrpc": "2.0", "id": 99, "method": "tools/call", "params": params});
    session.say(&last);
    drop(session.input.take());
    let mut line = String::new();
    session.output.read_line(&mut line).unwrap();
    assert_eq!(serde_json::from_str::<Json>(&line).unwrap()["id"], 99);
    assert!(session.child.wait().unwrap().success());
}
