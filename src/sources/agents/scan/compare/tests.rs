use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::mark::Stamp;
use super::super::testing::await_another_time;
use super::*;
use crate::spend::Mark;

/// So many files count as the newest.
const NEWEST: usize = 3;

/// Logs, and what is known of them.
struct World {
    home: tempfile::TempDir,
    root: PathBuf,
    stamps: Stamps,
    tree: Tree,
    /// Seconds; each change of a file has its own.
    time: u64,
}

impl World {
    fn new(files: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().canonicalize().unwrap().join("logs");
        fs::create_dir(&root).unwrap();
        let (stamps, tree) = (Stamps::default(), Tree::default());
        let mut world = Self { home, root, stamps, tree, time: 1_000_000_000 };
        for file in files {
            let path = world.root.join(file);
            world.write(&path);
            world.read(&path);
        }
        world
    }

    /// A log with these files that were read, and its folders.
    fn known(files: &[&str]) -> Self {
        let mut world = Self::new(files);
        await_another_time(world.home.path());
        let found = world.compare(true, true).unwrap();
        assert!(found.files.is_empty() && !found.left_out);
        world.tree = found.tree.unwrap();
        await_another_time(world.home.path());
        world
    }

    /// Makes a file, or has it grow.
    fn write(&mut self, path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut text = fs::read(path).unwrap_or_default();
        text.push(b'x');
        fs::write(path, text).unwrap();
        self.time += 1;
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(self.time)).unwrap();
    }

    /// Takes in that a file was read, or is gone.
    fn read(&mut self, path: &Path) {
        let mark = fs::metadata(path).ok().map(|metadata| {
            let stamp = Stamp::of(&metadata);
            Mark { size: stamp.size, modified_nanos: stamp.modified_nanos, ..Mark::default() }
        });
        self.stamps.note(path.to_str().unwrap(), mark.as_ref());
    }

    fn compare(&self, all: bool, with_tree: bool) -> Option<Changes> {
        let is_log = |path: &Path| path.extension().is_some_and(|end| end == "jsonl");
        let tree = if with_tree { self.tree.clone() } else { Tree::default() };
        let known =
            Known { stamps: self.stamps.clone(), tree, newest: NEWEST, all, began: i64::MAX };
        changes(std::slice::from_ref(&self.root), &[(&is_log, 6)], known, &|_| {})
    }

    /// What a start finds, by names below the root.
    fn start(&self) -> (Vec<String>, Option<Tree>) {
        let found = self.compare(false, true).unwrap();
        assert!(found.left_out);
        let name = |file: &PathBuf| file.strip_prefix(&self.root).unwrap().display().to_string();
        let mut files: Vec<_> = found.files.iter().map(name).collect();
        files.sort();
        (files, found.tree)
    }
}

const OLD: &[&str] = &["a/1.jsonl", "a/b/2.jsonl", "c/3.jsonl", "c/4.jsonl", "d/5.jsonl"];

fn with_new(new: &[&'static str]) -> Vec<&'static str> {
    OLD.iter().chain(new).copied().collect()
}

#[test]
fn a_start_finds_new_files_and_what_the_newest_became() {
    let mut world = World::known(&with_new(&["d/6.jsonl", "e/7.jsonl"]));
    assert_eq!(world.start(), (vec![], None));
    // While the program did not run.
    for file in ["a/b/new.jsonl", "e/7.jsonl", "a/1.jsonl"] {
        world.write(&world.root.join(file));
    }
    let found = vec!["a/b/new.jsonl".to_owned(), "e/7.jsonl".to_owned()];
    assert_eq!(world.start(), (found, None), "an old log is left to the look at all of them");
    let mut all = world.compare(true, true).unwrap().files;
    all.sort();
    assert_eq!(all, ["a/1.jsonl", "a/b/new.jsonl", "e/7.jsonl"].map(|file| world.root.join(file)));
}

#[test]
fn an_old_log_that_grew_while_the_program_ran_misleads_one_start_and_no_other() {
    let mut world = World::known(&with_new(&["d/6.jsonl", "e/7.jsonl"]));
    let old = world.root.join("a/1.jsonl");
    world.write(&old);
    world.read(&old);
    // Now it is one of the newest, and grows again while the program does not run.
    world.write(&old);
    let (files, tree) = world.start();
    assert_eq!(files, ["a/1.jsonl"]);
    world.tree = tree.expect("another tree");
    assert_eq!(world.start(), (vec!["a/1.jsonl".to_owned()], None));
}

#[test]
fn one_of_the_newest_that_is_gone_does_not_have_the_tree_written_at_each_start() {
    let mut world = World::known(&with_new(&["d/6.jsonl", "e/7.jsonl"]));
    fs::remove_file(world.root.join("e/7.jsonl")).unwrap();
    await_another_time(world.home.path());
    let (files, tree) = world.start();
    assert!(files.is_empty());
    world.tree = tree.expect("another tree");
    assert_eq!(world.start(), (vec![], None));
    assert!(world.compare(true, true).is_none(), "only a look at everything tells what is gone");
}

#[test]
fn a_tree_is_given_once_and_only_where_a_start_leaves_files_out() {
    let mut world = World::known(OLD);
    assert!(world.compare(true, true).unwrap().tree.is_none(), "it is known already");
    let is_log = |path: &Path| path.extension().is_some_and(|end| end == "jsonl");
    let give = |kinds: &[Kind<'_>], newest: usize| {
        let (stamps, tree) = (world.stamps.clone(), Tree::default());
        let known = Known { stamps, tree, newest, all: true, began: i64::MAX };
        let found = changes(std::slice::from_ref(&world.root), kinds, known, &|_| {});
        found.unwrap().tree.is_some()
    };
    assert!(give(&[(&is_log, 6)], OLD.len() - 1));
    assert!(!give(&[(&is_log, 6)], OLD.len()));
    assert!(!give(&[(&is_log, 6), (&|_| false, 6)], OLD.len() - 1));
    // A start that nothing is known for lists everything, and may as well remember it.
    world.tree = Tree::default();
    assert!(world.start().1.is_some());
}

/// What happens to a tree of logs.
#[derive(Clone, Debug)]
enum Step {
    Grow(Index),
    Make(Index, u8),
    Remove(Index),
    MakeAgain(Index),
    Rename(Index, u8),
    RemoveFolder(Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<Index>().prop_map(Step::Grow),
        3 => (any::<Index>(), 0..12_u8).prop_map(|(folder, name)| Step::Make(folder, name)),
        1 => any::<Index>().prop_map(Step::Remove),
        1 => any::<Index>().prop_map(Step::MakeAgain),
        1 => (any::<Index>(), 0..4_u8).prop_map(|(folder, name)| Step::Rename(folder, name)),
        1 => any::<Index>().prop_map(Step::RemoveFolder),
    ]
}

fn below(folder: &Path, files: &mut BTreeSet<PathBuf>, folders: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            folders.push(entry.clone());
            below(&entry, files, folders);
        } else {
            files.insert(entry);
        }
    }
}

impl World {
    fn files(&self) -> BTreeSet<PathBuf> {
        let mut files = BTreeSet::new();
        below(&self.root, &mut files, &mut Vec::new());
        files
    }

    fn take(&mut self, step: &Step) {
        let (mut files, mut folders) = (BTreeSet::new(), Vec::new());
        below(&self.root, &mut files, &mut folders);
        let files: Vec<_> = files.into_iter().collect();
        let one = |from: &[PathBuf], at: &Index| (!from.is_empty()).then(|| at.get(from).clone());
        match step {
            Step::Grow(at) => {
                if let Some(file) = one(&files, at) {
                    self.write(&file);
                }
            }
            Step::Make(at, name) => {
                folders.push(self.root.clone());
                let folder = at.get(&folders);
                let file = match name % 4 {
                    0 => format!("new/er/{name}.jsonl"),
                    1 => format!("new/{name}.jsonl"),
                    _ => format!("{name}.jsonl"),
                };
                // Not deeper than is looked.
                if folder.strip_prefix(&self.root).unwrap().components().count() < 5 {
                    self.write(&folder.join(file));
                }
            }
            Step::Remove(at) => {
                if let Some(file) = one(&files, at) {
                    fs::remove_file(file).unwrap();
                }
            }
            Step::MakeAgain(at) => {
                if let Some(file) = one(&files, at) {
                    fs::remove_file(&file).unwrap();
                    self.write(&file);
                }
            }
            Step::Rename(at, name) => {
                if let Some(folder) = one(&folders, at) {
                    let other = folder.with_file_name(format!("other{name}"));
                    if !other.exists() {
                        fs::rename(folder, other).unwrap();
                    }
                }
            }
            Step::RemoveFolder(at) => {
                if let Some(folder) = one(&folders, at) {
                    fs::remove_dir_all(folder).unwrap();
                }
            }
        }
    }
}

fn sorted(found: Option<Changes>) -> Option<Vec<PathBuf>> {
    let mut files = found?.files;
    files.sort();
    Some(files)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A start finds with the tree what it finds without, whatever happened since the tree was made,
    /// and the look at everything that follows finds the rest.
    #[test]
    fn a_start_that_lists_less_finds_no_less(
        running in prop::collection::vec(step(), 0..5),
        stopped in prop::collection::vec(step(), 0..5),
        further in prop::collection::vec(step(), 0..3),
    ) {
        let first = ["1.jsonl", "a/2.jsonl", "a/3.jsonl", "a/b/4.jsonl", "c/5.jsonl", "c/d/e/6.jsonl", "f/7.jsonl"];
        let mut world = World::known(&first);
        // While the program runs it reads what it is told of.
        let before = world.files();
        running.iter().for_each(|step| world.take(step));
        let after = world.files();
        for file in before.union(&after) {
            world.read(file);
        }
        for steps in [stopped, further] {
            await_another_time(world.home.path());
            steps.iter().for_each(|step| world.take(step));
            let everything = sorted(world.compare(true, false));
            prop_assert_eq!(&sorted(world.compare(true, true)), &everything);

            let (without, with) = (world.compare(false, false), world.compare(false, true));
            prop_assert_eq!(
                without.as_ref().map(|found| found.left_out),
                with.as_ref().map(|found| found.left_out)
            );
            if let Some(tree) = with.as_ref().and_then(|found| found.tree.clone()) {
                world.tree = tree;
            }
            let (without, with) = (sorted(without), sorted(with));
            prop_assert_eq!(&with, &without);
            for file in with.iter().flatten() {
                world.read(file);
            }
            let rest = world.compare(true, true);
            let tree = rest.as_ref().and_then(|found| found.tree.clone());
            if let (Some(with), Some(rest)) = (with, sorted(rest)) {
                let both: BTreeMap<_, ()> = with.into_iter().chain(rest).map(|f| (f, ())).collect();
                prop_assert_eq!(Some(both.into_keys().collect()), everything);
            }
            world.tree = tree.unwrap_or(world.tree.clone());
            // One that is gone has everything read.
            for file in world.files() {
                world.read(&file);
            }
        }
    }
}
