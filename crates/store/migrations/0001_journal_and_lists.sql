-- Facts about this database itself: `epoch`, `head`.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- `revision` is the highest ever used under this name, also while `deleted_at` is set.
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

-- Times are nanoseconds since 1970. `sequence` and `hash` repeat the end of the run's journal, so
-- that a journal that was cut short is noticed.
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

CREATE UNIQUE INDEX pipeline_runs_id ON pipeline_runs (id);
CREATE UNIQUE INDEX pipeline_runs_number ON pipeline_runs (pipeline, number);
-- Each filter of a list is an equality followed by the order of the list.
CREATE INDEX pipeline_runs_finished ON pipeline_runs (finished, id);
CREATE INDEX pipeline_runs_status ON pipeline_runs (status, id);
CREATE INDEX pipeline_runs_pipeline_finished ON pipeline_runs (pipeline, finished, id);
CREATE INDEX pipeline_runs_pipeline_status ON pipeline_runs (pipeline, status, id);

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

-- The truth. `position` counts over all runs without gaps, `seq` within one; `hash` is over the
-- previous hash of the run and the bytes of `body`.
CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_run ON events (run, seq);
