//! That lining up loses and repeats nothing.

use proptest::prelude::*;

use super::super::Ledger;
use super::super::testing::*;
use super::{LineState, Reason};
use crate::spend::{
    Amounts, Charge, Currency, Funding, Money, Rate, Rates, Reading, Span, Usage, Zone,
};

const NOW: &str = "2026-11-24T12:00:00Z";

fn month(ledger: &Ledger) -> super::Reconciled {
    ledger.reconcile(day("2026-11-01"), day("2026-11-30")).unwrap()
}

/// One dollar at list price for each million input tokens of `HAIKU`.
fn dollars(id: &str, date: &str, amount: u64) -> Usage {
    usage(id, &format!("{date}T10:00:00Z"), HAIKU, amount * 1_000_000, 0)
}

fn billed(charges: Vec<Charge>) -> Reading {
    let cover = Some(days("2026-11-01", "2026-11-24"));
    Reading { charges, charges_cover: cover, ..Reading::default() }
}

#[test]
fn models_are_lined_up_where_the_bill_tells_them_and_days_where_not() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let mini = usage("b", "2026-11-10T11:00:00Z", MINI, 4_000_000, 0);
    let logs = reading(vec![dollars("a", "2026-11-10", 9), mini, dollars("c", "2026-11-11", 2)]);
    record(&mut ledger, &look(&AGENT, NOW), &logs);
    record(&mut ledger, &look(&PROVIDER, NOW), &billed(vec![charge("2026-11-10", "10")]));
    let lines = |ledger: &Ledger| -> Vec<_> {
        let all = month(ledger);
        assert_eq!(all.accounts.len(), 1);
        let lines = all.accounts[0].lines.iter();
        lines
            .map(|line| {
                let bill = line.bill.as_ref().map(|bill| bill.usd);
                (line.day, line.model.clone(), line.list, bill, line.state)
            })
            .collect()
    };
    // 9 and 4 times $0.25 on the tenth, 2 on the eleventh.
    assert_eq!(
        lines(&ledger),
        [
            (day("2026-11-10"), None, usd("10"), Some(usd("10")), LineState::Matched),
            (day("2026-11-11"), None, usd("2"), Some(usd("0")), LineState::OnlyInLogs),
        ]
    );
    // The same bill with models, which are spelled with the date of their release.
    let of = |date: &str, amount: &str, model: Option<&str>| Charge {
        model: model.map(str::to_owned),
        ..charge(date, amount)
    };
    let charges = vec![
        of("2026-11-10", "9", Some("claude-haiku-4-5-20251001")),
        of("2026-11-10", "1", Some("GPT-5-mini")),
        of("2026-11-10", "0.5", None),
    ];
    record(&mut ledger, &look(&PROVIDER, NOW), &billed(charges));
    let haiku = || Some("claude-haiku-4-5".to_owned());
    assert_eq!(
        lines(&ledger),
        [
            (day("2026-11-10"), None, usd("0"), Some(usd("0.5")), LineState::OnlyInBill),
            (day("2026-11-10"), haiku(), usd("9"), Some(usd("9")), LineState::Matched),
            (
                day("2026-11-10"),
                Some("gpt-5-mini".into()),
                usd("1"),
                Some(usd("1")),
                LineState::Matched
            ),
            (day("2026-11-11"), haiku(), usd("2"), Some(usd("0")), LineState::OnlyInLogs),
        ]
    );
}

#[test]
fn neither_slots_nor_events_are_read() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    ledger.keep_days_of(Zone::named("Europe/Berlin")).unwrap();
    record(&mut ledger, &look(&AGENT, NOW), &reading(vec![dollars("a", "2026-11-10", 9)]));
    record(&mut ledger, &look(&PROVIDER, NOW), &billed(vec![charge("2026-11-10", "7")]));
    let ask = |ledger: &Ledger| {
        let (first, last) = (day("2026-11-01"), day("2026-11-30"));
        (month(ledger), ledger.differences(first, last, Zone::named("Europe/Berlin")).unwrap())
    };
    let known = ask(&ledger);
    assert_eq!((known.0.accounts.len(), known.1.len()), (1, 1));
    ledger.conn.execute_batch("DELETE FROM slot; DELETE FROM usage").unwrap();
    assert_eq!(ask(&ledger), known);
}

#[test]
fn the_usage_report_tells_which_machine() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    record(&mut ledger, &look(&AGENT, NOW), &reading(vec![dollars("a", "2026-11-10", 5)]));
    let report = Reading {
        metered: vec![metered("2026-11-10", HAIKU, 8_000_000, 0)],
        metered_cover: Some(days("2026-11-01", "2026-11-24")),
        ..billed(vec![charge("2026-11-10", "8")])
    };
    record(&mut ledger, &look(&PROVIDER, NOW), &report);
    let account = &month(&ledger).accounts[0];
    let line = &account.lines[0];
    assert_eq!(
        (line.list, line.elsewhere, line.reported_tokens),
        (usd("5"), usd("3"), Some(8_000_000))
    );
    assert_eq!(line.reason, Some(Reason::OtherMachine));
    // 8 of 5 + 3.
    assert_eq!(account.effective_discount(), Some((0, 1)));
}

#[test]
fn a_bill_in_another_currency_counts_at_its_rate_or_is_named() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    record(&mut ledger, &look(&AGENT, NOW), &reading(vec![dollars("a", "2026-11-10", 5)]));
    let euro: Currency = "EUR".parse().unwrap();
    let amount = Money::parse("4", euro).unwrap();
    let charges = vec![Charge { amount, ..charge("2026-11-10", "0") }];
    record(&mut ledger, &look(&PROVIDER, NOW), &billed(charges));
    let line = |ledger: &Ledger| month(ledger).accounts[0].lines[0].clone();
    assert_eq!(line(&ledger).reason, Some(Reason::NoRate { currency: euro }));
    assert!(month(&ledger).converted.is_empty());
    // 4 at 1.25.
    let rate = Rate { nanos_usd: 1_250_000_000, date: day("2026-11-02") };
    ledger.reckon_with(Rates([(euro, rate)].into()), Default::default());
    assert_eq!(line(&ledger).state, LineState::Matched);
    assert_eq!(line(&ledger).bill.unwrap().usd, usd("5"));
    assert_eq!(month(&ledger).converted[0].rate, rate);
}

#[test]
fn a_difference_is_of_the_days_that_the_bill_tells() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let logs = vec![
        dollars("a", "2026-10-30", 50),
        dollars("b", "2026-11-10", 4),
        dollars("c", "2026-11-24", 6),
    ];
    record(&mut ledger, &look(&AGENT, NOW), &reading(logs));
    let charges = vec![charge("2026-11-10", "4"), charge("2026-11-24", "1")];
    record(&mut ledger, &look(&PROVIDER, NOW), &billed(charges));
    let zone = Zone::named("Europe/Berlin");
    ledger.keep_days_of(zone).unwrap();
    let ask = |ledger: &Ledger, first, last| {
        let found = ledger.differences(day(first), day(last), zone).unwrap();
        found.into_iter().map(|it| (it.billed, it.list, it.reason)).collect::<Vec<_>>()
    };
    // Today 1 of 6, which lags; the tenth agrees; no bill reaches October.
    let lag = Some(Reason::Lag);
    assert_eq!(ask(&ledger, "2026-11-24", "2026-11-24"), [(usd("1"), usd("6"), lag.clone())]);
    assert_eq!(ask(&ledger, "2026-11-10", "2026-11-10"), []);
    assert_eq!(ask(&ledger, "2026-10-25", "2026-11-24"), [(usd("5"), usd("10"), lag)]);
    // At midnight in Berlin the sums are those of the local days, as in `spend`: 23:30 UTC of
    // the ninth is the tenth there.
    let late = usage("d", "2026-11-09T23:30:00Z", HAIKU, 2_000_000, 0);
    record(&mut ledger, &look(&AGENT, NOW), &reading(vec![late]));
    let local = ask(&ledger, "2026-11-10", "2026-11-10");
    assert_eq!((local[0].0, local[0].1), (usd("4"), usd("6")));
    // Another zone's days would have to be summed from every slot: UTC days stand in.
    let elsewhere =
        ledger.differences(day("2026-11-10"), day("2026-11-10"), Zone::named("Asia/Tokyo"));
    assert_eq!(elsewhere.unwrap(), []);
    // An empty bill of an open day is no news; that of a final day is.
    record(&mut ledger, &look(&PROVIDER, NOW), &billed(vec![]));
    let ask = |date| ledger.differences(day(date), day(date), Zone::UTC).unwrap();
    assert_eq!(ask("2026-11-24"), []);
    assert_eq!(ask("2026-11-10")[0].reason, Some(Reason::KeyNotSeen));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Nothing is dropped and nothing comes twice: the lines add up to what `spend` and
    /// `report` say of the same days.
    #[test]
    fn lines_add_up_to_the_report(
        logs in prop::collection::vec((0_u32..6, 0_usize..3, 0_u64..5, any::<bool>(), any::<bool>()), 0..25),
        charges in prop::collection::vec((0_u32..6, 0_usize..4, -200_i64..2000, any::<bool>()), 0..25),
        reports in prop::collection::vec((0_u32..6, 0_usize..3, 0_u64..9), 0..8),
        reaches in 0_u32..6,
    ) {
        const MODELS: [&str; 3] = [HAIKU, "gpt-5-mini-2025-08-07", "nobody-knows-this"];
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let euro: Currency = "EUR".parse().unwrap();
        let rate = Rate { nanos_usd: 1_160_000_000, date: day("2026-11-02") };
        ledger.reckon_with(Rates([(euro, rate)].into()), Default::default());
        let date = |offset: u32| format!("2026-11-{}", 18 + offset);
        let mut usages = [Vec::new(), Vec::new()];
        for (index, (offset, model, amount, other, covered)) in logs.into_iter().enumerate() {
            let at = format!("{}T10:00:00Z", date(offset));
            let mut usage = usage(&index.to_string(), &at, MODELS[model], amount * 1_000_000, 7);
            if covered {
                usage.funding = Funding::Subscription;
            }
            usages[usize::from(other)].push(usage);
        }
        let [own, others] = usages;
        record(&mut ledger, &look(&AGENT, NOW), &reading(own));
        record(&mut ledger, &look(&OTHER_AGENT, NOW), &reading(others));
        let charges = charges.into_iter().map(|(offset, model, cents, in_euros)| Charge {
            model: MODELS.get(model).map(|model| (*model).to_owned()),
            amount: Money {
                currency: if in_euros { euro } else { Currency::USD },
                ..Money::parse_cents(&cents.to_string(), euro).unwrap()
            },
            ..charge(&date(offset), "0")
        });
        let reading = Reading {
            charges: charges.collect(),
            charges_cover: Some(days(&date(0), &date(reaches))),
            metered: reports
                .into_iter()
                .map(|(offset, model, amount)| metered(&date(offset), MODELS[model], amount * 1_000_000, 9))
                .collect(),
            metered_cover: Some(days(&date(0), &date(reaches))),
            ..Reading::default()
        };
        record(&mut ledger, &look(&PROVIDER, NOW), &reading);

        let lined_up = month(&ledger);
        let nothing = usd("0");
        let (mut list, mut covered, mut amounts) = (nothing, nothing, Amounts::default());
        for account in &lined_up.accounts {
            for line in &account.lines {
                list.attos += line.list.attos + line.elsewhere.attos + line.covered.attos;
                covered.attos += line.covered.attos;
                if let Some(bill) = &line.bill {
                    bill.amounts.iter().for_each(|amount| amounts.add(amount));
                }
            }
            let mut keys: Vec<_> =
                account.lines.iter().map(|line| (line.day, line.model.clone())).collect();
            let count = keys.len();
            keys.dedup();
            prop_assert_eq!(keys.len(), count);
        }
        let end = day("2026-12-01");
        let span = Span::of_days(day("2026-11-01"), end, Zone::UTC);
        let spend = ledger.spend(&span, Zone::UTC, &crate::spend::Filter::everything()).unwrap();
        prop_assert_eq!((list, covered), (spend.list, spend.covered));
        prop_assert_eq!(amounts.usd(), spend.billed.unwrap_or(nothing));
        let report =
            ledger.report(day("2026-11-01"), day("2026-11-30"), Zone::UTC, &[]).unwrap();
        prop_assert_eq!(list, report.totals.list.unwrap_or(nothing));
        for currency in [Currency::USD, euro] {
            let told = |sums: &Amounts| sums.get(currency).map_or(0, |sum| sum.attos);
            prop_assert_eq!(told(&amounts), told(&report.totals.billed));
        }
    }
}
