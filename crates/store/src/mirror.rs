//! The artifacts as folders for people: a mirror of the memory, written in the background.
//!
//! ```text
//! pipelines/<name>/runs/v<n>/run_info.json
//! pipelines/<name>/runs/v<n>/<stage>/<file>              what counts: promoted
//! pipelines/<name>/runs/latest -> v<n>
//! pipelines/<name>/.archived/rewind_v<n>_<time>/<stage>/ superseded by a rewind of that run
//! pipelines/<name>/.archived/rewind_to_v<m>_<time>/v<n>/ a run that its pipeline went back behind
//! pipelines/<name>/.archived/replaced_v<n>_<stage>_<attempt>/
//! pipelines/<name>/.errored/v<n>_<stage>_<time>/         how a stage failed, and what it had left
//! ```
//!
//! It follows from what is stored alone ([`tree`]), so made anew it is the same. Nothing ever reads
//! it back: whatever people do in there changes nothing, and is undone by the next update. Runs
//! that left nothing have a folder only while they are among the newest.

mod history;
mod name;
mod tree;
mod writer;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use blobs::Blobs;
use engine::id::RunId;

use self::history::History;
use self::tree::Facts;
use self::writer::Writer;
use crate::folder::Folder;
use crate::port::{
    ArtifactQuery, ArtifactRow, AuditQuery, Error, Read, RewindRow, RunQuery, RunRow, StageRow,
};

/// A run that left nothing keeps its folder while so few numbers lie above it.
const EMPTY_KEPT: u64 = 100;
/// Beyond so many runs waiting to be looked at, everything is looked at.
const WAITING: usize = 4_096;
const PAGE: u32 = 200;

/// Looks at runs in a thread of its own. Asking never waits, and asking twice is asking once.
#[derive(Debug)]
pub struct Mirror {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    asked: Mutex<Asked>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Asked {
    runs: BTreeSet<RunId>,
    pipelines: BTreeSet<String>,
    all: bool,
    /// From nothing.
    anew: bool,
    busy: bool,
    stop: bool,
}

impl Asked {
    fn is_idle(&self) -> bool {
        self.runs.is_empty() && self.pipelines.is_empty() && !self.all && !self.anew && !self.busy
    }
}

impl Shared {
    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mirror {
    pub fn start(reader: Arc<dyn Read>, folder: &Folder) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let asked = Arc::clone(&shared);
        let mut work = Work::new(reader, folder);
        let thread = thread::Builder::new().name("mirror".into()).spawn(move || {
            work.serve(&asked);
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Something of this run has changed that was committed.
    pub fn update(&self, run: RunId) {
        self.ask(|asked| {
            if asked.runs.len() < WAITING {
                asked.runs.insert(run);
            } else {
                asked.runs.clear();
                asked.all = true;
            }
        });
    }

    /// Runs of this pipeline were superseded, or are not any more.
    pub fn update_pipeline(&self, name: &str) {
        self.ask(|asked| {
            asked.pipelines.insert(name.to_owned());
        });
    }

    /// Makes everything anew.
    pub fn rebuild(&self) {
        self.ask(|asked| asked.anew = true);
    }

    /// Waits until everything that was asked for has been done.
    pub fn settle(&self) {
        let mut asked = self.shared.asked();
        while !asked.is_idle() && !asked.stop {
            asked = self.shared.changed.wait(asked).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn ask(&self, what: impl FnOnce(&mut Asked)) {
        what(&mut self.shared.asked());
        self.shared.changed.notify_all();
    }
}

impl Drop for Mirror {
    /// Does not wait for more than one run: what is left is done by a later rebuild.
    fn drop(&mut self) {
        self.ask(|asked| asked.stop = true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Makes everything anew, here and now.
pub fn rebuild(reader: Arc<dyn Read>, folder: &Folder) -> Result<(), Error> {
    Work::new(reader, folder).anew(&|| false)
}

struct Work {
    reader: Arc<dyn Read>,
    writer: Writer,
    /// Of runs that have not finished, so that a long journal is not read again and again.
    histories: HashMap<RunId, History>,
    /// Something could not be written: with the next one, everything is looked at.
    behind: bool,
}

impl Work {
    fn new(reader: Arc<dyn Read>, folder: &Folder) -> Self {
        let writer = Writer::new(folder.mirror(), Blobs::of(folder.root()));
        Self { reader, writer, histories: HashMap::new(), behind: false }
    }

    fn serve(&mut self, shared: &Shared) {
        let stopping = || shared.asked().stop;
        loop {
            let mut asked = shared.asked();
            asked.busy = false;
            shared.changed.notify_all();
            while asked.is_idle() && !asked.stop {
                asked = shared.changed.wait(asked).unwrap_or_else(PoisonError::into_inner);
            }
            if asked.stop {
                return;
            }
            let Asked { runs, pipelines, all, anew, .. } = std::mem::take(&mut *asked);
            asked.busy = true;
            drop(asked);
            let done = if anew {
                self.anew(&stopping)
            } else if all || self.behind {
                self.all(&stopping)
            } else {
                self.some(&runs, &pipelines, &stopping)
            };
            self.behind = done.is_err();
            if let Err(error) = done {
                tracing::warn!(%error, "the people's folders could not be brought up to date");
            }
        }
    }

    fn some(
        &mut self,
        runs: &BTreeSet<RunId>,
        pipelines: &BTreeSet<String>,
        stopping: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        let mut touched = BTreeSet::new();
        for run in runs {
            if stopping() {
                return Ok(());
            }
            let Some(row) = self.reader.run(*run)? else { continue };
            let leaving = row.number.checked_sub(EMPTY_KEPT);
            if let Some(number) = leaving
                && let Some(old) = self.reader.run_by_number(&row.pipeline, number)?
            {
                self.run(&old)?;
            }
            self.run(&row)?;
            touched.insert(row.pipeline);
        }
        for name in touched.difference(pipelines) {
            self.latest(name)?;
        }
        for name in pipelines {
            self.pipeline(name, stopping)?;
        }
        Ok(())
    }

    fn anew(&mut self, stopping: &dyn Fn() -> bool) -> Result<(), Error> {
        self.writer.clear()?;
        self.all(stopping)
    }

    fn all(&mut self, stopping: &dyn Fn() -> bool) -> Result<(), Error> {
        let mut names = BTreeSet::new();
        let mut before = None;
        loop {
            let query = RunQuery { before, limit: PAGE, ..RunQuery::default() };
            let page = self.reader.runs(&query)?;
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            for row in page {
                if stopping() {
                    return Ok(());
                }
                self.run(&row)?;
                names.insert(row.pipeline);
            }
        }
        names.iter().try_for_each(|name| self.latest(name))
    }

    fn pipeline(&mut self, name: &str, stopping: &dyn Fn() -> bool) -> Result<(), Error> {
        let mut before = None;
        loop {
            let pipeline = Some(name.to_owned());
            let query = RunQuery { pipeline, before, limit: PAGE, ..RunQuery::default() };
            let page = self.reader.runs(&query)?;
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            for row in page {
                if stopping() {
                    return Ok(());
                }
                self.run(&row)?;
            }
        }
        self.latest(name)
    }

    fn latest(&self, pipeline: &str) -> Result<(), Error> {
        let latest = self.reader.latest(pipeline)?;
        self.writer.latest(pipeline, latest.map(|row| row.number))
    }

    /// Brings the folders of one run in line with what is stored of it.
    fn run(&mut self, row: &RunRow) -> Result<(), Error> {
        let artifacts = self.artifacts(row.id)?;
        let newest = self.newest(&row.pipeline)?;
        if artifacts.is_empty() && row.number + EMPTY_KEPT <= newest {
            return self.writer.run(&row.pipeline, row.number, tree::Tree::new());
        }
        let stages = self.reader.stages(row.id)?;
        let history = if self.has_history(row.id, &stages)? {
            self.history(row)?
        } else {
            History::default()
        };
        let archived = if row.superseded { self.archived(row)? } else { None };
        let related = |id: Option<RunId>| -> Result<Option<String>, Error> {
            let Some(id) = id else { return Ok(None) };
            let row = self.reader.run(id)?;
            Ok(row.map(|row| row.name()))
        };
        let facts = Facts {
            row,
            extends: related(row.extends)?,
            parent: related(row.parent)?,
            stages,
            artifacts,
            history: &history,
            archived,
        };
        let tree = tree::of(&facts);
        if !row.finished && history.seq > 0 {
            self.histories.insert(row.id, history);
        }
        self.writer.run(&row.pipeline, row.number, tree)
    }

    /// In the order of their numbers.
    fn artifacts(&self, run: RunId) -> Result<Vec<ArtifactRow>, Error> {
        let (mut rows, mut before) = (Vec::new(), None);
        loop {
            let query =
                ArtifactQuery { run: Some(run), before, limit: PAGE, ..ArtifactQuery::default() };
            let page = self.reader.artifacts(&query)?;
            let Some(last) = page.last() else { break };
            before = Some(last.number);
            rows.extend(page);
        }
        rows.reverse();
        Ok(rows)
    }

    fn newest(&self, pipeline: &str) -> Result<u64, Error> {
        let pipeline = Some(pipeline.to_owned());
        let newest = self.reader.runs(&RunQuery { pipeline, limit: 1, ..RunQuery::default() })?;
        Ok(newest.first().map_or(0, |row| row.number))
    }

    /// Whether its journal tells more than its rows: of a stage that failed, also one that was made
    /// to run again since. Journals are long, so this is asked first.
    fn has_history(&self, run: RunId, stages: &[StageRow]) -> Result<bool, Error> {
        if stages.iter().any(|stage| stage.outcome.as_deref() == Some("failed")) {
            return Ok(true);
        }
        for action in ["run.retried", "run.rewind_requested"] {
            let (run, action) = (Some(run), Some(action.to_owned()));
            let query = AuditQuery { run, action, limit: 1, ..AuditQuery::default() };
            if !self.reader.audit(&query)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn history(&mut self, row: &RunRow) -> Result<History, Error> {
        let mut history = self.histories.remove(&row.id).unwrap_or_default();
        loop {
            let page = self.reader.events(row.id, history.seq, PAGE)?;
            if page.is_empty() {
                return Ok(history);
            }
            page.iter().for_each(|event| history.push(event));
        }
    }

    /// The rewind that stands and has superseded this run last.
    fn archived(&self, row: &RunRow) -> Result<Option<RewindRow>, Error> {
        let rewinds = self.reader.rewinds(Some(&row.pipeline), u32::MAX)?;
        let stands = |rewind: &RewindRow| {
            rewind.undone_at.is_none() && rewind.superseded.contains(&row.number)
        };
        Ok(rewinds.into_iter().find(stands))
    }
}

impl Folder {
    /// Where people find the artifacts.
    pub fn mirror(&self) -> std::path::PathBuf {
        self.root().join("pipelines")
    }
}
