//! Which side counts, account by account and day by day: for exports, whose rows have to add up to
//! what every other face shows.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::gather;
use super::names::Names;
use super::scope::Scope;
use super::{Ledger, LedgerError};
use crate::spend::{Filter, Span, Zone};

/// For each account and day with a bill, whose bill it is and whether it counts. Where there is none
/// the list price counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdicts(BTreeMap<(String, NaiveDate), (String, bool)>);

impl Verdicts {
    /// Whether what `source` bills an account for a day is that account's bill. Two sources that
    /// bill one account tell of the same dollars, and one of them is the bill.
    pub fn is_the_bill(&self, account: &str, day: NaiveDate, source: &str) -> bool {
        self.of(account, day).is_some_and(|(teller, _)| teller == source)
    }

    /// Whether the bill counts for an account and a day, and not the list price.
    pub fn bill_counts(&self, account: &str, day: NaiveDate) -> bool {
        self.of(account, day).is_some_and(|(_, counts)| *counts)
    }

    fn of(&self, account: &str, day: NaiveDate) -> Option<&(String, bool)> {
        self.0.get(&(account.to_owned(), day))
    }
}

impl Ledger {
    /// Which side counts on the days `first_day` to `last_day`, both inclusive.
    ///
    /// # Errors
    /// The ledger can't be read.
    pub fn verdicts(
        &self,
        first_day: NaiveDate,
        last_day: NaiveDate,
        zone: Zone,
    ) -> Result<Verdicts, LedgerError> {
        let end_day = last_day.succ_opt().unwrap_or(NaiveDate::MAX);
        let span = Span::of_days(first_day, end_day.max(first_day), zone);
        self.ask(|conn| {
            let mut names = Names::default();
            let scope = Scope::new(conn, &span, zone, &Filter::everything(), &self.plans)?;
            let parts = gather::gather(conn, &mut names, &scope, &self.rates)?;
            let mut verdicts = BTreeMap::new();
            for ((account, day), (source, counts)) in parts.verdicts(&self.rates) {
                let teller = names.string(conn, source)?.unwrap_or_default();
                verdicts.insert((account.to_string(), day), (teller, counts));
            }
            Ok(Verdicts(verdicts))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{
        AGENT, HAIKU, MINI, OTHER_AGENT, PROVIDER, charge, days, ledger_in, look, metered, reading,
        record, usage,
    };
    use super::*;
    use crate::board::export;
    use crate::spend::{Charge, Funding, Metered, Money, Reading, Usage};

    type Used = (bool, u8, u8, u8, u32, bool);

    fn used(number: usize, (is_mini, kind, day, hour, tokens, covered): Used) -> Usage {
        let time = format!("2026-11-{day}T{hour:02}:20:00Z");
        let model = match (kind, is_mini) {
            (0, _) => "nobody-has-a-price",
            (_, true) => MINI,
            (_, false) => HAIKU,
        };
        let mut usage = usage(&number.to_string(), &time, model, u64::from(tokens), 3);
        usage.project = Some(if kind == 1 { "/work/a" } else { "/work/b" }.into());
        if covered {
            usage.funding = Funding::Subscription;
        }
        usage
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        /// Whatever is known, the rows of an export come to the spend of every other face, to the
        /// last digit, with folders and without them, in any zone.
        #[test]
        fn what_counts_of_all_rows_is_the_spend(
            used_rows in prop::collection::vec(
                (any::<bool>(), 0_u8..4, 18_u8..24, 0_u8..24, 0_u32..90_000_000, any::<bool>()), 0..14),
            others in prop::collection::vec(
                (any::<bool>(), 0_u8..4, 18_u8..24, 0_u8..24, 0_u32..90_000_000, any::<bool>()), 0..6),
            bills in prop::collection::vec((18_u8..24, 0_u64..99_000_000_000), 0..6),
            reports in prop::collection::vec((18_u8..24, any::<bool>(), 0_u32..90_000_000), 0..5),
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Pacific/Kiritimati"]),
        ) {
            const NOW: &str = "2026-11-24T09:00:00Z";
            let home = tempfile::tempdir().unwrap();
            let mut ledger = ledger_in(home.path());
            let own = used_rows.into_iter().enumerate().map(|(number, row)| used(number, row));
            record(&mut ledger, &look(&AGENT, NOW), &reading(own.collect()));
            let own = others.into_iter().enumerate().map(|(number, row)| used(100 + number, row));
            record(&mut ledger, &look(&OTHER_AGENT, NOW), &reading(own.collect()));
            let charges: Vec<Charge> = bills
                .iter()
                .map(|(day, nanos)| {
                    let amount = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
                    charge(&format!("2026-11-{day}"), &amount)
                })
                .collect();
            let told: Vec<Metered> = reports
                .iter()
                .map(|(day, mini, tokens)| {
                    let model = if *mini { MINI } else { HAIKU };
                    metered(&format!("2026-11-{day}"), model, u64::from(*tokens), 1)
                })
                .collect();
            let span = days("2026-11-18", "2026-11-24");
            let bill = Reading {
                charges_cover: (!charges.is_empty()).then_some(span),
                metered_cover: (!told.is_empty()).then_some(span),
                charges,
                metered: told,
                ..Reading::default()
            };
            record(&mut ledger, &look(&PROVIDER, NOW), &bill);

            let zone = Zone::named(zone);
            let (first, last) = (span.first, span.last);
            let all = Span::of_days(first, last.succ_opt().unwrap(), zone);
            let spend = ledger.spend(&all, zone, &Filter::everything()).unwrap();
            for tells_projects in [false, true] {
                let export = export::export(&ledger, (first, last), zone, tells_projects).unwrap();
                prop_assert_eq!(export.counted.sum(), spend.spend);
                prop_assert_eq!(export.counted.is_estimated(), spend.estimated);
                prop_assert_eq!(export.counted.covered, spend.covered);
                let sum = |part: &dyn Fn(&export::ExportRow) -> Option<Money>| {
                    export.rows.iter().filter_map(part).map(|money| money.attos).sum::<i128>()
                };
                prop_assert_eq!(sum(&|row| row.sums.list), spend.list.attos);
                prop_assert_eq!(sum(&|row| Some(row.counted.sum())), spend.spend.attos);
                let billed = sum(&|row| Some(row.bill().usd()));
                prop_assert_eq!(billed, spend.billed.map_or(0, |billed| billed.attos));
                let unpriced: u64 = export.rows.iter().map(|row| row.sums.unpriced_tokens).sum();
                prop_assert_eq!(unpriced, spend.unpriced_tokens);
            }
        }
    }
}
