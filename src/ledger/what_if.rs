//! What the usage of a span would have cost otherwise: every scenario in one read of the slots.

use std::collections::HashMap;

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};
use rusqlite::{Connection, Result};

use super::excess::excess;
use super::figures::token_counts;
use super::names::Names;
use super::scope::Scope;
use super::slot::{self, SlotKey, SlotPrice, SlotSums};
use super::slots;
use super::{Ledger, LedgerError, codes};
use crate::pricing::PriceTable;
use crate::pricing::what_if::{After, Alike, Scenario};
use crate::spend::period::local_day;
use crate::spend::{Currency, Filter, Money, Span, Speed, TokenCounts, Zone};

/// The usage of a span as it was and as each scenario has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WhatIf {
    /// One row for each model, dearest first; unpriced ones last by tokens.
    pub rows: Vec<WhatIfRow>,
    /// List price of all of it, as reports give it; `None` when none of it has a price.
    pub before: Option<Money>,
    /// The part of that which a subscription covers, so that nobody bills it; `None` when there is
    /// none.
    pub covered: Option<Money>,
    /// All of it, by scenario.
    pub effects: Vec<Effect>,
    /// Whether the ledger was priced with the table that the scenarios start from.
    pub is_current: bool,
}

/// One model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WhatIfRow {
    /// As logged.
    pub model: Option<String>,
    /// All its tokens.
    pub tokens: TokenCounts,
    /// Those without a list price: in no amount.
    pub unpriced_tokens: u64,
    /// List price as it was; `None` when none of it has one.
    pub before: Option<Money>,
    /// By scenario.
    pub effects: Vec<Effect>,
}

/// What a scenario makes of some usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// List price of what had one before.
    pub after: Money,
    /// Tokens that a change has no price for: they are in `after` without that change.
    pub unmet_tokens: u64,
    /// Tokens of requests of which some may be dearer for their size.
    pub may_be_more_tokens: u64,
    /// Tokens that have a price only in this scenario, and that price; in no other figure.
    pub new: Option<(u64, Money)>,
}

impl Default for Effect {
    fn default() -> Self {
        let after = Money::zero(Currency::USD);
        Self { after, unmet_tokens: 0, may_be_more_tokens: 0, new: None }
    }
}

impl Effect {
    fn add(&mut self, after: &After, tokens: u64) {
        self.after.attos = self.after.attos.saturating_add(after.attos);
        if after.is_unmet {
            self.unmet_tokens = self.unmet_tokens.saturating_add(tokens);
        }
        if after.may_be_more {
            self.may_be_more_tokens = self.may_be_more_tokens.saturating_add(tokens);
        }
    }

    fn add_new(&mut self, attos: i128, tokens: u64) {
        let (known, money) = self.new.get_or_insert((0, Money::zero(Currency::USD)));
        *known = known.saturating_add(tokens);
        money.attos = money.attos.saturating_add(attos);
    }

    fn add_all(&mut self, other: &Self) {
        self.after.attos = self.after.attos.saturating_add(other.after.attos);
        self.unmet_tokens = self.unmet_tokens.saturating_add(other.unmet_tokens);
        self.may_be_more_tokens = self.may_be_more_tokens.saturating_add(other.may_be_more_tokens);
        if let Some((tokens, money)) = other.new {
            self.add_new(money.attos, tokens);
        }
    }
}

impl Ledger {
    /// What the usage of the local days `first_day` to `last_day`, both inclusive, would have cost
    /// in each scenario. `prices` is the table that the ledger is priced with.
    ///
    /// # Errors
    /// The ledger can't be read.
    pub fn what_if(
        &self,
        (first_day, last_day): (NaiveDate, NaiveDate),
        zone: Zone,
        filter: &Filter,
        prices: &PriceTable,
        scenarios: &[Scenario],
    ) -> std::result::Result<WhatIf, LedgerError> {
        let end_day = last_day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
        let span = Span::of_days(first_day, end_day.max(first_day), zone);
        let is_current = self.is_priced_with(prices)?;
        self.ask(|conn| {
            let scope = Scope::new(conn, &span, zone, filter, &self.plans)?;
            let mut sums = Sums {
                prices,
                scenarios,
                names: Names::default(),
                models: HashMap::new(),
                covered: None,
            };
            let mut covers = Names::default();
            slots::for_each_between(conn, span.start, span.end, |key, slot, price| {
                let about = key.about(&price);
                let day = local_day(slot::start_of(key.quarter), zone);
                if scope.takes(conn, &about)? {
                    sums.add_slot(conn, &key, &slot, &price)?;
                    if scope.is_covered(conn, &mut covers, &about, day)? {
                        sums.add_covered(&slot, &price);
                    }
                }
                Ok(())
            })?;
            let mut names = Names::default();
            for part in excess(conn, &mut names, &scope)? {
                let provider = names.text(conn, part.provider)?;
                let model = names.text(conn, part.model)?;
                // As usage reports are priced: at noon, and never as one large request.
                let alike = Alike {
                    provider: provider.as_deref(),
                    model: model.as_deref(),
                    at: part.day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(12),
                    speed: Speed::Standard,
                    above: 0,
                    tokens: part.tokens,
                    web_searches: part.web_searches,
                };
                sums.add(part.model, &alike, part.list_picos);
            }
            sums.done(conn, is_current)
        })
    }
}

struct Sums<'a> {
    prices: &'a PriceTable,
    scenarios: &'a [Scenario],
    names: Names,
    /// By id of the dictionary.
    models: HashMap<i64, WhatIfRow>,
    covered: Option<Money>,
}

impl Sums<'_> {
    fn add_slot(
        &mut self,
        conn: &Connection,
        key: &SlotKey,
        slot: &SlotSums,
        price: &SlotPrice,
    ) -> Result<()> {
        let provider = self.names.text(conn, key.hint)?;
        let model = self.names.text(conn, key.model)?;
        let alike = alike_of(key, slot, provider.as_deref(), model.as_deref());
        if price.list_picos.is_some() || slot.stated_requests == 0 {
            self.add(key.model, &alike, price.list_picos);
            return Ok(());
        }
        // The agents' own figure stands for the requests that it is stated of.
        let stated_tokens = codes::to_u64(slot.stated_tokens);
        let scenarios = self.scenarios;
        let row = self.row(key.model, &alike.tokens);
        add_money(&mut row.before, slot.stated_picos.saturating_mul(ATTOS_PER_PICO));
        row.unpriced_tokens += alike.tokens.total().saturating_sub(stated_tokens);
        for (effect, scenario) in row.effects.iter_mut().zip(scenarios) {
            effect.add(&scenario.of_stated(slot.stated_picos), stated_tokens);
        }
        Ok(())
    }

    fn add_covered(&mut self, slot: &SlotSums, price: &SlotPrice) {
        if let Some(picos) = price.figures(slot).list() {
            add_money(&mut self.covered, picos.saturating_mul(ATTOS_PER_PICO));
        }
    }

    fn add(&mut self, model: i64, alike: &Alike<'_>, list_picos: Option<i128>) {
        let (prices, scenarios) = (self.prices, self.scenarios);
        let tokens = alike.tokens.total();
        let row = self.row(model, &alike.tokens);
        match list_picos {
            Some(picos) => {
                add_money(&mut row.before, picos.saturating_mul(ATTOS_PER_PICO));
                for (effect, scenario) in row.effects.iter_mut().zip(scenarios) {
                    effect.add(&scenario.of_priced(prices, alike, picos), tokens);
                }
            }
            None => {
                row.unpriced_tokens = row.unpriced_tokens.saturating_add(tokens);
                for (effect, scenario) in row.effects.iter_mut().zip(scenarios) {
                    if let Some(attos) = scenario.of_unpriced(prices, alike) {
                        effect.add_new(attos, tokens);
                    }
                }
            }
        }
    }

    fn row(&mut self, model: i64, tokens: &TokenCounts) -> &mut WhatIfRow {
        let count = self.scenarios.len();
        let row = self.models.entry(model).or_insert_with(|| WhatIfRow {
            effects: vec![Effect::default(); count],
            ..WhatIfRow::default()
        });
        row.tokens.add(tokens);
        row
    }

    fn done(mut self, conn: &Connection, is_current: bool) -> Result<WhatIf> {
        let mut all = WhatIf {
            effects: vec![Effect::default(); self.scenarios.len()],
            is_current,
            covered: self.covered,
            ..WhatIf::default()
        };
        for (model, mut row) in self.models {
            row.model = self.names.string(conn, model)?;
            if let Some(before) = row.before {
                add_money(&mut all.before, before.attos);
            }
            for (sum, effect) in all.effects.iter_mut().zip(&row.effects) {
                sum.add_all(effect);
            }
            all.rows.push(row);
        }
        let weight = |row: &WhatIfRow| (row.before.map(|it| it.attos), row.tokens.total());
        all.rows.sort_by(|a, b| weight(b).cmp(&weight(a)).then_with(|| a.model.cmp(&b.model)));
        Ok(all)
    }
}

const ATTOS_PER_PICO: i128 = 1_000_000;

/// What decides the price of a slot.
pub(super) fn alike_of<'a>(
    key: &SlotKey,
    slot: &SlotSums,
    provider: Option<&'a str>,
    model: Option<&'a str>,
) -> Alike<'a> {
    Alike {
        provider,
        model,
        at: slot::start_of(key.quarter),
        speed: key.class.speed,
        above: u64::try_from(key.class.above).unwrap_or(0),
        tokens: token_counts(&slot.tokens),
        web_searches: codes::to_u64(slot.web_searches),
    }
}

fn add_money(sum: &mut Option<Money>, attos: i128) {
    let sum = sum.get_or_insert(Money::zero(Currency::USD));
    sum.attos = sum.attos.saturating_add(attos);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{
        AGENT, MINI, PROVIDER, ledger_in, look, metered, reading, record, usage, usd,
    };
    use super::*;
    use crate::ledger::GroupKey;
    use crate::pricing::what_if::Change;
    use crate::spend::{Funding, Reading, Usage};

    const NOON: &str = "2026-11-24T12:00:00Z";

    fn days() -> (NaiveDate, NaiveDate) {
        ("2026-11-01".parse().unwrap(), "2026-11-30".parse().unwrap())
    }

    fn asked(ledger: &Ledger, scenarios: &[Scenario]) -> WhatIf {
        let prices = PriceTable::builtin();
        let filter = Filter::everything();
        ledger.what_if(days(), Zone::UTC, &filter, &prices, scenarios).unwrap()
    }

    #[test]
    fn what_a_provider_reports_beyond_the_logs_is_in_it() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let events = vec![usage("a", "2026-11-24T10:00:00Z", MINI, 2_000_000, 0)];
        record(&mut ledger, &look(&AGENT, NOON), &reading(events));
        let reported = Reading {
            metered: vec![metered("2026-11-24", MINI, 6_000_000, 0)],
            ..Reading::default()
        };
        record(&mut ledger, &look(&PROVIDER, NOON), &reported);
        let batch = Scenario::new(vec![Change::Batch]);
        let answer = asked(&ledger, &[batch]);
        // 2 million in the logs and 4 million more in the report, at $0.25, and half of that.
        assert_eq!(answer.before, Some(usd("1.5")));
        assert_eq!(answer.effects[0].after, usd("0.75"));
        assert!(answer.is_current);
        let other = PriceTable::builtin().with_undated(&[
            "provider = \"own\"\nmodel = \"mine\"\ninput = \"1\"".parse().unwrap(),
        ]);
        assert!(!ledger.is_priced_with(&other.unwrap()).unwrap());
    }

    #[test]
    fn what_has_a_price_only_then_is_told_apart() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let mut stated = usage("b", "2026-11-24T10:00:00Z", "stated-1", 100, 0);
        stated.stated_cost = Some(usd("0.2"));
        let events = vec![
            usage("a", "2026-11-24T10:00:00Z", "mystery-9", 3_000_000, 0),
            stated,
            usage("c", "2026-11-24T10:00:00Z", MINI, 1_000_000, 0),
        ];
        record(&mut ledger, &look(&AGENT, NOON), &reading(events));
        let row = "provider = \"own\"\nmodel = \"mystery-9\"\ninput = \"1\"";
        let file = PriceTable::builtin().with_undated(&[row.parse().unwrap()]).unwrap();
        let double = Change::Scale("2x".parse().unwrap());
        let scenarios = [Change::Prices(std::sync::Arc::new(file)), double];
        let scenarios = scenarios.map(|change| Scenario::new(vec![change]));
        let answer = asked(&ledger, &scenarios);
        assert_eq!(answer.before, Some(usd("0.45")));
        // 3 million at $1 had no price before: in no sum.
        assert_eq!(answer.effects[0].new, Some((3_000_000, usd("3"))));
        assert_eq!(answer.effects[0].after, usd("0.45"));
        // The agent's own figure stays as it is but for a factor.
        assert_eq!(answer.effects[0].unmet_tokens, 100);
        assert_eq!(answer.effects[1].after, usd("0.9"));
        assert_eq!(answer.effects[1].unmet_tokens, 0);
        let mystery = answer.rows.iter().find(|row| row.model.as_deref() == Some("mystery-9"));
        let mystery = mystery.unwrap();
        assert_eq!((mystery.before, mystery.unpriced_tokens), (None, 3_000_000));
    }

    fn event() -> impl Strategy<Value = Usage> {
        let models =
            ["claude-opus-4-8", "claude-sonnet-4-5-20250929", MINI, "gpt-5.5", "mystery-9"];
        let speed = prop_oneof![Just(Speed::Standard), Just(Speed::Fast), Just(Speed::Batch)];
        let count = || 0..400_000_u64;
        (
            0..1_000_000_u32,
            prop::sample::select(models.to_vec()),
            speed,
            (count(), count(), count(), count()),
            prop::option::of(1..500_u32),
            0..3_u32,
            0..40_000_u32,
        )
            .prop_map(|(id, model, speed, tokens, stated, web_searches, minute)| {
                let at = format!("2026-11-{:02}T{:02}:00:00Z", 1 + minute % 27, minute % 24);
                let mut event = usage(&id.to_string(), &at, model, tokens.0, tokens.1);
                event.funding = if id % 3 == 0 { Funding::Subscription } else { Funding::Unknown };
                event.tokens.cache_read = tokens.2;
                event.tokens.cache_write_5m = tokens.3;
                event.stated_cost = stated.map(|cents| usd(&format!("0.{cents:03}")));
                Usage { speed, web_searches, ..event }
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Whatever was used: without a change it is the report's list price, twice the prices are
        /// twice that, fast mode off never raises, and rows add up to the whole.
        #[test]
        fn it_agrees_with_the_report(events in prop::collection::vec(event(), 1..40)) {
            let home = tempfile::tempdir().unwrap();
            let mut ledger = ledger_in(home.path());
            record(&mut ledger, &look(&AGENT, NOON), &reading(events));
            let changes = [Change::NoFast, Change::Batch, Change::NoCache];
            let mut scenarios = vec![
                Scenario::default(),
                Scenario::new(vec![Change::Scale("2x".parse().unwrap())]),
            ];
            scenarios.extend(changes.map(|change| Scenario::new(vec![change])));
            let answer = asked(&ledger, &scenarios);
            let report = ledger.report(days().0, days().1, Zone::UTC, &[GroupKey::Model]).unwrap();
            prop_assert_eq!(answer.before, report.totals.list);
            prop_assert_eq!(answer.covered, report.totals.covered);
            let before = answer.before.map_or(0, |before| before.attos);
            prop_assert_eq!(answer.effects[0].after.attos, before);
            prop_assert_eq!(answer.effects[1].after.attos, before * 2);
            prop_assert!(answer.effects[2].after.attos <= before);
            for (place, whole) in answer.effects.iter().enumerate() {
                let mut sum = Effect::default();
                answer.rows.iter().for_each(|row| sum.add_all(&row.effects[place]));
                prop_assert_eq!(sum, *whole);
            }
            for row in &answer.rows {
                let told = report.rows.iter().find(|told| told.model == row.model).unwrap();
                prop_assert_eq!((row.before, row.tokens), (told.sums.list, told.sums.tokens));
                prop_assert_eq!(row.unpriced_tokens, told.sums.unpriced_tokens);
            }
        }
    }
}
