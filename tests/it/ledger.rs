//! The ledger in bad days: nothing is overwritten, and a sentence says what happened.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::process::Stdio;

use crate::lines::{CLAUDE_FILE, claude_spends};
use crate::world::World;

const NOON: &str = "2026-03-02T12:00:00Z";

/// $0.60 in the ledger.
fn with_a_ledger() -> World {
    let world = World::new().at(NOON);
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T10:00:00.000Z", "A", 60));
    world.poll_offline();
    world
}

#[test]
fn a_ledger_of_a_newer_version_is_left_alone() {
    let world = with_a_ledger();
    let file = world.ledger_file();
    let database = rusqlite::Connection::open(&file).expect("opens");
    database.pragma_update(None, "user_version", 9_999).expect("written");
    database.close().expect("closed");
    let before = fs::read(&file).expect("bytes");
    for arguments in [["poll", "--offline"], ["report", "--json"], ["status", "--json"]] {
        let output = world.run(arguments).exits_with(1);
        assert!(output.stderr.contains("newer"), "{}", output.stderr);
        assert_eq!(output.stdout, "");
    }
    assert!(fs::read(&file).expect("bytes") == before, "not a byte is written");
}

#[test]
fn a_corrupt_ledger_is_set_aside_and_the_logs_are_read_again() {
    for damage in [Damage::Rubbish, Damage::Header, Damage::Middle] {
        let world = with_a_ledger();
        let file = world.ledger_file();
        damage.do_to(&file);
        let broken = fs::read(&file).expect("bytes");
        let poll = world.run(["poll", "--offline"]).success();
        assert!(poll.stderr.contains("set aside"), "{damage:?}: {}", poll.all());
        assert_eq!(world.report("source")["totals"]["list_usd"], "0.6", "{damage:?}");
        let kept = world.files().iter().any(|(_, bytes)| *bytes == broken);
        assert!(kept, "{damage:?}: the broken file is kept as it is");
        let again = world.run(["poll", "--offline"]).success();
        assert!(!again.stderr.contains("set aside"), "{damage:?}: once: {}", again.stderr);
    }
}

#[derive(Debug)]
enum Damage {
    Rubbish,
    Header,
    Middle,
}

impl Damage {
    fn do_to(&self, file: &std::path::Path) {
        let length = fs::metadata(file).expect("a ledger").len();
        let mut open = fs::OpenOptions::new().read(true).write(true).open(file).expect("opens");
        match self {
            Self::Rubbish => fs::write(file, "this is no database\n".repeat(500)).expect("written"),
            Self::Header => open.write_all(&[0; 100]).expect("written"),
            Self::Middle => {
                // All pages but the first, so that no query can miss it.
                open.seek(SeekFrom::Start(4096)).expect("a place");
                let rest = usize::try_from(length.saturating_sub(4096)).expect("small");
                open.write_all(&vec![0xA5; rest]).expect("written");
            }
        }
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let world = World::new().at(NOON);
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T10:00:00.000Z", "A", 60));
    // Permissions stop nobody who is root; a file in place of the folder stops everybody.
    let file = world.path("no-folder");
    fs::write(&file, "").expect("written");
    let world = world.env("XDG_DATA_HOME", &file);
    let poll = world.run(["poll", "--offline"]).exits_with(1);
    assert!(poll.stderr.contains("no-folder"), "it says where: {}", poll.stderr);
}

#[test]
fn a_folder_without_write_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new().at(NOON);
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T10:00:00.000Z", "A", 60));
    let data = world.path("home/.local/share");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o555)).expect("read-only");
    let root_may_all_the_same = fs::write(data.join("probe"), "").is_ok();
    let poll = world.run(["poll", "--offline"]);
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).expect("writable");
    if !root_may_all_the_same {
        let poll = poll.exits_with(1);
        assert!(poll.stderr.contains(".local/share"), "it says where: {}", poll.stderr);
    }
}

#[test]
fn a_full_disk_is_said_and_what_was_recorded_stays() {
    let world = with_a_ledger();
    let before = world.report("source,model,session");
    // Far more than the limit below leaves room for: 20,000 sessions' worth of events.
    let mut lines = String::new();
    for index in 0..20_000 {
        lines.push_str(&claude_spends("2026-03-02T11:00:00.000Z", &format!("big{index}"), 3));
    }
    world.append(
        ".claude/projects/-home-ada-big/33333333-3333-4333-8333-333333333333.jsonl",
        &lines,
    );
    // A limit on the size of files stands in for the full disk: writing past it fails the same way.
    let output = world
        .command_under("ulimit -f 512; trap '' XFSZ; exec \"$@\"", ["poll", "--offline"])
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains("panicked") && !said.trim().is_empty(), "{said}");
    assert_eq!(world.report("source,model,session"), before, "all or nothing: {said}");
    // With room again, all of it is counted.
    world.poll_offline();
    // 40,000 + 20,000 x 2,000 output tokens.
    assert_eq!(world.report("source")["totals"]["tokens"]["output"], 40_040_000_u64);
}

#[test]
fn reading_commands_write_nothing() {
    let world = with_a_ledger();
    let bytes = fs::read(world.ledger_file()).expect("bytes");
    for arguments in
        [["report", "--json"], ["status", "--json"], ["sources", "--json"], ["alerts", "--json"]]
    {
        world.run(arguments).success();
    }
    assert!(fs::read(world.ledger_file()).expect("bytes") == bytes);
}
