//! One setting of the file, set where it stands, or put where it belongs.

use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

use super::{EditError, insert_block, line_end, line_ending, parsed, quoted};
use crate::board::{Colours, Headline};
use crate::spend::{Period, SourceKind};

/// Switches a source on or off: `enabled` in its section, which is added where it is missing.
///
/// # Errors
/// The text is no TOML, or has the section in a form that only an editor can change.
pub fn set_enabled(
    text: &str,
    kind: SourceKind,
    id: &str,
    enabled: bool,
) -> Result<String, EditError> {
    let section = match kind {
        SourceKind::Agent => "agents",
        SourceKind::Provider => "providers",
    };
    // A further account stands below its provider.
    let path = match id.split_once('@') {
        Some((provider, account)) => vec![section, provider, "accounts", account],
        None => vec![section, id],
    };
    set(text, &path, "enabled", &enabled.to_string())
}

/// Chooses the figure that the icon shows.
///
/// # Errors
/// The text is no TOML.
pub fn set_headline(text: &str, headline: Headline) -> Result<String, EditError> {
    let word = match headline {
        Headline::Spend => "spend",
        Headline::List => "list",
        Headline::Billed => "billed",
        Headline::Paid => "paid",
    };
    set(text, &[], "headline", &quoted(word))
}

/// Chooses the icon's colours.
///
/// # Errors
/// The text is no TOML, or has `[icon]` in a form that only an editor can change.
pub fn set_colours(text: &str, colours: Colours) -> Result<String, EditError> {
    let word = match colours {
        Colours::Auto => "auto",
        Colours::Light => "light",
        Colours::Dark => "dark",
    };
    set(text, &["icon"], "colours", &quoted(word))
}

/// Chooses the time that the icon's figure is for.
///
/// # Errors
/// The text is no TOML, or has `[icon]` in a form that only an editor can change.
pub fn set_period(text: &str, period: Period) -> Result<String, EditError> {
    set(text, &["icon"], "period", &quoted(period.word()))
}

/// Sets `key` in the table at `path`; the file's top where the path is empty.
pub(super) fn set(text: &str, path: &[&str], key: &str, value: &str) -> Result<String, EditError> {
    let mut changed = text.to_owned();
    let (document, mark) = parsed(text)?;
    match found(&document, path, key) {
        Found::Value(span) => changed.replace_range(shifted(span, mark), value),
        Found::Inline(span, is_empty) => {
            let comma = if is_empty { " " } else { "," };
            changed.insert_str(span.start + mark + 1, &format!(" {key} = {value}{comma}"));
        }
        Found::Header(start) => {
            let at = line_end(text, start + mark);
            let is_open = !text[..at].ends_with('\n');
            let ending = line_ending(text);
            let before = if is_open { ending } else { "" };
            changed.insert_str(at, &format!("{before}{key} = {value}{ending}"));
        }
        Found::Nothing if path.is_empty() => at_the_top(&mut changed, &document, mark, key, value),
        Found::Nothing => {
            let names: Vec<_> = path.iter().map(|name| bare(name)).collect();
            let at = changed.len();
            let block = format!("[{}]\n{key} = {value}\n", names.join("."));
            insert_block(&mut changed, at, &block);
        }
    }
    // Tables that dots have opened (`agents.codex.roots = []`) can't be opened again.
    match parsed(&changed) {
        Ok(_) => Ok(changed),
        Err(_) => Err(EditError::Shape { table: path.join(".") }),
    }
}

/// Where a setting stands, or would stand.
enum Found {
    /// It is there; its value.
    Value(Range<usize>),
    /// Its table is `{ … }`; the table, and whether nothing is in it.
    Inline(Range<usize>, bool),
    /// Its table has a header; where that begins.
    Header(usize),
    /// There is no such table, or the path is empty and the key is not there.
    Nothing,
}

fn found(document: &Document<&str>, path: &[&str], key: &str) -> Found {
    let mut item = document.as_item();
    for name in path {
        match item.as_table_like().and_then(|table| table.get(name)) {
            Some(below) => item = below,
            None => return Found::Nothing,
        }
    }
    let Some(table) = item.as_table_like() else { return Found::Nothing };
    if let Some(span) = table.get(key).and_then(Item::span) {
        return Found::Value(span);
    }
    match item {
        Item::Value(_) => match item.span() {
            Some(span) => Found::Inline(span, TableLike::is_empty(table)),
            None => Found::Nothing,
        },
        Item::Table(table) if !path.is_empty() && !table.is_implicit() && !table.is_dotted() => {
            table.span().map_or(Found::Nothing, |span| Found::Header(span.start))
        }
        _ => Found::Nothing,
    }
}

/// Puts a line behind the settings at the top; where there is none, behind the comment that shows
/// its default, else before everything.
fn at_the_top(text: &mut String, document: &Document<&str>, mark: usize, key: &str, value: &str) {
    let ends = document.iter().filter(|(_, item)| item.is_value());
    let last = ends.filter_map(|(_, item)| item.span()).map(|span| span.end + mark).max();
    let first_header = text[mark..].lines().scan(mark, |at, line| {
        let start = *at;
        *at = line_end(text, start);
        Some((start, line))
    });
    let shown = first_header
        .take_while(|(_, line)| !line.trim_start().starts_with('['))
        .find(|(_, line)| line.strip_prefix('#').is_some_and(|line| line.starts_with(key)))
        .map(|(start, _)| start);
    let at = match last.or(shown) {
        Some(inside) => line_end(text, inside),
        None => mark,
    };
    let ending = line_ending(text);
    let before = if at > mark && !text[..at].ends_with('\n') { ending } else { "" };
    text.insert_str(at, &format!("{before}{key} = {value}{ending}"));
}

fn shifted(span: Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}

/// A name as TOML takes it between dots.
fn bare(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(is_bare) { name.to_owned() } else { quoted(name) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::DEFAULT_TEXT;

    fn off(text: &str) -> String {
        set_enabled(text, SourceKind::Agent, "codex", false).expect(text)
    }

    #[test]
    fn a_source_is_switched_where_its_section_stands() {
        for (before, after) in [
            ("", "[agents.codex]\nenabled = false\n"),
            ("zone = \"UTC\"", "zone = \"UTC\"\n\n[agents.codex]\nenabled = false\n"),
            (
                "[agents.codex] # mine\nroots = [] # none\n",
                "[agents.codex] # mine\nenabled = false\nroots = [] # none\n",
            ),
            ("[agents.codex]", "[agents.codex]\nenabled = false\n"),
            ("[agents.codex]\r\nenabled=true # y\r\n", "[agents.codex]\r\nenabled=false # y\r\n"),
            (
                "[agents]\ncodex = { roots = [] }\n",
                "[agents]\ncodex = { enabled = false, roots = [] }\n",
            ),
            ("agents = { codex = {} }", "agents = { codex = { enabled = false } }"),
            ("agents.codex.enabled = true", "agents.codex.enabled = false"),
            ("\u{feff}[agents.codex]\n", "\u{feff}[agents.codex]\nenabled = false\n"),
            (
                "[agents.pi]\nenabled = true\n[[budget]]\namount = 1\nper = \"day\"\n",
                "[agents.pi]\nenabled = true\n[[budget]]\namount = 1\nper = \"day\"\n\n\
                 [agents.codex]\nenabled = false\n",
            ),
        ] {
            assert_eq!(off(before), after, "{before:?}");
            assert_eq!(off(after), after, "twice is once");
        }
        let account = set_enabled("", SourceKind::Provider, "openai-admin@work", true);
        let header = "[providers.openai-admin.accounts.work]\nenabled = true\n";
        assert_eq!(account.expect("set"), header);
    }

    #[test]
    fn what_only_an_editor_can_change_is_left_alone() {
        let dotted = "agents.codex.roots = []\n";
        let said = set_enabled(dotted, SourceKind::Agent, "codex", false).expect_err("dotted");
        insta::assert_snapshot!(said, @"[agents.codex] is written in a form that only an editor can change");
        assert!(set_enabled("[agents", SourceKind::Agent, "codex", false).is_err());
        assert!(set_enabled("agents = 1", SourceKind::Agent, "codex", false).is_err());
    }

    #[test]
    fn the_icon_s_figure_stands_at_the_top() {
        let list = |text: &str| set_headline(text, Headline::List).expect(text);
        assert_eq!(list(""), "headline = \"list\"\n");
        assert_eq!(list("headline = 'spend' # x\n"), "headline = \"list\" # x\n");
        assert_eq!(list("zone = \"UTC\""), "zone = \"UTC\"\nheadline = \"list\"\n");
        assert_eq!(
            list("# mine\n[agents.codex]\nenabled = true\n"),
            "headline = \"list\"\n# mine\n[agents.codex]\nenabled = true\n"
        );
        let line = "#headline = \"spend\"\n";
        let expected = DEFAULT_TEXT.replace(line, &format!("{line}headline = \"list\"\n"));
        assert_eq!(list(DEFAULT_TEXT), expected, "beside the comment that tells of it");
        let dark = |text: &str| set_colours(text, Colours::Dark).expect(text);
        assert_eq!(dark("[icon]\n"), "[icon]\ncolours = \"dark\"\n");
        assert_eq!(dark("icon.colours = \"auto\""), "icon.colours = \"dark\"");
    }

    proptest! {
        /// Whatever else stands in the file stands there afterwards, in its order.
        #[test]
        fn every_other_line_stays(
            top in prop::sample::select(vec!["", "zone = \"UTC\"\n", "# note\n\n", "a.b = 1\n"]),
            tables in prop::collection::vec(prop::sample::select(vec![
                "[agents.codex]\n", "[agents.pi] # x\n  roots = [\n 'a',\n]\n", "[agents]\n",
                "[[budget]]\namount = 1 # [agents.codex]\n", "[providers.xai]\nsettings.team = 't'\n",
            ]), 0..4),
            end in prop::sample::select(vec!["", "# end", "\n\n# end\n"]),
        ) {
            let text = format!("{top}{}{end}", tables.concat());
            prop_assume!(parsed(&text).is_ok());
            for changed in [
                set_enabled(&text, SourceKind::Agent, "codex", false),
                set_enabled(&text, SourceKind::Provider, "xai", true),
                set_headline(&text, Headline::Billed),
            ] {
                let changed = changed.expect("set");
                let mut lines = changed.lines();
                for line in text.lines() {
                    prop_assert!(lines.any(|other| other == line), "{line:?} is lost in {changed}");
                }
            }
        }
    }
}
