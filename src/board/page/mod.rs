//! What the page behind the icon shows: one plain picture for one choice of what to look at.

mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::energy::{self, EnergyReport};
use super::report::{GroupBy, Sums};
use super::whatif::{self, WhatIfReport};
use super::wording;
use super::yields::{self, AskedYields, YieldBy, Yields};
use super::{AlertRow, Board, alert_row};
use crate::ledger::{Ledger, LedgerError, Spend};
pub use crate::ledger::{NeighbourSession, Related, SessionHistory, SessionStep};
use crate::plans::offers::Offer;
use crate::pricing::PriceTable;
use crate::pricing::what_if::{Change, ModelChoice};
use crate::spend::{Currency, Money, Span};

pub use view::{Reach, View, WhatIfView};

/// Days in the row of bars.
pub const BAR_DAYS: u64 = 30;
/// Days in the year's chart.
pub const YEAR_DAYS: u64 = 365;
/// How far around the chosen day a session is looked for.
const SESSION_DAYS: u64 = 15;
/// The newest alerts that are shown on the time axis.
const ALERTS: u32 = 200;
/// Finished days with spend, at least, before a budget is suggested.
const ENOUGH_DAYS: usize = 3;
/// Days that a suggested budget looks back on.
const SUGGESTION_DAYS: u64 = 28;

/// Everything that the page shows.
#[derive(Clone, Debug)]
pub struct PageData {
    /// The picture that every face shows.
    pub board: Arc<Board>,
    /// What was chosen.
    pub view: View,
    /// Where it went.
    pub places: Places,
    /// Day by day: the bars.
    pub bars: Vec<DayFigure>,
    /// The day that is shown hour by hour.
    pub day: DayFigure,
    /// Its hours; empty when nothing is known of the day.
    pub hours: Vec<HourFigure>,
    /// A year of days; `None` where only the sums per quarter of an hour could tell, which are too
    /// many.
    pub year: Option<Vec<DayFigure>>,
    /// Alerts that spoke, newest first.
    pub alerts: Vec<AlertRow>,
    /// The chosen session.
    pub session: Option<SessionHistory>,
    /// What the last thirty days led to, by repository; `None` where no repository is known, and
    /// where anything is left out.
    pub yields: Option<Yields>,
    /// A daily budget to begin with, where there is none and enough days are known: half as much
    /// again as the median of the last weeks' days with spend, rounded up to two figures.
    pub suggestion: Option<Money>,
    /// What the chosen time took in electricity, carbon and water.
    pub energy: EnergyReport,
    /// What the chosen time would have cost otherwise, where that was asked.
    pub what_if: Option<WhatIfReport>,
    /// What of that question was not understood, in sentences.
    pub what_if_problems: Vec<String>,
}

/// What the page needs from the config.
#[derive(Clone, Copy, Debug)]
pub struct With<'a> {
    /// The prices that the ledger is priced with.
    pub prices: &'a PriceTable,
    /// What electricity is reckoned with.
    pub energy: &'a energy::Settings,
    /// How many hours after a request a commit is still its doing.
    pub window_hours: u32,
}

/// Where money went in a span of days.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// First local day.
    pub first_day: NaiveDate,
    /// Last local day.
    pub last_day: NaiveDate,
    /// One row for each thing, dearest at list price first; unpriced ones last by tokens.
    pub rows: Vec<PlaceRow>,
    /// Sums over all rows, as `report` gives them.
    pub totals: Sums,
    /// What a bill could tell is known; bills tell neither folders nor sessions.
    pub tells_bills: bool,
}

/// One thing that money went to.
#[derive(Clone, Debug)]
pub struct PlaceRow {
    /// Its name; `None` where nobody says.
    pub name: Option<String>,
    /// The source that most of it is from.
    pub source: Option<String>,
    /// The provider that most of it went to.
    pub provider: Option<String>,
    /// The figures.
    pub sums: Sums,
}

/// What is known of one day.
#[derive(Clone, Debug, PartialEq)]
pub struct DayFigure {
    /// The local day.
    pub day: NaiveDate,
    /// How sure the figure is.
    pub standing: DayStanding,
    /// The figures; `None` for a day before the first usage.
    pub figures: Option<Spend>,
}

/// How sure a day's figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayStanding {
    /// Nothing is known of it, which is not zero.
    Missing,
    /// All that is known of is in it.
    Whole,
    /// Some tokens of it are in no amount.
    Partial,
    /// It is still running.
    Open,
    /// It is still running, and its figures are old.
    Stale,
}

/// What one hour cost.
#[derive(Clone, Debug, PartialEq)]
pub struct HourFigure {
    /// When it begins.
    pub start: DateTime<Utc>,
    /// At list price; `None` for an hour to come.
    pub list: Option<Money>,
}

/// Asks the ledger for what the page shows.
///
/// # Errors
/// The ledger can't be read.
pub fn page(
    ledger: &Ledger,
    board: Arc<Board>,
    view: View,
    with: With<'_>,
) -> Result<PageData, LedgerError> {
    let (zone, today) = (board.zone, board.today);
    let filter = view.filter();
    let chosen = view.day.filter(|day| *day <= today).unwrap_or(today);
    let works_apart = filter.tells_work_apart();

    let (first_day, last_day) = match view.day {
        Some(_) => (chosen, chosen),
        None => (before(today, view.reach.days() - 1), today),
    };
    let places = places(ledger, &board, &view, (first_day, last_day))?;

    let end = next(today);
    let year_first = before(today, YEAR_DAYS - 1);
    // Bars end with today unless the chosen day is further back.
    let is_recent = chosen > before(today, BAR_DAYS);
    let bars_last = if is_recent { today } else { after(chosen, BAR_DAYS / 2).min(today) };
    let bars_first = before(bars_last, BAR_DAYS - 1);
    let asked_first = if works_apart { bars_first } else { year_first.min(bars_first) };
    let asked_end = if works_apart { next(bars_last) } else { end };
    let known: BTreeMap<NaiveDate, Spend> =
        ledger.daily_spend(asked_first, asked_end, zone, &filter)?.into_iter().collect();
    let is_stale = board.sources.iter().any(|row| row.stale || row.error.is_some());
    let figure = |day: NaiveDate| {
        let figures = known.get(&day).cloned();
        let standing = match &figures {
            None => DayStanding::Missing,
            Some(_) if day == today && is_stale => DayStanding::Stale,
            Some(_) if day == today => DayStanding::Open,
            Some(spend) if spend.unpriced_tokens > 0 => DayStanding::Partial,
            Some(_) => DayStanding::Whole,
        };
        DayFigure { day, standing, figures }
    };
    let run = |first: NaiveDate, end: NaiveDate| {
        first.iter_days().take_while(move |day| *day < end).map(&figure).collect::<Vec<_>>()
    };
    let bars = run(bars_first, next(bars_last));
    let year = (!works_apart).then(|| run(year_first, end));
    let day = figure(chosen);

    let span = Span::of_days(chosen, next(chosen), zone);
    let hours = match day.figures {
        None => Vec::new(),
        Some(_) => hours(&span, &ledger.hourly(&span, &filter)?, board.now),
    };
    let session = match (&view.source, &view.session) {
        (Some(source), Some(session)) => {
            let first = before(chosen, SESSION_DAYS);
            let around = Span::of_days(first, after(chosen, SESSION_DAYS + 1), zone);
            Some(ledger.session_history(source, session, &around)?)
        }
        _ => None,
    };
    let suggestion = match board.budgets.is_empty() {
        true => {
            let first = before(today, SUGGESTION_DAYS);
            suggestion(ledger.daily_spend(first, today, zone, &Default::default())?)
        }
        false => None,
    };
    let yields = match view.is_narrowed() || ledger.work_places()?.is_empty() {
        true => None,
        false => Some(yields::yields(
            ledger,
            &AskedYields {
                now: board.now,
                days: (before(today, BAR_DAYS - 1), today),
                zone,
                by: &[YieldBy::Repository],
                window_hours: with.window_hours,
                unread: &[],
                untold: &[],
            },
        )?),
    };
    let alerts = ledger.alerts(ALERTS)?.into_iter().map(alert_row).collect();
    let energy =
        energy::energy(ledger, (places.first_day, places.last_day), zone, &filter, with.energy)?;
    let mut what_if_problems = Vec::new();
    let what_if = match &view.what_if {
        None => None,
        Some(choice) => {
            let changes = changes(choice, with.prices, board.now, &mut what_if_problems);
            let days = (places.first_day, places.last_day);
            let (filter, prices) = (&filter, with.prices);
            let plans = plans(choice, &view, &mut what_if_problems);
            let asked = whatif::Asked { days, zone, filter, prices, changes, plans };
            Some(whatif::what_if(ledger, asked)?)
        }
    };
    Ok(PageData {
        board,
        view,
        places,
        bars,
        day,
        hours,
        year,
        alerts,
        session,
        yields,
        suggestion,
        energy,
        what_if,
        what_if_problems,
    })
}

/// What can always be told, and what was typed as far as it is understood.
fn changes(
    choice: &WhatIfView,
    prices: &PriceTable,
    now: DateTime<Utc>,
    problems: &mut Vec<String>,
) -> Vec<Change> {
    let mut changes = vec![Change::NoFast, Change::Batch, Change::NoCache];
    if let Some(name) = &choice.model {
        match ModelChoice::find(prices, name.trim(), now) {
            Some(model) => changes.push(Change::Model(model)),
            None => problems.push(wording::whatif::unknown_model(name)),
        }
    }
    if let Some(text) = &choice.scale {
        match text.parse() {
            Ok(factor) => changes.push(Change::Scale(factor)),
            Err(write) => problems.push(format!("{text:?} is no factor: {write}.")),
        }
    }
    changes
}

/// The plan that was chosen. One is for all usage, so it is no answer about a part.
fn plans(choice: &WhatIfView, view: &View, problems: &mut Vec<String>) -> Vec<&'static Offer> {
    let Some(id) = &choice.plan else { return Vec::new() };
    if view.is_narrowed() {
        problems.push(wording::whatif::A_PLAN_IS_FOR_ALL.to_owned());
        return Vec::new();
    }
    whatif::plans::chosen([id.as_str()]).unwrap_or_else(|problem| {
        problems.push(problem);
        Vec::new()
    })
}

fn places(
    ledger: &Ledger,
    board: &Board,
    view: &View,
    (first_day, last_day): (NaiveDate, NaiveDate),
) -> Result<Places, LedgerError> {
    let filter = view.filter();
    let mut by = vec![view.by, GroupBy::Source, GroupBy::Provider];
    by.dedup();
    let report = ledger.report_of(first_day, last_day, board.zone, &by, &filter)?;
    let mut rows: BTreeMap<(Option<String>, Option<String>), (PlaceRow, i128)> = BTreeMap::new();
    for row in report.rows {
        let name = match view.by {
            GroupBy::Source => row.source.clone(),
            GroupBy::Account => row.account,
            GroupBy::Model => row.model,
            GroupBy::Project => row.project,
            GroupBy::Session => row.session,
            GroupBy::Provider => row.provider.clone(),
            GroupBy::Day => row.day.map(|day| day.to_string()),
        };
        // Sessions of two agents may have one name; they are two sessions.
        let of = (view.by == GroupBy::Session).then(|| row.source.clone()).flatten();
        let weight = row.sums.list.map_or(0, |list| list.attos);
        let (place, most) = rows.entry((name.clone(), of)).or_insert_with(|| {
            let empty = PlaceRow { name, source: None, provider: None, sums: Sums::default() };
            (empty, i128::MIN)
        });
        if weight > *most {
            *most = weight;
            place.source = row.source;
            place.provider = row.provider;
        }
        place.sums.add_all(&row.sums);
    }
    let mut rows: Vec<_> = rows.into_values().map(|(row, _)| row).collect();
    rows.sort_by(|a, b| {
        let key = |row: &PlaceRow| {
            (
                row.sums.list.map(|list| list.attos),
                row.sums.billed.usd().attos,
                row.sums.tokens.total(),
            )
        };
        key(b).cmp(&key(a)).then_with(|| a.name.cmp(&b.name))
    });
    let tells_bills = !filter.tells_work_apart();
    Ok(Places { first_day, last_day, rows, totals: report.totals, tells_bills })
}

/// Every hour of a day, so that one without usage is zero and one to come is not.
fn hours(span: &Span, known: &[(DateTime<Utc>, i128)], now: DateTime<Utc>) -> Vec<HourFigure> {
    let mut hours = Vec::new();
    let mut start = span.start;
    while start < span.end {
        let end = (start + TimeDelta::hours(1)).min(span.end);
        // The ledger's hours are those of UTC; the day of some zones begins at half past one.
        let picos = known
            .iter()
            .filter(|(hour, _)| (start..end).contains(&(*hour).max(span.start)))
            .map(|(_, picos)| picos)
            .sum();
        let list = (start <= now).then(|| Money::from_picos_usd(picos));
        hours.push(HourFigure { start, list });
        start = end;
    }
    hours
}

fn suggestion(days: Vec<(NaiveDate, Spend)>) -> Option<Money> {
    let spends = days.into_iter().map(|(_, spend)| spend.spend.attos);
    let mut spends: Vec<i128> = spends.filter(|attos| *attos > 0).collect();
    if spends.len() < ENOUGH_DAYS {
        return None;
    }
    spends.sort_unstable();
    let median = spends[spends.len() / 2];
    Some(round_up(Money { attos: median.saturating_add(median / 2), currency: Currency::USD }))
}

/// Up to two figures, whole dollars at least: 1,234 -> 1,300.
fn round_up(amount: Money) -> Money {
    const DOLLAR: i128 = 1_000_000_000_000_000_000;
    let mut step = DOLLAR;
    while amount.attos / step >= 100 {
        step = step.saturating_mul(10);
    }
    let steps = amount.attos / step + i128::from(amount.attos % step != 0);
    Money { attos: steps.saturating_mul(step).max(DOLLAR), ..amount }
}

fn next(day: NaiveDate) -> NaiveDate {
    after(day, 1)
}

fn after(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX)
}

fn before(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spend::Zone;

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).expect(text)
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect(text)
    }

    #[test]
    fn a_suggested_budget_is_half_above_the_median_and_a_round_number() {
        let day = |number: u32, dollars: &str| {
            let day = NaiveDate::from_ymd_opt(2026, 11, number).unwrap();
            (day, Spend { spend: usd(dollars), ..Spend::default() })
        };
        // The days with spend are 10, 40, 90; their median is 40, half as much again 60.
        let days = vec![day(1, "90"), day(2, "0"), day(3, "10"), day(4, "40")];
        assert_eq!(suggestion(days), Some(usd("60")));
        assert_eq!(suggestion(vec![day(1, "90"), day(2, "0")]), None, "too little is known");
    }

    #[test]
    fn rounding_up_keeps_two_figures() {
        for (from, to) in
            [("0.4", "1"), ("12", "12"), ("12.01", "13"), ("1234", "1300"), ("100", "100")]
        {
            assert_eq!(round_up(usd(from)), usd(to), "{from}");
        }
    }

    #[test]
    fn a_day_has_all_its_hours_also_where_zones_are_half_an_hour_off() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();
        let zone = Zone::named("Asia/Kolkata");
        let span = Span::of_days(day, next(day), zone);
        // The day begins at 18:30 UTC; the hour that holds its beginning counts from there.
        let known = [(at("2026-11-23T18:00:00Z"), 3), (at("2026-11-23T19:00:00Z"), 5)];
        let hours = hours(&span, &known, at("2026-11-23T20:00:00Z"));
        assert_eq!(hours.len(), 24);
        let sum: i128 = hours.iter().filter_map(|hour| hour.list).map(|list| list.attos).sum();
        assert_eq!(sum, 8_000_000, "picos to attos");
        assert_eq!(hours.iter().filter(|hour| hour.list.is_some()).count(), 2);
        let berlin = Zone::named("Europe/Berlin");
        let short = NaiveDate::from_ymd_opt(2026, 3, 29).unwrap();
        let span = Span::of_days(short, next(short), berlin);
        assert_eq!(super::hours(&span, &[], at("2026-11-23T20:00:00Z")).len(), 23);
    }
}
