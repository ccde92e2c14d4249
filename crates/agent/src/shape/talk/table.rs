//! The table at which members sit: who said what, kept at once, so that nobody is asked twice.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::agent::prompt::turn;
use api::agent::{Agent, AgentOutcome, Did, Evidence};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::memory::{Log, Problem};
use crate::prompt::Prompt;
use crate::room::Room;
use crate::seat::{Sat, Wanted, sit};
use crate::shape::{Done, broken, ends_all};
use crate::verdict::judge;

/// How often a member is asked for one turn in an attempt before it is left out.
const TRIES: u32 = 3;

/// A turn that somebody is to take.
#[derive(Clone, Debug)]
pub(in crate::shape) struct Ask {
    pub(in crate::shape) agent: Agent,
    /// Names the turn among those of the agent: `answer`, `round-2`, `ballot`.
    pub(in crate::shape) place: String,
    /// The round; the same number for all who speak at once.
    pub(in crate::shape) round: u32,
    /// Stands behind the task.
    pub(in crate::shape) text: String,
    /// `None`: free text.
    pub(in crate::shape) schema: Option<Json>,
}

/// What was said in a turn: what fits the schema, or `{text}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::shape) struct Reply {
    pub(in crate::shape) value: Json,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
enum Entry {
    Said {
        key: String,
        value: Json,
    },
    /// A try that came to nothing; the next one is another conversation.
    Failed {
        key: String,
    },
    /// The others went on without it.
    LeftOut {
        key: String,
    },
}

pub(in crate::shape) struct Table<'a> {
    pub(in crate::shape) room: &'a Arc<Room>,
    /// Begins the name of every conversation.
    key: String,
    /// Comes after the task in every turn.
    afterword: String,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    log: Log<Entry>,
    entries: Vec<Entry>,
}

impl<'a> Table<'a> {
    pub(in crate::shape) fn open(
        room: &'a Arc<Room>,
        key: String,
        afterword: String,
    ) -> Result<Self, Problem> {
        let path = room.memory.session(&format!("talk-{key}"))?.join("talk.ndjson");
        let (log, entries) = Log::open(&path)?;
        Ok(Self { room, key, afterword, kept: Mutex::new(Kept { log, entries }) })
    }

    /// All of them at once. `None`: left out, since it does not answer; that is no more than a
    /// minority of them. The error ends the attempt.
    pub(in crate::shape) async fn all(
        &self,
        asks: &[Ask],
    ) -> Result<Vec<Option<Reply>>, Box<Done>> {
        let needed = asks.len() / 2 + 1;
        self.gather(asks, needed).await
    }

    /// As [`Table::all`], but it goes on with any number of answers.
    pub(in crate::shape) async fn any(
        &self,
        asks: &[Ask],
    ) -> Result<Vec<Option<Reply>>, Box<Done>> {
        self.gather(asks, 0).await
    }

    /// The one whose word is needed.
    pub(in crate::shape) async fn one(&self, ask: &Ask) -> Result<Reply, Box<Done>> {
        match self.turn(ask).await? {
            Turn::Said(reply) => Ok(reply),
            Turn::Lost(done) => Err(done),
            Turn::LeftOut => Err(Box::new(broken(format!("`{}` was left out", ask.agent.name)))),
        }
    }

    async fn gather(&self, asks: &[Ask], needed: usize) -> Result<Vec<Option<Reply>>, Box<Done>> {
        let turns = join_all(asks.iter().map(|ask| self.turn(ask))).await;
        let (mut replies, mut lost) = (Vec::with_capacity(asks.len()), Vec::new());
        for (turn, ask) in turns.into_iter().zip(asks) {
            replies.push(match turn? {
                Turn::Said(reply) => Some(reply),
                Turn::LeftOut => None,
                Turn::Lost(done) => {
                    lost.push((ask, done));
                    None
                }
            });
        }
        let said = replies.iter().flatten().count();
        if said < needed
            && let Some((ask, mut done)) = lost.pop()
        {
            let (name, all) = (&ask.agent.name, asks.len());
            done.verdict.says = format!(
                "{said} of {all} members answered, {needed} have to; `{name}`: {}",
                done.verdict.says
            );
            return Err(done);
        }
        for (ask, done) in lost {
            let text = format!("goes on without `{}`: {}", ask.agent.name, done.verdict.says);
            self.room.record(&ask.agent.name, Did::Warning { text });
            self.keep(Entry::LeftOut { key: turn_key(ask) })?;
        }
        Ok(replies)
    }

    async fn turn(&self, ask: &Ask) -> Result<Turn, Box<Done>> {
        let key = turn_key(ask);
        match self.known(&key) {
            Some(Turn::LeftOut) => return Ok(Turn::LeftOut),
            Some(said) => return Ok(said),
            None => {}
        }
        let mut tries = 0;
        loop {
            let done = match self.try_once(ask, &key).await? {
                Ok(reply) => {
                    self.tell(ask, &reply);
                    self.keep(Entry::Said { key, value: reply.value.clone() })?;
                    return Ok(Turn::Said(reply));
                }
                Err(done) => done,
            };
            tries += 1;
            self.keep(Entry::Failed { key: key.clone() })?;
            if tries >= TRIES || !helps(done.verdict.outcome) {
                return Ok(Turn::Lost(done));
            }
        }
    }

    /// The outer error ends the attempt, the inner one this try.
    async fn try_once(&self, ask: &Ask, key: &str) -> Result<Result<Reply, Box<Done>>, Box<Done>> {
        let number = self.failed(key) + 1;
        let wanted = Wanted {
            session: format!("{}-{key}-{number}", self.key),
            prompt: self.prompt(ask),
            schema: ask.schema.clone(),
            check: false,
            conversation: ask.round,
            until: None,
        };
        let Sat { evidence, result, .. } = sit(self.room, &ask.agent, &wanted).await;
        let outcome = judge(&evidence).outcome;
        // What it was refused on the way did not keep it from answering.
        let answered = matches!(outcome, AgentOutcome::Succeeded | AgentOutcome::Denied);
        match result.filter(|_| answered) {
            Some(value) if self.room.halted().is_none() => Ok(Ok(Reply { value })),
            Some(_) | None if self.room.halted().is_some() || ends_all(outcome) => {
                Err(Box::new(Done::of(evidence, None)))
            }
            Some(_) | None => Ok(Err(Box::new(Done::of(evidence, None)))),
        }
    }

    fn prompt(&self, ask: &Ask) -> Prompt {
        let more = [self.afterword.as_str(), &ask.text];
        turn(&self.room.job, &ask.agent, ask.schema.as_ref(), &more)
    }

    /// Everybody can see each turn, whether or not somebody follows.
    fn tell(&self, ask: &Ask, reply: &Reply) {
        let key = turn_key(ask);
        // A crash between this and the log shows the same again.
        let told = self.room.memory.past().iter().any(|past| {
            past.who == ask.agent.name
                && matches!(&past.what, Did::Turn { data, .. }
                    if data["turn"] == key.as_str() && data["talk"] == self.key.as_str())
        });
        if told {
            return;
        }
        let says = format!("{}: {}", ask.place, summary(&reply.value));
        let data = json!({
            "talk": self.key, "turn": key, "place": ask.place, "said": reply.value,
        });
        self.room.record(&ask.agent.name, Did::Turn { number: ask.round, says, data });
    }

    fn known(&self, key: &str) -> Option<Turn> {
        self.kept().entries.iter().find_map(|entry| match entry {
            Entry::Said { key: of, value } if of == key => {
                Some(Turn::Said(Reply { value: value.clone() }))
            }
            Entry::LeftOut { key: of } if of == key => Some(Turn::LeftOut),
            Entry::Said { .. } | Entry::Failed { .. } | Entry::LeftOut { .. } => None,
        })
    }

    fn failed(&self, key: &str) -> usize {
        let failed = |entry: &&Entry| matches!(entry, Entry::Failed { key: of } if of == key);
        self.kept().entries.iter().filter(failed).count()
    }

    fn keep(&self, entry: Entry) -> Result<(), Box<Done>> {
        // What led to it is on disk first.
        self.room.sync();
        let mut kept = self.kept();
        kept.log.keep(&entry).map_err(|problem| Box::new(broken(problem.to_string())))?;
        kept.entries.push(entry);
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Turn {
    Said(Reply),
    LeftOut,
    /// It came to nothing in this attempt.
    Lost(Box<Done>),
}

/// The same for every attempt; unique in the discussion.
fn turn_key(ask: &Ask) -> String {
    format!("{}-{}", ask.agent.name, ask.place)
}

/// Whether asking the same again may help.
fn helps(outcome: AgentOutcome) -> bool {
    match outcome {
        AgentOutcome::NoResult
        | AgentOutcome::Interrupted
        | AgentOutcome::Unavailable
        | AgentOutcome::ContextExhausted
        | AgentOutcome::TurnsExhausted
        | AgentOutcome::Stalled
        | AgentOutcome::TimedOut
        | AgentOutcome::Stuck => true,
        AgentOutcome::Succeeded
        | AgentOutcome::ValidationFailed
        | AgentOutcome::Blocked
        | AgentOutcome::Denied
        | AgentOutcome::Refused
        | AgentOutcome::AuthFailed
        | AgentOutcome::BudgetExhausted
        | AgentOutcome::Cancelled
        | AgentOutcome::GaveUp
        | AgentOutcome::Error => false,
    }
}

impl Reply {
    /// In words; a result of several fields as JSON.
    pub(in crate::shape) fn words(&self) -> String {
        match (&self.value["text"], self.value.as_object().map(serde_json::Map::len)) {
            (Json::String(text), Some(1)) => text.clone(),
            _ => format!("{:#}", self.value),
        }
    }
}

/// One line for people.
fn summary(value: &Json) -> String {
    let text = match &value["text"] {
        Json::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        _ => value.to_string(),
    };
    match text.char_indices().nth(120) {
        None => text,
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

/// What an attempt came to that ended with its last word.
pub(in crate::shape) fn evidence(validated: Option<bool>) -> Evidence {
    let terminal = Some(api::agent::Terminal::Completed);
    Evidence { terminal, has_result: true, validated, ..Evidence::default() }
}
