//! A run: its journal, and what every part of it did to the run that people see.

use std::sync::Arc;

use api::model::ModelUsage;
use api::run::{RunDetail, StageView};
use axum::extract::ws::Utf8Bytes;
use engine::Run;
use engine::id::RunId;
use engine::view::ExecutionStatus;
use store::port::EventRow;

use super::{Advance, BURST, Since};
use crate::conductor::hands::seen::Reasons;
use crate::conductor::live::{Live, guarded};
use crate::live::frame::{self, Changed};
use crate::live::ring::Told;
use crate::refused::Refused;
use crate::shared::Shared;
use crate::view;

/// Events read at once, and of one frame at most.
const PAGE: u32 = 500;
/// A frame that is longer takes no more events.
const LONG: usize = 256 << 10;
/// Whoever is further behind gets a snapshot.
const FAR: u64 = 1000;

pub(in crate::live) struct RunSource {
    id: RunId,
    name: String,
    epoch: String,
    /// The fold of all that was told: a reader of the journal like any other.
    run: Run,
    /// As it is shown.
    detail: RunDetail,
    /// For each stage shown, the number at which it became what it is.
    changed: Vec<u64>,
    /// The number at which stages went, or came.
    reshaped: u64,
    snapshot: Option<Utf8Bytes>,
    /// Stages that wait for a worker, or did until just now.
    waiting: Vec<String>,
}

impl RunSource {
    pub(super) fn open(
        shared: &Shared,
        id: RunId,
        name: String,
        epoch: String,
    ) -> Result<Self, Refused> {
        let reader = &*shared.reader;
        let journal = reader.journal(id)?;
        let missing = || Refused::NotFound { what: "run", name: id.to_string() };
        let run = Live::replay(id, &journal, &shared.definitions, reader)?.ok_or_else(missing)?.run;
        let beside = Beside::of(shared, id)?;
        let detail = shown(id, &run, beside)?;
        let last = run.sequence();
        let changed = vec![last; detail.stages.len()];
        let waiting = Vec::new();
        let mut source =
            Self { id, name, epoch, run, detail, changed, reshaped: last, snapshot: None, waiting };
        source.waiting = source.waiting(&source.detail);
        Ok(source)
    }

    /// Stages that wait for a worker, before this and now.
    fn waiting(&self, now: &RunDetail) -> Vec<String> {
        if self.run.pipeline().stages.iter().all(|stage| stage.runs_on.is_empty()) {
            return Vec::new();
        }
        let queued = |stage: &&StageView| stage.status == ExecutionStatus::Queued.word();
        let stages = self.detail.stages.iter().chain(&now.stages).filter(queued);
        let mut names: Vec<String> = stages.map(|stage| stage.name.clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether one of them waits for something else now.
    fn waits_otherwise(&self, beside: &Beside) -> bool {
        if self.waiting.is_empty() {
            return false;
        }
        let Ok(mut now) = guarded(|| view::run::detail(&self.run)) else { return false };
        view::fleet::explain(&self.run, self.id, &beside.reasons, &mut now.stages);
        now.stages != self.detail.stages
    }

    pub(super) fn last(&self) -> u64 {
        self.run.sequence()
    }

    pub(super) fn advance(&mut self, shared: &Shared) -> Result<Advance, Refused> {
        let mut advance = Advance::default();
        for _ in 0..BURST {
            let after = self.last();
            let rows = shared.reader.events(self.id, after, PAGE)?;
            let beside = Beside::of(shared, self.id)?;
            if rows.is_empty() && beside.is_shown(&self.detail) && !self.waits_otherwise(&beside) {
                return Ok(advance);
            }
            let entries = self.fold(&rows)?;
            let now = shown(self.id, &self.run, beside)?;
            let waits: Vec<String> = self.waiting(&now);
            let all = self.take(now);
            self.waiting = waits;
            let last = self.last();
            let stages = self.stages_since(after, all);
            let changed = Changed { run: frame::patch(&self.detail), stages, all };
            let text = frame::events(&self.name, None, last, &entries, Some(&changed));
            self.snapshot = None;
            advance.told.push(Told { after, last, text: text.into() });
            if entries.len() == rows.len() && rows.len() < PAGE as usize {
                return Ok(advance);
            }
        }
        advance.more = true;
        Ok(advance)
    }

    /// Takes as many events as make one frame.
    fn fold(&mut self, rows: &[EventRow]) -> Result<Vec<String>, Refused> {
        let mut entries = Vec::with_capacity(rows.len());
        let mut bytes = 0;
        for row in rows {
            let folded = guarded(|| self.run.evolve(&row.event))
                .and_then(|folded| folded.map_err(|corrupt| corrupt.to_string()));
            folded.map_err(|problem| Refused::Damaged { run: self.id.to_string(), problem })?;
            let entry = frame::entry(&frame::event(row));
            bytes += entry.len();
            entries.push(entry);
            if bytes > LONG {
                break;
            }
        }
        Ok(entries)
    }

    /// Notes what is different. `true`: stages went, or came where nobody would look for them.
    fn take(&mut self, now: RunDetail) -> bool {
        let last = self.last();
        let mut known = self.detail.stages.iter().zip(&self.changed).peekable();
        let mut grown = Vec::with_capacity(now.stages.len());
        for stage in &now.stages {
            match known.next_if(|(before, _)| before.name == stage.name) {
                Some((before, changed)) if before == stage => grown.push(*changed),
                Some(_) => grown.push(last),
                // An instance that came: its place is behind those before it.
                None if stage.instance.is_some() => grown.push(last),
                None => break,
            }
        }
        let moved = known.peek().is_some() || grown.len() != now.stages.len();
        if moved {
            grown = vec![last; now.stages.len()];
            self.reshaped = last;
        }
        (self.changed, self.detail) = (grown, now);
        moved
    }

    fn stages_since(&self, after: u64, all: bool) -> Vec<&StageView> {
        let stages = self.detail.stages.iter().zip(&self.changed);
        // What stages wait for is different without an event of theirs.
        let told = |stage: &StageView, changed: u64| {
            all || changed > after || self.waiting.contains(&stage.name)
        };
        stages.filter(|(stage, changed)| told(stage, **changed)).map(|(stage, _)| stage).collect()
    }

    pub(super) fn snapshot(&mut self) -> Utf8Bytes {
        let (name, epoch, detail) = (&self.name, &self.epoch, &self.detail);
        let seq = self.run.sequence();
        self.snapshot
            .get_or_insert_with(|| frame::snapshot(name, epoch, seq, detail).into())
            .clone()
    }

    pub(super) fn since(
        &mut self,
        shared: &Shared,
        after: u64,
        answer: bool,
    ) -> Result<Since, Refused> {
        let last = self.last();
        let Some(behind) = last.checked_sub(after).filter(|behind| *behind <= FAR) else {
            return Ok(None);
        };
        let limit = u32::try_from(behind).unwrap_or(u32::MAX);
        let rows = match limit {
            0 => Vec::new(),
            limit => shared.reader.events(self.id, after, limit)?,
        };
        let entries: Vec<String> =
            rows.iter().map(|row| frame::entry(&frame::event(row))).collect();
        let bytes: usize = entries.iter().map(String::len).sum();
        if entries.len() as u64 != behind || bytes > 2 * LONG {
            return Ok(None);
        }
        let all = self.reshaped > after;
        let stages = self.stages_since(after, all);
        let changed = Changed { run: frame::patch(&self.detail), stages, all };
        let epoch = answer.then_some(self.epoch.as_str());
        let text = frame::events(&self.name, epoch, last, &entries, Some(&changed));
        Ok(Some((text.into(), last)))
    }
}

fn shown(id: RunId, run: &Run, beside: Beside) -> Result<RunDetail, Refused> {
    let mut detail = guarded(|| view::run::detail(run))
        .map_err(|problem| Refused::Damaged { run: id.to_string(), problem })?;
    view::fleet::explain(run, id, &beside.reasons, &mut detail.stages);
    detail.summary.superseded = beside.superseded;
    detail.usage = beside.usage;
    Ok(detail)
}

/// What is shown of a run and does not stand in its journal.
struct Beside {
    /// Said by the pipeline's history.
    superseded: bool,
    /// Said by the gateway of models.
    usage: Option<ModelUsage>,
    /// Said by the conductor, of what waits for workers.
    reasons: Arc<Reasons>,
}

impl Beside {
    fn of(shared: &Shared, id: RunId) -> Result<Self, Refused> {
        let superseded = shared.reader.run(id)?.is_some_and(|row| row.superseded);
        let usage = view::model::total(&shared.reader.model_sums(id)?);
        let reasons = shared.gauges.read().reasons;
        Ok(Self { superseded, usage, reasons })
    }

    fn is_shown(&self, detail: &RunDetail) -> bool {
        self.superseded == detail.summary.superseded && self.usage == detail.usage
    }
}
