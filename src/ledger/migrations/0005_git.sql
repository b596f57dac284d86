-- What the money bought: the repositories that sessions worked in, and their commits.

-- `common` is the folder that the working trees of a repository share. `stamp` tells whether its refs
-- have moved since it was read, `heads` are the commits up to which it is known (JSON), `shallow`
-- those at which its history is cut (JSON). `since_ms` is how far back it was read.
CREATE TABLE repository (
    id       INTEGER PRIMARY KEY,
    common   TEXT    NOT NULL UNIQUE,
    name     TEXT    NOT NULL,
    email    TEXT,
    stamp    INTEGER NOT NULL,
    heads    TEXT    NOT NULL,
    shallow  TEXT    NOT NULL,
    since_ms INTEGER NOT NULL,
    read_ms  INTEGER NOT NULL,
    is_cut   INTEGER NOT NULL,
    trouble  TEXT
) STRICT;

-- Which repository a working folder belongs to, and the working tree in it. A folder that is gone
-- keeps its row.
CREATE TABLE work_place (
    project    TEXT    PRIMARY KEY,
    repository INTEGER NOT NULL,
    tree       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Commits. Lines and files are null where nobody can say; `reverts` and `lists` are JSON. `made_in`
-- is the working tree that a commit was made in, where its own log told; `gone` is 1 once no ref
-- leads to it any more.
CREATE TABLE git_commit (
    repository   INTEGER NOT NULL,
    hash         TEXT    NOT NULL,
    parents      TEXT    NOT NULL,
    author       TEXT    NOT NULL,
    email        TEXT    NOT NULL,
    authored_ms  INTEGER NOT NULL,
    committed_ms INTEGER NOT NULL,
    branch       TEXT,
    subject      TEXT    NOT NULL,
    added        INTEGER,
    removed      INTEGER,
    files        INTEGER,
    reverts      TEXT,
    lists        TEXT,
    pull         INTEGER,
    made_in      TEXT,
    gone         INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (repository, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX git_commit_time ON git_commit (repository, authored_ms);
