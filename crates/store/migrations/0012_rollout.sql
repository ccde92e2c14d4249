-- How much of what runs decide is really done, and how tasks pass through the roles. One row, once
-- somebody has switched.
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
