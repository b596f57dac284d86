//! A form of the settings, and what comes of it.

use crate::config::edit::EditError;
use crate::faces::page::settings::Typed;
use crate::monitor::Command;

use super::super::page::Page;

/// Why a form was refused.
pub(super) struct Refused {
    /// What, where, and what to do.
    pub(super) why: String,
    /// The field that is wrong; empty for no single one.
    pub(super) field: &'static str,
}

impl Refused {
    pub(super) fn field(field: &'static str, why: impl Into<String>) -> Self {
        Self { why: why.into(), field }
    }
}

impl From<anyhow::Error> for Refused {
    fn from(error: anyhow::Error) -> Self {
        Self { why: sentence(&format!("{error:#}")), field: "" }
    }
}

/// What a program says to programs, as a sentence.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    let end = if text.ends_with(['.', '!', '?']) || text.contains('\n') { "" } else { "." };
    first.into_iter().chain(characters).chain(end.chars()).collect()
}

/// What came of a form: sentences, and the change of the config that it is about.
pub(super) type Outcome = Result<(String, Option<u64>), Refused>;

/// The fields of a form.
pub(super) struct Form(pub(super) Vec<(String, String)>);

impl Form {
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value.trim())
    }

    /// Every value of the fields of this name.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let own = self.0.iter().filter(|(own, _)| own == name);
        own.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
    }

    /// What may be shown again. Whatever is secret is named `key`.
    pub(super) fn typed(self, wrong: &str) -> Typed {
        let form = self.get("form").to_owned();
        let fields = self.0.into_iter().filter(|(name, _)| name != "key" && name != "csrf");
        Typed { form, wrong: wrong.to_owned(), fields: fields.collect() }
    }
}

/// Changes the config file, which can be undone, and has the monitor read it.
pub(super) fn edited(
    page: &Page,
    what: String,
    edit: impl FnOnce(&str) -> Result<String, EditError>,
) -> Outcome {
    let number = page.memory().history.change(&page.app, what.clone(), edit)?;
    page.tell(Command::Reload);
    Ok(match number {
        Some(number) => (what, Some(number)),
        None => (format!("{what} That is how the file was already."), None),
    })
}
