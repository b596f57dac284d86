//! The table: lists by provider and model, and the search for the list that prices a request.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use toml::{Table, Value};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::names::{route, spellings};
use super::rates::Row;
use super::read::{Entry, Flaw, PriceError, Rule, entry, flaw, text};
use super::{Ask, Priced};

const BUILTIN: &str = include_str!("../../assets/prices.toml");

/// Raise it when the code prices the same table in another way, so that the ledger notices.
const RULES_VERSION: u64 = 1;

/// More names than any machine's logs hold; a limit on what a log full of made-up names takes.
const MOST_REMEMBERED: usize = 4096;

/// Every list price the program knows: its own table, and the config's rows before it.
pub struct PriceTable {
    overrides: Lists,
    builtin: Arc<Lists>,
    fingerprint: u64,
    remembered: RwLock<Remembered>,
}

/// Provider -> model -> rows, the first valid one holds.
#[derive(Debug, Default)]
struct Lists {
    by_provider: BTreeMap<Arc<str>, BTreeMap<Box<str>, Vec<Arc<Row>>>>,
    /// Providers that serve other makers' models too.
    hosts: Vec<Box<str>>,
}

/// The answers so far: hint (empty: none) -> logged name -> list. The same few names come up
/// millions of times.
#[derive(Default)]
struct Remembered {
    by_hint: HashMap<Box<str>, HashMap<Box<str>, List>>,
    count: usize,
}

/// Where a name was found.
#[derive(Clone)]
struct List {
    provider: Option<Arc<str>>,
    rows: Box<[Arc<Row>]>,
}

impl PriceTable {
    /// The table that ships with the program, read once.
    pub fn builtin() -> Self {
        static LISTS: OnceLock<Arc<Lists>> = OnceLock::new();
        let builtin = LISTS.get_or_init(|| {
            let lists = read_builtin(BUILTIN);
            Arc::new(lists.expect("assets/prices.toml is part of the program, and a test reads it"))
        });
        Self::new(
            Lists::default(),
            builtin.clone(),
            xxh3_64_with_seed(BUILTIN.as_bytes(), RULES_VERSION),
        )
    }

    /// Puts `[[price]]` rows of the config before the table: `provider`, `model`, and the fields
    /// that the head of `assets/prices.toml` explains.
    ///
    /// A row is taken as it is written, for the model named exactly so. A kind of token it gives no price for is unpriced, never
    /// filled from the built-in row of the same model; on days a row does not cover, the built-in
    /// row still holds.
    ///
    /// # Errors
    /// The first row that cannot be read, with its field and what to write.
    pub fn with_overrides(self, rows: &[Table]) -> Result<Self, PriceError> {
        let mut overrides = self.overrides;
        let mut fingerprint = self.fingerprint;
        for (index, fields) in rows.iter().enumerate() {
            let row = index + 1;
            add_override(&mut overrides, &self.builtin, fields)
                .map_err(|Flaw { field, found, write }| PriceError { row, field, found, write })?;
            fingerprint = xxh3_64_with_seed(fields.to_string().as_bytes(), fingerprint);
        }
        Ok(Self::new(overrides, self.builtin, fingerprint))
    }

    /// A number that differs whenever any price differs: a ledger that recorded another one has
    /// to price its usage again.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// What one request costs at list price.
    pub fn price(&self, ask: &Ask<'_>) -> Priced {
        let (hint, model) = (ask.provider.unwrap_or_default(), ask.model.unwrap_or_default());
        let remembered = self.remembered.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = remembered.by_hint.get(hint).and_then(|models| models.get(model)) {
            return list.price(ask);
        }
        drop(remembered);
        let list = self.find(ask.provider, model);
        let priced = list.price(ask);
        self.remembered.write().unwrap_or_else(PoisonError::into_inner).keep(hint, model, list);
        priced
    }

    fn new(overrides: Lists, builtin: Arc<Lists>, fingerprint: u64) -> Self {
        Self { overrides, builtin, fingerprint, remembered: RwLock::default() }
    }

    /// The list for a logged name: the hinted provider's, then the one its route names, then that
    /// of the only provider the model can be from.
    fn find(&self, hint: Option<&str>, model: &str) -> List {
        let unknown = || List { provider: hint.map(Arc::from), rows: Box::default() };
        let model = model.trim();
        if model.is_empty() {
            return unknown();
        }
        let names = spellings(model);
        let found = hint.and_then(|hint| self.first_at(hint, &names)).or_else(|| {
            match names.iter().find_map(|name| route(name)) {
                Some((provider, _)) => self.along_route(hint, provider, &names),
                None => self.of_only_owner(&names),
            }
        });
        found.unwrap_or_else(unknown)
    }

    /// `deepseek/deepseek-chat` is on DeepSeek's list. OpenAI's and Anthropic's lists are taken
    /// only where the hint agrees or nothing else is known: what a gateway charges for their
    /// models is its own price.
    fn along_route(&self, hint: Option<&str>, provider: &str, names: &[String]) -> Option<List> {
        let agrees = hint.is_none_or(|hint| hint == provider);
        if agrees || !matches!(provider, "openai" | "anthropic") {
            let inner: Vec<_> = names
                .iter()
                .filter_map(|name| route(name))
                .flat_map(|(_, model)| spellings(model))
                .collect();
            if let Some(list) = self.first_at(provider, &inner) {
                return Some(list);
            }
        }
        // A row of the config may carry the whole name, route and all.
        self.of_only_owner(names)
    }

    fn first_at(&self, provider: &str, names: &[String]) -> Option<List> {
        names.iter().find_map(|name| self.at(provider, name))
    }

    /// The list of the one provider that has the name; among several, of the one that is no host.
    fn of_only_owner(&self, names: &[String]) -> Option<List> {
        let owners = |name: &str| {
            let mut owners: Vec<&Arc<str>> = [&self.overrides, &*self.builtin]
                .into_iter()
                .flat_map(|lists| lists.owners(name))
                .collect();
            owners.sort();
            owners.dedup();
            owners
        };
        let owners = names.iter().map(|name| (name, owners(name))).find(|(_, all)| !all.is_empty());
        let (name, owners) = owners?;
        let only = |owners: &[&Arc<str>]| match owners {
            [only] => self.at(only, name),
            _ => None,
        };
        let is_host = |owner: &str| self.builtin.hosts.iter().any(|host| **host == *owner);
        let makers: Vec<_> = owners.iter().copied().filter(|owner| !is_host(owner)).collect();
        only(&owners).or_else(|| only(&makers))
    }

    fn at(&self, provider: &str, model: &str) -> Option<List> {
        let layers = [&self.overrides, &*self.builtin];
        let own = layers.iter().find_map(|lists| lists.by_provider.get_key_value(provider))?.0;
        let rows: Box<[_]> =
            layers.iter().flat_map(|lists| lists.rows(provider, model)).cloned().collect();
        (!rows.is_empty()).then(|| List { provider: Some(own.clone()), rows })
    }
}

impl fmt::Debug for PriceTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own: usize = self.overrides.by_provider.values().map(BTreeMap::len).sum();
        write!(f, "PriceTable({:016x}, {own} own models)", self.fingerprint)
    }
}

impl List {
    fn price(&self, ask: &Ask<'_>) -> Priced {
        let row = self.rows.iter().find(|row| row.holds(ask.at));
        Priced {
            provider: self.provider.clone(),
            list_picos: row.and_then(|row| row.cost_picos(ask)),
        }
    }
}

impl Remembered {
    fn keep(&mut self, hint: &str, model: &str, list: List) {
        if self.count >= MOST_REMEMBERED {
            return;
        }
        let models = self.by_hint.entry(hint.into()).or_default();
        self.count += usize::from(models.insert(model.into(), list).is_none());
    }
}

impl Lists {
    fn rows(&self, provider: &str, model: &str) -> &[Arc<Row>] {
        let rows = self.by_provider.get(provider).and_then(|models| models.get(model));
        rows.map_or(&[], Vec::as_slice)
    }

    fn owners(&self, model: &str) -> impl Iterator<Item = &Arc<str>> {
        self.by_provider
            .iter()
            .filter(move |(_, models)| models.contains_key(model))
            .map(|(provider, _)| provider)
    }

    fn add(&mut self, provider: &str, model: &str, rows: Vec<Row>) {
        let provider = match self.by_provider.get_key_value(provider) {
            Some((known, _)) => known.clone(),
            None => provider.into(),
        };
        let models = self.by_provider.entry(provider).or_default();
        models.entry(model.into()).or_default().extend(rows.into_iter().map(Arc::new));
    }
}

fn add_override(lists: &mut Lists, builtin: &Lists, fields: &Table) -> Result<(), Flaw> {
    let named = |field: &str, example: &str| match fields.get(field) {
        Some(value) => text(value, field, &format!("a name such as {example}")),
        None => Err(flaw(field, "is missing".into(), &format!("write {field} = {example}"))),
    };
    let provider = named("provider", "\"openai\"")?.trim();
    let model = named("model", "\"gpt-5.5\"")?.trim();
    let rows = match entry(fields, Rule::AsWritten, &["provider", "model"])? {
        Entry::Priced(row) => vec![row],
        Entry::SameAs { model, from, until } => {
            let rows = [lists.rows(provider, &model), builtin.rows(provider, &model)].concat();
            if rows.is_empty() {
                let found = format!("is {model:?}, which {provider} has no price for");
                let write = "write a model of the same provider that is known or in a row above";
                return Err(flaw("same_as", found, write));
            }
            rows.iter().filter_map(|row| row.within(from, until)).collect()
        }
    };
    let overlap = |row: &Row| {
        let earlier = lists.rows(provider, model).iter();
        earlier
            .filter(|earlier| earlier.when.is_empty())
            .any(|earlier| row.within(earlier.from, earlier.until).is_some())
    };
    if rows.iter().any(overlap) {
        let found = format!("is {model:?}, which a row above prices for the same days");
        return Err(flaw("model", found, "remove one of them, or give them `from` and `until`"));
    }
    lists.add(provider, model, rows);
    Ok(())
}

fn read_builtin(text: &str) -> Result<Lists, String> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let mut lists = Lists::default();
    let mut aliases = Vec::new();
    for (provider, value) in &table {
        match value {
            Value::Array(hosts) if provider == "hosts" => {
                lists.hosts = hosts.iter().filter_map(Value::as_str).map(Box::from).collect();
            }
            Value::Table(models) => {
                for (model, value) in models {
                    let fault = |what: String| format!("{provider} {model}: {what}");
                    let rows = match value {
                        Value::Array(rows) => rows.as_slice(),
                        row => std::slice::from_ref(row),
                    };
                    for row in rows {
                        let fields = row.as_table().ok_or_else(|| fault("is no row".to_owned()))?;
                        match entry(fields, Rule::of(provider), &[])
                            .map_err(|flaw| fault(format!("{} {}", flaw.field, flaw.found)))?
                        {
                            Entry::Priced(row) => lists.add(provider, model, vec![row]),
                            Entry::SameAs { model: other, from, until } => {
                                aliases.push((provider, model, other, from, until));
                            }
                        }
                    }
                }
            }
            _ => return Err(format!("{provider} is no section")),
        }
    }
    for (provider, model, other, from, until) in aliases {
        let rows = lists.rows(provider, &other);
        let rows: Vec<_> = rows.iter().filter_map(|row| row.within(from, until)).collect();
        if rows.is_empty() {
            return Err(format!("{provider} {model}: no prices of {other} to take over"));
        }
        lists.add(provider, model, rows);
    }
    Ok(lists)
}
