//! A run in full: from the conductor while it is live, from its journal when it is at rest.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use api::run::RunDetail;
use engine::Run;
use engine::id::RunId;
use store::port::{Read, RunRow};

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
    let (reasons, run) = (shared.gauges.read().reasons, row.id);
    let seen = move |live: &Run| {
        let mut detail = view::run::detail(live);
        view::fleet::explain(live, run, &reasons, &mut detail.stages);
        detail
    };
    let mut detail = look(shared, row, seen).await?;
    // Said by the pipeline's history, not by the run's.
    detail.summary.superseded = row.superseded;
    let id = row.id;
    let sums = shared.read(move |reader| Ok(reader.model_sums(id)?)).await?;
    detail.usage = view::model::total(&sums);
    Ok(detail)
}

/// What somebody wants to know of a run, as it is on disk.
pub(crate) async fn look<T: Send + 'static>(
    shared: &Shared,
    row: &RunRow,
    look: impl Fn(&Run) -> T + Send + Sync + 'static,
) -> Result<T, Refused> {
    let run = row.id;
    let look = Arc::new(look);
    if !row.finished {
        let look = Arc::clone(&look);
        if let Some(seen) = shared.desk.look(run, move |live| look(live)).await? {
            return Ok(seen);
        }
    }
    let histories = Arc::clone(&shared.histories);
    let definitions = Arc::clone(&shared.definitions);
    shared
        .read(move |reader| {
            let live = histories.fold(run, reader, &definitions)?;
            let damaged = |problem| Refused::Damaged { run: run.to_string(), problem };
            guarded(|| look(&live.run)).map_err(damaged)
        })
        .await
}

/// The same of a run that has not finished, also of one that is not in memory because it only waits.
/// `None`: it has finished, or there is none.
pub(crate) async fn look_unfinished<T: Send + 'static>(
    shared: &Shared,
    run: RunId,
    look: impl Fn(&Run) -> T + Send + Sync + 'static,
) -> Result<Option<T>, Refused> {
    let look = Arc::new(look);
    let of = Arc::clone(&look);
    if let Some(seen) = shared.desk.look(run, move |live| of(live)).await? {
        return Ok(Some(seen));
    }
    let row = shared.read(move |reader| Ok(reader.run(run)?)).await?;
    match row.filter(|row| !row.finished) {
        None => Ok(None),
        Some(row) => self::look(shared, &row, move |run| look(run)).await.map(Some),
    }
}

/// What somebody wants to know of a run as it was after its first `at` events.
pub(crate) async fn look_at<T: Send + 'static>(
    shared: &Shared,
    row: &RunRow,
    at: u64,
    look: impl Fn(&Run) -> T + Send + Sync + 'static,
) -> Result<T, Refused> {
    let run = row.id;
    let definitions = Arc::clone(&shared.definitions);
    shared
        .read(move |reader| {
            let journal = reader.journal(run)?;
            let upto = usize::try_from(at).unwrap_or(usize::MAX);
            let Some(journal) = journal.get(..upto).filter(|events| !events.is_empty()) else {
                return Err(Refused::NoSuchEvent { at, last: journal.len() as u64 });
            };
            let damaged = |problem| Refused::Damaged { run: run.to_string(), problem };
            let missing = || Refused::NotFound { what: "run", name: run.to_string() };
            let live = Live::replay(run, journal, &definitions, reader)?.ok_or_else(missing)?;
            guarded(|| look(&live.run)).map_err(damaged)
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
