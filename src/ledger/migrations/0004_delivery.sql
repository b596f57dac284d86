-- What an alert is about, how pressing it is (0 info, 1 warning, 2 critical), and over which
-- channels it was told.
ALTER TABLE alert ADD COLUMN kind TEXT NOT NULL DEFAULT 'threshold';
ALTER TABLE alert ADD COLUMN severity INTEGER NOT NULL DEFAULT 1;
ALTER TABLE alert ADD COLUMN subject TEXT NOT NULL DEFAULT '';
UPDATE alert SET kind = 'watch' WHERE period = 'watch';
UPDATE alert SET severity = 2 WHERE threshold_percent >= 100;

-- One row for each alert and channel, made with the alert: a channel that is added later gets no old
-- ones. `batch` is the first alert of those that are told as one message; `since_ms` is when sending
-- was first allowed, `again_ms` when it is tried next or when another process may take it over.
CREATE TABLE delivery (
    alert    INTEGER NOT NULL,
    channel  TEXT    NOT NULL,
    state    TEXT    NOT NULL,
    batch    INTEGER NOT NULL,
    tries    INTEGER NOT NULL,
    since_ms INTEGER NOT NULL,
    at_ms    INTEGER,
    again_ms INTEGER,
    error    TEXT    NOT NULL,
    PRIMARY KEY (alert, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_open ON delivery (alert) WHERE state IN ('waiting', 'sending', 'held');

INSERT INTO delivery
SELECT id, 'desktop', iif(delivered_ms IS NULL, 'waiting', 'delivered'), id,
    iif(delivered_ms IS NULL, 0, 1), at_ms, delivered_ms, NULL, ''
FROM alert WHERE spoke = 1;

-- Whose alerts stay silent for a while; the empty name is everything.
CREATE TABLE snooze (
    budget   TEXT PRIMARY KEY,
    until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Tells this ledger's alerts from those of every other.
INSERT OR IGNORE INTO meta VALUES ('ledger-id', lower(hex(randomblob(8))));
