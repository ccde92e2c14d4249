//! Receivers of notices: an HTTP server and a mail server that do as the test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::response::IntoResponse;
use http::{HeaderMap, StatusCode};
use serde_json::Value as Json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A request that came in.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) headers: HeaderMap,
    pub(crate) raw: Bytes,
    pub(crate) body: Json,
}

impl Arrived {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn title(&self) -> &str {
        self.body["title"].as_str().unwrap_or_default()
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Status(u16),
    /// Never.
    Silence,
}

pub(crate) struct Web {
    pub(crate) url: String,
    pub(crate) arrived: UnboundedReceiver<Arrived>,
}

impl Web {
    /// Answers 200 when the answers given are used up.
    pub(crate) async fn new(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook/hush-hush", listener.local_addr().unwrap());
        let (tell, arrived) = unbounded_channel();
        let script = Arc::new(Mutex::new(answers.iter().copied().collect::<VecDeque<_>>()));
        let handler = move |headers: HeaderMap, raw: Bytes| {
            let (tell, script) = (tell.clone(), Arc::clone(&script));
            async move { answer(headers, raw, &tell, &script).await }
        };
        let router = Router::new().fallback(handler);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, arrived }
    }

    pub(crate) async fn next(&mut self) -> Arrived {
        let next = self.arrived.recv();
        let next = tokio::time::timeout(std::time::Duration::from_secs(30), next).await;
        next.expect("nothing arrived").unwrap()
    }
}

async fn answer(
    headers: HeaderMap,
    raw: Bytes,
    tell: &UnboundedSender<Arrived>,
    script: &Mutex<VecDeque<Answer>>,
) -> impl IntoResponse + use<> {
    let body = serde_json::from_slice(&raw).unwrap();
    let next = script.lock().unwrap().pop_front();
    let _over = tell.send(Arrived { headers, raw, body });
    match next {
        None => (StatusCode::OK, "ok"),
        Some(Answer::Status(status)) => {
            (StatusCode::from_u16(status).unwrap(), "no such hush-hush")
        }
        Some(Answer::Silence) => std::future::pending().await,
    }
}

/// A mail that was taken.
#[derive(Debug)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) text: String,
}

pub(crate) struct Post {
    pub(crate) port: u16,
    pub(crate) taken: UnboundedReceiver<Mail>,
}

impl Post {
    /// Says `550` to whoever is called `gone`, and `451` as often as told to everybody.
    pub(crate) async fn new(busy: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, taken) = unbounded_channel();
        let busy = Arc::new(Mutex::new(busy));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tell, busy) = (tell.clone(), Arc::clone(&busy));
                tokio::spawn(async move { talk(BufReader::new(stream), &tell, &busy).await });
            }
        });
        Self { port, taken }
    }

    pub(crate) async fn next(&mut self) -> Mail {
        let next = self.taken.recv();
        let next = tokio::time::timeout(std::time::Duration::from_secs(30), next).await;
        next.expect("no mail came").unwrap()
    }
}

async fn talk(
    mut stream: BufReader<tokio::net::TcpStream>,
    tell: &UnboundedSender<Mail>,
    busy: &Mutex<u32>,
) -> std::io::Result<()> {
    stream.write_all(b"220 post ESMTP\r\n").await?;
    let mut to = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let word = line.split([' ', '\r']).next().unwrap_or_default().to_ascii_uppercase();
        let is_busy = {
            let mut left = busy.lock().unwrap();
            let is_busy = *left > 0 && word == "MAIL";
            *left -= u32::from(is_busy);
            is_busy
        };
        let reply: &str = match word.as_str() {
            "EHLO" => "250-post\r\n250-AUTH PLAIN\r\n250 8BITMIME",
            "AUTH" => "535 5.7.8 wrong password",
            "MAIL" if is_busy => "451 4.3.0 later",
            "RCPT" if line.contains("gone") => "550 5.1.1 nobody is called so",
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                "250 fine"
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let mut text = String::new();
                while !text.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut text).await? == 0 {
                        return Ok(());
                    }
                }
                let _over = tell.send(Mail { to: to.clone(), text });
                "250 taken"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "250 fine",
        };
        stream.write_all(reply.as_bytes()).await?;
        stream.write_all(b"\r\n").await?;
    }
}
