//! What a provider's usage report tells beyond the logs of the same account.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use rusqlite::{Connection, Result};

use super::names::Names;
use super::scope::Scope;
use super::{bills, codes};
use crate::spend::{Span, TokenCounts, Zone};

/// The part of a provider's usage report that no log of the account tells.
pub(super) struct Excess {
    pub(super) day: NaiveDate,
    pub(super) source: i64,
    pub(super) provider: i64,
    pub(super) model: i64,
    pub(super) requests: u64,
    pub(super) tokens: TokenCounts,
    pub(super) web_searches: u64,
    /// `None` when the model has no known price.
    pub(super) list_picos: Option<i128>,
}

impl Excess {
    pub(super) fn unpriced_tokens(&self) -> u64 {
        if self.list_picos.is_some() { 0 } else { self.tokens.total() }
    }
}

/// What a provider's usage report of the scope tells beyond the logs.
pub(super) fn excess(conn: &Connection, names: &mut Names, scope: &Scope) -> Result<Vec<Excess>> {
    if !scope.has_bills() {
        return Ok(Vec::new());
    }
    let mut metered = Vec::new();
    for (_, row) in bills::metered_between(conn, scope.utc_days())? {
        if scope.takes_told(conn, (row.source, row.provider, row.model))? {
            metered.push(row);
        }
    }
    let (Some(first), Some(last)) = (metered.first(), metered.last()) else {
        return Ok(Vec::new());
    };
    // The logs of the same UTC days, whatever the zone.
    let end_day = last.day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
    let utc = scope.over(Span::of_days(first.day, end_day, Zone::UTC), Zone::UTC);
    let reported: HashSet<(Arc<str>, NaiveDate)> =
        metered.iter().map(|row| (scope.account(row.source).into(), row.day)).collect();
    let mut logged: HashMap<(Arc<str>, NaiveDate, String), Known> = HashMap::new();
    utc.for_each_day(conn, |day, about, figures| {
        let account = (scope.account_of(conn, names, about)?, day);
        if !reported.contains(&account) || scope.is_covered(conn, names, about, day)? {
            return Ok(());
        }
        let model = plain_model(names.text(conn, about.model)?.as_deref());
        let known = logged.entry((account.0, day, model)).or_default();
        known.tokens.add(&figures.token_counts());
        known.requests += codes::to_u64(figures.requests);
        Ok(())
    })?;
    // Several rows may be about one model (with and without a date): the logs are taken off once.
    metered.sort();
    let mut rest = Vec::with_capacity(metered.len());
    for row in metered {
        let account = scope.account(row.source).into();
        let model = plain_model(names.text(conn, row.model)?.as_deref());
        let known = logged.entry((account, row.day, model)).or_default();
        let (mut tokens, mut requests) = (row.tokens, row.requests);
        tokens.sub(&known.tokens);
        // A part of the output can't be larger than all of it.
        tokens.reasoning = tokens.reasoning.min(tokens.output);
        requests = requests.saturating_sub(known.requests);
        // Days do not sum searches; where the logs know the model at all they know its searches.
        let searches = if known.requests == 0 { row.web_searches } else { 0 };
        known.tokens.sub(&row.tokens);
        known.requests = known.requests.saturating_sub(row.requests);
        if tokens.is_zero() && requests == 0 && searches == 0 {
            continue;
        }
        rest.push(Excess {
            day: row.day,
            source: row.source,
            provider: row.provider,
            model: row.model,
            requests,
            tokens,
            web_searches: searches,
            list_picos: row.prices.cost_picos(&tokens, searches),
        });
    }
    Ok(rest)
}

#[derive(Default)]
struct Known {
    tokens: TokenCounts,
    requests: u64,
}

/// A model's name without the date of its release, in lower case: reports and logs spell it either
/// way (`gpt-5-2025-08-07`, `claude-haiku-4-5-20251001`).
pub(super) fn plain_model(name: Option<&str>) -> String {
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let is_date = |text: &str| {
        let pattern_fits = match text.len() {
            9 => text.starts_with('-'),
            11 => text.bytes().enumerate().all(|(i, b)| (b == b'-') == matches!(i, 0 | 5 | 8)),
            _ => false,
        };
        pattern_fits
            && text.bytes().skip(1).all(|byte| byte.is_ascii_digit() || byte == b'-')
            && text[1..].starts_with("20")
    };
    for length in [11, 9] {
        let at = name.len().saturating_sub(length);
        if name.is_char_boundary(at) && is_date(&name[at..]) {
            return name[..at].to_owned();
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_compared_without_their_date() {
        for (name, plain) in [
            ("gpt-5-2025-08-07", "gpt-5"),
            ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
            ("GPT-5", "gpt-5"),
            ("gpt-4-0613", "gpt-4-0613"),
            ("model-12345678", "model-12345678"),
            ("20251001", "20251001"),
            ("größe-20251001", "größe"),
            ("é", "é"),
        ] {
            assert_eq!(plain_model(Some(name)), plain, "{name}");
        }
    }
}
