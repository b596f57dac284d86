//! `key`: which provider has a key, and what came of storing, testing and removing one. No more
//! than its last four characters is ever written.

use std::io::{self, Write};

use serde::Serialize;

use super::json;
use super::style::{Style, wrap};
use super::table::{Column, Table};
use crate::board::wording;
use crate::secrets::{ApiKey, Listed, Origin, SecretError};
use crate::spend::SourceInfo;

/// Writes every provider with its key.
///
/// # Errors
/// Those of the writer.
pub fn text(out: &mut dyn Write, keys: &[Listed], style: &Style) -> io::Result<()> {
    let mut table = Table::new(vec![
        Column::Word("Provider"),
        Column::Word("Id"),
        Column::Word("Key"),
        Column::Word("From"),
    ]);
    for row in keys {
        let (key, from) = match &row.key {
            Ok(Some((key, origin))) => (shown(key), origin_words(origin).to_owned()),
            Ok(None) => (wording::UNKNOWN.into(), String::new()),
            Err(error) => (
                wording::UNKNOWN.into(),
                error.variable().map_or(String::new(), |name| format!("set {name}")),
            ),
        };
        table.row(vec![row.info.name.into(), row.info.id.into(), key, from]);
    }
    table.write(out, style, 0)?;
    let mut said: Vec<String> = Vec::new();
    for sentence in keys.iter().filter_map(|row| row.key.as_ref().err()).map(SecretError::what) {
        if !said.contains(&sentence) {
            said.push(sentence);
        }
    }
    if said.is_empty() && keys.iter().all(|row| matches!(row.key, Ok(None))) {
        said.push("Set one: spendbar key set openai-admin".into());
    }
    if !said.is_empty() {
        writeln!(out)?;
    }
    said.iter().try_for_each(|line| writeln!(out, "{}", wrap(line, style.width, 0)))
}

/// Writes `spendbar.keys.v1`.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, keys: &[Listed]) -> io::Result<()> {
    let keys = keys.iter().map(Row::of).collect();
    json::write(out, &Document { schema: "spendbar.keys.v1", keys })
}

/// Writes what `key set` did.
///
/// # Errors
/// Those of the writer.
pub fn confirm_set(out: &mut dyn Write, info: &SourceInfo, key: &ApiKey) -> io::Result<()> {
    writeln!(out, "The key for {} is in the keyring: {}", info.name, shown(key))?;
    writeln!(out, "Try it: spendbar key test {}", info.id)
}

/// Writes that `key test` went well.
///
/// # Errors
/// Those of the writer.
pub fn confirm_test(out: &mut dyn Write, info: &SourceInfo, origin: &Origin) -> io::Result<()> {
    writeln!(out, "{} takes the key from {}.", info.name, origin_words(origin))
}

/// Writes what `key remove` did. A variable that is still set goes on giving a key.
///
/// # Errors
/// Those of the writer.
pub fn confirm_removed(
    out: &mut dyn Write,
    info: &SourceInfo,
    was_there: bool,
    left: Option<&Origin>,
) -> io::Result<()> {
    if was_there {
        writeln!(out, "The key for {} is removed from the keyring.", info.name)?;
    } else {
        writeln!(out, "The keyring has no key for {}.", info.name)?;
    }
    match left {
        Some(Origin::Variable(name)) => writeln!(out, "{name} is still set and is used."),
        Some(Origin::Keyring) | None => Ok(()),
    }
}

/// Writes where a webhook's address is now: of the address itself its host alone.
///
/// # Errors
/// Those of the writer.
pub fn confirm_webhook(out: &mut dyn Write, name: &str, host: &str) -> io::Result<()> {
    writeln!(out, "The address of webhook {name} is in the keyring, on {host}")?;
    writeln!(out, "Try it: spendbar alerts test")
}

/// Writes what `key remove` did to a webhook's address.
///
/// # Errors
/// Those of the writer.
pub fn confirm_webhook_removed(out: &mut dyn Write, name: &str, was_there: bool) -> io::Result<()> {
    if was_there {
        writeln!(out, "The address of webhook {name} is removed from the keyring.")
    } else {
        writeln!(out, "The keyring has no address for webhook {name}.")
    }
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    keys: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: &'static str,
    name: &'static str,
    /// `keyring` or `variable`; null without a key.
    from: Option<&'static str>,
    variable: Option<&'static str>,
    last_four: Option<String>,
    error: Option<String>,
}

impl Row {
    fn of(row: &Listed) -> Self {
        let found = row.key.as_ref().ok().and_then(Option::as_ref);
        Self {
            id: row.info.id,
            name: row.info.name,
            from: found.map(|(_, origin)| match origin {
                Origin::Keyring => "keyring",
                Origin::Variable(_) => "variable",
            }),
            variable: found.and_then(|(_, origin)| match origin {
                Origin::Keyring => None,
                Origin::Variable(name) => Some(*name),
            }),
            last_four: found.map(|(key, _)| key.last_four()).filter(|last| !last.is_empty()),
            error: row.key.as_ref().err().map(ToString::to_string),
        }
    }
}

/// `…6789`; a key too short to show a part of is `set`.
fn shown(key: &ApiKey) -> String {
    match key.last_four().as_str() {
        "" => "set".into(),
        last => format!("…{last}"),
    }
}

/// Where a key came from, for people.
pub fn origin_words(origin: &Origin) -> &'static str {
    match origin {
        Origin::Keyring => "the keyring",
        Origin::Variable(name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(id: &str, key: Result<Option<(ApiKey, Origin)>, SecretError>) -> Listed {
        Listed { info: crate::sources::find(id).expect("known").info(), key }
    }

    #[test]
    fn keys_as_text_and_json() {
        let no_keyring = SecretError::NoKeyring {
            cause: "org.freedesktop.secrets was not provided by any .service files".into(),
            variable: Some("OPENAI_ADMIN_KEY"),
        };
        let ring = ApiKey::new("sk-admin-0123456789");
        let short = ApiKey::new("short");
        let keys = [
            listed("openai-admin", Ok(Some((ring.clone(), Origin::Keyring)))),
            listed("anthropic-admin", Ok(Some((short, Origin::Variable("ANTHROPIC_ADMIN_KEY"))))),
            listed("openrouter", Err(no_keyring)),
        ];
        let none = [listed("openai-admin", Ok(None))];
        let show = |write: &dyn Fn(&mut dyn Write) -> io::Result<()>| {
            let mut out = Vec::new();
            write(&mut out).expect("a vector");
            String::from_utf8(out).expect("text")
        };
        let style = Style { color: false, width: 60 };
        insta::assert_snapshot!(show(&|out| text(out, &keys, &style)), @"
        Provider    Id               Key    From
        OpenAI      openai-admin     …6789  the keyring
        Anthropic   anthropic-admin  set    ANTHROPIC_ADMIN_KEY
        OpenRouter  openrouter       –      set OPENAI_ADMIN_KEY

        no keyring is running here (org.freedesktop.secrets was not
        provided by any .service files)
        ");
        insta::assert_snapshot!(show(&|out| text(out, &none, &style)), @"
        Provider  Id            Key  From
        OpenAI    openai-admin  –

        Set one: spendbar key set openai-admin
        ");
        insta::assert_snapshot!(show(&|out| json(out, &keys)), @r#"
        {
          "schema": "spendbar.keys.v1",
          "keys": [
            {
              "id": "openai-admin",
              "name": "OpenAI",
              "from": "keyring",
              "variable": null,
              "last_four": "6789",
              "error": null
            },
            {
              "id": "anthropic-admin",
              "name": "Anthropic",
              "from": "variable",
              "variable": "ANTHROPIC_ADMIN_KEY",
              "last_four": null,
              "error": null
            },
            {
              "id": "openrouter",
              "name": "OpenRouter",
              "from": null,
              "variable": null,
              "last_four": null,
              "error": "no keyring is running here (org.freedesktop.secrets was not provided by any .service files); set OPENAI_ADMIN_KEY instead"
            }
          ]
        }
        "#);
        let info = keys[0].info;
        insta::assert_snapshot!(show(&|out| confirm_set(out, info, &ring)), @"
        The key for OpenAI is in the keyring: …6789
        Try it: spendbar key test openai-admin
        ");
        insta::assert_snapshot!(show(&|out| confirm_test(out, info, &Origin::Keyring)), @"OpenAI takes the key from the keyring.");
        let left = Origin::Variable("OPENAI_ADMIN_KEY");
        insta::assert_snapshot!(show(&|out| confirm_removed(out, info, true, Some(&left))), @"
        The key for OpenAI is removed from the keyring.
        OPENAI_ADMIN_KEY is still set and is used.
        ");
        insta::assert_snapshot!(show(&|out| confirm_removed(out, info, false, None)), @"The keyring has no key for OpenAI.");
    }
}
