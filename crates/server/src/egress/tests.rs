//! Real sockets on loopback, and a resolver that lies.

use std::collections::VecDeque;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Answers with one list after the other, and with the last one for ever.
struct Scripted {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
}

impl Names for Scripted {
    fn look_up(&self, _host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(async move {
            answer.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such name"))
        })
    }
}

fn names(answers: &[&[&str]]) -> Egress {
    let parse = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
    Egress::with_names(Arc::new(Scripted {
        answers: Mutex::new(answers.iter().map(parse).collect()),
    }))
}

fn get(url: &str) -> http::Request<Vec<u8>> {
    http::Request::get(url).body(Vec::new()).unwrap()
}

fn here() -> Policy {
    Policy { allow_private: true, timeout: Duration::from_secs(10), max_bytes: 1000 }
}

/// Answers every request on every connection with these bytes; tells what it was asked.
async fn server(answer: &'static [u8]) -> (u16, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                let mut asked = vec![0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut asked).await {
                    let _over = tell.send(String::from_utf8_lossy(&asked[..count]).into_owned());
                    if stream.write_all(answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (port, told)
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

#[tokio::test]
async fn an_answer_arrives_whole() {
    let (port, mut asked) = server(OK).await;
    let egress = Egress::default();
    let answer =
        egress.send(get(&format!("http://127.0.0.1:{port}/a?b=c")), &here()).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().as_slice()), (200, &b"hi"[..]));
    let asked = asked.recv().await.unwrap();
    assert!(
        asked.starts_with("GET /a?b=c HTTP/1.1\r\n") && asked.contains("orchestrate/"),
        "{asked}"
    );
}

#[tokio::test]
async fn an_address_in_the_url_is_judged_in_every_way_of_writing_it() {
    let (port, mut asked) = server(OK).await;
    let egress = Egress::default();
    for host in [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0x7f000001",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "0.0.0.0",
        "0",
        "[::]",
        "10.1.2.3",
        "169.254.169.254",
    ] {
        let url = format!("http://{host}:{port}/latest/meta-data?token=hush");
        let failed = egress.send(get(&url), &Policy::default()).await.unwrap_err();
        assert_eq!(failed.code(), "forbidden", "{host}: {failed}");
        assert!(!failed.to_string().contains("hush"), "{failed}");
    }
    let metadata = egress.send(get("http://[::ffff:169.254.169.254]/"), &here()).await;
    assert!(matches!(metadata, Err(Failure::Never { .. })), "{metadata:?}");
    assert!(asked.try_recv().is_err(), "somebody was asked");
}

#[tokio::test]
async fn a_name_is_connected_to_where_it_was_judged() {
    let (port, mut asked) = server(OK).await;
    let url = format!("http://rebinds.example:{port}/");
    // It may be asked once a request. Were the judged answer looked up again to be connected to,
    // the second one would lead to our server.
    let quick = Policy { timeout: Duration::from_millis(200), ..Policy::default() };
    let rebinding = names(&[&["3ffe::1"], &["127.0.0.1"]]);
    let outside = rebinding.send(get(&url), &quick).await;
    assert!(
        matches!(outside, Err(Failure::Slow { .. } | Failure::Unreached { .. })),
        "{outside:?}"
    );
    let inside = rebinding.send(get(&url), &quick).await;
    assert!(matches!(inside, Err(Failure::Private { .. })), "{inside:?}");
    // One bad address among good ones forbids them all.
    for mixed in [&["3ffe::1", "127.0.0.1"], &["127.0.0.1", "3ffe::1"]] {
        let failed = names(&[mixed]).send(get(&url), &quick).await.unwrap_err();
        assert_eq!(failed.code(), "forbidden");
        let failed = names(&[mixed]).addresses("rebinds.example", port, &quick).await.unwrap_err();
        assert_eq!(failed.code(), "forbidden");
    }
    assert!(asked.try_recv().is_err(), "somebody was asked");
    // The judged address is used, under the name that was asked for.
    names(&[&["127.0.0.1"]]).send(get(&url), &here()).await.unwrap();
    assert!(asked.recv().await.unwrap().contains("rebinds.example"));
}

#[tokio::test]
async fn a_connection_for_one_policy_is_not_lent_to_another() {
    let (port, _asked) = server(OK).await;
    let egress = names(&[&["127.0.0.1"]]);
    let url = format!("http://inside.example:{port}/");
    egress.send(get(&url), &here()).await.unwrap();
    let failed = egress.send(get(&url), &Policy::default()).await.unwrap_err();
    assert_eq!(failed.code(), "forbidden");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_goes_there() {
    let (port, mut asked) = server(
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    let url = format!("http://127.0.0.1:{port}/");
    let answer = Egress::default().send(get(&url), &here()).await.unwrap();
    assert_eq!(answer.status().as_u16(), 302);
    asked.recv().await.unwrap();
    assert!(asked.try_recv().is_err());
}

#[tokio::test]
async fn what_goes_wrong_is_said_without_the_url() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let (plain, _) = server(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
    let (large, _) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n").await;
    let (endless, _) =
        server(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n").await;
    let (nonsense, _) = server(b"220 mail.example ESMTP\r\n").await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let unknown = names(&[]);
    let system = Egress::default();
    let cases = [
        (&system, format!("http://127.0.0.1:{closed}/hush"), "connect"),
        (&system, format!("https://127.0.0.1:{plain}/hush"), "tls"),
        (&system, format!("http://127.0.0.1:{large}/hush"), "too-large"),
        (&system, format!("http://127.0.0.1:{endless}/hush"), "timeout"),
        (&system, format!("http://127.0.0.1:{nonsense}/hush"), "broken"),
        (&system, format!("http://127.0.0.1:{silent_port}/hush"), "timeout"),
        (&system, "http://ana:hush@127.0.0.1/".to_owned(), "url"),
        (&system, "ftp://127.0.0.1/hush".to_owned(), "url"),
        (&system, "/hush".to_owned(), "url"),
        (&unknown, "http://nowhere.example/hush".to_owned(), "dns"),
    ];
    let policy = Policy { timeout: Duration::from_millis(500), ..here() };
    for (egress, url, code) in cases {
        let failed = egress.send(get(&url), &policy).await.unwrap_err();
        assert_eq!(failed.code(), code, "{url}: {failed}");
        assert!(!format!("{failed} {failed:?}").contains("hush"), "{failed:?}");
    }
    drop(silent);
}

#[tokio::test]
async fn an_answer_without_end_is_cut_at_the_limit() {
    const CHUNK: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream.write_all(CHUNK).await.unwrap();
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    let url = format!("http://127.0.0.1:{port}/");
    let failed = Egress::default().send(get(&url), &here()).await.unwrap_err();
    assert!(matches!(failed, Failure::Large { limit: 1000, .. }), "{failed}");
}
