//! What an alert says: what happened, where it came from, what follows.

use crate::board::standing::Standing;
use crate::board::wording;
use crate::budgets::Budget;
use crate::config::Config;
use crate::ledger::{GroupKey, Ledger, LedgerError, ReportRow};
use crate::spend::{Facts, Money, Span};

/// Title and body of the alert on a budget's threshold.
pub fn of_crossing(
    ledger: &Ledger,
    config: &Config,
    budget: &Budget,
    percent: u32,
    standing: &Standing,
) -> Result<(String, String), LedgerError> {
    let spent = wording::estimate(standing.estimated, wording::amount_short(&standing.spent));
    let limit = wording::amount_short(&standing.limit);
    let is_named_so = budget.name.starts_with(&budget.cycle.to_string());
    let name = if is_named_so { String::new() } else { format!(" “{}”", budget.name) };
    let whose = wording::whose(budget.cycle);
    let title = format!("{percent} % of {whose} budget{name}: {spent} of {limit}");
    let mut sentences = Vec::new();
    if let Some(largest) = largest(ledger, config, budget, standing)? {
        sentences.push(largest);
    }
    if let Some(forecast) = &standing.forecast {
        let by = wording::period_end(budget.cycle, standing.span.end_day);
        sentences.push(format!("At this pace: {} by {by}.", wording::range(forecast)));
    }
    Ok((title, sentences.join("\n")))
}

/// Which agent, in which folder, made most of it. Rows tell no account and no session: where these
/// decide, nothing is said.
fn largest(
    ledger: &Ledger,
    config: &Config,
    budget: &Budget,
    standing: &Standing,
) -> Result<Option<String>, LedgerError> {
    let lists = [&budget.filter.only, &budget.filter.except];
    if lists.iter().any(|lists| !lists.accounts.is_empty() || !lists.sessions.is_empty()) {
        return Ok(None);
    }
    let Span { first_day, end_day, .. } = standing.span;
    let last_day = end_day.pred_opt().unwrap_or(end_day);
    let mut by = vec![GroupKey::Source, GroupKey::Project];
    if budget.filter.tells_models_apart() {
        by.push(GroupKey::Model);
    }
    if lists.iter().any(|lists| !lists.providers.is_empty()) {
        by.push(GroupKey::Provider);
    }
    let rows = ledger.report(first_day, last_day, config.zone, &by)?.rows;
    let in_scope = |row: &&ReportRow| {
        budget.filter.takes(&Facts {
            source: row.source.as_deref().unwrap_or_default(),
            provider: row.provider.as_deref(),
            model: row.model.as_deref(),
            project: row.project.as_deref(),
            ..Facts::default()
        })
    };
    let costs = rows.iter().filter(in_scope).filter_map(|row| Some((row, cost(row)?)));
    let Some((row, (amount, estimated))) = costs.max_by_key(|(_, (amount, _))| amount.attos) else {
        return Ok(None);
    };
    let source = row.source.as_deref().unwrap_or_default();
    let name = config.further.find(source).map_or(source, |source| source.info().name);
    let model = row.model.as_deref().map(|model| format!(" with {model}")).unwrap_or_default();
    let place = row.project.as_deref().map(|path| format!(" in {path}")).unwrap_or_default();
    let amount = wording::estimate(estimated, wording::amount_short(&amount));
    Ok(Some(format!("{name}{model}{place} made {amount} of it.")))
}

/// What a row cost, and whether that is a list price: billed where the row is billed.
fn cost(row: &ReportRow) -> Option<(Money, bool)> {
    let billed = row.sums.billed.usd();
    if billed.attos > 0 { Some((billed, false)) } else { Some((row.sums.list?, true)) }
}
