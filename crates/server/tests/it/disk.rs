//! A memory that survives its server, and can be full, broken or damaged.

use std::sync::{Arc, Mutex};

use engine::event::Stamped;
use engine::id::RunId;
use store::memory::{MemoryReader, MemoryWriter};
use store::port::{Change, Error, Outcome, Write};

#[derive(Clone)]
pub(crate) struct Disk {
    writer: Arc<Mutex<MemoryWriter>>,
    pub(crate) reader: MemoryReader,
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) full: bool,
    pub(crate) broken: bool,
    /// Its journal cannot be folded.
    pub(crate) damaged: Option<RunId>,
    pub(crate) refused: u32,
}

impl Disk {
    pub(crate) fn new() -> Self {
        let (writer, reader) = store::memory::open();
        Self { writer: Arc::new(Mutex::new(writer)), reader, state: Arc::default() }
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    pub(crate) fn state(&self) -> State {
        self.state.lock().unwrap().clone()
    }
}

fn failed(full: bool) -> Error {
    let source = std::io::Error::other("said the test").into();
    Error::Storage { operation: "commit", full, source }
}

impl Write for Disk {
    fn commit(&mut self, changes: &[Change]) -> Result<Vec<Outcome>, Error> {
        let mut state = self.state.lock().unwrap();
        if state.full || state.broken {
            state.refused += 1;
            return Err(failed(state.full));
        }
        drop(state);
        self.writer.lock().unwrap().commit(changes)
    }

    fn next_run_number(&mut self, pipeline: &str) -> Result<u64, Error> {
        self.writer.lock().unwrap().next_run_number(pipeline)
    }

    fn next_task_number(&mut self, task: &str) -> Result<u64, Error> {
        self.writer.lock().unwrap().next_task_number(task)
    }

    fn unfinished(&mut self) -> Result<Vec<RunId>, Error> {
        self.writer.lock().unwrap().unfinished()
    }

    fn journal(&mut self, run: RunId) -> Result<Vec<Stamped>, Error> {
        let mut journal = self.writer.lock().unwrap().journal(run)?;
        if self.state().damaged == Some(run) {
            // Its second event comes first: no run begins so.
            journal.remove(0);
        }
        Ok(journal)
    }
}
