//! The reference model server beside the adapter's tests, as a provider in every format.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use api::agent::Limits;
use http::StatusCode;
use serde_json::{Value as Json, json};

use super::{AGENT, ask, chat, streamed};
use crate::bench::Bench;

struct Reference {
    process: Child,
    url: String,
}

impl Reference {
    fn start(folder: &std::path::Path, scenario: &Json) -> Self {
        let file = folder.join("scenario.json");
        std::fs::write(&file, scenario.to_string()).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../agent/tests/fake_llm.py");
        let mut process = Command::new("python3")
            .args([script, "--scenario"])
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let said: Json = serde_json::from_str(&line).unwrap();
        Self { process, url: said["listening"].as_str().unwrap().to_owned() }
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop((self.process.kill(), self.process.wait()));
    }
}

#[tokio::test]
async fn the_reference_server_is_read_right_in_every_format_also_when_it_fails_first() {
    let mut bench = Bench::by_hand();
    let first = json!([{"status": 429, "retry_after": 0.02}, {"status": 500, "retry_after": 0.02}]);
    let reference = Reference::start(
        bench.path(),
        &json!({
            "require_key": super::KEY,
            "scripts": [{"advance": "sequence", "after": "repeat", "turns": [{"text": "hello there, all of you",
                "usage": {"input": 30, "output": 5, "cached": 10}, "faults": first}]}],
        }),
    );
    std::fs::write(bench.path().join("key"), super::KEY).unwrap();
    bench.config(&format!(
        "models: {{providers: {{all: {{kind: compatible, base_url: '{0}/v1', key: {{file: key}}, \
         allow_private: true}}, gemini: {{kind: gemini, base_url: '{0}', key: {{file: key}}, \
         allow_private: true}}}}}}\n",
        reference.url
    ));
    bench.start(AGENT).await;
    let attempt = bench.hands.started().await;
    let token = bench.server.door(&attempt, &Limits::default()).token;
    let user = json!([{"role": "user", "content": "hello"}]);
    let gemini = json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]});
    let plain = [
        ("all/chat/completions", chat("hello")),
        ("all/responses", json!({"model": "m-1", "input": "hello"})),
        ("all/messages", json!({"model": "m-1", "max_tokens": 99, "messages": user})),
    ];
    let mut table: Vec<(&str, Json)> = Vec::new();
    for (path, body) in plain {
        table.push((path, body.clone()));
        table.push((path, streamed(body)));
    }
    table.push(("gemini/v1beta/models/m-1:generateContent", gemini.clone()));
    table.push(("gemini/v1beta/models/m-1:streamGenerateContent?alt=sse", gemini));
    for (path, body) in table {
        let (status, answer) = ask(&bench, &token, path, body, &[]).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        assert!(answer.to_string().contains("hello"), "{path}: {answer}");
        let page = bench.get("/api/runs/agents~1/model-calls").await;
        let call = &page["data"][0];
        let tokens = |name: &str| call[name].as_u64().unwrap();
        let read =
            tokens("input_tokens") + tokens("cache_read_tokens") + tokens("cache_write_tokens");
        assert_eq!((read, tokens("output_tokens")), (30, 5), "{path}: {call}");
        assert_eq!((&call["state"], &call["source"]), (&json!("answered"), &json!("gateway")));
        assert_eq!(call["nano_usd"], Json::Null, "no price is known");
    }
    let cost = bench.get("/api/runs/agents~1/cost").await;
    let total = &cost["total"];
    assert_eq!((&total["calls"], &total["unpriced_calls"]), (&json!(8), &json!(8)), "{cost}");
    assert_eq!(total["nano_usd"], Json::Null);
}
