//! The page: one document for browsers, files that never change, and JSON for everybody else.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bench::Bench;

/// Status, head and body of an answer.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

async fn ask(bound: std::net::SocketAddr, path: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(bound).await.unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {bound}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: bytes[end + 4..].to_vec() }
}

const BROWSER: &str = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";
const TOKEN: &str = "Authorization: Bearer s3cret\r\n";
const PROBLEM: &str = "application/problem+json";

#[tokio::test]
async fn browsers_get_the_page_and_programs_get_json_at_the_same_path() {
    let bench = Bench::new();
    let bound = bench.server.listen_tcp("127.0.0.1:0".parse().unwrap(), "s3cret").await.unwrap();
    for path in
        ["/", "/runs", "/runs/nightly/3?view=table", "/pipelines", "/pipelines/a/logs", "/metrics"]
    {
        let page = ask(bound, path, &format!("{BROWSER}{TOKEN}")).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"));
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(page.header("vary").unwrap().contains("Accept"));
        assert!(String::from_utf8(page.body).unwrap().contains("<!doctype html>"));
    }
    let json = ask(bound, "/pipelines", TOKEN).await;
    assert_eq!((json.status, json.header("content-type")), (200, Some("application/json")));
    let metrics = ask(bound, "/metrics", TOKEN).await;
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain"));
    let foreign = format!("{BROWSER}{TOKEN}").replace("Accept", "Host: evil.example\r\nAccept");
    assert_ne!(ask(bound, "/", &foreign).await.status, 200);
}

#[tokio::test]
async fn what_is_nowhere_is_said_by_the_page_to_browsers_and_by_json_to_programs() {
    let bench = Bench::new();
    let bound = bench.server.listen_tcp("127.0.0.1:0".parse().unwrap(), "s3cret").await.unwrap();
    for path in ["/run", "/experiments/7", "/healthz/x", "/login/a/b"] {
        let page = ask(bound, path, &format!("{BROWSER}{TOKEN}")).await;
        assert_eq!(page.status, 404, "{path}");
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
        assert_eq!(page.header("etag"), None, "{path} may be something else tomorrow");
        let json = ask(bound, path, TOKEN).await;
        assert_eq!((json.status, json.header("content-type")), (404, Some(PROBLEM)), "{path}");
        let led = ask(bound, path, BROWSER).await;
        let back = format!("/login?next={path}");
        assert_eq!((led.status, led.header("location")), (303, Some(&*back)), "{path}");
    }
    for path in ["/api/nothing", "/assets/a/b", "/hooks", "/llm/x"] {
        let json = ask(bound, path, &format!("{BROWSER}{TOKEN}")).await;
        assert_eq!((json.status, json.header("content-type")), (404, Some(PROBLEM)), "{path}");
    }
}

#[tokio::test]
async fn a_stranger_is_led_to_where_one_signs_in_and_back() {
    let bench = Bench::new();
    let bound = bench.server.listen_tcp("127.0.0.1:0".parse().unwrap(), "s3cret").await.unwrap();
    let led = ask(bound, "/runs/a~3?tab=log", BROWSER).await;
    assert_eq!(led.status, 303);
    assert_eq!(led.header("location"), Some("/login?next=/runs/a~3%3Ftab%3Dlog"));
    let login = ask(bound, "/login", BROWSER).await;
    assert_eq!(login.status, 200);
    assert_eq!(ask(bound, "/login", "").await.status, 401);
    assert_eq!(ask(bound, "/api/status", BROWSER).await.status, 401);
}

#[tokio::test]
async fn files_of_the_page_never_change_and_others_are_not_there() {
    let bench = Bench::new();
    let bound = bench.server.listen_tcp("127.0.0.1:0".parse().unwrap(), "s3cret").await.unwrap();
    let login = String::from_utf8(ask(bound, "/login", BROWSER).await.body).unwrap();
    let names: Vec<&str> =
        login.split('"').filter_map(|part| part.strip_prefix("/assets/")).collect();
    assert!(names.len() >= 2, "a script and a style sheet: {login}");
    for name in names {
        let plain = ask(bound, &format!("/assets/{name}"), "").await;
        assert_eq!(plain.status, 200, "{name}");
        let cached = plain.header("cache-control").unwrap();
        assert_eq!(cached, "public, max-age=31536000, immutable");
        let packed = ask(bound, &format!("/assets/{name}"), "Accept-Encoding: gzip\r\n").await;
        assert_eq!(packed.header("content-encoding"), Some("gzip"));
        assert!(packed.body.len() < plain.body.len());
        let mut unpacked = Vec::new();
        let mut reader = flate2::read::GzDecoder::new(&packed.body[..]);
        std::io::Read::read_to_end(&mut reader, &mut unpacked).unwrap();
        assert_eq!(unpacked, plain.body);
    }
    for path in ["/assets/nothing.js", "/assets/index.html", "/assets/..%2Findex.html"] {
        let missing = ask(bound, path, BROWSER).await;
        assert_eq!(missing.status, 404, "{path}");
        assert_eq!(missing.header("content-type"), Some("application/problem+json"));
    }
    let same = ask(bound, "/login", BROWSER).await;
    let tag = format!("{BROWSER}If-None-Match: {}\r\n", same.header("etag").unwrap());
    assert_eq!(ask(bound, "/login", &tag).await.status, 304);
}
