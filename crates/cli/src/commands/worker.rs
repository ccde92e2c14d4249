//! `orchestrate worker`

mod talk;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::worker::remote::{self, Address, BadAddress, Ending, Server, Setup, Told};
use clap::Args;
use store::folder::Folder;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::context::Context;
use crate::error::{Failure, Result, chain};
use crate::exit::Exit;
use crate::host::{SOCKET, close_environment, default_slots, store_failure};
use crate::keys::{Signal, Signals};
use crate::session;

/// Run stages here for a server, on this or on another machine
///
/// Stages with `runs_on:` go to workers that have all the labels that they name; what a worker runs
/// is listed by `orchestrate fleet list`. Without --server it is the server of the data folder.
/// A worker that loses its server goes on and comes back; one that does not hear of it for too long
/// ends what it runs, because the server has it run elsewhere then. The first Ctrl-C (or SIGTERM)
/// finishes what runs and takes nothing more, the second stops what runs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate worker --labels demo
  orchestrate worker --server https://ci.example.com --token-file /etc/orchestrate/worker-token \\
      --labels gpu,big --slots 4
  orchestrate --server http://10.0.0.5:7070 worker --name mac-mini --drain-timeout 600")]
pub struct WorkerArgs {
    /// Read the token from this file instead (`orchestrate token create`)
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Trust these authorities (PEM) in place of those of this machine
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// What it is called; one worker at a time has it (default: the name of this machine)
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What stages can ask for by `runs_on:` (comma-separated)
    #[arg(long, alias = "label", value_delimiter = ',', value_name = "LABELS")]
    labels: Vec<String>,
    /// At most so many attempts at once; by default twice the number of processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    slots: Option<u32>,
    /// Its own folder (default: workers/NAME in the data folder)
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// After the first Ctrl-C stop what still runs after so many seconds
    #[arg(long, value_name = "SECONDS")]
    drain_timeout: Option<u64>,
}

pub fn run(args: &WorkerArgs, context: &Context) -> Result<Exit> {
    close_environment();
    let name = name(args)?;
    let (address, token) = door(args, context)?;
    let shown = address.to_string();
    let server = Server::new(address, args.ca.as_deref()).map_err(|error| refused(&error))?;
    let folder = match &args.folder {
        Some(folder) => folder.clone(),
        None => session::data_dir(context)?.join("workers").join(&name),
    };
    let hands = hands(&folder)?;
    let labels: BTreeSet<String> =
        args.labels.iter().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
    let setup = Setup {
        server,
        token,
        name: name.clone(),
        labels,
        slots: args.slots.unwrap_or_else(default_slots),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        hands,
        drain_timeout: args.drain_timeout.map(Duration::from_secs),
    };
    let talk = talk::Talk::new(context, name.clone(), shown.clone());
    context.block_on(async {
        let mut signals = Signals::new()?;
        let (sender, told) = unbounded_channel();
        let hangs_up = context.around.stdin_is_terminal;
        let listening = tokio::spawn(async move {
            loop {
                pass_on(signals.next().await, hangs_up, &sender);
            }
        });
        let ending = remote::run(setup, told, |event| talk.tell(&event)).await;
        listening.abort();
        ended(ending, &name, &shown, &folder)
    })
}

fn pass_on(signal: Signal, hangs_up: bool, told: &UnboundedSender<Told>) {
    match signal {
        // Of no terminal of ours: there is nothing to read again.
        Signal::HangUp if !hangs_up => {}
        Signal::Interrupt | Signal::Terminate | Signal::HangUp => {
            let _over = told.send(Told::Drain);
        }
    }
}

/// The name of this machine, as far as it fits.
fn name(args: &WorkerArgs) -> Result<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if let Some(name) = &args.name {
        let is_fit = (1..=64).contains(&name.len()) && name.chars().all(fits);
        if !is_fit || name.starts_with('.') {
            return Err(Failure::usage(format!("`{name}` cannot be the name of a worker"))
                .hint("1 to 64 letters, digits and `_ . -`, no dot at the beginning"));
        }
        return Ok(name.clone());
    }
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String =
        host.trim().trim_start_matches('.').chars().filter(|c| fits(*c)).take(64).collect();
    if name.is_empty() {
        return Err(Failure::usage("this machine has no name").hint("give one with `--name`"));
    }
    Ok(name)
}

/// Where the server is, and the token for it.
fn door(args: &WorkerArgs, context: &Context) -> Result<(Address, String)> {
    let from_file = args.token_file.as_deref().map(read_token).transpose()?;
    let said = from_file.or_else(|| context.global.token.clone().filter(|t| !t.is_empty()));
    if let Some(url) = &context.global.server {
        let address = Address::parse(url).map_err(|error| refused(&error))?;
        let known = || {
            let path = session::data_dir(context).ok()?.join("token");
            Some(std::fs::read_to_string(path).ok()?.trim().to_owned())
        };
        let token = said.or_else(known).ok_or_else(|| {
            Failure::usage("a server at an address wants a token")
                .hint("on the server: orchestrate token create NAME --scope work")
                .hint("then give it with `--token-file FILE` or ORCHESTRATE_TOKEN")
        })?;
        return Ok((address, token));
    }
    let data = session::data_dir(context)?;
    if !data.is_dir() {
        return Err(Failure::new(
            Exit::Unreachable,
            format!("there is no data folder `{}`", data.display()),
        )
        .hint("start its server first: orchestrate serve")
        .hint("or name a server: orchestrate worker --server URL --token-file FILE"));
    }
    let folder = Folder::open(&data).map_err(|error| store_failure(&error))?;
    let socket = folder.socket(SOCKET).map_err(|error| store_failure(&error))?;
    let own = || folder.token().map_err(|error| store_failure(&error));
    let token = said.map_or_else(own, Ok)?;
    Ok((Address::Socket(socket), token))
}

fn read_token(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("`{}` cannot be read: {error}", path.display())))?;
    match text.trim() {
        "" => Err(Failure::usage(format!("`{}` is empty", path.display()))),
        token => Ok(token.to_owned()),
    }
}

fn refused(error: &BadAddress) -> Failure {
    let failure = Failure::usage(chain(error));
    match error {
        BadAddress::Url(_) => failure.hint("write `--server https://ci.example.com`"),
        BadAddress::Certificates { .. } | BadAddress::NoAuthorities => {
            failure.hint("name a file of certificates with `--ca FILE`")
        }
        BadAddress::Tls(_) => failure,
    }
}

/// The hands of a server, in a folder of their own.
fn hands(folder: &Path) -> Result<::worker::Options> {
    let failed = |error: std::io::Error| {
        Failure::internal(&format!("use the folder `{}`", folder.display()), &error)
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let folder = folder.canonicalize().map_err(failed)?;
    ::worker::Options::new(folder).map_err(|error| Failure::internal("find this program", &error))
}

fn ended(
    ending: Result<Ending, remote::Error>,
    name: &str,
    server: &str,
    folder: &Path,
) -> Result<Exit> {
    match ending {
        Ok(Ending::Drained) => Ok(Exit::Ok),
        Ok(Ending::Stopped) => Ok(Exit::Interrupted),
        Ok(Ending::Refused { status, message, hints }) => {
            let failure = match status {
                Some(401 | 403) => Failure::new(Exit::NotAllowed, message).hint(
                    "it needs a token that may work: orchestrate token create NAME --scope work",
                ),
                Some(404) => Failure::new(
                    Exit::Unreachable,
                    format!("{server} is no server that has workers: {message}"),
                )
                .hint("it may be older than this program; `orchestrate status` shows which it is"),
                Some(status) => Failure::new(
                    Exit::Conflict,
                    format!("{server} does not take the worker ({status}): {message}"),
                ),
                None => Failure::new(Exit::Conflict, message).hint(format!(
                    "another worker may be called `{name}`: give this one a name with `--name`"
                )),
            };
            Err(hints.into_iter().fold(failure, Failure::hint))
        }
        Err(error @ remote::Error::InUse(_)) => Err(Failure::new(Exit::Conflict, chain(&error))
            .hint("give this one a name of its own with `--name`")),
        Err(error @ remote::Error::Folder { .. }) => {
            Err(Failure::new(Exit::Internal, chain(&error))
                .hint(format!("look at `{}`, or name another with `--folder`", folder.display())))
        }
        Err(error @ remote::Error::Hands(_)) => Err(Failure::new(Exit::Internal, chain(&error))),
    }
}
