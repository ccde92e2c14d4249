//! Every metric there is: the page of docs/reference is made from this table.

use std::fmt::Write as _;

#[derive(Debug)]
pub(crate) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) labels: &'static [&'static str],
    /// Of a histogram.
    pub(super) buckets: &'static [f64],
    pub(super) help: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Seconds of what the machine does.
const SHORT: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];
/// Seconds of what pipelines do.
const LONG: &[f64] = &[
    0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 14_400.0,
    86_400.0,
];
const COUNTS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0];

macro_rules! catalogue {
    ($($place:ident: $kind:ident $name:literal $labels:tt $(in $buckets:ident)?, $help:literal;)*) => {
        $(pub(super) static $place: Metric = Metric {
            name: $name,
            kind: Kind::$kind,
            labels: &$labels,
            buckets: catalogue!(@ $($buckets)?),
            help: $help,
        };)*
        pub(super) static ALL: &[&Metric] = &[$(&$place),*];
    };
    (@ $buckets:ident) => { $buckets };
    (@) => { &[] };
}

catalogue! {
BUILD: Gauge "orchestrate_build_info" ["version", "role"], "Always 1; which version it is, and why the process runs.";
WRITABLE: Gauge "orchestrate_store_writable" [], "1 while changes can be stored, 0 while the disk is full.";
RUNS: Gauge "orchestrate_runs" ["status"], "Runs that have not finished, by status.";
RUNS_CREATED: Counter "orchestrate_runs_created_total" ["pipeline"], "Runs created since the start of this process.";
RUNS_FINISHED: Counter "orchestrate_runs_finished_total" ["pipeline", "status"], "Runs that finished, by how.";
RUN_SECONDS: Histogram "orchestrate_run_duration_seconds" ["status"] in LONG, "From the first start of a run to its end.";
STAGE_SECONDS: Histogram "orchestrate_stage_duration_seconds" ["conclusion"] in LONG, "From the start of a stage (or one of its instances) to its end, over all attempts.";
ATTEMPTS: Counter "orchestrate_attempts_total" ["result"], "Attempts that ended: succeeded, failed, stopped or lost.";
QUEUE_SECONDS: Histogram "orchestrate_attempt_queue_seconds" [] in LONG, "From when an attempt might start to when it did.";
ROLLOUT_MODE: Gauge "orchestrate_rollout_mode" ["mode"], "1 for the mode in which new runs are created, 0 for the others.";
ORCHESTRATION: Gauge "orchestrate_orchestration_mode" ["mode"], "1 for the way in which tasks pass through the roles, 0 for the others.";
BUSY: Gauge "orchestrate_rollout_busy" [], "Agents and runs of tasks that stand in the way of a switch of modes.";
DRAINING: Gauge "orchestrate_rollout_draining" [], "1 while a switch waits until nobody is busy.";
SLOTS: Gauge "orchestrate_slots" [], "Attempts that may be live at once.";
SLOTS_USED: Gauge "orchestrate_slots_used" [], "Attempts that are live.";
QUEUE: Gauge "orchestrate_queue_depth" [], "Attempts that wait for a slot.";
WORKERS: Gauge "orchestrate_workers" ["state"], "Workers on other machines: online, draining, drained, lost.";
WORKER_SLOTS: Gauge "orchestrate_worker_slots" [], "Attempts that workers on other machines may have at once: of those that are online or draining.";
WORKER_SLOTS_USED: Gauge "orchestrate_worker_slots_used" [], "Attempts that they have.";
DAMAGED: Gauge "orchestrate_runs_damaged" [], "Runs that were stopped because what is stored of them is damaged.";
COMMITS: Counter "orchestrate_commits_total" [], "Transactions that were stored and synced.";
COMMIT_CHANGES: Histogram "orchestrate_commit_changes" [] in COUNTS, "Changes in one transaction.";
COMMIT_SECONDS: Histogram "orchestrate_commit_duration_seconds" [] in SHORT, "A transaction, from its begin until it is on disk.";
SYNC_SECONDS: Histogram "orchestrate_sync_duration_seconds" [] in SHORT, "The part of a transaction that writes the log and waits for the disk.";
JOURNAL_EVENTS: Counter "orchestrate_journal_events_total" [], "Events written to journals.";
GIVEN: Counter "orchestrate_events_given_total" ["result"], "Events from outside: stored, or a duplicate of one that was. Webhooks by answer are orchestrate_http_requests_total of their route.";
HTTP_REQUESTS: Counter "orchestrate_http_requests_total" ["route", "method", "status"], "Requests answered, by route as described in the API, `none` where there is no such route.";
HTTP_SECONDS: Histogram "orchestrate_http_request_duration_seconds" ["route", "method"] in SHORT, "From a request to the beginning of its answer.";
HTTP_ACTIVE: Gauge "orchestrate_http_requests_active" [], "Requests that wait for their answer.";
SUBSCRIBERS: Gauge "orchestrate_live_subscribers" [], "Whoever follows a run by itself (`orchestrate watch`, `logs -f`).";
STREAMS: Gauge "orchestrate_live_streams" [], "Connections of the live stream: WebSockets, server-sent events, long polls.";
TOPICS: Gauge "orchestrate_live_topics" [], "Topics that somebody listens to, or did a minute ago.";
FRAMES: Counter "orchestrate_live_frames_total" [], "Frames written for topics, each once for all who listen.";
GAPS: Counter "orchestrate_live_gaps_total" [], "Listeners that were told that something is missing, and began anew.";
BUFFERED: Gauge "orchestrate_live_buffer_bytes" [], "Frames kept for those who are a little behind.";
REQUESTS_OPEN: Gauge "orchestrate_requests_open" ["kind"], "What people are asked and have not answered: approval, input.";
REQUEST_AGE: Gauge "orchestrate_request_oldest_seconds" ["kind"], "How long the oldest of them has been open; 0 where there is none.";
NOTICES: Gauge "orchestrate_notices_pending" [], "Notices that have not reached their target and have not been given up.";
NOTICES_TRIED: Counter "orchestrate_notice_deliveries_total" ["target", "result"], "Notices that were sent: delivered, failed (it is tried again) or given_up.";
NOTICE_SECONDS: Histogram "orchestrate_notice_delivery_seconds" [] in SHORT, "One delivery of a notice, however it ended.";
STORAGE_BYTES: Gauge "orchestrate_storage_bytes" ["what"], "What lies on disk: database (with its log), blobs (artifacts and uploads).";
DISK_FREE: Gauge "orchestrate_disk_free_bytes" [], "Room on the disk of the data folder.";
MODEL_CALLS: Counter "orchestrate_model_calls_total" ["provider", "model", "outcome"], "Calls of models: answered, failed, broken, refused (by a budget), memory (answered before, not asked again).";
MODEL_RETRIES: Counter "orchestrate_model_retries_total" ["provider"], "Calls that a provider refused for now and that were sent again.";
MODEL_TOKENS: Counter "orchestrate_model_tokens_total" ["provider", "model", "kind"], "Tokens used: input, output, cache_read, cache_write.";
MODEL_NANO_USD: Counter "orchestrate_model_cost_nano_usd_total" ["provider", "model"], "What calls cost, in billionths of a US dollar, where the price is known.";
MODEL_ACTIVE: Gauge "orchestrate_model_calls_active" [], "Calls that are under way at providers.";
MODEL_WAITING: Gauge "orchestrate_model_calls_waiting" [], "Calls that wait for their turn at a provider.";
RETENTION_REMOVED: Counter "orchestrate_retention_removed_total" ["kind"], "What retention removed: runs (their journals), output, workspaces, events, notices, artifacts.";
RETENTION_BYTES: Counter "orchestrate_retention_freed_bytes_total" ["kind"], "Bytes of files that retention removed.";
TRACE_SPANS: Counter "orchestrate_trace_spans_total" ["result"], "Spans of traces: exported, rejected by the collector, or dropped because it did not take them for too long or refused a whole request.";
TRACE_EXPORTS: Counter "orchestrate_trace_exports_total" ["result"], "Requests to the collector of traces: ok, refused (not tried again), failed (tried again).";
MEMORY: Gauge "process_resident_memory_bytes" [], "Memory of this process that is in RAM.";
CPU: Counter "process_cpu_seconds_total" [], "Processor time of this process.";
FILES: Gauge "process_open_fds" [], "Files and sockets that are open.";
FILES_MAX: Gauge "process_max_fds" [], "How many may be.";
THREADS: Gauge "process_threads" [], "Threads of this process.";
}

const HEAD: &str = "\
# Metrics

Made by `orchestrate reference` from the program itself.

`GET /metrics` answers in the text format of Prometheus. It needs the right `read`, or nothing where
`metrics.public` is set and the server listens on loopback. Counters begin with the process; gauges are
read when they are asked for. `deploy/grafana/orchestrate.json` shows them.

```yaml
scrape_configs:
  - job_name: orchestrate
    authorization: {credentials_file: /etc/prometheus/orchestrate.token}
    static_configs: [{targets: [\"127.0.0.1:7070\"]}]
```

A label whose values are names given by people (`pipeline`) has at most 2,000 series; what is more is
counted together under `other`.

| name | kind | labels | what |
| --- | --- | --- | --- |
";

/// `metrics.md`
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for metric in ALL {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, kind, help) = (metric.name, metric.kind.word(), metric.help);
        // Writing to a `String` cannot fail.
        let _ = writeln!(page, "| `{name}` | {kind} | {} | {help} |", labels.join(", "));
    }
    page
}
