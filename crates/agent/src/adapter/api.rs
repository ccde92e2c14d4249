//! Our own agent over a model's API: ask, do what it wants done, tell it what came of that, until it
//! wants nothing more.
//!
//! The model is reached through the gateway. Each call has a number in its session: what was answered
//! before a crash is not paid for again, whether this side or only the gateway had kept it.

mod call;
mod chat;
mod messages;
mod responses;
mod sse;
mod talk;
mod window;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use api::agent::{Attach, Did, ErrorClass, Format, Terminal, Usage, UsageSource};
use futures_util::future::join_all;
use serde_json::Value as Json;

use super::attach::{self, Way};
use super::{Adapter, Doing, Exit, Message, Rest};
use crate::desk::Desk;
use crate::memory::Problem;
use crate::tools::{Output, Toolbox};
use call::{Call, pause};
use talk::{Due, Entry, Talk};
use wire::{Answer, Asking, Fault, Stop, Turn, wire};

/// Of one answer, when the job names no cap.
const OUTPUT_TOKENS: u32 = 16_000;
/// Said when an answer was cut off, this often.
const GO_ON: &str = "Your answer was cut off because it was too long. Go on, in smaller pieces.";
const GO_ON_TIMES: usize = 2;
const UNDONE: &str = "It is not known whether this was done: a person took over in between.";

#[derive(Debug)]
pub(super) struct Api {
    desk: Arc<Desk>,
    tools: Toolbox,
    talk: Talk,
    provider: String,
    format: Format,
    system: String,
}

/// Why a message is not followed any further.
enum Over {
    Terminal(Terminal),
    /// The desk is about to stop it: nothing more is done.
    Halting,
}

impl From<Problem> for Over {
    fn from(problem: Problem) -> Self {
        let message = problem.to_string();
        Self::Terminal(Terminal::Error { class: ErrorClass::Harness, message })
    }
}

impl From<Fault> for Over {
    fn from(fault: Fault) -> Self {
        let Fault { class, message, .. } = fault;
        Self::Terminal(Terminal::Error { class, message })
    }
}

impl Api {
    /// # Errors
    /// When the workspace or the memory cannot be used.
    pub(super) fn open(desk: Arc<Desk>, provider: &str, format: Format) -> Result<Self, String> {
        let tools = Toolbox::open(Arc::clone(&desk)).map_err(|error| error.to_string())?;
        let folder = desk.room.memory.session(&desk.session).map_err(|error| error.to_string())?;
        let talk = Talk::open(&folder).map_err(|error| error.to_string())?;
        let provider = provider.to_owned();
        Ok(Self { desk, tools, talk, provider, format, system: String::new() })
    }

    async fn follow(&mut self, message: &Message) -> Rest {
        self.system.clone_from(&message.system);
        self.tools.connect().await;
        let terminal = match self.until_it_rests(message).await {
            Ok(text) => {
                return Rest { text, native: None, terminal: Some(Terminal::Completed) };
            }
            Err(Over::Halting) => std::future::pending().await,
            Err(Over::Terminal(terminal)) => terminal,
        };
        Rest { terminal: Some(terminal), ..Rest::default() }
    }

    /// Gives the last words.
    async fn until_it_rests(&mut self, message: &Message) -> Result<String, Over> {
        if !self.talk.has_message(message.number) {
            self.leave_undone()?;
            let text = message.words(self.talk.has_message(1));
            self.talk.keep(Entry::User { message: message.number, text })?;
        }
        loop {
            match self.talk.due() {
                Due::Nothing(answer) => {
                    let answer = answer.clone();
                    if !self.goes_on(&answer)? {
                        return Ok(answer.text);
                    }
                }
                Due::Calls(turn, answer) => {
                    let answer = answer.clone();
                    let results = self.calls(turn, &answer).await;
                    if self.desk.room.halted().is_some() {
                        return Err(Over::Halting);
                    }
                    self.talk.keep(Entry::Results { results })?;
                }
                Due::Model if self.has_handed_in() => return Ok(self.talk.last_text()),
                Due::Model if self.desk.halting().is_some() => return Err(Over::Halting),
                Due::Model => self.turn().await?,
            }
        }
    }

    /// Calls that were wanted when something else was said are not made any more; a model has to
    /// hear that.
    fn leave_undone(&mut self) -> Result<(), Over> {
        let Due::Calls(_, answer) = self.talk.due() else { return Ok(()) };
        let output = Output { ok: false, text: UNDONE.to_owned() };
        let results = answer.calls.iter().map(|call| (call.id.clone(), output.clone())).collect();
        Ok(self.talk.keep(Entry::Results { results })?)
    }

    /// Whether what the last calls did leaves nothing to say.
    fn has_handed_in(&self) -> bool {
        let done = self.desk.submitted().is_some() || self.desk.blocked().is_some();
        done && self.talk.ends_with_results()
    }

    /// Whether an answer without calls is not the end.
    fn goes_on(&mut self, answer: &Answer) -> Result<bool, Over> {
        match &answer.stop {
            Stop::End | Stop::Calls => Ok(false),
            Stop::Refused(message) => {
                Err(Over::Terminal(Terminal::Refused { message: message.clone() }))
            }
            Stop::Length if self.talk.said(GO_ON) < GO_ON_TIMES => {
                self.talk.keep(Entry::User { message: 0, text: GO_ON.to_owned() })?;
                Ok(true)
            }
            Stop::Length => Err(Over::Terminal(Terminal::Error {
                class: ErrorClass::OutputLimit,
                message: "it reached the output limit again and again".to_owned(),
            })),
        }
    }

    /// Asks the model for its next answer, and keeps it.
    async fn turn(&mut self) -> Result<(), Over> {
        self.make_room().await?;
        let (turn, answer) = self.ask(Want::Next).await?;
        self.desk.thinking(&answer.thinking);
        self.desk.text(&answer.text);
        self.talk.keep(Entry::Answer { turn, answer })?;
        self.desk.room.sync();
        Ok(())
    }

    /// One answer, after as many tries as are worth it, with the number of its turn.
    async fn ask(&mut self, want: Want) -> Result<(u32, Answer), Over> {
        let wire = wire(self.format);
        let mut tried = 0;
        loop {
            let turn = self.talk.next_turn();
            if !self.desk.turn(turn) {
                return Err(Over::Halting);
            }
            let native = want == Want::Next && !self.talk.is_plain();
            let body = self.body(want, native);
            let call = Call {
                desk: &self.desk,
                provider: &self.provider,
                format: self.format,
                turn,
                body: &body,
            };
            let fault = match call.send(wire).await {
                Ok((answer, paid)) => {
                    if paid {
                        self.desk.used_in(Some(call.turn()), usage(&answer));
                    }
                    return Ok((turn, answer));
                }
                Err(fault) => fault,
            };
            if native && takes_no_schema(&fault, &body) {
                self.talk.keep(Entry::Plain)?;
                continue;
            }
            if fault.spoiled {
                self.talk.keep(Entry::Spoiled { turn, why: fault.message.clone() })?;
            }
            let Some(again) = pause(&fault, tried) else { return Err(fault.into()) };
            let wait = match &again {
                Did::Retry { wait_ms, .. } => Duration::from_millis(*wait_ms),
                _ => Duration::ZERO,
            };
            self.desk.record(again);
            tokio::time::sleep(wait).await;
            tried += 1;
        }
    }

    /// What is sent.
    fn body(&self, want: Want, native: bool) -> Json {
        let mut turns = self.talk.turns();
        if want == Want::Summary {
            match turns.last_mut() {
                Some(Turn::User(text)) => text.push_str(&format!("\n\n{}", window::SUMMARISE)),
                _ => turns.push(Turn::User(window::SUMMARISE.to_owned())),
            }
        }
        let Desk { agent, room, session, schema, .. } = &*self.desk;
        wire(self.format).body(&Asking {
            model: agent.model.as_deref(),
            system: &self.system,
            turns: &turns,
            tools: self.tools.tools(),
            max_tokens: room.job.limits.output_tokens.unwrap_or(OUTPUT_TOKENS),
            temperature: agent.temperature,
            schema: schema.as_ref().filter(|_| native).map(|schema| &schema.json),
            cache_key: session,
        })
    }

    /// Carries out the calls of an answer: what only looks side by side, what changes something in
    /// order and alone.
    async fn calls(&self, turn: u32, answer: &Answer) -> Vec<(String, Output)> {
        let mut results = Vec::with_capacity(answer.calls.len());
        let harmless = |at: &usize| self.tools.harmless(&answer.calls[*at].name);
        let run = async |at: usize| {
            let wanted = &answer.calls[at];
            let id = format!("t{turn}-{at}");
            let output = self.tools.call(&id, &wanted.name, &wanted.arguments).await;
            (wanted.id.clone(), output)
        };
        let mut at = 0;
        while at < answer.calls.len() {
            let beside = (at..answer.calls.len()).take_while(harmless).count().max(1);
            results.extend(join_all((at..at + beside).map(&run)).await);
            at += beside;
        }
        results
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Next,
    /// What the model wants to keep of a conversation that is too long.
    Summary,
}

fn usage(answer: &Answer) -> Usage {
    let tokens = answer.tokens;
    Usage {
        calls: 1,
        input_tokens: tokens.input,
        output_tokens: tokens.output,
        cache_read_tokens: tokens.cache_read,
        cache_write_tokens: tokens.cache_write,
        nano_usd: None,
        source: UsageSource::Agent,
    }
}

/// Servers that speak a format only in part refuse what they do not know by its name.
fn takes_no_schema(fault: &Fault, body: &Json) -> bool {
    let sent =
        ["response_format", "output_config", "text"].iter().any(|key| body.get(key).is_some());
    sent && fault.class == ErrorClass::Invalid
        && ["response_format", "output_config", "json_schema", "text.format", "schema"]
            .iter()
            .any(|word| fault.message.contains(word))
}

impl Adapter for Api {
    fn say<'a>(&'a mut self, message: &'a Message) -> Doing<'a, Rest> {
        Box::pin(self.follow(message))
    }

    fn interrupt(&mut self) -> Doing<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn attach(&mut self) -> Doing<'_, Result<Attach, String>> {
        Box::pin(std::future::ready(attach::lay(&self.desk, Way::Shell, true)))
    }

    fn close(&mut self) -> Doing<'_, Exit> {
        Box::pin(std::future::ready(Exit::default()))
    }
}
