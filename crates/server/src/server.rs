//! The server as a whole: opened on a store, joined with hands by two channels, reached through
//! its router.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use api::agent::{Door as AttemptDoor, Limits};
use api::link::{AttemptRef, Order, SecretDoor};
use api::program::ProgramDoor;
use api::runtime::KeyDoor;
use axum::Router;
use blobs::Blobs;
use store::folder::Folder;
use store::mirror::Mirror;
use store::port::{Change, ModelChange, Read, Write};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

use crate::accounts::{self, Accounts};
use crate::agents::Agents;
use crate::board::Board;
use crate::changed;
use crate::clock::Ahead;
use crate::conductor::desk::{Desk, Gauges, Inbox, Input};
use crate::conductor::route::Unknown;
use crate::conductor::{Conductor, Opening};
use crate::config::ConfigFile;
use crate::config::settings::{self, CONNECTIONS, Said};
use crate::definition::Definitions;
use crate::door::Doors;
use crate::egress::Egress;
use crate::gateway::Gateway;
use crate::http::{self, Door};
use crate::listen::{self, Listening};
use crate::live::Broker;
use crate::live::hub::Hub;
use crate::metrics::Metrics;
use crate::notices::outbox::{self, Bell};
use crate::retention;
use crate::shared::{Shared, Turns};
use crate::traces;
use crate::vault::Vault;
use crate::watch::Watched;

/// Time for notices that were never tried, before a server stops.
const LAST_NOTICES: Duration = Duration::from_secs(3);
/// Time for spans that were not exported, before a server stops. What is left is exported after
/// the next start.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// What a server is told when it is opened.
#[derive(Clone)]
pub struct Options {
    pub data_dir: PathBuf,
    /// `serve`, `run` or `drive`: shown in the status.
    pub role: String,
    /// At most so many live attempts over all runs; 0 counts as 1.
    pub slots: u32,
    /// The name of the hands in the journal.
    pub worker: String,
    /// What flags and the environment say of settings.
    pub said: Said,
    /// Where it asks which programs the hands have.
    pub programs: ProgramDoor,
    /// Of this server's clock; for tests.
    pub ahead: Ahead,
    /// Called when the store failed in a way after which nobody knows what the disk holds (a
    /// failed sync). It should say so and end the process; the next one reads the truth.
    pub on_fatal: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Options {
    /// For the hands of this machine; a fatal error ends the process with exit code 1.
    pub fn new(data_dir: impl Into<PathBuf>, role: impl Into<String>, slots: u32) -> Self {
        Self {
            data_dir: data_dir.into(),
            role: role.into(),
            slots,
            worker: "local".to_owned(),
            said: Said::default(),
            programs: ProgramDoor::closed(),
            ahead: Ahead::said(),
            on_fatal: Arc::new(|_problem| std::process::exit(1)),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("data_dir", &self.data_dir)
            .field("role", &self.role)
            .field("slots", &self.slots)
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

/// Why a server could not be opened or reached.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the configuration is invalid:\n{0}")]
    Config(String),
    #[error("could not take up unfinished runs")]
    Load {
        #[source]
        source: store::port::Error,
    },
    #[error("could not open the data folder")]
    Folder {
        #[source]
        source: store::port::Error,
    },
    #[error("could not set the quota of artifacts")]
    Quota {
        #[source]
        source: blobs::Error,
    },
    #[error("could not open the door of attempts: {problem}")]
    Door { problem: String },
    #[error("could not start a thread")]
    Thread {
        #[source]
        source: io::Error,
    },
    #[error("could not make a link: {problem}")]
    Link { problem: String },
    #[error(
        "`{address}` can be reached from other machines, and nobody could prove who they are: \
         create a user first (`orchestrate user create NAME --role admin --password`), \
         make a token (`orchestrate token create NAME`), or name a provider (`oidc` in config.yaml)"
    )]
    NoAccounts { address: String },
    #[error("could not read the accounts")]
    Accounts {
        #[source]
        source: store::port::Error,
    },
    #[error("could not listen on `{address}`")]
    Listen {
        address: String,
        #[source]
        source: io::Error,
    },
}

/// One owner of a data folder. Dropping it is a shutdown that nobody waits for.
pub struct Server {
    shared: Arc<Shared>,
    orders: Mutex<Option<UnboundedReceiver<Order>>>,
    /// Events whose changed paths have to be asked for.
    unknown: Mutex<Option<UnboundedReceiver<String>>>,
    /// What triggers with `files` wait for.
    files: watch::Receiver<Vec<Watched>>,
    inbox: Inbox,
    busy: watch::Receiver<bool>,
    stop: watch::Sender<bool>,
    conductor: Mutex<Option<std::thread::JoinHandle<()>>>,
    listening: Mutex<Vec<Listening>>,
    traces: Mutex<Option<traces::Tended>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("data_dir", &self.shared.data_dir).finish_non_exhaustive()
    }
}

/// The folders for people, and the room that artifacts may take.
fn mirror(
    data_dir: &Path,
    config: &ConfigFile,
    reader: &Arc<dyn Read>,
) -> Result<Arc<Mirror>, Error> {
    let quota = config.current().map_err(Error::Config)?.artifacts.quota_bytes;
    let folder = Folder::open(data_dir).map_err(|source| Error::Folder { source })?;
    if quota.is_some() || folder.root().join("blobs").is_dir() {
        Blobs::of(folder.root()).set_quota(quota).map_err(|source| Error::Quota { source })?;
    }
    let mirror = Mirror::start(Arc::clone(reader), &folder);
    Ok(Arc::new(mirror.map_err(|source| Error::Thread { source })?))
}

/// Calls of models that an earlier process had under way came to no end. What was put aside for them
/// stays spent, also where that cannot be noted now.
fn lose_calls(writer: &mut dyn Write) {
    let change = Change::Model(ModelChange::LoseOpen { at: crate::clock::wall() });
    if let Err(error) = writer.commit(&[change]) {
        tracing::warn!(%error, "calls of models that were lost could not be noted");
    }
}

fn spawn(conductor: Conductor) -> Result<std::thread::JoinHandle<()>, Error> {
    std::thread::Builder::new()
        .name("conductor".to_owned())
        .stack_size(16 << 20)
        .spawn(move || conductor.run())
        .map_err(|source| Error::Thread { source })
}

fn agents(options: &Options, config: &Arc<ConfigFile>, doors: &Arc<Doors>) -> Arc<Agents> {
    let (config, doors) = (Arc::clone(config), Arc::clone(doors));
    Arc::new(Agents::new(&options.data_dir, config, options.said.clone(), doors))
}

impl Server {
    /// Loads unfinished runs, asks the hands what became of their live attempts (the order waits
    /// in [`Server::orders`]), and starts the conductor. A run whose journal is damaged is marked
    /// so and left alone; it does not keep the others from going on.
    #[expect(clippy::too_many_lines, reason = "one list: what the parts of a server are given")]
    pub fn open(
        options: Options,
        mut writer: Box<dyn Write>,
        reader: Arc<dyn Read>,
    ) -> Result<Self, Error> {
        let (inbox_sender, inbox) = std::sync::mpsc::channel::<Input>();
        let (orders_sender, orders) = tokio::sync::mpsc::unbounded_channel();
        let (unknown_sender, unknown) = tokio::sync::mpsc::unbounded_channel();
        let (files_sender, files) = watch::channel(Vec::new());
        let (busy_sender, busy) = watch::channel(true);
        let (stop, stopped) = watch::channel(false);
        let (broker, hub) = (Arc::new(Broker::default()), Arc::new(Hub::new()));
        let (gauges, metrics) = (Arc::<Gauges>::default(), Arc::<Metrics>::default());
        let board = Arc::<Board>::default();
        let (definitions, bell) = (Arc::<Definitions>::default(), Arc::<Bell>::default());
        let config = Arc::new(ConfigFile::in_folder(&options.data_dir));
        let mirror = mirror(&options.data_dir, &config, &reader)?;
        let doors = Doors::open(&options.data_dir).map_err(|problem| Error::Door { problem })?;
        lose_calls(&mut *writer);
        let agents = agents(&options, &config, &doors);
        let conductor = Conductor::open(Opening {
            data_dir: options.data_dir.clone(),
            worker: options.worker,
            said: options.said.clone(),
            slots: options.slots,
            writer,
            reader: Arc::clone(&reader),
            definitions: Arc::clone(&definitions),
            config: Arc::clone(&config),
            mirror: Arc::clone(&mirror),
            agents: Arc::clone(&agents),
            ahead: options.ahead,
            inbox,
            orders: orders_sender,
            unknown: Unknown(unknown_sender),
            files: files_sender,
            broker: Arc::clone(&broker),
            hub: Arc::clone(&hub),
            gauges: Arc::clone(&gauges),
            board: Arc::clone(&board),
            metrics: Arc::clone(&metrics),
            busy: busy_sender,
            bell: Arc::clone(&bell),
            on_fatal: options.on_fatal,
        })
        .map_err(|source| Error::Load { source })?;
        let thread = spawn(conductor)?;
        let shared = Arc::new(Shared {
            vault: Arc::new(Vault::of(&options.data_dir, Arc::clone(&reader))),
            data_dir: options.data_dir,
            role: options.role,
            slots: options.slots,
            address: OnceLock::new(),
            config,
            accounts: Accounts::default(),
            doors,
            agents,
            said: options.said,
            programs: options.programs,
            mirror,
            started: Instant::now(),
            since: crate::clock::wall(),
            reader,
            definitions,
            histories: Arc::default(),
            outputs: Turns::default(),
            running: Arc::default(),
            desk: Desk::new(inbox_sender.clone()),
            egress: Egress::default(),
            gateway: Gateway::default(),
            bell,
            broker,
            hub,
            gauges,
            board,
            metrics,
            stopping: AtomicBool::new(false),
            stop: stopped,
        });
        Ok(Self {
            shared,
            orders: Mutex::new(Some(orders)),
            unknown: Mutex::new(Some(unknown)),
            files,
            inbox: Inbox::new(inbox_sender),
            busy,
            stop,
            conductor: Mutex::new(Some(thread)),
            listening: Mutex::default(),
            traces: Mutex::default(),
        })
    }

    /// The orders for the hands, once: later calls give `None`.
    pub fn orders(&self) -> Option<UnboundedReceiver<Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Where the hands report.
    pub fn inbox(&self) -> Inbox {
        self.inbox.clone()
    }

    /// Where the hands ask for secrets that are stored here.
    pub fn secrets(&self) -> SecretDoor {
        let vault = Arc::clone(&self.shared.vault);
        SecretDoor::new(move |ask| vault.answer(ask))
    }

    /// Where the hands ask for what runtimes are reached with.
    pub fn runtime_keys(&self) -> KeyDoor {
        let (config, vault) = (Arc::clone(&self.shared.config), Arc::clone(&self.shared.vault));
        KeyDoor::new(move |place| crate::conductor::runtimes::keys(&config, &vault, place))
    }

    /// By which the harness of an attempt reaches this server, while the attempt is live.
    pub fn door(&self, attempt: &AttemptRef, limits: &Limits) -> AttemptDoor {
        self.shared.doors.of(attempt, limits)
    }

    /// A one-time link that opens a browser's session for the folder's owner; `None` where nobody
    /// listens on TCP.
    pub fn link(&self) -> Result<Option<String>, Error> {
        let link = http::owners_link(&self.shared)
            .map_err(|refused| Error::Link { problem: refused.to_string() })?;
        Ok(link.url)
    }

    /// The API for calls inside this process: the caller is the user of this process, unless a
    /// token says otherwise.
    pub fn router(&self) -> Router {
        http::router(Arc::clone(&self.shared), Door::Local)
    }

    /// Asks for changed paths, sends notices and exports traces in the background, until the
    /// shutdown. Must be called inside a tokio runtime.
    pub fn tend(&self) {
        let unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(unknown) = unknown {
            tokio::spawn(changed::tend(Arc::clone(&self.shared), unknown));
        }
        tokio::spawn(outbox::tend(Arc::clone(&self.shared)));
        let tended = traces::tend(&self.shared);
        *self.traces.lock().unwrap_or_else(PoisonError::into_inner) = tended;
    }

    /// Lets go of what need not be kept by the rules of `config.yaml`, now and every hour, until
    /// the shutdown: not for somebody who only looks. Must be called inside a tokio runtime.
    pub fn tidy(&self) {
        tokio::spawn(retention::tend(Arc::clone(&self.shared)));
    }

    /// From now on what is due starts runs, and so do files that change: for a server that stays.
    /// What was due while there was none is caught up with as each trigger says. Must be called
    /// inside a tokio runtime.
    pub fn keep_time(&self) {
        self.shared.desk.begin_schedules();
        tokio::spawn(crate::watch::tend(Arc::clone(&self.shared), self.files.clone()));
    }

    /// Serves the API on a unix socket of mode 0600 in the background, until the shutdown. Being
    /// able to open it is the authority. Must be called inside a tokio runtime.
    pub fn listen_unix(&self, path: &Path) -> Result<(), Error> {
        let listening = listen::unix(path, self.router(), self.rules())
            .map_err(|source| Error::Listen { address: path.display().to_string(), source })?;
        self.hold(listening);
        Ok(())
    }

    /// Serves the API on TCP in the background, until the shutdown; all but `/healthz` and
    /// `/readyz` need this token, which is an administrator's, or a user's. Returns the address bound. Must be called inside a tokio runtime.
    pub async fn listen_tcp(
        &self,
        address: SocketAddr,
        token: impl Into<String>,
    ) -> Result<SocketAddr, Error> {
        if !address.ip().to_canonical().is_loopback() {
            self.must_have_accounts(address)?;
        }
        let shared = Arc::clone(&self.shared);
        let token = token.into();
        let router = move |bound| http::router(shared, Door::Tcp { token, bound });
        let (bound, listening) = listen::tcp(address, router, self.rules())
            .await
            .map_err(|source| Error::Listen { address: address.to_string(), source })?;
        self.hold(listening);
        // Only the first one is shown in the status.
        let _later = self.shared.address.set(bound);
        Ok(bound)
    }

    fn rules(&self) -> listen::Rules {
        let settings = self.shared.settings().ok();
        let connections = settings.and_then(|settings| settings.whole(&CONNECTIONS));
        listen::Rules {
            stop: self.stop.subscribe(),
            connections: connections.and_then(|most| usize::try_from(most).ok()).unwrap_or(16_384),
        }
    }

    /// Whoever can reach more than this machine has to be able to tell people apart.
    fn must_have_accounts(&self, address: SocketAddr) -> Result<(), Error> {
        let config = self.shared.config.current().map_err(Error::Config)?;
        let now = crate::clock::wall();
        let has = accounts::has_credentials(&*self.shared.reader, &config, now)
            .map_err(|source| Error::Accounts { source })?;
        if has { Ok(()) } else { Err(Error::NoAccounts { address: address.to_string() }) }
    }

    /// Resolves when nothing is left to drive: no attempt runs or ought to, no timer is armed.
    /// Runs that wait for a person or are paused do not count.
    pub async fn idle(&self) {
        let mut busy = self.busy.clone();
        // An error means that the conductor has ended, and drives nothing.
        let _ended = busy.wait_for(|busy| !busy).await;
    }

    /// Stops taking requests and dispatching, ends streams and listeners, and returns when
    /// everything accepted is on disk. Children go on.
    pub async fn shutdown(&self) {
        outbox::flush(&self.shared, LAST_NOTICES).await;
        self.answer_the_last().await;
        self.begin_shutdown();
        let thread = self.conductor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A join blocks; a conductor that panicked has said so itself.
            let _panicked = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        let traces = self.traces.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(traces) = traces {
            traces.finish(LAST_SPANS).await;
        }
    }

    fn hold(&self, listening: Listening) {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).push(listening);
    }

    /// No door takes anything new, and what came in before is answered: within a bound, because
    /// whoever asked may read slowly. The conductor still works.
    async fn answer_the_last(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.stop.send_replace(true);
        let settings = self.shared.settings().ok();
        let bound = settings.and_then(|all| all.time(&settings::SHUTDOWN));
        let doors =
            std::mem::take(&mut *self.listening.lock().unwrap_or_else(PoisonError::into_inner));
        let answered = async {
            for door in doors {
                // One that failed has said so to whoever asked.
                let _ended = door.await;
            }
        };
        if tokio::time::timeout(bound.unwrap_or_default(), answered).await.is_err() {
            tracing::warn!("some answers were not read in time: they are cut off");
        }
    }

    /// Reads `config.yaml` again, and says what is wrong with it.
    pub fn reload(&self) -> Result<(), Error> {
        let read = self.shared.settings();
        tracing::info!(valid = read.is_ok(), "told to read the configuration again");
        read.map(drop).map_err(|refused| Error::Config(refused.to_string()))
    }

    fn begin_shutdown(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.stop.send_replace(true);
        self.shared.desk.stop();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.begin_shutdown();
    }
}
