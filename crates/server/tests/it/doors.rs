//! The doors: a unix socket for this user, TCP for whoever has the token and says our name.

use std::os::unix::fs::PermissionsExt;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::bench::Bench;
use crate::starts::CHAIN;

/// Status and text of the answer to a request written by hand.
pub(crate) async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
) -> (u16, String) {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

fn get(path: &str, host: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n")
}

#[tokio::test]
async fn tcp_lets_in_only_the_token_under_our_name() {
    let bench = Bench::new();
    let bound = bench.server.listen_tcp("127.0.0.1:0".parse().unwrap(), "s3cret").await.unwrap();
    let us = bound.to_string();
    let token = "Authorization: Bearer s3cret\r\n";
    let table = [
        ("/healthz", us.as_str(), "", 200),
        ("/readyz", &us, "", 200),
        ("/api/status", &us, "", 401),
        ("/api/status", &us, "Authorization: Bearer wrong\r\n", 401),
        ("/api/status", &us, "Authorization: Bearer \r\n", 401),
        ("/api/status", &us, "Authorization: Basic s3cret\r\n", 401),
        ("/api/status", &us, token, 200),
        ("/api/nothing", &us, "", 401),
        ("/api/nothing", &us, token, 404),
        ("/api/status", "evil.example", token, 421),
        ("/healthz", "evil.example", "", 421),
        // The word of a stranger about who he is counts for nothing.
        ("/api/status", &us, "X-Orchestrate-As: ana\r\n", 401),
        ("/api/status", &us, "Authorization: Bearer wrong\r\nX-Orchestrate-As: ana\r\n", 401),
    ];
    for (path, host, headers, wanted) in table {
        let stream = TcpStream::connect(bound).await.unwrap();
        let (status, answer) = ask(stream, &get(path, host, headers)).await;
        assert_eq!(status, wanted, "{path} {host} {headers}: {answer}");
        if wanted == 401 {
            assert!(answer.contains("www-authenticate: Bearer"), "{answer}");
        }
    }
    let named = bench.get("/api/status").await;
    assert_eq!(named["address"], us.as_str());
}

#[tokio::test]
async fn an_attempt_comes_in_through_loopback_and_through_the_socket() {
    let mut bench = Bench::by_hand();
    let bound = bench.server.listen_tcp("127.0.0.1:0".parse().unwrap(), "s3cret").await.unwrap();
    let path = bench.path().join("sock");
    bench.server.listen_unix(&path).unwrap();
    bench.start(CHAIN).await;
    let attempt = bench.hands.started().await;
    let token = bench.door(&attempt).token;
    let bearer = format!("Authorization: Bearer {token}\r\n");
    for (place, wanted) in [("/api/attempt", 200), ("/api/runs", 403), ("/api/nothing", 403)] {
        let tcp = TcpStream::connect(bound).await.unwrap();
        let (status, answer) = ask(tcp, &get(place, &bound.to_string(), &bearer)).await;
        assert_eq!(status, wanted, "{place}: {answer}");
        let unix = UnixStream::connect(&path).await.unwrap();
        let (status, answer) = ask(unix, &get(place, "localhost", &bearer)).await;
        assert_eq!(status, wanted, "{place}: {answer}");
    }
    let named = get("/api/attempt", "evil.example", &bearer);
    let (status, _) = ask(TcpStream::connect(bound).await.unwrap(), &named).await;
    assert_eq!(status, 421);
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let bench = Bench::new();
    let bound = bench.server.listen_tcp("127.0.0.1:0".parse().unwrap(), "s3cret").await.unwrap();
    let post = |headers: &str| {
        format!(
            "POST /api/pipelines/x/run HTTP/1.1\r\nHost: {bound}\r\nConnection: close\r\n\
             Authorization: Bearer s3cret\r\nContent-Length: 0\r\n{headers}\r\n"
        )
    };
    let table = [
        ("Origin: http://evil.example\r\n".to_owned(), 403),
        ("Origin: null\r\n".to_owned(), 403),
        ("Sec-Fetch-Site: cross-site\r\n".to_owned(), 403),
        (format!("Origin: http://{bound}\r\nSec-Fetch-Site: same-origin\r\n"), 404),
        (String::new(), 404),
    ];
    for (headers, wanted) in table {
        let stream = TcpStream::connect(bound).await.unwrap();
        let (status, answer) = ask(stream, &post(&headers)).await;
        assert_eq!(status, wanted, "{headers}: {answer}");
    }
}

#[tokio::test]
async fn the_socket_is_for_this_user_and_says_who_it_is() {
    let bench = Bench::new();
    let socket = bench.path().join("orchestrate.sock");
    // Left behind by a killed process.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    bench.server.listen_unix(&socket).unwrap();
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let start = |header: &str| {
        let body = serde_json::json!({"definition": CHAIN, "directory": "/"}).to_string();
        format!(
            "POST /api/runs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    std::fs::write(bench.path().join("token"), "s3cret\n").unwrap();
    let token = "Authorization: Bearer s3cret\r\n";
    let table = [
        (String::new(), 201),
        // A word about oneself is believed from nobody; the admin token may act for others.
        ("X-Orchestrate-Actor: ana\r\n".to_owned(), 201),
        ("X-Orchestrate-As: ana\r\n".to_owned(), 403),
        ("Authorization: Bearer wrong\r\n".to_owned(), 401),
        (token.to_owned(), 201),
        (format!("{token}X-Orchestrate-As: ana\r\n"), 201),
        (format!("{token}X-Orchestrate-As:  \r\n"), 400),
    ];
    for (headers, wanted) in table {
        let stream = UnixStream::connect(&socket).await.unwrap();
        let (status, answer) = ask(stream, &start(&headers)).await;
        assert_eq!(status, wanted, "{headers}: {answer}");
    }
    let me = bench.get("/api/whoami").await["name"].as_str().unwrap().to_owned();
    assert!(!["ana", "local", ""].contains(&&*me), "the kernel says who it is: {me}");
    for (number, by) in [(1, &*me), (2, &me), (3, &me), (4, "ana")] {
        assert_eq!(bench.get(&format!("/api/runs/chain~{number}")).await["by"], by, "{number}");
    }
    bench.server.shutdown().await;
    assert!(bench.server.listen_unix(std::path::Path::new("/nowhere/x.sock")).is_err());
}
