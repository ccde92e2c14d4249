//! Any program: the prompt on its standard input, its answer on its standard output.
//!
//! It has no memory of its own here: whoever is told to mend something is told all from the start.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::agent::{Attach, CommandResult, Terminal};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::attach::{self, Way};
use super::cli::held::Held;
use super::cli::home;
use super::cli::program::{Line, Program, flooded};
use super::{Adapter, Doing, Exit, Message, Rest};
use crate::desk::Desk;
use crate::environment;
use crate::memory::Log;
use crate::proxy::Proxy;

/// No answer is longer, in bytes.
const MAX_ANSWER: usize = 4 << 20;

#[derive(Debug)]
pub(super) struct Command {
    desk: Arc<Desk>,
    argv: Vec<String>,
    env: BTreeMap<String, String>,
    result: CommandResult,
    provider: String,
    proxy: Option<Proxy>,
    log: Log<Said>,
    past: Vec<Said>,
    held: Held,
}

/// A message with its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Said {
    number: u32,
    text: String,
    answer: String,
}

impl Command {
    /// # Errors
    /// When the memory cannot be used.
    pub(super) fn open(
        desk: Arc<Desk>,
        argv: &[String],
        result: CommandResult,
        env: &BTreeMap<String, String>,
        provider: &str,
    ) -> Result<Self, String> {
        let folder = desk.room.memory.session(&desk.session).map_err(|error| error.to_string())?;
        let (log, past) =
            Log::open(&folder.join("command.ndjson")).map_err(|error| error.to_string())?;
        Ok(Self {
            desk,
            argv: argv.to_vec(),
            env: env.clone(),
            result,
            provider: provider.to_owned(),
            proxy: None,
            log,
            past,
            held: Held::default(),
        })
    }

    async fn follow(&mut self, message: &Message) -> Rest {
        if !self.desk.turn(message.number) {
            std::future::pending::<()>().await;
        }
        let answer = match self.answered(message).await {
            Ok(answer) => answer,
            Err(rest) => return *rest,
        };
        let errors = self.held.program().map(|program| program.errors()).unwrap_or_default();
        if self.held.finish().await.code != Some(0) {
            if !errors.is_empty() {
                self.desk.warn(format!("the program said on standard error: {errors}"));
            }
            self.desk.text(&answer);
            return Rest { text: answer, ..Rest::default() };
        }
        let rest = self.read(answer);
        self.desk.text(&rest.text);
        let said =
            Said { number: message.number, text: message.text.clone(), answer: rest.text.clone() };
        let kept = self.log.keep(&said);
        self.desk.room.kept(kept);
        self.past.push(said);
        rest
    }

    /// All that it says, until it says no more.
    async fn answered(&mut self, message: &Message) -> Result<String, Box<Rest>> {
        let failed = |message: String| Box::new(Rest::of_harness(message));
        if self.proxy.is_none() {
            let proxy = Proxy::open(Arc::clone(&self.desk)).await;
            self.proxy =
                Some(proxy.map_err(|error| failed(format!("no way to the model opens: {error}")))?);
        }
        let mut env = environment::of_tools(&self.desk.room.job);
        if let Some(proxy) = &self.proxy {
            env.extend(home::door(&self.desk, proxy, &self.provider));
        }
        env.extend(self.env.clone());
        let prompt = self.prompt(message).into_bytes();
        let program = Program::start(&self.desk, self.argv.clone(), env).map_err(failed)?;
        let program = self.held.hold(program);
        program.tell(prompt).await;
        program.told();
        let mut answer = String::new();
        loop {
            let line = match program.line().await {
                Line::Json(_, text) | Line::Text(text) => text,
                Line::Flood(what) => return Err(Box::new(flooded(&what))),
                Line::End => return Ok(answer),
            };
            if answer.len() + line.len() > MAX_ANSWER {
                return Err(Box::new(flooded(&format!("more than {MAX_ANSWER} bytes"))));
            }
            answer.push_str(&line);
            answer.push('\n');
        }
    }

    fn prompt(&self, message: &Message) -> String {
        let mut prompt = String::new();
        if !message.system.trim().is_empty() {
            prompt.push_str(&format!("{}\n\n", message.system));
        }
        for said in self.past.iter().filter(|said| said.number < message.number) {
            prompt.push_str(&format!("{}\n\nYou answered:\n\n{}\n\n", said.text, said.answer));
        }
        prompt.push_str(&message.words(false));
        prompt.push('\n');
        prompt
    }

    fn read(&self, answer: String) -> Rest {
        let terminal = Some(Terminal::Completed);
        let object =
            |text: &str| serde_json::from_str::<Json>(text.trim()).ok().filter(Json::is_object);
        match self.result {
            CommandResult::Exit => Rest { text: answer, native: None, terminal },
            CommandResult::Json => match object(&answer) {
                Some(native) => {
                    let text = native["text"].as_str().map_or(answer, str::to_owned);
                    Rest { text, native: Some(native), terminal }
                }
                None => {
                    let text = "the program's output is not one JSON object".to_owned();
                    self.desk.warn(text);
                    Rest { terminal, ..Rest::default() }
                }
            },
            CommandResult::LastLine => {
                let last = answer.lines().rev().find(|line| !line.trim().is_empty());
                let text = last.unwrap_or_default().trim().to_owned();
                Rest { native: object(&text), text, terminal }
            }
        }
    }
}

impl Adapter for Command {
    fn say<'a>(&'a mut self, message: &'a Message) -> Doing<'a, Rest> {
        Box::pin(self.follow(message))
    }

    fn interrupt(&mut self) -> Doing<'_, ()> {
        Box::pin(self.held.leave())
    }

    fn attach(&mut self) -> Doing<'_, Result<Attach, String>> {
        // It remembers nothing: it is begun anew.
        Box::pin(std::future::ready(attach::lay(&self.desk, Way::Shell, false)))
    }

    fn close(&mut self) -> Doing<'_, Exit> {
        Box::pin(self.held.close())
    }
}
