//! Programs that runtimes call: a question on standard input, an answer on standard output.

use std::io::{self, Read, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{PidfdFlags, Signal, pidfd_open};

use crate::tree;

/// Of what a program says; the rest of it is not read.
const LONGEST: u64 = 16 << 20;

/// Killed when it is not waited for any more.
struct Held(OwnedFd);

impl Drop for Held {
    fn drop(&mut self) {
        tree::signal(&self.0, Signal::KILL);
    }
}

/// Runs it to its end, at most so long.
pub(crate) async fn run(
    mut command: Command,
    input: Vec<u8>,
    longest: Duration,
) -> io::Result<Output> {
    let piped = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    let child = command.stdin(piped).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let number = tree::number(child.id()).ok_or(Errno::INVAL)?;
    // Not reaped before it is waited for: the number is its own.
    let held = Held(pidfd_open(number, PidfdFlags::empty())?);
    let work = tokio::task::spawn_blocking(move || finish(child, &input));
    let done = tokio::time::timeout(longest, work).await;
    drop(held);
    match done {
        Ok(done) => done.map_err(io::Error::other)?,
        Err(_) => {
            let seconds = longest.as_secs();
            let problem = format!("it did not end within {seconds} seconds");
            Err(io::Error::new(io::ErrorKind::TimedOut, problem))
        }
    }
}

fn finish(mut child: Child, input: &[u8]) -> io::Result<Output> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = thread::scope(|scope| {
        scope.spawn(move || {
            // One that does not listen says so by how it ends.
            let _deaf = stdin.map(|mut stdin| stdin.write_all(input));
        });
        let stderr = scope.spawn(move || all(stderr));
        let stdout = all(stdout);
        let stderr = stderr.join().unwrap_or_else(|_| Ok(Vec::new()));
        (stdout, stderr)
    });
    let status = child.wait()?;
    Ok(Output { status, stdout: stdout?, stderr: stderr? })
}

fn all(from: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(LONGEST).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
