//! What is paid, and the work that it is paid for: the questions.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::excess::excess;
use super::gather::{gather, gather_plain};
use super::names::Names;
use super::scope::Scope;
use super::{Ledger, LedgerError};
use crate::plans::compare::Work;
use crate::plans::{Paid, Plans};
use crate::spend::{Filter, Money, Span, Zone};

impl Ledger {
    /// What is paid for each local day of a span, as [`Ledger::spend`] counts it for all of them.
    pub fn daily_paid(
        &self,
        span: &Span,
        zone: Zone,
        filter: &Filter,
    ) -> Result<BTreeMap<NaiveDate, Paid>, LedgerError> {
        self.ask(|conn| {
            let scope = Scope::new(conn, span, zone, filter, &self.plans)?;
            let parts = gather(conn, &mut Names::default(), &scope, &self.rates)?;
            Ok(parts.paid_by_day(&self.rates))
        })
    }

    /// The list price of what each plan covers, by its place and the local day; attos.
    pub fn covered_by_plans(
        &self,
        span: &Span,
        zone: Zone,
    ) -> Result<BTreeMap<(usize, NaiveDate), i128>, LedgerError> {
        self.ask(|conn| {
            let scope = Scope::new(conn, span, zone, &Filter::everything(), &self.plans)?;
            let mut names = Names::default();
            let parts = gather_plain(conn, &mut names, &[&scope], &self.rates)?;
            let covered = parts.into_iter().flat_map(|parts| parts.covered);
            let of_plans = covered.filter_map(|((plan, day), picos)| {
                Some(((plan?, day), Money::from_picos_usd(picos).attos))
            });
            Ok(of_plans.collect())
        })
    }

    /// All usage of a span that has a list price, whoever pays for it, as plans are compared on.
    pub fn work(&self, span: &Span, zone: Zone) -> Result<Vec<Work>, LedgerError> {
        self.ask(|conn| {
            let mut names = Names::default();
            let scope = Scope::new(conn, span, zone, &Filter::everything(), &self.plans)?;
            let mut work: BTreeMap<(NaiveDate, i64, i64, i64, String), i128> = BTreeMap::new();
            scope.for_each_day(conn, |day, about, figures| {
                let account = scope.account_of(conn, &mut names, about)?;
                let key =
                    (day, about.source, about.billed_by(), about.model, account.as_ref().into());
                *work.entry(key).or_default() += figures.list_picos;
                Ok(())
            })?;
            for part in excess(conn, &mut names, &scope)? {
                let account = scope.account(part.source).to_owned();
                let key = (part.day, part.source, part.provider, part.model, account);
                *work.entry(key).or_default() += part.list_picos.unwrap_or(0);
            }
            work.into_iter()
                .filter(|(_, picos)| *picos != 0)
                .map(|((day, source, provider, model, account), picos)| {
                    Ok(Work {
                        day,
                        source: names.string(conn, source)?.unwrap_or_default(),
                        provider: names.string(conn, provider)?,
                        account,
                        model: names.string(conn, model)?,
                        list: Money::from_picos_usd(picos).attos,
                    })
                })
                .collect()
        })
    }

    /// Plans and discounts.
    pub fn plans(&self) -> &Plans {
        &self.plans
    }
}
