//! How a bill differs from the list price, and what that likely comes from, in words.

use crate::ledger::{AccountLines, Confidence, Difference, Line, LineState, Reason, Tier};
use crate::spend::Money;

use super::{amount_full, day, table_amount};

/// Reasons that a sentence names.
const MOST_REASONS: usize = 5;

/// One row: `openai: bill $4.10 · list $5.20 · -$1.10 (-21 %): open day, the bill lags`.
pub fn difference(it: &Difference) -> String {
    let reason = it.reason.as_ref().map(|reason| format!(": {}", hedged(reason)));
    format!(
        "{}: bill {} · list {} · {} ({}){}",
        it.account,
        amount_full(&it.billed),
        amount_full(&it.list),
        signed(&it.amount()),
        share(it.permille()),
        reason.unwrap_or_default()
    )
}

/// With its sign: `-$1.10`, `+$0.30`.
pub fn signed(amount: &Money) -> String {
    let plus = if amount.rounded(2) > 0 { "+" } else { "" };
    format!("{plus}{}", amount_full(amount))
}

/// The same for columns: `-1.10`, `+0.30`.
pub fn signed_in_table(amount: &Money) -> String {
    let plus = if amount.rounded(2) > 0 { "+" } else { "" };
    format!("{plus}{}", table_amount(amount))
}

/// Thousandths with their sign, to the nearest percent, below ten percent with a decimal:
/// `-21 %`, `+2.5 %`.
pub fn share(permille: i128) -> String {
    let plus = if permille > 0 { "+" } else { "" };
    format!("{plus}{}", percent_of(permille))
}

fn percent_of(permille: i128) -> String {
    let sign = if permille < 0 { "-" } else { "" };
    let size = permille.abs();
    if size >= 100 || size % 10 == 0 {
        return format!("{sign}{} %", (size + 5) / 10);
    }
    format!("{sign}{}.{} %", size / 10, size % 10)
}

/// A reason in a few words, for a row that says "likely" above.
pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Lag => "open day, the bill lags".into(),
        Reason::NoBill => "no bill is read".into(),
        Reason::DayNotBilled => "no bill of this day".into(),
        Reason::OtherMachine => "used on another machine".into(),
        Reason::OtherMachineOrKey => "another machine or key".into(),
        Reason::Discount { permille } => format!("discount of {}", percent_of(*permille)),
        Reason::Surcharge { permille } => format!("surcharge of {}", percent_of(*permille)),
        Reason::Tier(Tier::Batch) => "tier: batch or flex".into(),
        Reason::Tier(Tier::Residency) => "tier: data residency".into(),
        Reason::Tier(Tier::Fast) => "tier: priority or fast".into(),
        Reason::PriceChange { since } => format!("price change {}", since.format("%-d %b")),
        Reason::KeyNotSeen => "key not in this bill".into(),
        Reason::OtherName { name } => format!("billed as {name}"),
        Reason::NotByModel => "not for a model".into(),
        Reason::Credit => "credit or correction".into(),
        Reason::Unpriced => "no known list price".into(),
        Reason::NoRate { currency } => format!("no rate for {currency}"),
        Reason::Unclear => "no rule fits".into(),
    }
}

/// The same where nothing above says how sure it is: `likely a discount of 15 %` claims less than
/// `a discount of 15 %`. That a bill lags behind an open day needs no such word.
pub fn hedged(it: &Reason) -> String {
    let words = reason(it);
    match (it, it.confidence()) {
        (Reason::Lag | Reason::Unclear, _) | (_, Confidence::Known) => words,
        (_, Confidence::Likely) => format!("likely {words}"),
        (_, Confidence::Possible) => format!("perhaps {words}"),
    }
}

/// How the sides stand to each other: `18 lines match, 2 differ, 1 is only in the logs`.
pub fn states(account: &AccountLines) -> String {
    let parts: Vec<String> = [
        (LineState::Matched, "match"),
        (LineState::Differs, "differ"),
        (LineState::OnlyInLogs, "only in the logs"),
        (LineState::OnlyInBill, "only in the bill"),
        (LineState::Covered, "covered by a subscription"),
    ]
    .into_iter()
    .map(|(state, words)| (account.count(state), words))
    .filter(|(count, _)| *count > 0)
    .map(|(count, words)| format!("{count} {words}"))
    .collect();
    match account.lines.first() {
        Some(Line { by_model: true, .. }) => format!("Days and models: {}", parts.join(", ")),
        _ => format!("Days: {}", parts.join(", ")),
    }
}

/// What makes up the difference: `-$1.44 discount of 15 % (3), +$4.00 another machine or key (1)`.
pub fn reasons(account: &AccountLines) -> Option<String> {
    let all = account.reasons();
    let parts: Vec<String> = all
        .iter()
        .take(MOST_REASONS)
        .map(|(it, lines, sum)| format!("{} {} ({lines})", signed(sum), reason(it)))
        .collect();
    let more = all.len().saturating_sub(MOST_REASONS);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    (!parts.is_empty()).then(|| format!("Likely: {}{more}", parts.join(", ")))
}

/// What an account pays less or more than list price: `Effective discount 15 %, over 12 final days`.
pub fn effective_discount(account: &AccountLines) -> Option<String> {
    let (permille, days) = account.effective_discount()?;
    let days = if days == 1 { "1 final day".to_owned() } else { format!("{days} final days") };
    Some(match permille {
        0 => format!("Effective discount none, over {days} that both sides tell"),
        1.. => {
            format!("Effective discount {}, over {days} that both sides tell", percent_of(permille))
        }
        _ => format!(
            "Effective surcharge {}, over {days} that both sides tell",
            percent_of(-permille)
        ),
    })
}

/// What a reason rests on: a sentence for the notes, once for each kind of reason.
pub fn ground(reason: &Reason) -> String {
    match reason {
        Reason::Lag => "Bills come in late: a day is final when its bill was read 24 hours after \
                        its end."
            .into(),
        Reason::NoBill => "Where no bill is read, the list price stands alone.".into(),
        Reason::DayNotBilled => "The bill leaves some days out that the logs tell.".into(),
        Reason::OtherMachine => "Another machine: the provider's own usage report tells tokens \
                                 that are in no log here."
            .into(),
        Reason::OtherMachineOrKey => "Another machine or key: more is billed than the logs here \
                                      tell, and no usage report tells them apart."
            .into(),
        Reason::Discount { .. } => {
            "Discount: the same share of the list price is billed on most final days.".into()
        }
        Reason::Surcharge { .. } => {
            "Surcharge: the same share is billed on top on most final days, as a fee or a tax is."
                .into()
        }
        Reason::Tier(_) => "Tier: the bill is a documented multiple of the list price (batch and \
                            flex half, data residency 1.1 times, priority and fast mode 1.7 times \
                            and more)."
            .into(),
        Reason::PriceChange { since } => format!(
            "Price change: the share that is billed changed on {} and stayed; the list price here \
             or what was agreed may be another since.",
            day(*since)
        ),
        Reason::KeyNotSeen => {
            "Key not in this bill: what the logs tell seems not, or not all, to be \
                               billed to this account. Another account's key or a subscription may \
                               pay; the config can say so (`account` or `billing` of the agent)."
                .into()
        }
        Reason::OtherName { .. } => {
            "Billed as: the bill has the same amount on that day under another name.".into()
        }
        Reason::NotByModel => {
            "Not for a model: searches, tools, fees and the like, which the bill puts under no \
             model."
                .into()
        }
        Reason::Credit => "A negative amount without use is a credit or a correction.".into(),
        Reason::Unpriced => "Part of the logs has no known list price.".into(),
        Reason::NoRate { currency } => format!(
            "A bill in {currency} can't be compared without a rate; the config can name one under \
             [rates]."
        ),
        Reason::Unclear => "No rule fits: too few days to tell, or several reasons at once.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spend::Currency;

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).expect(text)
    }

    fn say(billed: &str, list: &str, reason: Option<Reason>) -> String {
        let account = "openai".into();
        difference(&Difference { account, billed: usd(billed), list: usd(list), reason })
    }

    #[test]
    fn a_difference_is_one_row() {
        // -1.10 of 5.20 is -21.15 %.
        assert_eq!(
            say("4.10", "5.20", Some(Reason::Lag)),
            "openai: bill $4.10 · list $5.20 · -$1.10 (-21 %): open day, the bill lags"
        );
        // 0.30 of 12 is 2.5 %.
        assert_eq!(
            say("12.30", "12", Some(Reason::OtherMachineOrKey)),
            "openai: bill $12.30 · list $12.00 · +$0.30 (+2.5 %): perhaps another machine or key"
        );
        assert_eq!(
            say("85", "100", Some(Reason::Discount { permille: 150 })),
            "openai: bill $85.00 · list $100.00 · -$15.00 (-15 %): likely discount of 15 %"
        );
        assert_eq!(say("1", "2", None), "openai: bill $1.00 · list $2.00 · -$1.00 (-50 %)");
    }
}
