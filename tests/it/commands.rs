//! The command line's manners: exit codes, help, pipes, the config's commands.

use std::fs;
use std::process::Stdio;

use crate::lines::{CLAUDE_FILE, claude_spends};
use crate::world::World;

const COMMANDS: [&str; 24] = [
    "status",
    "top",
    "report",
    "reconcile",
    "whatif",
    "energy",
    "yield",
    "export",
    "page",
    "poll",
    "check",
    "scan",
    "sources",
    "alerts",
    "doctor",
    "provider",
    "config",
    "budget",
    "plan",
    "guard",
    "key",
    "autostart",
    "mcp",
    "demo",
];

#[test]
fn wrong_usage_is_2_and_says_what_is_wrong() {
    let world = World::new().at("2026-03-02T12:00:00Z");
    let cases: [&[&str]; 11] = [
        &["nonsense"],
        &["--nonsense"],
        &["report", "--by", "nonsense"],
        &["report", "--since", "nonsense"],
        &["report", "--tz", "Nowhere/Land"],
        &["status", "--json", "--line"],
        &["budget", "set", "nonsense"],
        &["budget", "set", "-5", "--per", "day"],
        &["budget", "set", "5", "--per", "year"],
        &["key", "set"],
        &["demo", "--seconds", "nonsense"],
    ];
    for arguments in cases {
        let output = world
            .command([])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("spendbar starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(!said.trim().is_empty() && output.stdout.is_empty(), "{arguments:?}: {said}");
    }
}

#[test]
fn help_and_version_are_answers() {
    let world = World::new();
    let help = world.run(["--help"]).success().stdout;
    for command in COMMANDS {
        assert!(help.contains(command), "{command}: {help}");
        let own = world.run([command, "--help"]).success().stdout;
        assert!(own.contains("Usage:"), "{command}: {own}");
    }
    let version = world.run(["--version"]).success().stdout;
    assert_eq!(version, format!("spendbar {}\n", env!("CARGO_PKG_VERSION")));
    // Asking leaves no trace.
    assert!(world.files().is_empty(), "{:?}", world.files());
}

#[test]
fn a_broken_pipe_is_quiet() {
    let world = World::new().at("2026-03-02T12:00:00Z");
    let mut lines = String::new();
    for day in 1..=2 {
        for index in 0..500 {
            let at = format!("2026-03-{day:02}T10:00:00.000Z");
            let line = claude_spends(&at, &format!("{day}-{index}"), 3);
            lines.push_str(&line.replace("/home/ada/shop", &format!("/home/ada/shop-{index}")));
        }
    }
    world.append(CLAUDE_FILE, &lines);
    world.poll_offline();
    for arguments in [
        ["report", "--by=day,project"],
        ["report", "--json"],
        ["status", "--json"],
        ["sources", "--json"],
        ["alerts", "--json"],
        ["doctor", "--json"],
        ["--help", "--help"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = world
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .and_then(std::process::Child::wait_with_output)
            .expect("spendbar starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said, "", "{arguments:?}");
        // Gone by the signal, as programs in pipes go, or by itself.
        assert!(
            matches!(output.status.code(), Some(0) | None),
            "{arguments:?}: {:?}",
            output.status
        );
    }
    let output = world
        .command_under("\"$@\" | head -n 1; exit ${PIPESTATUS[1]}", ["report", "--by=day,project"])
        .output()
        .expect("a shell");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
}

#[test]
fn the_config_is_found_checked_and_never_changed_by_looking() {
    let world = World::new().at("2026-03-02T12:00:00Z").config("# Nothing yet.\n");
    let path = world.run(["config", "path"]).success().stdout;
    assert_eq!(path.trim_end(), world.config_file().to_string_lossy());
    world.run(["config", "check"]).success();
    let before = fs::read(world.config_file()).expect("the config");
    world.poll_offline();
    assert!(fs::read(world.config_file()).expect("the config") == before);
}

#[test]
fn mistakes_in_the_config_are_named_with_their_place() {
    for (text, named) in [
        ("[[budget]]\namount = \"a lot\"\nper = \"day\"\n", "amount"),
        ("[[budget]]\namount = 5\nper = \"year\"\n", "year"),
        ("[[budget]]\namount = 5\nper = \"day\"\nthresholds = [0]\n", "threshold"),
        ("[[budget]]\namount = 5\nper = \"day\"\nsources = [\"nobody\"]\n", "nobody"),
        ("[providers.nobody]\nbase_url = \"https://example.org\"\n", "nobody"),
        ("headline = \"nonsense\"\n", "nonsense"),
        ("colour = \"red\"\n", "colour"),
        ("[[budget]\n", "config.toml:1"),
    ] {
        let world = World::new().at("2026-03-02T12:00:00Z").config(text);
        let check = world.run(["config", "check"]).exits_with(1);
        assert!(check.all().contains(named), "{text}: {}", check.all());
        assert!(check.all().contains("config.toml"), "{text}: {}", check.all());
    }
}

#[test]
fn a_config_that_is_not_there_is_no_mistake() {
    let world = World::new().at("2026-03-02T12:00:00Z");
    world.run(["config", "check"]).success();
    world.poll_offline();
    world.run(["status"]).success();
}

#[test]
fn the_clocks_variable_has_to_be_a_time() {
    let world = World::new().at("nonsense");
    let output = world.run(["status"]).exits_with(1);
    assert!(output.stderr.contains("SPENDBAR_CLOCK"), "{}", output.stderr);
}
