//! A description's calls, in order: holes, days, pages, refusals.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use serde_json::Value;

use super::facts::{Context, Found};
use super::language::{Answer, Call, Description, Failure, FailureKind, Page, Send};
use super::place::{At, Place};
use super::template::Fill;
use crate::sources::providers::endpoint::Endpoint;
use crate::sources::providers::reports::concerns_every_call;
use crate::sources::{ApiKey, SourceError};
use crate::spend::{Currency, DaySpan, Noted, Reading};

const MOST_PAGES: usize = 100;
/// A list of values that makes a call come again and again.
const MOST_TURNS: usize = 100;
/// Descriptions hold a whole answer in memory, which takes a multiple of its size.
pub const MOST_BYTES: usize = 2 * 1024 * 1024;
/// The answers of one look, of all calls together.
pub const MOST_IN_ALL: usize = 8 * 1024 * 1024;

/// What stands for the network: the endpoint, or saved answers.
pub trait Asked {
    /// One answer and the address of the next page where a header names it.
    fn ask(
        &mut self,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> impl Future<Output = Result<(Vec<u8>, Option<String>), SourceError>> + std::marker::Send;
}

impl Asked for &Endpoint<'_> {
    async fn ask(
        &mut self,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Result<(Vec<u8>, Option<String>), SourceError> {
        Endpoint::ask_paged(self, path, query, body).await
    }
}

/// Saved answers, in the order of the calls.
pub struct Saved(pub std::vec::IntoIter<Vec<u8>>);

impl Asked for Saved {
    async fn ask(
        &mut self,
        path: &str,
        _query: &[(&str, String)],
        _body: Option<&Value>,
    ) -> Result<(Vec<u8>, Option<String>), SourceError> {
        let what = || format!("there is no saved answer for {path}");
        let answer = self.0.next().ok_or_else(|| SourceError::Unreachable { what: what() })?;
        Ok((answer, None))
    }
}

/// A look along a description.
pub struct Asking<'a, A> {
    /// The description.
    pub description: &'a Description,
    /// Who answers.
    pub asked: A,
    /// First day, time and settings.
    pub fill: Fill,
    /// The currency of the region.
    pub region: Option<Currency>,
    /// The key, for bodies that hold it.
    pub key: Option<&'a ApiKey>,
}

/// What the calls so far told together.
#[derive(Default)]
struct Known {
    /// Days whose costs are known.
    costs: Option<BTreeSet<NaiveDate>>,
    /// Days whose tokens are known.
    tokens: Option<BTreeSet<NaiveDate>>,
    /// Answers that are kept for later calls.
    beside: BTreeMap<String, Value>,
}

impl<A: Asked> Asking<'_, A> {
    /// Asks everything. Gives the reading, and what was read from where.
    ///
    /// # Errors
    /// A call that is not optional failed, or every call did.
    pub async fn run(mut self) -> Result<(Reading, Vec<Noted>), SourceError> {
        let (mut found, mut known) = (Found::default(), Known::default());
        let (mut any, mut first_error) = (false, None);
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for spanned in &self.description.call {
            let call = spanned.get_ref();
            match self.call(call, &mut values, &mut found, &mut known).await {
                Ok(()) => any = true,
                Err(error) => {
                    let Some(what) =
                        call.optional.as_ref().filter(|_| !concerns_every_call(&error))
                    else {
                        return Err(error);
                    };
                    found.reading.gaps.push(match &error {
                        SourceError::WrongKindOfKey { status } => {
                            format!("{what} can't be read with this key ({status}).")
                        }
                        other => format!("{what} could not be read: {other}."),
                    });
                    first_error.get_or_insert(error);
                }
            }
        }
        if let Some(error) = first_error.filter(|_| !any) {
            return Err(error);
        }
        let (mut reading, noted) = found.into_reading();
        (reading.charges_cover, reading.metered_cover) =
            (span(known.costs, &mut reading.gaps), span(known.tokens, &mut Vec::new()));
        // What lies outside the days that are known completely would replace nothing.
        let cover = reading.charges_cover;
        reading
            .charges
            .retain(|it| cover.is_some_and(|span| (span.first..=span.last).contains(&it.day)));
        let cover = reading.metered_cover;
        reading
            .metered
            .retain(|it| cover.is_some_and(|span| (span.first..=span.last).contains(&it.day)));
        Ok((reading, noted))
    }

    /// One call, as often as its holes ask for.
    async fn call(
        &mut self,
        call: &Call,
        values: &mut BTreeMap<String, Vec<String>>,
        found: &mut Found,
        known: &mut Known,
    ) -> Result<(), SourceError> {
        let mut fill = self.fill.clone();
        let last = fill.now.date_naive();
        fill.last = if call.finished { last.pred_opt().unwrap_or(last) } else { last };
        if let Some(days) = call.last_days.or(call.per_day) {
            let back = Days::new(u64::from(days.max(1) - 1));
            fill.first = fill.first.max(fill.last.checked_sub_days(back).unwrap_or(fill.last));
        }
        fill.first = fill.first.min(fill.last);
        let all: Vec<NaiveDate> =
            fill.first.iter_days().take_while(|day| *day <= fill.last).collect();
        let days: Vec<Option<NaiveDate>> = match call.per_day {
            Some(_) => all.iter().copied().map(Some).collect(),
            None => vec![None],
        };
        let turns = turns(call, values);
        if turns.len() > MOST_TURNS {
            return Err(changed("it lists more than 100 accounts"));
        }
        let mut empty = BTreeSet::new();
        for turn in &turns {
            fill.values.extend(turn.clone());
            for day in &days {
                fill.day = *day;
                let mut pages = self.pages(call, &fill).await?;
                let kept = call.beside.as_ref().zip(pages.first().cloned());
                for fields in pages.iter_mut().filter_map(Value::as_object_mut) {
                    fields.extend(known.beside.clone());
                }
                known.beside.extend(kept.map(|(name, page)| (name.clone(), page)));
                let with = Context { fill: &fill, region: self.region };
                for page in &pages {
                    take(call, page, values, found, with)?;
                }
                // Rows that may be missing and are: nothing is said of that day.
                let silent = !call.cost.is_empty()
                    && call.cost.iter().all(|fact| fact.optional)
                    && call.cost.iter().filter_map(|fact| fact.each.as_ref()).all(|each| {
                        pages.iter().all(|top| each.find(At { top, row: top, key: None }).is_none())
                    });
                // Nor where the rows do not end: what is there may be half a day.
                if silent {
                    empty.extend(day.map_or_else(|| all.clone(), |day| vec![day]));
                }
            }
        }
        let told =
            || all.iter().copied().filter(|day| !empty.contains(day)).collect::<BTreeSet<_>>();
        if !call.cost.is_empty() {
            merge(&mut known.costs, told());
        }
        if !call.tokens.is_empty() {
            merge(&mut known.tokens, told());
        }
        Ok(())
    }

    /// Every page of one request.
    async fn pages(&mut self, call: &Call, fill: &Fill) -> Result<Vec<Value>, SourceError> {
        let mut query: BTreeMap<String, String> =
            call.query.iter().map(|(name, template)| (name.clone(), template.fill(fill))).collect();
        let mut body = call.body.as_ref().map(|body| body.fill(fill));
        if let (Some(Value::Object(body)), Some(key), Some(Send::Body(field))) =
            (&mut body, self.key, self.description.key.as_ref().map(|key| &key.send))
        {
            body.insert(field.clone(), key.expose().into());
        }
        let mut path = call.path.fill(fill);
        if let Some(number) = call.page.as_ref().and_then(|page| page.number.as_ref()) {
            put(&mut query, &mut body, number, "1".into());
        }
        let (mut pages, mut seen) = (Vec::new(), BTreeSet::new());
        for number in 1..=MOST_PAGES {
            let pairs: Vec<(&str, String)> =
                query.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
            let answered = self.asked.ask(&path, &pairs, body.as_ref()).await;
            let (bytes, link) =
                answered.map_err(|error| renamed(error, &self.description.answer))?;
            let top = read(&bytes, &self.description.answer)?;
            let next = match &call.page {
                None => Next::Nothing,
                Some(page) => next(page, &top, number, link)?,
            };
            pages.push(top);
            match next {
                Next::Nothing => return Ok(pages),
                Next::Fields(fields) => {
                    if !seen.insert(fields.clone()) {
                        return Err(changed("its pages lead in a circle"));
                    }
                    for (name, value) in fields {
                        put(&mut query, &mut body, &name, value);
                    }
                }
                Next::Address { path: further, query: pairs } => {
                    if !seen.insert(vec![(further.clone(), format!("{pairs:?}"))]) {
                        return Err(changed("its pages lead in a circle"));
                    }
                    (path, query) = (further, pairs.into_iter().collect());
                }
            }
        }
        // A part of a bill must not pass for the bill.
        Err(changed("it has more than 100 pages"))
    }
}

/// What one answer tells.
fn take(
    call: &Call,
    top: &Value,
    values: &mut BTreeMap<String, Vec<String>>,
    found: &mut Found,
    with: Context<'_>,
) -> Result<(), SourceError> {
    let whole = At { top, row: top, key: None };
    for (name, wanted) in &call.values {
        let rows: Vec<At<'_>> = match &wanted.each {
            None => vec![whole],
            Some(place) => match place.find(whole) {
                Some(Value::Array(list)) => {
                    list.iter().map(|row| At { top, row, key: None }).collect()
                }
                _ => return Err(changed(&format!("it has no list `{place}`"))),
            },
        };
        for at in rows {
            let value =
                wanted.at.text(at).ok_or_else(|| changed(&format!("it has no `{}`", wanted.at)))?;
            // It becomes a part of an address.
            let fits = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
            if !value.chars().all(fits) || value.split('/').any(|part| part == "..") {
                return Err(changed(&format!("`{}` is no plain id", wanted.at)));
            }
            values.entry(name.clone()).or_default().push(value);
        }
    }
    if let Some(plan) = &call.plan {
        found.reading.plan = plan.text(whole).or(found.reading.plan.take());
    }
    call.balance.iter().try_for_each(|fact| found.balance(fact, top, with))?;
    call.quota.iter().try_for_each(|fact| found.quota(fact, top, with))?;
    call.cost.iter().try_for_each(|fact| found.cost(fact, top, with))?;
    call.total.iter().try_for_each(|fact| found.total(fact, top, with))?;
    call.tokens.iter().try_for_each(|fact| found.tokens(fact, top, with))
}

/// One set of values for each time that a call has to be made.
fn turns(call: &Call, values: &BTreeMap<String, Vec<String>>) -> Vec<BTreeMap<String, String>> {
    let body = call.body.iter().flat_map(|body| body.templates());
    let templates = [&call.path].into_iter().chain(call.query.values()).chain(body);
    let names: BTreeSet<&str> = templates.flat_map(|template| template.names()).collect();
    let mut turns = vec![BTreeMap::new()];
    for (name, list) in values.iter().filter(|(name, _)| names.contains(name.as_str())) {
        turns = turns
            .iter()
            .flat_map(|turn: &BTreeMap<String, String>| {
                list.iter().map(move |value| {
                    let mut turn = turn.clone();
                    turn.insert(name.clone(), value.clone());
                    turn
                })
            })
            .take(MOST_TURNS + 1)
            .collect();
    }
    turns
}

/// How the next page is asked for.
enum Next {
    Nothing,
    Fields(Vec<(String, String)>),
    Address { path: String, query: Vec<(String, String)> },
}

fn next(
    page: &Page,
    top: &Value,
    number: usize,
    link: Option<String>,
) -> Result<Next, SourceError> {
    let whole = At { top, row: top, key: None };
    if page.link_header {
        let Some(link) = link else { return Ok(Next::Nothing) };
        // Only its path and query are taken over: the key stays with its host.
        let base: url::Url = "https://same.host".parse().map_err(|_| changed("no address"))?;
        let next =
            base.join(&link).map_err(|_| changed("its link to the next page is no address"))?;
        let query = next.query_pairs().into_owned().collect();
        return Ok(Next::Address { path: next.path().to_owned(), query });
    }
    let more = match &page.more {
        None => None,
        Some(place) => match place.find(whole) {
            Some(Value::Bool(more)) => Some(*more),
            _ => return Err(changed(&format!("`{place}` does not say whether there is more"))),
        },
    };
    if let Some(name) = &page.number {
        let pages = page.pages.as_ref().map(|place| {
            place
                .text(whole)
                .and_then(|text| text.parse::<usize>().ok())
                .ok_or_else(|| changed(&format!("`{place}` does not say how many pages there are")))
        });
        let more = more.unwrap_or(false) || pages.transpose()?.is_some_and(|pages| number < pages);
        let further = vec![(name.clone(), (number + 1).to_string())];
        return Ok(if more { Next::Fields(further) } else { Next::Nothing });
    }
    if more == Some(false) {
        return Ok(Next::Nothing);
    }
    let last = match &page.from_last {
        None => Some(whole),
        Some(place) => place
            .find(whole)
            .and_then(Value::as_array)
            .and_then(|list| list.last())
            .map(|row| At { top, row, key: None }),
    };
    let cursor = |place: &Place| last.and_then(|at| place.text(at)).filter(|text| !text.is_empty());
    let fields: Option<Vec<_>> =
        page.send.iter().map(|(name, place)| Some((name.clone(), cursor(place)?))).collect();
    match fields {
        Some(fields) => Ok(Next::Fields(fields)),
        None if more == Some(true) => Err(changed("it says that there is more and not where")),
        None => Ok(Next::Nothing),
    }
}

/// Sets a field of the next request: of its body where it has one.
fn put(query: &mut BTreeMap<String, String>, body: &mut Option<Value>, name: &str, value: String) {
    match body {
        Some(Value::Object(body)) => {
            let value = match value.parse::<i64>() {
                Ok(number) if body.get(name).is_none_or(Value::is_number) => number.into(),
                _ => value.into(),
            };
            body.insert(name.to_owned(), value);
        }
        _ => {
            query.insert(name.to_owned(), value);
        }
    }
}

/// An answer, if it is a good one.
fn read(bytes: &[u8], answer: &Answer) -> Result<Value, SourceError> {
    if bytes.len() > MOST_BYTES {
        return Err(changed("it is larger than 2 MiB"));
    }
    let top: Value = crate::sources::providers::decode::answer(bytes)?;
    let at = At { top: &top, row: &top, key: None };
    let refuses = |place: &Place| {
        place.find(at).is_some_and(|it| it.as_array().is_none_or(|list| !list.is_empty()))
    };
    if answer.ok.iter().all(|(place, is)| is.matches(place.find(at)))
        && !answer.unless.iter().any(|(place, is)| is.matches(place.find(at)))
        && !answer.refusal.iter().any(refuses)
    {
        return Ok(top);
    }
    let code = answer.code.as_ref().and_then(|places| places.text(at));
    let told = code.as_ref().and_then(|code| answer.codes.get(code));
    Err(match told {
        Some(failure) => failed(failure, 200),
        None => changed("it says that it failed"),
    })
}

/// What a status means for this provider.
fn renamed(error: SourceError, answer: &Answer) -> SourceError {
    let status = match &error {
        SourceError::KeyRejected { status } | SourceError::WrongKindOfKey { status } => *status,
        SourceError::NotOffered { .. } => 404,
        SourceError::OutOfCredit => 402,
        _ => return error,
    };
    match answer.statuses.get(&status.to_string()) {
        Some(failure) => failed(failure, status),
        None => error,
    }
}

fn failed(failure: &Failure, status: u16) -> SourceError {
    match failure.kind {
        FailureKind::KeyRejected => SourceError::KeyRejected { status },
        FailureKind::WrongKindOfKey => SourceError::WrongKindOfKey { status },
        FailureKind::NotOffered => SourceError::NotOffered {
            what: if failure.say.is_empty() {
                format!("it answers {status}")
            } else {
                failure.say.clone()
            },
        },
        FailureKind::OutOfCredit => SourceError::OutOfCredit,
        FailureKind::RateLimited => SourceError::RateLimited { retry_after: None },
        FailureKind::Down => SourceError::ProviderDown { status, retry_after: None },
    }
}

/// Several calls about the same days: only what all of them know is known.
fn merge(known: &mut Option<BTreeSet<NaiveDate>>, days: BTreeSet<NaiveDate>) {
    *known = Some(match known.take() {
        Some(known) => known.intersection(&days).copied().collect(),
        None => days,
    });
}

/// The newest days without a hole; what lies before a hole is not known.
fn span(days: Option<BTreeSet<NaiveDate>>, gaps: &mut Vec<String>) -> Option<DaySpan> {
    let days = days?;
    let last = *days.last()?;
    let first = days
        .iter()
        .rev()
        .copied()
        .reduce(|first, day| if day.succ_opt() == Some(first) { day } else { first })?;
    if days.first() != Some(&first) {
        gaps.push(format!("Costs before {first} are not told for every day."));
    }
    Some(DaySpan { first, last })
}

fn changed(what: &str) -> SourceError {
    SourceError::FormatChanged { what: what.to_owned() }
}
