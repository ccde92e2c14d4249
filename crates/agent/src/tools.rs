//! The hands of our own agents: what the model is offered, and what happens when it calls.
//!
//! Whatever goes wrong with a call is an answer to the model, never an error of the harness.

mod bash;
mod calls;
mod files;
mod grants;
pub(crate) mod house;
pub(crate) mod output;
pub(crate) mod place;
mod search;

use std::path::Path;
use std::sync::Arc;

use api::agent::ToolKind;
use serde_json::Value as Json;

use crate::desk::result::Schema;
use crate::desk::{Call, Desk, Where};
use crate::mcp::client::Client;
use crate::memory::Problem;
use calls::{Calls, Known};
pub(crate) use output::Output;
use place::Place;

/// Something that a model may call.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) description: String,
    /// Of its arguments.
    pub(crate) schema: Json,
    pub(crate) kind: ToolKind,
    /// A call that was interrupted may be made again, and calls beside each other do no harm.
    pub(crate) harmless: bool,
    hand: Hand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hand {
    Read,
    List,
    Write,
    Edit,
    Glob,
    Grep,
    Bash,
    Todo,
    House(house::House),
    /// Of the server with this place in the list.
    Remote(usize),
}

#[derive(Debug)]
pub(crate) struct Toolbox {
    desk: Arc<Desk>,
    place: Arc<Place>,
    calls: Calls,
    tools: Vec<Tool>,
    servers: Vec<Client>,
    connected: bool,
}

impl Toolbox {
    /// What the agent's definition grants, with the tools of the house.
    ///
    /// # Errors
    /// When the workspace or the memory cannot be used.
    pub(crate) fn open(desk: Arc<Desk>) -> Result<Self, Problem> {
        let workspace = Path::new(&desk.room.job.workspace);
        let place = Arc::new(Place::open(workspace).map_err(Problem::at(workspace))?);
        let calls = Calls::open(&desk.room.memory.session(&desk.session)?)?;
        let tools = grants::tools(&desk);
        Ok(Self { desk, place, calls, tools, servers: Vec::new(), connected: false })
    }

    /// Starts the MCP servers that the agent's definition names, once. One that does not come up is
    /// told of, and its tools are not there.
    pub(crate) async fn connect(&mut self) {
        if std::mem::replace(&mut self.connected, true) {
            return;
        }
        let desk = Arc::clone(&self.desk);
        let start = desk.agent.mcp.iter().map(|server| Client::start(&desk, server));
        let started = futures_util::future::join_all(start).await;
        for (server, client) in desk.agent.mcp.iter().zip(started) {
            match client {
                Ok(client) => {
                    let place = self.servers.len();
                    self.tools.extend(grants::of_server(&client, place));
                    self.servers.push(client);
                }
                Err(error) => {
                    desk.warn(format!("the MCP server `{}` is not there: {error}", server.name));
                }
            }
        }
    }

    pub(crate) fn tools(&self) -> &[Tool] {
        &self.tools
    }

    /// Whether calls of this name may run beside each other.
    pub(crate) fn harmless(&self, name: &str) -> bool {
        self.tools.iter().any(|tool| tool.name == name && tool.harmless)
    }

    /// Carries out a call, once: one that was answered in an attempt before is answered the same, and
    /// one that was cut off there is not begun again.
    pub(crate) async fn call(&self, id: &str, name: &str, arguments: &str) -> Output {
        let known = self.calls.known(id);
        if let Known::Answered(output) = known {
            return output;
        }
        let (call, work) = self.prepare(id, name, arguments);
        if !self.desk.call_begins(&call) {
            return self.answer(&call, Output::failed("no calls are left".to_owned())).await;
        }
        let (tool, input) = match work {
            Ok(work) => work,
            Err(message) => return self.answer(&call, Output::failed(message)).await,
        };
        if known == Known::Begun && !tool.harmless {
            let message = "this call was cut off when the process was stopped; it may or may not \
                           have done its work. Look before you do it again.";
            return self.answer(&call, Output::failed(message.to_owned())).await;
        }
        if let Err(reason) = self.desk.permit(&call).await {
            return self.answer(&call, Output::failed(format!("refused: {reason}"))).await;
        }
        self.desk.room.kept(self.calls.begin(id));
        let output = self.work(tool, &call, input).await;
        self.answer(&call, output).await
    }

    async fn answer(&self, call: &Call, output: Output) -> Output {
        let output = output.shown(&self.desk.room.veil, &self.place, &call.id).await;
        self.desk.room.kept(self.calls.answer(&call.id, &output));
        self.desk.call_ended(call, output.ok, &output.text);
        output
    }

    /// Everything that can be wrong with a call before anything is done.
    fn prepare(
        &self,
        id: &str,
        name: &str,
        arguments: &str,
    ) -> (Call, Result<(&Tool, Json), String>) {
        let raw = || Json::String(arguments.chars().take(2000).collect());
        let nothing = |input: Json| Call {
            id: id.to_owned(),
            kind: ToolKind::Read,
            title: name.to_owned(),
            input,
            path: None,
            command: None,
            granted: false,
        };
        let Some(tool) = self.tools.iter().find(|tool| tool.name == name) else {
            let names: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
            let message = format!("there is no tool `{name}`; there are: {}", names.join(", "));
            return (nothing(raw()), Err(message));
        };
        let text = if arguments.trim().is_empty() { "{}" } else { arguments };
        let input: Json = match serde_json::from_str(text) {
            Ok(input) => input,
            Err(error) => {
                let message = format!("the arguments are no JSON: {error}");
                return (nothing(raw()), Err(message));
            }
        };
        let problems = match Schema::new(&tool.schema) {
            Ok(schema) => schema.problems(&input),
            Err(error) => vec![error],
        };
        if !problems.is_empty() {
            let message = format!("the arguments do not fit:\n{}", problems.join("\n"));
            return (nothing(input), Err(message));
        }
        let path = input.get("path").and_then(Json::as_str).map(|path| self.place.where_is(path));
        let command = input.get("command").and_then(Json::as_str).map(str::to_owned);
        let about = command.as_deref().or_else(|| {
            ["path", "pattern", "question", "reference", "reason", "text"]
                .iter()
                .find_map(|key| input.get(key)?.as_str())
        });
        let title = about.map_or_else(|| name.to_owned(), |about| format!("{name} {about}"));
        let ours = matches!(tool.hand, Hand::House(_) | Hand::Remote(_));
        // What rules name a tool of a server by.
        let command = match tool.hand {
            Hand::Bash => command,
            Hand::Remote(server) => {
                self.servers.get(server).map(|s| format!("mcp {} {name}", s.name))
            }
            Hand::Read
            | Hand::List
            | Hand::Write
            | Hand::Edit
            | Hand::Glob
            | Hand::Grep
            | Hand::Todo
            | Hand::House(_) => None,
        };
        let call = Call {
            id: id.to_owned(),
            kind: tool.kind,
            title,
            input: input.clone(),
            path: path.filter(|_| !ours),
            command,
            granted: ours,
        };
        (call, Ok((tool, input)))
    }

    async fn work(&self, tool: &Tool, call: &Call, input: Json) -> Output {
        let on_disk = |work: fn(&Place, &Json) -> Result<String, String>| {
            let (place, input) = (Arc::clone(&self.place), input.clone());
            tokio::task::spawn_blocking(move || work(&place, &input))
        };
        let done = match tool.hand {
            Hand::Read => on_disk(files::read).await,
            Hand::List => on_disk(files::list).await,
            Hand::Write => on_disk(files::write).await,
            Hand::Edit => on_disk(files::edit).await,
            Hand::Glob => on_disk(search::glob).await,
            Hand::Grep => on_disk(search::grep).await,
            Hand::Bash => return bash::run(&self.desk, call, &input).await,
            Hand::Todo => Ok(Ok(todo(&input))),
            Hand::House(house) => return house::call(&self.desk, house, &input).await,
            Hand::Remote(server) => return self.remote(server, &tool.name, &input).await,
        };
        match done {
            Ok(Ok(text)) => Output::done(text),
            Ok(Err(message)) => Output::failed(message),
            Err(error) => Output::failed(format!("the tool broke: {error}")),
        }
    }
}

impl Toolbox {
    async fn remote(&self, server: usize, name: &str, input: &Json) -> Output {
        let Some(client) = self.servers.get(server) else {
            return Output::failed("its server is gone".to_owned());
        };
        let remote = client.tools.iter().find(|remote| grants::name_of(client, remote) == name);
        let remote = remote.map_or(name, |remote| remote.name.as_str());
        match client.call(remote, input).await {
            Ok((ok, text)) => Output { ok, text },
            Err(error) => Output::failed(format!("the MCP server `{}`: {error}", client.name)),
        }
    }
}

/// The list itself lives in the conversation; writing it down is what helps.
fn todo(input: &Json) -> String {
    let items = input["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |item: &Json| {
        let mark = match item["status"].as_str() {
            Some("done") => "x",
            Some("doing") => "~",
            Some(_) | None => " ",
        };
        format!("[{mark}] {}", item["text"].as_str().unwrap_or_default())
    };
    items.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl Place {
    /// As the rules of permission see a path: links are followed first.
    fn where_is(&self, path: &str) -> Where {
        match self.real(path) {
            Some(path) => Where::Inside(path),
            None => Where::Outside(path.to_owned()),
        }
    }
}
