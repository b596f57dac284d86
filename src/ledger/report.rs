//! The report: usage and cost of a span of days, grouped as asked.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use rusqlite::{Connection, Result};

use super::bills::{self, Covered};
use super::names::{NONE, Names};
use super::reconcile::{self, Scope};
use super::{Ledger, LedgerError, codes};
use crate::spend::{Amounts, ChargeKind, Currency, Money, Span, TokenCounts};

/// What rows are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKey {
    /// Local day; of bills and metered usage the UTC day of the same date.
    Day,
    /// Source id.
    Source,
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
}

/// One row: the keys that were asked for, and sums.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportRow {
    /// Local day (of bills: the UTC day).
    pub day: Option<NaiveDate>,
    /// Source id.
    pub source: Option<String>,
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
        zone: Tz,
        by: &[GroupKey],
    ) -> std::result::Result<Report, LedgerError> {
        let end_day = last_day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
        let span = Span::of_days(first_day, end_day.max(first_day), zone);
        self.ask(|conn| report(conn, &Scope::new(conn, &span, zone, &[])?, by))
    }
}

/// The keys of a row as ids; what was not asked for stays empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Group {
    day: Option<NaiveDate>,
    source: i64,
    provider: i64,
    model: i64,
    project: i64,
    session: i64,
}

impl Group {
    fn only(self, by: &[GroupKey]) -> Self {
        let mut kept = Self::default();
        for key in by {
            match key {
                GroupKey::Day => kept.day = self.day,
                GroupKey::Source => kept.source = self.source,
                GroupKey::Provider => kept.provider = self.provider,
                GroupKey::Model => kept.model = self.model,
                GroupKey::Project => kept.project = self.project,
                GroupKey::Session => kept.session = self.session,
            }
        }
        kept
    }
}

fn report(conn: &Connection, scope: &Scope, by: &[GroupKey]) -> Result<Report> {
    let mut names = Names::default();
    let mut groups: HashMap<Group, Sums> = HashMap::new();
    let mut unpriced: HashMap<i64, u64> = HashMap::new();
    scope.for_each_slot(conn, |day, key, slot| {
        let group = Group {
            day: Some(day),
            source: key.source,
            provider: key.provider,
            model: key.model,
            project: key.project,
            session: key.session,
        };
        let sums = groups.entry(group.only(by)).or_default();
        let list = (slot.priced_requests > 0).then_some(slot.list_picos);
        let unpriced_tokens = codes::to_u64(slot.unpriced_tokens);
        sums.add(codes::to_u64(slot.requests), &slot.token_counts(), list, unpriced_tokens);
        *unpriced.entry(key.model).or_default() += unpriced_tokens;
        Ok(())
    })?;
    for part in reconcile::excess(conn, &mut names, scope)? {
        let group = Group {
            day: Some(part.day),
            source: part.source,
            provider: part.provider,
            model: part.model,
            ..Group::default()
        };
        let sums = groups.entry(group.only(by)).or_default();
        sums.add(part.requests, &part.tokens, part.list_picos, part.unpriced_tokens());
        let tokens = unpriced.entry(part.model).or_default();
        *tokens = tokens.saturating_add(part.unpriced_tokens());
    }
    for charge in scope.charges(conn)? {
        let group = Group {
            day: Some(charge.day),
            source: charge.source,
            provider: charge.provider,
            model: charge.model,
            project: charge.project,
            session: NONE,
        };
        let sums = groups.entry(group.only(by)).or_default();
        match charge.kind {
            ChargeKind::Billed => sums.billed.add(charge.money()?),
            ChargeKind::Estimated => sums.charged_elsewhere.add(charge.money()?),
        }
    }
    let mut totals = Sums::default();
    groups.values().for_each(|sums| totals.add_all(sums));
    // A day that a provider knows and did not charge for cost nothing, which is more than not
    // knowing. It makes no row of its own.
    let nothing = Money::zero(Currency::USD);
    let splits_bills = by.iter().any(|key| *key > GroupKey::Provider);
    for cover in bills::covers_between(conn, scope.utc_days(), Covered::Charges)? {
        totals.billed.add(nothing);
        let group = Group {
            day: Some(cover.day),
            source: cover.source,
            provider: cover.provider,
            ..Group::default()
        };
        if !splits_bills && let Some(sums) = groups.get_mut(&group.only(by)) {
            sums.billed.add(nothing);
        }
    }

    let mut rows = Vec::with_capacity(groups.len());
    for (group, sums) in groups {
        rows.push(ReportRow {
            day: group.day,
            source: names.string(conn, group.source)?,
            provider: names.string(conn, group.provider)?,
            model: names.string(conn, group.model)?,
            project: names.string(conn, group.project)?,
            session: names.string(conn, group.session)?,
            sums,
        });
    }
    rows.sort_by(|a, b| {
        let key = |row: &ReportRow| {
            (
                row.day,
                row.source.clone(),
                row.provider.clone(),
                row.model.clone(),
                row.project.clone(),
                row.session.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    let mut unpriced_models = Vec::new();
    for (model, tokens) in unpriced {
        if tokens > 0 {
            unpriced_models.push((names.string(conn, model)?, tokens));
        }
    }
    unpriced_models.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(Report { rows, totals, unpriced_models })
}

impl Sums {
    fn add(
        &mut self,
        requests: u64,
        tokens: &TokenCounts,
        list_picos: Option<i128>,
        unpriced_tokens: u64,
    ) {
        self.requests = self.requests.saturating_add(requests);
        self.tokens.add(tokens);
        self.unpriced_tokens = self.unpriced_tokens.saturating_add(unpriced_tokens);
        self.add_list(list_picos.map(Money::from_picos_usd));
    }

    fn add_list(&mut self, list: Option<Money>) {
        if let Some(list) = list {
            let sum = self.list.get_or_insert(Money::zero(Currency::USD));
            sum.attos = sum.attos.saturating_add(list.attos);
        }
    }

    fn add_all(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.tokens.add(&other.tokens);
        self.unpriced_tokens = self.unpriced_tokens.saturating_add(other.unpriced_tokens);
        self.add_list(other.list);
        other.billed.iter().for_each(|money| self.billed.add(money));
        other.charged_elsewhere.iter().for_each(|money| self.charged_elsewhere.add(money));
    }
}
