//! Signals, and single keys of a terminal.

use std::io::Read as _;

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::error::{Failure, Result};

/// What asks this process to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C
    Interrupt,
    Terminate,
    /// The terminal has gone.
    HangUp,
}

impl Signal {
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
        }
    }
}

/// Signals, from the moment this exists.
#[derive(Debug)]
pub struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hang_up: unix::Signal,
}

impl Signals {
    /// Must be called inside a tokio runtime.
    pub fn new() -> Result<Self> {
        let listen = |kind| {
            unix::signal(kind).map_err(|error| Failure::internal("listen to signals", &error))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.hang_up.recv() => Signal::HangUp,
        }
    }
}

/// Keys as they are pressed. The terminal is put back when this is dropped.
#[derive(Debug)]
pub struct Keyboard {
    before: Termios,
    keys: UnboundedReceiver<u8>,
}

impl Keyboard {
    /// `None` when stdin is no terminal of ours, or we are in its background.
    pub fn open() -> Option<Self> {
        let stdin = std::io::stdin();
        let in_front = rustix::termios::tcgetpgrp(&stdin).ok()? == rustix::process::getpgrp();
        let before = rustix::termios::tcgetattr(&stdin).ok()?;
        if !in_front {
            return None;
        }
        let mut single = before.clone();
        // Ctrl-C stays a signal.
        single.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        single.special_codes[SpecialCodeIndex::VMIN] = 1;
        single.special_codes[SpecialCodeIndex::VTIME] = 0;
        rustix::termios::tcsetattr(&stdin, OptionalActions::Now, &single).ok()?;
        let (sender, keys) = unbounded_channel();
        let keyboard = Self { before, keys };
        // Blocks in its read until the process ends: nothing waits for it.
        std::thread::Builder::new()
            .name("keys".to_owned())
            .spawn(move || {
                let mut key = [0];
                while matches!(std::io::stdin().lock().read(&mut key), Ok(1)) {
                    if sender.send(key[0]).is_err() {
                        return;
                    }
                }
            })
            .ok()?;
        Some(keyboard)
    }

    /// Never resolves once the terminal has gone.
    pub async fn next(&mut self) -> u8 {
        match self.keys.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

/// The terminal as it was, for a line that is typed; single keys come back when it is dropped.
#[derive(Debug)]
pub struct Line<'k> {
    keyboard: &'k mut Keyboard,
    single: Termios,
}

impl<'k> Line<'k> {
    pub fn open(keyboard: &'k mut Keyboard) -> Result<Self> {
        let failed = |error: rustix::io::Errno| {
            Failure::internal("set the terminal up", &std::io::Error::from(error))
        };
        let stdin = std::io::stdin();
        let single = rustix::termios::tcgetattr(&stdin).map_err(failed)?;
        let mut whole = keyboard.before.clone();
        // Ctrl-D would read as the end of the terminal.
        whole.special_codes[SpecialCodeIndex::VEOF] = 0;
        rustix::termios::tcsetattr(&stdin, OptionalActions::Now, &whole).map_err(failed)?;
        Ok(Self { keyboard, single })
    }

    /// Without its end; `None` once the terminal has gone.
    pub async fn read(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        loop {
            match self.keyboard.keys.recv().await? {
                b'\n' => return Some(String::from_utf8_lossy(&bytes).into_owned()),
                byte => bytes.push(byte),
            }
        }
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        // A terminal that has gone needs no putting back.
        let _gone =
            rustix::termios::tcsetattr(std::io::stdin(), OptionalActions::Now, &self.single);
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        // A terminal that has gone needs no putting back.
        let _gone =
            rustix::termios::tcsetattr(std::io::stdin(), OptionalActions::Now, &self.before);
    }
}
