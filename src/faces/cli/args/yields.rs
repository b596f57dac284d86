//! The arguments of `yield`: days and grouping.

use chrono::NaiveDate;
use clap::Args;

use super::report::{DayArg, days_between, parse_day};
use crate::board::yields::YieldBy;

/// The arguments of `yield`.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct YieldArgs {
    /// First day [default: 30 days up to the last]
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    pub since: Option<DayArg>,
    /// Last day, which counts [default: today]
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    pub until: Option<DayArg>,
    /// What a row stands for: repository, branch, author, commit, pull-request [default: repository]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse_by)]
    by: Vec<YieldBy>,
    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
}

impl YieldArgs {
    /// First and last local day, both inclusive.
    ///
    /// # Errors
    /// The last day lies before the first: wrong usage.
    pub fn days(&self, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), clap::Error> {
        days_between(self.since, self.until, today)
    }

    /// What rows are grouped by, in the order typed, each once.
    pub fn by(&self) -> Vec<YieldBy> {
        let mut by = Vec::new();
        for key in &self.by {
            if !by.contains(key) {
                by.push(*key);
            }
        }
        if by.is_empty() { vec![YieldBy::Repository] } else { by }
    }
}

fn parse_by(text: &str) -> Result<YieldBy, String> {
    match text.trim() {
        "repository" => Ok(YieldBy::Repository),
        "branch" => Ok(YieldBy::Branch),
        "author" => Ok(YieldBy::Author),
        "commit" => Ok(YieldBy::Commit),
        "pull-request" => Ok(YieldBy::PullRequest),
        _ => Err("write some of repository,branch,author,commit,pull-request".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::super::tests::{command, refused};
    use super::*;

    #[test]
    fn days_and_rows_are_asked_for_as_in_the_report() {
        let asked = |line: &str| match command(line) {
            Command::Yield(args) => args,
            other => panic!("{other:?}"),
        };
        let today = "2026-11-24".parse().expect("a day");
        let (first, last) = asked("yield --since 7d").days(today).expect("days");
        assert_eq!((first.to_string(), last), ("2026-11-18".into(), today));
        assert_eq!(asked("yield").by(), [YieldBy::Repository]);
        let by = asked("yield --by author,commit,author").by();
        assert_eq!(by, [YieldBy::Author, YieldBy::Commit]);
        assert_eq!(asked("yield --by pull-request").by(), [YieldBy::PullRequest]);
        assert!(refused("yield --by model").contains("repository,branch,author,commit"));
        let backwards = asked("yield --since today --until yesterday").days(today);
        assert_eq!(backwards.expect_err("backwards").exit_code(), 2);
    }
}
