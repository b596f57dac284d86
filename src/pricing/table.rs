//! The table: lists by provider and model, and the search for the list that prices a request.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use toml::Table;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::builtin::{self, Builtin};
use super::names::{route, spellings};
use super::rates::Row;
use super::read::{Entry, Flaw, PriceError, Rule, entry, flaw, text};
use super::unit::PriceList;
use super::{Ask, Priced};

/// Raise it when the code prices the same table in another way, so that the ledger notices.
const RULES_VERSION: u64 = 1;

/// More names than any machine's logs hold; a limit on what a log full of made-up names takes.
const MOST_REMEMBERED: usize = 4096;

/// Every list price the program knows: its own table, and the config's rows before it.
pub struct PriceTable {
    overrides: Lists,
    builtin: &'static Builtin,
    fingerprint: u64,
    remembered: RwLock<Remembered>,
}

/// Model -> its rows, of which the first valid one holds.
type Models = BTreeMap<Box<str>, Vec<Arc<Row>>>;

/// The rows of the config, by provider.
#[derive(Debug, Default)]
struct Lists {
    by_provider: BTreeMap<Box<str>, Models>,
}

/// The answers so far: hint (empty: none) -> logged name -> list. The same few names come up
/// millions of times.
#[derive(Default)]
struct Remembered {
    by_hint: HashMap<Box<str>, HashMap<Box<str>, PriceList>>,
    count: usize,
}

impl PriceTable {
    /// The table that ships with the program.
    pub fn builtin() -> Self {
        let fingerprint = xxh3_64_with_seed(builtin::TEXT.as_bytes(), RULES_VERSION);
        Self::new(Lists::default(), Builtin::get(), fingerprint)
    }

    /// Puts `[[price]]` rows of the config before the table: `provider`, `model`, and the fields
    /// that the head of `assets/prices.toml` explains.
    ///
    /// A row is taken as it is written, for the model named exactly so. A kind of token it gives
    /// no price for is unpriced, never filled from the built-in row of the same model; on days a
    /// row does not cover, the built-in row still holds.
    ///
    /// # Errors
    /// The first row that cannot be read, with its field and what to write.
    pub fn with_overrides(self, rows: &[Table]) -> Result<Self, PriceError> {
        let mut overrides = self.overrides;
        let mut fingerprint = self.fingerprint;
        for (index, fields) in rows.iter().enumerate() {
            let row = index + 1;
            add_override(&mut overrides, self.builtin, fields)
                .map_err(|Flaw { field, found, write }| PriceError { row, field, found, write })?;
            fingerprint = xxh3_64_with_seed(fields.to_string().as_bytes(), fingerprint);
        }
        Ok(Self::new(overrides, self.builtin, fingerprint))
    }

    /// Puts rows before all that the table has, whenever a request was made: their `from` and
    /// `until` do not count, and of a model that the table has rows for these hold alone. Each model
    /// may stand in one row, or in several that `when_utc` tells apart.
    ///
    /// # Errors
    /// The first row that cannot be read, with its field and what to write.
    pub fn with_undated(self, rows: &[Table]) -> Result<Self, PriceError> {
        let mut first = Lists::default();
        let mut fingerprint = self.fingerprint;
        for (index, fields) in rows.iter().enumerate() {
            let mut fields = fields.clone();
            // The dates are read all the same, so that a slip of the pen in them is told.
            let row = index + 1;
            let told = |Flaw { field, found, write }| PriceError { row, field, found, write };
            entry(&fields, Rule::AsWritten, &["provider", "model"]).map_err(told)?;
            fields.remove("from");
            fields.remove("until");
            add_override(&mut first, self.builtin, &fields).map_err(|flaw| {
                let mut told = told(flaw);
                if told.field == "model" && told.found.contains("a row above") {
                    told.found = "stands in a row above too".into();
                    told.write = "leave one row for each model: dates do not count here".into();
                }
                told
            })?;
            fingerprint = xxh3_64_with_seed(fields.to_string().as_bytes(), !fingerprint);
        }
        for (provider, models) in self.overrides.by_provider {
            let known = first.by_provider.entry(provider).or_default();
            for (model, rows) in models {
                known.entry(model).or_default().extend(rows);
            }
        }
        Ok(Self::new(first, self.builtin, fingerprint))
    }

    /// A number that differs whenever any price differs: a ledger that recorded another one has
    /// to price its usage again.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// What one request costs at list price.
    pub fn price(&self, ask: &Ask<'_>) -> Priced {
        let list = self.list(ask.provider, ask.model);
        let row = list.rows.iter().find(|row| row.holds(ask.at));
        let list_picos = row.and_then(|row| row.cost_picos(ask));
        Priced { provider: list.provider, list_picos }
    }

    /// The list that prices the requests to a model, where `provider` is whose list the source
    /// believes in.
    pub fn list(&self, provider: Option<&str>, model: Option<&str>) -> PriceList {
        let (hint, model) = (provider.unwrap_or_default(), model.unwrap_or_default());
        let remembered = self.remembered.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = remembered.by_hint.get(hint).and_then(|models| models.get(model)) {
            return list.clone();
        }
        drop(remembered);
        let list = self.find(Some(hint).filter(|hint| !hint.is_empty()), model);
        let mut remembered = self.remembered.write().unwrap_or_else(PoisonError::into_inner);
        remembered.keep(hint, model, list.clone());
        list
    }

    fn new(overrides: Lists, builtin: &'static Builtin, fingerprint: u64) -> Self {
        Self { overrides, builtin, fingerprint, remembered: RwLock::default() }
    }

    /// The list for a logged name: the hinted provider's, then the one its route names, then that
    /// of the only provider the model can be from.
    fn find(&self, hint: Option<&str>, model: &str) -> PriceList {
        let unknown = || PriceList { provider: hint.map(Arc::from), rows: Arc::default() };
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
    fn along_route(
        &self,
        hint: Option<&str>,
        provider: &str,
        names: &[String],
    ) -> Option<PriceList> {
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

    fn first_at(&self, provider: &str, names: &[String]) -> Option<PriceList> {
        names.iter().find_map(|name| self.at(provider, name))
    }

    /// The list of the one provider that has the name; among several, of the one that is no host.
    fn of_only_owner(&self, names: &[String]) -> Option<PriceList> {
        let owners = |name: &str| {
            let mut owners: BTreeSet<&str> = self.overrides.owners(name).collect();
            owners.extend(self.builtin.owners(name));
            owners
        };
        let owners = names.iter().map(|name| (name, owners(name))).find(|(_, all)| !all.is_empty());
        let (name, mut owners) = owners?;
        if owners.len() > 1 {
            owners.retain(|owner| !self.builtin.is_host(owner));
        }
        let only = owners.pop_first().filter(|_| owners.is_empty())?;
        self.at(only, name)
    }

    fn at(&self, provider: &str, model: &str) -> Option<PriceList> {
        let own = self.overrides.rows(provider, model).iter().cloned();
        let builtin = self.builtin.rows(provider, model).into_iter().map(Arc::new);
        let rows: Arc<[_]> = own.chain(builtin).collect();
        (!rows.is_empty()).then(|| PriceList { provider: Some(provider.into()), rows })
    }
}

impl fmt::Debug for PriceTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own: usize = self.overrides.by_provider.values().map(BTreeMap::len).sum();
        write!(f, "PriceTable({:016x}, {own} own models)", self.fingerprint)
    }
}

impl Remembered {
    fn keep(&mut self, hint: &str, model: &str, list: PriceList) {
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

    fn owners(&self, model: &str) -> impl Iterator<Item = &str> {
        self.by_provider
            .iter()
            .filter(move |(_, models)| models.contains_key(model))
            .map(|(provider, _)| &**provider)
    }

    fn add(&mut self, provider: &str, model: &str, rows: Vec<Row>) {
        let models = self.by_provider.entry(provider.into()).or_default();
        models.entry(model.into()).or_default().extend(rows.into_iter().map(Arc::new));
    }
}

fn add_override(lists: &mut Lists, builtin: &Builtin, fields: &Table) -> Result<(), Flaw> {
    let named = |field: &str, example: &str| match fields.get(field) {
        Some(value) => text(value, field, &format!("a name such as {example}")),
        None => Err(flaw(field, "is missing".into(), &format!("write {field} = {example}"))),
    };
    let provider = named("provider", "\"openai\"")?.trim();
    let model = named("model", "\"gpt-5.5\"")?.trim();
    let rows = match entry(fields, Rule::AsWritten, &["provider", "model"])? {
        Entry::Priced(row) => vec![row],
        Entry::SameAs { model, from, until } => {
            let own = lists.rows(provider, &model).iter().map(|row| (**row).clone());
            let rows: Vec<Row> = own.chain(builtin.rows(provider, &model)).collect();
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
