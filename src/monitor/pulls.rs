//! Asks the hosts of repositories that were worked in for merged pull requests: a repository once an
//! hour at most, and a host that refused not again before it said. What a host tells is kept, and what
//! it does not tell is said beside the figures.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};

use super::Setup;
use super::commits::DAYS_READ;
use crate::board::yields::{Untold, WhyUntold};
use crate::ledger::{AskedProject, Ledger, LedgerError};
use crate::secrets::{SecretError, Store};
use crate::sources::forges::{self, Host, Told, Wanted};
use crate::sources::providers::http;
use crate::sources::{ApiKey, Places, SourceError, SourceInfo};
use crate::spend::{Forge, MergedPull, Project, Span};

/// The least time between two questions about one repository.
const AGAIN_AFTER: TimeDelta = TimeDelta::hours(1);
/// New pull requests of a repository that one look takes; each is a request of its own.
const MOST_NEW: usize = 200;
/// How long one repository is asked for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a host is left alone that refuses and does not say for how long.
const REFUSED: TimeDelta = TimeDelta::minutes(1);

/// The keys of hosts, as far as there are any.
pub type Keys = BTreeMap<Forge, Result<Option<ApiKey>, SourceError>>;

/// What is to be asked.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    due: Vec<Due>,
    /// All repositories that are on hosts that may be asked.
    projects: BTreeSet<Project>,
    /// The first instant that is asked about.
    since: DateTime<Utc>,
    now: DateTime<Utc>,
}

#[derive(Clone, Debug)]
struct Due {
    project: Project,
    host: Host,
    before: AskedProject,
    known: HashSet<u64>,
}

/// What hosts told, and what is known of their repositories then.
pub type Answers = Vec<(Project, AskedProject, Vec<MergedPull>)>;

impl Plan {
    /// Whether there is nobody to ask.
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// The makes of the hosts that are to be asked.
    pub fn forges(&self) -> BTreeSet<Forge> {
        self.due.iter().map(|due| due.project.forge).collect()
    }
}

/// What has to be asked about the repositories of some folders, from an instant on.
///
/// # Errors
/// The ledger can't be read.
pub fn plan(
    ledger: &Ledger,
    folders: &[String],
    hosts: &[Host],
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Plan, LedgerError> {
    let since = since.max(now - TimeDelta::days(DAYS_READ));
    let mut plan = Plan { since, now, ..Plan::default() };
    if hosts.is_empty() {
        return Ok(plan);
    }
    let places = ledger.work_places()?;
    let wanted: BTreeSet<i64> =
        folders.iter().filter_map(|folder| Some(places.get(folder)?.repository)).collect();
    let repositories = ledger.repositories()?;
    let known = ledger.asked_projects()?;
    let waits_until = |host: &str| {
        let of_host = known.iter().filter(|(project, _)| project.host == host);
        of_host.filter_map(|(_, asked)| asked.wait_until).max()
    };
    let worked_in = repositories.values().filter(|it| wanted.contains(&it.id));
    for remote in worked_in.flat_map(|it| it.remotes.iter().flatten()) {
        let found = hosts.iter().find_map(|host| Some((host, host.project(remote)?)));
        let Some((host, project)) = found else { continue };
        if !plan.projects.insert(project.clone()) {
            continue;
        }
        let before = known.get(&project).cloned().unwrap_or_default();
        let is_due = before.asked_at.is_none_or(|at| at <= now - AGAIN_AFTER)
            && waits_until(&project.host).is_none_or(|until| until <= now);
        if is_due {
            let known = ledger.pull_numbers(&project)?;
            plan.due.push(Due { project, host: host.clone(), before, known });
        }
    }
    Ok(plan)
}

/// The keys that a plan needs. Blocks, as the keyring does.
pub fn keys(plan: &Plan, store: &Store, places: &Places) -> Keys {
    let key = |forge| match store.get(forges::info(forge), places) {
        Ok(found) => Ok(found.map(|(key, _)| key)),
        // Without a keyring there simply is no key in it.
        Err(SecretError::NoKeyring { .. }) => Ok(None),
        Err(error) => Err(SourceError::KeyUnavailable { what: error.what() }),
    };
    plan.forges().into_iter().map(|forge| (forge, key(forge))).collect()
}

/// Asks what is planned, one repository after the other. Once a host has refused, or is not there, it
/// is not asked about others.
pub async fn ask(plan: &Plan, keys: &Keys, http: &http::Client) -> Answers {
    let mut answers = Answers::new();
    let mut silent: BTreeSet<&str> = BTreeSet::new();
    for due in &plan.due {
        let Some(Ok(Some(key))) = keys.get(&due.project.forge) else { continue };
        if silent.contains(&*due.project.host) {
            continue;
        }
        let wanted = Wanted {
            project: &due.project,
            from: from(&due.before, plan.since),
            known: &due.known,
            most: MOST_NEW,
            patience: PATIENCE,
            now: plan.now,
        };
        let told = due.host.merged(http, key, &wanted).await;
        let told = told.unwrap_or_else(|error| Told { error: Some(error), ..Told::default() });
        if told.error.as_ref().is_some_and(is_of_all) {
            silent.insert(&due.project.host);
        }
        let after = after(&due.before, &told, plan.now);
        answers.push((due.project.clone(), after, told.pulls));
    }
    answers
}

/// Where a look begins: where the last one ended, unless older days are asked about now.
fn from(before: &AskedProject, since: DateTime<Utc>) -> DateTime<Utc> {
    match before.known {
        Some((known_since, until)) if known_since <= since => until,
        _ => since,
    }
}

/// An error that other repositories of the host would meet as well.
fn is_of_all(error: &SourceError) -> bool {
    !matches!(
        error,
        SourceError::NotOffered { .. }
            | SourceError::WrongKindOfKey { .. }
            | SourceError::FormatChanged { .. }
    )
}

fn after(before: &AskedProject, told: &Told, now: DateTime<Utc>) -> AskedProject {
    let known = match (told.known_from, before.known) {
        (None, known) => known,
        (Some(from), known) => {
            let newest = told.newest.unwrap_or(from);
            Some(match known {
                Some((since, until)) if from <= until => (since.min(from), until.max(newest)),
                // What lies between is not known: the next look begins at the front again.
                _ => (from, newest),
            })
        }
    };
    let wait = match &told.error {
        Some(
            SourceError::RateLimited { retry_after }
            | SourceError::ProviderDown { retry_after, .. },
        ) => Some(retry_after.and_then(|wait| TimeDelta::from_std(wait).ok()).unwrap_or(REFUSED)),
        _ => None,
    };
    // Nobody has to wait for an hour with a better key, or once the network is back.
    let was_asked = !matches!(
        told.error,
        Some(
            SourceError::KeyRejected { .. }
                | SourceError::Unreachable { .. }
                | SourceError::Misconfigured { .. }
        )
    );
    AskedProject {
        known,
        left_out: told.left_out.max(u64::from(told.is_cut)),
        asked_at: if was_asked { Some(now) } else { before.asked_at },
        wait_until: wait.map(|wait| now + wait),
        trouble: told.error.clone(),
    }
}

/// What is missing of a plan's repositories, and why.
///
/// # Errors
/// The ledger can't be read.
pub fn untold(ledger: &Ledger, plan: &Plan, keys: &Keys) -> Result<Vec<Untold>, LedgerError> {
    let known = ledger.asked_projects()?;
    let mut untold = Vec::new();
    let mut keyless: BTreeSet<(Forge, String)> = BTreeSet::new();
    for project in &plan.projects {
        let mut say = |why| untold.push(Untold { project: project.clone(), why });
        match keys.get(&project.forge) {
            Some(Ok(None)) => {
                if keyless.insert((project.forge, project.host.clone())) {
                    let info = forges::info(project.forge);
                    let variables = info.key.map_or(&[][..], |key| key.variables);
                    say(WhyUntold::NeedsKey { id: info.id, variables });
                }
                continue;
            }
            Some(Err(error)) => {
                if keyless.insert((project.forge, project.host.clone())) {
                    say(WhyUntold::Failed(error.clone()));
                }
                continue;
            }
            _ => {}
        }
        let asked = known.get(project).cloned().unwrap_or_default();
        match asked.trouble {
            Some(SourceError::RateLimited { .. }) => {
                let again = asked.asked_at.map(|at| at + AGAIN_AFTER);
                say(WhyUntold::Waits(asked.wait_until.max(again)));
            }
            Some(error) => say(WhyUntold::Failed(error)),
            None if asked.left_out > 0 => say(WhyUntold::More(asked.left_out)),
            None => match asked.known {
                Some((since, _)) if since <= plan.since => {}
                Some((since, _)) => say(WhyUntold::Before(Some(since))),
                None => say(WhyUntold::Before(None)),
            },
        }
    }
    Ok(untold)
}

/// What [`refresh`] needs besides the ledger.
#[derive(Clone, Debug)]
pub struct Errand<'a> {
    /// The time.
    pub now: DateTime<Utc>,
    /// The hosts that may be asked.
    pub hosts: &'a [Host],
    /// Home folder and environment.
    pub places: &'a Places,
}

/// Asks about the repositories that sessions of a span worked in, keeps what is new, and gives what is
/// missing. Blocks.
///
/// # Errors
/// The ledger can't be read or written, or no request can be made at all.
pub fn refresh(
    ledger: &mut Ledger,
    span: &Span,
    errand: &Errand<'_>,
) -> anyhow::Result<Vec<Untold>> {
    let folders = ledger.projects_in(span)?;
    let plan = plan(ledger, &folders, errand.hosts, span.start, errand.now)?;
    if plan.projects.is_empty() {
        return Ok(Vec::new());
    }
    let keys = keys(&plan, &Store::new(errand.places), errand.places);
    if !plan.is_empty() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answers = runtime.block_on(ask(&plan, &keys, &http::Client::new()));
        ledger.keep_pulls(&answers)?;
    }
    Ok(untold(ledger, &plan, &keys)?)
}

/// Asks a host with a key once, to try the key; how that failed, if it did.
///
/// # Errors
/// The host is not asked at all, by the config; no request can be made.
pub fn try_key(setup: &Setup, info: &'static SourceInfo) -> anyhow::Result<Option<SourceError>> {
    let hosts = &setup.config.yields.hosts;
    // Without its line in the config nobody knows which host the key is for.
    let host = hosts.iter().find(|host| forges::info(host.forge).id == info.id);
    let setting = info.id.trim_start_matches("yield-");
    let host = host.with_context(|| {
        format!("the config does not have it asked; write {setting} = true under [yield]")
    })?;
    let Some((key, _)) = Store::new(&setup.places).get(info, &setup.places)? else {
        return Ok(Some(SourceError::NeedsKey));
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = http::Client::new();
    Ok(runtime.block_on(host.try_key(&client, &key, setup.clock.now())).err())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect(text)
    }

    fn known(since: &str, until: &str) -> AskedProject {
        AskedProject { known: Some((at(since), at(until))), ..AskedProject::default() }
    }

    const FIRST: &str = "2026-11-01T00:00:00Z";
    const SECOND: &str = "2026-11-10T00:00:00Z";
    const THIRD: &str = "2026-11-20T00:00:00Z";
    const NOW: &str = "2026-11-24T12:00:00Z";

    #[test]
    fn a_look_goes_on_where_the_last_one_ended() {
        assert_eq!(from(&AskedProject::default(), at(FIRST)), at(FIRST));
        assert_eq!(from(&known(FIRST, SECOND), at(FIRST)), at(SECOND));
        assert_eq!(from(&known(SECOND, THIRD), at(FIRST)), at(FIRST), "older days are asked about");
    }

    #[test]
    fn what_lies_between_two_looks_is_not_taken_for_known() {
        let told = |from: Option<&str>, newest: Option<&str>| Told {
            known_from: from.map(at),
            newest: newest.map(at),
            ..Told::default()
        };
        let now = at(NOW);
        let whole = after(&known(FIRST, SECOND), &told(Some(SECOND), Some(THIRD)), now);
        assert_eq!(whole.known, known(FIRST, THIRD).known);
        let in_part = after(&known(FIRST, SECOND), &told(Some(THIRD), Some(NOW)), now);
        assert_eq!(in_part.known, known(THIRD, NOW).known);
        let nothing = after(&known(FIRST, SECOND), &told(None, None), now);
        assert_eq!(nothing.known, known(FIRST, SECOND).known);
        let unchanged = after(&known(FIRST, SECOND), &told(Some(SECOND), None), now);
        assert_eq!(unchanged.known, known(FIRST, SECOND).known);
        assert_eq!(unchanged.asked_at, Some(now));
    }

    #[test]
    fn a_refusal_is_waited_for_and_a_refused_key_is_not() {
        let now = at(NOW);
        let failed = |error| {
            let told = Told { error: Some(error), ..Told::default() };
            after(&AskedProject::default(), &told, now)
        };
        let wait = Duration::from_secs(90);
        let limited = failed(SourceError::RateLimited { retry_after: Some(wait) });
        assert_eq!(limited.wait_until, Some(now + wait));
        assert_eq!(limited.asked_at, Some(now));
        let limited = failed(SourceError::RateLimited { retry_after: None });
        assert_eq!(limited.wait_until, Some(now + REFUSED));
        let refused = failed(SourceError::KeyRejected { status: 401 });
        assert_eq!((refused.wait_until, refused.asked_at), (None, None));
    }
}
