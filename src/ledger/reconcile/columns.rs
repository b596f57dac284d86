//! The two columns: what logs and usage reports tell, and what bills tell, by account, day and
//! model. Sums per day are read, never slots or events, as far as the days of the zone are kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use rusqlite::{Connection, Result};

use super::super::bills::{self, Covered};
use super::super::excess::{excess, plain_model};
use super::super::gather::bills_of;
use super::super::names::{NONE, Names};
use super::super::parts::Bill;
use super::super::scope::Scope;
use super::super::{Ledger, LedgerError, codes, days};
use super::lines::{AccountLines, Difference, Line, LineBill, LineState};
use super::reasons::judged;
use crate::spend::{Amounts, Converted, Filter, Money, Rates, Span, Zone};

/// How many earlier days are looked at to tell why the bill of a few differs: a discount shows over
/// several days.
const LOOK_BACK: Days = Days::new(13);

/// Which days are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Only {
    /// All.
    All,
    /// Those that a bill of the account tells.
    BilledDays,
}

/// Logs and bills of some UTC days, lined up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reconciled {
    /// By name.
    pub accounts: Vec<AccountLines>,
    /// Bills in other currencies that count in dollars, at which rate.
    pub converted: Vec<Converted>,
}

impl Ledger {
    /// Lines up logs and bills of the UTC days `first_day` to `last_day`, both inclusive.
    pub fn reconcile(
        &self,
        first_day: NaiveDate,
        last_day: NaiveDate,
    ) -> std::result::Result<Reconciled, LedgerError> {
        let span = span_of(first_day, last_day, Zone::UTC);
        self.ask(|conn| {
            let scope = Scope::new(conn, &span, Zone::UTC, &Filter::everything(), &self.plans)?;
            let accounts = accounts(conn, &scope, &self.rates, Only::All)?;
            let mut amounts = Amounts::default();
            for account in &accounts {
                account.amounts().iter().for_each(|amount| amounts.add(amount));
            }
            Ok(Reconciled { accounts, converted: self.rates.converted(&amounts) })
        })
    }

    /// Where an account's bill differs from its list price over the local days `first_day` to
    /// `last_day`, both inclusive, on the days that the bill tells; by account. The figures are
    /// those of [`Ledger::spend`] where sums of the zone's days are kept, else those of the UTC days
    /// of the same dates; the reasons are found on UTC days.
    pub fn differences(
        &self,
        first_day: NaiveDate,
        last_day: NaiveDate,
        zone: Zone,
    ) -> std::result::Result<Vec<Difference>, LedgerError> {
        let in_zone = |conn: &Connection, first_day, zone| {
            let span = span_of(first_day, last_day, zone);
            let scope = Scope::new(conn, &span, zone, &Filter::everything(), &self.plans)?;
            accounts(conn, &scope, &self.rates, Only::BilledDays)
        };
        let of_the_days = |accounts: &[AccountLines]| -> Vec<Difference> {
            accounts.iter().filter_map(|it| it.difference_since(first_day)).collect()
        };
        self.ask(|conn| {
            let look_back = last_day.checked_sub_days(LOOK_BACK).unwrap_or(last_day);
            let with_others = first_day.min(look_back);
            let mut differences = if zone == Zone::UTC || !days::are_kept(conn, zone)? {
                of_the_days(&in_zone(conn, with_others, Zone::UTC)?)
            } else {
                let mut differences = of_the_days(&in_zone(conn, first_day, zone)?);
                if !differences.is_empty() {
                    let utc = of_the_days(&in_zone(conn, with_others, Zone::UTC)?);
                    for difference in &mut differences {
                        let same = utc.iter().find(|utc| utc.account == difference.account);
                        difference.reason = same.and_then(|same| same.reason.clone());
                    }
                }
                differences
            };
            differences.retain(|difference| !difference.is_an_empty_open_bill());
            Ok(differences)
        })
    }
}

fn span_of(first_day: NaiveDate, last_day: NaiveDate, zone: Zone) -> Span {
    let end_day = last_day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
    Span::of_days(first_day, end_day.max(first_day), zone)
}

/// What is known of one model, of an account's day.
#[derive(Clone, Debug, Default)]
struct Cell {
    list_picos: i128,
    tokens: u64,
    unpriced_tokens: u64,
    covered_picos: i128,
    elsewhere_picos: i128,
    reported_tokens: u64,
    amounts: Amounts,
    /// The provider's own list price.
    listed: Amounts,
}

impl Cell {
    fn add(&mut self, other: &Self) {
        self.list_picos += other.list_picos;
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.unpriced_tokens = self.unpriced_tokens.saturating_add(other.unpriced_tokens);
        self.covered_picos += other.covered_picos;
        self.elsewhere_picos += other.elsewhere_picos;
        self.reported_tokens = self.reported_tokens.saturating_add(other.reported_tokens);
        other.amounts.iter().for_each(|amount| self.amounts.add(amount));
        other.listed.iter().for_each(|amount| self.listed.add(amount));
    }
}

/// What is known of an account's day.
#[derive(Clone, Debug, Default)]
struct Day {
    /// By model without its date; the empty name is what names none.
    models: BTreeMap<Arc<str>, Cell>,
    /// Whether a bill tells the day, and whether for good.
    bill_is_final: Option<bool>,
    /// The bill tells models.
    is_by_model: bool,
    /// A usage report that is final tells the day.
    is_reported: bool,
}

type ByAccount = BTreeMap<Arc<str>, BTreeMap<NaiveDate, Day>>;

fn accounts(
    conn: &Connection,
    scope: &Scope,
    rates: &Rates,
    only: Only,
) -> Result<Vec<AccountLines>> {
    let mut names = Names::default();
    let mut plain = PlainNames::default();
    let mut accounts = ByAccount::new();

    // What gateways reckon that others charge is in no bill.
    let mut charged_elsewhere = Amounts::default();
    for ((account, day), bill) in bills_of(conn, scope, rates, &mut charged_elsewhere)? {
        let day = accounts.entry(account).or_default().entry(day).or_default();
        add_bill(conn, &mut names, &mut plain, day, &bill)?;
    }
    if accounts.is_empty() && matches!(only, Only::BilledDays) {
        return Ok(Vec::new());
    }
    scope.for_each_day(conn, |day, about, figures| {
        let account = scope.account_of(conn, &mut names, about)?;
        let is_covered = scope.is_covered(conn, &mut names, about, day)?;
        let Some(day) = day_of(&mut accounts, account, day, only) else { return Ok(()) };
        let model = plain.of(conn, &mut names, about.model)?;
        let cell = day.models.entry(model).or_default();
        if is_covered {
            cell.covered_picos += figures.list_picos;
        } else {
            cell.list_picos += figures.list_picos;
            cell.tokens = cell.tokens.saturating_add(figures.token_counts().total());
            let unpriced = codes::to_u64(figures.unpriced_tokens);
            cell.unpriced_tokens = cell.unpriced_tokens.saturating_add(unpriced);
        }
        Ok(())
    })?;
    for part in excess(conn, &mut names, scope)? {
        let account = scope.account(part.source).into();
        let Some(day) = day_of(&mut accounts, account, part.day, only) else { continue };
        let model = plain.of(conn, &mut names, part.model)?;
        let cell = day.models.entry(model).or_default();
        cell.elsewhere_picos += part.list_picos.unwrap_or(0);
    }
    for cover in bills::covers_between(conn, scope.utc_days(), Covered::Metered)? {
        if cover.is_final {
            let account = scope.account(cover.source).into();
            if let Some(day) = day_of(&mut accounts, account, cover.day, only) {
                day.is_reported = true;
            }
        }
    }
    for (_, row) in bills::metered_between(conn, scope.utc_days())? {
        let account = scope.account(row.source).into();
        let Some(day) = day_of(&mut accounts, account, row.day, only) else { continue };
        let model = plain.of(conn, &mut names, row.model)?;
        let cell = day.models.entry(model).or_default();
        cell.reported_tokens = cell.reported_tokens.saturating_add(row.tokens.total());
    }
    Ok(accounts
        .into_iter()
        .map(|(account, days)| account_lines(account.to_string(), days, rates))
        .filter(|account| !account.lines.is_empty() || account.last_bill_day.is_some())
        .collect())
}

/// The place of an account's day; `None` where it is left out.
fn day_of(
    accounts: &mut ByAccount,
    account: Arc<str>,
    day: NaiveDate,
    only: Only,
) -> Option<&mut Day> {
    match only {
        Only::All => Some(accounts.entry(account).or_default().entry(day).or_default()),
        Only::BilledDays => accounts.get_mut(&account)?.get_mut(&day),
    }
}

fn add_bill(
    conn: &Connection,
    names: &mut Names,
    plain: &mut PlainNames,
    day: &mut Day,
    bill: &Bill,
) -> Result<()> {
    day.bill_is_final = Some(bill.is_final);
    day.is_by_model = bill.by_model.keys().any(|model| *model != NONE);
    for (model, amounts) in &bill.by_model {
        let cell = day.models.entry(plain.of(conn, names, *model)?).or_default();
        amounts.iter().for_each(|amount| cell.amounts.add(amount));
    }
    for (model, amounts) in &bill.list_by_model {
        let cell = day.models.entry(plain.of(conn, names, *model)?).or_default();
        amounts.iter().for_each(|amount| cell.listed.add(amount));
    }
    Ok(())
}

/// Lines by model where the bill of the day tells models, and where it tells nothing and other
/// days' bills do, or there is none at all; else one line for the day.
fn account_lines(account: String, days: BTreeMap<NaiveDate, Day>, rates: &Rates) -> AccountLines {
    let with_bill = || days.iter().filter(|(_, day)| day.bill_is_final.is_some());
    let last_bill_day = with_bill().map(|(date, _)| *date).next_back();
    let tells_models = last_bill_day.is_none() || days.values().any(|day| day.is_by_model);
    let mut lines = Vec::new();
    for (date, day) in &days {
        let is_charged = day.models.values().any(|cell| !cell.amounts.is_empty());
        if day.is_by_model || (!is_charged && tells_models) {
            for (model, cell) in &day.models {
                let model = Some(model.to_string()).filter(|model| !model.is_empty());
                lines.extend(line(*date, day, model, true, cell, rates));
            }
        } else {
            let mut sum = Cell::default();
            day.models.values().for_each(|cell| sum.add(cell));
            lines.extend(line(*date, day, None, false, &sum, rates));
        }
    }
    judged(AccountLines { account, last_bill_day, lines })
}

/// The line of a cell; `None` where neither side tells anything.
fn line(
    day: NaiveDate,
    known: &Day,
    model: Option<String>,
    by_model: bool,
    cell: &Cell,
    rates: &Rates,
) -> Option<Line> {
    let without_rate =
        cell.amounts.iter().find(|amount| amount.attos != 0 && rates.usd(amount).is_none());
    let line = Line {
        day,
        model,
        by_model,
        list: Money::from_picos_usd(cell.list_picos),
        tokens: cell.tokens,
        unpriced_tokens: cell.unpriced_tokens,
        elsewhere: Money::from_picos_usd(cell.elsewhere_picos),
        reported_tokens: known.is_reported.then_some(cell.reported_tokens),
        covered: Money::from_picos_usd(cell.covered_picos),
        provider_list: (!cell.listed.is_empty()).then(|| rates.sum(&cell.listed)),
        bill: known.bill_is_final.map(|is_final| LineBill {
            usd: rates.sum(&cell.amounts),
            amounts: cell.amounts.clone(),
            without_rate: without_rate.map(|amount| amount.currency),
            is_final,
        }),
        state: LineState::Matched,
        reason: None,
        rest_reason: None,
    };
    let tells = line.has_logs()
        || line.elsewhere.attos != 0
        || line.covered.attos != 0
        || cell.reported_tokens > 0
        || line.bill.as_ref().is_some_and(|bill| !bill.is_nothing());
    tells.then_some(line)
}

/// Models as both sides call them, each worked out once.
#[derive(Default)]
struct PlainNames(HashMap<i64, Arc<str>>);

impl PlainNames {
    fn of(&mut self, conn: &Connection, names: &mut Names, model: i64) -> Result<Arc<str>> {
        if let Some(name) = self.0.get(&model) {
            return Ok(Arc::clone(name));
        }
        let name: Arc<str> = plain_model(names.text(conn, model)?.as_deref()).into();
        self.0.insert(model, Arc::clone(&name));
        Ok(name)
    }
}
