//! Coding programs that speak the Agent Client Protocol, version 1: one process for a conversation,
//! JSON-RPC over its streams.
//!
//! It offers them no files and no terminals, so that they use their own tools, and answers when they
//! ask whether they may. It says only `once`: what is allowed for ever some agents write down.

mod line;
mod updates;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::agent::{Attach, ErrorClass, StoppedBy, Terminal};
use serde_json::{Value as Json, json};

use super::attach::{self, Way};
use super::cli::files::{self, Asks};
use super::cli::held::LEAVING;
use super::cli::home::{self, Home};
use super::cli::program::Program;
use super::{Adapter, Doing, Exit, Message, Rest};
use crate::desk::Desk;
use crate::mcp::server::{Offered, Server};
use crate::proxy::Proxy;
use line::{Answer, Line};

/// Before its first word a program may have to unpack itself.
const GREETING: Duration = Duration::from_secs(180);
/// In the session's folder: by which name the conversation is taken up again.
const SESSION: &str = "acp-session";

#[derive(Debug)]
pub(super) struct Acp {
    desk: Arc<Desk>,
    command: Vec<String>,
    env: BTreeMap<String, String>,
    provider: String,
    home: Home,
    house: Server,
    proxy: Option<Proxy>,
    talk: Option<Talk>,
    exit: Exit,
    /// It said that it takes conversations up again.
    loads: bool,
}

/// A program that has said who it is.
#[derive(Debug)]
struct Talk {
    line: Line,
    session: String,
    /// The conversation holds what was said before.
    resumed: bool,
}

impl Acp {
    /// # Errors
    /// When the session's folder or the socket of the house cannot be made.
    pub(super) fn open(
        desk: Arc<Desk>,
        command: &[String],
        env: &BTreeMap<String, String>,
        provider: &str,
    ) -> Result<Self, String> {
        let home = Home::open(&desk)?;
        let house = Server::open(Arc::clone(&desk), Offered::House)
            .map_err(|error| format!("the tools of the house cannot be offered: {error}"))?;
        Ok(Self {
            desk,
            command: command.to_vec(),
            env: env.clone(),
            provider: provider.to_owned(),
            home,
            house,
            proxy: None,
            talk: None,
            exit: Exit::default(),
            loads: false,
        })
    }

    async fn follow(&mut self, message: &Message) -> Rest {
        if self.talk.is_none() {
            match self.begin(message).await {
                Ok(talk) => self.talk = Some(talk),
                Err(rest) => return *rest,
            }
        }
        let Some(talk) = &mut self.talk else { return Rest::default() };
        let mut text = String::new();
        if !talk.resumed && !message.system.trim().is_empty() {
            text.push_str(&format!("{}\n\n", message.system));
        }
        text.push_str(&message.words(talk.resumed));
        talk.resumed = true;
        let params = json!({
            "sessionId": talk.session,
            "prompt": [{ "type": "text", "text": text }],
        });
        let answer = talk.line.request("session/prompt", params).await;
        let text = talk.line.updates.last_words();
        self.rest(answer, text).await
    }

    /// What the end of a turn means.
    async fn rest(&mut self, answer: Answer, text: String) -> Rest {
        let result = match answer {
            Answer::Result(result) => result,
            other => return self.failed(other).await,
        };
        if let Some(talk) = &self.talk {
            talk.line.updates.used(&result);
        }
        let terminal = match result["stopReason"].as_str().unwrap_or("end_turn") {
            "refusal" => Some(Terminal::Refused { message: text.clone() }),
            "max_tokens" => Some(Terminal::Error {
                class: ErrorClass::OutputLimit,
                message: "it reached the output limit".to_owned(),
            }),
            "max_turn_requests" => {
                self.desk.halt(StoppedBy::Turns);
                std::future::pending().await
            }
            // Some agents break off when a call is refused.
            "cancelled" if self.desk.denied() == 0 => None,
            _ => Some(Terminal::Completed),
        };
        Rest { text, native: None, terminal }
    }

    /// It said that it failed, or says nothing more.
    async fn failed(&mut self, answer: Answer) -> Rest {
        let rest = match answer {
            Answer::Result(_) | Answer::Gone => Rest::default(),
            Answer::Failed(terminal) => Rest { terminal: Some(terminal), ..Rest::default() },
            Answer::Flood(rest) => *rest,
            // The desk is about to stop it.
            Answer::Over => std::future::pending().await,
        };
        if let (None, Some(talk)) = (&rest.terminal, self.talk.take()) {
            let errors = talk.line.program.errors();
            if !errors.is_empty() {
                self.desk.warn(format!("the agent ended without a last word and said: {errors}"));
            }
            self.exit = talk.line.program.finish().await;
        }
        rest
    }

    async fn begin(&mut self, message: &Message) -> Result<Talk, Box<Rest>> {
        let program =
            self.program().await.map_err(|message| Box::new(Rest::of_harness(message)))?;
        let mut line = Line::new(Arc::clone(&self.desk), program);
        let greeted = tokio::time::timeout(GREETING, self.greet(&mut line, message)).await;
        let greeted = greeted.unwrap_or_else(|_| {
            let message = format!("it did not say who it is in {} s", GREETING.as_secs());
            let class = ErrorClass::Harness;
            Err(Answer::Failed(Terminal::Error { class, message }))
        });
        match greeted {
            Ok((session, resumed)) => {
                if let Err(error) = std::fs::write(self.home.session().join(SESSION), &session) {
                    self.desk.warn(format!("its session cannot be remembered: {error}"));
                }
                Ok(Talk { line, session, resumed })
            }
            Err(answer) => {
                self.talk = Some(Talk { line, session: String::new(), resumed: false });
                let rest = self.failed(answer).await;
                if let Some(talk) = self.talk.take() {
                    self.exit = talk.line.program.end().await;
                }
                Err(Box::new(rest))
            }
        }
    }

    async fn program(&mut self) -> Result<Program, String> {
        if self.proxy.is_none() {
            let proxy = Proxy::counting(Arc::clone(&self.desk)).await;
            self.proxy =
                Some(proxy.map_err(|error| format!("no way to the model can be opened: {error}"))?);
        }
        let Some(proxy) = &self.proxy else { return Err("there is no way to the model".into()) };
        let door = home::door(&self.desk, proxy, &self.provider);
        let env = self.home.environment(&self.desk, &door, &self.env);
        let base = proxy.base(&self.provider);
        let toml = files::codex(&self.desk, &base, Asks::Client, &[]);
        files::lay(&self.home, &self.desk, &base, &toml).map_err(|error| error.to_string())?;
        Program::start(&self.desk, self.command.clone(), env)
    }

    /// The name of the conversation, and whether it holds what was said before.
    async fn greet(
        &mut self,
        line: &mut Line,
        message: &Message,
    ) -> Result<(String, bool), Answer> {
        let hello = json!({
            "protocolVersion": 1,
            "clientCapabilities": {
                "fs": { "readTextFile": false, "writeTextFile": false },
                "terminal": false,
            },
            "clientInfo": {
                "name": "orchestrate",
                "title": "Orchestrate",
                "version": env!("CARGO_PKG_VERSION"),
            },
        });
        let agent = line.request("initialize", hello).await.result()?;
        if agent["protocolVersion"].as_u64() != Some(1) {
            let message = format!(
                "it speaks version {} of the protocol; 1 is spoken here",
                agent["protocolVersion"]
            );
            return Err(Answer::Failed(Terminal::Error { class: ErrorClass::Harness, message }));
        }
        let mut params = json!({
            "cwd": self.desk.room.job.workspace,
            "mcpServers": self.servers().map_err(|message| {
                Answer::Failed(Terminal::Error { class: ErrorClass::Harness, message })
            })?,
        });
        let loads = agent["agentCapabilities"]["loadSession"].as_bool().unwrap_or(false);
        self.loads = loads;
        let past = std::fs::read_to_string(self.home.session().join(SESSION)).ok();
        let past = past.filter(|past| loads && !past.is_empty());
        if let Some(past) = past.filter(|_| message.again || message.number > 1) {
            params["sessionId"] = Json::from(&*past);
            line.updates.replays(true);
            let loaded = line.request("session/load", params.clone()).await.result();
            line.updates.replays(false);
            match loaded {
                Ok(_) => return Ok((past, true)),
                Err(Answer::Failed(Terminal::Error { message, .. })) => {
                    let says = "the conversation cannot be taken up again, it begins anew";
                    self.desk.warn(format!("{says}: {message}"));
                }
                Err(other) => return Err(other),
            }
            if let Some(params) = params.as_object_mut() {
                params.remove("sessionId");
            }
        }
        let session = line.request("session/new", params).await.result()?;
        match session["sessionId"].as_str() {
            Some(session) => Ok((session.to_owned(), false)),
            None => Err(Answer::Gone),
        }
    }

    fn servers(&self) -> Result<Json, String> {
        let house = self.house.command().map_err(|error| error.to_string())?;
        let server = |name: &str, command: &[String], env: &BTreeMap<String, String>| {
            let [program, args @ ..] = command else { return Json::Null };
            let env: Vec<Json> =
                env.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
            json!({ "name": name, "command": program, "args": args, "env": env })
        };
        let mut servers = vec![server("orchestrate", &house, &BTreeMap::new())];
        let own = self.desk.agent.mcp.iter();
        servers.extend(own.map(|own| server(&own.name, &own.command, &own.env)));
        Ok(Json::Array(servers))
    }

    async fn leave(&mut self) {
        if let Some(mut talk) = self.talk.take() {
            let session = talk.session.clone();
            let _ = tokio::time::timeout(LEAVING, talk.line.cancel(&session)).await;
            self.exit = talk.line.program.end().await;
        }
    }
}

impl Adapter for Acp {
    fn say<'a>(&'a mut self, message: &'a Message) -> Doing<'a, Rest> {
        Box::pin(self.follow(message))
    }

    fn interrupt(&mut self) -> Doing<'_, ()> {
        Box::pin(self.leave())
    }

    fn attach(&mut self) -> Doing<'_, Result<Attach, String>> {
        // Which of its programs a person would use is not known; what the person did is seen in the
        // working directory.
        Box::pin(std::future::ready(attach::lay(&self.desk, Way::Shell, self.loads)))
    }

    fn close(&mut self) -> Doing<'_, Exit> {
        Box::pin(async {
            // Not all of them end with their input.
            if let Some(talk) = self.talk.take() {
                self.exit = talk.line.program.end().await;
            }
            self.exit
        })
    }
}
