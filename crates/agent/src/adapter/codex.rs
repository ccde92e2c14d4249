//! `codex exec --json`: a process for each message, one thread.
//!
//! It cannot ask. What it may do is what its sandbox lets it do, so it is only begun where the rules
//! of the agent say that commands need no leave; `codex-acp` over `acp` asks.

mod stream;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::agent::{Agent, Attach, Decision, ToolKind};

use super::attach::{self, Way};
use super::cli::files::{self, Asks};
use super::cli::held::Held;
use super::cli::home::{self, Home};
use super::cli::program::{Line, Program, flooded};
use super::{Adapter, Doing, Exit, Message, Rest};
use crate::desk::Desk;
use crate::mcp::server::{Offered, Server};
use crate::proxy::Proxy;
use stream::{Heard, Stream};

/// In the session's folder: by which name the thread is taken up again.
const THREAD: &str = "codex-thread";

#[derive(Debug)]
pub(super) struct Codex {
    desk: Arc<Desk>,
    command: Vec<String>,
    env: BTreeMap<String, String>,
    provider: String,
    home: Home,
    house: Server,
    proxy: Option<Proxy>,
    held: Held,
}

impl Codex {
    /// # Errors
    /// When the rules are such that it would have to ask, or its folder cannot be made.
    pub(super) fn open(
        desk: Arc<Desk>,
        command: &[String],
        env: &BTreeMap<String, String>,
        provider: &str,
    ) -> Result<Self, String> {
        keeps_the_rules(&desk.agent)?;
        let home = Home::open(&desk)?;
        let house = Server::open(Arc::clone(&desk), Offered::House)
            .map_err(|error| format!("the tools of the house cannot be offered: {error}"))?;
        let command = if command.is_empty() { vec!["codex".to_owned()] } else { command.to_vec() };
        let (env, provider) = (env.clone(), provider.to_owned());
        let held = Held::default();
        Ok(Self { desk, command, env, provider, home, house, proxy: None, held })
    }

    async fn follow(&mut self, message: &Message) -> Rest {
        match self.started(message).await {
            Ok(()) => self.heard(message.number).await,
            Err(message) => Rest::of_harness(message),
        }
    }

    /// The way to the model, opened where it is not, with what the program finds in its home.
    async fn door(&mut self) -> Result<BTreeMap<String, String>, String> {
        if self.proxy.is_none() {
            let proxy = Proxy::counting(Arc::clone(&self.desk)).await;
            self.proxy =
                Some(proxy.map_err(|error| format!("no way to the model can be opened: {error}"))?);
        }
        let Some(proxy) = &self.proxy else { return Err("there is no way to the model".into()) };
        let house = self.house.command().map_err(|error| error.to_string())?;
        let base = proxy.base(&self.provider);
        let toml = files::codex(&self.desk, &base, Asks::Nobody, &house);
        files::lay(&self.home, &self.desk, &base, &toml).map_err(|error| error.to_string())?;
        Ok(home::door(&self.desk, proxy, &self.provider))
    }

    /// By which name the conversation is taken up again; `None`: there is none yet.
    fn thread(&self) -> Option<String> {
        let thread = std::fs::read_to_string(self.home.session().join(THREAD)).ok()?;
        Some(thread.trim().to_owned()).filter(|thread| !thread.is_empty())
    }

    async fn way_in(&mut self) -> Result<Attach, String> {
        let door = self.door().await?;
        let env = self.home.own_variables(&door, &self.env);
        let mut argv = self.command.clone();
        argv.extend(self.thread().into_iter().flat_map(|thread| ["resume".to_owned(), thread]));
        attach::lay(&self.desk, Way::Program { argv, env }, self.thread().is_some())
    }

    async fn started(&mut self, message: &Message) -> Result<(), String> {
        let door = self.door().await?;
        let env = self.home.environment(&self.desk, &door, &self.env);
        let thread = self.thread();
        let mut argv = self.command.clone();
        argv.extend(["exec", "--json", "--skip-git-repo-check"].map(str::to_owned));
        if let Some(thread) = &thread {
            argv.extend(["resume".to_owned(), thread.clone()]);
        }
        argv.push("-".to_owned());
        let program = self.held.hold(Program::start(&self.desk, argv, env)?);
        let mut text = String::new();
        if thread.is_none() && !message.system.trim().is_empty() {
            text.push_str(&format!("{}\n\n", message.system));
        }
        text.push_str(&message.words(thread.is_some()));
        program.tell(text.into_bytes()).await;
        program.told();
        Ok(())
    }

    async fn heard(&mut self, number: u32) -> Rest {
        let Some(program) = self.held.program() else { return Rest::default() };
        let mut stream = Stream::new(Arc::clone(&self.desk), number);
        let rest = loop {
            let heard = match program.line().await {
                Line::Json(event, _) => stream.event(&event),
                Line::Text(_) => Heard::More,
                Line::Flood(what) => Heard::Rest(Box::new(flooded(&what))),
                Line::End => Heard::Rest(Box::new(stream.end())),
            };
            match heard {
                Heard::More => {}
                Heard::Thread(thread) => {
                    if let Err(error) = std::fs::write(self.home.session().join(THREAD), thread) {
                        self.desk.warn(format!("its thread cannot be remembered: {error}"));
                    }
                }
                Heard::Rest(rest) => break *rest,
                // The desk is about to stop it.
                Heard::Over => std::future::pending().await,
            }
        };
        let errors = program.errors();
        if rest.terminal.is_none() && !errors.is_empty() {
            self.desk.warn(format!("codex ended without a last word and said: {errors}"));
        }
        self.held.finish().await;
        rest
    }
}

/// # Errors
/// What it cannot keep, and what can instead.
fn keeps_the_rules(agent: &Agent) -> Result<(), String> {
    let whole = |tool: ToolKind| {
        agent.permissions.iter().any(|rule| {
            rule.decision == Decision::Allow
                && rule.tool.is_none_or(|kind| kind == tool)
                && rule.path.is_none()
                && rule.command.is_none()
        })
    };
    let asks = agent.permissions.iter().any(|rule| rule.decision != Decision::Allow);
    if whole(ToolKind::Execute) && !asks {
        return Ok(());
    }
    Err(format!(
        "`codex exec` runs commands in a sandbox of its own and cannot ask: give `{}` the one rule \
         `{{tool: execute, decision: allow}}`, or take `{{kind: acp, command: [codex-acp]}}`, which \
         asks",
        agent.name
    ))
}

impl Adapter for Codex {
    fn say<'a>(&'a mut self, message: &'a Message) -> Doing<'a, Rest> {
        Box::pin(self.follow(message))
    }

    fn interrupt(&mut self) -> Doing<'_, ()> {
        Box::pin(self.held.leave())
    }

    fn attach(&mut self) -> Doing<'_, Result<Attach, String>> {
        Box::pin(self.way_in())
    }

    fn close(&mut self) -> Doing<'_, Exit> {
        Box::pin(self.held.close())
    }
}
