//! Every rule for a reason, on figures worked out by hand.

use chrono::NaiveDate;

use super::super::testing::{day, usd};
use super::lines::{AccountLines, Line, LineBill, LineState};
use super::reason::{Confidence, Reason, Tier};
use super::reasons::Trend;
use crate::spend::{Amounts, Currency, Money};

/// A final day without anything on it.
fn on(date: &str) -> Line {
    Line {
        day: day(date),
        model: None,
        by_model: false,
        list: usd("0"),
        tokens: 0,
        unpriced_tokens: 0,
        elsewhere: usd("0"),
        reported_tokens: None,
        covered: usd("0"),
        provider_list: None,
        bill: Some(bill("0")),
        state: LineState::Matched,
        reason: None,
        rest_reason: None,
    }
}

fn bill(amount: &str) -> LineBill {
    let mut amounts = Amounts::default();
    amounts.add(usd(amount));
    LineBill { usd: usd(amount), amounts, without_rate: None, is_final: true }
}

/// A final day: 1,000 tokens in the logs for each dollar of list price.
fn both(date: &str, list: &str, billed: &str) -> Line {
    let list = usd(list);
    let tokens = u64::try_from(list.rounded(3)).expect("an amount");
    Line { list, tokens, bill: Some(bill(billed)), ..on(date) }
}

fn open(line: Line) -> Line {
    let bill = line.bill.map(|bill| LineBill { is_final: false, ..bill });
    Line { bill, ..line }
}

fn of(model: &str, line: Line) -> Line {
    Line { model: Some(model.into()), by_model: true, ..line }
}

fn judged(lines: Vec<Line>) -> AccountLines {
    let last = lines.iter().filter(|line| line.bill.is_some()).map(|line| line.day).max();
    super::reasons::judged(AccountLines { account: "openai".into(), last_bill_day: last, lines })
}

/// State and reason of the last line.
#[track_caller]
fn check(lines: Vec<Line>, state: LineState, reason: Option<Reason>) {
    let all = judged(lines);
    let line = all.lines.last().expect("a line");
    assert_eq!((line.state, line.reason.clone()), (state, reason), "{line:#?}");
}

fn differs(lines: Vec<Line>, reason: Reason) {
    check(lines, LineState::Differs, Some(reason));
}

#[test]
fn half_a_cent_and_half_a_percent_are_rounding() {
    let matched =
        |list, billed| check(vec![both("2026-11-01", list, billed)], LineState::Matched, None);
    // 0.5 % of 10.00 is 0.05.
    matched("10", "10.05");
    matched("10", "9.95");
    // Half a cent of a dime.
    matched("0.10", "0.105");
    // Logs of a tenth of a cent round to nothing on a bill.
    matched("0.001", "0");
    check(vec![both("2026-11-01", "10", "9.94")], LineState::Differs, Some(Reason::Unclear));
}

#[test]
fn a_bill_that_is_lower_on_an_open_day_lags() {
    differs(vec![open(both("2026-11-24", "5.20", "4.10"))], Reason::Lag);
    check(vec![open(both("2026-11-24", "5.20", "0"))], LineState::OnlyInLogs, Some(Reason::Lag));
    // Lag does not make it higher.
    differs(vec![open(both("2026-11-24", "4.10", "5.20"))], Reason::OtherMachineOrKey);
    // A day after the last one that the bill tells.
    let later = Line { bill: None, ..both("2026-11-24", "3", "0") };
    check(vec![both("2026-11-23", "1", "1"), later], LineState::OnlyInLogs, Some(Reason::Lag));
}

#[test]
fn days_without_a_bill_say_so() {
    let without = |date| Line { bill: None, ..both(date, "3", "0") };
    check(vec![without("2026-11-02")], LineState::OnlyInLogs, Some(Reason::NoBill));
    let all = judged(vec![without("2026-11-02"), both("2026-11-03", "1", "1")]);
    assert_eq!(all.lines[0].reason, Some(Reason::DayNotBilled));
    // What is not billed is part of the difference, where there is a bill at all.
    assert_eq!(all.difference(), Some(usd("-3")));
    assert_eq!(judged(vec![without("2026-11-02")]).difference(), None);
}

#[test]
fn more_tokens_in_the_usage_report_are_another_machine() {
    // $5 in the logs, $5 in the report alone, $10 billed.
    let line = || Line {
        elsewhere: usd("5"),
        reported_tokens: Some(10_000),
        ..both("2026-11-01", "5", "10")
    };
    differs(vec![line()], Reason::OtherMachine);
    // Together they explain the bill: nothing is left.
    assert_eq!(judged(vec![line()]).lines[0].rest_reason, None);
    assert_eq!(judged(vec![line()]).difference_since(day("2026-11-01")), None);
    // Only the report and the bill know the use.
    let elsewhere = Line { list: usd("0"), tokens: 0, ..line() };
    check(vec![elsewhere], LineState::OnlyInBill, Some(Reason::OtherMachine));
    // On an open day the bill may lag behind what the report tells.
    let lagging = open(Line { bill: Some(bill("8")), ..line() });
    let all = judged(vec![lagging]);
    assert_eq!(all.lines[0].reason, Some(Reason::OtherMachine));
    // 8 billed of 5 + 5.
    let difference = all.difference_since(day("2026-11-01")).expect("a difference");
    assert_eq!((difference.amount(), difference.permille()), (usd("-2"), -200));
    assert_eq!(difference.reason, Some(Reason::Lag));
}

#[test]
fn without_a_report_a_higher_bill_may_be_a_machine_or_a_key() {
    differs(vec![both("2026-11-01", "5", "7")], Reason::OtherMachineOrKey);
    let only = Line { list: usd("0"), tokens: 0, ..both("2026-11-01", "0", "7") };
    check(vec![only.clone()], LineState::OnlyInBill, Some(Reason::OtherMachineOrKey));
    // The tokens agree: it is neither.
    let agreeing = Line { reported_tokens: Some(5_000), ..both("2026-11-01", "5", "7") };
    differs(vec![agreeing], Reason::Unclear);
    // A charge beside the models, and money back.
    let fee = Line { by_model: true, ..only };
    check(vec![fee], LineState::OnlyInBill, Some(Reason::NotByModel));
    let credit = Line { bill: Some(bill("-2")), ..on("2026-11-01") };
    check(vec![credit], LineState::OnlyInBill, Some(Reason::Credit));
}

#[test]
fn the_same_share_on_three_days_is_a_discount() {
    // 85 % of 10, of 20 and of 4.
    let three = || {
        vec![
            both("2026-11-01", "10", "8.5"),
            both("2026-11-02", "20", "17"),
            both("2026-11-03", "4", "3.4"),
        ]
    };
    differs(three(), Reason::Discount { permille: 150 });
    // 28.90 of 34 is 85 %.
    assert_eq!(judged(three()).effective_discount(), Some((150, 3)));
    // Two days make no rule.
    differs(three()[..2].to_vec(), Reason::Unclear);
    // 5 % on top, three times.
    let surcharge = ["2026-11-01", "2026-11-02", "2026-11-03"].map(|date| both(date, "2", "2.1"));
    differs(surcharge.to_vec(), Reason::Surcharge { permille: 50 });
    assert_eq!(judged(surcharge.to_vec()).effective_discount(), Some((-50, 3)));
    // A share that is the list price but for rounding is neither: what is off is something else.
    let even = ["2026-11-01", "2026-11-02", "2026-11-03"].map(|date| both(date, "10", "10.02"));
    differs([&even[..], &[both("2026-11-04", "10", "10.1")]].concat(), Reason::OtherMachineOrKey);
    // A model of one day takes the account's share: 85 % in all, on each day.
    let mut models: Vec<Line> = three().into_iter().map(|line| of("gpt-5", line)).collect();
    models.push(of("gpt-5-mini", both("2026-11-03", "2", "1.7")));
    differs(models, Reason::Discount { permille: 150 });
}

#[test]
fn an_open_day_that_keeps_to_the_steady_share_has_the_discount_too() {
    let mut lines =
        ["2026-11-01", "2026-11-02", "2026-11-03"].map(|date| both(date, "10", "8.5")).to_vec();
    lines.push(open(both("2026-11-04", "20", "17")));
    differs(lines.clone(), Reason::Discount { permille: 150 });
    let difference = judged(lines.clone()).difference_since(day("2026-11-04")).expect("one");
    assert_eq!((difference.billed, difference.list), (usd("17"), usd("20")));
    assert_eq!(difference.reason, Some(Reason::Discount { permille: 150 }));
    // What is lower than that lags.
    lines.push(open(both("2026-11-05", "20", "9")));
    differs(lines.clone(), Reason::Lag);
    // Three times -1.50 and -3; and -11 that lags.
    let all = judged(lines);
    let (discount, lag) = (Reason::Discount { permille: 150 }, Reason::Lag);
    assert_eq!(all.reasons(), [(&lag, 1, usd("-11")), (&discount, 4, usd("-7.5"))]);
}

#[test]
fn what_the_provider_lists_tells_a_discount_at_once() {
    // The provider says $10 as well, and bills $7 of it.
    let line = |listed| Line { provider_list: Some(usd(listed)), ..both("2026-11-01", "10", "7") };
    differs(vec![line("10")], Reason::Discount { permille: 300 });
    // It says $12: then it is not, or not only, a discount.
    differs(vec![line("12")], Reason::Unclear);
}

#[test]
fn a_documented_multiple_is_a_tier() {
    // Half needs no second day.
    differs(vec![both("2026-11-01", "10", "5")], Reason::Tier(Tier::Batch));
    // 49.1 % is within two percent of a half, 48.9 % is not.
    differs(vec![both("2026-11-01", "10", "4.91")], Reason::Tier(Tier::Batch));
    differs(vec![both("2026-11-01", "10", "4.89")], Reason::Unclear);
    // Above the list price the tokens have to agree, or the share has to be steady.
    let agreeing =
        |billed| Line { reported_tokens: Some(10_000), ..both("2026-11-01", "10", billed) };
    differs(vec![agreeing("11")], Reason::Tier(Tier::Residency));
    differs(vec![agreeing("20")], Reason::Tier(Tier::Fast));
    differs(vec![agreeing("60")], Reason::Tier(Tier::Fast));
    differs(vec![both("2026-11-01", "10", "20")], Reason::OtherMachineOrKey);
    let steady = ["2026-11-01", "2026-11-02", "2026-11-03"].map(|date| both(date, "4", "10"));
    differs(steady.to_vec(), Reason::Tier(Tier::Fast));
}

#[test]
fn a_share_that_changes_and_stays_is_a_price_change() {
    let days = ["01", "02", "03", "04", "05", "06"].map(|date| format!("2026-11-{date}"));
    let series = |billed: [&str; 6]| -> Vec<Line> {
        days.iter().zip(billed).map(|(date, billed)| both(date, "10", billed)).collect()
    };
    let since = day("2026-11-04");
    let change = Some(Reason::PriceChange { since });
    let reasons = |lines| judged(lines).lines.into_iter().map(|it| it.reason).collect::<Vec<_>>();
    // The list price first, 80 % of it from the fourth on.
    assert_eq!(
        reasons(series(["10", "10", "10", "8", "8", "8"])),
        [None, None, None, change.clone(), change.clone(), change.clone()]
    );
    // The other way round: the price here is the newer one.
    assert_eq!(
        reasons(series(["12", "12", "12", "10", "10", "10"])),
        [change.clone(), change.clone(), change.clone(), None, None, None]
    );
    // A discount of 10 % that became one of 30 %.
    let tenth = Some(Reason::Discount { permille: 100 });
    assert_eq!(
        reasons(series(["9", "9", "9", "7", "7", "7"])),
        [tenth.clone(), tenth.clone(), tenth, change.clone(), change.clone(), change]
    );
    // To and fro is none.
    differs(series(["10", "8", "10", "8", "10", "8"]), Reason::Unclear);
}

#[test]
fn what_no_final_bill_shows_has_another_key() {
    let logged = |date, list| both(date, list, "0");
    check(
        vec![logged("2026-11-01", "3"), logged("2026-11-02", "4")],
        LineState::OnlyInLogs,
        Some(Reason::KeyNotSeen),
    );
    // The model is on another day's bill: not the key.
    check(
        vec![both("2026-11-01", "3", "3"), logged("2026-11-02", "4")],
        LineState::OnlyInLogs,
        Some(Reason::Unclear),
    );
    // Another model is: it still may be the key.
    check(
        vec![of("gpt-5", both("2026-11-01", "3", "3")), of("gpt-5.5", logged("2026-11-02", "4"))],
        LineState::OnlyInLogs,
        Some(Reason::KeyNotSeen),
    );
    // The usage report tells fewer tokens than the logs.
    let fewer = |billed| Line { reported_tokens: Some(1_000), ..both("2026-11-02", "4", billed) };
    check(
        vec![both("2026-11-01", "3", "3"), fewer("0")],
        LineState::OnlyInLogs,
        Some(Reason::KeyNotSeen),
    );
    differs(vec![fewer("1")], Reason::KeyNotSeen);
}

#[test]
fn another_spelling_of_a_model_is_named() {
    let lines = vec![
        of("claude-sonnet-4.5", Line { list: usd("0"), tokens: 0, ..both("2026-11-01", "0", "4") }),
        of("claude-sonnet-4-5", both("2026-11-01", "4", "0")),
    ];
    let name = "claude-sonnet-4.5".to_owned();
    check(lines, LineState::OnlyInLogs, Some(Reason::OtherName { name }));
}

#[test]
fn what_cannot_be_compared_says_why() {
    let unpriced = Line { unpriced_tokens: 700, ..both("2026-11-01", "1", "3") };
    differs(vec![unpriced], Reason::Unpriced);
    let currency: Currency = "EUR".parse().unwrap();
    let mut amounts = Amounts::default();
    amounts.add(Money::parse("3", currency).unwrap());
    let euros = LineBill { usd: usd("0"), amounts, without_rate: Some(currency), is_final: true };
    let line = Line { bill: Some(euros), ..both("2026-11-01", "3", "0") };
    assert_eq!(line.difference(), None);
    differs(vec![line], Reason::NoRate { currency });
}

#[test]
fn what_a_subscription_covers_is_not_compared() {
    let covered = Line { covered: usd("7"), ..on("2026-11-01") };
    check(vec![covered], LineState::Covered, None);
    let beside = Line { covered: usd("7"), ..both("2026-11-01", "2", "2") };
    check(vec![beside], LineState::Matched, None);
}

#[test]
fn the_effective_discount_is_of_the_same_use_on_final_days() {
    let all = judged(vec![
        both("2026-11-01", "10", "9"),
        both("2026-11-02", "10", "9"),
        both("2026-11-03", "10", "9"),
        // Another machine's, an open one, one without a bill, one without logs: none of them counts.
        both("2026-11-04", "10", "25"),
        open(both("2026-11-05", "10", "1")),
        Line { bill: None, ..both("2026-11-06", "10", "0") },
        Line { list: usd("0"), tokens: 0, ..both("2026-11-07", "0", "4") },
    ]);
    // 27 of 30.
    assert_eq!(all.effective_discount(), Some((100, 3)));
    assert_eq!((all.list(), all.billed()), (usd("60"), Some(usd("57"))));
    assert_eq!(all.difference(), Some(usd("-3")));
}

#[test]
fn reasons_say_how_sure_they_are() {
    assert_eq!(Reason::NoBill.confidence(), Confidence::Known);
    assert_eq!(Reason::Lag.confidence(), Confidence::Likely);
    assert_eq!(Reason::OtherMachineOrKey.confidence(), Confidence::Possible);
}

#[test]
fn a_trend_needs_three_days_on_each_side() {
    let points = |shares: &[i128]| -> Vec<(NaiveDate, i128)> {
        let days = day("2026-11-01").iter_days();
        days.zip(shares.iter().copied()).collect()
    };
    assert_eq!(Trend::of(&points(&[850, 860])), Trend::None);
    assert_eq!(Trend::of(&points(&[840, 860, 850])), Trend::Steady(850));
    assert_eq!(Trend::of(&points(&[840, 861, 850])), Trend::None);
    assert_eq!(Trend::of(&points(&[1000, 1000, 1000, 850, 850])), Trend::None);
    // One odd day among four, not two among five.
    assert_eq!(Trend::of(&points(&[850, 1700, 850, 855])), Trend::Steady(855));
    assert_eq!(Trend::of(&points(&[850, 1700, 850, 855, 300])), Trend::None);
    let since = day("2026-11-04");
    assert_eq!(
        Trend::of(&points(&[1000, 1000, 1000, 850, 850, 850])),
        Trend::Changed { since, before: 1000, after: 850 }
    );
}
