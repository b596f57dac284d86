//! The snippets for bars and prompts in `assets/snippets`: the command that each of them holds is run
//! with the built program, and what it prints has the form that the bar wants.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::lines::{CLAUDE_FILE, claude_spends};
use crate::world::World;

const NOON: &str = "2026-03-02T12:00:00Z";
const LINE: &str = "≈$0.60 30%";

fn snippet(name: &str) -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/snippets").join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    (path, text)
}

/// What stands between two texts of a snippet.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let start = text.find(before).unwrap_or_else(|| panic!("{before} in {text}")) + before.len();
    let end = text[start..].find(after).unwrap_or_else(|| panic!("{after} in {text}"));
    &text[start..start + end]
}

/// $0.60 of a daily budget of $2.
fn world() -> World {
    let world =
        World::new().at(NOON).config("[[budget]]\nname = \"daily\"\namount = 2\nper = \"day\"\n");
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:00:00.000Z", "A", 60));
    world.poll_offline();
    world
}

/// Runs a command of a snippet as a bar would, with the built program as `spendbar`.
fn printed(world: &World, command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_spendbar")).parent().expect("a folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = world.command_under("exec sh -c \"$SNIPPET\"", []);
    let told = shell.env("SNIPPET", command).env("PATH", path).output().expect("a shell");
    assert!(told.status.success(), "{command}: {}", String::from_utf8_lossy(&told.stderr));
    assert!(told.stderr.is_empty(), "{command}: {}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).expect("text")
}

#[test]
fn waybar_gets_json_of_one_line() {
    let world = world();
    let (_, text) = snippet("waybar.jsonc");
    let plain: String =
        text.lines().filter(|line| !line.starts_with("//")).collect::<Vec<_>>().join("\n");
    let module: Value = serde_json::from_str(&format!("{{{plain}}}")).expect("JSON");
    let module = &module["custom/spendbar"];
    assert_eq!(module["return-type"], "json");
    let told = printed(&world, module["exec"].as_str().expect("a command"));
    assert_eq!(told.lines().count(), 1, "{told}");
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((told["text"].as_str(), told["class"].as_str()), (Some(LINE), Some("calm")));
    assert_eq!(told["percentage"], 30);
    assert!(told["tooltip"].as_str().expect("text").starts_with("Today ≈ $0.60"), "{told}");
}

#[test]
fn a_broken_budget_is_a_class_of_its_own() {
    let world = World::new().at(NOON).config("[[budget]]\namount = \"0.5\"\nper = \"day\"\n");
    world.append(CLAUDE_FILE, &claude_spends("2026-03-02T11:00:00.000Z", "A", 60));
    world.poll_offline();
    let told = world.run(["status", "--format", "waybar"]).success().json();
    assert_eq!((told["class"].as_str(), &told["percentage"]), (Some("over"), &Value::from(100)));
    world.run(["status", "--format", "waybar", "--json"]).exits_with(2);
}

#[test]
fn prompts_and_plain_bars_get_one_short_line() {
    let world = world();
    let (_, tmux) = snippet("tmux.conf");
    let (_, starship) = snippet("starship.toml");
    let starship: toml::Table = starship.parse().expect("TOML");
    let (_, polybar) = snippet("polybar.ini");
    for command in [
        between(&tmux, "#(", ")"),
        starship["custom"]["spendbar"]["command"].as_str().expect("a command"),
        between(&polybar, "\nexec = ", "\n"),
    ] {
        assert_eq!(printed(&world, command), format!("{LINE}\n"), "{command}");
    }
}

#[test]
fn menu_bar_plugins_and_script_commands_run_as_they_are() {
    let world = world();
    let (path, text) = snippet("spendbar.1m.sh");
    let told = printed(&world, &format!("'{}'", path.display()));
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(&lines[..2], [LINE, "---"], "{told}");
    assert!(text.contains("<xbar.title>"));
    // A line has one bar, which divides the text from its settings.
    let menu: Vec<_> = lines.iter().filter(|line| **line != "---").skip(1).collect();
    assert!(menu.len() > 3 && menu.iter().all(|line| line.matches('|').count() == 1), "{told}");
    let (path, text) = snippet("raycast-spendbar.sh");
    for head in ["schemaVersion 1", "title ", "mode inline", "refreshTime "] {
        assert!(text.contains(&format!("# @raycast.{head}")), "{head}");
    }
    assert_eq!(printed(&world, &format!("'{}'", path.display())), format!("{LINE}\n"));
    assert_eq!(Command::new("sh").arg("-n").arg(&path).status().expect("a shell").code(), Some(0));
}
