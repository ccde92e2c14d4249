//! Captured output: parts, and followed while it grows.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use api::capture::{Header, INDEX, Layout, Mark, OUTPUT, folder};
use api::link::{AttemptRef, What};
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};
use tower::ServiceExt;

use crate::bench::{Bench, Feed};

const ONE: &str = "name: one\nstages:\n  - {name: a, run: 'true'}\n  - {name: b, noop: true}\n";

/// Writes as the hands do, and says so.
struct Writer {
    folder: PathBuf,
    attempt: AttemptRef,
    end: u64,
    marks: u64,
}

impl Writer {
    fn new(bench: &Bench, attempt: &AttemptRef) -> Self {
        let folder = bench.path().join(folder(&attempt.run, &attempt.key).unwrap());
        std::fs::create_dir_all(&folder).unwrap();
        let index = File::create(folder.join(INDEX)).unwrap();
        index.write_all_at(&Header { layout: Layout::default() }.encode(), 0).unwrap();
        File::create(folder.join(OUTPUT)).unwrap();
        Self { folder, attempt: attempt.clone(), end: 0, marks: 0 }
    }

    fn write(&mut self, bench: &Bench, text: &str) {
        let mut output = OpenOptions::new().append(true).open(self.folder.join(OUTPUT)).unwrap();
        output.write_all(text.as_bytes()).unwrap();
        self.end += text.len() as u64;
        self.marks += 1;
        let mark = Mark { end: self.end, at_micros: self.marks * 1_000_000 };
        let index = OpenOptions::new().write(true).open(self.folder.join(INDEX)).unwrap();
        index.write_all_at(&mark.encode(), Mark::place(self.marks - 1)).unwrap();
        bench.hands.say(&self.attempt, What::Output { bytes: self.end });
    }
}

async fn raw(bench: &Bench, path: &str) -> (StatusCode, http::HeaderMap, Vec<u8>) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = bench.router().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, response.into_body().collect().await.unwrap().to_bytes().to_vec())
}

#[tokio::test]
async fn a_part_says_where_it_lies() {
    let mut bench = Bench::by_hand();
    bench.start(ONE).await;
    let a = bench.hands.started().await;
    let mut writer = Writer::new(&bench, &a);
    writer.write(&bench, "hello\n\u{0}world\n");
    let (status, headers, bytes) = raw(&bench, "/api/runs/one~1/logs/a?offset=4&limit=4").await;
    assert_eq!((status, bytes.as_slice()), (StatusCode::OK, b"o\n\0w".as_slice()));
    assert_eq!(headers["x-orchestrate-offset"], "4");
    assert_eq!(headers["x-orchestrate-total"], "13");
    assert_eq!(headers["x-orchestrate-attempt"], "1");
    assert_eq!(headers["x-orchestrate-ended"], "false");
    bench.hands.exit(&a, 0);
    bench.finished("one#1").await;
    let (_, headers, bytes) = raw(&bench, "/api/runs/one~1/logs/a").await;
    assert_eq!((headers["x-orchestrate-ended"].to_str().unwrap(), bytes.len()), ("true", 13));
    bench.refused("GET", "/api/runs/one~1/logs/a?attempt=2", Json::Null, 404, "not_found").await;
    bench.refused("GET", "/api/runs/one~1/logs/b", Json::Null, 404, "not_found").await;
    bench.refused("GET", "/api/runs/one~1/logs/c", Json::Null, 404, "not_found").await;
    bench.refused("GET", "/api/runs/one~1/logs/a?x=1", Json::Null, 400, "invalid_request").await;
}

#[tokio::test]
async fn lines_are_followed_until_the_attempt_ends() {
    let mut bench = Bench::by_hand();
    bench.start(ONE).await;
    let a = bench.hands.started().await;
    let path = "/api/runs/one~1/logs/a?format=lines&follow=true";
    let mut lines = Feed::get(bench.router(), path).await;
    let mut writer = Writer::new(&bench, &a);
    writer.write(&bench, "one\ntw");
    let first = json!({"type": "line", "offset": 0, "at": "1970-01-01T00:00:01Z", "text": "one"});
    assert_eq!(lines.next().await, Some(first));
    writer.write(&bench, "o\nrest");
    let second = json!({"type": "line", "offset": 4, "at": "1970-01-01T00:00:01Z", "text": "two"});
    assert_eq!(lines.next().await, Some(second));
    bench.hands.exit(&a, 0);
    let last = json!({"type": "line", "offset": 8, "at": "1970-01-01T00:00:02Z", "text": "rest"});
    assert_eq!(lines.next().await, Some(last));
    assert_eq!(lines.next().await, None);
}

#[tokio::test]
async fn following_waits_for_the_first_attempt() {
    let mut bench = Bench::by_hand();
    let text = "name: two\nstages:\n  - {name: x, run: 'true'}\n  - {name: y, run: 'true'}\n";
    bench.start(text).await;
    let x = bench.hands.started().await;
    bench.refused("GET", "/api/runs/two~1/logs/y", Json::Null, 404, "not_found").await;
    let mut lines =
        Feed::get(bench.router(), "/api/runs/two~1/logs/y?format=lines&follow=true").await;
    bench.hands.exit(&x, 0);
    let y = bench.hands.started().await;
    Writer::new(&bench, &y).write(&bench, "at last\n");
    assert_eq!(lines.next().await.unwrap()["text"], "at last");
    bench.hands.exit(&y, 0);
    assert_eq!(lines.next().await, None);
}

#[tokio::test]
async fn growing_output_is_told_with_its_last_line() {
    let mut bench = Bench::by_hand();
    bench.start(ONE).await;
    let a = bench.hands.started().await;
    let mut feed = Feed::open(bench.router(), "one#1", None).await;
    assert_eq!(feed.next().await.unwrap()["type"], "snapshot");
    Writer::new(&bench, &a).write(&bench, "Compiling\nLinking\n");
    let told = feed.next().await.unwrap();
    let wanted = json!({
        "type": "output", "stage": "a", "attempt": 1, "bytes": 18, "last_line": "Linking"
    });
    assert_eq!(told, wanted);
}
