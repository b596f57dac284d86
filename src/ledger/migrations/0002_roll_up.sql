-- Sums are priced instead of events, events that can't change any more leave a fingerprint behind
-- instead of a row, and days have sums of their own.

-- What a price depends on besides model, time and speed: the threshold of its list that the prompt
-- exceeds (0: none), and whether the list lacks a price for some of it.
ALTER TABLE usage DROP COLUMN provider;
ALTER TABLE usage DROP COLUMN list_picos;
ALTER TABLE usage ADD COLUMN above INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN lacks INTEGER NOT NULL DEFAULT 0;

-- Codex events were members of one group per session, and are groups of their own. Originals of
-- others whose hash looked like a lower rank get the mark that raises it.
DROP INDEX usage_key;
UPDATE usage
SET key = CAST(substr(key, 11, 6) || substr(key, 1, 4) || x'ff' || substr(key, 5, 5) AS BLOB)
WHERE source = (SELECT id FROM name WHERE text = 'codex');
UPDATE usage
SET key = CAST(substr(key, 1, 10)
    || CASE substr(key, 11, 1) WHEN x'00' THEN x'80' ELSE x'81' END
    || substr(key, 12, 5) AS BLOB)
WHERE source IS NOT (SELECT id FROM name WHERE text = 'codex')
    AND substr(key, 11, 1) IN (x'00', x'01') AND substr(key, 11, 6) <> x'000000000000';
CREATE UNIQUE INDEX usage_key ON usage (key);
-- The few events that yield to another one of their group. While there are none, groups need not be
-- looked at.
CREATE INDEX usage_yields ON usage (key) WHERE substr(key, 11, 1) < x'02';

-- Usage summed per quarter of an hour, of events that pay the same price for each kind of token.
-- Amounts are dollars * 10^12 + picos, so that sums stay within 64 bits. `hint` is the provider
-- that the log names, `provider` whose list was found; `stated` is what the log itself says that
-- requests cost. The list price is stored only where the table has one.
DROP TABLE slot;
CREATE TABLE slot (
    quarter         INTEGER NOT NULL,
    source          INTEGER NOT NULL,
    hint            INTEGER NOT NULL,
    model           INTEGER NOT NULL,
    project         INTEGER NOT NULL,
    session         INTEGER NOT NULL,
    funding         INTEGER NOT NULL,
    speed           INTEGER NOT NULL,
    above           INTEGER NOT NULL,
    lacks           INTEGER NOT NULL,
    requests        INTEGER NOT NULL,
    input           INTEGER NOT NULL,
    cache_read      INTEGER NOT NULL,
    cache_write_5m  INTEGER NOT NULL,
    cache_write_1h  INTEGER NOT NULL,
    output          INTEGER NOT NULL,
    reasoning       INTEGER NOT NULL,
    web_searches    INTEGER NOT NULL,
    stated_requests INTEGER NOT NULL,
    stated_tokens   INTEGER NOT NULL,
    stated_dollars  INTEGER NOT NULL,
    stated_picos    INTEGER NOT NULL,
    provider        INTEGER NOT NULL,
    is_priced       INTEGER NOT NULL,
    list_dollars    INTEGER NOT NULL,
    list_picos      INTEGER NOT NULL,
    PRIMARY KEY (quarter, source, hint, model, project, session, funding, speed, above, lacks)
) STRICT, WITHOUT ROWID;

-- The same usage per day, of UTC days (calendar 0) and of days in the user's zone (calendar 1,
-- where that is another; `meta` has its name). `stated` is the part of the list price that is the
-- agents' own figure, `said` what agents state beside a list price.
CREATE TABLE day (
    calendar        INTEGER NOT NULL,
    day             TEXT    NOT NULL,
    source          INTEGER NOT NULL,
    hint            INTEGER NOT NULL,
    provider        INTEGER NOT NULL,
    model           INTEGER NOT NULL,
    funding         INTEGER NOT NULL,
    requests        INTEGER NOT NULL,
    input           INTEGER NOT NULL,
    cache_read      INTEGER NOT NULL,
    cache_write_5m  INTEGER NOT NULL,
    cache_write_1h  INTEGER NOT NULL,
    output          INTEGER NOT NULL,
    reasoning       INTEGER NOT NULL,
    priced_requests INTEGER NOT NULL,
    unpriced_tokens INTEGER NOT NULL,
    list_dollars    INTEGER NOT NULL,
    list_picos      INTEGER NOT NULL,
    stated_requests INTEGER NOT NULL,
    stated_dollars  INTEGER NOT NULL,
    stated_picos    INTEGER NOT NULL,
    said_requests   INTEGER NOT NULL,
    said_dollars    INTEGER NOT NULL,
    said_picos      INTEGER NOT NULL,
    PRIMARY KEY (calendar, day, source, hint, provider, model, funding)
) STRICT, WITHOUT ROWID;

-- Fingerprints of events that were rolled up, in sorted segments. The id of a block is
-- segment * 2^56 + its first fingerprint.
CREATE TABLE seen_segment (
    id    INTEGER PRIMARY KEY,
    level INTEGER NOT NULL,
    count INTEGER NOT NULL
) STRICT;
CREATE TABLE seen (
    id    INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- Files whose reader waits for another file are looked up at every look.
ALTER TABLE mark ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
UPDATE mark SET waits = instr(state, '"waits_for"') > 0;
CREATE INDEX mark_waits ON mark (source) WHERE waits = 1;

-- Slots and days are summed from the rows of `usage` before this version is used.
DELETE FROM meta WHERE key = 'prices';
INSERT INTO meta VALUES ('sums', 'stale');
