//! Finding whoever owns the data folder, or becoming its owner for the time of a command.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use server::settings;
use store::folder::{Folder, nearest};
use store::port::Error as StoreError;
use tokio::net::UnixStream;
use tokio::sync::Mutex;

use crate::client::transport::{Address, FindOwner, Owner, Transport, authority};
use crate::client::{Caller, Client, RunsQuery};
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::host::{self, Host, HostOptions, Owned, Role, SOCKET, store_failure};
use crate::words;

/// What a command is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Ask or change something; whoever drives may be in the background.
    Talk,
    /// Drive a run to its end here, with so many slots.
    Drive { slots: Option<u32> },
}

/// A way to the server, wherever it is.
#[derive(Debug)]
pub struct Session {
    pub client: Client,
    place: SharedPlace,
    elsewhere: bool,
    picked_up: bool,
}

type SharedPlace = Arc<Mutex<Place>>;

#[derive(Debug)]
enum Place {
    Here(Box<Host>),
    /// Another process owns the folder.
    Elsewhere,
    /// `--server`, or closed.
    Nowhere,
}

/// Whoever owns the folder now; the way to it.
struct Found {
    place: Place,
    transport: Transport,
    picked_up: bool,
}

/// Looks for the owner once more when the one before has gone.
struct Again {
    context: Context,
    place: SharedPlace,
}

impl FindOwner for Again {
    fn find(&self) -> BoxFuture<'_, Result<Transport>> {
        Box::pin(async {
            let found = find(&self.context, Need::Talk).await?;
            *self.place.lock().await = found.place;
            Ok(found.transport)
        })
    }
}

/// How long another process may hold the lock without answering.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(10);

impl Session {
    pub async fn open(context: &Context, need: Need) -> Result<Self> {
        if let Some(url) = &context.global.server {
            let address = Address { authority: authority(url)? };
            let client = Client::new(Transport::Address(address), caller(context, true)?);
            let place = Arc::new(Mutex::new(Place::Nowhere));
            return Ok(Self { client, place, elsewhere: true, picked_up: false });
        }
        let Found { place, transport, picked_up } = find(context, need).await?;
        let elsewhere = matches!(place, Place::Elsewhere);
        let place = Arc::new(Mutex::new(place));
        let transport = if elsewhere {
            let again = Again { context: context.clone(), place: Arc::clone(&place) };
            Transport::Owner(Arc::new(Owner::new(transport, Box::new(again))))
        } else {
            transport
        };
        let client = Client::new(transport, caller(context, false)?);
        Ok(Self { client, place, elsewhere, picked_up })
    }

    /// Did another process drive when this began?
    pub fn is_elsewhere(&self) -> bool {
        self.elsewhere
    }

    /// Did this command find runs that nobody drove?
    pub fn has_picked_up(&self) -> bool {
        self.picked_up
    }

    /// Where a browser sees this path: with a one-time link that opens a session when `signs_in`.
    /// Listens for browsers first where this process owns the folder. `None`: nobody listens.
    pub async fn page(&self, path: &str, signs_in: bool) -> Result<Option<String>> {
        let address = match &mut *self.place.lock().await {
            Place::Here(host) => Some(host.listen_here().await?),
            Place::Elsewhere | Place::Nowhere => None,
        };
        if let Some(address) = address.filter(|_| !signs_in) {
            return Ok(Some(format!("http://{address}{path}")));
        }
        let Some(url) = self.client.session_link().await?.url else { return Ok(None) };
        Ok(Some(match signs_in {
            true => format!("{url}?next={path}"),
            false => {
                url.split_once("/login/").map_or(url.clone(), |(base, _)| base.to_owned() + path)
            }
        }))
    }

    /// Lets go. What still goes on is left to a background driver.
    pub async fn close(self) -> Result<()> {
        let place = std::mem::replace(&mut *self.place.lock().await, Place::Nowhere);
        match place {
            Place::Here(host) => host.hand_over().await,
            Place::Elsewhere | Place::Nowhere => Ok(()),
        }
    }

    /// [`Self::run_name`] of what was said, if anything was.
    pub async fn run_name_if(&self, said: Option<&str>) -> Result<Option<String>> {
        match said {
            Some(said) => self.run_name(said).await.map(Some),
            None => Ok(None),
        }
    }

    /// What the API calls the run that a person named: `ci#4`, a number where there is only one
    /// pipeline, `TASK-7-3`, a pipeline's or a task's last run, `latest`, or a prefix of an id.
    pub async fn run_name(&self, said: &str) -> Result<String> {
        let said = said.trim();
        if said.contains(['#', '~']) {
            return Ok(said.to_owned());
        }
        let last = |pipeline: Option<String>, task: Option<String>| async {
            let query = RunsQuery { pipeline, task, limit: 1, ..RunsQuery::default() };
            let page = self.client.runs(&query).await?;
            Ok::<_, Failure>(page.data.into_iter().next())
        };
        if said == "latest" {
            return match last(None, None).await? {
                Some(run) => Ok(run.name),
                None => Err(Failure::new(Exit::NotFound, "there are no runs yet")
                    .hint("start one: orchestrate run FILE")),
            };
        }
        if let Some(run) = last(Some(said.to_owned()), None).await? {
            return Ok(run.name);
        }
        if let Some(run) = last(None, Some(said.to_owned())).await? {
            return Ok(run.name);
        }
        if said.len() < 4 && said.parse::<u64>().is_ok() {
            let pipelines = self.client.pipelines(2, None).await?.data;
            return match pipelines.as_slice() {
                [only] => Ok(format!("{}#{said}", only.name)),
                _ => Err(Failure::usage(format!("run {said} of which pipeline?"))
                    .hint(format!("write NAME#{said}"))
                    .hint("orchestrate runs list")),
            };
        }
        Ok(said.to_owned())
    }
}

/// Finds the way to the server, does `work`, and lets go.
pub fn talk<T>(context: &Context, work: impl AsyncFnOnce(&Session) -> Result<T>) -> Result<T> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let done = work(&session).await?;
        session.close().await?;
        Ok(done)
    })
}

async fn find(context: &Context, need: Need) -> Result<Found> {
    let folder = open_folder(context)?;
    let socket = folder.socket(SOCKET).map_err(|error| store_failure(&error))?;
    let slots = match need {
        Need::Talk => None,
        Need::Drive { slots } => slots,
    };
    let start = Instant::now();
    let mut picked_up = false;
    loop {
        match Owned::take(&folder, Role::Run) {
            Ok(owned) => {
                let orphans = owned.orphans()?;
                if !orphans.is_empty() && !picked_up {
                    picked_up = true;
                    tell_picked_up(&orphans, context);
                }
                if orphans.is_empty() || matches!(need, Need::Drive { .. }) {
                    let options = HostOptions {
                        role: Role::Run,
                        tidies: matches!(need, Need::Drive { .. }),
                        slots,
                        listen: None,
                        said: context.said.clone(),
                    };
                    let host = Box::new(Host::open(owned, &options).await?);
                    let transport = host.transport();
                    return Ok(Found { place: Place::Here(host), transport, picked_up });
                }
                drop(owned);
                start_driver(&folder).await?;
            }
            Err(StoreError::InUse { .. }) => {}
            Err(error) => return Err(store_failure(&error)),
        }
        if UnixStream::connect(&socket).await.is_ok() {
            let transport = Transport::Socket(socket);
            return Ok(Found { place: Place::Elsewhere, transport, picked_up });
        }
        if start.elapsed() > PATIENCE {
            return Err(silent_owner(&folder));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Returns when a driver answers, or when it has ended (then somebody else was faster).
async fn start_driver(folder: &Folder) -> Result<()> {
    let mut driver = host::spawn_driver(folder.root(), None)?;
    let socket = folder.socket(SOCKET).map_err(|error| store_failure(&error))?;
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if UnixStream::connect(&socket).await.is_ok() {
            return Ok(());
        }
        match driver.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(_)) | Err(_) => {
                let log = folder.root().join(host::DRIVE_LOG);
                return Err(Failure::new(Exit::Internal, "the background driver ended at once")
                    .hint(format!("read {}", log.display()))
                    .hint("run `orchestrate doctor`"));
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(silent_owner(folder))
}

fn tell_picked_up(orphans: &[store::port::RunRow], context: &Context) {
    const NAMED: usize = 3;
    let mut names: Vec<String> =
        orphans.iter().rev().take(NAMED).map(store::port::RunRow::name).collect();
    if orphans.len() > NAMED {
        names.push(words::count((orphans.len() - NAMED) as u64, "more run"));
    }
    context.note(&format!("picked up {}: nobody was driving", names.join(", ")));
}

fn silent_owner(folder: &Folder) -> Failure {
    let who = match folder.holder() {
        Ok(Some(holder)) => format!("process {} ({})", holder.pid, holder.role),
        Ok(None) | Err(_) => "another process".to_owned(),
    };
    Failure::new(
        Exit::Unreachable,
        format!("{who} owns `{}` and does not answer", folder.root().display()),
    )
    .hint("run `orchestrate doctor`, or end that process")
}

/// `--data-dir`, the environment, the nearest `.orchestrate/` from here upward, else one here.
pub fn data_dir(context: &Context) -> Result<PathBuf> {
    if let Some(path) = &context.global.data_dir {
        return Ok(path.clone());
    }
    let here = context.cwd()?;
    Ok(nearest(&here).unwrap_or_else(|| here.join(store::folder::NAME)))
}

/// Creates what is missing.
pub fn open_folder(context: &Context) -> Result<Folder> {
    Folder::open(&data_dir(context)?).map_err(|error| store_failure(&error))
}

/// Who asks, by `--token` and `--as`. The data folder's own token, which makes its holder an
/// admin, is used where one is needed and none was given: over TCP, and to stand for somebody.
fn caller(context: &Context, over_tcp: bool) -> Result<Caller> {
    let said = context.global.token.clone().filter(|token| !token.is_empty());
    let stands_for = context.global.stands_for.clone();
    for (option, value) in [("--token", &said), ("--as", &stands_for)] {
        if value.as_ref().is_some_and(|text| http::HeaderValue::from_str(text).is_err()) {
            let message = format!("`{option}` contains characters that no header may have");
            return Err(Failure::usage(message));
        }
    }
    let token = match said {
        Some(token) => Some(token),
        None if over_tcp => known_token(context),
        None if stands_for.is_some() => {
            Some(open_folder(context)?.token().map_err(|error| store_failure(&error))?)
        }
        None => None,
    };
    let traceparent = context.said.alone(&settings::TRACEPARENT).ok();
    let traceparent = traceparent.and_then(|said| Some(said.text()?.to_owned()));
    Ok(Caller { token, stands_for, traceparent })
}

fn known_token(context: &Context) -> Option<String> {
    let path = data_dir(context).ok()?.join("token");
    Some(std::fs::read_to_string(path).ok()?.trim().to_owned())
}
