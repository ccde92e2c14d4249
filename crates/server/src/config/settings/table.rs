//! The table.

use super::{Kind, Setting};

/// Few have a flag or a variable: the rest is left out.
const PLAIN: Setting = Setting {
    name: "",
    kind: Kind::Text,
    default: None,
    flag: None,
    env: &[],
    file: true,
    doc: "",
};

macro_rules! settings {
    ($($name:ident = $setting:expr;)*) => {
        $(pub static $name: Setting = $setting;)*
        /// Every setting there is.
        pub static SETTINGS: &[&Setting] = &[$(&$name),*];
    };
}

settings! {
DATA_DIR = Setting {
    name: "data_dir", kind: Kind::Path, flag: Some("--data-dir"), file: false,
    env: &["ORCHESTRATE_DATA_DIR", "BASE_PIPELINES_PATH"],
    doc: "Folder that remembers runs. Not set: the nearest `.orchestrate/` from here upward.",
    ..PLAIN
};
SERVER = Setting {
    name: "client.server", flag: Some("--server"), file: false,
    env: &["ORCHESTRATE_SERVER"],
    doc: "The server that commands speak to. Not set: the owner of the data folder.",
    ..PLAIN
};
TOKEN = Setting {
    name: "client.token", kind: Kind::Secret, flag: Some("--token"), file: false,
    env: &["ORCHESTRATE_TOKEN"],
    doc: "The token that commands act by.",
    ..PLAIN
};
TRACEPARENT = Setting {
    name: "client.traceparent", env: &["TRACEPARENT"], file: false,
    doc: "The trace that runs started by a command become a part of, as W3C Trace Context writes \
          it. A stage has it in its environment.",
    ..PLAIN
};
LISTEN = Setting {
    name: "server.listen", kind: Kind::Address, default: Some("127.0.0.1:7070"),
    flag: Some("--listen"), env: &["ORCHESTRATE_LISTEN"],
    doc: "Where `serve` answers. Port 0 takes a free one. Read at start.",
    ..PLAIN
};
SLOTS = Setting {
    name: "server.slots", kind: Kind::Whole(1, 4096), flag: Some("--slots"),
    env: &["ORCHESTRATE_SLOTS"],
    doc: "At most so many attempts at once. Not set: twice the number of processors, at least 4. \
          Read at start.",
    ..PLAIN
};
LEASE = Setting {
    name: "workers.lease_seconds", kind: Kind::Whole(3, 600), default: Some("30"),
    doc: "A worker on another machine that was not heard of for so long is lost, and so is what it \
          works on. A worker ends that by itself after two thirds of it. Told when it connects.",
    ..PLAIN
};
SHUTDOWN = Setting {
    name: "server.shutdown_timeout", kind: Kind::Time, default: Some("10s"),
    env: &["ORCHESTRATE_SHUTDOWN_TIMEOUT"],
    doc: "How long a stop waits for answers that are under way. Stages go on whatever happens.",
    ..PLAIN
};
MIN_FREE = Setting {
    name: "server.min_free_bytes", kind: Kind::Bytes, default: Some("64 MiB"),
    doc: "With less room on the disk `/readyz` says no.",
    ..PLAIN
};
LOG_FORMAT = Setting {
    name: "logs.format", kind: Kind::Word(&["text", "json"]), default: Some("text"),
    flag: Some("--log-format"), env: &["ORCHESTRATE_LOG_FORMAT"],
    doc: "How log lines are written. Read at start.",
    ..PLAIN
};
LOG_LEVEL = Setting {
    name: "logs.level", flag: Some("--log-level"), env: &["ORCHESTRATE_LOG", "LOG_LEVEL"],
    doc: "`error`, `warn`, `info`, `debug`, `trace`, or by part: `server=debug,worker=info`. Not \
          set: `warn`, in the file `info`. Read at start.",
    ..PLAIN
};
LOG_FILE = Setting {
    name: "logs.file", kind: Kind::Path, flag: Some("--log-file"), env: &["ORCHESTRATE_LOG_FILE"],
    doc: "A server writes its log there, beside stderr. Relative to the data folder. Read at start.",
    ..PLAIN
};
LOG_FILE_BYTES = Setting {
    name: "logs.max_bytes", kind: Kind::Bytes, default: Some("50 MiB"),
    doc: "The log file is put aside when it reaches this size, and every midnight (UTC). Read at start.",
    ..PLAIN
};
LOG_FILES = Setting {
    name: "logs.keep_files", kind: Kind::Whole(1, 10_000), default: Some("30"),
    doc: "So many log files are kept, the one in use included. Read at start.",
    ..PLAIN
};
LOG_DAYS = Setting {
    name: "logs.keep_days", kind: Kind::Whole(1, 36_500), default: Some("30"),
    doc: "Log files that are older are removed. Read at start.",
    ..PLAIN
};
LOG_REQUESTS = Setting {
    name: "logs.requests", kind: Kind::Boolean, default: Some("true"),
    env: &["ORCHESTRATE_LOG_REQUESTS"],
    doc: "One line for each request over HTTP, at level `info`.",
    ..PLAIN
};
METRICS_PUBLIC = Setting {
    name: "metrics.public", kind: Kind::Boolean, default: Some("false"),
    env: &["ORCHESTRATE_METRICS_PUBLIC"],
    doc: "`GET /metrics` needs no token where the server listens on loopback.",
    ..PLAIN
};
TRACES_ENDPOINT = Setting {
    name: "traces.endpoint", kind: Kind::Url, env: &["OTEL_EXPORTER_OTLP_ENDPOINT"],
    doc: "Where a collector of OpenTelemetry takes OTLP over HTTP, without `/v1/traces`: \
          `http://127.0.0.1:4318`. Not set: nothing is exported. Read at start.",
    ..PLAIN
};
TRACES_HEADERS = Setting {
    name: "traces.headers", kind: Kind::Secret, env: &["OTEL_EXPORTER_OTLP_HEADERS"],
    doc: "Sent to the collector. In the environment `name=value,other=value` with values as in a \
          URL; in `config.yaml` a map from names to `{env: NAME}`, `{file: PATH}` or \
          `{secret: NAME}`. Read at start.",
    ..PLAIN
};
TRACES_SERVICE = Setting {
    name: "traces.service_name", default: Some("orchestrate"), env: &["OTEL_SERVICE_NAME"],
    doc: "What the spans say they come from. Read at start.",
    ..PLAIN
};
TRACES_KEEP = Setting {
    name: "traces.keep", kind: Kind::Time, default: Some("1h"),
    doc: "While the collector does not take them, spans wait so long in the journal; then they \
          are dropped and counted. Read at start.",
    ..PLAIN
};
KEEP_RUNS_DAYS = Setting {
    name: "retention.runs_days", kind: Kind::Whole(1, 36_500),
    doc: "Journals of runs that ended longer ago are emptied. Not set: kept.",
    ..PLAIN
};
KEEP_RUNS = Setting {
    name: "retention.runs_count", kind: Kind::Whole(1, 1_000_000_000),
    doc: "So many finished runs of each pipeline keep their journal, also older ones.",
    ..PLAIN
};
KEEP_OUTPUT_DAYS = Setting {
    name: "retention.output_days", kind: Kind::Whole(1, 36_500),
    doc: "Captured output of runs that ended longer ago, and what their agents said, is removed. Not set: kept.",
    ..PLAIN
};
KEEP_OUTPUT_BYTES = Setting {
    name: "retention.output_bytes", kind: Kind::Bytes,
    doc: "Captured output of all runs together; above it that of the oldest run goes first.",
    ..PLAIN
};
KEEP_WORKSPACES_DAYS = Setting {
    name: "retention.workspaces_days", kind: Kind::Whole(1, 36_500),
    doc: "Workspaces of runs that ended longer ago are removed. Not set: kept.",
    ..PLAIN
};
KEEP_WORKTREES_DAYS = Setting {
    name: "retention.worktrees_days", kind: Kind::Whole(1, 36_500), default: Some("7"),
    doc: "Worktrees of runs that ended longer ago are removed; their branches stay, and what was not \
          committed becomes a commit below `refs/orch/kept/` of the clone.",
    ..PLAIN
};
KEEP_EVENTS_DAYS = Setting {
    name: "retention.events_days", kind: Kind::Whole(1, 36_500),
    doc: "Events from outside that are older, and that no unfinished run took, are removed. Their \
          ids are kept, so that a late repeat still starts nothing. Not set: kept.",
    ..PLAIN
};
KEEP_NOTICES_DAYS = Setting {
    name: "retention.notices_days", kind: Kind::Whole(1, 36_500), default: Some("90"),
    doc: "Notices that arrived, or were given up, longer ago are removed.",
    ..PLAIN
};
PER_CALLER = Setting {
    name: "limits.requests_per_caller", kind: Kind::Whole(1, 1_000_000), default: Some("2000"),
    doc: "Requests a second of one caller over TCP; twice as many at once. More are answered 429. \
          Read at start.",
    ..PLAIN
};
PER_ADDRESS = Setting {
    name: "limits.requests_per_address", kind: Kind::Whole(1, 1_000_000), default: Some("5000"),
    doc: "Requests a second from one address; twice as many at once. More are answered 429. \
          Read at start.",
    ..PLAIN
};
CONNECTIONS = Setting {
    name: "limits.connections", kind: Kind::Whole(1, 1_000_000), default: Some("16384"),
    doc: "Connections at once on each door. More are answered 503 and closed. Read at start.",
    ..PLAIN
};
ROLLOUT_RUNS = Setting {
    name: "rollout.check_runs", kind: Kind::Whole(1, 1_000), default: Some("10"),
    doc: "Runs that have to have ended in a mode before `orchestrate rollout check` lets the next one pass.",
    ..PLAIN
};
OPENAI_API_KEY = Setting {
    name: "agents.openai_api_key", kind: Kind::Secret, env: &["OPENAI_API_KEY"], file: false,
    doc: "Makes a provider `openai` for agents, unless `models.providers` has one. Given to nobody.",
    ..PLAIN
};
OPENAI_BASE_URL = Setting {
    name: "agents.openai_base_url", kind: Kind::Url, env: &["OPENAI_BASE_URL"],
    default: Some("https://api.openai.com/v1"), file: false,
    doc: "Where that provider is asked.",
    ..PLAIN
};
DEFAULT_MODEL = Setting {
    name: "agents.default_model", env: &["DEFAULT_MODEL"], default: Some("gpt-4o"), file: false,
    doc: "The model of that provider where a request names none.",
    ..PLAIN
};
DEFAULT_MAX_TOKENS = Setting {
    name: "agents.default_max_tokens", kind: Kind::Whole(1, 100_000_000),
    env: &["DEFAULT_MAX_TOKENS"], default: Some("8000"), file: false,
    doc: "The longest answer of that provider where a request does not say; not set: nothing is said.",
    ..PLAIN
};
DEFAULT_TEMPERATURE = Setting {
    name: "agents.default_temperature", env: &["DEFAULT_TEMPERATURE"], default: Some("0.7"),
    file: false,
    doc: "Of that provider where a request does not say; not set: nothing is said.",
    ..PLAIN
};
}
