//! The report: usage and cost of a span of days, grouped as asked.

mod paid;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use rusqlite::{Connection, Result};

use super::bills::{self, Covered};
use super::excess::{Excess, excess};
use super::figures::{About, Figures};
use super::gather;
use super::names::{NONE, Names};
use super::scope::Scope;
use super::{Ledger, LedgerError, codes};
use crate::plans::Paid;
use crate::spend::{Amounts, ChargeKind, Currency, Filter, Money, Rates, Span, TokenCounts, Zone};

/// What rows are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKey {
    /// Local day; of bills and metered usage the UTC day of the same date.
    Day,
    /// Source id.
    Source,
    /// Who pays.
    Account,
    /// Whose price list or bill.
    Provider,
    /// Model as logged.
    Model,
    /// Working folder, or the provider's project.
    Project,
    /// The agent's session.
    Session,
}

/// Rows and their sums.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// By day and then by the remaining keys.
    pub rows: Vec<ReportRow>,
    /// Sums over everything; the same for every grouping.
    pub totals: Sums,
    /// Models without a price (`None` where the log leaves it open) with their tokens, most first.
    pub unpriced_models: Vec<(Option<String>, u64)>,
    /// Accounts that two sources bill for the same day. Both are shown where rows are by source; in
    /// sums it is the one that counts, the higher.
    pub billed_twice: BTreeSet<String>,
    /// What is paid for all of it.
    pub paid: Paid,
}

/// One row: the keys that were asked for, and sums.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportRow {
    /// Local day (of bills: the UTC day).
    pub day: Option<NaiveDate>,
    /// Source id.
    pub source: Option<String>,
    /// Who pays.
    pub account: Option<String>,
    /// Provider.
    pub provider: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Project.
    pub project: Option<String>,
    /// Session.
    pub session: Option<String>,
    /// The figures.
    pub sums: Sums,
    /// What is paid; `None` where that can't be told of such a row.
    pub paid: Option<RowPaid>,
}

/// What is paid for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowPaid {
    /// Dollars.
    pub usd: Money,
    /// Whether any part is a list price.
    pub estimated: bool,
}

/// Sums of usage and cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    /// Requests.
    pub requests: u64,
    /// Tokens by kind.
    pub tokens: TokenCounts,
    /// At list price; `None` when none of the usage has a price.
    pub list: Option<Money>,
    /// The part of `list` that a subscription covers, so that nobody bills it; `None` when there
    /// is none.
    pub covered: Option<Money>,
    /// The part of `list` that is the agents' own figure, of models without a known price; `None`
    /// when there is none.
    pub stated: Option<Money>,
    /// Requests in `stated`.
    pub stated_requests: u64,
    /// What agents themselves state of usage that has a list price; in no other figure.
    pub agents_say: Option<Money>,
    /// Billed; empty when no provider reports.
    pub billed: Amounts,
    /// What gateways reckon that other providers charge; in no other figure.
    pub charged_elsewhere: Amounts,
    /// Tokens without a price.
    pub unpriced_tokens: u64,
}

impl Ledger {
    /// Usage and cost of the local days `first_day` to `last_day`, both inclusive. A provider's
    /// own usage report is in it as far as it exceeds the logs of the same account.
    pub fn report(
        &self,
        first_day: NaiveDate,
        last_day: NaiveDate,
        zone: Zone,
        by: &[GroupKey],
    ) -> std::result::Result<Report, LedgerError> {
        self.report_of(first_day, last_day, zone, by, &Filter::everything())
    }

    /// The same of the spend that is meant.
    pub fn report_of(
        &self,
        first_day: NaiveDate,
        last_day: NaiveDate,
        zone: Zone,
        by: &[GroupKey],
        filter: &Filter,
    ) -> std::result::Result<Report, LedgerError> {
        let end_day = last_day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
        let span = Span::of_days(first_day, end_day.max(first_day), zone);
        self.ask(|conn| {
            report(conn, &Scope::new(conn, &span, zone, filter, &self.plans)?, by, &self.rates)
        })
    }
}

/// The keys of a row as ids; what was not asked for stays empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Group {
    day: Option<NaiveDate>,
    source: i64,
    /// Accounts come from the config: not all of them are in the dictionary.
    account: Option<Arc<str>>,
    provider: i64,
    model: i64,
    project: i64,
    session: i64,
}

impl Group {
    fn only(&self, by: &[GroupKey]) -> Self {
        let mut kept = Self::default();
        for key in by {
            match key {
                GroupKey::Day => kept.day = self.day,
                GroupKey::Source => kept.source = self.source,
                GroupKey::Account => kept.account.clone_from(&self.account),
                GroupKey::Provider => kept.provider = self.provider,
                GroupKey::Model => kept.model = self.model,
                GroupKey::Project => kept.project = self.project,
                GroupKey::Session => kept.session = self.session,
            }
        }
        kept
    }
}

fn report(conn: &Connection, scope: &Scope, by: &[GroupKey], rates: &Rates) -> Result<Report> {
    let mut names = Names::default();
    let mut groups: HashMap<Group, Sums> = HashMap::new();
    let mut unpriced: HashMap<i64, u64> = HashMap::new();
    let by_account = by.contains(&GroupKey::Account);
    let told_by = |source| by_account.then(|| scope.account(source).into());
    // The closure keeps its own: the names are asked for between its calls.
    let mut covers = Names::default();
    let mut add = |day, about: &About, figures: &Figures| {
        let account = by_account.then(|| scope.account_of(conn, &mut names, about)).transpose()?;
        let group = Group {
            day: Some(day),
            source: about.source,
            account,
            provider: about.provider,
            model: about.model,
            project: about.project,
            session: about.session,
        };
        let is_covered = scope.is_covered(conn, &mut covers, about, day)?;
        groups.entry(group.only(by)).or_default().add_usage(figures, is_covered);
        *unpriced.entry(about.model).or_default() += codes::to_u64(figures.unpriced_tokens);
        Ok(())
    };
    if by.iter().any(|key| matches!(key, GroupKey::Project | GroupKey::Session)) {
        scope.for_each_slot(conn, &mut add)?;
    } else {
        scope.for_each_day(conn, &mut add)?;
    }
    for part in excess(conn, &mut names, scope)? {
        let group = Group {
            day: Some(part.day),
            source: part.source,
            account: told_by(part.source),
            provider: part.provider,
            model: part.model,
            ..Group::default()
        };
        let sums = groups.entry(group.only(by)).or_default();
        sums.add_excess(&part);
        let tokens = unpriced.entry(part.model).or_default();
        *tokens = tokens.saturating_add(part.unpriced_tokens());
    }
    let bills = gather::bills_of(conn, scope, rates, &mut Amounts::default())?;
    let (mut billed, mut billed_twice) = (Amounts::default(), BTreeSet::new());
    for charge in scope.charges(conn)? {
        let group = Group {
            day: Some(charge.day),
            source: charge.source,
            account: told_by(charge.source),
            provider: charge.provider,
            model: charge.model,
            project: charge.project,
            session: NONE,
        };
        let sums = groups.entry(group.only(by)).or_default();
        match charge.kind {
            ChargeKind::Billed => {
                let account = scope.account(charge.source);
                let bill = bills.get(&(account.into(), charge.day));
                let counts = bill.is_none_or(|bill| bill.source == charge.source);
                let money = charge.money()?;
                if counts {
                    billed.add(money);
                } else {
                    billed_twice.insert(account.to_owned());
                }
                if counts || by.contains(&GroupKey::Source) {
                    sums.billed.add(money);
                }
            }
            ChargeKind::Estimated => sums.charged_elsewhere.add(charge.money()?),
            ChargeKind::List => {}
        }
    }
    let mut totals = Sums::default();
    groups.values().for_each(|sums| totals.add_all(sums));
    totals.billed = billed;
    // A day that a provider knows and did not charge for cost nothing, which is more than not
    // knowing. It makes no row of its own.
    let nothing = Money::zero(Currency::USD);
    let splits_bills = by.iter().any(|key| *key > GroupKey::Provider);
    for cover in bills::covers_between(conn, scope.utc_days(), Covered::Charges)? {
        totals.billed.add(nothing);
        let group = Group {
            day: Some(cover.day),
            source: cover.source,
            account: told_by(cover.source),
            provider: cover.provider,
            ..Group::default()
        };
        if !splits_bills && let Some(sums) = groups.get_mut(&group.only(by)) {
            sums.billed.add(nothing);
        }
    }

    let paid = paid::of_rows(conn, &mut names, scope, rates, by)?;
    for group in paid.rows.keys() {
        // A day of a fee and no usage is paid too.
        groups.entry(group.clone()).or_default();
    }
    let mut rows = Vec::with_capacity(groups.len());
    for (group, sums) in groups {
        rows.push(ReportRow {
            day: group.day,
            source: names.string(conn, group.source)?,
            account: group.account.as_deref().map(str::to_owned),
            provider: names.string(conn, group.provider)?,
            model: names.string(conn, group.model)?,
            project: names.string(conn, group.project)?,
            session: names.string(conn, group.session)?,
            sums,
            paid: paid.rows.get(&group).copied().or(paid.otherwise),
        });
    }
    rows.sort_by(|a, b| {
        let key = |row: &ReportRow| {
            (
                row.day,
                row.source.clone(),
                row.account.clone(),
                row.provider.clone(),
                row.model.clone(),
                row.project.clone(),
                row.session.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    let unpriced_models = names.most_first(conn, unpriced)?;
    Ok(Report { rows, totals, unpriced_models, billed_twice, paid: paid.total })
}

impl Sums {
    fn add_usage(&mut self, figures: &Figures, is_covered: bool) {
        let stated = Money::from_picos_usd(figures.stated_picos);
        let list = figures.list().map(Money::from_picos_usd);
        self.add_all(&Self {
            requests: codes::to_u64(figures.requests),
            tokens: figures.token_counts(),
            list,
            covered: list.filter(|_| is_covered),
            stated: (figures.stated_requests > 0).then_some(stated),
            stated_requests: codes::to_u64(figures.stated_requests),
            agents_say: figures.agents_say(),
            unpriced_tokens: codes::to_u64(figures.unpriced_tokens),
            ..Self::default()
        });
    }

    fn add_excess(&mut self, part: &Excess) {
        self.add_all(&Self {
            requests: part.requests,
            tokens: part.tokens,
            list: part.list_picos.map(Money::from_picos_usd),
            unpriced_tokens: part.unpriced_tokens(),
            ..Self::default()
        });
    }

    /// Adds the sums of other usage.
    pub fn add_all(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.tokens.add(&other.tokens);
        self.unpriced_tokens = self.unpriced_tokens.saturating_add(other.unpriced_tokens);
        self.stated_requests = self.stated_requests.saturating_add(other.stated_requests);
        add_if_any(&mut self.list, other.list);
        add_if_any(&mut self.covered, other.covered);
        add_if_any(&mut self.stated, other.stated);
        add_if_any(&mut self.agents_say, other.agents_say);
        other.billed.iter().for_each(|money| self.billed.add(money));
        other.charged_elsewhere.iter().for_each(|money| self.charged_elsewhere.add(money));
    }
}

/// Adds dollars to dollars where there are any.
fn add_if_any(sum: &mut Option<Money>, part: Option<Money>) {
    if let Some(part) = part {
        let sum = sum.get_or_insert(Money::zero(Currency::USD));
        sum.attos = sum.attos.saturating_add(part.attos);
    }
}
