-- What is left is written anew: quota windows by share, balances in units that are not money too.
-- What was known comes back with the next look.
UPDATE source_state SET balances = '[]', quotas = '[]';
ALTER TABLE source_state ADD COLUMN totals TEXT NOT NULL DEFAULT '[]';
ALTER TABLE source_state ADD COLUMN plan TEXT;

-- What was taken from a balance on each UTC day, in 1e-18 of its unit as a decimal text: how long it
-- lasts at this pace.
CREATE TABLE balance_use (
    source INTEGER NOT NULL REFERENCES name (id),
    name   TEXT    NOT NULL,
    unit   TEXT    NOT NULL,
    day    TEXT    NOT NULL,
    used   TEXT    NOT NULL,
    PRIMARY KEY (source, name, unit, day)
) STRICT, WITHOUT ROWID;

-- What providers report of their own faults, by the address of their status page. A page that
-- reports none has no row.
CREATE TABLE incident (
    page      TEXT PRIMARY KEY,
    indicator TEXT    NOT NULL,
    text      TEXT    NOT NULL,
    at_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
