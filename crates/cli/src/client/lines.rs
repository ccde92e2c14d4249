//! Newline-delimited JSON as it arrives.

use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;

use crate::error::{Failure, Result};
use crate::exit::Exit;

/// A feed that is being read.
#[derive(Debug)]
pub struct Lines {
    body: BodyDataStream,
    buffer: Vec<u8>,
    /// Bytes of the buffer that have been read, and searched for the end of a line.
    read: usize,
    searched: usize,
    ended: bool,
}

impl Lines {
    pub fn new(body: Body) -> Self {
        Self {
            body: body.into_data_stream(),
            buffer: Vec::new(),
            read: 0,
            searched: 0,
            ended: false,
        }
    }

    /// The next record; `None` when the feed has ended. A cut connection is `Unreachable`.
    /// Cancel-safe: nothing is lost when the future is dropped.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        loop {
            let fresh = &self.buffer[self.searched..];
            if let Some(found) = fresh.iter().position(|byte| *byte == b'\n') {
                let end = self.searched + found;
                let line = self.read..end;
                (self.read, self.searched) = (end + 1, end + 1);
                let line = self.buffer[line].trim_ascii();
                if line.is_empty() {
                    continue;
                }
                return serde_json::from_slice(line)
                    .map(Some)
                    .map_err(|error| Failure::internal("understand the feed", &error));
            }
            self.buffer.drain(..self.read);
            (self.read, self.searched) = (0, self.buffer.len());
            if self.ended {
                return Ok(None);
            }
            match self.body.next().await {
                Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
                Some(Err(error)) => {
                    return Err(Failure::new(
                        Exit::Unreachable,
                        format!("the connection broke: {error}"),
                    ));
                }
                None => {
                    self.ended = true;
                    if !self.buffer.is_empty() {
                        self.searched = self.buffer.len();
                        self.buffer.push(b'\n');
                    }
                }
            }
        }
    }
}
