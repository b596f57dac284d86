//! What is asked for: a span of time, the spend that is meant, and who pays for it.

mod cover;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use rusqlite::{Connection, Result};

use super::bills::{self, ChargeRow};
use super::figures::{About, Figures};
use super::names::{NONE, Names};
use super::{codes, days, slot, slots};
use crate::plans::Plans;
use crate::spend::period::{day_start, local_day};
use crate::spend::{BY_PROVIDER, DaySpan, Facts, Filter, Funding, Span, Zone};

pub(super) use cover::PaidBy;

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
    pub(super) fn decides(
        &self,
        conn: &Connection,
        names: &mut Names,
        about: &About,
    ) -> Result<bool> {
        let account = self.account_of(conn, names, about)?;
        self.asks(conn, names, &self.filter, about, &account)
    }

    /// Whether what a provider tells of a model is meant: source, provider and model.
    pub(super) fn takes_told(&self, conn: &Connection, told: (i64, i64, i64)) -> Result<bool> {
        self.takes_of(conn, &self.filter, told)
    }

    /// Whether a source's bills are meant, as far as bills tell.
    pub(super) fn takes_bills(
        &self,
        conn: &Connection,
        source: i64,
        provider: i64,
    ) -> Result<bool> {
        self.takes_of(conn, &self.whole, (source, provider, NONE))
    }

    fn takes_of(
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
    pub(super) fn told_by_days(
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
            let start = slot::start_of(quarter);
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
            self.takes_told(conn, told).unwrap_or_else(|error| {
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
