//! The named questions on figures of a span.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::bills::{self, Covered};
use super::excess::excess;
use super::figures::Figures;
use super::names::Names;
use super::parts::{Parts, Sum};
use super::scope::Scope;
use super::{Ledger, LedgerError, Spend, codes, days, gather, slot, slots};
use crate::spend::{Amounts, ChargeKind, Currency, Filter, Money, Span, TokenCounts, Zone};

/// What one source itself says of a span. Sources of one account repeat each other: these figures
/// do not add up to the spend.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceSpend {
    /// Source id.
    pub source: String,
    /// List price of its usage; `None` when none of it has a price.
    pub list: Option<Money>,
    /// The part of `list` that is the agents' own figure, of models without a known price.
    pub stated: Money,
    /// Requests in `stated`.
    pub stated_requests: u64,
    /// What agents themselves state of usage that has a list price; in no other figure. `None`
    /// when none of them states a cost.
    pub agents_say: Option<Money>,
    /// What it bills in dollars; `None` when it knows no bill of the span.
    pub billed: Option<Money>,
    /// What it bills in other currencies.
    pub billed_other: Vec<Money>,
    /// Requests.
    pub requests: u64,
    /// Tokens by kind.
    pub tokens: TokenCounts,
    /// Tokens without a price.
    pub unpriced_tokens: u64,
    /// Their models (`None` where the log leaves it open) with their tokens, most first.
    pub unpriced_models: Vec<(Option<String>, u64)>,
}

/// One model's share of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSpend {
    /// Its name as logged; `None` where the log leaves it open.
    pub model: Option<String>,
    /// List price; `None` when unpriced.
    pub list: Option<Money>,
    /// Tokens by kind.
    pub tokens: TokenCounts,
}

/// What one session of an agent cost.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionSpend {
    /// Source id.
    pub source: String,
    /// The agent's name for it.
    pub session: Option<String>,
    /// The folder it worked in last.
    pub project: Option<String>,
    /// At list price, in pico-dollars.
    pub list_picos: i128,
}

impl Ledger {
    /// The figures of a span. `zone` is the one the span was made in.
    pub fn spend(&self, span: &Span, zone: Zone, filter: &Filter) -> Result<Spend, LedgerError> {
        self.ask(|conn| {
            let scope = Scope::new(conn, span, zone, filter, &self.plans)?;
            gather::spend(conn, &scope, &self.rates)
        })
    }

    /// The amounts of each local day from `first` up to, not including, `end`, for each filter.
    /// Days before the first usage of any kind are left out; days without any are there.
    pub fn daily(
        &self,
        first: NaiveDate,
        end: NaiveDate,
        zone: Zone,
        filters: &[&Filter],
    ) -> Result<Vec<Vec<(NaiveDate, Sum)>>, LedgerError> {
        self.ask(|conn| {
            let Some(begun) = days::first_day(conn, zone)? else {
                return Ok(vec![Vec::new(); filters.len()]);
            };
            let first = first.max(begun).min(end);
            let span = Span::of_days(first, end, zone);
            let scopes = filters
                .iter()
                .map(|filter| Scope::new(conn, &span, zone, filter, &self.plans))
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let scopes: Vec<_> = scopes.iter().collect();
            let all = gather::gather_all(conn, &mut Names::default(), &scopes, &self.rates)?;
            let days = |parts: &Parts| {
                let known = parts.by_day(&self.rates);
                let days = first.iter_days().take_while(|day| *day < end);
                days.map(|day| (day, known.get(&day).copied().unwrap_or_default())).collect()
            };
            Ok(all.iter().map(days).collect())
        })
    }

    /// The list price of each hour of a span in which something has one, in pico-dollars, with the
    /// hour's start.
    pub fn hourly(
        &self,
        span: &Span,
        filter: &Filter,
    ) -> Result<Vec<(DateTime<Utc>, i128)>, LedgerError> {
        self.ask(|conn| {
            let scope = Scope::new(conn, span, Zone::UTC, filter, &self.plans)?;
            let mut hours: Vec<(i64, i128)> = Vec::new();
            let mut add = |quarter: i64, picos| {
                let hour = quarter.div_euclid(4);
                match hours.last_mut() {
                    Some((known, sum)) if *known == hour => *sum += picos,
                    _ => hours.push((hour, picos)),
                }
            };
            if filter.is_everything() {
                slots::for_each_list_price(conn, span.start, span.end, add)?;
            } else {
                let takes = |about: &_| scope.takes(conn, about);
                slots::for_each_of(conn, span.start, span.end, takes, |quarter, _, figures| {
                    add(quarter, figures.list_picos);
                    Ok(())
                })?;
            }
            let start = |(hour, picos): (i64, i128)| (slot::start_of(hour * 4), picos);
            Ok(hours.into_iter().map(start).collect())
        })
    }

    /// What each session of a span costs at list price, most first.
    pub fn busiest_sessions(&self, span: &Span) -> Result<Vec<SessionSpend>, LedgerError> {
        self.ask(|conn| {
            let mut sums: BTreeMap<(i64, i64), (i64, i128)> = BTreeMap::new();
            slots::for_each(conn, span.start, span.end, |_, about, figures| {
                let (project, picos) = sums.entry((about.source, about.session)).or_default();
                *project = about.project;
                *picos += figures.list_picos;
                Ok(())
            })?;
            let mut names = Names::default();
            let mut sessions = sums
                .into_iter()
                .map(|((source, session), (project, list_picos))| {
                    Ok(SessionSpend {
                        source: names.string(conn, source)?.unwrap_or_default(),
                        session: names.string(conn, session)?,
                        project: names.string(conn, project)?,
                        list_picos,
                    })
                })
                .collect::<rusqlite::Result<Vec<_>>>()?;
            sessions.sort_by_key(|session| std::cmp::Reverse(session.list_picos));
            Ok(sessions)
        })
    }

    /// What each source says of a span by itself, by id. Sources without a figure are left out.
    pub fn source_spend(&self, span: &Span, zone: Zone) -> Result<Vec<SourceSpend>, LedgerError> {
        #[derive(Default)]
        struct Sum {
            logged: Figures,
            metered_picos: Option<i128>,
            metered_requests: u64,
            metered_tokens: TokenCounts,
            /// By model.
            unpriced: BTreeMap<i64, u64>,
            knows_bill: bool,
            billed: Amounts,
        }
        self.ask(|conn| {
            let scope = Scope::new(conn, span, zone, &Filter::everything(), &self.plans)?;
            let mut sums: BTreeMap<i64, Sum> = BTreeMap::new();
            scope.for_each_day(conn, |_, about, figures| {
                let sum = sums.entry(about.source).or_default();
                sum.logged.add(figures, 1);
                *sum.unpriced.entry(about.model).or_default() +=
                    codes::to_u64(figures.unpriced_tokens);
                Ok(())
            })?;
            for (_, row) in bills::metered_between(conn, scope.utc_days())? {
                let sum = sums.entry(row.source).or_default();
                sum.metered_requests = sum.metered_requests.saturating_add(row.requests);
                sum.metered_tokens.add(&row.tokens);
                match row.prices.cost_picos(&row.tokens, row.web_searches) {
                    Some(picos) => *sum.metered_picos.get_or_insert(0) += picos,
                    None => {
                        let tokens = sum.unpriced.entry(row.model).or_default();
                        *tokens = tokens.saturating_add(row.tokens.total());
                    }
                }
            }
            for cover in bills::covers_between(conn, scope.utc_days(), Covered::Charges)? {
                sums.entry(cover.source).or_default().knows_bill = true;
            }
            for charge in scope.charges(conn)? {
                if charge.kind == ChargeKind::Billed {
                    sums.entry(charge.source).or_default().billed.add(charge.money()?);
                }
            }
            let mut names = Names::default();
            let mut found = Vec::with_capacity(sums.len());
            for (source, sum) in sums {
                let other = sum.billed.iter().filter(|money| money.currency != Currency::USD);
                let list = match (sum.logged.list(), sum.metered_picos) {
                    (None, None) => None,
                    (logged, metered) => Some(logged.unwrap_or(0) + metered.unwrap_or(0)),
                };
                let (mut tokens, logged) = (sum.logged.token_counts(), &sum.logged);
                tokens.add(&sum.metered_tokens);
                found.push(SourceSpend {
                    source: names.string(conn, source)?.unwrap_or_default(),
                    list: list.map(Money::from_picos_usd),
                    stated: Money::from_picos_usd(logged.stated_picos),
                    stated_requests: codes::to_u64(logged.stated_requests),
                    agents_say: logged.agents_say(),
                    billed: sum.knows_bill.then(|| sum.billed.usd()),
                    billed_other: other.collect(),
                    requests: codes::to_u64(logged.requests).saturating_add(sum.metered_requests),
                    tokens,
                    unpriced_tokens: sum.unpriced.values().fold(0, |a, b| a.saturating_add(*b)),
                    unpriced_models: names.most_first(conn, sum.unpriced)?,
                });
            }
            found.sort_by(|a, b| a.source.cmp(&b.source));
            Ok(found)
        })
    }

    /// The models of a span, dearest at list price first, unpriced ones last by their tokens.
    pub fn top_models(
        &self,
        span: &Span,
        zone: Zone,
        limit: usize,
    ) -> Result<Vec<ModelSpend>, LedgerError> {
        self.ask(|conn| {
            let mut names = Names::default();
            let scope = Scope::new(conn, span, zone, &Filter::everything(), &self.plans)?;
            let mut sums: BTreeMap<i64, (Option<i128>, TokenCounts)> = BTreeMap::new();
            scope.for_each_day(conn, |_, about, figures| {
                let (list, tokens) = sums.entry(about.model).or_default();
                tokens.add(&figures.token_counts());
                if let Some(picos) = figures.list() {
                    *list = Some(list.unwrap_or(0) + picos);
                }
                Ok(())
            })?;
            for part in excess(conn, &mut names, &scope)? {
                let (list, tokens) = sums.entry(part.model).or_default();
                tokens.add(&part.tokens);
                if let Some(picos) = part.list_picos {
                    *list = Some(list.unwrap_or(0) + picos);
                }
            }
            let mut models: Vec<_> = sums.into_iter().collect();
            models.sort_by(|(a_model, (a, a_tokens)), (b_model, (b, b_tokens))| {
                b.cmp(a)
                    .then_with(|| b_tokens.total().cmp(&a_tokens.total()))
                    .then_with(|| a_model.cmp(b_model))
            });
            models
                .into_iter()
                .take(limit)
                .map(|(model, (list, tokens))| {
                    Ok(ModelSpend {
                        model: names.string(conn, model)?,
                        list: list.map(Money::from_picos_usd),
                        tokens,
                    })
                })
                .collect()
        })
    }

    /// The first local day that has any usage or charge; `None` while the ledger holds neither.
    pub fn first_usage_day(&self, zone: Zone) -> Result<Option<NaiveDate>, LedgerError> {
        self.ask(|conn| days::first_day(conn, zone))
    }
}
