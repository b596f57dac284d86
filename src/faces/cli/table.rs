//! Tables for terminals: names to the left, figures to the right, a total at the end.

use std::io::{self, Write};

use super::style::{Cut, Style, clean, fit, width};

/// Columns that a name keeps, however narrow the terminal.
const NARROWEST: usize = 8;
const GAP: usize = 2;

/// How a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// A name: to the left, cut where the line is too long.
    Name(&'static str, Cut),
    /// A short word: to the left, never cut.
    Word(&'static str),
    /// A figure: to the right, never cut.
    Figure(&'static str),
}

/// Rows under headings.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    total: Option<Vec<String>>,
    /// Beside the rows, in their order.
    bars: Vec<String>,
}

impl Table {
    /// An empty table. Headings are left out where all of them are empty.
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new(), total: None, bars: Vec::new() }
    }

    /// Adds a row: one cell per column, made safe to print.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|cell| clean(cell)).collect());
    }

    /// Sets the last row.
    pub fn total(&mut self, cells: Vec<String>) {
        self.total = Some(cells);
    }

    /// Draws a bar at the end of each row.
    pub fn bars(&mut self, bars: Vec<String>) {
        self.bars = bars;
    }

    /// Columns that it takes before bars begin, when nothing is cut.
    pub fn beside_bars(&self) -> usize {
        self.width() + GAP
    }

    /// Columns that it takes when nothing is cut.
    pub fn width(&self) -> usize {
        line_width(&self.natural_widths())
    }

    /// Columns that it takes when every name is cut as short as it may be.
    pub fn narrowest(&self) -> usize {
        line_width(&self.fitted_widths(0))
    }

    /// Writes it, each line behind `indent` blanks.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, out: &mut dyn Write, style: &Style, indent: usize) -> io::Result<()> {
        let widths = self.fitted_widths(style.width.saturating_sub(indent));
        let margin = " ".repeat(indent);
        let heads: Vec<String> =
            self.columns.iter().map(|column| column.head().to_owned()).collect();
        if heads.iter().any(|head| !head.is_empty()) {
            writeln!(out, "{margin}{}", style.quiet(&self.line(&heads, &widths)))?;
        }
        for (index, row) in self.rows.iter().enumerate() {
            let mut line = self.line(row, &widths);
            if let Some(bar) = self.bars.get(index).filter(|bar| !bar.is_empty()) {
                let blanks = line_width(&widths) + GAP - width(&line);
                line += &(" ".repeat(blanks) + &style.bar(bar));
            }
            writeln!(out, "{margin}{line}")?;
        }
        match &self.total {
            Some(total) => writeln!(out, "{margin}{}", style.strong(&self.line(total, &widths))),
            None => Ok(()),
        }
    }

    /// Its heading and its rows as lines of at most `columns`, as far as figures allow.
    pub fn lines(&self, columns: usize) -> (String, Vec<String>) {
        let widths = self.fitted_widths(columns);
        let heads: Vec<String> =
            self.columns.iter().map(|column| column.head().to_owned()).collect();
        let rows = self.rows.iter().map(|row| self.line(row, &widths)).collect();
        (self.line(&heads, &widths), rows)
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (index, ((cell, column), room)) in
            cells.iter().zip(&self.columns).zip(widths).enumerate()
        {
            if index > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            let shown = match column {
                Column::Name(_, cut) => fit(cell, *room, *cut),
                Column::Word(_) | Column::Figure(_) => cell.clone(),
            };
            let blanks = " ".repeat(room.saturating_sub(width(&shown)));
            match column {
                Column::Figure(_) => line.extend([blanks, shown]),
                Column::Name(..) | Column::Word(_) => line.extend([shown, blanks]),
            }
        }
        line.truncate(line.trim_end().len());
        line
    }

    fn natural_widths(&self) -> Vec<usize> {
        let of_column = |index: usize, column: &Column| {
            let cells = self.rows.iter().chain(&self.total).filter_map(|row| row.get(index));
            cells.map(|cell| width(cell)).fold(width(column.head()), usize::max)
        };
        self.columns.iter().enumerate().map(|(index, column)| of_column(index, column)).collect()
    }

    /// The widest name gives way first.
    fn fitted_widths(&self, room: usize) -> Vec<usize> {
        let mut widths = self.natural_widths();
        let mut excess = line_width(&widths).saturating_sub(room);
        while excess > 0 {
            let names = self.columns.iter().zip(widths.iter_mut());
            let widest = names
                .filter(|(column, wide)| matches!(column, Column::Name(..)) && **wide > NARROWEST)
                .max_by_key(|(_, wide)| **wide);
            let Some((_, wide)) = widest else { break };
            *wide -= 1;
            excess -= 1;
        }
        widths
    }
}

impl Column {
    fn head(&self) -> &'static str {
        match self {
            Self::Name(head, _) | Self::Word(head) | Self::Figure(head) => head,
        }
    }
}

fn line_width(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_name_gives_way_and_figures_stay() {
        let mut table = Table::new(vec![
            Column::Name("Project", Cut::Start),
            Column::Name("Model", Cut::End),
            Column::Figure("Billed $"),
        ]);
        table.row(vec!["/home/ada/東京/very/long/project".into(), "gpt-5.5".into(), "1.00".into()]);
        table.row(vec!["é\x1b[2J".into(), "m".into(), "1,305,088.81".into()]);
        table.total(vec!["Total".into(), String::new(), "1,305,089.81".into()]);
        let show = |columns| {
            let mut out = Vec::new();
            let style = Style { color: false, width: columns };
            table.write(&mut out, &style, 0).expect("a vector");
            String::from_utf8(out).expect("text")
        };
        insta::assert_snapshot!(show(40), @"
        Project            Model        Billed $
        …ery/long/project  gpt-5.5          1.00
        é�[2J              m        1,305,088.81
        Total                       1,305,089.81
        ");
        insta::assert_snapshot!(show(20), @"
        Project   Model        Billed $
        …project  gpt-5.5          1.00
        é�[2J     m        1,305,088.81
        Total              1,305,089.81
        ");
        insta::assert_snapshot!(show(100), @"
        Project                           Model        Billed $
        /home/ada/東京/very/long/project  gpt-5.5          1.00
        é�[2J                             m        1,305,088.81
        Total                                      1,305,089.81
        ");
    }
}
