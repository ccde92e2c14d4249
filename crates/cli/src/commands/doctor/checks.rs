//! What `doctor` looks at.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use server::settings::{Said, Source};
use store::folder::Folder;
use tokio::net::UnixStream;

use super::{Check, State};
use crate::client::transport::Transport;
use crate::client::{Caller, Client};
use crate::error::chain;
use crate::host::{self, Owned, Role, SOCKET};
use crate::words;

/// Changes nothing: a data folder that does not exist is not created.
pub(super) async fn all(path: &Path, said: &Said) -> Vec<Check> {
    let mut checks = vec![program()];
    let existing = existing(path);
    checks.push(data_folder(path));
    checks.push(disk(&existing));
    checks.push(sync_cost(&existing));
    checks.push(configuration(path, said));
    if path.is_dir() {
        match Folder::open(path) {
            Ok(folder) => {
                checks.push(owner(&folder).await);
                checks.push(memory(&folder).await);
                checks.push(keeper(&folder));
                checks.push(driver_log(&folder));
                checks.push(super::trees::check(path));
            }
            Err(error) => checks.push(fail(
                "owner",
                chain(&error),
                "make the folder readable and writable for you",
            )),
        }
    }
    checks.extend([
        tool("sh", &["-c", "echo POSIX shell"], State::Fail, "install a POSIX shell"),
        tool("python3", &["--version"], State::Warn, "install Python 3 to run `python:` stages"),
        tool("git", &["--version"], State::Warn, "install git for stages that use it"),
        clock(),
        open_files(),
    ]);
    checks
}

pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Check {
    Check { name, state: State::Ok, found: found.into(), remedy: String::new() }
}

pub(super) fn warn(
    name: &'static str,
    found: impl Into<String>,
    remedy: impl Into<String>,
) -> Check {
    Check { name, state: State::Warn, found: found.into(), remedy: remedy.into() }
}

fn fail(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Check {
    Check { name, state: State::Fail, found: found.into(), remedy: remedy.into() }
}

fn program() -> Check {
    let version = format!("{} ({})", env!("CARGO_PKG_VERSION"), std::env::consts::OS);
    match std::env::current_exe() {
        Ok(path) if path.exists() => ok("program", format!("{version} at {}", path.display())),
        Ok(path) => warn(
            "program",
            format!("{version}; `{}` has been replaced or removed", path.display()),
            "install it again: it starts itself for the keeper and the background driver",
        ),
        Err(error) => fail("program", error.to_string(), "start it by its full path"),
    }
}

/// The nearest folder above that exists.
fn existing(path: &Path) -> PathBuf {
    let start = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    start.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

fn data_folder(path: &Path) -> Check {
    let shown = path.display();
    let Ok(metadata) = std::fs::metadata(path) else {
        let above = existing(path);
        return if rustix::fs::access(&above, rustix::fs::Access::WRITE_OK).is_ok() {
            ok("data folder", format!("`{shown}` does not exist yet; the first run makes it"))
        } else {
            fail(
                "data folder",
                format!("`{shown}` does not exist and `{}` is not writable", above.display()),
                "choose another with --data-dir or ORCHESTRATE_DATA_DIR",
            )
        };
    };
    let ours = metadata.uid() == rustix::process::geteuid().as_raw();
    if !metadata.is_dir() {
        fail("data folder", format!("`{shown}` is a file"), "choose another with --data-dir")
    } else if rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_err() {
        fail("data folder", format!("`{shown}` is not writable"), format!("chmod u+w '{shown}'"))
    } else if !ours {
        warn("data folder", format!("`{shown}` belongs to another user"), "use one of your own")
    } else if metadata.permissions().mode() & 0o077 != 0 {
        warn("data folder", format!("`{shown}` is open to others"), format!("chmod 700 '{shown}'"))
    } else {
        ok("data folder", format!("{shown}"))
    }
}

fn disk(folder: &Path) -> Check {
    const FAIL: u64 = 64 << 20;
    const WARN: u64 = 1 << 30;
    match rustix::fs::statvfs(folder) {
        Err(error) => warn("disk", error.to_string(), "see what `df` says"),
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let found = format!("{} free at {}", words::bytes(free), folder.display());
            let remedy = "make room: writes are refused when the disk is full";
            if free < FAIL {
                fail("disk", found, remedy)
            } else if free < WARN {
                warn("disk", found, remedy)
            } else {
                ok("disk", found)
            }
        }
    }
}

/// The median of synced writes: what each commit costs at least.
fn sync_cost(folder: &Path) -> Check {
    const WRITES: usize = 9;
    const SLOW: Duration = Duration::from_millis(20);
    let path = folder.join(format!(".orchestrate-doctor-{}", std::process::id()));
    let measure = || -> std::io::Result<Duration> {
        let mut file = std::fs::File::create_new(&path)?;
        let mut times = Vec::new();
        for _ in 0..WRITES {
            let start = Instant::now();
            file.write_all(&[0; 4096])?;
            file.sync_data()?;
            times.push(start.elapsed());
        }
        times.sort();
        Ok(times[WRITES / 2])
    };
    let measured = measure();
    drop(std::fs::remove_file(&path));
    match measured {
        Err(error) => fail(
            "sync",
            format!("could not write and sync in `{}`: {error}", folder.display()),
            "nothing can be stored there: choose another folder with --data-dir",
        ),
        Ok(median) if median > SLOW => warn(
            "sync",
            format!("{:.1} ms a synced write", median.as_secs_f64() * 1e3),
            "each commit waits for this: put the data folder on a faster disk",
        ),
        Ok(median) => ok("sync", format!("{:.2} ms a synced write", median.as_secs_f64() * 1e3)),
    }
}

async fn owner(folder: &Folder) -> Check {
    let holder = match folder.holder() {
        Ok(Some(holder)) => holder,
        Ok(None) => return ok("owner", "nobody drives this folder now"),
        Err(error) => return fail("owner", chain(&error), "make its lock file readable"),
    };
    let who = format!("process {} ({})", holder.pid, holder.role);
    let socket = match folder.socket(SOCKET) {
        Ok(socket) => socket,
        Err(error) => return fail("owner", chain(&error), "use a data folder with a shorter path"),
    };
    if UnixStream::connect(&socket).await.is_ok() {
        ok("owner", format!("{who} answers at {}", socket.display()))
    } else {
        fail(
            "owner",
            format!("{who} holds the folder and does not answer at {}", socket.display()),
            format!("end it: kill {}", holder.pid),
        )
    }
}

/// Opens the database, through its owner when there is one.
async fn memory(folder: &Folder) -> Check {
    if !folder.database().exists() {
        return match folder.witness().exists() {
            true => fail(
                "database",
                format!("{} is gone, but this folder held data", folder.database().display()),
                format!(
                    "restore it from a backup, or start over: rm '{}'",
                    folder.witness().display()
                ),
            ),
            false => ok("database", "none yet"),
        };
    }
    let about = |schema: u32, bytes: u64, runs: usize| {
        format!(
            "SQLite {}, schema {schema}, {}, {}",
            store::sqlite::version(),
            words::bytes(bytes),
            words::count(runs as u64, "unfinished run")
        )
    };
    match Owned::take(folder, Role::Run) {
        Ok(owned) => match (owned.health(), owned.orphans()) {
            (Ok(health), Ok(runs)) => {
                ok("database", about(health.schema, health.bytes, runs.len()))
            }
            (Err(failure), _) | (_, Err(failure)) => {
                fail("database", failure.message, "restore it from a backup")
            }
        },
        Err(store::port::Error::InUse { .. }) => {
            let Ok(socket) = folder.socket(SOCKET) else {
                return warn("database", "not looked at: it is in use", "ask its owner");
            };
            match Client::new(Transport::Socket(socket), Caller::default()).status().await {
                Ok(status) if status.storage.ok => {
                    let storage = status.storage;
                    ok("database", about(storage.schema, storage.bytes, status.live.len()))
                }
                Ok(status) => fail(
                    "database",
                    status.storage.problem,
                    "make room on the disk; it goes on by itself",
                ),
                Err(failure) => fail("database", failure.message, "see the line `owner`"),
            }
        }
        Err(error) => fail("database", chain(&error), "see docs/guide, or restore a backup"),
    }
}

/// `config.yaml` and the environment.
fn configuration(path: &Path, said: &Said) -> Check {
    match server::settings_of(path, said) {
        Ok(settings) => {
            let set = settings.all().filter(|of| of.source != Source::Default).count();
            ok("settings", format!("{} not the default", words::count(set as u64, "setting")))
        }
        Err(error) => {
            fail("settings", chain(&error), "correct it, and look again: orchestrate config check")
        }
    }
}

fn keeper(folder: &Folder) -> Check {
    let lock = folder.root().join("keeper.lock");
    let held = std::fs::File::open(&lock)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)));
    if held {
        ok("keeper", "alive")
    } else {
        ok("keeper", "not needed now; it starts with the first stage")
    }
}

/// What the last background driver complained about.
fn driver_log(folder: &Folder) -> Check {
    let path = folder.root().join(host::DRIVE_LOG);
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => {
            let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
            warn(
                "driver",
                format!("a background driver said: {}", words::one_line(last)),
                format!("read it and remove it: {}", path.display()),
            )
        }
        Ok(_) | Err(_) => ok("driver", "no complaints of background drivers"),
    }
}

fn tool(name: &'static str, args: &[&str], missing: State, remedy: &str) -> Check {
    let output = Command::new(name).args(args).stdin(Stdio::null()).output();
    let (found, good) = match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            (words::one_line(text.lines().next().unwrap_or_default()), true)
        }
        Ok(output) => (format!("`{name}` answers with {}", output.status), false),
        Err(error) => (format!("`{name}` could not be started: {error}"), false),
    };
    if good {
        return ok(name, found);
    }
    Check { name, state: missing, found, remedy: remedy.to_owned() }
}

fn clock() -> Check {
    /// 2026-01-01
    const BUILT_AFTER: u64 = 1_767_225_600;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if since < BUILT_AFTER {
        fail("clock", "the clock is years behind", "set it: names and ages of runs come from it")
    } else {
        ok("clock", jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
    }
}

fn open_files() -> Check {
    const ENOUGH: u64 = 256;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    match limit {
        Some(limit) if limit < ENOUGH => warn(
            "open files",
            format!("at most {limit} a process"),
            format!("raise the limit: ulimit -n {ENOUGH}"),
        ),
        Some(limit) => ok("open files", format!("at most {limit} a process")),
        None => ok("open files", "no limit"),
    }
}
