//! What an alert says: what happened, where it came from, what follows.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::board::wording;
use crate::budgets::{self, Budget};
use crate::ledger::{GroupKey, Ledger, LedgerError, ReportRow, Spend};
use crate::spend::Money;

/// Title and body of the alert on a budget's threshold.
pub fn of_crossing(
    ledger: &Ledger,
    budget: &Budget,
    percent: u32,
    spend: &Spend,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<(String, String), LedgerError> {
    let span = budget.period.holding(now, zone);
    let spent = wording::estimate(spend.estimated, wording::amount_short(&spend.spend));
    let limit = wording::amount_short(&budget.amount);
    let name = if budget.name.starts_with(budget.period.word()) {
        String::new()
    } else {
        format!(" “{}”", budget.name)
    };
    let title = format!(
        "{percent} % of {} budget{name}: {spent} of {limit}",
        wording::whose(budget.period)
    );
    let last_day = span.end_day.pred_opt().unwrap_or(span.end_day);
    let by = [GroupKey::Source, GroupKey::Project];
    let rows = ledger.report(span.first_day, last_day, zone, &by)?.rows;
    let in_scope = |row: &&ReportRow| {
        let source = row.source.as_ref();
        budget.sources.is_empty() || source.is_some_and(|source| budget.sources.contains(source))
    };
    let largest = rows.iter().filter(in_scope).filter_map(|row| Some((row, cost(row)?)));
    let mut sentences = Vec::new();
    if let Some((row, (amount, estimated))) = largest.max_by_key(|(_, (amount, _))| amount.attos) {
        let source = row.source.as_deref().unwrap_or_default();
        let name = crate::sources::find(source).map_or(source, |source| source.info().name);
        let place = row.project.as_deref().map(|path| format!(" in {path}")).unwrap_or_default();
        let amount = wording::estimate(estimated, wording::amount_short(&amount));
        sentences.push(format!("{name}{place} made {amount} of it."));
    }
    if let Some(pace) = budgets::pace(&span, now, &spend.spend) {
        let pace = wording::estimate(true, wording::amount_short(&pace));
        sentences.push(format!("At this pace: {pace} by {}.", wording::period_end(budget.period)));
    }
    Ok((title, sentences.join("\n")))
}

/// What a row cost, and whether that is a list price: billed where the row is billed.
fn cost(row: &ReportRow) -> Option<(Money, bool)> {
    let billed = row.sums.billed.usd();
    if billed.attos > 0 { Some((billed, false)) } else { Some((row.sums.list?, true)) }
}
