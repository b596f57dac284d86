//! What hosts answer, and what comes of it.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::providers::fake::{self, Exchange, Fake, KEY};
use super::*;

const FROM: &str = "2026-11-01T00:00:00Z";
const LIST: &str = "/api/v3/repos/ada/tea/pulls";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn project(forge: Forge) -> Project {
    Project { forge, host: "127.0.0.1".into(), path: "ada/tea".into() }
}

fn wanted<'a>(project: &'a Project, known: &'a HashSet<u64>, most: usize) -> Wanted<'a> {
    let patience = Duration::from_secs(60);
    Wanted { project, from: at(FROM), known, most, patience, now: at("2026-11-24T12:00:00Z") }
}

fn id(number: u64) -> String {
    format!("{number:040x}")
}

/// An entry of a list that changed at an hour of one day.
fn entry(number: u64, hour: u64, is_merged: bool) -> Value {
    let time = format!("2026-11-20T{hour:02}:00:00Z");
    json!({
        "number": number, "updated_at": time, "merged_at": is_merged.then_some(&time),
        "merge_commit_sha": id(number), "title": "not kept",
    })
}

fn page(number: u32, entries: &[Value], has_next: bool) -> Exchange {
    let page = Exchange::ok(LIST, json!(entries).to_string()).query("page", &number.to_string());
    if has_next { page.header("link", "<http://x.example/?page=9>; rel=\"next\"") } else { page }
}

fn commits(number: u64) -> Exchange {
    let body = json!([{"sha": id(number + 100)}, {"sha": id(number + 200)}]);
    Exchange::ok(&format!("{LIST}/{number}/commits"), body.to_string())
}

async fn told(script: Vec<Exchange>, known: &[u64], most: usize) -> Told {
    let fake = Fake::serve(script).await;
    let host = Host::at(Forge::GitHub, fake.url.as_str()).unwrap();
    let (project, known) = (project(Forge::GitHub), known.iter().copied().collect());
    let key = ApiKey::new(KEY);
    let told = host.merged(&fake::client(), &key, &wanted(&project, &known, most)).await.unwrap();
    fake.finish();
    told
}

fn numbers(told: &Told) -> Vec<u64> {
    told.pulls.iter().map(|it| it.number).collect()
}

#[tokio::test]
async fn pages_are_followed_up_to_what_changed_before() {
    let old = json!({
        "number": 1, "updated_at": "2026-10-31T23:59:59Z", "merged_at": "2026-10-31T23:59:59Z",
        "merge_commit_sha": null,
    });
    // The second page begins with what the first one ended with: something has moved to the front.
    let script = vec![
        page(1, &[entry(9, 9, true), entry(8, 8, false)], true),
        page(2, &[entry(8, 8, false), entry(7, 7, true), old], true),
        commits(9),
        commits(7),
    ];
    let told = told(script, &[], 200).await;
    assert_eq!(numbers(&told), [9, 7]);
    assert_eq!(told.pulls[0].merges, [id(9)]);
    assert_eq!(told.pulls[0].commits, [id(109), id(209)]);
    assert_eq!(told.newest, Some(at("2026-11-20T09:00:00Z")));
    assert_eq!((told.known_from, told.left_out, told.is_cut), (Some(at(FROM)), 0, false));
    assert_eq!(told.error, None);
}

#[tokio::test]
async fn of_many_the_newest_are_taken_and_the_next_look_takes_more() {
    let all = [entry(9, 9, true), entry(8, 8, true), entry(7, 7, false), entry(6, 6, true)];
    let first = told(vec![page(1, &all, false), commits(9)], &[], 1).await;
    assert_eq!((numbers(&first), first.left_out), (vec![9], 2));
    assert_eq!(first.known_from, Some(at("2026-11-20T09:00:00Z")));
    let second = told(vec![page(1, &all, false), commits(8)], &[9], 1).await;
    assert_eq!((numbers(&second), second.left_out), (vec![8], 1));
    assert_eq!(
        second.known_from,
        Some(at("2026-11-20T07:00:00Z")),
        "one that was closed is nothing"
    );
    let third = told(vec![page(1, &all, false), commits(6)], &[9, 8], 1).await;
    assert_eq!((numbers(&third), third.left_out, third.known_from), (vec![6], 0, Some(at(FROM))));
}

#[tokio::test]
async fn what_was_told_before_something_went_wrong_is_kept() {
    let all = [entry(9, 9, true), entry(8, 8, true)];
    let refused = commits(8).status(403).header("retry-after", "90");
    let in_part = told(vec![page(1, &all, false), commits(9), refused], &[], 200).await;
    assert_eq!((numbers(&in_part), in_part.left_out), (vec![9], 1));
    assert_eq!(in_part.known_from, Some(at("2026-11-20T09:00:00Z")));
    let wait = Some(Duration::from_secs(90));
    assert_eq!(in_part.error, Some(SourceError::RateLimited { retry_after: wait }));

    // Nothing is asked for after a page that did not come.
    let no_page = page(2, &[], false).status(403);
    let cut = told(vec![page(1, &all, true), no_page], &[], 200).await;
    assert_eq!((numbers(&cut), cut.known_from, cut.is_cut), (Vec::new(), None, false));
    assert_eq!(cut.error, Some(SourceError::WrongKindOfKey { status: 403 }));

    let strange = Exchange::ok(LIST, format!("{{\"message\":\"{KEY}\"}}"));
    let strange = told(vec![strange], &[], 200).await;
    assert!(matches!(strange.error, Some(SourceError::FormatChanged { .. })), "{strange:?}");
    fake::no_secret_in(&Err::<(), _>(strange.error.unwrap()));
}

#[tokio::test]
async fn more_commits_than_a_page_holds_are_read_to_their_end() {
    let path = format!("{LIST}/9/commits");
    let part = |page: u64, has_next: bool| {
        let ids: Vec<Value> = (0..100).map(|it| json!({"sha": id(page * 100 + it)})).collect();
        let part = Exchange::ok(&path, json!(ids).to_string()).query("page", &page.to_string());
        if has_next { part.header("link", "<http://x.example/>; rel=\"next\"") } else { part }
    };
    let script = vec![page(1, &[entry(9, 9, true)], false), part(1, true), part(2, false)];
    assert_eq!(told(script, &[], 200).await.pulls[0].commits.len(), 200);
}

#[tokio::test]
async fn merge_requests_come_with_their_squashed_commit_and_the_private_token() {
    let list = "/api/v4/projects/ada%2Ftea/merge_requests";
    let time = "2026-11-20T09:00:00.123Z";
    let entry = json!({
        "iid": 41, "id": 9_041, "updated_at": time, "merged_at": time, "merge_commit_sha": id(1),
        "squash_commit_sha": id(2),
    });
    let script = vec![
        Exchange::ok(list, json!([entry]).to_string())
            .query("state", "merged")
            .query("updated_after", "2026-11-01T00:00:00.000Z"),
        Exchange::ok(&format!("{list}/41/commits"), json!([{"id": id(3)}]).to_string()),
    ];
    let fake = Fake::serve_with(("private-token", KEY.to_owned()), script).await;
    let host = Host::at(Forge::GitLab, fake.url.as_str()).unwrap();
    let (project, known) = (project(Forge::GitLab), HashSet::new());
    let key = ApiKey::new(KEY);
    let told = host.merged(&fake::client(), &key, &wanted(&project, &known, 9)).await.unwrap();
    fake.finish();
    let pull = &told.pulls[0];
    assert_eq!((pull.number, &pull.merges[..]), (41, &[id(1), id(2)][..]));
    assert_eq!(pull.commits, [id(3)]);
}

#[test]
fn hosts_are_known_by_name_and_their_api_by_their_make() {
    let api = |forge, written| Host::at(forge, written).unwrap().api.to_string();
    assert_eq!(api(Forge::GitHub, "github.com"), "https://api.github.com/");
    assert_eq!(api(Forge::GitHub, "shop.ghe.com"), "https://api.shop.ghe.com/");
    assert_eq!(api(Forge::GitHub, "Git.Example.com"), "https://git.example.com/api/v3");
    assert_eq!(api(Forge::GitHub, "http://127.0.0.1:99"), "http://127.0.0.1:99/api/v3");
    assert_eq!(api(Forge::GitLab, "gitlab.com"), "https://gitlab.com/api/v4");
    for wrong in ["", "a/b", "http://git.example.com", "ada:x@git.example.com", "a b", "ftp://x"] {
        let error = Host::at(Forge::GitLab, wrong).unwrap_err();
        assert!(matches!(error, SourceError::Misconfigured { .. }), "{wrong}: {error}");
    }
}

#[test]
fn a_remote_leads_to_its_own_host_alone() {
    let remote = |host: &str, port, path: &str| Remote {
        name: "origin".into(),
        host: host.into(),
        port,
        path: path.into(),
    };
    let github = Host::usual(Forge::GitHub).unwrap();
    let leads = |host: &Host, remote: &Remote| host.project(remote).map(|it| it.path);
    let tea = Some("ada/tea".to_owned());
    assert_eq!(leads(&github, &remote("github.com", None, "ada/tea")), tea);
    assert_eq!(leads(&github, &remote("ssh.github.com", None, "ada/tea")), tea);
    assert_eq!(leads(&github, &remote("github.com", Some(8443), "ada/tea")), None);
    assert_eq!(leads(&github, &remote("github.com", None, "ada/tea/x")), None);
    assert_eq!(leads(&github, &remote("github.com.example", None, "ada/tea")), None);
    assert_eq!(leads(&github, &remote("gitlab.com", None, "ada/tea")), None);
    let gitlab = Host::usual(Forge::GitLab).unwrap();
    assert_eq!(leads(&gitlab, &remote("altssh.gitlab.com", None, "ada/tea")), tea);
    assert!(leads(&gitlab, &remote("gitlab.com", None, "shop/china/tea")).is_some());
    let own = Host::at(Forge::GitHub, "https://git.example.com:8443").unwrap();
    assert_eq!(leads(&own, &remote("git.example.com", Some(8443), "ada/tea")), tea);
    assert_eq!(leads(&own, &remote("git.example.com", None, "ada/tea")), tea, "by ssh");
    assert_eq!(leads(&own, &remote("github.com", None, "ada/tea")), None, "the key is not for it");
}

#[test]
fn what_is_no_id_is_none() {
    let some = |text: &str| Some(text.to_owned());
    let upper = "A".repeat(40);
    let all = ids([some("short"), None, some(&upper), some(&upper), some(&"g".repeat(40))]);
    assert_eq!(all, ["a".repeat(40)]);
}
