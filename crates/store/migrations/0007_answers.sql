-- Answers kept under the keys of requests that are sent again. `status`, `kind` and `body` are
-- missing until the request was answered.
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
