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
mod lines;
mod reasons;
#[cfg(test)]
mod reasons_tests;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use rusqlite::{Connection, Result};

use super::bills::{self, ChargeRow, Covered};
use super::figures::{About, Figures};
use super::names::{self, NONE, Names};
use super::{Spend, codes, days, slots};
pub use columns::Reconciled;
pub use lines::{AccountLines, Difference, Line, LineBill, LineState};
pub use reasons::{Confidence, Reason, Tier};

use crate::spend::period::{day_start, local_day};
use crate::spend::{
    Amounts, BY_PROVIDER, ChargeKind, Currency, DaySpan, Funding, Money, Rates, Span, TokenCounts,
};

/// What is asked: a span of local days and the sources that count.
pub(super) struct Scope {
    span: Span,
    zone: Tz,
    /// By id of the dictionary.
    payers: HashMap<i64, Payer>,
    /// `None` takes every source.
    only: Option<HashSet<i64>>,
}

/// Who pays for a source's usage.
struct Payer {
    account: String,
    funding: Option<Funding>,
}

impl Scope {
    /// Reads who pays for what. No `sources` means all of them.
    pub(super) fn new(
        conn: &Connection,
        span: &Span,
        zone: Tz,
        sources: &[String],
    ) -> Result<Self> {
        let payers = conn
            .prepare_cached("SELECT source, account, funding FROM source_state")?
            .query_map([], |row| {
                let funding: Option<i64> = row.get(2)?;
                let payer = Payer { account: row.get(1)?, funding: funding.map(codes::funding_of) };
                Ok((row.get(0)?, payer))
            })?
            .collect::<Result<_>>()?;
        let only = if sources.is_empty() {
            None
        } else {
            let mut ids = HashSet::new();
            for source in sources {
                ids.extend(names::find(conn, source)?);
            }
            Some(ids)
        };
        Ok(Self { span: *span, zone, payers, only })
    }

    /// The UTC days that carry the same dates as the local days of the span. Days that come as
    /// UTC days are never smeared over two local ones.
    pub(super) fn utc_days(&self) -> DaySpan {
        let last = self.span.end_day.checked_sub_days(Days::new(1)).unwrap_or(NaiveDate::MIN);
        DaySpan { first: self.span.first_day, last }
    }

    pub(super) fn holds(&self, source: i64) -> bool {
        self.only.as_ref().is_none_or(|ids| ids.contains(&source))
    }

    /// The account that a source's bills are about.
    fn account(&self, source: i64) -> &str {
        self.payers.get(&source).map_or("", |payer| &payer.account)
    }

    /// The account that some usage of a source is billed to: with [`BY_PROVIDER`] that of whoever
    /// the log says it was sent to, else of whoever lists the model.
    fn account_of(&self, conn: &Connection, names: &mut Names, about: &About) -> Result<Arc<str>> {
        let account = self.account(about.source);
        if account != BY_PROVIDER {
            return Ok(account.into());
        }
        let provider = if about.hint == NONE { about.provider } else { about.hint };
        Ok(names.text(conn, provider)?.unwrap_or_else(|| account.into()))
    }

    pub(super) fn is_covered(&self, about: &About) -> bool {
        let told = self.payers.get(&about.source).and_then(|payer| payer.funding);
        told.unwrap_or(about.funding) == Funding::Subscription
    }

    /// Hands the usage of the scope to `each`, with its local day: sums per day where those are
    /// kept, which tell no project and no session.
    pub(super) fn for_each_day(
        &self,
        conn: &Connection,
        mut each: impl FnMut(NaiveDate, &About, &Figures) -> Result<()>,
    ) -> Result<()> {
        let answered = days::for_each(conn, &self.span, self.zone, |day, about, figures| {
            if self.holds(about.source) { each(day, about, figures) } else { Ok(()) }
        })?;
        if answered { Ok(()) } else { self.for_each_slot(conn, each) }
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
        slots::for_each(conn, self.span.start, self.span.end, |quarter, about, figures| {
            let start = slots::start_of(quarter);
            if start >= day_end {
                day = local_day(start, self.zone);
                let next = day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
                day_end = day_start(next, self.zone);
            }
            if self.holds(about.source) { each(day, about, figures) } else { Ok(()) }
        })
    }

    /// The charges of the scope, by UTC day.
    pub(super) fn charges(&self, conn: &Connection) -> Result<Vec<ChargeRow>> {
        let mut charges = bills::charges_between(conn, self.utc_days())?;
        charges.retain(|charge| self.holds(charge.source));
        Ok(charges)
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
    let mut metered: Vec<_> = bills::metered_between(conn, scope.utc_days())?
        .into_iter()
        .map(|(_, row)| row)
        .filter(|row| scope.holds(row.source))
        .collect();
    let (Some(first), Some(last)) = (metered.first(), metered.last()) else {
        return Ok(Vec::new());
    };
    // The logs of the same UTC days, whatever the zone.
    let end_day = last.day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
    let utc = Scope {
        span: Span::of_days(first.day, end_day, Tz::UTC),
        zone: Tz::UTC,
        payers: HashMap::new(),
        only: scope.only.clone(),
    };
    let reported: HashSet<(Arc<str>, NaiveDate)> =
        metered.iter().map(|row| (scope.account(row.source).into(), row.day)).collect();
    let mut logged: HashMap<(Arc<str>, NaiveDate, String), Known> = HashMap::new();
    utc.for_each_day(conn, |day, about, figures| {
        let account = (scope.account_of(conn, names, about)?, day);
        if scope.is_covered(about) || !reported.contains(&account) {
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

/// A bill of one account and UTC day.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bill {
    pub(super) amounts: Amounts,
    /// The same by model; what names no model has the key [`NONE`].
    by_model: BTreeMap<i64, Amounts>,
    /// What the provider itself says the same costs by its list, by model.
    list_by_model: BTreeMap<i64, Amounts>,
    pub(super) is_final: bool,
}

/// What counts of one account on one day, in dollars, and whether it is an estimate.
fn judge(list: Money, bill: Option<&Bill>, rates: &Rates) -> (Money, bool) {
    let Some(bill) = bill else { return (list, list.attos > 0) };
    let billed = rates.sum(&bill.amounts);
    if bill.is_final || billed.attos >= list.attos { (billed, false) } else { (list, true) }
}

/// The figures of the scope.
pub(super) fn spend(conn: &Connection, scope: &Scope, rates: &Rates) -> Result<Spend> {
    let mut names = Names::default();
    let mut total = Spend::default();
    let mut sum = Figures::default();
    let mut covered_picos = 0_i128;
    let mut open: BTreeMap<(Arc<str>, NaiveDate), i128> = BTreeMap::new();
    let mut unpriced: BTreeMap<i64, u64> = BTreeMap::new();
    scope.for_each_day(conn, |day, about, figures| {
        sum.add(figures, 1);
        if scope.is_covered(about) {
            covered_picos += figures.list_picos;
        } else {
            let account = scope.account_of(conn, &mut names, about)?;
            *open.entry((account, day)).or_default() += figures.list_picos;
        }
        if figures.unpriced_tokens > 0 {
            *unpriced.entry(about.model).or_default() += codes::to_u64(figures.unpriced_tokens);
        }
        Ok(())
    })?;
    total.requests = codes::to_u64(sum.requests);
    total.tokens = sum.token_counts();
    total.stated_requests = codes::to_u64(sum.stated_requests);
    total.stated = Money::from_picos_usd(sum.stated_picos);
    total.agents_say = sum.agents_say();
    let mut list_picos = sum.list_picos;
    for part in excess(conn, &mut names, scope)? {
        total.requests = total.requests.saturating_add(part.requests);
        total.tokens.add(&part.tokens);
        let picos = part.list_picos.unwrap_or(0);
        list_picos += picos;
        *open.entry((scope.account(part.source).into(), part.day)).or_default() += picos;
        if part.unpriced_tokens() > 0 {
            let tokens = unpriced.entry(part.model).or_default();
            *tokens = tokens.saturating_add(part.unpriced_tokens());
        }
    }
    total.list = Money::from_picos_usd(list_picos);
    total.covered = Money::from_picos_usd(covered_picos);

    let bills = bills_of(conn, scope, rates, &mut total.charged_elsewhere)?;
    let mut spend = total.covered;
    total.estimated = covered_picos > 0;
    let mut billed = Amounts::default();
    for bill in bills.values() {
        bill.amounts.iter().for_each(|amount| billed.add(amount));
    }
    let days: BTreeSet<_> = open.keys().chain(bills.keys()).collect();
    for account_day in days {
        let list = Money::from_picos_usd(open.get(account_day).copied().unwrap_or(0));
        let (counts, estimated) = judge(list, bills.get(account_day), rates);
        spend.attos = spend.attos.saturating_add(counts.attos);
        total.estimated |= estimated;
    }
    total.spend = spend;
    total.billed = (!bills.is_empty()).then(|| billed.usd());
    total.billed_other = billed.iter().filter(|sum| sum.currency != Currency::USD).collect();
    total.converted = rates.converted(&billed);
    total.unpriced_tokens = unpriced.values().fold(0, |a, b| a.saturating_add(*b));
    total.unpriced_models = most_first(conn, &mut names, unpriced)?;
    Ok(total)
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
fn bills_of(
    conn: &Connection,
    scope: &Scope,
    rates: &Rates,
    charged_elsewhere: &mut Amounts,
) -> Result<BTreeMap<(Arc<str>, NaiveDate), Bill>> {
    let mut by_source: BTreeMap<(i64, NaiveDate), Bill> = BTreeMap::new();
    for cover in bills::covers_between(conn, scope.utc_days(), Covered::Charges)? {
        if scope.holds(cover.source) {
            let bill = Bill { is_final: cover.is_final, ..Bill::default() };
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
                let bill = by_source.entry((charge.source, charge.day)).or_default();
                bill.amounts.add(money);
                bill.by_model.entry(charge.model).or_default().add(money);
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
