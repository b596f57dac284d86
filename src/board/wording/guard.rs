//! What the guard says to agents and their users.

use chrono::{DateTime, Utc};

use super::{amount_short, estimate, percent, tokens, whose};
use crate::budgets::guard::{Limit, Of, SESSION_HOURS};
use crate::spend::Zone;
use crate::spend::period::local_day;

/// How old the figures are that are spoken of; `None` while the program runs and keeps them new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale {
    /// When they were made.
    pub as_of: DateTime<Utc>,
}

/// Why an agent is stopped.
pub fn stop(limit: &Limit, stale: Option<Stale>, now: DateTime<Utc>, zone: Zone) -> String {
    let first = reached(limit);
    let go_on = "`spendbar guard allow --for 1h` lets agents go on.";
    format!("Spendbar: {first} {go_on}{}", caveats(limit, stale, now, zone))
}

/// What an agent is told before it is stopped.
pub fn warning(limit: &Limit, stale: Option<Stale>, now: DateTime<Utc>, zone: Zone) -> String {
    let share = percent(limit.permille());
    let first = match &limit.of {
        Of::Session => format!(
            "this session has cost {} in {SESSION_HOURS} hours, {share} of its limit of {}.",
            spent(limit),
            amount_short(&limit.amount)
        ),
        Of::Budget { .. } => {
            format!("{} of {} is spent, {share}.", spent(limit), budget(limit))
        }
    };
    let then = format!("Agents are stopped at {}.", percent(i128::from(limit.hard_percent) * 10));
    format!("Spendbar: {first} {then}{}", caveats(limit, stale, now, zone))
}

/// What is told in place of a stop while agents may go on.
pub fn allowed(
    limit: &Limit,
    until: DateTime<Utc>,
    stale: Option<Stale>,
    now: DateTime<Utc>,
    zone: Zone,
) -> String {
    let until = time(until, now, zone);
    let then = format!("Agents may go on until {until}.");
    format!("Spendbar: {} {then}{}", reached(limit), caveats(limit, stale, now, zone))
}

/// What a model is told besides when it may not use a tool.
pub const FOR_MODEL: &str = "Stop working now, and tell the user this.";

/// That the figures don't grow although agents spend.
pub fn not_running(stale: Stale, now: DateTime<Utc>, zone: Zone) -> String {
    let as_of = time(stale.as_of, now, zone);
    format!(
        "Spendbar is not running, so the guard knows of nothing spent after {as_of}. Start \
         `spendbar`."
    )
}

/// Why nothing was checked.
pub fn unchecked(why: &str) -> String {
    format!("Spendbar could not check the budgets, so agents go on: {why}")
}

/// An instant for people: the time of day, with the date when it is another day.
pub fn time(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> String {
    let same_day = local_day(at, zone) == local_day(now, zone);
    let form = if same_day { "%H:%M" } else { "%H:%M on %-d %B" };
    at.with_timezone(&zone).format(form).to_string()
}

/// A limit by name: `today's budget of $50`, `this month's budget “side” of $50`, `a session's
/// limit of $20`.
pub fn limited(limit: &Limit) -> String {
    match &limit.of {
        Of::Session => format!("a session's limit of {}", amount_short(&limit.amount)),
        Of::Budget { .. } => budget(limit),
    }
}

fn budget(limit: &Limit) -> String {
    let Of::Budget { name, period, .. } = &limit.of else { return String::new() };
    let name = if name.starts_with(&period.to_string()) {
        String::new()
    } else {
        format!(" “{name}”")
    };
    format!("{} budget{name} of {}", whose(*period), amount_short(&limit.amount))
}

fn reached(limit: &Limit) -> String {
    let spent = spent(limit);
    match &limit.of {
        Of::Session => format!(
            "this session has cost {spent} in {SESSION_HOURS} hours; its limit is {}.",
            amount_short(&limit.amount)
        ),
        Of::Budget { .. } if limit.hard_percent == 100 => {
            format!("{} is used up: {spent}.", budget(limit))
        }
        Of::Budget { .. } => format!(
            "{spent} of {} is spent, and agents are stopped at {}.",
            budget(limit),
            percent(i128::from(limit.hard_percent) * 10)
        ),
    }
}

fn spent(limit: &Limit) -> String {
    estimate(limit.estimated, amount_short(&limit.spent))
}

fn caveats(limit: &Limit, stale: Option<Stale>, now: DateTime<Utc>, zone: Zone) -> String {
    let mut said = String::new();
    if limit.unpriced_tokens > 0 {
        let tokens = tokens(limit.unpriced_tokens);
        said += &format!(" {tokens} tokens of models without a known price are not in it.");
    }
    if let Some(Stale { as_of }) = stale {
        let as_of = time(as_of, now, zone);
        said += &format!(" Spendbar is not running: these are the figures of {as_of}.");
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budgets::Basis;
    use crate::budgets::Budget;
    use crate::budgets::guard::Rules;
    use crate::spend::{Currency, Cycle, Filter, Money};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect(text)
    }

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).expect(text)
    }

    fn limit(name: &str, spent: &str, hard_percent: u32, unpriced: u64) -> Limit {
        let rules = Rules { hard_percent, ..Rules::default() };
        let budget = Budget {
            name: name.into(),
            amount: usd("50"),
            cycle: Cycle::Day,
            thresholds_percent: vec![80],
            filter: Filter::everything(),
            basis: Basis::Spend,
            rollover: false,
        };
        let span = Cycle::Day.holding(at("2026-03-02T12:00:00Z"), Zone::UTC);
        let period = (span.first_day, span.end);
        rules.budget(&budget, period, (usd("50"), usd(spent)), true, unpriced)
    }

    #[test]
    fn agents_and_users_are_told_what_and_what_to_do() {
        let now = at("2026-03-02T12:00:00Z");
        let berlin = Zone::named("Europe/Berlin");
        let old = Stale { as_of: at("2026-03-01T20:02:00Z") };
        let stale = Some(old);
        let rules = Rules { session: Some(usd("20")), ..Rules::default() };
        let session = |spent: &str| rules.session(usd(spent), 0).expect("set");
        let said = [
            warning(&limit("day", "41.50", 100, 0), None, now, berlin),
            stop(&limit("day", "53.20", 100, 0), None, now, berlin),
            stop(&limit("side", "46", 90, 4_100_000), stale, now, berlin),
            allowed(&limit("day", "53.20", 100, 0), at("2026-03-02T14:00:00Z"), None, now, berlin),
            allowed(&limit("day", "53.20", 100, 0), at("2026-03-03T05:00:00Z"), None, now, berlin),
            warning(&session("17"), None, now, berlin),
            stop(&session("21.30"), None, now, berlin),
            not_running(old, now, berlin),
            unchecked("there is no ledger yet."),
            limited(&limit("side", "0", 100, 0)),
        ];
        insta::assert_snapshot!(said.join("\n"), @"
        Spendbar: ≈ $41.50 of today's budget of $50 is spent, 83 %. Agents are stopped at 100 %.
        Spendbar: today's budget of $50 is used up: ≈ $53.20. `spendbar guard allow --for 1h` lets agents go on.
        Spendbar: ≈ $46 of today's budget “side” of $50 is spent, and agents are stopped at 90 %. `spendbar guard allow --for 1h` lets agents go on. 4.1 M tokens of models without a known price are not in it. Spendbar is not running: these are the figures of 21:02 on 1 March.
        Spendbar: today's budget of $50 is used up: ≈ $53.20. Agents may go on until 15:00.
        Spendbar: today's budget of $50 is used up: ≈ $53.20. Agents may go on until 06:00 on 3 March.
        Spendbar: this session has cost ≈ $17 in 24 hours, 85 % of its limit of $20. Agents are stopped at 100 %.
        Spendbar: this session has cost ≈ $21.30 in 24 hours; its limit is $20. `spendbar guard allow --for 1h` lets agents go on.
        Spendbar is not running, so the guard knows of nothing spent after 21:02 on 1 March. Start `spendbar`.
        Spendbar could not check the budgets, so agents go on: there is no ledger yet.
        today's budget “side” of $50
        ");
    }
}
