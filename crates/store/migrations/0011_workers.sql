-- Workers on other machines that were ever here, until somebody forgets them. `facts` is JSON: what
-- they said of themselves, and what became of them.
CREATE TABLE workers (
    name TEXT PRIMARY KEY,
    facts TEXT NOT NULL
) STRICT, WITHOUT ROWID;
