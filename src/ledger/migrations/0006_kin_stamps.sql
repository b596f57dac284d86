-- Sessions that came from another one. 0: it started them for a part of its work, 1: forks of it.
CREATE TABLE kin (
    source   INTEGER NOT NULL,
    session  INTEGER NOT NULL,
    parent   INTEGER NOT NULL,
    relation INTEGER NOT NULL,
    PRIMARY KEY (source, session)
) STRICT, WITHOUT ROWID;
CREATE INDEX kin_parent ON kin (source, parent);

-- What the marks of a source say of the sizes and times of its files, packed: a start over many
-- unchanged files reads this and no mark. Filled from the marks before this version is used.
CREATE TABLE stamps (
    source INTEGER NOT NULL,
    -- The first byte of the hash of the files' names.
    bucket INTEGER NOT NULL,
    -- 24 bytes a file, in the order of the hash.
    known  BLOB    NOT NULL,
    PRIMARY KEY (source, bucket)
) STRICT, WITHOUT ROWID;
