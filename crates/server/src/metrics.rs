//! What this server counts and measures, as `GET /metrics` shows it.
//!
//! Instruments are atomics, written where something happens; what can be read where it is kept
//! (queues, the store, the process) is read when somebody asks. No global registry: each server has
//! its own. The names are those of [`catalogue`], and no others.

mod catalogue;
mod instrument;
mod process;
mod text;

use std::time::Duration;

use blobs::Blobs;
use engine::admission::Orchestration;
use engine::event::{AttemptResult, Event};
use store::port::{Append, NoticeStatus, PRODUCTION, RolloutMode, Tally};

pub use self::catalogue::page;

use self::catalogue as named;
use self::instrument::{Counter, Family, Histogram};
use self::text::Text;
use crate::refused::Refused;
use crate::shared::{Shared, blocking};

/// One server's instruments.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) runs_created: Family<Counter>,
    pub(crate) runs_finished: Family<Counter>,
    run_seconds: Family<Histogram>,
    stage_seconds: Family<Histogram>,
    attempts: Family<Counter>,
    pub(crate) queue_seconds: Histogram,
    commits: Counter,
    commit_changes: Histogram,
    commit_seconds: Histogram,
    sync_seconds: Histogram,
    journal_events: Counter,
    given: Family<Counter>,
    notices_tried: Family<Counter>,
    notice_seconds: Histogram,
    http_requests: Family<Counter>,
    http_seconds: Family<Histogram>,
    pub(crate) http_active: Counter,
    pub(crate) http_done: Counter,
    pub(crate) model_calls: Family<Counter>,
    pub(crate) model_retries: Family<Counter>,
    pub(crate) model_tokens: Family<Counter>,
    pub(crate) model_nano_usd: Family<Counter>,
    pub(crate) retention_removed: Family<Counter>,
    pub(crate) retention_bytes: Family<Counter>,
    pub(crate) trace_spans: Family<Counter>,
    pub(crate) trace_exports: Family<Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            runs_created: Family::new(&named::RUNS_CREATED),
            runs_finished: Family::new(&named::RUNS_FINISHED),
            run_seconds: Family::new(&named::RUN_SECONDS),
            stage_seconds: Family::new(&named::STAGE_SECONDS),
            attempts: Family::new(&named::ATTEMPTS),
            queue_seconds: Histogram::new(&named::QUEUE_SECONDS),
            commits: Counter::default(),
            commit_changes: Histogram::new(&named::COMMIT_CHANGES),
            commit_seconds: Histogram::new(&named::COMMIT_SECONDS),
            sync_seconds: Histogram::new(&named::SYNC_SECONDS),
            journal_events: Counter::default(),
            given: Family::new(&named::GIVEN),
            notices_tried: Family::new(&named::NOTICES_TRIED),
            notice_seconds: Histogram::new(&named::NOTICE_SECONDS),
            http_requests: Family::new(&named::HTTP_REQUESTS),
            http_seconds: Family::new(&named::HTTP_SECONDS),
            http_active: Counter::default(),
            http_done: Counter::default(),
            model_calls: Family::new(&named::MODEL_CALLS),
            model_retries: Family::new(&named::MODEL_RETRIES),
            model_tokens: Family::new(&named::MODEL_TOKENS),
            model_nano_usd: Family::new(&named::MODEL_NANO_USD),
            retention_removed: Family::new(&named::RETENTION_REMOVED),
            retention_bytes: Family::new(&named::RETENTION_BYTES),
            trace_spans: Family::new(&named::TRACE_SPANS),
            trace_exports: Family::new(&named::TRACE_EXPORTS),
        }
    }
}

impl Metrics {
    /// A commit of so many changes that succeeded; `sync` is the part of it that waited for the
    /// disk, where that is known.
    pub(crate) fn committed(&self, changes: usize, took: Duration, sync: Option<Duration>) {
        self.commits.add(1);
        self.commit_changes.observe(changes as f64);
        self.commit_seconds.observe(took.as_secs_f64());
        if let Some(sync) = sync {
            self.sync_seconds.observe(sync.as_secs_f64());
        }
    }

    /// Events of one run that are on disk now.
    pub(crate) fn appended(&self, append: &Append) {
        self.journal_events.add(append.events.len() as u64);
        let row = &append.row;
        if row.mode != PRODUCTION {
            // What was only said is not measured.
            return;
        }
        for stamped in &append.events {
            match &stamped.event {
                Event::RunCreated { pipeline, .. } => self.runs_created.with(&[pipeline]).add(1),
                Event::RunFinished { .. } => {
                    self.runs_finished.with(&[&row.pipeline, &row.status]).add(1);
                    let began = row.started_at.unwrap_or(row.created_at);
                    let took = seconds(stamped.at.duration_since(began));
                    self.run_seconds.with(&[&row.status]).observe(took);
                }
                Event::AttemptFinished { result, .. } => {
                    self.attempts.with(&[result_word(result)]).add(1);
                }
                // What else happened is not measured.
                _ => {}
            }
        }
        // A row is written once in a commit: that it has ended with a stage's settling in the same
        // commit is its end.
        let settles = |event: &Event| matches!(event, Event::ExecutionSettled { .. });
        if !append.events.iter().any(|stamped| settles(&stamped.event)) {
            return;
        }
        let first = append.events.first().map(|stamped| stamped.at);
        for stage in &append.stages {
            if let (Some(began), Some(ended)) = (stage.started_at, stage.finished_at)
                && first.is_some_and(|first| ended >= first)
            {
                let outcome = stage.conclusion.as_deref().unwrap_or(&stage.status);
                let took = seconds(ended.duration_since(began));
                self.stage_seconds.with(&[outcome]).observe(took);
            }
        }
    }

    /// An event from outside.
    pub(crate) fn given(&self, created: bool) {
        self.given.with(&[if created { "stored" } else { "duplicate" }]).add(1);
    }

    /// A notice that was sent to this target.
    pub(crate) fn tried(&self, target: &str, status: NoticeStatus, took: Duration) {
        let result = match status {
            NoticeStatus::Delivered => "delivered",
            NoticeStatus::Waiting => "failed",
            NoticeStatus::GivenUp => "given_up",
        };
        self.notices_tried.with(&[target, result]).add(1);
        self.notice_seconds.observe(took.as_secs_f64());
    }

    /// A request that was answered.
    pub(crate) fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        self.http_requests.with(&[route, method, &status.to_string()]).add(1);
        self.http_seconds.with(&[route, method]).observe(took.as_secs_f64());
    }
}

fn seconds(span: jiff::SignedDuration) -> f64 {
    span.as_secs_f64().max(0.0)
}

fn result_word(result: &AttemptResult) -> &'static str {
    match result {
        AttemptResult::Succeeded { .. } => "succeeded",
        AttemptResult::Failed { .. } => "failed",
        AttemptResult::Stopped { .. } => "stopped",
        AttemptResult::Lost { .. } => "lost",
    }
}

/// All of it in the text format of Prometheus.
pub(crate) async fn render(shared: &Shared) -> Result<String, Refused> {
    let tally = shared.read(|reader| Ok(reader.tally()?)).await?;
    let health = shared.read(|reader| Ok(reader.health()?)).await?;
    let data = shared.data_dir.clone();
    let (blobs, disk) = blocking(move || {
        // What cannot be read is left out, not shown as nothing.
        let blobs = data.join("blobs").is_dir().then(|| Blobs::of(&data).used().ok());
        (blobs.flatten(), rustix::fs::statvfs(&data).ok())
    })
    .await?;
    let mut text = Text::default();
    counted(&shared.metrics, &mut text);
    now(shared, &tally, &mut text);
    text.one(&named::STORAGE_BYTES, &["database"], health.bytes as f64);
    if let Some(used) = blobs {
        text.one(&named::STORAGE_BYTES, &["blobs"], used as f64);
    }
    if let Some(disk) = disk {
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        text.one(&named::DISK_FREE, &[], free as f64);
    }
    process::write(&mut text);
    Ok(text.finish())
}

fn counted(metrics: &Metrics, text: &mut Text) {
    text.counters(&metrics.runs_created);
    text.counters(&metrics.runs_finished);
    text.histograms(&metrics.run_seconds);
    text.histograms(&metrics.stage_seconds);
    text.counters(&metrics.attempts);
    text.histogram(&named::QUEUE_SECONDS, &[], &metrics.queue_seconds);
    text.one(&named::COMMITS, &[], metrics.commits.get() as f64);
    text.histogram(&named::COMMIT_CHANGES, &[], &metrics.commit_changes);
    text.histogram(&named::COMMIT_SECONDS, &[], &metrics.commit_seconds);
    text.histogram(&named::SYNC_SECONDS, &[], &metrics.sync_seconds);
    text.one(&named::JOURNAL_EVENTS, &[], metrics.journal_events.get() as f64);
    text.counters(&metrics.given);
    text.counters(&metrics.notices_tried);
    text.histogram(&named::NOTICE_SECONDS, &[], &metrics.notice_seconds);
    text.counters(&metrics.http_requests);
    text.histograms(&metrics.http_seconds);
    let active = metrics.http_active.get().saturating_sub(metrics.http_done.get());
    text.one(&named::HTTP_ACTIVE, &[], active as f64);
    text.counters(&metrics.model_calls);
    text.counters(&metrics.model_retries);
    text.counters(&metrics.model_tokens);
    text.counters(&metrics.model_nano_usd);
    text.counters(&metrics.retention_removed);
    text.counters(&metrics.retention_bytes);
    text.counters(&metrics.trace_spans);
    text.counters(&metrics.trace_exports);
}

fn rollout(shared: &Shared, text: &mut Text) {
    let view = shared.board.read();
    let one = |is: bool| f64::from(u8::from(is));
    text.begin(&named::ROLLOUT_MODE);
    for mode in RolloutMode::ALL.map(RolloutMode::word) {
        text.one(&named::ROLLOUT_MODE, &[mode], one(view.mode == mode));
    }
    text.begin(&named::ORCHESTRATION);
    for mode in Orchestration::ALL.map(Orchestration::word) {
        text.one(&named::ORCHESTRATION, &[mode], one(view.orchestration == mode));
    }
    text.one(&named::BUSY, &[], view.busy.len() as f64);
    text.one(&named::DRAINING, &[], one(view.draining.is_some()));
}

fn now(shared: &Shared, tally: &Tally, text: &mut Text) {
    let gauge = shared.gauges.read();
    let version = env!("CARGO_PKG_VERSION");
    text.one(&named::BUILD, &[version, &shared.role], 1.0);
    let writable = gauge.problem.is_empty();
    text.one(&named::WRITABLE, &[], f64::from(u8::from(writable)));
    rollout(shared, text);
    text.one(&named::SLOTS, &[], f64::from(shared.slots));
    text.one(&named::SLOTS_USED, &[], f64::from(gauge.used));
    text.one(&named::QUEUE, &[], f64::from(gauge.queued));
    let fleet = gauge.fleet;
    let states = [
        ("online", fleet.there),
        ("draining", fleet.draining),
        ("drained", fleet.drained),
        ("lost", fleet.lost),
    ];
    for (state, count) in states {
        text.one(&named::WORKERS, &[state], f64::from(count));
    }
    text.one(&named::WORKER_SLOTS, &[], f64::from(fleet.slots));
    text.one(&named::WORKER_SLOTS_USED, &[], f64::from(fleet.used));
    text.one(&named::DAMAGED, &[], gauge.damaged.len() as f64);
    text.one(&named::SUBSCRIBERS, &[], shared.broker.subscribers() as f64);
    let live = shared.hub.tally();
    text.one(&named::STREAMS, &[], live.streams as f64);
    text.one(&named::TOPICS, &[], live.topics as f64);
    text.one(&named::FRAMES, &[], live.frames as f64);
    text.one(&named::GAPS, &[], live.gaps as f64);
    text.one(&named::BUFFERED, &[], live.buffered as f64);
    let (active, waiting) = shared.gateway.count();
    text.one(&named::MODEL_ACTIVE, &[], active as f64);
    text.one(&named::MODEL_WAITING, &[], waiting as f64);
    text.begin(&named::RUNS);
    for (status, count) in &tally.runs {
        text.one(&named::RUNS, &[status], *count as f64);
    }
    let now = crate::clock::Clock::start(None).now();
    let kinds = [("approval", &tally.approvals), ("input", &tally.inputs)];
    for (kind, open) in kinds {
        text.one(&named::REQUESTS_OPEN, &[kind], open.count as f64);
    }
    for (kind, open) in kinds {
        let age = open.oldest.map_or(0.0, |oldest| seconds(now.duration_since(oldest)));
        text.one(&named::REQUEST_AGE, &[kind], age);
    }
    text.one(&named::NOTICES, &[], tally.notices as f64);
}

#[cfg(test)]
mod tests;
