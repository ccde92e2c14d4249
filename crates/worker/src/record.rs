//! What became of the attempts of a run, for when nobody is left to ask: one file a run, a line for
//! each start and each end. Appending a line costs a hundredth of creating a file.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use api::capture::RECORDS;
use api::link::{AttemptRef, Exit};
use serde::{Deserialize, Serialize};

/// So many runs are kept open.
const OPEN_RUNS: usize = 256;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    /// Before the child exists.
    Starting {
        attempt: AttemptRef,
        /// Of the machine's kernel: after another boot no process of this attempt lives.
        boot: String,
    },
    Started {
        key: String,
        child: Child,
    },
    /// The child never came to be: `Starting` is taken back.
    NotStarted {
        key: String,
    },
    Ended(Ended),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Child {
    pub(crate) pid: u32,
    /// In clock ticks since boot: tells it from a later process of the same number.
    pub(crate) started: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) attempt: AttemptRef,
    pub(crate) exit: Exit,
}

/// The writing side; a data folder has one at a time, in its keeper.
#[derive(Debug, Default)]
pub(crate) struct Records {
    runs: Mutex<HashMap<PathBuf, Arc<Run>>>,
}

#[derive(Debug)]
struct Run {
    file: File,
    folder: PathBuf,
    /// Keys of the attempts that were started, also by earlier keepers.
    started: Mutex<HashSet<String>>,
    /// The last line may lack its end.
    torn: AtomicBool,
    /// The file itself is in its folder for good.
    durable: AtomicBool,
}

impl Records {
    /// Says that an attempt is about to start; `false` when it was started before. With `durable`,
    /// the line is on disk for good.
    pub(crate) fn starting(
        &self,
        folder: &Path,
        attempt: &AttemptRef,
        boot: &str,
        durable: bool,
    ) -> io::Result<bool> {
        let run = self.run(folder)?;
        if !run.started().insert(attempt.key.clone()) {
            return Ok(false);
        }
        let line = Line::Starting { attempt: attempt.clone(), boot: boot.to_owned() };
        run.append(&line, durable).map(|()| true).inspect_err(|_| {
            run.started().remove(&attempt.key);
        })
    }

    pub(crate) fn started(&self, folder: &Path, key: &str, child: Child) -> io::Result<()> {
        self.run(folder)?.append(&Line::Started { key: key.to_owned(), child }, false)
    }

    pub(crate) fn not_started(&self, folder: &Path, key: &str) -> io::Result<()> {
        let run = self.run(folder)?;
        run.append(&Line::NotStarted { key: key.to_owned() }, false)?;
        run.started().remove(key);
        Ok(())
    }

    pub(crate) fn ended(&self, folder: &Path, ended: &Ended, durable: bool) -> io::Result<()> {
        self.run(folder)?.append(&Line::Ended(ended.clone()), durable)
    }

    fn run(&self, folder: &Path) -> io::Result<Arc<Run>> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(run) = runs.get(folder) {
            return Ok(Arc::clone(run));
        }
        if runs.len() >= OPEN_RUNS {
            runs.clear();
        }
        let run = Arc::new(Run::open(folder)?);
        runs.insert(folder.to_owned(), Arc::clone(&run));
        Ok(run)
    }
}

impl Run {
    fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(RECORDS);
        let mut file = File::options().read(true).append(true).create(true).open(path)?;
        let mut started = HashSet::new();
        for line in lines(&file) {
            match line? {
                Line::Starting { attempt, .. } => drop(started.insert(attempt.key)),
                Line::NotStarted { key } => drop(started.remove(&key)),
                Line::Started { .. } | Line::Ended(_) => {}
            }
        }
        let mut last = [b'\n'];
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        Ok(Self {
            file,
            folder: folder.to_owned(),
            started: Mutex::new(started),
            torn: AtomicBool::new(last != [b'\n']),
            durable: AtomicBool::new(false),
        })
    }

    fn append(&self, line: &Line, durable: bool) -> io::Result<()> {
        let mut text = Vec::with_capacity(1024);
        if self.torn.load(Ordering::Relaxed) {
            text.push(b'\n');
        }
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
        let written = (&self.file).write_all(&text);
        self.torn.store(written.is_err(), Ordering::Relaxed);
        written?;
        if durable {
            self.file.sync_data()?;
            if !self.durable.swap(true, Ordering::Relaxed) {
                File::open(&self.folder)?.sync_all()?;
            }
        }
        Ok(())
    }

    fn started(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the records of a run say about one attempt.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Which attempt was started under this key, and under which boot.
    pub(crate) starting: Option<(AttemptRef, String)>,
    pub(crate) child: Option<Child>,
    pub(crate) ended: Option<Ended>,
}

/// Reads what is known about the attempt of this key.
pub(crate) fn account(folder: &Path, key: &str) -> io::Result<Account> {
    let mut account = Account::default();
    let file = match File::open(folder.join(RECORDS)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(account),
        Err(error) => return Err(error),
    };
    for line in lines(&file) {
        match line? {
            Line::Starting { attempt, boot } if attempt.key == key => {
                account.starting = Some((attempt, boot));
            }
            Line::Started { key: whose, child } if whose == key => account.child = Some(child),
            Line::NotStarted { key: whose } if whose == key => account = Account::default(),
            Line::Ended(ended) if ended.attempt.key == key => account.ended = Some(ended),
            Line::Starting { .. }
            | Line::Started { .. }
            | Line::NotStarted { .. }
            | Line::Ended(_) => {}
        }
    }
    Ok(account)
}

/// The whole lines; one that a crash has torn says nothing.
fn lines(file: &File) -> impl Iterator<Item = io::Result<Line>> {
    BufReader::new(file).split(b'\n').filter_map(|line| match line {
        Ok(line) => serde_json::from_slice(&line).ok().map(Ok),
        Err(error) => Some(Err(error)),
    })
}

/// Which boot of the machine this is.
pub(crate) fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(key: &str) -> AttemptRef {
        AttemptRef { run: "r".into(), execution: "a".into(), number: 1, fence: 1, key: key.into() }
    }

    #[test]
    fn a_start_is_recorded_once_over_generations() {
        let dir = tempfile::tempdir().unwrap();
        let records = Records::default();
        assert!(records.starting(dir.path(), &attempt("k"), "boot", true).unwrap());
        assert!(!records.starting(dir.path(), &attempt("k"), "boot", false).unwrap());
        let child = Child { pid: 7, started: 8 };
        records.started(dir.path(), "k", child).unwrap();
        assert!(!Records::default().starting(dir.path(), &attempt("k"), "b", false).unwrap());
        let account = account(dir.path(), "k").unwrap();
        assert_eq!(account.starting, Some((attempt("k"), "boot".into())));
        assert_eq!(account.child, Some(child));
        assert!(account.ended.is_none());
    }

    #[test]
    fn a_start_that_came_to_nothing_can_be_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let records = Records::default();
        assert!(records.starting(dir.path(), &attempt("k"), "boot", false).unwrap());
        records.not_started(dir.path(), "k").unwrap();
        assert!(account(dir.path(), "k").unwrap().starting.is_none());
        assert!(Records::default().starting(dir.path(), &attempt("k"), "boot", false).unwrap());
    }

    #[test]
    fn a_torn_line_spoils_no_other() {
        let dir = tempfile::tempdir().unwrap();
        Records::default().starting(dir.path(), &attempt("k"), "boot", false).unwrap();
        let path = dir.path().join(RECORDS);
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b"{\"type\":\"ended\",\"att").unwrap();
        Records::default().starting(dir.path(), &attempt("l"), "boot", false).unwrap();
        assert!(account(dir.path(), "k").unwrap().starting.is_some());
        assert!(account(dir.path(), "l").unwrap().starting.is_some());
    }
}
