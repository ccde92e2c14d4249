//! An agent's program on one side, the server's socket on the other.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use super::Proxy;
use crate::trial::desk;

const TOKEN: &str = "attempt-token-1234567890";

/// What a client gets for a request with this key.
fn ask(base: &str, path: &str, key: &str) -> String {
    let address = base.trim_start_matches("http://").split('/').next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{key}\r\nContent-Length: 2\r\n\r\n{{}}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Reads a request and gives its head.
fn head(stream: &UnixStream) -> String {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    head.join("\n").to_lowercase()
}

#[test]
fn only_the_attempts_token_leads_to_the_gateway_and_a_restart_is_not_noticed() {
    let root = tempfile::tempdir().unwrap();
    let socket = root.path().join("server.sock");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let desk = desk(root.path(), &socket.display().to_string(), None);
    let proxy = runtime.block_on(Proxy::open(desk)).unwrap();
    let base = proxy.base("anthropic");
    assert!(base.starts_with("http://127.0.0.1:") && base.ends_with("/llm/anthropic"), "{base}");

    for key in ["x-a: b", "x-api-key: sk-other", &format!("Authorization: Basic {TOKEN}")] {
        let answer = ask(&base, "/llm/anthropic/v1/messages", key);
        assert!(answer.starts_with("HTTP/1.1 401"), "{key}: {answer}");
    }
    let key = format!("Authorization: Bearer {TOKEN}");
    let answer = ask(&base, "/api/runs", &key);
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");

    // The server is away when the agent asks, and breaks off its first answer.
    let asking = thread::spawn(move || ask(&base, "/llm/anthropic/v1/messages?beta=true", &key));
    let listener = UnixListener::bind(&socket).unwrap();
    let (first, _) = listener.accept().unwrap();
    head(&first);
    drop(first);
    let (mut second, _) = listener.accept().unwrap();
    let head = head(&second);
    assert!(head.starts_with("post /llm/anthropic/v1/messages?beta=true"), "{head}");
    assert!(head.contains(&format!("authorization: bearer {TOKEN}")), "{head}");
    assert!(head.contains("x-orchestrate-member: worker"), "{head}");
    second
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        .unwrap();
    let answer = asking.join().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("hello"), "{answer}");
}
