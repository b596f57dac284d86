//! Opening the file: making it, checking it, setting a damaged one aside.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OpenFlags};

use super::{Channel, Ledger, LedgerError, packed, reprice, schema};
use crate::spend::Rates;

/// How long a process waits for another one's transaction. The longest are a few seconds: a
/// reading of a cold scan, or a new price table.
const BUSY_WAIT: Duration = Duration::from_secs(20);

/// An open ledger, and what a person should know about how it was opened.
#[derive(Debug)]
pub struct Opened {
    /// The ledger.
    pub ledger: Ledger,
    /// Sentences for every face: a damaged file was set aside.
    pub notices: Vec<String>,
}

impl Ledger {
    /// Opens the ledger for writing and makes it and its folder where they do not exist, for this
    /// user alone. A damaged file is set aside beside the new one; `now` goes into its name.
    pub fn open(path: &Path, now: DateTime<Utc>) -> Result<Opened, LedgerError> {
        match open_for_writing(path) {
            Err(LedgerError::Corrupt { .. }) => replace_damaged(path, now),
            other => Ok(Opened { ledger: other?, notices: Vec::new() }),
        }
    }

    /// Opens the ledger after a transaction met [`LedgerError::Corrupt`]: reads the whole file and
    /// sets it aside if the damage is real. Drop the ledger that met it first.
    pub fn open_after_damage(path: &Path, now: DateTime<Utc>) -> Result<Opened, LedgerError> {
        match open_for_writing(path).and_then(|ledger| ledger.check().map(|()| ledger)) {
            Err(LedgerError::Corrupt { .. }) => replace_damaged(path, now),
            other => Ok(Opened { ledger: other?, notices: Vec::new() }),
        }
    }

    /// Opens the ledger to ask, beside a process that may be writing; `None` when there is none
    /// yet. Nothing is set aside and no figure is changed; a file of an older version is brought
    /// to this one first.
    pub fn open_read_only(path: &Path) -> Result<Option<Self>, LedgerError> {
        if !path.try_exists().map_err(|error| LedgerError::from_io(path, &error))? {
            return Ok(None);
        }
        let open = || {
            let ledger = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, BUSY_WAIT)?;
            ledger.known_version().map(|version| (ledger, version))
        };
        let (ledger, version) = waiting(BUSY_WAIT, open)?;
        if version < schema::MIGRATIONS.len() as i64 {
            drop(ledger);
            open_for_writing(path)?;
            return Ok(Some(waiting(BUSY_WAIT, open)?.0));
        }
        Ok(Some(ledger))
    }

    /// Opens the ledger for a caller that somebody waits for: nothing is made, migrated or set
    /// aside, and neither this nor any later question waits for longer than `at_most`. With
    /// `writes` small values may be written. `None` when there is no ledger.
    pub fn open_at_once(
        path: &Path,
        at_most: Duration,
        writes: bool,
    ) -> Result<Option<Self>, LedgerError> {
        if !path.try_exists().map_err(|error| LedgerError::from_io(path, &error))? {
            return Ok(None);
        }
        let mode = if writes {
            OpenFlags::SQLITE_OPEN_READ_WRITE
        } else {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        };
        let (ledger, found) = waiting(at_most, || {
            let ledger = connect(path, mode, at_most)?;
            ledger.known_version().map(|version| (ledger, version))
        })?;
        if found < schema::MIGRATIONS.len() as i64 {
            return Err(LedgerError::Older { path: path.to_owned() });
        }
        Ok(Some(ledger))
    }

    /// Reads every page; an error says what is wrong with the first damaged one.
    fn check(&self) -> Result<(), LedgerError> {
        let found: String =
            self.run(|conn| conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)))?;
        if found == "ok" {
            return Ok(());
        }
        Err(LedgerError::Corrupt { path: self.path.clone(), what: found })
    }

    /// The file's version, once it is certain that this program may work with it.
    fn known_version(&self) -> Result<i64, LedgerError> {
        let path = || self.path.clone();
        let known = schema::MIGRATIONS.len() as i64;
        let found = self.run(schema::version)?;
        if self.run(schema::is_foreign)? {
            return Err(LedgerError::Foreign { path: path() });
        }
        if found > known {
            return Err(LedgerError::Newer { path: path(), found, known });
        }
        Ok(found)
    }
}

fn open_for_writing(path: &Path) -> Result<Ledger, LedgerError> {
    let is_new = make_file(path).map_err(|error| LedgerError::from_io(path, &error))?;
    waiting(BUSY_WAIT, || prepare(path, is_new))
}

/// Tries again for as long as another process holds the file. SQLite itself does not wait where
/// two processes would wait for each other (both switch a new file to WAL), nor for a process that
/// is removing the WAL as it ends.
fn waiting<T>(
    at_most: Duration,
    mut work: impl FnMut() -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    let end = Instant::now() + at_most;
    loop {
        match work() {
            Err(LedgerError::Busy { .. }) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other,
        }
    }
}

fn prepare(path: &Path, is_new: bool) -> Result<Ledger, LedgerError> {
    let ledger = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, BUSY_WAIT)?;
    // Before anything is written, the switch to WAL included.
    ledger.known_version()?;
    // SQLite opens what it may not write for reading, without a word.
    if ledger.run(|conn| conn.is_readonly("main"))? {
        return Err(LedgerError::ReadOnly { path: path.to_owned() });
    }
    ledger.run(|conn| {
        // Waiting for the disk protects nothing while the file holds nothing: if the machine stops
        // now, the ledger is begun anew. From its first reading on it is written as any other.
        conn.pragma_update(None, "synchronous", if is_new { "OFF" } else { "NORMAL" })?;
        // A file system without shared memory refuses WAL and stays with the rollback journal:
        // slower, and as safe.
        let _mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        // A cold scan writes the same index pages again and again. They are copied out of the WAL
        // once per 16 MB of it rather than once per 4 MB; then the file shrinks to 4 MB.
        conn.execute_batch(
            "PRAGMA foreign_keys = OFF;
             PRAGMA wal_autocheckpoint = 4000;
             PRAGMA journal_size_limit = 4194304;",
        )?;
        schema::migrate(conn, schema::MIGRATIONS, |conn| {
            packed::pack_all(conn)?;
            reprice::rebuild_if_stale(conn)
        })?;
        conn.pragma_update(None, "synchronous", "NORMAL")
    })?;
    Ok(ledger)
}

fn connect(path: &Path, mode: OpenFlags, busy_wait: Duration) -> Result<Ledger, LedgerError> {
    let open = || {
        let conn = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        conn.busy_timeout(busy_wait)?;
        conn.set_prepared_statement_cache_capacity(32);
        // KiB. The file's hot pages are few, and the operating system caches the rest.
        conn.pragma_update(None, "cache_size", -2048)?;
        conn.pragma_update(None, "trusted_schema", false)?;
        Ok(conn)
    };
    let conn = open().map_err(|error| LedgerError::new(path, &error))?;
    let channels = vec![Channel::desktop()];
    let (rates, moved, stamps) = (Rates::default(), RefCell::default(), RefCell::default());
    let (path, plans) = (path.to_owned(), Arc::default());
    Ok(Ledger { conn, path, rates, plans, prices: None, moved, channels, stamps })
}

/// Makes the folder and an empty file that only this user can read; SQLite gives its side files
/// the same rights. Returns whether there was none.
fn make_file(path: &Path) -> std::io::Result<bool> {
    let mut folder = fs::DirBuilder::new();
    let mut file = fs::OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        folder.mode(0o700);
        file.mode(0o600);
    }
    if path.try_exists()? {
        return Ok(false);
    }
    if let Some(parent) = path.parent() {
        folder.recursive(true).create(parent)?;
    }
    match file.write(true).create_new(true).open(path) {
        // Another process was first.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        other => other.map(|_| true),
    }
}

fn replace_damaged(path: &Path, now: DateTime<Utc>) -> Result<Opened, LedgerError> {
    let aside = set_aside(path, now).map_err(|error| LedgerError::from_io(path, &error))?;
    let notice = format!(
        "The ledger was damaged and was set aside as {}. A new one was started: logs and bills \
         are read again, older history is in the file set aside.",
        aside.display()
    );
    Ok(Opened { ledger: open_for_writing(path)?, notices: vec![notice] })
}

/// Renames the file and its side files to a name that is free, and returns it.
fn set_aside(path: &Path, now: DateTime<Utc>) -> std::io::Result<PathBuf> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let time = now.format("%Y%m%dT%H%M%SZ");
    let mut aside = path.with_file_name(format!("{stem}.corrupt-{time}.db"));
    let mut copy = 2;
    while aside.try_exists()? {
        aside = path.with_file_name(format!("{stem}.corrupt-{time}-{copy}.db"));
        copy += 1;
    }
    // The side files first: they must never be taken for those of the new ledger.
    for suffix in ["-wal", "-shm"] {
        let side = with_suffix(path, suffix);
        if side.try_exists()? {
            fs::rename(side, with_suffix(&aside, suffix))?;
        }
    }
    fs::rename(path, &aside)?;
    Ok(aside)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, ledger_in};
    use super::*;

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn open_error(path: &Path) -> LedgerError {
        Ledger::open(path, at("2026-11-24T12:00:00Z")).unwrap_err()
    }

    #[test]
    fn a_new_ledger_is_for_this_user_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state/spendbar/ledger.db");
        assert!(Ledger::open_read_only(&path).unwrap().is_none());
        let opened = Ledger::open(&path, at("2026-11-24T12:00:00Z")).unwrap();
        assert!(opened.notices.is_empty());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&path), 0o600);
            assert_eq!(mode(path.parent().unwrap()), 0o700);
            opened.ledger.set_meta("a", "b").unwrap();
            assert_eq!(mode(&with_suffix(&path, "-wal")), 0o600);
        }
    }

    #[test]
    fn wal_and_normal_are_on() {
        let home = tempfile::tempdir().unwrap();
        let ledger = ledger_in(home.path());
        let mode: String =
            ledger.conn.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        let synchronous: i64 =
            ledger.conn.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
        assert_eq!((mode.as_str(), synchronous), ("wal", 1));
    }

    #[test]
    fn a_newer_ledger_is_named_and_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ledger.db");
        {
            let ledger = ledger_in(home.path());
            ledger.conn.pragma_update(None, "user_version", 99).unwrap();
        }
        let before = fs::read(&path).unwrap();
        let error = open_error(&path);
        let newest = schema::MIGRATIONS.len() as i64;
        assert!(
            matches!(error, LedgerError::Newer { found: 99, known, .. } if known == newest),
            "{error}"
        );
        assert!(error.to_string().contains("version 99"), "{error}");
        assert!(error.to_string().contains(&format!("up to {newest}")), "{error}");
        assert!(matches!(Ledger::open_read_only(&path).unwrap_err(), LedgerError::Newer { .. }));
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn another_programs_database_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ledger.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE bookmarks (id)").unwrap();
        let before = fs::read(&path).unwrap();
        assert!(matches!(open_error(&path), LedgerError::Foreign { .. }));
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_file_that_is_no_database_is_set_aside_and_never_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ledger.db");
        for _ in 0..2 {
            fs::write(&path, "not a database, but somebody's file".repeat(200)).unwrap();
            let opened = Ledger::open(&path, at("2026-11-24T12:00:00Z")).unwrap();
            assert_eq!(opened.notices.len(), 1);
            opened.ledger.set_meta("works", "yes").unwrap();
            drop(opened);
        }
        let aside = "ledger.corrupt-20261124T120000Z.db";
        assert_eq!(
            files(home.path()),
            ["ledger.corrupt-20261124T120000Z-2.db", aside, "ledger.db"]
        );
        let kept = fs::read_to_string(home.path().join(aside)).unwrap();
        assert!(kept.starts_with("not a database"));
    }

    #[test]
    fn a_truncated_file_is_set_aside() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ledger.db");
        drop(ledger_in(home.path()));
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let opened = Ledger::open(&path, at("2026-11-24T12:00:00Z")).unwrap();
        assert_eq!(opened.notices.len(), 1);
    }

    #[test]
    fn damage_met_later_is_checked_before_the_file_is_set_aside() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ledger.db");
        let now = at("2026-11-24T12:00:00Z");
        drop(ledger_in(home.path()));
        let whole = Ledger::open_after_damage(&path, now).unwrap();
        assert!(whole.notices.is_empty());
        drop(whole);
        // Overwrites every page but the first, which holds the header and the schema.
        let mut bytes = fs::read(&path).unwrap();
        bytes[4096 * 6..].fill(0x5a);
        fs::write(&path, &bytes).unwrap();
        let opened = Ledger::open_after_damage(&path, now).unwrap();
        assert_eq!(opened.notices.len(), 1);
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_a_clear_error() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("state"), "").unwrap();
        let error = open_error(&home.path().join("state/ledger.db"));
        assert!(matches!(error, LedgerError::CannotOpen { .. }), "{error}");
    }

    #[test]
    fn many_may_open_a_new_ledger_at_once() {
        for round in 0..25 {
            let home = tempfile::tempdir().unwrap();
            let path = home.path().join("ledger.db");
            let open = |number: usize| {
                if number.is_multiple_of(2) {
                    Ledger::open(&path, at("2026-11-24T12:00:00Z")).map(|_| ())
                } else {
                    Ledger::open_read_only(&path).map(|_| ())
                }
            };
            std::thread::scope(|scope| {
                let all: Vec<_> = (0..8).map(|number| scope.spawn(move || open(number))).collect();
                for (number, one) in all.into_iter().enumerate() {
                    one.join().unwrap().unwrap_or_else(|error| {
                        panic!("round {round}, number {number}: {error}");
                    });
                }
            });
        }
    }

    #[test]
    fn asking_goes_on_while_another_process_writes() {
        let home = tempfile::tempdir().unwrap();
        let mut writer = ledger_in(home.path());
        let reader = Ledger::open_read_only(writer.path()).unwrap().unwrap();
        let recording = writer.begin().unwrap();
        recording.set_meta("key", "new").unwrap();
        assert_eq!(reader.meta("key").unwrap(), None);
        recording.commit().unwrap();
        assert_eq!(reader.meta("key").unwrap().as_deref(), Some("new"));
        assert!(matches!(reader.set_meta("key", "no"), Err(LedgerError::ReadOnly { .. })));
        drop(writer);
        assert_eq!(reader.meta("key").unwrap().as_deref(), Some("new"));
    }

    #[test]
    fn asking_works_with_nobody_writing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ledger.db");
        ledger_in(home.path()).set_meta("key", "kept").unwrap();
        let reader = Ledger::open_read_only(&path).unwrap().unwrap();
        assert_eq!(reader.meta("key").unwrap().as_deref(), Some("kept"));
    }
}
