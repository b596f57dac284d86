//! What has to hold for every history.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

use super::generate::{Change, History, Truth, append, claude, codex};
use crate::sources::agents::fixtures::{Fold, files_below, places, read};
use crate::spend::{Reading, TokenCounts};

/// A plan of either agent. Plans are what a failure shows: they are shorter than what comes of them.
#[derive(Clone, Debug)]
enum Plan {
    Claude(Vec<claude::Step>),
    Codex(Vec<codex::Step>),
}

impl Plan {
    fn play(&self) -> (&'static str, History) {
        match self {
            Self::Claude(plan) => ("claude-code", claude::play(plan)),
            Self::Codex(plan) => ("codex", codex::play(plan)),
        }
    }
}

fn any_plan() -> impl Strategy<Value = Plan> {
    prop_oneof![
        1 => claude::plan(24).prop_map(Plan::Claude),
        3 => codex::plan(30).prop_map(Plan::Codex),
    ]
}

fn kinds(tokens: &TokenCounts) -> [u64; 6] {
    [
        tokens.input,
        tokens.cache_read,
        tokens.cache_write_5m,
        tokens.cache_write_1h,
        tokens.output,
        tokens.reasoning,
    ]
}

/// What counts in the end, by day and model.
pub fn counted(fold: &Fold) -> Truth {
    let mut sums = Truth::new();
    for usage in fold.counted() {
        let key = (usage.at.date_naive().to_string(), usage.model.as_deref().map(str::to_owned));
        sums.entry(key).or_default().add(kinds(&usage.tokens));
    }
    sums
}

/// What counts in the end, event by event.
pub fn events(fold: &Fold) -> BTreeMap<String, String> {
    fold.counted().map(|usage| (format!("{:?}", usage.key), format!("{usage:?}"))).collect()
}

/// Looks at everything once.
pub fn look(source: &str, home: &Path) -> Fold {
    let mut fold = Fold::default();
    fold.look(source, home, None);
    fold
}

/// Looks at one file after the other, in some order.
pub fn look_in_order(source: &str, home: &Path, order: u64) -> Fold {
    let mut files = files_below(home);
    fastrand::Rng::with_seed(order).shuffle(&mut files);
    let mut fold = Fold::default();
    for file in &files {
        fold.look(source, home, Some(&[home.join(file)]));
    }
    fold
}

/// Makes the changes one after the other, those of text in pieces, and looks in between: at all
/// files, or only at the one that changed.
fn look_while_it_happens(source: &str, history: &History, home: &Path, cuts: &[(u16, u8)]) -> Fold {
    let mut fold = Fold::default();
    let mut cuts = cuts.iter().cycle();
    let glance = |fold: &mut Fold, file: &str, how: u8| match how % 4 {
        0 => {}
        1 => fold.look(source, home, None),
        _ => fold.look(source, home, Some(&[home.join(file)])),
    };
    for change in &history.changes {
        match change {
            Change::Append { file, text } => {
                let mut rest = text.as_bytes();
                while let Some((cut, how)) = cuts.next().filter(|_| !rest.is_empty()) {
                    let cut = rest.len() * usize::from(*cut) / 65536 + 1;
                    append(home, file, &rest[..cut]);
                    rest = &rest[cut..];
                    glance(&mut fold, file, *how);
                }
            }
            Change::Move { from, to } | Change::Copy { from, to } => {
                change.make(home);
                glance(&mut fold, from, 2);
                glance(&mut fold, to, 2);
            }
            Change::Pack { file, .. } => {
                change.make(home);
                glance(&mut fold, &format!("{file}.zst"), 2);
            }
        }
    }
    fold.look(source, home, None);
    fold
}

fn cuts() -> impl Strategy<Value = Vec<(u16, u8)>> {
    proptest::collection::vec(any::<(u16, u8)>(), 1..12)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_counted_is_the_truth(plan in any_plan()) {
        let (source, history) = plan.play();
        let home = tempfile::tempdir().unwrap();
        history.write(home.path());
        let fold = look(source, home.path());
        prop_assert_eq!(counted(&fold), history.truth);
        prop_assert_eq!((fold.problems, fold.unmetered), (0, 0));
    }

    #[test]
    fn the_order_of_files_changes_nothing(
        plan in any_plan(),
        order: u64,
    ) {
        let (source, history) = plan.play();
        let home = tempfile::tempdir().unwrap();
        history.write(home.path());
        let fold = look_in_order(source, home.path(), order);
        prop_assert_eq!(events(&fold), events(&look(source, home.path())));
        prop_assert_eq!(counted(&fold), history.truth);
    }

    #[test]
    fn reading_in_steps_is_reading_at_once(
        plan in any_plan(),
        cuts in cuts(),
    ) {
        let (source, history) = plan.play();
        let home = tempfile::tempdir().unwrap();
        let mut fold = look_while_it_happens(source, &history, home.path(), &cuts);
        prop_assert_eq!(counted(&fold), history.truth);
        prop_assert_eq!(events(&fold), events(&look(source, home.path())));
        // Nothing is new, and read once more from the start nothing changes.
        let again = read(source, &places(home.path()), &fold.marks, None).unwrap();
        prop_assert_eq!(again, Reading::default());
        let before = events(&fold);
        fold.marks.clear();
        fold.look(source, home.path(), None);
        prop_assert_eq!(events(&fold), before);
    }

    #[test]
    fn a_fork_that_is_gone_never_raises_a_total(plan in codex::plan(30), which: Index) {
        let history = codex::play(&plan);
        prop_assume!(!history.parents.is_empty());
        let home = tempfile::tempdir().unwrap();
        history.write(home.path());
        let forks: Vec<_> = history.parents.keys().collect();
        let fork = forks[which.index(forks.len())];
        remove(home.path(), fork);
        for (key, sums) in counted(&look("codex", home.path())) {
            let truth = history.truth.get(&key).copied().unwrap_or_default();
            prop_assert!(sums.is_within(&truth), "{key:?}: {sums:?}, truly {truth:?}");
        }
    }

    #[test]
    fn a_parent_that_comes_back_brings_the_truth(plan in codex::plan(30), which: Index) {
        let history = codex::play(&plan);
        prop_assume!(!history.parents.is_empty());
        let home = tempfile::tempdir().unwrap();
        history.write(home.path());
        let parents: Vec<_> = history.parents.values().collect();
        let parent = parents[which.index(parents.len())];
        let away = remove(home.path(), parent);
        let mut fold = look("codex", home.path());
        for (key, sums) in counted(&fold) {
            let truth = history.truth.get(&key).copied().unwrap_or_default();
            prop_assert!(sums.is_within(&truth), "{key:?}: {sums:?}, truly {truth:?}");
        }
        let before = events(&fold);
        for (path, bytes) in away {
            fs::write(path, bytes).unwrap();
        }
        fold.look("codex", home.path(), None);
        prop_assert_eq!(counted(&fold), history.truth);
        let after = events(&fold);
        for (key, event) in before {
            prop_assert_eq!(after.get(&key), Some(&event), "a known event changed");
        }
    }
}

/// `PROPTEST_CASES` asks for more. Each case makes files, so shrinking is given a limit.
fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse::<u32>().ok());
    ProptestConfig {
        cases: asked.unwrap_or(64),
        // Some plans have no fork.
        max_global_rejects: asked.unwrap_or(64) * 2 + 1024,
        max_shrink_time: 60_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Takes away all copies of a thread's file and returns them.
fn remove(home: &Path, file: &str) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let name = file.rsplit('/').next().unwrap();
    let mut away = Vec::new();
    for file in files_below(home) {
        let path = home.join(&file);
        if file.file_name().unwrap().to_str().unwrap().trim_end_matches(".zst") == name {
            away.push((path.clone(), fs::read(&path).unwrap()));
            fs::remove_file(path).unwrap();
        }
    }
    away
}

/// Each is far above the size from which several threads share a file.
#[test]
fn a_log_that_several_threads_share_gives_the_truth() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut claude_plan = Vec::new();
    let mut codex_plan = Vec::new();
    while claude_plan.len() < 2400 {
        let step = claude::plan(2).new_tree(&mut runner).unwrap().current().remove(0);
        if matches!(step.what, claude::What::Answer(_)) {
            let what = claude::What::Other(252);
            claude_plan.extend([step, claude::Step { who: 0, gap: 1, what }]);
        }
        let step = codex::plan(2).new_tree(&mut runner).unwrap().current().remove(0);
        if matches!(step.what, codex::What::Request(_) | codex::What::Turn(_)) {
            let what = codex::What::Talk(255);
            codex_plan.extend([step, codex::Step { who: 0, gap: 1, what }]);
        }
    }
    for (source, history) in
        [("claude-code", claude::play(&claude_plan)), ("codex", codex::play(&codex_plan))]
    {
        let home = tempfile::tempdir().unwrap();
        history.write(home.path());
        let sizes = files_below(home.path()).into_iter().map(|file| home.path().join(file));
        let size: u64 = sizes.map(|file| fs::metadata(file).unwrap().len()).sum();
        assert!(size > 8 << 20, "{source}: {size}");
        assert_eq!(counted(&look(source, home.path())), history.truth, "{source}");
    }
}
