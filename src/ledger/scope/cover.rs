//! What covers usage, so that no bill is about it: a plan of the config, or a subscription that the
//! log or the config tells of.

use std::sync::Arc;

use chrono::NaiveDate;
use rusqlite::{Connection, Result};

use super::super::figures::About;
use super::super::names::{NONE, Names};
use super::Scope;
use crate::spend::{Facts, Funding};

/// Who pays for some usage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::ledger) enum PaidBy {
    /// An account is billed per token.
    Account(Arc<str>),
    /// The plan at this place of the config covers it.
    Plan(usize),
    /// A subscription covers it that no plan of the config stands for.
    Subscription,
}

impl Scope {
    /// Who pays for some usage of a day.
    pub(in crate::ledger) fn payer(
        &self,
        conn: &Connection,
        names: &mut Names,
        about: &About,
        day: NaiveDate,
    ) -> Result<PaidBy> {
        let told = self.payers.get(&about.source).and_then(|payer| payer.funding);
        let funding = told.unwrap_or(about.funding);
        if funding != Funding::ApiKey
            && let Some(plan) = self.plan(conn, names, about, day)?
        {
            return Ok(PaidBy::Plan(plan));
        }
        match funding {
            Funding::Subscription => Ok(PaidBy::Subscription),
            _ => self.account_of(conn, names, about).map(PaidBy::Account),
        }
    }

    /// Whether anything covers some usage of a day.
    pub(in crate::ledger) fn is_covered(
        &self,
        conn: &Connection,
        names: &mut Names,
        about: &About,
        day: NaiveDate,
    ) -> Result<bool> {
        let payer = self.payer(conn, names, about, day)?;
        Ok(!matches!(payer, PaidBy::Account(_)))
    }

    /// The first plan that covers some usage of a day.
    fn plan(
        &self,
        conn: &Connection,
        names: &mut Names,
        about: &About,
        day: NaiveDate,
    ) -> Result<Option<usize>> {
        let plans = &self.plans.plans;
        if plans.is_empty() {
            return Ok(None);
        }
        // Plans do not tell work apart.
        let about = About { project: NONE, session: NONE, ..*about };
        let known = self.covering.borrow().get(&about).cloned();
        let covering = match known {
            Some(covering) => covering,
            None => {
                let account = self.account_of(conn, names, &about)?;
                let source = names.text(conn, about.source)?;
                let provider = names.text(conn, about.billed_by())?;
                let model = names.text(conn, about.model)?;
                let facts = Facts {
                    source: source.as_deref().unwrap_or_default(),
                    provider: provider.as_deref(),
                    account: &account,
                    model: model.as_deref(),
                    ..Facts::default()
                };
                let takes = |place: &usize| plans[*place].covers.takes(&facts);
                let covering: Arc<[usize]> = (0..plans.len()).filter(takes).collect();
                self.covering.borrow_mut().insert(about, covering.clone());
                covering
            }
        };
        Ok(covering.iter().copied().find(|place| plans[*place].runs_on(day)))
    }
}
