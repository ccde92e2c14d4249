//! The Model Context Protocol, both ways: servers that our own agents use (`client`), and the tools of
//! the house for agents that are programs of others (`server`, reached over `bridge`).
//!
//! JSON-RPC 2.0, a message a line.

pub(crate) mod approve;
pub(crate) mod bridge;
pub(crate) mod client;
pub(crate) mod server;
pub(crate) mod speak;
#[cfg(test)]
mod tests;

use serde_json::{Value as Json, json};

/// Revisions of the protocol that are spoken here, the newest first.
const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// No message is longer.
const MAX_LINE: usize = 16 << 20;

const NO_SUCH_METHOD: i64 = -32601;
const WRONG_PARAMS: i64 = -32602;

fn answer(id: &Json, result: Json) -> Json {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

fn refusal(id: &Json, code: i64, message: &str) -> Json {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

fn line(message: &Json) -> Vec<u8> {
    let mut line = message.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Reads whole lines from what arrives in pieces, at most so long that nothing is flooded.
#[derive(Debug, Default)]
struct Lines {
    held: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
#[error("a message is longer than {MAX_LINE} bytes")]
struct TooLong;

impl Lines {
    /// The messages that are complete now; a line that is no JSON is passed over: some servers write
    /// their log between messages.
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Json>, TooLong> {
        let mut found = Vec::new();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.held.extend_from_slice(piece);
            if self.held.len() > MAX_LINE {
                return Err(TooLong);
            }
            if self.held.ends_with(b"\n") {
                found.extend(serde_json::from_slice(&self.held).ok());
                self.held.clear();
            }
        }
        Ok(found)
    }
}
