//! `orchestrate serve`

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::Args;
use server::settings;

use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::host::{Host, HostOptions, Owned, Role, store_failure};
use crate::keys::{Signal, Signals};
use crate::logs::{self, Listening};
use crate::{browser, session, words};

/// Serve the HTTP API on this machine and drive every run of the data folder
///
/// Listens on an address and on a unix socket in the data folder; an address that other machines
/// reach needs users with passwords or tokens. Over TCP everything but
/// /healthz and /readyz needs `Authorization: Bearer` with the contents of the data folder's
/// `token` file. Ctrl-C stops the server; running stages go on and are taken up again by the next
/// server or command.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate serve
  orchestrate serve --open
  orchestrate serve --listen 127.0.0.1:0 --slots 4
  orchestrate --server http://127.0.0.1:7070 runs list")]
pub struct ServeArgs {
    /// Address and port; port 0 takes a free one (default: 127.0.0.1:7070)
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// At most so many attempts at once; by default twice the number of processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    slots: Option<u32>,
    /// Open it in a browser of this machine, signed in
    #[arg(long)]
    open: bool,
    /// How log lines are written: text or json (default: text)
    #[arg(long, value_name = "FORM")]
    log_format: Option<String>,
    /// What is logged: `info`, or by part `server=debug,worker=info` (default: warn, in a file info)
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Write the log there, too, relative to the data folder
    #[arg(long, value_name = "FILE")]
    log_file: Option<String>,
}

pub fn run(args: &ServeArgs, context: &Context) -> Result<Exit> {
    let said = context
        .said
        .clone()
        .flag(&settings::LISTEN, args.listen)
        .flag(&settings::LOG_FORMAT, args.log_format.as_ref())
        .flag(&settings::LOG_LEVEL, args.log_level.as_ref())
        .flag(&settings::LOG_FILE, args.log_file.as_ref());
    let logs = logs::of_a_server(&said, context)?;
    let configured = server::settings_of(&session::data_dir(context)?, &said)
        .map_err(|error| Failure::new(Exit::Invalid, crate::error::chain(&error)))?;
    let listen = configured.address(&settings::LISTEN);
    let listen = listen.ok_or_else(|| Failure::usage("there is no address to listen on"))?;
    context.block_on(async {
        let mut signals = Signals::new()?;
        let owned = take(context).await?;
        let unfinished = owned.orphans()?.len();
        let options = HostOptions {
            role: Role::Serve,
            tidies: true,
            slots: args.slots,
            listen: Some(listen),
            said,
        };
        let host = Host::open(owned, &options).await?;
        if let Some(address) = host.address() {
            context.note(&format!("listening on http://{address}"));
            // Not into a log, which others may read.
            if context.around.stderr_is_terminal
                && let Some(link) = host.link()?
            {
                context.note(&format!("open in a browser, once, within five minutes: {link}"));
            }
            if args.open
                && let Some(link) = host.link()?
                && let Err(problem) = browser::open(host.root(), &link)
            {
                context.note(&format!("no browser could be opened: {problem}; orchestrate open"));
            }
        }
        let root = host.root().display().to_string();
        context.note(&format!("data in {root}; the token is in {root}/token"));
        if unfinished > 0 {
            let runs = words::count(unfinished as u64, "unfinished run");
            context.note(&format!("picked up {runs}"));
        }
        let signal = until_told(&mut signals, &host, &logs, context).await;
        context.note(&format!("{}: stopping; running stages go on", signal.name()));
        let left = tokio::select! {
            left = host.stop() => left?,
            again = signals.next() => {
                // What was acknowledged is on disk: nothing is lost by going at once.
                context.note(&format!("{} again: not waiting for answers", again.name()));
                return Ok(Exit::Ok);
            }
        };
        if !left.is_empty() {
            context.note(&format!(
                "{} left: the next server or command takes them up",
                words::count(left.len() as u64, "unfinished run"),
            ));
        }
        Ok(Exit::Ok)
    })
}

/// Until it has to stop. SIGHUP reads the configuration again and opens the log file anew, unless
/// it says that the terminal that this was started from has gone.
async fn until_told(
    signals: &mut Signals,
    host: &Host,
    logs: &Listening,
    context: &Context,
) -> Signal {
    loop {
        let signal = signals.next().await;
        if signal != Signal::HangUp || context.around.stdin_is_terminal {
            return signal;
        }
        logs.reopen();
        match host.reload() {
            Ok(()) => context.note("SIGHUP: the configuration is read again"),
            Err(failure) => context.note(&format!(
                "SIGHUP: the configuration is invalid, and what needs it is refused: {}",
                failure.message
            )),
        }
    }
}

/// The folder, once a command that uses it for a moment has let go. A background driver is asked
/// to make room: the server drives its runs from then on.
async fn take(context: &Context) -> Result<Owned> {
    const PATIENCE: Duration = Duration::from_secs(3);
    let folder = session::open_folder(context)?;
    let start = Instant::now();
    let mut asked = None;
    loop {
        match Owned::take(&folder, Role::Serve) {
            Ok(owned) => return Ok(owned),
            Err(store::port::Error::InUse { pid, role, .. }) if start.elapsed() < PATIENCE => {
                if role == "drive" && asked != Some(pid) {
                    asked = Some(pid);
                    make_room(pid);
                    context.note("taking over from the background driver");
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => return Err(store_failure(&error)),
        }
    }
}

/// The process holds the lock at this moment, so its number is no other's.
fn make_room(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // When it has ended by itself, all the better.
        let _ended = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}
