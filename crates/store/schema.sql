CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_run ON events (run, seq);

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;

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
) STRICT;

CREATE INDEX pipeline_runs_finished ON pipeline_runs (finished, id);

CREATE UNIQUE INDEX pipeline_runs_id ON pipeline_runs (id);

CREATE UNIQUE INDEX pipeline_runs_number ON pipeline_runs (pipeline, number);

CREATE INDEX pipeline_runs_pipeline_finished ON pipeline_runs (pipeline, finished, id);

CREATE INDEX pipeline_runs_pipeline_status ON pipeline_runs (pipeline, status, id);

CREATE INDEX pipeline_runs_status ON pipeline_runs (status, id);

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

CREATE TABLE revisions (
    pipeline TEXT NOT NULL,
    number INTEGER NOT NULL,
    digest TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (pipeline, number)
) STRICT;
