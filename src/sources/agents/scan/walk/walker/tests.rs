use std::cell::RefCell;

use super::*;
use crate::sources::agents::scan::testing::await_another_time;

/// A folder with logs; `.jsonl` files are logs, and their names begin with the time of their last
/// change, as far as is known.
struct Logs {
    home: tempfile::TempDir,
    root: PathBuf,
}

/// Logs that changed before are old.
const SINCE: i64 = 500;
/// A beginning so late that no folder has changed just before it.
const SETTLED: Option<i64> = Some(i64::MAX);

impl Logs {
    fn new(files: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().canonicalize().unwrap().join("logs");
        fs::create_dir(&root).unwrap();
        let logs = Self { home, root };
        files.iter().for_each(|file| logs.write(file));
        await_another_time(logs.home.path());
        logs
    }

    fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    fn write(&self, file: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Old by its real time; its name says what is known of it.
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(1);
        fs::File::create(path).unwrap().set_modified(time).unwrap();
    }

    fn walk_of(
        &self,
        roots: &[PathBuf],
        earlier: Option<&Tree>,
        began: Option<i64>,
        entering: &dyn Fn(Entered<'_>),
    ) -> Walked {
        let time_of = |path: &Path| {
            let name = path.file_name()?.to_str()?.strip_suffix(".jsonl")?;
            Some(name.split('-').next()?.parse().unwrap_or(ALWAYS))
        };
        let since = earlier.map(|_| SINCE);
        walk(roots, 6, &Walk { time_of: &time_of, since, entering, earlier, began })
    }

    /// Lists everything and remembers its folders.
    fn tree(&self, began: Option<i64>) -> Tree {
        let found = self.walk_of(std::slice::from_ref(&self.root), None, began, &|_| {});
        assert!(found.problems.is_empty());
        await_another_time(self.home.path());
        found.tree.unwrap()
    }

    /// Walks with an earlier tree: the files to be looked at by their names, and how many folders
    /// were listed.
    fn again(&self, tree: &Tree) -> (Vec<String>, usize) {
        let found = self.walk_of(std::slice::from_ref(&self.root), Some(tree), None, &|_| {});
        assert!(found.problems.is_empty() && !found.is_misled && found.tree.is_none());
        (names(&found), found.listed)
    }
}

fn names(found: &Walked) -> Vec<String> {
    let name = |file: &Found| file.path().file_name().unwrap().to_str().unwrap().to_owned();
    let mut names: Vec<String> = found.files.iter().map(name).collect();
    names.sort();
    names
}

fn some(names: &[&str], listed: usize) -> (Vec<String>, usize) {
    (names.iter().map(|name| (*name).to_owned()).collect(), listed)
}

#[test]
fn what_did_not_change_is_not_listed_and_told_of_all_the_same() {
    let logs = Logs::new(&["a/100.jsonl", "a/b/200.jsonl", "c/300.jsonl", "c/note.txt"]);
    let told = |earlier: Option<&Tree>| {
        let told = RefCell::new(Vec::new());
        let roots = std::slice::from_ref(&logs.root);
        let entering = |entered: Entered<'_>| match entered {
            Entered::Folder(path) => told.borrow_mut().push(path.to_owned()),
            Entered::Link(link) => panic!("{link:?}"),
        };
        let found = logs.walk_of(roots, earlier, SETTLED.filter(|_| earlier.is_none()), &entering);
        let mut told = told.into_inner();
        told.sort();
        (found, told)
    };
    let (found, all) = told(None);
    assert_eq!((found.listed, found.files.len(), all.len()), (4, 3, 4));
    await_another_time(logs.home.path());
    let (found, told) = told(found.tree.as_ref());
    assert_eq!((found.listed, found.files.len()), (0, 0));
    assert_eq!(told, all);
}

#[test]
fn a_folder_with_a_new_log_is_listed_for_the_sake_of_this_log() {
    let logs = Logs::new(&["a/100.jsonl", "a/500.jsonl", "a/b/200.jsonl", "c/499.jsonl"]);
    assert_eq!(logs.again(&logs.tree(SETTLED)), some(&["500.jsonl"], 1));
    // What nobody knows counts as new.
    logs.write("c/unknown.jsonl");
    assert_eq!(logs.again(&logs.tree(SETTLED)), some(&["500.jsonl", "unknown.jsonl"], 2));
}

#[test]
fn a_new_file_and_a_removed_one_have_their_folder_listed_and_no_other() {
    let logs = Logs::new(&["a/100.jsonl", "a/b/200.jsonl", "c/300.jsonl"]);
    let tree = logs.tree(SETTLED);
    logs.write("a/b/new.jsonl");
    assert_eq!(logs.again(&tree), some(&["new.jsonl"], 1));
    fs::remove_file(logs.path("c/300.jsonl")).unwrap();
    assert_eq!(logs.again(&tree), some(&["new.jsonl"], 2));
}

#[test]
fn a_renamed_folder_and_a_new_deep_one_are_listed_with_all_below() {
    let logs = Logs::new(&["a/100.jsonl", "a/b/c/new-too.jsonl", "d/300.jsonl"]);
    fs::rename(logs.path("a/b/c/new-too.jsonl"), logs.path("a/b/c/200.jsonl")).unwrap();
    await_another_time(logs.home.path());
    let tree = logs.tree(SETTLED);
    fs::rename(logs.path("a/b"), logs.path("a/other")).unwrap();
    logs.write("a/other/c/new.jsonl");
    // The one it was in, itself and the one in it, though only the last has a new file.
    assert_eq!(logs.again(&tree), some(&["new.jsonl"], 3));
    logs.write("d/1/2/3/deep.jsonl");
    assert_eq!(logs.again(&tree), some(&["deep.jsonl", "new.jsonl"], 7));
    // One that is gone is met by listing the folder it was in.
    fs::remove_dir_all(logs.path("a")).unwrap();
    assert_eq!(logs.again(&tree), some(&["deep.jsonl"], 5));
}

#[test]
fn what_changed_just_before_is_listed_until_its_time_is_certain() {
    let logs = Logs::new(&["a/100.jsonl"]);
    // Two folders, which need not have changed at the same time.
    let changed = ["", "a"].map(|folder| {
        let told = fs::metadata(logs.path(folder)).unwrap();
        folder_stamp(&told).unwrap().1
    });
    let [first, last] = [changed[0].min(changed[1]), changed[0].max(changed[1])];
    let uncertain = logs.tree(Some(first + SETTLES_AFTER));
    assert_eq!(logs.again(&uncertain), some(&[], 2));
    // A clock that was set back makes nothing certain.
    assert_eq!(logs.again(&logs.tree(Some(0))), some(&[], 2));
    assert_eq!(logs.again(&logs.tree(Some(last + SETTLES_AFTER + 1))), some(&[], 0));
}

#[test]
fn other_roots_and_nested_ones_do_no_harm() {
    let logs = Logs::new(&["a/100.jsonl", "a/b/200.jsonl"]);
    let tree = logs.tree(SETTLED);
    let walk = |roots: &[&str], tree: &Tree| {
        let roots: Vec<_> = roots.iter().map(|root| logs.path(root)).collect();
        let found = logs.walk_of(&roots, Some(tree), None, &|_| {});
        (names(&found), found.listed, found.is_misled)
    };
    assert_eq!(walk(&["a"], &tree), (vec![], 2, false), "this root is not among them");
    for roots in [["", "a/b"], ["a/b", ""]] {
        let paths: Vec<_> = roots.iter().map(|root| logs.path(root)).collect();
        let tree = logs.walk_of(&paths, None, SETTLED, &|_| {}).tree.unwrap();
        await_another_time(logs.home.path());
        let (_, listed, is_misled) = walk(&roots, &tree);
        // Where the inner one was walked first, the folder that it is in can't vouch for it.
        assert!(listed <= 1 && !is_misled, "{roots:?}: {listed}");
        let new = logs.path("a/b").join(format!("new-{}.jsonl", roots[0].len()));
        fs::write(&new, "").unwrap();
        let (files, ..) = walk(&roots, &tree);
        assert!(files.iter().any(|file| new.ends_with(file)), "{roots:?}: {files:?}");
        fs::remove_file(new).unwrap();
    }
}

#[test]
fn a_tree_that_tells_of_folders_that_are_none_is_found_out() {
    let logs = Logs::new(&["a/100.jsonl", "b"]);
    let stamp = |folder: &Path| folder_stamp(&fs::metadata(folder).unwrap()).unwrap().0;
    for name in ["gone", "b"] {
        let mut tree = Tree::default();
        let root = tree.enter(0, logs.root.to_str().unwrap(), stamp(&logs.root)).unwrap();
        let below = tree.enter(1, name, 1).unwrap();
        tree.leave(below);
        tree.leave(root);
        let found = logs.walk_of(std::slice::from_ref(&logs.root), Some(&tree), None, &|_| {});
        assert!(found.is_misled, "{name}");
    }
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_lies_behind_links_is_looked_for_each_time() {
        let logs = Logs::new(&["a/100.jsonl", "b/200.jsonl", "c/300.jsonl"]);
        let elsewhere = tempfile::tempdir().unwrap();
        let elsewhere = elsewhere.path().canonicalize().unwrap();
        fs::create_dir_all(elsewhere.join("deep")).unwrap();
        symlink(&elsewhere, logs.path("a/link")).unwrap();
        symlink(elsewhere.join("later.jsonl"), logs.path("b/dangling")).unwrap();
        await_another_time(logs.home.path());
        let tree = logs.tree(SETTLED);
        assert_eq!(tree.len(), 4, "none below the link");
        // The two with links, and the two behind one of them.
        assert_eq!(logs.again(&tree), some(&[], 4));
        fs::write(elsewhere.join("deep/new.jsonl"), "").unwrap();
        fs::write(elsewhere.join("later.jsonl"), "").unwrap();
        let (files, _) = logs.again(&tree);
        // The second is met in the linked folder too.
        assert_eq!(files, ["later.jsonl", "later.jsonl", "new.jsonl"]);
    }

    #[test]
    fn a_folder_that_is_first_met_behind_a_link_is_never_lost() {
        // Which of both is met first depends on the order of the listing.
        for (link, real) in [("a/link", "z/real"), ("z/link", "a/real")] {
            let logs = Logs::new(&[&format!("{real}/100.jsonl"), &format!("{real}/in/100.jsonl")]);
            fs::create_dir_all(logs.path(link).parent().unwrap()).unwrap();
            symlink(logs.path(real), logs.path(link)).unwrap();
            await_another_time(logs.home.path());
            let tree = logs.tree(SETTLED);
            fs::remove_file(logs.path(link)).unwrap();
            logs.write(&format!("{real}/in/new.jsonl"));
            assert_eq!(logs.again(&tree).0, ["new.jsonl"]);
        }
    }

    #[test]
    fn a_time_that_was_set_back_hides_nothing() {
        let logs = Logs::new(&["a/100.jsonl"]);
        let tree = logs.tree(SETTLED);
        let folder = fs::File::open(logs.path("a")).unwrap();
        let before = folder.metadata().unwrap().modified().unwrap();
        logs.write("a/new.jsonl");
        folder.set_modified(before).unwrap();
        assert_eq!(logs.again(&tree), some(&["new.jsonl"], 1));
    }

    #[test]
    fn a_folder_in_the_place_of_another_of_the_same_time_is_another() {
        let logs = Logs::new(&["a/100.jsonl", "b/new.jsonl"]);
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        for folder in ["a", "b"] {
            fs::File::open(logs.path(folder)).unwrap().set_modified(time).unwrap();
        }
        let stamp = |folder: &str| folder_stamp(&fs::metadata(logs.path(folder)).unwrap());
        assert_ne!(stamp("a"), stamp("b"));
    }
}
