//! An agent that follows a script: no model, no key, always the same. Its tools are real.
//!
//! A script is an object with `turns`: a list of what it does about each message, the last of them
//! again for all that follow. `conversations` in its place is a list of such lists: in the second
//! iteration of a loop, or the second round of a discussion, the second of them. `agents` has scripts of
//! their own for agents of these names. A turn is a list of steps, each an object with one of
//! `text`, `thinking`, `call` (with `input`), `result`, `ask`, `note`, `blocked`, `usage`,
//! `wait_for` (a path in the workspace), `hang`, `fault`. Without a script it does what a good agent
//! would do, as far as one can without thinking (`improvise`).

mod improvise;
mod wait;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::agent::{Attach, ErrorClass, Terminal, Usage, UsageSource};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::attach::{self, Way};
use super::{Adapter, Doing, Exit, Message, Rest};
use crate::desk::Desk;
use crate::memory::Log;
use crate::tools::Toolbox;

/// What a mock agent does, in order.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    #[serde(default)]
    turns: Vec<Vec<Step>>,
    #[serde(default)]
    conversations: Vec<Vec<Vec<Step>>>,
    /// Of agents that a planner draws up, by their names: they share the planner's script.
    #[serde(default)]
    agents: BTreeMap<String, Script>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Step {
    Text {
        text: String,
    },
    Thinking {
        thinking: String,
    },
    Call {
        call: String,
        #[serde(default)]
        input: Json,
    },
    Result {
        result: Json,
    },
    Ask {
        ask: String,
        #[serde(default)]
        choices: Vec<String>,
    },
    Note {
        note: String,
    },
    Blocked {
        blocked: String,
    },
    Usage {
        usage: Tokens,
    },
    /// Goes on as soon as there is a file of this name.
    WaitFor {
        wait_for: String,
    },
    /// Says nothing more.
    Hang {
        hang: bool,
    },
    Fault {
        fault: Fault,
        #[serde(default)]
        message: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tokens {
    #[serde(default)]
    input: u64,
    #[serde(default)]
    output: u64,
}

/// How a turn goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fault {
    Auth,
    RateLimited,
    Unavailable,
    ContextTooLong,
    OutputLimit,
    Budget,
    Invalid,
    Refused,
    /// It breaks off without a last word.
    Gone,
}

#[derive(Debug)]
pub(super) struct Mock {
    desk: Arc<Desk>,
    tools: Toolbox,
    script: Script,
    log: Log<Taken>,
    /// Those that are not taken again.
    past: Vec<Taken>,
}

/// A step that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Taken {
    message: u32,
    step: usize,
}

/// What follows after a step.
enum Next {
    Step,
    End(Option<Terminal>),
}

impl Mock {
    /// # Errors
    /// What is wrong with the script.
    pub(super) fn open(desk: Arc<Desk>, script: &Json) -> Result<Self, String> {
        let tools = Toolbox::open(Arc::clone(&desk)).map_err(|error| error.to_string())?;
        let script = match script {
            Json::Null => improvise::script(&desk, &tools),
            script => serde_json::from_value(script.clone())
                .map_err(|error| format!("the script of the mock agent is wrong: {error}"))?,
        };
        let script = script.of(&desk.agent.name, desk.conversation);
        let folder = desk.room.memory.session(&desk.session).map_err(|error| error.to_string())?;
        let (log, past) =
            Log::open(&folder.join("mock.ndjson")).map_err(|error| error.to_string())?;
        Ok(Self { desk, tools, script, log, past })
    }

    async fn turn(&mut self, message: &Message) -> Rest {
        self.tools.connect().await;
        let turns = &self.script.turns;
        let number = usize::try_from(message.number).unwrap_or(usize::MAX);
        let steps = turns.get(number - 1).or(turns.last()).cloned().unwrap_or_default();
        let mut rest = Rest { terminal: Some(Terminal::Completed), ..Rest::default() };
        if !self.desk.turn(message.number) {
            std::future::pending::<()>().await;
        }
        for (index, step) in steps.iter().enumerate() {
            let taken = Taken { message: message.number, step: index };
            if let Step::Text { text } = step {
                rest.text.clone_from(text);
            }
            if self.past.contains(&taken) {
                continue;
            }
            match self.step(step, taken).await {
                Next::Step => {}
                Next::End(terminal) => {
                    rest.terminal = terminal;
                    return rest;
                }
            }
            self.desk.room.sync();
            self.past.push(taken);
            let kept = self.log.keep(&taken);
            self.desk.room.kept(kept);
        }
        rest
    }

    async fn step(&self, step: &Step, at: Taken) -> Next {
        match step {
            Step::Text { text } => self.desk.text(text),
            Step::Thinking { thinking } => self.desk.thinking(thinking),
            Step::Call { call, input } => {
                let id = format!("m{}-{}", at.message, at.step);
                let input = if input.is_null() { String::new() } else { input.to_string() };
                self.tools.call(&id, call, &input).await;
            }
            Step::Result { result } => {
                if let Err(problems) = self.desk.submit(result.clone()) {
                    self.desk.warn(format!("the result does not fit: {}", problems.join("; ")));
                }
            }
            Step::Ask { ask, choices } => {
                if let Err(error) = self.desk.ask_human(ask, choices.clone()).await {
                    self.desk.warn(error);
                }
            }
            Step::Note { note } => self.desk.note(note),
            Step::Blocked { blocked } => self.desk.report_blocked(blocked),
            Step::Usage { usage } => self.desk.used(Usage {
                calls: 1,
                input_tokens: usage.input,
                output_tokens: usage.output,
                nano_usd: Some(0),
                source: UsageSource::Agent,
                ..Usage::default()
            }),
            Step::WaitFor { wait_for } => {
                if let Err(error) = wait::for_file(&self.desk.room.job.workspace, wait_for).await {
                    self.desk.warn(format!("`{wait_for}` cannot be waited for: {error}"));
                }
            }
            Step::Hang { hang: true } => std::future::pending().await,
            Step::Hang { hang: false } => {}
            Step::Fault { fault, message } => return Next::End(fault.terminal(message.clone())),
        }
        Next::Step
    }
}

impl Script {
    /// What is said by this agent in this conversation, as `turns`.
    fn of(mut self, agent: &str, number: u32) -> Self {
        if let Some(own) = self.agents.remove(agent) {
            return own.of(agent, number);
        }
        let last = self.conversations.len().saturating_sub(1);
        let at = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1).min(last);
        match self.conversations.is_empty() {
            true => self,
            false => Self { turns: self.conversations.swap_remove(at), ..Self::default() },
        }
    }
}

impl Fault {
    fn terminal(self, message: String) -> Option<Terminal> {
        let class = match self {
            Self::Gone => return None,
            Self::Refused => return Some(Terminal::Refused { message }),
            Self::Auth => ErrorClass::Auth,
            Self::RateLimited => ErrorClass::RateLimited,
            Self::Unavailable => ErrorClass::Unavailable,
            Self::ContextTooLong => ErrorClass::ContextTooLong,
            Self::OutputLimit => ErrorClass::OutputLimit,
            Self::Budget => ErrorClass::Budget,
            Self::Invalid => ErrorClass::Invalid,
        };
        Some(Terminal::Error { class, message })
    }
}

impl Adapter for Mock {
    fn say<'a>(&'a mut self, message: &'a Message) -> Doing<'a, Rest> {
        Box::pin(self.turn(message))
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
