//! Watches of quota windows and balances, judged in the transaction that records the figures: each
//! speaks once, however often the program is started and however it ends.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::board::wording;
use crate::budgets::watch::{self, Said, Watch, Watched, Word};
use crate::config::Config;
use crate::ledger::{LedgerError, NewAlert, Recording, SourceState, balances};
use crate::spend::{AlertKind, Severity, period::local_day};

/// What the ledger remembers of a figure.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Memory {
    /// What was said last, until the figure is well again.
    said: Option<Said>,
    /// How often it spoke, ever: tells one alert from the next.
    times: u32,
}

/// A figure, what to do about it, and what to say.
struct Judged {
    /// What tells this figure from every other.
    key: String,
    memory: Memory,
    word: Word,
    title: String,
    body: String,
}

/// Judges every watch of the config.
pub fn judge(
    recording: &mut Recording<'_>,
    config: &Config,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let states = recording.sources()?;
    let told = |state: &SourceState| !state.quotas.is_empty() || !state.balances.is_empty();
    let sources: Vec<_> =
        states.iter().filter(|state| told(state)).map(|state| state.source.clone()).collect();
    let usual = watch::usual(&config.watches, &sources, &config.warnings);
    for it in config.watches.iter().chain(&usual) {
        let Some(state) = states.iter().find(|state| state.source == it.source) else { continue };
        let name = config.further.find(&it.source).map_or(&*it.source, |it| it.info().name);
        for judged in judge_one(recording, config, it, name, state, now)? {
            say(recording, config, it, judged, now)?;
        }
    }
    Ok(())
}

fn judge_one(
    recording: &Recording<'_>,
    config: &Config,
    it: &Watch,
    name: &str,
    state: &SourceState,
    now: DateTime<Utc>,
) -> Result<Vec<Judged>, LedgerError> {
    let mut all = Vec::new();
    match &it.of {
        Watched::Quota { window, thresholds_percent } => {
            let is_meant = |name: &str| window.as_ref().is_none_or(|meant| meant == name);
            for window in state.quotas.iter().filter(|window| is_meant(&window.name)) {
                let key = format!("watch:{}:quota:{}", it.source, window.name);
                let memory = remembered(recording, &key)?;
                let word = watch::judge_quota(window, thresholds_percent, memory.said.as_ref());
                let used = wording::percent(i128::from(window.used_ppm / 1000));
                let title = format!("{name}: {} {used} used", window.name);
                let body = wording::quota(window, now, config.zone);
                all.push(Judged { key, memory, word, title, body });
            }
        }
        Watched::Days(least) => {
            let paces = recording.balance_paces(&it.source, now)?;
            for balance in &state.balances {
                let key = format!("watch:{}:days:{}", it.source, balance.name);
                let memory = remembered(recording, &key)?;
                let pace = paces.get(&balances::key_of(balance)).copied().filter(|pace| *pace > 0);
                let days_left = pace.map(|pace| balance.amount.attos().max(0) / pace);
                let word = watch::judge_days(days_left, *least, memory.said.as_ref());
                let title = format!("{name}: {}", wording::balance(balance));
                let days = days_left.unwrap_or(0);
                let days = if days == 1 { "1 day".into() } else { format!("{days} days") };
                let body = format!("At the pace of the last week it lasts for {days}.");
                all.push(Judged { key, memory, word, title, body });
            }
        }
        Watched::Balance { name: meant, below_attos } => {
            let is_meant = |name: &str| meant.as_ref().is_none_or(|meant| meant == name);
            for balance in state.balances.iter().filter(|balance| is_meant(&balance.name)) {
                let key = format!("watch:{}:balance:{}", it.source, balance.name);
                let memory = remembered(recording, &key)?;
                let word = watch::judge_balance(balance, *below_attos, memory.said.as_ref());
                let title = format!("{name}: {}", wording::balance(balance));
                let below = wording::quantity(&balance.amount.with_attos(*below_attos));
                let body = format!("That is less than the {below} you watch for.");
                all.push(Judged { key, memory, word, title, body });
            }
        }
    }
    Ok(all)
}

fn remembered(recording: &Recording<'_>, key: &str) -> Result<Memory, LedgerError> {
    // What can't be read was written by another version: it is said again, which is better than
    // never.
    let memory = recording.meta(key)?.and_then(|text| serde_json::from_str(&text).ok());
    Ok(memory.unwrap_or_default())
}

fn say(
    recording: &mut Recording<'_>,
    config: &Config,
    it: &Watch,
    judged: Judged,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let mut memory = judged.memory;
    let said = match judged.word {
        Word::Nothing => return Ok(()),
        Word::Forget => None,
        Word::Speak(said) => Some(said),
    };
    memory.times += u32::from(said.is_some());
    memory.said.clone_from(&said);
    recording.set_meta(&judged.key, &serde_json::to_string(&memory).unwrap_or_default())?;
    let Some(said) = said else { return Ok(()) };
    recording.add_alert(&NewAlert {
        budget_key: format!("{} {}", judged.key, memory.times),
        kind: AlertKind::Watch,
        severity: Severity::of_threshold(said.percent),
        budget: it.source.clone(),
        subject: String::new(),
        period: None,
        period_start: local_day(now, config.zone),
        threshold_percent: said.percent,
        amount: None,
        spent: None,
        estimated: false,
        at: now,
        title: judged.title,
        body: judged.body,
    })?;
    Ok(())
}
