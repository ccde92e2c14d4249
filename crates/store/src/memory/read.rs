use std::collections::BTreeMap;

use engine::event::Stamped;
use engine::id::RunId;
use jiff::Timestamp;

use super::people::numbered;
use super::{MemoryReader, Run, lock};
use crate::chain::{self, Head};
use crate::port::{
    ArtifactQuery, ArtifactRow, AuditQuery, AuditRow, DraftRow, Error, EventRow, GivenQuery,
    GivenRow, Health, NoticeQuery, NoticeRow, OpenNotices, PipelineQuery, PipelineRow, Read,
    RequestQuery, RequestRow, RevisionRow, RewindRow, RolloutRow, RunQuery, RunRow, ScheduleRow,
    StageRow, TaskQuery, TaskRow, TokenRow, Verified, WorkerRow, prefix_range,
};
use crate::port::{NoticeStatus, Open, PRODUCTION, Tally, WAITING};

impl MemoryReader {
    /// Oldest first.
    fn related(&self, wanted: impl Fn(&RunRow) -> bool) -> Vec<RunRow> {
        let state = lock(&self.shared);
        state.runs.values().map(|run| &run.row).filter(|row| wanted(row)).cloned().collect()
    }
}

impl Read for MemoryReader {
    fn pipelines(&self, query: &PipelineQuery) -> Result<Vec<PipelineRow>, Error> {
        let state = lock(&self.shared);
        let rows = state.pipelines.values().filter(|pipeline| pipeline.live);
        let rows = rows.map(|pipeline| &pipeline.row);
        let rows = rows.filter(|row| query.after.as_ref().is_none_or(|after| row.name > *after));
        Ok(rows.take(query.limit as usize).cloned().collect())
    }

    fn pipeline(&self, name: &str) -> Result<Option<PipelineRow>, Error> {
        let state = lock(&self.shared);
        let found = state.pipelines.get(name).filter(|pipeline| pipeline.live);
        Ok(found.map(|pipeline| pipeline.row.clone()))
    }

    fn revision(&self, name: &str, number: Option<u32>) -> Result<Option<RevisionRow>, Error> {
        let state = lock(&self.shared);
        let Some(pipeline) = state.pipelines.get(name) else { return Ok(None) };
        let number = match number {
            Some(number) => number,
            None if pipeline.live => pipeline.row.revision,
            None => return Ok(None),
        };
        Ok(pipeline.revisions.iter().find(|revision| revision.number == number).cloned())
    }

    fn revisions(&self, name: &str, limit: u32) -> Result<Vec<RevisionRow>, Error> {
        let state = lock(&self.shared);
        let Some(pipeline) = state.pipelines.get(name) else { return Ok(Vec::new()) };
        Ok(pipeline.revisions.iter().rev().take(limit as usize).cloned().collect())
    }

    fn runs(&self, query: &RunQuery) -> Result<Vec<RunRow>, Error> {
        let state = lock(&self.shared);
        let wanted = |row: &&RunRow| {
            query.pipeline.as_ref().is_none_or(|pipeline| row.pipeline == *pipeline)
                && query
                    .task
                    .as_ref()
                    .is_none_or(|task| row.task.as_ref().is_some_and(|(of, _)| of == task))
                && (query.statuses.is_empty() || query.statuses.contains(&row.status))
                && query.finished.is_none_or(|finished| row.finished == finished)
                && query.mode.as_ref().is_none_or(|mode| row.mode == *mode)
        };
        let order = query.order;
        let mut rows: Vec<&RunRow> =
            state.runs.values().map(|run| &run.row).filter(wanted).collect();
        rows.sort_by_cached_key(|row| order.key(row));
        if order.descending {
            rows.reverse();
        }
        let behind = |row: &&RunRow| {
            let Some(before) = query.before else { return true };
            if order.is_usual() {
                return row.id < before;
            }
            let Some(before) = state.runs.get(&before) else { return false };
            let (this, that) = (order.key(row), order.key(&before.row));
            if order.descending { this < that } else { this > that }
        };
        Ok(rows.into_iter().filter(behind).take(query.limit as usize).cloned().collect())
    }

    fn run(&self, id: RunId) -> Result<Option<RunRow>, Error> {
        Ok(lock(&self.shared).runs.get(&id).map(|run| run.row.clone()))
    }

    fn run_by_number(&self, pipeline: &str, number: u64) -> Result<Option<RunRow>, Error> {
        let state = lock(&self.shared);
        let mut rows = state.runs.values().map(|run| &run.row);
        Ok(rows.find(|row| row.pipeline == pipeline && row.number == number).cloned())
    }

    fn run_by_task(&self, task: &str, number: u64) -> Result<Option<RunRow>, Error> {
        let is = |row: &RunRow| row.task.as_ref().is_some_and(|(of, n)| of == task && *n == number);
        Ok(self.related(is).into_iter().next())
    }

    fn runs_by_prefix(&self, prefix: &str) -> Result<Vec<RunRow>, Error> {
        let Some((low, high)) = prefix_range(prefix) else { return Ok(Vec::new()) };
        let state = lock(&self.shared);
        Ok(state.runs.range(low..=high).take(2).map(|(_, run)| run.row.clone()).collect())
    }

    fn events(&self, run: RunId, after: u64, limit: u32) -> Result<Vec<EventRow>, Error> {
        let state = lock(&self.shared);
        let Some(found) = state.runs.get(&run) else { return Ok(Vec::new()) };
        let skipped = usize::try_from(after).unwrap_or(usize::MAX);
        let events = (1..).zip(&found.events).skip(skipped);
        // Of a run that was emptied only decisions have content.
        let events = events.filter(|(_, event)| !event.body.is_empty());
        events
            .take(limit as usize)
            .map(|(seq, event)| {
                let read = event.read().map_err(|error| Error::Corrupt {
                    run: run.to_string(),
                    problem: format!("event {seq} cannot be understood: {error}"),
                })?;
                Ok(EventRow { run, seq, event: read, hash: chain::hex(&event.hash) })
            })
            .collect()
    }

    fn arrivals(&self, after: u64, limit: u32) -> Result<Vec<(u64, EventRow)>, Error> {
        let state = lock(&self.shared);
        let skipped = usize::try_from(after).unwrap_or(usize::MAX);
        let all = (1..).zip(&state.arrivals).skip(skipped);
        let events = all.filter_map(|(position, (run, seq))| {
            let stored = state.runs.get(run)?.events.get(usize::try_from(seq - 1).ok()?)?;
            let event = stored.read().ok()?;
            let hash = chain::hex(&stored.hash);
            Some((position, EventRow { run: *run, seq: *seq, event, hash }))
        });
        Ok(events.take(limit as usize).collect())
    }

    fn last_arrival(&self) -> Result<u64, Error> {
        Ok(lock(&self.shared).arrivals.len() as u64)
    }

    fn journal(&self, run: RunId) -> Result<Vec<Stamped>, Error> {
        lock(&self.shared).runs.get(&run).map_or_else(|| Ok(Vec::new()), Run::journal)
    }

    fn stages(&self, run: RunId) -> Result<Vec<StageRow>, Error> {
        let state = lock(&self.shared);
        let Some(found) = state.runs.get(&run) else { return Ok(Vec::new()) };
        Ok(found.stages.values().cloned().collect())
    }

    fn runs_by_parent(&self, parent: RunId) -> Result<Vec<RunRow>, Error> {
        Ok(self.related(|row| row.parent == Some(parent)))
    }

    fn runs_extending(&self, run: RunId) -> Result<Vec<RunRow>, Error> {
        Ok(self.related(|row| row.extends == Some(run)))
    }

    fn latest(&self, pipeline: &str) -> Result<Option<RunRow>, Error> {
        let rows = self
            .related(|row| row.pipeline == pipeline && !row.superseded && row.mode == PRODUCTION);
        Ok(rows.into_iter().max_by_key(|row| row.number))
    }

    fn requests(&self, query: &RequestQuery) -> Result<Vec<RequestRow>, Error> {
        Ok(lock(&self.shared).requests(query))
    }

    fn request(&self, number: u64) -> Result<Option<RequestRow>, Error> {
        Ok(numbered(&lock(&self.shared).requests, number).cloned())
    }

    fn draft(&self, request: u64) -> Result<Option<DraftRow>, Error> {
        Ok(lock(&self.shared).drafts.get(&request).cloned())
    }

    fn artifacts(&self, query: &ArtifactQuery) -> Result<Vec<ArtifactRow>, Error> {
        Ok(lock(&self.shared).artifacts(query))
    }

    fn artifact(&self, number: u64) -> Result<Option<ArtifactRow>, Error> {
        Ok(numbered(&lock(&self.shared).artifacts, number).cloned())
    }

    fn given_events(&self, query: &GivenQuery) -> Result<Vec<GivenRow>, Error> {
        Ok(lock(&self.shared).given_events(query))
    }

    fn given_event(&self, id: &str) -> Result<Option<GivenRow>, Error> {
        Ok(lock(&self.shared).given.iter().find(|row| row.event.id == id).cloned())
    }

    fn notices(&self, query: &NoticeQuery) -> Result<Vec<NoticeRow>, Error> {
        Ok(lock(&self.shared).notices(query))
    }

    fn notice(&self, number: u64) -> Result<Option<NoticeRow>, Error> {
        Ok(lock(&self.shared).notice(number))
    }

    fn open_notices(&self) -> Result<Vec<OpenNotices>, Error> {
        Ok(lock(&self.shared).open_notices())
    }

    fn rollout(&self) -> Result<RolloutRow, Error> {
        Ok(lock(&self.shared).rollout.clone())
    }

    fn workers(&self) -> Result<Vec<WorkerRow>, Error> {
        Ok(lock(&self.shared).workers.values().cloned().collect())
    }

    fn schedules(&self, pipeline: Option<&str>) -> Result<Vec<ScheduleRow>, Error> {
        let state = lock(&self.shared);
        let rows = state.schedules.values();
        let rows = rows.filter(|row| pipeline.is_none_or(|pipeline| row.pipeline == pipeline));
        Ok(rows.cloned().collect())
    }

    fn token_by_hash(&self, hash: &str) -> Result<Option<TokenRow>, Error> {
        Ok(lock(&self.shared).tokens.iter().find(|token| token.hash == hash).cloned())
    }

    fn tokens(&self) -> Result<Vec<TokenRow>, Error> {
        Ok(lock(&self.shared).tokens.clone())
    }

    fn rewinds(&self, pipeline: Option<&str>, limit: u32) -> Result<Vec<RewindRow>, Error> {
        let state = lock(&self.shared);
        let newest = state.rewinds.iter().rev().map(|rewind| &rewind.row);
        let wanted = newest.filter(|row| pipeline.is_none_or(|name| row.pipeline == name));
        Ok(wanted.take(limit as usize).cloned().collect())
    }

    fn task(&self, id: &str) -> Result<Option<TaskRow>, Error> {
        Ok(lock(&self.shared).tasks.iter().find(|task| task.id == id).cloned())
    }

    fn tasks(&self, query: &TaskQuery) -> Result<Vec<TaskRow>, Error> {
        Ok(lock(&self.shared).tasks(query))
    }

    fn tasks_needing(&self, id: &str) -> Result<Vec<String>, Error> {
        Ok(lock(&self.shared).tasks_needing(id))
    }

    fn last_drawn_task(&self) -> Result<u64, Error> {
        Ok(lock(&self.shared).last_drawn())
    }

    fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>, Error> {
        Ok(lock(&self.shared).audit(query))
    }

    fn verify(&self) -> Result<Verified, Error> {
        let state = lock(&self.shared);
        for run in state.runs.values().filter(|run| run.emptied.is_none()) {
            run.journal()?;
        }
        let Head { events, hash } = state.head;
        let found: u64 = state.runs.values().map(|run| run.events.len() as u64).sum();
        if found != events {
            let problem = format!("{events} events were written, {found} are there");
            return Err(Error::Broken { problem });
        }
        Ok(Verified { runs: state.runs.len() as u64, events, head: chain::hex(&hash) })
    }

    fn emptied(&self, run: RunId) -> Result<Option<Timestamp>, Error> {
        Ok(lock(&self.shared).runs.get(&run).and_then(|run| run.emptied))
    }

    fn emptiable(&self, before: Timestamp, limit: u32) -> Result<Vec<RunRow>, Error> {
        let state = lock(&self.shared);
        let runs = state.runs.values().filter(|run| run.row.finished && run.emptied.is_none());
        let ended = runs.filter(|run| run.row.finished_at.is_some_and(|at| at < before));
        Ok(ended.map(|run| run.row.clone()).take(limit as usize).collect())
    }

    fn forgettable(&self, before: Timestamp) -> Result<(u64, u64), Error> {
        let state = lock(&self.shared);
        let events = state.given.iter().filter(|row| {
            row.event.at < before && row.routed_at.is_some() && !row.event.data.is_null()
        });
        let notices = state.notices.iter().filter(|row| {
            row.status != NoticeStatus::Waiting && row.settled_at.is_some_and(|at| at < before)
        });
        Ok((events.count() as u64, notices.count() as u64))
    }

    fn tally(&self) -> Result<Tally, Error> {
        let state = lock(&self.shared);
        let mut runs = BTreeMap::new();
        for row in state.runs.values().map(|run| &run.row).filter(|row| !row.finished) {
            *runs.entry(row.status.clone()).or_insert(0) += 1;
        }
        let [approvals, inputs] = WAITING.map(|(kind, status)| {
            let open = state.requests.iter();
            let open = open.filter(|row| row.kind == kind && row.status == status);
            let opened: Vec<_> = open.map(|row| row.opened_at).collect();
            Open { count: opened.len() as u64, oldest: opened.into_iter().min() }
        });
        let notices = state.notices.iter().filter(|row| row.status == NoticeStatus::Waiting);
        let notices = notices.count() as u64;
        Ok(Tally { runs: runs.into_iter().collect(), approvals, inputs, notices })
    }

    fn health(&self) -> Result<Health, Error> {
        let state = lock(&self.shared);
        let events = state.runs.values().flat_map(|run| &run.events);
        let bytes = events.map(|event| event.body.len() as u64).sum();
        let epoch = format!("memory-{:p}", std::sync::Arc::as_ptr(&self.shared));
        Ok(Health { schema: crate::sqlite::SCHEMA, bytes, epoch })
    }
}
