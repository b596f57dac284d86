//! What `reconcile` prints.

use super::*;
use crate::board::reconcile::LineBill;
use crate::spend::{Amounts, Currency};

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).expect(text)
}

fn line(
    day: u32,
    model: Option<&str>,
    (list, billed): (&str, Option<&str>),
    state: LineState,
    reason: Option<Reason>,
) -> Line {
    let bill = |text: &str| {
        let mut amounts = Amounts::default();
        amounts.add(usd(text));
        LineBill { usd: usd(text), amounts, without_rate: None, is_final: day < 23 }
    };
    let list = usd(list);
    Line {
        day: chrono::NaiveDate::from_ymd_opt(2026, 11, day).expect("day"),
        model: model.map(str::to_owned),
        by_model: model.is_some(),
        list,
        tokens: if list.attos > 0 { 1_000 } else { 0 },
        unpriced_tokens: 0,
        elsewhere: usd("0"),
        reported_tokens: None,
        covered: usd("0"),
        provider_list: None,
        bill: billed.map(bill),
        state,
        reason: reason.clone(),
        rest_reason: reason,
    }
}

fn month() -> Reconciliation {
    use LineState::{Differs, Matched, OnlyInBill, OnlyInLogs};
    let discount = || Some(Reason::Discount { permille: 150 });
    let long = "claude-opus-4-5-with-a-long-name";
    let by_model = vec![
        line(1, Some("gpt-5.5"), ("10", Some("8.5")), Differs, discount()),
        line(2, Some("gpt-5.5"), ("15088.81", Some("12825.4885")), Differs, discount()),
        line(3, Some(long), ("4", Some("4")), Matched, None),
        line(4, Some(long), ("0", Some("7")), OnlyInBill, Some(Reason::OtherMachineOrKey)),
        line(24, Some("gpt-5.5"), ("5.2", Some("4.1")), Differs, Some(Reason::Lag)),
    ];
    let by_day = (1..=12).map(|day| {
        let list = format!("{day}");
        line(day, None, (&list, Some("0")), OnlyInLogs, Some(Reason::KeyNotSeen))
    });
    let account = |name: &str, last: Option<u32>, lines| AccountLines {
        account: name.into(),
        last_bill_day: last.and_then(|day| chrono::NaiveDate::from_ymd_opt(2026, 11, day)),
        lines,
    };
    Reconciliation {
        first_day: "2026-11-01".parse().expect("day"),
        last_day: "2026-11-30".parse().expect("day"),
        accounts: vec![
            account("anthropic", Some(24), by_model),
            account("openai", Some(24), by_day.collect()),
            account(
                "google",
                None,
                vec![line(
                    3,
                    Some("gemini-3-pro"),
                    ("2.5", None),
                    OnlyInLogs,
                    Some(Reason::NoBill),
                )],
            ),
        ],
        notes: vec!["Days are UTC days, as bills come, and not those of the zone.".into()],
    }
}

fn shown(columns: usize, all: bool) -> String {
    let mut out = Vec::new();
    text(&mut out, &month(), all, &Style { color: false, width: columns }).expect("a vector");
    String::from_utf8(out).expect("text")
}

#[test]
fn the_month_at_80_columns() {
    let text = shown(80, false);
    insta::assert_snapshot!(text, @"
    November 2026, UTC days

    anthropic
    Days and models: 1 match, 3 differ, 1 only in the bill.
    Likely: -$2,264.82 discount of 15 % (2), +$7.00 another machine or key (1),
    -$1.10 open day, the bill lags (1).
    Effective discount 15 %, over 3 final days that both sides tell.
      Day     Model         ≈ Logs $   Billed $  Difference  Likely
      Month                15,108.01  12,849.09   -2,258.92
      01 Nov  gpt-5.5          10.00       8.50       -1.50  discount of 15 %
      02 Nov  gpt-5.5      15,088.81  12,825.49   -2,263.32  discount of 15 %
      04 Nov  claude-opu…          –       7.00       +7.00  another machine or key
      24 Nov  gpt-5.5           5.20       4.10       -1.10  open day, the bill lags

    openai
    Days: 12 only in the logs.
    Likely: -$78.00 key not in this bill (12).
      Day     ≈ Logs $  Billed $  Difference  Likely
      Month      78.00      0.00      -78.00
      03 Nov      3.00      0.00       -3.00  key not in this bill
      04 Nov      4.00      0.00       -4.00  key not in this bill
      05 Nov      5.00      0.00       -5.00  key not in this bill
      06 Nov      6.00      0.00       -6.00  key not in this bill
      07 Nov      7.00      0.00       -7.00  key not in this bill
      08 Nov      8.00      0.00       -8.00  key not in this bill
      09 Nov      9.00      0.00       -9.00  key not in this bill
      10 Nov     10.00      0.00      -10.00  key not in this bill
      11 Nov     11.00      0.00      -11.00  key not in this bill
      12 Nov     12.00      0.00      -12.00  key not in this bill
      2 smaller differences are left out; `--all` shows every line.

    Without a bill, at list price
      google  ≈ $2.50

    Days are UTC days, as bills come, and not those of the zone.
    ");
    for columns in [80, 120] {
        for line in shown(columns, true).lines() {
            assert!(super::super::style::width(line) <= columns, "{line}");
        }
    }
}

#[test]
fn every_line_where_all_are_asked_for() {
    let text = shown(usize::MAX, true);
    assert!(text.contains("claude-opus-4-5-with-a-long-name"), "{text}");
    // 5 of one account and 12 of the other, each with its month, under one heading.
    assert_eq!(text.lines().filter(|line| line.contains(" Nov ")).count(), 17);
    assert_eq!(text.lines().filter(|line| line.starts_with("  Month")).count(), 2);
}

#[test]
fn the_document() {
    let mut out = Vec::new();
    let mut short = month();
    short.accounts.truncate(1);
    short.accounts[0].lines.truncate(1);
    json(&mut out, &short).expect("a vector");
    insta::assert_snapshot!(String::from_utf8(out).expect("text"), @r#"
    {
      "schema": "spendbar.reconcile.v1",
      "zone": "UTC",
      "month": "2026-11",
      "first_day": "2026-11-01",
      "last_day": "2026-11-30",
      "accounts": [
        {
          "account": "anthropic",
          "list_usd": "10",
          "elsewhere_usd": "0",
          "covered_usd": "0",
          "billed_usd": "8.5",
          "billed_other": [],
          "difference_usd": "-1.5",
          "effective_discount_permille": 150,
          "effective_discount_days": 1,
          "last_bill_day": "2026-11-24",
          "matched": 0,
          "differs": 1,
          "only_in_logs": 0,
          "only_in_bill": 0,
          "reasons": [
            {
              "reason": "discount",
              "confidence": "likely",
              "words": "likely discount of 15 %",
              "lines": 1,
              "difference_usd": "-1.5"
            }
          ],
          "lines": [
            {
              "day": "2026-11-01",
              "by": "model",
              "model": "gpt-5.5",
              "state": "differs",
              "list_usd": "10",
              "tokens": 1000,
              "unpriced_tokens": 0,
              "elsewhere_usd": "0",
              "reported_tokens": null,
              "covered_usd": "0",
              "billed_usd": "8.5",
              "bill_is_final": true,
              "difference_usd": "-1.5",
              "reason": "discount",
              "confidence": "likely",
              "discount_permille": 150,
              "words": "likely discount of 15 %"
            }
          ]
        }
      ],
      "notes": [
        "Days are UTC days, as bills come, and not those of the zone."
      ]
    }
    "#);
}

#[test]
fn a_month_without_anything_says_so() {
    let mut out = Vec::new();
    let empty = Reconciliation { accounts: Vec::new(), ..month() };
    text(&mut out, &empty, false, &Style::plain()).expect("a vector");
    assert_eq!(
        String::from_utf8(out).expect("text"),
        "November 2026, UTC days\nNo usage and no bill in this month.\n"
    );
}
