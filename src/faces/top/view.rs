//! A [`Picture`] in the cells of a terminal, of whatever size that is.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use super::Picture;
use super::state::State;
use crate::board::sessions::SessionRow;
use crate::board::{Board, BudgetRow, wording};
use crate::faces::cli::style::{Cut, clean, fit, grouped, width};
use crate::faces::cli::table::{Column, Table};
use crate::faces::terminal;
use crate::spend::Money;

const HELP: [&str; 8] = [
    "↑ ↓  or  k j     select a session; its details stand below",
    "PgUp PgDn g G    by pages, to the first, to the last",
    "s                sort by: recent, today, tokens, last use",
    "p                stand still, and go on",
    "?                this help",
    "q  Esc  Ctrl-C   leave",
    "",
    "Amounts of sessions are list prices (≈), in dollars; – is not known.",
];
/// Budgets that are shown, tightest first.
const BUDGETS: usize = 2;

/// Draws it. Without a picture nothing was read yet. Without `color` not an attribute is set.
pub fn draw(buffer: &mut Buffer, picture: Option<&Picture>, state: &State, color: bool) {
    let area = buffer.area;
    let (columns, rows) = (usize::from(area.width), usize::from(area.height));
    let mut page = Page { lines: Vec::new(), columns, color };
    match picture {
        None => page.put("Reading …", Look::Strong),
        Some(picture) => {
            page.header(picture, state, rows);
            let footer = usize::from(rows >= 5);
            if state.help {
                HELP.iter().for_each(|line| page.put(line, Look::Plain));
            } else {
                page.sessions(picture, state, rows.saturating_sub(footer));
            }
            if footer == 1 {
                page.lines.truncate(rows - 1);
                page.lines.resize_with(rows - 1, || (String::new(), Look::Plain));
                page.footer(state);
            }
        }
    }
    let shown = page.lines.iter().take(rows);
    for (y, (line, look)) in (area.y..area.bottom()).zip(shown) {
        buffer.set_stringn(area.x, y, line, columns, look.style(color));
    }
}

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Plain,
    Strong,
    Quiet,
    Alarm,
    Selected,
}

impl Look {
    fn style(self, color: bool) -> Style {
        let style = Style::default();
        match self {
            _ if !color => style,
            Self::Plain => style,
            Self::Strong => style.add_modifier(Modifier::BOLD),
            Self::Quiet => style.add_modifier(Modifier::DIM),
            Self::Alarm => style.fg(Color::Yellow),
            Self::Selected => style.add_modifier(Modifier::REVERSED),
        }
    }
}

struct Page {
    lines: Vec<(String, Look)>,
    columns: usize,
    color: bool,
}

impl Page {
    fn put(&mut self, line: &str, look: Look) {
        self.lines.push((fit(&clean(line), self.columns, Cut::End), look));
    }

    /// What is at the left and, where there is room, at the right of a line.
    fn put_both(&mut self, left: &str, right: &str, look: Look) {
        let (left, right) = (clean(left), clean(right));
        let used = width(&left) + width(&right);
        if used + 2 <= self.columns {
            let line = format!("{left}{}{right}", " ".repeat(self.columns - used));
            self.lines.push((line, look));
        } else {
            self.put(&left, look);
        }
    }

    fn header(&mut self, picture: &Picture, state: &State, rows: usize) {
        let board = &picture.board;
        let mut left = terminal::headline(board);
        if !board.loading {
            left += &format!(
                " · {} requests · {} tokens",
                grouped(board.figures.requests),
                wording::tokens(board.figures.tokens.total())
            );
        }
        let clock = picture.now.with_timezone(&board.zone).format("%H:%M");
        let right =
            if state.paused { format!("standing still since {clock}") } else { clock.to_string() };
        self.put_both(&left, &right, Look::Strong);
        let room = match rows {
            ..7 => 0,
            7..10 => 1,
            10.. => BUDGETS,
        };
        let mut budgets: Vec<&BudgetRow> = board.budgets.iter().collect();
        budgets.sort_by_key(|budget| std::cmp::Reverse(budget.permille));
        for budget in budgets.into_iter().take(room) {
            let warns = budget.permille >= i128::from(budget.warn_percent) * 10;
            self.put(&budget_line(budget), if warns { Look::Alarm } else { Look::Plain });
        }
        if rows >= 7 && !picture.notice.is_empty() {
            self.put(&picture.notice, Look::Alarm);
        }
        if rows >= 10
            && let Some(note) = note(board)
        {
            self.put(&note, Look::Quiet);
        }
        if rows >= 12 {
            self.put("", Look::Plain);
        }
    }

    fn sessions(&mut self, picture: &Picture, state: &State, end: usize) {
        let sorted = state.sorted(&picture.sessions.rows);
        if sorted.is_empty() {
            self.put("No session has used anything today.", Look::Plain);
            return;
        }
        let details = match end {
            ..8 => 0,
            8..12 => 1,
            12.. => 3,
        };
        let end = end.saturating_sub(details);
        let since = picture.sessions.since.with_timezone(&picture.board.zone).format("%H:%M");
        let at = state.position(&sorted);
        // Two columns are the mark's.
        let table = table(picture, &sorted, self.columns.saturating_sub(2));
        let (head, lines) = table.lines(self.columns.saturating_sub(2));
        if end > self.lines.len() + 1 {
            // The heading has the place of the time in it, as wide as the time itself.
            self.put(
                &format!("  {}", head.replace(SINCE, &format!("≈ Since {since}"))),
                Look::Quiet,
            );
        }
        let room = end.saturating_sub(self.lines.len()).max(1);
        // The selected one stays in sight; what is above scrolls away.
        let first = (at + 1).saturating_sub(room);
        for (index, line) in lines.iter().enumerate().skip(first).take(room) {
            let (mark, look) =
                if index == at { ("▸", Look::Selected) } else { (" ", Look::Plain) };
            let line = fit(&format!("{mark} {line}"), self.columns, Cut::End);
            let fill = if self.color { self.columns.saturating_sub(width(&line)) } else { 0 };
            self.lines.push((line + &" ".repeat(fill), look));
        }
        let Some(row) = sorted.get(at).filter(|_| details > 0) else { return };
        self.lines.resize_with(end.max(self.lines.len()), || (String::new(), Look::Plain));
        let [place, used] = details_of(row);
        if details > 1 {
            self.put("", Look::Plain);
            self.put(&place, Look::Plain);
        }
        self.put(&used, Look::Plain);
    }

    fn footer(&mut self, state: &State) {
        let pause = if state.paused { "p go on" } else { "p stand still" };
        let left = format!("q quit  ↑↓ select  s sort: {}  {pause}  ? help", state.sort.word());
        self.put(&left, Look::Quiet);
    }
}

/// `daily ▰▰▰▰▱▱▱▱▱▱ 42 % · ≈ $214.37 of $500 · at this pace ≈ $580.00 to $700.00 by midnight`.
fn budget_line(budget: &BudgetRow) -> String {
    let spent = wording::estimate(budget.estimated, wording::amount_full(&budget.spent));
    let mut line = format!(
        "{} {} {} · {spent} of {}",
        budget.name,
        wording::bar(budget.permille),
        wording::percent(budget.permille),
        wording::amount_short(&budget.amount)
    );
    if let Some(forecast) = &budget.forecast {
        let end = budget.last_day.succ_opt().unwrap_or(budget.last_day);
        let by = wording::period_end(budget.cycle, end);
        line += &format!(" · at this pace {} by {by}", wording::range(forecast));
    }
    line
}

/// What a reader of the figures must know, the most pressing alone.
fn note(board: &Board) -> Option<String> {
    if let Some(notice) = board.notices.first() {
        return Some(notice.clone());
    }
    if let Some(alert) = board.last_alert.as_ref().filter(|alert| alert.period_start >= board.today)
    {
        return Some(format!("{}, {}", alert.title, wording::age(board.now, alert.at, board.zone)));
    }
    let failed = board.sources.iter().find_map(|row| {
        let short = wording::failure_short(row.error.as_ref()?);
        Some(format!("{}: {short}; `spendbar doctor` says more", row.info.name))
    });
    failed.or_else(|| {
        let tokens = board.figures.unpriced_tokens;
        (tokens > 0).then(|| {
            format!("{} tokens without a known price are in no amount", wording::tokens(tokens))
        })
    })
}

/// Stands for the time in a heading.
const SINCE: &str = "≈ Since 00:00";

/// The widest table that fits.
fn table(picture: &Picture, sorted: &[&SessionRow], columns: usize) -> Table {
    const AGENT: u8 = 1;
    const SESSION: u8 = 2;
    const MODELS: u8 = 4;
    const LAST_USE: u8 = 8;
    const RECENT: u8 = 16;
    const TOKENS: u8 = 32;
    const PROJECT: u8 = 64;
    let make = |with: u8| {
        let is_in = |column: u8| with & column != 0;
        let all = [
            (AGENT, Column::Name("Agent", Cut::End)),
            (SESSION, Column::Name("Session", Cut::End)),
            (PROJECT, Column::Name("Project", Cut::Start)),
            (MODELS, Column::Name("Models", Cut::End)),
            (LAST_USE, Column::Word("Last use")),
            (TOKENS, Column::Figure("Tokens")),
            (RECENT, Column::Figure(SINCE)),
            (u8::MAX, Column::Figure("≈ Today $")),
        ];
        let mut table =
            Table::new(all.iter().filter(|(it, _)| is_in(*it)).map(|(_, it)| *it).collect());
        for row in sorted {
            let cells = [
                row.agent.clone(),
                row.session.as_deref().map_or(wording::UNKNOWN.into(), short),
                row.project.clone().unwrap_or_else(|| wording::UNKNOWN.into()),
                models(row),
                last_use(row, picture),
                wording::tokens(row.tokens.total()),
                if row.recent_requests == 0 { String::new() } else { amount(row.recent) },
                amount(row.list),
            ];
            let cells = all.iter().zip(cells).filter(|((it, _), _)| is_in(*it));
            table.row(cells.map(|(_, cell)| cell).collect());
        }
        table
    };
    let steps = [
        AGENT | SESSION | PROJECT | MODELS | LAST_USE | RECENT | TOKENS,
        AGENT | SESSION | PROJECT | MODELS | LAST_USE | RECENT,
        AGENT | PROJECT | MODELS | LAST_USE | RECENT,
        AGENT | PROJECT | LAST_USE | RECENT,
        AGENT | PROJECT | RECENT,
        PROJECT | RECENT,
        PROJECT,
    ];
    let fitting = steps.into_iter().map(make).find(|table| table.narrowest() <= columns);
    // One bit that is no column's: what always stands there.
    fitting.unwrap_or_else(|| make(128))
}

fn amount(amount: Option<Money>) -> String {
    amount.map_or(wording::UNKNOWN.into(), |amount| wording::table_amount(&amount))
}

/// The start of an id; the details have all of it.
fn short(session: &str) -> String {
    fit(&clean(session), 9, Cut::End)
}

fn models(row: &SessionRow) -> String {
    let name = |model: &Option<String>| model.clone().unwrap_or_else(|| "model not named".into());
    row.models.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn last_use(row: &SessionRow, picture: &Picture) -> String {
    let zone = picture.board.zone;
    if row.last_at_is_exact {
        return wording::age(picture.now, row.last_at, zone);
    }
    wording::estimate(true, row.last_at.with_timezone(&zone).format("%H:%M").to_string())
}

/// What the selected session is, and what it used.
fn details_of(row: &SessionRow) -> [String; 2] {
    let mut place = vec![row.agent.clone()];
    place.extend(row.session.clone());
    place.extend(row.project.clone());
    let tokens = &row.tokens;
    let requests = if row.requests == 1 { "request" } else { "requests" };
    let written = tokens.cache_write_5m.saturating_add(tokens.cache_write_1h);
    let mut used = vec![format!("{} {requests}", grouped(row.requests)), models(row)];
    for (count, what) in [
        (tokens.input, "input"),
        (tokens.cache_read, "cache read"),
        (written, "cache write"),
        (tokens.output, "output"),
    ] {
        if count > 0 {
            used.push(format!("{what} {}", wording::tokens(count)));
        }
    }
    if row.unpriced_tokens > 0 {
        used.push(format!("{} without a known price", wording::tokens(row.unpriced_tokens)));
    }
    [place.join(" · "), used.join(" · ")]
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::state::Sort;
    use super::*;
    use crate::faces::examples;

    fn picture(board: Board) -> Picture {
        Picture { now: board.now, board, sessions: examples::sessions(), notice: String::new() }
    }

    fn drawn(picture: Option<&Picture>, state: &State, columns: u16, rows: u16) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a buffer");
        terminal.draw(|frame| draw(frame.buffer_mut(), picture, state, true)).expect("drawn");
        terminal.backend().buffer().clone()
    }

    fn text(buffer: &Buffer) -> String {
        let lines = buffer.content().chunks(usize::from(buffer.area.width.max(1)));
        let line = |cells: &[ratatui::buffer::Cell]| {
            cells
                .iter()
                .map(ratatui::buffer::Cell::symbol)
                .collect::<String>()
                .trim_end()
                .to_owned()
        };
        lines.map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn sessions_at_80_columns_and_at_120() {
        let near = picture(examples::near());
        let state = State::default();
        insta::assert_snapshot!(text(&drawn(Some(&near), &state, 80, 16)), @"
        Today ≈ $402.00 · 312 requests · 4.2 M tokens                              13:05
        daily ▰▰▰▰▰▰▰▰▱▱ 80 % · ≈ $402.00 of $500 · at this pace ≈ $610.00 to $680.00 b…
        80 % of today's budget: $402 of $500, 3 min ago

          Agent      Session    Project    Models    Last use   ≈ Since 12:00  ≈ Today $
        ▸ Claude C…  11111111…  …ada/shop  claude-…  just now           12.50      34.27
          Codex      019c0000…  …�[2J東 京   gpt-5.5…  ≈ 12:15             4.00     180.10
          local-ag…  –          …-on/shop  local-l…  4 min ago                         –





        Claude Code · 11111111-1111-4111-8111-111111111111 · /home/ada/shop
        120 requests · claude-opus-4-5 · input 1.2 k · output 120 k
        q quit  ↑↓ select  s sort: recent  p stand still  ? help
        ");
        insta::assert_snapshot!(text(&drawn(Some(&near), &state, 120, 16)), @"
        Today ≈ $402.00 · 312 requests · 4.2 M tokens                                                                      13:05
        daily ▰▰▰▰▰▰▰▰▱▱ 80 % · ≈ $402.00 of $500 · at this pace ≈ $610.00 to $680.00 by midnight
        80 % of today's budget: $402 of $500, 3 min ago

          Agent        Session    Project                   Models                   Last use   Tokens  ≈ Since 12:00  ≈ Today $
        ▸ Claude Code  11111111…  /home/ada/shop            claude-opus-4-5          just now    121 k          12.50      34.27
          Codex        019c0000…  /home/ada/web�[2J東 京      gpt-5.5, gpt-5-mini      ≈ 12:15    13.1 M           4.00     180.10
          local-agent  –          …-name-that-goes-on/shop  local-llama, model not…  4 min ago  20.0 M                         –





        Claude Code · 11111111-1111-4111-8111-111111111111 · /home/ada/shop
        120 requests · claude-opus-4-5 · input 1.2 k · output 120 k
        q quit  ↑↓ select  s sort: recent  p stand still  ? help
        ");
        insta::assert_snapshot!(text(&drawn(Some(&near), &state, 40, 8)), @"
        Today ≈ $402.00 · 312 requests · 4.2 M …
        daily ▰▰▰▰▰▰▰▰▱▱ 80 % · ≈ $402.00 of $5…
          Project       ≈ Since 12:00  ≈ Today $
        ▸ …me/ada/shop          12.50      34.27
          …web�[2J東 京            4.00     180.10
          …oes-on/shop                         –

        q quit  ↑↓ select  s sort: recent  p st…
        ");
        insta::assert_snapshot!(text(&drawn(Some(&near), &state, 20, 5)), @"
        Today ≈ $402.00 · 3…
          ≈ Today $
        ▸     34.27
             180.10
        q quit  ↑↓ select  …
        ");
    }

    #[test]
    fn help_pause_and_notices_are_told() {
        let mut shown = picture(examples::calm());
        shown.notice = "Spendbar has ended.".into();
        let state = State { help: true, paused: true, ..State::default() };
        insta::assert_snapshot!(text(&drawn(Some(&shown), &state, 80, 14)), @"
        Today ≈ $214.37 · 312 requests · 4.2 M tokens         standing still since 13:05
        daily ▰▰▰▰▱▱▱▱▱▱ 42 % · ≈ $214.37 of $500
        Spendbar has ended.

        ↑ ↓  or  k j     select a session; its details stand below
        PgUp PgDn g G    by pages, to the first, to the last
        s                sort by: recent, today, tokens, last use
        p                stand still, and go on
        ?                this help
        q  Esc  Ctrl-C   leave

        Amounts of sessions are list prices (≈), in dollars; – is not known.

        q quit  ↑↓ select  s sort: recent  p go on  ? help
        ");
        shown.sessions.rows.clear();
        let empty = text(&drawn(Some(&shown), &State::default(), 60, 8));
        assert!(empty.contains("No session has used anything today."), "{empty}");
        assert_eq!(text(&drawn(None, &State::default(), 20, 2)), "Reading …\n");
    }

    #[test]
    fn every_size_is_drawn() {
        let boards = [examples::crowded(), examples::famous(), examples::empty()];
        for picture in boards.map(picture) {
            for state in
                [State::default(), State { help: true, sort: Sort::Tokens, ..State::default() }]
            {
                for columns in [0, 1, 2, 5, 19, 20, 39, 40, 79, 80, 200] {
                    for rows in [0, 1, 2, 4, 5, 6, 8, 12, 40] {
                        drawn(Some(&picture), &state, columns, rows);
                    }
                }
            }
        }
    }

    #[test]
    fn without_colours_no_attribute_is_set() {
        let near = picture(examples::near());
        let mut terminal = Terminal::new(TestBackend::new(80, 16)).expect("a buffer");
        let state = State::default();
        terminal.draw(|frame| draw(frame.buffer_mut(), Some(&near), &state, false)).expect("drawn");
        let plain = terminal.backend().buffer();
        assert!(plain.content().iter().all(|cell| {
            cell.modifier.is_empty() && cell.fg == Color::Reset && cell.bg == Color::Reset
        }));
        let coloured = drawn(Some(&near), &state, 80, 16);
        assert!(coloured.content().iter().any(|cell| cell.fg == Color::Yellow));
        assert!(coloured.content().iter().any(|cell| cell.modifier == Modifier::REVERSED));
    }
}
