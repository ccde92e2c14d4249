//! The connection to the keeper, and the keeper's birth.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::hands::Options;
use crate::keeper::{READY, socket};
use crate::wire::{FromKeeper, ToKeeper, VERSION, line};

/// Two keepers can meet: one that is leaving and one that comes. So often is it tried again.
const TRIES: u32 = 8;
/// A keeper that does not greet within this time is not one.
const GREETING: Duration = Duration::from_secs(10);
/// What keepers have said on stderr; started anew beyond this size.
const LOG: &str = "keeper.log";
const LOG_BYTES: u64 = 1 << 20;
/// The keeper's own environment. It hands none of it on.
const KEEPER_ENVIRONMENT: [&str; 6] =
    ["PATH", "HOME", "LANG", "TMPDIR", "RUST_BACKTRACE", "LLVM_PROFILE_FILE"];

#[derive(Debug, Default)]
pub(super) struct Door {
    stream: Option<UnixStream>,
    /// Counts connections.
    connection: u64,
    closed: bool,
}

/// The other half: what the keeper says.
#[derive(Debug)]
pub(super) struct Listener {
    input: BufReader<UnixStream>,
    connection: u64,
    /// The keeper, if this worker has started it.
    keeper: Option<Child>,
}

impl Door {
    pub(super) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    pub(super) fn connection(&self) -> u64 {
        self.connection
    }

    pub(super) fn was_closed(&self) -> bool {
        self.closed
    }

    /// For good: the keeper goes on alone.
    pub(super) fn close(&mut self) {
        self.closed = true;
        if let Some(stream) = self.stream.take() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// The connection of this number has ended.
    pub(super) fn lost(&mut self, connection: u64) {
        if self.connection == connection {
            self.stream = None;
        }
    }

    pub(super) fn send(&mut self, message: &ToKeeper) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Err(io::ErrorKind::NotConnected.into()) };
        stream.write_all(&line(message)?)
    }

    /// Connects to the keeper, starting one when there is none and `start` says so; `None` when it
    /// does not.
    pub(super) fn open(&mut self, options: &Options, start: bool) -> io::Result<Option<Listener>> {
        if self.closed {
            return Err(io::Error::other("another worker has taken over this data folder"));
        }
        let folder = File::open(&options.data_dir)?;
        let mut keeper = None;
        let mut pause = Duration::from_millis(5);
        for _ in 0..TRIES {
            match greet(&socket(&folder)) {
                Ok(input) => {
                    self.stream = Some(input.get_ref().try_clone()?);
                    self.connection += 1;
                    let connection = self.connection;
                    return Ok(Some(Listener { input, connection, keeper }));
                }
                Err(Unreached::Absent) if !start => return Ok(None),
                Err(Unreached::Absent) => {}
                Err(Unreached::Other(error)) => return Err(error),
            }
            if let Some(mut before) = keeper.replace(give_birth(options)?) {
                // It found another at its place, or died: either way it has ended or will.
                let _ = before.wait();
            }
            if let Some(child) = &mut keeper
                && !is_ready(child)?
            {
                // Another keeper holds the lock: it is about to listen, or about to leave.
                std::thread::sleep(pause);
                pause *= 2;
            }
        }
        Err(io::Error::other(format!(
            "it does not answer; what it said is in `{}`",
            options.data_dir.join(LOG).display()
        )))
    }
}

impl Listener {
    /// `None` when the connection has ended.
    pub(super) fn next(&mut self) -> Option<FromKeeper> {
        let mut text = Vec::new();
        match self.input.read_until(b'\n', &mut text) {
            Ok(_) if text.ends_with(b"\n") => {}
            Ok(_) | Err(_) => return None,
        }
        serde_json::from_slice(&text)
            .inspect_err(|error| tracing::error!(%error, "the keeper cannot be understood"))
            .ok()
    }

    pub(super) fn connection(&self) -> u64 {
        self.connection
    }

    /// Clears away the keeper that has ended.
    pub(super) fn reap(self) {
        drop(self.input);
        if let Some(mut keeper) = self.keeper {
            let _ = keeper.wait();
        }
    }
}

enum Unreached {
    /// Nobody listens, or only somebody who is leaving.
    Absent,
    Other(io::Error),
}

fn greet(socket: &Path) -> Result<BufReader<UnixStream>, Unreached> {
    let absent = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::ConnectionRefused
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => Unreached::Absent,
        _ => Unreached::Other(error),
    };
    let mut stream = UnixStream::connect(socket).map_err(absent)?;
    stream.set_read_timeout(Some(GREETING)).map_err(absent)?;
    let hello = line(&ToKeeper::Hello { version: VERSION }).map_err(|e| absent(e.into()))?;
    stream.write_all(&hello).map_err(absent)?;
    let mut input = BufReader::new(stream);
    let mut text = String::new();
    if input.read_line(&mut text).map_err(absent)? == 0 {
        return Err(Unreached::Absent);
    }
    match serde_json::from_str(&text) {
        Ok(FromKeeper::Hello { version: VERSION, .. }) => {}
        Ok(_) | Err(_) => {
            return Err(Unreached::Other(io::Error::other(format!(
                "the keeper at work is of another version than {VERSION}; it leaves when its last \
                 stage has ended"
            ))));
        }
    }
    input.get_ref().set_read_timeout(None).map_err(absent)?;
    Ok(input)
}

fn give_birth(options: &Options) -> io::Result<Child> {
    // A disk that has no room for it is no reason not to have a keeper.
    let log = open_log(&options.data_dir.join(LOG)).map_or_else(|_| Stdio::null(), Stdio::from);
    let kept =
        options.environment.iter().filter(|(name, _)| KEEPER_ENVIRONMENT.contains(&&***name));
    Command::new(&options.keeper.program)
        .args(&options.keeper.args)
        .env_clear()
        .envs(kept)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .map_err(|error| {
            let program = options.keeper.program.display();
            io::Error::new(error.kind(), format!("could not run `{program}`: {error}"))
        })
}

fn open_log(path: &Path) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|log| log.len() > LOG_BYTES) {
        fs::remove_file(path)?;
    }
    File::options().create(true).append(true).open(path)
}

/// Waits until it says so, or has ended without.
fn is_ready(keeper: &mut Child) -> io::Result<bool> {
    let Some(stdout) = &mut keeper.stdout else { return Ok(false) };
    let mut said = [0; READY.len()];
    match stdout.read_exact(&mut said) {
        Ok(()) => Ok(said == READY.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
