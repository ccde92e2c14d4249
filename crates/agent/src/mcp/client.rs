//! An MCP server that an agent's definition names: a child of ours, spoken to over its streams.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::agent::McpServer;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use worker::family::{Family, Start};

use super::{Lines, NO_SUCH_METHOD, VERSIONS, answer, line, refusal};
use crate::desk::Desk;
use crate::environment;

/// A server has so long to say what it is and what it offers.
const GREETING: Duration = Duration::from_secs(30);
/// No server offers more; each of them costs room in every call of the model.
const MAX_TOOLS: usize = 200;

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) name: String,
    pub(crate) tools: Vec<Remote>,
    line: Line,
    reading: AbortHandle,
    /// Ends with us.
    _family: Family,
}

/// A tool of a server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Remote {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) schema: Json,
    pub(crate) reads_only: bool,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("it cannot be started: {0}")]
    Start(#[from] io::Error),
    #[error("it did not answer in {} s", GREETING.as_secs())]
    Silent,
    #[error("it has ended")]
    Gone,
    #[error("it refused: {0}")]
    Refused(String),
}

/// Requests and their answers over the streams of a server.
#[derive(Clone, Debug)]
struct Line {
    to_write: mpsc::Sender<Json>,
    waiting: Arc<Mutex<Waiting>>,
    next: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Waiting {
    answers: HashMap<u64, oneshot::Sender<Result<Json, String>>>,
    gone: bool,
}

impl Client {
    pub(crate) async fn start(desk: &Arc<Desk>, server: &McpServer) -> Result<Self, Problem> {
        let mut env = environment::of_tools(&desk.room.job);
        env.extend(server.env.clone());
        let mut family = Family::start(&Start {
            argv: server.command.clone(),
            env,
            working_dir: desk.room.job.workspace.clone().into(),
            input: true,
            split: true,
        })?;
        let (Some(input), Some(output)) = (family.input(), family.output()) else {
            return Err(Problem::Gone);
        };
        let errors = family.errors();
        let (to_write, writing) = mpsc::channel(64);
        let line = Line { to_write, waiting: Arc::default(), next: Arc::new(AtomicU64::new(1)) };
        let task = tokio::spawn(converse(line.clone(), writing, input, output, errors));
        let mut client = Self {
            name: server.name.clone(),
            tools: Vec::new(),
            line,
            reading: task.abort_handle(),
            _family: family,
        };
        let greeting = tokio::time::timeout(GREETING, client.greet());
        client.tools = greeting.await.map_err(|_| Problem::Silent)??;
        Ok(client)
    }

    async fn greet(&self) -> Result<Vec<Remote>, Problem> {
        let hello = json!({
            "protocolVersion": VERSIONS[0],
            "capabilities": {},
            "clientInfo": { "name": "orchestrate", "version": env!("CARGO_PKG_VERSION") },
        });
        self.line.request("initialize", hello).await?;
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        self.line.to_write.send(ready).await.map_err(|_| Problem::Gone)?;
        let mut tools = Vec::new();
        let mut cursor = Json::Null;
        loop {
            let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
            let page = self.line.request("tools/list", params).await?;
            tools.extend(page["tools"].as_array().into_iter().flatten().filter_map(remote));
            cursor = page["nextCursor"].clone();
            if cursor.is_null() || tools.len() >= MAX_TOOLS {
                tools.truncate(MAX_TOOLS);
                return Ok(tools);
            }
        }
    }

    /// What the tool says, and whether it is no error.
    pub(crate) async fn call(&self, tool: &str, input: &Json) -> Result<(bool, String), Problem> {
        let params = json!({ "name": tool, "arguments": input });
        let result = self.line.request("tools/call", params).await?;
        let parts = result["content"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut texts: Vec<String> = parts.iter().map(shown).collect();
        if texts.is_empty() && !result["structuredContent"].is_null() {
            texts.push(result["structuredContent"].to_string());
        }
        Ok((!result["isError"].as_bool().unwrap_or(false), texts.join("\n")))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

fn remote(tool: &Json) -> Option<Remote> {
    Some(Remote {
        name: tool["name"].as_str()?.to_owned(),
        description: tool["description"].as_str().unwrap_or_default().to_owned(),
        schema: tool.get("inputSchema").cloned().unwrap_or_else(|| json!({ "type": "object" })),
        reads_only: tool["annotations"]["readOnlyHint"].as_bool().unwrap_or(false),
    })
}

fn shown(part: &Json) -> String {
    match (part["type"].as_str(), part["text"].as_str()) {
        (_, Some(text)) => text.to_owned(),
        (Some("resource"), None) => {
            part["resource"]["text"].as_str().unwrap_or("[a resource]").to_owned()
        }
        (kind, None) => format!("[{}]", kind.unwrap_or("something unknown")),
    }
}

impl Line {
    async fn request(&self, method: &str, params: Json) -> Result<Json, Problem> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        {
            let mut waiting = self.waiting();
            if waiting.gone {
                return Err(Problem::Gone);
            }
            waiting.answers.insert(id, sender);
        }
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.to_write.send(message).await.map_err(|_| Problem::Gone)?;
        match answer.await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(message)) => Err(Problem::Refused(message)),
            Err(_) => Err(Problem::Gone),
        }
    }

    /// What to say to a message of the server, if anything.
    fn take(&self, message: &Json) -> Option<Json> {
        let id = message.get("id")?;
        if let Some(method) = message["method"].as_str() {
            return Some(match method {
                "ping" => answer(id, json!({})),
                _ => refusal(id, NO_SUCH_METHOD, "this client offers nothing"),
            });
        }
        let waiting = self.waiting().answers.remove(&id.as_u64()?)?;
        let error = message.get("error").filter(|error| !error.is_null());
        let _ = waiting.send(match error {
            None => Ok(message["result"].clone()),
            Some(error) => Err(error["message"].as_str().unwrap_or("no reason given").to_owned()),
        });
        None
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Until the server ends.
async fn converse(
    line_: Line,
    mut writing: mpsc::Receiver<Json>,
    mut input: pipe::Sender,
    mut output: pipe::Receiver,
    errors: Option<pipe::Receiver>,
) {
    let write = async {
        while let Some(message) = writing.recv().await {
            if input.write_all(&line(&message)).await.is_err() {
                break;
            }
        }
    };
    let read = async {
        let mut lines = Lines::default();
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = output.read(&mut buffer).await {
            let Ok(messages) = lines.push(&buffer[..count]) else { break };
            for message in &messages {
                if let Some(said) = line_.take(message) {
                    let _ = line_.to_write.send(said).await;
                }
            }
        }
    };
    // Its log is read so that it does not block, and kept by nobody.
    let drain = async {
        let mut buffer = vec![0; 8 << 10];
        if let Some(mut errors) = errors {
            while let Ok(1..) = errors.read(&mut buffer).await {}
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = write => {}
        () = read => {}
        () = drain => {}
    }
    let mut waiting = line_.waiting();
    waiting.gone = true;
    // Whoever waits hears that nobody answers.
    waiting.answers.clear();
}
