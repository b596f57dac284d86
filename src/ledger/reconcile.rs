//! Where billed meets estimated, and nowhere else: a dollar is counted once.
//!
//! Sources of one account describe the same dollars. Per account and day:
//!
//! - what a subscription covers counts at list price; no bill is about it;
//! - a bill of a day that ended more than 24 hours before it was read is final and counts;
//! - a bill of a younger day may lag: it counts, or the list price when that is higher;
//! - without a bill the list price counts, as an estimate.
//!
//! The account of an agent that talks to several providers is the provider of each request, unless
//! the config names one for all of them.
//!
//! A provider's own usage report repeats what the logs of the same account tell. It counts only as
//! far as it exceeds them, per account, UTC day and model.
//!
//! Where both sides tell of an account they are also shown against each other: `columns` reads
//! them, `lines` lines them up, and `reasons` says what a difference likely comes from.

mod columns;
mod cover;
mod lines;
mod reasons;
#[cfg(test)]
mod reasons_tests;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use rusqlite::{Connection, Result};

use super::bills::{self, ChargeRow, Covered};
use super::figures::{About, Figures};
use super::names::{NONE, Names};
use super::paid::Terms;
use super::parts::{Bill, Parts};
use super::{Spend, codes, days, slots};
use crate::plans::Plans;
pub use columns::Reconciled;
pub(super) use cover::PaidBy;
pub use lines::{AccountLines, Difference, Line, LineBill, LineState};
pub use reasons::{Confidence, Reason, Tier};

use crate::spend::period::{day_start, local_day};
use crate::spend::{
    Amounts, BY_PROVIDER, ChargeKind, DaySpan, Facts, Filter, Funding, Rates, Span, TokenCounts,
    Zone,
};

/// What is asked: a span of time and the spend that is meant.
pub(super) struct Scope {
    pub(super) span: Span,
    pub(super) zone: Zone,
    /// By id of the dictionary.
    payers: HashMap<i64, Payer>,
    filter: Filter,
    /// The filter without what bills may not tell.
    whole: Filter,
    /// What the filter said of usage before.
    known: RefCell<(Names, HashMap<About, bool>)>,
    pub(super) plans: Arc<Plans>,
    /// The first day that no fee counts of.
    pub(super) fees_end: NaiveDate,
    /// The plans that would cover some usage on the days they run, by their places.
    covering: RefCell<HashMap<About, Arc<[usize]>>>,
}

/// Who pays for a source's usage.
#[derive(Clone)]
struct Payer {
    account: String,
    funding: Option<Funding>,
}

impl Scope {
    /// Reads who pays for what.
    pub(super) fn new(
        conn: &Connection,
        span: &Span,
        zone: Zone,
        filter: &Filter,
        plans: &Arc<Plans>,
    ) -> Result<Self> {
        let payers: HashMap<_, _> = conn
            .prepare_cached("SELECT source, account, funding FROM source_state")?
            .query_map([], |row| {
                let funding: Option<i64> = row.get(2)?;
                let payer = Payer { account: row.get(1)?, funding: funding.map(codes::funding_of) };
                Ok((row.get(0)?, payer))
            })?
            .collect::<Result<_>>()?;
        let mut whole = filter.clone();
        for lists in [&mut whole.only, &mut whole.except] {
            lists.models.clear();
            lists.projects.clear();
            lists.sessions.clear();
        }
        Ok(Self {
            span: *span,
            zone,
            payers,
            filter: filter.clone(),
            whole,
            known: RefCell::default(),
            fees_end: span.end_day,
            plans: plans.clone(),
            covering: RefCell::default(),
        })
    }

    /// The same spend of another time.
    pub(super) fn over(&self, span: Span, zone: Zone) -> Self {
        Self {
            span,
            zone,
            payers: self.payers.clone(),
            filter: self.filter.clone(),
            whole: self.whole.clone(),
            known: RefCell::default(),
            fees_end: self.fees_end,
            plans: self.plans.clone(),
            covering: RefCell::default(),
        }
    }

    /// The same with the fees of the days before this one only.
    pub(super) fn with_fees_until(self, fees_end: NaiveDate) -> Self {
        Self { fees_end, ..self }
    }

    /// What of it is this source's.
    pub(super) fn of_source(&self, source: String) -> Self {
        let mut own = self.over(self.span, self.zone);
        own.filter.only.sources = vec![source.clone()];
        own.whole.only.sources = vec![source];
        own
    }

    /// What is meant.
    pub(super) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The UTC days that carry the same dates as the local days of the span. Days that come as
    /// UTC days are never smeared over two local ones.
    pub(super) fn utc_days(&self) -> DaySpan {
        let last = self.span.end_day.checked_sub_days(Days::new(1)).unwrap_or(NaiveDate::MIN);
        DaySpan { first: self.span.first_day, last }
    }

    /// Whether this usage is meant.
    pub(super) fn takes(&self, conn: &Connection, about: &About) -> Result<bool> {
        if self.filter.is_everything() {
            return Ok(true);
        }
        let mut known = self.known.borrow_mut();
        let (names, known) = &mut *known;
        if let Some(takes) = known.get(about) {
            return Ok(*takes);
        }
        let takes = self.decides(conn, names, about)?;
        known.insert(*about, takes);
        Ok(takes)
    }

    /// As [`Scope::takes`], and nothing is kept.
    fn decides(&self, conn: &Connection, names: &mut Names, about: &About) -> Result<bool> {
        let account = self.account_of(conn, names, about)?;
        self.asks(conn, names, &self.filter, about, &account)
    }

    /// Whether what a provider tells of a model is meant, as far as it can be told.
    fn takes_told(
        &self,
        conn: &Connection,
        filter: &Filter,
        (source, provider, model): (i64, i64, i64),
    ) -> Result<bool> {
        if self.filter.is_everything() {
            return Ok(true);
        }
        let names = &mut self.known.borrow_mut().0;
        let about = About { source, provider, model, ..About::default() };
        self.asks(conn, names, filter, &about, self.account(source))
    }

    fn asks(
        &self,
        conn: &Connection,
        names: &mut Names,
        filter: &Filter,
        about: &About,
        account: &str,
    ) -> Result<bool> {
        let source = names.text(conn, about.source)?;
        let provider = names.text(conn, about.billed_by())?;
        let model = names.text(conn, about.model)?;
        let project = names.text(conn, about.project)?;
        let session = names.text(conn, about.session)?;
        Ok(filter.takes(&Facts {
            source: source.as_deref().unwrap_or_default(),
            provider: provider.as_deref(),
            account,
            model: model.as_deref(),
            project: project.as_deref(),
            session: session.as_deref(),
        }))
    }

    /// The account that a source's bills are about.
    pub(super) fn account(&self, source: i64) -> &str {
        self.payers.get(&source).map_or("", |payer| &payer.account)
    }

    /// The account that some usage of a source is billed to: with [`BY_PROVIDER`] that of whoever
    /// the log says it was sent to, else of whoever lists the model.
    pub(super) fn account_of(
        &self,
        conn: &Connection,
        names: &mut Names,
        about: &About,
    ) -> Result<Arc<str>> {
        let account = self.account(about.source);
        if account != BY_PROVIDER {
            return Ok(account.into());
        }
        Ok(names.text(conn, about.billed_by())?.unwrap_or_else(|| account.into()))
    }

    /// Hands the usage of the scope to `each`, with its local day: sums per day where those are
    /// kept, which tell no project and no session.
    pub(super) fn for_each_day(
        &self,
        conn: &Connection,
        mut each: impl FnMut(NaiveDate, &About, &Figures) -> Result<()>,
    ) -> Result<()> {
        if self.told_by_days(conn, &mut each)? { Ok(()) } else { self.for_each_slot(conn, each) }
    }

    /// Hands the sums of the scope's days to `each`; false when days do not tell.
    fn told_by_days(
        &self,
        conn: &Connection,
        each: &mut impl FnMut(NaiveDate, &About, &Figures) -> Result<()>,
    ) -> Result<bool> {
        if self.filter.tells_work_apart() {
            return Ok(false);
        }
        days::for_each(conn, &self.span, self.zone, |day, about, figures| {
            if self.takes(conn, about)? { each(day, about, figures) } else { Ok(()) }
        })
    }

    /// Hands every slot of the scope to `each`, with its local day.
    pub(super) fn for_each_slot(
        &self,
        conn: &Connection,
        mut each: impl FnMut(NaiveDate, &About, &Figures) -> Result<()>,
    ) -> Result<()> {
        // Slots come in order of time, so that a day's bounds are worked out once.
        let mut day = self.span.first_day;
        let mut day_end = self.span.start;
        let (span, takes) = (&self.span, |about: &_| self.takes(conn, about));
        slots::for_each_of(conn, span.start, span.end, takes, |quarter, about, figures| {
            let start = slots::start_of(quarter);
            if start >= day_end {
                day = local_day(start, self.zone);
                let next = day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
                day_end = day_start(next, self.zone);
            }
            each(day, about, figures)
        })
    }

    /// The charges of the scope, by UTC day.
    pub(super) fn charges(&self, conn: &Connection) -> Result<Vec<ChargeRow>> {
        let mut charges = bills::charges_between(conn, self.utc_days())?;
        let mut problem = None;
        charges.retain(|charge| {
            let told = (charge.source, charge.provider, charge.model);
            self.takes_told(conn, &self.filter, told).unwrap_or_else(|error| {
                problem = Some(error);
                false
            })
        });
        problem.map_or(Ok(charges), Err)
    }

    /// Whether bills can be about exactly what is meant: they come per day, and tell neither
    /// folders nor sessions.
    pub(super) fn has_bills(&self) -> bool {
        self.is_whole_days() && !self.filter.tells_work_apart()
    }

    /// Whether it begins and ends with days.
    pub(super) fn is_whole_days(&self) -> bool {
        self.span == Span::of_days(self.span.first_day, self.span.end_day, self.zone)
    }
}

/// The part of a provider's usage report that no log of the account tells.
pub(super) struct Excess {
    pub(super) day: NaiveDate,
    pub(super) source: i64,
    pub(super) provider: i64,
    pub(super) model: i64,
    pub(super) requests: u64,
    pub(super) tokens: TokenCounts,
    pub(super) web_searches: u64,
    /// `None` when the model has no known price.
    pub(super) list_picos: Option<i128>,
}

impl Excess {
    pub(super) fn unpriced_tokens(&self) -> u64 {
        if self.list_picos.is_some() { 0 } else { self.tokens.total() }
    }
}

/// What a provider's usage report of the scope tells beyond the logs.
pub(super) fn excess(conn: &Connection, names: &mut Names, scope: &Scope) -> Result<Vec<Excess>> {
    if !scope.has_bills() {
        return Ok(Vec::new());
    }
    let mut metered = Vec::new();
    for (_, row) in bills::metered_between(conn, scope.utc_days())? {
        if scope.takes_told(conn, &scope.filter, (row.source, row.provider, row.model))? {
            metered.push(row);
        }
    }
    let (Some(first), Some(last)) = (metered.first(), metered.last()) else {
        return Ok(Vec::new());
    };
    // The logs of the same UTC days, whatever the zone.
    let end_day = last.day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
    let utc = scope.over(Span::of_days(first.day, end_day, Zone::UTC), Zone::UTC);
    let reported: HashSet<(Arc<str>, NaiveDate)> =
        metered.iter().map(|row| (scope.account(row.source).into(), row.day)).collect();
    let mut logged: HashMap<(Arc<str>, NaiveDate, String), Known> = HashMap::new();
    utc.for_each_day(conn, |day, about, figures| {
        let account = (scope.account_of(conn, names, about)?, day);
        if !reported.contains(&account) || scope.is_covered(conn, names, about, day)? {
            return Ok(());
        }
        let model = plain_model(names.text(conn, about.model)?.as_deref());
        let known = logged.entry((account.0, day, model)).or_default();
        known.tokens.add(&figures.token_counts());
        known.requests += codes::to_u64(figures.requests);
        Ok(())
    })?;
    // Several rows may be about one model (with and without a date): the logs are taken off once.
    metered.sort();
    let mut rest = Vec::with_capacity(metered.len());
    for row in metered {
        let account = scope.account(row.source).into();
        let model = plain_model(names.text(conn, row.model)?.as_deref());
        let known = logged.entry((account, row.day, model)).or_default();
        let (mut tokens, mut requests) = (row.tokens, row.requests);
        tokens.sub(&known.tokens);
        // A part of the output can't be larger than all of it.
        tokens.reasoning = tokens.reasoning.min(tokens.output);
        requests = requests.saturating_sub(known.requests);
        // Days do not sum searches; where the logs know the model at all they know its searches.
        let searches = if known.requests == 0 { row.web_searches } else { 0 };
        known.tokens.sub(&row.tokens);
        known.requests = known.requests.saturating_sub(row.requests);
        if tokens.is_zero() && requests == 0 && searches == 0 {
            continue;
        }
        rest.push(Excess {
            day: row.day,
            source: row.source,
            provider: row.provider,
            model: row.model,
            requests,
            tokens,
            web_searches: searches,
            list_picos: row.prices.cost_picos(&tokens, searches),
        });
    }
    Ok(rest)
}

#[derive(Default)]
struct Known {
    tokens: TokenCounts,
    requests: u64,
}

/// The figures of the scope.
pub(super) fn spend(conn: &Connection, scope: &Scope, rates: &Rates) -> Result<Spend> {
    let mut names = Names::default();
    gather(conn, &mut names, scope, rates)?.spend(conn, &mut names, rates)
}

/// What the figures of the scope are made of.
pub(super) fn gather(
    conn: &Connection,
    names: &mut Names,
    scope: &Scope,
    rates: &Rates,
) -> Result<Parts> {
    let mut parts = gather_all(conn, names, &[scope], rates)?;
    Ok(parts.pop().unwrap_or_default())
}

/// What the figures of several scopes of one zone are made of, in their order.
pub(super) fn gather_all(
    conn: &Connection,
    names: &mut Names,
    scopes: &[&Scope],
    rates: &Rates,
) -> Result<Vec<Parts>> {
    let mut all = gather_plain(conn, names, scopes, rates)?;
    for (scope, parts) in scopes.iter().zip(&mut all) {
        parts.terms = Terms::of(conn, names, scope, rates)?;
    }
    Ok(all)
}

/// The same without the terms of plans and discounts. Scopes that sums per day can't tell read the
/// slots, and all of them the same ones at once.
pub(super) fn gather_plain(
    conn: &Connection,
    names: &mut Names,
    scopes: &[&Scope],
    rates: &Rates,
) -> Result<Vec<Parts>> {
    let mut all: Vec<Parts> = Vec::with_capacity(scopes.len());
    let mut by_slot = Vec::new();
    for (index, scope) in scopes.iter().enumerate() {
        let mut parts = Parts::default();
        let mut add = |day: NaiveDate, about: &About, figures: &Figures| {
            let payer = scope.payer(conn, names, about, day)?;
            parts.add(payer, day, about.model, figures);
            Ok(())
        };
        if !scope.told_by_days(conn, &mut add)? {
            by_slot.push(index);
        }
        all.push(parts);
    }
    add_slots(conn, names, scopes, &by_slot, &mut all)?;
    for (scope, parts) in scopes.iter().zip(&mut all) {
        for part in excess(conn, names, scope)? {
            parts.add_reported(scope.account(part.source).into(), &part);
        }
        if scope.has_bills() {
            let reported = bills::metered_between(conn, scope.utc_days())?;
            parts.reported_days = reported.into_iter().map(|(_, row)| row.day).collect();
            parts.bills = bills_of(conn, scope, rates, &mut parts.charged_elsewhere)?;
        }
    }
    Ok(all)
}

/// Adds the slots to the scopes that are counted by them. Who takes what is asked once for each kind
/// of usage, not for each slot.
fn add_slots(
    conn: &Connection,
    names: &mut Names,
    scopes: &[&Scope],
    which: &[usize],
    all: &mut [Parts],
) -> Result<()> {
    let spans = || which.iter().map(|index| &scopes[*index].span);
    let (Some(start), Some(end)) =
        (spans().map(|span| span.start).min(), spans().map(|span| span.end).max())
    else {
        return Ok(());
    };
    type Taker = (usize, PaidBy);
    let mut takers: HashMap<About, Vec<Taker>> = HashMap::new();
    let zone = scopes.first().map_or(Zone::UTC, |scope| scope.zone);
    let plans = scopes.first().map(|scope| scope.plans.clone()).unwrap_or_default();
    let mut running = Vec::new();
    let (mut day, mut day_end) = (NaiveDate::MIN, start);
    slots::for_each(conn, start, end, |quarter, about, figures| {
        let at = slots::start_of(quarter);
        if at >= day_end {
            day = local_day(at, zone);
            day_end = day_start(day.succ_opt().unwrap_or(NaiveDate::MAX), zone);
            let now = plans.running(day);
            if now != running {
                // Who pays may be another from this day on.
                takers.clear();
                running = now;
            }
        }
        if !takers.contains_key(about) {
            let mut of_this = Vec::new();
            for index in which {
                let scope = scopes[*index];
                // Every session is met once here: to keep all answers would take much memory.
                if scope.decides(conn, names, about)? {
                    of_this.push((*index, scope.payer(conn, names, about, day)?));
                }
            }
            takers.insert(*about, of_this);
        }
        for (index, payer) in takers.get(about).into_iter().flatten() {
            if scopes[*index].span.holds(at) {
                all[*index].add(payer.clone(), day, about.model, figures);
            }
        }
        Ok(())
    })
}

/// Models by name with their tokens, most first; those without any are left out.
pub(super) fn most_first(
    conn: &Connection,
    names: &mut Names,
    tokens: impl IntoIterator<Item = (i64, u64)>,
) -> Result<Vec<(Option<String>, u64)>> {
    let mut models = Vec::new();
    for (model, tokens) in tokens.into_iter().filter(|(_, tokens)| *tokens > 0) {
        models.push((names.string(conn, model)?, tokens));
    }
    models.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(models)
}

/// The bill of every account and UTC day that has one. Two sources that bill one account tell of
/// the same dollars: the higher of them is the bill.
pub(super) fn bills_of(
    conn: &Connection,
    scope: &Scope,
    rates: &Rates,
    charged_elsewhere: &mut Amounts,
) -> Result<BTreeMap<(Arc<str>, NaiveDate), Bill>> {
    let mut by_source: BTreeMap<(i64, NaiveDate), Bill> = BTreeMap::new();
    for cover in bills::covers_between(conn, scope.utc_days(), Covered::Charges)? {
        if scope.takes_told(conn, &scope.whole, (cover.source, cover.provider, NONE))? {
            let bill = Bill { source: cover.source, is_final: cover.is_final, ..Bill::default() };
            by_source.insert((cover.source, cover.day), bill);
        }
    }
    for charge in scope.charges(conn)? {
        let money = charge.money()?;
        match charge.kind {
            ChargeKind::Estimated => charged_elsewhere.add(money),
            ChargeKind::List => {
                // It says nothing about whether there is a bill.
                if let Some(bill) = by_source.get_mut(&(charge.source, charge.day)) {
                    bill.list_by_model.entry(charge.model).or_default().add(money);
                }
            }
            ChargeKind::Billed => {
                let empty = Bill { source: charge.source, ..Bill::default() };
                let bill = by_source.entry((charge.source, charge.day)).or_insert(empty);
                bill.amounts.add(money);
                bill.by_model.entry(charge.model).or_default().add(money);
            }
        }
    }
    if scope.filter.tells_models_apart() {
        // A bill that names no models can't be told apart by them: the list price counts.
        for charge in bills::charges_between(conn, scope.utc_days())? {
            if charge.model == NONE && charge.kind == ChargeKind::Billed {
                by_source.remove(&(charge.source, charge.day));
            }
        }
    }
    let mut bills: BTreeMap<_, Bill> = BTreeMap::new();
    for ((source, day), bill) in by_source {
        let kept = bills.entry((scope.account(source).into(), day)).or_insert_with(|| bill.clone());
        if rates.sum(&bill.amounts).attos > rates.sum(&kept.amounts).attos {
            *kept = bill;
        }
    }
    Ok(bills)
}

/// A model's name without the date of its release, in lower case: reports and logs spell it either
/// way (`gpt-5-2025-08-07`, `claude-haiku-4-5-20251001`).
fn plain_model(name: Option<&str>) -> String {
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let is_date = |text: &str| {
        let pattern_fits = match text.len() {
            9 => text.starts_with('-'),
            11 => text.bytes().enumerate().all(|(i, b)| (b == b'-') == matches!(i, 0 | 5 | 8)),
            _ => false,
        };
        pattern_fits
            && text.bytes().skip(1).all(|byte| byte.is_ascii_digit() || byte == b'-')
            && text[1..].starts_with("20")
    };
    for length in [11, 9] {
        let at = name.len().saturating_sub(length);
        if name.is_char_boundary(at) && is_date(&name[at..]) {
            return name[..at].to_owned();
        }
    }
    name
}
