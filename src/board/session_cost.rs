//! What one session of an agent cost, all of it and today: by its name, or as the newest that works
//! in a folder.
//!
//! Everything is at list price, for no bill tells sessions apart.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::SourceRow;
use super::report::{GroupBy, Sums};
use crate::ledger::{LastUses, Ledger, LedgerError, SessionUse};
use crate::spend::period::local_day;
use crate::spend::{Currency, Filter, Glob, Lists, Money, Span, Zone};

/// How far back the newest session of a folder is looked for, today included.
pub const LOOK_BACK_DAYS: u64 = 30;
/// Sessions of one folder are at work side by side when their last uses are no further apart.
const BESIDE: TimeDelta = TimeDelta::hours(1);

/// Which session is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one that its agent calls so.
    Named(String),
    /// The one that used something last, of those that work in a folder or below it. Several names
    /// of the folder may be given.
    NewestIn(Vec<String>),
}

/// What a session cost.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionCost {
    /// The agent's name for it.
    pub session: String,
    /// Names of the agents that tell of it; ids where they are not read any more.
    pub agents: Vec<String>,
    /// The folders it worked in, the last one last.
    pub projects: Vec<String>,
    /// Its first local day.
    pub first_day: NaiveDate,
    /// Its last local day.
    pub last_day: NaiveDate,
    /// When it used something last, at least to the quarter of an hour.
    pub last_at: Option<DateTime<Utc>>,
    /// False where `last_at` is only the quarter of an hour.
    pub last_at_is_exact: bool,
    /// All of it.
    pub all: Sums,
    /// Today's part.
    pub today: Sums,
    /// By model (`None` where the log leaves it open), dearest first.
    pub models: Vec<(Option<String>, Sums)>,
    /// Others that used something in the same folder within an hour of it, where it was chosen by
    /// its folder: the newest first.
    pub beside: Vec<String>,
}

/// Asks the ledger what a session cost; `None` when there is no such session.
///
/// # Errors
/// The ledger can't be read.
pub fn session_cost(
    ledger: &Ledger,
    which: &Which,
    sources: &[SourceRow],
    now: DateTime<Utc>,
    zone: Zone,
) -> Result<Option<SessionCost>, LedgerError> {
    let today = local_day(now, zone);
    let (session, beside) = match which {
        Which::Named(name) => (name.clone(), Vec::new()),
        Which::NewestIn(folders) => match newest_in(ledger, folders, today, now, zone)? {
            Some(found) => found,
            None => return Ok(None),
        },
    };
    let Some(first) = ledger.first_usage_day(zone)? else { return Ok(None) };
    // A pattern that fits this name alone. Without one everything would be meant.
    let Ok(pattern) = Glob::new(&Glob::escape(&session)) else { return Ok(None) };
    let only = Lists { sessions: vec![pattern], ..Lists::default() };
    let filter = Filter { only, ..Filter::default() };
    let by = [GroupBy::Day, GroupBy::Source, GroupBy::Model, GroupBy::Project];
    // What was logged by a clock that goes ahead counts too.
    let report = ledger.report_of(first, next(today), zone, &by, &filter)?;
    let days = report.rows.iter().filter_map(|row| row.day);
    let Some((first_day, last_day)) = days.clone().min().zip(days.max()) else { return Ok(None) };

    let mut cost = SessionCost {
        session,
        agents: Vec::new(),
        projects: Vec::new(),
        first_day,
        last_day,
        last_at: None,
        last_at_is_exact: false,
        all: Sums::default(),
        today: Sums::default(),
        models: Vec::new(),
        beside,
    };
    let mut models: BTreeMap<Option<String>, Sums> = BTreeMap::new();
    for row in report.rows {
        cost.all.add_all(&row.sums);
        if row.day == Some(today) {
            cost.today.add_all(&row.sums);
        }
        models.entry(row.model).or_default().add_all(&row.sums);
        if let Some(source) = row.source {
            let known = sources.iter().find(|known| known.info.id == source);
            let name = known.map_or(source, |known| known.info.name.to_owned());
            push_last(&mut cost.agents, name);
        }
        if let Some(project) = row.project {
            push_last(&mut cost.projects, project);
        }
    }
    if cost.today.requests == 0 {
        // Known to be nothing, which is not unknown.
        cost.today.list = Some(Money::zero(Currency::USD));
    }
    cost.models = models.into_iter().collect();
    cost.models.sort_by_key(|(_, sums)| {
        Reverse((sums.list.map_or(0, |list| list.attos), sums.tokens.total()))
    });
    let last = Span::of_days(last_day, next(last_day), zone);
    let uses = ledger.sessions_in(&last, last.end, &mut LastUses::default())?;
    let same = |used: &&SessionUse| used.session.as_ref() == Some(&cost.session);
    if let Some(used) = uses.iter().filter(same).max_by_key(|used| last_use(used)) {
        (cost.last_at, cost.last_at_is_exact) = (Some(last_use(used)), used.last_at.is_some());
    }
    Ok(Some(cost))
}

/// The newest session that works in the folders, and those at work beside it.
fn newest_in(
    ledger: &Ledger,
    folders: &[String],
    today: NaiveDate,
    now: DateTime<Utc>,
    zone: Zone,
) -> Result<Option<(String, Vec<String>)>, LedgerError> {
    let first = today.checked_sub_days(Days::new(LOOK_BACK_DAYS - 1)).unwrap_or(today);
    let span = Span::of_days(first, next(today), zone);
    let mut here: Vec<(DateTime<Utc>, String)> = Vec::new();
    for used in ledger.sessions_in(&span, now, &mut LastUses::default())? {
        let is_here = used
            .project
            .as_deref()
            .is_some_and(|project| folders.iter().any(|folder| holds(folder, project)));
        let at = last_use(&used);
        if let Some(session) = used.session.filter(|_| is_here) {
            here.push((at, session));
        }
    }
    here.sort_by(|a, b| b.cmp(a));
    let mut here = here.into_iter();
    let Some((at, session)) = here.next() else { return Ok(None) };
    let mut beside = Vec::new();
    for (_, other) in here.take_while(|(other_at, _)| at - *other_at <= BESIDE) {
        if other != session && !beside.contains(&other) {
            beside.push(other);
        }
    }
    Ok(Some((session, beside)))
}

fn last_use(used: &SessionUse) -> DateTime<Utc> {
    used.last_at.unwrap_or(used.last_quarter)
}

/// Whether a path is the folder, or lies below it. Of the root everything does, which would choose
/// any session at all; it holds only itself.
fn holds(folder: &str, path: &str) -> bool {
    let is_separator = |c: char| matches!(c, '/' | '\\');
    let (folder, path) =
        (folder.trim_end_matches(is_separator), path.trim_end_matches(is_separator));
    match path.strip_prefix(folder) {
        Some("") => true,
        Some(below) => !folder.is_empty() && below.starts_with(is_separator),
        None => false,
    }
}

/// Puts it last, once.
fn push_last(list: &mut Vec<String>, name: String) {
    list.retain(|known| *known != name);
    list.push(name);
}

fn next(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_holds_itself_and_what_is_below_it() {
        for (folder, path) in [
            ("/home/ada/shop", "/home/ada/shop"),
            ("/home/ada/shop/", "/home/ada/shop"),
            ("/home/ada/shop", "/home/ada/shop/src/"),
            ("C:\\work", "C:\\work\\shop"),
            ("/", "/"),
        ] {
            assert!(holds(folder, path), "{folder} {path}");
        }
        for (folder, path) in [
            ("/home/ada/shop", "/home/ada/shopping"),
            ("/home/ada/shop", "/home/ada"),
            ("/", "/home/ada"),
            ("/home/ada/shop", "shop"),
        ] {
            assert!(!holds(folder, path), "{folder} {path}");
        }
    }
}
