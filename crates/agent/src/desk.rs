//! What one agent does with the house while it works: says, calls, asks, hands in. Whatever stands
//! behind the agent, all of it goes over its desk, so that everything is written down, allowed,
//! counted and timed in one place.

mod notes;
mod people;
pub(crate) mod permission;
pub(crate) mod result;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::agent::{Agent, Did, StoppedBy, ToolKind, Usage};
use serde_json::Value as Json;
use tokio::sync::{Notify, watch};

use crate::clock::{Clock, Held};
use crate::memory::{Log, Problem};
use crate::room::{Halt, Room};
pub(crate) use notes::Entry;
pub(crate) use people::Said;
use result::Schema;

/// Calls of tools in one session, when the job names no cap.
const TOOL_CALLS: u32 = 200;

#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) room: Arc<Room>,
    pub(crate) agent: Agent,
    /// Of the conversation: unique in the execution, the same in the next attempt.
    pub(crate) session: String,
    pub(crate) schema: Option<Schema>,
    /// Which conversation it is that this agent has in the stage, from 1: iteration or round.
    pub(crate) conversation: u32,
    /// By the room's clock: its time is up then.
    pub(crate) until: Option<Duration>,
    /// Since the last word of the agent.
    idle: Clock,
    halt: watch::Sender<Option<StoppedBy>>,
    state: Mutex<State>,
    log: Mutex<Log<Entry>>,
    /// No tool runs any more.
    rests: Notify,
}

/// What the agent has handed in and used so far, over all attempts at this session.
#[derive(Debug, Default)]
struct State {
    submitted: Option<Json>,
    blocked: Option<String>,
    notes: Vec<String>,
    denied: u32,
    /// Ids of refused calls, of this attempt.
    refused: HashSet<String>,
    tool_calls: u32,
    turns: u32,
    running: u32,
    /// Questions to people that are open.
    waiting: u32,
    failing: Option<(String, u32)>,
}

/// A call that the agent wants to make.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Unique in the session.
    pub(crate) id: String,
    pub(crate) kind: ToolKind,
    /// One line for people: `bash cargo test`.
    pub(crate) title: String,
    pub(crate) input: Json,
    /// Relative to the workspace; `None` beside a path: it leads out of it.
    pub(crate) path: Option<Where>,
    pub(crate) command: Option<String>,
    /// The agent's definition names the tool itself: without a rule it is allowed.
    pub(crate) granted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    Inside(String),
    Outside(String),
}

impl Desk {
    pub(crate) fn open(
        room: Arc<Room>,
        agent: Agent,
        session: String,
        schema: Option<Schema>,
    ) -> Result<(Self, Vec<Entry>), Problem> {
        let path = room.memory.session(&session)?.join("desk.ndjson");
        let (log, past) = Log::open(&path)?;
        let state = State::default();
        let desk = Self {
            room,
            agent,
            session,
            schema,
            conversation: 1,
            until: None,
            idle: Clock::default(),
            halt: watch::Sender::new(None),
            state: Mutex::new(state),
            log: Mutex::new(log),
            rests: Notify::new(),
        };
        desk.remember(&past);
        Ok((desk, past))
    }

    /// Writes down what the agent did; it is alive.
    pub(crate) fn record(&self, what: Did) {
        self.alive();
        self.room.record(&self.agent.name, what);
    }

    /// Something came from the agent, or from what it waits for.
    pub(crate) fn alive(&self) {
        self.idle.restart();
    }

    /// Whoever works elsewhere is silent until the work is done: until this is dropped, nobody waits
    /// for a word.
    pub(crate) fn elsewhere(&self) -> Held<'_> {
        self.idle.hold()
    }

    pub(crate) fn text(&self, text: &str) {
        if !text.trim().is_empty() {
            self.record(Did::Text { text: text.to_owned() });
        }
    }

    pub(crate) fn thinking(&self, text: &str) {
        if !text.trim().is_empty() {
            self.record(Did::Thinking { text: text.to_owned() });
        }
    }

    pub(crate) fn warn(&self, text: String) {
        self.record(Did::Warning { text });
    }

    pub(crate) fn used(&self, usage: Usage) {
        self.used_in(None, usage);
    }

    /// `turn`: as the gateway was told it, which knows what the call cost.
    pub(crate) fn used_in(&self, turn: Option<String>, usage: Usage) {
        self.room.used(&self.agent.name, &usage);
        self.record(Did::Usage { usage, turn });
    }

    /// A call of the model begins. `false`: there is none left.
    pub(crate) fn turn(&self, number: u32) -> bool {
        self.state().turns = number;
        let most = self.room.job.limits.turns.unwrap_or(TURNS);
        if number > most {
            self.halt(StoppedBy::Turns);
        }
        number <= most
    }

    /// A tool begins; what is silent from here on is the tool. Counts the call; `false`: there is
    /// none left.
    pub(crate) fn call_begins(&self, call: &Call) -> bool {
        let over = {
            let mut state = self.state();
            state.running += 1;
            state.tool_calls += 1;
            state.tool_calls > self.room.job.limits.tool_calls.unwrap_or(TOOL_CALLS)
        };
        self.record(Did::ToolCall {
            id: call.id.clone(),
            kind: Some(call.kind),
            title: call.title.clone(),
            input: call.input.clone(),
        });
        if over {
            self.halt(StoppedBy::Turns);
        }
        !over
    }

    /// The same failing call three times in a row is not tried a fourth time.
    pub(crate) fn call_ended(&self, call: &Call, ok: bool, output: &str) {
        let stuck = {
            let mut state = self.state();
            state.running = state.running.saturating_sub(1);
            let what = format!("{} {}", call.title, call.input);
            state.failing = match (ok, state.failing.take()) {
                (true, _) => None,
                (false, Some((before, times))) if before == what => Some((before, times + 1)),
                (false, _) => Some((what, 1)),
            };
            state.failing.as_ref().is_some_and(|(_, times)| *times >= STUCK)
        };
        self.record(Did::ToolResult { id: call.id.clone(), ok, output: output.to_owned() });
        self.rests.notify_waiters();
        if stuck {
            self.halt(StoppedBy::Stuck);
        }
    }

    /// Ends this agent's work for a reason that lies in it. The first one stays.
    pub(crate) fn halt(&self, by: StoppedBy) {
        self.halt.send_if_modified(|halt| match halt {
            Some(_) => false,
            None => {
                *halt = Some(by);
                true
            }
        });
    }

    /// Why it is about to be stopped, if it is: nothing that costs anything should be begun.
    pub(crate) fn halting(&self) -> Option<Halt> {
        self.room.halted().or_else(|| self.halt.borrow().map(Halt::By))
    }

    /// Until this agent has to stop: by the room, by itself, or because it fell silent.
    pub(crate) async fn stop(&self) -> Halt {
        let mut halt = self.halt.subscribe();
        let own = async {
            match halt.wait_for(Option::is_some).await {
                Ok(by) => by.unwrap_or(StoppedBy::Cancelled),
                Err(_) => StoppedBy::Cancelled,
            }
        };
        tokio::select! {
            biased;
            everybody = self.room.leave() => everybody,
            by = own => Halt::By(by),
            () = self.idle.over(|| self.patience()) => Halt::By(StoppedBy::Idle),
            () = self.room.wall.over(|| self.until) => Halt::By(StoppedBy::WallClock),
        }
    }

    /// It was ended in the middle of whatever it did.
    pub(crate) fn left_off(&self) {
        let mut state = self.state();
        (state.running, state.waiting) = (0, 0);
    }

    /// Until none of its tools does anything.
    pub(crate) async fn rests(&self) {
        loop {
            let rests = self.rests.notified();
            tokio::pin!(rests);
            // From here on nothing is missed.
            rests.as_mut().enable();
            let rest = {
                let state = self.state();
                state.running <= state.waiting
            };
            if rest {
                return;
            }
            rests.await;
        }
    }

    /// How long it may be silent: a tool longer than a model.
    fn patience(&self) -> Option<Duration> {
        let limits = &self.room.job.limits;
        let limit = match self.state().running {
            0 => limits.idle_model_ms,
            _ => limits.idle_tool_ms,
        };
        limit.map(Duration::from_millis)
    }

    pub(crate) fn denied(&self) -> u32 {
        self.state().denied
    }

    pub(crate) fn blocked(&self) -> Option<String> {
        self.state().blocked.clone()
    }

    /// What it noted, in order.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.state().notes.clone()
    }

    pub(crate) fn submitted(&self) -> Option<Json> {
        self.state().submitted.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls of the model in one session, when the job names no cap.
const TURNS: u32 = 50;
const STUCK: u32 = 3;
