//! The one place where it is decided what is sent, kept and forgotten: a loop over what comes from
//! the server, from the hands, and from those who carry and fetch.

mod orders;
mod socket;
mod words;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use api::link::{Assignment, AttemptRef, Order, Report, What};
use api::runtime::KeyDoor;
use api::worker::{FromWorker, Welcome};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;

use super::courier::Courier;
use super::line::Heard;
use super::patience::Patience;
use super::prepare::Secrets;
use super::requests::Requests;
use super::shelf::{Shelf, drawn};
use super::{Ending, Event, Setup, Told};
use crate::fence::{self, Fence};
use crate::hands::Worker;

/// What was told to stop is dead within this time, and its end reported.
const LAST_WORDS: Duration = Duration::from_secs(15);
/// So long it is waited for the server's leave.
const FAREWELL: Duration = Duration::from_secs(5);
/// What its own user stops has so long between TERM and KILL.
const OWN_GRACE: Duration = Duration::from_secs(5);

pub(super) struct Post<'t> {
    setup: Setup,
    shelf: Shelf,
    session: String,
    identity: String,
    requests: Arc<Requests>,
    secrets: Arc<Secrets>,
    hands: Worker,
    orders: UnboundedSender<Order>,
    held: HashMap<String, Held>,
    /// Reports that the server has not stored, oldest first.
    outbox: VecDeque<Report>,
    /// So many of them went over this connection.
    sent: usize,
    /// The last number that was acknowledged in this connection.
    acknowledged: u64,
    line: Line,
    /// Whether the server is there and has said what is ours.
    link: watch::Sender<bool>,
    terms: Option<Welcome>,
    /// When the questions were sent that are not answered, by the clock of fences.
    asked: VecDeque<Duration>,
    next_beat: Option<Instant>,
    leaving: Leaving,
    /// Then it goes, whatever is left.
    last_moment: Option<Instant>,
    inner: Inner,
    tell: &'t (dyn Fn(Event) + Send + Sync),
}

/// What it holds of one attempt, until the server has stored its end.
struct Held {
    attempt: AttemptRef,
    courier: Courier,
    /// What it needs is being fetched.
    preparing: Option<AbortHandle>,
    /// Its end is on its way to the server.
    is_ending: bool,
    /// The server does not hold it to be ours: nothing of it is reported any more.
    is_unwanted: bool,
}

struct Line {
    /// Counts connections.
    number: u64,
    state: LineState,
    /// Since the last time that a connection stood.
    failures: u32,
    was_up: bool,
}

enum LineState {
    /// Until it is dialled again.
    Down {
        until: Instant,
    },
    Dialling {
        task: JoinHandle<()>,
    },
    /// The server was greeted, and has not answered.
    Greeting {
        task: JoinHandle<()>,
        out: UnboundedSender<FromWorker>,
    },
    /// It has said its terms. `adopted`: and what is ours.
    Up {
        task: JoinHandle<()>,
        out: UnboundedSender<FromWorker>,
        adopted: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    No,
    Draining,
    Stopping,
}

/// What its own tasks say to it.
struct Inner {
    lines: Channel<(u64, Heard)>,
    reports: UnboundedReceiver<Report>,
    ready: Channel<Report>,
    prepared: Channel<Prepared>,
}

type Channel<T> = (UnboundedSender<T>, UnboundedReceiver<T>);

struct Prepared {
    attempt: AttemptRef,
    result: Result<Box<Assignment>, String>,
}

enum Happened {
    Line(u64, Heard),
    Report(Report),
    Ready(Report),
    Prepared(Prepared),
    Told(Told),
    Beat,
    Dial,
    LastMoment,
}

impl<'t> Post<'t> {
    pub(super) fn new(
        mut setup: Setup,
        shelf: Shelf,
        tell: &'t (dyn Fn(Event) + Send + Sync),
    ) -> io::Result<Self> {
        let (session, identity) = (drawn()?, shelf.identity()?);
        let requests = Arc::new(Requests::new(
            setup.server.clone(),
            setup.token.clone(),
            setup.name.clone(),
            session.clone(),
        ));
        let secrets = Arc::<Secrets>::default();
        let handle = tokio::runtime::Handle::current();
        setup.hands.secrets = secrets.door(Arc::clone(&requests), handle);
        setup.hands.keys = KeyDoor::closed();
        let (orders, to_do) = unbounded_channel();
        let (said, reports) = unbounded_channel();
        let hands = Worker::spawn(setup.hands.clone(), to_do, move |report| {
            let _gone = said.send(report);
        })?;
        let (link, _) = watch::channel(false);
        let inner = Inner {
            lines: unbounded_channel(),
            reports,
            ready: unbounded_channel(),
            prepared: unbounded_channel(),
        };
        let state = LineState::Down { until: Instant::now() };
        let held = shelf.held()?;
        let mut post = Self {
            setup,
            shelf,
            session,
            identity,
            requests,
            secrets,
            hands,
            orders,
            held: HashMap::new(),
            outbox: VecDeque::new(),
            sent: 0,
            acknowledged: 0,
            line: Line { number: 0, state, failures: 0, was_up: false },
            link,
            terms: None,
            asked: VecDeque::new(),
            next_beat: None,
            leaving: Leaving::No,
            last_moment: None,
            inner,
            tell,
        };
        for attempt in held {
            post.enter(attempt);
        }
        Ok(post)
    }

    pub(super) async fn serve(mut self, mut told: UnboundedReceiver<Told>) -> Ending {
        let ending = loop {
            if let Some(ending) = self.is_done() {
                break ending;
            }
            let what = self.next(&mut told).await;
            if let Some(ending) = self.happened(what) {
                break ending;
            }
        };
        // Children of which the server has not heard go on under the keeper, until its fence.
        self.hang_up();
        let Self { hands, orders, held, .. } = self;
        drop((orders, held));
        drop(tokio::task::spawn_blocking(move || hands.join()).await);
        ending
    }

    async fn next(&mut self, told: &mut UnboundedReceiver<Told>) -> Happened {
        let dial = match self.line.state {
            LineState::Down { until } => Some(until),
            LineState::Dialling { .. } | LineState::Greeting { .. } | LineState::Up { .. } => None,
        };
        let Inner { lines, reports, ready, prepared } = &mut self.inner;
        tokio::select! {
            Some((number, heard)) = lines.1.recv() => Happened::Line(number, heard),
            Some(report) = reports.recv() => Happened::Report(report),
            Some(report) = ready.1.recv() => Happened::Ready(report),
            Some(prepared) = prepared.1.recv() => Happened::Prepared(prepared),
            Some(told) = told.recv() => Happened::Told(told),
            () = at(self.next_beat) => Happened::Beat,
            () = at(dial) => Happened::Dial,
            () = at(self.last_moment) => Happened::LastMoment,
        }
    }

    fn happened(&mut self, what: Happened) -> Option<Ending> {
        match what {
            Happened::Line(number, heard) if number == self.line.number => {
                return self.heard(heard);
            }
            // Of a connection that was given up.
            Happened::Line(..) => {}
            Happened::Report(report) => self.reported(report),
            Happened::Ready(report) => self.send_off(report),
            Happened::Prepared(prepared) => self.prepared(prepared),
            Happened::Told(told) => return self.told(told),
            Happened::Beat => self.beat(),
            Happened::Dial => self.dial(),
            Happened::LastMoment => return self.moment_came(),
        }
        None
    }

    fn told(&mut self, told: Told) -> Option<Ending> {
        match (self.leaving, told) {
            (Leaving::No, Told::Drain) => {
                self.leaving = Leaving::Draining;
                self.say(Event::Draining { left: self.held.len() });
                self.last_moment = self.setup.drain_timeout.map(|time| Instant::now() + time);
                self.put(FromWorker::Draining);
            }
            (Leaving::Stopping, _) => return Some(Ending::Stopped),
            (Leaving::No | Leaving::Draining, Told::Stop | Told::Drain) => self.stop_everything(),
        }
        None
    }

    fn moment_came(&mut self) -> Option<Ending> {
        self.last_moment = None;
        match self.leaving {
            Leaving::Draining if !self.held.is_empty() => {
                self.stop_everything();
                None
            }
            Leaving::Draining | Leaving::No => Some(Ending::Drained),
            Leaving::Stopping => Some(Ending::Stopped),
        }
    }

    /// By the keeper, as if the server had not been heard of for too long.
    fn stop_everything(&mut self) {
        let was_draining = self.leaving == Leaving::Draining;
        self.leaving = Leaving::Stopping;
        self.last_moment = Some(Instant::now() + LAST_WORDS);
        self.say(Event::Stopping { left: self.held.len() });
        if !was_draining {
            self.put(FromWorker::Draining);
        }
        self.hands.fence(Fence { at: fence::now(), grace: OWN_GRACE });
        let unstarted: Vec<AttemptRef> =
            self.held.values_mut().filter_map(Held::call_off).collect();
        for attempt in unstarted {
            self.reported(Report { attempt, what: What::NeverStarted });
        }
    }

    /// Whether it may go: nothing is left, and the server knows.
    fn is_done(&mut self) -> Option<Ending> {
        let ending = match self.leaving {
            Leaving::No => return None,
            Leaving::Draining => Ending::Drained,
            Leaving::Stopping => Ending::Stopped,
        };
        if !self.held.is_empty() || !self.outbox.is_empty() {
            return None;
        }
        match self.line.state {
            LineState::Up { .. } => {
                // Its farewell comes soon.
                let latest = Instant::now() + FAREWELL;
                self.last_moment = Some(self.last_moment.map_or(latest, |at| at.min(latest)));
                None
            }
            LineState::Down { .. } | LineState::Dialling { .. } | LineState::Greeting { .. } => {
                Some(ending)
            }
        }
    }

    fn enter(&mut self, attempt: AttemptRef) -> &mut Held {
        let patience = self.patience();
        let courier = Courier::new(
            attempt.clone(),
            self.shelf.folder().to_owned(),
            Arc::clone(&self.requests),
            patience,
            self.inner.ready.0.clone(),
        );
        let key = attempt.key.clone();
        let held = Held { attempt, courier, preparing: None, is_ending: false, is_unwanted: false };
        self.held.entry(key).insert_entry(held).into_mut()
    }

    /// The server has what there was of it.
    fn let_go(&mut self, attempt: &AttemptRef) {
        if let Some(mut held) = self.held.remove(&attempt.key) {
            held.call_off();
        }
        self.secrets.forget(&attempt.key);
        if let Err(error) = self.shelf.forget(attempt) {
            tracing::warn!(%error, key = attempt.key, "could not forget an attempt");
        }
    }

    fn patience(&self) -> Patience {
        Patience::new(self.link.subscribe())
    }

    fn say(&self, event: Event) {
        (self.tell)(event);
    }
}

impl Held {
    /// Ends its preparing, if it was being prepared: then it will not be started.
    fn call_off(&mut self) -> Option<AttemptRef> {
        self.preparing.take()?.abort();
        Some(self.attempt.clone())
    }
}

/// `None`: never.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// After it nothing more is heard of the attempt.
fn is_end(what: &What) -> bool {
    match what {
        What::Exited(_) | What::NotStarted { .. } | What::NeverStarted | What::Lost { .. } => true,
        What::Started { .. } | What::Output { .. } | What::Seen(_) => false,
    }
}
