//! Where the frames of a topic come from: the store and the captured output, read when the bell
//! rings. The conductor is never asked.
//!
//! A source knows the number up to which everything was told, and the state at that number. All
//! calls block.

use axum::extract::ws::Utf8Bytes;
use engine::id::RunId;
use indexmap::IndexSet;

use super::ring::Told;
use super::topic::Topic;
use crate::refused::Refused;
use crate::shared::Shared;
use list::ListSource;
use log::LogSource;
use run::RunSource;
use talk::TalkSource;

mod list;
mod log;
mod run;
mod talk;

/// Frames of one round: what is more comes in the next one.
const BURST: usize = 8;

/// A thing of a list that may be different now.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Run(RunId),
    /// By its pipeline and its number.
    Numbered(String, u64),
    Pipeline(String),
    Request(u64),
    Task(String),
    Fleet,
    Rollout,
}

/// What the bell said since it was heard last.
#[derive(Debug, Default)]
pub(super) struct Rung {
    pub(super) keys: IndexSet<Key>,
    /// More keys than are kept: everything may be different.
    pub(super) overflowed: bool,
}

/// What a source has to tell.
#[derive(Debug, Default)]
pub(super) struct Advance {
    pub(super) told: Vec<Told>,
    /// What was told before says nothing any more.
    pub(super) reset: bool,
    /// There is more already.
    pub(super) more: bool,
}

/// The way from a number to what was told, and how far it leads. `None`: it is too far, or nobody
/// knows.
pub(super) type Since = Option<(Utf8Bytes, u64)>;

pub(super) enum Source {
    Run(Box<RunSource>),
    List(ListSource),
    Log(LogSource),
    Talk(TalkSource),
}

impl Source {
    /// `ring`: when there is more to tell, of what tells it by itself.
    pub(super) fn open(
        shared: &Shared,
        topic: &Topic,
        epoch: &str,
        ring: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, Refused> {
        let name = topic.to_string();
        let epoch = epoch.to_owned();
        Ok(match topic {
            Topic::Run(run) => Self::Run(Box::new(RunSource::open(shared, *run, name, epoch)?)),
            Topic::Log(of) => Self::Log(LogSource::open(shared, of.clone(), name, epoch)?),
            Topic::Talk(of) => Self::Talk(TalkSource::open(shared, of, name, epoch, ring)?),
            Topic::Runs
            | Topic::Pipelines
            | Topic::Pipeline(_)
            | Topic::Inbox
            | Topic::Tasks
            | Topic::Fleet
            | Topic::Rollout => Self::List(ListSource::new(topic.clone(), name, epoch)),
        })
    }

    /// The number of what was told last.
    pub(super) fn last(&self) -> u64 {
        match self {
            Self::Run(run) => run.last(),
            Self::List(list) => list.last(),
            Self::Log(log) => log.last(),
            Self::Talk(talk) => talk.last(),
        }
    }

    pub(super) fn advance(&mut self, shared: &Shared, rung: Rung) -> Result<Advance, Refused> {
        match self {
            Self::Run(run) => run.advance(shared),
            Self::List(list) => list.advance(shared, rung),
            Self::Log(log) => log.advance(shared),
            Self::Talk(talk) => talk.advance(shared),
        }
    }

    /// The state at a number: the last one, or of a log or a talk where the listener wants to begin.
    pub(super) fn snapshot(
        &mut self,
        shared: &Shared,
        from: Option<u64>,
    ) -> Result<(Utf8Bytes, u64), Refused> {
        match self {
            Self::Run(run) => Ok((run.snapshot(), run.last())),
            Self::List(list) => Ok((list.snapshot(shared)?, list.last())),
            Self::Log(log) => Ok(log.snapshot(from)),
            Self::Talk(talk) => Ok(talk.snapshot(from)),
        }
    }

    /// `answer`: it is the first frame of a subscription.
    pub(super) fn since(
        &mut self,
        shared: &Shared,
        after: u64,
        answer: bool,
    ) -> Result<Since, Refused> {
        match self {
            Self::Run(run) => run.since(shared, after, answer),
            Self::List(list) => Ok(list.since(after)),
            Self::Log(log) => log.since(shared, after),
            Self::Talk(talk) => talk.since(shared, after),
        }
    }

    /// Whether a listener that goes on from a number gets a snapshot first.
    pub(super) fn begins_with_snapshot(&self) -> bool {
        matches!(self, Self::Log(_) | Self::Talk(_))
    }
}
