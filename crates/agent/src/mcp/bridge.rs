//! `orchestrate mcp --attempt`: passes lines between an agent's standard streams and the harness.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use super::server::short;
use super::speak::{self, AtEnd, Tools};

/// Until either side ends. What is behind the socket is the server of one agent.
///
/// # Errors
/// When the harness is not there, or the connection breaks.
pub fn bridge(socket: &Path) -> io::Result<()> {
    pass(short(socket, UnixStream::connect)?)
}

/// An MCP server on the standard streams, until its client has gone.
///
/// # Errors
/// When no server can be set up, or the streams break.
pub fn serve(tools: Arc<dyn Tools>) -> io::Result<()> {
    let (ours, theirs) = UnixStream::pair()?;
    theirs.set_nonblocking(true)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.spawn(async move {
        // It is registered with the runtime that it is made in.
        match tokio::net::UnixStream::from_std(theirs) {
            Ok(stream) => {
                let (reading, writing) = stream.into_split();
                speak::serve(tools, reading, writing, AtEnd::Finish).await;
            }
            Err(error) => tracing::error!(%error, "nobody can be served"),
        }
    });
    let passed = pass(ours);
    runtime.shutdown_background();
    passed
}

/// Passes lines between the standard streams and a socket.
fn pass(mut from: UnixStream) -> io::Result<()> {
    let mut to = from.try_clone()?;
    // It ends with its input, or with the process.
    thread::Builder::new().name("up".into()).spawn(move || {
        let passed = io::copy(&mut io::stdin().lock(), &mut to);
        if let Err(error) = passed {
            tracing::debug!(%error, "the harness has gone");
        }
        let _ = to.shutdown(Shutdown::Write);
    })?;
    let mut buffer = vec![0; 64 << 10];
    let mut out = io::stdout().lock();
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                out.write_all(&buffer[..count])?;
                out.flush()?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
