//! `orchestrate mcp --attempt`: passes lines between an agent's standard streams and the harness.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

use super::server::short;

/// Until either side ends. What is behind the socket is the server of one agent.
///
/// # Errors
/// When the harness is not there, or the connection breaks.
pub fn bridge(socket: &Path) -> io::Result<()> {
    let mut from = short(socket, UnixStream::connect)?;
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
