//! What was seen goes into the ledger, and the budgets are judged in the same transaction: either
//! both are on disk or neither.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use crate::board::standing::{self, Standing, Standings};
use crate::budgets::{self, Budget, Rolling, Told};
use crate::config::{Billing, Config};
use crate::ledger::{Ledger, LedgerError, LookRecord, NewAlert, Recorded, Recording};
use crate::pricing::PriceTable;
use crate::sources::SourceError;
use crate::spend::{
    AlertKind, Funding, Money, Severity, SourceKind, Span, Zone, period::local_day,
};

use super::look::Looked;
use super::{guarding, unusual, watching, words};

/// The name under which the ledger remembers that the first look at this machine is over.
const FIRST_LOOK_OVER: &str = "first-look-over";

/// What judging keeps between readings.
#[derive(Default)]
pub struct Judge {
    /// Where the budgets stand.
    pub standings: Standings,
    /// What is usual.
    pub unusual: unusual::Memory,
    /// How a day usually passes, as JSON: kept with the next reading that changes anything.
    pub day_shape: Option<String>,
}

/// Records a look. With `judge` the budgets are judged in the same transaction.
pub fn record(
    ledger: &mut Ledger,
    looked: &Looked,
    config: &Config,
    prices: &PriceTable,
    retry_at: Option<DateTime<Utc>>,
    judge: Option<&mut Judge>,
) -> Result<Recorded, LedgerError> {
    // What is simply not there is no news, and needs no transaction.
    if looked.result.as_ref().is_err_and(SourceError::is_absence) {
        return Ok(Recorded::default());
    }
    let info = looked.source.info();
    let record = LookRecord {
        source: info,
        account: config.account(info),
        funding: config.billing(info.id).map(|billing| match billing {
            Billing::Api => Funding::ApiKey,
            Billing::Subscription => Funding::Subscription,
        }),
        at: looked.at,
        took_ms: u64::try_from(looked.took.as_millis()).unwrap_or(u64::MAX),
    };
    let mut recording = ledger.begin()?;
    let recorded = match &looked.result {
        Ok(reading) => {
            let recorded = recording.record(&record, reading, prices)?;
            if recorded.changed
                && let Some(judge) = judge
            {
                if let Some(shape) = &judge.day_shape {
                    recording.set_meta(standing::DAY_SHAPE, shape)?;
                }
                let tells_limits = info.kind == SourceKind::Provider;
                judge_budgets(&mut recording, config, looked.at, judge, tells_limits)?;
            }
            recorded
        }
        Err(error) => {
            recording.fail(&record, error, retry_at)?;
            Recorded::default()
        }
    };
    keep_tree(&recording, looked)?;
    recording.commit()?;
    Ok(recorded)
}

/// Keeps the folders that a comparison found, if they are worth it. A part of the running
/// transaction, if there is one.
pub fn keep_tree(ledger: &Ledger, looked: &Looked) -> Result<(), LedgerError> {
    match looked.compared.as_ref().and_then(|compared| compared.tree.as_ref()) {
        Some(tree) => ledger.keep_tree(looked.source.info().id, tree),
        None => Ok(()),
    }
}

/// Whether the first look at this machine was judged, in this run or an earlier one.
pub fn first_look_is_over(ledger: &Ledger) -> Result<bool, LedgerError> {
    Ok(ledger.meta(FIRST_LOOK_OVER)?.is_some())
}

/// Judges the budgets in a transaction of their own: after the first look, at the start of a
/// period, and when the config changed.
pub fn judge_now(
    ledger: &mut Ledger,
    config: &Config,
    now: DateTime<Utc>,
    judge: &mut Judge,
) -> Result<(), LedgerError> {
    let mut recording = ledger.begin()?;
    judge_budgets(&mut recording, config, now, judge, true)?;
    unusual::judge_silence(&mut recording, config, now)?;
    recording.commit()
}

/// Tells of providers that fell silent, in a transaction of its own.
pub fn judge_silence(
    ledger: &mut Ledger,
    config: &Config,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let mut recording = ledger.begin()?;
    unusual::judge_silence(&mut recording, config, now)?;
    recording.commit()
}

fn judge_budgets(
    recording: &mut Recording<'_>,
    config: &Config,
    now: DateTime<Utc>,
    judge: &mut Judge,
    limits_too: bool,
) -> Result<(), LedgerError> {
    let first_look = !first_look_is_over(recording)?;
    let all = judge.standings.read(recording, &config.budgets, now, config.zone)?;
    let mut limits = Vec::new();
    for (budget, standing) in config.budgets.iter().zip(all) {
        limits.extend(guarding::limit(config, budget, &standing, now));
        // Nearly always nothing is reached, and there is nothing to ask.
        let lowest = budget.thresholds_percent.first().copied().unwrap_or(u32::MAX);
        let share = budgets::permille(&standing.limit, &standing.spent);
        if budget.cycle.is_rolling() {
            judge_rolling(recording, config, budget, &standing, now)?;
        } else if share >= i128::from(lowest) * 10 {
            judge_period(recording, config, budget, &standing, now, first_look)?;
        }
        if !first_look {
            unusual::judge_pace(recording, config, budget, &standing, now)?;
        }
    }
    guarding::keep(recording, config, limits, now)?;
    if limits_too {
        watching::judge(recording, config, now)?;
    }
    if !first_look {
        unusual::judge(recording, config, &mut judge.unusual, now)?;
    }
    if first_look {
        recording.set_meta(FIRST_LOOK_OVER, &now.to_rfc3339())?;
    }
    Ok(())
}

/// Judges a budget whose time starts anew. A range that is over or has not begun is not judged:
/// what comes to be known of it later is in the figures, and no news any more. The same goes for
/// every period that is over, whatever a late bill says of it; and a threshold that spoke in a
/// period stays told, should a bill lower the spend below it and further spend raise it again.
fn judge_period(
    recording: &mut Recording<'_>,
    config: &Config,
    budget: &Budget,
    standing: &Standing,
    now: DateTime<Utc>,
    first_look: bool,
) -> Result<(), LedgerError> {
    if !standing.span.holds(now) {
        return Ok(());
    }
    let Standing { limit, spent, .. } = standing;
    let start = standing.span.first_day;
    let mut told = Told { known: recording.known_alerts(&budget.key(), start)?, ..Told::default() };
    let mut verdict = budgets::judge(budget, limit, spent, &told);
    if verdict.speaks.is_some() {
        // Only now is it worth asking what else was told.
        told.amount = recording.told_before(&budget.name, &budget.key(), budget.cycle, start)?;
        if first_look {
            told.before_today = Some(before_today(recording, budget, standing, now, config.zone)?);
        }
        verdict = budgets::judge(budget, limit, spent, &told);
    }
    for percent in &verdict.silent {
        recording.skip_alert(&alert_of(budget, standing, *percent, now))?;
    }
    if let Some(percent) = verdict.speaks {
        let (title, body) = words::of_crossing(recording, config, budget, percent, standing)?;
        recording.add_alert(&NewAlert {
            title,
            body,
            ..alert_of(budget, standing, percent, now)
        })?;
    }
    Ok(())
}

/// Judges a budget whose time moves with the clock.
fn judge_rolling(
    recording: &mut Recording<'_>,
    config: &Config,
    budget: &Budget,
    standing: &Standing,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let key = budget.key();
    let memory = format!("rolling:{key}");
    // What can't be read was written by another version: it is said again, which is better than
    // never.
    let before: Rolling = recording
        .meta(&memory)?
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let after = budgets::judge_rolling(budget, &standing.limit, &standing.spent, before);
    if after == before {
        return Ok(());
    }
    recording.set_meta(&memory, &serde_json::to_string(&after).unwrap_or_default())?;
    if after.times > before.times {
        let (title, body) = words::of_crossing(recording, config, budget, after.said, standing)?;
        recording.add_alert(&NewAlert {
            budget_key: format!("{key} {}", after.times),
            period_start: local_day(now, config.zone),
            title,
            body,
            ..alert_of(budget, standing, after.said, now)
        })?;
    }
    Ok(())
}

/// The alert on a threshold, without its words.
fn alert_of(
    budget: &Budget,
    standing: &Standing,
    threshold_percent: u32,
    now: DateTime<Utc>,
) -> NewAlert {
    NewAlert {
        budget_key: budget.key(),
        kind: AlertKind::Threshold,
        severity: Severity::of_threshold(threshold_percent),
        subject: String::new(),
        budget: budget.name.clone(),
        period: Some(budget.cycle),
        period_start: standing.span.first_day,
        threshold_percent,
        amount: Some(standing.limit),
        spent: Some(standing.spent),
        estimated: standing.estimated,
        at: now,
        title: String::new(),
        body: String::new(),
    }
}

/// What the budget's period had cost when the local day of `now` began.
fn before_today(
    recording: &Recording<'_>,
    budget: &Budget,
    standing: &Standing,
    now: DateTime<Utc>,
    zone: Zone,
) -> Result<Money, LedgerError> {
    let past = Span::of_days(standing.span.first_day, local_day(now, zone), zone);
    if past.first_day >= past.end_day {
        return Ok(Money::zero(budget.amount.currency));
    }
    standing::spent(recording, budget, &past, zone)
}
