//! The carrier of one attempt.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use api::link::End;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::job::{Ended, Job};
use super::{Ending, Runtime, Trouble, open, pane};

/// As of programs that start others: it could not be started at all.
const NOT_STARTED: i32 = 125;
/// Nobody knows how it ended.
const UNKNOWN: i32 = 70;
/// A start is tried so often, with so much time in between.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);
/// After it was stopped, its last words are waited for so long.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Carries the attempt of this folder until it has ended; with `pane`, as the program inside its
/// pane of tmux. Ends with its exit code; how it ended in full stands in the folder.
pub fn run(folder: &Path, pane: bool) -> i32 {
    let job = match Job::read(folder) {
        Ok(job) => job,
        Err(error) => {
            say(&format!("what is to be carried cannot be read: {error}"));
            return UNKNOWN;
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            say(&format!("could not begin: {error}"));
            return UNKNOWN;
        }
    };
    let code = match pane {
        true => runtime.block_on(pane::run(&job)),
        false => runtime.block_on(carry(&job)),
    };
    runtime.shutdown_background();
    code
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Term,
    /// Somebody has typed it at the terminal: it is not for us.
    Interrupt,
    /// The terminal has gone.
    Hangup,
}

/// What asks a carrier, or what is inside a pane, to end.
pub(super) struct Term {
    term: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Term {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Until one of them comes.
    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.term.recv() => Asked::Term,
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.hangup.recv() => Asked::Hangup,
        }
    }

    async fn asked(&mut self) {
        while self.next().await != Asked::Term {}
    }
}

async fn carry(job: &Job) -> i32 {
    let (_, keys) = job.values();
    let place = open(job, keys);
    let ended = match Term::new() {
        Ok(term) => through(job, &*place, term).await,
        Err(error) => Ended { end: None, says: format!("could not listen to signals: {error}") },
    };
    if let Err(trouble) = place.clear().await {
        say(&format!("`{}` could not be taken away: {trouble}", job.name));
    }
    if let Err(error) = job.ended(&ended) {
        say(&format!("its end could not be written down: {error}"));
    }
    match ended.end {
        Some(End::Code(code)) => code & 0xff,
        Some(End::Signal(signal)) => 128 + signal,
        Some(End::Stopped(_)) | None => UNKNOWN,
    }
}

/// One that was cut off, by the TERM that is to end it or by a failing line, may have started it:
/// asked again, it finds what it started.
async fn begin(place: &dyn Runtime) -> Result<(), Trouble> {
    let mut tries = 0;
    loop {
        tries += 1;
        match place.start().await {
            Err(Trouble::Unreachable(_)) if tries < TRIES => tokio::time::sleep(PAUSE).await,
            done => return done,
        }
    }
}

/// From its start to its end.
async fn through(job: &Job, place: &dyn Runtime, mut term: Term) -> Ended {
    if let Err(error) = job.begins() {
        return Ended { end: None, says: format!("its folder cannot be written to: {error}") };
    }
    if let Err(trouble) = begin(place).await {
        say(&format!("`{}` could not be started: {trouble}", job.name));
        return Ended { end: Some(End::Code(NOT_STARTED)), says: trouble.to_string() };
    }
    let mut out = io::stdout();
    let followed = {
        let mut follow = place.follow(&mut out);
        tokio::select! {
            followed = &mut follow => followed,
            () = term.asked() => {
                let grace = Duration::from_millis(job.grace_ms);
                let stop = async {
                    let stopped = place.stop(grace).await;
                    if let Err(trouble) = &stopped {
                        say(&format!("`{}` could not be stopped: {trouble}", job.name));
                    }
                    tokio::time::sleep(LAST_WORDS).await;
                };
                tokio::select! {
                    followed = &mut follow => followed,
                    () = stop => Err(Trouble::Unreachable("it did not say how it ended".to_owned())),
                }
            }
        }
    };
    let _gone = out.flush();
    match followed {
        Ok(Ending::Ended(end)) => Ended { end: Some(end), says: String::new() },
        Ok(Ending::Gone(says)) => Ended { end: None, says },
        Err(trouble) => Ended { end: None, says: trouble.to_string() },
    }
}

/// Into the output of the attempt; whoever reads it may be gone.
fn say(text: &str) {
    let _gone = writeln!(io::stderr(), "orchestrate: {text}");
}
