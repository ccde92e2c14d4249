//! `claude -p` with its stream of JSON: a process for each message, one conversation.
//!
//! Every tool of its own asks first, over the tool `approve` of the house (`mcp::approve`); what it
//! has to hand in goes over the house, too. Facts about versions stand in
//! `docs/decisions/0029-coding-clis.md`.

mod stream;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use api::agent::{Attach, Terminal};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::attach::{self, Way};
use super::cli::files;
use super::cli::held::Held;
use super::cli::home::{self, Home};
use super::cli::program::{Line, Program, flooded};
use super::{Adapter, Doing, Exit, Message, Rest};
use crate::desk::Desk;
use crate::mcp::server::{Offered, Server};
use crate::proxy::Proxy;
use stream::{Heard, Stream};

/// Longer instructions do not fit an argument of a program, in bytes; they stand in the prompt.
const MAX_ARGUMENT: usize = 100_000;
const SERVER: &str = "orchestrate";

#[derive(Debug)]
pub(super) struct Claude {
    desk: Arc<Desk>,
    command: Vec<String>,
    env: BTreeMap<String, String>,
    provider: String,
    home: Home,
    house: Server,
    proxy: Option<Proxy>,
    held: Held,
    turns: u32,
}

impl Claude {
    /// # Errors
    /// When the session's folder or the socket of the house cannot be made.
    pub(super) fn open(
        desk: Arc<Desk>,
        command: &[String],
        env: &BTreeMap<String, String>,
        provider: &str,
    ) -> Result<Self, String> {
        let home = Home::open(&desk)?;
        let house = Server::open(Arc::clone(&desk), Offered::HouseAndApproval)
            .map_err(|error| format!("the tools of the house cannot be offered: {error}"))?;
        let command = if command.is_empty() { vec!["claude".to_owned()] } else { command.to_vec() };
        Ok(Self {
            desk,
            command,
            env: env.clone(),
            provider: provider.to_owned(),
            home,
            house,
            proxy: None,
            held: Held::default(),
            turns: 0,
        })
    }

    async fn follow(&mut self, message: &Message) -> Rest {
        match self.started(message).await {
            Ok(()) => self.heard().await,
            Err(message) => Rest::of_harness(message),
        }
    }

    /// The way to the model, opened where it is not.
    async fn door(&mut self) -> Result<BTreeMap<String, String>, String> {
        if self.proxy.is_none() {
            let proxy = Proxy::open(Arc::clone(&self.desk)).await;
            self.proxy =
                Some(proxy.map_err(|error| format!("no way to the model can be opened: {error}"))?);
        }
        let Some(proxy) = &self.proxy else { return Err("there is no way to the model".into()) };
        Ok(home::door(&self.desk, proxy, &self.provider))
    }

    /// The person sits at a terminal, so that what the program asks, it asks the person.
    async fn way_in(&mut self) -> Result<Attach, String> {
        let door = self.door().await?;
        let known = has_session(&self.home.path(), &self.session());
        let env = self.home.own_variables(&door, &self.env);
        let workspace = &self.desk.room.job.workspace;
        files::greet_person(&self.home, workspace, self.desk.room.door.token())
            .map_err(|error| format!("its home cannot be prepared: {error}"))?;
        let mut argv = self.command.clone();
        argv.push(if known { "--resume" } else { "--session-id" }.to_owned());
        argv.push(self.session());
        attach::lay(&self.desk, Way::Program { argv, env }, true)
    }

    async fn started(&mut self, message: &Message) -> Result<(), String> {
        let door = self.door().await?;
        let env = self.home.environment(&self.desk, &door, &self.env);
        let known = has_session(&self.home.path(), &self.session());
        let argv = self.argv(message, known)?;
        let program = self.held.hold(Program::start(&self.desk, argv, env)?);
        let mut text = String::new();
        if message.system.len() > MAX_ARGUMENT {
            text.push_str(&format!("{}\n\n", message.system));
        }
        text.push_str(&message.words(known));
        program.tell(text.into_bytes()).await;
        program.told();
        Ok(())
    }

    fn argv(&self, message: &Message, known: bool) -> Result<Vec<String>, String> {
        let Desk { agent, room, .. } = &*self.desk;
        let tools = files::claude_tools(&agent.tools);
        let mut argv = self.command.clone();
        let mut add = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
        add(&["-p", "--output-format", "stream-json", "--verbose"]);
        add(&["--permission-mode", "default"]);
        add(&["--permission-prompt-tool", "mcp__orchestrate__approve"]);
        add(&["--allowedTools", "mcp__orchestrate"]);
        add(&["--tools", &tools.join(",")]);
        let settings = files::claude(&agent.tools);
        add(&["--settings", &settings.to_string(), "--setting-sources", "user"]);
        add(&["--strict-mcp-config", "--mcp-config", &self.servers()?.to_string()]);
        if let Some(turns) = room.job.limits.turns {
            add(&["--max-turns", &turns.to_string()]);
        }
        if let Some(model) = &agent.model {
            add(&["--model", model]);
        }
        if !message.system.trim().is_empty() && message.system.len() <= MAX_ARGUMENT {
            add(&["--append-system-prompt", &message.system]);
        }
        add(&[if known { "--resume" } else { "--session-id" }, &self.session()]);
        Ok(argv)
    }

    fn servers(&self) -> Result<Json, String> {
        let command = self.house.command().map_err(|error| error.to_string())?;
        let mut servers = json!({ SERVER: { "command": command[0], "args": command[1..] } });
        for server in &self.desk.agent.mcp {
            let [program, args @ ..] = &*server.command else { continue };
            servers[&server.name] = json!({ "command": program, "args": args, "env": server.env });
        }
        Ok(json!({ "mcpServers": servers }))
    }

    /// The same in every attempt.
    fn session(&self) -> String {
        let job = &self.desk.room.job;
        let of = [&*job.attempt.run, &*job.attempt.execution, &*self.desk.session].join("\0");
        let hex: String = Sha256::digest(of).iter().take(16).map(|b| format!("{b:02x}")).collect();
        let (a, b, c, d) = (&hex[..8], &hex[8..12], &hex[13..16], &hex[17..20]);
        format!("{a}-{b}-4{c}-8{d}-{}", &hex[20..32])
    }

    async fn heard(&mut self) -> Rest {
        let Some(program) = self.held.program() else { return Rest::default() };
        let mut stream = Stream::new(Arc::clone(&self.desk), self.turns);
        let rest = loop {
            let heard = match program.line().await {
                Line::Json(event, _) => stream.event(&event),
                Line::Text(_) => Heard::More,
                Line::Flood(what) => Heard::Rest(Box::new(flooded(&what))),
                Line::End => Heard::Rest(Box::default()),
            };
            match heard {
                Heard::More => {}
                Heard::Rest(rest) => break *rest,
                // The desk is about to stop it.
                Heard::Over => std::future::pending().await,
            }
        };
        self.turns = stream.turns();
        let errors = program.errors();
        if rest.terminal.is_none() && !errors.is_empty() {
            self.desk.warn(format!("claude ended without a result and said: {errors}"));
        }
        match &rest.terminal {
            // It does not know that nobody listens any more.
            Some(Terminal::Error { .. }) => self.held.close().await,
            Some(Terminal::Completed | Terminal::Refused { .. }) | None => self.held.finish().await,
        };
        rest
    }
}

/// Whether it has written down something of this conversation.
fn has_session(home: &Path, session: &str) -> bool {
    let Ok(projects) = std::fs::read_dir(home.join(".claude/projects")) else { return false };
    projects.flatten().any(|project| project.path().join(format!("{session}.jsonl")).is_file())
}

impl Adapter for Claude {
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
