//! The guard: from which spend on coding agents are warned, and from which they are stopped.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::Budget;
use crate::spend::{Cycle, Facts, Filter, Lists, Money};

/// `[guard]` of the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Names of the budgets that count; `None` for all.
    pub budgets: Option<Vec<String>>,
    /// Percent of a budget from which agents are warned; `None` for the budget's own warning.
    pub soft_percent: Option<u32>,
    /// Percent of a budget from which they are stopped.
    pub hard_percent: u32,
    /// What one session may cost at list price within [`SESSION_HOURS`]; `None` for no limit.
    pub session: Option<Money>,
}

/// How far back a session's requests count. Older ones would have to be looked for in the whole
/// history each time an agent uses a tool.
pub const SESSION_HOURS: i64 = 24;

/// Percent of a session's limit from which it is warned, unless the config says otherwise.
const SESSION_SOFT_PERCENT: u32 = 80;

impl Default for Rules {
    fn default() -> Self {
        Self { budgets: None, soft_percent: None, hard_percent: 100, session: None }
    }
}

impl Rules {
    /// Whether the guard looks at a budget.
    pub fn count(&self, budget: &Budget) -> bool {
        self.budgets.as_ref().is_none_or(|names| names.contains(&budget.name))
    }

    /// The limit of one session that has cost `spent`; `None` where none is set.
    pub fn session(&self, spent: Money, unpriced_tokens: u64) -> Option<Limit> {
        Some(Limit {
            of: Of::Session,
            filter: Filter::everything(),
            amount: self.session?,
            spent,
            estimated: true,
            unpriced_tokens,
            soft_percent: self.soft_percent.unwrap_or(SESSION_SOFT_PERCENT),
            hard_percent: self.hard_percent,
        })
    }

    /// The limit that a budget is, with what its period has cost.
    pub fn budget(
        &self,
        budget: &Budget,
        period: (NaiveDate, DateTime<Utc>),
        (amount, spent): (Money, Money),
        estimated: bool,
        unpriced_tokens: u64,
    ) -> Limit {
        Limit {
            of: Of::Budget {
                name: budget.name.clone(),
                period: budget.cycle,
                start: period.0,
                end: period.1,
            },
            filter: budget.filter.clone(),
            amount,
            spent,
            estimated,
            unpriced_tokens,
            soft_percent: self.soft_percent.unwrap_or(budget.warn_percent()),
            hard_percent: self.hard_percent,
        }
    }
}

/// Something that agents may not spend more than, and what was spent of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// What it limits.
    pub of: Of,
    /// The spend it counts.
    #[serde(default)]
    pub filter: Filter,
    /// The amount.
    pub amount: Money,
    /// What was spent.
    pub spent: Money,
    /// Whether any part of that is a list price rather than a bill.
    pub estimated: bool,
    /// Tokens of models without a known price: not in `spent`.
    pub unpriced_tokens: u64,
    /// Percent from which agents are warned.
    pub soft_percent: u32,
    /// Percent from which they are stopped.
    pub hard_percent: u32,
}

/// What a limit is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// One session of an agent.
    Session,
    /// A budget's current period.
    Budget {
        /// The budget's name.
        name: String,
        /// Its period.
        period: Cycle,
        /// The first day of this one.
        start: NaiveDate,
        /// When the next one starts.
        end: DateTime<Utc>,
    },
}

/// How far a limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Not so far that anything is to be said.
    Within,
    /// Agents are warned.
    Soft,
    /// Agents are stopped.
    Hard,
}

impl Limit {
    /// The share of the amount that was spent, in thousandths, rounded down.
    pub fn permille(&self) -> i128 {
        self.spent.permille_of(&self.amount).unwrap_or(0)
    }

    /// Whether it is about what an agent does: by the agent, the folder it works in and the
    /// session.
    pub fn concerns(&self, agent: &str, folder: Option<&str>, session: Option<&str>) -> bool {
        let told = |lists: &Lists| Lists {
            sources: lists.sources.clone(),
            projects: lists.projects.clone(),
            sessions: lists.sessions.clone(),
            ..Lists::default()
        };
        let filter = Filter { only: told(&self.filter.only), except: told(&self.filter.except) };
        filter.takes(&Facts { source: agent, project: folder, session, ..Facts::default() })
    }

    /// Whether agents can be stopped by it. A hook tells neither the model nor who pays: where a
    /// budget counts some of them only, stopping would stop the others too.
    fn can_stop(&self) -> bool {
        [&self.filter.only, &self.filter.except].iter().all(|lists| {
            lists.models.is_empty() && lists.providers.is_empty() && lists.accounts.is_empty()
        })
    }

    /// How far it is reached.
    pub fn reach(&self) -> Reach {
        let reached = |percent: u32| self.permille() >= i128::from(percent) * 10;
        if reached(self.hard_percent) && self.can_stop() {
            Reach::Hard
        } else if reached(self.hard_percent.min(self.soft_percent)) {
            Reach::Soft
        } else {
            Reach::Within
        }
    }

    /// Whether the figures are of the period that holds `now`.
    pub fn is_of(&self, now: DateTime<Utc>) -> bool {
        match &self.of {
            Of::Session => true,
            Of::Budget { end, .. } => now < *end,
        }
    }

    /// What tells this limit in this period from every other, for what was said already.
    pub fn key(&self) -> String {
        let amount = self.amount.to_decimal();
        match &self.of {
            Of::Session => format!("session {amount}"),
            Of::Budget { name, start, .. } => format!("budget {name} {amount} {start}"),
        }
    }
}

/// The limit to speak of: the one that is reached furthest, of several the one with the largest
/// share spent.
pub fn furthest<'a>(limits: impl IntoIterator<Item = &'a Limit>) -> Option<&'a Limit> {
    limits.into_iter().max_by_key(|limit| (limit.reach(), limit.permille()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Basis;
    use super::*;
    use crate::spend::Zone;
    use crate::spend::{Currency, Glob};

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).expect(text)
    }

    fn budget(name: &str, thresholds: &[u32]) -> Budget {
        Budget {
            name: name.into(),
            amount: usd("50"),
            cycle: Cycle::Day,
            thresholds_percent: thresholds.to_vec(),
            filter: Filter::everything(),
            basis: Basis::Spend,
            rollover: false,
        }
    }

    fn limit(rules: &Rules, spent: &str) -> Limit {
        let now = "2026-03-02T12:00:00Z".parse().expect("time");
        let span = Cycle::Day.holding(now, Zone::UTC);
        let period = (span.first_day, span.end);
        let amounts = (usd("50"), usd(spent));
        rules.budget(&budget("day", &[50, 80, 100]), period, amounts, true, 0)
    }

    #[test]
    fn limits_are_reached_at_exactly_their_share() {
        let rules = Rules::default();
        // 80 % of 50 is 40.
        for (spent, reach) in [
            ("39.999999", Reach::Within),
            ("40", Reach::Soft),
            ("49.999999", Reach::Soft),
            ("50", Reach::Hard),
            ("500", Reach::Hard),
        ] {
            assert_eq!(limit(&rules, spent).reach(), reach, "{spent}");
        }
        let rules = Rules { soft_percent: Some(20), hard_percent: 90, ..rules };
        assert_eq!(limit(&rules, "10").reach(), Reach::Soft);
        assert_eq!(limit(&rules, "45").reach(), Reach::Hard, "90 % of 50");
    }

    #[test]
    fn a_budget_that_warns_late_is_not_warned_of_after_the_stop() {
        let rules = Rules { hard_percent: 70, ..Rules::default() };
        assert_eq!(limit(&rules, "34.99").reach(), Reach::Within);
        assert_eq!(limit(&rules, "35").reach(), Reach::Hard, "70 % of 50");
    }

    #[test]
    fn the_limit_reached_furthest_is_spoken_of() {
        let rules = Rules { session: Some(usd("10")), ..Rules::default() };
        let session = rules.session(usd("9"), 0).expect("set");
        let within = limit(&rules, "1");
        let over = limit(&rules, "50");
        assert_eq!(furthest([&within, &session]), Some(&session));
        assert_eq!(furthest([&session, &over]), Some(&over));
        assert_eq!(furthest([]), None);
        assert_eq!(Rules::default().session(usd("9"), 0), None);
    }

    #[test]
    fn only_the_named_budgets_count() {
        let rules = Rules { budgets: Some(vec!["day".into()]), ..Rules::default() };
        assert!(rules.count(&budget("day", &[])) && !rules.count(&budget("side", &[])));
        assert!(Rules::default().count(&budget("side", &[])));
    }

    #[test]
    fn a_budget_stops_what_it_counts_and_nothing_else() {
        let over = |filter: Filter| Limit { filter, ..limit(&Rules::default(), "60") };
        let folder = over(Filter {
            only: Lists {
                projects: vec![Glob::new("/work/a").expect("a pattern")],
                ..Lists::default()
            },
            ..Filter::default()
        });
        assert!(folder.concerns("codex", Some("/work/a/deep"), None));
        assert!(!folder.concerns("codex", Some("/work/b"), None));
        assert!(!folder.concerns("codex", None, None));
        assert_eq!(folder.reach(), Reach::Hard);
        let agent = over(Filter::of_sources(["claude-code"]));
        assert!(agent.concerns("claude-code", None, None) && !agent.concerns("codex", None, None));
        let model = over(Filter {
            only: Lists {
                models: vec![Glob::new("*opus*").expect("a pattern")],
                ..Lists::default()
            },
            ..Filter::default()
        });
        assert!(model.concerns("codex", None, None));
        assert_eq!(model.reach(), Reach::Soft, "the agent may use another model");
    }

    #[test]
    fn figures_of_yesterday_are_not_of_today() {
        let limit = limit(&Rules::default(), "1");
        assert!(limit.is_of("2026-03-02T23:59:59Z".parse().expect("time")));
        assert!(!limit.is_of("2026-03-03T00:00:00Z".parse().expect("time")));
    }

    proptest! {
        #[test]
        fn more_spent_is_never_reached_less(a in 0_i128..200, b in 0_i128..200, soft in 1_u32..200, hard in 1_u32..200) {
            let rules = Rules { soft_percent: Some(soft), hard_percent: hard, ..Rules::default() };
            let reach = |spent: i128| limit(&rules, &spent.to_string()).reach();
            prop_assert!(reach(a.min(b)) <= reach(a.max(b)));
        }
    }
}
