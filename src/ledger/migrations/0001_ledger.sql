-- The first ledger. Times are milliseconds since 1970 (UTC), days are ISO texts, amounts of money
-- are exact decimals as text, list prices are pico-dollars.

-- Every repeated text once. Id 0 is never given out: it stands for "not said".
CREATE TABLE name (
    id   INTEGER PRIMARY KEY CHECK (id > 0),
    text TEXT NOT NULL UNIQUE
) STRICT;

-- One row for each event that counts. The key stands in an index of its own rather than in the
-- table's tree: keys are hashes, and a narrow index takes far fewer random page writes.
CREATE TABLE usage (
    id             INTEGER PRIMARY KEY,
    key            BLOB    NOT NULL,
    source         INTEGER NOT NULL,
    at_ms          INTEGER NOT NULL,
    provider_hint  INTEGER NOT NULL,
    provider       INTEGER NOT NULL,
    model          INTEGER NOT NULL,
    project        INTEGER NOT NULL,
    session        INTEGER NOT NULL,
    input          INTEGER NOT NULL,
    cache_read     INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    output         INTEGER NOT NULL,
    reasoning      INTEGER NOT NULL,
    speed          INTEGER NOT NULL,
    funding        INTEGER NOT NULL,
    web_searches   INTEGER NOT NULL,
    stated_cost    TEXT,
    list_picos     INTEGER
) STRICT;
CREATE UNIQUE INDEX usage_key ON usage (key);

-- Usage summed per quarter of an hour: the start of a day in every zone lies between two slots.
-- The list price is list_dollars * 10^12 + list_picos, so that sums stay within 64 bits.
CREATE TABLE slot (
    quarter         INTEGER NOT NULL,
    source          INTEGER NOT NULL,
    provider        INTEGER NOT NULL,
    model           INTEGER NOT NULL,
    project         INTEGER NOT NULL,
    session         INTEGER NOT NULL,
    funding         INTEGER NOT NULL,
    requests        INTEGER NOT NULL,
    input           INTEGER NOT NULL,
    cache_read      INTEGER NOT NULL,
    cache_write_5m  INTEGER NOT NULL,
    cache_write_1h  INTEGER NOT NULL,
    output          INTEGER NOT NULL,
    reasoning       INTEGER NOT NULL,
    list_dollars    INTEGER NOT NULL,
    list_picos      INTEGER NOT NULL,
    priced_requests INTEGER NOT NULL,
    unpriced_tokens INTEGER NOT NULL,
    PRIMARY KEY (quarter, source, provider, model, project, session, funding)
) STRICT, WITHOUT ROWID;

-- What providers charge per UTC day; kind 0 is billed, 1 is estimated.
CREATE TABLE charge (
    id       INTEGER PRIMARY KEY,
    source   INTEGER NOT NULL,
    day      TEXT    NOT NULL,
    kind     INTEGER NOT NULL,
    provider INTEGER NOT NULL,
    model    INTEGER NOT NULL,
    project  INTEGER NOT NULL,
    amount   TEXT    NOT NULL,
    currency TEXT    NOT NULL
) STRICT;
CREATE INDEX charge_day ON charge (day, source);

-- Token totals that providers report per UTC day, with the list price per token of that day
-- (null where none is published).
CREATE TABLE metered (
    id                   INTEGER PRIMARY KEY,
    source               INTEGER NOT NULL,
    day                  TEXT    NOT NULL,
    provider_hint        INTEGER NOT NULL,
    provider             INTEGER NOT NULL,
    model                INTEGER NOT NULL,
    input                INTEGER NOT NULL,
    cache_read           INTEGER NOT NULL,
    cache_write_5m       INTEGER NOT NULL,
    cache_write_1h       INTEGER NOT NULL,
    output               INTEGER NOT NULL,
    reasoning            INTEGER NOT NULL,
    requests             INTEGER NOT NULL,
    web_searches         INTEGER NOT NULL,
    input_picos          INTEGER,
    cache_read_picos     INTEGER,
    cache_write_5m_picos INTEGER,
    cache_write_1h_picos INTEGER,
    output_picos         INTEGER,
    reasoning_picos      INTEGER,
    web_search_picos     INTEGER
) STRICT;
CREATE INDEX metered_day ON metered (day, source);

-- The UTC days that a source knows completely; what 0 is charges, 1 is metered usage. A covered
-- day without a charge cost nothing, which is not the same as not knowing.
CREATE TABLE cover (
    day      TEXT    NOT NULL,
    source   INTEGER NOT NULL,
    what     INTEGER NOT NULL,
    provider INTEGER NOT NULL,
    read_ms  INTEGER NOT NULL,
    PRIMARY KEY (day, source, what)
) STRICT, WITHOUT ROWID;

-- The last look at each source; error is null after a good one. Gaps, balances and quotas are JSON.
CREATE TABLE source_state (
    source           INTEGER PRIMARY KEY,
    account          TEXT    NOT NULL,
    funding          INTEGER,
    last_look_ms     INTEGER NOT NULL,
    last_good_ms     INTEGER,
    took_ms          INTEGER NOT NULL,
    error            TEXT,
    retry_ms         INTEGER,
    gaps             TEXT    NOT NULL,
    balances         TEXT    NOT NULL,
    quotas           TEXT    NOT NULL,
    problem_count    INTEGER NOT NULL,
    unmetered_tokens INTEGER NOT NULL,
    looks            INTEGER NOT NULL,
    failures         INTEGER NOT NULL
) STRICT;

-- The newest lines that could not be read.
CREATE TABLE problem (
    id       INTEGER PRIMARY KEY,
    source   INTEGER NOT NULL,
    place    TEXT    NOT NULL,
    position TEXT    NOT NULL,
    what     TEXT    NOT NULL,
    UNIQUE (source, place, position, what)
) STRICT;

-- Looks whose outcome or content differed from the look before.
CREATE TABLE snapshot (
    id      INTEGER PRIMARY KEY,
    source  INTEGER NOT NULL,
    at_ms   INTEGER NOT NULL,
    took_ms INTEGER NOT NULL,
    outcome TEXT    NOT NULL,
    content INTEGER NOT NULL
) STRICT;
CREATE INDEX snapshot_source ON snapshot (source, id);

-- How far each file was read.
CREATE TABLE mark (
    source         INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    offset         INTEGER NOT NULL,
    size           INTEGER NOT NULL,
    modified_nanos INTEGER NOT NULL,
    identity       INTEGER NOT NULL,
    state          TEXT    NOT NULL,
    PRIMARY KEY (source, name)
) STRICT, WITHOUT ROWID;

-- Thresholds that were crossed; spoke is 0 where a higher one spoke in the same moment.
CREATE TABLE alert (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    budget_key        TEXT    NOT NULL,
    period_start      TEXT    NOT NULL,
    threshold_percent INTEGER NOT NULL,
    spoke             INTEGER NOT NULL,
    at_ms             INTEGER NOT NULL,
    budget            TEXT    NOT NULL,
    period            TEXT    NOT NULL,
    amount            TEXT    NOT NULL,
    spent             TEXT    NOT NULL,
    currency          TEXT    NOT NULL,
    estimated         INTEGER NOT NULL,
    delivered_ms      INTEGER,
    title             TEXT    NOT NULL,
    body              TEXT    NOT NULL,
    UNIQUE (budget_key, period_start, threshold_percent)
) STRICT;

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
