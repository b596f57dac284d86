//! GitHub, and enterprise servers of it.
//!
//! - `GET /repos/{owner}/{repo}/pulls?state=closed&sort=updated&direction=desc`: closed pull requests,
//!   merged or not (`merged_at` is null then), at most 100 a page. `merge_commit_sha` of a merged one is
//!   the merge commit, the squashed commit, or after a rebase the commit that the base branch came to.
//!   <https://docs.github.com/rest/pulls/pulls#list-pull-requests>
//! - `GET /repos/{owner}/{repo}/pulls/{number}/commits`: at most 250 of them, oldest first.
//!   <https://docs.github.com/rest/pulls/pulls#list-commits-on-a-pull-request>
//! - The next page is there where the `Link` header has one.
//!   <https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api>
//! - 5,000 requests an hour for a token. A refusal is 403 or 429 with `retry-after`, or with
//!   `x-ratelimit-remaining: 0` and the time of `x-ratelimit-reset` (seconds since 1970).
//!   <https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api>
//! - What a token may not see is 404.
//!   <https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api>
//! - An enterprise server has its API at `https://HOST/api/v3`, one of GitHub's own clouds
//!   (`NAME.ghe.com`) at `https://api.NAME.ghe.com`.
//!   <https://docs.github.com/enterprise-server/rest/enterprise-admin>,
//!   <https://docs.github.com/enterprise-cloud@latest/admin/data-residency>

use chrono::{DateTime, Utc};
use serde::Deserialize;
use url::Url;

use super::{Listed, PER_PAGE, Wanted, commits_of, ids};
use crate::sources::SourceError;
use crate::sources::providers::decode;
use crate::sources::providers::endpoint::Endpoint;
use crate::spend::{KeySpec, MergedPull, Project, SourceInfo, SourceKind};

/// The name of GitHub's own host.
pub(super) const HOST: &str = "github.com";
/// The list of the API's addresses, which every token may read.
pub(super) const TRIAL: &str = "/";
const VERSION: &str = "2022-11-28";

/// Its key.
pub static INFO: SourceInfo = SourceInfo {
    id: "yield-github",
    name: "GitHub (pull requests)",
    kind: SourceKind::Provider,
    account: "",
    poll_minutes: 60,
    least_minutes: 0,
    key: Some(KeySpec {
        variables: &["GITHUB_TOKEN", "GH_TOKEN"],
        kind: "a token with the permission “Pull requests: read”",
    }),
    settings: &[],
    status_page: "",
    base_url: "https://api.github.com",
    tells: "merged pull requests and their commits",
    reads: "`GET /repos/{owner}/{repo}/pulls`",
    limits: "",
};

#[derive(Deserialize)]
struct Entry {
    number: u64,
    updated_at: DateTime<Utc>,
    merged_at: Option<DateTime<Utc>>,
    merge_commit_sha: Option<String>,
}

#[derive(Deserialize)]
struct Commit {
    sha: String,
}

/// Where the API of a host is.
pub(super) fn api(web: &Url, host: &str) -> Option<Url> {
    if host == HOST || host.ends_with(".ghe.com") {
        return Url::parse(&format!("https://api.{host}")).ok();
    }
    web.join("/api/v3").ok()
}

pub(super) fn with_headers(endpoint: Endpoint<'_>) -> Endpoint<'_> {
    endpoint
        .with_header("accept", "application/vnd.github+json")
        .with_header("x-github-api-version", VERSION)
        .with_waits(&["x-ratelimit-reset"])
}

pub(super) async fn page(
    endpoint: &Endpoint<'_>,
    wanted: &Wanted<'_>,
    page: u32,
) -> Result<(Vec<Listed>, bool), SourceError> {
    let query = [
        ("state", "closed".to_owned()),
        ("sort", "updated".to_owned()),
        ("direction", "desc".to_owned()),
        ("per_page", PER_PAGE.to_string()),
        ("page", page.to_string()),
    ];
    let path = format!("/repos/{}/pulls", wanted.project.path);
    let (body, next) = endpoint.ask_paged(&path, &query, None).await?;
    let entries: Vec<Entry> = decode::answer(&body)?;
    let listed = entries.into_iter().map(|it| Listed {
        number: it.number,
        updated_at: it.updated_at,
        pull: it.merged_at.map(|merged_at| MergedPull {
            number: it.number,
            merged_at,
            merges: ids([it.merge_commit_sha]),
            commits: Vec::new(),
        }),
    });
    Ok((listed.collect(), next.is_some()))
}

pub(super) async fn commits(
    endpoint: &Endpoint<'_>,
    project: &Project,
    number: u64,
) -> Result<Vec<String>, SourceError> {
    const MOST_PAGES: u32 = 3;
    let path = format!("/repos/{}/pulls/{number}/commits", project.path);
    commits_of(endpoint, &path, MOST_PAGES, |commit: Commit| commit.sha).await
}
