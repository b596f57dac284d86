//! `report`: where it went.

mod document;

use std::io::{self, Write};

use super::first_run::{self, Looked};
use super::style::{Cut, Style, clean, grouped, wrap};
use super::table::{Column, Table};
use crate::board::energy::Footprint;
use crate::board::report::{GroupBy, Report, ReportRow, Sums};
use crate::board::wording;
use crate::spend::{Currency, Money};

pub use document::{json, word};

/// Columns of a bar.
const BAR: std::ops::RangeInclusive<usize> = 8..=24;

/// Writes the table, its total, and under it what a reader must know. `looked` says where agents
/// were looked for; it is shown when nothing was ever found (`None`: something was).
///
/// # Errors
/// Those of the writer.
pub fn text(
    out: &mut dyn Write,
    report: &Report,
    looked: Option<&[Looked]>,
    style: &Style,
) -> io::Result<()> {
    let days = wording::days(report.first_day, report.last_day);
    let partial = if report.partial { " · partial, see below" } else { "" };
    writeln!(out, "{}", style.strong(&format!("{days}, {}{partial}", report.zone)))?;
    if report.rows.is_empty() {
        writeln!(out, "No usage and no bill in these days.")?;
        if let Some(looked) = looked {
            writeln!(out)?;
            first_run::text(out, looked, style)?;
        }
    } else {
        let wide = table(report, Detail::Kinds);
        let middle = table(report, Detail::Requests);
        let mut table = if wide.width() <= style.width {
            wide
        } else if middle.narrowest() <= style.width {
            middle
        } else {
            table(report, Detail::Tokens)
        };
        let room = style.width.saturating_sub(table.beside_bars());
        if style.color && BAR.contains(&room.min(*BAR.end())) {
            table.bars(bars(report, room.min(*BAR.end())));
        }
        table.write(out, style, 0)?;
    }
    if !report.differences.is_empty() {
        writeln!(out)?;
    }
    for difference in &report.differences {
        let row = clean(&wording::bills::difference(difference));
        writeln!(out, "{}", wrap(&row, style.width, 2))?;
    }
    let notes = notes(report);
    if !notes.is_empty() {
        writeln!(out)?;
        for note in notes {
            writeln!(out, "{}", style.quiet(&wrap(&note, style.width, 0)))?;
        }
    }
    Ok(())
}

fn column(group: &GroupBy) -> Column {
    match group {
        GroupBy::Day => Column::Word("Day"),
        GroupBy::Source => Column::Word("Source"),
        GroupBy::Account => Column::Name("Account", Cut::End),
        GroupBy::Provider => Column::Name("Provider", Cut::End),
        GroupBy::Model => Column::Name("Model", Cut::End),
        GroupBy::Project => Column::Name("Project", Cut::Start),
        GroupBy::Session => Column::Name("Session", Cut::End),
    }
}

fn cell(row: &ReportRow, group: &GroupBy) -> String {
    let name = match group {
        GroupBy::Day => return row.day.map_or(wording::UNKNOWN.into(), |day| day.to_string()),
        GroupBy::Source => &row.source,
        GroupBy::Account => &row.account,
        GroupBy::Provider => &row.provider,
        GroupBy::Model => &row.model,
        GroupBy::Project => &row.project,
        GroupBy::Session => &row.session,
    };
    name.clone().unwrap_or_else(|| wording::UNKNOWN.into())
}

/// How much a table tells, as far as the line is long enough.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Detail {
    /// Tokens in one figure; the notes name what is unpriced.
    Tokens,
    /// And requests and unpriced tokens.
    Requests,
    /// And tokens by kind.
    Kinds,
}

fn table(report: &Report, detail: Detail) -> Table {
    let some_unpriced =
        detail >= Detail::Requests && report.rows.iter().any(|row| row.sums.unpriced_tokens > 0);
    let mut columns: Vec<Column> = report.by.iter().map(column).collect();
    if detail >= Detail::Requests {
        columns.push(Column::Figure("Requests"));
    }
    if detail == Detail::Kinds {
        columns.extend(["Input", "Cache read", "Cache write", "Output"].map(Column::Figure));
    }
    columns.push(Column::Figure("Tokens"));
    if some_unpriced {
        columns.push(Column::Figure("Unpriced"));
    }
    columns.extend(["≈ List $", "Billed $"].map(Column::Figure));
    if report.energy.is_some() {
        columns.push(Column::Figure("≈ Electricity"));
    }
    if report.tells_paid {
        columns.push(Column::Figure("Paid $"));
    }

    let figures = |sums: &Sums, paid: Option<(Money, bool)>, energy: Option<&Footprint>| {
        let tokens = &sums.tokens;
        let mut cells = Vec::new();
        if detail >= Detail::Requests {
            cells.push(grouped(sums.requests));
        }
        if detail == Detail::Kinds {
            let written = tokens.cache_write_5m.saturating_add(tokens.cache_write_1h);
            cells.extend(
                [tokens.input, tokens.cache_read, written, tokens.output].map(wording::tokens),
            );
        }
        cells.push(wording::tokens(tokens.total()));
        if some_unpriced {
            cells.push(match sums.unpriced_tokens {
                0 => String::new(),
                unpriced => wording::tokens(unpriced),
            });
        }
        for amount in [sums.list, sums.billed.get(Currency::USD)] {
            cells.push(
                amount.map_or(wording::UNKNOWN.into(), |amount| wording::table_amount(&amount)),
            );
        }
        cells.extend(energy.map(|it| wording::energy::energy_range(&it.energy_nwh)));
        if report.tells_paid {
            cells.push(paid.map_or(wording::UNKNOWN.into(), |(amount, estimated)| {
                wording::estimate(estimated, wording::table_amount(&amount))
            }));
        }
        cells
    };
    let energy = |index: usize| report.energy.as_ref().and_then(|(rows, _)| rows.get(index));
    let mut table = Table::new(columns);
    for (index, row) in report.rows.iter().enumerate() {
        let mut cells: Vec<String> = report.by.iter().map(|group| cell(row, group)).collect();
        let paid = row.paid.map(|paid| (paid.usd, paid.estimated));
        cells.extend(figures(&row.sums, paid, energy(index)));
        table.row(cells);
    }
    let mut total = vec![String::new(); report.by.len()];
    if let Some(first) = total.first_mut() {
        *first = "Total".into();
    }
    let paid = report.paid.usd().map(|usd| (usd, report.paid.estimated));
    total.extend(figures(&report.totals, paid, report.energy.as_ref().map(|(_, total)| total)));
    table.total(total);
    table
}

/// How much of the dearest row each row is, by the larger of its list price and its bill.
fn bars(report: &Report, columns: usize) -> Vec<String> {
    let amount = |sums: &Sums| {
        let amounts = [sums.list, sums.billed.get(Currency::USD)];
        amounts.iter().flatten().map(|amount| amount.attos).max().unwrap_or(0).max(0)
    };
    let most = report.rows.iter().map(|row| amount(&row.sums)).max().unwrap_or(0);
    report.rows.iter().map(|row| bar(amount(&row.sums), most, columns)).collect()
}

/// A bar down to an eighth of a column; what is above zero is seen.
fn bar(part: i128, whole: i128, columns: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if part <= 0 || whole <= 0 {
        return String::new();
    }
    let most = columns as i128 * 8;
    let eighths = (part.saturating_mul(most) / whole).clamp(1, most) as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

fn notes(report: &Report) -> Vec<String> {
    let mut notes = report.notes.clone();
    if let Some((_, total)) = &report.energy {
        let total = wording::energy::footprint(total);
        notes.push(format!(
            "Estimate, no measurement: {total}. `spendbar energy` says how it is reckoned and from \
             what."
        ));
    }
    let others: Vec<String> = report
        .totals
        .billed
        .iter()
        .filter(|amount| amount.currency != Currency::USD)
        .map(|amount| wording::amount_full(&amount))
        .collect();
    if !others.is_empty() {
        notes
            .push(format!("Billed beside the dollars, in no figure above: {}.", others.join(", ")));
    }
    notes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spend::Zone;
    use crate::spend::{Amounts, TokenCounts};

    fn money(text: &str, currency: &str) -> Money {
        Money::parse(text, currency.parse().expect("code")).expect(text)
    }

    fn sums(requests: u64, scale: u64, list: Option<&str>, billed: &[(&str, &str)]) -> Sums {
        let tokens = TokenCounts {
            input: scale,
            cache_read: 20 * scale,
            cache_write_5m: 2 * scale,
            cache_write_1h: scale,
            output: 3 * scale,
            reasoning: 2 * scale,
        };
        let mut amounts = Amounts::default();
        billed.iter().for_each(|(amount, currency)| amounts.add(money(amount, currency)));
        Sums {
            requests,
            tokens,
            list: list.map(|list| money(list, "USD")),
            billed: amounts,
            unpriced_tokens: if list.is_none() { tokens.total() } else { 0 },
            ..Sums::default()
        }
    }

    fn report() -> Report {
        let row = |model: Option<&str>, project: Option<&str>, sums| ReportRow {
            day: "2026-11-24".parse().ok(),
            model: model.map(str::to_owned),
            project: project.map(str::to_owned),
            sums,
            ..ReportRow::default()
        };
        Report {
            zone: Zone::named("Europe/Berlin"),
            first_day: "2026-11-23".parse().expect("day"),
            last_day: "2026-11-24".parse().expect("day"),
            by: vec![GroupBy::Day, GroupBy::Model, GroupBy::Project],
            rows: vec![
                row(
                    Some("claude-sonnet-4-5-20250929"),
                    Some("/home/ada/東京/a-very-long-folder-name-that-goes-on/shop"),
                    sums(1204, 152_000, Some("1305088.8123456789"), &[]),
                ),
                row(Some("mystery-9"), Some("/home/ada/é\x1b[2Jß"), sums(3, 40, None, &[])),
                row(None, None, sums(0, 0, Some("0"), &[("94.005", "USD"), ("3", "EUR")])),
            ],
            totals: sums(
                1207,
                152_040,
                Some("1305088.8123456789"),
                &[("94.005", "USD"), ("3", "EUR")],
            ),
            energy: None,
            paid: Default::default(),
            tells_paid: false,
            plans: Vec::new(),
            people: Default::default(),
            differences: Vec::new(),
            partial: true,
            notes: vec!["Without a known price, in no amount: mystery-9 (1.1 k tokens).".into()],
        }
    }

    fn empty() -> Report {
        Report {
            rows: Vec::new(),
            totals: Sums::default(),
            notes: Vec::new(),
            partial: false,
            ..report()
        }
    }

    fn shown(report: &Report, columns: usize) -> String {
        let mut out = Vec::new();
        let looked = [Looked {
            name: "Claude Code".into(),
            places: vec!["/home/ada/.claude/projects".into()],
        }];
        let looked = report.rows.is_empty().then_some(&looked[..]);
        text(&mut out, report, looked, &Style { color: false, width: columns }).expect("a vector");
        String::from_utf8(out).expect("text")
    }

    fn document(report: &Report) -> String {
        let mut out = Vec::new();
        json(&mut out, report).expect("a vector");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn how_far_the_bill_is_from_the_list_price_stands_under_the_table() {
        let mut report = report();
        report.differences = vec![crate::board::Difference {
            account: "openai".into(),
            billed: money("4.1", "USD"),
            list: money("5.2", "USD"),
            reason: None,
        }];
        let text = shown(&report, 100);
        let row = "openai: bill $4.10 · list $5.20 · -$1.10 (-21 %)";
        assert!(text.lines().any(|line| line == row), "{text}");
        assert!(document(&report).contains(r#""difference_usd": "-1.1""#));
    }

    #[test]
    fn a_terminal_gets_a_bar_for_each_row() {
        let mut report = report();
        report.by = vec![GroupBy::Model];
        // An eighth of the dearest, something, nothing, and a bill.
        for (row, list) in report.rows.iter_mut().zip([Some("80"), Some("10"), None]) {
            row.sums.list = list.map(|list| money(list, "USD"));
        }
        let more = |list, billed: &[(&str, &str)]| ReportRow {
            model: Some("m".into()),
            sums: sums(1, 1, Some(list), billed),
            ..ReportRow::default()
        };
        report.rows.extend([more("0.0001", &[]), more("0", &[]), more("7", &[("60", "USD")])]);
        let drawn = |style: &Style| {
            let mut out = Vec::new();
            text(&mut out, &report, None, style).expect("a vector");
            let drawn = String::from_utf8(out).expect("text");
            let bars = drawn.lines().filter_map(|line| line.split_once("\x1b[36m"));
            bars.map(|(_, bar)| bar.trim_end_matches("\x1b[0m").to_owned()).collect::<Vec<_>>()
        };
        let style = Style { color: true, width: 110 };
        // Of the 24 columns: all of them, an eighth, the 94 dollars of the third row's bill.
        let bars = drawn(&style);
        assert_eq!(bars.len(), 5, "{bars:?}");
        assert_eq!(bars[2], "█".repeat(24), "a bill of $94.005 is the largest");
        // 192 eighths x 10 / 94.005 = 20.4, 192 x 80 / 94.005 = 163.4, 192 x 60 / 94.005 = 122.5.
        assert_eq!(bars[1], "██▌");
        assert_eq!(bars[0], "█".repeat(20) + "▍");
        assert_eq!(bars[3], "▏");
        assert_eq!(bars[4], "█".repeat(15) + "▎");
        assert!(drawn(&Style { color: true, width: 40 }).is_empty(), "no room");
        assert!(drawn(&Style { color: false, width: 110 }).is_empty());
    }

    proptest! {
        #[test]
        fn bars_fit_and_grow(a in 0_i128..=10_i128.pow(27), b in 0_i128..=10_i128.pow(27), columns in 1_usize..60) {
            let (low, high) = (a.min(b), a.max(b));
            let wide = |part| super::super::style::width(&bar(part, high, columns));
            prop_assert!(wide(low) <= wide(high) && wide(high) <= columns);
            prop_assert_eq!(wide(low) > 0, low > 0);
        }
    }

    #[test]
    fn the_table_at_60_100_and_without_an_end() {
        insta::assert_snapshot!(shown(&report(), 60), @"
        23 Nov 2026 to 24 Nov 2026, Europe/Berlin · partial, see below
        Day         Model     Project   Tokens      ≈ List $  Billed $
        2026-11-24  claude-…  …on/shop   4.1 M  1,305,088.81         –
        2026-11-24  mystery…  …/é�[2Jß   1.1 k             –         –
        2026-11-24  –         –              0          0.00     94.00
        Total                            4.1 M  1,305,088.81     94.00

        Without a known price, in no amount: mystery-9 (1.1 k
        tokens).
        Billed beside the dollars, in no figure above: €3.00.
        ");
        insta::assert_snapshot!(shown(&report(), 100), @"
        23 Nov 2026 to 24 Nov 2026, Europe/Berlin · partial, see below
        Day         Model              Project            Requests  Tokens  Unpriced      ≈ List $  Billed $
        2026-11-24  claude-sonnet-4-…  …hat-goes-on/shop     1,204   4.1 M            1,305,088.81         –
        2026-11-24  mystery-9          /home/ada/é�[2Jß          3   1.1 k     1.1 k             –         –
        2026-11-24  –                  –                         0       0                    0.00     94.00
        Total                                                1,207   4.1 M            1,305,088.81     94.00

        Without a known price, in no amount: mystery-9 (1.1 k tokens).
        Billed beside the dollars, in no figure above: €3.00.
        ");
        insta::assert_snapshot!(shown(&report(), usize::MAX), @"
        23 Nov 2026 to 24 Nov 2026, Europe/Berlin · partial, see below
        Day         Model                       Project                                                   Requests  Input  Cache read  Cache write  Output  Tokens  Unpriced      ≈ List $  Billed $
        2026-11-24  claude-sonnet-4-5-20250929  /home/ada/東京/a-very-long-folder-name-that-goes-on/shop     1,204  152 k       3.0 M        456 k   456 k   4.1 M            1,305,088.81         –
        2026-11-24  mystery-9                   /home/ada/é�[2Jß                                                 3     40         800          120     120   1.1 k     1.1 k             –         –
        2026-11-24  –                           –                                                                0      0           0            0       0       0                    0.00     94.00
        Total                                                                                                1,207  152 k       3.0 M        456 k   456 k   4.1 M            1,305,088.81     94.00

        Without a known price, in no amount: mystery-9 (1.1 k tokens).
        Billed beside the dollars, in no figure above: €3.00.
        ");
    }

    #[test]
    fn an_empty_report_says_where_was_looked() {
        insta::assert_snapshot!(shown(&empty(), 100), @"
        23 Nov 2026 to 24 Nov 2026, Europe/Berlin
        No usage and no bill in these days.

        Nothing was found yet. Agents' logs were looked for here:
          Claude Code  /home/ada/.claude/projects

        Two ways on:
          spendbar key set openai-admin  read a provider's bill
          spendbar demo                  see it at work on a pretend world
        ");
    }

    #[test]
    fn the_total_is_bold_in_a_terminal() {
        let mut out = Vec::new();
        text(&mut out, &report(), None, &Style { color: true, width: 100 }).expect("a vector");
        let out = String::from_utf8(out).expect("text");
        assert!(out.contains("\x1b[1mTotal"), "{out:?}");
        assert!(!out.contains("\x1b[2J"), "a name speaks to the terminal: {out:?}");
    }

    #[test]
    fn the_document_has_the_keys_that_were_asked_for() {
        insta::assert_snapshot!(document(&report()), @r#"
        {
          "schema": "spendbar.report.v1",
          "zone": "Europe/Berlin",
          "first_day": "2026-11-23",
          "last_day": "2026-11-24",
          "by": [
            "day",
            "model",
            "project"
          ],
          "rows": [
            {
              "day": "2026-11-24",
              "model": "claude-sonnet-4-5-20250929",
              "project": "/home/ada/東京/a-very-long-folder-name-that-goes-on/shop",
              "requests": 1204,
              "tokens": {
                "input": 152000,
                "cache_read": 3040000,
                "cache_write_5m": 304000,
                "cache_write_1h": 152000,
                "output": 456000,
                "reasoning": 304000
              },
              "list_usd": "1305088.8123456789",
              "billed_usd": null,
              "paid_usd": null,
              "unpriced_tokens": 0
            },
            {
              "day": "2026-11-24",
              "model": "mystery-9",
              "project": "/home/ada/é\u001b[2Jß",
              "requests": 3,
              "tokens": {
                "input": 40,
                "cache_read": 800,
                "cache_write_5m": 80,
                "cache_write_1h": 40,
                "output": 120,
                "reasoning": 80
              },
              "list_usd": null,
              "billed_usd": null,
              "paid_usd": null,
              "unpriced_tokens": 1080
            },
            {
              "day": "2026-11-24",
              "model": null,
              "project": null,
              "requests": 0,
              "tokens": {
                "input": 0,
                "cache_read": 0,
                "cache_write_5m": 0,
                "cache_write_1h": 0,
                "output": 0,
                "reasoning": 0
              },
              "list_usd": "0",
              "billed_usd": "94.005",
              "billed_other": [
                {
                  "currency": "EUR",
                  "amount": "3"
                }
              ],
              "paid_usd": null,
              "unpriced_tokens": 0
            }
          ],
          "totals": {
            "requests": 1207,
            "tokens": {
              "input": 152040,
              "cache_read": 3040800,
              "cache_write_5m": 304080,
              "cache_write_1h": 152040,
              "output": 456120,
              "reasoning": 304080
            },
            "list_usd": "1305088.8123456789",
            "billed_usd": "94.005",
            "billed_other": [
              {
                "currency": "EUR",
                "amount": "3"
              }
            ],
            "paid_usd": "0",
            "unpriced_tokens": 0
          },
          "paid": {
            "estimated": false,
            "metered_usd": "0",
            "overage_usd": "0",
            "credits_usd": "0",
            "in_fees_usd": "0",
            "without_fee_usd": "0"
          },
          "partial": true,
          "notes": [
            "Without a known price, in no amount: mystery-9 (1.1 k tokens)."
          ]
        }
        "#);
        insta::assert_snapshot!(document(&empty()), @r#"
        {
          "schema": "spendbar.report.v1",
          "zone": "Europe/Berlin",
          "first_day": "2026-11-23",
          "last_day": "2026-11-24",
          "by": [
            "day",
            "model",
            "project"
          ],
          "rows": [],
          "totals": {
            "requests": 0,
            "tokens": {
              "input": 0,
              "cache_read": 0,
              "cache_write_5m": 0,
              "cache_write_1h": 0,
              "output": 0,
              "reasoning": 0
            },
            "list_usd": null,
            "billed_usd": null,
            "paid_usd": "0",
            "unpriced_tokens": 0
          },
          "paid": {
            "estimated": false,
            "metered_usd": "0",
            "overage_usd": "0",
            "credits_usd": "0",
            "in_fees_usd": "0",
            "without_fee_usd": "0"
          },
          "partial": false,
          "notes": []
        }
        "#);
    }
}
