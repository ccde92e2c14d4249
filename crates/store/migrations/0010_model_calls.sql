-- Calls of models through the gateway. What a call uses is reserved when it begins and known when it
-- ends, so a crash between the two leaves the reservation. `price` is missing where nobody knows it.
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

CREATE INDEX model_calls_run ON model_calls (run, id);
CREATE INDEX model_calls_turn ON model_calls (run, execution, turn, digest) WHERE state = 'answered';
CREATE INDEX model_calls_at ON model_calls (at);
CREATE INDEX model_calls_open ON model_calls (state) WHERE state = 'open';

-- What was said, secrets masked; gone when the journal of the run is emptied.
CREATE TABLE model_texts (
    call TEXT PRIMARY KEY,
    run INTEGER NOT NULL,
    request BLOB NOT NULL,
    kind TEXT NOT NULL,
    answer BLOB
) STRICT;

CREATE INDEX model_texts_run ON model_texts (run);
