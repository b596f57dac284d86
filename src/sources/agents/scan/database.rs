//! Other programs' SQLite files, opened so that neither they nor their owners notice.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// How long a reader waits where the owner of a database without a write-ahead log writes.
const PATIENCE: Duration = Duration::from_millis(500);

/// A database that is open, and the folder of its copy where one had to be made.
pub struct Opened {
    /// Ready to be asked; nothing can be written through it.
    pub connection: Connection,
    _copy: Option<tempfile::TempDir>,
}

/// Opens a database without changing or locking anything.
///
/// A database with a write-ahead log is read beside its owner through the log's index, which takes
/// no lock that a writer would wait for. Without a log there is nothing but the file itself, and
/// it is read as it stands. A log without an index was left behind by a program that ended badly:
/// reading it would write an index beside it, so a copy is read. Only an old database, one without
/// a write-ahead log at all, takes a shared lock, for as long as the questions take.
///
/// # Errors
/// The file can't be opened, is no database, or no copy could be made.
pub fn open(path: &Path) -> io::Result<Opened> {
    let log = sidecar(path, "-wal");
    let has_log = std::fs::metadata(&log).is_ok_and(|log| log.len() > 0);
    if !keeps_a_log(path)? || (has_log && sidecar(path, "-shm").exists()) {
        return Ok(Opened { connection: connect(path, "mode=ro")?, _copy: None });
    }
    if !has_log {
        return Ok(Opened { connection: connect(path, "mode=ro&immutable=1")?, _copy: None });
    }
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("copy.db");
    std::fs::copy(path, &copy)?;
    std::fs::copy(&log, sidecar(&copy, "-wal"))?;
    Ok(Opened { connection: connect(&copy, "mode=rw")?, _copy: Some(folder) })
}

/// The file that SQLite keeps beside a database: `-wal`, `-shm`, `-journal`.
pub fn sidecar(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Whether the header says that the database is written through a write-ahead log
/// (<https://www.sqlite.org/fileformat.html#the_database_header>: byte 18 is 2).
fn keeps_a_log(path: &Path) -> io::Result<bool> {
    let mut header = [0; 19];
    match File::open(path)?.read_exact(&mut header) {
        Ok(()) => Ok(header[18] == 2),
        // An empty file is an empty database.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn connect(path: &Path, how: &str) -> io::Result<Connection> {
    let address = address(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(format!("{address}?{how}"), flags).map_err(io_error)?;
    connection.busy_timeout(PATIENCE).map_err(io_error)?;
    connection
        .execute_batch("PRAGMA query_only = 1; PRAGMA cache_size = -2000; PRAGMA mmap_size = 0")
        .map_err(io_error)?;
    Ok(connection)
}

/// The file as an address (<https://www.sqlite.org/uri.html>): only that way takes `immutable`.
fn address(path: &Path) -> String {
    let mut address = String::from("file://");
    if path.has_root() && !path.as_os_str().as_encoded_bytes().starts_with(b"/") {
        address.push('/');
    }
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            _ if byte == std::path::MAIN_SEPARATOR as u8 => address.push('/'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b':' => {
                address.push(char::from(byte));
            }
            _ => address.push_str(&format!("%{byte:02X}")),
        }
    }
    address
}

/// A database error as the error of its file.
pub fn io_error(error: rusqlite::Error) -> io::Error {
    io::Error::other(match &error {
        rusqlite::Error::SqliteFailure(_, Some(what)) => what.clone(),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn rows(path: &Path) -> i64 {
        let opened = open(path).unwrap();
        opened.connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    fn listing(folder: &Path) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| !entry.file_name().to_string_lossy().ends_with("-shm"))
            .map(|entry| {
                (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    }

    fn writer(path: &Path, journal: &str) -> Connection {
        let writer = Connection::open(path).unwrap();
        writer.pragma_update(None, "journal_mode", journal).unwrap();
        writer.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)").unwrap();
        writer
    }

    #[test]
    fn the_newest_rows_are_read_beside_the_owner_who_goes_on_writing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b?#%ü.db");
        let writer = writer(&path, "wal");
        let before = listing(folder.path());
        let opened = open(&path).unwrap();
        opened.connection.execute_batch("BEGIN").unwrap();
        let count = || -> i64 {
            opened.connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
        };
        assert_eq!(count(), 2);
        assert_eq!(listing(folder.path()), before);
        writer.execute("INSERT INTO t VALUES (3)", []).unwrap();
        assert_eq!(count(), 2, "one question sees one state");
        opened.connection.execute_batch("COMMIT").unwrap();
        assert_eq!(count(), 3);
        assert!(opened.connection.execute("INSERT INTO t VALUES (4)", []).is_err());
    }

    #[test]
    fn a_closed_database_and_one_of_a_dead_owner_are_read_and_left_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("closed.db");
        drop(writer(&path, "wal"));
        let before = listing(folder.path());
        assert_eq!((rows(&path), before.len()), (2, 1));
        assert_eq!(listing(folder.path()), before);

        // What a killed program leaves: the file and its log, without the log's index.
        let dead = tempfile::tempdir().unwrap();
        let left = dead.path().join("dead.db");
        let writer = writer(&folder.path().join("live.db"), "wal");
        fs::copy(folder.path().join("live.db"), &left).unwrap();
        fs::copy(folder.path().join("live.db-wal"), dead.path().join("dead.db-wal")).unwrap();
        let before = listing(dead.path());
        assert_eq!((rows(&left), before.len()), (2, 2));
        assert_eq!(listing(dead.path()), before);
        drop(writer);
    }

    #[test]
    fn an_old_database_and_an_empty_file_are_read_and_no_database_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        let _writer = writer(&path, "delete");
        assert_eq!(rows(&path), 2);
        let empty = folder.path().join("empty.db");
        fs::write(&empty, "").unwrap();
        assert!(open(&empty).is_ok());
        let other = folder.path().join("other.db");
        fs::write(&other, "not a database, although long enough to be one".repeat(40)).unwrap();
        let opened = open(&other);
        assert!(
            opened.is_err()
                || opened.is_ok_and(|it| it.connection.execute("SELECT 1 FROM t", []).is_err())
        );
        assert!(open(&folder.path().join("none.db")).is_err());
    }
}
