//! How text may look: colours only where a terminal shows them, lines as wide as it is.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What the place that text goes to can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences are understood and wanted.
    pub color: bool,
    /// Columns. Files and pipes have no end: nothing is cut for them.
    pub width: usize,
}

impl Style {
    /// The style for standard output. `terminal_columns` is `None` when it is no terminal;
    /// `no_color` and `term` are the variables `NO_COLOR` (<https://no-color.org>: any value but an
    /// empty one) and `TERM`.
    pub fn of(terminal_columns: Option<usize>, no_color: Option<&str>, term: Option<&str>) -> Self {
        Self {
            color: terminal_columns.is_some()
                && no_color.is_none_or(str::is_empty)
                && term != Some("dumb"),
            width: terminal_columns.map_or(usize::MAX, |columns| columns.max(40)),
        }
    }

    /// No colours, no end of line.
    pub const fn plain() -> Self {
        Self { color: false, width: usize::MAX }
    }

    /// Headings and totals.
    pub fn strong(&self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What stands beside the answer.
    pub fn quiet(&self, text: &str) -> String {
        self.paint("2", text)
    }

    /// What wants a look: the one colour of texts.
    pub fn alarm(&self, text: &str) -> String {
        self.paint("33", text)
    }

    /// How much: the colour of bars.
    pub fn bar(&self, text: &str) -> String {
        self.paint("36", text)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Columns that a text takes in a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// A name out of a log or an answer, safe to print: whatever could move the cursor, colour the
/// terminal or turn the direction of writing shows as `�`.
pub fn clean(text: &str) -> String {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || matches!(c, '\u{2028}' | '\u{2029}')
    };
    text.chars().map(|c| if harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// Where a text that is too long loses something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Its end: names.
    End,
    /// Its start: paths, whose end tells more.
    Start,
}

/// The text in at most `columns`, with `…` where something was cut.
pub fn fit(text: &str, columns: usize, cut: Cut) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(1);
    let mut used = 0;
    let mut keep = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= room
    };
    match cut {
        Cut::End => text.chars().take_while(|c| keep(c)).collect::<String>() + "…",
        Cut::Start => {
            let kept: Vec<char> = text.chars().rev().take_while(|c| keep(c)).collect();
            std::iter::once('…').chain(kept.into_iter().rev()).collect()
        }
    }
}

/// A count in groups of three digits: `1,204`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Lines of at most `columns`, broken between words; further lines begin with `indent` blanks.
/// Words longer than a line stay whole, and so does what stands in backticks: it will be copied.
pub fn wrap(text: &str, columns: usize, indent: usize) -> String {
    let mut wrapped = String::new();
    let mut used = 0;
    let mut quoted = false;
    let words = text.split(|c| {
        quoted ^= c == '`';
        c == ' ' && !quoted
    });
    for word in words {
        let wide = width(word);
        if used > 0 && used + 1 + wide > columns {
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(indent));
            used = indent;
        } else if !wrapped.is_empty() {
            wrapped.push(' ');
            used += 1;
        }
        wrapped.push_str(word);
        used += wide;
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours_need_a_terminal_that_wants_them() {
        let colour = |columns, no_color, term| Style::of(columns, no_color, term).color;
        assert!(colour(Some(80), None, Some("xterm")));
        assert!(colour(Some(80), Some(""), None));
        assert!(!colour(Some(80), Some("1"), None));
        assert!(!colour(Some(80), None, Some("dumb")));
        assert!(!colour(None, None, None));
        assert_eq!(Style::of(None, None, None), Style::plain());
        assert_eq!(Style::plain().strong("a"), "a");
        assert_eq!(Style::of(Some(80), None, None).alarm("a"), "\x1b[33ma\x1b[0m");
    }

    #[test]
    fn long_texts_are_cut_where_they_tell_least() {
        assert_eq!(fit("gpt-5.5", 7, Cut::End), "gpt-5.5");
        assert_eq!(fit("gpt-5.5", 6, Cut::End), "gpt-5…");
        assert_eq!(fit("/home/ada/shop", 8, Cut::Start), "…da/shop");
        // Each of these takes two columns.
        assert_eq!(fit("東京都庁", 6, Cut::End), "東京…");
    }

    #[test]
    fn names_cannot_speak_to_the_terminal() {
        assert_eq!(clean("a\x1b[31mb\nc\u{202e}d é 東"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d é 東");
    }

    #[test]
    fn counts_stand_in_groups_of_three() {
        for (count, text) in [(0, "0"), (999, "999"), (1204, "1,204"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(count), text);
        }
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three four", 9, 2), "one two\n  three\n  four");
        assert_eq!(wrap("a", 9, 2), "a");
        assert_eq!(wrap("set it: `a b c d`.", 9, 0), "set it:\n`a b c d`.");
    }

    proptest! {
        #[test]
        fn what_is_cut_fits(text in "\\PC*", columns in 1_usize..40, start: bool) {
            let cut = if start { Cut::Start } else { Cut::End };
            prop_assert!(width(&fit(&text, columns, cut)) <= columns);
        }
    }
}
