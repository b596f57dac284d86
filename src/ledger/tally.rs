//! Figures that are asked for after every reading: kept in step with what readings change, rather
//! than summed anew each time.
//!
//! A change of usage is added to the sums that it belongs to. Everything else (a bill, another
//! price table, a rate, what another process wrote, a transaction that was given up) has the sums
//! made anew, so that they are always those that [`Ledger::spend`] would give.
use chrono::NaiveDate;
use rusqlite::Connection;

use super::deltas::Change;
use super::gather::gather_all;
use super::names::Names;
use super::parts::{Parts, Sum};
use super::scope::Scope;
use super::{Ledger, LedgerError, slot};
use crate::spend::period::local_day;
use crate::spend::{Filter, Rates, Span, Zone};

/// More changes than this are a first reading: summing anew is no slower.
const MOST_CHANGES: usize = 4_096;

/// A figure that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Of what time.
    pub span: Span,
    /// The first day that no fee counts of: those of days to come are not paid yet.
    pub fees_end: NaiveDate,
    /// Of what.
    pub filter: Filter,
}

/// What changed of late. Several tallies may follow it, each from where it has come to.
#[derive(Debug, Default)]
pub(super) struct Moved {
    upsets: u64,
    /// How many changes were noted and are no longer kept.
    forgotten: u64,
    changes: Vec<Change>,
}

impl Moved {
    /// Something changed that can't be added up.
    pub(super) fn upset(&mut self) {
        self.upsets += 1;
        self.forgotten += self.changes.len() as u64;
        self.changes.clear();
    }

    /// Usage changed.
    pub(super) fn note(&mut self, changes: Vec<Change>) {
        self.changes.extend(changes);
        if self.changes.len() > MOST_CHANGES {
            let surplus = self.changes.len() - MOST_CHANGES / 2;
            self.changes.drain(..surplus);
            self.forgotten += surplus as u64;
        }
    }

    /// How far it has come.
    fn end(&self) -> u64 {
        self.forgotten + self.changes.len() as u64
    }

    /// What came after that; `None` when it is no longer known.
    fn since(&self, seen: u64) -> Option<&[Change]> {
        let skipped = usize::try_from(seen.checked_sub(self.forgotten)?).ok()?;
        self.changes.get(skipped..)
    }
}

/// The sums of some questions, between one reading and the next.
#[derive(Default)]
pub struct Tally {
    /// Changes of other processes and upsets of this one, as they were seen last, and how far the
    /// changes were followed.
    seen: Option<(i64, u64, u64)>,
    zone: Zone,
    kept: Vec<Kept>,
}

struct Kept {
    question: Question,
    scope: Scope,
    parts: Parts,
    sum: Sum,
}

impl Kept {
    /// Adds what changed. False when it has to be made anew.
    fn follow(
        &mut self,
        conn: &Connection,
        names: &mut Names,
        changes: &[Change],
        rates: &Rates,
    ) -> rusqlite::Result<bool> {
        let mut is_new = false;
        for change in changes {
            let start = slot::start_of(change.quarter);
            let day = local_day(start, self.scope.zone);
            if self.parts.terms.depends_on(day) && self.scope.takes(conn, &change.about)? {
                return Ok(false);
            }
            if !self.question.span.holds(start) || !self.scope.takes(conn, &change.about)? {
                continue;
            }
            if self.parts.reported_days.contains(&start.date_naive()) {
                return Ok(false);
            }
            let payer = self.scope.payer(conn, names, &change.about, day)?;
            self.parts.add(payer, day, change.about.model, &change.figures);
            is_new = true;
        }
        if is_new {
            self.sum = self.parts.sum(rates);
        }
        Ok(true)
    }
}

impl Ledger {
    /// The answers to the questions, in their order. `tally` belongs to this ledger alone, and is
    /// best asked the same questions each time.
    pub fn tally(
        &self,
        tally: &mut Tally,
        questions: &[Question],
        zone: Zone,
    ) -> Result<Vec<Sum>, LedgerError> {
        let answered = self.ask(|conn| {
            let version: i64 = conn.query_row("PRAGMA data_version", [], |row| row.get(0))?;
            let moved = self.moved.borrow();
            let (upsets, end) = (moved.upsets, moved.end());
            let is_same = tally.zone == zone
                && tally
                    .seen
                    .is_some_and(|(known, before, _)| (known, before) == (version, upsets));
            let changes = tally.seen.filter(|_| is_same).and_then(|(.., to)| moved.since(to));
            if changes.is_none() {
                tally.kept.clear();
            }
            let changes = changes.unwrap_or_default();
            (tally.seen, tally.zone) = (Some((version, upsets, end)), zone);
            let mut names = Names::default();
            let mut kept: Vec<_> = std::mem::take(&mut tally.kept).into_iter().map(Some).collect();
            let mut found = Vec::with_capacity(questions.len());
            for (index, question) in questions.iter().enumerate() {
                let is_it = |kept: &Option<Kept>| {
                    kept.as_ref().is_some_and(|kept| kept.question == *question)
                };
                // Mostly the same questions come in the same order.
                let at = match kept.get(index) {
                    Some(known) if is_it(known) => Some(index),
                    _ => kept.iter().position(is_it),
                };
                let known = at.and_then(|at| kept[at].take());
                let known = match known {
                    Some(mut known) => {
                        known.follow(conn, &mut names, changes, &self.rates)?.then_some(known)
                    }
                    None => None,
                };
                found.push(known);
            }
            let missing: Vec<_> = found
                .iter()
                .zip(questions)
                .filter(|(known, _)| known.is_none())
                .map(|(_, question)| {
                    let scope =
                        Scope::new(conn, &question.span, zone, &question.filter, &self.plans)?;
                    let scope = scope.with_fees_until(question.fees_end);
                    Ok((question, scope))
                })
                .collect::<rusqlite::Result<_>>()?;
            let scopes: Vec<_> = missing.iter().map(|(_, scope)| scope).collect();
            let parts = gather_all(conn, &mut names, &scopes, &self.rates)?;
            let mut made = missing.into_iter().zip(parts).map(|((question, scope), parts)| {
                let sum = parts.sum(&self.rates);
                Kept { question: question.clone(), scope, parts, sum }
            });
            tally.kept =
                found.into_iter().filter_map(|known| known.or_else(|| made.next())).collect();
            Ok(tally.kept.iter().map(|kept| kept.sum).collect())
        });
        if answered.is_err() {
            // Half of the changes may be in it.
            tally.seen = None;
        }
        answered
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{
        AGENT, HAIKU, MINI, OTHER_AGENT, PROVIDER, charge, days, ledger_in, look, metered, reading,
        record, usage, usd,
    };
    use super::*;
    use crate::plans::{Discount, Every, Off, Overage, Plan, Plans, Seat};
    use crate::spend::{Charge, Cycle, Glob, Lists, Reading, Usage};

    const NOW: &str = "2026-11-24T12:00:00Z";

    #[derive(Clone, Debug)]
    enum Step {
        Usage { agent: bool, id: u8, day: u8, model: bool, project: bool, tokens: u16 },
        Bill { cents: u16, day: u8 },
        Report { day: u8, tokens: u16 },
        GiveUp,
        Elsewhere,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            6 => (any::<bool>(), 0_u8..40, 18_u8..25, any::<bool>(), any::<bool>(), 1_u16..9_999)
                .prop_map(|(agent, id, day, model, project, tokens)| {
                    Step::Usage { agent, id, day, model, project, tokens }
                }),
            1 => (1_u16..999, 18_u8..25).prop_map(|(cents, day)| Step::Bill { cents, day }),
            1 => (18_u8..25, 1_u16..9_999).prop_map(|(day, tokens)| Step::Report { day, tokens }),
            1 => Just(Step::GiveUp),
            1 => Just(Step::Elsewhere),
        ];
        prop::collection::vec(step, 1..25)
    }

    fn used(id: u8, day: u8, model: bool, project: bool, tokens: u16) -> Usage {
        let model = if model { HAIKU } else { MINI };
        let time = format!("2026-11-{day}T10:00:00Z");
        let mut usage = usage(&id.to_string(), &time, model, u64::from(tokens) * 1000, 10);
        usage.project = Some(if project { "/work/a/deep" } else { "/work/b" }.into());
        usage
    }

    fn questions() -> Vec<Question> {
        let glob = |text: &str| vec![Glob::new(text).unwrap()];
        let only = |only: Lists| Filter { only, ..Filter::default() };
        let models = Lists { models: glob("*haiku*"), ..Lists::default() };
        let projects = Lists { projects: glob("/work/a"), ..Lists::default() };
        let filters = [
            Filter::everything(),
            Filter::of_sources([AGENT.id]),
            only(models.clone()),
            only(projects),
            Filter { except: models, ..Filter::default() },
        ];
        let cycles = [Cycle::Day, Cycle::WEEK, Cycle::MONTH, Cycle::Days(3), Cycle::Hours(30)];
        let span = |cycle: Cycle| cycle.holding(NOW.parse().unwrap(), Zone::UTC);
        let all = cycles.iter().flat_map(|cycle| filters.iter().map(|filter| (*cycle, filter)));
        all.map(|(cycle, filter)| {
            let (span, filter) = (span(cycle), filter.clone());
            Question { span, fees_end: span.end_day, filter }
        })
        .collect()
    }

    /// A plan that includes $2 of the other agent's usage from the 20th on, a tenth off, and a credit.
    fn plans() -> Plans {
        let date = |text: &str| text.parse().ok();
        let plan = Plan {
            name: "plan".into(),
            offer: None,
            fee: usd("31"),
            every: Every::Week(chrono::Weekday::Fri),
            first_day: date("2026-11-19"),
            last_day: None,
            covers: Filter::of_sources([OTHER_AGENT.id]),
            seats: vec![Seat { source: OTHER_AGENT.id.into(), account: "anthropic".into() }],
            overage: Overage::List { included: usd("2") },
        };
        let discount = |off| Discount {
            account: "OpenAI".into(),
            off,
            first_day: date("2026-11-17"),
            last_day: date("2026-11-23"),
            in_bill: false,
        };
        let discounts = vec![
            discount(Off::Share { ppm: 100_000 }),
            discount(Off::Amount { amount: usd("3"), every: None }),
        ];
        Plans { plans: vec![plan], discounts }
    }

    fn check(ledger: &Ledger, tally: &mut Tally) -> Result<(), TestCaseError> {
        let questions = questions();
        let kept = ledger.tally(tally, &questions, Zone::UTC).unwrap();
        for (question, kept) in questions.iter().zip(kept) {
            let anew = ledger.spend(&question.span, Zone::UTC, &question.filter).unwrap();
            prop_assert_eq!(kept.spend, anew.spend, "{:?}", question);
            prop_assert_eq!(kept.list, anew.list, "{:?}", question);
            prop_assert_eq!(kept.billed, anew.billed.unwrap_or(kept.billed), "{:?}", question);
            prop_assert_eq!(kept.covered, anew.covered, "{:?}", question);
            prop_assert_eq!(kept.estimated, anew.estimated, "{:?}", question);
            prop_assert_eq!(kept.unpriced_tokens, anew.unpriced_tokens, "{:?}", question);
            prop_assert_eq!(kept.paid.attos, anew.paid.total, "{:?}", question);
            prop_assert_eq!(kept.paid_estimated, anew.paid.estimated, "{:?}", question);
            let days = ledger.daily_paid(&question.span, Zone::UTC, &question.filter).unwrap();
            let sum: i128 = days.values().map(|paid| paid.total).sum();
            prop_assert_eq!(sum, anew.paid.total, "{:?}", question);
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

        #[test]
        fn what_is_kept_is_what_would_be_summed_anew(steps in steps(), with_plans in any::<bool>()) {
            let home = tempfile::tempdir().unwrap();
            let mut ledger = ledger_in(home.path());
            if with_plans {
                ledger.reckon_with(Rates::default(), plans());
            }
            let mut tally = Tally::default();
            // Another one is asked only now and then.
            let mut lagging = Tally::default();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Usage { agent, id, day, model, project, tokens } => {
                        let source = if agent { &AGENT } else { &OTHER_AGENT };
                        let usages = vec![used(id, day, model, project, tokens)];
                        record(&mut ledger, &look(source, NOW), &reading(usages));
                    }
                    Step::Bill { cents, day } => {
                        let date = format!("2026-11-{day}");
                        let amount = format!("{}.{:02}", cents / 100, cents % 100);
                        let charges: Vec<Charge> = vec![charge(&date, &amount)];
                        let charges_cover = Some(days("2026-11-18", "2026-11-24"));
                        let bill = Reading { charges, charges_cover, ..Reading::default() };
                        record(&mut ledger, &look(&PROVIDER, NOW), &bill);
                    }
                    Step::Report { day, tokens } => {
                        let date = format!("2026-11-{day}");
                        let metered = vec![metered(&date, MINI, u64::from(tokens) * 900, 10)];
                        let metered_cover = Some(days("2026-11-18", "2026-11-24"));
                        let report = Reading { metered, metered_cover, ..Reading::default() };
                        record(&mut ledger, &look(&PROVIDER, NOW), &report);
                    }
                    Step::GiveUp => {
                        let prices = crate::pricing::PriceTable::builtin();
                        let mut recording = ledger.begin().unwrap();
                        let usages = vec![used(99, 24, true, true, 77)];
                        recording.record(&look(&AGENT, NOW), &reading(usages), &prices).unwrap();
                        check(&recording, &mut tally)?;
                        drop(recording);
                    }
                    Step::Elsewhere => {
                        let mut other = ledger_in(home.path());
                        let usages = vec![used(77, 23, false, true, 5)];
                        record(&mut other, &look(&AGENT, NOW), &reading(usages));
                    }
                }
                check(&ledger, &mut tally)?;
                if number % 3 == 0 {
                    check(&ledger, &mut lagging)?;
                }
            }
        }
    }

    #[test]
    fn changes_are_forgotten_after_a_while_and_tallies_notice() {
        let change = Change { quarter: 0, about: Default::default(), figures: Default::default() };
        let mut moved = Moved::default();
        moved.note(vec![change; 3]);
        assert_eq!(moved.since(1).map(<[_]>::len), Some(2));
        moved.note(vec![change; MOST_CHANGES]);
        assert_eq!(moved.since(1).map(<[_]>::len), None);
        let end = moved.end();
        assert_eq!(end, MOST_CHANGES as u64 + 3);
        assert_eq!(moved.since(end).map(<[_]>::len), Some(0));
        moved.upset();
        assert_eq!((moved.end(), moved.since(end).map(<[_]>::len)), (end, Some(0)));
    }
}
