-- Accounts, sessions, the rights of tokens, secrets.
-- `roles`, `groups` and `scopes` are JSON lists of words; without `scopes` a token or a session may
-- what its user may.
CREATE TABLE users (
    name TEXT PRIMARY KEY,
    full_name TEXT NOT NULL,
    email TEXT NOT NULL,
    roles TEXT NOT NULL,
    groups TEXT NOT NULL,
    password TEXT,
    subject TEXT,
    disabled_at INTEGER,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX users_subject ON users (subject) WHERE subject IS NOT NULL;

ALTER TABLE tokens ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN scopes TEXT;
ALTER TABLE tokens ADD COLUMN expires_at INTEGER;
ALTER TABLE tokens ADD COLUMN used_at INTEGER;

CREATE TABLE sessions (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    hash TEXT NOT NULL,
    user TEXT NOT NULL,
    admin INTEGER NOT NULL,
    scopes TEXT,
    via TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

CREATE UNIQUE INDEX sessions_id ON sessions (id);
CREATE UNIQUE INDEX sessions_hash ON sessions (hash);
CREATE INDEX sessions_user ON sessions (user, number);

-- `scope` is `global`, `pipeline:<name>` or `environment:<name>`; `sealed` is nonce and ciphertext,
-- `key` the name of the key that opens it.
CREATE TABLE secrets (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (name, scope)
) STRICT, WITHOUT ROWID;

-- The server's own trail: each hash is over the one before and the body. Its end is in `meta`.
CREATE TABLE trail (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    action TEXT NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE INDEX trail_by ON trail (by, number);
CREATE INDEX trail_action ON trail (action, number);
