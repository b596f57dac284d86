//! Files that change in other ways than by growing, and bytes that are no log at all.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::fixtures::{Fold, places, read};
use crate::sources::{Known, SOURCES, SourceError, find};
use crate::spend::{KnownFile, Tree};

fn claude_line(id: u32, output: u64) -> String {
    format!(
        r#"{{"type":"assistant","timestamp":"2026-03-02T09:00:00.000Z","sessionId":"s","cwd":"/w","requestId":"req_{id}","message":{{"id":"msg_{id}","model":"claude-sonnet-4-5","usage":{{"input_tokens":1,"output_tokens":{output}}}}}}}"#
    ) + "\n"
}

fn claude_home() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".claude/projects/-w/s.jsonl");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    (home, file)
}

/// Output tokens counted so far.
fn output(fold: &Fold) -> u64 {
    fold.total().output
}

#[test]
fn a_file_rewritten_at_the_same_size_is_read_again() {
    let (home, file) = claude_home();
    let mut fold = Fold::default();
    fs::write(&file, claude_line(1, 10) + &claude_line(2, 20)).unwrap();
    fold.look("claude-code", home.path(), None);
    assert_eq!(output(&fold), 30);
    // Only the middle differs, so neither the first nor the last bytes tell.
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, claude_line(3, 40) + &claude_line(2, 20)).unwrap();
    let later = before + std::time::Duration::from_secs(5);
    fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
    fold.look("claude-code", home.path(), None);
    assert_eq!(output(&fold), 70);
}

#[test]
fn a_file_cut_short_or_replaced_is_read_again_and_keeps_its_usage() {
    let (home, file) = claude_home();
    let mut fold = Fold::default();
    fs::write(&file, claude_line(1, 10) + &claude_line(2, 20)).unwrap();
    fold.look("claude-code", home.path(), None);
    fs::write(&file, claude_line(3, 5)).unwrap();
    fold.look("claude-code", home.path(), None);
    assert_eq!(output(&fold), 35);
    // Rotated: another file under the same name, longer than what was read.
    fs::rename(&file, home.path().join("old")).unwrap();
    fs::write(&file, (4..9).map(|id| claude_line(id, 100)).collect::<String>()).unwrap();
    fold.look("claude-code", home.path(), None);
    assert_eq!(output(&fold), 535);
}

#[test]
fn a_deleted_file_loses_its_mark_and_keeps_its_usage() {
    let (home, file) = claude_home();
    let mut fold = Fold::default();
    fs::write(&file, claude_line(1, 10)).unwrap();
    fold.look("claude-code", home.path(), None);
    assert_eq!(fold.marks.len(), 1);
    fs::remove_file(&file).unwrap();
    fold.look("claude-code", home.path(), None);
    assert_eq!((fold.marks.len(), output(&fold)), (0, 10));
    // Restored, it is read again and changes nothing.
    fs::write(&file, claude_line(1, 10)).unwrap();
    fold.look("claude-code", home.path(), Some(std::slice::from_ref(&file)));
    assert_eq!((fold.marks.len(), output(&fold)), (1, 10));
    // A root that is gone altogether (an unplugged disk) forgets nothing.
    fs::rename(home.path().join(".claude"), home.path().join("away")).unwrap();
    let reading = read("claude-code", &places(home.path()), &fold.marks, None);
    assert_eq!(reading, Err(SourceError::NotInstalled));
}

#[test]
fn a_reading_is_bounded_and_says_that_there_is_more() {
    let (home, file) = claude_home();
    fs::write(&file, (0..45_000).map(|id| claude_line(id, 1)).collect::<String>()).unwrap();
    let first = read("claude-code", &places(home.path()), &Default::default(), None).unwrap();
    // A large file is read in windows, and the reading ends with one.
    assert!((8_000..45_000).contains(&first.usages.len()) && first.more);
    let mut fold = Fold::default();
    fold.look("claude-code", home.path(), None);
    assert_eq!(output(&fold), 45_000);
}

#[test]
fn a_line_of_100_mb_is_read() {
    let (home, file) = claude_home();
    let long =
        claude_line(1, 7).replacen("{", &format!("{{\"x\":\"{}\",", "y".repeat(100 << 20)), 1);
    fs::write(&file, long + &claude_line(2, 8)).unwrap();
    let mut fold = Fold::default();
    fold.look("claude-code", home.path(), None);
    assert_eq!((output(&fold), fold.problems), (15, 0));
}

#[cfg(unix)]
#[test]
fn a_folder_without_permission_is_a_problem_and_the_rest_goes_on() {
    use std::os::unix::fs::PermissionsExt;
    let (home, file) = claude_home();
    fs::write(&file, claude_line(1, 10)).unwrap();
    let locked = home.path().join(".claude/projects/locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&locked).is_ok() {
        return; // The superuser may read everything.
    }
    let mut fold = Fold::default();
    fold.look("claude-code", home.path(), None);
    assert_eq!((output(&fold), fold.problems), (10, 1));
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn roots_follow_the_environment_and_the_config() {
    use crate::sources::find;
    let home = Path::new("/home/ada");
    let mut places = places(home);
    let of = |id: &str, places: &_| -> Vec<String> {
        let roots = find(id).unwrap().roots(places);
        roots.iter().map(|root| root.to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        of("claude-code", &places),
        ["/home/ada/.config/claude/projects", "/home/ada/.claude/projects"]
    );
    assert_eq!(
        of("codex", &places),
        ["/home/ada/.codex/sessions", "/home/ada/.codex/archived_sessions"]
    );
    places.variables.insert("CLAUDE_CONFIG_DIR".into(), "~/a, /b/projects".into());
    places.variables.insert("CODEX_HOME".into(), "/c,/d".into());
    assert_eq!(of("claude-code", &places), ["/home/ada/a/projects", "/b/projects"]);
    assert_eq!(
        of("codex", &places),
        ["/c/sessions", "/c/archived_sessions", "/d/sessions", "/d/archived_sessions"]
    );
    places.roots.insert("codex".into(), vec!["/e".into()]);
    places.roots.insert("claude-code".into(), vec!["/f".into()]);
    assert_eq!(of("codex", &places), ["/e/sessions", "/e/archived_sessions"]);
    assert_eq!(of("claude-code", &places), ["/f/projects"]);
}

/// Real lines of both agents, to be broken.
const LINES: &[&str] = &[
    r#"{"type":"assistant","timestamp":"2026-03-02T09:00:00.000Z","requestId":"r","message":{"id":"m","model":"c","usage":{"input_tokens":1,"output_tokens":2,"iterations":[{"type":"advisor_message","input_tokens":3}]}},"costUSD":0.5}"#,
    r#"{"timestamp":"2026-03-02T09:00:00.000Z","type":"session_meta","payload":{"id":"a","forked_from_id":"b","history_base":null}}"#,
    r#"{"timestamp":"2026-03-02T09:00:00.000Z","type":"session_meta","payload":{"id":"c","history_base":{"thread_id":"a","end_byte_offset":12}}}"#,
    r#"{"timestamp":"2026-03-02T09:00:00.000Z","type":"turn_context","payload":{"model":"gpt-5.4","cwd":"/w"}}"#,
    r#"{"timestamp":"2026-03-02T09:00:00.000Z","type":"event_msg","payload":{"type":"task_started","turn_id":"017F22E2-79B0-7CC3-98C4-DC0C0C07398F","started_at":99}}"#,
    r#"{"timestamp":"2026-03-02T09:00:01.000Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":5,"output_tokens":1},"last_token_usage":{"input_tokens":5,"output_tokens":1}},"rate_limits":{"plan_type":"pro"}}}"#,
    r#"{"timestamp":"2026-03-02T09:00:02.000Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":9,"output_tokens":2}}}}"#,
];

/// One line: real, cut, with a byte changed, or any bytes.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let real = (0..LINES.len()).prop_map(|at| LINES[at].as_bytes().to_vec());
    let broken = (real.clone(), any::<proptest::sample::Index>(), any::<u8>(), any::<bool>())
        .prop_map(|(mut line, at, byte, cut)| {
            let at = at.index(line.len());
            line[at] = byte;
            if cut {
                line.truncate(at);
            }
            line
        });
    let huge = (real.clone(), any::<u64>()).prop_map(|(line, count)| {
        String::from_utf8(line).unwrap().replace(":5,", &format!(":{count},")).into_bytes()
    });
    prop_oneof![4 => real, 3 => broken, 1 => huge, 1 => any::<Vec<u8>>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_bytes_are_read_without_a_panic_and_in_steps_as_at_once(
        lines in proptest::collection::vec(line(), 0..14),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..4),
    ) {
        let bytes = lines.join(&b'\n');
        for (source, file) in [
            ("claude-code", ".claude/projects/-w/s.jsonl"),
            ("codex", ".codex/sessions/2026/03/02/rollout-x.jsonl"),
        ] {
            let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            at.push(bytes.len());
            at.sort_unstable();
            let look = |steps: &[usize]| {
                let home = tempfile::tempdir().unwrap();
                let file = home.path().join(file);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                let mut fold = Fold::default();
                for step in steps {
                    fs::write(&file, &bytes[..*step]).unwrap();
                    fold.look(source, home.path(), None);
                }
                fold
            };
            let (once, stepped) = (look(&[bytes.len()]), look(&at));
            prop_assert_eq!(&once.events, &stepped.events);
        }
    }
}

/// What a comparison finds after the looks of `fold`: the names of the files to be read.
fn compared(source: &str, home: &Path, fold: &Fold, recent: Option<usize>) -> Option<Vec<PathBuf>> {
    let stamps = fold.marks.iter().map(|(name, mark)| KnownFile::of(name, mark)).collect();
    let (newest, all) = (recent.unwrap_or(1_000), recent.is_none());
    let known = Known { stamps, tree: Tree::default(), newest, all, began: i64::MAX };
    let changes = find(source).unwrap().changes(&places(home), known, &|_| {})?;
    assert_eq!(changes.left_out, recent.is_some_and(|recent| recent < fold.marks.len()));
    Some(changes.files)
}

#[test]
fn a_comparison_finds_what_is_new_and_what_changed_and_nothing_else() {
    let (home, file) = claude_home();
    let [other, new] = ["other.jsonl", "new.jsonl"].map(|name| file.with_file_name(name));
    let mut fold = Fold::default();
    fs::write(&file, claude_line(1, 10)).unwrap();
    fs::write(&other, claude_line(2, 20)).unwrap();
    fold.look("claude-code", home.path(), None);
    let found = |fold: &Fold| {
        let mut found = compared("claude-code", home.path(), fold, None).unwrap();
        found.sort();
        found
    };
    assert!(found(&fold).is_empty());
    fs::write(&other, claude_line(2, 20) + &claude_line(3, 30)).unwrap();
    fs::write(&new, claude_line(4, 40)).unwrap();
    let changed = found(&fold);
    assert_eq!(changed, [new, other].map(|file| file.canonicalize().unwrap()));
    fold.look("claude-code", home.path(), Some(&changed));
    assert_eq!(output(&fold), 100);
    assert!(found(&fold).is_empty());
}

#[test]
fn a_bounded_comparison_leaves_old_files_to_the_full_one() {
    let (home, file) = claude_home();
    let files: Vec<PathBuf> = (0..10).map(|n| file.with_file_name(format!("{n}.jsonl"))).collect();
    let write = |n: usize, lines: &str, day: u64| {
        fs::write(&files[n], lines).unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(86_400 * day);
        fs::File::options().write(true).open(&files[n]).unwrap().set_modified(time).unwrap();
    };
    (0..10).for_each(|n| write(n, &claude_line(n as u32, 1), 100 + n as u64));
    let mut fold = Fold::default();
    fold.look("claude-code", home.path(), None);
    // While the program did not run: an old log and a new one grew, an old one is gone, one is new.
    write(0, &(claude_line(0, 1) + &claude_line(20, 1)), 200);
    write(9, &(claude_line(9, 1) + &claude_line(21, 1)), 200);
    fs::remove_file(&files[1]).unwrap();
    let new = file.with_file_name("new.jsonl");
    fs::write(&new, claude_line(22, 1)).unwrap();

    let mut first = compared("claude-code", home.path(), &fold, Some(3)).unwrap();
    first.sort();
    assert_eq!(first, [&files[9], &new].map(|file| file.canonicalize().unwrap()));
    fold.look("claude-code", home.path(), Some(&first));
    assert_eq!(output(&fold), 12);

    assert_eq!(compared("claude-code", home.path(), &fold, None), None, "one is gone");
    fold.look("claude-code", home.path(), None);
    assert_eq!(output(&fold), 13);
    assert_eq!(fold.marks.len(), 10);
    assert_eq!(compared("claude-code", home.path(), &fold, None), Some(Vec::new()));
}

#[cfg(unix)]
#[test]
fn a_comparison_says_nothing_where_a_folder_is_closed() {
    use std::os::unix::fs::symlink;
    let (home, file) = claude_home();
    fs::write(&file, claude_line(1, 10)).unwrap();
    let mut fold = Fold::default();
    fold.look("claude-code", home.path(), None);
    // A root that can't be resolved: closed to nobody, but no folder either.
    let root = home.path().join(".config/claude/projects");
    fs::create_dir_all(root.parent().unwrap()).unwrap();
    symlink(&root, &root).unwrap();
    assert_eq!(compared("claude-code", home.path(), &fold, None), None);
}

#[test]
fn after_its_looks_every_fixture_compares_equal_or_not_at_all() {
    let mut compare = 0;
    for source in SOURCES.iter().filter(|source| source.compares()) {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents");
        let Ok(cases) = fs::read_dir(cases.join(source.info().id)) else { continue };
        for case in cases {
            let home = case.unwrap().path().join("home");
            let mut fold = Fold::default();
            fold.look(source.info().id, &home, None);
            let waits: Vec<_> = fold.marks.iter().filter(|(_, mark)| mark.waits()).collect();
            let found = compared(source.info().id, &home, &fold, None).unwrap_or_default();
            assert!(found.len() <= waits.len(), "{found:?}");
            compare += 1;
        }
    }
    assert!(compare > 10, "{compare}");
}
