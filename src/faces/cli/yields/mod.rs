//! `yield`: what the money bought.

mod document;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use super::style::{Cut, Style, clean, grouped, wrap};
use super::table::{Column, Table};
use crate::board::wording::{self, yields as words};
use crate::board::yields::{YieldBy, YieldRow, YieldSums, Yields};

pub use document::json;

/// Rows of commits that the text shows; the rest is one sentence.
const MOST_ROWS: usize = 60;
/// Digits of a commit's id that are shown, as git itself does in small repositories.
const SHORT_ID: usize = 8;

/// Writes the table, its total, and under it what a reader must know.
///
/// # Errors
/// Those of the writer.
pub fn text(out: &mut dyn Write, it: &Yields, style: &Style) -> io::Result<()> {
    let days = if it.first_day == it.last_day {
        wording::day(it.first_day)
    } else {
        format!("{} to {}", wording::day(it.first_day), wording::day(it.last_day))
    };
    writeln!(out, "{}", style.strong(&format!("{days}, {}, at list price", it.zone)))?;
    if it.rows.is_empty() {
        writeln!(out, "No work in a git repository in these days.")?;
    } else {
        let tables = [Detail::All, Detail::Prices, Detail::Least].map(|detail| table(it, detail));
        let [all, prices, least] = tables;
        let fits = |table: &Table| table.narrowest() <= style.width;
        let table = if fits(&all) {
            all
        } else if fits(&prices) {
            prices
        } else {
            least
        };
        table.write(out, style, 0)?;
        if let Some(left_out) = it.rows.len().checked_sub(MOST_ROWS).filter(|more| *more > 0) {
            let more = format!(
                "{} smaller rows are in the total; `--json` has them all.",
                grouped(left_out as u64)
            );
            writeln!(out, "{}", style.quiet(&more))?;
        }
    }
    writeln!(out)?;
    for note in &it.notes {
        writeln!(out, "{}", style.quiet(&wrap(&clean(note), style.width, 0)))?;
    }
    Ok(())
}

/// How much a table tells, as far as the line is long enough.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Detail {
    /// Commits, their spend, and what led to none.
    Least,
    /// And prices per commit and line.
    Prices,
    /// And lines and what was reverted.
    All,
}

fn table(it: &Yields, detail: Detail) -> Table {
    let by_commit = it.by.contains(&YieldBy::Commit);
    let mut columns: Vec<Column> = it
        .by
        .iter()
        .map(|key| match key {
            YieldBy::Repository => Column::Name("Repository", Cut::Start),
            YieldBy::Branch => Column::Name("Branch", Cut::End),
            YieldBy::Author => Column::Name("Author", Cut::End),
            YieldBy::Commit => Column::Name("Commit", Cut::End),
            YieldBy::PullRequest => Column::Name("Pull request", Cut::Start),
        })
        .collect();
    if !by_commit {
        columns.push(Column::Figure("Commits"));
    }
    if detail >= Detail::All {
        columns.push(Column::Figure("Lines"));
    }
    columns.push(Column::Figure("≈ At commits $"));
    if detail >= Detail::Prices {
        if !by_commit {
            columns.push(Column::Figure("≈ A commit $"));
        }
        columns.push(Column::Figure("≈ A line $"));
    }
    if detail >= Detail::All {
        columns.push(Column::Figure("≈ Reverted $"));
    }
    columns.push(Column::Figure("≈ No commit $"));
    let figures = |sums: &YieldSums| {
        let mut cells = Vec::new();
        if !by_commit {
            cells.push(grouped(sums.commits));
        }
        if detail >= Detail::All {
            cells.push(words::lines(sums));
        }
        cells.push(words::spent(&sums.at_commits));
        if detail >= Detail::Prices {
            if !by_commit {
                cells.push(words::cell(sums.per_commit()));
            }
            cells.push(words::per_line(sums.per_line()));
        }
        if detail >= Detail::All {
            cells.push(words::spent(&sums.reverted));
        }
        cells.push(words::spent(&sums.no_commit));
        cells
    };
    let mut table = Table::new(columns);
    for row in it.rows.iter().take(MOST_ROWS) {
        let mut cells: Vec<String> = it.by.iter().map(|key| cell(row, *key)).collect();
        cells.extend(figures(&row.sums));
        table.row(cells);
    }
    let mut total = vec![String::new(); it.by.len()];
    if let Some(first) = total.first_mut() {
        *first = "Total".into();
    }
    total.extend(figures(&it.totals));
    table.total(total);
    table
}

fn cell(row: &YieldRow, key: YieldBy) -> String {
    let name = match key {
        YieldBy::Repository => &row.repository,
        YieldBy::Branch => &row.branch,
        YieldBy::Author => &row.author,
        YieldBy::PullRequest => {
            return row.pull.as_ref().map_or_else(|| "no pull request".into(), words::pull);
        }
        YieldBy::Commit => {
            let Some(commit) = &row.commit else { return "no commit".into() };
            let id: String = commit.id.chars().take(SHORT_ID).collect();
            let state = match (commit.is_reverted, commit.is_gone) {
                (true, _) => "reverted: ",
                (_, true) => "gone: ",
                _ => "",
            };
            return format!("{id} {state}{}", commit.subject);
        }
    };
    name.clone().unwrap_or_else(|| wording::UNKNOWN.into())
}
