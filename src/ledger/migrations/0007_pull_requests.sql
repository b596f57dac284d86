-- Merged pull requests, as the hosts of repositories tell of them.

-- Where else a repository is kept (JSON); null where nobody has looked yet.
ALTER TABLE repository ADD COLUMN remotes TEXT;

-- What a host was asked about a repository. What changed between `since_ms` and `until_ms` is known;
-- `left_out` counts what the last look left for a later one. `asked_ms` is when it was asked last,
-- `wait_ms` until when it asked to be left alone, `trouble` why it did not tell (JSON).
CREATE TABLE project (
    id       INTEGER PRIMARY KEY,
    forge    TEXT    NOT NULL,
    host     TEXT    NOT NULL,
    path     TEXT    NOT NULL,
    since_ms INTEGER,
    until_ms INTEGER,
    left_out INTEGER NOT NULL DEFAULT 0,
    asked_ms INTEGER,
    wait_ms  INTEGER,
    trouble  TEXT,
    UNIQUE (forge, host, path)
) STRICT;

-- `merges` are the commits that the merge made, `commits` the pull request's own; both JSON.
CREATE TABLE pull_request (
    project   INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    merged_ms INTEGER NOT NULL,
    merges    TEXT    NOT NULL,
    commits   TEXT    NOT NULL,
    PRIMARY KEY (project, number)
) STRICT, WITHOUT ROWID;
