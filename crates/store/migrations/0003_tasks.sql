-- Tasks: units of work that have runs. The lists are JSON; `last_run` is the highest number that a
-- run of it ever had, also after the run was removed, so that no number is given twice.
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

ALTER TABLE pipeline_runs ADD COLUMN task TEXT;
ALTER TABLE pipeline_runs ADD COLUMN task_number INTEGER;

CREATE UNIQUE INDEX pipeline_runs_task_number ON pipeline_runs (task, task_number) WHERE task IS NOT NULL;
CREATE INDEX pipeline_runs_task ON pipeline_runs (task, id) WHERE task IS NOT NULL;
