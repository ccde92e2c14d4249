//! Sockets: the one in the data folder for this user, and TCP for whoever proves who they are.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;

/// Whoever is at the other end of a connection, by the kernel's word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    pub(crate) uid: Option<u32>,
    /// Of the process that opened the connection.
    pub(crate) pid: Option<u32>,
    /// Over TCP: theirs and ours.
    pub(crate) addresses: Option<(SocketAddr, SocketAddr)>,
}

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        let theirs = *stream.remote_addr();
        let ours = stream.io().local_addr().ok();
        Self { uid: None, pid: None, addresses: ours.map(|ours| (theirs, ours)) }
    }
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let cred = stream.io().peer_cred().ok();
        Self {
            uid: cred.as_ref().map(tokio::net::unix::UCred::uid),
            pid: cred.and_then(|cred| cred.pid()).and_then(|pid| u32::try_from(pid).ok()),
            addresses: None,
        }
    }
}

/// Serves until `stop` says so. The socket appears under its name with mode 0600 from its first
/// moment; a stale one of a killed process is replaced.
pub(crate) fn unix(path: &Path, router: Router, stop: watch::Receiver<bool>) -> io::Result<()> {
    // Not longer than the name it gets: paths of sockets are short.
    let fresh = path.with_file_name(format!(".{}", std::process::id()));
    remove(&fresh)?;
    let listener = UnixListener::bind(&fresh)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&fresh, path)?;
    let service = router.into_make_service_with_connect_info::<Peer>();
    tokio::spawn(async move {
        axum::serve(listener, service).with_graceful_shutdown(stopped(stop)).await
    });
    Ok(())
}

/// Serves until `stop` says so; the address bound (the port is chosen when 0 was asked).
pub(crate) async fn tcp(
    address: SocketAddr,
    router: impl FnOnce(SocketAddr) -> Router,
    stop: watch::Receiver<bool>,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let service = router(bound).into_make_service_with_connect_info::<Peer>();
    tokio::spawn(async move {
        axum::serve(listener, service).with_graceful_shutdown(stopped(stop)).await
    });
    Ok(bound)
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the server is gone altogether.
    let _gone = stop.wait_for(|stop| *stop).await;
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
