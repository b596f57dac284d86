//! Amounts, ages and errors -> words: the only place. Every face speaks through it, so that one
//! figure looks the same wherever it stands.

mod alerts;
pub mod bills;
pub mod energy;
pub mod guard;
pub mod plans;
#[cfg(test)]
mod tests;
pub mod whatif;
pub mod yields;

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::{BalanceRow, Forecast, Incident};
use crate::spend::{
    Balance, Converted, Currency, Cycle, Indicator, Money, Period, Quantity, QuotaWindow,
    SourceError, SourceInfo, UsedOf, Zone,
};

pub use alerts::{RAISE_PERCENT, channel, snoozed, told};

/// A figure that is not known. Never 0.
pub const UNKNOWN: &str = "–";

/// The shortest form, for the icon: `$0`, `42¢`, `$214`, `1.9k`, `20k`, `1.3M`.
pub fn icon_amount(amount: Option<Money>) -> String {
    let Some(amount) = amount else { return UNKNOWN.into() };
    let cents = amount.rounded(2).abs();
    let whole = amount.rounded(0).abs();
    let sign = if amount.attos < 0 { "-" } else { "" };
    if amount.attos == 0 {
        "$0".into()
    } else if cents < 100 {
        format!("{sign}{cents}¢")
    } else if whole < 1_000 {
        format!("{sign}${whole}")
    } else {
        format!("{sign}{}", scaled(&amount))
    }
}

/// Two figures and a letter for amounts from a thousand up: `1.9k`, `20k`, `214k`, `1.3M`.
fn scaled(amount: &Money) -> String {
    const LETTERS: [(i32, &str); 4] = [(3, "k"), (6, "M"), (9, "B"), (12, "T")];
    for (exponent, letter) in LETTERS {
        let tenths = amount.rounded(1 - exponent).abs();
        if tenths < 100 {
            return format!("{}.{}{letter}", tenths / 10, tenths % 10);
        }
        let whole = amount.rounded(-exponent).abs();
        if whole < 1_000 || exponent == 12 {
            return format!("{whole}{letter}");
        }
    }
    UNKNOWN.into()
}

/// The usual form: `$0.42`, `$1,912.80`, and from a million up `$1.31 M`.
pub fn amount(amount: &Money) -> String {
    if amount.rounded(0).abs() < 1_000_000 {
        return amount_full(amount);
    }
    let hundredths = amount.rounded(-4);
    let sign = if hundredths < 0 { "-" } else { "" };
    let hundredths = hundredths.abs();
    let whole = group(hundredths / 100);
    format!("{sign}{}{whole}.{:02} M", amount.currency.sign(), hundredths % 100)
}

/// Every digit down to the cent: `$1,305,088.81`.
pub fn amount_full(amount: &Money) -> String {
    let sign = if amount.rounded(2) < 0 { "-" } else { "" };
    format!("{sign}{}{}", amount.currency.sign(), cents(amount))
}

/// As [`amount_full`], without cents where there are none: `$402`, `$402.50`.
pub fn amount_short(amount: &Money) -> String {
    let full = amount_full(amount);
    full.strip_suffix(".00").map_or(full.clone(), str::to_owned)
}

/// For columns, without a sign of currency: `1,305,088.81`.
pub fn table_amount(amount: &Money) -> String {
    let sign = if amount.rounded(2) < 0 { "-" } else { "" };
    format!("{sign}{}", cents(amount))
}

fn cents(amount: &Money) -> String {
    let cents = amount.rounded(2).abs();
    format!("{}.{:02}", group(cents / 100), cents % 100)
}

/// Groups of three digits.
fn group(number: i128) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Puts `≈ ` before an estimate.
pub fn estimate(is_estimate: bool, text: String) -> String {
    if is_estimate { format!("≈ {text}") } else { text }
}

/// A count with every digit: `115,074`.
pub fn whole(count: u64) -> String {
    group(count.into())
}

/// `1 request`, `1,204 requests`.
pub fn requests(count: u64) -> String {
    let word = if count == 1 { "request" } else { "requests" };
    format!("{} {word}", whole(count))
}

/// Token counts: `412`, `18.2 k`, `4.1 M`, `603 B`.
pub fn tokens(count: u64) -> String {
    const LETTERS: [(u64, &str); 4] =
        [(1_000, "k"), (1_000_000, "M"), (1_000_000_000, "B"), (1_000_000_000_000, "T")];
    if count < 1_000 {
        return count.to_string();
    }
    for (unit, letter) in LETTERS {
        let tenths = (u128::from(count) * 10 + u128::from(unit) / 2) / u128::from(unit);
        if tenths < 1_000 {
            return format!("{}.{} {letter}", tenths / 10, tenths % 10);
        }
        let whole = (u128::from(count) + u128::from(unit) / 2) / u128::from(unit);
        if whole < 1_000 || unit == 1_000_000_000_000 {
            return format!("{whole} {letter}");
        }
    }
    count.to_string()
}

/// How long ago: `just now`, `3 min ago`, `at 14:05`, `yesterday 18:20`, `on 20 Nov 18:20`.
pub fn age(now: DateTime<Utc>, at: DateTime<Utc>, zone: Zone) -> String {
    let seconds = (now - at).num_seconds();
    let local = at.with_timezone(&zone);
    let today = now.with_timezone(&zone).date_naive();
    let clock = local.format("%H:%M");
    if seconds < 60 {
        "just now".into()
    } else if seconds < 60 * 60 {
        format!("{} min ago", seconds / 60)
    } else if local.date_naive() == today {
        format!("at {clock}")
    } else if Some(local.date_naive()) == today.pred_opt() {
        format!("yesterday {clock}")
    } else if local.year() == today.year() {
        format!("on {} {clock}", local.format("%-d %b"))
    } else {
        format!("on {} {clock}", local.format("%-d %b %Y"))
    }
}

/// A share in whole percent, rounded down so that 100 % means reached: `43 %`.
pub fn percent(permille: i128) -> String {
    format!("{} %", permille.div_euclid(10))
}

/// Ten steps, one for each full tenth: `▰▰▰▰▱▱▱▱▱▱`.
pub fn bar(permille: i128) -> String {
    let full = permille.div_euclid(100).clamp(0, 10) as usize;
    "▰".repeat(full) + &"▱".repeat(10 - full)
}

/// Money as in a menu, or a number of units: `1,500 points`.
pub fn quantity(quantity: &Quantity) -> String {
    match quantity {
        Quantity::Money(money) => amount(money),
        Quantity::Units(units) => format!("{} {}", count(units.attos), units.unit),
    }
}

/// A bill in another currency that counts in the total: `€3.00 billed counts as $3.48, at 1.16 of
/// 2 Nov 2026.`
pub fn converted(it: &Converted) -> String {
    at_rate(it, "billed counts")
}

/// The same of plans' fees.
fn converted_fee(it: &Converted) -> String {
    at_rate(it, "of fees count")
}

fn at_rate(it: &Converted, what: &str) -> String {
    let rate =
        Money { attos: it.rate.nanos_usd.saturating_mul(1_000_000_000), currency: Currency::USD };
    format!(
        "{} {what} as {}, at the rate {} of {}.",
        amount_full(&it.amount),
        amount_full(&it.usd),
        rate.to_decimal(),
        day(it.rate.date)
    )
}

/// A number of units, at most two decimals: `1,500`, `0.25`.
fn count(attos: i128) -> String {
    // Tables write amounts without their sign of currency.
    let text = table_amount(&Money { attos, currency: Currency::USD });
    text.strip_suffix(".00").map_or(text.clone(), str::to_owned)
}

/// What is left of something prepaid: `credits $31.50 left`, `balance $2.00 owed`.
///
/// With a pace: `credits $31.50 left, for about 9 days`.
pub fn balance_row(row: &BalanceRow) -> String {
    let left = balance(&row.balance);
    match row.days_left {
        None => left,
        Some(0) => format!("{left}, for less than a day"),
        Some(1) => format!("{left}, for about a day"),
        // Nobody plans further ahead by the pace of a week.
        Some(days) if days > 365 => format!("{left}, for more than a year"),
        Some(days) => format!("{left}, for about {days} days"),
    }
}

/// What is left of something prepaid, alone.
pub fn balance(balance: &Balance) -> String {
    let attos = balance.amount.attos();
    if attos < 0 {
        let owed = balance.amount.with_attos(attos.saturating_neg());
        return format!("{} {} owed", balance.name, quantity(&owed));
    }
    format!("{} {} left", balance.name, quantity(&balance.amount))
}

/// How far a limit is used, when it starts anew, and whether it lasts until then:
/// `week 64 % used · new at 18:20 · runs out at 14:10 at this pace`.
pub fn quota(window: &QuotaWindow, now: DateTime<Utc>, zone: Zone) -> String {
    let used = match &window.amounts {
        Some(UsedOf { used, limit: Quantity::Money(limit) }) => {
            format!("{} of {}", quantity(used), amount_short(limit))
        }
        Some(UsedOf { used, limit }) => format!("{} of {}", count(used.attos()), quantity(limit)),
        None => format!("{} used", percent(i128::from(window.used_ppm / 1000))),
    };
    let mut parts = vec![format!("{} {used}", window.name)];
    if let Some(at) = window.resets_at {
        parts.push(format!("new {}", moment(at, now, zone)));
    } else if let Some(word) = &window.resets {
        parts.push(word.clone());
    }
    if let Some(at) = window.runs_out_at(now) {
        parts.push(format!("runs out {} at this pace", moment(at, now, zone)));
    }
    parts.join(" · ")
}

/// A moment to come: `at 14:10`, `on Sun 08:00`, `on 1 Dec`.
fn moment(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> String {
    let (there, today) = (at.with_timezone(&zone), now.with_timezone(&zone));
    let days = (there.date_naive() - today.date_naive()).num_days();
    match days {
        ..=0 => there.format("at %H:%M").to_string(),
        1..=6 => there.format("on %a %H:%M").to_string(),
        _ => there.format("on %-d %b").to_string(),
    }
}

/// `today's`, `this week's`, `this month's`, `the last 5 hours'`; `the` for a range, which its name
/// tells apart.
pub fn whose(cycle: Cycle) -> Cow<'static, str> {
    match cycle {
        Cycle::Day => "today's".into(),
        Cycle::Week(_) => "this week's".into(),
        Cycle::Month(_) => "this month's".into(),
        Cycle::Hours(1) => "the last hour's".into(),
        Cycle::Days(1) => "the last day's".into(),
        Cycle::Hours(_) | Cycle::Days(_) => format!("the last {cycle}'").into(),
        Cycle::Range(..) => "the".into(),
    }
}

/// `Today`, `This week`, `This month`.
pub fn this(period: Period) -> &'static str {
    match period {
        Period::Day => "Today",
        Period::Week => "This week",
        Period::Month => "This month",
    }
}

/// `a day`, `a month from 15`, `in any 5 hours`, `from 2026-11-01 to 2027-06-30`.
pub fn per(cycle: Cycle) -> String {
    match cycle {
        Cycle::Day | Cycle::Week(_) | Cycle::Month(_) => format!("a {cycle}"),
        Cycle::Hours(_) | Cycle::Days(_) => format!("in any {cycle}"),
        Cycle::Range(..) => format!("from {cycle}"),
    }
}

/// When a period ends, for people: `midnight`, `the end of Sunday`, `the end of the month`, `the
/// end of 14 Dec`.
pub fn period_end(cycle: Cycle, end_day: NaiveDate) -> String {
    let last = end_day.pred_opt().unwrap_or(end_day);
    match cycle {
        Cycle::Day => "midnight".into(),
        Cycle::Week(_) => format!("the end of {}", last.format("%A")),
        Cycle::Month(1) => "the end of the month".into(),
        _ => format!("the end of {}", last.format("%-d %b")),
    }
}

/// What a period is expected to end at: `≈ $580.00 to $700.00`, and where a price change is in it
/// `≈ $580.00 to $700.00 (prices +25 % from 1 Dec)`.
pub fn range(forecast: &Forecast) -> String {
    let (low, high) = (amount(&forecast.low), amount(&forecast.high));
    let range = if low == high { low } else { format!("{low} to {high}") };
    let step = forecast.price_step.map_or(String::new(), |(day, permille)| {
        format!(" (prices {} from {})", bills::share(permille - 1000), day.format("%-d %b"))
    });
    estimate(true, range + &step)
}

/// What went wrong with a source, and what to do: one or two sentences.
pub fn failure(
    info: &SourceInfo,
    error: &SourceError,
    retry_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    zone: Zone,
) -> String {
    let name = info.name;
    let again = retry_at.map(|at| format!(" {}", again(at, now, zone))).unwrap_or_default();
    let set_key = || match &info.key {
        Some(key) => format!("It needs {}. Set one: `spendbar key set {}`.", key.kind, info.id),
        None => "Sign in again in the program that the token belongs to.".to_owned(),
    };
    match error {
        SourceError::NotInstalled => format!("{name} was not found on this machine."),
        SourceError::NeedsKey => format!("{name} has no key yet. {}", set_key()),
        SourceError::NeedsSetting { name: setting, what } => format!(
            "{name} needs {what}. Write it under [providers.{}]: settings = {{ {setting} = \"…\" }}.",
            info.id
        ),
        SourceError::KeyUnavailable { what } => {
            let variable = info.key.as_ref().and_then(|key| key.variables.first());
            let instead = variable.map(|name| format!(", or set {name}")).unwrap_or_default();
            format!(
                "{name}: the keyring did not give the key: {what}. Unlock or restart it{instead}.{again}"
            )
        }
        SourceError::KeyRejected { status } => {
            format!("{name} refused the key ({status}). {}", set_key())
        }
        SourceError::WrongKindOfKey { status } => {
            format!("{name} does not let this key read spend ({status}). {}", set_key())
        }
        SourceError::TokenExpired => {
            format!(
                "{name}: the token has run out (401). Use the program that it belongs to once; \
                     Spendbar never renews another program's token."
            )
        }
        SourceError::NotOffered { what } => format!("{name} does not offer this: {what}."),
        SourceError::OutOfCredit => {
            format!("{name} has no credit left (402). Top it up there.{again}")
        }
        SourceError::RateLimited { .. } => format!("{name} was asked too often (429).{again}"),
        SourceError::Unreachable { what } => format!("{name} gave no answer: {what}.{again}"),
        SourceError::ProviderDown { status, .. } => {
            format!("{name} has a fault on its side ({status}).{again}")
        }
        SourceError::FormatChanged { what } => format!(
            "{name} answered in a way that Spendbar {} does not know: {what}. \
             See whether a newer Spendbar does.",
            env!("CARGO_PKG_VERSION")
        ),
        SourceError::Misconfigured { what } => {
            format!("{name}: {what}. Change it: `spendbar config edit`.")
        }
        SourceError::Unreadable { place, what } => {
            format!("{name}: {place} could not be read: {what}.{again}")
        }
    }
}

/// The same in two or three words, for a menu row.
pub fn failure_short(error: &SourceError) -> &'static str {
    match error {
        SourceError::NotInstalled => "not found",
        SourceError::NeedsKey => "needs a key",
        SourceError::NeedsSetting { .. } => "needs a setting",
        SourceError::KeyUnavailable { .. } => "keyring gave no key",
        SourceError::KeyRejected { .. } => "key refused",
        SourceError::WrongKindOfKey { .. } => "wrong kind of key",
        SourceError::TokenExpired => "token has run out",
        SourceError::NotOffered { .. } => "not offered",
        SourceError::OutOfCredit => "no credit left",
        SourceError::RateLimited { .. } => "asked too often",
        SourceError::Unreachable { .. } => "no answer",
        SourceError::ProviderDown { .. } => "provider has a fault",
        SourceError::FormatChanged { .. } => "answer not understood",
        SourceError::Misconfigured { .. } => "check the config",
        SourceError::Unreadable { .. } => "can't be read",
    }
}

/// What a provider reports of its own faults, in two or three words, for a row.
pub fn incident_short(incident: &Incident) -> &'static str {
    match incident.indicator {
        Indicator::Critical => "status: major outage",
        Indicator::Major => "status: outage",
        Indicator::Minor => "degraded",
        Indicator::Maintenance => "maintenance",
    }
}

/// The same in a sentence, with the page's own words. What is mild is told and no conclusion drawn.
pub fn incident(incident: &Incident, zone: Zone) -> String {
    let Incident { by, indicator, text, as_of } = incident;
    let own_words = |else_: &str| match text.as_str() {
        "" => else_.to_owned(),
        text => format!("“{text}”"),
    };
    let as_of = as_of.with_timezone(&zone).format("as of %H:%M");
    let reports = |what| {
        let what = own_words(what);
        format!("{by} reports {what} on its status page ({as_of}): figures may be late.")
    };
    let mentions = |what| format!("{by}'s status page mentions {} ({as_of}).", own_words(what));
    match indicator {
        Indicator::Critical => reports("a major outage"),
        Indicator::Major => reports("an outage"),
        Indicator::Minor => mentions("degraded service"),
        Indicator::Maintenance => mentions("maintenance"),
    }
}

/// Why a source is not asked although somebody wants it: `asked 2 min ago; at most once in 5 min`.
pub fn held_back(ago: Duration, least_minutes: u32) -> String {
    let ago = match ago.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    };
    format!("asked {ago} ago; at most once in {least_minutes} min")
}

fn again(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> String {
    let seconds = (at - now).num_seconds();
    if seconds <= 0 {
        "Trying again now.".into()
    } else if seconds < 90 {
        format!("Trying again in {seconds} s.")
    } else if seconds < 60 * 60 {
        format!("Trying again in {} min.", (seconds + 30) / 60)
    } else {
        format!("Trying again at {}.", at.with_timezone(&zone).format("%H:%M"))
    }
}

/// One day, or a span of them: `23 Nov 2026 to 24 Nov 2026`.
pub fn days(first: NaiveDate, last: NaiveDate) -> String {
    if first == last { day(first) } else { format!("{} to {}", day(first), day(last)) }
}

/// A day for people, in English: `24 Nov 2026`.
pub fn day(day: NaiveDate) -> String {
    day.format("%-d %b %Y").to_string()
}
