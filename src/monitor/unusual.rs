//! Warnings that nobody has to ask for: an unusual hour or day, money that runs away, a budget
//! that breaks at its pace, usage without a price, a provider that fell silent. Judged in the
//! transaction that records what they are about, so that each is told once.

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike, Utc};

use crate::board::standing::Standing;
use crate::board::wording;
use crate::budgets::Budget;
use crate::budgets::unusual::{Spike, Usual};
use crate::config::Config;
use crate::ledger::{Ledger, LedgerError, NewAlert, Question, Recording, Tally};
use crate::spend::period::local_day;
use crate::spend::{AlertKind, Cycle, Filter, Money, Severity, SourceKind, Span, Zone};

/// Past hours that are the measure of today's.
const DAYS_BACK: i64 = 28;
/// A budget's pace is told from this share of its time on, and from so far above its limit.
const PACE_FROM_QUARTER: i64 = 4;
const PACE_ABOVE_PERMILLE: i128 = 1100;
/// Fewer unpriced tokens than this are not worth a word.
const UNPRICED_TOKENS: u64 = 10_000;
/// Model names that are remembered as told.
const MODELS_TOLD: usize = 200;

/// What is kept between readings.
#[derive(Default)]
pub struct Memory {
    tally: Tally,
    usual: Usual,
    /// The day on which `usual` was learned.
    learned: Option<NaiveDate>,
    /// Unpriced tokens of today when they were looked at last.
    unpriced: u64,
}

impl Memory {
    /// Learns what is usual, once a day. Reads four weeks of usage: not to be called while somebody
    /// waits.
    ///
    /// # Errors
    /// The ledger can't be read.
    pub fn learn(
        &mut self,
        ledger: &Ledger,
        now: DateTime<Utc>,
        zone: Zone,
    ) -> Result<(), LedgerError> {
        let today = local_day(now, zone);
        if self.learned == Some(today) {
            return Ok(());
        }
        let first = today.checked_sub_signed(TimeDelta::days(DAYS_BACK)).unwrap_or(today);
        let hours = ledger.hourly(&Span::of_days(first, today, zone), &Filter::everything())?;
        let local =
            hours.into_iter().map(|(at, cost)| (at.with_timezone(&zone).naive_local(), cost));
        self.usual = Usual::new(local);
        self.learned = Some(today);
        Ok(())
    }
}

/// Judges what the newest reading changed.
pub fn judge(
    recording: &mut Recording<'_>,
    config: &Config,
    memory: &mut Memory,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let warnings = &config.warnings;
    let zone = config.zone;
    let everything =
        |span: Span| Question { span, fees_end: span.end_day, filter: Filter::everything() };
    let today = Cycle::Day.holding(now, zone);
    let hour = hour_of(now, zone);
    let watched = span_of(now, TimeDelta::minutes(i64::from(warnings.burn_minutes)), zone);
    let questions = [today, hour, watched].map(everything);
    let sums = recording.tally(&mut memory.tally, &questions, zone)?;
    let [of_day, of_hour, of_watched] = sums[..] else { return Ok(()) };
    if warnings.spike {
        let day = today.first_day;
        let (of_hour, of_day) = (picos(&of_hour.list), picos(&of_day.list));
        let at = now.with_timezone(&zone).hour();
        if let Some(spike) = memory.usual.hour_spike(day, at, of_hour) {
            tell_spike(recording, config, "this hour", "an hour like it", &spike, now)?;
        } else if let Some(spike) = memory.usual.day_spike(day, of_day) {
            tell_spike(recording, config, "today", "a day like it", &spike, now)?;
        }
    }
    if warnings.burn {
        let limit = memory.usual.burn_limit(warnings);
        if picos(&of_watched.list) >= limit {
            tell_burn(recording, config, &watched, limit, now)?;
        }
    }
    if warnings.unpriced
        && of_day.unpriced_tokens >= UNPRICED_TOKENS
        && of_day.unpriced_tokens != memory.unpriced
    {
        memory.unpriced = of_day.unpriced_tokens;
        tell_unpriced(recording, config, &today, now)?;
    }
    Ok(())
}

/// The clock hour that holds `now`. Every zone's hours begin on a quarter.
fn hour_of(now: DateTime<Utc>, zone: Zone) -> Span {
    let local = now.with_timezone(&zone);
    let seconds = local.minute() * 60 + local.second();
    let start = now
        - TimeDelta::seconds(i64::from(seconds))
        - TimeDelta::nanoseconds(i64::from(local.nanosecond()));
    let day = local_day(start, zone);
    let end_day = day.succ_opt().unwrap_or(NaiveDate::MAX);
    Span { start, end: start + TimeDelta::hours(1), first_day: day, end_day }
}

/// The time up to now, from a full quarter of an hour on.
fn span_of(now: DateTime<Utc>, length: TimeDelta, zone: Zone) -> Span {
    let quarter = 15 * 60;
    let late = now.timestamp().rem_euclid(quarter);
    let end = now
        - TimeDelta::seconds(late)
        - TimeDelta::nanoseconds(i64::from(now.timestamp_subsec_nanos()))
        + TimeDelta::seconds(quarter);
    let since = now - length;
    let start = since
        - TimeDelta::seconds(since.timestamp().rem_euclid(quarter))
        - TimeDelta::nanoseconds(i64::from(since.timestamp_subsec_nanos()));
    let end_day = local_day(now, zone).succ_opt().unwrap_or(NaiveDate::MAX);
    Span { start, end, first_day: local_day(start, zone), end_day }
}

fn picos(money: &Money) -> i128 {
    money.attos / 1_000_000
}

fn short(picos: i128) -> String {
    wording::estimate(true, wording::amount_short(&Money::from_picos_usd(picos)))
}

/// What an alert that no threshold made is about.
struct About<'a> {
    kind: AlertKind,
    /// What makes it the same alert on one day.
    key: String,
    /// What `alerts` lists it under.
    name: &'a str,
    /// The session or source.
    subject: &'a str,
}

fn alert(
    about: About<'_>,
    now: DateTime<Utc>,
    zone: Zone,
    (title, body): (String, String),
) -> NewAlert {
    let severity = match about.kind {
        // It goes on while everybody sleeps: quiet hours must not hold it.
        AlertKind::Burn => Severity::Critical,
        AlertKind::Unpriced => Severity::Info,
        _ => Severity::Warning,
    };
    NewAlert {
        budget_key: about.key,
        kind: about.kind,
        severity,
        budget: about.name.to_owned(),
        subject: about.subject.to_owned(),
        period: None,
        period_start: local_day(now, zone),
        threshold_percent: 0,
        amount: None,
        spent: None,
        estimated: true,
        at: now,
        title,
        body,
    }
}

/// One spike a day: the key is the day's.
fn tell_spike(
    recording: &mut Recording<'_>,
    config: &Config,
    when: &str,
    like: &str,
    spike: &Spike,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let times = spike.spent / spike.usual.max(1);
    let title = format!("Unusual: {} {when}, {times} times the usual", short(spike.spent));
    let body = format!(
        "{} is the median of {} {like} in the last four weeks, at list price.",
        short(spike.usual),
        spike.of
    );
    let about = About { kind: AlertKind::Spike, key: "spike".into(), name: "spike", subject: when };
    recording.add_alert(&alert(about, now, config.zone, (title, body)))?;
    Ok(())
}

/// At most once an hour; once a day for each session that money runs away in, and once for all of
/// them together.
fn tell_burn(
    recording: &mut Recording<'_>,
    config: &Config,
    watched: &Span,
    limit: i128,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    const TOLD_AT: &str = "burn-told";
    let told_at: Option<DateTime<Utc>> =
        recording.meta(TOLD_AT)?.and_then(|text| text.parse().ok());
    let is_new = |at: DateTime<Utc>| (now - at).abs() < TimeDelta::hours(1);
    if told_at.is_some_and(is_new) {
        return Ok(());
    }
    let since = watched.start.with_timezone(&config.zone).format("%H:%M");
    let sessions = recording.busiest_sessions(watched)?;
    let mut in_one = false;
    for session in sessions.iter().filter(|session| session.list_picos >= limit) {
        in_one = true;
        let name = config
            .further
            .find(&session.source)
            .map_or(&*session.source, |source| source.info().name);
        let place =
            session.project.as_deref().map(|path| format!(" in {path}")).unwrap_or_default();
        let title = format!(
            "{name} spends fast: {} since {since} in one session",
            short(session.list_picos)
        );
        let body = format!(
            "Session {}{place}. If nobody watches it, it may be running in a loop.",
            session.session.as_deref().unwrap_or("without a name")
        );
        let subject = session.session.as_deref().unwrap_or_default();
        let key = format!("burn:{}:{subject}", session.source);
        let about = About { kind: AlertKind::Burn, key, name: &session.source, subject };
        let alert = alert(about, now, config.zone, (title, body));
        if recording.add_alert(&alert)?.is_some() {
            return recording.set_meta(TOLD_AT, &now.to_rfc3339());
        }
    }
    if !in_one {
        let all: i128 = sessions.iter().map(|session| session.list_picos).sum();
        let title = format!("Spending fast: {} since {since}", short(all));
        let body = format!(
            "{} sessions together are above {} at list price.",
            sessions.len(),
            short(limit)
        );
        let about = About { kind: AlertKind::Burn, key: "burn".into(), name: "burn", subject: "" };
        let alert = alert(about, now, config.zone, (title, body));
        if recording.add_alert(&alert)?.is_some() {
            return recording.set_meta(TOLD_AT, &now.to_rfc3339());
        }
    }
    Ok(())
}

/// Once for each model, for ever.
fn tell_unpriced(
    recording: &mut Recording<'_>,
    config: &Config,
    today: &Span,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    const TOLD: &str = "unpriced-told";
    let mut told: Vec<String> =
        recording.meta(TOLD)?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let spend = recording.spend(today, config.zone, &Filter::everything())?;
    let fresh: Vec<(String, u64)> = spend
        .unpriced_models
        .into_iter()
        .map(|(model, tokens)| (model.unwrap_or_else(|| "a model without a name".into()), tokens))
        .filter(|(model, tokens)| *tokens >= UNPRICED_TOKENS && !told.contains(model))
        .collect();
    let Some((model, tokens)) = fresh.first() else { return Ok(()) };
    let more = match fresh.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let title = format!("No price is known for {model}{more}");
    let body = format!(
        "Its {} tokens of today are in no amount. A [[price]] row in the config gives it one.",
        wording::tokens(*tokens)
    );
    let key = format!("unpriced:{model}");
    let about = About { kind: AlertKind::Unpriced, key, name: "unpriced", subject: model };
    recording.add_alert(&alert(about, now, config.zone, (title, body)))?;
    told.extend(fresh.into_iter().map(|(model, _)| model));
    let surplus = told.len().saturating_sub(MODELS_TOLD);
    told.drain(..surplus);
    recording.set_meta(TOLD, &serde_json::to_string(&told).unwrap_or_default())
}

/// Once for a budget in its period, and at most one a day of all budgets.
pub fn judge_pace(
    recording: &mut Recording<'_>,
    config: &Config,
    budget: &Budget,
    standing: &Standing,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let Some(forecast) = standing.forecast.filter(|_| config.warnings.pace) else { return Ok(()) };
    let Standing { span, limit, spent, .. } = standing;
    let passed = now - span.start;
    let is_time = passed * i32::try_from(PACE_FROM_QUARTER).unwrap_or(4) >= span.end - span.start;
    let share = forecast.middle.permille_of(limit).unwrap_or(0);
    let breaks = forecast.low.attos >= limit.attos && share >= PACE_ABOVE_PERMILLE;
    if !is_time || !breaks || spent.attos >= limit.attos {
        return Ok(());
    }
    let memory = format!("pace:{}", budget.key());
    let period = span.first_day.to_string();
    if recording.meta(&memory)?.as_deref() == Some(&*period) {
        return Ok(());
    }
    let range = wording::range(&forecast);
    let end = wording::period_end(budget.cycle, span.end_day);
    let title = format!(
        "At this pace “{}” is at {range} by {end}: {} of {}",
        budget.name,
        wording::percent(share),
        wording::amount_short(limit)
    );
    let breaks_on = forecast.breaks_on.map_or(String::new(), |day| {
        let when = if day == local_day(now, config.zone) {
            "today".to_owned()
        } else {
            format!("on {}", day.format("%A, %-d %b"))
        };
        format!("The budget breaks {when}. ")
    });
    let body = format!(
        "{breaks_on}Half of the outcomes lie in that range, by what the same days of the week cost \
         in the last four weeks and how much faster this time goes."
    );
    let about =
        About { kind: AlertKind::Pace, key: "pace".into(), name: &budget.name, subject: "" };
    let told = recording.add_alert(&NewAlert {
        period: Some(budget.cycle),
        amount: Some(*limit),
        spent: Some(*spent),
        ..alert(about, now, config.zone, (title, body))
    })?;
    // When another budget's pace was told today already, this one's is told tomorrow.
    if told.is_some() { recording.set_meta(&memory, &period) } else { Ok(()) }
}

/// Tells of providers that fell silent: once for each time. Asked from time to time, for silence
/// brings no reading.
pub fn judge_silence(
    recording: &mut Recording<'_>,
    config: &Config,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let hours = i64::from(config.warnings.silent_hours);
    if hours == 0 {
        return Ok(());
    }
    for state in recording.sources()? {
        let Some(source) = config.further.find(&state.source) else { continue };
        let is_failing = state.error.as_ref().is_some_and(|error| !error.is_absence());
        let Some(good) = state.last_good_at.filter(|_| is_failing) else { continue };
        if source.info().kind != SourceKind::Provider || now - good < TimeDelta::hours(hours) {
            continue;
        }
        let memory = format!("silent:{}", state.source);
        let since = good.to_rfc3339();
        if recording.meta(&memory)?.as_deref() == Some(&*since) {
            continue;
        }
        // Where nothing was billed lately, nobody misses the bill.
        let zone = config.zone;
        let before = Span::of_days(
            local_day(good - TimeDelta::days(7), zone),
            local_day(good, zone).succ_opt().unwrap_or(NaiveDate::MAX),
            zone,
        );
        let billed = recording.spend(&before, zone, &Filter::of_sources([&*state.source]))?;
        if billed.billed.is_none_or(|billed| billed.attos == 0) && billed.billed_other.is_empty() {
            continue;
        }
        let name = source.info().name;
        let title = format!("{name} has told nothing since {}", wording::age(now, good, zone));
        let why = state.error.as_ref().map_or(String::new(), |error| {
            wording::failure(source.info(), error, state.retry_at, now, zone)
        });
        let body = format!("Its bill is missing from the figures. {why}");
        recording.set_meta(&memory, &since)?;
        let key = format!("silent:{} {since}", state.source);
        let about =
            About { kind: AlertKind::Silent, key, name: &state.source, subject: &state.source };
        recording.add_alert(&alert(about, now, zone, (title, body)))?;
    }
    Ok(())
}
