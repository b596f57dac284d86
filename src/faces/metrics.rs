//! Today for Prometheus and whatever else reads OpenMetrics 1.0 (its text is also that of
//! Prometheus 0.0.4: what is new in it are comments there). Names of folders and sessions are left
//! out; a figure that is not known has no sample.

use std::collections::BTreeSet;
use std::fmt::Write;

use chrono::{DateTime, Utc};

use crate::board::{Board, BudgetRow, Headline, SourceRow, State};
use crate::spend::{Currency, Money, Quantity, QuotaWindow, SourceKind};

/// What the text is where a reader asks for OpenMetrics.
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// What it is for every other reader.
pub const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The latest board as it is at `now`.
pub fn text(board: &Board, now: DateTime<Utc>) -> String {
    let mut page = Page::default();
    today(&mut page, board);
    sources(&mut page, board, now);
    budgets(&mut page, board);
    plans(&mut page, board);
    page.0.push_str("# EOF\n");
    page.0
}

fn today(page: &mut Page, board: &Board) {
    let figures = &board.figures;
    let known = |amount: Money| {
        let is_unpriced_alone = amount.attos == 0 && figures.unpriced_tokens > 0;
        let is_known = board.sources.iter().any(|source| source.last_good_at.is_some());
        Some(amount).filter(|_| is_known && !is_unpriced_alone)
    };
    let one = |amount: Option<Money>| {
        amount.map(|amount| Sample::plain(amount.to_decimal())).into_iter().collect::<Vec<_>>()
    };
    page.gauge(
        "spendbar_today_spend_dollars",
        "dollars",
        "Today so far: the bill where there is one, else list price.",
        one(known(figures.spend)),
    );
    page.gauge(
        "spendbar_today_list_dollars",
        "dollars",
        "Today's usage at list price.",
        one(known(figures.list)),
    );
    page.gauge(
        "spendbar_today_billed_dollars",
        "dollars",
        "What providers bill for today, a UTC day; absent where none tells.",
        one(figures.billed),
    );
    page.gauge(
        "spendbar_today_covered_dollars",
        "dollars",
        "The part of today's list price that a plan covers.",
        one(known(figures.covered)),
    );
    let paid = board.amount(Headline::Paid).filter(|_| board.tells_paid);
    page.gauge(
        "spendbar_paid_usd",
        "usd",
        "What is paid for today, with the fees of plans by the day; absent without plans and discounts.",
        one(paid),
    );
    page.gauge(
        "spendbar_paid_estimated",
        "",
        "1 while any part of what is paid for today is a list price.",
        paid.map(|_| Sample::yes(figures.paid.estimated)).into_iter().collect(),
    );
    page.gauge(
        "spendbar_today_estimated",
        "",
        "1 while any part of today's spend is a list price rather than a bill.",
        vec![Sample::yes(figures.spend_estimated)],
    );
    page.gauge(
        "spendbar_today_partial",
        "",
        "1 while something that was seen is in no figure of today.",
        vec![Sample::yes(figures.partial)],
    );
    page.gauge(
        "spendbar_today_requests",
        "",
        "Today's requests.",
        vec![Sample::plain(figures.requests)],
    );
    let tokens = &figures.tokens;
    let kinds = [
        ("input", tokens.input),
        ("cache_read", tokens.cache_read),
        ("cache_write_5m", tokens.cache_write_5m),
        ("cache_write_1h", tokens.cache_write_1h),
        ("output", tokens.output),
    ];
    page.gauge(
        "spendbar_today_tokens",
        "tokens",
        "Today's tokens by kind; input is without cache, output with reasoning.",
        kinds.into_iter().map(|(kind, count)| Sample::of(&[("kind", kind)], count)).collect(),
    );
    page.gauge(
        "spendbar_today_unpriced_tokens",
        "tokens",
        "Today's tokens of models without a known price: in no amount.",
        vec![Sample::plain(figures.unpriced_tokens)],
    );
    let models = board.top_models.iter().filter_map(|row| {
        let model = row.model.as_deref().unwrap_or("");
        Some(Sample::of(&[("model", model)], row.list?.to_decimal()))
    });
    page.gauge(
        "spendbar_today_model_list_dollars",
        "dollars",
        "Today's dearest models at list price, five at most.",
        models.collect(),
    );
    page.gauge(
        "spendbar_state",
        "",
        "The icon's state: 1 for the one that holds.",
        STATES
            .into_iter()
            .map(|(state, word)| Sample::of(&[("state", word)], u8::from(state == board.state)))
            .collect(),
    );
}

const STATES: [(State, &str); 6] = [
    (State::Calm, "calm"),
    (State::Near, "near"),
    (State::Over, "over"),
    (State::Stale, "stale"),
    (State::Error, "error"),
    (State::Paused, "paused"),
];

fn sources(page: &mut Page, board: &Board, now: DateTime<Utc>) {
    let mut each =
        |name: &str, unit: &str, help: &str, value: &dyn Fn(&SourceRow) -> Option<String>| {
            let samples = board.sources.iter().filter_map(|row| {
                let kind = match row.info.kind {
                    SourceKind::Agent => "agent",
                    SourceKind::Provider => "provider",
                };
                Some(Sample::of(&[("source", row.info.id), ("kind", kind)], value(row)?))
            });
            page.gauge(name, unit, help, samples.collect());
        };
    let yes = |it: bool| Some(u8::from(it).to_string());
    let age = |at: Option<DateTime<Utc>>| at.map(|at| (now - at).num_seconds().max(0).to_string());
    each(
        "spendbar_source_list_dollars",
        "dollars",
        "Today's list price as one source alone tells it; sources of one account repeat each other.",
        &|row| row.list.map(|list| list.to_decimal()),
    );
    each(
        "spendbar_source_billed_dollars",
        "dollars",
        "What one source bills for today, a UTC day.",
        &|row| row.billed.map(|billed| billed.to_decimal()),
    );
    each("spendbar_source_up", "", "1 when the last look at the source worked.", &|row| {
        yes(row.error.is_none())
    });
    each("spendbar_source_stale", "", "1 when its figures are older than two intervals.", &|row| {
        yes(row.stale)
    });
    each(
        "spendbar_source_look_age_seconds",
        "seconds",
        "Time since the source was last looked at.",
        &|row| age(row.last_look_at),
    );
    each(
        "spendbar_source_figures_age_seconds",
        "seconds",
        "Time since the source last gave figures.",
        &|row| age(row.last_good_at),
    );
    each(
        "spendbar_source_unreadable_lines",
        "",
        "Lines of its logs that could not be read, all time.",
        &|row| Some(row.problem_count.to_string()),
    );
}

fn budgets(page: &mut Page, board: &Board) {
    let mut each = |name: &str, unit: &str, help: &str, value: &dyn Fn(&BudgetRow) -> String| {
        let samples = board.budgets.iter().map(|row| {
            let (per, currency) = (row.cycle.to_string(), row.amount.currency.to_string());
            let labels = [("budget", &*row.name), ("per", &*per), ("currency", &*currency)];
            Sample::of(&labels, value(row))
        });
        page.gauge(name, unit, help, samples.collect());
    };
    each(
        "spendbar_budget_limit",
        "",
        "The limit of the running period, in its currency.",
        &|row| row.amount.to_decimal(),
    );
    each("spendbar_budget_spent", "", "Spent in the running period, in its currency.", &|row| {
        row.spent.to_decimal()
    });
    each(
        "spendbar_budget_used_ratio",
        "ratio",
        "The used part of the limit; 1 is all of it.",
        &|row| decimal(row.permille, 3),
    );
}

fn plans(page: &mut Page, board: &Board) {
    let windows =
        || board.sources.iter().flat_map(|row| row.quotas.iter().map(move |window| (row, window)));
    let labels = |row: &SourceRow, window: &QuotaWindow, value: String| {
        Sample::of(&[("source", row.info.id), ("window", &window.name)], value)
    };
    page.gauge(
        "spendbar_quota_used_ratio",
        "ratio",
        "The used part of a plan's window; 1 is all of it.",
        windows().map(|(row, it)| labels(row, it, decimal(it.used_ppm.into(), 6))).collect(),
    );
    page.gauge(
        "spendbar_quota_reset_timestamp_seconds",
        "seconds",
        "When a plan's window starts anew, in seconds since 1970.",
        windows()
            .filter_map(|(row, it)| Some(labels(row, it, it.resets_at?.timestamp().to_string())))
            .collect(),
    );
    let balances = board.sources.iter().flat_map(|row| {
        row.balances.iter().map(|it| {
            let unit = match &it.balance.amount {
                Quantity::Money(money) => money.currency.to_string(),
                Quantity::Units(units) => units.unit.clone(),
            };
            let attos = it.balance.amount.attos();
            let value = Money { attos, currency: Currency::USD }.to_decimal();
            let labels =
                [("source", row.info.id), ("balance", &*it.balance.name), ("unit", &*unit)];
            Sample::of(&labels, value)
        })
    });
    page.gauge(
        "spendbar_balance_left",
        "",
        "Prepaid credit that is left, in the unit of its label.",
        balances.collect(),
    );
}

/// An integer with its point `places` from the right.
fn decimal(number: i128, places: u32) -> String {
    let unit = 10_i128.pow(places);
    let sign = if number < 0 { "-" } else { "" };
    let (whole, rest) =
        (number.unsigned_abs() / unit as u128, number.unsigned_abs() % unit as u128);
    format!("{sign}{whole}.{rest:0width$}", width = places as usize)
}

/// One value and what it is of: `{source="codex"}`, or nothing.
struct Sample {
    labels: Vec<(String, String)>,
    value: String,
}

impl Sample {
    fn plain(value: impl ToString) -> Self {
        Self { labels: Vec::new(), value: value.to_string() }
    }

    fn yes(it: bool) -> Self {
        Self::plain(u8::from(it))
    }

    fn of(labels: &[(&str, &str)], value: impl ToString) -> Self {
        let labels = labels.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
        Self { labels, value: value.to_string() }
    }

    fn words(&self) -> String {
        let labels = self.labels.iter();
        let labels = labels.map(|(name, text)| format!("{name}=\"{}\"", escaped(text)));
        let labels = labels.collect::<Vec<_>>().join(",");
        if labels.is_empty() { labels } else { format!("{{{labels}}}") }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[derive(Default)]
struct Page(String);

impl Page {
    /// One family; nothing where there are no samples. A name that comes twice is told apart by a
    /// number: no two samples may have the same labels.
    fn gauge(&mut self, name: &str, unit: &str, help: &str, samples: Vec<Sample>) {
        if samples.is_empty() {
            return;
        }
        // Writing to a text does not fail.
        let _ = writeln!(self.0, "# TYPE {name} gauge");
        if !unit.is_empty() {
            let _ = writeln!(self.0, "# UNIT {name} {unit}");
        }
        let _ = writeln!(self.0, "# HELP {name} {help}");
        let mut known = BTreeSet::new();
        for mut sample in samples {
            let plain = sample.labels.last().map(|(_, text)| text.clone()).unwrap_or_default();
            let mut number = 1;
            while !known.insert(sample.words()) {
                number += 1;
                if let Some((_, text)) = sample.labels.last_mut() {
                    *text = format!("{plain} ({number})");
                }
            }
            let _ = writeln!(self.0, "{name}{} {}", sample.words(), sample.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces::examples;

    #[test]
    fn names_that_hold_signs_of_the_format_are_escaped_and_twice_the_same_is_told_apart() {
        let mut page = Page::default();
        let name = "a\"b\\c\nd";
        let samples =
            [1, 2, 3].map(|value| Sample::of(&[("source", "x"), ("window", name)], value));
        page.gauge("spendbar_x_ratio", "ratio", "Help.", samples.into());
        page.gauge("spendbar_y", "", "Nothing.", Vec::new());
        insta::assert_snapshot!(page.0, @r#"
        # TYPE spendbar_x_ratio gauge
        # UNIT spendbar_x_ratio ratio
        # HELP spendbar_x_ratio Help.
        spendbar_x_ratio{source="x",window="a\"b\\c\nd"} 1
        spendbar_x_ratio{source="x",window="a\"b\\c\nd (2)"} 2
        spendbar_x_ratio{source="x",window="a\"b\\c\nd (3)"} 3
        "#);
    }

    #[test]
    fn decimals_are_written_from_integers() {
        assert_eq!(decimal(428, 3), "0.428");
        assert_eq!(decimal(1_005_000, 6), "1.005000");
        assert_eq!(decimal(-5, 3), "-0.005");
    }

    #[test]
    fn what_is_paid_is_there_with_plans_alone() {
        let mut board = examples::calm();
        let paid = |board: &Board| {
            let text = text(board, board.now);
            let lines = text.lines().filter(|line| line.starts_with("spendbar_paid"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(paid(&board), Vec::<String>::new());
        board.tells_paid = true;
        board.figures.paid.total = 6_666_666_666_666_666_666;
        assert_eq!(
            paid(&board),
            ["spendbar_paid_usd 6.666666666666666666", "spendbar_paid_estimated 0"]
        );
        // A subscription of an unknown fee is no payment of nothing.
        board.figures.paid.total = 0;
        board.figures.paid.without_fee = 1;
        assert_eq!(paid(&board), Vec::<String>::new());
    }

    #[test]
    fn a_day_near_its_budget() {
        let board = examples::near();
        insta::assert_snapshot!(text(&board, board.now), @r#"
        # TYPE spendbar_today_spend_dollars gauge
        # UNIT spendbar_today_spend_dollars dollars
        # HELP spendbar_today_spend_dollars Today so far: the bill where there is one, else list price.
        spendbar_today_spend_dollars 402
        # TYPE spendbar_today_list_dollars gauge
        # UNIT spendbar_today_list_dollars dollars
        # HELP spendbar_today_list_dollars Today's usage at list price.
        spendbar_today_list_dollars 402
        # TYPE spendbar_today_billed_dollars gauge
        # UNIT spendbar_today_billed_dollars dollars
        # HELP spendbar_today_billed_dollars What providers bill for today, a UTC day; absent where none tells.
        spendbar_today_billed_dollars 98.02
        # TYPE spendbar_today_covered_dollars gauge
        # UNIT spendbar_today_covered_dollars dollars
        # HELP spendbar_today_covered_dollars The part of today's list price that a plan covers.
        spendbar_today_covered_dollars 0
        # TYPE spendbar_today_estimated gauge
        # HELP spendbar_today_estimated 1 while any part of today's spend is a list price rather than a bill.
        spendbar_today_estimated 1
        # TYPE spendbar_today_partial gauge
        # HELP spendbar_today_partial 1 while something that was seen is in no figure of today.
        spendbar_today_partial 0
        # TYPE spendbar_today_requests gauge
        # HELP spendbar_today_requests Today's requests.
        spendbar_today_requests 312
        # TYPE spendbar_today_tokens gauge
        # UNIT spendbar_today_tokens tokens
        # HELP spendbar_today_tokens Today's tokens by kind; input is without cache, output with reasoning.
        spendbar_today_tokens{kind="input"} 4100000
        spendbar_today_tokens{kind="cache_read"} 0
        spendbar_today_tokens{kind="cache_write_5m"} 0
        spendbar_today_tokens{kind="cache_write_1h"} 0
        spendbar_today_tokens{kind="output"} 120000
        # TYPE spendbar_today_unpriced_tokens gauge
        # UNIT spendbar_today_unpriced_tokens tokens
        # HELP spendbar_today_unpriced_tokens Today's tokens of models without a known price: in no amount.
        spendbar_today_unpriced_tokens 0
        # TYPE spendbar_today_model_list_dollars gauge
        # UNIT spendbar_today_model_list_dollars dollars
        # HELP spendbar_today_model_list_dollars Today's dearest models at list price, five at most.
        spendbar_today_model_list_dollars{model="claude-opus-4-5"} 180.1
        spendbar_today_model_list_dollars{model="gpt-5.5"} 34.27
        spendbar_today_model_list_dollars{model="gpt-5-mini"} 0.4213
        # TYPE spendbar_state gauge
        # HELP spendbar_state The icon's state: 1 for the one that holds.
        spendbar_state{state="calm"} 0
        spendbar_state{state="near"} 1
        spendbar_state{state="over"} 0
        spendbar_state{state="stale"} 0
        spendbar_state{state="error"} 0
        spendbar_state{state="paused"} 0
        # TYPE spendbar_source_list_dollars gauge
        # UNIT spendbar_source_list_dollars dollars
        # HELP spendbar_source_list_dollars Today's list price as one source alone tells it; sources of one account repeat each other.
        spendbar_source_list_dollars{source="claude-code",kind="agent"} 210.37
        spendbar_source_list_dollars{source="codex",kind="agent"} 4
        # TYPE spendbar_source_billed_dollars gauge
        # UNIT spendbar_source_billed_dollars dollars
        # HELP spendbar_source_billed_dollars What one source bills for today, a UTC day.
        spendbar_source_billed_dollars{source="openai-admin",kind="provider"} 98.02
        # TYPE spendbar_source_up gauge
        # HELP spendbar_source_up 1 when the last look at the source worked.
        spendbar_source_up{source="claude-code",kind="agent"} 1
        spendbar_source_up{source="codex",kind="agent"} 1
        spendbar_source_up{source="openai-admin",kind="provider"} 1
        # TYPE spendbar_source_stale gauge
        # HELP spendbar_source_stale 1 when its figures are older than two intervals.
        spendbar_source_stale{source="claude-code",kind="agent"} 0
        spendbar_source_stale{source="codex",kind="agent"} 0
        spendbar_source_stale{source="openai-admin",kind="provider"} 0
        # TYPE spendbar_source_look_age_seconds gauge
        # UNIT spendbar_source_look_age_seconds seconds
        # HELP spendbar_source_look_age_seconds Time since the source was last looked at.
        spendbar_source_look_age_seconds{source="claude-code",kind="agent"} 60
        spendbar_source_look_age_seconds{source="codex",kind="agent"} 60
        spendbar_source_look_age_seconds{source="openai-admin",kind="provider"} 60
        # TYPE spendbar_source_figures_age_seconds gauge
        # UNIT spendbar_source_figures_age_seconds seconds
        # HELP spendbar_source_figures_age_seconds Time since the source last gave figures.
        spendbar_source_figures_age_seconds{source="claude-code",kind="agent"} 60
        spendbar_source_figures_age_seconds{source="codex",kind="agent"} 60
        spendbar_source_figures_age_seconds{source="openai-admin",kind="provider"} 60
        # TYPE spendbar_source_unreadable_lines gauge
        # HELP spendbar_source_unreadable_lines Lines of its logs that could not be read, all time.
        spendbar_source_unreadable_lines{source="claude-code",kind="agent"} 0
        spendbar_source_unreadable_lines{source="codex",kind="agent"} 0
        spendbar_source_unreadable_lines{source="openai-admin",kind="provider"} 0
        # TYPE spendbar_budget_limit gauge
        # HELP spendbar_budget_limit The limit of the running period, in its currency.
        spendbar_budget_limit{budget="daily",per="day",currency="USD"} 500
        # TYPE spendbar_budget_spent gauge
        # HELP spendbar_budget_spent Spent in the running period, in its currency.
        spendbar_budget_spent{budget="daily",per="day",currency="USD"} 402
        # TYPE spendbar_budget_used_ratio gauge
        # UNIT spendbar_budget_used_ratio ratio
        # HELP spendbar_budget_used_ratio The used part of the limit; 1 is all of it.
        spendbar_budget_used_ratio{budget="daily",per="day",currency="USD"} 0.804
        # EOF
        "#);
    }
}
