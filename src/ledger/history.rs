//! How spend developed: figures day by day, and one session in its quarters of an hour.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use super::excess::excess;
use super::figures::Figures;
use super::gather;
use super::kin::{self, Related};
use super::names::{self, Names};
use super::parts::Parts;
use super::scope::Scope;
use super::{Ledger, LedgerError, Spend, codes, slot, slots};
use crate::spend::{Amounts, Filter, Money, Span, Zone};

/// What one session used in a span, and who worked beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionHistory {
    /// Each quarter of an hour with usage, and each model in it, by time.
    pub steps: Vec<SessionStep>,
    /// The folder it worked in last.
    pub project: Option<String>,
    /// The session it came from and those that came from it, as far as they used anything in the
    /// span, dearest first.
    pub family: Vec<(Related, NeighbourSession)>,
    /// Other sessions that the same agent ran in the same folder while this one was at work, dearest
    /// first.
    pub beside: Vec<NeighbourSession>,
}

/// What a session used of one model in a quarter of an hour.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionStep {
    /// When the quarter begins.
    pub start: DateTime<Utc>,
    /// The model as logged.
    pub model: Option<String>,
    /// List price; `None` when none of it has one.
    pub list: Option<Money>,
    /// Requests.
    pub requests: u64,
    /// Tokens of all kinds.
    pub tokens: u64,
    /// Tokens without a price.
    pub unpriced_tokens: u64,
}

/// Another session of the same agent.
#[derive(Clone, Debug, PartialEq)]
pub struct NeighbourSession {
    /// The agent's name for it.
    pub session: String,
    /// When its first quarter in the span begins.
    pub first: DateTime<Utc>,
    /// When its last quarter in the span begins.
    pub last: DateTime<Utc>,
    /// List price; `None` when none of it has one.
    pub list: Option<Money>,
}

impl NeighbourSession {
    fn dearest_first(&self, other: &Self) -> std::cmp::Ordering {
        let list = |it: &Self| it.list.map(|money| money.attos);
        list(other).cmp(&list(self)).then_with(|| self.session.cmp(&other.session))
    }
}

impl Ledger {
    /// The figures of each local day of a span, as [`Ledger::spend`] gives them for the day alone.
    /// Days before the first usage or charge of any kind are left out.
    pub fn daily_spend(
        &self,
        first_day: NaiveDate,
        end_day: NaiveDate,
        zone: Zone,
        filter: &Filter,
    ) -> Result<Vec<(NaiveDate, Spend)>, LedgerError> {
        let Some(begun) = self.first_usage_day(zone)? else { return Ok(Vec::new()) };
        let first_day = first_day.max(begun);
        if first_day >= end_day {
            return Ok(Vec::new());
        }
        let span = Span::of_days(first_day, end_day, zone);
        self.ask(|conn| {
            let mut names = Names::default();
            let scope = Scope::new(conn, &span, zone, filter, &self.plans)?;
            let mut days: BTreeMap<NaiveDate, Parts> =
                first_day.iter_days().take_while(|day| *day < end_day).map(empty).collect();
            scope.for_each_day(conn, |day, about, figures| {
                let payer = scope.payer(conn, &mut names, about, day)?;
                days.entry(day).or_default().add(payer, day, about.model, figures);
                Ok(())
            })?;
            for part in excess(conn, &mut names, &scope)? {
                let account = scope.account(part.source).into();
                days.entry(part.day).or_default().add_reported(account, &part);
            }
            if scope.has_bills() {
                let elsewhere = &mut Amounts::default();
                for (key, bill) in gather::bills_of(conn, &scope, &self.rates, elsewhere)? {
                    days.entry(key.1).or_default().bills.insert(key, bill);
                }
            }
            // Fees and amounts that are used up are no matter of single days.
            let mut paid = BTreeMap::new();
            if !self.plans.is_empty() {
                let parts = gather::gather(conn, &mut names, &scope, &self.rates)?;
                paid = parts.paid_by_day(&self.rates);
            }
            let spend = |(day, parts): (NaiveDate, Parts)| {
                let mut spend = parts.spend(conn, &mut names, &self.rates)?;
                if !self.plans.is_empty() {
                    spend.paid = paid.remove(&day).unwrap_or_default();
                }
                Ok((day, spend))
            };
            days.into_iter().map(spend).collect()
        })
    }

    /// What a session used within a span.
    pub fn session_history(
        &self,
        source: &str,
        session: &str,
        span: &Span,
    ) -> Result<SessionHistory, LedgerError> {
        self.ask(|conn| {
            let mut history = SessionHistory::default();
            let (Some(source), Some(session)) =
                (names::find(conn, source)?, names::find(conn, session)?)
            else {
                return Ok(history);
            };
            let mut names = Names::default();
            let mut project = names::NONE;
            let mut steps: BTreeMap<(i64, i64), Figures> = BTreeMap::new();
            let mut others: HashMap<(i64, i64), Neighbour> = HashMap::new();
            slots::for_each(conn, span.start, span.end, |quarter, about, figures| {
                if about.source != source || about.session == names::NONE {
                    return Ok(());
                }
                if about.session == session {
                    project = about.project;
                    steps.entry((quarter, about.model)).or_default().add(figures, 1);
                } else {
                    let other = others.entry((about.session, about.project));
                    let other = other.or_insert_with(|| Neighbour::begun(quarter));
                    other.last = quarter;
                    other.figures.add(figures, 1);
                }
                Ok(())
            })?;
            let bounds = steps.keys().next().zip(steps.keys().next_back());
            let Some((first, last)) = bounds.map(|(first, last)| (first.0, last.0)) else {
                return Ok(history);
            };
            for ((quarter, model), figures) in steps {
                history.steps.push(SessionStep {
                    start: slot::start_of(quarter),
                    model: names.string(conn, model)?,
                    list: figures.list().map(Money::from_picos_usd),
                    requests: codes::to_u64(figures.requests),
                    tokens: figures.token_counts().total(),
                    unpriced_tokens: codes::to_u64(figures.unpriced_tokens),
                });
            }
            history.project = names.string(conn, project)?;
            let kin = kin::of(conn, source, session)?;
            // A session that changed its folder is one relative.
            let mut relatives: HashMap<i64, Neighbour> = HashMap::new();
            for ((session, folder), other) in others {
                if kin.contains_key(&session) {
                    let relative = relatives.entry(session);
                    relative.or_insert_with(|| Neighbour::begun(other.first)).join(&other);
                } else if folder == project && other.last >= first && other.first <= last {
                    history.beside.push(other.named(names.string(conn, session)?));
                }
            }
            for (session, relative) in relatives {
                let named = relative.named(names.string(conn, session)?);
                history.family.push((kin[&session], named));
            }
            history.family.sort_by(|(_, a), (_, b)| a.dearest_first(b));
            history.beside.sort_by(NeighbourSession::dearest_first);
            Ok(history)
        })
    }
}

fn empty(day: NaiveDate) -> (NaiveDate, Parts) {
    (day, Parts::default())
}

struct Neighbour {
    first: i64,
    last: i64,
    figures: Figures,
}

impl Neighbour {
    fn begun(quarter: i64) -> Self {
        Self { first: quarter, last: quarter, figures: Figures::default() }
    }

    fn join(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.figures.add(&other.figures, 1);
    }

    fn named(&self, session: Option<String>) -> NeighbourSession {
        NeighbourSession {
            session: session.unwrap_or_default(),
            first: slot::start_of(self.first),
            last: slot::start_of(self.last),
            list: self.figures.list().map(Money::from_picos_usd),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::spend::{Charge, Kin, Reading, Relation};

    const NOON: &str = "2026-11-24T12:00:00Z";

    fn dollars(id: &str, time: &str, amount: u64) -> crate::spend::Usage {
        usage(id, time, HAIKU, amount * 1_000_000, 0)
    }

    #[test]
    fn each_day_is_what_the_day_alone_would_be() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let usages = vec![
            dollars("a", "2026-11-20T10:00:00Z", 9),
            // In Berlin that is the next day.
            dollars("b", "2026-11-21T23:30:00Z", 4),
            dollars("c", "2026-11-24T10:00:00Z", 2),
            usage("d", "2026-11-23T10:00:00Z", "no-such-model", 7, 0),
        ];
        record(&mut ledger, &look(&AGENT, NOON), &reading(usages));
        let charges: Vec<Charge> = vec![charge("2026-11-20", "5"), charge("2026-11-24", "1.5")];
        let bill = Reading {
            charges,
            charges_cover: Some(days("2026-11-20", "2026-11-24")),
            ..Reading::default()
        };
        record(&mut ledger, &look(&PROVIDER, NOON), &bill);
        for zone in [Zone::UTC, Zone::named("Europe/Berlin")] {
            for filter in [Filter::everything(), Filter::of_sources(["an-agent"])] {
                let found = ledger
                    .daily_spend(day("2026-11-01"), day("2026-11-25"), zone, &filter)
                    .unwrap();
                let first = found.first().map(|(day, _)| *day);
                assert_eq!(
                    first,
                    Some(day("2026-11-20")),
                    "days before the first usage are unknown"
                );
                assert_eq!(found.len(), 5);
                for (day, spend) in found {
                    let span = Span::of_days(day, day.succ_opt().unwrap(), zone);
                    assert_eq!(spend, ledger.spend(&span, zone, &filter).unwrap(), "{zone} {day}");
                }
            }
        }
    }

    #[test]
    fn a_session_knows_where_it_came_from_and_what_came_from_it() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let of = |id: &str, time: &str, session: &str, project: &str, amount: u64| {
            let mut usage = dollars(id, time, amount);
            usage.session = Some(session.into());
            usage.project = Some(project.into());
            usage
        };
        let kin = |session: &str, parent: &str, relation| Kin {
            session: session.into(),
            parent: parent.into(),
            relation,
        };
        let told = Reading {
            kin: vec![
                kin("helper", "one", Relation::Fork),
                // The newest telling holds.
                kin("helper", "one", Relation::Subagent),
                kin("later", "one", Relation::Fork),
                kin("one", "first", Relation::Fork),
                kin("silent", "one", Relation::Subagent),
                kin("stranger", "other", Relation::Subagent),
            ],
            ..reading(vec![
                of("a", "2026-11-24T10:01:00Z", "one", "/shop", 1),
                // It worked in two folders, and before the one that it came from was seen.
                of("b", "2026-11-24T09:00:00Z", "helper", "/search", 2),
                of("c", "2026-11-24T10:05:00Z", "helper", "/shop", 3),
                of("d", "2026-11-24T20:00:00Z", "later", "/shop", 4),
                of("e", "2026-11-24T08:00:00Z", "first", "/shop", 9),
                of("f", "2026-11-24T10:01:00Z", "stranger", "/shop", 1),
            ])
        };
        record(&mut ledger, &look(&AGENT, NOON), &told);
        let span = Span::of_days(day("2026-11-24"), day("2026-11-25"), Zone::UTC);
        let history = ledger.session_history("an-agent", "one", &span).unwrap();
        let family: Vec<_> = history
            .family
            .iter()
            .map(|(related, it)| (*related, it.session.as_str(), it.first, it.list))
            .collect();
        let [nine, eight, ten, evening] = [
            "2026-11-24T09:00:00Z",
            "2026-11-24T08:00:00Z",
            "2026-11-24T10:00:00Z",
            "2026-11-24T20:00:00Z",
        ]
        .map(at);
        let expected = [
            (Related::Parent(Relation::Fork), "first", eight, Some(usd("9"))),
            (Related::Child(Relation::Subagent), "helper", nine, Some(usd("5"))),
            (Related::Child(Relation::Fork), "later", evening, Some(usd("4"))),
        ];
        assert_eq!(family, expected);
        let beside: Vec<_> =
            history.beside.iter().map(|it| (it.session.as_str(), it.first)).collect();
        assert_eq!(beside, [("stranger", ten)]);
    }

    #[test]
    fn a_session_has_steps_and_neighbours_of_its_folder() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = ledger_in(home.path());
        let of = |id: &str, time: &str, session: &str, project: &str| {
            let mut usage = dollars(id, time, 1);
            usage.session = Some(session.into());
            usage.project = Some(project.into());
            usage
        };
        let usages = vec![
            of("a", "2026-11-24T10:01:00Z", "one", "/shop"),
            of("b", "2026-11-24T10:14:00Z", "one", "/shop"),
            of("c", "2026-11-24T11:00:00Z", "one", "/shop"),
            of("d", "2026-11-24T10:30:00Z", "child", "/shop"),
            of("e", "2026-11-24T10:30:00Z", "elsewhere", "/search"),
            of("f", "2026-11-24T09:00:00Z", "before", "/shop"),
        ];
        record(&mut ledger, &look(&AGENT, NOON), &reading(usages));
        let span = Span::of_days(day("2026-11-24"), day("2026-11-25"), Zone::UTC);
        let history = ledger.session_history("an-agent", "one", &span).unwrap();
        let steps: Vec<_> =
            history.steps.iter().map(|it| (it.start, it.list, it.requests)).collect();
        // Two requests of $1 in the first quarter, one in another.
        let expected = [
            (at("2026-11-24T10:00:00Z"), Some(usd("2")), 2),
            (at("2026-11-24T11:00:00Z"), Some(usd("1")), 1),
        ];
        assert_eq!(steps, expected);
        assert_eq!(history.project.as_deref(), Some("/shop"));
        let beside: Vec<_> = history.beside.iter().map(|it| it.session.as_str()).collect();
        assert_eq!(beside, ["child"]);
        let none = ledger.session_history("other-agent", "one", &span).unwrap();
        assert_eq!(none, SessionHistory::default());
    }
}
