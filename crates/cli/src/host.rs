//! Being the owner of a data folder: lock, memory, server, hands and sockets in one process.

mod upkeep;

use std::fs::OpenOptions;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use api::program::ProgramDoor;
use futures_util::FutureExt as _;
use server::Server;
use server::settings::{self, Said};
use store::folder::{Folder, Lock};
use store::port::{Read, RunQuery, RunRow};
use worker::Worker;

use crate::client::transport::Transport;
use crate::context::Context;
use crate::error::{Failure, Result, chain};
use crate::exit::Exit;
use crate::keys::{Signal, Signals};
use crate::session;

pub use server::SOCKET;
/// What the background driver says.
pub const DRIVE_LOG: &str = "drive.log";

/// Why this process owns a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Serve,
    /// A run in the foreground, or a command for its short time.
    Run,
    Drive,
}

impl Role {
    fn word(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Run => "run",
            Self::Drive => "drive",
        }
    }
}

#[derive(Clone, Debug)]
pub struct HostOptions {
    pub role: Role,
    /// Lets go of what is old: a command that only asks or says something removes nothing.
    pub tidies: bool,
    pub slots: Option<u32>,
    pub listen: Option<SocketAddr>,
    /// What flags and the environment say of settings.
    pub said: Said,
}

/// A folder whose lock this process holds, with its memory open and nothing driven yet.
pub struct Owned {
    folder: Folder,
    lock: Lock,
    writer: Box<dyn store::port::Write>,
    reader: Arc<dyn Read>,
}

impl std::fmt::Debug for Owned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owned").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Owned {
    /// `Err(InUse)` when somebody else holds the lock.
    pub fn take(folder: &Folder, role: Role) -> Result<Self, store::port::Error> {
        let lock = folder.lock(role.word())?;
        let (writer, reader) = store::sqlite::open(folder, &lock)?;
        Ok(Self {
            folder: folder.clone(),
            lock,
            writer: Box::new(writer),
            reader: Arc::new(reader),
        })
    }

    pub fn health(&self) -> Result<store::port::Health> {
        self.reader.health().map_err(|error| store_failure(&error))
    }

    /// Runs that somebody ought to drive.
    pub fn orphans(&self) -> Result<Vec<RunRow>> {
        orphans(&*self.reader)
    }
}

/// Paused runs, and those that wait for a person, need nobody.
fn orphans(reader: &dyn Read) -> Result<Vec<RunRow>> {
    let query = RunQuery {
        statuses: ["pending", "running", "cancelling"].map(str::to_owned).to_vec(),
        finished: Some(false),
        limit: 1000,
        ..RunQuery::default()
    };
    reader.runs(&query).map_err(|error| store_failure(&error))
}

/// The owner.
///
/// The server comes first: when all of it is dropped, it stops before the lock is let go.
pub struct Host {
    server: Server,
    worker: Worker,
    reader: Arc<dyn Read>,
    lock: Lock,
    folder: Folder,
    socket: PathBuf,
    address: Option<SocketAddr>,
    slots: Option<u32>,
    said: Said,
    /// Browsers are served by the way, for as long as a run is followed.
    aside: bool,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Keys of providers may stand in our environment, and attempts run as the same user: the kernel
/// keeps `/proc/<pid>/environ` and our memory from them. Programs that we start are not concerned.
pub(crate) fn close_environment() {
    let closed = rustix::process::DumpableBehavior::NotDumpable;
    if let Err(error) = rustix::process::set_dumpable_behavior(closed) {
        tracing::warn!(%error, "the environment of this process can be read by its user");
    }
}

impl Host {
    /// Starts to drive and to answer. Must be called inside a tokio runtime.
    pub async fn open(owned: Owned, options: &HostOptions) -> Result<Self> {
        let Owned { folder, mut lock, writer, reader } = owned;
        close_environment();
        let settings = server::settings_of(folder.root(), &options.said)
            .map_err(|error| Failure::new(Exit::Invalid, chain(&error)))?;
        let configured = settings.whole(&settings::SLOTS).and_then(|n| u32::try_from(n).ok());
        let slots = options.slots.or(configured).unwrap_or_else(default_slots);
        let mut setup = server::Options::new(folder.root(), options.role.word(), slots);
        setup.said = options.said.clone();
        setup.on_fatal = Arc::new(|problem| {
            // Nobody knows what the disk holds: only a fresh start can tell.
            crate::output::say(&format!("error: {problem}\n\nhint: run the command again\n"));
            std::process::exit(i32::from(Exit::Internal.code()));
        });
        let mut hands = worker::Options::new(folder.root())
            .map_err(|error| Failure::internal("find this program", &error))?;
        let looking = hands.clone();
        setup.programs = ProgramDoor::new(move |ask| worker::programs::look(&looking, ask));
        let server = Server::open(setup, writer, Arc::clone(&reader))
            .map_err(|error| Failure::internal("open the data folder", &error))?;
        hands.secrets = server.secrets();
        hands.keys = server.runtime_keys();
        let inbox = server.inbox();
        let orders = server.orders().ok_or_else(|| {
            Failure::new(Exit::Internal, "the orders of the server were taken already")
        })?;
        let worker = Worker::spawn(hands, orders, move |report| {
            // A server that has stopped asks again when it is back.
            inbox.report(report);
        })
        .map_err(|error| Failure::internal("start the worker", &error))?;
        let socket = folder.socket(SOCKET).map_err(|error| store_failure(&error))?;
        let listening = |error: &server::Error| {
            Failure::new(Exit::Conflict, chain(error))
                .hint("take another port with `--listen 127.0.0.1:0`")
        };
        server.listen_unix(&socket).map_err(|error| Failure::internal("listen", &error))?;
        server.tend();
        if options.tidies {
            server.tidy();
        }
        if options.role == Role::Serve {
            server.keep_time();
        }
        let mut address = None;
        if let Some(wanted) = options.listen {
            let token = folder.token().map_err(|error| store_failure(&error))?;
            let bound =
                server.listen_tcp(wanted, token).await.map_err(|error| listening(&error))?;
            lock.announce(&bound.to_string()).map_err(|error| store_failure(&error))?;
            address = Some(bound);
        }
        let (slots, said, aside) = (options.slots, options.said.clone(), false);
        Ok(Self { server, worker, reader, lock, folder, socket, address, slots, said, aside })
    }

    /// The way to it inside this process.
    pub fn transport(&self) -> Transport {
        Transport::Here(self.server.router())
    }

    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Listens for browsers of this machine, once: at the usual port, or where there is room.
    pub async fn listen_here(&mut self) -> Result<SocketAddr> {
        if let Some(address) = self.address {
            return Ok(address);
        }
        let token = self.folder.token().map_err(|error| store_failure(&error))?;
        let configured = server::settings_of(self.root(), &self.said)
            .map_err(|error| Failure::new(Exit::Invalid, chain(&error)))?;
        let port = configured.address(&settings::LISTEN).map_or(0, |address| address.port());
        let here = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let bound = match self.server.listen_tcp(here(port), token.clone()).await {
            Ok(bound) => bound,
            Err(server::Error::Listen { .. }) => self
                .server
                .listen_tcp(here(0), token)
                .await
                .map_err(|error| Failure::internal("listen for browsers", &error))?,
            Err(error) => return Err(Failure::internal("listen for browsers", &error)),
        };
        self.lock.announce(&bound.to_string()).map_err(|error| store_failure(&error))?;
        (self.address, self.aside) = (Some(bound), true);
        Ok(bound)
    }

    /// Reads the configuration again.
    pub fn reload(&self) -> Result<()> {
        self.server.reload().map_err(|error| Failure::new(Exit::Invalid, chain(&error)))
    }

    /// A one-time link that opens a browser's session, where browsers are listened to.
    pub fn link(&self) -> Result<Option<String>> {
        self.server.link().map_err(|error| Failure::internal("make a link", &error))
    }

    pub fn root(&self) -> &Path {
        self.folder.root()
    }

    pub async fn idle(&self) {
        self.server.idle().await;
    }

    pub fn is_idle(&self) -> bool {
        self.server.idle().now_or_never().is_some()
    }

    /// Lets go of the folder: everything accepted is on disk, children go on. The runs that
    /// nobody drives now.
    pub async fn stop(self) -> Result<Vec<RunRow>> {
        /// Time for a browser to hear how the run ended.
        const LAST_LOOK: Duration = Duration::from_millis(300);
        let Self { folder, lock, reader, server, worker, socket, aside, .. } = self;
        if aside {
            tokio::time::sleep(LAST_LOOK).await;
        }
        server.shutdown().await;
        drop(server);
        // Ends when the orders do; a join blocks.
        drop(tokio::task::spawn_blocking(move || worker.join()).await);
        let left = orphans(&*reader);
        // While the lock is held nobody else can have put theirs there.
        drop(std::fs::remove_file(socket));
        drop(lock);
        drop(folder);
        left
    }

    /// The same, and leaves what goes on to a background driver.
    pub async fn hand_over(self) -> Result<()> {
        let (root, slots) = (self.folder.root().to_owned(), self.slots);
        if !self.stop().await?.is_empty() {
            spawn_driver(&root, slots)?;
        }
        Ok(())
    }
}

pub(crate) fn default_slots() -> u32 {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    u32::try_from(2 * processors).unwrap_or(u32::MAX).max(4)
}

/// Starts the background driver of a folder; it ends by itself when nothing is left to drive.
pub fn spawn_driver(root: &Path, slots: Option<u32>) -> Result<Child> {
    let failed = |error: std::io::Error| Failure::internal("start a background driver", &error);
    let program = std::env::current_exe().map_err(failed)?;
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(root.join(DRIVE_LOG))
        .map_err(failed)?;
    let mut command = Command::new(program);
    command.arg("drive").arg("--data-dir").arg(root);
    if let Some(slots) = slots {
        command.arg("--slots").arg(slots.to_string());
    }
    // Neither Ctrl-C nor the end of the terminal's session reaches a group of its own.
    command
        .process_group(0)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    command.spawn().map_err(failed)
}

/// `orchestrate drive`: owns the folder as long as there is something to drive.
pub async fn drive(context: &Context, slots: Option<u32>) -> Result<Exit> {
    /// Time for whoever started us to say what for, and to read how it ended.
    const LINGER: Duration = Duration::from_secs(2);
    let mut signals = Signals::new()?;
    let folder = session::open_folder(context)?;
    let owned = match Owned::take(&folder, Role::Drive) {
        Ok(owned) => owned,
        // Somebody else drives: all the better.
        Err(store::port::Error::InUse { .. }) => return Ok(Exit::Ok),
        Err(error) => return Err(store_failure(&error)),
    };
    let options = HostOptions {
        role: Role::Drive,
        tidies: true,
        slots,
        listen: None,
        said: context.said.clone(),
    };
    let host = Host::open(owned, &options).await?;
    loop {
        tokio::select! {
            () = host.idle() => {}
            signal = signals.next() => {
                if signal != Signal::Terminate {
                    continue;
                }
                host.stop().await?;
                return Ok(Exit::Interrupted);
            }
        }
        tokio::time::sleep(LINGER).await;
        if host.is_idle() {
            break;
        }
    }
    // What was accepted in the last moment is handed over.
    host.hand_over().await?;
    Ok(Exit::Ok)
}

/// `orchestrate keeper`: must be called on the main thread.
pub fn keep(folder: &Path) -> Result<Exit> {
    worker::keeper::run(&worker::keeper::Options::new(folder))
        .map_err(|error| Failure::internal("keep the children", &error))?;
    Ok(Exit::Ok)
}

/// A failure of the memory, with what to do about it.
pub fn store_failure(error: &store::port::Error) -> Failure {
    use store::port::Error;
    let exit = match error {
        Error::InUse { .. } | Error::Newer { .. } | Error::Vanished { .. } => Exit::Conflict,
        _ => Exit::Internal,
    };
    let failure = Failure::new(exit, chain(error));
    match error {
        Error::InUse { .. } => failure.hint("see what it does with `orchestrate status`"),
        Error::Newer { .. } | Error::Vanished { .. } => failure,
        _ => failure.hint("run `orchestrate doctor`"),
    }
}
