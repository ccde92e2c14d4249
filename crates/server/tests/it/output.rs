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
pub(crate) struct Writer {
    folder: PathBuf,
    attempt: AttemptRef,
    end: u64,
    marks: u64,
}

impl Writer {
    pub(crate) fn new(bench: &Bench, attempt: &AttemptRef) -> Self {
        let folder = bench.path().join(folder(&attempt.run, &attempt.key).unwrap());
        std::fs::create_dir_all(&folder).unwrap();
        let index = File::create(folder.join(INDEX)).unwrap();
        index.write_all_at(&Header { layout: Layout::default() }.encode(), 0).unwrap();
        File::create(folder.join(OUTPUT)).unwrap();
        Self { folder, attempt: attempt.clone(), end: 0, marks: 0 }
    }

    pub(crate) fn write(&mut self, bench: &Bench, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        let mut output = OpenOptions::new().append(true).open(self.folder.join(OUTPUT)).unwrap();
        output.write_all(text).unwrap();
        self.end += text.len() as u64;
        self.marks += 1;
        let mark = Mark { end: self.end, at_micros: self.marks * 1_000_000 };
        let index = OpenOptions::new().write(true).open(self.folder.join(INDEX)).unwrap();
        index.write_all_at(&mark.encode(), Mark::place(self.marks - 1)).unwrap();
        bench.hands.say(&self.attempt, What::Output { bytes: self.end });
    }
}

async fn raw(bench: &Bench, path: &str) -> (StatusCode, http::HeaderMap, Vec<u8>) {
    ranged(bench, path, None).await
}

async fn ranged(
    bench: &Bench,
    path: &str,
    range: Option<&str>,
) -> (StatusCode, http::HeaderMap, Vec<u8>) {
    let mut request = Request::get(path);
    if let Some(range) = range {
        request = request.header("range", range);
    }
    let request = request.body(Body::empty()).unwrap();
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

#[tokio::test]
async fn bytes_are_read_by_range() {
    let mut bench = Bench::by_hand();
    bench.start(ONE).await;
    let a = bench.hands.started().await;
    Writer::new(&bench, &a).write(&bench, "0123456789");
    let path = "/api/runs/one~1/logs/a";
    let good = [
        ("bytes=0-3", "bytes 0-3/10", "0123"),
        ("bytes=7-", "bytes 7-9/10", "789"),
        ("bytes=-2", "bytes 8-9/10", "89"),
        ("bytes=8-900", "bytes 8-9/10", "89"),
        ("bytes=-99", "bytes 0-9/10", "0123456789"),
    ];
    for (range, place, text) in good {
        let (status, headers, bytes) = ranged(&bench, path, Some(range)).await;
        assert_eq!(status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!((headers["content-range"].to_str().unwrap(), bytes), (place, text.into()));
        assert_eq!(headers["x-orchestrate-attempt"], "1");
    }
    for range in ["bytes=10-", "bytes=-0", "bytes=99-100"] {
        let (status, headers, body) = ranged(&bench, path, Some(range)).await;
        assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
        assert_eq!(headers["content-range"], "bytes */10");
        let problem: Json = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["code"], "out_of_range");
    }
    // What is no single range of bytes is passed over.
    for range in ["bytes=5-2", "bytes=0-1,3-4", "lines=0-1", "bytes"] {
        let (status, _, bytes) = ranged(&bench, path, Some(range)).await;
        assert_eq!((status, bytes.len()), (StatusCode::OK, 10), "{range}");
    }
}

#[tokio::test]
async fn a_log_is_opened_at_its_end_and_taken_as_a_whole() {
    let mut bench = Bench::by_hand();
    bench.start(ONE).await;
    let a = bench.hands.started().await;
    let text: String = (0..100_000).map(|line| format!("line {line}\n")).collect();
    Writer::new(&bench, &a).write(&bench, &text);
    let (_, headers, bytes) = raw(&bench, "/api/runs/one~1/logs/a?tail=2").await;
    assert_eq!(bytes, b"line 99998\nline 99999\n");
    assert_eq!(headers["x-orchestrate-total"].to_str().unwrap(), text.len().to_string());
    let path = "/api/runs/one~1/logs/a?tail=1&format=lines";
    let mut lines = Feed::get(bench.router(), path).await;
    assert_eq!(lines.next().await.unwrap()["text"], "line 99999");
    assert_eq!(lines.next().await, None);
    let (_, headers, bytes) = raw(&bench, "/api/runs/one~1/logs/a?download=true").await;
    assert_eq!(headers["content-disposition"], "attachment; filename=\"one-1-a.log\"");
    assert!(bytes == text.as_bytes(), "to the byte");
}

#[tokio::test]
async fn text_is_found_wherever_it_is() {
    let mut bench = Bench::by_hand();
    bench.start(ONE).await;
    let path = "/api/runs/one~1/logs/a/search";
    let early = "/api/runs/one~1/logs/b/search?q=x";
    let none = bench.refused("GET", early, Json::Null, 404, "not_found").await;
    assert!(none["detail"].as_str().unwrap().contains("`b`"));
    let a = bench.hands.started().await;
    let line = |n: u32| match n {
        77_777 => "ERROR: disk <full>\n".to_owned(),
        n => format!("line {n} is fine\n"),
    };
    let text: String = (1..=100_000).map(line).collect();
    Writer::new(&bench, &a).write(&bench, &text);
    let found = bench.get(&format!("{path}?q=disk%20%3C")).await;
    assert_eq!((found["total"].clone(), found["complete"].clone()), (json!(1), json!(true)));
    assert_eq!((found["lines"].clone(), found["attempt"].clone()), (json!(100_000), json!(1)));
    let offset = text.find("disk").unwrap();
    let hit = json!({
        "line": 77_777, "offset": offset, "before": "ERROR: ", "found": "disk <", "after": "full>"
    });
    assert_eq!(found["hits"], json!([hit]));
    // All are counted, a page is shown, and the next one goes on.
    let first = bench.get(&format!("{path}?q=line%20%5Cd%2B5%20&regex=true&limit=3")).await;
    assert_eq!(first["total"], 9_999);
    let next = &first["next"];
    assert_eq!(first["hits"][2]["offset"], *next);
    let second =
        bench.get(&format!("{path}?q=line%20%5Cd%2B5%20&regex=true&limit=3&after={next}")).await;
    assert_eq!(
        (second["total"].clone(), second["hits"][0]["line"].clone()),
        (json!(9_999), json!(45))
    );
    assert_eq!(bench.get(&format!("{path}?q=error&case=true")).await["total"], 0);
    for query in ["q=", "q=x&limit=many", "q=x&nothing=1", ""] {
        bench.refused("GET", &format!("{path}?{query}"), Json::Null, 400, "invalid_request").await;
    }
    // What takes others for ever is linear here.
    let open = format!("{path}?q=(&regex=true");
    bench.refused("GET", &open, Json::Null, 422, "invalid_input").await;
    let evil = "q=(.*)*%3D%3D%3D(.*)*%24&regex=true";
    assert_eq!(bench.get(&format!("{path}?{evil}")).await["total"], 0);
}
