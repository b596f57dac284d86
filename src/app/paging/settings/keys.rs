//! Keys that a form stores, tests or removes. Nothing that is said here has a part of one in it.

use anyhow::{Context, anyhow};

use crate::board::wording;
use crate::faces::cli::input;
use crate::monitor::{Command, once};
use crate::secrets::{Origin, Store};
use crate::sources::SourceInfo;

use super::super::page::Page;
use super::form::{Form, Outcome, Refused};

/// Puts the key into the keyring, and has its provider asked.
pub(super) fn set(page: &Page, form: &Form) -> Outcome {
    let info = source(page, form.get("id"))?;
    if info.key.is_none() {
        return Err(anyhow!("{} takes no key", info.name).into());
    }
    let key = input::checked(form.get("key"))
        .map_err(|error| Refused::field("key", format!("Nothing was stored: {error}.")))?;
    let stored = Store::new(&page.app.places).set(info, &key);
    stored.map_err(|error| Refused::field("key", format!("The key was not stored: {error}.")))?;
    page.tell(Command::Refresh);
    Ok((
        format!("The key for {} is in the keyring. Test it to see whether it is taken.", info.name),
        None,
    ))
}

/// Asks the provider whether it takes the key.
pub(super) fn test(page: &Page, form: &Form) -> Outcome {
    let info = source(page, form.get("id"))?;
    let app = &page.app;
    let origin = Store::new(&app.places).get(info, &app.places).map_err(anyhow::Error::from)?;
    let Some((_, origin)) = origin else {
        return Err(anyhow!("{} has no key to test", info.name).into());
    };
    let setup = app.setup().map_err(anyhow::Error::from)?;
    match once::try_source(&setup, info.id)? {
        None => {
            let from = crate::faces::cli::key::origin_words(&origin);
            Ok((format!("{} takes the key from {from}.", info.name), None))
        }
        Some(error) => {
            let said = wording::failure(info, &error, None, app.clock.now(), setup.config.zone);
            Err(anyhow!(said).into())
        }
    }
}

/// Takes the key out of the keyring.
pub(super) fn remove(page: &Page, form: &Form) -> Outcome {
    let info = source(page, form.get("id"))?;
    let (store, places) = (Store::new(&page.app.places), &page.app.places);
    let was_there = store.remove(info).map_err(anyhow::Error::from)?;
    let mut said = match was_there {
        true => format!("The key for {} is removed from the keyring.", info.name),
        false => format!("The keyring has no key for {}.", info.name),
    };
    let left = store.get(info, places).map_err(anyhow::Error::from)?;
    if let Some((_, Origin::Variable(name))) = left {
        said.push_str(&format!(" {name} is still set and is used."));
    }
    page.tell(Command::Refresh);
    Ok((said, None))
}

/// The source of this id.
///
/// # Errors
/// There is none, or the config can't be read.
pub(super) fn source(page: &Page, id: &str) -> anyhow::Result<&'static SourceInfo> {
    let config = page.app.config()?;
    let found = config.sources().map(|source| source.info()).find(|info| info.id == id);
    found.with_context(|| format!("{id:?} is no source of this version"))
}
