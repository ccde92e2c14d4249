//! Client, bridge and server, one after the other.

use std::path::Path;
use std::sync::Arc;

use api::agent::McpServer;
use serde_json::{Value as Json, json};

use super::Lines;
use super::client::Client;
use super::server::{Offered, Server};
use crate::desk::Desk;
use crate::trial::desk;

const SOCKET: &str = "TEST_BRIDGE_SOCKET";

/// The bridge itself, when another test starts this binary again.
#[test]
fn bridge() {
    if let Some(socket) = std::env::var_os(SOCKET) {
        super::bridge::bridge(Path::new(&socket)).unwrap();
        std::process::exit(0);
    }
}

async fn connect(desk: &Arc<Desk>, server: &Server) -> Client {
    let program = std::env::current_exe().unwrap().display().to_string();
    let words = [&program, "--exact", "mcp::tests::bridge", "--nocapture"];
    let bridge = McpServer {
        name: "orchestrate".into(),
        command: words.map(str::to_owned).into(),
        env: [(SOCKET.to_owned(), server.socket().display().to_string())].into(),
    };
    Client::start(desk, &bridge).await.unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn an_agent_of_others_has_the_tools_of_the_house() {
    let root = tempfile::tempdir().unwrap();
    // Longer than the name of a socket may be.
    let deep = root.path().join("d".repeat(100));
    let schema = json!({ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } });
    runtime().block_on(async {
        let desk = desk(&deep, "/nowhere", Some(&schema));
        let server = Server::open(desk.clone(), Offered::HouseAndApproval).unwrap();
        let client = connect(&desk, &server).await;
        let names: Vec<&str> = client.tools.iter().map(|tool| tool.name.as_str()).collect();
        let expected =
            ["ask_human", "get_artifact", "note", "report_blocked", "submit_result", "approve"];
        assert_eq!(names, expected);
        let call = async |name: &str, input: Json| client.call(name, &input).await.unwrap();
        let (ok, said) = call("submit_result", json!({ "n": "one" })).await;
        assert!(!ok && said.contains("/n: \"one\" is not of type"), "{said}");
        assert_eq!(desk.submitted(), None);
        assert!(call("submit_result", json!({ "n": 1 })).await.0);
        assert_eq!(desk.submitted(), Some(json!({ "n": 1 })));
        assert!(call("note", json!({ "text": "seen" })).await.0);
        let (ok, said) = call("note", json!({})).await;
        assert!(!ok && said.contains("\"text\" is a required property"), "{said}");
        for (tool, input, allowed) in [
            ("Read", json!({ "file_path": desk.room.job.workspace.clone() + "/a" }), true),
            ("Write", json!({ "file_path": "/etc/passwd" }), false),
            ("WebFetch", json!({ "url": "https://example.org" }), false),
        ] {
            let (_, said) = call("approve", json!({ "tool_name": tool, "input": input })).await;
            let said: Json = serde_json::from_str(&said).unwrap();
            assert_eq!(said["behavior"], if allowed { "allow" } else { "deny" }, "{tool}: {said}");
        }
        assert_eq!(desk.denied(), 2);
        assert!(call("report_blocked", json!({ "reason": "no key" })).await.0);
        assert_eq!(desk.blocked().as_deref(), Some("no key"));
        let missing = client.call("fly", &json!({})).await.unwrap_err();
        assert!(missing.to_string().contains("there is no tool `fly`"), "{missing}");
        assert_eq!(server.command().unwrap()[1..3], ["mcp", "--attempt"]);
        // When the attempt ends, so does whoever bridges to it.
        drop(server);
        let gone = client.call("note", &json!({ "text": "late" })).await.unwrap_err();
        assert!(gone.to_string().contains("ended"), "{gone}");
        let server = Server::open(desk.clone(), Offered::House).unwrap();
        let client = connect(&desk, &server).await;
        assert!(client.tools.iter().all(|tool| tool.name != "approve"));
    });
}

#[test]
fn messages_are_the_same_wherever_they_are_cut() {
    let text = b"{\"a\":1}\nsome log\n\n{\"b\":2}\r\n{\"cut\"";
    for size in 1..=text.len() {
        let mut lines = Lines::default();
        let found: Vec<Json> =
            text.chunks(size).flat_map(|piece| lines.push(piece).unwrap()).collect();
        assert_eq!(found, [json!({ "a": 1 }), json!({ "b": 2 })], "pieces of {size}");
    }
}
