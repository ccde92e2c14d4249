ALTER TABLE pipeline_runs ADD COLUMN extends BLOB;
ALTER TABLE pipeline_runs ADD COLUMN parent BLOB;
ALTER TABLE pipeline_runs ADD COLUMN superseded INTEGER NOT NULL DEFAULT 0;

CREATE INDEX pipeline_runs_extends ON pipeline_runs (extends, id) WHERE extends IS NOT NULL;
CREATE INDEX pipeline_runs_parent ON pipeline_runs (parent, id) WHERE parent IS NOT NULL;

-- Gates and forms, in one counter. `body` is the server's.
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
CREATE INDEX requests_run ON requests (run, number);
CREATE INDEX requests_kind ON requests (kind, number);
CREATE INDEX requests_status ON requests (kind, status, number);

CREATE TABLE drafts (
    request INTEGER PRIMARY KEY,
    by TEXT NOT NULL,
    at INTEGER NOT NULL,
    content TEXT NOT NULL
) STRICT;

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

CREATE UNIQUE INDEX artifacts_identity ON artifacts (run, execution, attempt, generation, name);
CREATE INDEX artifacts_run ON artifacts (run, number);
CREATE INDEX artifacts_digest ON artifacts (digest, number);

-- Events from outside, before anything is matched with them. `only_run` is the id of a run.
CREATE TABLE given_events (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    source TEXT NOT NULL,
    at INTEGER NOT NULL,
    only_run BLOB
) STRICT;

CREATE UNIQUE INDEX given_events_id ON given_events (id);
CREATE INDEX given_events_kind ON given_events (kind, number);

-- By a run's journal: `position` is that of its event.
CREATE TABLE taken_events (
    event INTEGER NOT NULL,
    position INTEGER NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (event, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    hash TEXT NOT NULL,
    user TEXT NOT NULL,
    admin INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE UNIQUE INDEX tokens_id ON tokens (id);
CREATE UNIQUE INDEX tokens_hash ON tokens (hash);

-- `newest` is the highest number that the pipeline had used, `superseded` a JSON list of numbers;
-- `revived` says that the run gone back to was superseded before.
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

-- Which events are decisions: an index into the journal, written with it and made again from it.
CREATE TABLE decisions (
    position INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    action TEXT NOT NULL
) STRICT;

CREATE INDEX decisions_run ON decisions (run, position);
CREATE INDEX decisions_by ON decisions (by, position);
CREATE INDEX decisions_action ON decisions (action, position);
CREATE INDEX decisions_at ON decisions (at);
