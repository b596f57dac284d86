//! How far a file was read, and whether it is still the same file; whether a folder is.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::UNIX_EPOCH;

use xxhash_rust::xxh3::Xxh3;

use super::database::sidecar;
use crate::spend::Mark;

const HEAD_BYTES: u64 = 1024;
const TAIL_BYTES: u64 = 512;

/// Size and modification time of a file: what tells a changed file without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970; 0 where the file system has none.
    pub modified_nanos: i64,
}

impl Stamp {
    /// The stamp of a file.
    pub fn of(metadata: &Metadata) -> Self {
        let modified_nanos = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .and_then(|since| i64::try_from(since.as_nanos()).ok())
            .unwrap_or(0);
        Self { size: metadata.len(), modified_nanos }
    }

    /// Adds a database's write-ahead log: its newest rows stand there, while the file itself may
    /// not change for days.
    pub fn add_write_ahead_log(&mut self, database: &Path) {
        if let Ok(log) = std::fs::metadata(sidecar(database, "-wal")) {
            let log = Self::of(&log);
            self.size = self.size.saturating_add(log.size);
            self.modified_nanos = self.modified_nanos.max(log.modified_nanos);
        }
    }

    /// Whether the file is as it was when the mark was made.
    pub fn matches(&self, mark: &Mark) -> bool {
        self.size == mark.size && self.modified_nanos == mark.modified_nanos
    }
}

/// Where to go on reading: the mark's offset when the file only grew, else 0. A file of the same
/// size but another time was rewritten, so nothing of it is trusted.
pub fn resume_at(
    file: &mut File,
    metadata: &Metadata,
    mark: &Mark,
    packed: bool,
) -> io::Result<u64> {
    let stamp = Stamp::of(metadata);
    if packed {
        // An archive is written once: only a reading that stopped early goes on in it.
        let same = mark.size == 0 && stamp.modified_nanos == mark.modified_nanos;
        let same = same && identity(file, metadata, 0)? == mark.identity;
        return Ok(if same { mark.offset } else { 0 });
    }
    let grew = stamp.size >= mark.offset && (stamp.size != mark.size || stamp.matches(mark));
    if grew && identity(file, metadata, mark.offset)? == mark.identity {
        Ok(mark.offset)
    } else {
        Ok(0)
    }
}

/// A hash of the file's number, its first bytes and the last bytes before `offset`: all of them
/// stay the same while a log grows, and one of them changes when it is replaced or rewritten.
pub fn identity(file: &mut File, metadata: &Metadata, offset: u64) -> io::Result<u64> {
    let mut hash = Xxh3::new();
    hash.update(&file_number(metadata).to_le_bytes());
    let mut part = [0; HEAD_BYTES as usize];
    for (start, length) in
        [(0, offset.min(HEAD_BYTES)), (offset.saturating_sub(TAIL_BYTES), offset.min(TAIL_BYTES))]
    {
        let part = &mut part[..length as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(part)?;
        hash.update(part);
    }
    Ok(hash.digest())
}

/// What tells that an entry was made in a folder, removed or renamed, and when that was last
/// (nanoseconds since 1970). `None` where the file system has no times.
///
/// The number and the time of the last change of any kind are in it where the system has them: a
/// folder that another one of the same time took the place of, or whose time a copying program set
/// back, is another one.
pub fn folder_stamp(metadata: &Metadata) -> Option<(u64, i64)> {
    let modified = Stamp::of(metadata).modified_nanos;
    let changed = change_time(metadata);
    let mut hash = Xxh3::new();
    hash.update(&file_number(metadata).to_le_bytes());
    hash.update(&modified.to_le_bytes());
    hash.update(&changed.to_le_bytes());
    (modified > 0).then(|| (hash.digest(), modified.max(changed)))
}

/// When anything about a file changed last, nanoseconds since 1970.
#[cfg(unix)]
fn change_time(metadata: &Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt;
    metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec())
}

/// Elsewhere nothing tells it.
#[cfg(not(unix))]
fn change_time(_metadata: &Metadata) -> i64 {
    0
}

#[cfg(unix)]
fn file_number(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

/// Elsewhere the standard library tells no number; the bytes alone have to do.
#[cfg(not(unix))]
fn file_number(_metadata: &Metadata) -> u64 {
    0
}
