-- Runs whose journals were emptied: what was no decision has lost its body and kept its hash. `events`
-- says how many did.
CREATE TABLE emptied_runs (
    run INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    events INTEGER NOT NULL
) STRICT;
