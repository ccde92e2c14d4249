//! A run in full: from the conductor while it is live, from its journal when it is at rest.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use api::run::RunDetail;
use engine::id::RunId;
use store::port::{Read, RunRow};

use crate::conductor::desk::Ask;
use crate::conductor::live::{Live, guarded};
use crate::definition::Definitions;
use crate::refused::Refused;
use crate::shared::Shared;
use crate::view;

/// Runs at rest that are kept folded.
const KEPT: usize = 16;

/// Finished runs looked at last.
#[derive(Default)]
pub(crate) struct Histories {
    folded: Mutex<VecDeque<Arc<Live>>>,
}

/// The run as it is on disk.
pub(crate) async fn detail(shared: &Shared, row: &RunRow) -> Result<RunDetail, Refused> {
    let run = row.id;
    if !row.finished
        && let Some(detail) = shared.desk.ask(|reply| Ask::Detail { run, reply }).await?
    {
        return Ok(*detail);
    }
    let histories = Arc::clone(&shared.histories);
    let definitions = Arc::clone(&shared.definitions);
    shared
        .read(move |reader| {
            let live = histories.fold(run, reader, &definitions)?;
            let damaged = |problem| Refused::Damaged { run: run.to_string(), problem };
            guarded(|| view::run::detail(&live.run)).map_err(damaged)
        })
        .await
}

impl Histories {
    /// Folds a run's journal, unless it was done before and nothing has been added to it.
    pub(crate) fn fold(
        &self,
        run: RunId,
        reader: &dyn Read,
        definitions: &Definitions,
    ) -> Result<Arc<Live>, Refused> {
        let kept = self.lock().iter().find(|live| live.id == run).cloned();
        if let Some(live) = kept
            && reader.events(run, live.stored, 1)?.is_empty()
        {
            return Ok(live);
        }
        let journal = reader.journal(run)?;
        let live = Live::replay(run, &journal, definitions, reader)?;
        let missing = || Refused::NotFound { what: "run", name: run.to_string() };
        let live = Arc::new(live.ok_or_else(missing)?);
        let mut folded = self.lock();
        folded.retain(|live| live.id != run);
        if live.is_finished() {
            folded.push_front(Arc::clone(&live));
            folded.truncate(KEPT);
        }
        drop(folded);
        Ok(live)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Live>>> {
        self.folded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
