//! An MCP server: a message a line, both ways; what it offers is said by [`Tools`].

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Lines, NO_SUCH_METHOD, VERSIONS, WRONG_PARAMS, answer, line, refusal};

/// Who waits for a call is told so often that it is alive.
const STILL_THERE: Duration = Duration::from_secs(15);

/// What came of a call, as `tools/call` answers it; `None`: there is no such tool.
pub type Calling<'a> = Pin<Box<dyn Future<Output = Option<Json>> + Send + 'a>>;

/// What a server offers.
pub trait Tools: Send + Sync + 'static {
    /// As `tools/list` shows them.
    fn list(&self) -> Vec<Json>;

    fn call<'a>(&'a self, name: &'a str, input: &'a Json) -> Calling<'a>;

    /// For whoever uses them.
    fn instructions(&self) -> Option<&str> {
        None
    }
}

/// What becomes of calls that are under way when the client says no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// They end: whoever has gone needs no answer.
    Leave,
    /// They are answered.
    Finish,
}

/// What a tool says: text, and whether it could do what it was asked for.
pub fn said(ok: bool, text: &str) -> Json {
    json!({ "content": [{ "type": "text", "text": text }], "isError": !ok })
}

/// As `tools/list` shows a tool.
pub fn offered(name: &str, description: &str, schema: &Json) -> Json {
    json!({ "name": name, "description": description, "inputSchema": schema })
}

/// Until the client has gone.
pub(crate) async fn serve(
    tools: Arc<dyn Tools>,
    mut reading: impl AsyncRead + Unpin,
    mut writing: impl AsyncWrite + Unpin,
    at_end: AtEnd,
) {
    let (answers, mut to_write) = mpsc::channel::<Json>(64);
    let write = async {
        while let Some(message) = to_write.recv().await {
            if writing.write_all(&line(&message)).await.is_err() {
                break;
            }
        }
    };
    // It takes `answers` along: what is left is written when it has ended.
    let read = async move {
        let mut calls = JoinSet::new();
        let mut lines = Lines::default();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = match reading.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(count) => count,
            };
            let Ok(messages) = lines.push(&buffer[..count]) else { break };
            for message in messages {
                let (tools, answers) = (Arc::clone(&tools), answers.clone());
                calls.spawn(async move {
                    if let Some(said) = respond(&*tools, &message, &answers).await {
                        let _ = answers.send(said).await;
                    }
                });
            }
            while calls.try_join_next().is_some() {}
        }
        if at_end == AtEnd::Finish {
            while calls.join_next().await.is_some() {}
        }
    };
    tokio::select! {
        () = write => {}
        () = async { read.await; std::future::pending().await } => {}
    }
}

/// `None`: a notification.
async fn respond(tools: &dyn Tools, message: &Json, progress: &mpsc::Sender<Json>) -> Option<Json> {
    let id = message.get("id")?;
    let params = &message["params"];
    Some(match message["method"].as_str().unwrap_or_default() {
        "initialize" => {
            let wanted = params["protocolVersion"].as_str().unwrap_or_default();
            let version = VERSIONS.iter().find(|v| **v == wanted).unwrap_or(&VERSIONS[0]);
            let mut result = json!({
                "protocolVersion": version,
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "orchestrate", "version": env!("CARGO_PKG_VERSION") },
            });
            if let Some(text) = tools.instructions() {
                result["instructions"] = Json::from(text);
            }
            answer(id, result)
        }
        "ping" => answer(id, json!({})),
        "tools/list" => answer(id, json!({ "tools": tools.list() })),
        "tools/call" => {
            let name = params["name"].as_str().unwrap_or_default();
            let empty = json!({});
            let input = params.get("arguments").filter(|input| !input.is_null()).unwrap_or(&empty);
            let token = &params["_meta"]["progressToken"];
            match while_alive(tools.call(name, input), token, progress).await {
                Some(result) => answer(id, result),
                None => refusal(id, WRONG_PARAMS, &format!("there is no tool `{name}`")),
            }
        }
        method => refusal(id, NO_SUCH_METHOD, &format!("there is no method `{method}`")),
    })
}

/// Waits for an answer that may take days, and says now and then that it is still to come.
async fn while_alive<T>(
    mut work: impl Future<Output = T> + Unpin,
    token: &Json,
    progress: &mpsc::Sender<Json>,
) -> T {
    let mut told = 0_u64;
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep(STILL_THERE), if !token.is_null() => {
                told += 1;
                let params = json!({ "progressToken": token, "progress": told });
                let method = "notifications/progress";
                let note = json!({ "jsonrpc": "2.0", "method": method, "params": params });
                let _ = progress.send(note).await;
            }
        }
    }
}
