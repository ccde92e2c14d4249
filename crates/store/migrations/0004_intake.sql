-- `also`: broader types, most specific first; `facts`: what triggers are judged on; `target`: the
-- one trigger it is for; `problem`: why something of it is not known. Lists and maps are JSON.
ALTER TABLE given_events ADD COLUMN also TEXT NOT NULL DEFAULT '[]';
ALTER TABLE given_events ADD COLUMN facts TEXT NOT NULL DEFAULT '{}';
ALTER TABLE given_events ADD COLUMN tag TEXT;
ALTER TABLE given_events ADD COLUMN target TEXT;
ALTER TABLE given_events ADD COLUMN by TEXT NOT NULL DEFAULT '';
ALTER TABLE given_events ADD COLUMN problem TEXT NOT NULL DEFAULT '';
ALTER TABLE given_events ADD COLUMN routed_at INTEGER;

-- Before there were triggers of pipelines, an event was for runs alone.
UPDATE given_events SET routed_at = at;

CREATE INDEX given_events_unrouted ON given_events (number) WHERE routed_at IS NULL;

-- The broader types of events, to find them by.
CREATE TABLE event_kinds (
    kind TEXT NOT NULL,
    event INTEGER NOT NULL,
    PRIMARY KEY (kind, event)
) STRICT, WITHOUT ROWID;

-- Which triggers an event matched, and the run that each started, or why it did not.
CREATE TABLE event_matches (
    event INTEGER NOT NULL,
    place INTEGER NOT NULL,
    pipeline TEXT NOT NULL,
    trigger TEXT NOT NULL,
    run BLOB,
    problem TEXT NOT NULL,
    PRIMARY KEY (event, place)
) STRICT, WITHOUT ROWID;

-- What came in over HTTP, as it came; never what authorised it.
CREATE TABLE deliveries (
    event INTEGER PRIMARY KEY,
    headers TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
