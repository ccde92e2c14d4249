//! Sockets: the one in the data folder for this user, and TCP for whoever proves who they are.
//!
//! A connection that says its request too slowly, or does not take its answer, is cut; more
//! connections than allowed are told so and closed. Nothing waits without a bound.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::serve::Listener;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt as _;

mod patient;

use patient::{PATIENCE, Patient};

/// The head of a request comes within this time; a connection that is kept idles no longer.
const HEAD: Duration = Duration::from_secs(30);
/// Bytes of the head of a request that are looked at. More is answered by a bare 431; the limit
/// that is answered in words is in `http::answer`.
const HEAD_BYTES: usize = 128 << 10;
const HEADERS: usize = 200;

/// Whoever is at the other end of a connection, by the kernel's word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    pub(crate) uid: Option<u32>,
    /// Of the process that opened the connection.
    pub(crate) pid: Option<u32>,
    /// Over TCP: theirs and ours.
    pub(crate) addresses: Option<(SocketAddr, SocketAddr)>,
}

impl Peer {
    fn over_tcp(stream: &TcpStream, theirs: &SocketAddr) -> Self {
        let ours = stream.local_addr().ok();
        Self { uid: None, pid: None, addresses: ours.map(|ours| (*theirs, ours)) }
    }

    fn of(stream: &UnixStream) -> Self {
        let cred = stream.peer_cred().ok();
        Self {
            uid: cred.as_ref().map(tokio::net::unix::UCred::uid),
            pid: cred.and_then(|cred| cred.pid()).and_then(|pid| u32::try_from(pid).ok()),
            addresses: None,
        }
    }
}

/// Ends when every request that it took has been answered.
pub(crate) type Listening = tokio::task::JoinHandle<()>;

/// Until when a door is open, and for how many at once.
pub(crate) struct Rules {
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) connections: usize,
}

/// Serves until told to stop. The socket appears under its name with mode 0600 from its first
/// moment; a stale one of a killed process is replaced.
pub(crate) fn unix(path: &Path, router: Router, rules: Rules) -> io::Result<Listening> {
    // Not longer than the name it gets: paths of sockets are short.
    let fresh = path.with_file_name(format!(".{}", std::process::id()));
    remove(&fresh)?;
    let listener = UnixListener::bind(&fresh)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&fresh, path)?;
    Ok(tokio::spawn(serve(listener, router, rules, |stream, _address| Peer::of(stream))))
}

/// Serves until told to stop; the address bound (the port is chosen when 0 was asked).
pub(crate) async fn tcp(
    address: SocketAddr,
    router: impl FnOnce(SocketAddr) -> Router,
    rules: Rules,
) -> io::Result<(SocketAddr, Listening)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let listening = tokio::spawn(serve(listener, router(bound), rules, Peer::over_tcp));
    Ok((bound, listening))
}

async fn serve<L, P>(
    mut listener: L,
    router: Router,
    mut rules: Rules,
    peer: impl Fn(&L::Io, &L::Addr) -> P,
) where
    L: Listener,
    P: Clone + Send + Sync + 'static,
{
    let room_for = rules.connections.min(u32::MAX as usize).min(Semaphore::MAX_PERMITS);
    let room = Arc::new(Semaphore::new(room_for));
    loop {
        let (io, address) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut rules.stop) => break,
        };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            tokio::spawn(full(io));
            continue;
        };
        let peer = peer(&io, &address);
        tokio::spawn(connection(io, peer, router.clone(), rules.stop.clone(), place));
    }
    // Nobody gets in any more; who is in is answered.
    drop(listener);
    let all = u32::try_from(room_for).unwrap_or(u32::MAX);
    let _all_gone = room.acquire_many(all).await;
}

/// One connection to its end. When the server stops, what it asked last is answered.
fn connection<I, P>(
    io: I,
    peer: P,
    router: Router,
    mut stop: watch::Receiver<bool>,
    place: OwnedSemaphorePermit,
) -> impl Future<Output = ()> + Send
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    P: Clone + Send + Sync + 'static,
{
    let service = router.map_request(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer.clone()));
        request
    });
    async move {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(HEAD_BYTES)
            .max_headers(HEADERS);
        let connection = builder
            .serve_connection(
                TokioIo::new(Patient::new(io, PATIENCE)),
                TowerToHyperService::new(service),
            )
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stopped(&mut stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(place);
    }
}

/// Says that there is no room, to whoever listens for a moment.
async fn full(mut io: impl AsyncWrite + Unpin) {
    const PROBLEM: &str = "{\"status\":503,\"code\":\"overloaded\",\"title\":\"overloaded\",\
        \"detail\":\"too many connections\",\"hints\":[\"ask again after 1 s\"]}";
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
         retry-after: 1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{PROBLEM}",
        PROBLEM.len()
    );
    let said = async {
        io.write_all(answer.as_bytes()).await?;
        io.shutdown().await
    };
    // Whoever does not listen learns it from the end of the connection.
    let _unheard = tokio::time::timeout(Duration::from_secs(1), said).await;
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the server is gone altogether.
    let _gone = stop.wait_for(|stop| *stop).await;
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
