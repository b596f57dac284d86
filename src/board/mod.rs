//! The one picture that every face draws: plain data, and the named questions faces may ask.

mod build;
pub mod compare;
pub mod energy;
pub mod export;
pub mod page;
pub mod paying;
pub mod reconcile;
pub mod report;
pub mod session_cost;
pub mod sessions;
pub mod standing;
pub mod summary;
pub mod whatif;
pub mod wording;
pub mod yields;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

pub use crate::ledger::{Difference, ModelSpend as ModelRow, Snooze};
pub use build::{Asked, AskedSource, Live, StatusPage, alert_row, build};
pub use compare::Comparison;
pub use paying::{PeopleTerms, PlanRow};

pub use crate::budgets::Basis;
pub use crate::budgets::forecast::Forecast;
pub use crate::plans::compare::Mix;
pub use crate::plans::offers::Offer;
pub use crate::plans::{Every, Paid};
use crate::spend::{
    AlertKind, Balance, Converted, Cycle, DeliveryState, Indicator, Money, Period, Problem,
    QuotaWindow, Severity, SourceError, SourceInfo, TokenCounts, Zone,
};

/// Everything a face may show. Built by [`build`] after each change.
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    /// When it was built.
    pub now: DateTime<Utc>,
    /// Zone of "today".
    pub zone: Zone,
    /// Today's local date.
    pub today: NaiveDate,
    /// Which figure the icon shows.
    pub headline: Headline,
    /// In which colours.
    pub colours: Colours,
    /// The time that the icon's figure is for.
    pub period: Period,
    /// The figures of that time up to now, where it is longer than today.
    pub longer: Option<Figures>,
    /// Today's figures.
    pub figures: Figures,
    /// Every enabled source that exists on this machine or has a key, in table order.
    pub sources: Vec<SourceRow>,
    /// Most expensive models today, at list price; unpriced ones last.
    pub top_models: Vec<ModelRow>,
    /// Where an account's bill of today differs from its list price, by account.
    pub differences: Vec<Difference>,
    /// What today's tokens took, where the menu is to tell it: an estimate.
    pub energy: Option<energy::Footprint>,
    /// Budgets in the order of the config.
    pub budgets: Vec<BudgetRow>,
    /// Plans that run today, in the order of the config.
    pub plans: Vec<PlanRow>,
    /// Whether what is paid is told beside the other figures: there are plans or discounts.
    pub tells_paid: bool,
    /// Today in people's terms; nothing where the config sets none.
    pub people: PeopleTerms,
    /// The newest alert that spoke.
    pub last_alert: Option<AlertRow>,
    /// Whose alerts are to stay silent for a while, everything first.
    pub snoozes: Vec<Snooze>,
    /// State of the icon.
    pub state: State,
    /// True until every source was looked at once since the start.
    pub loading: bool,
    /// A pretend world is shown.
    pub demo: bool,
    /// Sentences that hold for the whole program (a ledger that was set aside, a config error).
    pub notices: Vec<String>,
}

/// Which figure is the headline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Headline {
    /// Billed where a bill reaches, list price where none does; see the ledger's reconciliation.
    #[default]
    Spend,
    /// List price of all usage.
    List,
    /// Billed cost alone.
    Billed,
    /// What is paid: bills, list prices of what nobody bills, and plans' fees in the place of what
    /// they cover.
    Paid,
}

/// What the icon's colours are chosen for. Where the system tints icons itself (macOS) it is no
/// matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colours {
    /// The panel as the system tells it; readable on both where it does not tell.
    #[default]
    Auto,
    /// A light panel: near-black digits.
    Light,
    /// A dark panel: white digits.
    Dark,
}

/// What the user chose for the icon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IconChoice {
    /// Which figure it shows.
    pub headline: Headline,
    /// In which colours.
    pub colours: Colours,
    /// For which time.
    pub period: Period,
}

/// Figures for one span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Billed where a bill reaches, list price otherwise; dollars.
    pub spend: Money,
    /// True when any part of `spend` is a list price rather than a bill.
    pub spend_estimated: bool,
    /// All usage at list price; dollars.
    pub list: Money,
    /// What providers bill; `None` when no provider reports.
    pub billed: Option<Money>,
    /// Bills in other currencies, side by side, in no dollar figure.
    pub billed_other: Vec<Money>,
    /// Those of them that count in `spend`, at which rate.
    pub converted: Vec<Converted>,
    /// The part of `list` that a subscription covers and nobody bills.
    pub covered: Money,
    /// What is paid, with plans' fees in the place of what they cover.
    pub paid: Paid,
    /// The part of `list` that is the agents' own figure, where no list price is known.
    pub stated: Money,
    /// Requests.
    pub requests: u64,
    /// Tokens by kind.
    pub tokens: TokenCounts,
    /// Tokens of models without a known price: in no dollar figure.
    pub unpriced_tokens: u64,
    /// Tokens that can't be told from a parent session's: in no dollar figure.
    pub unmetered_tokens: u64,
    /// True when something is known to be missing (unreadable lines, failed sources, gaps).
    pub partial: bool,
}

impl Board {
    /// Today's amount by `headline`; `None` while nothing that could tell it was found or read,
    /// for no data is not zero.
    pub fn amount(&self, headline: Headline) -> Option<Money> {
        let is_known = self.sources.iter().any(|source| source.last_good_at.is_some());
        self.figures.chosen(headline).filter(|_| is_known)
    }

    /// The figures of the icon's period up to now.
    pub fn shown(&self) -> &Figures {
        self.longer.as_ref().unwrap_or(&self.figures)
    }

    /// The amount that the icon shows, of its period; `None` as for [`Self::amount`].
    pub fn shown_amount(&self) -> Option<Money> {
        let is_known = self.sources.iter().any(|source| source.last_good_at.is_some());
        self.shown().chosen(self.headline).filter(|_| is_known)
    }

    /// Whether the amount that the icon shows is an estimate.
    pub fn shown_is_estimated(&self) -> bool {
        self.shown().chosen_is_estimated(self.headline)
    }
}

impl Figures {
    /// The amount that `headline` chooses; `None` when it is not known, as when all there is are
    /// tokens without a price.
    fn chosen(&self, headline: Headline) -> Option<Money> {
        let known =
            |amount: Money| Some(amount).filter(|_| amount.attos != 0 || self.unpriced_tokens == 0);
        match headline {
            Headline::Spend => known(self.spend),
            Headline::List => known(self.list),
            Headline::Billed => self.billed,
            Headline::Paid => self.paid.usd().and_then(known),
        }
    }

    /// Whether the chosen amount is an estimate.
    pub fn chosen_is_estimated(&self, headline: Headline) -> bool {
        match headline {
            Headline::Spend => self.spend_estimated,
            Headline::List => true,
            Headline::Billed => false,
            Headline::Paid => self.paid.estimated,
        }
    }
}

/// One source as faces show it.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceRow {
    /// Its row in the table.
    pub info: &'static SourceInfo,
    /// Today's own list price; `None` when it tells none.
    pub list: Option<Money>,
    /// Today's own billed cost (UTC day); `None` when it tells none.
    pub billed: Option<Money>,
    /// Today's tokens without a price.
    pub unpriced_tokens: u64,
    /// When it last gave figures.
    pub last_good_at: Option<DateTime<Utc>>,
    /// When it was last looked at.
    pub last_look_at: Option<DateTime<Utc>>,
    /// Whether the figures are older than twice the poll interval.
    pub stale: bool,
    /// How the last look failed, if it did.
    pub error: Option<SourceError>,
    /// When it is looked at again after a failure.
    pub retry_at: Option<DateTime<Utc>>,
    /// Prepaid credit.
    pub balances: Vec<BalanceRow>,
    /// Limits.
    pub quotas: Vec<QuotaWindow>,
    /// What the last reading does not cover.
    pub gaps: Vec<String>,
    /// How many lines could not be read, all time.
    pub problem_count: u64,
    /// Tokens that can't be told from a missing parent session's: in no amount.
    pub unmetered_tokens: u64,
    /// The newest of them.
    pub problems: Vec<Problem>,
    /// What its provider reports of its own faults. Figures may be late then, and none is missing.
    pub incident: Option<Incident>,
}

/// What a provider reports on its status page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// The provider's name.
    pub by: &'static str,
    /// How bad it is.
    pub indicator: Indicator,
    /// The page's own words; may be empty.
    pub text: String,
    /// When it said so.
    pub as_of: DateTime<Utc>,
}

/// Prepaid credit, and how long it lasts.
#[derive(Clone, Debug, PartialEq)]
pub struct BalanceRow {
    /// What is left.
    pub balance: Balance,
    /// For how many whole days, at the pace of the last seven finished ones; `None` while no pace
    /// is known, and where nothing is taken from it.
    pub days_left: Option<u32>,
}

/// One budget and how far it is used.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetRow {
    /// Its name.
    pub name: String,
    /// The time it is for.
    pub cycle: Cycle,
    /// The limit of the running period, with what the one before left over.
    pub amount: Money,
    /// The same without what was left over: what the config says.
    pub base: Money,
    /// Spent in the running period.
    pub spent: Money,
    /// True when any part of `spent` is a list price rather than a bill.
    pub estimated: bool,
    /// Thousandths of the limit, rounded down.
    pub permille: i128,
    /// Lowest threshold not below which the icon warns, percent (the highest under 100).
    pub warn_percent: u32,
    /// The threshold that is reached next, percent.
    pub next_percent: Option<u32>,
    /// Where the period ends; `None` while too little is known to tell.
    pub forecast: Option<Forecast>,
    /// The last day of the period.
    pub last_day: NaiveDate,
    /// Sources it counts; empty means all.
    pub sources: Vec<String>,
    /// All that it counts, in words; empty means everything.
    pub scope: String,
    /// Which figure it counts.
    pub basis: Basis,
}

impl BudgetRow {
    /// What is left of the limit; below zero where it is broken.
    pub fn left(&self) -> Money {
        Money { attos: self.amount.attos.saturating_sub(self.spent.attos), ..self.amount }
    }
}

/// One alert that spoke.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertRow {
    /// Number in the ledger.
    pub id: i64,
    /// When the crossing was recorded.
    pub at: DateTime<Utc>,
    /// The budget's name.
    pub budget: String,
    /// Its time; `None` for what is no budget's.
    pub period: Option<Cycle>,
    /// First local day of the period, or the day it spoke.
    pub period_start: NaiveDate,
    /// Threshold in percent.
    pub threshold_percent: u32,
    /// The limit at that time, of a budget.
    pub amount: Option<Money>,
    /// The spend at that time.
    pub spent: Option<Money>,
    /// True when any part of `spent` was a list price.
    pub estimated: bool,
    /// What it is about.
    pub kind: AlertKind,
    /// How pressing it is.
    pub severity: Severity,
    /// What it is about besides a budget; empty for nothing.
    pub subject: String,
    /// When a notification daemon took it; `None` while still to be delivered.
    pub delivered_at: Option<DateTime<Utc>>,
    /// How far its delivery is, over each channel it goes to.
    pub deliveries: Vec<DeliveryRow>,
    /// What it said: title.
    pub title: String,
    /// What it said: body.
    pub body: String,
}

/// How far an alert's delivery over one channel is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// `desktop`, `hook:<name>` or `webhook:<name>`.
    pub channel: String,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was tried.
    pub tries: u32,
    /// When the other side took it, or when it was tried last.
    pub at: Option<DateTime<Utc>>,
    /// What went wrong the last time; empty for nothing.
    pub error: String,
}

/// State of the icon, the most pressing one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing to say.
    Calm,
    /// A budget's warning threshold is reached.
    Near,
    /// A budget is broken.
    Over,
    /// The figures are old.
    Stale,
    /// No source gives figures.
    Error,
    /// The user paused looking.
    Paused,
}
