//! A connection from a worker.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use crate::wire::{FromKeeper, LONGEST, ToKeeper, line};

/// Beyond this much unsent, reports of growing output are left out: the next one says it all.
const CROWDED: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Client {
    pub(super) stream: UnixStream,
    input: Vec<u8>,
    output: Vec<u8>,
    /// Whether it is waited for that the stream takes more.
    pub(super) writable_watched: bool,
}

/// What came in, and whether more can come.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) messages: Vec<ToKeeper>,
    pub(super) open: bool,
}

impl Client {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self { stream, input: Vec::new(), output: Vec::new(), writable_watched: false }
    }

    /// All that can be read without waiting.
    pub(super) fn hear(&mut self) -> Heard {
        let mut open = true;
        let mut buffer = [0; 16 << 10];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => open = false,
                Ok(count) => {
                    self.input.extend_from_slice(&buffer[..count]);
                    if self.input.len() <= LONGEST {
                        continue;
                    }
                    tracing::warn!("a worker sent a message beyond all bounds");
                    open = false;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => open = false,
            }
            break;
        }
        let mut messages = Vec::new();
        let mut from = 0;
        while let Some(length) = self.input[from..].iter().position(|&b| b == b'\n') {
            match serde_json::from_slice(&self.input[from..from + length]) {
                Ok(message) => messages.push(message),
                Err(error) => {
                    tracing::warn!(%error, "a worker sent what no worker of this version sends");
                    open = false;
                }
            }
            from += length + 1;
        }
        self.input.drain(..from);
        Heard { messages, open }
    }

    /// Queues a message and sends what the stream takes.
    pub(super) fn tell(&mut self, message: &FromKeeper) {
        if self.output.len() > CROWDED && matches!(message, FromKeeper::Output { .. }) {
            return;
        }
        match line(message) {
            Ok(line) => self.output.extend_from_slice(&line),
            Err(error) => tracing::error!(%error, "could not write a message to the worker"),
        }
        self.send();
    }

    /// Sends what the stream takes. A broken one shows when it is read.
    pub(super) fn send(&mut self) {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(count) => drop(self.output.drain(..count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    }

    pub(super) fn has_unsent(&self) -> bool {
        !self.output.is_empty()
    }
}
