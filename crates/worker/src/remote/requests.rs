//! What travels beside the socket: output, content, secrets.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use api::worker::{SESSION, SecretGiven, SecretWanted, Stored};
use blobs::Blobs;
use futures_util::StreamExt as _;
use futures_util::stream::unfold;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::io::AsyncReadExt as _;

use super::address::Server;
use super::output::Chunk;
use super::trouble::Trouble;

/// An exchange takes at most so long, and a second more for so many bytes.
const PATIENCE: Duration = Duration::from_secs(30);
const SLOWEST: u64 = 16 << 10;
/// No answer that is read whole is longer.
const LARGEST: usize = 1 << 20;
/// So much of a file is in memory at once.
const PIECE: usize = 64 << 10;
/// Connections that are kept for the next request.
const KEPT: usize = 8;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// As one session of one worker.
pub(super) struct Requests {
    server: Server,
    token: String,
    worker: String,
    session: String,
    idle: Mutex<Vec<SendRequest<Body>>>,
}

impl std::fmt::Debug for Requests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Requests").field("server", &self.server).finish_non_exhaustive()
    }
}

struct Ask<'a> {
    method: &'a str,
    path: String,
    kind: &'a str,
    bytes: u64,
}

impl Requests {
    pub(super) fn new(server: Server, token: String, worker: String, session: String) -> Self {
        Self { server, token, worker, session, idle: Mutex::default() }
    }

    /// How much of the attempt's output is stored.
    pub(super) async fn stored(&self, attempt: &str) -> Result<u64, Trouble> {
        let nothing = Chunk { offset: 0, at_micros: 0, bytes: Vec::new() };
        self.output(attempt, &nothing).await
    }

    /// Stores captured bytes; how many are stored now.
    pub(super) async fn output(&self, attempt: &str, chunk: &Chunk) -> Result<u64, Trouble> {
        let Chunk { offset, at_micros, bytes } = chunk;
        let path = self.path(attempt, &format!("output?offset={offset}&at={at_micros}"));
        let kind = "application/octet-stream";
        let ask = Ask { method: "PUT", path, kind, bytes: bytes.len() as u64 };
        let bytes = Bytes::from(bytes.clone());
        self.whole::<Stored>(ask, || whole(bytes.clone())).await.map(|stored| stored.total)
    }

    pub(super) async fn secret(
        &self,
        attempt: &str,
        name: &str,
    ) -> Result<Option<String>, Trouble> {
        let wanted = SecretWanted { name: name.to_owned() };
        self.post::<SecretGiven>(attempt, "secrets", &wanted).await.map(|given| given.value)
    }

    /// Stores content of ours.
    pub(super) async fn give(
        &self,
        attempt: &str,
        digest: &str,
        file: &Path,
    ) -> Result<(), Trouble> {
        let here = |error: io::Error| Trouble::Here(format!("content of an artifact: {error}"));
        let bytes = tokio::fs::metadata(file).await.map_err(here)?.len();
        let path = self.path(attempt, &format!("blobs/{digest}"));
        let ask = Ask { method: "PUT", path, kind: "application/octet-stream", bytes };
        let answer = self.exchange(&ask, || of_file(file)).await?;
        success(answer).await.map(drop)
    }

    /// Fetches content, unless it is here. What does not have the digest is not kept.
    pub(super) async fn take(
        &self,
        attempt: &str,
        digest: &str,
        blobs: &Blobs,
    ) -> Result<(), Trouble> {
        let (known, at) = (blobs.clone(), digest.to_owned());
        let is_here = tokio::task::spawn_blocking(move || known.verify(&at).is_ok()).await;
        if is_here.unwrap_or(false) {
            return Ok(());
        }
        let path = self.path(attempt, &format!("blobs/{digest}"));
        let ask = Ask { method: "GET", path, kind: "application/json", bytes: 0 };
        let answer = self.exchange(&ask, || whole(Bytes::new())).await?;
        let status = answer.status().as_u16();
        if status >= 300 {
            return Err(Trouble::said(status, &read(answer).await?));
        }
        store(answer.into_body(), digest, blobs.clone()).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        attempt: &str,
        what: &str,
        body: &impl serde::Serialize,
    ) -> Result<T, Trouble> {
        let bytes = serde_json::to_vec(body).map_err(|error| Trouble::Here(error.to_string()))?;
        let bytes = Bytes::from(bytes);
        let path = self.path(attempt, what);
        let ask = Ask { method: "POST", path, kind: "application/json", bytes: bytes.len() as u64 };
        self.whole(ask, || whole(bytes.clone())).await
    }

    async fn whole<T: DeserializeOwned>(
        &self,
        ask: Ask<'_>,
        body: impl Fn() -> Body,
    ) -> Result<T, Trouble> {
        let answer = self.exchange(&ask, body).await?;
        serde_json::from_slice(&success(answer).await?)
            .map_err(|error| Trouble::Away(format!("the server's answer is strange: {error}")))
    }

    fn path(&self, attempt: &str, rest: &str) -> String {
        format!("/api/workers/{}/attempts/{attempt}/{rest}", self.worker)
    }

    /// Until the head of the answer. A connection that was kept may have been closed meanwhile:
    /// all that is asked here can be asked twice.
    async fn exchange(
        &self,
        ask: &Ask<'_>,
        body: impl Fn() -> Body,
    ) -> Result<Response<Incoming>, Trouble> {
        let longest = PATIENCE + Duration::from_secs(ask.bytes / SLOWEST);
        let exchange = async {
            while let Some(mut kept) = self.kept() {
                if kept.ready().await.is_err() {
                    continue;
                }
                if let Ok(answer) = kept.send_request(self.request(ask, body())?).await {
                    self.keep(kept);
                    return Ok(answer);
                }
            }
            let broke =
                |error: hyper::Error| Trouble::Away(format!("the connection broke: {error}"));
            let stream = self.server.connect().await?;
            let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(broke)?;
            // Ends with the sender, and the body that is read.
            tokio::spawn(connection);
            let answer = sender.send_request(self.request(ask, body())?).await.map_err(broke)?;
            self.keep(sender);
            Ok(answer)
        };
        let slow = |_| Trouble::Away(format!("no answer within {} s", longest.as_secs()));
        tokio::time::timeout(longest, exchange).await.map_err(slow)?
    }

    fn request(&self, ask: &Ask<'_>, body: Body) -> Result<Request<Body>, Trouble> {
        Request::builder()
            .method(ask.method)
            .uri(&ask.path)
            .header("host", self.server.authority())
            .header("authorization", format!("Bearer {}", self.token))
            .header(SESSION, &self.session)
            .header("content-type", ask.kind)
            .header("content-length", ask.bytes)
            .body(body)
            .map_err(|error| Trouble::Here(format!("the request cannot be written: {error}")))
    }

    fn kept(&self) -> Option<SendRequest<Body>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, sender: SendRequest<Body>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT && !sender.is_closed() {
            idle.push(sender);
        }
    }
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

fn of_file(path: &Path) -> Body {
    let path = path.to_owned();
    let pieces = unfold((None, path), |(mut file, path)| async move {
        let piece = async {
            let mut open = match file.take() {
                Some(open) => open,
                None => tokio::fs::File::open(&path).await?,
            };
            let mut piece = vec![0; PIECE];
            let count = open.read(&mut piece).await?;
            piece.truncate(count);
            file = Some(open);
            Ok::<_, io::Error>(piece)
        };
        match piece.await {
            Ok(piece) if piece.is_empty() => None,
            Ok(piece) => Some((Ok(Frame::data(Bytes::from(piece))), (file, path))),
            Err(error) => Some((Err(error), (file, path))),
        }
    });
    StreamBody::new(pieces.boxed()).boxed_unsync()
}

async fn success(answer: Response<Incoming>) -> Result<Vec<u8>, Trouble> {
    let status = answer.status().as_u16();
    let body = read(answer).await?;
    if status >= 300 { Err(Trouble::said(status, &body)) } else { Ok(body) }
}

async fn read(answer: Response<Incoming>) -> Result<Vec<u8>, Trouble> {
    let mut body = answer.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = next(&mut body).await? {
        if bytes.len() + frame.len() > LARGEST {
            return Err(Trouble::Away("the server's answer is too long".to_owned()));
        }
        bytes.extend_from_slice(&frame);
    }
    Ok(bytes)
}

/// `None`: that was all.
async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Trouble> {
    let broke = |problem: String| Trouble::Away(format!("the connection broke: {problem}"));
    loop {
        let frame = tokio::time::timeout(PATIENCE, body.frame());
        let frame = frame.await.map_err(|_| broke("nothing came any more".to_owned()))?;
        match frame {
            None => return Ok(None),
            Some(Err(error)) => return Err(broke(error.to_string())),
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
        }
    }
}

/// Stores a body whose digest is known.
async fn store(mut body: Incoming, digest: &str, blobs: Blobs) -> Result<(), Trouble> {
    let (pieces, reader) = std::sync::mpsc::sync_channel::<Bytes>(8);
    let (wanted, here) = (digest.to_owned(), |problem: String| {
        Trouble::Here(format!("content could not be stored: {problem}"))
    });
    let storing = tokio::task::spawn_blocking(move || {
        let staged = blobs.stage(Pieces { reader, rest: Bytes::new() }, u64::MAX >> 1);
        let staged = staged.map_err(|error| error.to_string())?;
        if staged.digest() != wanted {
            return Ok(false);
        }
        staged.keep().map(|_| true).map_err(|error| error.to_string())
    });
    let mut broken = None;
    loop {
        match next(&mut body).await {
            Ok(Some(piece)) => {
                // Blocks only as long as the disk does.
                if pieces.send(piece).is_err() {
                    break;
                }
            }
            Ok(None) => break,
            Err(trouble) => {
                broken = Some(trouble);
                break;
            }
        }
    }
    drop(pieces);
    let stored = storing.await.map_err(|error| here(error.to_string()))?.map_err(here)?;
    match (stored, broken) {
        (true, _) => Ok(()),
        (false, Some(trouble)) => Err(trouble),
        (false, None) => Err(Trouble::Away("what the server sent is not what it said".to_owned())),
    }
}

struct Pieces {
    reader: std::sync::mpsc::Receiver<Bytes>,
    rest: Bytes,
}

impl io::Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.reader.recv() {
                Ok(piece) => self.rest = piece,
                Err(_) => return Ok(0),
            }
        }
        let count = buffer.len().min(self.rest.len());
        buffer[..count].copy_from_slice(&self.rest[..count]);
        self.rest = self.rest.slice(count..);
        Ok(count)
    }
}
