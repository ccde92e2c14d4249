//! The tools of the house for an agent that is a program of its own. It reaches them over a socket in
//! the attempt's folder, by way of `orchestrate mcp --attempt`, which it starts as an MCP server.

use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::{Lines, NO_SUCH_METHOD, VERSIONS, WRONG_PARAMS, answer, approve, line, refusal};
use crate::desk::Desk;
use crate::desk::result::Schema;
use crate::tools::house;

/// Who waits for a person is told so often that the call is alive.
const STILL_THERE: Duration = Duration::from_secs(15);

/// Open as long as this is held.
#[derive(Debug)]
pub(crate) struct Server {
    socket: PathBuf,
    task: AbortHandle,
}

/// What is offered beside the tools of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    House,
    /// Also `approve`, by which `claude` asks whether it may use a tool of its own.
    HouseAndApproval,
}

impl Server {
    /// Opens a socket for this agent in the attempt's folder.
    pub(crate) fn open(desk: Arc<Desk>, offered: Offered) -> io::Result<Self> {
        let socket = desk.room.folder.join(format!("mcp-{}.sock", desk.session));
        let _ = std::fs::remove_file(&socket);
        let listener = short(&socket, |path| UnixListener::bind(path))?;
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600))?;
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(Arc::clone(&desk), offered, stream));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { socket, task: task.abort_handle() })
    }

    /// The words that start the MCP server which leads here, for the configuration of an agent.
    ///
    /// # Errors
    /// When this program does not know where it lies.
    pub(crate) fn command(&self) -> io::Result<Vec<String>> {
        let program = std::env::current_exe()?.display().to_string();
        let socket = self.socket.display().to_string();
        Ok(vec![program, "mcp".to_owned(), "--attempt".to_owned(), socket])
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// Names of sockets are short, folders of attempts are not: the folder is named by a descriptor.
pub(super) fn short<T>(
    socket: &Path,
    work: impl FnOnce(PathBuf) -> io::Result<T>,
) -> io::Result<T> {
    let (Some(folder), Some(name)) = (socket.parent(), socket.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = std::fs::File::open(folder)?;
    let mut path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    path.push(name);
    work(path)
}

async fn serve(desk: Arc<Desk>, offered: Offered, stream: UnixStream) {
    let (mut reading, mut writing) = stream.into_split();
    let (answers, mut to_write) = mpsc::channel::<Json>(64);
    let write = async {
        while let Some(message) = to_write.recv().await {
            if writing.write_all(&line(&message)).await.is_err() {
                break;
            }
        }
    };
    let read = async {
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
                let (desk, answers) = (Arc::clone(&desk), answers.clone());
                calls.spawn(async move {
                    if let Some(said) = respond(&desk, offered, &message, &answers).await {
                        let _ = answers.send(said).await;
                    }
                });
            }
            while calls.try_join_next().is_some() {}
        }
        // Whoever has gone needs no answer; what is under way ends with the set.
    };
    tokio::select! {
        () = read => {}
        () = write => {}
    }
}

/// `None`: a notification.
async fn respond(
    desk: &Arc<Desk>,
    offered: Offered,
    message: &Json,
    progress: &mpsc::Sender<Json>,
) -> Option<Json> {
    let id = message.get("id")?;
    let params = &message["params"];
    Some(match message["method"].as_str().unwrap_or_default() {
        "initialize" => {
            let wanted = params["protocolVersion"].as_str().unwrap_or_default();
            let version = VERSIONS.iter().find(|v| **v == wanted).unwrap_or(&VERSIONS[0]);
            answer(
                id,
                json!({
                    "protocolVersion": version,
                    "capabilities": { "tools": {} },
                    "serverInfo": { "name": "orchestrate", "version": env!("CARGO_PKG_VERSION") },
                }),
            )
        }
        "ping" => answer(id, json!({})),
        "tools/list" => answer(id, json!({ "tools": list(desk, offered) })),
        "tools/call" => {
            let token = &params["_meta"]["progressToken"];
            let work = call(desk, offered, params);
            let done = while_alive(work, token, progress).await;
            match done {
                Some(result) => answer(id, result),
                None => {
                    let name = params["name"].as_str().unwrap_or_default();
                    refusal(id, WRONG_PARAMS, &format!("there is no tool `{name}`"))
                }
            }
        }
        method => refusal(id, NO_SUCH_METHOD, &format!("there is no method `{method}`")),
    })
}

/// Waits for an answer that may take days, and says now and then that it is still to come.
async fn while_alive<T>(
    work: impl Future<Output = T>,
    token: &Json,
    progress: &mpsc::Sender<Json>,
) -> T {
    tokio::pin!(work);
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

fn list(desk: &Desk, offered: Offered) -> Vec<Json> {
    let tool = |name: &str, description: &str, schema: &Json| json!({ "name": name, "description": description, "inputSchema": schema });
    let mut tools: Vec<Json> = house::offers(desk)
        .iter()
        .map(|offer| tool(offer.name, &offer.description, &offer.schema))
        .collect();
    if offered == Offered::HouseAndApproval {
        tools.push(tool(approve::NAME, approve::DESCRIPTION, &approve::schema()));
    }
    tools
}

/// `None`: there is no such tool.
async fn call(desk: &Arc<Desk>, offered: Offered, params: &Json) -> Option<Json> {
    desk.alive();
    let name = params["name"].as_str().unwrap_or_default();
    let empty = json!({});
    let input = params.get("arguments").filter(|input| !input.is_null()).unwrap_or(&empty);
    if name == approve::NAME && offered == Offered::HouseAndApproval {
        return Some(text(true, &approve::decide(desk, input).await.to_string()));
    }
    let offer = house::offers(desk).into_iter().find(|offer| offer.name == name)?;
    let problems = match Schema::new(&offer.schema) {
        Ok(schema) => schema.problems(input),
        Err(error) => vec![error],
    };
    if !problems.is_empty() {
        let message = format!("the arguments do not fit:\n{}", problems.join("\n"));
        return Some(text(false, &message));
    }
    let output = house::call(desk, offer.house, input).await;
    Some(text(output.ok, &desk.room.veil.text(&output.text)))
}

fn text(ok: bool, text: &str) -> Json {
    json!({ "content": [{ "type": "text", "text": text }], "isError": !ok })
}
