//! A storm of deliveries, some of them sent twice, with a `kill -9` in the middle: what was
//! acknowledged is stored, and there is one run for each that matches.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

use serde_json::Value as Json;

use crate::binary::{Going, Place};

const SECRET: &str = "It's a Secret to Everybody";
const CONNECTIONS: usize = 12;

/// `ORCHESTRATE_STORM` deliveries, by default few enough for every run of the tests.
fn size() -> usize {
    std::env::var("ORCHESTRATE_STORM").map_or(1500, |size| size.parse().unwrap())
}

/// Three of ten are one of those before them.
fn id(nth: usize) -> usize {
    if nth % 10 >= 7 { nth - 5 } else { nth }
}

/// Two of three are of the branch that is listened to.
fn is_listened_to(id: usize) -> bool {
    !id.is_multiple_of(3)
}

pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) stream: Option<BufReader<TcpStream>>,
}

impl Client {
    /// The status and the body; `None`: the connection broke before there was an answer.
    pub(crate) fn send(&mut self, head: &str, body: &str) -> Option<(u16, String)> {
        let answer = self.exchange(head, body);
        if answer.is_none() {
            self.stream = None;
        }
        answer
    }

    fn exchange(&mut self, head: &str, body: &str) -> Option<(u16, String)> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).ok()?;
            stream.set_nodelay(true).ok()?;
            self.stream = Some(BufReader::new(stream));
        }
        let stream = self.stream.as_mut()?;
        let length = body.len();
        let request =
            format!("{head}\r\nHost: {}\r\nContent-Length: {length}\r\n\r\n{body}", self.address);
        stream.get_mut().write_all(request.as_bytes()).ok()?;
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest.get(..3)?.parse().ok()?;
            } else if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        Some((status, String::from_utf8(body).ok()?))
    }

    /// Sends one until it is taken; what is refused for being too much comes again.
    fn deliver(&mut self, id: usize, files: usize, killed: &Gate) -> bool {
        let head = format!(
            "POST /hooks/gl HTTP/1.1\r\nContent-Type: application/json\r\nX-Gitlab-Token: \
             {SECRET}\r\nX-Gitlab-Event: Push Hook\r\nIdempotency-Key: d-{id}"
        );
        let branch = if is_listened_to(id) { "main" } else { "dev" };
        let added: Vec<String> = (0..files).map(|file| format!("\"a{id}/{file}\"")).collect();
        let body = format!(
            r#"{{"object_kind":"push","ref":"refs/heads/{branch}","before":"1","after":"2","total_commits_count":1,"commits":[{{"added":[{}],"modified":[],"removed":[],"title":"{}"}}]}}"#,
            added.join(","),
            "x".repeat(500)
        );
        match self.send(&head, &body) {
            Some((200 | 202, _)) => true,
            Some((429 | 503, _)) => false,
            Some((status, answer)) => panic!("{status}: {answer}"),
            None => {
                killed.wait();
                false
            }
        }
    }

    fn get(&mut self, path: &str, token: &str) -> Json {
        let head = format!("GET {path} HTTP/1.1\r\nAuthorization: Bearer {token}");
        let (status, body) = self.send(&head, "").unwrap();
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Every item of a list.
    fn all(&mut self, path: &str, token: &str) -> Vec<Json> {
        let (mut items, mut after) = (Vec::new(), String::new());
        loop {
            let mut page = self.get(&format!("{path}?limit=200{after}"), token);
            items.append(page["data"].as_array_mut().unwrap());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={}", next.replace('#', "%23")),
                None => return items,
            }
        }
    }
}

/// Closed while there is no server.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn wait(&self) {
        let open = self.open.lock().unwrap();
        drop(self.opened.wait_while(open, |open| !*open).unwrap());
    }

    fn set(&self, open: bool) {
        *self.open.lock().unwrap() = open;
        self.opened.notify_all();
    }
}

fn serve(place: &Place, listen: &str) -> (Going, SocketAddr) {
    let mut server = place.start(&["serve", "--listen", listen]);
    let line = server.says("listening on");
    let address = line.trim().rsplit('/').next().unwrap().parse().unwrap();
    (server, address)
}

#[test]
fn a_storm_with_a_kill_loses_nothing_acknowledged_and_starts_nothing_twice() {
    let size = size();
    let place = Place::new();
    place.write("data/hook", SECRET);
    place.write("data/config.yaml", "sources: {gl: {kind: gitlab, secret: {file: hook}}}\n");
    place.write(
        "ci.yaml",
        "name: ci\ntriggers:\n  - {event: push, branches: [main]}\nstages: [{name: a, noop: true}]\n",
    );
    let created = place.run(&["pipeline", "create", "ci.yaml"]);
    assert_eq!(created.code, Some(0), "{}", created.stderr);
    let (mut server, address) = serve(&place, "127.0.0.1:0");
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let acknowledged = Mutex::new(BTreeSet::new());
    let reached = Condvar::new();
    let gate = Gate::default();
    let token = place.read("data/token").trim().to_owned();
    gate.set(true);
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut client = Client { address, stream: None };
                loop {
                    let nth = next.fetch_add(1, Ordering::SeqCst);
                    if nth >= size || stop.load(Ordering::SeqCst) {
                        return;
                    }
                    while !client.deliver(id(nth), 1, &gate) {
                        std::thread::yield_now();
                    }
                    acknowledged.lock().unwrap().insert(id(nth));
                    reached.notify_one();
                }
            });
        }
        let so_far = acknowledged.lock().unwrap();
        let so_far = reached.wait_while(so_far, |so_far| so_far.len() < size / 3).unwrap();
        gate.set(false);
        server.signal("KILL");
        let before = so_far.clone();
        drop(so_far);
        server.child.wait().unwrap();
        (server, _) = serve(&place, &address.to_string());
        let mut client = Client { address, stream: None };
        let stored = ids(&client.all("/api/events", &token));
        let lost: Vec<&usize> = before.difference(&stored).collect();
        assert!(lost.is_empty(), "acknowledged and not stored: {lost:?}");
        gate.set(true);
    });
    let mut client = Client { address, stream: None };
    let events = client.all("/api/events", &token);
    let distinct: BTreeSet<usize> = (0..size).map(id).collect();
    assert_eq!(events.len(), distinct.len());
    assert_eq!(ids(&events), distinct);
    assert_eq!(*acknowledged.lock().unwrap(), distinct);
    let wanted = distinct.iter().filter(|id| is_listened_to(**id)).count();
    assert_eq!(client.all("/api/runs", &token).len(), wanted);
    for event in &events {
        let id = event["id"].as_str().unwrap().trim_start_matches("gl:d-").parse().unwrap();
        let started = event["started"].as_array().unwrap().len();
        assert_eq!(started, usize::from(is_listened_to(id)), "{event}");
    }
    server.signal("TERM");
    assert_eq!(server.end().code, Some(0));
}

/// Says that 25 MiB come, and waits for what is answered before they do: status, and head.
fn announce(address: SocketAddr) -> (u16, String, TcpStream) {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /hooks/gl HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         X-Gitlab-Token: {SECRET}\r\nX-Gitlab-Event: Push Hook\r\nContent-Length: {LARGE}\r\n\
         Expect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let (status, head) = answered(&mut stream);
    (status, head, stream)
}

fn answered(stream: &mut TcpStream) -> (u16, String) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head)
}

/// As much as a delivery may have: ten of them fill the room that there is.
const LARGE: usize = 25 << 20;

#[test]
fn deliveries_that_do_not_fit_beside_each_other_are_told_when_to_come_again() {
    let place = Place::new();
    place.write("data/hook", SECRET);
    place.write("data/config.yaml", "sources: {gl: {kind: gitlab, secret: {file: hook}}}\n");
    let (server, address) = serve(&place, "127.0.0.1:0");
    let mut held = Vec::new();
    for nth in 0..10 {
        // `100`: the body is waited for, and there is room for it.
        let (status, head, stream) = announce(address);
        assert_eq!(status, 100, "{nth}: {head}");
        held.push(stream);
    }
    let (status, head, _) = announce(address);
    assert_eq!(status, 503, "{head}");
    assert!(head.contains("\r\nretry-after: 1\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/problem+json\r\n"), "{head}");
    // A small one has room, and is taken.
    let mut client = Client { address, stream: None };
    assert!(client.deliver(1, 1, &Gate::default()));
    // One of the large ones comes to its end (it is no JSON), and the next one has its room.
    let mut one = held.pop().unwrap();
    one.write_all(&vec![b' '; LARGE]).unwrap();
    assert_eq!(answered(&mut one).0, 400);
    assert_eq!(announce(address).0, 100);
    drop(held);
    server.signal("TERM");
    assert_eq!(server.end().code, Some(0));
}

/// Of memory that is in RAM, by the system's word.
fn resident(server: &Going) -> u64 {
    let pages = std::fs::read_to_string(format!("/proc/{}/statm", server.child.id())).unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

const WAITING: &str = "
stages: [{name: a, noop: true, requires_approval: true}]
";

/// Runs that wait for their turn, and runs that wait for a person: two for each delivery.
#[test]
fn what_started_runs_that_wait_is_not_kept_in_memory() {
    const WARM: usize = 20;
    const MANY: usize = 120;
    /// As values of JSON some 250 KB a delivery: kept twice for each it would be 60 MB.
    const FILES: usize = 3000;
    const ROOM: u64 = 24 << 20;
    let place = Place::new();
    place.write("data/hook", SECRET);
    place.write("data/config.yaml", "sources: {gl: {kind: gitlab, secret: {file: hook}}}\n");
    for (name, more) in [("turn", "concurrency: one\n"), ("ask", "")] {
        let text = format!("name: {name}\n{more}triggers: [{{event: push}}]{WAITING}");
        place.write("p.yaml", &text);
        assert_eq!(place.run(&["pipeline", "create", "p.yaml"]).code, Some(0));
    }
    let (mut server, address) = serve(&place, "127.0.0.1:0");
    let gate = Gate::default();
    let mut client = Client { address, stream: None };
    let mut deliver = |ids: std::ops::Range<usize>| {
        for id in ids {
            while !client.deliver(id, FILES, &gate) {
                std::thread::yield_now();
            }
        }
    };
    deliver(0..WARM);
    let before = resident(&server);
    deliver(WARM..WARM + MANY);
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < ROOM, "{MANY} deliveries cost {grown} bytes");
    server.signal("KILL");
    server.child.wait().unwrap();
    (server, _) = serve(&place, &address.to_string());
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < ROOM, "taking up what waits costs {grown} bytes");
    // They are there, and go on when it is their turn.
    let runs = place.json(&["runs", "list", "--limit", "1000"]);
    assert_eq!(runs["data"].as_array().unwrap().len(), 2 * (WARM + MANY));
    for run in ["turn#1", "turn#2", &format!("ask#{}", WARM + MANY)] {
        let waits = place.json(&["approval", "list", "--run", run]);
        let open = &waits["data"][0];
        let approved = place.run(&["approval", "approve", open["id"].as_str().unwrap()]);
        assert_eq!(approved.code, Some(0), "{run}: {}", approved.stderr);
        assert_eq!(place.run(&["logs", "-f", run]).code, Some(0));
        assert_eq!(place.json(&["runs", "show", run])["data"]["status"], "succeeded");
    }
    assert_eq!(place.json(&["runs", "show", "turn#4"])["data"]["status"], "pending");
    server.signal("TERM");
    assert_eq!(server.end().code, Some(0));
}

fn ids(events: &[Json]) -> BTreeSet<usize> {
    let id = |event: &Json| event["id"].as_str().unwrap().trim_start_matches("gl:d-").parse();
    events.iter().map(|event| id(event).unwrap()).collect()
}
