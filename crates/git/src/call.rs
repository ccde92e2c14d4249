//! One command of git, in an environment that nothing of the user's reaches into.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// What git did not do, with its own words.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error("git could not be started: {0}; install git 2.38 or newer")]
    Missing(std::io::Error),
    #[error("git is {found}, and 2.38 or newer is needed")]
    TooOld { found: String },
    #[error("`git {command}` failed: {says}")]
    Said { command: String, code: Option<i32>, says: String },
    #[error("`git {command}` printed what was not expected: {says}")]
    Odd { command: String, says: String },
    #[error("`{path}`: {cause}")]
    File { path: String, cause: std::io::Error },
    #[error("`{0}` is no branch")]
    NoBranch(String),
}

impl Failed {
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.display().to_string();
        move |cause| Self::File { path, cause }
    }
}

/// Settings of every command: no hooks of the repository, no background housekeeping, no signing,
/// and a name for commits where the machine has none.
const SETTINGS: [&str; 9] = [
    "core.hooksPath=/dev/null",
    "gc.auto=0",
    "maintenance.auto=false",
    "core.quotePath=false",
    "commit.gpgSign=false",
    "core.fsmonitor=false",
    "advice.detachedHead=false",
    "merge.renames=true",
    "protocol.ext.allow=never",
];

pub(crate) struct Git<'d> {
    directory: &'d Path,
    env: Vec<(&'static str, String)>,
}

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl<'d> Git<'d> {
    pub(crate) fn at(directory: &'d Path) -> Self {
        Self { directory, env: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    /// Its output, however it ended.
    pub(crate) fn ended<A: AsRef<OsStr>>(&self, args: &[A]) -> Result<Ended, Failed> {
        let mut command = Command::new("git");
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.arg("-C").arg(self.directory).args(args);
        for (name, _) in std::env::vars_os() {
            // Whoever started us may sit in a hook or a rebase of their own.
            if name.to_string_lossy().starts_with("GIT_") {
                command.env_remove(name);
            }
        }
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C.UTF-8")
            .envs(self.env.iter().map(|(name, value)| (*name, value.as_str())))
            .stdin(Stdio::null());
        let output = command.output().map_err(Failed::Missing)?;
        Ok(Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// What it printed, without the newline at the end; anything but exit code 0 is a failure.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, args: &[A]) -> Result<String, Failed> {
        let ended = self.ended(args)?;
        if ended.code == Some(0) {
            return Ok(ended.stdout.trim_end_matches('\n').to_owned());
        }
        let says = if ended.stderr.trim().is_empty() { ended.stdout } else { ended.stderr };
        Err(Failed::Said { command: words(args), code: ended.code, says: says.trim().to_owned() })
    }

    pub(crate) fn odd<A: AsRef<OsStr>>(args: &[A], says: &str) -> Failed {
        Failed::Odd { command: words(args), says: says.chars().take(400).collect() }
    }
}

fn words<A: AsRef<OsStr>>(args: &[A]) -> String {
    let words: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect();
    words.join(" ")
}

/// The version of the git in PATH: `2.47.3`.
///
/// # Errors
/// [`Failed::Missing`], and [`Failed::TooOld`] below 2.38.
pub fn version() -> Result<String, Failed> {
    let said = Git::at(Path::new("/")).run(&["version"])?;
    let found = said.split(' ').nth(2).unwrap_or_default().to_owned();
    let mut parts = found.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if (major, minor) < (2, 38) { Err(Failed::TooOld { found }) } else { Ok(found) }
}
