//! What somebody chose to look at.

use chrono::NaiveDate;

use crate::board::report::GroupBy;
use crate::spend::{Filter, Glob, Lists};

/// What the page is to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// How far back the rows reach, unless a day is chosen.
    pub reach: Reach,
    /// What rows stand for.
    pub by: GroupBy,
    /// The day that rows and hours are of.
    pub day: Option<NaiveDate>,
    /// Only this source.
    pub source: Option<String>,
    /// Only this model.
    pub model: Option<String>,
    /// Only this folder, with all below it.
    pub project: Option<String>,
    /// Only this session.
    pub session: Option<String>,
    /// All rows rather than the first ones.
    pub all: bool,
    /// What the same usage would have cost otherwise; `None` while nobody asks.
    pub what_if: Option<WhatIfView>,
}

/// What is to be otherwise, besides what can always be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhatIfView {
    /// The model of all requests, as typed.
    pub model: Option<String>,
    /// The factor on all prices, as typed.
    pub scale: Option<String>,
    /// The offer that all usage is to be on.
    pub plan: Option<String>,
}

impl Default for View {
    fn default() -> Self {
        Self {
            reach: Reach::Today,
            by: GroupBy::Source,
            day: None,
            source: None,
            model: None,
            project: None,
            session: None,
            all: false,
            what_if: None,
        }
    }
}

impl View {
    /// The spend that is meant.
    pub fn filter(&self) -> Filter {
        let exactly = |name: &Option<String>| {
            name.iter().filter_map(|name| Glob::new(&Glob::escape(name)).ok()).collect()
        };
        Filter {
            only: Lists {
                sources: self.source.iter().cloned().collect(),
                models: exactly(&self.model),
                projects: exactly(&self.project),
                sessions: exactly(&self.session),
                ..Lists::default()
            },
            ..Filter::default()
        }
    }

    /// Whether anything is left out.
    pub fn is_narrowed(&self) -> bool {
        [&self.source, &self.model, &self.project, &self.session].iter().any(|it| it.is_some())
    }
}

/// How far back rows reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Today.
    #[default]
    Today,
    /// The last 7 days, today included.
    Week,
    /// The last 30 days, today included.
    Month,
    /// The last 365 days, today included.
    Year,
}

impl Reach {
    /// All of them, shortest first.
    pub const ALL: [Self; 4] = [Self::Today, Self::Week, Self::Month, Self::Year];

    /// Days, today included.
    pub fn days(&self) -> u64 {
        match self {
            Self::Today => 1,
            Self::Week => 7,
            Self::Month => 30,
            Self::Year => 365,
        }
    }
}
