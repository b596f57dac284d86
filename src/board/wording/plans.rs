//! Plans, what is paid, and people's terms -> words.

use chrono::{Datelike, NaiveDate};

use super::{amount_full, amount_short, converted_fee, day, estimate, percent};
use crate::board::{PeopleTerms, PlanRow};
use crate::plans::Paid;
use crate::plans::worth::BreakEven;
use crate::spend::{Currency, Money};

fn usd(attos: i128) -> Money {
    Money { attos, currency: Currency::USD }
}

/// `≈ $12.40 and CN¥ 3.80`: all of what is paid; `–` where it is not known.
pub fn paid(paid: &Paid) -> String {
    let dollars = paid.usd().map(|usd| estimate(paid.estimated, amount_full(&usd)));
    let others = paid.other.iter().map(|other| amount_full(&other));
    let only_others = paid.total == 0 && !paid.other.is_empty();
    let all: Vec<_> = dollars.into_iter().filter(|_| !only_others).chain(others).collect();
    if all.is_empty() { super::UNKNOWN.to_owned() } else { all.join(" and ") }
}

/// What a plan did for its fee: `Claude Max 20x did ≈ $4,310.00 of list-price work for $200 since
/// 1 Nov: 21x. It pays for itself since the 9th.`
pub fn worth(plan: &PlanRow) -> String {
    let fee = match plan.fee.attos {
        0 => "nothing".to_owned(),
        _ => amount_short(&plan.fee),
    };
    let list = estimate(plan.list.attos > 0, amount_full(&plan.list));
    let since = plan.first_day.format("%-d %b");
    let worth = plan.times().filter(|_| plan.list.attos > 0);
    let times = worth.map(|hundredths| format!(": {}", times(hundredths)));
    let first = format!(
        "{} did {list} of list-price work for {fee} since {since}{}.",
        plan.name,
        times.unwrap_or_default()
    );
    match break_even(plan) {
        Some(sentence) => format!("{first} {sentence}"),
        None => first,
    }
}

/// When a plan is worth its fee, in a sentence; `None` for a fee of nothing and for one without a
/// rate.
fn break_even(plan: &PlanRow) -> Option<String> {
    let word = plan.every.word();
    Some(match plan.break_even? {
        BreakEven::Free => return None,
        BreakEven::Since(at) => format!("It pays for itself since {}.", on(plan, at)),
        BreakEven::About(at) => format!("It breaks even about {} at this pace.", on(plan, at)),
        BreakEven::NotWithin => format!("At this pace it does not pay for itself this {word}."),
    })
}

/// `the 9th`, or `9 Dec` in another month than the period began in.
fn on(plan: &PlanRow, at: NaiveDate) -> String {
    if (at.year(), at.month()) != (plan.first_day.year(), plan.first_day.month()) {
        return at.format("%-d %b").to_string();
    }
    let number = at.day();
    let ending = match (number % 10, number) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("the {number}{ending}")
}

/// How many times its fee: `21x`, `1.5x`, `0.4x`, rounded down.
pub fn times(hundredths: i128) -> String {
    if hundredths >= 1_000 {
        format!("{}x", super::group(hundredths / 100))
    } else {
        format!("{}.{}x", hundredths / 100, hundredths % 100 / 10)
    }
}

/// What a reader must know of what is paid.
pub fn notes(paid: &Paid) -> Vec<String> {
    let mut notes: Vec<String> = paid.converted.iter().map(converted_fee).collect();
    let others: Vec<_> = paid.other.iter().map(|other| amount_full(&other)).collect();
    if !others.is_empty() {
        notes.push(format!("Paid beside the dollars, for want of a rate: {}.", others.join(", ")));
    }
    if paid.overage > 0 {
        notes.push(format!(
            "{} of what is paid is list price beyond what a plan includes.",
            estimate(true, amount_full(&usd(paid.overage)))
        ));
    }
    if paid.credits > 0 {
        notes.push(format!("{} is paid from credits.", amount_full(&usd(paid.credits))));
    }
    if paid.in_fees != 0 {
        notes.push(format!(
            "{} is billed to a plan's account and not paid beside the fee, as its overage says.",
            amount_full(&usd(paid.in_fees))
        ));
    }
    if paid.without_fee > 0 {
        notes.push(format!(
            "{} of the list price is covered by a subscription whose fee is not known: it is in \
             nothing that is paid. `spendbar plan set` says it.",
            amount_full(&usd(paid.without_fee))
        ));
    }
    notes
}

/// What is paid in people's terms, one clause each; empty where the config sets none.
pub fn people(terms: &PeopleTerms) -> Vec<String> {
    let mut said = Vec::new();
    let about = |text: String| estimate(terms.estimated, text);
    if let Some(months) = terms.engineer_months {
        let months = format!("{}.{:02}", super::group(months / 100), months % 100);
        said.push(format!("{} engineer-months", about(months)));
    }
    if let Some(permille) = terms.team_permille {
        said.push(format!("{} of the team's budget", about(percent(permille))));
    }
    if let Some((amount, days)) = &terms.per_working_day {
        let days = if *days == 1 { "1 day".to_owned() } else { format!("{days} days") };
        said.push(format!("{} a working day, of {days}", about(amount_full(amount))));
    }
    said
}

/// From when to when a plan runs: `since 5 Nov 2026`, `until 31 Dec 2026`; empty for always.
pub fn runs(first_day: Option<NaiveDate>, last_day: Option<NaiveDate>) -> String {
    match (first_day, last_day) {
        (None, None) => String::new(),
        (Some(first), None) => format!("since {}", day(first)),
        (None, Some(last)) => format!("until {}", day(last)),
        (Some(first), Some(last)) => format!("{} to {}", day(first), day(last)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::Every;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect(text)
    }

    fn row(list: &str, fee: &str, break_even: Option<BreakEven>) -> PlanRow {
        let money = |text: &str| Money::parse(text, Currency::USD).expect(text);
        PlanRow {
            name: "Claude Max 20x".into(),
            fee: money(fee),
            fee_usd: break_even.map(|_| money(fee)),
            every: Every::MONTH,
            first_day: date("2026-11-01"),
            last_day: date("2026-11-30"),
            list: money(list),
            break_even,
        }
    }

    #[test]
    fn what_a_plan_is_worth() {
        let since = Some(BreakEven::Since(date("2026-11-09")));
        assert_eq!(
            worth(&row("4310", "200", since)),
            "Claude Max 20x did ≈ $4,310.00 of list-price work for $200 since 1 Nov: 21x. \
             It pays for itself since the 9th."
        );
        let about = Some(BreakEven::About(date("2026-11-22")));
        assert_eq!(
            worth(&row("159.6", "200", about)),
            "Claude Max 20x did ≈ $159.60 of list-price work for $200 since 1 Nov: 0.7x. \
             It breaks even about the 22nd at this pace."
        );
        assert_eq!(
            worth(&row("0", "17.5", Some(BreakEven::NotWithin))),
            "Claude Max 20x did $0.00 of list-price work for $17.50 since 1 Nov. \
             At this pace it does not pay for itself this month."
        );
        assert_eq!(
            worth(&row("3", "0", Some(BreakEven::Free))),
            "Claude Max 20x did ≈ $3.00 of list-price work for nothing since 1 Nov."
        );
        assert_eq!(
            worth(&row("3", "20", None)),
            "Claude Max 20x did ≈ $3.00 of list-price work for $20 since 1 Nov."
        );
    }

    #[test]
    fn days_are_said_as_people_say_them() {
        let plan = row("1", "1", None);
        for (at, said) in [
            ("2026-11-01", "the 1st"),
            ("2026-11-03", "the 3rd"),
            ("2026-11-11", "the 11th"),
            ("2026-11-30", "the 30th"),
            ("2026-12-02", "2 Dec"),
        ] {
            assert_eq!(on(&plan, date(at)), said);
        }
    }

    #[test]
    fn what_is_not_known_is_no_zero() {
        let unknown = Paid { without_fee: 5, ..Paid::default() };
        assert_eq!(paid(&unknown), "–");
        assert_eq!(paid(&Paid::default()), "$0.00");
        let mut yuan = Paid::default();
        let fee = Money::parse("118", "CNY".parse().expect("a code")).expect("an amount");
        yuan.fees.add(fee);
        yuan.other.add(fee);
        assert_eq!(paid(&yuan), "CNY 118.00");
    }
}
