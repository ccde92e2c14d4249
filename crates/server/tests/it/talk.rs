//! What agents did and said, through the doors: in pages, and as it happens.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use api::agent::{Did, Happening, Usage};
use api::link::AttemptRef;
use api::stream::Frame;
use serde_json::{Value as Json, json};

use crate::bench::Bench;
use crate::stream::client::{Known, TOKEN, connect, frame, say};

const AGENTS: &str = "name: feature\nstages:\n  - {name: plan, agent: architect, task: Think}\n  \
                      - {name: each, agent: tester, task: Test, foreach: [a, b]}\n  \
                      - {name: pack, run: 'true'}\n";

/// Writes as a harness does, which says nothing to the server.
struct Harness {
    file: PathBuf,
    last: u64,
}

impl Harness {
    fn new(bench: &Bench, run: &str, execution: &str) -> Self {
        let folder = bench.path().join("agents").join(run).join(execution);
        Self { file: folder.join("events.ndjson"), last: 0 }
    }

    fn did(&mut self, what: Did) {
        self.last += 1;
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        let who = "architect".to_owned();
        let happening = Happening { seq: self.last, attempt: 1, at, who, what };
        self.write(&(json!(happening).to_string() + "\n"));
    }

    fn write(&self, text: &str) {
        std::fs::create_dir_all(self.file.parent().unwrap()).unwrap();
        let mut file = OpenOptions::new().create(true).append(true).open(&self.file).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn note(&mut self, text: &str) {
        self.did(Did::Note { text: text.to_owned() });
    }
}

async fn started() -> (Bench, AttemptRef, String) {
    let mut bench = Bench::by_hand();
    let run = bench.start(AGENTS).await;
    let attempt = bench.hands.started().await;
    let id = run["id"].as_str().unwrap().to_owned();
    (bench, attempt, id)
}

#[tokio::test]
async fn a_talk_is_read_page_by_page_whatever_stands_in_it() {
    let (bench, _attempt, run) = started().await;
    let path = "/api/runs/feature~1/talk/plan";
    let empty = json!({"schema": "orchestrate.talk.list/v1", "data": [], "next": null});
    assert_eq!(bench.get(path).await, empty, "nobody has said anything yet");
    let mut harness = Harness::new(&bench, &run, "0-0");
    harness.did(Did::Prompt { system: "Be brief.".into(), text: "Think".into() });
    harness.did(Did::ToolCall {
        id: "t1-0".into(),
        kind: None,
        title: "bash ls".into(),
        input: json!({"command": "ls"}),
    });
    harness.did(Did::Denied {
        id: "t1-0".into(),
        kind: None,
        title: "bash ls".into(),
        reason: "a rule".into(),
    });
    let usage = Usage { calls: 1, input_tokens: 7, nano_usd: Some(12), ..Usage::default() };
    harness.did(Did::Usage { usage, turn: None });
    harness.did(Did::Validated { passed: false, code: Some(1), tail: "no".into() });
    harness.write("{\"seq\": 6, \"cut of");
    let all = bench.get(path).await;
    let data = all["data"].as_array().unwrap();
    let did: Vec<&str> = data.iter().map(|one| one["did"].as_str().unwrap()).collect();
    assert_eq!(did, ["prompt", "tool_call", "denied", "usage", "validated"]);
    assert_eq!((&data[0]["who"], &data[0]["attempt"]), (&json!("architect"), &json!(1)));
    assert_eq!(data[0]["at"], "2026-01-02T03:04:05Z");
    assert_eq!(data[3]["usage"]["nano_usd"], 12);
    let page = bench.get(&format!("{path}?after=1&limit=2")).await;
    assert_eq!((&page["data"][0]["seq"], &page["next"]), (&json!(2), &json!("3")));
    let page = bench.get(&format!("{path}?after=3&limit=2")).await;
    assert_eq!((page["data"].as_array().unwrap().len(), &page["next"]), (2, &Json::Null));
    assert_eq!(bench.get(&format!("{path}?after=99")).await, empty);

    // What cannot be read is said, and never shown.
    harness.write("\nhunter2 is no JSON\n");
    let page = bench.get(&format!("{path}?after=5")).await;
    let did: Vec<&Json> = page["data"].as_array().unwrap().iter().map(|one| &one["did"]).collect();
    assert_eq!(did, ["warning", "warning"]);
    assert!(!page.to_string().contains("hunter2"));
}

#[tokio::test]
async fn who_asks_for_a_talk_that_cannot_be_is_told_what_there_is() {
    let (bench, _attempt, _run) = started().await;
    bench.refused("GET", "/api/runs/feature~1/talk/nobody", Json::Null, 404, "not_found").await;
    bench
        .refused("GET", "/api/runs/feature~1/talk/a%00b", Json::Null, 400, "invalid_request")
        .await;
    bench.refused("GET", "/api/runs/feature~9/talk/plan", Json::Null, 404, "not_found").await;
    let wrong = "/api/runs/feature~1/talk/plan?after=x";
    bench.refused("GET", wrong, Json::Null, 400, "invalid_request").await;
    let script = "/api/runs/feature~1/talk/pack";
    let problem = bench.refused("GET", script, Json::Null, 404, "not_found").await;
    assert_eq!(problem["hints"], json!(["orchestrate logs feature#1 --stage pack"]), "{problem}");
    // Its items are not known yet, so nobody knows how many there will be.
    for each in ["each", "each%5B7%5D"] {
        let page = bench.get(&format!("/api/runs/feature~1/talk/{each}")).await;
        assert_eq!(page["data"], json!([]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_hears_what_a_harness_writes_and_goes_on_where_it_was() {
    let (bench, _attempt, run) = started().await;
    let mut harness = Harness::new(&bench, &run, "0-0");
    let at = bench.server.listen_tcp("127.0.0.1:0".parse().unwrap(), TOKEN).await.unwrap();
    let topic = format!("talk:{run}/plan");
    let mut known = Known::default();
    let mut socket = connect(at, Some(TOKEN), &[]).await.unwrap();
    // Before there is a folder.
    say(&mut socket, json!({"sub": [{"topic": "talk:feature~1/plan"}]})).await;
    known.take(frame(&mut socket).await.unwrap());
    assert_eq!(known.at[&topic].1, 0);
    for number in 0..3 {
        harness.note(&format!("note {number}"));
        while known.entries.len() <= number {
            known.take(frame(&mut socket).await.unwrap());
        }
    }
    let said = |known: &Known| -> Vec<String> {
        let of = |(_, entry): &(String, Json)| entry["v"]["text"].as_str().unwrap().to_owned();
        known.entries.iter().map(of).collect()
    };
    assert_eq!(said(&known), ["note 0", "note 1", "note 2"]);
    let one = &known.entries[0].1;
    let kind = (&one["k"], &one["stage"], &one["v"]["did"]);
    assert_eq!(kind, (&json!("talk"), &json!("plan"), &json!("note")));
    drop(socket);

    // What came while the connection was lost is told after it, and nothing twice.
    for number in 3..600 {
        harness.note(&format!("note {number}"));
    }
    let mut socket = connect(at, Some(TOKEN), &[]).await.unwrap();
    say(&mut socket, known.subscriptions(std::slice::from_ref(&topic))).await;
    while known.entries.len() < 600 {
        known.take(frame(&mut socket).await.unwrap());
    }
    let all: Vec<String> = (0..600).map(|number| format!("note {number}")).collect();
    assert_eq!(said(&known), all);
    drop(socket);

    // A newcomer gets the last of it.
    let mut fresh = Known::default();
    let mut socket = connect(at, Some(TOKEN), &[]).await.unwrap();
    say(&mut socket, json!({"sub": [{"topic": topic}]})).await;
    while fresh.entries.len() < 200 {
        fresh.take(frame(&mut socket).await.unwrap());
    }
    assert_eq!(said(&fresh), all[400..]);

    // The file went, with the output of old runs: what is known is void.
    std::fs::remove_dir_all(harness.file.parent().unwrap()).unwrap();
    let gone = loop {
        let frame = frame(&mut socket).await.unwrap();
        let head = match &frame {
            Frame::Snapshot(snapshot) => Some(snapshot.snapshot["total"].clone()),
            _ => None,
        };
        fresh.take(frame);
        if let Some(total) = head {
            break total;
        }
    };
    assert_eq!((gone, fresh.gaps), (json!(0), 1));
}

#[tokio::test]
async fn a_listener_to_what_no_agent_does_is_refused_and_a_link_leads_nowhere() {
    let (bench, _attempt, run) = started().await;
    let poll = |topic: &str| format!("/api/v1/stream/poll?topics={topic}&wait=0");
    let script = bench.get(&poll("talk:feature~1/pack")).await;
    assert_eq!(script["frames"][0]["err"]["code"], "E0404", "{script}");
    let folder = bench.path().join("agents").join(&run).join("0-0");
    std::fs::create_dir_all(&folder).unwrap();
    File::create(bench.path().join("secret")).unwrap().write_all(b"hunter2\n").unwrap();
    std::os::unix::fs::symlink(bench.path().join("secret"), folder.join("events.ndjson")).unwrap();
    let seen = bench.get(&poll("talk:feature~1/plan")).await;
    assert_eq!(seen["frames"][0]["snapshot"], json!({"stage": "plan", "total": 0}), "{seen}");
    let page = bench.get("/api/runs/feature~1/talk/plan").await;
    assert_eq!(page["data"], json!([]));
}
