//! Plans that can be taken by name, from `assets/plans.toml`.

use std::sync::OnceLock;

use chrono::NaiveDate;
use serde::Deserialize;

use super::{Every, Overage};
use crate::spend::{Currency, Filter, Glob, Lists, Money};

const TEXT: &str = include_str!("../../assets/plans.toml");

/// A plan that is on offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its name in the config.
    pub id: String,
    /// Plans of one family stand in for each other.
    pub family: String,
    /// Its name, for people.
    pub name: String,
    /// What a period costs.
    pub fee: Money,
    /// How often the fee is due.
    pub every: Every,
    /// The usage it covers.
    pub covers: Filter,
    /// What the fee includes per period at list prices, in dollars; `None` where its limits are not
    /// stated so.
    pub included: Option<Money>,
    /// The page that states the fee.
    pub source: String,
    /// When that was read.
    pub checked: NaiveDate,
    /// What else is to be known; may be empty.
    pub note: String,
}

impl Offer {
    /// What counts beyond the fee, unless the config says otherwise.
    pub fn overage(&self) -> Overage {
        self.included.map_or(Overage::default(), |included| Overage::List { included })
    }
}

/// Every offer, in the order of the file.
pub fn all() -> &'static [Offer] {
    static OFFERS: OnceLock<Vec<Offer>> = OnceLock::new();
    OFFERS.get_or_init(|| {
        read(TEXT).expect("assets/plans.toml is part of the program, and a test reads all of it")
    })
}

/// The offer with this id.
pub fn find(id: &str) -> Option<&'static Offer> {
    all().iter().find(|offer| offer.id == id)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    plan: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    family: String,
    name: String,
    fee: String,
    currency: Currency,
    per: String,
    #[serde(default)]
    agents: Vec<String>,
    #[serde(default)]
    models: Vec<Glob>,
    included: Option<String>,
    source: String,
    checked: String,
    #[serde(default)]
    note: String,
}

fn read(text: &str) -> Result<Vec<Offer>, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    file.plan.into_iter().map(offer).collect()
}

fn offer(row: Row) -> Result<Offer, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", row.id);
    let money = |text: &str, currency| Money::parse(text, currency).map_err(|error| told(&error));
    let only = Lists { sources: row.agents, models: row.models, ..Lists::default() };
    Ok(Offer {
        fee: money(&row.fee, row.currency)?,
        every: row.per.parse().map_err(|error| told(&error))?,
        covers: Filter { only, ..Filter::default() },
        included: row.included.map(|text| money(&text, Currency::USD)).transpose()?,
        checked: row.checked.parse().map_err(|error| told(&error))?,
        id: row.id.clone(),
        family: row.family,
        name: row.name,
        source: row.source,
        note: row.note,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_offer_has_a_fee_a_page_and_something_it_covers() {
        let offers = read(TEXT).unwrap();
        assert!(offers.len() > 15);
        let ids: BTreeSet<_> = offers.iter().map(|offer| &offer.id).collect();
        assert_eq!(ids.len(), offers.len(), "an id twice");
        for offer in &offers {
            let id = &offer.id;
            assert!(offer.fee.attos > 0, "{id}");
            assert!(offer.source.starts_with("https://"), "{id}");
            assert!(!offer.covers.is_everything(), "{id}");
            assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{id}");
        }
        assert_eq!(find("claude-max-20x").map(|offer| offer.fee.to_decimal()), Some("200".into()));
        assert_eq!(find("nonsense"), None);
    }

    #[test]
    fn agents_are_those_that_are_read() {
        // Named here, since plans know nothing of sources.
        let known = include_str!("../../assets/config.toml");
        for offer in all() {
            for agent in &offer.covers.only.sources {
                assert!(known.contains(agent.as_str()), "{}: {agent}", offer.id);
            }
        }
    }
}
