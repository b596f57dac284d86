//! Changes to the config file that leave every other byte as it was.
//!
//! toml_edit tells where in the text a value stands, and the change is made in the text: comments,
//! order, blanks and line ends of everything else can't be lost, because they are never rewritten.

use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, Table};

use super::file::effective_names;
use super::{ConfigError, DEFAULT_TEXT};
use crate::spend::{Cycle, Money};

/// What `budget set` asks for. A field that is `None` is left as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetChange {
    /// The limit, in the budget's currency.
    pub amount: Money,
    /// The time it is for.
    pub cycle: Cycle,
    /// The budget's name; without one, the budget that goes by the word of the period.
    pub name: Option<String>,
    /// Percent.
    pub thresholds_percent: Option<Vec<u32>>,
    /// Source ids; an empty list is "all".
    pub sources: Option<Vec<String>>,
}

/// Why a change can't be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file is no TOML; `config check` says more.
    #[error("line {line}: {what}")]
    NotToml {
        /// Line, from 1.
        line: usize,
        /// What the reader said.
        what: String,
    },
    /// `budget` is there and is not written as `[[budget]]`.
    #[error("budgets are written as an inline list, which only an editor can change")]
    Inline,
    /// No budget of that name.
    #[error("no budget is named {name:?}{}", known_names(known))]
    NoSuchBudget {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
}

fn known_names(known: &[String]) -> String {
    match known {
        [] => "; there is none".into(),
        names => format!("; there is {}", names.join(", ")),
    }
}

/// Adds a budget, or updates the one of that name.
///
/// # Errors
/// The text is no TOML, or lists its budgets inline.
pub fn set_budget(text: &str, change: &BudgetChange) -> Result<String, EditError> {
    let blocks = Blocks::find(text)?;
    let word = change.cycle.to_string();
    let name = change.name.as_deref().unwrap_or(&word);
    let mut text = text.to_owned();
    match blocks.named(name) {
        Some(block) => block.update(&mut text, change),
        None => {
            let at = blocks.0.last().map_or(text.len(), |last| last.lines.end);
            insert_block(&mut text, at, &new_block(change));
        }
    }
    Ok(text)
}

/// Changes the amount of a budget and nothing else.
///
/// # Errors
/// The text is no TOML, lists its budgets inline, or has no budget of that name.
pub fn set_amount(text: &str, name: &str, amount: &Money) -> Result<String, EditError> {
    let blocks = Blocks::find(text)?;
    let block = blocks.find_named(name)?;
    let mut text = text.to_owned();
    if let Some((_, span)) = block.values.iter().find(|(key, _)| key == "amount") {
        text.replace_range(span.clone(), &amount_text(amount));
    }
    Ok(text)
}

/// Removes a budget: its lines from `[[budget]]` to its last setting. Comments before and after
/// it stay.
///
/// # Errors
/// The text is no TOML, lists its budgets inline, or has no budget of that name.
pub fn remove_budget(text: &str, name: &str) -> Result<String, EditError> {
    let blocks = Blocks::find(text)?;
    let block = blocks.find_named(name)?;
    let mut text = text.to_owned();
    text.replace_range(block.lines.clone(), "");
    Ok(text)
}

/// The file as it stands, or the commented default where there is none yet.
///
/// # Errors
/// The file is there and can't be read as text.
pub fn read_or_default(path: &Path) -> Result<String, ConfigError> {
    match fs::read(path) {
        Ok(bytes) => super::file::decode(bytes, path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(DEFAULT_TEXT.to_owned()),
        Err(error) => Err(ConfigError::unreadable(path, &error)),
    }
}

/// Writes the file in one step: a reader sees the old text or the new one, never half of it, even
/// when the machine stops in between. Keeps the file's permissions; where `path` is a symlink,
/// the file it leads to is written and the link stays.
///
/// # Errors
/// The folder can't be made or the file can't be written.
pub fn write(path: &Path, text: &str) -> Result<(), ConfigError> {
    let target = follow_links(path);
    write_target(&target, text).map_err(|error| ConfigError::unreadable(&target, &error))
}

fn write_target(target: &Path, text: &str) -> io::Result<()> {
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".config-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    match fs::metadata(target) {
        Ok(old) => file.as_file().set_permissions(old.permissions())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    Ok(())
}

/// Where `path` leads to, also when nothing is there yet.
fn follow_links(path: &Path) -> PathBuf {
    let mut target = path.to_owned();
    // As many links as Linux follows before it speaks of a loop.
    for _ in 0..40 {
        match fs::read_link(&target) {
            Ok(next) => target = target.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => break,
        }
    }
    target
}

/// Every `[[budget]]` of a text, in order.
struct Blocks(Vec<Block>);

struct Block {
    /// The name it goes by.
    name: String,
    /// From the first byte of its header's line to behind the line of its last setting.
    lines: Range<usize>,
    /// Where the values of its settings stand.
    values: Vec<(String, Range<usize>)>,
}

impl Blocks {
    fn find(text: &str) -> Result<Self, EditError> {
        // A byte order mark is no TOML; the places are counted behind it.
        let (mark, body) = match text.strip_prefix('\u{feff}') {
            Some(body) => (text.len() - body.len(), body),
            None => (0, text),
        };
        let document = Document::parse(body).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start).min(body.len());
            let line = 1 + body.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count();
            EditError::NotToml { line, what: error.message().replace('\n', ", ") }
        })?;
        let tables: Vec<&Table> = match document.as_table().get("budget") {
            None => Vec::new(),
            Some(Item::ArrayOfTables(tables)) => tables.iter().collect(),
            Some(_) => return Err(EditError::Inline),
        };
        let named: Vec<_> = tables
            .iter()
            .map(|table| {
                let name = table.get("name").and_then(Item::as_str).map(str::trim);
                let cycle = [table.get("per"), table.get("period")]
                    .into_iter()
                    .flatten()
                    .find_map(Item::as_str)
                    .and_then(|word| word.parse().ok());
                // A budget without a time is an error elsewhere; here it only needs a name.
                (name, cycle.unwrap_or(Cycle::Day))
            })
            .collect();
        let blocks = tables.iter().zip(effective_names(&named)).map(|(table, name)| {
            let values: Vec<_> = table
                .iter()
                .filter_map(|(key, item)| {
                    let span = item.span()?;
                    Some((key.to_owned(), span.start + mark..span.end + mark))
                })
                .collect();
            let header = table.span().map_or(mark, |span| span.start + mark);
            let last = values.iter().map(|(_, span)| span.end).max().unwrap_or(header);
            let start = text[..header].rfind('\n').map_or(mark, |newline| newline + 1);
            Block { name, lines: start..line_end(text, last), values }
        });
        Ok(Self(blocks.collect()))
    }

    fn named(&self, name: &str) -> Option<&Block> {
        self.0.iter().find(|block| block.name == name)
    }

    fn find_named(&self, name: &str) -> Result<&Block, EditError> {
        self.named(name).ok_or_else(|| EditError::NoSuchBudget {
            name: name.to_owned(),
            known: self.0.iter().map(|block| block.name.clone()).collect(),
        })
    }
}

impl Block {
    fn update(&self, text: &mut String, change: &BudgetChange) {
        let mut replacements = Vec::new();
        let mut missing = Vec::new();
        for (key, value) in settings(change) {
            let written = |name: &str| self.values.iter().find(|(key, _)| key == name);
            let place = match key {
                "per" => written("per").or_else(|| written("period")),
                "sources" => written("sources").or_else(|| written("scope")),
                key => written(key),
            };
            match place {
                Some((_, span)) => replacements.push((span.clone(), value)),
                None => missing.push(format!("{key} = {value}")),
            }
        }
        let ending = line_ending(text);
        if !missing.is_empty() {
            let mut lines = String::new();
            if !text[..self.lines.end].ends_with('\n') {
                lines.push_str(ending);
            }
            for line in missing {
                lines.push_str(&line);
                lines.push_str(ending);
            }
            replacements.push((self.lines.end..self.lines.end, lines));
        }
        // From the bottom up, so that the places above stay where they are.
        replacements.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        for (span, value) in replacements {
            text.replace_range(span, &value);
        }
    }
}

fn new_block(change: &BudgetChange) -> String {
    let mut block = String::from("[[budget]]\n");
    if let Some(name) = &change.name {
        block.push_str(&format!("name = {}\n", quoted(name)));
    }
    for (key, value) in settings(change) {
        block.push_str(&format!("{key} = {value}\n"));
    }
    block
}

/// The settings that a change writes, as TOML.
fn settings(change: &BudgetChange) -> Vec<(&'static str, String)> {
    let mut settings =
        vec![("amount", amount_text(&change.amount)), ("per", quoted(&change.cycle.to_string()))];
    if let Some(thresholds) = &change.thresholds_percent {
        let listed: Vec<_> = thresholds.iter().map(u32::to_string).collect();
        settings.push(("thresholds", format!("[{}]", listed.join(", "))));
    }
    match change.sources.as_deref() {
        None => {}
        Some([]) => settings.push(("sources", quoted("all"))),
        Some(ids) => {
            let listed: Vec<_> = ids.iter().map(|id| quoted(id)).collect();
            settings.push(("sources", format!("[{}]", listed.join(", "))));
        }
    }
    settings
}

/// `200`, `200.50`: all digits, and two decimals where there is one.
fn amount_text(amount: &Money) -> String {
    let decimal = amount.to_decimal();
    match decimal.split_once('.') {
        Some((_, fraction)) if fraction.len() == 1 => format!("{decimal}0"),
        _ => decimal,
    }
}

fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// Puts a block of lines at `at`, which is the start of a line or the end of the text, with an
/// empty line before it and one behind it where something follows.
fn insert_block(text: &mut String, at: usize, block: &str) {
    let ending = line_ending(text);
    let before = &text[..at];
    let mut lines = String::new();
    if !before.is_empty() && !before.ends_with('\n') {
        lines.push_str(ending);
    }
    let is_blank = |line: &str| line.trim().is_empty();
    if !before.lines().next_back().is_none_or(is_blank) {
        lines.push_str(ending);
    }
    lines.push_str(&block.replace('\n', ending));
    if !text[at..].lines().next().is_none_or(is_blank) {
        lines.push_str(ending);
    }
    text.insert_str(at, &lines);
}

/// Behind the line that holds `at`.
fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

/// The line end that the text uses.
fn line_ending(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;
    use crate::spend::Currency;

    fn change(amount: &str, cycle: Cycle) -> BudgetChange {
        BudgetChange {
            amount: Money::parse(amount, Currency::USD).expect(amount),
            cycle,
            name: None,
            thresholds_percent: None,
            sources: None,
        }
    }

    fn load(text: &str) -> Config {
        Config::parse(text, Path::new("config.toml"), Path::new("/home/u"), chrono_tz::UTC)
            .unwrap_or_else(|error| panic!("{error}\n---\n{text}"))
    }

    #[test]
    fn a_budget_is_added_at_the_end_and_then_updated_in_place() {
        let start = "# mine\nzone = \"UTC\" # here\n";
        let added = set_budget(start, &change("200", Cycle::Day)).expect("set");
        insta::assert_snapshot!(added, @r#"
        # mine
        zone = "UTC" # here

        [[budget]]
        amount = 200
        per = "day"
        "#);
        let more = BudgetChange {
            thresholds_percent: Some(vec![90, 100]),
            sources: Some(vec!["codex".into()]),
            ..change("250.5", Cycle::Day)
        };
        let updated = set_budget(&added, &more).expect("set");
        insta::assert_snapshot!(updated, @r#"
        # mine
        zone = "UTC" # here

        [[budget]]
        amount = 250.50
        per = "day"
        thresholds = [90, 100]
        sources = ["codex"]
        "#);
        assert_eq!(load(&updated).budgets.len(), 1);
    }

    #[test]
    fn comments_blanks_and_line_ends_stay() {
        let start = "[[budget]]  # first\r\n# why\r\namount = 1_0 # ten\r\nperiod = 'day'\r\n\r\n\
                     # about codex\r\n[agents.codex]\r\nenabled = false";
        let updated = set_budget(start, &change("20", Cycle::Day)).expect("set");
        let expected = start.replace("1_0 #", "20 #").replace("'day'", "\"day\"");
        assert_eq!(updated, expected);
        let added = set_budget(start, &change("3", Cycle::MONTH)).expect("set");
        assert_eq!(
            added,
            start.replace(
                "'day'\r\n",
                "'day'\r\n\r\n[[budget]]\r\namount = 3\r\nper = \"month\"\r\n"
            )
        );
    }

    #[test]
    fn an_amount_is_raised_where_it_stands() {
        let start = "[[budget]]\namount = 33.33 # why\nper = \"day\"\n[[budget]]\namount = 7\nper = \"day\"\n";
        let usd = |text: &str| Money::parse(text, Currency::USD).expect(text);
        let raised = usd("33.33").raised(25).expect("an amount");
        let text = set_amount(start, "day", &raised).expect("set");
        // 33.33 * 1.25 = 41.6625, and a whole cent is never less.
        assert_eq!(text, start.replace("33.33 #", "41.67 #"));
        let text = set_amount(start, "day-2", &usd("7").raised(100).expect("14")).expect("set");
        assert_eq!(text, start.replace("= 7", "= 14"));
        assert!(set_amount(start, "week", &usd("1")).is_err());
    }

    #[test]
    fn a_scope_by_its_other_name_is_changed_where_it_stands() {
        let start = "[[budget]]\namount = 1\nperiod = \"day\"\nscope = \"all\"\n";
        let sources = Some(vec!["codex".to_owned()]);
        let updated = set_budget(start, &BudgetChange { sources, ..change("1", Cycle::Day) });
        assert_eq!(updated.expect("set"), start.replace("\"all\"", "[\"codex\"]"));
    }

    #[test]
    fn a_removed_budget_takes_only_its_own_lines() {
        let text = "# top\n[[budget]]\namount = 1\nper = \"day\"\n# between\n[[budget]]\nname = \"m\"\n\
                    amount = 2\nper = \"month\" # last\n# end\n";
        assert_eq!(
            remove_budget(text, "day").expect("removed"),
            "# top\n# between\n[[budget]]\nname = \"m\"\namount = 2\nper = \"month\" # last\n# end\n"
        );
        assert_eq!(
            remove_budget(text, "m").expect("removed"),
            "# top\n[[budget]]\namount = 1\nper = \"day\"\n# between\n# end\n"
        );
        assert_eq!(
            remove_budget(text, "week").expect_err("none").to_string(),
            "no budget is named \"week\"; there is day, m"
        );
    }

    #[test]
    fn the_default_file_takes_a_budget() {
        let text = set_budget(DEFAULT_TEXT, &change("200", Cycle::Day)).expect("set");
        assert!(text.starts_with(DEFAULT_TEXT));
        assert_eq!(load(&text).budgets[0].amount.to_decimal(), "200");
    }

    #[test]
    fn inline_budgets_are_left_to_the_editor() {
        let text = "budget = [{ amount = 1, per = \"day\" }]\n";
        assert_eq!(set_budget(text, &change("2", Cycle::Day)), Err(EditError::Inline));
        assert!(matches!(
            set_budget("a = 1\nb =\n", &change("2", Cycle::Day)),
            Err(EditError::NotToml { line: 2, .. })
        ));
    }

    #[test]
    fn writing_follows_a_link_and_leaves_nothing_else_behind() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("new/config.toml");
        write(&path, "a").expect("written");
        write(&path, "b").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("read"), "b");
        assert_eq!(fs::read_dir(folder.path().join("new")).expect("list").count(), 1);
    }

    /// Links and modes are made by the system's own tools; without them there is nothing to test.
    #[test]
    fn a_link_stays_a_link_and_permissions_stay() {
        let folder = tempfile::tempdir().expect("folder");
        let run = |program: &str, arguments: [&str; 3]| {
            let mut command = std::process::Command::new(program);
            command.args(arguments).current_dir(folder.path());
            command.output().is_ok_and(|output| output.status.success())
        };
        let real = folder.path().join("dotfiles.toml");
        fs::write(&real, "a").expect("written");
        if !run("ln", ["-s", "dotfiles.toml", "config.toml"])
            || !run("chmod", ["--", "640", "dotfiles.toml"])
        {
            return;
        }
        let mode = fs::metadata(&real).expect("real").permissions();
        let link = folder.path().join("config.toml");
        write(&link, "b").expect("written");
        assert!(fs::symlink_metadata(&link).expect("link").is_symlink());
        assert_eq!(fs::read_to_string(&real).expect("read"), "b");
        assert_eq!(fs::metadata(&real).expect("real").permissions(), mode);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Set(BudgetChange),
        Remove(String),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let name = prop_oneof![
            Just(None),
            "[a-z\"\\\\ü ]{1,6}"
                .prop_map(|name| Some(name.trim().to_owned()).filter(|name| !name.is_empty()))
        ];
        let cycle = proptest::sample::select(vec![Cycle::Day, Cycle::WEEK, Cycle::MONTH]);
        let set = (
            1_i128..10_i128.pow(24),
            cycle,
            name,
            proptest::option::of(proptest::collection::vec(1_u32..=1000, 0..4)),
            proptest::option::of(proptest::sample::subsequence(vec!["codex", "openrouter"], 0..=2)),
        )
            .prop_map(|(attos, cycle, name, thresholds_percent, sources)| {
                Step::Set(BudgetChange {
                    amount: Money { attos, currency: Currency::USD },
                    cycle,
                    name,
                    thresholds_percent,
                    sources: sources.map(|ids| ids.into_iter().map(str::to_owned).collect()),
                })
            });
        let word = proptest::sample::select(vec!["day", "week", "month", "day-2"]);
        let remove = word.prop_map(|word| Step::Remove(word.to_owned()));
        proptest::collection::vec(prop_oneof![3 => set, 1 => remove], 1..12)
    }

    proptest! {
        /// Every comment and every other setting is there after any edits, in its order, and the
        /// file loads with the amount that was set last.
        #[test]
        fn comments_and_other_content_survive_any_edits(steps in steps(), crlf: bool, mark: bool) {
            let start = "# one\nzone = \"Europe/Berlin\" # two\n\n# three\n[agents.codex] # four\n\
                         enabled = false\n# five ü\n";
            let mut text = start.to_owned();
            if crlf { text = text.replace('\n', "\r\n"); }
            if mark { text.insert(0, '\u{feff}'); }
            let outside: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
            for step in steps {
                match step {
                    Step::Set(change) => {
                        text = set_budget(&text, &change).expect("TOML");
                        let config = load(&text);
                        let word = change.cycle.to_string();
                        let name = change.name.as_deref().unwrap_or(&word);
                        let budget = config.budgets.iter().find(|budget| budget.name == name).expect("there");
                        prop_assert_eq!(budget.amount, change.amount);
                        prop_assert_eq!(budget.cycle, change.cycle);
                    }
                    Step::Remove(name) => {
                        let before = load(&text).budgets;
                        match remove_budget(&text, &name) {
                            Ok(shorter) => {
                                text = shorter;
                                prop_assert_eq!(load(&text).budgets.len() + 1, before.len());
                            }
                            Err(_) => prop_assert!(before.iter().all(|budget| budget.name != name)),
                        }
                    }
                }
                let mut lines = text.lines();
                for line in &outside {
                    prop_assert!(lines.any(|found| found == line), "lost {line:?} of\n{text}");
                }
                if crlf {
                    prop_assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
                }
            }
        }
    }
}
