//! What was seen goes into the ledger, and the budgets are judged in the same transaction: either
//! both are on disk or neither.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::budgets::{self, Budget};
use crate::config::{Billing, Config};
use crate::ledger::{Ledger, LedgerError, LookRecord, NewAlert, Recorded, Recording};
use crate::pricing::PriceTable;
use crate::sources::SourceError;
use crate::spend::{AlertKind, Funding, Money, Severity, Span, period::local_day};

use super::look::Looked;
use super::{watching, words};

/// The name under which the ledger remembers that the first look at this machine is over.
const FIRST_LOOK_OVER: &str = "first-look-over";

/// Records a look. With `judge` the budgets are judged in the same transaction.
pub fn record(
    ledger: &mut Ledger,
    looked: &Looked,
    config: &Config,
    prices: &PriceTable,
    retry_at: Option<DateTime<Utc>>,
    judge: bool,
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
            if recorded.changed && judge {
                judge_budgets(&mut recording, config, looked.at)?;
            }
            recorded
        }
        Err(error) => {
            recording.fail(&record, error, retry_at)?;
            Recorded::default()
        }
    };
    recording.commit()?;
    Ok(recorded)
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
) -> Result<(), LedgerError> {
    let mut recording = ledger.begin()?;
    judge_budgets(&mut recording, config, now)?;
    recording.commit()
}

fn judge_budgets(
    recording: &mut Recording<'_>,
    config: &Config,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let zone = config.zone;
    let first_look = !first_look_is_over(recording)?;
    for budget in &config.budgets {
        let span = budget.period.holding(now, zone);
        let spend = recording.spend(&span, zone, &budget.sources)?;
        let start = span.first_day;
        let known = recording.known_alerts(&budget.key(), start)?;
        let before_today = if first_look {
            Some(before_today(recording, budget, &span, now, zone)?)
        } else {
            None
        };
        let verdict = budgets::judge(budget, &spend.spend, &known, before_today.as_ref());
        let alert = |threshold_percent, (title, body)| NewAlert {
            budget_key: budget.key(),
            kind: AlertKind::Threshold,
            severity: Severity::of_threshold(threshold_percent),
            budget: budget.name.clone(),
            subject: String::new(),
            period: Some(budget.period),
            period_start: start,
            threshold_percent,
            amount: Some(budget.amount),
            spent: Some(spend.spend),
            estimated: spend.estimated,
            at: now,
            title,
            body,
        };
        for percent in &verdict.silent {
            recording.skip_alert(&alert(*percent, Default::default()))?;
        }
        if let Some(percent) = verdict.speaks {
            let words = words::of_crossing(recording, budget, percent, &spend, now, zone)?;
            recording.add_alert(&alert(percent, words))?;
        }
    }
    watching::judge(recording, config, now)?;
    if first_look {
        recording.set_meta(FIRST_LOOK_OVER, &now.to_rfc3339())?;
    }
    Ok(())
}

/// What the budget's period had cost when the local day of `now` began.
fn before_today(
    recording: &Recording<'_>,
    budget: &Budget,
    span: &Span,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<Money, LedgerError> {
    let past = Span::of_days(span.first_day, local_day(now, zone), zone);
    if past.first_day >= past.end_day {
        return Ok(Money::zero(budget.amount.currency));
    }
    Ok(recording.spend(&past, zone, &budget.sources)?.spend)
}
