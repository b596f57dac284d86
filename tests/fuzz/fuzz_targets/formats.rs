//! Any bytes as any file of any agent: read without a panic, and the same when read again.
//!
//! Which files there are the fixtures tell, so that a new agent is fuzzed as soon as it has one.
//! The first two bytes choose the file.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use spendbar::sources::{Places, SOURCES, Source, find};

struct Kind {
    source: &'static dyn Source,
    /// A file of it, relative to the home folder.
    file: PathBuf,
}

/// One file of each kind that the fixtures hold: source and ending of the name.
static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/agents");
    let mut kinds: Vec<Kind> = Vec::new();
    for source in SOURCES.iter() {
        let mut files = Vec::new();
        for case in folder(&root.join(source.info().id)) {
            files_below(&case.join("home"), Path::new(""), &mut files);
        }
        for file in files {
            let known = kinds.iter().any(|kind| {
                kind.source.info().id == source.info().id
                    && kind.file.file_name() == file.file_name()
            });
            let places = Places { home: HOME.path().to_owned(), ..Places::default() };
            let path = HOME.path().join(&file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, "").expect("written");
            if !known && source.explain(&places, &path).is_some() {
                kinds.push(Kind { source: *source, file });
            }
            fs::remove_file(&path).expect("removed");
        }
    }
    assert!(!kinds.is_empty());
    kinds
});

static HOME: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let shared = Path::new("/dev/shm");
    match shared.is_dir() {
        true => tempfile::tempdir_in(shared),
        false => tempfile::tempdir(),
    }
    .expect("a folder")
});

fuzz_target!(|bytes: &[u8]| {
    let [first, second, text @ ..] = bytes else { return };
    let kind = &KINDS[usize::from(u16::from_le_bytes([*first, *second])) % KINDS.len()];
    let places = Places { home: HOME.path().to_owned(), ..Places::default() };
    let source = find(kind.source.info().id).expect("in the table");
    let path = HOME.path().join(&kind.file);
    fs::write(&path, text).expect("written");
    // An error is an answer too; what it may not do is crash, or change its mind.
    let first = source.explain(&places, &path).expect("its file").ok();
    let again = source.explain(&places, &path).expect("its file").ok();
    assert_eq!(first, again);
    fs::remove_file(&path).expect("removed");
});

fn folder(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn files_below(root: &Path, inside: &Path, into: &mut Vec<PathBuf>) {
    for path in folder(&root.join(inside)) {
        let inside = inside.join(path.file_name().expect("a name"));
        if path.is_dir() {
            files_below(root, &inside, into);
        } else {
            into.push(inside);
        }
    }
}
