//! What stands behind an agent: a model's API, a coding CLI, a script. One file each, one trait.
//!
//! An adapter translates. It decides nothing: what may be done, what counts, when it is over and what
//! it came to is the business of the desk and the seat.

mod acp;
mod api;
pub(crate) mod attach;
mod claude;
mod cli;
mod codex;
mod command;
mod inbox;
mod mock;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use ::api::agent::{Adapter as Kind, Attach, ErrorClass, Terminal};
use serde_json::Value as Json;

use crate::desk::Desk;

/// A future that an adapter gives; it may be dropped at any point.
pub(crate) type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A conversation with one agent, led over its [`Desk`].
///
/// Whatever the agent says and does is recorded there as it happens; every call of a tool that the
/// adapter carries out or answers for is permitted there first. What the adapter needs to take a
/// conversation up again, it keeps in the session's folder of the memory.
pub(crate) trait Adapter: Send {
    /// Brings a message to the agent and follows it until it rests. Dropping the future stops it
    /// hard: nothing of what it started goes on after [`Adapter::close`].
    fn say<'a>(&'a mut self, message: &'a Message) -> Doing<'a, Rest>;

    /// Asks the agent to leave off, after the future of `say` was dropped, so that what it has done
    /// so far is kept. It has a few seconds.
    fn interrupt(&mut self) -> Doing<'_, ()>;

    /// Makes room for a person, after the future of `say` was dropped: nothing of it runs any more, and
    /// all that it knows is kept. It may be told something again afterwards.
    fn let_go(&mut self) -> Doing<'_, ()> {
        self.interrupt()
    }

    /// How a person goes on in its place, once it has let go.
    ///
    /// # Errors
    /// In words, when there is no way in.
    fn attach(&mut self) -> Doing<'_, Result<Attach, String>>;

    /// Ends all that belongs to the conversation. Nothing is asked of the adapter afterwards.
    fn close(&mut self) -> Doing<'_, Exit>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// From 1, dense in the session.
    pub(crate) number: u32,
    /// The same for all messages of a session.
    pub(crate) system: String,
    pub(crate) text: String,
    /// What is said in its place to whoever does not know what was said before.
    pub(crate) fresh: Option<String>,
    /// An attempt before this one brought it already; how far the agent came is not known here.
    pub(crate) again: bool,
}

impl Message {
    /// What is said. `known`: the conversation until here is.
    pub(crate) fn words(&self, known: bool) -> String {
        match (&self.fresh, known) {
            (_, true) if self.again => format!(
                "You were interrupted. Look at what is done already, and go on.\n\n{}",
                self.text
            ),
            (Some(fresh), false) => fresh.clone(),
            (None, false) | (_, true) => self.text.clone(),
        }
    }
}

/// What an agent came to about one message.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rest {
    /// Its last words.
    pub(crate) text: String,
    /// What its protocol says is the result.
    pub(crate) native: Option<Json>,
    /// How its protocol says that it ended; `None`: it broke off.
    pub(crate) terminal: Option<Terminal>,
}

impl Rest {
    /// Not the agent: what stands between it and us.
    fn of_harness(message: String) -> Self {
        let terminal = Some(Terminal::Error { class: ErrorClass::Harness, message });
        Self { terminal, ..Self::default() }
    }
}

/// How the agent's own program ended, if it has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
}

/// # Errors
/// Why there is nothing behind this agent, in words for its author.
pub(crate) fn make(desk: &Arc<Desk>) -> Result<Box<dyn Adapter>, String> {
    match &desk.agent.adapter {
        Kind::Mock { script } => Ok(Box::new(mock::Mock::open(Arc::clone(desk), script)?)),
        Kind::Api { provider, format } => {
            Ok(Box::new(api::Api::open(Arc::clone(desk), provider, *format)?))
        }
        Kind::Acp { command, env, provider } => {
            Ok(Box::new(acp::Acp::open(Arc::clone(desk), command, env, provider)?))
        }
        Kind::Claude { command, env, provider } => {
            Ok(Box::new(claude::Claude::open(Arc::clone(desk), command, env, provider)?))
        }
        Kind::Codex { command, env, provider } => {
            Ok(Box::new(codex::Codex::open(Arc::clone(desk), command, env, provider)?))
        }
        Kind::Command { argv, result, env, provider } => {
            Ok(Box::new(command::Command::open(Arc::clone(desk), argv, *result, env, provider)?))
        }
        Kind::Inbox { tmux } => Ok(Box::new(inbox::Inbox::open(Arc::clone(desk), tmux.clone())?)),
    }
}
