//! What the handlers of the API share.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use api::program::ProgramDoor;
use jiff::Timestamp;
use store::mirror::Mirror;
use store::port::Read;
use tokio::sync::watch;

use crate::accounts::Accounts;
use crate::agents::Agents;
use crate::board::Board;
use crate::conductor::desk::{Desk, Gauges};
use crate::config::settings::{Said, Settings};
use crate::config::{Config, ConfigFile};
use crate::definition::Definitions;
use crate::door::Doors;
use crate::egress::Egress;
use crate::gateway::Gateway;
use crate::history::Histories;
use crate::http::Running;
use crate::live::Broker;
use crate::live::hub::Hub;
use crate::metrics::Metrics;
use crate::notices::outbox::Bell;
use crate::refused::Refused;
use crate::vault::Vault;

pub(crate) struct Shared {
    pub(crate) data_dir: PathBuf,
    pub(crate) role: String,
    pub(crate) slots: u32,
    pub(crate) address: OnceLock<SocketAddr>,
    pub(crate) config: Arc<ConfigFile>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) accounts: Accounts,
    /// By which attempts reach us.
    pub(crate) doors: Arc<Doors>,
    pub(crate) agents: Arc<Agents>,
    pub(crate) said: Said,
    pub(crate) programs: ProgramDoor,
    pub(crate) mirror: Arc<Mirror>,
    pub(crate) started: Instant,
    /// The same as people say it.
    pub(crate) since: Timestamp,
    pub(crate) reader: Arc<dyn Read>,
    pub(crate) definitions: Arc<Definitions>,
    pub(crate) histories: Arc<Histories>,
    pub(crate) desk: Desk,
    /// The way out to other machines.
    pub(crate) egress: Egress,
    /// Of models.
    pub(crate) gateway: Gateway,
    /// Rings when there are notices to be sent.
    pub(crate) bell: Arc<Bell>,
    pub(crate) broker: Arc<Broker>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) gauges: Arc<Gauges>,
    /// How the roll-out stands.
    pub(crate) board: Arc<Board>,
    pub(crate) metrics: Arc<Metrics>,
    /// Captured output that workers send, one piece at a time for each attempt.
    pub(crate) outputs: Turns,
    /// Requests with a key that are being carried out.
    pub(crate) running: Arc<Running>,
    pub(crate) stopping: AtomicBool,
    /// Streams end when it turns true.
    pub(crate) stop: watch::Receiver<bool>,
}

impl Shared {
    /// Reads the store off the async threads.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Read) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        let reader = Arc::clone(&self.reader);
        blocking(move || work(&*reader)).await?
    }

    /// What `config.yaml` says now.
    pub(crate) fn config(&self) -> Result<Arc<Config>, Refused> {
        self.config.current().map_err(Refused::Config)
    }

    /// All settings as they are now.
    pub(crate) fn settings(&self) -> Result<Settings, Refused> {
        Settings::resolve(&self.said, &self.config()?.settings).map_err(Refused::Config)
    }

    /// Resolves when streams have to end.
    pub(crate) async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // An error means that the server is gone.
        let _gone = stop.wait_for(|stop| *stop).await;
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// Of things that have a name: one at a time for each. Names may share a turn.
#[derive(Debug)]
pub(crate) struct Turns([Mutex<()>; 64]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Turns {
    pub(crate) fn of(&self, name: &str) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % 64).unwrap_or(0);
        self.0[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs what takes time or blocks off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refused> {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => Ok(value),
        Err(error) if error.is_cancelled() => Err(Refused::Stopping),
        Err(error) => Err(Refused::Internal(error.to_string())),
    }
}
