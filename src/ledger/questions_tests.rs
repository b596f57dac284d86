//! Spend, sources, models and reports, with amounts worked out by hand.

use super::testing::*;
use super::*;
use crate::pricing::PriceTable;
use crate::spend::{Charge, ChargeKind, Filter, Funding, Period, Reading, SourceInfo, Span, Zone};

const NOON: &str = "2026-11-24T12:00:00Z";

fn day_span(date: &str, zone: Zone) -> Span {
    let first = day(date);
    Span::of_days(first, first.succ_opt().unwrap(), zone)
}

fn bill(dates: (&str, &str), charges: Vec<Charge>) -> Reading {
    Reading { charges, charges_cover: Some(days(dates.0, dates.1)), ..Reading::default() }
}

/// One dollar at list price for each million input tokens of `HAIKU`.
fn dollars(id: &str, time: &str, amount: u64) -> crate::spend::Usage {
    usage(id, time, HAIKU, amount * 1_000_000, 0)
}

#[test]
fn an_empty_ledger_knows_nothing() {
    let home = tempfile::tempdir().unwrap();
    let ledger = ledger_in(home.path());
    let spend =
        ledger.spend(&day_span("2026-11-24", Zone::UTC), Zone::UTC, &Filter::everything()).unwrap();
    assert_eq!(spend, Spend::default());
    assert_eq!(spend.billed, None);
    assert_eq!(ledger.first_usage_day(Zone::UTC).unwrap(), None);
    let report = ledger.report(day("2026-11-01"), day("2026-11-30"), Zone::UTC, &[]).unwrap();
    assert_eq!(report, Report::default());
}

#[test]
fn logs_and_bill_of_one_account_never_add() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    record(
        &mut ledger,
        &look(&AGENT, NOON),
        &reading(vec![
            dollars("a", "2026-11-20T10:00:00Z", 9),
            dollars("b", "2026-11-23T10:00:00Z", 9),
            dollars("c", "2026-11-24T10:00:00Z", 9),
        ]),
    );
    // The 20th is final, the 23rd ended 12 hours ago, the 24th runs.
    let charges =
        vec![charge("2026-11-20", "5"), charge("2026-11-23", "20"), charge("2026-11-24", "1.5")];
    record(&mut ledger, &look(&PROVIDER, NOON), &bill(("2026-11-18", "2026-11-24"), charges));
    for (date, spent, estimated, billed) in [
        ("2026-11-17", "0", false, None),
        ("2026-11-19", "0", false, Some("0")),
        ("2026-11-20", "5", false, Some("5")),
        ("2026-11-23", "20", false, Some("20")),
        ("2026-11-24", "9", true, Some("1.5")),
    ] {
        let spend =
            ledger.spend(&day_span(date, Zone::UTC), Zone::UTC, &Filter::everything()).unwrap();
        assert_eq!(spend.spend, usd(spent), "{date}");
        assert_eq!(spend.estimated, estimated, "{date}");
        assert_eq!(spend.billed, billed.map(usd), "{date}");
    }
    let month = Period::Month.holding(at(NOON), Zone::UTC);
    let spend = ledger.spend(&month, Zone::UTC, &Filter::everything()).unwrap();
    // 5 + 20 + 9; list 3 * 9; billed 5 + 20 + 1.5.
    assert_eq!(spend.spend, usd("34"));
    assert_eq!((spend.list, spend.billed), (usd("27"), Some(usd("26.5"))));
    // A scope takes just its sources: the logs alone, the bill alone.
    let logs = ledger.spend(&month, Zone::UTC, &Filter::of_sources(["an-agent"])).unwrap();
    assert_eq!((logs.spend, logs.billed, logs.estimated), (usd("27"), None, true));
    let bills = ledger.spend(&month, Zone::UTC, &Filter::of_sources(["openai-admin"])).unwrap();
    assert_eq!((bills.spend, bills.list), (usd("26.5"), usd("0")));
    let nobody = ledger.spend(&month, Zone::UTC, &Filter::of_sources(["nobody"])).unwrap();
    assert_eq!(nobody, Spend::default());
}

#[test]
fn an_open_bill_becomes_final_a_day_after_its_end() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let logs = reading(vec![dollars("a", "2026-11-22T10:00:00Z", 9)]);
    record(&mut ledger, &look(&AGENT, NOON), &logs);
    let charges = || bill(("2026-11-22", "2026-11-22"), vec![charge("2026-11-22", "5")]);
    let spent = |ledger: &Ledger| {
        ledger
            .spend(&day_span("2026-11-22", Zone::UTC), Zone::UTC, &Filter::everything())
            .unwrap()
            .spend
    };
    record(&mut ledger, &look(&PROVIDER, "2026-11-24T00:00:00Z"), &charges());
    assert_eq!(spent(&ledger), usd("9"));
    assert!(record(&mut ledger, &look(&PROVIDER, "2026-11-24T00:00:01Z"), &charges()));
    assert_eq!(spent(&ledger), usd("5"));
    // An older look that is recorded late does not open the day again.
    record(&mut ledger, &look(&PROVIDER, "2026-11-23T12:00:00Z"), &charges());
    assert_eq!(spent(&ledger), usd("5"));
}

#[test]
fn what_a_subscription_covers_counts_at_list_beside_any_bill() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let mut covered = dollars("a", "2026-11-20T10:00:00Z", 7);
    covered.funding = Funding::Subscription;
    let paid = dollars("b", "2026-11-20T11:00:00Z", 2);
    record(&mut ledger, &look(&AGENT, NOON), &reading(vec![covered, paid]));
    let charges = vec![charge("2026-11-20", "3")];
    record(&mut ledger, &look(&PROVIDER, NOON), &bill(("2026-11-20", "2026-11-20"), charges));
    let span = day_span("2026-11-20", Zone::UTC);
    let spend = ledger.spend(&span, Zone::UTC, &Filter::everything()).unwrap();
    assert_eq!((spend.spend, spend.covered, spend.estimated), (usd("10"), usd("7"), true));
    // The config's word holds for all of a source's history.
    let told = LookRecord { funding: Some(Funding::Subscription), ..look(&AGENT, NOON) };
    assert!(record(&mut ledger, &told, &Reading::default()));
    let spend = ledger.spend(&span, Zone::UTC, &Filter::everything()).unwrap();
    assert_eq!((spend.spend, spend.covered), (usd("12"), usd("9")));
    // So does the account: another one's bill says nothing about these logs.
    let elsewhere = LookRecord { account: "work", ..look(&AGENT, NOON) };
    assert!(record(&mut ledger, &elsewhere, &Reading::default()));
    let spend = ledger.spend(&span, Zone::UTC, &Filter::everything()).unwrap();
    // 7 covered, 2 at list price, 3 billed to somebody else.
    assert_eq!(spend.spend, usd("12"));
    assert_eq!(spend.covered, usd("7"));
}

#[test]
fn other_currencies_and_other_peoples_charges_stand_aside() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let mut euros = charge("2026-11-20", "8");
    euros.amount.currency = "EUR".parse().unwrap();
    let mut own_key = charge("2026-11-20", "4");
    own_key.kind = ChargeKind::Estimated;
    let charges = vec![euros.clone(), own_key, charge("2026-11-20", "1")];
    record(&mut ledger, &look(&PROVIDER, NOON), &bill(("2026-11-20", "2026-11-20"), charges));
    let spend =
        ledger.spend(&day_span("2026-11-20", Zone::UTC), Zone::UTC, &Filter::everything()).unwrap();
    assert_eq!((spend.spend, spend.billed), (usd("1"), Some(usd("1"))));
    assert_eq!(spend.billed_other, [euros.amount]);
    assert_eq!(spend.charged_elsewhere.usd(), usd("4"));
}

#[test]
fn a_providers_usage_report_counts_only_beyond_the_logs() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let logs = reading(vec![usage("a", "2026-11-24T10:00:00Z", MINI, 3_000_000, 500_000)]);
    record(&mut ledger, &look(&AGENT, NOON), &logs);
    let reported = Reading {
        metered: vec![
            metered("2026-11-24", "gpt-5-mini-2025-08-07", 4_000_000, 400_000),
            metered("2026-11-24", HAIKU, 2_000_000, 0),
        ],
        metered_cover: Some(days("2026-11-24", "2026-11-24")),
        ..Reading::default()
    };
    record(&mut ledger, &look(&PROVIDER, NOON), &reported);
    let span = day_span("2026-11-24", Zone::UTC);
    let spend = ledger.spend(&span, Zone::UTC, &Filter::everything()).unwrap();
    // Logs: 3 M at $0.25 + 0.5 M at $2 = 1.75; beyond them 1 M at $0.25 and 2 M at $1 = 2.25.
    assert_eq!((spend.list, spend.spend), (usd("4"), usd("4")));
    assert_eq!(spend.tokens, tokens(6_000_000, 500_000));
    assert_eq!(spend.requests, 2);
    // Alone it counts in full: 1 + 0.8 + 2.
    let alone = ledger.spend(&span, Zone::UTC, &Filter::of_sources(["openai-admin"])).unwrap();
    assert_eq!(alone.list, usd("3.8"));
    let own = ledger.source_spend(&span, Zone::UTC).unwrap();
    let lists: Vec<_> = own.iter().map(|row| (row.source.as_str(), row.list)).collect();
    assert_eq!(lists, [("an-agent", Some(usd("1.75"))), ("openai-admin", Some(usd("3.8")))]);
    // Another account's report says nothing about these logs.
    let elsewhere = LookRecord { account: "work", ..look(&AGENT, NOON) };
    record(&mut ledger, &elsewhere, &Reading::default());
    assert_eq!(ledger.spend(&span, Zone::UTC, &Filter::everything()).unwrap().list, usd("5.55"));
}

#[test]
fn a_days_total_is_not_one_long_request() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    // claude-haiku-5-5 costs five times as much once a single prompt exceeds 100,000 tokens.
    let reported = Reading {
        metered: vec![metered("2026-11-24", "claude-haiku-5-5", 900_000_000, 0)],
        ..Reading::default()
    };
    record(&mut ledger, &look(&PROVIDER, NOON), &reported);
    let spend =
        ledger.spend(&day_span("2026-11-24", Zone::UTC), Zone::UTC, &Filter::everything()).unwrap();
    // 900 M at $0.10.
    assert_eq!(spend.list, usd("90"));
}

#[test]
fn a_famous_month_does_not_overflow() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    // Each $900,000, all in one quarter of an hour: 64 bits of picos end at $9,200,000.
    let events = (0..9)
        .map(|n| dollars(&n.to_string(), "2026-11-24T10:00:00.5Z", 900_000))
        .flat_map(|event| {
            (0..10_u8).map(move |part| {
                let mut one = event.clone();
                one.key.0[14] ^= part;
                one
            })
        })
        .collect::<Vec<_>>();
    record(&mut ledger, &look(&AGENT, NOON), &reading(events));
    let spend =
        ledger.spend(&day_span("2026-11-24", Zone::UTC), Zone::UTC, &Filter::everything()).unwrap();
    // 90 events of 900,000 million tokens at $1 per million.
    assert_eq!(spend.requests, 90);
    assert_eq!(spend.list, usd("81000000"));
}

#[test]
fn days_with_a_clock_change_hold_their_own_hours() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let berlin = Zone::named("Europe/Berlin");
    // One dollar in every hour from 24 October 00:30 to 27 October 00:30 UTC.
    let start = at("2026-10-24T00:30:00Z");
    let hourly = |n: i64| {
        let mut event = dollars(&n.to_string(), NOON, 1);
        event.at = start + chrono::TimeDelta::hours(n);
        event
    };
    record(&mut ledger, &look(&AGENT, NOON), &reading((0..72).map(hourly).collect()));
    let spent =
        |date| ledger.spend(&day_span(date, berlin), berlin, &Filter::everything()).unwrap().spend;
    // The clock goes back on the 25th, which has 25 hours; of the 24th 22 came after 00:30 UTC.
    assert_eq!(spent("2026-10-24"), usd("22"));
    assert_eq!(spent("2026-10-25"), usd("25"));
    assert_eq!(spent("2026-10-26"), usd("24"));
    let by_day =
        ledger.report(day("2026-10-24"), day("2026-10-26"), berlin, &[GroupKey::Day]).unwrap();
    let lists: Vec<_> = by_day.rows.iter().map(|row| row.sums.list.unwrap()).collect();
    assert_eq!(lists, [usd("22"), usd("25"), usd("24")]);
    // Kathmandu's midnight is at 18:15 UTC: 18:30 is tomorrow's.
    let kathmandu = Zone::named("Asia/Kathmandu");
    let spent = |date| {
        ledger.spend(&day_span(date, kathmandu), kathmandu, &Filter::everything()).unwrap().spend
    };
    assert_eq!(spent("2026-10-24"), usd("18"));
    assert_eq!(ledger.first_usage_day(kathmandu).unwrap(), Some(day("2026-10-24")));
}

#[test]
fn totals_are_the_same_for_every_grouping() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let mut elsewhere = usage("c", "2026-11-23T23:59:59Z", "unheard-of", 7, 1);
    elsewhere.project = None;
    elsewhere.session = Some("session-2".into());
    record(
        &mut ledger,
        &look(&AGENT, NOON),
        &reading(vec![
            dollars("a", "2026-11-23T10:00:00Z", 2),
            usage("b", "2026-11-24T10:00:00Z", MINI, 4_000_000, 0),
            elsewhere,
        ]),
    );
    let mut for_model = charge("2026-11-23", "2.5");
    for_model.model = Some(MINI.into());
    let mut reported = bill(("2026-11-22", "2026-11-24"), vec![for_model]);
    reported.metered = vec![metered("2026-11-24", MINI, 5_000_000, 0)];
    record(&mut ledger, &look(&PROVIDER, NOON), &reported);

    let all = [
        GroupKey::Day,
        GroupKey::Source,
        GroupKey::Provider,
        GroupKey::Model,
        GroupKey::Project,
        GroupKey::Session,
    ];
    let report = |by: &[GroupKey]| {
        ledger.report(day("2026-11-20"), day("2026-11-24"), Zone::UTC, by).unwrap()
    };
    let whole = report(&[]);
    // $2 + 4 M at $0.25 + 1 M more in the provider's report.
    assert_eq!(whole.totals.list, Some(usd("3.25")));
    assert_eq!(whole.totals.billed.usd(), usd("2.5"));
    assert_eq!(whole.totals.unpriced_tokens, 8);
    assert_eq!(whole.unpriced_models, [(Some("unheard-of".to_owned()), 8)]);
    assert_eq!((whole.rows.len(), &whole.rows[0].sums), (1, &whole.totals));
    for mask in 0..64_u32 {
        let by: Vec<_> = all
            .iter()
            .enumerate()
            .filter(|(n, _)| mask & (1 << n) != 0)
            .map(|(_, key)| *key)
            .collect();
        let grouped = report(&by);
        assert_eq!(grouped.totals, whole.totals, "{by:?}");
        assert_eq!(grouped.rows.iter().map(|row| row.sums.requests).sum::<u64>(), 3, "{by:?}");
    }
    let by_day = report(&[GroupKey::Day]);
    let days: Vec<_> = by_day
        .rows
        .iter()
        .map(|row| {
            (
                row.day.unwrap().to_string(),
                row.sums.list,
                row.sums.billed.get(crate::spend::Currency::USD),
            )
        })
        .collect();
    // The 22nd is known and empty: no row. The 24th is known and cost nothing yet.
    assert_eq!(
        days,
        [
            ("2026-11-23".to_owned(), Some(usd("2")), Some(usd("2.5"))),
            ("2026-11-24".to_owned(), Some(usd("1.25")), Some(usd("0"))),
        ]
    );
    let rows = report(&[GroupKey::Source, GroupKey::Model]).rows;
    let keys: Vec<_> = rows
        .iter()
        .map(|row| (row.source.as_deref().unwrap(), row.model.as_deref().unwrap(), row.sums.list))
        .collect();
    assert_eq!(
        keys,
        [
            ("an-agent", HAIKU, Some(usd("2"))),
            ("an-agent", MINI, Some(usd("1"))),
            ("an-agent", "unheard-of", None),
            ("openai-admin", MINI, Some(usd("0.25"))),
        ]
    );
    let span = day_span("2026-11-23", Zone::UTC);
    let models = ledger.top_models(&span, Zone::UTC, 3).unwrap();
    let names: Vec<_> =
        models.iter().map(|row| (row.model.as_deref().unwrap(), row.list)).collect();
    assert_eq!(names, [(HAIKU, Some(usd("2"))), ("unheard-of", None)]);
}

#[test]
fn what_an_agent_states_is_the_price_only_where_no_list_has_one() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let stating = |id: &str, model: &str, cost: &str| {
        let mut event = usage(id, "2026-11-24T10:00:00Z", model, 1_000_000, 0);
        event.stated_cost = Some(usd(cost));
        event
    };
    let mut euros = stating("e", "unheard-of", "7");
    euros.stated_cost = Some(crate::spend::Money { currency: "EUR".parse().unwrap(), ..usd("7") });
    record(
        &mut ledger,
        &look(&AGENT, NOON),
        &reading(vec![
            stating("a", HAIKU, "1.1"),
            dollars("b", "2026-11-24T10:00:00Z", 4),
            stating("c", "unheard-of", "0.0123456789012"),
            stating("d", "unheard-of", "0"),
            euros,
        ]),
    );
    let span = day_span("2026-11-24", Zone::UTC);
    let spend = ledger.spend(&span, Zone::UTC, &Filter::everything()).unwrap();
    // $1 + $4 by the list, one request by its own word; a zero and euros are no price in dollars.
    assert_eq!((spend.list, spend.spend), (usd("5.012345678901"), usd("5.012345678901")));
    assert_eq!((spend.stated, spend.stated_requests), (usd("0.012345678901"), 1));
    assert_eq!(spend.agents_say, Some(usd("1.1")));
    assert_eq!(spend.unpriced_tokens, 2_000_000);
    let own = ledger.source_spend(&span, Zone::UTC).unwrap().remove(0);
    assert_eq!((own.stated, own.agents_say), (usd("0.012345678901"), Some(usd("1.1"))));
    assert_eq!(own.unpriced_models, [(Some("unheard-of".to_owned()), 2_000_000)]);
    // Hours are read in another way where nothing is left out; both tell the same.
    for filter in [Filter::everything(), Filter::of_sources(["an-agent"])] {
        let hours = ledger.hourly(&span, &filter).unwrap();
        assert_eq!(hours, [(at("2026-11-24T10:00:00Z"), 5_012_345_678_901)], "{filter:?}");
    }
    let report = ledger.report(day("2026-11-24"), day("2026-11-24"), Zone::UTC, &[GroupKey::Model]);
    let rows = report.unwrap().rows;
    let stated: Vec<_> = rows.iter().map(|row| (row.sums.stated, row.sums.agents_say)).collect();
    let unheard_of = Some(usd("0.012345678901"));
    assert_eq!(stated, [(None, Some(usd("1.1"))), (unheard_of, None)]);
}

#[test]
fn an_agent_of_several_providers_meets_the_bill_of_each() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let of = |id: &str, hint: Option<&str>, model: &str, amount: u64| {
        let mut event = usage(id, "2026-11-20T10:00:00Z", model, amount * 1_000_000, 0);
        event.provider = hint.map(Into::into);
        event
    };
    let usages = vec![
        // $8 by the hint, $2 by the list that has the model: both OpenAI's.
        of("a", Some("openai"), MINI, 32),
        of("b", None, MINI, 8),
        // $3 Anthropic's.
        of("c", Some("anthropic"), HAIKU, 3),
    ];
    let by_provider = LookRecord { account: crate::spend::BY_PROVIDER, ..look(&AGENT, NOON) };
    record(&mut ledger, &by_provider, &reading(usages));
    let charges = vec![charge("2026-11-20", "6")];
    let mut billed = bill(("2026-11-20", "2026-11-20"), charges);
    billed.metered = vec![metered("2026-11-20", MINI, 42_000_000, 0)];
    record(&mut ledger, &look(&PROVIDER, NOON), &billed);
    let span = day_span("2026-11-20", Zone::UTC);
    let spend = ledger.spend(&span, Zone::UTC, &Filter::everything()).unwrap();
    // OpenAI's final bill of $6 stands for its $10; Anthropic's $3 are an estimate. The report of
    // 42 M tokens tells 2 M more than the logs.
    assert_eq!((spend.spend, spend.billed), (usd("9"), Some(usd("6"))));
    assert_eq!((spend.list, spend.estimated), (usd("13.5"), true));
    // The config's word wins: one account, which no bill is about.
    record(&mut ledger, &LookRecord { account: "mine", ..look(&AGENT, NOON) }, &Reading::default());
    let spend = ledger.spend(&span, Zone::UTC, &Filter::everything()).unwrap();
    // $13 in the logs beside the bill of $6.
    assert_eq!(spend.spend, usd("19"));
}

#[test]
fn two_bills_of_one_account_are_the_same_dollars_in_every_sum() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let other = SourceInfo { id: "openai-export", ..PROVIDER };
    let other: &'static SourceInfo = Box::leak(Box::new(other));
    let span = ("2026-11-19", "2026-11-20");
    let first = vec![charge("2026-11-19", "6"), charge("2026-11-20", "2")];
    record(&mut ledger, &look(&PROVIDER, NOON), &bill(span, first));
    let second = vec![charge("2026-11-19", "5"), charge("2026-11-20", "3")];
    record(&mut ledger, &look(other, NOON), &bill(span, second));
    let report =
        |by: &[GroupKey]| ledger.report(day(span.0), day(span.1), Zone::UTC, by).expect("answers");
    let billed = |report: &Report| -> Vec<_> {
        report.rows.iter().map(|row| row.sums.billed.usd()).collect()
    };
    // The higher of each day: $6 and $3.
    let days = report(&[GroupKey::Day]);
    assert_eq!(billed(&days), [usd("6"), usd("3")]);
    assert_eq!(days.totals.billed.usd(), usd("9"));
    assert_eq!(days.billed_twice, ["openai".to_owned()].into());
    // By source each shows its own; the sum stays.
    let sources = report(&[GroupKey::Source]);
    assert_eq!(billed(&sources), [usd("8"), usd("8")]);
    assert_eq!(sources.totals.billed.usd(), usd("9"));
    let span = Span::of_days(day(span.0), day("2026-11-21"), Zone::UTC);
    let spend = ledger.spend(&span, Zone::UTC, &Filter::everything()).unwrap();
    assert_eq!((spend.spend, spend.billed), (usd("9"), Some(usd("9"))));
}

#[test]
fn days_that_are_kept_answer_like_the_slots() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let kathmandu = Zone::named("Asia/Kathmandu");
    let hourly = |n: i64| {
        let mut event = dollars(&n.to_string(), NOON, 1);
        event.at += chrono::TimeDelta::minutes(47 * n);
        event.model = Some([HAIKU, MINI, "unheard-of"][n as usize % 3].into());
        event
    };
    let answers = |ledger: &Ledger| {
        let days = |zone| {
            let by = [GroupKey::Day, GroupKey::Model];
            ledger.report(day("2026-11-23"), day("2026-11-27"), zone, &by).unwrap()
        };
        let spend = ledger
            .spend(&day_span("2026-11-25", kathmandu), kathmandu, &Filter::everything())
            .unwrap();
        (days(kathmandu), days(Zone::UTC), days(Zone::named("Europe/Berlin")), spend)
    };
    let days_kept = |ledger: &Ledger| -> i64 {
        ledger
            .conn
            .query_row("SELECT count(DISTINCT calendar) FROM day", [], |row| row.get(0))
            .unwrap()
    };
    record(&mut ledger, &look(&AGENT, NOON), &reading((0..60).map(hourly).collect()));
    let from_slots = answers(&ledger);
    ledger.keep_days_of(kathmandu).unwrap();
    assert_eq!((answers(&ledger), days_kept(&ledger)), (from_slots, 2));
    record(&mut ledger, &look(&AGENT, NOON), &reading((60..90).map(hourly).collect()));
    let kept = answers(&ledger);
    ledger.keep_days_of(Zone::UTC).unwrap();
    assert_eq!((answers(&ledger), days_kept(&ledger)), (kept, 1));
}

#[test]
fn the_sum_of_many_requests_never_pays_for_a_long_prompt() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    // GPT-5.5 asks twice the input price of prompts above 272,000 tokens: $10 instead of $5 a
    // million. A running total that grew by 400,000 tokens says nothing of any prompt.
    let event = |id: &str, is_sum| crate::spend::Usage {
        is_sum,
        ..usage(id, "2026-11-24T10:00:00Z", "gpt-5.5", 400_000, 0)
    };
    record(&mut ledger, &look(&AGENT, NOON), &reading(vec![event("one", false)]));
    let list = |ledger: &Ledger| {
        ledger
            .spend(&day_span("2026-11-24", Zone::UTC), Zone::UTC, &Filter::everything())
            .unwrap()
            .list
    };
    // 0.4 * $10.
    assert_eq!(list(&ledger), usd("4"));
    record(&mut ledger, &look(&AGENT, NOON), &reading(vec![event("sum", true)]));
    // And 0.4 * $5, before and after everything is priced anew.
    assert_eq!(list(&ledger), usd("6"));
    let row = "provider = \"x\"\nmodel = \"y\"\ninput = \"1\"\noutput = \"1\"";
    let other = PriceTable::builtin().with_overrides(&[row.parse().unwrap()]).unwrap();
    assert!(ledger.reprice(&other).unwrap());
    assert_eq!(list(&ledger), usd("6"));
}

#[test]
fn a_cost_without_tokens_counts_as_the_agents_own_figure() {
    let home = tempfile::tempdir().unwrap();
    let mut ledger = ledger_in(home.path());
    let stated = crate::spend::Usage {
        stated_cost: Some(usd("0.25")),
        ..usage("cost", "2026-11-24T10:00:00Z", HAIKU, 0, 0)
    };
    // One dollar of tokens of the same model beside it.
    let tokens = dollars("tokens", "2026-11-24T10:00:00Z", 1);
    record(&mut ledger, &look(&AGENT, NOON), &reading(vec![stated, tokens]));
    let spend =
        ledger.spend(&day_span("2026-11-24", Zone::UTC), Zone::UTC, &Filter::everything()).unwrap();
    assert_eq!((spend.list, spend.stated, spend.unpriced_tokens), (usd("1.25"), usd("0.25"), 0));
}
