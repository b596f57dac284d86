//! Whether anything in a repository has moved since it was read, from its files alone.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use xxhash_rust::xxh3::Xxh3;

/// Refs in files of their own that are looked at; git packs them long before.
const MOST_FILES: usize = 20_000;
const DEEPEST: usize = 16;

/// A number that is another one once a ref, a head, the settings or the cut of a shallow history has
/// changed. What can't be read is told by git.
pub fn of(common: &Path) -> u64 {
    let mut hash = Xxh3::new();
    let mut left = MOST_FILES;
    for name in ["HEAD", "shallow", "reftable/tables.list"] {
        content(&common.join(name), &mut hash);
    }
    for name in ["packed-refs", "config", "logs/HEAD"] {
        state(&common.join(name), &mut hash);
    }
    tree(&common.join("refs"), DEEPEST, &mut left, &mut hash);
    let mut trees: Vec<_> =
        fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten().collect();
    trees.sort_by_key(|entry| entry.file_name());
    for entry in trees {
        hash.update(entry.file_name().as_encoded_bytes());
        content(&entry.path().join("HEAD"), &mut hash);
        state(&entry.path().join("logs/HEAD"), &mut hash);
    }
    hash.digest()
}

/// Small files are told apart by what they hold.
fn content(path: &Path, hash: &mut Xxh3) {
    hash.update(path.as_os_str().as_encoded_bytes());
    match fs::read(path) {
        Ok(bytes) => hash.update(&bytes),
        Err(error) => hash.update(error.kind().to_string().as_bytes()),
    }
}

/// Larger ones by size and time.
fn state(path: &Path, hash: &mut Xxh3) {
    hash.update(path.as_os_str().as_encoded_bytes());
    if let Ok(data) = fs::metadata(path) {
        let changed = data.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        hash.update(&data.len().to_le_bytes());
        hash.update(&changed.map_or(0, |at| at.as_nanos()).to_le_bytes());
    }
}

fn tree(folder: &Path, depth: usize, left: &mut usize, hash: &mut Xxh3) {
    let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().collect();
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let Some(less) = left.checked_sub(1) else { return };
        *left = less;
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => {
                tree(&entry.path(), depth - 1, left, hash);
            }
            Ok(kind) if kind.is_file() => content(&entry.path(), hash),
            _ => {}
        }
    }
}
