//! `yield`: what the money bought, in repositories that git itself made.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chrono::DateTime;
use serde_json::{Value, json};

use crate::git_world::{OTHER, Repo, generate, git};
use crate::lines::{ClaudeLine, SONNET, claude_spends};
use crate::world::{Output, World};

/// A session in a folder spends so many cents.
fn spend(world: &World, folder: &str, at: &str, cents: u64) {
    let id = format!("{}-{at}", folder.replace('/', "-"));
    let line = claude_spends(at, &id, cents).replace("/home/ada/shop", folder);
    world.append(&log_of(folder), &line);
}

fn log_of(folder: &str) -> String {
    format!(
        ".claude/projects/{}/11111111-1111-4111-8111-111111111111.jsonl",
        folder.replace('/', "-")
    )
}

fn world() -> World {
    World::new().at("2026-03-05T12:00:00Z")
}

fn repo(world: &World, name: &str) -> Repo {
    let home = world.home().canonicalize().expect("a folder");
    Repo::new(&home, home.join(name))
}

fn asked(world: &World, by: &str) -> Value {
    world.poll_offline();
    yielded(world, by).json()
}

fn yielded(world: &World, by: &str) -> Output {
    world.run(["yield", "--since", "2026-02-01", "--by", by, "--json"]).success()
}

/// Subject, amount and requests of each commit that spend led to, by subject.
fn commits(answer: &Value) -> Vec<(String, String)> {
    let rows = answer["rows"].as_array().expect("rows");
    let mut commits: Vec<(String, String)> = rows
        .iter()
        .filter(|row| !row["commit"].is_null())
        .map(|row| {
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            (text(&row["commit"]["subject"]), text(&row["at_commits"]["list_usd"]))
        })
        .collect();
    commits.sort();
    commits
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

fn notes(answer: &Value) -> String {
    let notes = answer["notes"].as_array().expect("notes");
    notes.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

/// Somebody else's commit.
fn commit_of_another(repo: &Repo, at: &str, subject: &str) {
    repo.git(at, &["config", "user.email", OTHER]);
    repo.git(at, &["commit", "-q", "--allow-empty", "-m", subject]);
    repo.own();
}

#[test]
fn spend_goes_to_the_next_commit_within_a_day() {
    let world = world();
    let shop = repo(&world, "shop");
    let folder = shop.path();
    spend(&world, &folder, "2026-03-02T09:00:00.000Z", 30);
    spend(&world, &folder, "2026-03-02T09:05:00.000Z", 60);
    // Two requests and two commits in one quarter of an hour, and a second session's request in a
    // folder below.
    shop.commit("2026-03-02T09:06:00Z", "One", "a", 10);
    spend(&world, &folder, "2026-03-02T09:07:00.000Z", 3);
    spend(&world, &format!("{folder}/src"), "2026-03-02T09:08:00.000Z", 6);
    fs::create_dir(shop.folder.join("src")).expect("a folder");
    shop.commit("2026-03-02T09:09:00Z", "Two", "a", 4);
    // Nothing follows this one within 24 hours, and the last may still lead to something.
    spend(&world, &folder, "2026-03-02T20:00:00.000Z", 90);
    shop.commit("2026-03-03T20:00:01Z", "Late", "b", 1);
    spend(&world, &folder, "2026-03-05T11:00:00.000Z", 12);
    spend(&world, "/nowhere", "2026-03-05T11:00:00.000Z", 15);
    let answer = asked(&world, "commit");
    assert_eq!(commits(&answer), pairs(&[("One", "0.9"), ("Two", "0.09")]));
    let totals = &answer["totals"];
    assert_eq!(
        totals["at_commits"],
        json!({"requests": 4, "list_usd": "0.99", "unpriced_tokens": 0})
    );
    assert_eq!(totals["no_commit"]["list_usd"], "1.02");
    assert_eq!(totals["may_still_lead_to_one"]["list_usd"], "0.12");
    assert_eq!(answer["outside"]["list_usd"], "0.15");
    // Ten lines, and ten of them replaced by four.
    assert_eq!((&totals["lines_added"], &totals["lines_removed"]), (&json!(14), &json!(10)));
    assert_eq!(totals["per_commit_usd"], "0.495");
    assert_eq!(totals["per_line_usd"], "0.04125");
    assert!(notes(&answer).contains("/nowhere"), "{}", notes(&answer));
    let days: Vec<_> =
        answer["days"].as_array().expect("days").iter().filter(|day| day["commits"] != 0).collect();
    assert_eq!(days.len(), 1);
    assert_eq!((&days[0]["day"], &days[0]["commits"]), (&json!("2026-03-02"), &json!(2)));

    // With a longer window the late one is its doing.
    let world = world.config("[yield]\nwindow_hours = 25\n");
    let answer = yielded(&world, "commit").json();
    assert_eq!(commits(&answer), pairs(&[("Late", "0.9"), ("One", "0.9"), ("Two", "0.09")]));
    let text = world.run(["yield", "--since", "2026-02-01"]).success().stdout;
    assert!(text.contains("within 25 hours"), "{text}");
    let wrong = World::new().config("[yield]\nwindow_hours = 0\n");
    let said = wrong.run(["yield"]).exits_with(1).stderr;
    assert!(said.contains("yield.window_hours") && said.contains("1 to 720"), "{said}");
}

#[test]
fn every_grouping_adds_up_to_the_report() {
    let world = world();
    let (shop, tea) = (repo(&world, "shop"), repo(&world, "tea"));
    spend(&world, &shop.path(), "2026-03-02T09:00:00.000Z", 30);
    shop.commit("2026-03-02T09:06:00Z", "One", "a", 10);
    shop.git("2026-03-02T09:06:00Z", &["checkout", "-q", "-b", "feat"]);
    spend(&world, &shop.path(), "2026-03-02T10:00:00.000Z", 6);
    shop.commit("2026-03-02T10:06:00Z", "Two", "a", 10);
    spend(&world, &tea.path(), "2026-03-02T10:00:00.000Z", 9);
    spend(&world, "/nowhere", "2026-03-05T11:00:00.000Z", 15);
    world.poll_offline();
    for by in ["repository", "branch", "author", "commit", "repository,branch,author,commit"] {
        let answer = yielded(&world, by).json();
        let cents = |value: &Value| {
            let text = value["list_usd"].as_str().unwrap_or("0");
            (text.parse::<f64>().expect("a number") * 100.0).round() as u64
        };
        let rows = answer["rows"].as_array().expect("rows");
        let sum: u64 =
            rows.iter().map(|row| cents(&row["at_commits"]) + cents(&row["no_commit"])).sum();
        assert_eq!((sum, cents(&answer["outside"])), (45, 15), "{by}");
        assert_eq!(answer["totals"]["commits"], 2, "{by}");
        for key in ["repository", "branch", "author", "commit"] {
            let asked = by.split(',').any(|it| it == key);
            assert!(rows.iter().all(|row| row.get(key).is_some() == asked), "{by} {key}");
        }
    }
    let rows = yielded(&world, "branch").json()["rows"].as_array().expect("rows").clone();
    let branches: Vec<&Value> = rows.iter().map(|row| &row["branch"]).collect();
    assert_eq!(branches, [&json!("main"), &Value::Null, &json!("feat")], "dearest first");
}

#[test]
fn commits_of_others_are_theirs_and_the_trees_log_tells_whose_they_are() {
    let world = world();
    let shop = repo(&world, "shop");
    shop.commit("2026-03-01T09:00:00Z", "Begin", "a", 1);
    // Somebody else's work, fetched in between.
    let other = world.home().join("other");
    git(&world.home(), &world.home(), "2026-03-01T09:00:00Z", &["clone", "-q", "shop", "other"]);
    let other = Repo::at(&world.home(), other);
    commit_of_another(&other, "2026-03-02T09:01:00Z", "Theirs");
    other.own();
    // The same person, on another machine.
    other.commit("2026-03-02T09:02:00Z", "Mine elsewhere", "c", 1);
    spend(&world, &shop.path(), "2026-03-02T09:00:00.000Z", 30);
    shop.git("2026-03-02T10:00:00Z", &["pull", "-q", "../other", "main"]);
    shop.commit("2026-03-02T11:00:00Z", "Mine here", "b", 1);
    assert_eq!(commits(&asked(&world, "commit")), pairs(&[("Mine here", "0.3")]));
}

#[test]
fn worktrees_belong_to_their_repository_and_keep_their_commits_apart() {
    let world = world();
    let shop = repo(&world, "shop");
    shop.commit("2026-03-01T09:00:00Z", "Begin", "a", 1);
    shop.git("2026-03-01T09:00:00Z", &["worktree", "add", "-q", "../linked", "-b", "feat"]);
    let linked = Repo::at(&world.home(), shop.folder.with_file_name("linked"));
    spend(&world, &shop.path(), "2026-03-02T09:00:00.000Z", 30);
    spend(&world, &linked.path(), "2026-03-02T09:00:00.000Z", 60);
    linked.commit("2026-03-02T09:10:00Z", "In the linked one", "b", 1);
    shop.commit("2026-03-02T09:20:00Z", "In the main one", "c", 1);
    let expected = pairs(&[("In the linked one", "0.6"), ("In the main one", "0.3")]);
    let answer = asked(&world, "repository,commit");
    assert_eq!(commits(&answer), expected);
    let rows = answer["rows"].as_array().expect("rows");
    assert!(rows.iter().all(|row| row["repository"] == shop.path().as_str()), "{answer}");
    // When it is gone, what was known of it stays known.
    shop.git("2026-03-04T09:00:00Z", &["worktree", "remove", "--force", "../linked"]);
    let answer = yielded(&world, "repository,commit").json();
    assert_eq!(commits(&answer), expected);
    assert!(!notes(&answer).contains("Gone"), "{}", notes(&answer));
}

#[test]
fn submodules_belong_to_their_superproject() {
    let world = world();
    let (shop, tea) = (repo(&world, "shop"), repo(&world, "tea"));
    tea.commit("2026-03-01T09:00:00Z", "Begin", "a", 1);
    shop.commit("2026-03-01T09:00:00Z", "Begin", "a", 1);
    let allow = "protocol.file.allow=always";
    shop.git(
        "2026-03-01T10:00:00Z",
        &["-c", allow, "submodule", "--quiet", "add", "../tea", "lib/tea"],
    );
    shop.git("2026-03-01T10:00:00Z", &["commit", "-q", "-m", "With tea"]);
    let inner = Repo::at(&world.home(), shop.folder.join("lib/tea"));
    inner.own();
    spend(&world, &inner.path(), "2026-03-02T09:00:00.000Z", 30);
    spend(&world, &shop.path(), "2026-03-02T09:00:00.000Z", 60);
    inner.commit("2026-03-02T09:10:00Z", "Inside", "b", 1);
    shop.git("2026-03-02T09:20:00Z", &["commit", "-q", "-am", "Outside"]);
    let answer = asked(&world, "repository,commit");
    assert_eq!(commits(&answer), pairs(&[("Inside", "0.3"), ("Outside", "0.6")]));
    let rows = answer["rows"].as_array().expect("rows");
    assert!(rows.iter().all(|row| row["repository"] == shop.path().as_str()), "{answer}");
}

#[test]
fn a_rebased_or_amended_commit_is_one_and_a_thrown_away_one_is_told() {
    let world = world();
    let shop = repo(&world, "shop");
    shop.commit("2026-03-01T09:00:00Z", "Begin", "a", 1);
    shop.git("2026-03-01T09:00:00Z", &["checkout", "-q", "-b", "feat"]);
    spend(&world, &shop.path(), "2026-03-02T09:00:00.000Z", 30);
    shop.commit("2026-03-02T09:10:00Z", "Kept", "b", 3);
    spend(&world, &shop.path(), "2026-03-02T10:00:00.000Z", 60);
    shop.commit("2026-03-02T10:10:00Z", "Thrown away", "c", 5);
    let before = asked(&world, "commit");
    let both = pairs(&[("Kept", "0.3"), ("Thrown away", "0.6")]);
    assert_eq!(commits(&before), both);
    assert_eq!(before["totals"]["gone"]["list_usd"], Value::Null);
    shop.git("2026-03-03T09:00:00Z", &["reset", "-q", "--hard", "HEAD~1"]);
    shop.git("2026-03-03T09:00:00Z", &["checkout", "-q", "main"]);
    shop.commit("2026-03-03T09:01:00Z", "Meanwhile", "d", 1);
    shop.git("2026-03-03T09:02:00Z", &["rebase", "-q", "main", "feat"]);
    // The first forms of both are forgotten by git as well.
    shop.git("2026-03-03T09:03:00Z", &["reflog", "expire", "--expire=now", "--all"]);
    shop.git("2026-03-03T09:03:00Z", &["gc", "-q", "--prune=now"]);
    let after = yielded(&world, "commit").json();
    assert_eq!(commits(&after), both);
    assert_eq!(after["totals"]["gone"]["list_usd"], "0.6");
    assert_eq!(after["totals"]["commits"], 2);
    let gone =
        after["rows"].as_array().expect("rows").iter().find(|row| row["commit"]["gone"] == true);
    assert_eq!(gone.expect("one")["commit"]["subject"], "Thrown away");
    assert!(notes(&after).contains("in the history no more"), "{}", notes(&after));
    let text = world.run(["yield", "--since", "2026-02-01", "--by", "commit"]).success().stdout;
    assert!(text.contains("gone: Thrown away"), "{text}");
}

#[test]
fn what_a_later_commit_takes_back_is_reverted_until_that_is_taken_back() {
    let world = world();
    let shop = repo(&world, "shop");
    shop.commit("2026-03-01T09:00:00Z", "Begin", "a", 1);
    spend(&world, &shop.path(), "2026-03-02T09:00:00.000Z", 30);
    shop.commit("2026-03-02T09:10:00Z", "Bad idea", "b", 3);
    shop.git("2026-03-03T09:00:00Z", &["revert", "--no-edit", "HEAD"]);
    let answer = asked(&world, "commit");
    assert_eq!(answer["totals"]["reverted"]["list_usd"], "0.3");
    assert_eq!(answer["rows"][0]["commit"]["reverted"], true);
    shop.git("2026-03-03T10:00:00Z", &["revert", "--no-edit", "HEAD"]);
    let answer = yielded(&world, "commit").json();
    assert_eq!(answer["totals"]["reverted"]["list_usd"], Value::Null);
}

#[test]
fn merged_pull_requests_are_known_from_commit_messages() {
    let world = world();
    let shop = repo(&world, "shop");
    shop.commit("2026-03-01T09:00:00Z", "Begin", "a", 1);
    for (branch, hour) in [("tea", "09"), ("cups", "13")] {
        shop.git("2026-03-01T09:00:00Z", &["checkout", "-q", "-b", branch, "main"]);
        for (minute, part) in [("10", "first"), ("20", "second")] {
            let (at, then) = (
                format!("2026-03-02T{hour}:{minute}:00.000Z"),
                format!("2026-03-02T{hour}:{minute}:30Z"),
            );
            spend(&world, &shop.path(), &at, 30);
            shop.commit(&then, &format!("{branch} {part}"), &format!("{branch}{part}"), 3);
        }
        shop.git("2026-03-01T09:00:00Z", &["checkout", "-q", "main"]);
    }
    shop.git(
        "2026-03-03T09:00:00Z",
        &["merge", "-q", "--no-ff", "-m", "Merge pull request #7 from ada/tea", "tea"],
    );
    shop.git("2026-03-03T10:00:00Z", &["merge", "-q", "--squash", "cups"]);
    shop.git(
        "2026-03-03T10:00:00Z",
        &["commit", "-q", "-m", "All cups (#8)\n\n* cups first\n\n* cups second"],
    );
    shop.git("2026-03-03T10:00:00Z", &["branch", "-q", "-D", "cups"]);
    // Somebody's pull request without any spend of this machine.
    commit_of_another(&shop, "2026-03-03T11:00:00Z", "Saucers (#9)");
    let answer = asked(&world, "repository");
    let pulls = answer["pull_requests"].as_array().expect("a list");
    let told: Vec<_> = pulls
        .iter()
        .map(|it| (it["number"].as_u64(), it["list_usd"].as_str(), it["commits"].as_u64()))
        .collect();
    assert_eq!(told, [(Some(7), Some("0.6"), Some(2)), (Some(8), Some("0.6"), Some(2))]);
    assert_eq!(pulls[0]["known_from"], "commit messages");
    assert!(
        notes(&answer).contains("2 merged pull requests, known from commit messages: ≈ $0.60 each"),
        "{}",
        notes(&answer)
    );
}

#[test]
fn what_is_no_whole_repository_is_said_to_be_none() {
    let world = world();
    let home = world.home().canonicalize().expect("a folder");
    let at = "2026-03-02T09:00:00.000Z";
    let shop = repo(&world, "shop");
    let first = shop.commit("2026-03-01T09:00:00Z", "Begin", "a", 400);
    shop.commit("2026-03-02T09:30:00Z", "On top", "b", 2);
    // Shallow, with the cut at a commit that spend led to.
    let url = format!("file://{}", shop.path());
    git(&home, &home, "2026-03-01T09:00:00Z", &["clone", "-q", "--depth", "1", &url, "shallow"]);
    git(
        &home,
        &home.join("shallow"),
        "2026-03-01T09:00:00Z",
        &["config", "user.email", "ada@example.com"],
    );
    git(&home, &home, "2026-03-01T09:00:00Z", &["clone", "-q", "--bare", &url, "bare.git"]);
    let empty = repo(&world, "empty");
    fs::create_dir(home.join("plain")).expect("a folder");
    fs::create_dir(home.join("circle")).expect("a folder");
    std::os::unix::fs::symlink(".git", home.join("circle/.git")).expect("a link");
    let folder = |name: &str| home.join(name).display().to_string();
    for name in ["shallow", "bare.git", "plain", "circle", "gone"] {
        spend(&world, &folder(name), at, 30);
    }
    spend(&world, &empty.path(), at, 30);
    let answer = asked(&world, "repository");
    let notes = notes(&answer);
    for says in [
        format!("{}: its history is cut at ", folder("shallow")),
        format!("{} has no commits", empty.path()),
        format!("In no repository: {}.", folder("plain")),
        format!(
            "Gone, so that nobody can say to which repository it belonged: {}.",
            folder("gone")
        ),
        format!("{} can't be read: {}", folder("circle"), folder("circle/.git")),
    ] {
        assert!(notes.contains(&says), "{says}\n{notes}");
    }
    assert_eq!(answer["outside"]["list_usd"], "0.9", "plain, circle and gone");
    let row = |name: &str| {
        let rows = answer["rows"].as_array().expect("rows");
        rows.iter().find(|row| row["repository"] == folder(name).as_str()).expect(name).clone()
    };
    let shallow = row("shallow");
    assert_eq!(
        (&shallow["at_commits"]["list_usd"], &shallow["lines_added"]),
        (&json!("0.3"), &json!(0))
    );
    assert_eq!(
        (&shallow["commits_without_lines"], &shallow["per_line_usd"]),
        (&json!(1), &Value::Null)
    );
    assert_eq!(row("empty")["no_commit"]["list_usd"], "0.3");
    // A bare repository has no settings of its own here, so that every commit may be its doing.
    assert_eq!(row("bare.git")["at_commits"]["list_usd"], "0.3");
    assert_eq!(first.len(), 40);
}

/// A `git` before the real one in PATH, which writes down that it was called.
fn with_spy(world: World, script: &str) -> World {
    let bin = world.path("bin");
    fs::create_dir_all(&bin).expect("a folder");
    let real = std::env::var("PATH").unwrap_or_default();
    let calls = world.path("calls");
    let text = format!("#!/bin/sh\necho \"$*\" >> '{}'\n{script}\n", calls.display());
    fs::write(bin.join("git"), text).expect("written");
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).expect("0755");
    let path = format!("{}:{real}", bin.display());
    world.env("PATH", path).env("REAL_PATH", real)
}

fn calls(world: &World) -> usize {
    let text = fs::read_to_string(world.path("calls")).unwrap_or_default();
    let _ = fs::remove_file(world.path("calls"));
    text.lines().count()
}

#[test]
fn git_is_asked_only_when_something_has_moved_and_then_for_what_is_new() {
    let world = with_spy(world(), "PATH=\"$REAL_PATH\" exec git \"$@\"");
    let shop = repo(&world, "shop");
    shop.commit("2026-03-02T09:30:00Z", "One", "a", 2);
    spend(&world, &shop.path(), "2026-03-02T09:00:00.000Z", 30);
    asked(&world, "commit");
    assert!(calls(&world) > 0);
    yielded(&world, "commit");
    assert_eq!(calls(&world), 0, "nothing has moved");
    spend(&world, &shop.path(), "2026-03-03T09:00:00.000Z", 60);
    shop.commit("2026-03-03T09:30:00Z", "Two", "a", 3);
    let answer = asked(&world, "commit");
    assert!((1..=4).contains(&calls(&world)));
    assert_eq!(commits(&answer), pairs(&[("One", "0.3"), ("Two", "0.6")]));
}

#[test]
fn without_git_or_its_trust_what_is_known_stays_and_the_rest_is_said() {
    let world = world();
    let shop = repo(&world, "shop");
    shop.commit("2026-03-02T09:30:00Z", "One", "a", 2);
    spend(&world, &shop.path(), "2026-03-02T09:00:00.000Z", 30);
    asked(&world, "commit");
    shop.commit("2026-03-03T09:30:00Z", "Two", "a", 3);
    let distrust = "fatal: detected dubious ownership in repository at '/x'";
    let world = with_spy(world, &format!("echo \"{distrust}\" >&2; exit 128"));
    let answer = yielded(&world, "commit").json();
    assert_eq!(commits(&answer), pairs(&[("One", "0.3")]));
    assert!(notes(&answer).contains("safe.directory"), "{}", notes(&answer));
    assert!(notes(&answer).contains("known up to 5 Mar 2026 12:00"), "{}", notes(&answer));
    let world = world.env("PATH", "/nowhere");
    let answer = yielded(&world, "commit").json();
    assert_eq!(commits(&answer), pairs(&[("One", "0.3")]));
    assert!(notes(&answer).contains("git was not found"), "{}", notes(&answer));
    let world = world.env("PATH", std::env::var("PATH").unwrap_or_default());
    assert!(!notes(&yielded(&world, "commit").json()).contains("git was not found"));
}

#[test]
fn names_in_a_history_do_not_speak_to_the_terminal_and_its_settings_run_nothing() {
    let world = world();
    let shop = repo(&world, "shop");
    spend(&world, &shop.path(), "2026-03-02T09:00:00.000Z", 30);
    shop.git("2026-03-02T09:10:00Z", &["config", "user.name", "A\u{1b}[2Jda"]);
    shop.commit("2026-03-02T09:10:00Z", "One\u{1b}]0;x\u{7} \u{202e}evil", "a", 2);
    let ran = world.path("ran");
    let run = format!("touch '{}'", ran.display());
    let script = world.path("run.sh");
    fs::write(&script, format!("#!/bin/sh\n{run}\n")).expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("0755");
    let script = script.display().to_string();
    for (setting, value) in [
        ("core.fsmonitor", script.as_str()),
        ("core.pager", &script),
        ("diff.external", &script),
        ("diff.evil.textconv", &script),
        ("gpg.program", &script),
        ("log.showSignature", "true"),
        ("core.hooksPath", "/tmp"),
        ("format.pretty", "oneline"),
        ("color.ui", "always"),
        ("diff.renames", "copies"),
    ] {
        shop.git("2026-03-02T09:10:00Z", &["config", setting, value]);
    }
    fs::write(shop.folder.join(".gitattributes"), "* diff=evil\n").expect("written");
    let text = {
        world.poll_offline();
        world.run(["yield", "--since", "2026-02-01", "--by", "author,commit"]).success().stdout
    };
    assert!(text.contains("One\u{fffd}]0;x\u{fffd} \u{fffd}evil"), "{text:?}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    assert!(!ran.exists(), "a setting of the repository ran a program");
}

#[test]
fn generated_histories_come_out_as_they_were_made() {
    let world = world();
    let home = world.home().canonicalize().expect("a folder");
    let start = 1_770_000_000; // 2 February 2026
    let mut truth = Vec::new();
    let mut no_commit = 0;
    for seed in 0..4 {
        let made = generate(seed, 30, 2, start);
        let folder = home.join(format!("repo{seed}")).display().to_string();
        for (index, request) in made.requests.iter().enumerate() {
            let at = DateTime::from_timestamp(request.at, 0).expect("a time");
            let line = ClaudeLine {
                at: &at.format("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
                id: &format!("{seed}-{index}"),
                model: SONNET,
                input: 0,
                cache_read: 0,
                output: request.kilotokens * 1_000,
            };
            world.append(&log_of(&folder), &line.text().replace("/home/ada/shop", &folder));
        }
        made.import(&home, Path::new(&folder).to_owned());
        truth.extend(
            made.truth
                .into_iter()
                .map(|(subject, kilotokens)| ((folder.clone(), subject), kilotokens)),
        );
        no_commit += made.no_commit;
    }
    truth.sort();
    assert!(truth.len() > 40 && no_commit > 0, "{} {no_commit}", truth.len());
    world.poll_offline();
    let answer = world
        .run(["yield", "--since", "2026-01-01", "--by", "repository,commit", "--json"])
        .success()
        .json();
    // $15 a million: a thousand tokens are 15 thousandths of a dollar.
    let kilotokens = |amount: &Value| {
        let text = amount["list_usd"].as_str().unwrap_or("0");
        let mills = (text.parse::<f64>().expect("a number") * 1_000.0).round() as u64;
        assert_eq!(mills % 15, 0, "{text}");
        mills / 15
    };
    let rows = answer["rows"].as_array().expect("rows");
    let mut told: Vec<((String, String), u64)> = rows
        .iter()
        .filter(|row| !row["commit"].is_null())
        .map(|row| {
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            (
                (text(&row["repository"]), text(&row["commit"]["subject"])),
                kilotokens(&row["at_commits"]),
            )
        })
        .collect();
    told.sort();
    assert_eq!(told, truth);
    assert_eq!(kilotokens(&answer["totals"]["no_commit"]), no_commit);
}
