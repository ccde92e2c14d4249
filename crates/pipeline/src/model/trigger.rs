//! What starts runs of a pipeline by itself.

use std::time::Duration;

use indexmap::IndexMap;

use crate::expr::Expression;
use crate::schedule::Schedule;
use crate::text::ValueTemplate;
use crate::when::{Globs, OnUnknown};

/// Each time it fires, a run is started.
#[derive(Clone, Debug)]
pub struct StartTrigger {
    /// As written, else made of what it waits for; unique within the pipeline. It is part of the
    /// ids of events and runs, so a trigger that keeps its name keeps its history.
    pub name: String,
    pub on: StartOn,
    /// Inputs of the run. They refer to nothing but `${event.*}`.
    pub inputs: IndexMap<String, ValueTemplate>,
}

#[derive(Clone, Debug)]
pub enum StartOn {
    /// Something happened outside.
    Event(EventStart),
    /// It is time.
    Schedule(ScheduleStart),
    /// A run of another pipeline ended.
    Completion(CompletionStart),
    /// A file changed on the server.
    Files(FileStart),
}

/// An event from outside; what is `None` or empty filters nothing.
#[derive(Clone, Debug)]
pub struct EventStart {
    /// A type: `push`, `pull_request.merged`, or one that stands for many: `pull_request`.
    pub event: String,
    /// The name of a source of the server's configuration.
    pub source: Option<String>,
    pub branches: Option<Globs>,
    pub branches_ignore: Option<Globs>,
    pub tags: Option<Globs>,
    pub tags_ignore: Option<Globs>,
    pub paths: Option<Globs>,
    pub paths_ignore: Option<Globs>,
    pub labels: Option<LabelTest>,
    /// Sees the event as `event`.
    pub filter: Option<Expression>,
    /// What a filter counts as whose fact the event does not tell.
    pub on_unknown: OnUnknown,
}

/// Each list that is not empty must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelTest {
    pub any: Vec<String>,
    pub all: Vec<String>,
    pub none: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct ScheduleStart {
    pub schedule: Schedule,
    pub catch_up: CatchUp,
}

/// What is started for the times that passed while the server was down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CatchUp {
    #[default]
    Skip,
    /// One run, for the last of them.
    Last,
    /// A run for each of the last [`crate::schedule::MOST_CAUGHT_UP`].
    All,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionStart {
    /// Another pipeline, which need not exist yet.
    pub pipeline: String,
    /// How its run has to end; not empty.
    pub status: Vec<Ending>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    Succeeded,
    Failed,
    Cancelled,
}

#[derive(Clone, Debug)]
pub struct FileStart {
    /// Absolute.
    pub directory: String,
    /// Of paths below the directory.
    pub files: Globs,
}

impl FileStart {
    /// Changes that follow each other faster are one event.
    pub const QUIET: Duration = Duration::from_millis(500);
}

impl Ending {
    /// Every one, in the order of the vocabulary's words.
    pub const ALL: [Self; 3] = [Self::Succeeded, Self::Failed, Self::Cancelled];

    pub fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl CatchUp {
    /// Every one, in the order of the vocabulary's words.
    pub const ALL: [Self; 3] = [Self::Skip, Self::Last, Self::All];

    pub fn word(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Last => "last",
            Self::All => "all",
        }
    }
}

impl EventStart {
    /// Every event of this type.
    pub(crate) fn of_type(event: String) -> Self {
        Self {
            event,
            source: None,
            branches: None,
            branches_ignore: None,
            tags: None,
            tags_ignore: None,
            paths: None,
            paths_ignore: None,
            labels: None,
            filter: None,
            on_unknown: OnUnknown::Skip,
        }
    }

    /// Whether the event's changed files have to be known to judge it.
    pub fn asks_for_paths(&self) -> bool {
        self.paths.is_some() || self.paths_ignore.is_some()
    }

    /// Whether every event of its type fires it.
    pub fn takes_all(&self) -> bool {
        let globs = [
            &self.branches,
            &self.branches_ignore,
            &self.tags,
            &self.tags_ignore,
            &self.paths,
            &self.paths_ignore,
        ];
        self.source.is_none()
            && self.labels.is_none()
            && self.filter.is_none()
            && globs.iter().all(|globs| globs.is_none())
    }
}
