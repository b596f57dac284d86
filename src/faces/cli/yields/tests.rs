//! How the table looks.

use super::*;
use crate::board::yields::{CommitFace, Spent, YieldDay};
use crate::spend::{Currency, Money, Zone};

fn spent(list: &str) -> Spent {
    Spent { list: Money::parse(list, Currency::USD).ok(), unpriced_tokens: 0, requests: 3 }
}

fn row(repository: &str, commit: Option<(&str, bool, bool)>, sums: YieldSums) -> YieldRow {
    YieldRow {
        repository: Some(repository.into()),
        commit: commit.map(|(subject, is_reverted, is_gone)| CommitFace {
            id: "c72e40ff8cf24c149f3db93c7fd597f4d250d480".into(),
            subject: subject.into(),
            at: "2026-11-24T10:00:00Z".parse().expect("a time"),
            is_reverted,
            is_gone,
        }),
        sums,
        ..YieldRow::default()
    }
}

fn sums(commits: u64, lines: u64, at_commits: &str, no_commit: Option<&str>) -> YieldSums {
    YieldSums {
        commits,
        added: lines,
        removed: lines / 4,
        at_commits: spent(at_commits),
        at_lines: spent(at_commits),
        no_commit: no_commit.map(spent).unwrap_or_default(),
        ..YieldSums::default()
    }
}

fn yields(by: Vec<YieldBy>, rows: Vec<YieldRow>, totals: YieldSums) -> Yields {
    let day = "2026-11-24".parse().expect("a day");
    Yields {
        zone: Zone::UTC,
        first_day: "2026-10-26".parse().expect("a day"),
        last_day: day,
        by,
        window_hours: 24,
        rows,
        totals,
        elsewhere: Spent::default(),
        per_day: vec![YieldDay {
            day,
            commits: 2,
            at_commits: spent("3"),
            no_commit: Spent::default(),
        }],
        pulls: Vec::new(),
        notes: vec![crate::board::wording::yields::rule(24)],
    }
}

fn shown(it: &Yields, columns: usize) -> String {
    let mut out = Vec::new();
    text(&mut out, it, &Style { color: false, width: columns }).expect("a vector");
    String::from_utf8(out).expect("text")
}

#[test]
fn repositories_in_wide_and_narrow_terminals() {
    let reverted = YieldSums { reverted: spent("1.25"), ..sums(12, 1_204, "42.5", Some("3.1")) };
    let unpriced = YieldSums {
        commits: 1,
        without_lines: 1,
        at_commits: Spent { list: None, unpriced_tokens: 9, requests: 1 },
        ..YieldSums::default()
    };
    let rows = vec![
        row("/home/ada/shop", None, reverted),
        row("/home/ada/a-folder-with-a-long-name/tea\u{1b}[2J", None, unpriced),
        row("/home/ada/notes", None, YieldSums { no_commit: spent("0.4"), ..YieldSums::default() }),
    ];
    let it = yields(
        vec![YieldBy::Repository],
        rows,
        YieldSums { commits: 13, no_commit: spent("3.5"), ..reverted },
    );
    insta::assert_snapshot!(shown(&it, 120), @"
    26 Oct 2026 to 24 Nov 2026, UTC, at list price
    Repository                   Commits        Lines  ≈ At commits $  ≈ A commit $  ≈ A line $  ≈ Reverted $  ≈ No commit $
    /home/ada/shop                    12  +1,204 −301           42.50          3.54      0.0282          1.25           3.10
    …r-with-a-long-name/tea�[2J        1            –               –             –           –
    /home/ada/notes                    0            –                             –           –                         0.40
    Total                             13  +1,204 −301           42.50          3.27      0.0282          1.25           3.50

    What a request cost goes to the next commit made in the same working tree within 24 hours after it; what none follows
    led to no commit.
    ");
    insta::assert_snapshot!(shown(&it, 80), @"
    26 Oct 2026 to 24 Nov 2026, UTC, at list price
    Repository      Commits  ≈ At commits $  ≈ A commit $  ≈ A line $  ≈ No commit $
    /home/ada/shop       12           42.50          3.54      0.0282           3.10
    …-name/tea�[2J        1               –             –           –
    …ome/ada/notes        0                             –           –           0.40
    Total                13           42.50          3.27      0.0282           3.50

    What a request cost goes to the next commit made in the same working tree within
    24 hours after it; what none follows led to no commit.
    ");
    insta::assert_snapshot!(shown(&it, 40), @"
    26 Oct 2026 to 24 Nov 2026, UTC, at list price
    …ository  Commits  ≈ At commits $  ≈ No commit $
    …da/shop       12           42.50           3.10
    …tea�[2J        1               –
    …a/notes        0                           0.40
    Total          13           42.50           3.50

    What a request cost goes to the next
    commit made in the same working tree
    within 24 hours after it; what none
    follows led to no commit.
    ");
}

#[test]
fn commits_and_what_led_to_none() {
    let rows = vec![
        row("/home/ada/shop", Some(("Sell tea", false, false)), sums(1, 20, "2", None)),
        row(
            "/home/ada/shop",
            Some(("Sell\u{1b}]0;x\u{7} cups", true, false)),
            sums(1, 8, "0.5", None),
        ),
        row("/home/ada/shop", Some(("WIP", false, true)), sums(1, 0, "0.25", None)),
        row("/home/ada/shop", None, YieldSums { no_commit: spent("0.4"), ..YieldSums::default() }),
    ];
    let it = yields(vec![YieldBy::Commit], rows, sums(3, 28, "2.75", Some("0.4")));
    insta::assert_snapshot!(shown(&it, 100), @"
    26 Oct 2026 to 24 Nov 2026, UTC, at list price
    Commit                               Lines  ≈ At commits $  ≈ A line $  ≈ Reverted $  ≈ No commit $
    c72e40ff Sell tea                   +20 −5            2.00      0.0800
    c72e40ff reverted: Sell�]0;x� cups   +8 −2            0.50      0.0500
    c72e40ff gone: WIP                   +0 −0            0.25           –
    no commit                                –                           –                         0.40
    Total                               +28 −7            2.75      0.0786                         0.40

    What a request cost goes to the next commit made in the same working tree within 24 hours after it;
    what none follows led to no commit.
    ");
    let nothing = yields(vec![YieldBy::Commit], Vec::new(), YieldSums::default());
    insta::assert_snapshot!(shown(&nothing, 100), @"
    26 Oct 2026 to 24 Nov 2026, UTC, at list price
    No work in a git repository in these days.

    What a request cost goes to the next commit made in the same working tree within 24 hours after it;
    what none follows led to no commit.
    ");
}

#[test]
fn the_document_has_the_keys_that_were_asked_for() {
    let rows = vec![row("/home/ada/shop", Some(("Sell tea", true, false)), sums(1, 20, "2", None))];
    let it = yields(vec![YieldBy::Commit], rows, sums(1, 20, "2", Some("0.4")));
    let mut out = Vec::new();
    json(&mut out, &it).expect("a vector");
    insta::assert_snapshot!(String::from_utf8(out).expect("text"), @r#"
    {
      "schema": "spendbar.yield.v1",
      "zone": "UTC",
      "first_day": "2026-10-26",
      "last_day": "2026-11-24",
      "window_hours": 24,
      "by": [
        "commit"
      ],
      "rows": [
        {
          "commit": {
            "id": "c72e40ff8cf24c149f3db93c7fd597f4d250d480",
            "subject": "Sell tea",
            "at": "2026-11-24T10:00:00Z",
            "reverted": true,
            "gone": false
          },
          "commits": 1,
          "lines_added": 20,
          "lines_removed": 5,
          "commits_without_lines": 0,
          "at_commits": {
            "requests": 3,
            "list_usd": "2",
            "unpriced_tokens": 0
          },
          "per_commit_usd": "2",
          "per_line_usd": "0.08",
          "reverted": {
            "requests": 0,
            "list_usd": null,
            "unpriced_tokens": 0
          },
          "gone": {
            "requests": 0,
            "list_usd": null,
            "unpriced_tokens": 0
          },
          "no_commit": {
            "requests": 0,
            "list_usd": null,
            "unpriced_tokens": 0
          },
          "may_still_lead_to_one": {
            "requests": 0,
            "list_usd": null,
            "unpriced_tokens": 0
          }
        }
      ],
      "totals": {
        "commits": 1,
        "lines_added": 20,
        "lines_removed": 5,
        "commits_without_lines": 0,
        "at_commits": {
          "requests": 3,
          "list_usd": "2",
          "unpriced_tokens": 0
        },
        "per_commit_usd": "2",
        "per_line_usd": "0.08",
        "reverted": {
          "requests": 0,
          "list_usd": null,
          "unpriced_tokens": 0
        },
        "gone": {
          "requests": 0,
          "list_usd": null,
          "unpriced_tokens": 0
        },
        "no_commit": {
          "requests": 3,
          "list_usd": "0.4",
          "unpriced_tokens": 0
        },
        "may_still_lead_to_one": {
          "requests": 0,
          "list_usd": null,
          "unpriced_tokens": 0
        }
      },
      "outside": {
        "requests": 0,
        "list_usd": null,
        "unpriced_tokens": 0
      },
      "days": [
        {
          "day": "2026-11-24",
          "commits": 2,
          "at_commits": {
            "requests": 3,
            "list_usd": "3",
            "unpriced_tokens": 0
          },
          "no_commit": {
            "requests": 0,
            "list_usd": null,
            "unpriced_tokens": 0
          }
        }
      ],
      "pull_requests": [],
      "notes": [
        "What a request cost goes to the next commit made in the same working tree within 24 hours after it; what none follows led to no commit."
      ]
    }
    "#);
}
