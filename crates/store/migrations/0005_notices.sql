-- Notices on their way to people, in order per target. `key` is the same for every try; `since` is
-- when it was last asked to be sent: it is given up so long after that. `content` is the server's.
CREATE TABLE notices (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    target TEXT NOT NULL,
    kind TEXT NOT NULL,
    run INTEGER NOT NULL,
    request INTEGER,
    content TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    problem TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    settled_at INTEGER
) STRICT;

CREATE UNIQUE INDEX notices_key ON notices (key);
CREATE INDEX notices_target ON notices (target, number);
CREATE INDEX notices_run ON notices (run, number);
CREATE INDEX notices_status ON notices (status, number);
CREATE INDEX notices_open ON notices (target, status, number) WHERE status <> 'delivered';
