//! The hands of our own agents.

use std::fs;

use api::agent::Did;
use serde_json::{Value as Json, json};

use crate::stage::{Stage, mock};

/// What the calls gave, in order.
fn results(stage: &mut Stage) -> Vec<(bool, String)> {
    let ran = stage.run();
    assert!(ran.code.is_some(), "{ran:?}");
    stage
        .did()
        .into_iter()
        .filter_map(|did| match did {
            Did::ToolResult { ok, output, .. } => Some((ok, output)),
            _ => None,
        })
        .collect()
}

fn calls(calls: &[(&str, Json)]) -> Stage {
    let mut steps: Vec<Json> =
        calls.iter().map(|(call, input)| json!({ "call": call, "input": input })).collect();
    steps.push(json!({ "text": "done" }));
    Stage::new(mock(json!({ "turns": [steps] })))
}

#[test]
fn files_are_written_read_changed_and_found() {
    let mut stage = calls(&[
        ("write", json!({ "path": "a/b/c.txt", "content": "one\ntwo\ntwo\n" })),
        ("edit", json!({ "path": "a/b/c.txt", "old": "two", "new": "2" })),
        ("edit", json!({ "path": "a/b/c.txt", "old": "two", "new": "2", "all": true })),
        ("edit", json!({ "path": "a/b/c.txt", "old": "three", "new": "3" })),
        ("read", json!({ "path": "a/b/c.txt", "offset": 2, "limit": 1 })),
        ("list", json!({})),
        ("glob", json!({ "pattern": "**/*.txt" })),
        ("grep", json!({ "pattern": "^o.e$" })),
        ("read", json!({ "path": "a" })),
        ("read", json!({ "file": "a" })),
        ("fly", json!({})),
    ]);
    let results = results(&mut stage);
    let text = |n: usize| results[n].1.as_str();
    let oks: Vec<bool> = results.iter().map(|(ok, _)| *ok).collect();
    let expected = [true, false, true, false, true, true, true, true, false, false, false];
    assert_eq!(oks, expected, "{results:?}");
    assert_eq!(stage.file("a/b/c.txt").as_deref(), Some("one\n2\n2\n"));
    assert!(text(1).contains("stands 2 times"), "{}", text(1));
    assert_eq!(text(4), "2\n\n[lines 2 to 2 of 3]");
    assert_eq!((text(5), text(6), text(7)), ("a/", "a/b/c.txt", "a/b/c.txt:1: one"));
    assert!(text(8).contains("`a` is a folder"), "{}", text(8));
    assert!(text(9).contains("\"path\" is a required property"), "{}", text(9));
    assert!(text(10).contains("there is no tool `fly`; there are: read"), "{}", text(10));
}

#[test]
fn no_path_leads_out_of_the_workspace() {
    let mut stage = calls(&[
        ("write", json!({ "path": "../out.txt", "content": "x" })),
        ("write", json!({ "path": "/tmp/harness-test-out.txt", "content": "x" })),
        ("bash", json!({ "command": "ln -s .. up; ln -s /etc etc; ln -s a inner; mkfifo pipe" })),
        ("write", json!({ "path": "up/out.txt", "content": "x" })),
        ("read", json!({ "path": "etc/passwd" })),
        ("write", json!({ "path": "etc/new/file", "content": "x" })),
        ("write", json!({ "path": "inner", "content": "x" })),
        ("read", json!({ "path": "pipe" })),
        ("write", json!({ "path": "a/../b", "content": "x" })),
        ("grep", json!({ "pattern": "root" })),
    ]);
    let results = results(&mut stage);
    let oks: Vec<bool> = results.iter().map(|(ok, _)| *ok).collect();
    let expected = [false, false, true, false, false, false, true, false, false, true];
    assert_eq!(oks, expected, "{results:?}");
    assert!(!stage.root.path().join("out.txt").exists());
    assert!(!fs::exists("/tmp/harness-test-out.txt").unwrap());
    assert_eq!(stage.file("a").as_deref(), Some("x"));
    assert!(results[9].1.contains("nothing found"), "{results:?}");
    let denied = stage.did().iter().filter(|did| matches!(did, Did::Denied { .. })).count();
    assert_eq!(denied, 5, "{results:?}");
}

#[test]
fn a_flood_is_cut_and_the_whole_kept() {
    let mut stage = calls(&[
        ("bash", json!({ "command": "echo begin; seq 1 20000; echo end" })),
        ("bash", json!({ "command": "yes | head -c 60000000; echo; echo end" })),
    ]);
    let results = results(&mut stage);
    let (ok, text) = &results[0];
    assert!(*ok && text.len() < 31_000, "{}", text.len());
    assert!(text.starts_with("begin\n1\n") && text.trim_end().ends_with("20000\nend"), "{text}");
    let path = text.split("all of it: ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(stage.file(path).unwrap().contains("\n10000\n"));
    assert_eq!(stage.file(".orchestrate/.gitignore").as_deref(), Some("*\n"));
    assert!(results[1].1.trim_end().ends_with("end") && results[1].1.len() < 31_000);
}

#[test]
fn commands_have_their_time_and_their_rules() {
    let mut stage = calls(&[
        ("bash", json!({ "command": "echo a; sleep 100", "timeout": 1 })),
        ("bash", json!({ "command": "exit 3" })),
        ("bash", json!({ "command": "true" })),
        ("bash", json!({ "command": "true", "timeout": 601 })),
        ("bash", json!({ "command": "git push" })),
    ]);
    let api::agent::Shape::Single { agent } = &mut stage.job.shape else { unreachable!() };
    agent.permissions = serde_json::from_value(json!([
        { "command": "git push", "decision": "deny" },
        { "tool": "execute", "decision": "allow" },
    ]))
    .unwrap();
    let results = results(&mut stage);
    assert_eq!(results[0], (false, "a\n\n[ended after 1 s]".to_owned()));
    assert_eq!(results[1], (false, "\n[exit status: 3]".to_owned()));
    assert_eq!(results[2], (true, "(no output)".to_owned()));
    assert!(results[3].1.contains("/timeout: 601 is greater than"), "{results:?}");
    assert_eq!(results[4].1, "refused: the rules of this stage do not allow it");
    assert!(stage.did().iter().any(|did| matches!(did, Did::Denied { .. })));
}

#[test]
fn too_many_calls_end_it() {
    let list = ("list", json!({}));
    let mut stage = calls(&[list.clone(), list.clone(), list]);
    stage.job.limits.tool_calls = Some(2);
    let ran = stage.run();
    assert_eq!(ran.outcome(), "turns_exhausted", "{ran:?}");
}

/// A server with one tool, in a language that everybody has.
const SERVER: &str = r#"
import json, sys
print("a log line that is no message", flush=True)
for line in sys.stdin:
    m = json.loads(line)
    if m["method"] == "initialize":
        r = {"protocolVersion": m["params"]["protocolVersion"], "capabilities": {}, "serverInfo": {"name": "t", "version": "1"}}
    elif m["method"] == "tools/list":
        r = {"tools": [{"name": "say.it", "description": "says it", "inputSchema": {"type": "object", "required": ["it"], "properties": {"it": {"type": "string"}}}}]}
    elif m["method"] == "tools/call":
        it = m["params"]["arguments"]["it"]
        if it == "die":
            sys.exit(1)
        r = {"content": [{"type": "text", "text": "it is " + it}], "isError": it == "wrong"}
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": r}), flush=True)
"#;

#[test]
fn servers_that_the_agent_names_lend_it_their_tools() {
    let mut stage = calls(&[
        ("test__say_it", json!({ "it": "so" })),
        ("test__say_it", json!({ "it": "wrong" })),
        ("test__say_it", json!({ "what": "so" })),
        ("test__say_it", json!({ "it": "forbidden", "command": "x" })),
        ("test__say_it", json!({ "it": "die" })),
    ]);
    stage.put("server.py", SERVER);
    let api::agent::Shape::Single { agent } = &mut stage.job.shape else { unreachable!() };
    let server = |name: &str, command: &[&str]| api::agent::McpServer {
        name: name.into(),
        command: command.iter().map(|&word| word.to_owned()).collect(),
        env: Default::default(),
    };
    agent.mcp = vec![server("test", &["python3", "server.py"]), server("gone", &["/no/such"])];
    let results = results(&mut stage);
    assert_eq!(results[0], (true, "it is so".to_owned()));
    assert_eq!(results[1], (false, "it is wrong".to_owned()));
    assert!(results[2].1.contains("\"it\" is a required property"), "{results:?}");
    assert!(results[4].1.contains("it has ended"), "{results:?}");
    let warned = stage
        .did()
        .iter()
        .any(|did| matches!(did, Did::Warning { text } if text.contains("`gone` is not there")));
    assert!(warned);
}
