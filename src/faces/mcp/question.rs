//! What an agent may ask: the tools, and what it sends read along their descriptions.

use rmcp::model::{JsonObject, Tool};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::board::report::GroupBy;
use crate::faces::cli::args::{DayArg, parse_day, parse_group};

/// The tools as agents are told of them.
const TOOLS: &str = include_str!("../../../assets/mcp-tools.json");
/// Rows of a report, unless the agent wants fewer or more.
const USUAL_ROWS: usize = 50;
/// What fits into an agent's memory without doing harm.
const MOST_ROWS: usize = 200;

/// A question, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What today cost.
    Today,
    /// What a session cost; `None` for the newest one here.
    Session(Option<String>),
    /// What is left of a budget; `None` for all of them.
    Budgets(Option<String>),
    /// Where spend went.
    Report(ReportAsked),
}

/// A question for a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportAsked {
    /// First day.
    pub since: Option<DayArg>,
    /// Last day.
    pub until: Option<DayArg>,
    /// What rows are grouped by, each once.
    pub by: Vec<GroupBy>,
    /// At most so many rows.
    pub rows: usize,
}

/// The tools.
///
/// # Errors
/// The descriptions that are built in are broken.
pub fn tools() -> Result<Vec<Tool>, serde_json::Error> {
    serde_json::from_str(TOOLS)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionAsked {
    session: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BudgetAsked {
    budget: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportSent {
    since: Option<String>,
    until: Option<String>,
    by: Option<Vec<String>>,
    rows: Option<i64>,
}

impl Question {
    /// Reads what was sent to a tool; `None` when there is no such tool.
    ///
    /// # Errors
    /// The arguments are not those of the tool: what is wrong, for the agent to mend.
    pub fn read(tool: &str, arguments: Option<JsonObject>) -> Option<Result<Self, String>> {
        let arguments = arguments.unwrap_or_default();
        let question = match tool {
            "spend_today" => read(arguments).map(|Nothing {}| Self::Today),
            "session_cost" => read(arguments)
                .and_then(|SessionAsked { session }| Ok(Self::Session(name("session", session)?))),
            "budget_left" => read(arguments)
                .and_then(|BudgetAsked { budget }| Ok(Self::Budgets(name("budget", budget)?))),
            "report" => read(arguments).and_then(ReportAsked::of).map(Self::Report),
            _ => return None,
        };
        Some(question.map_err(|what| format!("{tool}: {what}")))
    }
}

fn read<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, String> {
    serde_path_to_error::deserialize(Value::Object(arguments)).map_err(|error| {
        let place = error.path().to_string();
        let what = error.into_inner().to_string().replace("unknown field", "unknown argument");
        if place == "." { what } else { format!("{place}: {what}") }
    })
}

fn name(argument: &str, name: Option<String>) -> Result<Option<String>, String> {
    match name {
        Some(name) if name.trim().is_empty() => {
            Err(format!("{argument}: the name is empty; leave it out for the usual answer"))
        }
        name => Ok(name),
    }
}

impl ReportAsked {
    fn of(sent: ReportSent) -> Result<Self, String> {
        let day = |argument, text: Option<String>| {
            let day = text.map(|text| {
                parse_day(text.trim()).map_err(|what| format!("{argument}: {text:?}: {what}"))
            });
            day.transpose()
        };
        let mut by = Vec::new();
        for word in sent.by.unwrap_or_default() {
            let group = parse_group(&word).map_err(|what| format!("by: {word:?}: {what}"))?;
            if !by.contains(&group) {
                by.push(group);
            }
        }
        if by.is_empty() {
            by.push(GroupBy::Day);
        }
        let rows = sent.rows.map_or(Some(USUAL_ROWS), |rows| usize::try_from(rows).ok());
        let Some(rows) = rows.filter(|rows| (1..=MOST_ROWS).contains(rows)) else {
            let rows = sent.rows.unwrap_or_default();
            return Err(format!("rows: {rows} is not between 1 and {MOST_ROWS}"));
        };
        Ok(Self { since: day("since", sent.since)?, until: day("until", sent.until)?, by, rows })
    }

    /// Whether rows would name folders or sessions.
    pub fn names_work(&self) -> bool {
        self.by.iter().any(|group| matches!(group, GroupBy::Project | GroupBy::Session))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ask(tool: &str, arguments: Value) -> Result<Question, String> {
        let Value::Object(arguments) = arguments else { panic!("an object") };
        Question::read(tool, Some(arguments)).expect("a tool")
    }

    #[test]
    fn every_tool_that_is_described_can_be_asked_and_changes_nothing() {
        let tools = tools().expect("sound");
        assert_eq!(tools.len(), 4);
        for tool in tools {
            assert!(Question::read(&tool.name, None).expect("known").is_ok(), "{}", tool.name);
            assert!(tool.output_schema.is_some() && tool.description.is_some(), "{}", tool.name);
            let annotations = tool.annotations.expect("annotations");
            assert_eq!(annotations.read_only_hint, Some(true));
            assert!(annotations.is_idempotent() && !annotations.is_destructive());
        }
        assert_eq!(Question::read("pay", None), None);
    }

    #[test]
    fn questions_are_read() {
        assert_eq!(ask("spend_today", json!({})), Ok(Question::Today));
        let session = Question::Session(Some("s-1".into()));
        assert_eq!(ask("session_cost", json!({"session": "s-1"})), Ok(session));
        assert_eq!(ask("budget_left", json!({"budget": null})), Ok(Question::Budgets(None)));
        let asked = ask(
            "report",
            json!({"since": "7d", "until": "2026-11-24", "by": ["model", "day", "model"], "rows": 3}),
        );
        let report = ReportAsked {
            since: Some(DayArg::Before(6)),
            until: Some(DayArg::On("2026-11-24".parse().expect("day"))),
            by: vec![GroupBy::Model, GroupBy::Day],
            rows: 3,
        };
        assert!(!report.names_work());
        assert_eq!(asked, Ok(Question::Report(report)));
    }

    #[test]
    fn what_is_wrong_is_said_so_that_it_can_be_mended() {
        for (tool, arguments, said) in [
            ("spend_today", json!({"day": "x"}), "spend_today: day: unknown argument `day`"),
            (
                "session_cost",
                json!({"session": 7}),
                "session: invalid type: number, expected a string",
            ),
            ("session_cost", json!({"session": " "}), "session: the name is empty"),
            ("budget_left", json!({"name": "day"}), "unknown argument `name`, expected `budget`"),
            ("report", json!({"since": "soon"}), "since: \"soon\": write a day as 2026-11-24"),
            (
                "report",
                json!({"by": "day"}),
                "by: invalid type: string \"day\", expected a sequence",
            ),
            ("report", json!({"by": ["team"]}), "by: \"team\": write some of day,source"),
            ("report", json!({"rows": 0}), "rows: 0 is not between 1 and 200"),
            ("report", json!({"rows": -1}), "rows: -1 is not between 1 and 200"),
        ] {
            let error = ask(tool, arguments).expect_err(said);
            assert!(error.contains(said), "{error}");
        }
    }
}
