//! A program with its streams: what it is told, line by line what it says, how it ends.

use std::collections::{BTreeMap, VecDeque};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::agent::{ErrorClass, Terminal};
use rustix::process::Signal;
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use worker::family::{Family, Start};

use crate::adapter::{Exit, Rest};
use crate::desk::Desk;

/// No line is longer, in bytes.
const MAX_LINE: usize = 16 << 20;
/// Nobody says more than this in all.
const MAX_TOTAL: u64 = 512 << 20;
/// Of what it says on standard error the end is kept.
const ERRORS: usize = 4 << 10;
/// What has been written is read for so long after the end.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// For whoever is asked to end.
const GRACE: Duration = Duration::from_millis(1000);
/// A program that has said its last word has so long to end by itself.
const ENDING: Duration = Duration::from_secs(10);

/// Ended with all that it started when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    desk: Arc<Desk>,
    family: Family,
    output: Option<pipe::Receiver>,
    /// Whole lines, and the beginning of the next.
    lines: VecDeque<Vec<u8>>,
    held: Vec<u8>,
    total: u64,
    errors: Arc<Mutex<Vec<u8>>>,
    to_write: Option<mpsc::Sender<Vec<u8>>>,
    status: Option<ExitStatus>,
}

/// What comes next on its standard output.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Line {
    /// With its text.
    Json(Json, String),
    /// Anything else; blank lines are passed over.
    Text(String),
    /// It said more than anybody reads.
    Flood(String),
    /// It has ended, or will say no more.
    End,
}

impl Program {
    /// # Errors
    /// In words, when it cannot be started.
    pub(crate) fn start(
        desk: &Arc<Desk>,
        argv: Vec<String>,
        env: BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let name = argv.first().cloned().unwrap_or_default();
        let start = Start {
            argv,
            env,
            working_dir: desk.room.job.workspace.clone().into(),
            input: true,
            split: true,
        };
        let mut family = Family::start(&start)
            .map_err(|error| format!("the program `{name}` cannot be started: {error}"))?;
        let errors = Arc::default();
        if let Some(pipe) = family.errors() {
            tokio::spawn(drain(pipe, Arc::clone(&errors)));
        }
        let to_write = family.input().map(|input| {
            let (to_write, writing) = mpsc::channel(64);
            tokio::spawn(write(writing, input));
            to_write
        });
        let output = family.output();
        Ok(Self {
            desk: Arc::clone(desk),
            family,
            output,
            lines: VecDeque::new(),
            held: Vec::new(),
            total: 0,
            errors,
            to_write,
            status: None,
        })
    }

    /// Onto its standard input. Whether it reads it is not waited for.
    pub(crate) async fn tell(&self, bytes: Vec<u8>) {
        if let Some(to_write) = &self.to_write {
            // Whoever does not read any more has ended, or will be ended.
            let _ = to_write.send(bytes).await;
        }
    }

    /// Nothing more is to come on its standard input.
    pub(crate) fn told(&mut self) {
        self.to_write = None;
    }

    pub(crate) async fn line(&mut self) -> Line {
        loop {
            if let Some(line) = self.lines.pop_front() {
                match understood(&line) {
                    Some(line) => return line,
                    None => continue,
                }
            }
            if self.held.len() > MAX_LINE {
                return Line::Flood(format!("a line of more than {MAX_LINE} bytes"));
            }
            if self.total > MAX_TOTAL {
                return Line::Flood(format!("more than {MAX_TOTAL} bytes"));
            }
            if !self.more().await {
                let rest = std::mem::take(&mut self.held);
                return understood(&rest).unwrap_or(Line::End);
            }
        }
    }

    /// Reads on; `false`: there is nothing more.
    async fn more(&mut self) -> bool {
        let Some(output) = &mut self.output else { return false };
        let mut buffer = vec![0; 64 << 10];
        let read = match self.status {
            // Others of the family may hold the pipe open.
            Some(_) => {
                let read = tokio::time::timeout(LAST_WORDS, output.read(&mut buffer)).await;
                read.unwrap_or(Ok(0))
            }
            None => tokio::select! {
                biased;
                read = output.read(&mut buffer) => read,
                status = self.family.wait() => {
                    self.status = status.ok();
                    if self.status.is_none() {
                        self.output = None;
                    }
                    return self.output.is_some();
                }
            },
        };
        match read {
            Ok(count @ 1..) => {
                self.desk.alive();
                self.total += count as u64;
                for piece in buffer[..count].split_inclusive(|&byte| byte == b'\n') {
                    self.held.extend_from_slice(piece);
                    if piece.ends_with(b"\n") {
                        self.lines.push_back(std::mem::take(&mut self.held));
                    }
                }
                true
            }
            Ok(0) | Err(_) => {
                self.output = None;
                false
            }
        }
    }

    /// The end of what it said on standard error.
    pub(crate) fn errors(&self) -> String {
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&errors).trim().to_owned()
    }

    /// Asks it to leave off, and waits until it has.
    pub(crate) async fn interrupt(&mut self) {
        self.family.signal(Signal::INT);
        let _ = self.family.wait().await;
    }

    /// Waits for its end, which it is given some time for, and ends all that is left of it.
    pub(crate) async fn finish(mut self) -> Exit {
        self.told();
        let waited = tokio::time::timeout(ENDING, self.family.wait()).await;
        if waited.is_err() {
            self.desk.warn("the program did not end after its last word; it was ended".to_owned());
        }
        self.end().await
    }

    /// Ends it and all that it started, now.
    pub(crate) async fn end(mut self) -> Exit {
        let status = match self.status {
            Some(status) => Some(status),
            None => {
                let now = tokio::time::timeout(Duration::ZERO, self.family.wait()).await;
                now.ok().and_then(Result::ok)
            }
        };
        let left = self.family.end(GRACE).await;
        if !left.is_empty() {
            let left = left.join(", ");
            self.desk.warn(format!("the program left processes behind, they were ended: {left}"));
        }
        Exit {
            code: status.and_then(|status| status.code()),
            signal: status.and_then(|status| status.signal()),
        }
    }
}

/// What comes of somebody who says more than anybody reads.
pub(crate) fn flooded(what: &str) -> Rest {
    let message = format!("it wrote {what}");
    let terminal = Some(Terminal::Error { class: ErrorClass::OutputLimit, message });
    Rest { terminal, ..Rest::default() }
}

fn understood(line: &[u8]) -> Option<Line> {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\n', '\r']);
    if text.trim().is_empty() {
        return None;
    }
    Some(match serde_json::from_str(text) {
        Ok(json) => Line::Json(json, text.to_owned()),
        Err(_) => Line::Text(text.to_owned()),
    })
}

async fn drain(mut pipe: pipe::Receiver, errors: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = vec![0; 8 << 10];
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        let mut errors = errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.extend_from_slice(&buffer[..count]);
        let over = errors.len().saturating_sub(ERRORS);
        errors.drain(..over);
    }
}

async fn write(mut writing: mpsc::Receiver<Vec<u8>>, mut input: pipe::Sender) {
    while let Some(bytes) = writing.recv().await {
        if input.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
