//! One agent in one conversation, until there is a result that holds or a reason why not.

use std::sync::Arc;
use std::time::Duration;

use api::agent::{Agent, Did, ErrorClass, Evidence, HandedBack, StoppedBy, Terminal};
use serde_json::{Value as Json, json};

use crate::adapter::{self, Adapter, Exit, Message, Rest};
use crate::desk::result::{Found, Schema, find};
use crate::desk::{Desk, Entry};
use crate::prompt::Prompt;
use crate::room::{Halt, Room};
use crate::validate::{self, Checked};

mod hold;

/// So often an agent may mend what it handed in, in the same conversation.
const REPAIRS: u32 = 2;
/// An agent that is asked to leave off has so long.
const INTERRUPT: Duration = Duration::from_secs(10);

/// What is wanted of an agent.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Names the conversation: unique in the execution, the same in the next attempt.
    pub(crate) session: String,
    pub(crate) prompt: Prompt,
    pub(crate) schema: Option<Json>,
    /// Whether the job's check decides, too.
    pub(crate) check: bool,
    /// Which conversation it is that this agent has in the stage, from 1.
    pub(crate) conversation: u32,
    /// By the clock of the room: its time is up then.
    pub(crate) until: Option<Duration>,
}

/// What an agent came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sat {
    pub(crate) evidence: Evidence,
    /// What was handed in and fits the schema; without one, `{text}`.
    pub(crate) result: Option<Json>,
    /// Its last words.
    pub(crate) text: String,
    /// What it noted for others, in order.
    pub(crate) notes: Vec<String>,
}

/// Leads a conversation to its end. Calling it again with the same session goes on where it was left
/// off, and gives the same again when it was finished.
pub(crate) async fn sit(room: &Arc<Room>, agent: &Agent, wanted: &Wanted) -> Sat {
    let schema = match wanted.schema.as_ref().map(Schema::new).transpose() {
        Ok(schema) => schema,
        Err(error) => return broken(format!("the result's schema cannot be used: {error}")),
    };
    let opened = Desk::open(Arc::clone(room), agent.clone(), wanted.session.clone(), schema);
    let (desk, past) = match opened {
        Ok((mut desk, past)) => {
            desk.conversation = wanted.conversation;
            desk.until = wanted.until;
            (Arc::new(desk), past)
        }
        Err(problem) => return broken(problem.to_string()),
    };
    let mut adapter = match adapter::make(&desk) {
        Ok(adapter) => adapter,
        Err(error) => return broken(error),
    };
    desk.record(Did::Started { session: Some(wanted.session.clone()), resumed: !past.is_empty() });
    let begun = past.iter().any(|entry| matches!(entry, Entry::Asked { .. }));
    let mut seat = Seat { desk: &desk, adapter: &mut *adapter, wanted, past, begun };
    let mut sat = seat.lead().await;
    let exit = adapter.close().await;
    let Exit { code, signal } = exit;
    (sat.evidence.exit_code, sat.evidence.signal) = (code, signal);
    sat.evidence.denied = desk.denied();
    sat.evidence.blocked = desk.blocked();
    sat.notes = desk.notes();
    room.sync();
    if let Some(Halt::Broken(why)) = room.halted() {
        return broken(why);
    }
    sat
}

fn broken(message: String) -> Sat {
    let terminal = Some(Terminal::Error { class: ErrorClass::Harness, message });
    Sat { evidence: Evidence { terminal, ..Evidence::default() }, ..Sat::default() }
}

struct Seat<'a> {
    desk: &'a Arc<Desk>,
    adapter: &'a mut dyn Adapter,
    wanted: &'a Wanted,
    past: Vec<Entry>,
    /// The agent was told something, in this attempt or before.
    begun: bool,
}

impl Seat<'_> {
    async fn lead(&mut self) -> Sat {
        let (mut text, mut fresh) = (self.wanted.prompt.text.clone(), None);
        let (mut number, mut mended) = (1, 0);
        loop {
            let message = self.message(number, text, fresh);
            let rest = match self.came(&message).await {
                Ok(Came::Rest(rest)) => rest,
                Ok(Came::Back(back)) if back.accept => hold::accepted(&back),
                Ok(Came::Back(back)) => {
                    text = hold::told(&back);
                    let whole = format!("{}\n\n{text}", self.wanted.prompt.text);
                    if !self.begun {
                        // It has not heard yet what is wanted.
                        text.clone_from(&whole);
                    }
                    fresh = Some(whole);
                    number += 1;
                    continue;
                }
                Err(by) => return left(by),
            };
            let Weighed { sat, mend } = match self.weigh(&rest).await {
                Ok(weighed) => weighed,
                Err(by) => return left(by),
            };
            let Some(mend) = mend else { return sat };
            if mended >= REPAIRS || self.desk.blocked().is_some() {
                return sat;
            }
            (text, fresh) = (mend, None);
            number += 1;
            mended += 1;
        }
    }

    /// What comes of a message: the agent rests, or a person took over and handed back.
    async fn came(&mut self, message: &Message) -> Result<Came, StoppedBy> {
        let number = message.number;
        if let Some(back) = self.was_handed_back(number) {
            return Ok(Came::Back(back));
        }
        let mut rest = self.rested(number);
        loop {
            if rest.is_none() {
                rest = self.say(message).await?;
            }
            match (self.away(number).await?, rest.take()) {
                (Some(back), _) => return Ok(Came::Back(back)),
                (None, Some(rest)) => return Ok(Came::Rest(rest)),
                (None, None) => {}
            }
        }
    }

    /// As an attempt before sent it, if one did.
    fn message(&mut self, number: u32, text: String, fresh: Option<String>) -> Message {
        let sent = self.past.iter().find_map(|entry| match entry {
            Entry::Asked { number: n, system, text } if *n == number => Some((system, text)),
            Entry::Asked { .. }
            | Entry::Rested { .. }
            | Entry::Submitted { .. }
            | Entry::Blocked { .. }
            | Entry::HandedBack { .. }
            | Entry::Noted { .. }
            | Entry::Denied => None,
        });
        if let Some((system, text)) = sent {
            let (system, text) = (system.clone(), text.clone());
            return Message { number, system, text, fresh, again: true };
        }
        let system = self.wanted.prompt.system.clone();
        Message { number, system, text, fresh, again: false }
    }

    /// What came of a message that an attempt before had answered.
    fn rested(&self, number: u32) -> Option<Rest> {
        self.past.iter().find_map(|entry| match entry {
            Entry::Rested { number: n, text, native, terminal } if *n == number => Some(Rest {
                text: text.clone(),
                native: native.clone(),
                terminal: Some(terminal.clone()),
            }),
            Entry::Asked { .. }
            | Entry::Rested { .. }
            | Entry::Submitted { .. }
            | Entry::Blocked { .. }
            | Entry::HandedBack { .. }
            | Entry::Noted { .. }
            | Entry::Denied => None,
        })
    }

    /// Writes down that the message goes to the agent now.
    fn ask(&mut self, message: &Message) {
        self.begun = true;
        let Message { number, system, text, again, .. } = message;
        if !again {
            let (system, text) = (system.clone(), text.clone());
            self.desk.record(Did::Prompt { system: system.clone(), text: text.clone() });
            self.desk.keep(Entry::Asked { number: *number, system, text });
        }
    }

    /// `None`: a person has taken over.
    async fn say(&mut self, message: &Message) -> Result<Option<Rest>, StoppedBy> {
        if self.desk.room.taken().is_some() {
            return Ok(None);
        }
        self.ask(message);
        let desk = self.desk;
        let rest = tokio::select! {
            biased;
            why = desk.stop() => Err(why),
            () = hold::pulled(desk) => return Ok(None),
            rest = self.adapter.say(message) => Ok(rest),
        };
        // It may have ended before anybody could stop it.
        let rest = rest.and_then(|rest| self.desk.halting().map_or(Ok(rest), Err));
        let rest = match rest {
            Ok(rest) => rest,
            Err(why) => {
                let _ = tokio::time::timeout(INTERRUPT, self.adapter.interrupt()).await;
                return Err(stopped(why));
            }
        };
        // What it broke off is not over: the next attempt goes on with it.
        if let Some(terminal @ Terminal::Completed) = &rest.terminal {
            self.desk.keep(Entry::Rested {
                number: message.number,
                text: rest.text.clone(),
                native: rest.native.clone(),
                terminal: terminal.clone(),
            });
        }
        Ok(Some(rest))
    }

    /// What a rest is worth, and what the agent should be told if that is not enough.
    async fn weigh(&self, rest: &Rest) -> Result<Weighed, StoppedBy> {
        let mut sat = Sat { text: rest.text.clone(), ..Sat::default() };
        sat.evidence.terminal = rest.terminal.clone();
        if rest.terminal != Some(Terminal::Completed) || self.desk.blocked().is_some() {
            return Ok(Weighed { sat, mend: None });
        }
        let problems = match &self.desk.schema {
            None if rest.text.trim().is_empty() => {
                vec!["/: your answer is empty; say what you did and what came of it".to_owned()]
            }
            None => {
                sat.result = Some(json!({ "text": rest.text }));
                Vec::new()
            }
            Some(schema) => {
                let found = find(schema, self.desk.submitted(), rest.native.clone(), &rest.text);
                match found {
                    Found::Result(value) => {
                        sat.result = Some(value);
                        Vec::new()
                    }
                    Found::Problems(problems) => problems,
                }
            }
        };
        sat.evidence.has_result = sat.result.is_some();
        if !problems.is_empty() {
            let mend = format!("What you handed in does not do:\n{}", problems.join("\n"));
            // An empty answer is a missing result, not one that breaks its schema.
            if self.desk.schema.is_some() {
                sat.evidence.result_problems = problems;
            }
            return Ok(Weighed { sat, mend: Some(mend) });
        }
        let check = self.desk.room.job.validate.as_ref().filter(|_| self.wanted.check);
        let Some(check) = check else { return Ok(Weighed { sat, mend: None }) };
        let checked = validate::check_or_leave(&self.desk.room, check).await?;
        let Checked { passed, tail, .. } = checked;
        sat.evidence.validated = Some(passed);
        let mend = (!passed).then(|| {
            format!(
                "The check of your work failed. It ran `{}` and said:\n\n{tail}\n\nMend it.",
                check.command
            )
        });
        Ok(Weighed { sat, mend })
    }
}

enum Came {
    Rest(Rest),
    Back(HandedBack),
}

fn stopped(why: Halt) -> StoppedBy {
    match why {
        Halt::By(by) => by,
        Halt::Broken(_) => StoppedBy::Cancelled,
    }
}

/// It had to leave.
fn left(by: StoppedBy) -> Sat {
    Sat { evidence: Evidence { stopped: Some(by), ..Evidence::default() }, ..Sat::default() }
}

struct Weighed {
    sat: Sat,
    mend: Option<String>,
}
