//! The worker: takes orders, prepares attempts, and passes on what the keeper says.

mod agent;
mod collect;
mod door;
mod ended;
mod lay;
mod lost;
mod prepare;
mod secrets;
mod start;
pub(crate) mod worktree;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use api::capture::Layout;
use api::link::{Assignment, AttemptRef, Order, Report, SecretDoor, Stopped, What};
use api::runtime::KeyDoor;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::fence::Fence;
use crate::record::Account;
use crate::runtime;
use crate::wire::{FromKeeper, ToKeeper};
use door::{Door, Listener};
pub(crate) use prepare::{find, harmless, plain_environment};

/// How to start a keeper.
#[derive(Clone, Debug)]
pub struct Program {
    pub program: PathBuf,
    /// It has to call [`crate::keeper::run`] for the worker's data folder.
    pub args: Vec<OsString>,
}

#[derive(Clone, Debug)]
pub struct Options {
    /// Exists.
    pub data_dir: PathBuf,
    pub keeper: Program,
    /// Carries out attempts of agents: called with its arguments, then the attempt's folder.
    pub harness: Program,
    /// Carries out one turn of a merge queue: called with its arguments, then the attempt's folder.
    pub merge: Program,
    /// Carries attempts that run elsewhere: called with its arguments, then the attempt's folder.
    pub carrier: Program,
    /// Asked for what runtimes are reached with.
    pub keys: KeyDoor,
    /// The environment that allowed names are taken from, and `ORCHESTRATE_SECRET_*`.
    pub environment: BTreeMap<String, String>,
    /// Asked for secrets that the server stores.
    pub secrets: SecretDoor,
    /// Names that children get beside the built-in allow-list.
    pub pass: Vec<String>,
    /// How much of the output of an attempt is kept.
    pub layout: Layout,
}

impl Options {
    /// This program as the keeper (`keeper --data-dir D`), and this process's environment.
    pub fn new(data_dir: impl Into<PathBuf>) -> io::Result<Self> {
        let data_dir = data_dir.into();
        let args = vec!["keeper".into(), "--data-dir".into(), data_dir.clone().into()];
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let program = std::env::current_exe()?;
        Ok(Self {
            harness: Program { program: program.clone(), args: vec!["harness".into()] },
            merge: Program { program: program.clone(), args: vec!["merge-turn".into()] },
            carrier: Program { program: program.clone(), args: vec!["carry".into()] },
            keys: KeyDoor::closed(),
            keeper: Program { program, args },
            data_dir,
            environment: std::env::vars_os().filter_map(text).collect(),
            secrets: SecretDoor::closed(),
            pass: Vec::new(),
            layout: Layout::default(),
        })
    }
}

/// The hands of one server. They let go when the orders end: children go on without them.
pub struct Worker {
    orders: Option<thread::JoinHandle<()>>,
    hands: Arc<Hands>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("data_dir", &self.hands.options.data_dir).finish()
    }
}

impl Worker {
    /// Starts to carry out orders. Reports come from several threads, one at a time.
    ///
    /// The keeper is started when the first attempt is.
    pub fn spawn(
        mut options: Options,
        mut orders: UnboundedReceiver<Order>,
        reports: impl Fn(Report) + Send + 'static,
    ) -> io::Result<Self> {
        // The keeper has another working folder.
        options.data_dir = fs::canonicalize(&options.data_dir)?;
        let hands = Arc::new(Hands {
            options,
            door: Mutex::new(Door::default()),
            live: Mutex::default(),
            preparing: Mutex::default(),
            collecting: Mutex::default(),
            settling: Mutex::default(),
            reports: Mutex::new(Box::new(reports)),
            fence: Mutex::new(None),
        });
        let carrying_out = Arc::clone(&hands);
        let orders = thread::Builder::new().name("hands".into()).spawn(move || {
            while let Some(order) = orders.blocking_recv() {
                carrying_out.carry_out(order);
            }
            carrying_out.door().close();
        })?;
        Ok(Self { orders: Some(orders), hands })
    }

    /// Everything that is held, also by a worker before this one, ends at this moment unless another
    /// is told before. Hands that are never told have no fence.
    pub fn fence(&self, fence: Fence) {
        *self.hands.fence.lock().unwrap_or_else(PoisonError::into_inner) = Some(fence);
        let mut door = self.hands.door();
        if door.is_open()
            && let Err(error) = door.send(&told(fence))
        {
            tracing::warn!(%error, "the keeper does not listen");
        }
    }

    /// Waits until the sender of the orders is gone and the last order has been passed on.
    pub fn join(mut self) {
        if let Some(orders) = self.orders.take() {
            let _ = orders.join();
        }
    }
}

struct Hands {
    options: Options,
    door: Mutex<Door>,
    /// Attempts that the keeper has been told or asked about and that have not ended.
    live: Mutex<HashMap<String, Live>>,
    /// Attempts whose worktrees are being made.
    preparing: Mutex<start::Preparing>,
    /// Keys of attempts that have ended and whose artifacts are being collected.
    collecting: Mutex<HashSet<String>>,
    /// And those whose carriers have, and whose ends are being asked for.
    settling: Mutex<HashSet<String>>,
    reports: Mutex<Box<dyn Fn(Report) + Send>>,
    /// The newest, for a keeper that is yet to come.
    fence: Mutex<Option<Fence>>,
}

/// What the keeper at the other end of a connection is expected to answer for.
#[derive(Debug)]
struct Live {
    attempt: AttemptRef,
    /// The connection that it went over.
    connection: u64,
    /// Until it has been seen alive, it can be started again by another keeper.
    assignment: Option<Box<Assignment>>,
}

impl Hands {
    fn carry_out(self: &Arc<Self>, order: Order) {
        match order {
            Order::Start(assignment) => self.start(assignment),
            Order::Stop { attempt, reason } => self.stop(attempt, reason),
            Order::Forget { attempt } => self.forget(attempt),
            Order::Adopt { attempts } => {
                for attempt in attempts {
                    self.look_and_adopt(attempt);
                }
            }
        }
    }

    fn stop(self: &Arc<Self>, attempt: AttemptRef, reason: Stopped) {
        if self.withdraw(&attempt) {
            return self.report(attempt, What::NeverStarted);
        }
        let message = ToKeeper::Stop { attempt: attempt.clone(), reason };
        if !matches!(self.send(&message, false, |_| None), Ok(true)) {
            self.ask_the_files(attempt);
        }
    }

    fn forget(self: &Arc<Self>, attempt: AttemptRef) {
        self.withdraw(&attempt);
        self.live().remove(&attempt.key);
        if let Some(folder) = folder(&self.options.data_dir, &attempt) {
            lay::take_back(&folder);
        }
        let _ = self.send(&ToKeeper::Forget { attempt }, false, |_| None);
    }

    /// What runs elsewhere is asked for there first: that may take a while, and others do not wait.
    fn look_and_adopt(self: &Arc<Self>, attempt: AttemptRef) {
        if self.is_preparing(&attempt) {
            return;
        }
        let carried = folder(&self.options.data_dir, &attempt).filter(|f| runtime::is_carried(f));
        let Some(folder) = carried else { return self.adopt(attempt) };
        let (hands, asked) = (Arc::clone(self), attempt.clone());
        self.aside("look", attempt, move || {
            if let Some(seen) = runtime::look(&hands.options, &folder) {
                hands.report(asked.clone(), What::Seen(Box::new(seen)));
            }
            hands.adopt(asked);
        });
    }

    /// Does it in a thread of its own; where there is none to be had, nobody is kept waiting: the
    /// attempt is asked for as if it ran here.
    fn aside(
        self: &Arc<Self>,
        name: &str,
        attempt: AttemptRef,
        work: impl FnOnce() + Send + 'static,
    ) {
        if let Err(error) = thread::Builder::new().name(name.into()).spawn(work) {
            tracing::warn!(%error, key = attempt.key, "could not start a thread");
            self.adopt(attempt);
        }
    }

    fn adopt(self: &Arc<Self>, attempt: AttemptRef) {
        let query = ToKeeper::Query { attempt: attempt.clone() };
        let sent = self.send(&query, false, |connection| {
            let known = self.live().get(&attempt.key).is_some_and(|l| l.attempt == attempt);
            let attempt = attempt.clone();
            (!known).then_some(Live { attempt, connection, assignment: None })
        });
        if !matches!(sent, Ok(true)) {
            self.live().remove(&attempt.key);
            self.ask_the_files(attempt);
        }
    }

    /// Sends a message; `Ok(false)` when there is no keeper and none is to be `start`ed. What the
    /// keeper has to answer for is entered before the message leaves: the answer may be quick.
    fn send(
        self: &Arc<Self>,
        message: &ToKeeper,
        start: bool,
        enter: impl FnOnce(u64) -> Option<Live>,
    ) -> io::Result<bool> {
        let mut door = self.door();
        if !door.is_open() {
            let Some(listener) = door.open(&self.options, start)? else { return Ok(false) };
            let fence = *self.fence.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(fence) = fence
                && let Err(error) = door.send(&told(fence))
            {
                tracing::warn!(%error, "the keeper does not listen");
            }
            let hands = Arc::clone(self);
            thread::Builder::new()
                .name("keeper-ear".into())
                .spawn(move || hands.listen(listener))?;
        }
        if let Some(live) = enter(door.connection()) {
            self.live().insert(live.attempt.key.clone(), live);
        }
        // When this fails the keeper is gone: its listener sees that and looks after everything
        // that went over this connection.
        if let Err(error) = door.send(message) {
            tracing::warn!(%error, "the keeper does not listen");
        }
        Ok(true)
    }

    /// Until the keeper, or the door to it, is closed.
    fn listen(self: &Arc<Self>, mut listener: Listener) {
        while let Some(message) = listener.next() {
            self.heard(message);
        }
        let connection = listener.connection();
        let deliberately = {
            let mut door = self.door();
            let deliberately = door.was_closed();
            door.lost(connection);
            deliberately
        };
        if deliberately {
            return;
        }
        tracing::warn!("the keeper is gone");
        let orphaned: Vec<Live> = {
            let mut live = self.live();
            live.extract_if(|_, live| live.connection == connection).map(|(_, live)| live).collect()
        };
        for live in orphaned {
            self.keeper_lost(live);
        }
        listener.reap();
    }

    fn heard(self: &Arc<Self>, message: FromKeeper) {
        match message {
            FromKeeper::Hello { .. } => {}
            FromKeeper::Superseded => {
                tracing::warn!("another worker has taken over this data folder");
                self.door().close();
            }
            FromKeeper::Started { attempt, pid } => {
                if let Some(live) = self.live().get_mut(&attempt.key) {
                    live.assignment = None;
                }
                self.report(attempt, What::Started { pid });
            }
            FromKeeper::Output { attempt, bytes } => self.report(attempt, What::Output { bytes }),
            FromKeeper::Ended { attempt, exit } => {
                self.live().remove(&attempt.key);
                self.ended(attempt, exit);
            }
            FromKeeper::NotStarted { attempt, message } => {
                self.live().remove(&attempt.key);
                self.report(attempt, What::NotStarted { message });
            }
            FromKeeper::Unknown { attempt } => {
                self.live().remove(&attempt.key);
                self.ask_the_files(attempt);
            }
        }
    }

    /// Its keeper died, or the connection did. An order that the keeper had not begun goes to the
    /// next one.
    fn keeper_lost(self: &Arc<Self>, live: Live) {
        let folder = self.run_folder(&live.attempt);
        let begun = folder.map(|folder| crate::record::account(&folder, &live.attempt.key));
        match live.assignment {
            Some(assignment) if matches!(begun, Some(Ok(Account { starting: None, .. }))) => {
                self.start(assignment);
            }
            Some(_) | None => self.adopt(live.attempt),
        }
    }

    /// No keeper answers for this attempt: its files do.
    fn ask_the_files(self: &Arc<Self>, attempt: AttemptRef) {
        // Whoever has taken over this data folder asks them; here nothing may be killed any more.
        if self.door().was_closed() {
            return;
        }
        let what = match self.run_folder(&attempt) {
            Some(folder) => lost::verdict(&self.options.data_dir, &folder, &attempt),
            None => What::NeverStarted,
        };
        match what {
            What::Exited(exit) => self.ended(attempt, exit),
            What::Lost { message } => self.lost(attempt, message),
            what => self.report(attempt, what),
        }
    }

    /// Nothing of it is left here; what runs elsewhere is ended there before it is given up.
    fn lost(self: &Arc<Self>, attempt: AttemptRef, message: String) {
        let carried = folder(&self.options.data_dir, &attempt).filter(|f| runtime::is_carried(f));
        let Some(folder) = carried else { return self.report(attempt, What::Lost { message }) };
        let (hands, of) = (Arc::clone(self), attempt.clone());
        let said = message.clone();
        let begun = thread::Builder::new().name("clear".into()).spawn(move || {
            let message = match runtime::clear(&hands.options, &folder) {
                Ok(()) => format!("{said}; nothing of it runs elsewhere any more"),
                Err(problem) => format!("{said}; {problem}"),
            };
            hands.report(of, What::Lost { message });
        });
        if let Err(error) = begun {
            let message = format!("{message}; what runs elsewhere could not be ended: {error}");
            self.report(attempt, What::Lost { message });
        }
    }

    fn run_folder(&self, attempt: &AttemptRef) -> Option<PathBuf> {
        Some(folder(&self.options.data_dir, attempt)?.parent()?.to_owned())
    }

    fn report(&self, attempt: AttemptRef, what: What) {
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports(Report { attempt, what });
    }

    fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn collecting(&self) -> MutexGuard<'_, HashSet<String>> {
        self.collecting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settling(&self) -> MutexGuard<'_, HashSet<String>> {
        self.settling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self) -> MutexGuard<'_, HashMap<String, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told(fence: Fence) -> ToKeeper {
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    ToKeeper::Fence { at_ms: millis(fence.at), grace_ms: millis(fence.grace) }
}

/// `None` when its names are unfit for a path: then it cannot have been started here either.
fn folder(data_dir: &Path, attempt: &AttemptRef) -> Option<PathBuf> {
    Some(data_dir.join(api::capture::folder(&attempt.run, &attempt.key)?))
}

/// Creates a folder and its missing parents, durably if asked for.
fn create_folder(data_dir: &Path, folder: &Path, durable: bool) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    if durable {
        for parent in folder.ancestors().skip(1) {
            fs::File::open(parent)?.sync_all()?;
            if parent == data_dir {
                break;
            }
        }
    }
    Ok(())
}
