//! Three ways for a request to reach the server.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use futures_util::future::BoxFuture;
use http::header::HOST;
use http::{HeaderValue, Request, Response};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tower::ServiceExt as _;

use crate::error::{Failure, Result};
use crate::exit::Exit;

#[derive(Clone)]
pub enum Transport {
    /// The router of the owner that lives in this process.
    Here(Router),
    /// The socket of the process that owns the data folder.
    Socket(PathBuf),
    Address(Address),
    /// Of a data folder, whoever owns it at the moment.
    Owner(Arc<Owner>),
}

/// Owners come and go: a foreground run ends while another command talks to it.
pub struct Owner {
    now: Mutex<Transport>,
    find: Box<dyn FindOwner>,
}

/// Finds the owner's successor, or becomes it.
pub trait FindOwner: Send + Sync {
    fn find(&self) -> BoxFuture<'_, Result<Transport>>;
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owner").field("now", &self.now()).finish_non_exhaustive()
    }
}

impl Owner {
    pub fn new(now: Transport, find: Box<dyn FindOwner>) -> Self {
        Self { now: Mutex::new(now), find }
    }

    fn now(&self) -> Transport {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn look_again(&self) -> Result<()> {
        let found = self.find.find().await?;
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    }
}

/// Nobody took the connection: the request was not seen by anybody.
pub const NO_ANSWER: &str = "no_answer";

/// The request may have been carried out, its answer is lost.
pub const BROKEN: &str = "connection_broken";

/// A server named by `--server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// `127.0.0.1:7070`
    pub authority: String,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Here(_) => f.write_str("Here"),
            Self::Socket(path) => f.debug_tuple("Socket").field(path).finish(),
            Self::Address(address) => f.debug_tuple("Address").field(&address.authority).finish(),
            Self::Owner(owner) => f.debug_tuple("Owner").field(&owner.now()).finish(),
        }
    }
}

impl Transport {
    /// The owner has gone, or goes: `false` when there is nobody to look for.
    pub async fn look_again(&self) -> Result<bool> {
        match self {
            Self::Owner(owner) => owner.look_again().await.map(|()| true),
            Self::Here(_) | Self::Socket(_) | Self::Address(_) => Ok(false),
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>> {
        let owner;
        let way = match self {
            Self::Owner(moving) => {
                owner = moving.now();
                &owner
            }
            Self::Here(_) | Self::Socket(_) | Self::Address(_) => self,
        };
        way.deliver(request).await
    }

    async fn deliver(&self, mut request: Request<Body>) -> Result<Response<Body>> {
        match self {
            Self::Owner(_) => Err(Failure::new(Exit::Internal, "an owner stands for an owner")),
            Self::Here(router) => match router.clone().oneshot(request).await {
                Ok(response) => Ok(response),
                Err(never) => match never {},
            },
            Self::Socket(path) => {
                let stream = UnixStream::connect(path).await.map_err(|error| {
                    no_answer(format!("nothing answers at `{}`: {error}", path.display()))
                        .hint("run `orchestrate doctor` to see what holds the data folder")
                })?;
                request.headers_mut().insert(HOST, HeaderValue::from_static("localhost"));
                exchange(stream, request).await
            }
            Self::Address(address) => {
                let stream = TcpStream::connect(&address.authority).await.map_err(|error| {
                    no_answer(format!("no server answers at `{}`: {error}", address.authority))
                        .hint("start one with `orchestrate serve`, or leave `--server` out")
                })?;
                let host = HeaderValue::from_str(&address.authority).map_err(|error| {
                    Failure::usage(format!("`{}` is no address: {error}", address.authority))
                })?;
                request.headers_mut().insert(HOST, host);
                exchange(stream, request).await
            }
        }
    }
}

fn no_answer(message: String) -> Failure {
    Failure { code: NO_ANSWER.to_owned(), ..Failure::new(Exit::Unreachable, message) }
}

async fn exchange<S>(stream: S, request: Request<Body>) -> Result<Response<Body>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let broken = |error: hyper::Error| {
        // A connection that was taken by nobody has sent nothing, and one that is closed while a
        // request is written has carried no whole request.
        let is_unseen = error.is_canceled() || is_cut_short(&error);
        let code = if is_unseen { NO_ANSWER } else { BROKEN };
        let message = format!("the connection broke: {error}");
        Failure { code: code.to_owned(), ..Failure::new(Exit::Unreachable, message) }
            .hint("ask again; nothing that was acknowledged is lost")
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Ends by itself when the answer has been read or dropped.
    tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(broken)?;
    Ok(response.map(Body::new))
}

/// Whoever was to read had closed before everything was written.
fn is_cut_short(error: &hyper::Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The address in `--server`: `http://127.0.0.1:7070`, `127.0.0.1:7070`.
pub fn authority(url: &str) -> Result<String> {
    if url.starts_with("https://") {
        return Err(Failure::usage("`--server` speaks plain HTTP to a loopback address only")
            .hint("for a server on another machine, forward its port with ssh -L"));
    }
    let rest = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
    if rest.is_empty() || rest.contains(['/', ' ', '@', '?']) {
        return Err(Failure::usage(format!("`{url}` is not the URL of a server"))
            .hint("write `--server http://127.0.0.1:7070`"));
    }
    let has_port = rest
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    Ok(if has_port { rest.to_owned() } else { format!("{rest}:7070") })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The owner closed its socket between taking the connection and reading from it.
    #[tokio::test]
    async fn a_request_that_nobody_read_may_be_sent_again() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        let request = Request::post("/api/runs").body(Body::from("{}")).unwrap();
        assert_eq!(exchange(ours, request).await.unwrap_err().code, NO_ANSWER);
    }

    #[test]
    fn urls_of_servers() {
        assert_eq!(authority("http://127.0.0.1:7070/").unwrap(), "127.0.0.1:7070");
        assert_eq!(authority("localhost").unwrap(), "localhost:7070");
        assert_eq!(authority("[::1]:80").unwrap(), "[::1]:80");
        for bad in ["https://example.com", "http://", "http://a/b", "http://u@h:1"] {
            assert_eq!(authority(bad).unwrap_err().exit, Exit::Usage, "{bad}");
        }
    }
}
