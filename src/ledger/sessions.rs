//! What sessions cost.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};

use super::figures::Figures;
use super::names::Names;
use super::{Ledger, LedgerError, codes, slot, slots};
use crate::spend::{Money, Span, TokenCounts};

/// How many of the newest events are looked at for the time of a session's last one. At more than
/// that a day, older sessions have the quarter of an hour only.
const EVENTS_LOOKED_AT: i64 = 20_000;

/// What one session used in a span.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionUse {
    /// Source id.
    pub source: String,
    /// The agent's name for it.
    pub session: Option<String>,
    /// The folder it worked in last.
    pub project: Option<String>,
    /// Its models (`None` where the log leaves one open), the one used most first.
    pub models: Vec<Option<String>>,
    /// Start of the last quarter of an hour in which it used anything.
    pub last_quarter: DateTime<Utc>,
    /// When it used something last, where that is known more closely.
    pub last_at: Option<DateTime<Utc>>,
    /// Requests of the recent part of the span.
    pub recent_requests: u64,
    /// Their list price, dollars; `None` when none of them has one.
    pub recent: Option<Money>,
    /// Requests of the span.
    pub requests: u64,
    /// Their list price, dollars; `None` when none of them has one.
    pub list: Option<Money>,
    /// Tokens by kind.
    pub tokens: TokenCounts,
    /// Tokens of models without a known price: in no amount.
    pub unpriced_tokens: u64,
}

/// When sessions used something last, between one question and the next. It belongs to one opened
/// ledger.
#[derive(Clone, Debug, Default)]
pub struct LastUses {
    looked_up_to: Option<i64>,
    /// By source and session.
    at_ms: HashMap<(i64, i64), i64>,
}

impl LastUses {
    /// Looks at the events that came since the last time.
    fn follow(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let last: Option<i64> =
            conn.prepare_cached("SELECT max(id) FROM usage")?.query_row([], |row| row.get(0))?;
        let Some(last) = last else { return Ok(()) };
        let known = self.looked_up_to.unwrap_or(0).max(last.saturating_sub(EVENTS_LOOKED_AT));
        let mut statement = conn.prepare_cached(
            "SELECT source, session, at_ms FROM usage WHERE id > ?1 AND id <= ?2",
        )?;
        let mut rows = statement.query([known, last])?;
        while let Some(row) = rows.next()? {
            let at_ms: i64 = row.get(2)?;
            let latest = self.at_ms.entry((row.get(0)?, row.get(1)?)).or_insert(at_ms);
            *latest = at_ms.max(*latest);
        }
        self.looked_up_to = Some(last);
        Ok(())
    }
}

impl Ledger {
    /// A number that is another one once another process, or another connection of this one, has
    /// written. Asking costs next to nothing.
    pub fn version(&self) -> Result<i64, LedgerError> {
        self.run(|conn| conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0)))
    }

    /// What each session of a span used, and what of that from `recent` on, in whole quarters of
    /// an hour. Those that cost most recently come first, then those that cost most.
    pub fn sessions_in(
        &self,
        span: &Span,
        recent: DateTime<Utc>,
        uses: &mut LastUses,
    ) -> Result<Vec<SessionUse>, LedgerError> {
        #[derive(Default)]
        struct Sum {
            project: i64,
            last_quarter: i64,
            all: Figures,
            recent: Figures,
            models: BTreeMap<i64, (i128, i64)>,
        }
        self.ask(|conn| {
            uses.follow(conn)?;
            let recent = slot::quarter_of(recent.timestamp_millis());
            let mut sums: HashMap<(i64, i64), Sum> = HashMap::new();
            slots::for_each(conn, span.start, span.end, |quarter, about, figures| {
                let sum = sums.entry((about.source, about.session)).or_default();
                (sum.project, sum.last_quarter) = (about.project, quarter);
                sum.all.add(figures, 1);
                if quarter >= recent {
                    sum.recent.add(figures, 1);
                }
                let (picos, tokens) = sum.models.entry(about.model).or_default();
                *picos += figures.list_picos;
                *tokens += figures.tokens.iter().sum::<i64>();
                Ok(())
            })?;
            let start_ms = span.start.timestamp_millis();
            uses.at_ms.retain(|_, at_ms| *at_ms >= start_ms);
            let mut names = Names::default();
            let mut sessions = sums
                .into_iter()
                .map(|(key @ (source, session), sum)| {
                    let mut models: Vec<_> = sum.models.into_iter().collect();
                    models.sort_by_key(|(model, used)| (Reverse(*used), *model));
                    let models = models.into_iter().map(|(model, _)| names.string(conn, model));
                    let models = models.collect::<rusqlite::Result<_>>()?;
                    let last_at = uses.at_ms.get(&key).copied();
                    Ok(SessionUse {
                        source: names.string(conn, source)?.unwrap_or_default(),
                        session: names.string(conn, session)?,
                        project: names.string(conn, sum.project)?,
                        models,
                        last_quarter: slot::start_of(sum.last_quarter),
                        // An event at another time than that of the newest is of a file read late.
                        last_at: last_at
                            .filter(|at_ms| slot::quarter_of(*at_ms) == sum.last_quarter)
                            .map(codes::time_of),
                        recent_requests: codes::to_u64(sum.recent.requests),
                        recent: sum.recent.list().map(Money::from_picos_usd),
                        requests: codes::to_u64(sum.all.requests),
                        list: sum.all.list().map(Money::from_picos_usd),
                        tokens: sum.all.token_counts(),
                        unpriced_tokens: codes::to_u64(sum.all.unpriced_tokens),
                    })
                })
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let amount = |money: Option<Money>| money.map_or(0, |money| money.attos);
            sessions.sort_by(|a, b| {
                let key = |it: &SessionUse| (amount(it.recent), amount(it.list));
                key(b)
                    .cmp(&key(a))
                    .then_with(|| (&a.source, &a.session).cmp(&(&b.source, &b.session)))
            });
            Ok(sessions)
        })
    }

    /// The list price of a session's requests since the quarter of an hour that holds `since`, and
    /// its tokens without a price. Subagents count where they log under the session's own id.
    pub fn session_list(
        &self,
        session: &str,
        since: DateTime<Utc>,
    ) -> Result<(Money, u64), LedgerError> {
        let figures = self.ask(|conn| {
            let id: Option<i64> = conn
                .prepare_cached("SELECT id FROM name WHERE text = ?1")?
                .query_row([session], |row| row.get(0))
                .optional()?;
            id.map(|id| slots::of_session(conn, id, since)).transpose()
        })?;
        let figures = figures.unwrap_or_default();
        Ok((Money::from_picos_usd(figures.list_picos), codes::to_u64(figures.unpriced_tokens)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::spend::Zone;
    use crate::spend::{Period, Usage};

    #[test]
    fn sessions_of_a_day_come_with_what_they_cost_of_late() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let other = |id: &str, time: &str, model: &str, input: u64| {
            let usage = usage(id, time, model, input, 0);
            Usage { session: Some("session-2".into()), ..usage }
        };
        let usages = vec![
            usage("a", "2026-11-23T23:59:59Z", HAIKU, 64_000_000, 0),
            usage("b", "2026-11-24T10:59:59Z", HAIKU, 4_000_000, 0),
            usage("c", "2026-11-24T11:00:00Z", HAIKU, 1_000_000, 0),
            other("d", "2026-11-24T11:20:00Z", MINI, 8_000_000),
            other("e", "2026-11-24T11:50:30Z", HAIKU, 1_500_000),
            other("f", "2026-11-24T11:40:00Z", "no-such-model", 7),
        ];
        record(&mut ledger, &look(&AGENT, "2026-11-24T12:00:00Z"), &reading(usages));
        let today = Period::Day.holding(at("2026-11-24T12:00:00Z"), Zone::UTC);
        let mut uses = LastUses::default();
        let ask = |uses: &mut LastUses, recent| ledger.sessions_in(&today, at(recent), uses);
        let rows = ask(&mut uses, "2026-11-24T11:05:00Z").unwrap();
        // $1 a million of the one and $0.25 of the other: 8 x 0.25 + 1.5 = $3.50, and $5.00 of
        // which $4.00 before the quarter of 11:05.
        let told: Vec<_> = rows.iter().map(|row| (row.recent, row.list, row.requests)).collect();
        assert_eq!(
            told,
            [(Some(usd("3.5")), Some(usd("3.5")), 3), (Some(usd("1")), Some(usd("5")), 2)]
        );
        assert_eq!(rows[0].unpriced_tokens, 7);
        assert_eq!(rows[0].last_at, Some(at("2026-11-24T11:50:30Z")));
        assert_eq!(rows[0].last_quarter, at("2026-11-24T11:45:00Z"));
        // By what they cost.
        let models = [Some(MINI.to_owned()), Some(HAIKU.to_owned()), Some("no-such-model".into())];
        assert_eq!(rows[0].models, models);
        let rows = ask(&mut uses, "2026-11-24T11:30:00Z").unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.recent, row.recent_requests)).collect();
        assert_eq!(told, [(Some(usd("1.5")), 2), (None, 0)]);
    }

    #[test]
    fn what_others_write_is_noticed_and_followed() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let eyes = ledger_in(home.path());
        let day = Period::Day.holding(at("2026-11-24T12:00:00Z"), Zone::UTC);
        let mut uses = LastUses::default();
        let mut last_at = || {
            let rows = eyes.sessions_in(&day, day.start, &mut uses).unwrap();
            rows.first().and_then(|row| row.last_at)
        };
        assert_eq!(last_at(), None);
        let before = eyes.version().unwrap();
        assert_eq!(eyes.version().unwrap(), before);
        for (id, time) in [("a", "2026-11-24T11:01:00Z"), ("b", "2026-11-24T11:03:00Z")] {
            let usages = vec![usage(id, time, HAIKU, 1_000_000, 0)];
            record(&mut ledger, &look(&AGENT, "2026-11-24T12:00:00Z"), &reading(usages));
            assert_eq!(last_at(), Some(at(time)));
        }
        assert_ne!(eyes.version().unwrap(), before);
    }

    #[test]
    fn a_session_costs_what_its_requests_of_a_day_cost() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let mut other = usage("c", "2026-11-24T11:00:00Z", HAIKU, 1_000_000, 0);
        other.session = Some("session-2".into());
        let usages = vec![
            usage("a", "2026-11-23T11:00:00Z", HAIKU, 1_000_000, 0),
            usage("b", "2026-11-24T11:00:00Z", HAIKU, 2_000_000, 0),
            usage("d", "2026-11-24T11:00:00Z", "no-such-model", 7, 0),
            other,
        ];
        record(&mut ledger, &look(&AGENT, "2026-11-24T12:00:00Z"), &reading(usages));
        let since = |time: &str| ledger.session_list("session-1", at(time)).unwrap();
        assert_eq!(since("2026-11-23T12:00:00Z"), (usd("2"), 7));
        assert_eq!(since("2026-11-23T11:14:59Z"), (usd("3"), 7), "the same quarter");
        assert_eq!(ledger.session_list("none", at("2026-11-23T12:00:00Z")).unwrap(), (usd("0"), 0));
    }
}
