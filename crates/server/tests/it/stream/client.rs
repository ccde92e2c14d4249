//! A client of the stream that believes nothing: every number has to follow the one before.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use api::run::RunDetail;
use api::stream::{Events, Frame};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

pub(crate) type Socket = WebSocketStream<TcpStream>;

pub(crate) const TOKEN: &str = "s3cret";

/// With these headers beside the token.
pub(crate) async fn connect(
    at: SocketAddr,
    token: Option<&str>,
    headers: &[(&'static str, &str)],
) -> Result<Socket, Error> {
    let mut request = format!("ws://{at}/api/v1/stream").into_client_request()?;
    if let Some(token) = token {
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
    }
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    // Little is kept for a client that does not read.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 << 10).unwrap();
    let stream = socket.connect(at).await.map_err(Error::Io)?;
    let small = WebSocketConfig::default().read_buffer_size(4 << 10).write_buffer_size(4 << 10);
    let opened = tokio_tungstenite::client_async_with_config(request, stream, Some(small)).await?;
    Ok(opened.0)
}

pub(crate) async fn say(socket: &mut Socket, message: Json) {
    socket.send(Message::Text(message.to_string().into())).await.unwrap();
}

/// The next frame; pings are passed over. `Err`: closed, with its code.
pub(crate) async fn frame(socket: &mut Socket) -> Result<Frame, Option<u16>> {
    let next = tokio::time::timeout(Duration::from_secs(40), next(socket));
    next.await.expect("nothing but pings came for 40 s")
}

async fn next(socket: &mut Socket) -> Result<Frame, Option<u16>> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                Ok(Frame::Ping { .. }) => {}
                Ok(frame) => return Ok(frame),
                Err(error) => panic!("{error}: {text}"),
            },
            Some(Ok(Message::Close(close))) => return Err(close.map(|close| close.code.into())),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(None),
        }
    }
}

/// What is known of the topics listened to.
#[derive(Default)]
pub(crate) struct Known {
    /// Epoch and number of each.
    pub(crate) at: BTreeMap<String, (String, u64)>,
    pub(crate) runs: HashMap<String, RunDetail>,
    /// Things of lists, by topic and kind and id.
    pub(crate) things: BTreeMap<(String, String, String), Json>,
    /// Captured output, by topic.
    pub(crate) logs: HashMap<String, String>,
    pub(crate) ended: Vec<String>,
    pub(crate) gaps: u32,
    pub(crate) snapshots: u32,
    /// Entries by topic, as they were told.
    pub(crate) entries: Vec<(String, Json)>,
}

impl Known {
    pub(crate) fn take(&mut self, frame: Frame) {
        match frame {
            Frame::Failed { err } => panic!("{err:?}"),
            Frame::Ping { .. } => {}
            Frame::Gap { t, .. } => {
                self.at.remove(&t);
                self.gaps += 1;
            }
            Frame::Output(output) => {
                let (_, seq) = self.at.get_mut(&output.t).expect("a head came first");
                assert_eq!(output.off, *seq, "{output:?}");
                *seq = output.end;
                self.logs.entry(output.t.clone()).or_default().push_str(&output.bytes);
                if output.ended {
                    self.ended.push(output.t);
                }
            }
            Frame::Snapshot(snapshot) => {
                self.snapshots += 1;
                if snapshot.t.starts_with("run:") {
                    let run: RunDetail = serde_json::from_value(snapshot.snapshot).unwrap();
                    assert_eq!(run.sequence, snapshot.seq);
                    self.runs.insert(snapshot.t.clone(), run);
                } else if snapshot.t.starts_with("talk:") {
                    assert!(snapshot.snapshot["total"].as_u64() >= Some(snapshot.seq));
                } else if snapshot.t.starts_with("log:") {
                    self.logs.entry(snapshot.t.clone()).or_default();
                } else {
                    self.things.retain(|(t, _, _), _| *t != snapshot.t);
                    self.lists(&snapshot.t, &snapshot.snapshot);
                }
                self.at.insert(snapshot.t, (snapshot.epoch, snapshot.seq));
            }
            Frame::Events(events) => self.events(*events),
        }
    }

    fn events(&mut self, events: Events) {
        let t = &events.t;
        if let Some(epoch) = &events.epoch {
            let known = self.at.get(t).map(|(epoch, _)| epoch);
            assert_eq!(known, Some(epoch), "an answer to where we were");
        }
        let (_, seq) = self.at.get_mut(t).expect("a snapshot came first");
        assert_eq!(*seq + events.ev.len() as u64, events.seq, "{t} has a hole");
        *seq = events.seq;
        for entry in &events.ev {
            self.entries.push((t.clone(), json!(entry)));
        }
        if t.starts_with("talk:") {
            return;
        }
        if t.starts_with("run:") {
            assert!(events.apply(self.runs.get_mut(t).unwrap()), "{t} does not follow");
            return;
        }
        for entry in events.ev {
            let key = (t.clone(), entry.k, entry.id.unwrap());
            let waits = |v: &Json| matches!(v["status"].as_str(), Some("pending" | "open"));
            if entry.v.is_null() || (t == "inbox" && !waits(&entry.v)) {
                self.things.remove(&key);
            } else {
                self.things.insert(key, entry.v);
            }
        }
    }

    fn lists(&mut self, t: &str, state: &Json) {
        if t == "fleet" {
            let key = (t.to_owned(), t.to_owned(), t.to_owned());
            self.things.insert(key, state.clone());
            return;
        }
        for (field, of) in state.as_object().unwrap() {
            let kind = field.trim_end_matches('s');
            let one = std::slice::from_ref(of);
            for thing in of.as_array().map_or(one, Vec::as_slice) {
                let id = thing.get("id").or_else(|| thing.get("name"));
                let id = id.and_then(Json::as_str).unwrap_or(field).to_owned();
                self.things.insert((t.to_owned(), kind.to_owned(), id), thing.clone());
            }
        }
    }

    /// What is said to go on from here.
    pub(crate) fn subscriptions(&self, topics: &[String]) -> Json {
        let sub = |topic: &String| match self.at.get(topic) {
            Some((epoch, after)) => json!({"topic": topic, "epoch": epoch, "after": after}),
            None => json!({ "topic": topic }),
        };
        json!({ "sub": topics.iter().map(sub).collect::<Vec<_>>() })
    }

    pub(crate) fn seq(&self, topic: &str) -> u64 {
        self.at.get(topic).map_or(0, |(_, seq)| *seq)
    }
}
