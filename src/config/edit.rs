//! Changes to the config file that leave every other byte as it was.
//!
//! toml_edit tells where in the text a value stands, and the change is made in the text: comments,
//! order, blanks and line ends of everything else can't be lost, because they are never rewritten.

mod plans;
mod setting;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, Table};

pub use plans::{PlanChange, remove_plan, set_plan};

use super::file::effective_names;
use super::{ConfigError, DEFAULT_TEXT};
use crate::budgets::Basis;
use crate::spend::{Currency, Cycle, Money};

pub use setting::{set_colours, set_enabled, set_headline, set_period};

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
    /// The currency of the amount.
    pub currency: Option<Currency>,
    /// Which figure it counts.
    pub basis: Option<Basis>,
    /// Whether what a period leaves over is added to the next.
    pub rollover: Option<bool>,
    /// Names in one of the lists `providers`, `accounts`, `models`, `projects` and `sessions`; none
    /// for everything.
    pub lists: Vec<(&'static str, Vec<String>)>,
}

impl BudgetChange {
    /// An amount for a time.
    pub fn new(amount: Money, cycle: Cycle) -> Self {
        Self {
            amount,
            cycle,
            name: None,
            thresholds_percent: None,
            sources: None,
            currency: None,
            basis: None,
            rollover: None,
            lists: Vec::new(),
        }
    }
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
    /// `budget` or `plan` is there and is not written as `[[budget]]`.
    #[error("{what}s are written as an inline list, which only an editor can change")]
    Inline {
        /// `budget` or `plan`.
        what: &'static str,
    },
    /// No plan of that name.
    #[error("no plan is named {name:?}{}", known_names(known))]
    NoSuchPlan {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// More than one plan of that name.
    #[error("several plans are named {name:?}; `spendbar config edit` changes one of them")]
    SeveralPlans {
        /// The name asked for.
        name: String,
    },
    /// A section is there in a form that no line can be added to.
    #[error("[{table}] is written in a form that only an editor can change")]
    Shape {
        /// The section.
        table: String,
    },
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
        Some(block) => block.update(&mut text, settings(change)),
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
    write_target(&target, text.as_bytes()).map_err(|error| ConfigError::unreadable(&target, &error))
}

/// Puts the file back to what it was: these bytes, or no file. For taking a change back.
///
/// # Errors
/// The file can't be written or removed.
pub fn restore(path: &Path, before: Option<&[u8]>) -> Result<(), ConfigError> {
    let target = follow_links(path);
    let done = match before {
        Some(bytes) => write_target(&target, bytes),
        None => fs::remove_file(&target),
    };
    done.map_err(|error| ConfigError::unreadable(&target, &error))
}

fn write_target(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".config-").tempfile_in(folder)?;
    file.write_all(bytes)?;
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

/// The text's tables and values, and behind how many bytes their places are counted: a byte order
/// mark is no TOML.
fn parsed(text: &str) -> Result<(Document<&str>, usize), EditError> {
    let (mark, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => (text.len() - body.len(), body),
        None => (0, text),
    };
    let document = Document::parse(body).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start).min(body.len());
        let line = 1 + body.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count();
        EditError::NotToml { line, what: error.message().replace('\n', ", ") }
    })?;
    Ok((document, mark))
}

/// Every `[[budget]]`, or every `[[plan]]`, of a text, in order.
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
    /// The budgets.
    fn find(text: &str) -> Result<Self, EditError> {
        Self::of(text, "budget", |tables| {
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
            effective_names(&named)
        })
    }

    /// The tables of this name; `names` says what each goes by.
    fn of(
        text: &str,
        what: &'static str,
        names: impl FnOnce(&[&Table]) -> Vec<String>,
    ) -> Result<Self, EditError> {
        let (document, mark) = parsed(text)?;
        let tables: Vec<&Table> = match document.as_table().get(what) {
            None => Vec::new(),
            Some(Item::ArrayOfTables(tables)) => tables.iter().collect(),
            Some(_) => return Err(EditError::Inline { what }),
        };
        let blocks = tables.iter().zip(names(&tables)).map(|(table, name)| {
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
    fn update(&self, text: &mut String, settings: Vec<(&'static str, String)>) {
        let mut replacements = Vec::new();
        let mut missing = Vec::new();
        for (key, value) in settings {
            let written = |name: &str| self.values.iter().find(|(key, _)| key == name);
            let place = match key {
                "per" => written("per").or_else(|| written("period")),
                "sources" => written("sources").or_else(|| written("scope")),
                "agents" => written("agents").or_else(|| written("sources")),
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
    settings.extend(change.currency.map(|currency| ("currency", quoted(currency.code()))));
    settings.extend(change.basis.map(|basis| ("basis", quoted(basis.word()))));
    settings.extend(change.rollover.map(|rollover| ("rollover", rollover.to_string())));
    for (key, names) in &change.lists {
        let listed: Vec<_> = names.iter().map(|name| quoted(name)).collect();
        settings.push((key, format!("[{}]", listed.join(", "))));
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
