//! The table that ships with the program, `assets/prices.toml`.
//!
//! A machine's logs name a dozen of its six hundred models, so the text is only indexed at the
//! start, which takes a fraction of a millisecond, and a row is read when it is asked for. The
//! layout that this leans on (a section per provider, a key at the start of each row's first
//! line) is written by `assets/prices/convert.py` and checked by a test against the whole file
//! read as TOML.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use toml::{Table, Value};

use super::rates::Row;
use super::read::{Entry, Rule, entry};

/// The file.
pub(super) const TEXT: &str = include_str!("../../assets/prices.toml");

/// Where each row stands.
#[derive(Debug, Default)]
pub(super) struct Builtin {
    /// Provider -> model -> the text of its row or list of rows.
    by_provider: BTreeMap<&'static str, BTreeMap<&'static str, &'static str>>,
    /// The text of the list of providers that serve other makers' models too.
    hosts: &'static str,
}

impl Builtin {
    /// The index, made once.
    pub(super) fn get() -> &'static Self {
        static INDEX: OnceLock<Builtin> = OnceLock::new();
        INDEX.get_or_init(|| index(TEXT))
    }

    /// The providers that list a model under exactly this name.
    pub(super) fn owners(&self, model: &str) -> impl Iterator<Item = &str> {
        self.by_provider
            .iter()
            .filter(move |(_, models)| models.contains_key(model))
            .map(|(provider, _)| *provider)
    }

    /// Whether a provider serves other makers' models too.
    pub(super) fn is_host(&self, provider: &str) -> bool {
        self.hosts.split('"').skip(1).step_by(2).any(|host| host == provider)
    }

    /// The rows of a model, the first valid one holds; empty when it is not listed.
    pub(super) fn rows(&self, provider: &str, model: &str) -> Vec<Row> {
        self.read(provider, model)
            .expect("assets/prices.toml is part of the program, and a test reads every row of it")
    }

    /// Every row of the table.
    #[cfg(test)]
    pub(super) fn all_rows(&self) -> impl Iterator<Item = Row> {
        self.by_provider.iter().flat_map(|(provider, models)| {
            models.keys().flat_map(|model| self.rows(provider, model))
        })
    }

    fn read(&self, provider: &str, model: &str) -> Result<Vec<Row>, String> {
        let text = self.by_provider.get(provider).and_then(|models| models.get(model));
        let Some(text) = text else { return Ok(Vec::new()) };
        let fault = |what: String| format!("{provider} {model}: {what}");
        let document: Table = format!("row = {text}")
            .parse()
            .map_err(|error: toml::de::Error| fault(error.to_string()))?;
        let items = match document.get("row") {
            Some(Value::Array(items)) => items.as_slice(),
            Some(item) => std::slice::from_ref(item),
            None => &[],
        };
        let mut rows = Vec::with_capacity(items.len());
        for item in items {
            let fields = item.as_table().ok_or_else(|| fault("is no row".to_owned()))?;
            let entry = entry(fields, Rule::of(provider), &[])
                .map_err(|flaw| fault(format!("`{}` {}", flaw.field, flaw.found)))?;
            match entry {
                Entry::Priced(row) => rows.push(row),
                Entry::SameAs { model: other, .. } if other == model => {
                    return Err(fault("is the same as itself".to_owned()));
                }
                Entry::SameAs { model: other, from, until } => {
                    let others = self.read(provider, &other)?;
                    rows.extend(others.iter().filter_map(|row| row.within(from, until)));
                }
            }
        }
        if rows.is_empty() { Err(fault("has no prices".to_owned())) } else { Ok(rows) }
    }
}

fn index(text: &'static str) -> Builtin {
    let mut found = Builtin::default();
    let mut section = None;
    let mut row: Option<(&'static str, usize)> = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let line = line.trim_end();
        if let Some((model, _)) = line.strip_prefix('"').and_then(|rest| rest.split_once("\" = ")) {
            // The quotes, the equals sign and the spaces around it are five bytes.
            row = Some((model, start + model.len() + 5));
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            (section, row) = (Some(name), None);
        } else if let Some(hosts) = line.strip_prefix("hosts = ") {
            found.hosts = hosts;
        } else if line.is_empty() || line.starts_with('#') {
            row = None;
        }
        if let Some(((model, from), provider)) = row.zip(section) {
            // Every further line of a row makes its text longer.
            found.by_provider.entry(provider).or_default().insert(model, &text[from..offset]);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_holds_what_the_whole_file_holds_as_toml() {
        let whole: Table = TEXT.parse().unwrap();
        let index = Builtin::get();
        let mut count = 0;
        for (provider, models) in &whole {
            let Value::Table(models) = models else {
                assert_eq!(provider, "hosts");
                for host in models.as_array().unwrap() {
                    assert!(index.is_host(host.as_str().unwrap()));
                }
                continue;
            };
            assert_eq!(index.by_provider[provider.as_str()].len(), models.len(), "{provider}");
            for (model, value) in models {
                let text = index.by_provider[provider.as_str()][model.as_str()];
                let alone: Table = format!("row = {text}").parse().unwrap();
                assert_eq!(&alone["row"], value, "{provider} {model}");
                assert!(!index.read(provider, model).unwrap().is_empty());
                count += 1;
            }
        }
        assert_eq!(index.by_provider.len(), whole.len() - 1);
        assert!(count > 590, "{count}");
        assert!(!index.is_host("openai"));
    }
}
