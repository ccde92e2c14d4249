//! Which calls of a session were begun and which were answered, over all attempts.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::Output;
use crate::memory::{Log, Problem};

#[derive(Debug)]
pub(super) struct Calls {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    log: Log<Entry>,
    known: HashMap<String, Known>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
enum Entry {
    Begun { id: String },
    Answered { id: String, output: Output },
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Known {
    #[default]
    Not,
    Begun,
    Answered(Output),
}

impl Calls {
    pub(super) fn open(folder: &Path) -> Result<Self, Problem> {
        let (log, past) = Log::open(&folder.join("calls.ndjson"))?;
        let mut known = HashMap::new();
        for entry in past {
            match entry {
                Entry::Begun { id } => known.insert(id, Known::Begun),
                Entry::Answered { id, output } => known.insert(id, Known::Answered(output)),
            };
        }
        Ok(Self { state: Mutex::new(State { log, known }) })
    }

    pub(super) fn known(&self, id: &str) -> Known {
        self.state().known.get(id).cloned().unwrap_or_default()
    }

    /// From here on it counts as begun, whatever happens.
    pub(super) fn begin(&self, id: &str) -> Result<(), Problem> {
        let mut state = self.state();
        state.log.keep(&Entry::Begun { id: id.to_owned() })?;
        state.known.insert(id.to_owned(), Known::Begun);
        Ok(())
    }

    pub(super) fn answer(&self, id: &str, output: &Output) -> Result<(), Problem> {
        let mut state = self.state();
        state.log.keep(&Entry::Answered { id: id.to_owned(), output: output.clone() })?;
        state.known.insert(id.to_owned(), Known::Answered(output.clone()));
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
