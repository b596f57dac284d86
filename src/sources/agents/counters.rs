//! Counters of sessions that run on: what is counted when a database changes between looks.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::fixtures::Fold;

/// A home with one database, and what was counted of it so far.
struct Changing {
    source: &'static str,
    home: tempfile::TempDir,
    path: PathBuf,
    fold: Fold,
}

impl Changing {
    fn new(source: &'static str, path: &str, schema: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let changing = Self { source, home, path, fold: Fold::default() };
        changing.open().execute_batch(schema).unwrap();
        changing
    }

    fn open(&self) -> Connection {
        let database = Connection::open(&self.path).unwrap();
        database.pragma_update(None, "journal_mode", "wal").unwrap();
        database
    }

    /// Changes the database and looks: input and output counted so far, and in how many usages.
    fn after(&mut self, sql: &str) -> (u64, u64, usize) {
        let database = self.open();
        database.execute_batch(sql).unwrap();
        // The owner stays there: the newest rows are in the write-ahead log.
        self.fold.look(self.source, self.home.path(), None);
        drop(database);
        self.counted()
    }

    fn counted(&self) -> (u64, u64, usize) {
        let total = self.fold.total();
        (total.input, total.output, self.fold.counted().count())
    }

    fn replace_by_copy_of(&mut self, other: &Path) -> (u64, u64, usize) {
        fs::remove_file(&self.path).unwrap();
        fs::copy(other, &self.path).unwrap();
        self.fold.look(self.source, self.home.path(), None);
        self.counted()
    }
}

const GOOSE: &str = "CREATE TABLE sessions(id TEXT PRIMARY KEY, working_dir TEXT, updated_at TEXT,
    provider_name TEXT, model_config_json TEXT, accumulated_input_tokens INTEGER,
    accumulated_output_tokens INTEGER)";

#[test]
fn goose_counters_count_what_they_grow_by() {
    let mut goose = Changing::new("goose", ".local/share/goose/sessions/sessions.db", GOOSE);
    let insert = "INSERT INTO sessions VALUES ('a', '/w', '2026-07-01 10:00:00', 'openai',
                  '{\"model_name\":\"gpt-5\"}', 100, 10)";
    assert_eq!(goose.after(insert), (100, 10, 1));
    let copy = goose.home.path().join("copy");
    fs::copy(&goose.path, &copy).unwrap();
    let grow = "UPDATE sessions SET accumulated_input_tokens = 250,
                updated_at = '2026-07-02 10:00:00'";
    assert_eq!(goose.after(grow), (250, 10, 2));
    let days: Vec<_> =
        goose.fold.counted().map(|usage| usage.at.date_naive().to_string()).collect();
    assert!(days.contains(&"2026-07-01".to_owned()) && days.contains(&"2026-07-02".to_owned()));
    // Counters that fall, and a restored older copy, add nothing; growth beyond the highest does.
    assert_eq!(goose.after("UPDATE sessions SET accumulated_input_tokens = 30"), (250, 10, 2));
    assert_eq!(goose.replace_by_copy_of(&copy), (250, 10, 2));
    assert_eq!(goose.after("UPDATE sessions SET accumulated_input_tokens = 251"), (251, 10, 3));
    // A new version keeps a ledger and carries the counters forward into it.
    let ledger = "CREATE TABLE usage_ledger(id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT,
                      created_timestamp INTEGER, model TEXT, input_tokens INTEGER,
                      output_tokens INTEGER);
                  INSERT INTO usage_ledger VALUES (1, 'a', 1782986400, NULL, 251, 10),
                      (2, 'a', 1782986460, 'gpt-5', 9, 1)";
    assert_eq!(goose.after(ledger), (260, 11, 2));
}

#[test]
fn zed_threads_add_up_to_their_sum_however_often_they_are_looked_at() {
    let schema = "CREATE TABLE threads(id TEXT PRIMARY KEY, updated_at TEXT, data_type TEXT, data)";
    let mut zed = Changing::new("zed", ".local/share/zed/threads/threads.db", schema);
    let thread = |at: &str, requests: &str, sum: u64| {
        format!(
            "INSERT OR REPLACE INTO threads VALUES ('t', '2026-07-0{at}:00+00:00', 'json',
             '{{\"request_token_usage\":{{{requests}}},
                \"cumulative_token_usage\":{{\"input_tokens\":{sum}}}}}')"
        )
    };
    // While it runs the sum is known before its requests are.
    assert_eq!(zed.after(&thread("1T10:00", "", 300)), (300, 0, 1));
    let one = r#""a":{"input_tokens":100}"#;
    assert_eq!(zed.after(&thread("1T10:01", one, 300)), (300, 0, 1));
    let two = r#""a":{"input_tokens":100},"b":{"input_tokens":150}"#;
    assert_eq!(zed.after(&thread("1T10:02", two, 700)), (700, 0, 3));
    // A request that was replaced by a later one of the same message, and a sum that fell.
    let less = r#""a":{"input_tokens":1},"b":{"input_tokens":150}"#;
    assert_eq!(zed.after(&thread("2T10:03", less, 720)), (720, 0, 4));
    assert_eq!(zed.after(&thread("2T10:04", less, 500)), (720, 0, 4));
}

#[test]
fn hermes_sums_count_what_they_grow_by() {
    let schema = "CREATE TABLE sessions(id TEXT PRIMARY KEY, model TEXT, started_at REAL,
                      input_tokens INTEGER, output_tokens INTEGER, estimated_cost_usd REAL,
                      actual_cost_usd REAL);
                  INSERT INTO sessions VALUES ('a', 'gpt-5', 1782900000, 100, 10, 0.5, NULL)";
    let mut hermes = Changing::new("hermes", ".hermes/state.db", schema);
    assert_eq!(hermes.after(""), (100, 10, 1));
    let copy = hermes.home.path().join("copy");
    fs::copy(&hermes.path, &copy).unwrap();
    let grow = "UPDATE sessions SET input_tokens = 300, estimated_cost_usd = 0.75";
    assert_eq!(hermes.after(grow), (300, 10, 2));
    let costs: Vec<_> = hermes.fold.counted().map(|usage| usage.stated_cost).collect();
    let costs: i128 = costs.into_iter().flatten().map(|cost| cost.attos).sum();
    assert_eq!(costs, 750_000_000_000_000_000, "0.50 and then 0.25 more");
    assert_eq!(hermes.after("UPDATE sessions SET input_tokens = 5"), (300, 10, 2));
    assert_eq!(hermes.replace_by_copy_of(&copy), (300, 10, 2));
    // Sums by model begin: only what is added from now on is told by them.
    let by_model = "UPDATE sessions SET input_tokens = 340, output_tokens = 14;
         CREATE TABLE session_model_usage(session_id TEXT, model TEXT, billing_provider TEXT,
             task TEXT, input_tokens INTEGER, output_tokens INTEGER, last_seen REAL);
         INSERT INTO session_model_usage VALUES ('a', 'gpt-5.4', 'openai', '', 40, 4, 1782990000)";
    assert_eq!(hermes.after(by_model), (340, 14, 3));
}

#[test]
fn cursor_is_passed_through_once_and_then_by_new_rows() {
    let schema = "CREATE TABLE cursorDiskKV(key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)";
    let path = ".config/Cursor/User/globalStorage/state.vscdb";
    let mut cursor = Changing::new("cursor", path, schema);
    let rows = |from: u32, to: u32, output: u32| {
        format!(
            "WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})
             INSERT INTO cursorDiskKV SELECT printf('bubbleId:c:%05d', i),
             '{{\"tokenCount\":{{\"inputTokens\":1,\"outputTokens\":{output}}},
                \"createdAt\":\"2026-07-02T10:00:00Z\"}}' FROM n"
        )
    };
    // More than one step, by key and then by row.
    assert_eq!(cursor.after(&rows(1, 4500, 0)), (4500, 0, 4500));
    assert_eq!(cursor.after(&rows(4501, 8600, 0)), (8600, 0, 8600));
    // A row that is written again, with more in it, below all others by its key.
    assert_eq!(cursor.after(&rows(1, 1, 7)), (8600, 7, 8600));
    // Rows numbered anew.
    let fewer = "DELETE FROM cursorDiskKV WHERE rowid > 10; VACUUM";
    assert_eq!(cursor.after(fewer), (8600, 7, 8600));
    assert_eq!(cursor.after(&rows(9000, 9001, 1)), (8602, 9, 8602));
}

#[test]
fn warp_sums_count_what_they_grow_by_and_have_no_price() {
    let schema = "CREATE TABLE agent_conversations(conversation_id TEXT PRIMARY KEY,
                  conversation_data TEXT, last_modified_at TEXT)";
    let mut warp = Changing::new("warp", ".local/state/warp-terminal/warp.sqlite", schema);
    let sum = |warp: u64, own: u64, at: &str| {
        format!(
            "INSERT OR REPLACE INTO agent_conversations VALUES ('a',
             '{{\"conversation_usage_metadata\":{{\"token_usage\":[{{\"model_id\":\"gpt-5\",
             \"warp_tokens\":{warp},\"byok_tokens\":{own}}}]}}}}', '2026-07-02 {at}')"
        )
    };
    assert_eq!(warp.after(&sum(100, 0, "10:00:00")), (100, 0, 1));
    assert_eq!(warp.after(&sum(150, 5, "10:00:00")), (155, 0, 3));
    assert_eq!(warp.after(&sum(20, 5, "11:00:00")), (155, 0, 3));
    assert_eq!(warp.after(&sum(151, 5, "12:00:00")), (156, 0, 4));
    // A total that is not split must not be priced as input: without a model it has no price.
    assert!(warp.fold.counted().all(|usage| usage.model.is_none()));
}
