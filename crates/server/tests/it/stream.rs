//! The live stream, over real sockets.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use api::link::What;
use api::run::RunDetail;
use api::stream::Frame;
use axum::body::Body;
use futures_util::SinkExt;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};
use tokio_tungstenite::tungstenite::{Error, Message};
use tower::ServiceExt;

use crate::bench::{Bench, obedient};
use crate::disk::Disk;
use crate::output::Writer;
use client::{Known, Socket, TOKEN, connect, frame, say};

pub(crate) mod client;

async fn listen(bench: &Bench) -> SocketAddr {
    bench.server.listen_tcp("127.0.0.1:0".parse().unwrap(), TOKEN).await.unwrap()
}

/// The same numbers every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % sides
    }
}

/// One page that is open, and may lose its connection.
struct Page {
    at: SocketAddr,
    topics: Vec<String>,
    known: Known,
    socket: Option<Socket>,
    losses: u32,
}

impl Page {
    fn new(at: SocketAddr, topics: &[&str]) -> Self {
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        Self { at, topics, known: Known::default(), socket: None, losses: 0 }
    }

    async fn socket(&mut self) -> &mut Socket {
        if self.socket.is_none() {
            let mut socket = connect(self.at, Some(TOKEN), &[]).await.unwrap();
            say(&mut socket, self.known.subscriptions(&self.topics)).await;
            self.socket = Some(socket);
        }
        self.socket.as_mut().unwrap()
    }

    async fn take(&mut self) {
        let frame = frame(self.socket().await).await.expect("the connection stands");
        self.known.take(frame);
    }

    async fn until(&mut self, mut enough: impl FnMut(&Known) -> bool) {
        while !enough(&self.known) {
            self.take().await;
        }
    }

    fn lose(&mut self) {
        if self.socket.take().is_some() {
            self.losses += 1;
        }
    }
}

/// The things of all lists, as the rest of the API shows them now.
async fn lists(bench: &Bench) -> BTreeMap<(String, String, String), Json> {
    let mut things = BTreeMap::new();
    let rooms = [
        ("runs", "run", "id", "/api/runs"),
        ("pipelines", "pipeline", "name", "/api/pipelines"),
        ("inbox", "approval", "id", "/api/approvals?status=pending"),
        ("inbox", "input", "id", "/api/inputs?status=open"),
        ("tasks", "task", "id", "/api/tasks"),
    ];
    for (topic, kind, id, path) in rooms {
        for thing in bench.get(path).await["data"].as_array().unwrap() {
            let mut thing = thing.clone();
            if let Some(you) = thing.get_mut("you") {
                // What a reader may do is not in the stream.
                *you = json!("");
            }
            let id = thing[id].as_str().unwrap().to_owned();
            things.insert((topic.to_owned(), kind.to_owned(), id), thing);
        }
    }
    let status = bench.get("/api/status").await;
    let workers = bench.get("/api/workers").await["data"].clone();
    let queue = bench.get("/api/queue").await["data"].clone();
    let (slots, problem) = (&status["slots"], &status["storage"]["problem"]);
    let fleet = json!({"slots": slots, "problem": problem, "workers": workers, "queue": queue});
    things.insert(("fleet".to_owned(), "fleet".to_owned(), "fleet".to_owned()), fleet);
    things
}

async fn poll(
    bench: &Bench,
    topics: &str,
    cursor: Option<&str>,
    wait: u32,
) -> (String, Vec<Frame>) {
    let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    let path = format!("/api/v1/stream/poll?topics={topics}&wait={wait}{cursor}");
    let answer = bench.get(&path).await;
    let frames = serde_json::from_value(answer["frames"].clone()).unwrap();
    (answer["cursor"].as_str().unwrap().to_owned(), frames)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_pages_through_twenty_disconnects_see_what_a_fresh_load_sees() {
    let mut bench = Bench::by_hand();
    let at = listen(&bench).await;
    let stage = |n| format!("  - {{name: s{n}, run: 'true', on_failure: continue}}\n");
    let last = "  - {name: fan, run: 'true', foreach: [1, 2, 3, 4]}
  - {name: ship, run: 'true', requires_approval: true}\n";
    let text = format!("name: busy\nstages:\n{}{last}", (0..40).map(stage).collect::<String>());
    bench.post("/api/pipelines", json!({ "definition": text })).await;
    let run = bench.post("/api/pipelines/busy/run", json!({"directory": "/"})).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let run_topic = format!("run:{run}");
    let topics = [run_topic.as_str(), "runs", "pipelines", "inbox", "tasks", "fleet"];
    let mut pages = [Page::new(at, &topics), Page::new(at, &topics)];
    let mut dice = Dice(20);
    let task = |id: &str, needs: &[&str]| json!({"id": id, "title": id, "prerequisites": needs});
    bench.post("/api/tasks", task("first", &[])).await;
    bench.post("/api/tasks", task("second", &["first"])).await;
    for step in 0..44 {
        let attempt = bench.hands.started().await;
        bench.hands.say(&attempt, What::Started { pid: 7 });
        // Those of the fan have to succeed.
        bench.hands.exit(&attempt, i32::from(step < 40 && dice.roll(4) == 0));
        if step == 20 {
            let (status, _) =
                bench.call("PATCH", "/api/tasks/first", json!({"status": "done"})).await;
            assert_eq!(status, StatusCode::OK);
        }
        if step % 2 == 0 && step < 40 {
            let which = usize::try_from(dice.roll(2)).unwrap();
            let page = &mut pages[which];
            match dice.roll(3) {
                // In the middle of everything.
                0 => page.take().await,
                // Having asked, and heard nothing.
                1 => {
                    page.socket().await;
                }
                _ => {
                    let now = bench.get(&format!("/api/runs/{run}")).await["sequence"].as_u64();
                    page.until(|known| known.seq(&run_topic) >= now.unwrap()).await;
                }
            }
            page.lose();
        }
    }
    assert_eq!(pages[0].losses + pages[1].losses, 20);
    bench.until("busy#1", "waiting").await;
    let now: RunDetail =
        serde_json::from_value(bench.get(&format!("/api/runs/{run}")).await).unwrap();
    let seen = lists(&bench).await;
    assert!(seen.keys().any(|(t, _, _)| t == "inbox"), "it waits for a person");
    for page in &mut pages {
        page.until(|known| {
            known.seq(&run_topic) == now.sequence
                && known.things == seen
                && known.at.len() == topics.len()
        })
        .await;
        let mine = &page.known.runs[&run_topic];
        assert_eq!(*mine, now);
        assert_eq!(page.known.gaps, 0, "nothing was void");
        // Every event once, whatever happened between.
        let told = page.known.entries.iter().filter(|(t, _)| *t == run_topic).count() as u64;
        assert!(told < now.sequence, "the rest was in the snapshot");
    }
}

/// A run of one stage whose hands only do what the test says, and its id.
async fn one(bench: &Bench) -> String {
    let text = "name: one\nstages:\n  - {name: a, run: 'true'}\n  - {name: b, run: 'true'}\n";
    bench.start(text).await["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn at_every_number_a_client_knows_what_the_api_shows_at_it() {
    let mut bench = Bench::by_hand();
    let at = listen(&bench).await;
    let run = one(&bench).await;
    let topic = format!("run:{run}");
    let mut page = Page::new(at, &[&topic]);
    for _ in 0..2 {
        let attempt = bench.hands.started().await;
        bench.hands.say(&attempt, What::Started { pid: 7 });
        page.take().await;
        bench.hands.exit(&attempt, 0);
    }
    let last = bench.finished("one#1").await;
    assert_eq!(last["status"], "succeeded");
    let mut seen = Vec::new();
    loop {
        let mine = page.known.runs[&topic].clone();
        let there = bench.get(&format!("/api/runs/{run}?at={}", mine.sequence)).await;
        assert_eq!(mine, serde_json::from_value::<RunDetail>(there).unwrap());
        seen.push(mine.sequence);
        if mine.summary.status == "succeeded" {
            break;
        }
        page.take().await;
    }
    assert!(seen.is_sorted());
}

#[tokio::test]
async fn a_restarted_server_goes_on_with_runs_and_begins_lists_anew() {
    let disk = Disk::new();
    let mut bench = Bench::on_disk(&disk);
    let run = one(&bench).await;
    let topic = format!("run:{run}");
    let topics = [topic.as_str(), "runs"];
    let mut page = Page::new(listen(&bench).await, &topics);
    bench.hands.started().await;
    page.until(|known| known.at.len() == 2 && known.runs[&topic].summary.status == "running").await;
    let (epoch, known) = page.known.at[&topic].clone();
    bench.server.shutdown().await;
    let goodbye = frame(page.socket().await).await.unwrap_err();
    assert_eq!(goodbye, Some(1001), "it says that it goes away");
    drop(bench);
    page.lose();
    let bench =
        Bench::on(Box::new(disk.clone()), std::sync::Arc::new(disk.reader.clone()), obedient());
    page.at = listen(&bench).await;
    bench.finished("one#1").await;
    let snapshots = page.known.snapshots;
    page.until(|it| it.runs[&topic].summary.status == "succeeded" && it.snapshots > snapshots)
        .await;
    assert_eq!(page.known.at[&topic].0, epoch);
    assert_eq!(page.known.gaps, 1, "the list's numbers were the other server's");
    assert_eq!(page.known.snapshots, snapshots + 1, "and only the list came anew");
    let told = page.known.entries.iter().filter(|(t, _)| *t == topic).count() as u64;
    assert!(page.known.seq(&topic) - known <= told, "every event since came");
    // Numbers of another data folder mean nothing here.
    let mut socket = connect(page.at, Some(TOKEN), &[]).await.unwrap();
    say(&mut socket, json!({"sub": [{"topic": topic, "epoch": "s-other", "after": 1}]})).await;
    assert!(matches!(frame(&mut socket).await, Ok(Frame::Gap { t, gap: true }) if t == topic));
    assert!(matches!(frame(&mut socket).await, Ok(Frame::Snapshot(_))));
    // Nor does what has not happened.
    let ahead = json!({"sub": [{"topic": topic, "epoch": epoch, "after": 1_000_000}]});
    say(&mut socket, ahead).await;
    assert!(matches!(frame(&mut socket).await, Ok(Frame::Gap { .. })));
}

#[tokio::test]
async fn server_sent_events_and_long_poll_tell_what_the_socket_tells() {
    let mut bench = Bench::by_hand();
    let at = listen(&bench).await;
    let run = one(&bench).await;
    let topic = format!("run:{run}");
    let mut page = Page::new(at, &[&topic]);
    let mut polled = Known::default();
    let mut events = Sse::open(&bench, &topic, None).await;
    let mut sent = Known::default();
    // Everybody is level before anything happens.
    let first = bench.hands.started().await;
    let created = bench.get(&format!("/api/runs/{run}")).await["sequence"].as_u64().unwrap();
    page.until(|known| known.seq(&topic) >= created).await;
    let (mut cursor, frames) = poll(&bench, &topic, None, 0).await;
    frames.into_iter().for_each(|frame| polled.take(frame));
    while sent.seq(&topic) < created {
        sent.take(events.next().await.1);
    }
    let start = [page.known.seq(&topic), polled.seq(&topic), sent.seq(&topic)];
    bench.hands.exit(&first, 0);
    let second = bench.hands.started().await;
    // A lost connection of a browser: it goes on from the last event's id.
    let (id, frame) = events.next().await;
    sent.take(frame);
    events = Sse::open(&bench, &topic, Some(&id)).await;
    bench.hands.exit(&second, 0);
    let end = bench.finished("one#1").await;
    assert_eq!(end["status"], "succeeded");
    page.until(|known| known.runs[&topic].summary.status == "succeeded").await;
    while polled.runs[&topic].summary.status != "succeeded" {
        let (next, frames) = poll(&bench, &topic, Some(&cursor), 20).await;
        assert!(!frames.is_empty(), "it waits for something to happen");
        frames.into_iter().for_each(|frame| polled.take(frame));
        cursor = next;
    }
    while sent.runs[&topic].summary.status != "succeeded" {
        sent.take(events.next().await.1);
    }
    assert_eq!(page.known.runs[&topic], polled.runs[&topic]);
    assert_eq!(page.known.runs[&topic], sent.runs[&topic]);
    assert_eq!([page.known.gaps, polled.gaps, sent.gaps], [0, 0, 0]);
    // From where all three were level, they were told the same.
    let since = usize::try_from(page.known.seq(&topic) - start.into_iter().max().unwrap()).unwrap();
    let last = |known: &Known| known.entries[known.entries.len() - since..].to_vec();
    assert!(since > 3);
    assert_eq!(last(&page.known), last(&polled));
    assert_eq!(last(&page.known), last(&sent));
    // Nothing happens any more: the poll ends with nothing, in time.
    let (same, frames) = poll(&bench, &topic, Some(&cursor), 0).await;
    assert!(frames.iter().all(|frame| matches!(frame, Frame::Events(it) if it.ev.is_empty())));
    assert_eq!(same, cursor);
    // Where nothing has happened since, it waits until something does.
    let (from, _) = poll(&bench, "runs", None, 0).await;
    let next = bench.start("name: next\nstages:\n  - {name: a, noop: true}\n");
    let ((_, frames), _) = tokio::join!(poll(&bench, "runs", Some(&from), 20), next);
    let told = frames.iter().any(|frame| matches!(frame, Frame::Events(it) if !it.ev.is_empty()));
    assert!(told, "{frames:?}");
}

/// Server-sent events, bit by bit.
struct Sse {
    body: Body,
    read: String,
}

impl Sse {
    async fn open(bench: &Bench, topics: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(format!("/api/v1/stream/sse?topics={topics}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = bench.router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body(), read: String::new() }
    }

    /// Its id and what it holds.
    async fn next(&mut self) -> (String, Frame) {
        loop {
            if let Some(end) = self.read.find("\n\n") {
                let event: String = self.read.drain(..end + 2).collect();
                let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
                let Some(data) = line("data: ") else { continue };
                return (line("id: ").unwrap().to_owned(), serde_json::from_str(data).unwrap());
            }
            let wait = std::time::Duration::from_secs(30);
            let frame = tokio::time::timeout(wait, self.body.frame()).await.unwrap();
            let bytes = frame.unwrap().unwrap().into_data().unwrap();
            self.read.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
}

#[tokio::test]
async fn output_comes_by_offsets_and_no_character_is_cut() {
    let mut bench = Bench::by_hand();
    let at = listen(&bench).await;
    let run = one(&bench).await;
    let a = bench.hands.started().await;
    let topic = format!("log:{run}/a/1");
    let mut page = Page::new(at, &[&topic]);
    page.take().await;
    let mut writer = Writer::new(&bench, &a);
    writer.write(&bench, b"one\nk\xc3");
    page.until(|known| known.logs[&topic] == "one\nk").await;
    writer.write(&bench, b"\xa4se\nnot \xff text");
    page.until(|known| known.logs[&topic].ends_with("text")).await;
    assert_eq!(page.known.logs[&topic], "one\nk\u{e4}se\nnot \u{fffd} text");
    assert_eq!(page.known.seq(&topic), 20, "bytes are counted as they were captured");
    page.lose();
    writer.write(&bench, b" and more");
    bench.hands.exit(&a, 0);
    page.until(|known| !known.ended.is_empty()).await;
    assert_eq!(page.known.logs[&topic], "one\nk\u{e4}se\nnot \u{fffd} text and more");
    assert_eq!(page.known.gaps, 0);
    // Whoever comes later reads from where they like.
    let mut socket = connect(at, Some(TOKEN), &[]).await.unwrap();
    say(&mut socket, json!({"sub": [{"topic": "log:one#1/a/1", "after": 4}]})).await;
    let Ok(Frame::Snapshot(head)) = frame(&mut socket).await else { panic!("no head") };
    assert_eq!((head.asked.as_deref(), head.seq), (Some("log:one#1/a/1"), 4));
    let snapshot = json!({"stage": "a", "attempt": 1, "total": 29, "ended": true});
    assert_eq!(head.snapshot, snapshot);
    let Ok(Frame::Output(output)) = frame(&mut socket).await else { panic!("no output") };
    assert_eq!((output.off, output.end, output.ended), (4, 29, true));
    // What never was is not there.
    say(&mut socket, json!({"sub": [{"topic": format!("log:{run}/a/0")}]})).await;
    assert_eq!(failure(&mut socket).await.code, "E0404");
}

#[tokio::test]
async fn the_output_of_an_attempt_that_is_still_to_come_is_followed_from_its_first_byte() {
    let mut bench = Bench::by_hand();
    let at = listen(&bench).await;
    let text = "name: one\nstages:\n  - {name: a, run: 'true', retry: {max_attempts: 2, backoff: {kind: constant, initial: 1ms, jitter: false}}}\n  - {name: b, run: 'true'}\n";
    let run = bench.start(text).await["id"].as_str().unwrap().to_owned();
    let first = bench.hands.started().await;
    // Neither the second try nor the next stage is there.
    let topics = [format!("log:{run}/a/2"), format!("log:{run}/b/1"), format!("log:{run}/b/2")];
    let [a, b, never] = &topics;
    let mut page = Page::new(at, &[a, b, never]);
    page.until(|known| known.at.len() == 3).await;
    assert!(topics.iter().all(|topic| page.known.seq(topic) == 0));
    bench.hands.exit(&first, 1);
    for (topic, said) in [(a, "again\n"), (b, "next\n")] {
        let attempt = bench.hands.started().await;
        let mut writer = Writer::new(&bench, &attempt);
        writer.write(&bench, said);
        page.until(|known| known.logs[topic] == said).await;
        bench.hands.exit(&attempt, 0);
        page.until(|known| known.ended.contains(topic)).await;
    }
    // With the run it is clear that this one never comes.
    page.until(|known| known.ended.contains(never)).await;
    assert_eq!((page.known.gaps, page.known.seq(never)), (0, 0));
}

async fn failure(socket: &mut Socket) -> api::stream::Failure {
    match frame(socket).await {
        Ok(Frame::Failed { err }) => err,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_means_nothing_is_said_in_a_frame_and_the_connection_stands() {
    let bench = Bench::new();
    let at = listen(&bench).await;
    let mut socket = connect(at, Some(TOKEN), &[]).await.unwrap();
    let bad = ["run:nothing", "run:", "pods", "pipeline:none", "log:x/y", "log:a/b/9", "run:a~b"];
    for topic in bad {
        say(&mut socket, json!({"sub": [{ "topic": topic }]})).await;
        let failed = failure(&mut socket).await;
        assert_eq!((failed.code.as_str(), failed.t.as_deref()), ("E0404", Some(topic)));
        assert!(!failed.says.is_empty() && !failed.hints.is_empty(), "{failed:?}");
    }
    say(&mut socket, json!({"sub": [{"topic": "x".repeat(5000)}]})).await;
    let failed = failure(&mut socket).await;
    assert_eq!((failed.code.as_str(), failed.t.unwrap().len()), ("E0400", 64));
    for text in ["", "{", "7", "null", "{\"sub\": 1}", "{\"sub\": [{}]}", "{\"x\": 1}"] {
        socket.send(Message::Text(text.into())).await.unwrap();
        assert_eq!(failure(&mut socket).await.code, "E0400", "{text}");
    }
    socket.send(Message::Binary(vec![0, 159, 146, 150].into())).await.unwrap();
    assert_eq!(failure(&mut socket).await.code, "E0400");
    let many: Vec<Json> = (0..300).map(|_| json!({"topic": "runs"})).collect();
    say(&mut socket, json!({ "sub": many })).await;
    // The same one three hundred times is one.
    assert!(matches!(frame(&mut socket).await, Ok(Frame::Snapshot(_))));
    say(&mut socket, json!({"unsub": ["runs", "never heard of"]})).await;
    say(&mut socket, json!({"sub": [{"topic": "fleet"}]})).await;
    let Ok(Frame::Snapshot(fleet)) = frame(&mut socket).await else { panic!("it stands") };
    assert_eq!(fleet.t, "fleet");
    // But not for ever.
    for _ in 0..20 {
        let _cut = socket.send(Message::Binary(vec![1].into())).await;
    }
    let code = loop {
        match frame(&mut socket).await {
            Ok(Frame::Failed { err }) => assert_eq!(err.code, "E0400"),
            Ok(other) => panic!("{other:?}"),
            Err(code) => break code,
        }
    };
    assert_eq!(code, Some(1008));
}

#[tokio::test]
async fn too_large_and_too_much_is_cut_with_a_word() {
    let bench = Bench::new();
    let at = listen(&bench).await;
    let mut socket = connect(at, Some(TOKEN), &[]).await.unwrap();
    let large = Message::Text(format!("{{\"sub\":[]}}{}", " ".repeat(70 << 10)).into());
    socket.send(large).await.unwrap();
    assert_eq!(failure(&mut socket).await.code, "E0413");
    assert_eq!(frame(&mut socket).await.unwrap_err(), Some(1009));
    // So large that it is not even read: the connection ends all the same.
    let mut socket = connect(at, Some(TOKEN), &[]).await.unwrap();
    let _cut = socket.send(Message::Text("x".repeat(4 << 20).into())).await;
    while frame(&mut socket).await.is_ok() {}
    let mut socket = connect(at, Some(TOKEN), &[]).await.unwrap();
    for _ in 0..300 {
        let _cut = socket.send(Message::Text("{}".into())).await;
    }
    assert_eq!(frame(&mut socket).await.unwrap_err(), Some(1008));
    // A connection listens to so many topics, and not to more.
    for number in 0..260 {
        let name = format!("p{number}");
        let definition = format!("name: {name}\nstages:\n  - {{name: a, noop: true}}\n");
        bench.post("/api/pipelines", json!({ "definition": definition })).await;
    }
    let topics: Vec<Json> =
        (0..260).map(|number| json!({"topic": format!("pipeline:p{number}")})).collect();
    let mut socket = connect(at, Some(TOKEN), &[]).await.unwrap();
    for part in topics.chunks(65) {
        say(&mut socket, json!({ "sub": part })).await;
    }
    let (mut snapshots, mut refused) = (0, 0);
    while snapshots + refused < 260 {
        match frame(&mut socket).await.unwrap() {
            Frame::Snapshot(_) => snapshots += 1,
            Frame::Failed { err } => {
                assert_eq!(err.code, "E0429");
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((snapshots, refused), (256, 4));
}

#[tokio::test]
async fn only_who_is_let_in_listens_and_only_as_long() {
    let bench = Bench::new();
    let at = listen(&bench).await;
    // A page cannot see a refused upgrade: it is told, and why.
    for token in [None, Some("wrong")] {
        let mut socket = connect(at, token, &[]).await.unwrap();
        assert_eq!(failure(&mut socket).await.code, "E0401");
        assert_eq!(frame(&mut socket).await.unwrap_err(), Some(4401));
    }
    // A page of another site is not.
    let origins = [("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")];
    for header in origins {
        match connect(at, Some(TOKEN), &[header]).await {
            Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), 403),
            other => panic!("{other:?}"),
        }
    }
    let ours = format!("http://{at}");
    assert!(connect(at, Some(TOKEN), &[("origin", &ours)]).await.is_ok());
    let token = bench.token("ana").await;
    let id = bench.get("/api/tokens").await["data"][0]["id"].as_str().unwrap().to_owned();
    let mut socket = connect(at, Some(&token), &[]).await.unwrap();
    say(&mut socket, json!({"sub": [{"topic": "runs"}]})).await;
    assert!(matches!(frame(&mut socket).await, Ok(Frame::Snapshot(_))));
    let mut other = connect(at, Some(TOKEN), &[]).await.unwrap();
    say(&mut other, json!({"sub": [{"topic": "runs"}]})).await;
    assert!(matches!(frame(&mut other).await, Ok(Frame::Snapshot(_))));
    let (status, _) = bench.call("DELETE", &format!("/api/tokens/{id}"), Json::Null).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(failure(&mut socket).await.code, "E0401");
    assert_eq!(frame(&mut socket).await.unwrap_err(), Some(4401));
    bench.start("name: on\nstages:\n  - {name: a, noop: true}\n").await;
    assert!(matches!(frame(&mut other).await, Ok(Frame::Events(_))), "others go on");
    bench.refused("GET", "/api/v1/stream", Json::Null, 426, "upgrade_required").await;
    bench.refused("GET", "/api/v1/stream/poll?topics=", Json::Null, 400, "invalid_request").await;
    bench.refused("GET", "/api/v1/stream/sse?topics=pods", Json::Null, 404, "not_found").await;
    let odd = "/api/v1/stream/poll?topics=runs&cursor=x";
    bench.refused("GET", odd, Json::Null, 400, "invalid_request").await;
}

/// Resident memory of this process.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_does_not_read_costs_nothing_and_is_told_of_the_gap() {
    const SLOW: usize = 50;
    let bench = Bench::by_hand();
    let at = listen(&bench).await;
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut page = Page::new(at, &["runs"]);
        page.socket().await;
        slow.push(page);
    }
    let mut quick = Page::new(at, &["runs"]);
    quick.take().await;
    let before = resident();
    // Reasons make summaries long: some 6 MB are told in the end, far more than any buffer takes.
    let why = "x".repeat(60_000);
    let cancelled =
        |known: &Known| known.things.values().filter(|run| run["status"] == "cancelled").count();
    for number in 1..=100 {
        one(&bench).await;
        let path = format!("/api/runs/one~{number}/cancel");
        bench.post(&path, json!({ "reason": why })).await;
        if number <= 4 {
            // Something was started for it.
            let attempt = bench.get(&format!("/api/runs/one~{number}")).await;
            assert_eq!(attempt["status"], "cancelling");
        } else if number % 5 == 0 {
            quick.until(|known| cancelled(known) == number - 4).await;
        }
    }
    assert_eq!(quick.known.gaps, 0, "one that reads misses nothing");
    let grown = resident().saturating_sub(before);
    // The journal itself is in this process' memory; for each slow one nothing is kept.
    assert!(grown < 150 << 20, "{SLOW} clients that do not read cost {grown} bytes");
    let mut page = slow.pop().unwrap();
    while page.known.gaps == 0 || cancelled(&page.known) < 96 {
        match frame(page.socket().await).await {
            Ok(frame) => page.known.take(frame),
            // It took so long here that it was cut.
            Err(_) => page.lose(),
        }
    }
    assert_eq!(page.known.things, quick.known.things);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_that_moves_while_it_is_told_waits_for_nobody() {
    let bench = Bench::new();
    let at = listen(&bench).await;
    let mut socket = connect(at, Some(TOKEN), &[]).await.unwrap();
    say(&mut socket, json!({"sub": [{"topic": "fleet"}]})).await;
    let listener = tokio::spawn(async move { while frame(&mut socket).await.is_ok() {} });
    let text = "name: move\nstages:\n  - {name: a, run: 'true'}\n  - {name: b, run: 'true'}\n";
    for n in 1..=100 {
        bench.start(text).await;
        bench.finished(&format!("move#{n}")).await;
    }
    listener.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_sockets_stand_open_and_each_is_told() {
    // In CI few; `ORCHESTRATE_SOCKETS=10000` for all (both ends are here: twice the files).
    let wanted = std::env::var("ORCHESTRATE_SOCKETS").ok().and_then(|n| n.parse().ok());
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    let room = limit.maximum.map_or(usize::MAX, |most| usize::try_from(most).unwrap() / 2 - 100);
    let count: usize = wanted.unwrap_or(300).min(room);
    let bench = Bench::new();
    let at = listen(&bench).await;
    let before = resident();
    let mut sockets = tokio::task::JoinSet::new();
    let (level, mut all_level) = tokio::sync::mpsc::channel(count);
    for _ in 0..count {
        let mut socket = connect(at, Some(TOKEN), &[]).await.unwrap();
        let level = level.clone();
        // Each reads by itself: whoever answers no ping is cut.
        sockets.spawn(async move {
            say(&mut socket, json!({"sub": [{"topic": "runs"}, {"topic": "fleet"}]})).await;
            let mut known = Known::default();
            while known.at.len() < 2 {
                known.take(frame(&mut socket).await.unwrap());
            }
            level.send(()).await.unwrap();
            while !known.things.values().any(|thing| thing["status"] == "succeeded") {
                known.take(frame(&mut socket).await.unwrap());
            }
        });
    }
    for _ in 0..count {
        all_level.recv().await.unwrap();
    }
    let each = resident().saturating_sub(before) / count as u64;
    let told = std::time::Instant::now();
    bench.start("name: on\nstages:\n  - {name: a, noop: true}\n").await;
    while let Some(ended) = sockets.join_next().await {
        ended.unwrap();
    }
    println!("{count} sockets: {each} bytes each, all told within {:?}", told.elapsed());
    // Both ends, their buffers and their tasks.
    assert!(each < 100 << 10, "{count} sockets cost {each} bytes each");
}

/// The commands of the guide, run as they are written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guide_says_what_happens() {
    let bench = Bench::by_hand();
    let at = listen(&bench).await;
    let run = one(&bench).await;
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/live.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut ran = 0;
    for block in page.split("```sh\n").skip(1) {
        let (command, rest) = block.split_once("```\n").unwrap();
        let says = rest.strip_prefix("```text\n").unwrap().split_once("```").unwrap().0;
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", command]).env("URL", format!("http://{at}"));
        shell.env("TOKEN", TOKEN).env("RUN", &run);
        let output = tokio::task::spawn_blocking(move || shell.output().unwrap()).await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let mut lines = said.lines().filter(|line| !line.is_empty());
        for wanted in says.lines() {
            let line = lines.next().unwrap_or_default();
            assert!(fits(wanted, line), "{command}the page: {wanted}\n      it: {line}");
        }
        ran += 1;
    }
    assert_eq!(ran, 3);
}

/// `…` stands for anything.
fn fits(wanted: &str, said: &str) -> bool {
    let mut rest = said;
    for (place, part) in wanted.split('…').enumerate() {
        match rest.find(part) {
            Some(at) if at == 0 || place > 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty() || wanted.ends_with('…')
}
