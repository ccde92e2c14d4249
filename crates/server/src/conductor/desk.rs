//! The doors to the conductor: one for people (bounded, answered), one for the hands.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use api::link;
use api::run::RunSummary;
use engine::Run;
use engine::command::Command;
use engine::id::RunId;
use jiff::Timestamp;
use pipeline::Pipeline;
use store::port::{Change, Expect, GivenEvent, Outcome};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::hands::seen::{FleetSeen, Reasons, Tally};
use super::inspect::Inspected;
use super::live::guarded;
use super::rollout::{Kept, Standing, SwitchAsk};
use super::tasks::{TaskAsk, TaskDone};
use super::workers::{Holding, HoldingAsk, Spoken, WorkersAsk};
use crate::intake::Start;
use crate::refused::Refused;

/// Requests of people that may wait for the conductor. More are refused before they are accepted.
const ROOM: usize = 1024;

/// One thing that the conductor deals with.
pub(crate) enum Input {
    Ask(Ask),
    Report(link::Report),
    /// From the connection of a worker on another machine.
    Worker(Spoken),
    /// What is due starts runs from now on.
    Schedules,
    Stop,
}

/// What people ask. Answers to changes are sent after the sync.
pub(crate) enum Ask {
    Start {
        start: Box<Start>,
        reply: Reply<RunSummary>,
    },
    Act {
        run: RunId,
        command: Box<Command>,
        reply: Reply<RunSummary>,
    },
    Save {
        save: Box<Save>,
        reply: Reply<Saved>,
    },
    /// A change of what is stored beside the runs, made with the time at which it happens.
    Store {
        change: Box<dyn FnOnce(Timestamp) -> Change + Send>,
        reply: Reply<Outcome>,
    },
    /// Events from outside, which are stored together. Answered one by one, in order.
    Give {
        events: Vec<GivenEvent>,
        reply: Reply<Vec<Given>>,
    },
    /// What was asked of an event that is stored, so that it can be held against triggers.
    Route {
        learned: Learned,
        reply: Reply<()>,
    },
    /// A change of a task, with what it starts or stops.
    Task {
        ask: Box<TaskAsk>,
        reply: Reply<TaskDone>,
    },
    /// Another mode of the installation, or less.
    Switch {
        ask: Box<SwitchAsk>,
        reply: Reply<Outcome>,
    },
    /// Who works, and who waits for what.
    Standing {
        reply: Reply<Standing>,
    },
    /// What of the roll-out keeps a run.
    Kept {
        run: RunId,
        reply: Reply<Kept>,
    },
    /// What the hands say of a run now.
    Inspect {
        run: RunId,
        reply: Reply<Inspected>,
    },
    /// Shows a loaded run as committed; `None` when it is at rest.
    Look {
        run: RunId,
        look: Look,
    },
    /// A change of a worker.
    Workers {
        ask: WorkersAsk,
        reply: Reply<()>,
    },
    /// Who is there, and what waits.
    Fleet {
        reply: Reply<FleetSeen>,
    },
    /// What a worker has; answered at once.
    Holding {
        ask: HoldingAsk,
        reply: Reply<Option<Holding>>,
    },
}

/// Reads what it wants to know and answers for itself.
pub(crate) type Look = Box<dyn FnOnce(Option<&Run>) + Send>;

pub(crate) struct Save {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) text: String,
    pub(crate) digest: String,
    pub(crate) by: String,
    pub(crate) expect: Expect,
}

/// What the changed paths of an event are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    /// Of the event.
    pub(crate) id: String,
    /// `None`: they cannot be known, and `problem` says why.
    pub(crate) paths: Option<Vec<String>>,
    pub(crate) problem: String,
}

/// An event that is stored, who took it and what it started.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) event: Arc<GivenEvent>,
    /// It was there already; nothing happened.
    pub(crate) duplicate: bool,
    /// `name#n`
    pub(crate) taken_by: Vec<String>,
    /// Runs, as far as it was held against triggers already: `name#n`
    pub(crate) started: Vec<String>,
    /// It waits for its changed paths.
    pub(crate) waits: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) revision: u32,
    pub(crate) created: bool,
}

/// Where an answer goes. Dropping it unanswered says that the server is stopping.
pub(crate) struct Reply<T> {
    sender: oneshot::Sender<Result<T, Refused>>,
    _room: OwnedSemaphorePermit,
}

impl<T> Reply<T> {
    /// An asker who has gone away is no concern of ours: what was decided stands.
    pub(crate) fn send(self, answer: Result<T, Refused>) {
        let _gone = self.sender.send(answer);
    }

    /// Nobody waits for it any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.sender.is_closed()
    }
}

/// Asks the conductor.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    inbox: Sender<Input>,
    room: Arc<Semaphore>,
}

impl Desk {
    pub(crate) fn new(inbox: Sender<Input>) -> Self {
        Self { inbox, room: Arc::new(Semaphore::new(ROOM)) }
    }

    /// Refused as [`Refused::Overloaded`] when too many are waiting already.
    pub(crate) async fn ask<T>(&self, ask: impl FnOnce(Reply<T>) -> Ask) -> Result<T, Refused> {
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            return Err(Refused::Overloaded);
        };
        let (sender, answer) = oneshot::channel();
        let input = Input::Ask(ask(Reply { sender, _room: room }));
        self.inbox.send(input).map_err(|_closed| Refused::Stopping)?;
        answer.await.map_err(|_dropped| Refused::Stopping)?
    }

    /// Changes what is stored beside the runs.
    pub(crate) async fn store(
        &self,
        change: impl FnOnce(Timestamp) -> Change + Send + 'static,
    ) -> Result<Outcome, Refused> {
        self.ask(|reply| Ask::Store { change: Box::new(change), reply }).await
    }

    /// What somebody wants to know of a loaded run, as committed; `None` when it is at rest.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        run: RunId,
        look: impl FnOnce(&Run) -> T + Send + 'static,
    ) -> Result<Option<T>, Refused> {
        self.ask(|reply: Reply<Option<T>>| {
            let look = move |live: Option<&Run>| {
                let seen = live.map(|live| guarded(|| look(live))).transpose();
                let damaged = |problem| Refused::Damaged { run: run.to_string(), problem };
                reply.send(seen.map_err(damaged));
            };
            Ask::Look { run, look: Box::new(look) }
        })
        .await
    }

    /// The same for whoever blocks anyway.
    pub(crate) fn ask_blocking<T>(&self, ask: impl FnOnce(Reply<T>) -> Ask) -> Result<T, Refused> {
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            return Err(Refused::Overloaded);
        };
        let (sender, answer) = oneshot::channel();
        let input = Input::Ask(ask(Reply { sender, _room: room }));
        self.inbox.send(input).map_err(|_closed| Refused::Stopping)?;
        answer.blocking_recv().map_err(|_dropped| Refused::Stopping)?
    }

    /// From the connection of a worker. `false`: the server has stopped.
    pub(crate) fn worker(&self, spoken: Spoken) -> bool {
        self.inbox.send(Input::Worker(spoken)).is_ok()
    }

    /// From now on schedules start runs.
    pub(crate) fn begin_schedules(&self) {
        let _stopped = self.inbox.send(Input::Schedules);
    }

    pub(crate) fn stop(&self) {
        let _stopped = self.inbox.send(Input::Stop);
    }
}

/// Where the hands report. Cheap to clone, usable from any thread.
#[derive(Clone, Debug)]
pub struct Inbox {
    inbox: Sender<Input>,
}

impl Inbox {
    pub(crate) fn new(inbox: Sender<Input>) -> Self {
        Self { inbox }
    }

    /// `false`: the server has stopped. Nothing is lost by that: what ended is on the disk of the
    /// hands, and the next server asks for it.
    pub fn report(&self, report: link::Report) -> bool {
        self.inbox.send(Input::Report(report)).is_ok()
    }
}

/// What the conductor lets others see of itself.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    gauges: Mutex<Gauge>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Gauge {
    pub(crate) used: u32,
    pub(crate) queued: u32,
    /// Why writes are refused; empty when they are not.
    pub(crate) problem: String,
    /// Runs that were stopped because they are damaged, each with why.
    pub(crate) damaged: Vec<(RunId, String)>,
    /// Of workers on other machines.
    pub(crate) fleet: Tally,
    /// Why what waits for one of them waits.
    pub(crate) reasons: Arc<Reasons>,
}

impl Gauges {
    pub(crate) fn read(&self) -> Gauge {
        self.gauges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Gauge)) {
        change(&mut self.gauges.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delete(reply: Reply<Outcome>) -> Ask {
        let change = |at| Change::DeletePipeline { name: "x".to_owned(), by: String::new(), at };
        Ask::Store { change: Box::new(change), reply }
    }

    #[tokio::test]
    async fn more_than_there_is_room_for_is_refused_at_once() {
        let (sender, inbox) = std::sync::mpsc::channel();
        let desk = Desk::new(sender);
        let waiting: Vec<_> = (0..ROOM)
            .map(|_| {
                let desk = desk.clone();
                tokio::spawn(async move { desk.ask(delete).await })
            })
            .collect();
        // Every one of them has reached the inbox, and nobody answers.
        let mut taken = Vec::new();
        while taken.len() < ROOM {
            tokio::task::yield_now().await;
            taken.extend(inbox.try_iter());
        }
        assert!(matches!(desk.ask(delete).await, Err(Refused::Overloaded)));
        let Some(Input::Ask(Ask::Store { reply, .. })) = taken.pop() else { panic!("not asked") };
        reply.send(Ok(Outcome::Done));
        // Whoever is not answered is told that the server stops; then there is room again.
        drop(taken);
        for waits in waiting {
            assert!(matches!(waits.await.unwrap(), Ok(Outcome::Done) | Err(Refused::Stopping)));
        }
        drop(inbox);
        assert!(matches!(desk.ask(delete).await, Err(Refused::Stopping)));
    }
}
