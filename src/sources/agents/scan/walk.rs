//! Roots -> log files, in a stable order.

use std::cmp::Ordering;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::mark::Stamp;
use crate::spend::tree::ALWAYS;
use crate::spend::{Mark, Marks, Problem};
use walker::Walker;

mod walker;
pub use walker::{Walk, Walked, walk};

/// A log file, as a walk found it.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its name among the marks: the path as text, symbolic links of the root resolved.
    pub name: String,
    /// Size and time.
    pub stamp: Stamp,
}

impl Found {
    /// Where it is.
    pub fn path(&self) -> &Path {
        Path::new(&self.name)
    }

    /// The stamp of a database is that of its write-ahead log too.
    pub fn add_write_ahead_log(&mut self) {
        self.stamp.add_write_ahead_log(Path::new(&self.name));
    }
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Listing {
    /// Files, ordered by name.
    pub files: Vec<Found>,
    /// Marks of such files that are gone although their root is still there.
    pub gone: Vec<String>,
    /// Folders that could not be read.
    pub problems: Vec<Problem>,
    /// Whether any root exists.
    pub any_root: bool,
}

/// Walks the roots (or looks only at the files that a watcher named) and collects what `is_log`
/// accepts. Two roots that are the same folder count once, links are followed without looping,
/// and a pipe or a folder with the name of a log is no log.
pub fn list(
    roots: &[PathBuf],
    only: Option<&[PathBuf]>,
    deepest: usize,
    marks: &Marks,
    is_log: &dyn Fn(&Path) -> bool,
) -> Listing {
    let time_of = |path: &Path| is_log(path).then_some(ALWAYS);
    let mut walk = Walker::new(deepest, Walk::of(&time_of));
    let open_roots = walk.open(roots);
    let any_root = !open_roots.is_empty() || !walk.found.problems.is_empty();
    let mut suspects: Vec<String> = Vec::new();
    match only {
        None => {
            open_roots.iter().for_each(|root| walk.root(root));
        }
        Some(named) => {
            for path in named {
                let Some(path) = resolve(path) else { continue };
                if !open_roots.iter().any(|root| path.starts_with(root)) {
                    continue;
                }
                match fs::metadata(&path) {
                    Ok(metadata) if metadata.is_dir() => walk.root(&path),
                    Ok(metadata) => walk.file(path, &metadata),
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        suspects.extend(path.to_str().map(str::to_owned));
                    }
                    Err(error) => walk.problem(&path, &error),
                }
            }
        }
    }
    walk.found.files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    walk.found.files.dedup_by(|a, b| a.name == b.name);
    if only.is_none() {
        let missing = with_marks(&walk.found.files, marks).filter(|(file, _)| file.is_none());
        suspects.extend(missing.filter_map(|(_, mark)| Some(mark?.0.to_owned())));
    }
    // A file is gone only when its root answers: an unplugged disk forgets nothing.
    let gone = suspects
        .into_iter()
        .filter(|name| marks.contains_key(name) && is_log(Path::new(name)))
        .filter(|name| open_roots.iter().any(|root| Path::new(name).starts_with(root)))
        .filter(|name| {
            matches!(fs::symlink_metadata(name), Err(error) if error.kind() == ErrorKind::NotFound)
        })
        .collect();
    Listing { files: walk.found.files, gone, problems: walk.found.problems, any_root }
}

/// Files and marks side by side: those of the same name together, each other one alone. Both are
/// in order, so that tens of thousands of long, similar names are gone through once instead of
/// being searched for one by one.
pub fn with_marks<'a>(
    files: &'a [Found],
    marks: &'a Marks,
) -> impl Iterator<Item = (Option<&'a Found>, Option<(&'a str, &'a Mark)>)> {
    let mut files = files.iter().peekable();
    let mut marks = marks.iter().map(|(name, mark)| (name.as_str(), mark)).peekable();
    std::iter::from_fn(move || {
        let order = match (files.peek(), marks.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(file), Some((name, _))) => file.name.as_str().cmp(name),
        };
        Some(match order {
            Ordering::Less => (files.next(), None),
            Ordering::Greater => (None, marks.next()),
            Ordering::Equal => (files.next(), marks.next()),
        })
    })
}

/// An I/O error as one clause without the system's error number.
pub fn error_clause(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        // Told by this program or by SQLite, in words already.
        ErrorKind::Other | ErrorKind::InvalidData | ErrorKind::FileTooLarge => {
            format!("could not be read: {error}")
        }
        kind => format!("could not be read: {kind}"),
    }
}

/// The path with the links above it resolved, also when the file itself is gone.
fn resolve(path: &Path) -> Option<PathBuf> {
    if let Ok(path) = fs::canonicalize(path) {
        return Some(path);
    }
    Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(listing: &Listing) -> Vec<&str> {
        listing.files.iter().filter_map(|file| file.path().file_name()?.to_str()).collect()
    }

    fn jsonl(path: &Path) -> bool {
        path.extension().is_some_and(|extension| extension == "jsonl")
    }

    #[test]
    fn files_come_in_order_and_folders_with_a_log_name_are_no_logs() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("b/odd.jsonl")).unwrap();
        for name in ["b/2.jsonl", "a.jsonl", "b/1.jsonl", "b/odd.jsonl/3.jsonl", "note.txt"] {
            fs::write(home.path().join(name), "").unwrap();
        }
        let listing = list(&[home.path().to_owned()], None, 8, &Marks::new(), &jsonl);
        assert_eq!(names(&listing), ["a.jsonl", "1.jsonl", "2.jsonl", "3.jsonl"]);
        assert!(listing.any_root && listing.problems.is_empty());
        let nothing = list(&[home.path().join("none")], None, 8, &Marks::new(), &jsonl);
        assert!(!nothing.any_root && nothing.problems.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn the_same_folder_twice_and_a_loop_count_once() {
        use std::os::unix::fs::symlink;
        let home = tempfile::tempdir().unwrap();
        let real = home.path().join("real");
        fs::create_dir(&real).unwrap();
        fs::write(real.join("a.jsonl"), "").unwrap();
        symlink(&real, home.path().join("again")).unwrap();
        symlink(home.path(), real.join("up")).unwrap();
        symlink(home.path().join("nowhere"), real.join("dangling.jsonl")).unwrap();
        let roots = [real.clone(), home.path().join("again"), home.path().to_owned()];
        assert_eq!(names(&list(&roots, None, 8, &Marks::new(), &jsonl)), ["a.jsonl"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_skipped() {
        let home = tempfile::tempdir().unwrap();
        let made =
            std::process::Command::new("mkfifo").arg(home.path().join("pipe.jsonl")).status();
        assert!(made.unwrap().success());
        let listing = list(&[home.path().to_owned()], None, 8, &Marks::new(), &jsonl);
        assert!(listing.files.is_empty() && listing.problems.is_empty());
    }

    #[test]
    fn a_file_is_gone_only_while_its_root_answers() {
        let home = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(home.path()).unwrap().join("root");
        fs::create_dir(&root).unwrap();
        let name = root.join("a.jsonl").to_str().unwrap().to_owned();
        let marks = Marks::from([(name.clone(), Default::default())]);
        let roots = [root.clone()];
        assert_eq!(list(&roots, None, 8, &marks, &jsonl).gone, std::slice::from_ref(&name));
        let only = [PathBuf::from(&name)];
        assert_eq!(list(&roots, Some(&only), 8, &marks, &jsonl).gone, [name]);
        fs::remove_dir(&root).unwrap();
        assert!(list(&roots, None, 8, &marks, &jsonl).gone.is_empty());
        assert!(list(&roots, Some(&only), 8, &marks, &jsonl).gone.is_empty());
    }
}
