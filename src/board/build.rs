//! The ledger's answers and what the monitor knows -> [`Board`].

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::energy;
use super::paying::PeopleTerms;
use super::standing::{Standing, Standings};
use super::{
    AlertRow, BalanceRow, Board, BudgetRow, DeliveryRow, Figures, IconChoice, Incident, SourceRow,
    State,
};
use crate::budgets::{self, Budget};
use crate::ledger::{
    Alert, Delivery, Ledger, LedgerError, SourceSpend, SourceState, Spend, balances,
};
use crate::plans::people::People;
use crate::spend::{Filter, Period, SourceError, SourceInfo, SourceKind, Span, Trouble, Zone};

/// Models that faces show.
const TOP_MODELS: usize = 5;

/// What a board is made of besides the ledger.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The time.
    pub now: DateTime<Utc>,
    /// Zone of "today".
    pub zone: Zone,
    /// What the user chose for the icon.
    pub icon: IconChoice,
    /// Budgets in the order of the config.
    pub budgets: &'a [Budget],
    /// What spend is set against, in people's terms.
    pub people: &'a People,
    /// Sources that are switched on, in the order of the table.
    pub sources: &'a [AskedSource],
    /// How the last looks ended, as a running monitor knows it; by source id.
    pub live: &'a BTreeMap<&'static str, Live>,
    /// Whether a monitor is watching, so that what agents wrote is in the ledger at once.
    pub is_watched: bool,
    /// The user paused looking.
    pub paused: bool,
    /// Not every source was looked at yet.
    pub loading: bool,
    /// A pretend world is shown.
    pub demo: bool,
    /// What electricity is reckoned with, and whether the menu tells it.
    pub energy: &'a energy::Settings,
    /// Sentences that hold for the whole program.
    pub notices: Vec<String>,
}

/// A source that is switched on.
#[derive(Clone, Copy, Debug)]
pub struct AskedSource {
    /// Its row in the table.
    pub info: &'static SourceInfo,
    /// Time between looks.
    pub poll: Duration,
    /// Where faults that concern it are reported.
    pub status_page: Option<StatusPage>,
}

/// A provider's page about its own faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusPage {
    /// Its address.
    pub address: &'static str,
    /// The provider's name.
    pub of: &'static str,
}

/// How a source's last look ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// What went wrong, if anything.
    pub error: Option<SourceError>,
    /// When it is looked at again after a failure.
    pub retry_at: Option<DateTime<Utc>>,
    /// When the look began.
    pub looked_at: DateTime<Utc>,
}

impl Live {
    /// Whether a board may look otherwise than before this look, of which `known` was known, even
    /// where nothing was read. That something is not there is no news at its first look: of the many
    /// agents and providers that there are, most machines have a few.
    pub fn is_news(&self, info: &SourceInfo, known: Option<&Self>) -> bool {
        let is_absent = self.error.as_ref().is_some_and(SourceError::is_absence);
        match known {
            Some(known) if known.error != self.error => true,
            // A provider's figures say when they were asked for.
            _ => !is_absent && (known.is_none() || info.kind == SourceKind::Provider),
        }
    }
}

/// Builds the board.
///
/// # Errors
/// The ledger can't be read.
pub fn build(
    ledger: &Ledger,
    asked: &Asked<'_>,
    standings: &mut Standings,
) -> Result<Board, LedgerError> {
    let today = Period::Day.holding(asked.now, asked.zone);
    let spend = ledger.spend(&today, asked.zone, &Filter::everything())?;
    let states = ledger.sources()?;
    let by_source = ledger.source_spend(&today, asked.zone)?;
    let reported = ledger.incidents()?;
    let sources: Vec<SourceRow> = asked
        .sources
        .iter()
        .filter_map(|source| {
            let row = source_row(asked, source, &states, &by_source)?;
            Some(SourceRow { incident: incident(asked, source, &reported), ..row })
        })
        .map(|row| with_paces(ledger, row, asked.now))
        .collect::<Result<_, LedgerError>>()?;
    let budgets = asked
        .budgets
        .iter()
        .zip(standings.read(ledger, asked.budgets, asked.now, asked.zone)?)
        .map(|(budget, standing)| budget_row(budget, &standing))
        .collect::<Vec<_>>();
    let top_models = ledger.top_models(&today, asked.zone, TOP_MODELS)?;
    // Without a bill there is nothing to differ, and nothing is read again.
    let is_billed = spend.billed.is_some() || !spend.billed_other.is_empty();
    let differences = if is_billed {
        ledger.differences(today.first_day, today.first_day, asked.zone)?
    } else {
        Vec::new()
    };
    let longer = match asked.icon.period {
        Period::Day => None,
        period => {
            // Up to today: the fees of days to come are not paid yet. Whole days, which are read
            // from the sums per day.
            let first_day = period.holding(asked.now, asked.zone).first_day;
            let span = Span::of_days(first_day, today.end_day, asked.zone);
            let spend = ledger.spend(&span, asked.zone, &Filter::everything())?;
            Some(figures(spend, &sources, &states))
        }
    };
    let figures = figures(spend, &sources, &states);
    let energy = match asked.energy.tray {
        true => {
            let days = (today.first_day, today.first_day);
            let filter = Filter::everything();
            Some(energy::energy(ledger, days, asked.zone, &filter, asked.energy)?.total)
        }
        false => None,
    };
    let plans = standings.plans.read(ledger, asked.now, asked.zone)?;
    let day = (today.first_day, today.first_day);
    let people = PeopleTerms::of(asked.people, figures.paid.usd(), figures.paid.estimated, day);
    Ok(Board {
        now: asked.now,
        zone: asked.zone,
        today: today.first_day,
        headline: asked.icon.headline,
        colours: asked.icon.colours,
        period: asked.icon.period,
        longer,
        figures,
        state: state(asked.paused, &budgets, &sources),
        sources,
        top_models,
        differences,
        energy,
        budgets,
        plans,
        tells_paid: !ledger.plans().is_empty(),
        people,
        last_alert: ledger.alerts(1)?.into_iter().next().map(alert_row),
        snoozes: ledger.snoozes(asked.now)?,
        loading: asked.loading,
        demo: asked.demo,
        notices: asked.notices.clone(),
    })
}

/// An alert of the ledger as faces show it.
pub fn alert_row(row: Alert) -> AlertRow {
    let Alert { id, alert, delivered_at, deliveries } = row;
    AlertRow {
        id,
        at: alert.at,
        budget: alert.budget,
        period: alert.period,
        period_start: alert.period_start,
        threshold_percent: alert.threshold_percent,
        amount: alert.amount,
        spent: alert.spent,
        estimated: alert.estimated,
        kind: alert.kind,
        severity: alert.severity,
        subject: alert.subject,
        delivered_at,
        deliveries: deliveries.into_iter().map(delivery_row).collect(),
        title: alert.title,
        body: alert.body,
    }
}

fn delivery_row(delivery: Delivery) -> DeliveryRow {
    let Delivery { channel, state, tries, at, error } = delivery;
    DeliveryRow { channel, state, tries, at, error }
}

/// A row for each source that has ever given figures, or that fails with news for the user. What
/// is simply not there has none.
fn source_row(
    asked: &Asked<'_>,
    source: &AskedSource,
    states: &[SourceState],
    by_source: &[SourceSpend],
) -> Option<SourceRow> {
    let info = source.info;
    let state = states.iter().find(|state| state.source == info.id);
    let live = asked.live.get(info.id);
    let error = match live {
        Some(live) => live.error.clone(),
        None => state.and_then(|state| state.error.clone()),
    };
    let is_absent = error.as_ref().is_some_and(SourceError::is_absence);
    let stored_good = state.and_then(|state| state.last_good_at);
    if stored_good.is_none() && (error.is_none() || is_absent) && live.is_none_or(|_| is_absent) {
        return None;
    }
    // A look that found nothing new is not written down, but the figures are as fresh as it was;
    // a watched agent's are as fresh as can be.
    let live_good = live.filter(|live| live.error.is_none()).map(|live| live.looked_at);
    let watched = asked.is_watched && info.kind == SourceKind::Agent && error.is_none();
    let last_good_at = match (watched && !asked.paused).then_some(asked.now) {
        Some(now) => stored_good.or(live_good).map(|_| now),
        None => stored_good.max(live_good),
    };
    let stored_look = state.map(|state| state.last_look_at);
    let spend = by_source.iter().find(|spend| spend.source == info.id);
    let patience = chrono::Duration::from_std(source.poll * 2).unwrap_or(chrono::Duration::MAX);
    Some(SourceRow {
        info,
        list: spend.and_then(|spend| spend.list),
        billed: spend.and_then(|spend| spend.billed),
        unpriced_tokens: spend.map_or(0, |spend| spend.unpriced_tokens),
        last_good_at,
        last_look_at: stored_look.max(live.map(|live| live.looked_at)),
        stale: last_good_at.is_none_or(|at| asked.now - at > patience),
        error,
        retry_at: match live {
            Some(live) => live.retry_at,
            None => state.and_then(|state| state.retry_at),
        },
        balances: state
            .map(|state| state.balances.clone())
            .unwrap_or_default()
            .into_iter()
            .map(|balance| BalanceRow { balance, days_left: None })
            .collect(),
        quotas: state.map(|state| state.quotas.clone()).unwrap_or_default(),
        gaps: state.map(|state| state.gaps.clone()).unwrap_or_default(),
        problem_count: state.map_or(0, |state| state.problem_count),
        unmetered_tokens: state.map_or(0, |state| state.unmetered_tokens),
        problems: state.map(|state| state.problems.clone()).unwrap_or_default(),
        incident: None,
    })
}

/// Says of each balance how long it lasts.
fn with_paces(
    ledger: &Ledger,
    mut row: SourceRow,
    now: DateTime<Utc>,
) -> Result<SourceRow, LedgerError> {
    if row.balances.is_empty() {
        return Ok(row);
    }
    let paces = ledger.balance_paces(row.info.id, now)?;
    for it in &mut row.balances {
        let pace = paces.get(&balances::key_of(&it.balance)).copied().filter(|pace| *pace > 0);
        let days = pace.map(|pace| it.balance.amount.attos().max(0) / pace);
        it.days_left = days.map(|days| u32::try_from(days).unwrap_or(u32::MAX));
    }
    Ok(row)
}

/// What the source's status page reports, unless that is too long ago.
fn incident(
    asked: &Asked<'_>,
    source: &AskedSource,
    reported: &BTreeMap<String, Trouble>,
) -> Option<Incident> {
    let page = source.status_page?;
    let Trouble { indicator, text, as_of } =
        reported.get(page.address).filter(|trouble| trouble.is_current(asked.now))?.clone();
    Some(Incident { by: page.of, indicator, text, as_of })
}

fn budget_row(budget: &Budget, standing: &Standing) -> BudgetRow {
    let Standing { limit, spent, .. } = *standing;
    let last_day = standing.span.end_day.pred_opt().unwrap_or(standing.span.end_day);
    BudgetRow {
        name: budget.name.clone(),
        cycle: budget.cycle,
        amount: limit,
        base: budget.amount,
        spent,
        estimated: standing.estimated,
        permille: budgets::permille(&limit, &spent),
        warn_percent: budget.warn_percent(),
        next_percent: budget.next_percent(&limit, &spent),
        forecast: standing.forecast,
        last_day,
        sources: budget.filter.only.sources.clone(),
        scope: budget.filter.words(),
        basis: budget.basis,
    }
}

fn figures(spend: Spend, sources: &[SourceRow], states: &[SourceState]) -> Figures {
    let is_partial = sources.iter().any(|row| {
        row.error.is_some() || row.stale || !row.gaps.is_empty() || row.problem_count > 0
    });
    let unmetered_tokens = states.iter().map(|state| state.unmetered_tokens).sum();
    Figures {
        spend: spend.spend,
        spend_estimated: spend.estimated,
        list: spend.list,
        billed: spend.billed,
        billed_other: spend.billed_other,
        converted: spend.converted,
        covered: spend.covered,
        paid: spend.paid,
        stated: spend.stated,
        requests: spend.requests,
        tokens: spend.tokens,
        unpriced_tokens: spend.unpriced_tokens,
        unmetered_tokens,
        partial: is_partial || spend.unpriced_tokens > 0 || unmetered_tokens > 0,
    }
}

/// The most pressing state. One failing source dims its own row only; the icon as a whole is stale
/// or in error when no source is better off.
fn state(paused: bool, budgets: &[BudgetRow], sources: &[SourceRow]) -> State {
    let is_over = |row: &BudgetRow| row.permille >= 1000;
    let is_near = |row: &BudgetRow| row.permille >= i128::from(row.warn_percent) * 10;
    if paused {
        State::Paused
    } else if budgets.iter().any(is_over) {
        State::Over
    } else if budgets.iter().any(is_near) {
        State::Near
    } else if sources.is_empty() {
        State::Calm
    } else if sources.iter().all(|row| row.error.is_some() && row.last_good_at.is_none()) {
        State::Error
    } else if sources.iter().all(|row| row.error.is_some() || row.stale) {
        State::Stale
    } else {
        State::Calm
    }
}
