//! `yield` with what hosts tell of merged pull requests: pretend hosts on loopback, repositories that
//! git itself made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::git_world::Repo;
use crate::lines::claude_spends;
use crate::provider::{Answer, FakeProvider, Fault, Request};
use crate::world::{Output, World};

const GITHUB: &str = "ghp_synthetic-GITHUB-0123456789abcdefghijAAAA";
const GITLAB: &str = "glpat-synthetic-GITLAB-0123456789abcdBBBB";
const NOW: &str = "2026-03-05T12:00:00Z";

/// Pull requests as the pretend host has them, those that changed last first; and their commits.
#[derive(Clone, Default)]
struct Kept {
    pulls: Arc<Mutex<Vec<Value>>>,
    commits: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
}

impl Kept {
    fn add(&self, pull: Value, number: u64, commits: &[&String]) {
        self.pulls.lock().expect("unpoisoned").insert(0, pull);
        let commits = commits.iter().map(|id| (*id).clone()).collect();
        self.commits.lock().expect("unpoisoned").insert(number.to_string(), commits);
    }

    /// Two entries a page, whatever is asked for.
    fn page(entries: &[Value], request: &Request) -> Answer {
        let page: usize = request.query["page"].parse().expect("a number");
        let body: Vec<&Value> = entries.iter().skip((page - 1) * 2).take(2).collect();
        let answer = Answer::ok(json!(body).to_string());
        if page * 2 >= entries.len() {
            return answer;
        }
        let next = format!("<http://elsewhere.example/?page={}>; rel=\"next\"", page + 1);
        answer.header("link", next).header("x-next-page", (page + 1).to_string())
    }

    fn commits_of(&self, number: &str, field: &str, request: &Request) -> Answer {
        let commits = self.commits.lock().expect("unpoisoned");
        let ids = commits.get(number).cloned().unwrap_or_default();
        let entries: Vec<Value> = ids.iter().map(|id| json!({field: id, "message": "x"})).collect();
        Self::page(&entries, request)
    }

    fn github(&self, path: &'static str) -> FakeProvider {
        let kept = self.clone();
        FakeProvider::answering(move |request| {
            let is_known = ("authorization".to_owned(), format!("Bearer {GITHUB}"));
            if !request.headers.contains(&is_known) {
                return Answer::error(401, r#"{"message":"Bad credentials"}"#);
            }
            let list = format!("/api/v3/repos/{path}/pulls");
            if request.path.trim_end_matches('/') == "/api/v3" {
                return Answer::ok("{}");
            }
            match request.path.strip_prefix(&list) {
                Some("") => {
                    assert_eq!(request.query["state"], "closed");
                    Self::page(&kept.pulls.lock().expect("unpoisoned"), request)
                }
                Some(rest) => {
                    let number = rest.trim_matches('/').trim_end_matches("/commits");
                    kept.commits_of(number, "sha", request)
                }
                None => Answer::error(404, r#"{"message":"Not Found"}"#),
            }
        })
    }

    fn gitlab(&self, path: &'static str) -> FakeProvider {
        let kept = self.clone();
        FakeProvider::answering(move |request| {
            let is_known = ("private-token".to_owned(), GITLAB.to_owned());
            if !request.headers.contains(&is_known) {
                return Answer::error(401, r#"{"message":"401 Unauthorized"}"#);
            }
            let list = format!("/api/v4/projects/{}/merge_requests", path.replace('/', "%2F"));
            if request.path == "/api/v4/user" {
                return Answer::ok("{}");
            }
            match request.path.strip_prefix(&list) {
                Some("") => {
                    assert_eq!(request.query["state"], "merged");
                    let after = &request.query["updated_after"];
                    let pulls = kept.pulls.lock().expect("unpoisoned");
                    let young: Vec<Value> = pulls
                        .iter()
                        .filter(|it| it["updated_at"].as_str().expect("a time") >= after.as_str())
                        .cloned()
                        .collect();
                    Self::page(&young, request)
                }
                Some(rest) => {
                    let number = rest.trim_matches('/').trim_end_matches("/commits");
                    kept.commits_of(number, "id", request)
                }
                None => Answer::error(404, r#"{"message":"404 Project Not Found"}"#),
            }
        })
    }
}

fn on_github(number: u64, at: &str, merge: Option<&String>) -> Value {
    json!({
        "number": number, "title": "A secret title", "updated_at": at,
        "merged_at": merge.map(|_| at), "merge_commit_sha": merge, "user": {"login": "ada"},
    })
}

fn on_gitlab(number: u64, at: &str, merge: Option<&String>, squash: Option<&String>) -> Value {
    json!({
        "iid": number, "id": 900 + number, "title": "A secret title", "updated_at": at,
        "merged_at": at, "merge_commit_sha": merge, "squash_commit_sha": squash,
    })
}

fn world_of(host: &str, provider: &FakeProvider, variable: &str, key: &str) -> World {
    let url = provider.base_url();
    let config = format!("[yield]\n{host} = true\n{host}_host = \"{url}\"\n");
    World::new().at(NOW).config(&config).env(variable, key)
}

/// A repository whose `origin` is on the pretend host.
fn repo_on(world: &World, address: &str) -> Repo {
    let home = world.home().canonicalize().expect("a folder");
    let repo = Repo::new(&home, home.join("shop"));
    repo.git(NOW, &["remote", "add", "origin", address]);
    repo.commit("2026-03-01T09:00:00Z", "Begin", "a", 1);
    repo
}

/// Two commits on a branch of their own, thirty cents each; their ids.
fn branch(world: &World, shop: &Repo, name: &str, hour: u32) -> [String; 2] {
    shop.git(NOW, &["checkout", "-q", "-b", name, "main"]);
    let ids = [(10, "first"), (20, "second")].map(|(minute, part)| {
        let at = format!("2026-03-02T{hour:02}:{minute}:00.000Z");
        let line = claude_spends(&at, &format!("{name}-{part}"), 30);
        let folder = shop.path();
        let log = format!(
            ".claude/projects/{}/11111111-1111-4111-8111-111111111111.jsonl",
            folder.replace('/', "-")
        );
        world.append(&log, &line.replace("/home/ada/shop", &folder));
        let then = format!("2026-03-02T{hour:02}:{minute}:30Z");
        shop.commit(&then, &format!("{name} {part}"), &format!("{name}{part}"), 3)
    });
    shop.git(NOW, &["checkout", "-q", "main"]);
    ids
}

fn tip(shop: &Repo) -> String {
    shop.git(NOW, &["rev-parse", "main"])
}

fn merge(shop: &Repo, name: &str, message: &str) -> String {
    shop.git("2026-03-03T09:00:00Z", &["merge", "-q", "--no-ff", "-m", message, name]);
    tip(shop)
}

fn squash(shop: &Repo, name: &str, message: &str) -> String {
    shop.git("2026-03-03T10:00:00Z", &["merge", "-q", "--squash", name]);
    shop.git("2026-03-03T10:00:00Z", &["commit", "-q", "-m", message]);
    shop.git(NOW, &["branch", "-q", "-D", name]);
    tip(shop)
}

fn rebase(shop: &Repo, name: &str) -> String {
    shop.git("2026-03-03T11:00:00Z", &["rebase", "-q", "main", name]);
    shop.git("2026-03-03T11:00:00Z", &["checkout", "-q", "main"]);
    shop.git("2026-03-03T11:00:00Z", &["merge", "-q", "--ff-only", name]);
    shop.git(NOW, &["branch", "-q", "-D", name]);
    tip(shop)
}

fn ask(world: &World, by: &str) -> Output {
    world.run(["yield", "--since", "2026-02-20", "--by", by, "--json"]).success()
}

/// Number, source and amount of each row with a pull request, by number.
fn rows(answer: &Value) -> Vec<(u64, String, String)> {
    let rows = answer["rows"].as_array().expect("rows");
    let mut told: Vec<_> = rows
        .iter()
        .filter(|row| !row["pull_request"].is_null())
        .map(|row| {
            let pull = &row["pull_request"];
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            (
                pull["number"].as_u64().expect("a number"),
                text(&pull["known_from"]),
                text(&row["at_commits"]["list_usd"]),
            )
        })
        .collect();
    told.sort();
    told
}

fn expected(rows: &[(u64, &str, &str)]) -> Vec<(u64, String, String)> {
    rows.iter().map(|(number, from, amount)| (*number, (*from).into(), (*amount).into())).collect()
}

fn notes(answer: &Value) -> String {
    let notes = answer["notes"].as_array().expect("notes");
    notes.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

/// Neither of the keys is in any output or file.
fn check_no_trace(world: &World, outputs: &[&Output]) {
    for key in [GITHUB, GITLAB] {
        // A key in pieces is a leak too.
        let piece = &key[..key.len() - 6];
        for output in outputs {
            assert!(!output.all().contains(piece), "printed: {output:?}");
        }
        for (path, bytes) in world.files() {
            let leaked = bytes.windows(piece.len()).any(|window| window == piece.as_bytes());
            assert!(!leaked, "the key is in {}", path.display());
        }
    }
}

#[test]
fn github_tells_of_merges_squashes_and_rebases_and_messages_of_the_rest() {
    let kept = Kept::default();
    let github = kept.github("ada/shop");
    let mut world = world_of("github", &github, "GITHUB_TOKEN", GITHUB);
    let shop = repo_on(&world, &format!("{}/ada/shop.git", github.base_url()));
    let tea = branch(&world, &shop, "tea", 8);
    let cups = branch(&world, &shop, "cups", 10);
    let saucers = branch(&world, &shop, "saucers", 12);
    branch(&world, &shop, "spoons", 14);
    let open = branch(&world, &shop, "open", 16);
    let merged = merge(&shop, "tea", "Tea at last");
    let squashed = squash(&shop, "cups", "All cups");
    let rebased = rebase(&shop, "saucers");
    assert_ne!(rebased, saucers[1], "the rebase gives new ids");
    squash(&shop, "spoons", "Spoons (#10)\n\n* spoons first\n\n* spoons second");
    kept.add(on_github(7, "2026-03-03T09:00:00Z", Some(&merged)), 7, &[&tea[0], &tea[1]]);
    kept.add(on_github(8, "2026-03-03T10:00:00Z", Some(&squashed)), 8, &[&cups[0], &cups[1]]);
    kept.add(on_github(9, "2026-03-03T11:00:00Z", Some(&rebased)), 9, &[&saucers[0], &saucers[1]]);
    // Merged later with commits of an earlier one among its own, and one that was closed.
    kept.add(on_github(12, "2026-03-03T12:00:00Z", Some(&rebased)), 12, &[&tea[0], &saucers[0]]);
    kept.add(on_github(11, "2026-03-03T13:00:00Z", None), 11, &[&open[0], &open[1]]);
    world.poll_offline();
    let first = ask(&world, "pull-request");
    let answer = first.json();
    let by_host = [
        (7, "github", "0.6"),
        (8, "github", "0.6"),
        (9, "github", "0.6"),
        (10, "commit messages", "0.6"),
    ];
    assert_eq!(rows(&answer), expected(&by_host), "{answer:#}");
    // What belongs to none is a row of its own, and all add up.
    let none =
        answer["rows"].as_array().expect("rows").iter().find(|row| row["pull_request"].is_null());
    assert_eq!(none.expect("a row")["at_commits"]["list_usd"], "0.6");
    assert_eq!(answer["totals"]["at_commits"]["list_usd"], "3");
    let pulls = answer["pull_requests"].as_array().expect("a list");
    assert_eq!(pulls.len(), 4);
    let seven = pulls.iter().find(|it| it["number"] == 7).expect("it");
    let project = format!("{}/ada/shop", github.base_url().trim_start_matches("http://"));
    assert_eq!(
        (&seven["title"], &seven["project"], &seven["commits"]),
        (&json!("Tea at last"), &json!(project), &json!(2))
    );
    let said = notes(&answer);
    assert!(
        said.contains(
            "4 merged pull requests, 3 told by GitHub, 1 known from commit messages: ≈ $0.60 each."
        ),
        "{said}"
    );
    assert!(!first.all().contains("secret title"), "no title of a host is kept");

    // Two a page: the list has three pages. Each merged one was asked for once, the closed one never.
    let asked = |from: usize| -> Vec<String> {
        let all = github.requests();
        all[from..].iter().map(|it| format!("{} {}", it.path, it.query["page"])).collect()
    };
    let list = "/api/v3/repos/ada/shop/pulls";
    let mut wanted: Vec<String> = (1..=3).map(|page| format!("{list} {page}")).collect();
    wanted.extend([12, 9, 8, 7].map(|number| format!("{list}/{number}/commits 1")));
    assert_eq!(asked(0), wanted);
    let before = github.requests().len();

    // Within the hour nobody is asked, and what is known stays known.
    world.set_clock("2026-03-05T12:59:00Z");
    assert_eq!(rows(&ask(&world, "pull-request").json()), expected(&by_host));
    assert_eq!(github.requests().len(), before);

    // Later only what is new is asked for.
    let merged = merge(&shop, "open", "Open at last");
    kept.add(on_github(13, "2026-03-05T12:30:00Z", Some(&merged)), 13, &[&open[0], &open[1]]);
    world.set_clock("2026-03-05T13:30:00Z");
    let answer = ask(&world, "repository,pull-request").json();
    assert_eq!(rows(&answer).last(), expected(&[(13, "github", "0.6")]).last());
    // The list goes on up to what changed before the last look.
    let wanted = [format!("{list} 1"), format!("{list} 2"), format!("{list}/13/commits 1")];
    assert_eq!(asked(before), wanted);

    let text = world.run(["yield", "--since", "2026-02-20", "--by", "pull-request"]).success();
    // The folder's name is as long as it is, and so are the columns.
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let table = text.stdout.lines().take_while(|line| !line.is_empty()).map(words);
    let table = table.collect::<Vec<_>>().join("\n").replace(&shop.path(), "SHOP");
    insta::assert_snapshot!(table, @r"
    20 Feb 2026 to 5 Mar 2026, UTC, at list price
    Pull request Commits Lines ≈ At commits $ ≈ A commit $ ≈ A line $ ≈ Reverted $ ≈ No commit $
    ada/shop#13 2 +6 −0 0.60 0.30 0.1000
    ada/shop#7 2 +6 −0 0.60 0.30 0.1000
    ada/shop#8 2 +6 −0 0.60 0.30 0.1000
    ada/shop#9 2 +6 −0 0.60 0.30 0.1000
    SHOP #10, from commit messages 2 +6 −0 0.60 0.30 0.1000
    Total 10 +30 −0 3.00 0.30 0.1000
    ");
    check_no_trace(&world, &[&first, &text, &world.run(["doctor"]), &world.run(["key", "list"])]);
}

#[test]
fn gitlab_tells_alike() {
    let kept = Kept::default();
    let gitlab = kept.gitlab("shop/china/tea");
    let world = world_of("gitlab", &gitlab, "GITLAB_TOKEN", GITLAB);
    let host = gitlab.base_url().trim_start_matches("http://").to_owned();
    let name = host.split(':').next().expect("a name");
    let shop = repo_on(&world, &format!("git@{name}:shop/china/tea.git"));
    let tea = branch(&world, &shop, "tea", 8);
    let cups = branch(&world, &shop, "cups", 10);
    let saucers = branch(&world, &shop, "saucers", 12);
    let merged = merge(&shop, "tea", "Merge branch 'tea'\n\nSee merge request shop/china/tea!41");
    let squashed = squash(&shop, "cups", "All cups");
    rebase(&shop, "saucers");
    kept.add(
        on_gitlab(41, "2026-03-03T09:00:00.123Z", Some(&merged), None),
        41,
        &[&tea[1], &tea[0]],
    );
    kept.add(
        on_gitlab(42, "2026-03-03T10:00:00.123Z", None, Some(&squashed)),
        42,
        &[&cups[1], &cups[0]],
    );
    // Moved forward without a merge commit.
    kept.add(
        on_gitlab(43, "2026-03-03T11:00:00.123Z", None, None),
        43,
        &[&saucers[1], &saucers[0]],
    );
    world.poll_offline();
    let output = ask(&world, "pull-request");
    let answer = output.json();
    let by_host = [(41, "gitlab", "0.6"), (42, "gitlab", "0.6"), (43, "gitlab", "0.6")];
    assert_eq!(rows(&answer), expected(&by_host), "{answer:#}");
    let said = notes(&answer);
    assert!(said.contains("3 merged pull requests, told by GitLab: ≈ $0.60 each."), "{said}");
    let requests = gitlab.requests();
    assert_eq!(requests[0].path, "/api/v4/projects/shop%2Fchina%2Ftea/merge_requests");
    assert_eq!(requests[0].query["updated_after"], "2026-02-20T00:00:00.000Z");
    assert_eq!(requests.len(), 2 + 3, "two pages, three merge requests");
    assert!(requests.iter().all(|it| it.method == "GET" && !it.head.contains("?private")));
    let text = world.run(["yield", "--since", "2026-02-20", "--by", "pull-request"]).success();
    assert!(text.stdout.contains("shop/china/tea!41"), "{}", text.stdout);
    check_no_trace(&world, &[&output, &text]);
}

#[test]
fn what_goes_wrong_is_a_note_and_stops_nothing() {
    let kept = Kept::default();
    let github = kept.github("ada/shop");
    let mut world = world_of("github", &github, "GITHUB_TOKEN", GITHUB);
    let shop = repo_on(&world, &format!("{}/ada/shop.git", github.base_url()));
    let tea = branch(&world, &shop, "tea", 8);
    let merged = merge(&shop, "tea", "Merge pull request #7 from ada/tea");
    kept.add(on_github(7, "2026-03-03T09:00:00Z", Some(&merged)), 7, &[&tea[0], &tea[1]]);
    world.poll_offline();
    // The pretend clock goes on, so that an hour later is a minute more.
    let mut minutes = 0;
    let mut after = |world: &mut World, more: i64| {
        minutes += more;
        let at = chrono::DateTime::parse_from_rfc3339(NOW).expect("a time");
        let at = at.to_utc() + chrono::TimeDelta::minutes(minutes);
        world.set_clock(&at.to_rfc3339());
        at.timestamp()
    };
    let from_messages = expected(&[(7, "commit messages", "0.6")]);
    let failing = |world: &World, fault: Fault, says: &str| {
        github.set_fault(fault);
        let output = ask(world, "pull-request");
        let answer = output.json();
        assert_eq!(rows(&answer), from_messages, "{says}");
        assert!(notes(&answer).contains(says), "{says}\n{}", notes(&answer));
        check_no_trace(world, &[&output]);
    };
    let asked = || github.requests().len();
    let refuse = |status, header: &str, value: String| {
        let body = format!(r#"{{"message":"no, {GITHUB}"}}"#);
        Fault::Answer(Answer::error(status, body).header(header, value))
    };
    // A refused key is tried again at once, for it may be another one.
    failing(&world, Fault::Status(401), "refused the key (401)");
    failing(&world, Fault::Status(401), "spendbar key set yield-github");
    assert_eq!(asked(), 2);
    // What there is none of, or what may not be seen, is asked for an hour later.
    failing(&world, Fault::Status(404), "knows no such repository");
    failing(&world, Fault::None, "knows no such repository");
    assert_eq!(asked(), 3);
    after(&mut world, 61);
    failing(&world, Fault::Status(403), "may not read its pull requests (403)");
    // As long as the host asks to be left alone it is.
    after(&mut world, 61);
    let limited = "was asked too often and is left alone until 5 Mar 2026 17:02";
    failing(&world, refuse(403, "retry-after", "10800".into()), limited);
    let before = asked();
    after(&mut world, 120);
    failing(&world, Fault::None, limited);
    assert_eq!(asked(), before, "two hours are not three");
    let now = after(&mut world, 61);
    let used_up = Answer::error(403, "{}")
        .header("x-ratelimit-remaining", "0")
        .header("x-ratelimit-reset", (now + 5400).to_string());
    failing(&world, Fault::Answer(used_up), "is left alone until 5 Mar 2026 18:33");
    after(&mut world, 120);
    failing(&world, Fault::OtherShape, "was not understood");
    after(&mut world, 61);
    failing(&world, Fault::Hangup, "no answer");
    // Once it answers all is as it should be, without a word.
    github.set_fault(Fault::None);
    let answer = ask(&world, "pull-request").json();
    assert_eq!(rows(&answer), expected(&[(7, "github", "0.6")]));
    assert!(!notes(&answer).contains("pull requests are known from"), "{}", notes(&answer));
    // Gone again, what it told is still known.
    github.close();
    after(&mut world, 61);
    let answer = ask(&world, "pull-request").json();
    assert_eq!(rows(&answer), expected(&[(7, "github", "0.6")]));
    assert!(notes(&answer).contains("no answer"), "{}", notes(&answer));
}

#[test]
fn the_token_goes_to_its_own_host_alone() {
    for (host, variable, key) in
        [("github", "GITHUB_TOKEN", GITHUB), ("gitlab", "GITLAB_TOKEN", GITLAB)]
    {
        let kept = Kept::default();
        let thief = FakeProvider::on_another_host(|_| Answer::ok("[]"));
        let provider = kept.github("ada/shop");
        provider.set_fault(Fault::Redirect(thief.base_url()));
        let world = world_of(host, &provider, variable, key).env("GH_TOKEN", GITHUB);
        let shop = repo_on(&world, &format!("{}/ada/shop.git", provider.base_url()));
        branch(&world, &shop, "tea", 8);
        // Another remote, somewhere else: it is asked for nothing.
        shop.git(NOW, &["remote", "add", "upstream", &format!("{}/ada/shop", thief.base_url())]);
        world.poll_offline();
        let output = ask(&world, "pull-request");
        assert!(notes(&output.json()).contains("where the key must not go"), "{}", output.all());
        assert!(!provider.requests().is_empty());
        assert!(thief.requests().is_empty(), "{:?}", thief.requests());
        check_no_trace(&world, &[&output]);
    }
    let plain =
        World::new().config("[yield]\ngithub = true\ngithub_host = \"http://git.example\"\n");
    let said = plain.run(["yield"]).exits_with(1).stderr;
    assert!(said.contains("yield.github_host") && said.contains("https"), "{said}");
    let path = World::new().config("[yield]\ngitlab_host = \"git.example/group\"\n");
    assert!(path.run(["yield"]).exits_with(1).stderr.contains("yield.gitlab_host"));
}

#[test]
fn without_its_line_in_the_config_or_a_key_no_host_is_asked() {
    let kept = Kept::default();
    let github = kept.github("ada/shop");
    let world = world_of("github", &github, "GITHUB_TOKEN", "");
    let shop = repo_on(&world, &format!("{}/ada/shop.git", github.base_url()));
    branch(&world, &shop, "tea", 8);
    world.poll_offline();
    let said = notes(&ask(&world, "repository").json());
    let name = github.base_url().trim_start_matches("http://").to_owned();
    let wanted = format!(
        "{name} is not asked for pull requests without a key: `spendbar key set yield-github`, or set \
         GITHUB_TOKEN."
    );
    assert!(said.contains(&wanted), "{said}");
    let off = format!("[yield]\ngithub_host = \"{}\"\n", github.base_url());
    std::fs::write(world.config_file(), off).expect("written");
    let world = world.env("GITHUB_TOKEN", GITHUB);
    let said = notes(&ask(&world, "repository").json());
    assert!(!said.contains("pull request"), "{said}");
    assert!(github.requests().is_empty());
}

#[test]
fn their_keys_are_kept_as_others_are() {
    let kept = Kept::default();
    let github = kept.github("ada/shop");
    let world = world_of("github", &github, "GH_TOKEN", GITHUB);
    let list = world.run(["key", "list"]).success();
    let row = list.stdout.lines().find(|line| line.contains("yield-github")).expect("a row");
    assert!(row.contains("AAAA") && row.contains("GH_TOKEN"), "{row}");
    assert!(list.stdout.contains("yield-gitlab"), "{}", list.stdout);
    let found = world.run(["doctor"]).stdout;
    let row = found.lines().find(|line| line.contains("has the key of GH_TOKEN"));
    assert!(row.is_some_and(|row| row.contains("GitHub")), "{found}");
    let tried = world.run(["key", "test", "yield-github"]).success();
    assert!(tried.stdout.contains("takes the key from GH_TOKEN"), "{}", tried.stdout);
    github.set_fault(Fault::Status(401));
    let refused = world.run(["key", "test", "yield-github"]).exits_with(1);
    assert!(refused.stderr.contains("401"), "{}", refused.all());
    let unasked = world.run(["key", "test", "yield-gitlab"]).exits_with(1);
    assert!(unasked.stderr.contains("gitlab = true under [yield]"), "{}", unasked.all());
    let set = world.run_with_input(["key", "set", "yield-gitlab"], "glpat-0123456789abcdef\n");
    assert!(set.stderr.contains("set GITLAB_TOKEN instead"), "{}", set.all());
    let removed = world.run(["key", "remove", "yield-gitlab"]);
    assert!(removed.all().contains("keyring"), "{}", removed.all());
    let unknown = world.run(["key", "test", "yield-nobody"]).exits_with(1);
    assert!(unknown.stderr.contains("yield-github, yield-gitlab"), "{}", unknown.stderr);
    check_no_trace(&world, &[&list, &tried, &refused, &unasked]);
}
