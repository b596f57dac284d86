//! Sources that a user's config adds to the table: further accounts of a provider, and providers of
//! the user's own.
//!
//! A source lives as long as the program, for everything that is known of it names its row. One
//! that is written alike again, as after a change elsewhere in the config, is the same source.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::providers::described::Described;
use super::providers::described::language::Description;
use super::{KeySpec, Look, ReadFuture, SOURCES, Source, SourceInfo};

/// Sources beside those of the table.
#[derive(Clone, Default)]
pub struct Further(Vec<&'static dyn Source>);

impl Further {
    /// Adds one; false when its id is taken.
    pub fn add(&mut self, source: &'static dyn Source) -> bool {
        let is_free = self.find(source.info().id).is_none();
        if is_free {
            self.0.push(source);
        }
        is_free
    }

    /// Every source: those of the table, and these.
    pub fn all(&self) -> impl Iterator<Item = &'static dyn Source> + '_ {
        SOURCES.iter().copied().chain(self.0.iter().copied())
    }

    /// The source with this id.
    pub fn find(&self, id: &str) -> Option<&'static dyn Source> {
        self.all().find(|source| source.info().id == id)
    }
}

impl fmt::Debug for Further {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|source| source.info().id)).finish()
    }
}

impl PartialEq for Further {
    fn eq(&self, other: &Self) -> bool {
        let rows = |it: &Self| {
            it.0.iter().map(|source| std::ptr::from_ref(source.info())).collect::<Vec<_>>()
        };
        rows(self) == rows(other)
    }
}

/// Another account of a provider, with a key of its own.
struct Named {
    of: &'static dyn Source,
    info: &'static SourceInfo,
}

impl Source for Named {
    fn info(&self) -> &'static SourceInfo {
        self.info
    }

    fn read<'a>(&'a self, look: &'a Look<'a>) -> ReadFuture<'a> {
        self.of.read(look)
    }
}

/// The account `name` of a provider: `openai-admin@work`. Its key stands in the keyring under that
/// id, or in the provider's variable with the name behind it: `OPENAI_ADMIN_KEY_WORK`.
pub fn named(of: &'static dyn Source, name: &str) -> &'static dyn Source {
    static KNOWN: Mutex<BTreeMap<String, &'static Named>> = Mutex::new(BTreeMap::new());
    let row = of.info();
    let id = format!("{}@{name}", row.id);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    *known.entry(id.clone()).or_insert_with(|| {
        let suffix = name.to_ascii_uppercase().replace('-', "_");
        let key = row.key.as_ref().map(|key| KeySpec {
            variables: Box::leak(
                key.variables.iter().map(|it| leaked(format!("{it}_{suffix}"))).collect(),
            ),
            kind: key.kind,
        });
        let info = SourceInfo {
            id: leaked(id.clone()),
            name: leaked(format!("{} ({name})", row.name)),
            account: leaked(format!("{}@{name}", row.account)),
            key,
            ..*row
        };
        Box::leak(Box::new(Named { of, info: Box::leak(Box::new(info)) }))
    })
}

/// A provider of the user's own.
pub fn own(description: Description) -> &'static dyn Source {
    static KNOWN: Mutex<BTreeMap<String, &'static Described>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    *known.entry(format!("{description:?}")).or_insert_with(|| Described::new(description))
}

fn leaked(text: String) -> &'static str {
    Box::leak(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_a_key_and_a_bill_of_its_own_and_is_made_once() {
        let openai = crate::sources::find("openai-admin").unwrap();
        let work = named(openai, "work-2").info();
        assert_eq!((work.id, work.account), ("openai-admin@work-2", "openai@work-2"));
        assert_eq!(work.key.as_ref().unwrap().variables, ["OPENAI_ADMIN_KEY_WORK_2"]);
        assert_eq!(work.base_url, openai.info().base_url);
        assert!(std::ptr::eq(work, named(openai, "work-2").info()));
        let mut further = Further::default();
        assert!(further.add(named(openai, "work-2")));
        assert!(!further.add(named(openai, "work-2")), "an id is taken once");
        assert!(further.find("openai-admin@work-2").is_some() && further.find("codex").is_some());
    }
}
