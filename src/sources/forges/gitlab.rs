//! GitLab, on gitlab.com and on servers of one's own. What others call a pull request is a merge
//! request here.
//!
//! - `GET /projects/:id/merge_requests?state=merged&updated_after=…&order_by=updated_at&sort=desc`, at
//!   most 100 a page; `:id` is the path with its slashes written as `%2F`. `merge_commit_sha` is null
//!   where the branch was moved forward without a merge commit, `squash_commit_sha` where nothing was
//!   squashed. <https://docs.gitlab.com/api/merge_requests/#list-project-merge-requests>,
//!   <https://docs.gitlab.com/api/rest/#namespaced-paths>
//! - `GET /projects/:id/merge_requests/:iid/commits`, newest first.
//!   <https://docs.gitlab.com/api/merge_requests/#get-single-merge-request-commits>
//! - The next page is in the `Link` header, and its number in `x-next-page`: both or neither.
//!   <https://docs.gitlab.com/api/rest/#offset-based-pagination>
//! - The token goes in `PRIVATE-TOKEN`. <https://docs.gitlab.com/api/rest/authentication/>
//! - A refusal of more requests is 429 with `Retry-After`, and `RateLimit-Reset` in seconds since 1970.
//!   <https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers>
//! - What a token may not see is 404. <https://docs.gitlab.com/api/rest/troubleshooting/>

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use url::Url;

use super::{Listed, PER_PAGE, Wanted, commits_of, ids};
use crate::sources::SourceError;
use crate::sources::providers::decode;
use crate::sources::providers::endpoint::{Auth, Endpoint};
use crate::spend::{KeySpec, MergedPull, Project, SourceInfo, SourceKind};

/// The name of GitLab's own host.
pub(super) const HOST: &str = "gitlab.com";
/// Whoever the token is of, which it may read of itself.
pub(super) const TRIAL: &str = "/user";

/// Its key.
pub static INFO: SourceInfo = SourceInfo {
    id: "yield-gitlab",
    name: "GitLab (merge requests)",
    kind: SourceKind::Provider,
    account: "",
    poll_minutes: 60,
    least_minutes: 0,
    key: Some(KeySpec { variables: &["GITLAB_TOKEN"], kind: "a token with the scope read_api" }),
    settings: &[],
    status_page: "",
    base_url: "https://gitlab.com/api/v4",
    tells: "merged merge requests and their commits",
    reads: "`GET /projects/:id/merge_requests`",
    limits: "",
};

#[derive(Deserialize)]
struct Entry {
    iid: u64,
    updated_at: DateTime<Utc>,
    merged_at: Option<DateTime<Utc>>,
    merge_commit_sha: Option<String>,
    squash_commit_sha: Option<String>,
}

#[derive(Deserialize)]
struct Commit {
    id: String,
}

/// Where the API of a host is.
pub(super) fn api(web: &Url) -> Option<Url> {
    web.join("/api/v4").ok()
}

pub(super) fn auth() -> Auth {
    Auth::Header("PRIVATE-TOKEN".into())
}

pub(super) fn with_headers(endpoint: Endpoint<'_>) -> Endpoint<'_> {
    endpoint.with_waits(&["ratelimit-reset"])
}

fn below(project: &Project, rest: &str) -> String {
    format!("/projects/{}/merge_requests{rest}", project.path.replace('/', "%2F"))
}

pub(super) async fn page(
    endpoint: &Endpoint<'_>,
    wanted: &Wanted<'_>,
    page: u32,
) -> Result<(Vec<Listed>, bool), SourceError> {
    let query = [
        ("state", "merged".to_owned()),
        ("scope", "all".to_owned()),
        ("order_by", "updated_at".to_owned()),
        ("sort", "desc".to_owned()),
        ("updated_after", wanted.from.to_rfc3339_opts(SecondsFormat::Millis, true)),
        ("per_page", PER_PAGE.to_string()),
        ("page", page.to_string()),
    ];
    let (body, next) = endpoint.ask_paged(&below(wanted.project, ""), &query, None).await?;
    let entries: Vec<Entry> = decode::answer(&body)?;
    let listed = entries.into_iter().map(|it| Listed {
        number: it.iid,
        updated_at: it.updated_at,
        pull: it.merged_at.map(|merged_at| MergedPull {
            number: it.iid,
            merged_at,
            merges: ids([it.merge_commit_sha, it.squash_commit_sha]),
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
    const MOST_PAGES: u32 = 10;
    let path = below(project, &format!("/{number}/commits"));
    commits_of(endpoint, &path, MOST_PAGES, |commit: Commit| commit.id).await
}
