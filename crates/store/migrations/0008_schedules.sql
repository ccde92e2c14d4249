-- What became of the times of schedules: everything due until `until` is dealt with.
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
