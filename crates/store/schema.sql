CREATE TABLE answers (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    at INTEGER NOT NULL,
    status INTEGER,
    kind TEXT,
    body BLOB,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX answers_at ON answers (at);

CREATE TABLE artifacts (
    number INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    execution TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    format TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    digest TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX artifacts_digest ON artifacts (digest, number);

CREATE UNIQUE INDEX artifacts_identity ON artifacts (run, execution, attempt, generation, name);

CREATE INDEX artifacts_run ON artifacts (run, number);

CREATE TABLE decisions (
    position INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    action TEXT NOT NULL
) STRICT;

CREATE INDEX decisions_action ON decisions (action, position);

CREATE INDEX decisions_at ON decisions (at);

CREATE INDEX decisions_by ON decisions (by, position);

CREATE INDEX decisions_run ON decisions (run, position);

CREATE TABLE deliveries (
    event INTEGER PRIMARY KEY,
    headers TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE drafts (
    request INTEGER PRIMARY KEY,
    by TEXT NOT NULL,
    at INTEGER NOT NULL,
    content TEXT NOT NULL
) STRICT;

CREATE TABLE emptied_runs (
    run INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    events INTEGER NOT NULL
) STRICT;

CREATE TABLE event_kinds (
    kind TEXT NOT NULL,
    event INTEGER NOT NULL,
    PRIMARY KEY (kind, event)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_matches (
    event INTEGER NOT NULL,
    place INTEGER NOT NULL,
    pipeline TEXT NOT NULL,
    trigger TEXT NOT NULL,
    run BLOB,
    problem TEXT NOT NULL,
    PRIMARY KEY (event, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_run ON events (run, seq);

CREATE TABLE given_events (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    source TEXT NOT NULL,
    at INTEGER NOT NULL,
    only_run BLOB
, also TEXT NOT NULL DEFAULT '[]', facts TEXT NOT NULL DEFAULT '{}', tag TEXT, target TEXT, by TEXT NOT NULL DEFAULT '', problem TEXT NOT NULL DEFAULT '', routed_at INTEGER) STRICT;

CREATE UNIQUE INDEX given_events_id ON given_events (id);

CREATE INDEX given_events_kind ON given_events (kind, number);

CREATE INDEX given_events_unrouted ON given_events (number) WHERE routed_at IS NULL;

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;

CREATE TABLE model_calls (
    id TEXT PRIMARY KEY,
    run INTEGER NOT NULL,
    execution TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    turn TEXT NOT NULL,
    digest TEXT NOT NULL,
    member TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    path TEXT NOT NULL,
    state TEXT NOT NULL,
    status INTEGER,
    detail TEXT NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    price INTEGER,
    source TEXT NOT NULL,
    at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX model_calls_at ON model_calls (at);

CREATE INDEX model_calls_open ON model_calls (state) WHERE state = 'open';

CREATE INDEX model_calls_run ON model_calls (run, id);

CREATE INDEX model_calls_turn ON model_calls (run, execution, turn, digest) WHERE state = 'answered';

CREATE TABLE model_texts (
    call TEXT PRIMARY KEY,
    run INTEGER NOT NULL,
    request BLOB NOT NULL,
    kind TEXT NOT NULL,
    answer BLOB
) STRICT;

CREATE INDEX model_texts_run ON model_texts (run);

CREATE TABLE notices (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    target TEXT NOT NULL,
    kind TEXT NOT NULL,
    run INTEGER NOT NULL,
    request INTEGER,
    content TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    problem TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    settled_at INTEGER
) STRICT;

CREATE UNIQUE INDEX notices_key ON notices (key);

CREATE INDEX notices_open ON notices (target, status, number) WHERE status <> 'delivered';

CREATE INDEX notices_run ON notices (run, number);

CREATE INDEX notices_status ON notices (status, number);

CREATE INDEX notices_target ON notices (target, number);

CREATE TABLE pipeline_runs (
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    pipeline TEXT NOT NULL,
    number INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    status TEXT NOT NULL,
    finished INTEGER NOT NULL,
    reason TEXT NOT NULL,
    by TEXT NOT NULL,
    trigger TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    progress TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL
, extends BLOB, parent BLOB, superseded INTEGER NOT NULL DEFAULT 0, task TEXT, task_number INTEGER, mode TEXT NOT NULL DEFAULT 'production', rollout TEXT NOT NULL DEFAULT 'production') STRICT;

CREATE INDEX pipeline_runs_extends ON pipeline_runs (extends, id) WHERE extends IS NOT NULL;

CREATE INDEX pipeline_runs_finished ON pipeline_runs (finished, id);

CREATE UNIQUE INDEX pipeline_runs_id ON pipeline_runs (id);

CREATE INDEX pipeline_runs_mode ON pipeline_runs (mode, id);

CREATE UNIQUE INDEX pipeline_runs_number ON pipeline_runs (pipeline, number);

CREATE INDEX pipeline_runs_parent ON pipeline_runs (parent, id) WHERE parent IS NOT NULL;

CREATE INDEX pipeline_runs_pipeline_finished ON pipeline_runs (pipeline, finished, id);

CREATE INDEX pipeline_runs_pipeline_status ON pipeline_runs (pipeline, status, id);

CREATE INDEX pipeline_runs_status ON pipeline_runs (status, id);

CREATE INDEX pipeline_runs_task ON pipeline_runs (task, id) WHERE task IS NOT NULL;

CREATE UNIQUE INDEX pipeline_runs_task_number ON pipeline_runs (task, task_number) WHERE task IS NOT NULL;

CREATE TABLE pipeline_stages (
    run INTEGER NOT NULL,
    stage TEXT NOT NULL,
    instance INTEGER NOT NULL,
    status TEXT NOT NULL,
    outcome TEXT,
    conclusion TEXT,
    attempts INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    PRIMARY KEY (run, stage, instance)
) STRICT, WITHOUT ROWID;

CREATE TABLE pipelines (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
    number INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    execution TEXT NOT NULL,
    kind TEXT NOT NULL,
    gate TEXT NOT NULL,
    generation INTEGER NOT NULL,
    status TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    due_at INTEGER,
    closed_at INTEGER,
    body TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX requests_identity ON requests (run, execution, gate, generation);

CREATE INDEX requests_kind ON requests (kind, number);

CREATE INDEX requests_run ON requests (run, number);

CREATE INDEX requests_status ON requests (kind, status, number);

CREATE TABLE revisions (
    pipeline TEXT NOT NULL,
    number INTEGER NOT NULL,
    digest TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (pipeline, number)
) STRICT;

CREATE TABLE rewinds (
    number INTEGER PRIMARY KEY,
    pipeline TEXT NOT NULL,
    goal INTEGER NOT NULL,
    by TEXT NOT NULL,
    at INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    superseded TEXT NOT NULL,
    revived INTEGER NOT NULL,
    undone_by TEXT,
    undone_at INTEGER
) STRICT;

CREATE INDEX rewinds_pipeline ON rewinds (pipeline, number);

CREATE TABLE rollout (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL,
    mode TEXT NOT NULL,
    pilot_tasks TEXT NOT NULL,
    orchestration TEXT NOT NULL,
    max_tasks INTEGER,
    scheduler TEXT NOT NULL,
    wip TEXT NOT NULL,
    switched_at INTEGER,
    switched_by TEXT,
    mode_since INTEGER,
    draining TEXT
) STRICT;

CREATE TABLE schedules (
    pipeline TEXT NOT NULL,
    trigger TEXT NOT NULL,
    expression TEXT NOT NULL,
    zone TEXT NOT NULL,
    until INTEGER NOT NULL,
    next INTEGER,
    fired INTEGER,
    skipped INTEGER NOT NULL,
    skipped_until INTEGER,
    PRIMARY KEY (pipeline, trigger)
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (name, scope)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    hash TEXT NOT NULL,
    user TEXT NOT NULL,
    admin INTEGER NOT NULL,
    scopes TEXT,
    via TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

CREATE UNIQUE INDEX sessions_hash ON sessions (hash);

CREATE UNIQUE INDEX sessions_id ON sessions (id);

CREATE INDEX sessions_user ON sessions (user, number);

CREATE TABLE taken_events (
    event INTEGER NOT NULL,
    position INTEGER NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (event, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE tasks (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    pipeline TEXT,
    inputs TEXT NOT NULL,
    labels TEXT NOT NULL,
    paths TEXT NOT NULL,
    prerequisites TEXT NOT NULL,
    priority INTEGER NOT NULL,
    on_active TEXT NOT NULL,
    wanted TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    deleted_at INTEGER,
    last_run INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX tasks_id ON tasks (id);

CREATE INDEX tasks_wanted ON tasks (wanted, number);

CREATE TABLE tokens (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    hash TEXT NOT NULL,
    user TEXT NOT NULL,
    admin INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    revoked_at INTEGER
, name TEXT NOT NULL DEFAULT '', scopes TEXT, expires_at INTEGER, used_at INTEGER) STRICT;

CREATE UNIQUE INDEX tokens_hash ON tokens (hash);

CREATE UNIQUE INDEX tokens_id ON tokens (id);

CREATE TABLE trail (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    action TEXT NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE INDEX trail_action ON trail (action, number);

CREATE INDEX trail_by ON trail (by, number);

CREATE TABLE users (
    name TEXT PRIMARY KEY,
    full_name TEXT NOT NULL,
    email TEXT NOT NULL,
    roles TEXT NOT NULL,
    groups TEXT NOT NULL,
    password TEXT,
    subject TEXT,
    disabled_at INTEGER,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX users_subject ON users (subject) WHERE subject IS NOT NULL;

CREATE TABLE workers (
    name TEXT PRIMARY KEY,
    facts TEXT NOT NULL
) STRICT, WITHOUT ROWID;
