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

use crate::bench::{Bench, by_hand, obedient};
use crate::disk::Disk;
use client::{Known, Socket, TOKEN, connect, frame, say};

mod client;

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
    let fleet = json!({"slots": status["slots"], "problem": status["storage"]["problem"]});
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
    let last = "  - {name: ship, run: 'true', requires_approval: true}\n";
    let text = format!("name: busy\nstages:\n{}{last}", (0..40).map(stage).collect::<String>());
    bench.post("/api/pipelines", json!({ "definition": text })).await;
    let run = bench.post("/api/pipelines/busy/run", json!({"directory": "/"})).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let run_topic = format!("run:{run}");
    let topics = [run_topic.as_str(), "runs", "pipelines", "inbox", "fleet"];
    let mut pages = [Page::new(at, &topics), Page::new(at, &topics)];
    let mut dice = Dice(20);
    for step in 0..40 {
        let attempt = bench.hands.started().await;
        bench.hands.say(&attempt, What::Started { pid: 7 });
        bench.hands.exit(&attempt, i32::from(dice.roll(4) == 0));
        if step % 2 == 0 {
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
