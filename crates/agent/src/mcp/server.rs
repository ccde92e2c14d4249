//! The tools of the house for an agent that is a program of its own. It reaches them over a socket in
//! the attempt's folder, by way of `orchestrate mcp --attempt`, which it starts as an MCP server.

use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;
use tokio::net::UnixListener;
use tokio::task::{AbortHandle, JoinSet};

use super::approve;
use super::speak::{self, AtEnd, Calling, Tools, said, serve};
use crate::desk::Desk;
use crate::desk::result::Schema;
use crate::tools::house;

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
                let house = Arc::new(House { desk: Arc::clone(&desk), offered });
                let (reading, writing) = stream.into_split();
                connections.spawn(serve(house, reading, writing, AtEnd::Leave));
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

    #[cfg(test)]
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

/// What an agent is offered.
struct House {
    desk: Arc<Desk>,
    offered: Offered,
}

impl Tools for House {
    fn list(&self) -> Vec<Json> {
        list(&self.desk, self.offered)
    }

    fn call<'a>(&'a self, name: &'a str, input: &'a Json) -> Calling<'a> {
        Box::pin(call(&self.desk, self.offered, name, input))
    }
}

fn list(desk: &Desk, offered: Offered) -> Vec<Json> {
    let mut tools: Vec<Json> = house::offers(desk)
        .iter()
        .map(|offer| speak::offered(offer.name, &offer.description, &offer.schema))
        .collect();
    if offered == Offered::HouseAndApproval {
        tools.push(speak::offered(approve::NAME, approve::DESCRIPTION, &approve::schema()));
    }
    tools
}

/// `None`: there is no such tool.
async fn call(desk: &Arc<Desk>, offered: Offered, name: &str, input: &Json) -> Option<Json> {
    desk.alive();
    if name == approve::NAME && offered == Offered::HouseAndApproval {
        return Some(said(true, &approve::decide(desk, input).await.to_string()));
    }
    let offer = house::offers(desk).into_iter().find(|offer| offer.name == name)?;
    let problems = match Schema::new(&offer.schema) {
        Ok(schema) => schema.problems(input),
        Err(error) => vec![error],
    };
    if !problems.is_empty() {
        let message = format!("the arguments do not fit:\n{}", problems.join("\n"));
        return Some(said(false, &message));
    }
    let output = house::call(desk, offer.house, input).await;
    Some(said(output.ok, &desk.room.veil.text(&output.text)))
}
